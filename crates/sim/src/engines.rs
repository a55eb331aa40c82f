//! The engines that have to agree.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cutthrough::{Compile, Engine, EngineDump, Options, Specialised, Tier};
use cutthrough_ir::passes::{PASSES, Pass};
use cutthrough_ir::{ChainCode, Code, Exit, Grant, Op, VerifyErrors, verify_chain, verify_optimized};

/// A way to run a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// Process by process: what everything means.
    Interpreted,
    /// Chains, interpreted as they are built.
    Chain,
    /// Chains, interpreted after the passes that native code is made after; dropped
    /// after every run.
    Simplified,
    /// Native code of the quick tier.
    Quick,
    /// Native code of the full tier.
    Native,
    /// Native code, dropped after every run.
    Invalidated,
    /// Native code, made in the background when a chain is warm.
    Background,
    /// A compiler that fails on some chains and panics on others.
    Unreliable,
}

impl EngineKind {
    /// All but the one that the others are compared with.
    pub const OTHERS: [EngineKind; 7] = [
        EngineKind::Chain,
        EngineKind::Simplified,
        EngineKind::Quick,
        EngineKind::Native,
        EngineKind::Invalidated,
        EngineKind::Background,
        EngineKind::Unreliable,
    ];

    /// The options for a network that runs so.
    pub fn options(self, quantum_steps: u64) -> Options {
        let chains = |simplifies| -> Option<Arc<dyn Engine>> { Some(Arc::new(Chains { simplifies })) };
        let engine = match self {
            EngineKind::Interpreted => None,
            EngineKind::Chain => chains(false),
            EngineKind::Simplified => chains(true),
            EngineKind::Native | EngineKind::Invalidated | EngineKind::Background => NATIVE.clone(),
            EngineKind::Quick => NATIVE
                .clone()
                .map(|engine| -> Arc<dyn Engine> { Arc::new(Quick(engine)) }),
            EngineKind::Unreliable => NATIVE.clone().map(|engine| -> Arc<dyn Engine> {
                Arc::new(Unreliable {
                    engine,
                    calls: AtomicU64::new(0),
                })
            }),
        };
        let compile = match self {
            EngineKind::Interpreted => Compile::Never,
            EngineKind::Background => Compile::WhenWarm,
            _ => Compile::AtOnce,
        };
        Options {
            engine,
            compile,
            quantum_steps,
            ..Options::default()
        }
    }

    /// Whether everything compiled is dropped after every run.
    pub fn invalidates(self) -> bool {
        matches!(self, EngineKind::Invalidated | EngineKind::Simplified)
    }
}

/// The one native engine, as its code memory takes address space.
static NATIVE: LazyLock<Option<Arc<dyn Engine>>> = LazyLock::new(|| Options::native().engine);

/// What the chains were that all engines were given, since the program began.
static SEEN: LazyLock<Mutex<Seen>> = LazyLock::new(Mutex::default);

/// Counts of what was in chains, and of how they came out.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Operations, by name.
    pub ops: BTreeMap<&'static str, u64>,
    /// Terminators and exits, by name.
    pub others: BTreeMap<&'static str, u64>,
    /// Chains that are not well formed, and why.
    pub malformed: Vec<String>,
}

/// A copy of what was seen so far.
pub fn seen() -> Seen {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Takes the messages about chains that are not well formed.
pub fn take_malformed() -> Vec<String> {
    std::mem::take(&mut SEEN.lock().unwrap_or_else(PoisonError::into_inner).malformed)
}

/// An engine that interprets chains.
struct Chains {
    simplifies: bool,
}

impl Engine for Chains {
    fn compile(&self, chain: &ChainCode, _tier: Tier) -> Result<Box<dyn Specialised>, String> {
        note(chain, verify_chain(chain));
        let mut chain = chain.clone();
        let passes: &[Pass] = if self.simplifies { &PASSES } else { &[] };
        for pass in passes {
            chain.function = pass(&chain.function, &chain.tables);
            note(&chain, verify_optimized(&chain));
        }
        let code = Code::new(chain.function.clone());
        Ok(Box::new(InterpretedChain { chain, code }))
    }

    fn dump(&self, _chain: &ChainCode) -> Result<EngineDump, String> {
        Err("chains are interpreted".to_owned())
    }
}

fn note(chain: &ChainCode, verified: Result<(), VerifyErrors>) {
    use cutthrough_ir::Terminator;
    let errors = verified.err();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(errors) = errors {
        seen.malformed.push(errors.to_string());
    }
    for block in &chain.function.blocks {
        for inst in &block.insts {
            *seen.ops.entry(inst.op.info().name).or_default() += 1;
        }
        let name = match &block.terminator {
            Terminator::Get { .. } => "get",
            Terminator::Call { .. } => "call",
            Terminator::Push { .. } => "push",
            Terminator::Entry { .. } => "entry",
            Terminator::Inbox { .. } => "inbox",
            Terminator::Step { .. } => "step",
            Terminator::Batch { .. } => "batch",
            Terminator::Lap { .. } => "lap",
            _ => continue,
        };
        *seen.others.entry(name).or_default() += 1;
    }
}

struct InterpretedChain {
    chain: ChainCode,
    code: Code,
}

impl Specialised for InterpretedChain {
    fn run(&self, grant: &mut Grant<'_>) -> Exit {
        let exit = self.chain.interpret(&self.code, grant);
        let name = match exit {
            0 => "exit stopped",
            1 => "exit not ready",
            2 => "exit ended",
            3 => "exit empty",
            _ => "exit unknown",
        };
        *SEEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .others
            .entry(name)
            .or_default() += 1;
        exit
    }

    fn code_bytes(&self) -> usize {
        self.chain.function.size()
    }
}

/// An engine that compiles everything quickly.
struct Quick(Arc<dyn Engine>);

impl Engine for Quick {
    fn compile(&self, chain: &ChainCode, _tier: Tier) -> Result<Box<dyn Specialised>, String> {
        self.0.compile(chain, Tier::Quick)
    }

    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String> {
        self.0.dump(chain)
    }
}

/// A compiler that fails on every third chain and panics on every third.
struct Unreliable {
    engine: Arc<dyn Engine>,
    calls: AtomicU64,
}

impl Engine for Unreliable {
    fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<Box<dyn Specialised>, String> {
        match self.calls.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => Err("the compiler has no mind to".to_owned()),
            1 => panic!("the compiler has panicked"),
            _ => self.engine.compile(chain, tier),
        }
    }

    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String> {
        self.engine.dump(chain)
    }
}

/// All operations that the random chains may have.
pub fn chain_ops() -> impl Iterator<Item = &'static str> {
    // The first are for fragments; no standard process reads byte by byte.
    let others = [Op::Emit, Op::Ready, Op::Needs, Op::ItemU8];
    Op::ALL
        .iter()
        .filter(move |op| !others.contains(op))
        .map(|op| op.info().name)
}
