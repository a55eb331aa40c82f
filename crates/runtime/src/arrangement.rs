//! What follows from the wiring: the order of the processes, what is pulled, where ways join.
//! [`crate::arrange`] works it out.

use std::collections::{BTreeMap, BTreeSet};

use slotmap::SecondaryMap;

use crate::ids::{PointId, ProcessId};

/// What follows from the wiring.
#[derive(Debug, Default)]
pub(crate) struct Arrangement {
    pub(crate) order: Order,
    pub(crate) depth: SecondaryMap<ProcessId, usize>,
    /// The processes that are to be reached once in one go, by whatever inputs: that may
    /// end up holding after an element, and all that lie above one of these or above a
    /// bounded input. (What inputs of one process ask for holds for all at the same time.)
    pub(crate) once: SecondaryMap<ProcessId, ()>,
    /// The processes whose elements are pulled by another: as roots they come last.
    pub(crate) pulled: SecondaryMap<ProcessId, ()>,
    /// The flow points with several writers, and the processes with several inputs: where
    /// two ways may join.
    pub(crate) join_points: BTreeSet<PointId>,
    pub(crate) join_processes: BTreeSet<ProcessId>,
    /// The flow points that are dealt only because a block is still being dealt out there:
    /// who writes to them would otherwise overtake its elements.
    pub(crate) kept_dealt: BTreeSet<PointId>,
}

impl Arrangement {
    /// Whether a process's elements are pulled by another.
    pub(crate) fn is_pulled(&self, process: ProcessId) -> bool {
        self.pulled.contains_key(process)
    }

    /// Whether elements can reach some process on two ways in one activation.
    pub(crate) fn has_joins(&self) -> bool {
        !self.join_points.is_empty() || !self.join_processes.is_empty()
    }

    /// Whether a flow point is dealt only as long as its block is.
    pub(crate) fn is_kept_dealt(&self, point: PointId) -> bool {
        self.kept_dealt.contains(&point)
    }

    /// Forgets a process that is attached to nothing.
    pub(crate) fn forget_process(&mut self, process: ProcessId) {
        self.order.remove(process);
        self.depth.remove(process);
        self.once.remove(process);
        self.pulled.remove(process);
        self.join_processes.remove(&process);
    }

    /// Forgets a flow point that nobody is attached to.
    pub(crate) fn forget_point(&mut self, point: PointId) {
        self.join_points.remove(&point);
        self.kept_dealt.remove(&point);
    }
}

/// The place of a process in the order.
pub(crate) type Rank = u64;

/// The processes, upstream before downstream.
#[derive(Debug, Default)]
pub(crate) struct Order {
    rank_of: SecondaryMap<ProcessId, Rank>,
    by_rank: BTreeMap<Rank, ProcessId>,
    next: Rank,
}

impl Order {
    /// The rank of a process of the network.
    pub(crate) fn rank(&self, process: ProcessId) -> Rank {
        self.rank_of[process]
    }

    /// The processes in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = ProcessId> + '_ {
        self.by_rank.values().copied()
    }

    /// Adds a process behind all others.
    pub(crate) fn push(&mut self, process: ProcessId) {
        self.next += 1;
        self.rank_of.insert(process, self.next);
        self.by_rank.insert(self.next, process);
    }

    pub(crate) fn remove(&mut self, process: ProcessId) {
        if let Some(rank) = self.rank_of.remove(process) {
            self.by_rank.remove(&rank);
        }
    }

    /// Leaves the place of a process to others.
    pub(crate) fn vacate(&mut self, process: ProcessId) {
        self.by_rank.remove(&self.rank_of[process]);
    }

    /// Puts a process at a place that is free.
    pub(crate) fn set(&mut self, process: ProcessId, rank: Rank) {
        self.rank_of.insert(process, rank);
        self.by_rank.insert(rank, process);
    }

    /// Puts back the ranks that `undo` lists, the latest first.
    pub(crate) fn restore(&mut self, undo: Vec<(ProcessId, Rank)>) {
        for (process, rank) in undo.into_iter().rev() {
            self.rank_of.insert(process, rank);
        }
        let ranks = self.rank_of.iter().map(|(process, &rank)| (rank, process));
        self.by_rank = ranks.collect();
    }
}
