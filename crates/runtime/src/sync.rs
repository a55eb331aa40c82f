//! What threads share memory by. It is a module of its own so that the model checker can put
//! its own in this place (`tests/reclamation.rs`, `tests/waiting_ends.rs`).

use std::time::Instant;

pub(crate) use parking_lot::{Condvar, Mutex};
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};

/// The time, where there is one.
pub(crate) fn now() -> Option<Instant> {
    Some(Instant::now())
}
