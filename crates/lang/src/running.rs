//! A program that runs: its text, and which processes and flow points of a network it has become.

use cutthrough::{Error, Network, PointId, Prepared, ProcessId, ProcessReport, Report, Rewire};
use cutthrough_formats::processes::{BadRows, HEADERS_POLICY, Lines};

use crate::change::Change;
use crate::diagnostic::quoted;
use crate::limits;
use crate::lower::{Blueprint, BuildError, Io, Made, NodeIndex, NodeSpec, PointIndex, PointSpec, Spec};
use crate::plan::{Column, Plan};
use crate::span::Span;
use crate::split::LineCounts;
use crate::suggest;

/// The processes and flow points of a plan that was built, by what they are for and by name.
#[derive(Clone, Debug)]
pub struct Running {
    /// What reads: the roots of all chains, in the order of the plan.
    pub sources: Vec<ProcessId>,
    /// What makes elements of nothing, and does not end by itself when inputs do.
    pub generators: Vec<ProcessId>,
    /// What makes lines of blocks.
    pub lines: Vec<ProcessId>,
    /// What parses.
    pub parses: Vec<Parsing>,
    /// What writes.
    pub sinks: Vec<ProcessId>,
    /// What other networks have counted, whose state was merged into this one.
    pub lines_elsewhere: LineCounts,
    pub(crate) source_name: String,
    pub(crate) source: std::sync::Arc<str>,
    pub(crate) blueprint: Blueprint,
    /// For each process of the blueprint, the one in the network.
    pub(crate) nodes: Vec<ProcessId>,
    /// For each flow point of the blueprint, the one in the network.
    pub(crate) points: Vec<PointId>,
    /// Counts the changes of the program.
    pub(crate) version: u64,
    /// What has left the program, but may still give what it holds.
    pub(crate) leaving: Leaving,
    /// How files were written by what has left the program: whoever writes them again goes on with them.
    pub(crate) written: Vec<Spec>,
}

/// Processes and flow points that are no part of the program any more, to be removed when they are over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving {
    pub(crate) processes: Vec<ProcessId>,
    pub(crate) points: Vec<PointId>,
    /// Outputs of these processes that write to flow points of the program.
    pub(crate) feeds: Vec<Feed>,
}

/// An output of a process that leaves, and the flow point of the program that it writes to meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    pub(crate) process: ProcessId,
    pub(crate) output: usize,
    pub(crate) point: PointIndex,
}

/// What a changed program has become in the network.
pub(crate) struct Parts {
    pub(crate) nodes: Vec<ProcessId>,
    pub(crate) points: Vec<PointId>,
    /// For each process, where it notes bad rows.
    pub(crate) bad_rows: Vec<Option<BadRows>>,
    /// What writes to its flow points although it has left.
    pub(crate) feeds: Vec<Feed>,
}

/// A `parse` of a plan that was built.
#[derive(Clone, Debug)]
pub struct Parsing {
    /// The process.
    pub process: ProcessId,
    /// The text of the stage, with its place.
    pub text: String,
    /// The name of its format.
    pub format: &'static str,
    /// Whether it takes lines apart that another process has found, rather than blocks.
    pub is_of_lines: bool,
    /// Whether bad rows go to a flow point (`else`) rather than being dropped and counted.
    has_bad_output: bool,
    /// The numbers of the first bad rows, if they are dropped.
    pub bad_rows: BadRows,
    /// Of processes, or outputs, that are not there any more.
    earlier: ParsedRows,
}

/// How many rows a parser has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParsedRows {
    /// All of them.
    pub all: u64,
    /// Those that were bad, and were dropped.
    pub dropped: u64,
}

impl Parsing {
    /// What it has found so far.
    pub fn rows(&self, report: &Report) -> ParsedRows {
        let process = report.processes.iter().find(|process| process.id == self.process);
        process.map_or(self.earlier, |process| self.with_counts_of(process))
    }

