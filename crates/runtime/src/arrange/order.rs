//! The order of the processes, upstream before downstream, kept up as edges come.
//!
//! Every process has a rank. An edge that goes against the ranks moves the processes that
//! lie between its ends, and no others (D. J. Pearce and P. H. J. Kelly, "A dynamic
//! topological sort algorithm for directed acyclic graphs", 2006). Edges that go never
//! make an order wrong.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;
use slotmap::SecondaryMap;

use crate::wiring::{ProcessId, Wiring};

/// The place of a process in the order.
pub(crate) type Rank = u64;

/// The processes, upstream before downstream.
#[derive(Debug, Default)]
pub(crate) struct Order {
    rank_of: SecondaryMap<ProcessId, Rank>,
    by_rank: BTreeMap<Rank, ProcessId>,
    next: Rank,
}

/// Edges would form a cycle through this process.
#[derive(Debug)]
pub(super) struct Cycle(pub(super) ProcessId);

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

    fn set(&mut self, process: ProcessId, rank: Rank) {
        self.rank_of.insert(process, rank);
        self.by_rank.insert(rank, process);
    }

    /// Puts back the ranks that `undo` lists, the latest first.
    pub(super) fn restore(&mut self, undo: Vec<(ProcessId, Rank)>) {
        for (process, rank) in undo.into_iter().rev() {
            self.rank_of.insert(process, rank);
        }
        let ranks = self.rank_of.iter().map(|(process, &rank)| (rank, process));
        self.by_rank = ranks.collect();
    }
}

/// Brings the order up to date with edges that have come: pairs of a writer and a reader.
/// What it changed is noted in `undo`.
pub(super) fn admit(
    wiring: &Wiring,
    order: &mut Order,
    edges: &[(ProcessId, ProcessId)],
    undo: &mut Vec<(ProcessId, Rank)>,
) -> Result<(), Cycle> {
    let against =
        |&(upstream, downstream): &(ProcessId, ProcessId)| order.rank(upstream) >= order.rank(downstream);
    // INVARIANT: the order is right for all edges but these.
    let mut pending: FxHashSet<(ProcessId, ProcessId)> = edges.iter().copied().filter(against).collect();
    let admitted: Vec<_> = edges
        .iter()
        .copied()
        .filter(|edge| pending.contains(edge))
        .collect();
    for (upstream, downstream) in admitted {
        pending.remove(&(upstream, downstream));
        if upstream == downstream {
            return Err(Cycle(upstream));
        }
        if order.rank(upstream) > order.rank(downstream) {
            let shift = Shift {
                wiring,
                order: &*order,
                pending: &pending,
            };
            let moved = shift.of(upstream, downstream)?;
            for (process, _) in &moved {
                let rank = order.rank(*process);
                undo.push((*process, rank));
                order.by_rank.remove(&rank);
            }
            for (process, rank) in moved {
                order.set(process, rank);
            }
        }
    }
    Ok(())
}

/// What has to move for one edge that goes against the ranks.
struct Shift<'s> {
    wiring: &'s Wiring,
    order: &'s Order,
    pending: &'s FxHashSet<(ProcessId, ProcessId)>,
}

impl Shift<'_> {
    /// The new ranks.
    fn of(&self, upstream: ProcessId, downstream: ProcessId) -> Result<Vec<(ProcessId, Rank)>, Cycle> {
        let (low, high) = (self.order.rank(downstream), self.order.rank(upstream));
        let after = self.reached(
            downstream,
            |rank| rank <= high,
            |process| self.successors(process),
        );
        if after.contains(&(high, upstream)) {
            return Err(Cycle(upstream));
        }
        let before = self.reached(upstream, |rank| rank >= low, |process| self.predecessors(process));
        let ranks: BTreeSet<Rank> = before.iter().chain(&after).map(|(rank, _)| *rank).collect();
        let moved = before.iter().chain(&after).map(|(_, process)| *process);
        Ok(moved.zip(ranks).collect())
    }

    /// What is reached within the ranks between the ends, in order.
    fn reached(
        &self,
        from: ProcessId,
        is_between: impl Fn(Rank) -> bool,
        next: impl Fn(ProcessId) -> Vec<ProcessId>,
    ) -> BTreeSet<(Rank, ProcessId)> {
        let mut reached = BTreeSet::new();
        let mut todo = vec![from];
        while let Some(process) = todo.pop() {
            let rank = self.order.rank(process);
            if is_between(rank) && reached.insert((rank, process)) {
                todo.extend(next(process));
            }
        }
        reached
    }

    fn successors(&self, process: ProcessId) -> Vec<ProcessId> {
        let next = self.wiring.successors(process);
        next.filter(|&next| !self.pending.contains(&(process, next)))
            .collect()
    }

    fn predecessors(&self, process: ProcessId) -> Vec<ProcessId> {
        let previous = self.wiring.predecessors(process);
        previous
            .filter(|&previous| !self.pending.contains(&(previous, process)))
            .collect()
    }
}
