//! What the run's thread is inside of that may take long: it answers nobody meanwhile.
//! And how many bytes have come in and gone out.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cutthrough_control::view::{Activity as Told, Call, Spent};
use parking_lot::Mutex;

/// Kinds of calls whose times are told apart.
const KINDS_MAX: usize = 16;

/// Known to the run's thread, which writes it, and to whoever wants to see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    call: Mutex<Option<Inside>>,
    /// How long calls have taken, by what they do; few are different.
    spent: Mutex<Vec<(Arc<str>, Duration)>>,
    bytes_read: AtomicU64,
    /// What other threads have read for the run.
    others: Mutex<Vec<Arc<AtomicU64>>>,
    bytes_written: AtomicU64,
}

/// A call of the system that may not come back for long.
#[derive(Debug)]
struct Inside {
    what: Arc<str>,
    since: Instant,
    /// What is written to, if one can see whether somebody takes it.
    output: Option<Arc<File>>,
}

impl Activity {
    /// Makes a call of the system; `what` is what it is told as: "reading access.log".
    pub(crate) fn inside<R>(
        &self,
        what: &Arc<str>,
        output: Option<&Arc<File>>,
        call: impl FnOnce() -> R,
    ) -> R {
        let since = Instant::now();
        *self.shared.call.lock() = Some(Inside {
            what: Arc::clone(what),
            since,
            output: output.cloned(),
        });
        let outcome = call();
        *self.shared.call.lock() = None;
        self.add_spent(what, since.elapsed());
        outcome
    }

    /// Notes what time goes by in that is no call which somebody may be waiting for.
    pub(crate) fn spend<R>(&self, what: &'static str, wait: impl FnOnce() -> R) -> R {
        let since = Instant::now();
        let outcome = wait();
        self.add_spent(&Arc::from(what), since.elapsed());
        outcome
    }

    fn add_spent(&self, what: &Arc<str>, time: Duration) {
        let mut spent = self.shared.spent.lock();
        let is_full = spent.len() == KINDS_MAX;
        match spent.iter_mut().find(|(known, _)| known == what) {
            Some((_, sum)) => *sum += time,
            // Of a run that reads thousands of files, not each is told.
            None if is_full => spent[0].1 += time,
            None => spent.push((Arc::clone(what), time)),
        }
    }

    /// The call that the run is inside of.
    pub(crate) fn call(&self) -> Option<Call> {
        let call = self.shared.call.lock();
        call.as_ref().map(|inside| Call {
            what: inside.what.to_string(),
            for_ms: u64::try_from(inside.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What differs when a call is another one, or somebody has taken something of what it
    /// writes; none if there is no call.
    pub(crate) fn mark(&self) -> Option<(Instant, u64)> {
        let call = self.shared.call.lock();
        let inside = call.as_ref()?;
        let waiting = inside
            .output
            .as_ref()
            .and_then(|output| rustix::io::ioctl_fionread(output).ok());
        Some((inside.since, waiting.unwrap_or(0)))
    }

    /// What others are told.
    pub(crate) fn told(&self) -> Told {
        Told {
            call: self.call(),
            bytes_read: self.bytes_read(),
            bytes_written: self.shared.bytes_written.load(Ordering::Relaxed),
            spent: self.spent(),
        }
    }

    /// The call at hand counts as far as it has come.
    fn spent(&self) -> Vec<Spent> {
        let mut spent = self.shared.spent.lock().clone();
        if let Some(inside) = &*self.shared.call.lock() {
            let time = inside.since.elapsed();
            match spent.iter_mut().find(|(known, _)| *known == inside.what) {
                Some((_, sum)) => *sum += time,
                None => spent.push((Arc::clone(&inside.what), time)),
            }
        }
        let told = |(what, time): (Arc<str>, Duration)| Spent {
            what: what.to_string(),
            us: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
        };
        spent.into_iter().map(told).collect()
    }

    /// How many bytes have come in.
    pub(crate) fn bytes_read(&self) -> u64 {
        let others = self.shared.others.lock();
        let others = others.iter().map(|read| read.load(Ordering::Relaxed));
        self.shared.bytes_read.load(Ordering::Relaxed) + others.sum::<u64>()
    }

    /// Counts what another thread reads for the run.
    pub(crate) fn add_reader(&self, bytes: &Arc<AtomicU64>) {
        self.shared.others.lock().push(Arc::clone(bytes));
    }

    /// What other threads have read is of no use.
    pub(crate) fn forget_readers(&self) {
        self.shared.others.lock().clear();
    }

    pub(crate) fn add_read(&self, bytes: usize) {
        self.shared.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_written(&self, bytes: usize) {
        self.shared
            .bytes_written
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
