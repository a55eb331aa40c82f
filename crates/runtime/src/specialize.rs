//! Which chains are native, and the way there and back: interpreted, compiling,
//! native; invalidated and dropped.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use cutthrough_ir::ChainCode;

use crate::chain;
use crate::engine::{Engine, Specialised};
use crate::exec::Memo;
use crate::limits::{BACKOFF_DOUBLINGS_MAX, REPAID_STEPS, WARM_STEPS};
use crate::root::{Reach, Root};
use crate::wiring::{PointId, ProcessId, Wiring};

/// When chains are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compile {
    /// Never: everything is interpreted.
    Never,
    /// Before they first run, on the thread that runs the network.
    AtOnce,
    /// In the background, once they have been interpreted for a while.
    WhenWarm,
}

/// How a chain is executed at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By the interpreter: not compiled (yet).
    Interpreted,
    /// By the interpreter, while the compiler works on it.
    Compiling,
    /// By native code of this size in bytes.
    Native(usize),
    /// By the interpreter, as the compiler refused it or failed on it; why.
    Refused(String),
}

/// What is known of one chain.
struct Entry {
    reach: Rc<Reach>,
    state: State,
    steps: u64,
}

enum State {
    Interpreted,
    Compiling(u64),
    Native(Box<dyn Specialised>),
    Refused(String),
}

/// How often something happened to chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecialisationCounts {
    /// Chains compiled and installed.
    pub compiled: u64,
    /// Chains that the compiler refused or failed on.
    pub refused: u64,
    /// Chains dropped because the wiring that they relied on changed.
    pub invalidated: u64,
    /// Compilations that came too late: the wiring had changed.
    pub stale: u64,
}

/// All chains of a network.
pub(crate) struct Specialisations {
    engine: Option<Arc<dyn Engine>>,
    compile: Compile,
    entries: HashMap<Root, Entry>,
    /// How often, lately, a root's chain was compiled and invalidated before that had
    /// been worth it; it waits the longer.
    unrest: HashMap<Root, u32>,
    worker: Option<Worker>,
    tickets: u64,
    pub(crate) counts: SpecialisationCounts,
}

impl Specialisations {
    pub(crate) fn new(engine: Option<Arc<dyn Engine>>, compile: Compile) -> Specialisations {
        Specialisations {
            engine,
            compile,
            entries: HashMap::new(),
            unrest: HashMap::new(),
            worker: None,
            tickets: 0,
            counts: SpecialisationCounts::default(),
        }
    }

    /// What a root reaches.
    pub(crate) fn reach(&mut self, wiring: &Wiring, root: Root) -> Rc<Reach> {
        let entry = self.entries.entry(root).or_insert_with(|| Entry {
            reach: Rc::new(Reach::of(wiring, root)),
            state: State::Interpreted,
            steps: 0,
        });
        entry.reach.clone()
    }

    /// The native code of a root's chain, if there is any; sees to it that there will
    /// be.
    pub(crate) fn native(
        &mut self,
        wiring: &Wiring,
        memo: &mut Memo,
        root: Root,
    ) -> Option<&dyn Specialised> {
        self.collect();
        if self.is_due(root) {
            self.start(wiring, memo, root);
        }
        match &self.entries.get(&root)?.state {
            State::Native(code) => Some(&**code),
            State::Interpreted | State::Compiling(_) | State::Refused(_) => None,
        }
    }

    fn is_due(&self, root: Root) -> bool {
        let Some(entry) = self.entries.get(&root) else {
            return false;
        };
        if self.engine.is_none() || !matches!(entry.state, State::Interpreted) {
            return false;
        }
        match self.compile {
            Compile::Never => false,
            Compile::AtOnce => true,
            Compile::WhenWarm => {
                let unrest = self.unrest.get(&root).copied().unwrap_or(0);
                entry.steps >= WARM_STEPS << unrest
            }
        }
    }

    fn start(&mut self, wiring: &Wiring, memo: &mut Memo, root: Root) {
        let (Some(engine), Some(entry)) = (self.engine.clone(), self.entries.get_mut(&root)) else {
            return;
        };
        let Ok(code) = chain::build(wiring, memo, root, &entry.reach) else {
            tracing::debug!(?root, "the chain is too large to be compiled");
            entry.state = State::Refused("the chain is too large".to_owned());
            self.counts.refused += 1;
            return;
        };
        if self.compile == Compile::AtOnce {
            let outcome = compile(&*engine, &code);
            self.install(root, outcome);
            return;
        }
        self.tickets += 1;
        let ticket = self.tickets;
        let worker = self.worker.get_or_insert_with(|| Worker::start(engine));
        entry.state = match worker.jobs.send(Job { root, ticket, code }) {
            Ok(()) => State::Compiling(ticket),
            Err(_) => State::Refused("the compiler's thread has ended".to_owned()),
        };
    }

    /// Installs what the worker has finished.
    fn collect(&mut self) {
        while let Some(done) = self
            .worker
            .as_ref()
            .and_then(|worker| worker.done.try_recv().ok())
        {
            let is_current = self
                .entries
                .get(&done.root)
                .is_some_and(|entry| matches!(entry.state, State::Compiling(t) if t == done.ticket));
            if is_current {
                self.install(done.root, done.outcome);
            } else {
                self.counts.stale += 1;
            }
        }
    }