    /// Adds what another network has found, whose state was merged into this one.
    pub(crate) fn add(&mut self, rows: ParsedRows) {
        self.earlier.all += rows.all;
        self.earlier.dropped += rows.dropped;
    }

    fn with_counts_of(&self, process: &ProcessReport) -> ParsedRows {
        let bad = dropped(process, BadRows::POLICY);
        let all = if self.is_of_lines {
            let lines = process.inputs.first().map_or(0, |edge| edge.moved);
            lines - dropped(process, HEADERS_POLICY)
        } else {
            bad + process.outputs.iter().map(|edge| edge.moved).sum::<u64>()
        };
        ParsedRows {
            all: self.earlier.all + all,
            dropped: self.earlier.dropped + bad,
        }
    }

    /// Goes on with the counts of the same process in the program before; it was like that
    /// before the change.
    fn go_on(&mut self, earlier: &Parsing, before: Option<&ProcessReport>) {
        self.earlier = earlier.earlier;
        if !self.is_of_lines && earlier.has_bad_output && !self.has_bad_output {
            let given = before.and_then(|process| process.outputs.get(1));
            self.earlier.all += given.map_or(0, |edge| edge.moved);
        }
    }

    /// How many lines it has found to be too long; without those of processes that are not there any more.
    pub fn too_long(&self, report: &Report) -> u64 {
        let process = report.processes.iter().find(|process| process.id == self.process);
        process.map_or(0, |process| dropped(process, Lines::POLICY))
    }

    /// How many lines were headers, and so no rows; without those of processes that are not there any more.
    pub fn headers(&self, report: &Report) -> u64 {
        let process = report.processes.iter().find(|process| process.id == self.process);
        process.map_or(0, |process| dropped(process, HEADERS_POLICY))
    }
}

/// How many elements a process has dropped by a policy.
pub(crate) fn dropped(process: &ProcessReport, policy: &str) -> u64 {
    let count = process.dropped.iter().find(|(name, _)| name == policy);
    count.map_or(0, |(_, count)| *count)
}

/// A flow point of a running program.
#[derive(Clone, Copy, Debug)]
pub struct Flow<'r> {
    running: &'r Running,
    index: PointIndex,
}

/// A stage of a running program, or a part of one: a process.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'r> {
    /// The process.
    pub process: ProcessId,
    /// Its text in one line, with the place.
    pub name: &'r str,
    /// The place.
    pub span: Span,
}

impl Plan {
    /// Adds the plan's processes to a network, wired and ready to run: all of them, or nothing.
    ///
    /// # Errors
    /// When an input or output cannot be opened, or at a bound of the network.
    pub fn build(self, network: &mut Network, io: &mut dyn Io) -> Result<Running, BuildError> {
        let blueprint = Blueprint::of(&self);
        Running::build(self.source_name, self.source, blueprint, network, io)
    }
}

impl Running {
    /// Adds the processes of a blueprint, of a program of this text, to a network.
    pub(crate) fn build(
        source_name: String,
        source: std::sync::Arc<str>,
        blueprint: Blueprint,
        network: &mut Network,
        io: &mut dyn Io,
    ) -> Result<Running, BuildError> {
        let mut prepared = Vec::with_capacity(blueprint.nodes.len());
        let mut bad_rows = Vec::with_capacity(blueprint.nodes.len());
        for node in &blueprint.nodes {
            let (process, noted) = prepare(node, io, None, false)?;
            prepared.push(process);
            bad_rows.push(noted);
        }
        let (nodes, points) = transact(network, |rewire, place| add(rewire, &blueprint, prepared, place))?;
        let mut running = Running::new(source_name, source, blueprint, nodes, points, bad_rows);
        running.note_what_may_hold(network);
        Ok(running)
    }
}

/// Makes the process of a node and builds its program. What writes may go on with a file of an earlier program.
pub(crate) fn prepare(
    node: &NodeSpec,
    io: &mut dyn Io,
    noted: Option<&BadRows>,
    goes_on: bool,
) -> Result<(Prepared, Option<BadRows>), BuildError> {
    let Made { process, bad_rows } = node
        .spec
        .make(io, noted, goes_on)
        .map_err(|message| BuildError::new(message, node.span))?;
    let prepared = Prepared::named(&node.name, process);
    let prepared = prepared.map_err(|error| BuildError::new(error.to_string(), node.span))?;
    Ok((prepared, bad_rows))
}

