use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use rtrb::Producer;

use super::{SendError, Shared, TrySendError, park};
use crate::fate::Close;
use crate::limits::CHANNEL_BATCH;

/// The end of a [channel](super::channel()) that elements go into. When it is dropped the
/// channel ends, behind what was accepted.
///
/// ```
/// use cutthrough::{TrySendError, channel};
///
/// let (mut sender, mut receiver) = channel(2);
/// assert_eq!(sender.try_send_all(&mut (1..10)), Ok(2));
/// assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
/// assert_eq!(receiver.recv(), Some(1));
/// drop(receiver);
/// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
/// assert_eq!(sender.take_back(), [2], "what was accepted and not received");
/// ```
pub struct Sender<T> {
    ring: Producer<T>,
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    pub(super) fn of(ring: Producer<T>, shared: Arc<Shared<T>>) -> Sender<T> {
        Sender { ring, shared }
    }

    /// Sends an element. Where there is no room the thread waits.
    ///
    /// # Errors
    /// When the receiver takes no more; the error has the element.
    ///
    /// # Panics
    /// When the thread would wait for itself, as it is running the network at the other end: a
    /// process or request of that network takes [`try_send`](Sender::try_send).
    pub fn send(&mut self, element: T) -> Result<(), SendError<T>> {
        match self.try_send(element) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(element)) => Err(SendError(element)),
            Err(TrySendError::Full(element)) => {
                self.wait();
                self.send_waited(element)
            }
        }
    }

    /// Sends an element, if there is room.
    ///
    /// # Errors
    /// When there is none, or the receiver takes no more; the error has the element.
    #[inline]
    pub fn try_send(&mut self, element: T) -> Result<(), TrySendError<T>> {
        if self.is_closed() {
            return Err(TrySendError::Closed(element));
        }
        match self.ring.push(element) {
            Ok(()) => {
                self.shared.receiver.notify();
                Ok(())
            }
            Err(rtrb::PushError::Full(element)) => Err(TrySendError::Full(element)),
        }
    }

    /// Sends an element. Where there is no room the task waits. A future that is dropped
    /// before it is ready has sent nothing.
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    pub async fn send_async(&mut self, element: T) -> Result<(), SendError<T>> {
        poll_fn(|context| self.poll_room(context)).await;
        self.send_waited(element)
    }

    /// Sends all elements of an iterator, some hundred at a time. Where there is no room the
    /// thread waits, and where the iterator waits, up to [`CHANNEL_BATCH`] elements before do.
    /// (An iterator that does not know its length is asked for more only when there is room.)
    /// How many were sent: if those are not all, the receiver takes no more, and what is left
    /// is in the iterator (give `&mut` one).
    ///
    /// # Errors
    /// When the receiver takes no more; the error has how many were sent.
    pub fn send_all(&mut self, elements: impl IntoIterator<Item = T>) -> Result<u64, SendError<u64>> {
        let mut elements = elements.into_iter();
        let mut sent = 0;
        loop {
            match self.send_some(&mut elements) {
                Some(0) => return Ok(sent),
                Some(more) => sent += more as u64,
                None if self.is_closed() => return Err(SendError(sent)),
                None => self.wait(),
            }
        }
    }

    /// Sends elements of an iterator as long as there is room. How many were sent; what is left
    /// is in the iterator.
    ///
    /// # Errors
    /// When the receiver takes no more; the error has how many were sent.
    pub fn try_send_all(&mut self, elements: &mut impl Iterator<Item = T>) -> Result<u64, SendError<u64>> {
        let mut sent = 0;
        loop {
            match self.send_some(elements) {
                Some(0) => return Ok(sent),
                Some(more) => sent += more as u64,
                None if self.is_closed() => return Err(SendError(sent)),
                None => return Ok(sent),
            }
        }
    }

    /// As [`send_all`](Sender::send_all); where there is no room the task waits.
    ///
    /// # Errors
    /// As [`send_all`](Sender::send_all).
    pub async fn send_all_async(
        &mut self,
        elements: impl IntoIterator<Item = T>,
    ) -> Result<u64, SendError<u64>> {
        let mut elements = elements.into_iter();
        let mut sent = 0;
        loop {
            match self.send_some(&mut elements) {
                Some(0) => return Ok(sent),
                Some(more) => sent += more as u64,
                None if self.is_closed() => return Err(SendError(sent)),
                None => poll_fn(|context| self.poll_room(context)).await,
            }
        }
    }

    /// Ready when there is room for an element, or the receiver takes no more; otherwise the
    /// task is woken then.
    pub fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.shared.sender.poll(context, || self.is_ready())
    }

    /// How many elements there is room for.
    pub fn room(&self) -> usize {
        self.ring.slots()
    }

    /// Whether the receiver has gone, or takes no more.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Takes back what was accepted and will not be received, as the receiver has gone. There
    /// is nothing while it is there.
    pub fn take_back(&mut self) -> Vec<T> {
        let mut left = self.shared.left.lock();
        let pop = || left.as_mut()?.pop().ok();
        std::iter::from_fn(pop).collect()
    }

    /// Ends the channel with this reason instead of [`Close::Ended`].
    pub fn end(self, why: Close) {
        self.shared.end(why);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    /// Sends some elements by one notice. How many, which is 0 at the end of the iterator; none
    /// where there is no room, or the receiver takes no more.
    fn send_some(&mut self, elements: &mut impl Iterator<Item = T>) -> Option<usize> {
        // What is over needs no room.
        if elements.size_hint() == (0, Some(0)) {
            return Some(0);
        }
        if self.is_closed() {
            return None;
        }
        let mut room = self.ring.cached_slots();
        if room < CHANNEL_BATCH {
            room = self.ring.slots();
        }
        if room == 0 {
            return None;
        }
        let chunk = self.ring.write_chunk_uninit(room.min(CHANNEL_BATCH));
        let sent = chunk
            .expect("INVARIANT: there is so much room")
            .fill_from_iter(elements);
        if sent > 0 {
            self.shared.receiver.notify();
        }
        Some(sent)
    }

    /// Sends an element after there was room, or the receiver had gone.
    fn send_waited(&mut self, element: T) -> Result<(), SendError<T>> {
        match self.try_send(element) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(element)) => Err(SendError(element)),
            Err(TrySendError::Full(_)) => unreachable!("INVARIANT: nobody else fills the ring"),
        }
    }

    fn wait(&self) {
        self.shared.receives.check_wait("take `try_send`");
        park::wait(&self.shared.sender, None, || self.is_ready());
    }

    fn is_ready(&self) -> bool {
        self.ring.slots() > 0 || self.is_closed()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.end(match std::thread::panicking() {
            true => Close::Cancelled,
            false => Close::Ended,
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("room", &self.room())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
