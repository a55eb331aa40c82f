//! What the run's thread is inside of that may take long: it answers nobody meanwhile.
//! And how many bytes have come in and gone out.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cutthrough_control::view::{Activity as Told, Call};
use parking_lot::Mutex;

/// Known to the run's thread, which writes it, and to whoever wants to see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    call: Mutex<Option<Inside>>,
    bytes_read: AtomicU64,
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
        *self.shared.call.lock() = Some(Inside {
            what: Arc::clone(what),
            since: Instant::now(),
            output: output.cloned(),
        });
        let outcome = call();
        *self.shared.call.lock() = None;
        outcome
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
        }
    }

    /// How many bytes have come in.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.shared.bytes_read.load(Ordering::Relaxed)
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
