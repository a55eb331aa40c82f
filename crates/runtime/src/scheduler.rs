//! What can run, and whose turn it is.
//!
//! A process that holds elements is a *task*, and so is a block that is being dealt out. A
//! task is *ready*, or *blocked*: it has been tried, and something downstream of it takes no
//! element now. A blocked task is not tried again before what blocks it has changed. So
//! scheduling costs what moves, not what there is: idle processes are not known here at all,
//! and blocked tasks are looked at when they may go on.
//!
//! The scheduler knows no wiring. Whoever changes the state of a process tells it
//! ([`holds`](Scheduler::holds), [`holds_nothing`](Scheduler::holds_nothing),
//! [`changed`](Scheduler::changed)); wherever debug assertions are on, the network compares
//! it with what follows from the state of all processes.
//!
//! # Turns
//! First come blocks, the most recent first; then the processes in the middle of a flow,
//! downstream ones first, so that what is under way arrives before more is let in; then the
//! sources, each in turn; last, in the same order, the processes that another one would rather
//! pull from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use slotmap::SecondaryMap;

use crate::arrangement::Rank;
use crate::wiring::{PointId, ProcessId};

/// What can have a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// A block is dealt out at this flow point.
    Deal(PointId),
    /// A process gives what it holds.
    Process(ProcessId),
}

/// The place of a task in the order of turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) is_pulled: bool,
    pub(crate) group: Group,
}

/// Which tasks have their turns before others, and in which order among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Blocks that are being dealt out, by their numbers, the latest first.
    Deal(Reverse<u64>),
    /// Those that have inputs, downstream first.
    Giver(Reverse<Rank>),
    /// Those that have none, in turn.
    Source(Rank),
}

impl Turn {
    /// The place of the block of this number.
    pub(crate) fn of_deal(number: u64) -> Turn {
        Turn {
            is_pulled: false,
            group: Group::Deal(Reverse(number)),
        }
    }
}

/// What blocks a task: it cannot go on before this changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Obstacle {
    /// The state of a process.
    Process(ProcessId),
    /// A flow point: its readers, and whether a block is being dealt out there.
    Point(PointId),
}

/// All tasks.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    ready: BTreeMap<Turn, Task>,
    processes: SecondaryMap<ProcessId, Entry>,
    deals: SecondaryMap<PointId, Entry>,
    blocked_by: FxHashMap<Obstacle, BTreeSet<Task>>,
    /// The place of the source that ran last; the next one's turn comes after it.
    last_source: Rank,
    /// How many tasks have been tried, for tests that count work.
    tried: u64,
}

#[derive(Debug)]
struct Entry {
    turn: Turn,
    /// What blocks it, if it is blocked. Nothing at all does where only an edit can help.
    blocked_by: Option<Vec<Obstacle>>,
}