    fn install(&mut self, root: Root, outcome: Result<Box<dyn Specialised>, String>) {
        let Some(entry) = self.entries.get_mut(&root) else {
            return;
        };
        entry.state = match outcome {
            Ok(code) => {
                self.counts.compiled += 1;
                entry.steps = 0;
                State::Native(code)
            }
            Err(why) => {
                tracing::warn!(?root, why, "a chain stays interpreted");
                self.counts.refused += 1;
                State::Refused(why)
            }
        };
    }

    /// Notes steps, interpreted until the chain is native, then native.
    pub(crate) fn note_steps(&mut self, root: Root, steps: u64) {
        if let Some(entry) = self.entries.get_mut(&root) {
            entry.steps += steps;
        }
    }

    /// Drops every chain that relied on one of these.
    pub(crate) fn invalidate(&mut self, points: &[PointId], processes: &[ProcessId]) {
        let unrest = &mut self.unrest;
        let counts = &mut self.counts;
        self.entries.retain(|root, entry| {
            let relies = entry.reach.points.iter().any(|point| points.contains(point))
                || entry
                    .reach
                    .members
                    .iter()
                    .any(|process| processes.contains(process));
            if !relies {
                return true;
            }
            counts.invalidated += u64::from(!matches!(entry.state, State::Interpreted));
            let unrest = unrest.entry(*root).or_default();
            match entry.state {
                State::Native(_) if entry.steps >= REPAID_STEPS => *unrest = 0,
                State::Native(_) | State::Compiling(_) => *unrest = (*unrest + 1).min(BACKOFF_DOUBLINGS_MAX),
                State::Interpreted | State::Refused(_) => *unrest = unrest.saturating_sub(1),
            }
            false
        });
    }

    /// Drops every chain: for tests of what is left behind.
    pub(crate) fn invalidate_all(&mut self) {
        let dropped = self
            .entries
            .values()
            .filter(|entry| !matches!(entry.state, State::Interpreted))
            .count();
        self.counts.invalidated += dropped as u64;
        self.entries.clear();
    }

    /// Forgets a process that has left the network.
    pub(crate) fn forget(&mut self, process: ProcessId) {
        let is_of = |root: &Root| match root {
            Root::Active(active) => *active == process,
            Root::Delivery(reader) => reader.process == process,
        };
        self.entries.retain(|root, _| !is_of(root));
        self.unrest.retain(|root, _| !is_of(root));
    }

    /// How a root's chain is executed.
    pub(crate) fn mode(&mut self, root: Root) -> Mode {
        self.collect();
        match self.entries.get(&root).map(|entry| &entry.state) {
            None | Some(State::Interpreted) => Mode::Interpreted,
            Some(State::Compiling(_)) => Mode::Compiling,
            Some(State::Native(code)) => Mode::Native(code.code_bytes()),
            Some(State::Refused(why)) => Mode::Refused(why.clone()),
        }
    }

    /// The roots that have run, and what they reach.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (Root, Rc<Reach>)> + '_ {
        self.entries
            .iter()
            .map(|(root, entry)| (*root, entry.reach.clone()))
    }

    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// Changes when chains are compiled; drops what is there.
    pub(crate) fn set_compile(&mut self, compile: Compile) {
        self.compile = compile;
        self.invalidate_all();
    }
}

/// Compiles a chain. A panic of the compiler is a refusal: the chain can be
/// interpreted, and compilers keep nothing of a chain that they would break.
fn compile(engine: &dyn Engine, code: &ChainCode) -> Result<Box<dyn Specialised>, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| engine.compile(code)));
    outcome.unwrap_or_else(|_| Err("the compiler panicked".to_owned()))
}

struct Job {
    root: Root,
    ticket: u64,
    code: ChainCode,
}

struct Done {
    root: Root,
    ticket: u64,
    outcome: Result<Box<dyn Specialised>, String>,
}

/// The newest of the jobs that wait for the same root: what came before is stale.
fn newest(first: Job, waiting: &mut VecDeque<Job>) -> Job {
    let mut newest = first;
    while let Some(index) = waiting.iter().position(|job| job.root == newest.root) {
        newest = waiting.remove(index).unwrap_or(newest);
    }
    newest
}

/// The thread that compiles. It ends when the network is dropped.
struct Worker {
    jobs: Sender<Job>,
    done: Receiver<Done>,
}

impl Worker {
    fn start(engine: Arc<dyn Engine>) -> Worker {
        let (jobs, todo) = channel::<Job>();
        let (finished, done) = channel();
        let work = move || {
            let mut waiting = VecDeque::new();
            while let Some(job) = waiting.pop_front().or_else(|| todo.recv().ok()) {
                waiting.extend(todo.try_iter());
                let Job { root, ticket, code } = newest(job, &mut waiting);
                let outcome = compile(&*engine, &code);
                if finished
                    .send(Done {
                        root,
                        ticket,
                        outcome,
                    })
                    .is_err()
                {
                    return;
                }
            }
        };
        // Without a thread the channel is closed, and every chain stays interpreted.
        let thread = std::thread::Builder::new()
            .name("cutthrough-compiler".to_owned())
            .spawn(work);
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread for the compiler");
        }
        Worker { jobs, done }
    }
}
