//! Whoever waits at an end of a channel is woken, model-checked: loom runs both ends in every
//! order that differs.
//!
//! What is checked is the real `channel/waiting.rs`, compiled here with loom's locks and
//! atomics. Modelled is the ring, as two counts with the orderings of `rtrb`: an element is
//! there when its count has been published, and one that is not published is not seen.

#[path = "../src/channel/waiting.rs"]
mod waiting;

use std::sync::Arc as StdArc;
use std::task::{Context, Wake, Waker};

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};

use waiting::Waiting;

/// Loom's locks and atomics, with the interface of those that the runtime uses.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("nobody panics under a lock")
        }
    }
}

/// A channel for so many elements, which are their own numbers.
struct Channel {
    capacity: usize,
    sent: AtomicUsize,
    received: AtomicUsize,
    is_ended: AtomicBool,
    is_closed: AtomicBool,
    sender: Waiting,
    receiver: Waiting,
    /// Whether the sender publishes before it notifies, as it has to.
    publishes_first: bool,
}

impl Channel {
    fn new(capacity: usize) -> Channel {
        Channel {
            capacity,
            sent: AtomicUsize::new(0),
            received: AtomicUsize::new(0),
            is_ended: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            sender: Waiting::default(),
            receiver: Waiting::default(),
            publishes_first: true,
        }
    }

    /// Sends one element, waiting for room; whether the receiver takes any.
    fn send(&self) -> bool {
        let sent = self.sent.load(Ordering::Relaxed);
        let has_room = || sent - self.received.load(Ordering::Acquire) < self.capacity;
        let is_closed = || self.is_closed.load(Ordering::Acquire);
        park(&self.sender, || has_room() || is_closed());
        if is_closed() {
            return false;
        }
        if self.publishes_first {
            self.sent.store(sent + 1, Ordering::Release);
            self.receiver.notify();
        } else {
            self.receiver.notify();
            self.sent.store(sent + 1, Ordering::Release);
        }
        true
    }

    fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.receiver.notify();
    }

    /// Receives one element, waiting for it; whether there is one.
    fn receive(&self) -> bool {
        let received = self.received.load(Ordering::Relaxed);
        let is_there = || self.sent.load(Ordering::Acquire) > received;
        let is_ended = || self.is_ended.load(Ordering::Acquire);
        park(&self.receiver, || is_ended() || is_there());
        if !is_there() {
            return false;
        }
        self.received.store(received + 1, Ordering::Release);
        self.sender.notify();
        true
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.sender.notify();
    }
}

/// Waits without spinning. A wake that is lost is a deadlock, which loom finds.
fn park(waiting: &Waiting, is_there: impl Fn() -> bool) {
    let parked = Parked::new();
    let waker = Waker::from(parked.clone());
    while waiting.poll(&Context::from_waker(&waker), &is_there).is_pending() {
        let mut is_woken = parked.is_woken.lock().expect("nobody panics");
        while !*is_woken {
            is_woken = parked.woken.wait(is_woken).expect("nobody panics");
        }
        *is_woken = false;
    }
}

struct Parked {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

impl Parked {
    fn new() -> StdArc<Parked> {
        StdArc::new(Parked {
            is_woken: Mutex::new(false),
            woken: Condvar::new(),
        })
    }
}

impl Wake for Parked {
    fn wake(self: StdArc<Parked>) {
        *self.is_woken.lock().expect("nobody panics") = true;
        self.woken.notify_one();
    }
}

/// Runs a model in all orders with so many preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn all_that_is_sent_is_received_and_nobody_waits_for_ever() {
    explore(4, || {
        let channel = Arc::new(Channel::new(1));
        let sender = channel.clone();
        let sending = loom::thread::spawn(move || {
            assert!(sender.send() && sender.send());
            sender.end();
        });
        let mut received = 0;
        while channel.receive() {
            received += 1;
        }
        assert_eq!(received, 2);
        sending.join().unwrap();
    });
}

#[test]
fn a_sender_that_waits_hears_that_the_receiver_has_gone() {
    explore(4, || {
        let channel = Arc::new(Channel::new(1));
        let sender = channel.clone();
        let sending = loom::thread::spawn(move || while sender.send() {});
        assert!(channel.receive());
        channel.close();
        sending.join().unwrap();
        let (sent, received) = (&channel.sent, &channel.received);
        let left = sent.load(Ordering::Relaxed) - received.load(Ordering::Relaxed);
        assert!(left <= 2, "what was sent in time, to be taken back");
    });
}

#[test]
fn a_receiver_that_waits_hears_the_end() {
    explore(4, || {
        let channel = Arc::new(Channel::new(1));
        let sender = channel.clone();
        let sending = loom::thread::spawn(move || sender.end());
        assert!(!channel.receive());
        sending.join().unwrap();
    });
}

/// The model can fail: who notifies before the element is there wakes nobody for it.
#[test]
#[should_panic(expected = "the wake was lost")]
fn a_sender_that_notifies_too_early_is_found_out() {
    explore(4, || {
        let channel = Arc::new(Channel {
            publishes_first: false,
            ..Channel::new(1)
        });
        let sender = channel.clone();
        let sending = loom::thread::spawn(move || assert!(sender.send()));
        let parked = Parked::new();
        let waker = Waker::from(parked.clone());
        let is_there = || channel.sent.load(Ordering::Acquire) > 0;
        let waits = channel
            .receiver
            .poll(&Context::from_waker(&waker), is_there)
            .is_pending();
        sending.join().unwrap();
        let is_woken = *parked.is_woken.lock().unwrap();
        assert!(!waits || is_woken, "the wake was lost");
    });
}
