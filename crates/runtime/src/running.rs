//! Which networks a thread is running. What would wait for one of them on that thread would wait
//! for itself, for ever: it is refused, with the way out.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};
use crate::ids::NetworkNumber;

thread_local! {
    /// The networks that this thread runs, each within a call of the one before.
    static RUNNING: RefCell<Vec<NetworkNumber>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, its thread runs the network.
pub(crate) struct Running;

impl Running {
    /// # Errors
    /// When the thread is running it already: this is a request of it, or a call of one of its
    /// processes.
    pub(crate) fn begin(network: NetworkNumber) -> Result<Running, Error> {
        if is_running(network) {
            let message = "the network is running already, and this is a part of it: a request is applied between two grants, and the flow goes on when it has returned";
            return Err(Error::new(ErrorKind::Deadlock, message));
        }
        RUNNING.with_borrow_mut(|running| running.push(network));
        Ok(Running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(Vec::pop);
    }
}

/// Whether this thread is running the network.
pub(crate) fn is_running(network: NetworkNumber) -> bool {
    RUNNING.with_borrow(|running| running.contains(&network))
}

/// The network that has the end of a channel, once that is known.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    /// Its number and one, or 0.
    network: AtomicU64,
}

impl Owner {
    /// It is this network.
    pub(crate) fn set(&self, network: NetworkNumber) {
        self.network.store(network.0 + 1, Ordering::Relaxed);
    }

    /// # Panics
    /// When this thread runs that network, and would wait for it.
    pub(crate) fn check_wait(&self, way_out: &str) {
        let network = self.network.load(Ordering::Relaxed);
        if network > 0 && is_running(NetworkNumber(network - 1)) {
            panic!("the thread would wait for itself, as it runs the network at the other end: {way_out}");
        }
    }
}
