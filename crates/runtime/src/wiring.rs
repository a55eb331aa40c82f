//! The wiring: which process is attached to which flow point. Chains are built from it.
//!
//! Processes and flow points are immutable data that is replaced when it changes; the
//! [`Journal`] keeps what was replaced, so that a rewire can be taken back, and says what
//! it has touched.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use cutthrough_ir::{ElementType, Place};
use slotmap::SlotMap;

use crate::arrangement::Arrangement;
use crate::fate::{Close, Edge, Fate};
use crate::limits::DROPPED_BEFORE_MAX;
use crate::program::ProcessCode;
use crate::wake::Wakes;

pub(crate) use crate::ids::Counter;
pub use crate::ids::{PointId, Port, ProcessId};

/// An input's attachment.
#[derive(Clone, Debug)]
pub(crate) struct InEdge {
    pub(crate) point: Option<PointId>,
    /// The point it is or was last attached to, for the accounts, and how many elements
    /// had been counted here before that.
    pub(crate) home: Option<PointId>,
    pub(crate) before_home: u64,
    /// Elements that came in.
    pub(crate) count: Counter,
    /// Of these, the ones that came when the process was over.
    pub(crate) late: Counter,
    /// Why nothing comes any more, if so.
    pub(crate) closed: Option<Close>,
}

/// An output's attachment.
#[derive(Clone, Debug)]
pub(crate) struct OutEdge {
    pub(crate) point: Option<PointId>,
    /// The point it is or was last attached to, for the accounts, and how many elements
    /// had been counted here, and not lost, before that.
    pub(crate) home: Option<PointId>,
    pub(crate) before_home: u64,
    /// Elements that went out, those lost included.
    pub(crate) count: Counter,
    /// Elements that went out after the readers had left.
    pub(crate) lost: Counter,
    /// Why nothing goes out any more, if so.
    pub(crate) closed: Option<Close>,
}

/// A process as the wiring knows it. What does not change is shared, as rewires copy what
/// they touch.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    /// Where in the user's program it was added, if that is known.
    pub(crate) added_at: Option<&'static Location<'static>>,
    pub(crate) code: Arc<ProcessCode>,
    /// Where its slots lie.
    pub(crate) places: Arc<[Place]>,
    /// Its row buffers, by their numbers in the state.
    pub(crate) rows: Arc<[u32]>,
    /// Where its [`Status`] lies.
    pub(crate) status: Place,
    /// Its host functions, by their numbers in the network.
    pub(crate) hosts: Arc<[u32]>,
    /// The counters of its drop policies.
    pub(crate) drops: Arc<[Counter]>,
    pub(crate) inputs: Vec<InEdge>,
    pub(crate) outputs: Vec<OutEdge>,
    /// Whether it has been taken out of the flow.
    pub(crate) is_retired: bool,
    /// Whether it has failed by itself.
    pub(crate) is_failed: bool,
    /// Whether its failure is nothing to the network: only the process is told.
    pub(crate) is_tolerated: bool,
    /// Whether it is to be removed when it has given what it holds.
    pub(crate) is_leaving: bool,
    /// Whether slots and row buffers are all its state.
    pub(crate) is_declared: bool,
    /// What becomes of what it holds when it is cancelled or removed.
    pub(crate) fate: Fate,
    pub(crate) wakes: Wakes,
    /// The edges whose demand it is told of.
    pub(crate) watched: Arc<[Edge]>,
    /// How many elements went back to its author, and came with the state of another process.
    pub(crate) handed_back: u64,
    pub(crate) merged: u64,
    /// What earlier programs of the process dropped by policies that this one does not have.
    pub(crate) dropped_before: Vec<(String, u64)>,
    /// For each of its accounts, how many elements that came in are accounted for elsewhere: they
    /// were handed back, or earlier programs of the process did something with them. Those that
    /// came by a merge are subtracted.
    pub(crate) elsewhere: Vec<i64>,
}

