//! Programs on several networks at once: which can be split, and how their parts come together.
//!
//! # Definitions
//! The *front* of a program is what is before the first stage that holds its elements until the end, with that stage.
//! It is built once more for each further part of the input; the program itself has the first part.
//!
//! # Invariants
//! - What is before the last stage of a front gives for an element what that element gives, and knows nothing of others.
//! - The states of the last stage, merged in the order of the parts, are that of all elements in their order, to
//!   the last bit ([`Network::merge`]).
//! - A part begins and ends between two records. Whether that is so shows when the part before it is done
//!   ([`Front::line`]): who finds that it is not throws away what was made of the parts behind.

use std::fmt;
use std::sync::Arc;

use cutthrough::ir::SlotDecl;
use cutthrough::processes::{GroupSpec, Windowing};
use cutthrough::{Error, Network, ProcessId};
use cutthrough_formats::processes::{BadRow, JsonLines, Lines, Parse};

use crate::lower::{Blueprint, BuildError, Io, NodeIndex, Spec};
use crate::plan::{Input, Plan};
use crate::running::{ParsedRows, Running, dropped};
use crate::span::Span;

/// The front of a program.
#[derive(Clone, Debug)]
pub struct Front {
    source_name: String,
    source: Arc<str>,
    blueprint: Blueprint,
    /// For each process of the front, the one of the program; the last one holds the elements.
    nodes: Vec<NodeIndex>,
}

/// Why a program cannot be split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSplit {
    why: String,
}

impl fmt::Display for NotSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What was counted by a network of a front.
#[derive(Clone, Debug)]
pub struct Counts {
    parses: Vec<ParsedRows>,
    /// The first lines that were no rows, as they were numbered there.
    pub bad_lines: Vec<BadRow>,
    lines: LineCounts,
}

/// What was counted of lines by networks that had other parts of the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineCounts {
    /// Those that a stage `lines` has given.
    pub given: u64,
    /// Those that were too long.
    pub too_long: u64,
}

impl Plan {
    /// The front of the program, of which several parts of the input can be given to one network each.
    ///
    /// # Errors
    /// When the program cannot be split; the message says why.
    pub fn front(&self) -> Result<Front, NotSplit> {
        let whole = Blueprint::of(self);
        let nodes = path(&whole)?;
        let mut blueprint = Blueprint::default();
        for &node in &nodes {
            let mut node = whole.nodes[node].clone();
            node.input = node.input.map(|_| blueprint.points.len() - 1);
            for output in &mut node.outputs {
                let mut point = whole.points[*output].clone();
                point.writer = Some((blueprint.nodes.len(), 0));
                blueprint.points.push(point);
                *output = blueprint.points.len() - 1;
            }
            blueprint.nodes.push(node);
        }
        // What it holds is given by the program alone.
        let last = blueprint.nodes.last_mut();
        last.expect("INVARIANT: it has a source and a stage that holds")
            .outputs
            .clear();
        blueprint.points.pop();
        Ok(Front {
            source_name: self.source_name().to_owned(),
            source: Arc::clone(&self.source),
            blueprint,
            nodes,
        })
    }
}

/// The processes from the only source to the first that holds its elements.
fn path(blueprint: &Blueprint) -> Result<Vec<NodeIndex>, NotSplit> {
    let is_source = |spec: &Spec| matches!(spec, Spec::Read(_) | Spec::Generate(_));
    let sources = (0..blueprint.nodes.len()).filter(|&node| is_source(&blueprint.nodes[node].spec));
    let mut nodes: Vec<NodeIndex> = sources.collect();
    let [source] = nodes[..] else {
        return Err(not("it has several sources"));
    };
    if let Spec::Generate(_) = blueprint.nodes[source].spec {
        return Err(not("it reads no files"));
    }
    let mut number = None;
    loop {
        let last = *nodes.last().expect("INVARIANT: there is the source");
        let [point] = blueprint.nodes[last].outputs[..] else {
            return Err(not(format!("`{}` goes several ways", blueprint.nodes[last].name)));
        };
        let readers: Vec<NodeIndex> = blueprint.readers(point).collect();
        let [reader] = readers[..] else {
            return Err(not("it goes several ways"));
        };
        nodes.push(reader);
        let node = &blueprint.nodes[reader];
        match step(&node.spec, &mut number) {
            Step::Each => {}
            Step::Holds => return Ok(nodes),
            Step::No(why) => return Err(not(format!("`{}` {why}", node.name))),
        }
    }
}

