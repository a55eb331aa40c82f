//! Taps: pipelines attached to a flow point of a running network, and detached again.
//!
//! A tap is processes like any others, so it runs in the same loop as what it looks at. A `tee` is put in behind the
//! writers of the flow point, which keeps its readers; its second branch goes through the tap's pipeline into a bounded
//! output, which another thread reads. All of that comes by one rewire and goes by one.
//!
//! Whether the flow waits for the tap is its [`TapPolicy`].
//!
//! | module | what |
//! |---|---|
//! | `mod.rs` | what can be tapped; a tap from its text to its end |
//! | [`output`] | the bounded output |
//! | [`attached`] | what a tap consists of, and how it goes |
//!
//! ```
//! use std::time::Duration;
//! use cutthrough::{Network, processes::{Iter, ForEach}};
//! use cutthrough_lang::{TapOptions, TapPoint, TapRead, tap};
//!
//! let mut network = Network::default();
//! let numbers = network.source::<i64>(Iter::new(0..1000i64))?;
//! network.sink(numbers, ForEach::new(|_: i64| {}))?;
//!
//! // Elements of a type that no program has given names to are called `value`.
//! let point = TapPoint::of_network(&network, numbers)?;
//! let (tapped, mut reader) = tap(&mut network, &point, "where value % 400 == 0", &TapOptions::default())?;
//! network.run()?;
//! let mut bytes = Vec::new();
//! assert_eq!(reader.read(&mut bytes, Duration::from_secs(1)), TapRead::Bytes);
//! assert_eq!(bytes, b"0\n400\n800\n");
//! assert_eq!(tapped.counts(&network).seen, 1000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attached;
mod output;

use std::sync::Arc;

use cutthrough::ir::ElementType;
use cutthrough::processes::{BranchPolicy, Tee};
use cutthrough::{AnyPoint, Error, Network, PointId, Prepared, Process, ProcessId, Rewire};
use cutthrough_formats::Field;

use crate::ast::OutputFormat;
use crate::check::{self, Schema};
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::lower::{Blueprint, BuildError, Io, NodeSpec, PointSpec};
use crate::plan::{Begin, Column, Input, Target};
use crate::running::{Flow, UnknownFlow, prepare};
use attached::{Attached, Fate};
use output::{Branch, Shared, Sink};

pub use output::{TapRead, TapReader};

/// What happens to elements that a tap cannot take at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TapPolicy {
    /// The tap misses them, which is counted. The flow never waits.
    #[default]
    Lossy,
    /// The flow waits: the tap sees every element.
    Complete,
}

/// How a flow is tapped.
#[derive(Clone, Debug)]
pub struct TapOptions {
    /// What happens at the bound of the output.
    pub policy: TapPolicy,
    /// How the output is written, unless the pipeline says it (`| write stdout as json`).
    pub format: OutputFormat,
    /// At how many bytes that nobody has read yet the tap takes no more elements. It may hold one row more.
    pub output_bytes_max: usize,
}

impl Default for TapOptions {
    /// Lossy, as text.
    fn default() -> TapOptions {
        TapOptions {
            policy: TapPolicy::default(),
            format: OutputFormat::Text,
            output_bytes_max: limits::TAP_OUTPUT_BYTES,
        }
    }
}

/// A flow point that can be tapped: what its elements are, by name.
#[derive(Clone, Debug)]
pub struct TapPoint {
    point: PointId,
    name: String,
    element: ElementType,
    schema: Schema,
    is_block: bool,
}

impl From<Flow<'_>> for TapPoint {
    fn from(flow: Flow<'_>) -> TapPoint {
        let spec = flow.spec();
        TapPoint {
            point: flow.point(),
            name: spec.name.clone(),
            element: spec.element.clone(),
            schema: spec.in_place(),
            is_block: spec.is_block,
        }
    }
}

impl TapPoint {
    /// A flow point of a network that no program tells of. A field is called `value`; several are called `value1`,
    /// `value2`, and so on.
    ///
    /// # Errors
    /// When there is no such flow point.
    pub fn of_network(network: &Network, point: impl Into<AnyPoint>) -> Result<TapPoint, Error> {
        let any = point.into();
        let element = network.element_of(any)?.clone();
        Ok(TapPoint {
            point: any.id(),
            name: network.name_of(any)?.to_owned(),
            schema: Schema::of_values(element.fields()),
            element,
            is_block: false,
        })
    }