impl Scheduler {
    /// The task whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Task> {
        let next = match self.ready.len() {
            0 | 1 => self.ready.values().next().copied(),
            _ => self.in_turn().next(),
        };
        self.tried += u64::from(next.is_some());
        next
    }

    /// The ready tasks in the order of their turns.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = Task> + '_ {
        let last = self.last_source;
        let groups = [false, true].into_iter().flat_map(move |is_pulled| {
            let source = |rank| Turn {
                is_pulled,
                group: Group::Source(rank),
            };
            let first = Turn {
                is_pulled,
                group: Group::Deal(Reverse(u64::MAX)),
            };
            let before_sources = self.ready.range(first..source(0));
            let after_last = self.ready.range(source(last + 1)..=source(Rank::MAX));
            let up_to_last = self.ready.range(source(0)..=source(last));
            before_sources.chain(after_last).chain(up_to_last)
        });
        groups.map(|(_, &task)| task)
    }

    /// The place of a process that holds elements.
    pub(crate) fn turn(&self, process: ProcessId) -> Option<Turn> {
        self.processes.get(process).map(|entry| entry.turn)
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
        self.processes.contains_key(process)
    }

    fn entry(&mut self, task: Task) -> Option<&mut Entry> {
        match task {
            Task::Deal(point) => self.deals.get_mut(point),
            Task::Process(process) => self.processes.get_mut(process),
        }
    }

    /// There is something to do for a task, or its place in the order has changed.
    pub(crate) fn holds(&mut self, task: Task, turn: Turn) {
        let Some(entry) = self.entry(task) else {
            let blocked_by = None;
            let entry = Entry { turn, blocked_by };
            match task {
                Task::Deal(point) => drop(self.deals.insert(point, entry)),
                Task::Process(process) => drop(self.processes.insert(process, entry)),
            }
            self.ready.insert(turn, task);
            return;
        };
        let before = std::mem::replace(&mut entry.turn, turn);
        if entry.blocked_by.is_none() {
            // Another one may have its place by now.
            if self.ready.get(&before) == Some(&task) {
                self.ready.remove(&before);
            }
            self.ready.insert(turn, task);
        }
    }

    /// There is nothing to do for a task any more.
    pub(crate) fn holds_nothing(&mut self, task: Task) {
        let entry = match task {
            Task::Deal(point) => self.deals.remove(point),
            Task::Process(process) => self.processes.remove(process),
        };
        match entry {
            Some(Entry {
                blocked_by: Some(obstacles),
                ..
            }) => self.forget_obstacles(task, &obstacles),
            Some(Entry { turn, .. }) => drop(self.ready.remove(&turn)),
            None => {}
        }
    }

    /// A task has been tried and cannot run before one of these changes, or its plan.
    pub(crate) fn block(&mut self, task: Task, obstacles: Vec<Obstacle>) {
        self.unblock(task);
        let Some(entry) = self.entry(task) else {
            return;
        };
        let turn = entry.turn;
        entry.blocked_by = Some(obstacles.clone());
        self.ready.remove(&turn);
        for obstacle in obstacles {
            self.blocked_by.entry(obstacle).or_default().insert(task);
        }
    }

    /// Something has changed that tasks may be blocked by.
    pub(crate) fn changed(&mut self, obstacle: Obstacle) {
        // PERF: this is asked for all members of every grant; nothing is blocked as a rule.
        if self.blocked_by.is_empty() {
            return;
        }
        let Some(blocked) = self.blocked_by.get(&obstacle) else {
            return;
        };
        for task in blocked.iter().copied().collect::<Vec<_>>() {
            self.unblock(task);
        }
    }

    /// A task that is blocked is to be tried again.
    pub(crate) fn unblock(&mut self, task: Task) {
        if let Some(entry) = self.entry(task)
            && let Some(obstacles) = entry.blocked_by.take()
        {
            let turn = entry.turn;
            self.ready.insert(turn, task);
            self.forget_obstacles(task, &obstacles);
        }
    }

    fn forget_obstacles(&mut self, task: Task, obstacles: &[Obstacle]) {
        for obstacle in obstacles {
            if let Some(blocked) = self.blocked_by.get_mut(obstacle) {
                blocked.remove(&task);
                if blocked.is_empty() {
                    self.blocked_by.remove(obstacle);
                }
            }
        }
    }

    /// How many tasks have been tried so far.
    pub(crate) fn tried(&self) -> u64 {
        self.tried
    }

    /// The tasks that are blocked.
    #[cfg(debug_assertions)]
    pub(crate) fn blocked(&self) -> BTreeSet<Task> {
        let processes = self
            .processes
            .iter()
            .map(|(id, entry)| (Task::Process(id), entry));
        let deals = self.deals.iter().map(|(id, entry)| (Task::Deal(id), entry));
        let blocked = processes
            .chain(deals)
            .filter(|(_, entry)| entry.blocked_by.is_some());
        blocked.map(|(task, _)| task).collect()
    }

    /// The place of the source that ran last.
    #[cfg(debug_assertions)]
    pub(crate) fn last_source(&self) -> Rank {
        self.last_source
    }
}
