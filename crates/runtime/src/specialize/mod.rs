//! Which chains are native, and the way there and back: interpreted, compiling,
//! native; invalidated and dropped.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | when a chain is compiled, and what becomes of it |
//! | `table.rs` | which chains there are: tickets, install, unlink |
//! | `compiler.rs` | the thread that compiles |
//! | `shelf.rs` | native code that is out of use and may be wanted again |
//! | `mode.rs` | how a chain is executed, and why it is not native |
//! | `cause.rs` | why chains are dropped |

mod cause;
mod compiler;
mod mode;
mod shelf;
mod table;

use rustc_hash::FxHashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use cutthrough_ir::{ChainCode, panic_text};

use crate::chain;
use crate::engine::{CodeMemory, Engine, Specialised, Tier};
use crate::limits::{
    BACKOFF_DOUBLINGS_MAX, COMPILERS_ABANDONED_MAX, HOT_DOUBLINGS_EACH, HOT_STEPS, REPAID_FULL_STEPS,
    REPAID_STEPS, WARM_STEPS,
};
use crate::plan::{Plan, Planned, Reach};
use crate::root::Root;
use crate::wiring::{PointId, Port, ProcessId, Wiring};

pub use cause::{Cause, Invalidation};
pub(crate) use cause::{Change, Invalidations};
use compiler::{Compiler, Job, Running};
pub use mode::{Compile, Mode, NotNative, Refusal};
use shelf::Shelf;
use table::{Entry, State, Table, Ticket};

/// What a chain relies on: as long as it stays as it is, so does the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reliance {
    Point(PointId),
    Process(ProcessId),
}

/// How often something happened to chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SpecialisationCounts {
    /// Chains compiled and installed.
    pub compiled: u64,
    /// Chains that were as one before, whose code was still there.
    pub reused: u64,
    /// Chains that the compiler refused or failed on.
    pub refused: u64,
    /// Chains dropped because the wiring that they relied on changed.
    pub invalidated: u64,
    /// Compilations that came too late: the wiring had changed.
    pub stale: u64,
    /// Compilers that did not come back and were given up.
    pub hung: u64,
    /// Bytes of native code installed, or kept for a chain that was changed meanwhile, all
    /// in all, in whole pages.
    pub installed_bytes: u64,
    /// Of these, the bytes that have been dropped.
    pub retired_bytes: u64,
}

type Outcome = Result<Box<dyn Specialised>, Refusal>;
/// What has been compiled, and what came of it.
type Compiled = (Arc<Built>, Outcome);
type Chains = Table<Root, Reliance, Box<dyn Specialised>, Refusal, Note>;
type Chain = Entry<Reliance, Box<dyn Specialised>, Refusal, Note>;

/// A chain that has been built, to be compiled, and the plan it was built from.
#[derive(Debug)]
struct Built {
    plan: Arc<Plan>,
    code: ChainCode,
}

/// What there is to know of a chain besides its state.
#[derive(Debug)]
struct Note {
    planned: Arc<Planned>,
    /// Interpreted until the chain is native, then native.
    steps: u64,
    /// When the compiler was given it.
    given_at: Option<Instant>,
    /// What the native code was made from.
    chain: Option<Arc<Built>>,
    /// Whether the native code was made for an earlier chain.
    is_reused: bool,
    /// Whether the shelf has been asked: once for each entry.
    has_asked_shelf: bool,
    /// Whether there is no better code to be had than there is.
    is_best: bool,
}

/// What is remembered of a root whose chain was dropped.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    /// How often, lately, its chain was compiled and invalidated before that had been worth
    /// it; it warms up for the longer.
    unrest: u32,
    /// The same of compilations of the full tier, which wait for the longer.
    unrest_full: u32,
    /// Whether its chain was native: it is hot, and need not warm up.
    was_native: bool,
}

/// All chains of a network.
pub(crate) struct Specialisations {
    engine: Option<Arc<dyn Engine>>,
    compile: Compile,
    chains: Chains,
    past: FxHashMap<Root, Past>,
    /// One for each tier: what is quick does not wait for what is not.
    compilers: [Option<Compiler<Root, Arc<Built>, Compiled>>; Tier::ALL.len()],
    shelf: Shelf,
    counts: SpecialisationCounts,
    pub(crate) invalidations: Invalidations,
}

impl Specialisations {
    pub(crate) fn new(engine: Option<Arc<dyn Engine>>, compile: Compile) -> Specialisations {
        Specialisations {
            engine,
            compile,
            chains: Table::default(),
            past: FxHashMap::default(),
            compilers: [const { None }; Tier::ALL.len()],
            shelf: Shelf::default(),
            counts: SpecialisationCounts::default(),
            invalidations: Invalidations::default(),
        }
    }

