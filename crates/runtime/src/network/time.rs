//! What time it is, and whose timers are due.
//!
//! A network has no clock. Whoever runs it says what time it is, so that tests say so too.

use std::collections::BTreeSet;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::Network;
use crate::wiring::{ProcessId, Status};

/// The timers that are set: at most one for each process.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Duration, ProcessId)>,
    by_process: FxHashMap<ProcessId, Duration>,
}

impl Timers {
    /// Sets or clears the timer of a process.
    pub(super) fn set(&mut self, process: ProcessId, at: Option<Duration>) {
        let before = match at {
            Some(at) => self.by_process.insert(process, at),
            None => self.by_process.remove(&process),
        };
        if let Some(before) = before {
            self.by_time.remove(&(before, process));
        }
        self.by_time.extend(at.map(|at| (at, process)));
    }

    /// When the timer of a process is due.
    pub(super) fn of(&self, process: ProcessId) -> Option<Duration> {
        self.by_process.get(&process).copied()
    }

    /// Takes a process whose time has come.
    fn take_due(&mut self, now: Duration) -> Option<ProcessId> {
        let &(at, process) = self.by_time.first()?;
        (at <= now).then(|| {
            self.set(process, None);
            process
        })
    }
}

impl Network {
    /// Says what time it is, counted from wherever the caller likes. Processes whose
    /// [timers](crate::Timer) are due have their turns when the network runs next. Time does
    /// not go back: an earlier one than before is ignored.
    ///
    /// A [`Driver`](crate::Driver) says it in real time.
    pub fn set_time(&mut self, now: Duration) {
        if now > self.context.now() {
            self.context.set_now(now);
            self.fire_timers();
        }
    }

    /// What time it was told last.
    pub fn time(&self) -> Duration {
        self.context.now()
    }

    /// When the next timer is due, as far as they were set when the network last ran.
    pub fn next_timer(&self) -> Option<Duration> {
        self.timers.by_time.first().map(|&(at, _)| at)
    }

    /// Has the processes go on whose time has come.
    pub(super) fn fire_timers(&mut self) {
        while let Some(process) = self.timers.take_due(self.context.now()) {
            if matches!(self.status(process), Status::Idle | Status::Waiting) {
                self.set_holding(process);
            }
        }
    }
}