fn not(why: impl Into<String>) -> NotSplit {
    NotSplit { why: why.into() }
}

/// Elements that an order may keep: to merge more takes longer than to read them.
const KEPT_MAX: usize = 10_000;

/// What a process is in a front.
enum Step {
    /// It makes of each element what that element says.
    Each,
    /// It holds them all, and its state can be merged.
    Holds,
    No(&'static str),
}

/// What a process is whose elements have the number of their line as this field.
fn step(spec: &Spec, number: &mut Option<usize>) -> Step {
    const NUMBER: &str = "takes the numbers of lines, which are known in their order only";
    let is_numbered = number.is_some();
    match spec {
        Spec::Lines { file: Some(_) } | Spec::Parse { file: Some(_), .. } => {
            Step::No("takes the names of the files that are read")
        }
        Spec::Parse { has_number: true, .. } => Step::No(NUMBER),
        Spec::Lines { file: None } => {
            *number = Some(1);
            Step::Each
        }
        Spec::JsonLines { .. } => Step::Each,
        Spec::Parse {
            has_bad_output: true, ..
        } => Step::No("gives bad rows another way"),
        Spec::Parse {
            is_of_lines: true,
            format,
            ..
        } if format.has_header() => Step::No("takes a header of lines, which are known in their order only"),
        Spec::Parse { .. } => {
            // The numbers of lines are those of bad rows, which are told as those of the whole.
            *number = None;
            Step::Each
        }
        Spec::Compute(compute) if compute.is_random() => Step::No("takes numbers by chance in their order"),
        Spec::Compute(compute) => match number.map_or(Some(None), |field| compute.passes(field)) {
            Some(field) => {
                *number = field;
                Step::Each
            }
            None => Step::No(NUMBER),
        },
        Spec::Lookup(_) | Spec::Explode(_) | Spec::Order(_) if is_numbered => Step::No(NUMBER),
        Spec::Lookup(_) | Spec::Explode(_) => Step::Each,
        Spec::Group(group) if group.windowing != Windowing::None => {
            Step::No("makes groups of windows of time, which come in their order")
        }
        Spec::Group(group)
            if !group
                .aggregates
                .iter()
                .all(|aggregate| aggregate.merges_exactly()) =>
        {
            Step::No("computes what depends on the order of its elements in the last digits")
        }
        Spec::Group(group) if number.is_some_and(|field| !only_counts(group, field)) => Step::No(NUMBER),
        Spec::Group(_) => Step::Holds,
        Spec::Order(order) if order.limit.is_some_and(|limit| limit <= KEPT_MAX) => Step::Holds,
        Spec::Order(_) => Step::No("keeps too much to be merged"),
        Spec::Write { .. } => Step::No("comes before any stage that holds its elements"),
        _ => Step::No("takes elements in their order"),
    }
}

/// Whether a group only counts the elements that have this field, whatever it is.
fn only_counts(group: &GroupSpec, field: usize) -> bool {
    let aggregates = group.aggregates.iter();
    let mut inputs = aggregates.flat_map(|aggregate| aggregate.input().into_iter().map(move |_| aggregate));
    let aggregate = field
        .checked_sub(group.keys.len())
        .and_then(|input| inputs.nth(input));
    let is_count = |column: &SlotDecl| column.name == "count";
    aggregate.is_some_and(|aggregate| matches!(&aggregate.accumulator()[..], [column] if is_count(column)))
}

impl Front {
    /// What is read.
    pub fn inputs(&self) -> &[Input] {
        match &self.blueprint.nodes[0].spec {
            Spec::Read(inputs) => inputs,
            _ => unreachable!("INVARIANT: it begins with a source that reads"),
        }
    }

    /// Whether each input begins with a header.
    pub fn has_header(&self) -> bool {
        self.blueprint.nodes.iter().any(|node| match &node.spec {
            Spec::Parse { format, .. } => format.has_header(),
            _ => false,
        })
    }

    /// Bounds what the last stage may keep; beyond it, the network fails.
    pub fn set_memory_bytes_max(&mut self, bytes: usize) {
        match self.blueprint.nodes.last_mut().map(|node| &mut node.spec) {
            Some(Spec::Group(group)) => group.bytes_max = bytes,
            Some(Spec::Order(order)) => order.bytes_max = bytes,
            _ => {}
        }
    }