    /// What a grant from a root does.
    pub(crate) fn planned(&mut self, wiring: &Wiring, root: Root) -> Arc<Planned> {
        if let Some(entry) = self.chains.get(root) {
            return Arc::clone(&entry.note.planned);
        }
        let planned = Arc::new(Planned::of(wiring, root));
        let Reach { members, points, .. } = &planned.reach;
        let points = points.iter().copied().map(Reliance::Point);
        let relies_on = points.chain(members.iter().copied().map(Reliance::Process));
        let note = Note {
            planned: Arc::clone(&planned),
            steps: 0,
            given_at: None,
            chain: None,
            is_reused: false,
            has_asked_shelf: false,
            is_best: false,
        };
        self.chains.add(root, relies_on.collect(), note);
        planned
    }

    /// The native code of a root's chain, if there is any; sees to it that there will
    /// be.
    pub(crate) fn native(&mut self, root: Root) -> Option<&dyn Specialised> {
        self.collect();
        self.reuse(root);
        match self.due(root) {
            Some(Tier::Full) if self.is_native(root) => self.upgrade(root),
            Some(tier) => self.start(root, tier),
            None => {}
        }
        match &self.chains.get(root)?.state {
            State::Native(code) => Some(&**code),
            State::Interpreted | State::Compiling(_) | State::Refused(_) => None,
        }
    }

    /// Takes the code of a chain that was as this one is now.
    fn reuse(&mut self, root: Root) {
        let Some(entry) = self.chains.get_mut(root) else {
            return;
        };
        let is_new = matches!(entry.state, State::Interpreted) && !entry.note.has_asked_shelf;
        if !is_new || self.compile != Compile::WhenWarm {
            return;
        }
        entry.note.has_asked_shelf = true;
        if !self.shelf.has(root) {
            return;
        }
        let plan = &entry.note.planned.plan;
        let Some(shelved) = self.shelf.take(root, plan) else {
            return;
        };
        debug_assert!(
            chain::build(plan).is_ok_and(|built| built == shelved.chain.code),
            "INVARIANT: equal plans give equal chains"
        );
        let ticket = self.chains.begin(root);
        let installed = ticket.map(|ticket| self.chains.install(root, ticket, Ok(shelved.code)));
        debug_assert!(
            matches!(installed, Some(Ok(None))),
            "INVARIANT: the ticket is current"
        );
        if let Some(entry) = self.chains.get_mut(root) {
            (entry.note.chain, entry.note.is_reused) = (Some(shelved.chain), true);
            entry.note.steps = 0;
        }
        self.counts.reused += 1;
    }

    /// The tier that a root's chain is to be compiled in now, if it is.
    fn due(&self, root: Root) -> Option<Tier> {
        let entry = self.chains.get(root)?;
        self.engine.as_ref()?;
        let is_full = match (&entry.state, self.compile) {
            (State::Interpreted, Compile::AtOnce) => true,
            (State::Interpreted, Compile::WhenWarm) if entry.note.steps >= self.warm_steps(root) => false,
            (State::Native(code), Compile::WhenWarm)
                if entry.upgrade.is_none()
                    && !entry.note.is_best
                    && code.tier() == Tier::Quick
                    && entry.note.steps >= self.hot_steps(root) =>
            {
                true
            }
            _ => return None,
        };
        Some(if is_full { Tier::Full } else { Tier::Quick })
    }

    fn is_native(&self, root: Root) -> bool {
        let entry = self.chains.get(root);
        entry.is_some_and(|entry| matches!(entry.state, State::Native(_)))
    }

    fn past(&self, root: Root) -> Past {
        self.past.get(&root).copied().unwrap_or_default()
    }

    /// The steps that a root's chain is interpreted for before it is compiled.
    fn warm_steps(&self, root: Root) -> u64 {
        let past = self.past(root);
        let is_free = !self.compilers[Tier::Quick as usize]
            .as_ref()
            .is_some_and(Compiler::is_busy);
        match past.unrest {
            0 if past.was_native && is_free => 0,
            unrest => WARM_STEPS << unrest,
        }
    }

    /// The steps that a root's chain is native for before better code is made.
    fn hot_steps(&self, root: Root) -> u64 {
        HOT_STEPS << (HOT_DOUBLINGS_EACH * self.past(root).unrest_full)
    }

