//! Which processes can run, and whose turn it is.
//!
//! A process that holds elements is *ready*, or *blocked*: it has been tried, and something
//! downstream of it takes no element now. A blocked process is not tried again before what
//! blocks it has changed. So scheduling costs what moves, not what there is: idle processes
//! are not known here at all, and blocked ones are looked at when they may go on.
//!
//! The scheduler knows no wiring. Whoever changes the state of a process tells it
//! ([`holds`](Scheduler::holds), [`holds_nothing`](Scheduler::holds_nothing),
//! [`changed`](Scheduler::changed)); wherever debug assertions are on, the network compares
//! it with what follows from the state of all processes.
//!
//! # Turns
//! First come the processes in the middle of a flow, downstream ones first, so that what is
//! under way arrives before more is let in; then the sources, each in turn; last, in the
//! same order, the processes that another one would rather pull from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use slotmap::SecondaryMap;

use crate::arrangement::Rank;
use crate::wiring::{PointId, ProcessId};

/// The place of a process in the order of turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) is_pulled: bool,
    pub(crate) group: Group,
}

/// Which processes have their turns before others, and in which order among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Those that have inputs, downstream first.
    Giver(Reverse<Rank>),
    /// Those that have none, in turn.
    Source(Rank),
}

/// What blocks a process: it cannot go on before this changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Obstacle {
    /// The state of a process.
    Process(ProcessId),
    /// A block that is being dealt out at a flow point.
    Deal(PointId),
}

/// The processes that hold elements.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    ready: BTreeMap<Turn, ProcessId>,
    entries: SecondaryMap<ProcessId, Entry>,
    blocked_by: FxHashMap<Obstacle, BTreeSet<ProcessId>>,
    /// The place of the source that ran last; the next one's turn comes after it.
    last_source: Rank,
    /// How many processes have been tried, for tests that count work.
    tried: u64,
}

#[derive(Debug)]
struct Entry {
    turn: Turn,
    /// What blocks it, if it is blocked. Nothing at all does where only an edit can help.
    blocked_by: Option<Vec<Obstacle>>,
}

impl Scheduler {
    /// The process whose turn it is.
    pub(crate) fn next(&mut self) -> Option<ProcessId> {
        let next = match self.ready.len() {
            0 | 1 => self.ready.values().next().copied(),
            _ => self.in_turn().next(),
        };
        self.tried += u64::from(next.is_some());
        next
    }

    /// The ready processes in the order of their turns.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = ProcessId> + '_ {
        let last = self.last_source;
        let groups = [false, true].into_iter().flat_map(move |is_pulled| {
            let source = |rank| Turn {
                is_pulled,
                group: Group::Source(rank),
            };
            let downmost = Turn {
                is_pulled,
                group: Group::Giver(Reverse(Rank::MAX)),
            };
            let givers = self.ready.range(downmost..source(0));
            let after_last = self.ready.range(source(last + 1)..=source(Rank::MAX));
            let up_to_last = self.ready.range(source(0)..=source(last));
            givers.chain(after_last).chain(up_to_last)
        });
        groups.map(|(_, &process)| process)
    }

    /// The place of a process that holds elements.
    pub(crate) fn turn(&self, process: ProcessId) -> Option<Turn> {
        self.entries.get(process).map(|entry| entry.turn)
    }

    /// Notes whose turn it was: the next source's turn comes after it.
    pub(crate) fn ran(&mut self, turn: Option<Turn>) {
        if let Some(Turn {
            group: Group::Source(rank),
            ..
        }) = turn
        {
            self.last_source = rank;
        }
    }

    /// Whether a process is known to hold elements.
    pub(crate) fn knows(&self, process: ProcessId) -> bool {
        self.entries.contains_key(process)
    }

    /// A process has come to hold elements, or its place in the order has changed.
    pub(crate) fn holds(&mut self, process: ProcessId, turn: Turn) {
        let Some(entry) = self.entries.get_mut(process) else {
            let blocked_by = None;
            self.entries.insert(process, Entry { turn, blocked_by });
            self.ready.insert(turn, process);
            return;
        };
        let before = std::mem::replace(&mut entry.turn, turn);
        if entry.blocked_by.is_none() {
            // Another one may have its place by now.
            if self.ready.get(&before) == Some(&process) {
                self.ready.remove(&before);
            }
            self.ready.insert(turn, process);
        }
    }

    /// A process holds no elements any more.
    pub(crate) fn holds_nothing(&mut self, process: ProcessId) {
        if let Some(Entry { turn, blocked_by }) = self.entries.remove(process) {
            match blocked_by {
                None => drop(self.ready.remove(&turn)),
                Some(obstacles) => self.forget_obstacles(process, &obstacles),
            }
        }
    }

    /// A process has been tried and cannot run before one of these changes, or the wiring.
    pub(crate) fn block(&mut self, process: ProcessId, obstacles: Vec<Obstacle>) {
        self.unblock(process);
        let Some(entry) = self.entries.get_mut(process) else {
            return;
        };
        self.ready.remove(&entry.turn);
        for &obstacle in &obstacles {
            self.blocked_by.entry(obstacle).or_default().insert(process);
        }
        entry.blocked_by = Some(obstacles);
    }

    /// Something has changed that processes may be blocked by.
    pub(crate) fn changed(&mut self, obstacle: Obstacle) {
        // PERF: this is asked for all members of every grant; nothing is blocked as a rule.
        if self.blocked_by.is_empty() {
            return;
        }
        let Some(blocked) = self.blocked_by.get(&obstacle) else {
            return;
        };
        for process in blocked.iter().copied().collect::<Vec<_>>() {
            self.unblock(process);
        }
    }

    /// A process that is blocked is to be tried again.
    pub(crate) fn unblock(&mut self, process: ProcessId) {
        if let Some(entry) = self.entries.get_mut(process)
            && let Some(obstacles) = entry.blocked_by.take()
        {
            self.ready.insert(entry.turn, process);
            self.forget_obstacles(process, &obstacles);
        }
    }

    fn forget_obstacles(&mut self, process: ProcessId, obstacles: &[Obstacle]) {
        for obstacle in obstacles {
            if let Some(blocked) = self.blocked_by.get_mut(obstacle) {
                blocked.remove(&process);
                if blocked.is_empty() {
                    self.blocked_by.remove(obstacle);
                }
            }
        }
    }

    /// How many processes have been tried so far.
    pub(crate) fn tried(&self) -> u64 {
        self.tried
    }

    /// The processes that are blocked.
    #[cfg(debug_assertions)]
    pub(crate) fn blocked(&self) -> impl Iterator<Item = ProcessId> + '_ {
        let blocked = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.blocked_by.is_some());
        blocked.map(|(process, _)| process)
    }

    /// The place of the source that ran last.
    #[cfg(debug_assertions)]
    pub(crate) fn last_source(&self) -> Rank {
        self.last_source
    }
}