    /// The flow point of this name in a network that no program tells of.
    ///
    /// # Errors
    /// When there is none, or several of them.
    pub fn named(network: &mut Network, name: &str) -> Result<TapPoint, UnknownFlow> {
        let points = network.points_named(name);
        let [point] = points[..] else {
            return Err(UnknownFlow::in_network(network, name, points.len()));
        };
        TapPoint::of_network(network, point).map_err(|_| UnknownFlow::in_network(network, name, 0))
    }

    /// What the flow point is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What can be named of its elements.
    pub fn columns(&self) -> Vec<Column> {
        self.schema.to_columns()
    }
}

/// A tap whose pipeline has been checked and built, on any thread: to attach it takes one short rewire.
#[derive(Debug)]
pub struct TapPlan {
    point: PointId,
    tee: Prepared,
    /// The first is what the tee writes to.
    points: Vec<(String, ElementType)>,
    nodes: Vec<Node>,
    /// Whether elements may stay behind in the pipeline.
    holds: bool,
    shared: Arc<Shared>,
}

/// A process of the pipeline, and the points that it is attached to.
#[derive(Debug)]
struct Node {
    process: Prepared,
    input: Option<usize>,
    outputs: Vec<usize>,
}

/// A tap that is attached, for the thread that runs the network.
#[derive(Debug)]
pub struct Tap {
    shared: Arc<Shared>,
}

/// What a tap has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapCounts {
    /// Elements that passed the flow point while the tap wanted some.
    pub seen: u64,
    /// Of these, how many it could not take. None, if it is complete.
    pub missed: u64,
    /// Rows that came out of its pipeline.
    pub emitted: u64,
}

/// Attaches a pipeline, such as `where status >= 500 | head 10`, to a flow point.
///
/// # Errors
/// When the text is wrong, or the flow point is not there any more or has no writers.
pub fn tap(
    network: &mut Network,
    point: &TapPoint,
    pipeline: &str,
    options: &TapOptions,
) -> Result<(Tap, TapReader), TapError> {
    let plan = TapPlan::compile(point, pipeline, options)?;
    Ok(plan.attach(network)?)
}

/// Why a tap is not attached.
#[derive(Clone, Debug, PartialEq)]
pub enum TapError {
    /// The text of its pipeline is wrong.
    Pipeline(Diagnostic),
    /// The network does not have it.
    Network(Error),
}

impl TapPlan {
    /// Checks a tap's pipeline against what it reads, and builds its processes.
    ///
    /// # Errors
    /// The one message about the text.
    pub fn compile(point: &TapPoint, pipeline: &str, options: &TapOptions) -> Result<TapPlan, Diagnostic> {
        let program = crate::parse_program(pipeline)?;
        let plan = check::check_tap(pipeline, &program, &point.element, &point.schema, point.is_block);
        let plan = plan.map_err(|diagnostic| *diagnostic)?;
        let start = PointSpec::start(&plan, point.element.clone(), point.is_block);
        let label = format!("tap of {}", point.name);
        let mut blueprint = Blueprint::behind(&plan, start);
        for node in &mut blueprint.nodes {
            node.name = format!("{label}: {}", node.name);
        }
        let mut io = TapIo {
            options,
            shared: None,
        };
        let prepare_one = |node: &NodeSpec| {
            let (process, _) = prepare(node, &mut io, None, false)?;
            Ok(Node {
                process,
                input: node.input,
                outputs: node.outputs.clone(),
            })
        };
        let nodes = blueprint.nodes.iter().map(prepare_one);
        let nodes: Vec<_> = nodes
            .collect::<Result<_, BuildError>>()
            .map_err(|error| error.diagnostic())?;
        let further = blueprint.points.drain(1..);
        let further = further.map(|point| (format!("{label}: {}", point.name), point.element));
        let points = [(label.clone(), point.element.clone())]
            .into_iter()
            .chain(further);
        let points = points.collect();
        let shared = io.shared.expect("INVARIANT: a tap's pipeline ends in `write`");
        let branch = match options.policy {
            TapPolicy::Lossy => BranchPolicy::Drop,
            TapPolicy::Complete => BranchPolicy::Block,
        };
        let tee = Branch {
            tee: Tee::new(point.element.clone(), [BranchPolicy::Block, branch]),
            name: label,
            shared: Arc::clone(&shared),
        };
        let tee = Prepared::new(Box::new(tee)).expect("INVARIANT: a tee is well formed");
        let holds = nodes.iter().any(|node| node.process.may_hold());
        Ok(TapPlan {
            point: point.point,
            tee,
            points,
            nodes,
            holds,
            shared,
        })
    }