impl Node {
    /// Keeps what an earlier program dropped by a policy, by its name or, of too many, together.
    pub(crate) fn keep_dropped(&mut self, policy: String, count: u64) {
        if count == 0 {
            return;
        }
        let is_full = self.dropped_before.len() + 1 >= DROPPED_BEFORE_MAX;
        let policy = if is_full {
            DROPPED_OTHERWISE.to_owned()
        } else {
            policy
        };
        let known = self.dropped_before.iter_mut().find(|(name, _)| *name == policy);
        match known {
            Some((_, sum)) => *sum += count,
            None => self.dropped_before.push((policy, count)),
        }
    }
}

/// What stands for the policies of earlier programs that are too many.
const DROPPED_OTHERWISE: &str = "by other policies before";

/// What a process is ready for. It lies in a state slot, as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum Status {
    /// It holds nothing to give and takes input.
    Idle = 0,
    /// It holds something to give.
    Holding = 1,
    /// It has no more to give and takes no more.
    Finished = 2,
    /// It is pending: it goes on giving when it has been woken, and takes no input before.
    Waiting = 3,
    /// It failed because a host call did.
    HostFailed = 4,
    /// It failed with one of its own messages: [`Status::FAILED`] + its number.
    Failed = Status::FAILED,
}

impl Status {
    /// The first of the integers that stand for a process's own failures.
    pub(crate) const FAILED: i64 = 5;

    pub(crate) fn of(word: i64) -> Status {
        match word {
            0 => Status::Idle,
            1 => Status::Holding,
            2 => Status::Finished,
            3 => Status::Waiting,
            4 => Status::HostFailed,
            _ => Status::Failed,
        }
    }

    /// Whether the process takes no further part in the flow.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Status::Finished | Status::HostFailed | Status::Failed)
    }
}

/// A flow point as the wiring knows it.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) name: Arc<str>,
    pub(crate) element: ElementType,
    pub(crate) writers: Vec<Port>,
    pub(crate) readers: Vec<Port>,
    /// Whether it stays open when the last writer (reader) leaves.
    pub(crate) hold_writers: bool,
    pub(crate) hold_readers: bool,
    /// Elements that were dealt to nobody, as all readers had left.
    pub(crate) lost: Counter,
    /// Elements written (read) here by processes that have been removed since.
    pub(crate) departed_put: Counter,
    pub(crate) departed_taken: Counter,
    /// Whether elements written here go into a block that is dealt out, as more than
    /// one reader may have them (`plan/cone.rs` has the other reason).
    pub(crate) dealt: bool,
}

/// All processes and flow points, and who is attached to what.
#[derive(Debug, Default)]
pub(crate) struct Wiring {
    /// Counts the changes.
    pub(crate) version: u64,
    pub(crate) nodes: SlotMap<ProcessId, Arc<Node>>,
    pub(crate) points: SlotMap<PointId, Arc<Point>>,
    /// What follows from the rest.
    pub(crate) arrangement: Arrangement,
    /// What has changed since that was worked out.
    pub(crate) journal: Journal,
}

/// Processes and flow points as they were before they were changed or added.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) nodes: BTreeMap<ProcessId, Option<Arc<Node>>>,
    pub(crate) points: BTreeMap<PointId, Option<Arc<Point>>>,
}

impl Journal {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.points.is_empty()
    }
}

impl Wiring {
    pub(crate) fn node(&self, process: ProcessId) -> &Arc<Node> {
        &self.nodes[process]
    }

    pub(crate) fn node_mut(&mut self, process: ProcessId) -> &mut Node {
        let node = &mut self.nodes[process];
        self.journal
            .nodes
            .entry(process)
            .or_insert_with(|| Some(node.clone()));
        Arc::make_mut(node)
    }

    /// A process, to change its counts: nothing follows from them, and rewires do not change
    /// them.
    pub(crate) fn counts_mut(&mut self, process: ProcessId) -> &mut Node {
        Arc::make_mut(&mut self.nodes[process])
    }

    pub(crate) fn add_node(&mut self, node: Node) -> ProcessId {
        let process = self.nodes.insert(Arc::new(node));
        self.journal.nodes.insert(process, None);
        process
    }

    /// Puts another program in a process's place.
    pub(crate) fn replace_node(&mut self, process: ProcessId, node: Node) {
        *self.node_mut(process) = node;
    }

    /// Removes a process that is attached to nothing.
    pub(crate) fn remove_node(&mut self, process: ProcessId) -> Option<Arc<Node>> {
        self.journal.nodes.remove(&process);
        self.arrangement.forget_process(process);
        self.nodes.remove(process)
    }