    fn start(&mut self, root: Root, tier: Tier) {
        let (Some(engine), Some(entry)) = (self.engine.clone(), self.chains.get_mut(root)) else {
            return;
        };
        let plan = Arc::clone(&entry.note.planned.plan);
        entry.note.given_at = Some(Instant::now());
        let Some(ticket) = self.chains.begin(root) else {
            return;
        };
        let Ok(code) = chain::build(&plan) else {
            self.install(root, ticket, None, Err(Refusal::TooLarge));
            return;
        };
        let chain = Arc::new(Built { plan, code });
        if self.compile == Compile::AtOnce {
            let outcome = compile(&*engine, &chain.code, tier);
            self.install(root, ticket, Some(chain), outcome);
            return;
        }
        self.give(root, ticket, chain, tier);
    }

    /// Has better code made for a chain that is native.
    fn upgrade(&mut self, root: Root) {
        let chain = self.chains.get(root).and_then(|entry| entry.note.chain.clone());
        if let Some(chain) = chain
            && let Some(ticket) = self.chains.begin_upgrade(root)
        {
            self.give(root, ticket, chain, Tier::Full);
        }
    }

    /// Gives a chain to the compiler of a tier.
    fn give(&mut self, root: Root, ticket: Ticket, chain: Arc<Built>, tier: Tier) {
        let Some(engine) = self.engine.clone() else { return };
        let compiler = &mut self.compilers[tier as usize];
        if compiler.is_none() {
            match start_compiler(Compiler::new(), engine, tier, self.counts.hung) {
                Ok(started) => *compiler = Some(started),
                Err(why) => {
                    self.install(root, ticket, None, Err(why));
                    return;
                }
            }
        }
        if let Some(compiler) = compiler {
            compiler.give(Job {
                root,
                ticket,
                work: chain,
            });
        }
    }

    /// Installs what the compilers have finished, and gives up one that does not come back.
    fn collect(&mut self) {
        for tier in Tier::ALL {
            let compiler = self.compilers[tier as usize].as_mut();
            let Some(compiler) = compiler.filter(|compiler| compiler.is_busy()) else {
                continue;
            };
            let done = compiler.collect();
            let patience = self.engine.as_ref().map(|engine| engine.patience());
            let overdue = patience.and_then(|patience| compiler.overdue(patience));
            for done in done {
                let (chain, outcome) = done.outcome;
                self.install(done.root, done.ticket, Some(chain), outcome);
            }
            if let Some(overdue) = overdue {
                self.give_up(overdue, tier);
            }
        }
    }

    /// Goes on without a compiler that does not come back. Its thread is left to itself:
    /// it cannot be ended, and should it come back, it finds nobody.
    fn give_up(&mut self, overdue: Running<Root>, tier: Tier) {
        let compiler = &mut self.compilers[tier as usize];
        let (Some(compiler), Some(engine)) = (compiler.take(), self.engine.clone()) else {
            return;
        };
        self.counts.hung += 1;
        let ms = engine.patience().as_millis() as u64;
        tracing::warn!(root = ?overdue.root, ms, "the compiler does not come back; it is given up");
        self.install(overdue.root, overdue.ticket, None, Err(Refusal::Hung { ms }));
        let fresh = compiler.abandon();
        match start_compiler(fresh, engine, tier, self.counts.hung) {
            Ok(compiler) => self.compilers[tier as usize] = Some(compiler),
            Err(why) => self.refuse_waiting(&why),
        }
    }

    /// Refuses all that waits for a compiler that will not be.
    fn refuse_waiting(&mut self, why: &Refusal) {
        let waiting = self.chains.iter().filter_map(|(root, entry)| match entry.state {
            State::Compiling(ticket) => Some((root, ticket)),
            _ => entry.upgrade.map(|ticket| (root, ticket)),
        });
        let waiting: Vec<_> = waiting.collect();
        for (root, ticket) in waiting {
            self.install(root, ticket, None, Err(why.clone()));
        }
    }

    fn install(&mut self, root: Root, ticket: Ticket, chain: Option<Arc<Built>>, outcome: Outcome) {
        let refusal = outcome.as_ref().err().cloned();
        let bytes = outcome.as_ref().map_or(0, |code| code.code_bytes() as u64);
        if let Ok(code) = &outcome {
            tracing::debug!(?root, bytes, strategy = code.strategy(), "a chain is compiled");
        }
        let replaced = match self.chains.install(root, ticket, outcome) {
            Ok(replaced) => replaced,
            Err(outcome) => {
                self.counts.stale += 1;
                // A chain that was changed while the compiler was at it may be changed back.
                if let (Some(chain), Ok(code)) = (chain, outcome)
                    && self.chains.get(root).is_some()
                {
                    self.counts.installed_bytes += bytes;
                    self.shelve(root, Some(chain), code);
                }
                return;
            }
        };
        if let Some(why) = refusal {
            tracing::warn!(?root, %why, "a chain is not compiled, or no better");
            self.counts.refused += 1;
            if let Some(entry) = self.chains.get_mut(root) {
                entry.note.is_best = true;
            }
            return;
        }
        self.counts.compiled += 1;
        self.counts.installed_bytes += bytes;
        self.reclaim(replaced);
        if let Some(entry) = self.chains.get_mut(root) {
            (entry.note.steps, entry.note.is_reused) = (0, false);
            entry.note.chain = chain;
        }
    }