    /// The text of the stage whose state is merged, and its place.
    pub fn last(&self) -> (&str, Span) {
        let last = self.blueprint.nodes.last().expect("INVARIANT: it has processes");
        (&last.name, last.span)
    }

    /// Adds the front to a network of its own; for a part that begins within an input (`is_within`), or with one.
    ///
    /// # Errors
    /// When an input cannot be opened, or at a bound of the network.
    pub fn build(
        &self,
        is_within: bool,
        network: &mut Network,
        io: &mut dyn Io,
    ) -> Result<Running, BuildError> {
        let Front {
            source_name,
            source,
            mut blueprint,
            ..
        } = self.clone();
        for node in &mut blueprint.nodes {
            if let Spec::JsonLines { begins_within } = &mut node.spec {
                *begins_within = is_within;
            }
        }
        Running::build(source_name, source, blueprint, network, io)
    }

    /// How many lines of the present input have come to a network of the front, or of the program, if what comes next
    /// begins a record; none where it goes on with one, or depends otherwise on what came before.
    pub fn line(&self, network: &Network, running: &Running) -> Option<i64> {
        let processes = self.processes(running).zip(&self.blueprint.nodes);
        let mut line = None;
        for (process, node) in processes {
            match &node.spec {
                Spec::JsonLines { .. } if !JsonLines::is_of_lines(network, process) => return None,
                Spec::Lines { .. } => line = Lines::line(network, process),
                Spec::Parse {
                    is_of_lines: false, ..
                } => line = Parse::line(network, process),
                _ => {}
            }
        }
        line
    }

    /// The state of the last stage, of a network of the front.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn state(&self, network: &Network, running: &Running) -> Result<Vec<u8>, Error> {
        network.state_of(self.holds(running))
    }

    /// Merges the state of the part behind into that of a network of the front, or of the program.
    ///
    /// # Errors
    /// When they cannot be merged. Nothing has changed then.
    pub fn merge(&self, network: &mut Network, running: &Running, state: &[u8]) -> Result<(), Error> {
        network.merge(self.holds(running), state)
    }

    /// What a network of the front has counted.
    pub fn counts(&self, network: &mut Network, running: &Running) -> Counts {
        let report = network.report();
        let parses = &running.parses;
        let mut lines = LineCounts {
            given: 0,
            too_long: parses.iter().map(|parsing| parsing.too_long(&report)).sum(),
        };
        let processes = report.processes.iter();
        for process in processes.filter(|process| running.lines.contains(&process.id)) {
            lines.given += process.outputs[0].moved;
            lines.too_long += dropped(process, Lines::POLICY);
        }
        Counts {
            parses: parses.iter().map(|parsing| parsing.rows(&report)).collect(),
            bad_lines: parses
                .iter()
                .flat_map(|parsing| parsing.bad_rows.first())
                .collect(),
            lines,
        }
    }

    /// Adds what networks of the front have counted to the counts of the program.
    pub fn count(&self, running: &mut Running, counts: &Counts) {
        for (parsing, rows) in running.parses.iter_mut().zip(&counts.parses) {
            parsing.add(*rows);
            parsing.bad_rows.note_others(&counts.bad_lines);
        }
        running.lines_elsewhere.given += counts.lines.given;
        running.lines_elsewhere.too_long += counts.lines.too_long;
    }

    /// The process that holds the elements.
    fn holds(&self, running: &Running) -> ProcessId {
        let last = self.processes(running).last();
        last.expect("INVARIANT: it has processes")
    }

    /// The processes of the front in a network of it, or of the program.
    fn processes<'a>(&'a self, running: &'a Running) -> impl Iterator<Item = ProcessId> + 'a {
        // A program goes on behind its front: it has more processes.
        let is_front = running.nodes.len() == self.blueprint.nodes.len();
        let nodes = self.nodes.iter().enumerate();
        nodes.map(move |(own, &whole)| running.nodes[if is_front { own } else { whole }])
    }
}

impl Counts {
    /// How many rows were bad, and were left out.
    pub fn bad_rows(&self) -> u64 {
        self.parses.iter().map(|rows| rows.dropped).sum()
    }
}
