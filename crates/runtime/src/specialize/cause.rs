//! Why specialisations are dropped: what changed, by which edit, and whom it hit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::{Mode, Reliance};
use crate::limits::INVALIDATIONS_KEPT_MAX;
use crate::root::Root;
use crate::wiring::{PointId, ProcessId, Wiring};

/// What kind of change made a specialisation stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Cause {
    /// A reader was attached to a flow point.
    AttachedReader,
    /// A reader was detached from a flow point.
    DetachedReader,
    /// A writer was attached to a flow point.
    AttachedWriter,
    /// A writer was detached from a flow point.
    DetachedWriter,
    /// A process was put between an output and its flow point.
    Inserted,
    /// A process was given another program.
    Swapped,
    /// A process was removed by an edit.
    Removed,
    /// A process was told to finish by an edit.
    Finishing,
    /// A process was cancelled, by an edit or by its neighbours.
    Cancelled,
    /// A process finished by itself, or because its neighbours did.
    Finished,
    /// A process failed.
    Failed,
    /// The last writer of a flow point left, which ended the flow.
    Ended,
    /// The last reader of a flow point left, which closed it.
    Closed,
    /// Elements of a flow point have to be dealt out from a block now, because of a
    /// change elsewhere.
    BecamePolymorphic,
    /// Elements of a flow point have a single way to go now, because of a change
    /// elsewhere, or as the block that was left there has been dealt out.
    BecameMonomorphic,
    /// Another time to compile was chosen.
    CompileChanged,
    /// The program asked for it.
    Requested,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 17] = [
        Cause::AttachedReader,
        Cause::DetachedReader,
        Cause::AttachedWriter,
        Cause::DetachedWriter,
        Cause::Inserted,
        Cause::Swapped,
        Cause::Removed,
        Cause::Finishing,
        Cause::Cancelled,
        Cause::Finished,
        Cause::Failed,
        Cause::Ended,
        Cause::Closed,
        Cause::BecamePolymorphic,
        Cause::BecameMonomorphic,
        Cause::CompileChanged,
        Cause::Requested,
    ];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::AttachedReader => "attached reader",
            Cause::DetachedReader => "detached reader",
            Cause::AttachedWriter => "attached writer",
            Cause::DetachedWriter => "detached writer",
            Cause::Inserted => "inserted",
            Cause::Swapped => "swapped",
            Cause::Removed => "removed",
            Cause::Finishing => "told to finish",
            Cause::Cancelled => "cancelled",
            Cause::Finished => "finished",
            Cause::Failed => "failed",
            Cause::Ended => "flow ended",
            Cause::Closed => "readers left",
            Cause::BecamePolymorphic => "became polymorphic",
            Cause::BecameMonomorphic => "became monomorphic",
            Cause::CompileChanged => "compiling was changed",
            Cause::Requested => "requested",
        })
    }
}

/// A specialisation, or the way to one, that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Invalidation {
    /// Which in the life of the network, from 1 on.
    pub number: u64,
    /// The version of the wiring that it came with.
    pub version: u64,
    /// The process at the chain's root.
    pub root: ProcessId,
    /// Its name.
    pub root_name: Arc<str>,
    /// Whether the chain began with a delivery to the root rather than in it.
    pub is_delivery: bool,
    /// How the chain was executed until then.
    pub was: Mode,
    /// What kind of change it was.
    pub cause: Cause,
    /// Which edit of its rewire, from 1 on; none where the change followed from something
    /// else.
    pub edit: Option<usize>,
    /// The process that changed, and its name.
    pub process: Option<(ProcessId, Arc<str>)>,
    /// The flow point where it did, and its name.
    pub point: Option<(PointId, Arc<str>)>,
}

impl fmt::Display for Invalidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (was {}): {}",
            self.number, self.root_name, self.was, self.cause
        )?;
        if let Some((_, process)) = &self.process {
            write!(f, " `{process}`")?;
        }
        if let Some((_, point)) = &self.point {
            write!(f, " at point `{point}`")?;
        }
        match self.edit {
            Some(edit) => write!(f, ", edit {edit} of version {}", self.version),
            None => write!(f, ", version {}", self.version),
        }
    }
}

/// A change of the wiring, as those see it that rely on what changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) what: Reliance,
    pub(crate) cause: Cause,
    pub(crate) edit: Option<usize>,
    pub(crate) process: Option<ProcessId>,
    pub(crate) point: Option<PointId>,
}

impl Change {
    /// A change of a flow point.
    pub(crate) fn of_point(cause: Cause, point: PointId) -> Change {
        Change {
            what: Reliance::Point(point),
            cause,
            edit: None,
            process: None,
            point: Some(point),
        }
    }

    /// A change of a process.
    pub(crate) fn of_process(cause: Cause, process: ProcessId) -> Change {
        Change {
            what: Reliance::Process(process),
            cause,
            edit: None,
            process: Some(process),
            point: None,
        }
    }

    /// The process by which it came.
    pub(crate) fn by(self, process: ProcessId) -> Change {
        Change {
            process: Some(process),
            ..self
        }
    }

    /// The flow point where it is.
    pub(crate) fn at(self, point: PointId) -> Change {
        Change {
            point: Some(point),
            ..self
        }
    }

    /// The edit by which it came.
    pub(crate) fn in_edit(self, edit: usize) -> Change {
        Change {
            edit: Some(edit),
            ..self
        }
    }
}

/// What has been invalidated: all of it counted, the last listed.
#[derive(Debug, Default)]
pub(crate) struct Invalidations {
    total: u64,
    by_cause: [u64; Cause::ALL.len()],
    recent: VecDeque<Invalidation>,
}

impl Invalidations {
    /// Notes that a chain was dropped. Names are kept, as their owners may go.
    pub(crate) fn note(&mut self, wiring: &Wiring, root: Root, was: Mode, change: Change) {
        self.total += 1;
        self.by_cause[change.cause as usize] += 1;
        if self.recent.len() == INVALIDATIONS_KEPT_MAX {
            self.recent.pop_front();
        }
        let name = |process: ProcessId| {
            let node = wiring.nodes.get(process);
            node.map_or_else(Arc::default, |node| node.name.clone())
        };
        let point = |point: PointId| {
            let name = wiring.points.get(point).map(|point| point.name.clone());
            (point, name.unwrap_or_default())
        };
        self.recent.push_back(Invalidation {
            number: self.total,
            version: wiring.version,
            root: root.process(),
            root_name: name(root.process()),
            is_delivery: root.is_delivery(),
            was,
            cause: change.cause,
            edit: change.edit,
            process: change.process.map(|process| (process, name(process))),
            point: change.point.map(point),
        });
    }

    /// How many there were.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many there were of each cause that occurred.
    pub(crate) fn by_cause(&self) -> Vec<(Cause, u64)> {
        let counts = Cause::ALL.into_iter().zip(self.by_cause);
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// The last ones, the latest last.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &Invalidation> {
        self.recent.iter()
    }
}
