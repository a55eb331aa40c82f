//! A program that runs: its text, and which processes and flow points of a network it has become.

use cutthrough::{Error, Network, PointId, Prepared, ProcessId, Report, Rewire};
use cutthrough_formats::processes::BadRows;

use crate::diagnostic::quoted;
use crate::lower::{Blueprint, BuildError, Io, Made, Named, NodeSpec, PointIndex, PointSpec, Spec};
use crate::plan::{Column, Plan};
use crate::span::Span;
use crate::suggest;

/// The processes and flow points of a plan that was built, by what they are for and by name.
#[derive(Clone, Debug)]
pub struct Running {
    /// What reads: the roots of all chains, in the order of the plan.
    pub sources: Vec<ProcessId>,
    /// What makes lines of blocks.
    pub lines: Vec<ProcessId>,
    /// What parses.
    pub parses: Vec<Parsing>,
    /// What writes.
    pub sinks: Vec<ProcessId>,
    pub(crate) source_name: String,
    pub(crate) source: std::sync::Arc<str>,
    pub(crate) blueprint: Blueprint,
    /// For each process of the blueprint, the one in the network.
    pub(crate) nodes: Vec<ProcessId>,
    /// For each flow point of the blueprint, the one in the network.
    pub(crate) points: Vec<PointId>,
}

/// A `parse` of a plan that was built.
#[derive(Clone, Debug)]
pub struct Parsing {
    /// The process.
    pub process: ProcessId,
    /// The text of the stage, with its place.
    pub text: String,
    /// Whether bad rows go to a flow point (`else`) rather than being dropped and counted.
    pub has_bad_output: bool,
    /// The numbers of the first bad rows, if they are dropped.
    pub bad_rows: BadRows,
}

impl Parsing {
    /// How many rows were given to the parser, and how many of them were bad.
    pub fn rows(&self, report: &Report) -> (u64, u64) {
        let process = report.processes.iter().find(|process| process.id == self.process);
        let Some(process) = process else { return (0, 0) };
        let rows = process.inputs.first().map_or(0, |edge| edge.moved);
        let bad = if self.has_bad_output {
            process.outputs.get(1).map_or(0, |edge| edge.moved)
        } else {
            let dropped = process
                .dropped
                .iter()
                .find(|(policy, _)| policy == BadRows::POLICY);
            dropped.map_or(0, |(_, count)| *count)
        };
        (rows, bad)
    }
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
        let mut prepared = Vec::with_capacity(blueprint.nodes.len());
        let mut bad_rows = Vec::with_capacity(blueprint.nodes.len());
        for node in &blueprint.nodes {
            let (process, noted) = prepare(node, io, None)?;
            prepared.push(process);
            bad_rows.push(noted);
        }
        let (nodes, points) = transact(network, |rewire, place| add(rewire, &blueprint, prepared, place))?;
        Ok(Running::new(&self, blueprint, nodes, points, bad_rows))
    }
}

/// Makes the process of a node and builds its program.
pub(crate) fn prepare(
    node: &NodeSpec,
    io: &mut dyn Io,
    noted: Option<&BadRows>,
) -> Result<(Prepared, Option<BadRows>), BuildError> {
    let Made { process, bad_rows } = node
        .spec
        .make(io, noted)
        .map_err(|message| BuildError::new(message, node.span))?;
    let prepared = Prepared::new(Box::new(Named::new(&node.name, process)));
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
        plan: &Plan,
        blueprint: Blueprint,
        nodes: Vec<ProcessId>,
        points: Vec<PointId>,
        bad_rows: Vec<Option<BadRows>>,
    ) -> Running {
        let mut running = Running {
            sources: Vec::new(),
            lines: Vec::new(),
            parses: Vec::new(),
            sinks: Vec::new(),
            source_name: plan.source_name.clone(),
            source: plan.source.clone(),
            blueprint,
            nodes,
            points,
        };
        running.sort_out(bad_rows);
        running
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
        self.lines = of(|spec| matches!(spec, Spec::Lines));
        self.sinks = of(|spec| matches!(spec, Spec::Write { .. }));
        self.parses.clear();
        for (index, node) in self.blueprint.nodes.iter().enumerate() {
            if let (Spec::Parse { has_bad_output, .. }, Some(bad_rows)) = (&node.spec, bad_rows[index].take())
            {
                self.parses.push(Parsing {
                    process: self.nodes[index],
                    text: node.name.clone(),
                    has_bad_output: *has_bad_output,
                    bad_rows,
                });
            }
        }
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
    /// In a network, where there are none, or several.
    pub(crate) fn in_network(name: &str, count: usize) -> UnknownFlow {
        UnknownFlow {
            name: name.to_owned(),
            known: Vec::new(),
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
