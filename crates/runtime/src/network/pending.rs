//! The fate of a request: pending, answered, or never to be answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::Error;
use crate::ids::NetworkNumber;
use crate::running::is_running;

/// The answer to a [request](super::Handle::request), which may not be there yet. A thread
/// [waits](Pending::wait) for it, a task awaits it.
/// Dropping it does not take the request back; [`withdraw`](Pending::withdraw) does.
#[derive(Debug)]
pub struct Pending<R> {
    slot: Arc<Slot<R>>,
}

/// What the asker and the network's thread share of one request.
#[derive(Debug)]
pub(super) struct Slot<R> {
    network: NetworkNumber,
    fate: Mutex<Fate<R>>,
    settled: Condvar,
    /// The task that awaits the answer. It is set under the lock of the fate.
    task: Mutex<Option<Waker>>,
}

#[derive(Debug)]
enum Fate<R> {
    /// The network has not come to it.
    Waiting,
    /// The network's thread is at it.
    Begun,
    Settled(Result<R, Error>),
    /// The asker has taken the answer, or does not want it any more.
    Taken,
}

impl<R> Slot<R> {
    /// Of a request to this network.
    pub(super) fn of(network: NetworkNumber) -> Slot<R> {
        Slot {
            network,
            fate: Mutex::new(Fate::Waiting),
            settled: Condvar::new(),
            task: Mutex::new(None),
        }
    }

    /// Whether this thread runs the network, and would wait for itself. Then the request is
    /// withdrawn.
    fn refuses_wait(&self, fate: &mut Fate<R>) -> bool {
        let is_own = matches!(fate, Fate::Waiting | Fate::Begun) && is_running(self.network);
        if is_own && matches!(fate, Fate::Waiting) {
            *fate = Fate::Taken;
        }
        is_own
    }

    /// Settles the request, and wakes whoever waits for that.
    fn settle(&self, mut fate: MutexGuard<'_, Fate<R>>, answer: Result<R, Error>) {
        *fate = Fate::Settled(answer);
        drop(fate);
        self.settled.notify_all();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<R> Pending<R> {
    pub(super) fn of(slot: Arc<Slot<R>>) -> Pending<R> {
        Pending { slot }
    }

    /// Whether there is no answer yet.
    pub fn is_pending(&self) -> bool {
        matches!(*self.slot.fate.lock(), Fate::Waiting | Fate::Begun)
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// When the network went before it came to the request, or the request panicked. In another
    /// request of the same network, or a call of one of its processes: its thread would wait for
    /// itself. The request is withdrawn then.
    pub fn wait(self) -> Result<R, Error> {
        let mut fate = self.slot.fate.lock();
        if self.slot.refuses_wait(&mut fate) {
            return Err(Error::waits_for_itself());
        }
        loop {
            if let Some(answer) = fate.take() {
                return answer;
            }
            self.slot.settled.wait(&mut fate);
        }
    }

    /// Waits for the answer, but no longer than this; with no time at all, looks whether
    /// it is there. `None` while the request is pending.
    ///
    /// # Errors
    /// As [`wait`](Pending::wait); and when the answer has been taken before.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<R, Error>> {
        let until = Instant::now().checked_add(timeout);
        let mut fate = self.slot.fate.lock();
        if !timeout.is_zero() && self.slot.refuses_wait(&mut fate) {
            return Some(Err(Error::waits_for_itself()));
        }
        loop {
            if let Some(answer) = fate.take() {
                return Some(answer);
            }
            let Some(until) = until else {
                self.slot.settled.wait(&mut fate);
                continue;
            };
            if self.slot.settled.wait_until(&mut fate, until).timed_out() {
                return fate.take();
            }
        }
    }

    /// Takes the request back if the network has not begun it: then it is never
    /// applied. Otherwise the request comes back, to be waited for.
    ///
    /// # Errors
    /// The request itself, when it has been begun or answered.
    pub fn withdraw(self) -> Result<(), Pending<R>> {
        let mut fate = self.slot.fate.lock();
        if !matches!(*fate, Fate::Waiting) {
            drop(fate);
            return Err(self);
        }
        *fate = Fate::Taken;
        Ok(())
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let mut fate = self.slot.fate.lock();
        match fate.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                *self.slot.task.lock() = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<R> Fate<R> {
    fn take(&mut self) -> Option<Result<R, Error>> {
        match self {
            Fate::Waiting | Fate::Begun => None,
            Fate::Taken => Some(Err(Error::answer_taken())),
            Fate::Settled(_) => match std::mem::replace(self, Fate::Taken) {
                Fate::Settled(answer) => Some(answer),
                _ => unreachable!("INVARIANT: it has just been seen"),
            },
        }
    }
}

/// The network's end of a request. Dropping it settles the request: nobody waits for an
/// answer that cannot come.
pub(super) struct Answer<R> {
    slot: Arc<Slot<R>>,
}

impl<R> Answer<R> {
    pub(super) fn of(slot: Arc<Slot<R>>) -> Answer<R> {
        Answer { slot }
    }

    /// Settles the request with what `work` gives, or with its panic, unless it has been
    /// withdrawn.
    pub(super) fn give(self, work: impl FnOnce() -> R) {
        {
            let mut fate = self.slot.fate.lock();
            if !matches!(*fate, Fate::Waiting) {
                return;
            }
            *fate = Fate::Begun;
        }
        let answer = catch_unwind(AssertUnwindSafe(work));
        let answer = answer.map_err(|payload| Error::request_panicked(&*payload));
        self.slot.settle(self.slot.fate.lock(), answer);
    }
}

impl<R> Drop for Answer<R> {
    fn drop(&mut self) {
        let fate = self.slot.fate.lock();
        if matches!(*fate, Fate::Waiting) {
            self.slot.settle(fate, Err(Error::network_gone()));
        }
    }
}
