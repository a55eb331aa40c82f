//! What comes from other threads: requests, wakes, and being stopped. And waiting for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::pending::{Answer, Pending, Slot};
use super::{Network, Progress};
use crate::channel::park::spin;
use crate::error::{Error, ErrorKind};
use crate::ids::NetworkNumber;
use crate::limits::{POLL_MICROS, QUANTUM_STEPS, REQUESTS_MAX};
use crate::running::is_running;
use crate::wake::{WakeFlag, WakeQueue};
use crate::wiring::{Node, ProcessId, Status};

type Request = Box<dyn FnOnce(&mut Network) + Send>;

/// What the handles and the network share.
///
/// INVARIANT: while nobody holds the lock of the queue, `interrupt` and `has_news` say what
/// follows from the queue ([`Shared::show`]).
pub(super) struct Shared {
    network: NetworkNumber,
    /// Set when a running chain is to come out soon.
    pub(super) interrupt: AtomicBool,
    /// Set when there is something in the queue.
    has_news: AtomicBool,
    stopped: AtomicBool,
    /// Whether a wake interrupts the running chain: grants are so long that the process would
    /// have its turn too late.
    wakes_interrupt: bool,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

/// What has come and has not been seen to.
#[derive(Default)]
struct Queue {
    /// In the order in which they came.
    requests: VecDeque<Request>,
    /// Each once.
    woken: Vec<(ProcessId, Arc<WakeFlag>)>,
    /// Who is to be woken when something comes.
    waiting: Option<Waker>,
    /// Whether the network is gone: there will be no answers any more.
    closed: bool,
}

impl Shared {
    /// Of this network, whose grants have so many steps at the most.
    pub(super) fn new(network: NetworkNumber, quantum_steps: u64) -> Shared {
        Shared {
            network,
            interrupt: AtomicBool::new(false),
            has_news: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            wakes_interrupt: quantum_steps > QUANTUM_STEPS,
            queue: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether there are requests or wakes to be seen to.
    pub(super) fn has_news(&self) -> bool {
        // PERF: this is asked between all grants; it is no lock.
        self.has_news.load(Ordering::Acquire)
    }

    /// How many requests wait.
    pub(super) fn requests(&self) -> usize {
        self.queue.lock().requests.len()
    }

    /// One by one: should a request panic, the others still wait.
    pub(super) fn next_request(&self) -> Option<Request> {
        let mut queue = self.queue.lock();
        let next = queue.requests.pop_front();
        self.show(&queue);
        next
    }

    /// Takes the flags that have been set.
    fn take_woken(&self) -> Vec<(ProcessId, Arc<WakeFlag>)> {
        let mut queue = self.queue.lock();
        let woken = std::mem::take(&mut queue.woken);
        self.show(&queue);
        woken
    }

    /// Says what is in the queue.
    fn show(&self, queue: &Queue) {
        let has_requests = !queue.requests.is_empty();
        let has_woken = !queue.woken.is_empty();
        self.has_news.store(has_requests || has_woken, Ordering::Release);
        let interrupts = has_requests || (has_woken && self.wakes_interrupt) || self.is_stopped();
        self.interrupt.store(interrupts, Ordering::Relaxed);
    }

    /// Says what is in the queue, now that something has come, and wakes whoever waits.
    fn arrive(&self, mut queue: MutexGuard<'_, Queue>) {
        self.show(&queue);
        let waiting = queue.waiting.take();
        drop(queue);
        self.arrived.notify_all();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Answers everything that waits, and what may come still, with an error.
    fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let unanswered = std::mem::take(&mut queue.requests);
        let woken = std::mem::take(&mut queue.woken);
        let waiting = queue.waiting.take();
        drop(queue);
        // Dropping a request answers it; who waits for it may send another at once.
        drop((unanswered, woken, waiting));
    }

    fn push(&self, request: Request) -> Result<(), Error> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Error::network_gone());
        }
        if queue.requests.len() >= REQUESTS_MAX {
            let message = format!(
                "{REQUESTS_MAX} requests wait for the network's thread already; wait until some are answered"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        queue.requests.push_back(request);
        self.arrive(queue);
        Ok(())
    }
}

/// A process of the network, for the flags that are bound to it.
struct Bound {
    process: ProcessId,
    shared: Arc<Shared>,
}

impl WakeQueue for Bound {
    fn push(&self, flag: Arc<WakeFlag>) {
        let mut queue = self.shared.queue.lock();
        if !queue.closed {
            queue.woken.push((self.process, flag));
            self.shared.arrive(queue);
        }
    }
}

/// A handle on a network for other threads. Requests are applied between grants, in the
/// order in which they came; the running chain is interrupted for them.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn of(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    /// Has the network call `request` between two grants, on the thread that runs it. If it
    /// panics, [`Network::run`] comes back with that as an error, and can be run on.
    ///
    /// # Errors
    /// At the bound on requests that wait, or when the network is gone. `request` has
    /// then been dropped.
    pub fn send(&self, request: impl FnOnce(&mut Network) + Send + 'static) -> Result<(), Error> {
        self.shared.push(Box::new(request))
    }

