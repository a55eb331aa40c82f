//! Channels: how elements come into a network from other threads, and go to them.
//!
//! A [channel](channel()) is a ring of so many elements with two ends, a [`Sender`] and a
//! [`Receiver`]. A network takes either end: [`Wire::receive`](crate::Wire::receive) makes a
//! stream of what comes, [`Stream::send`](crate::Stream::send) sends what flows. The other end
//! is for a thread, a task of any executor, or another network.
//!
//! ```
//! use cutthrough::{Network, channel};
//!
//! # fn main() -> Result<(), cutthrough::Error> {
//! let (mut numbers, from_numbers) = channel::<i64>(1024);
//! let (to_squares, mut squares) = channel::<i64>(1024);
//! let mut network = Network::default();
//! network.wire(|wire| {
//!     let evens = wire.receive::<i64>(from_numbers).filter(|x| (x % 2).eq(0));
//!     evens.map(|x| x * x).send(to_squares)
//! })?;
//! let spawned = network.spawn();
//!
//! let sending = std::thread::spawn(move || numbers.send_all(0..10));
//! assert_eq!(squares.iter().collect::<Vec<i64>>(), [0, 4, 16, 36, 64]);
//! assert_eq!(sending.join().unwrap(), Ok(10));
//! spawned.join()?.check_conservation()
//! # }
//! ```
//!
//! Each end comes in three forms: one that waits on the spot (`send`, `recv`), one that never
//! waits (`try_send`, `try_recv`), and one for tasks (`send_async`, `recv_async`, and a receiver
//! is a [`Stream`](futures_core::Stream)). Each of them takes one element, or many
//! (`send_all`, `recv_batch`), which costs less.
//!
//! # What is promised
//! * What was accepted is received, once and in order. If the receiver goes before, the
//!   sender is refused, and takes back what was not received ([`Sender::take_back`]).
//! * When the sender goes, the receiver gets what was accepted, then the end, and
//!   [why](Receiver::end).
//! * For a network, an element is received when it has gone into the flow. So a sender is held
//!   up when the flow is.
//!
//! The [decision](https://github.com/cutthrough/cutthrough/blob/main/docs/decisions/0015-channels.md)
//! has the definitions and the protocol.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what both ends share, and what can go wrong |
//! | `sender.rs`, `receiver.rs` | the ends |
//! | `waiting.rs` | who waits for the other end, and is woken |
//! | `park.rs` | threads that wait |

pub(crate) mod park;
mod receiver;
mod sender;
pub(crate) mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

use crate::fate::Close;
use crate::running::Owner;
use waiting::Waiting;

pub(crate) use receiver::Looked;
pub use receiver::{Iter, Receiver};
pub use sender::Sender;

/// A channel for `capacity` elements at the most, or one if that is 0. See the
/// [module](self).
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity.max(1));
    let shared = Arc::new(Shared {
        sender: Waiting::default(),
        sends: Arc::default(),
        receives: Arc::default(),
        receiver: Waiting::default(),
        is_ended: AtomicBool::new(false),
        is_closed: AtomicBool::new(false),
        listener: Mutex::new(None),
        end: Mutex::new(None),
        left: Mutex::new(None),
    });
    (
        Sender::of(producer, shared.clone()),
        Receiver::of(consumer, shared),
    )
}

/// What both ends share besides the ring.
pub(crate) struct Shared<T> {
    /// Waits for room.
    sender: Waiting,
    /// Waits for elements.
    receiver: Waiting,
    /// The network that sends, if one does.
    pub(crate) sends: Arc<Owner>,
    /// The network that receives, if one does.
    pub(crate) receives: Arc<Owner>,
    /// Whether the sender has gone: nothing comes behind what lies in the ring.
    is_ended: AtomicBool,
    /// Whether the receiver has gone, or takes no more.
    is_closed: AtomicBool,
    /// Is to hear that the receiver has gone, also while it does not wait for room.
    listener: Mutex<Option<Waker>>,
    /// Why the sender has gone, once it has.
    end: Mutex<Option<Close>>,
    /// The ring, once the receiver has gone.
    left: Mutex<Option<rtrb::Consumer<T>>>,
}

impl<T> Shared<T> {
    /// Says that nothing comes any more. The first reason stands.
    pub(crate) fn end(&self, why: Close) {
        self.end.lock().get_or_insert(why);
        self.is_ended.store(true, Ordering::Release);
        self.receiver.notify();
    }

    /// Says that nothing is taken any more.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.sender.notify();
        let listener = self.listener.lock().take();
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    /// Has a waker woken when the receiver has gone.
    pub(crate) fn listen(&self, waker: Waker) {
        *self.listener.lock() = Some(waker);
    }

    fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

/// The receiver has gone, or takes no more: with the element that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the channel is closed: its receiver takes no more")]
pub struct SendError<T>(pub T);

/// Why an element cannot be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<T> {
    /// The channel is full at present.
    #[error("the channel is full")]
    Full(T),
    /// The receiver has gone, or takes no more.
    #[error("the channel is closed: its receiver takes no more")]
    Closed(T),
}

/// Why there is no element at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// The channel is empty at present.
    #[error("the channel is empty")]
    Empty,
    /// The sender has gone, and everything has been received.
    #[error("the channel has ended")]
    Ended,
}
