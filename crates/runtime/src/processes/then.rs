//! Asynchronous stages. (Feature `tokio`.)

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cutthrough_ir::{End, ErrorCause, HostFunction, HostSig, Op, SlotDecl, Type, Value, panic_text};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::element::{self, Element};
use crate::error::Error;
use crate::fate::Fate;
use crate::process::{Account, Fragment, Process, Shape};
use crate::wake::Timer;

/// How an asynchronous stage computes.
#[derive(Clone, Debug)]
pub struct ThenSpec {
    /// How many futures there may be at once: so many elements the stage holds at the most. Where
    /// there are as many, what feeds it stands still.
    pub concurrency: usize,
    /// Whether results are given in the order in which their elements came, or as they come.
    pub is_ordered: bool,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// How many attempts there may be at one element, at least one.
    pub attempts: u32,
    /// How long to wait before the second attempt; before each further one twice as long.
    pub wait: Duration,
    /// Whether an element at which all attempts fail is dropped (as `failed`) and the stage goes
    /// on, instead of failing.
    pub drops_failed: bool,
    /// Whether what is in flight is dropped (as `cancelled`) when the stage is cancelled or
    /// removed, instead of being waited for and given.
    pub drops_cancelled: bool,
}

impl Default for ThenSpec {
    /// Up to 64 futures, results in order, one attempt of any length.
    fn default() -> ThenSpec {
        ThenSpec {
            concurrency: 64,
            is_ordered: true,
            timeout: None,
            attempts: 1,
            wait: Duration::ZERO,
            drops_failed: false,
            drops_cancelled: false,
        }
    }
}

/// Why an attempt at an element failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    message: String,
    cause: Option<ErrorCause>,
}

impl Failure {
    pub(crate) fn of<E: StdError + Send + Sync + 'static>(error: E) -> Failure {
        Failure {
            message: error.to_string(),
            cause: Some(Arc::new(error)),
        }
    }
}

/// An attempt at an element that is under way.
pub(crate) type Attempt<B> = Pin<Box<dyn Future<Output = Result<B, Failure>> + Send>>;

/// How attempts at elements are made.
pub(crate) struct Make<T, B> {
    /// Begins one.
    pub(crate) begin: Box<dyn Fn(T) -> Attempt<B> + Send + Sync>,
    /// Another of the same element, for a further attempt.
    pub(crate) clone: Option<fn(&T) -> T>,
}

/// Makes a future of each element, runs up to so many at once on a tokio runtime, and gives what
/// they give.
///
/// Elements in flight are held and counted: `in flight` is a slot, of which the stage has an
/// account. The futures are called off when the process goes.
pub struct Then<T, B> {
    spec: ThenSpec,
    runtime: Handle,
    make: Arc<Make<T, B>>,
    tasks: Arc<Mutex<Tasks<B>>>,
}

/// What is in flight.
struct Tasks<B> {
    running: JoinSet<()>,
    /// What has come of elements, in the order in which it is to be given. Of those that came
    /// before others that are there, it may be outstanding.
    done: VecDeque<Option<Done<B>>>,
    /// The number of the first of these, where they are in order.
    first: u64,
    /// How many elements have come.
    came: u64,
    is_ordered: bool,
}

/// What has come of an element.
struct Done<B> {
    /// From 1 on, of all that came.
    number: u64,
    outcome: Result<B, Failure>,
}

impl<B> Tasks<B> {
    fn finish(&mut self, done: Done<B>) {
        if !self.is_ordered {
            return self.done.push_back(Some(done));
        }
        let at = usize::try_from(done.number - self.first).expect("what is in flight is bounded");
        if self.done.len() <= at {
            self.done.resize_with(at + 1, || None);
        }
        self.done[at] = Some(done);
    }

    /// What is to be given next, if it is there.
    fn next(&mut self) -> Option<Done<B>> {
        let done = self.done.front_mut()?.take()?;
        self.done.pop_front();
        self.first += 1;
        // Those that have finished are forgotten.
        while self.running.try_join_next().is_some() {}
        Some(done)
    }
}

/// The slots: how many elements are in flight, and whether no more come.
const IN_FLIGHT: usize = 0;
const ENDED: usize = 1;
/// The policies.
const FAILED: usize = 0;
const CANCELLED: usize = 1;
/// The host functions.
const START: usize = 0;
const NEXT: usize = 1;

impl<T: Element, B: Element> Then<T, B> {
    /// Runs the futures that `make` makes on a runtime.
    pub(crate) fn of(runtime: Handle, spec: ThenSpec, make: Make<T, B>) -> Then<T, B> {
        let tasks = Tasks {
            running: JoinSet::new(),
            done: VecDeque::new(),
            first: 1,
            came: 0,
            is_ordered: spec.is_ordered,
        };
        Then {
            spec: ThenSpec {
                concurrency: spec.concurrency.max(1),
                attempts: spec.attempts.max(1),
                ..spec
            },
            runtime,
            make: Arc::new(make),
            tasks: Arc::new(Mutex::new(tasks)),
        }
    }