    /// Attaches the tap, by one rewire.
    ///
    /// # Errors
    /// When the flow point is not there any more or has no writers, or at a bound of the network.
    pub fn attach(self, network: &mut Network) -> Result<(Tap, TapReader), Error> {
        let shared = Arc::clone(&self.shared);
        // INVARIANT: the handle is set before any of its processes can be told anything.
        let _ = shared.handle.set(network.handle());
        // Who taps knows of no edits, and so of no numbers of edits.
        let mut refused = None;
        let attached = network.rewire(|rewire| {
            let attached = self.wire(rewire);
            refused = attached.as_ref().err().cloned();
            attached
        });
        let attached = attached.map_err(|error| refused.unwrap_or(error))?;
        *shared.attached.lock() = Some(attached);
        let reader = TapReader::new(Arc::clone(&shared));
        Ok((Tap { shared }, reader))
    }

    fn wire(self, rewire: &mut Rewire<'_>) -> Result<Attached, Error> {
        let tee = rewire.add_prepared(self.tee)?;
        let between = rewire.insert_into(self.point, tee)?;
        let mut points = Vec::with_capacity(self.points.len());
        for (name, element) in self.points {
            points.push(rewire.point(&name, element)?);
        }
        let tapped = points[0];
        rewire.attach_output(tee, 1, tapped)?;
        let mut nodes: Vec<ProcessId> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes {
            let process = rewire.add_prepared(node.process)?;
            rewire.tolerate(process)?;
            if let Some(input) = node.input {
                rewire.attach_input(process, 0, points[input])?;
            }
            for (output, &point) in node.outputs.iter().enumerate() {
                rewire.attach_output(process, output, points[point])?;
            }
            nodes.push(process);
        }
        points.remove(0);
        Ok(Attached {
            tee: Some(tee),
            between,
            tapped,
            sink: *nodes.last().expect("INVARIANT: a tap has an end"),
            nodes,
            points,
            fate: if self.holds { Fate::Finished } else { Fate::Removed },
        })
    }
}

impl Tap {
    /// Takes the tap out, so that the flow is as if it had never been there. What its pipeline still holds, as a
    /// `summarize` does, comes out first: the reader has everything when it says [`TapRead::End`]. To detach a tap that
    /// has ended by itself is harmless.
    pub fn detach(&self, network: &mut Network) {
        Attached::detach(&self.shared, network);
    }

    /// What it has come to so far, or in the end.
    pub fn counts(&self, network: &Network) -> TapCounts {
        TapCounts::of(&self.shared, network)
    }

    /// Whether nothing of it is left in the network: it has been detached, its `head` has had enough, or its pipeline
    /// has failed.
    pub fn is_gone(&self) -> bool {
        self.shared.attached.lock().is_none()
    }
}

/// What a tap reads and writes: its pipeline may not open anything.
struct TapIo<'o> {
    options: &'o TapOptions,
    shared: Option<Arc<Shared>>,
}

impl Io for TapIo<'_> {
    fn read(&mut self, _inputs: &[Input]) -> Result<Box<dyn Process>, String> {
        Err("a tap reads its flow point only".to_owned())
    }

    fn write(
        &mut self,
        _target: &Target,
        _begin: Begin,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        let format = format.unwrap_or(self.options.format);
        let types = columns.iter().map(|column| column.ty.words()).collect();
        let fields = columns.iter().map(|column| Field::new(&column.name, column.ty));
        let bytes_max = self.options.output_bytes_max;
        let shared = Shared::new(format, fields.collect(), bytes_max);
        self.shared = Some(Arc::clone(&shared));
        Ok(Box::new(Sink::new(types, shared)))
    }
}

impl From<Diagnostic> for TapError {
    fn from(diagnostic: Diagnostic) -> TapError {
        TapError::Pipeline(diagnostic)
    }
}

impl From<Error> for TapError {
    fn from(error: Error) -> TapError {
        TapError::Network(error)
    }
}

impl std::fmt::Display for TapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TapError::Pipeline(diagnostic) => diagnostic.fmt(f),
            TapError::Network(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TapError {}
