//! Requests from other threads, and stopping.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::Network;
use super::pending::{Answer, Pending, Slot};
use crate::error::{Error, ErrorKind};
use crate::limits::REQUESTS_MAX;

type Request = Box<dyn FnOnce(&mut Network) + Send>;

/// What the handles and the network share.
#[derive(Default)]
pub(super) struct Shared {
    /// Set when a running chain is to come out soon.
    pub(super) interrupt: AtomicBool,
    stopped: AtomicBool,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

/// The requests that have not been begun, in the order in which they came.
#[derive(Default)]
struct Queue {
    requests: VecDeque<Request>,
    /// Whether the network is gone: there will be no answers any more.
    closed: bool,
}

impl Shared {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn has_requests(&self) -> bool {
        self.requests() > 0
    }

    /// How many requests wait.
    pub(super) fn requests(&self) -> usize {
        self.queue.lock().requests.len()
    }

    /// One by one: should a request panic, the others still wait.
    pub(super) fn next_request(&self) -> Option<Request> {
        self.queue.lock().requests.pop_front()
    }

    /// Answers everything that waits, and what may come still, with an error.
    fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let unanswered = std::mem::take(&mut queue.requests);
        drop(queue);
        // Dropping a request answers it; who waits for it may send another at once.
        drop(unanswered);
    }

    /// Whether the running chain is to come out: a request waits, or the network has been
    /// stopped. An interrupt that is left of requests that were served is taken back.
    pub(super) fn is_interrupted(&self) -> bool {
        // Under the lock: who pushes a request sets the flag under it.
        let queue = self.queue.lock();
        let interrupted = !queue.requests.is_empty() || self.is_stopped();
        self.interrupt.store(interrupted, Ordering::Relaxed);
        interrupted
    }

    fn push(&self, request: Request, is_bounded: bool) -> Result<(), Error> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Error::network_gone());
        }
        if is_bounded && queue.requests.len() >= REQUESTS_MAX {
            let message = format!(
                "{REQUESTS_MAX} requests wait for the network's thread already; wait until some are answered"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        queue.requests.push_back(request);
        self.interrupt.store(true, Ordering::Relaxed);
        drop(queue);
        self.arrived.notify_all();
        Ok(())
    }
}

/// A handle on a network for other threads. Requests are applied between grants, in the
/// order in which they came; the running chain is interrupted for them.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn of(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    /// Has the network call `request` between two grants, on the thread that runs it. If it
    /// panics, [`Network::run`] comes back with that as an error, and can be run on.
    ///
    /// # Errors
    /// At the bound on requests that wait, or when the network is gone. `request` has
    /// then been dropped.
    pub fn send(&self, request: impl FnOnce(&mut Network) + Send + 'static) -> Result<(), Error> {
        self.shared.push(Box::new(request), true)
    }

    /// Has a process leave whose owner has dropped its handle. Each does so once, so that
    /// the number of processes is the bound.
    pub(crate) fn leave(&self, request: impl FnOnce(&mut Network) + Send + 'static) {
        // A network that is gone has no process to leave it.
        let _ = self.shared.push(Box::new(request), false);
    }

    /// As [`send`](Handle::send), with a way to learn what became of it. It comes back
    /// at once: while the network's thread is in a long call of a host function, say,
    /// the request is pending, and it is applied when that call has returned.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cutthrough::processes::{ForEach, Iter};
    /// use cutthrough::Network;
    ///
    /// let (give_handle, handle) = std::sync::mpsc::channel();
    /// let running = std::thread::spawn(move || {
    ///     let mut network = Network::default();
    ///     let numbers = network.source::<i64>(Iter::new(0i64..))?;
    ///     network.sink(numbers, ForEach::new(|_: i64| {}))?;
    ///     give_handle.send(network.handle()).unwrap();
    ///     network.run()
    /// });
    ///
    /// let handle = handle.recv().unwrap();
    /// let mut report = handle.request(|network| network.report())?;
    /// match report.wait_timeout(Duration::from_secs(10)) {
    ///     Some(answer) => assert_eq!(answer?.processes.len(), 2),
    ///     None => println!("the network's thread is busy; ask again later"),
    /// }
    /// handle.stop();
    /// running.join().unwrap()?;
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Handle::send).
    pub fn request<R: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Network) -> R + Send + 'static,
    ) -> Result<Pending<R>, Error> {
        let slot = Arc::new(Slot::default());
        let answer = Answer::of(slot.clone());
        self.shared
            .push(Box::new(move |network| answer.give(|| request(network))), true)?;
        Ok(Pending::of(slot))
    }

    /// Makes the network come out of [`Network::run`] soon, for good. What it has not
    /// moved yet stays where it is.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Under the lock: whoever is about to wait has not looked yet, or is woken.
        let queue = self.shared.queue.lock();
        self.shared.interrupt.store(true, Ordering::Relaxed);
        drop(queue);
        self.shared.arrived.notify_all();
    }

    /// Whether the network has been stopped.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Waits, without using the processor, until a handle sends something.
    pub fn wait(&self) {
        let mut queue = self.shared.queue.lock();
        while queue.requests.is_empty() && !self.shared.is_stopped() {
            self.shared.arrived.wait(&mut queue);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shared.close();
    }
}