    /// Keeps native code that is out of use, unless code memory is wanted for other code.
    fn shelve(&mut self, root: Root, chain: Option<Arc<Built>>, code: Box<dyn Specialised>) {
        let memory = self.engine.as_ref().and_then(|engine| engine.code_memory());
        let is_scarce = memory.is_some_and(|memory| memory.used_bytes > memory.capacity_bytes / 2);
        let gone = match chain.filter(|_| self.compile == Compile::WhenWarm && !is_scarce) {
            Some(chain) => self.shelf.put(root, chain, code),
            None => Some(code),
        };
        self.reclaim(gone);
        if is_scarce {
            let gone = self.shelf.clear();
            self.reclaim(gone);
        }
    }

    /// Frees native code.
    fn reclaim(&mut self, gone: impl IntoIterator<Item = Box<dyn Specialised>>) {
        for code in gone {
            self.counts.retired_bytes += code.code_bytes() as u64;
        }
    }

    /// Notes steps, interpreted until the chain is native, then native.
    pub(crate) fn note_steps(&mut self, root: Root, steps: u64) {
        if let Some(entry) = self.chains.get_mut(root) {
            entry.note.steps += steps;
        }
    }

    /// Drops every chain that relied on what changed; their roots. A chain that several
    /// changes hit is counted for the first.
    pub(crate) fn invalidate(&mut self, wiring: &Wiring, changes: &[Change]) -> Vec<Root> {
        let mut roots = Vec::new();
        for change in changes {
            for (root, dropped) in self.chains.unlink(change.what) {
                let past = self.past.entry(root).or_default();
                past.note(&dropped);
                if past.is_nothing() {
                    self.past.remove(&root);
                }
                self.retire(wiring, root, dropped, *change);
                roots.push(root);
            }
        }
        roots
    }

    /// Drops every chain; their roots.
    pub(crate) fn invalidate_all(&mut self, wiring: &Wiring, cause: Cause) -> Vec<Root> {
        let mut roots = Vec::new();
        for (root, dropped) in self.chains.unlink_all() {
            let change = Change::of_process(cause, root.process());
            self.retire(wiring, root, dropped, change);
            roots.push(root);
        }
        let gone = self.shelf.clear();
        self.reclaim(gone);
        roots
    }

    /// Counts a chain that has been unlinked; its code is kept for a while.
    fn retire(&mut self, wiring: &Wiring, root: Root, dropped: Chain, change: Change) {
        if let State::Interpreted = dropped.state {
            return;
        }
        let was = self.mode_of(root, &dropped);
        self.invalidations.note(wiring, root, was, change);
        if let State::Native(code) = dropped.state {
            self.shelve(root, dropped.note.chain, code);
        }
    }

    /// Forgets a process of so many inputs that has left the network; its chains have been
    /// dropped.
    pub(crate) fn forget(&mut self, process: ProcessId, inputs: usize) {
        self.chains.unlink(Reliance::Process(process));
        let gone = self.shelf.forget(process);
        self.reclaim(gone);
        self.past.remove(&Root::Active(process));
        for port in 0..inputs {
            self.past.remove(&Root::Delivery(Port { process, port }));
        }
    }

    /// How a root's chain is executed.
    pub(crate) fn mode(&mut self, root: Root) -> Mode {
        self.collect();
        match self.chains.get(root) {
            None => Mode::Interpreted(NotNative::NotRun),
            Some(entry) => self.mode_of(root, entry),
        }
    }

    fn mode_of(&self, root: Root, entry: &Chain) -> Mode {
        let steps = entry.note.steps;
        let why = match &entry.state {
            State::Native(code) => return Mode::Native(code.tier(), code.code_bytes()),
            State::Refused(why) => NotNative::Refused(why.clone()),
            State::Compiling(_) => NotNative::Compiling {
                ms: entry
                    .note
                    .given_at
                    .map_or(0, |given_at| given_at.elapsed().as_millis() as u64),
            },
            State::Interpreted if self.engine.is_none() => NotNative::NoEngine,
            State::Interpreted => match (self.compile, self.past(root).unrest) {
                (Compile::Never, _) => NotNative::Off,
                (Compile::AtOnce, _) => NotNative::NotRun,
                (Compile::WhenWarm, 0) => NotNative::Warming {
                    steps,
                    due_steps: self.warm_steps(root),
                },
                (Compile::WhenWarm, doublings) => NotNative::BackingOff {
                    steps,
                    due_steps: WARM_STEPS << doublings,
                    doublings,
                },
            },
        };
        Mode::Interpreted(why)
    }

