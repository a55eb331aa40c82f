//! Who waits at one end of a channel for the other, and how it is woken.

use std::task::{Context, Poll, Waker};

use crate::sync::{AtomicBool, Mutex, Ordering};

/// One end of a channel, which may wait for the other.
///
/// INVARIANT: what the other end does before [`notify`](Waiting::notify) is seen by whoever looks
/// after [`register`](Waiting::register), or wakes it. Both change `is_waiting` by a
/// read-modify-write that acquires and releases. If `notify` comes first, `register` reads what
/// it wrote, or what came behind that, and so sees all that it did before. If `register` comes
/// first, `notify` reads `true` and wakes.
// Cache lines of its own, and their neighbours: each end changes the flag of the other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Waiting {
    is_waiting: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Waiting {
    /// Ready when what is waited for is there; otherwise the task is woken by the next
    /// [`notify`](Waiting::notify).
    pub(crate) fn poll(&self, context: &Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        if is_there() {
            return Poll::Ready(());
        }
        self.register(context.waker());
        match is_there() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Has a waker woken by the next [`notify`](Waiting::notify). Whoever calls this looks once
    /// more at what it waits for.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut registered = self.waker.lock();
        match &mut *registered {
            Some(registered) => registered.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        drop(registered);
        self.is_waiting.swap(true, Ordering::AcqRel);
    }

    /// Wakes whoever waits, after what it waits for has been done.
    #[inline]
    pub(crate) fn notify(&self) {
        // PERF: this is done for each element that is sent; nobody waits as a rule.
        if self.is_waiting.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
