//! What readers and writers of a run have in common, and how the run waits.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cutthrough_formats::processes::BadRowsBound;
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::activity::Activity;
use crate::files::poll_retrying;
use crate::interrupt::Interrupt;
use crate::outputs::Outputs;

/// How often files that are followed are looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// What a reader shares with whoever else takes part in the run.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// What the run is inside of, and what has come in and gone out.
    pub(crate) activity: Activity,
    /// Bytes of lines that were cut off when the user asked to stop.
    pub(crate) unfinished: Arc<AtomicU64>,
    /// What is written: before the run waits for input, this is brought up to date.
    pub(crate) outputs: Arc<Mutex<Outputs>>,
    /// How many bad rows there may be.
    pub(crate) bad_rows_bound: Option<BadRowsBound>,
    /// While the run waits for input, this ends it.
    pub(crate) interrupt: Interrupt,
    /// What has nothing to read at present, where input may be a while in coming.
    waiting: Arc<Mutex<Vec<Arc<File>>>>,
    /// Whether files are followed that had nothing new.
    follows: Arc<Mutex<bool>>,
}

impl Surroundings {
    /// Nothing read, nothing written.
    pub(crate) fn new(interrupt: Interrupt) -> Surroundings {
        Surroundings {
            activity: Activity::default(),
            unfinished: Arc::default(),
            outputs: Arc::default(),
            bad_rows_bound: None,
            interrupt,
            waiting: Arc::default(),
            follows: Arc::default(),
        }
    }

    /// Whether somebody had nothing to read.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.lock().is_empty() || *self.follows.lock()
    }

    /// Notes that there is nothing to read of this at present.
    pub(crate) fn wait_for(&self, file: &Arc<File>) {
        self.waiting.lock().push(Arc::clone(file));
    }

    /// Notes that files are followed which have nothing new: they are looked at again before long.
    pub(crate) fn follow(&self) {
        *self.follows.lock() = true;
    }

    /// Waits until there is input for who had none, or the run is woken, or so much time has
    /// passed; first has the outputs brought up to date if that is not at once. Whether there
    /// is something to read: when the user has asked to stop, that is the end.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let follows = std::mem::take(&mut *self.follows.lock());
        let timeout = [timeout, follows.then_some(FOLLOW_EVERY)]
            .into_iter()
            .flatten()
            .min();
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let waiting = std::mem::take(&mut *self.waiting.lock());
        if self.interrupt.is_requested() {
            return Ok(true);
        }
        let woken = self.interrupt.woken();
        let inputs = waiting.iter().map(|file| PollFd::new(&**file, PollFlags::IN));
        let mut fds: Vec<PollFd<'_>> = inputs.chain([PollFd::new(woken, PollFlags::IN)]).collect();
        if poll_retrying(&mut fds, Some(&Timespec::default()))? == 0 {
            // Without the lock: it may take its time.
            let outputs = self.outputs.lock().open();
            for output in outputs {
                // Who writes next gets the error again.
                let _ = output.settle();
            }
            poll_retrying(&mut fds, timeout.as_ref())?;
        }
        self.interrupt.handle_wake();
        let has_input = follows
            || self.interrupt.is_requested()
            || fds[..waiting.len()].iter().any(|fd| !fd.revents().is_empty());
        if !has_input {
            drop(fds);
            *self.waiting.lock() = waiting;
        }
        Ok(has_input)
    }
}