/// Makes a rewire; an error is told with the place in the text at which `edit` was, rather than the number of the edit.
pub(crate) fn transact<R>(
    network: &mut Network,
    edit: impl FnOnce(&mut Rewire<'_>, &mut Span) -> Result<R, Error>,
) -> Result<R, BuildError> {
    let mut place = Span::default();
    let mut message = None;
    let outcome = network.rewire(|rewire| {
        let outcome = edit(rewire, &mut place);
        message = outcome.as_ref().err().map(Error::to_string);
        outcome
    });
    outcome.map_err(|error| match message {
        Some(message) => BuildError::new(message, place),
        // It is about the whole.
        None => BuildError::new(error.to_string(), Span::default()),
    })
}

/// Adds all of a blueprint; `place` is where an error has occurred.
fn add(
    rewire: &mut Rewire<'_>,
    blueprint: &Blueprint,
    prepared: Vec<Prepared>,
    place: &mut Span,
) -> Result<(Vec<ProcessId>, Vec<PointId>), Error> {
    let mut points = Vec::with_capacity(blueprint.points.len());
    for point in &blueprint.points {
        *place = point.span;
        points.push(rewire.point(&point.name, point.element.clone())?);
    }
    let mut nodes = Vec::with_capacity(blueprint.nodes.len());
    for (node, process) in blueprint.nodes.iter().zip(prepared) {
        *place = node.span;
        let process = rewire.add_prepared(process)?;
        if let Some(input) = node.input {
            rewire.attach_input(process, 0, points[input])?;
        }
        for (output, &point) in node.outputs.iter().enumerate() {
            rewire.attach_output(process, output, points[point])?;
        }
        nodes.push(process);
    }
    Ok((nodes, points))
}

impl Running {
    fn new(
        source_name: String,
        source: std::sync::Arc<str>,
        blueprint: Blueprint,
        nodes: Vec<ProcessId>,
        points: Vec<PointId>,
        bad_rows: Vec<Option<BadRows>>,
    ) -> Running {
        let mut running = Running {
            sources: Vec::new(),
            generators: Vec::new(),
            lines: Vec::new(),
            parses: Vec::new(),
            sinks: Vec::new(),
            source_name,
            source,
            lines_elsewhere: LineCounts::default(),
            blueprint,
            nodes,
            points,
            version: 0,
            leaving: Leaving::default(),
            written: Vec::new(),
        };
        running.sort_out(bad_rows);
        running
    }

    /// Notes which processes may hold elements, as the network says.
    fn note_what_may_hold(&mut self, network: &Network) {
        for (node, &process) in self.blueprint.nodes.iter_mut().zip(&self.nodes) {
            node.may_hold = network.may_hold(process);
        }
    }

    /// Works out anew what the processes are for.
    pub(crate) fn sort_out(&mut self, mut bad_rows: Vec<Option<BadRows>>) {
        let of = |wanted: fn(&Spec) -> bool| {
            let nodes = self.blueprint.nodes.iter().zip(&self.nodes);
            nodes
                .filter(|(node, _)| wanted(&node.spec))
                .map(|(_, &process)| process)
                .collect()
        };
        self.sources = of(|spec| matches!(spec, Spec::Read(_)));
        self.generators = of(|spec| matches!(spec, Spec::Generate(_)));
        self.lines = of(|spec| matches!(spec, Spec::Lines { .. }));
        self.sinks = of(|spec| matches!(spec, Spec::Write { .. }));
        self.parses.clear();
        for (index, node) in self.blueprint.nodes.iter().enumerate() {
            let Spec::Parse {
                format,
                is_of_lines,
                has_bad_output,
                ..
            } = &node.spec
            else {
                continue;
            };
            if let Some(bad_rows) = bad_rows[index].take() {
                self.parses.push(Parsing {
                    format: format.name(),
                    process: self.nodes[index],
                    text: node.name.clone(),
                    is_of_lines: *is_of_lines,
                    has_bad_output: *has_bad_output,
                    bad_rows,
                    earlier: ParsedRows::default(),
                });
            }
        }
    }

    /// Takes a changed program for the old one; the reports are of its processes, before the change.
    pub(crate) fn become_new(
        &mut self,
        change: Change,
        parts: Parts,
        reports: &[ProcessReport],
        network: &Network,
    ) {
        let Parts {
            nodes,
            points,
            bad_rows,
            feeds,
        } = parts;
        let left = |process: &ProcessId| !nodes.contains(process);
        self.remember_written(&left);
        let parses = self.parses.drain(..);
        let (mut departed, kept): (Vec<Parsing>, Vec<Parsing>) =
            parses.partition(|parsing| left(&parsing.process));
        let report_of = |process: ProcessId| reports.iter().find(|report| report.id == process);
        for parsing in &mut departed {
            let is_gone = network.process_report(parsing.process).is_err();
            if let Some(last) = report_of(parsing.process).filter(|_| is_gone) {
                parsing.earlier = parsing.with_counts_of(last);
            }
        }
        self.leaving.processes.extend(self.nodes.drain(..).filter(left));
        let left = |point: &PointId| !points.contains(point);
        self.leaving.points.extend(self.points.drain(..).filter(left));
        (self.source_name, self.source, self.blueprint) = change.into_program();
        (self.nodes, self.points) = (nodes, points);
        self.note_what_may_hold(network);
        self.leaving.feeds = feeds;
        self.version += 1;
        self.sort_out(bad_rows);
        for parsing in &mut self.parses {
            if let Some(earlier) = kept.iter().find(|kept| kept.process == parsing.process) {
                parsing.go_on(earlier, report_of(parsing.process));
            }
        }
        self.remember(departed, network);
    }

    /// Keeps how files were written that are not written any more.
    fn remember_written(&mut self, left: &impl Fn(&ProcessId) -> bool) {
        for (node, process) in self.blueprint.nodes.iter().zip(&self.nodes) {
            let Some(path) = node.spec.written_file().filter(|_| left(process)) else {
                continue;
            };
            self.written.retain(|known| known.written_file() != Some(path));
            if self.written.len() == limits::WRITTEN_FILES_KNOWN_MAX {
                self.written.remove(0);
            }
            self.written.push(node.spec.clone());
        }
    }

    /// Keeps the counts of parsers that have left: of those that are gone in one for all, so that they do not grow in
    /// number.
    fn remember(&mut self, departed: Vec<Parsing>, network: &Network) {
        let current = self.parses.len();
        let is_gone = |parsing: &Parsing| network.process_report(parsing.process).is_err();
        for parsing in departed {
            let known = self.parses[current..].iter_mut().find(|known| is_gone(known));
            match known.filter(|_| is_gone(&parsing)) {
                Some(known) => {
                    known.earlier.all += parsing.earlier.all;
                    known.earlier.dropped += parsing.earlier.dropped;
                }
                None => self.parses.push(parsing),
            }
        }
    }

    /// Removes what has left the program and is over by now. Every change ends with that; what still gives what it
    /// holds then is removed by the next one, or when this is called again.
    pub fn settle(&mut self, network: &mut Network) {
        let is_over = |process: &ProcessId| {
            let report = network.process_report(*process);
            report.map_or(true, |report| report.is_over())
        };
        let (over, processes) = self.leaving.processes.drain(..).partition(is_over);
        self.leaving.processes = processes;
        for process in Vec::into_iter(over) {
            // Others may have removed it as finished.
            let Ok(last) = network.remove(process) else {
                continue;
            };
            for parsing in self
                .parses
                .iter_mut()
                .filter(|parsing| parsing.process == process)
            {
                parsing.earlier = parsing.with_counts_of(&last);
            }
        }
        let leaving = &mut self.leaving;
        leaving
            .feeds
            .retain(|feed| leaving.processes.contains(&feed.process));
        leaving.points.retain(|&point| {
            // It is in use as long as something that leaves, or a tap, is attached to it.
            network.remove_point(point).is_err() && network.element_of(point).is_ok()
        });
    }

    /// Where a parser of the blueprint notes bad rows.
    pub(crate) fn bad_rows_of(&self, node: NodeIndex) -> Option<&BadRows> {
        let process = self.nodes[node];
        let parsing = self.parses.iter().find(|parsing| parsing.process == process);
        parsing.map(|parsing| &parsing.bad_rows)
    }

    /// What the program's text is called.
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// The program's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The program's flow points, upstream first.
    pub fn flows(&self) -> impl Iterator<Item = Flow<'_>> {
        (0..self.points.len()).map(|index| Flow { running: self, index })
    }

    /// The flow point of this name: one of the program, or of a stage, such as `parse.1`.
    ///
    /// # Errors
    /// When there is none; the message says which are like it.
    pub fn flow(&self, name: &str) -> Result<Flow<'_>, UnknownFlow> {
        let points = &self.blueprint.points;
        let found = points.iter().position(|point| point.name == name).or_else(|| {
            points
                .iter()
                .position(|point| point.aliases.iter().any(|alias| alias == name))
        });
        let index = found.ok_or_else(|| UnknownFlow {
            name: name.to_owned(),
            known: points.iter().map(|point| point.name.clone()).collect(),
            count: 0,
        })?;
        Ok(Flow { running: self, index })
    }

    /// The program's processes, upstream first.
    pub fn stages(&self) -> impl Iterator<Item = Stage<'_>> {
        let nodes = self.blueprint.nodes.iter().zip(&self.nodes);
        nodes.map(|(node, &process)| Stage {
            process,
            name: &node.name,
            span: node.span,
        })
    }
}