    /// As [`send`](Handle::send), with a way to learn what became of it. It comes back
    /// at once: while the network's thread is in a long call of a host function, say,
    /// the request is pending, and it is applied when that call has returned.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cutthrough::processes::{ForEach, Iter};
    /// use cutthrough::Network;
    ///
    /// let (give_handle, handle) = std::sync::mpsc::channel();
    /// let running = std::thread::spawn(move || {
    ///     let mut network = Network::default();
    ///     let numbers = network.source::<i64>(Iter::new(0i64..))?;
    ///     network.sink(numbers, ForEach::new(|_: i64| {}))?;
    ///     give_handle.send(network.handle()).unwrap();
    ///     network.run()
    /// });
    ///
    /// let handle = handle.recv().unwrap();
    /// let mut report = handle.request(|network| network.report())?;
    /// match report.wait_timeout(Duration::from_secs(10)) {
    ///     Some(answer) => assert_eq!(answer?.processes.len(), 2),
    ///     None => println!("the network's thread is busy; ask again later"),
    /// }
    /// handle.stop();
    /// running.join().unwrap()?;
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Handle::send).
    pub fn request<R: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Network) -> R + Send + 'static,
    ) -> Result<Pending<R>, Error> {
        let slot = Arc::new(Slot::of(self.shared.network));
        let answer = Answer::of(slot.clone());
        self.shared
            .push(Box::new(move |network| answer.give(|| request(network))))?;
        Ok(Pending::of(slot))
    }

    /// Makes the network come out of [`Network::run`] soon, for good. What it has not
    /// moved yet stays where it is.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Under the lock: whoever is about to wait has not looked yet, or is woken.
        self.shared.arrive(self.shared.queue.lock());
    }

    /// Whether the network has been stopped.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Waits, without using the processor, until something comes from another thread: a
    /// request, a wake, or that the network is stopped.
    ///
    /// # Panics
    /// In a request of the network: what comes would wait for that.
    pub fn wait(&self) {
        assert!(
            !is_running(self.number),
            "the network's own thread would wait for itself: return from the request, and it waits by itself"
        );
        if self.spin() {
            return;
        }
        let mut queue = self.shared.queue.lock();
        while queue.is_empty() && !self.shared.is_stopped() {
            self.shared.arrived.wait(&mut queue);
        }
    }

    /// As [`wait`](Network::wait), for so long at the most; whether something has come.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        if self.spin() {
            return true;
        }
        let mut queue = self.shared.queue.lock();
        while queue.is_empty() && !self.shared.is_stopped() {
            let Some(until) = until else {
                self.shared.arrived.wait(&mut queue);
                continue;
            };
            if self.shared.arrived.wait_until(&mut queue, until).timed_out() {
                return !queue.is_empty() || self.shared.is_stopped();
            }
        }
        true
    }

    /// Looks for a while whether something comes. What comes soon need wake no thread.
    fn spin(&self) -> bool {
        spin(|| self.shared.has_news() || self.shared.is_stopped())
    }

    /// Runs as [`run`](Network::run) does, for an executor: where nothing can move until
    /// something comes from another thread, it is pending, and wakes the task then. It comes
    /// back to the executor soon ([`POLL_MICROS`]) in any case.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use cutthrough::processes::{Collect, Slice};
    /// use cutthrough::{Network, Progress};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
    /// #             return output;
    /// #         }
    /// #     }
    /// # }
    /// let mut network = Network::default();
    /// let numbers = network.source::<i64>(Slice::i64([1, 2, 3]))?;
    /// let collect = Collect::<i64>::new();
    /// let collected = collect.collected();
    /// network.sink(numbers, collect)?;
    ///
    /// let progress = block_on(poll_fn(|context| network.poll_run(context)))?;
    /// assert_eq!(progress, Progress::Done);
    /// assert_eq!(collected.take(), [1, 2, 3]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Network::run).
    pub fn poll_run(&mut self, context: &mut Context<'_>) -> Poll<Result<Progress, Error>> {
        // Before it looks: what comes from now on wakes the task.
        self.shared.queue.lock().waiting = Some(context.waker().clone());
        let begin = Instant::now();
        loop {
            match self.run_steps(QUANTUM_STEPS) {
                Ok(Progress::Waiting) if !self.shared.is_stopped() => return Poll::Pending,
                Ok(Progress::Steps) if begin.elapsed() < Duration::from_micros(POLL_MICROS) => {}
                Ok(Progress::Steps) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// What wakes a process that is pending, from any thread: it goes on, at its next turn,
    /// where it gives ([`Process::write_ok`](crate::Process::write_ok)). To wake one that is
    /// not pending, or not there any more, does nothing. A process gets its own waker from
    /// [`Shape::waker`](crate::Shape::waker).
    ///
    /// # Errors
    /// When there is no such process.
    pub fn waker(&mut self, process: ProcessId) -> Result<Waker, Error> {
        self.known(process)?;
        if let Some(flag) = self.wake_flags.get(&process) {
            return Ok(flag.waker());
        }
        let flag = Arc::new(WakeFlag::default());
        flag.bind(self.wake_queue(process));
        let waker = flag.waker();
        self.wake_flags.insert(process, flag);
        Ok(waker)
    }

    fn wake_queue(&self, process: ProcessId) -> Arc<dyn WakeQueue> {
        let shared = Arc::clone(&self.shared);
        Arc::new(Bound { process, shared })
    }

    /// Has a process woken as it has asked for when it declared itself.
    pub(super) fn bind_wakes(&self, process: ProcessId) {
        if let Some(flag) = self.wiring.node(process).wakes.flag() {
            flag.bind(self.wake_queue(process));
        }
    }

    /// The same for a process that has got another program.
    pub(super) fn swap_wakes(&mut self, process: ProcessId, before: &Node) {
        if let Some(flag) = before.wakes.flag() {
            flag.unbind();
        }
        self.bind_wakes(process);
        let wakes = &self.wiring.node(process).wakes;
        let (has_waker, has_timer) = (wakes.has_waker, wakes.has_timer);
        if !has_timer {
            self.timers.set(process, None);
        }
        // It has not waited for anything itself.
        if has_waker {
            self.resume(process);
        }
    }

    /// Forgets whoever would wake a process that is gone.
    pub(super) fn forget_wakes(&mut self, process: ProcessId, node: &Node) {
        let asked_for = self.wake_flags.remove(&process);
        for flag in asked_for.iter().chain(node.wakes.flag()) {
            flag.unbind();
        }
        self.timers.set(process, None);
    }

    /// Has the processes go on that have been woken, and sets timers.
    pub(super) fn apply_wakes(&mut self) {
        if !self.shared.has_news() {
            return;
        }
        for (process, flag) in self.shared.take_woken() {
            let said = flag.take();
            if !self.wiring.nodes.contains_key(process) {
                continue;
            }
            if let Some(at) = said.timer {
                self.timers.set(process, at);
            }
            if said.is_woken {
                self.resume(process);
            }
        }
        self.fire_timers();
    }

    /// Has a process of the network go on, if it is pending.
    pub(super) fn resume(&mut self, process: ProcessId) {
        if self.status(process) == Status::Waiting {
            self.set_holding(process);
        }
    }

    pub(super) fn set_holding(&mut self, process: ProcessId) {
        let status = self.wiring.node(process).status;
        self.state.set_i64(status, Status::Holding as i64);
        self.note(process);
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.woken.is_empty()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shared.close();
        self.hand_back_all();
    }
}