    pub(crate) fn point(&self, point: PointId) -> &Point {
        &self.points[point]
    }

    pub(crate) fn point_mut(&mut self, id: PointId) -> &mut Point {
        let point = &mut self.points[id];
        self.journal
            .points
            .entry(id)
            .or_insert_with(|| Some(point.clone()));
        Arc::make_mut(point)
    }

    pub(crate) fn add_point(&mut self, point: Point) -> PointId {
        let id = self.points.insert(Arc::new(point));
        self.journal.points.insert(id, None);
        id
    }

    /// Removes a flow point that nobody is attached to.
    pub(crate) fn remove_point(&mut self, point: PointId) -> Option<Arc<Point>> {
        self.journal.points.remove(&point);
        self.arrangement.forget_point(point);
        self.points.remove(point)
    }

    /// Whether a flow point stays open when its last writer (reader) leaves. Nothing
    /// follows from it, and rewires do not change it.
    pub(crate) fn holds_mut(&mut self, point: PointId) -> (&mut bool, &mut bool) {
        let point = Arc::make_mut(&mut self.points[point]);
        (&mut point.hold_writers, &mut point.hold_readers)
    }

    /// Puts back what a rewire has changed, when what it has added is gone already.
    /// Numbers that were given out meanwhile are not given out again.
    pub(crate) fn restore(&mut self) {
        let before = std::mem::take(&mut self.journal);
        for (id, node) in before.nodes {
            if let Some(node) = node {
                self.nodes[id] = node;
            }
        }
        for (id, point) in before.points {
            if let Some(point) = point {
                self.points[id] = point;
            }
        }
    }

    /// Where an element goes that an output emits.
    pub(crate) fn destination(&self, process: ProcessId, output: usize) -> Destination {
        let edge = &self.node(process).outputs[output];
        let Some(id) = edge.point else {
            return if edge.closed.is_some() {
                Destination::Lost
            } else {
                Destination::Nowhere
            };
        };
        let point = self.point(id);
        match point.readers[..] {
            [] => Destination::Nowhere,
            _ if point.dealt => Destination::Dealt(id),
            [reader] => Destination::Reader(reader),
            _ => unreachable!("INVARIANT: a point with several readers is dealt"),
        }
    }

    /// The one writer that an input may pull from, if there is exactly one that
    /// gives to nobody else.
    pub(crate) fn pull_source(&self, process: ProcessId, input: usize) -> PullSource {
        let edge = &self.node(process).inputs[input];
        let Some(id) = edge.point else {
            return if edge.closed.is_some() {
                PullSource::Ended
            } else {
                PullSource::None
            };
        };
        let point = self.point(id);
        match (&point.writers[..], point.readers.len()) {
            ([writer], 1) if !point.dealt && self.node(writer.process).outputs.len() == 1 => {
                PullSource::Writer(*writer)
            }
            _ => PullSource::None,
        }
    }

    /// The readers of all flow points that a process writes to.
    pub(crate) fn successors(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> + '_ {
        self.read_by(process).map(|reader| reader.process)
    }

    /// The writers of all flow points that a process reads.
    pub(crate) fn predecessors(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> + '_ {
        let points = self.node(process).inputs.iter().filter_map(|edge| edge.point);
        points.flat_map(|point| self.point(point).writers.iter().map(|writer| writer.process))
    }

    /// The inputs that read the flow points that a process writes to.
    pub(crate) fn read_by(&self, process: ProcessId) -> impl Iterator<Item = Port> + '_ {
        let points = self.node(process).outputs.iter().filter_map(|edge| edge.point);
        points.flat_map(|point| self.point(point).readers.iter().copied())
    }
}

/// Where an element goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To the only reader.
    Reader(Port),
    /// Into a block, which is dealt out to the readers.
    Dealt(PointId),
    /// There is no reader, but one may come.
    Nowhere,
    /// The readers have left for good.
    Lost,
}

/// Whom an input pulls from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PullSource {
    /// This output of this process.
    Writer(Port),
    /// Nobody: there is none, or more than one, or others have a claim too.
    None,
    /// Nobody any more.
    Ended,
}
