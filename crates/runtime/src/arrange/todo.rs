//! What is left to be looked at, in the order of the ranks.

use std::collections::BinaryHeap;

use crate::wiring::ProcessId;

/// Processes, the one of the highest rank first, each once for as often as it was added
/// since it came last.
pub(super) struct Todo<R>(BinaryHeap<(R, ProcessId)>);

impl<R: Ord> Todo<R> {
    pub(super) fn of(processes: Vec<ProcessId>, rank: impl Fn(ProcessId) -> R) -> Todo<R> {
        let ranked = processes.into_iter().map(|process| (rank(process), process));
        Todo(ranked.collect())
    }

    pub(super) fn extend(
        &mut self,
        processes: impl Iterator<Item = ProcessId>,
        rank: impl Fn(ProcessId) -> R,
    ) {
        self.0.extend(processes.map(|process| (rank(process), process)));
    }

    pub(super) fn next(&mut self) -> Option<ProcessId> {
        let (_, process) = self.0.pop()?;
        while self.0.peek().is_some_and(|(_, again)| *again == process) {
            self.0.pop();
        }
        Some(process)
    }
}
