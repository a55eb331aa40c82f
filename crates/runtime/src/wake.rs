//! Waking processes, from any thread or at a time.
//!
//! A process that is *pending* has said, by the end of an activation, that it cannot go on
//! before something happens outside of the network. Whoever knows when that has happened has
//! its [`Waker`]. A process that waits for a time sets its [`Timer`].
//!
//! # Definitions
//! A *wake flag* is what a waker sets and what a timer is set by. It is made with a process
//! ([`Shape::waker`](crate::Shape::waker), [`Shape::timer`](crate::Shape::timer)) or for one
//! ([`Network::waker`](crate::Network::waker)), and it is *bound* when the process joins a
//! network. A flag by which something has been said and which is bound is in the network's
//! queue. It is *unbound* when its process goes or gets another program: what is said by it
//! from then on is nothing to the network.
//!
//! # Invariants
//! * A wake is not lost: what a thread does before it wakes a process is seen by the
//!   activations of the process after the flag was taken. So a process may look for what it
//!   waits for, find nothing and become pending while it is woken: the flag is taken after
//!   that grant.
//! * The queue has at most one entry for each flag.
//! * A wake costs the same however large the network is, and no grant of other flows: the
//!   running thread takes the flags between two grants. The running grant is interrupted only
//!   where grants are longer than [`QUANTUM_STEPS`](crate::limits::QUANTUM_STEPS).
//!
//! # Operations
//! * *Say* (wake, or set the timer): note it in the flag; if that is bound and not queued, put
//!   it into the queue.
//! * *Bind*: say which process of which network it is for; if something has been said by then,
//!   put it into the queue.
//! * *Unbind*: forget the process, and what has been said.
//! * *Take*: empty the queue; for each flag, clear it, then do what was said.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

/// The timer of a process: it has the process woken at a time. It is set by the process's
/// host functions, as a rule, and from any thread.
///
/// When its time has come, the process goes on where it gives
/// ([`Process::write_ok`](crate::Process::write_ok)), if it is pending or has nothing to give
/// then; one that is giving goes on in any case. What time it is, the network is
/// [told](crate::Network::set_time), and tells
/// [host functions](cutthrough_ir::HostContext::now).
#[derive(Clone, Debug)]
pub struct Timer {
    flag: Arc<WakeFlag>,
}

impl Timer {
    /// Has the process woken at this time, in place of the one that was set before. One that
    /// has passed is now.
    pub fn set(&self, at: Duration) {
        self.flag.say(|said| said.timer = Some(Some(at)));
    }

    /// Has the process not woken.
    pub fn clear(&self) {
        self.flag.say(|said| said.timer = Some(None));
    }
}

/// How a process has itself woken: what it has asked for when it declared itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakes {
    flag: Option<Arc<WakeFlag>>,
    pub(crate) has_waker: bool,
    /// Whether its timer may have it give at any time.
    pub(crate) has_timer: bool,
}

impl Wakes {
    pub(crate) fn waker(&mut self) -> Waker {
        self.has_waker = true;
        self.flag.get_or_insert_default().waker()
    }

    pub(crate) fn timer(&mut self) -> Timer {
        self.has_timer = true;
        let flag = Arc::clone(self.flag.get_or_insert_default());
        Timer { flag }
    }

    pub(crate) fn flag(&self) -> Option<&Arc<WakeFlag>> {
        self.flag.as_ref()
    }
}

/// Where a network finds the flags by which something has been said to one of its processes.
pub(crate) trait WakeQueue: Send + Sync {
    /// Puts a flag of the process into the queue.
    fn push(&self, flag: Arc<WakeFlag>);
}

/// What a waker sets.
#[derive(Default)]
pub(crate) struct WakeFlag {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    said: Said,
    is_queued: bool,
    /// Where a flag goes that is bound.
    queue: Option<Arc<dyn WakeQueue>>,
}

/// What has been said by a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// That the process is to go on.
    pub(crate) is_woken: bool,
    /// That its timer is to be set, or cleared.
    pub(crate) timer: Option<Option<Duration>>,
}

impl WakeFlag {
    /// A waker that sets it.
    pub(crate) fn waker(self: &Arc<WakeFlag>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Binds it to a process of a network.
    pub(crate) fn bind(self: &Arc<WakeFlag>, queue: Arc<dyn WakeQueue>) {
        self.say_if(|state| {
            state.queue = Some(queue);
            state.said != Said::default()
        });
    }

    /// Unbinds it: nobody is woken by it any more.
    pub(crate) fn unbind(&self) {
        let mut state = self.state.lock();
        state.queue = None;
        state.said = Said::default();
    }

    /// Clears a flag from the queue: what has been said. Before that is done: who says
    /// something from now on may have done what the process looks for then.
    pub(crate) fn take(&self) -> Said {
        let mut state = self.state.lock();
        state.is_queued = false;
        std::mem::take(&mut state.said)
    }

    fn say(self: &Arc<WakeFlag>, say: impl FnOnce(&mut Said)) {
        self.say_if(|state| {
            say(&mut state.said);
            true
        });
    }

    /// Changes the state, and queues the flag if that says so.
    fn say_if(self: &Arc<WakeFlag>, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state.lock();
        if !change(&mut state) || state.is_queued {
            return;
        }
        let Some(queue) = state.queue.clone() else {
            return;
        };
        state.is_queued = true;
        drop(state);
        queue.push(Arc::clone(self));
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<WakeFlag>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<WakeFlag>) {
        self.say(|said| said.is_woken = true);
    }
}

impl std::fmt::Debug for WakeFlag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("WakeFlag")
            .field("said", &state.said)
            .field("is_queued", &state.is_queued)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Queue(Mutex<Vec<Arc<WakeFlag>>>);

    impl WakeQueue for Queue {
        fn push(&self, flag: Arc<WakeFlag>) {
            self.0.lock().push(flag);
        }
    }

    #[test]
    fn a_flag_is_in_the_queue_once_and_not_before_it_is_bound() {
        let (mut wakes, queue) = (Wakes::default(), Arc::new(Queue::default()));
        let (waker, timer) = (wakes.waker(), wakes.timer());
        waker.wake_by_ref();
        let flag = wakes.flag().unwrap();
        flag.bind(queue.clone());
        assert_eq!(queue.0.lock().len(), 1, "something was said before");
        timer.set(Duration::from_secs(1));
        waker.wake_by_ref();
        timer.clear();
        assert_eq!(queue.0.lock().len(), 1, "it is queued still");
        let said = Said {
            is_woken: true,
            timer: Some(None),
        };
        let taken = queue.0.lock().remove(0);
        assert_eq!(taken.take(), said);
        waker.wake_by_ref();
        assert_eq!(queue.0.lock().len(), 1, "it was taken in between");
        flag.unbind();
        assert_eq!(queue.0.lock().remove(0).take(), Said::default());
        waker.wake_by_ref();
        assert_eq!(queue.0.lock().len(), 0, "nobody is woken by it");
    }
}