    /// The roots that have run, what their grants do, and their steps, in order.
    pub(crate) fn roots(&self) -> Vec<(Root, Arc<Planned>, u64)> {
        let chains = self.chains.iter();
        let mut roots: Vec<_> = chains
            .map(|(root, entry)| (root, Arc::clone(&entry.note.planned), entry.note.steps))
            .collect();
        roots.sort_by_key(|(root, _, _)| *root);
        roots
    }

    /// In which form the native code of a root's chain was compiled, if it has any.
    pub(crate) fn strategy(&self, root: Root) -> Option<String> {
        match &self.chains.get(root)?.state {
            State::Native(code) => Some(code.strategy()),
            _ => None,
        }
    }

    pub(crate) fn counts(&self) -> SpecialisationCounts {
        SpecialisationCounts {
            invalidated: self.invalidations.total(),
            ..self.counts
        }
    }

    /// What the engine's code memory holds, if it has one.
    pub(crate) fn code_memory(&self) -> Option<CodeMemory> {
        self.engine.as_ref().and_then(|engine| engine.code_memory())
    }

    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// Changes when chains are compiled; drops what is there, of these roots.
    pub(crate) fn set_compile(&mut self, wiring: &Wiring, compile: Compile) -> Vec<Root> {
        let roots = self.invalidate_all(wiring, Cause::CompileChanged);
        self.compile = compile;
        roots
    }
}

impl Past {
    /// Notes that the root's chain was dropped.
    fn note(&mut self, dropped: &Chain) {
        let more = |unrest: u32| (unrest + 1).min(BACKOFF_DOUBLINGS_MAX);
        let has_repaid = dropped.note.steps >= REPAID_STEPS;
        match &dropped.state {
            State::Native(_) if dropped.note.is_reused => {}
            State::Native(_) if has_repaid => self.unrest = 0,
            State::Native(_) | State::Compiling(_) => self.unrest = more(self.unrest),
            State::Interpreted | State::Refused(_) => self.unrest = self.unrest.saturating_sub(1),
        }
        self.was_native |= matches!(dropped.state, State::Native(_));
        match &dropped.state {
            State::Native(code) if code.tier() == Tier::Full && !dropped.note.is_reused => {
                self.unrest_full = if dropped.note.steps >= REPAID_FULL_STEPS {
                    0
                } else {
                    more(self.unrest_full)
                };
            }
            State::Native(_) if dropped.upgrade.is_some() => self.unrest_full = more(self.unrest_full),
            _ => {}
        }
    }

    fn is_nothing(&self) -> bool {
        self.unrest == 0 && self.unrest_full == 0 && !self.was_native
    }
}

/// Compiles a chain. A panic of the compiler is a refusal: the chain can be
/// interpreted, and compilers keep nothing of a chain that they would break.
fn compile(engine: &dyn Engine, code: &ChainCode, tier: Tier) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| engine.compile(code, tier))) {
        Ok(outcome) => outcome.map_err(Refusal::Compiler),
        Err(payload) => Err(Refusal::Panicked(panic_text(&*payload).to_owned())),
    }
}

/// Has a thread of its own work at the compiler's desk.
fn start_compiler(
    compiler: Compiler<Root, Arc<Built>, Compiled>,
    engine: Arc<dyn Engine>,
    tier: Tier,
    hung: u64,
) -> Result<Compiler<Root, Arc<Built>, Compiled>, Refusal> {
    if hung >= COMPILERS_ABANDONED_MAX {
        let message = format!("the compiler did not come back {hung} times; nothing more is compiled");
        return Err(Refusal::NoCompiler(message));
    }
    let desk = compiler.desk();
    let thread = std::thread::Builder::new()
        .name(format!("cutthrough-{tier}"))
        .spawn(move || desk.work(|chain| (Arc::clone(chain), compile(&*engine, &chain.code, tier))));
    match thread {
        Ok(_) => Ok(compiler),
        Err(error) => {
            tracing::warn!(%error, "no thread for the compiler");
            Err(Refusal::NoCompiler(format!(
                "there is no thread for the compiler: {error}"
            )))
        }
    }
}
