//! Waiting on the spot: a thread spins, yields, and is parked.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use super::waiting::Waiting;
use crate::limits::{SPIN_STEPS, YIELD_STEPS};

/// Waits until something is there, or until a time; whether it is there.
pub(super) fn wait(waiting: &Waiting, until: Option<Instant>, is_there: impl Fn() -> bool) -> bool {
    if spin(&is_there) {
        return true;
    }
    THREAD.with(|thread| {
        let context = Context::from_waker(thread);
        while waiting.poll(&context, &is_there).is_pending() {
            // It may come back for no reason, and so may wakes of an earlier wait.
            match until {
                None => std::thread::park(),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return is_there();
                    }
                    std::thread::park_timeout(left);
                }
            }
        }
        true
    })
}

/// Looks some times whether something is there, which takes some microseconds: to be parked
/// and woken takes longer.
pub(crate) fn spin(is_there: impl Fn() -> bool) -> bool {
    for step in 0..SPIN_STEPS + YIELD_STEPS {
        if is_there() {
            return true;
        }
        if step < SPIN_STEPS {
            for _ in 0..1 << step {
                std::hint::spin_loop();
            }
        } else {
            std::thread::yield_now();
        }
    }
    false
}

thread_local! {
    /// Wakes this thread.
    static THREAD: Waker = Waker::from(Arc::new(Parked(std::thread::current())));
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Parked>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Parked>) {
        self.0.unpark();
    }
}
