//! Running a network in real time: by a loop, by a task of an executor, or by a thread of its
//! own.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Handle, Network, Progress};
use crate::error::{Error, ErrorKind};
use crate::limits::FAILURES_KEPT_MAX;

/// Runs a network, and tells it what [time](Network::set_time) it is: since the driver was
/// made. [`Network::spawn`] has one on a thread of its own.
///
/// A loop that has other things to do:
/// ```
/// use std::time::Duration;
/// use cutthrough::{Driver, Network, Progress, channel};
///
/// # fn main() -> Result<(), cutthrough::Error> {
/// # let other_things_to_do = |sender: &mut Option<cutthrough::Sender<i64>>| drop(sender.take());
/// let (mut sender, receiver) = channel::<i64>(16);
/// let mut network = Network::default();
/// let sum = network.wire(|wire| wire.receive(receiver).sum(|x| x).collect())?;
/// sender.send_all([1, 2, 3]).unwrap();
/// # let mut sender = Some(sender);
/// let mut driver = Driver::new(network);
/// while driver.run()? != Progress::Done {
///     other_things_to_do(&mut sender);
///     driver.wait_timeout(Duration::from_millis(10));
/// }
/// assert_eq!(sum.take(), [6]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Driver {
    network: Network,
    /// When the network's time was zero.
    begin: Instant,
}

impl Driver {
    /// A driver of this network. Its time goes on from what it was told last.
    pub fn new(network: Network) -> Driver {
        let now = Instant::now();
        Driver {
            begin: now.checked_sub(network.time()).unwrap_or(now),
            network,
        }
    }

    /// The network, to be edited or looked at.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Gives the network back.
    pub fn into_network(self) -> Network {
        self.network
    }

    /// Runs until nothing can move, as [`Network::run`].
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn run(&mut self) -> Result<Progress, Error> {
        self.network.set_time(self.begin.elapsed());
        self.network.run()
    }

    /// Waits until something comes from another thread, or a timer is due.
    pub fn wait(&self) {
        match self.next_timer() {
            None => self.network.wait(),
            Some(at) => {
                self.network
                    .wait_timeout(at.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// As [`wait`](Driver::wait), for so long at the most.
    pub fn wait_timeout(&self, timeout: Duration) {
        let due = self
            .next_timer()
            .map(|at| at.saturating_duration_since(Instant::now()));
        self.network
            .wait_timeout(due.map_or(timeout, |due| due.min(timeout)));
    }

    /// Runs, and waits, until everything has finished or the network is
    /// [stopped](Handle::stop).
    ///
    /// # Errors
    /// When a process fails; what is not affected can be run on.
    pub fn run_to_end(&mut self) -> Result<Progress, Error> {
        loop {
            match self.run()? {
                Progress::Waiting if !self.network.handle().is_stopped() => self.wait(),
                progress => return Ok(progress),
            }
        }
    }

    /// As [`Network::poll_run`], for a task. Where that is pending, the task has to be woken at
    /// the [next timer](Driver::next_timer) as well.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Progress, Error>> {
        self.network.set_time(self.begin.elapsed());
        self.network.poll_run(context)
    }

    /// When the next timer of a process is due.
    pub fn next_timer(&self) -> Option<Instant> {
        self.begin.checked_add(self.network.next_timer()?)
    }
}

/// A network that runs on a thread of its own ([`Network::spawn`]). It goes on until
/// everything has finished, whatever fails meanwhile. When this is dropped, the network is
/// stopped, and its thread joined (unless that is the thread that drops this, in a request).
#[derive(Debug)]
pub struct Spawned {
    handle: Handle,
    failures: Arc<Mutex<Vec<Error>>>,
    /// There until it is joined.
    thread: Option<JoinHandle<Network>>,
}

impl Network {
    /// Runs the network on a thread of its own, in real time.
    ///
    /// ```
    /// use cutthrough::{Network, channel};
    ///
    /// # fn main() -> Result<(), cutthrough::Error> {
    /// let (mut sender, receiver) = channel::<i64>(16);
    /// let mut network = Network::default();
    /// let (id, big) = network.wire(|wire| {
    ///     let big = wire.receive(receiver).filter(|x| x.gt(10));
    ///     (big.id(), big.collect())
    /// })?;
    /// let spawned = network.spawn();
    /// sender.send_all([5, 15]).unwrap();
    /// spawned.handle().request(move |network| {
    ///     network.rewire(|rewire| id.swap(rewire, |x| x.gt(1)))
    /// })?.wait()??;
    /// sender.send(5).unwrap();
    /// drop(sender);
    /// let network = spawned.join()?;
    /// assert_eq!(big.take().last(), Some(&5));
    /// network.check_conservation()
    /// # }
    /// ```
    ///
    /// # Panics
    /// When there can be no thread.
    pub fn spawn(self) -> Spawned {
        let failures = Arc::new(Mutex::new(Vec::new()));
        let handle = self.handle();
        let mut driver = Driver::new(self);
        let failed = failures.clone();
        let run = move || {
            while let Err(error) = driver.run_to_end() {
                let mut failures = failed.lock();
                if failures.len() < FAILURES_KEPT_MAX {
                    failures.push(error);
                }
            }
            driver.into_network()
        };
        let thread = std::thread::Builder::new().name("cutthrough".to_owned());
        Spawned {
            handle,
            failures,
            thread: Some(thread.spawn(run).expect("the system has threads")),
        }
    }
}

impl Spawned {
    /// A handle on the network, for requests.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether everything has finished.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What has failed so far, the first [`FAILURES_KEPT_MAX`].
    pub fn failures(&self) -> Vec<Error> {
        self.failures.lock().clone()
    }

    /// Waits until everything has finished; the network, to be looked at.
    ///
    /// # Errors
    /// The first failure, if anything has failed. The network has gone then. And in a request of
    /// the network, whose thread would wait for itself: the network is stopped then.
    pub fn join(mut self) -> Result<Network, Error> {
        let network = self.join_thread()?;
        match self.failures.lock().first() {
            None => Ok(network),
            Some(error) => Err(error.clone()),
        }
    }

    /// Stops the network, soon and for good, and waits for that. What it has not moved yet
    /// stays where it is.
    ///
    /// # Errors
    /// As [`join`](Spawned::join).
    pub fn stop(self) -> Result<Network, Error> {
        self.handle.stop();
        self.join()
    }

    fn is_own_thread(&self) -> bool {
        let this = std::thread::current().id();
        self.thread
            .as_ref()
            .is_some_and(|thread| thread.thread().id() == this)
    }

    fn join_thread(&mut self) -> Result<Network, Error> {
        if self.is_own_thread() {
            let message = "the network's own thread would wait for itself: join it from another thread";
            return Err(Error::new(ErrorKind::Deadlock, message));
        }
        let thread = self.thread.take().expect("INVARIANT: it is joined once");
        let panicked = |payload: Box<dyn std::any::Any + Send>| {
            let text = cutthrough_ir::panic_text(&*payload);
            Error::new(
                ErrorKind::Failed,
                format!("the network's thread panicked: {text}"),
            )
        };
        thread.join().map_err(panicked)
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.handle.stop();
            // It has been dropped: nobody asks what became of it. On its own thread, the
            // network comes out when the request is over.
            let _ = self.join_thread();
        }
    }
}
