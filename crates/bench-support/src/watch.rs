//! What the sink of a flow sees that is changed while it runs: whether everything arrives, and how
//! long the gaps are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cutthrough::Process;
use cutthrough::processes::ForEach;

use crate::Gaps;
use crate::ratio::thread_time;

/// The pauses of many windows, and the longest gap of each.
#[derive(Debug, Default)]
pub struct Windows {
    /// The gaps in which something was changed.
    pub pauses: Gaps,
    /// The longest gap of each window, whatever it is due to.
    pub longest: Gaps,
}

/// What a sink sees: how many elements have arrived at what cost, and how long the gaps between
/// elements 32 apart were, in nanoseconds.
#[derive(Debug, Default)]
pub struct Watch {
    /// In the window at hand, the longest one.
    longest: AtomicU64,
    /// The gap in which the last change was made.
    pause: AtomicU64,
    /// Whether a change was made in the gap at hand.
    is_changed: AtomicBool,
    /// How many elements had arrived at some processor time of the running thread.
    clocked: Mutex<(u64, u64)>,
}

impl Watch {
    /// The sink. It fails the network when the elements are other ones than these, by how many have
    /// come before.
    pub fn sink<F>(self: &Arc<Watch>, expected: F) -> impl Process + use<F>
    where
        F: Fn(i64) -> i64 + Send + 'static,
    {
        let watch = self.clone();
        let (mut count, mut last) = (0u64, Instant::now());
        ForEach::new(move |number: i64| {
            assert!(
                number == expected(count.cast_signed()),
                "elements arrive once and in order"
            );
            count += 1;
            if !count.is_multiple_of(32) {
                return;
            }
            let now = Instant::now();
            let gap = u64::try_from((now - last).as_nanos()).unwrap_or(u64::MAX);
            last = now;
            if watch.is_changed.load(Ordering::Relaxed) {
                watch.is_changed.store(false, Ordering::Relaxed);
                watch.pause.store(gap, Ordering::Relaxed);
            }
            if gap > watch.longest.load(Ordering::Relaxed) {
                watch.longest.store(gap, Ordering::Relaxed);
            }
            if count.is_multiple_of(1 << 16) {
                *watch.clocked.lock().expect("no thread panics with it") = (count, own_nanos());
            }
        })
    }

    /// Has the gap at hand be a pause; on the running thread.
    pub fn note_change(&self) {
        self.is_changed.store(true, Ordering::Relaxed);
    }

    /// Notes the pause and the longest gap while something is done.
    pub fn window<R>(&self, windows: &mut Windows, act: impl FnOnce() -> R) -> R {
        self.longest.store(0, Ordering::Relaxed);
        let outcome = act();
        let gap = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        windows.pauses.add(gap(&self.pause));
        windows.longest.add(gap(&self.longest));
        outcome
    }

    /// How many elements have arrived at what processor time.
    pub fn clock(&self) -> (u64, u64) {
        *self.clocked.lock().expect("no thread panics with it")
    }

    /// The processor time that an element takes meanwhile, in nanoseconds.
    pub fn cost(&self, act: impl FnOnce()) -> f64 {
        let begin = self.clock();
        act();
        self.cost_since(begin)
    }

    /// The same since the clock was read.
    pub fn cost_since(&self, begin: (u64, u64)) -> f64 {
        let end = self.clock();
        (end.1 - begin.1) as f64 / (end.0 - begin.0).max(1) as f64
    }
}

/// The processor time of this thread, in nanoseconds.
fn own_nanos() -> u64 {
    u64::try_from(thread_time().as_nanos()).unwrap_or(u64::MAX)
}