    /// Starts a future: `(element) -> ()`.
    fn start(&self, timer: Timer) -> HostFunction {
        let sig = HostSig {
            name: "start".to_owned(),
            params: T::fields(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        let (tasks, make) = (self.tasks.clone(), self.make.clone());
        let (runtime, spec) = (self.runtime.clone(), self.spec.clone());
        crate::host::function(sig, move |args, _results, _context| {
            let element: T = element::read(args)?;
            let mut lent = tasks.lock();
            lent.came += 1;
            let (number, timer) = (lent.came, timer.clone());
            let (make, spec, tasks) = (make.clone(), spec.clone(), Arc::downgrade(&tasks));
            let task = async move {
                let outcome = attempts(element, &spec, &make).await;
                if let Some(tasks) = tasks.upgrade() {
                    tasks.lock().finish(Done { number, outcome });
                    // It waits for nothing by itself: a timer has it go on in any case.
                    timer.set(Duration::ZERO);
                }
            };
            lent.running.spawn_on(task, &runtime);
            Ok(())
        })
    }

    /// Gives the next result: `() -> (whether there is one, whether it is dropped, element)`.
    fn next(&self) -> HostFunction {
        let sig = HostSig {
            name: "next".to_owned(),
            params: Vec::new(),
            results: [vec![Type::BOOL, Type::BOOL], B::fields()].concat(),
            rows: Vec::new(),
        };
        let (tasks, drops_failed) = (self.tasks.clone(), self.spec.drops_failed);
        crate::host::function(sig, move |_args, results, context| {
            let next = tasks.lock().next();
            let Some(done) = next else { return Ok(()) };
            results.bool(0, true);
            match done.outcome {
                Ok(result) => element::write(result, results, 2, context),
                Err(_) if drops_failed => {
                    results.bool(1, true);
                    Ok(())
                }
                Err(failure) => {
                    context.blame(Some(done.number), failure.cause);
                    Err(failure.message)
                }
            }
        })
    }
}

/// Makes attempts at an element until one does not fail.
async fn attempts<T, B>(element: T, spec: &ThenSpec, make: &Make<T, B>) -> Result<B, Failure> {
    let (mut element, mut wait, mut attempt) = (element, spec.wait, 1);
    loop {
        let again = make.clone.filter(|_| attempt < spec.attempts);
        let again = again.map(|clone| clone(&element));
        let outcome = match catch_unwind(AssertUnwindSafe(|| (make.begin)(element))) {
            Ok(future) => in_time(contained(future), spec.timeout).await,
            Err(payload) => Err(panicked(&*payload)),
        };
        match (outcome, again) {
            (Err(_), Some(again)) => element = again,
            (outcome, _) => return outcome,
        }
        tokio::time::sleep(wait).await;
        (wait, attempt) = (wait.saturating_mul(2), attempt + 1);
    }
}

/// The same, but no longer than this.
async fn in_time<B>(
    attempt: impl Future<Output = Result<B, Failure>>,
    timeout: Option<Duration>,
) -> Result<B, Failure> {
    let Some(timeout) = timeout else {
        return attempt.await;
    };
    let outcome = tokio::time::timeout(timeout, attempt).await;
    outcome.unwrap_or_else(|_| {
        Err(Failure {
            message: format!("there was no result within {timeout:?}"),
            cause: None,
        })
    })
}

/// The same, where a panic is a failure.
async fn contained<B>(mut future: Attempt<B>) -> Result<B, Failure> {
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.unwrap_or_else(|payload| Poll::Ready(Err(panicked(&*payload))))
    })
    .await
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Failure {
    Failure {
        message: format!("panicked: {}", panic_text(payload)),
        cause: None,
    }
}

impl<T: Element, B: Element> Process for Then<T, B> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("then");
        shape.input(T::element_type());
        shape.output(B::element_type());
        shape.slot(SlotDecl::i64("in flight", 0));
        shape.slot(SlotDecl::zero("ended", Type::BOOL));
        shape.drop_policy("failed");
        shape.drop_policy("cancelled");
        let timer = shape.timer();
        shape.host(self.start(timer));
        shape.host(self.next());
        shape.account(Account {
            inputs: vec![0],
            outputs: vec![0],
            drops: vec![FAILED, CANCELLED],
            held: vec![IN_FLIGHT],
            ..Account::default()
        });
        if self.spec.drops_cancelled {
            shape.fate(Fate::Dropped(CANCELLED));
        }
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        let most = i64::try_from(self.spec.concurrency).unwrap_or(i64::MAX);
        let (most, in_flight) = (f.iconst(most), f.slot_get(IN_FLIGHT));
        Some(f.op(Op::Isub, &[most, in_flight]))
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.call(START, element);
        let (in_flight, one) = (f.slot_get(IN_FLIGHT), f.iconst(1));
        let in_flight = f.op(Op::Iadd, &[in_flight, one]);
        f.slot_set(IN_FLIGHT, in_flight);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let yes = f.bconst(true);
        f.slot_set(ENDED, yes);
        f.again();
    }

    /// Gives one result, if there is one.
    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(NEXT, &[]);
        let (_, nothing) = f.br_new(next[0]);
        let (in_flight, one) = (f.slot_get(IN_FLIGHT), f.iconst(1));
        let in_flight = f.op(Op::Isub, &[in_flight, one]);
        f.slot_set(IN_FLIGHT, in_flight);
        let (_, given) = f.br_new(next[1]);
        f.drop(FAILED);
        f.again();
        f.switch_to(given);
        f.emit(0, &next[2..]);
        f.again();

        f.switch_to(nothing);
        let ended = f.slot_get(ENDED);
        let (_, goes_on) = f.br_new(ended);
        let (in_flight, zero) = (f.slot_get(IN_FLIGHT), f.iconst(0));
        let is_some = f.op(Op::Igt, &[in_flight, zero]);
        let (_, over) = f.br_new(is_some);
        f.end(End::Pending);
        f.switch_to(over);
        f.finish();
        f.switch_to(goes_on);
        f.done();
    }

    fn deinit(&mut self, _error: Option<&Error>) {
        self.call_off();
    }
}

impl<T, B> Then<T, B> {
    fn call_off(&self) {
        let mut tasks = self.tasks.lock();
        tasks.running.abort_all();
        tasks.done.clear();
    }
}

impl<T, B> Drop for Then<T, B> {
    fn drop(&mut self) {
        self.call_off();
    }
}

impl<T, B> fmt::Debug for Then<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
