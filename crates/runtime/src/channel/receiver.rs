use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use rtrb::Consumer;

use super::{Shared, TryRecvError, park};
use crate::fate::Close;

/// The end of a [channel](super::channel()) that elements come out of. When it is dropped the
/// sender is refused, and can [take back](super::Sender::take_back) what has not been received.
///
/// As a [`Stream`](futures_core::Stream) it gives one element after another.
///
/// ```
/// use cutthrough::{Close, channel};
///
/// let (mut sender, mut receiver) = channel(8);
/// sender.send_all([1, 2, 3])?;
/// drop(sender);
/// assert_eq!(receiver.recv(), Some(1));
/// let mut rest = Vec::new();
/// assert_eq!(receiver.recv_batch(&mut rest, 100), 2);
/// assert_eq!((receiver.recv(), rest), (None, vec![2, 3]));
/// assert_eq!(receiver.end(), Some(Close::Ended));
/// # Ok::<(), cutthrough::SendError<u64>>(())
/// ```
pub struct Receiver<T> {
    /// There until it is dropped.
    ring: Option<Consumer<T>>,
    shared: Arc<Shared<T>>,
}

/// What a network finds that looks for elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// So many, at least one.
    Some(usize),
    /// None at present: the waker will be woken.
    None,
    /// None, and none will come.
    Ended,
}

impl<T> Receiver<T> {
    pub(super) fn of(ring: Consumer<T>, shared: Arc<Shared<T>>) -> Receiver<T> {
        Receiver {
            ring: Some(ring),
            shared,
        }
    }

    /// Receives an element. Where there is none the thread waits. None when the sender has gone
    /// and everything has been received.
    ///
    /// # Panics
    /// When the thread would wait for itself, as it is running the network at the other end: a
    /// process or request of that network takes [`try_recv`](Receiver::try_recv).
    pub fn recv(&mut self) -> Option<T> {
        loop {
            match self.try_recv() {
                Ok(element) => return Some(element),
                Err(TryRecvError::Ended) => return None,
                Err(TryRecvError::Empty) => self.wait(None),
            };
        }
    }

