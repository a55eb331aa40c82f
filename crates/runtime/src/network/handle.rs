//! Edits from other threads, and stopping.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::Network;

type Request = Box<dyn FnOnce(&mut Network) + Send>;

/// What the handles and the network share.
#[derive(Default)]
pub(super) struct Shared {
    /// Set when a running chain is to come out soon.
    pub(super) interrupt: AtomicBool,
    stopped: AtomicBool,
    requests: Mutex<VecDeque<Request>>,
    arrived: Condvar,
}

impl Shared {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn has_requests(&self) -> bool {
        !self.requests.lock().is_empty()
    }

    pub(super) fn take_requests(&self) -> VecDeque<Request> {
        std::mem::take(&mut self.requests.lock())
    }
}

/// A handle on a network for other threads. Requests are applied between grants;
/// the running chain is interrupted for them.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn of(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    /// Has the network call `request` between two grants, on the thread that runs it.
    pub fn send(&self, request: impl FnOnce(&mut Network) + Send + 'static) {
        self.shared.requests.lock().push_back(Box::new(request));
        self.shared.interrupt.store(true, Ordering::Relaxed);
        self.shared.arrived.notify_all();
    }

    /// Makes the network come out of [`Network::run`] soon, for good. What it has not
    /// moved yet stays where it is.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.shared.interrupt.store(true, Ordering::Relaxed);
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
        let mut requests = self.shared.requests.lock();
        while requests.is_empty() && !self.shared.is_stopped() {
            self.shared.arrived.wait(&mut requests);
        }
    }
}
