//! What the running thread and the compiler's share memory by. It is a module of its own
//! so that the model checker can put its own in this place (`tests/reclamation.rs`).

use std::time::Instant;

pub(crate) use parking_lot::{Condvar, Mutex};
pub(crate) use std::sync::Arc;

/// The time, where there is one.
pub(crate) fn now() -> Option<Instant> {
    Some(Instant::now())
}