impl<'r> Flow<'r> {
    pub(crate) fn spec(&self) -> &'r PointSpec {
        &self.running.blueprint.points[self.index]
    }

    /// What it is called.
    pub fn name(&self) -> &'r str {
        &self.spec().name
    }

    /// Other names that it goes by.
    pub fn aliases(&self) -> &'r [String] {
        &self.spec().aliases
    }

    /// The flow point of the network.
    pub fn point(&self) -> PointId {
        self.running.points[self.index]
    }

    /// The place of the name, or of the stage that writes to it.
    pub fn span(&self) -> Span {
        self.spec().span
    }

    /// What its elements carry, by the names that a tap has for it.
    pub fn columns(&self) -> Vec<Column> {
        self.spec().visible().to_columns()
    }
}

/// There is no flow point of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFlow {
    name: String,
    known: Vec<String>,
    count: usize,
}

impl UnknownFlow {
    /// In a network, where there are none, or several; a report has the names there are.
    pub(crate) fn in_network(network: &mut Network, name: &str, count: usize) -> UnknownFlow {
        let points = network.report().points;
        UnknownFlow {
            name: name.to_owned(),
            known: points.into_iter().map(|point| point.name).collect(),
            count,
        }
    }
}

impl std::fmt::Display for UnknownFlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// As many as fit a line.
        const LISTED: usize = 8;
        if self.count > 1 {
            let name = quoted(&self.name);
            return write!(f, "there are {} flow points {name}; name them apart", self.count);
        }
        write!(f, "there is no flow point {}", quoted(&self.name))?;
        if let Some(help) = suggest::did_you_mean(&self.name, self.known.iter().map(String::as_str)) {
            return write!(f, "; {help}");
        }
        if self.known.is_empty() {
            return Ok(());
        }
        let listed: Vec<String> = self.known.iter().take(LISTED).map(|name| quoted(name)).collect();
        let more = if self.known.len() > LISTED { ", ..." } else { "" };
        write!(f, "; there are {}{more}", listed.join(", "))
    }
}

impl std::error::Error for UnknownFlow {}