    /// As [`recv`](Receiver::recv), but waits no longer than this.
    ///
    /// # Errors
    /// When nothing has come in that time, or nothing comes any more.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, TryRecvError> {
        match self.try_recv() {
            Err(TryRecvError::Empty) => {
                self.wait(Instant::now().checked_add(timeout));
                self.try_recv()
            }
            outcome => outcome,
        }
    }

    /// Receives an element, if there is one.
    ///
    /// # Errors
    /// When there is none at present, or none will come.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if let Ok(element) = self.ring_mut().pop() {
            self.shared.sender.notify();
            return Ok(element);
        }
        self.try_recv_last()
    }

    /// What came before the end comes before the end.
    #[cold]
    fn try_recv_last(&mut self) -> Result<T, TryRecvError> {
        if !self.shared.is_ended() {
            return Err(TryRecvError::Empty);
        }
        self.ring_mut().pop().map_err(|_| TryRecvError::Ended)
    }

    /// Receives an element. Where there is none the task waits. None when the sender has gone
    /// and everything has been received. A future that is dropped before it is ready has
    /// received nothing.
    pub async fn recv_async(&mut self) -> Option<T> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// As [`recv_async`](Receiver::recv_async), for a task that polls itself.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        match self.shared.receiver.poll(context, || self.is_ready()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(self.try_recv().ok()),
        }
    }

    /// Appends up to `most` elements to `elements`: what there is, at least one. Where there is
    /// none the thread waits. How many there were: 0 when nothing comes any more.
    pub fn recv_batch(&mut self, elements: &mut Vec<T>, most: usize) -> usize {
        loop {
            match self.try_recv_batch(elements, most) {
                Ok(received) => return received,
                Err(TryRecvError::Ended) => return 0,
                Err(TryRecvError::Empty) => self.wait(None),
            };
        }
    }

    /// As [`recv_batch`](Receiver::recv_batch), without waiting.
    ///
    /// # Errors
    /// When there is none at present, or none will come.
    pub fn try_recv_batch(&mut self, elements: &mut Vec<T>, most: usize) -> Result<usize, TryRecvError> {
        // Before it looks: what came before the end comes before the end.
        let is_ended = self.shared.is_ended();
        let ring = self.ring_mut();
        let received = ring.slots().min(most);
        if received == 0 && most > 0 {
            return Err(match is_ended {
                true => TryRecvError::Ended,
                false => TryRecvError::Empty,
            });
        }
        let chunk = ring.read_chunk(received).expect("INVARIANT: there are so many");
        elements.extend(chunk);
        self.shared.sender.notify();
        Ok(received)
    }

    /// As [`recv_batch`](Receiver::recv_batch); where there is none the task waits.
    pub async fn recv_batch_async(&mut self, elements: &mut Vec<T>, most: usize) -> usize {
        poll_fn(|context| self.shared.receiver.poll(context, || self.is_ready())).await;
        self.try_recv_batch(elements, most).unwrap_or(0)
    }

    /// Elements until nothing comes any more. Where there is none the thread waits.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Takes no more: the sender is refused from now on. What was accepted can be received
    /// still; then the channel has ended.
    pub fn close(&mut self) {
        self.shared.end(Close::Ended);
        self.shared.close();
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.ring().slots()
    }

    /// Whether there are none at present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why nothing comes behind what there is; none while something may come. A flow that
    /// [failed](Close::Failed) or was [cancelled](Close::Cancelled) has given a part only.
    pub fn end(&self) -> Option<Close> {
        self.shared.end.lock().clone()
    }

    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// Looks for up to so many elements, and has the waker woken when there are none.
    pub(crate) fn look(&self, most: usize, waker: &Waker) -> Looked {
        let context = Context::from_waker(waker);
        match self.shared.receiver.poll(&context, || self.is_ready()) {
            Poll::Pending => Looked::None,
            // What came before the end is there by now.
            Poll::Ready(()) => match self.len() {
                0 => Looked::Ended,
                there => Looked::Some(there.min(most)),
            },
        }
    }

    /// The first so many elements, which stay in the ring: in two pieces, one behind the other.
    pub(crate) fn peek(&mut self, elements: usize, look: impl FnOnce((&[T], &[T]))) {
        let chunk = self.ring_mut().read_chunk(elements);
        look(chunk.expect("INVARIANT: there are so many").as_slices());
    }

    /// Lets the first so many elements go.
    pub(crate) fn advance(&mut self, elements: usize) {
        if elements == 0 {
            return;
        }
        let chunk = self.ring_mut().read_chunk(elements);
        chunk.expect("INVARIANT: there are so many").commit_all();
        self.shared.sender.notify();
    }

    fn wait(&self, until: Option<Instant>) -> bool {
        if until.is_none() {
            self.shared.sends.check_wait("take `try_recv`");
        }
        park::wait(&self.shared.receiver, until, || self.is_ready())
    }

    fn is_ready(&self) -> bool {
        // In this order: what came before the end is there when the end is seen.
        self.shared.is_ended() || !self.is_empty()
    }

    fn ring(&self) -> &Consumer<T> {
        self.ring.as_ref().expect("INVARIANT: it is not dropped")
    }

    fn ring_mut(&mut self) -> &mut Consumer<T> {
        self.ring.as_mut().expect("INVARIANT: it is not dropped")
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        *self.shared.left.lock() = self.ring.take();
        self.shared.close();
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_recv(context)
    }
}

/// What a [`Receiver`] receives ([`Receiver::iter`]).
#[derive(Debug)]
pub struct Iter<'r, T> {
    receiver: &'r mut Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv()
    }
}

impl<'r, T> IntoIterator for &'r mut Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'r, T>;

    fn into_iter(self) -> Iter<'r, T> {
        self.iter()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}
