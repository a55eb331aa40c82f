//! The order of the processes, upstream before downstream, kept up as edges come.
//!
//! Every process has a rank. An edge that goes against the ranks moves the processes that
//! lie between its ends, and no others (D. J. Pearce and P. H. J. Kelly, "A dynamic
//! topological sort algorithm for directed acyclic graphs", 2006). Edges that go never
//! make an order wrong.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::arrangement::{Order, Rank};
use crate::wiring::{ProcessId, Wiring};

/// Edges would form a cycle through this process.
#[derive(Debug)]
pub(super) struct Cycle(pub(super) ProcessId);

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
                order.vacate(*process);
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
