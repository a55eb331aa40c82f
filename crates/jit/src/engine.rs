//! The engine: compiles chains.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::ModuleError;

use cutthrough_ir::ChainCode;

use crate::accounts::Ledger;
use crate::code_memory::{CAPACITY_BYTES_DEFAULT, CodeMemory, CodeRegion};
use crate::dump::{Dump, DumpKinds};
use crate::error::{CompileError, CompileErrorKind};
use crate::limits::{CHAIN_BLOCKS_MAX, CHAIN_INSTS_MAX, CHAIN_SLOTS_MAX};
use crate::lower::lower;
use crate::native::{Code, NativeChain};
use crate::needs::Needs;
use crate::placement;
use crate::profile::{CodeObserver, Retirement};
use crate::strategy::{Chosen, Tier, choose};
use crate::trap_check;
use crate::vector::Processor;

/// Fills what lies in front of the code: on x86-64 it traps.
const UNREACHABLE: u8 = 0xcc;

/// What can be chosen about a [`Jit`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JitOptions {
    /// Whether Cranelift verifies its IR: slow, and on only in debug builds.
    pub verify_clif: bool,
    /// Instructions and terminators of one chain.
    pub chain_insts_max: usize,
    /// Basic blocks of one chain.
    pub chain_blocks_max: usize,
    /// State slots of one chain.
    pub chain_slots_max: usize,
    /// Bytes of the code memory of [`Jit::new`], in whole pages: the code of all chains
    /// that are native at once.
    pub code_bytes_max: usize,
}

impl Default for JitOptions {
    fn default() -> JitOptions {
        JitOptions {
            verify_clif: cfg!(debug_assertions),
            chain_insts_max: CHAIN_INSTS_MAX,
            chain_blocks_max: CHAIN_BLOCKS_MAX,
            chain_slots_max: CHAIN_SLOTS_MAX,
            code_bytes_max: CAPACITY_BYTES_DEFAULT,
        }
    }
}

/// Compiles chains to native code for the processor that it runs on. Any thread may
/// use it, several at once.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use cutthrough_ir::{FunctionBuilder, FunctionKind, Grant, HostContext, State, Tables, Terminator, Type};
/// use cutthrough_ir::{ChainCode, Op};
/// use cutthrough_jit::{Jit, JitOptions, Tier};
///
/// // One loop that counts its steps on edge 0.
/// let mut tables = Tables { edges: 1, ..Tables::default() };
/// let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
/// let (head, body, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
/// b.jump(head, &[]);
/// b.switch_to(head);
/// b.terminate(Terminator::Step { go: body.into(), stop: out.into() });
/// b.switch_to(body);
/// b.inst(Op::Count, cutthrough_ir::Imm::Index(0), &[]);
/// b.jump(head, &[]);
/// b.switch_to(out);
/// let code = b.iconst(7);
/// b.ret(&[code]);
/// let function = b.build();
/// let chain = ChainCode {
///     name: "steps".to_owned(), function, tables,
///     places: vec![], rows: vec![], hosts: vec![], edges: vec![0], drops: vec![], origins: vec!["loop".to_owned()],
/// };
///
/// let jit = Jit::new(JitOptions::default())?;
/// let native = jit.compile(&chain, Tier::Full)?;
/// let (mut state, mut counts, context, interrupt) =
///     (State::default(), [0], HostContext::default(), AtomicBool::new(false));
/// let mut grant = Grant {
///     state: &mut state, counts: &mut counts, hosts: &mut [], context: &context, interrupt: &interrupt,
///     budget: 1000, inbox: None, outboxes: &mut [],
/// };
/// assert_eq!(native.run(&mut grant), 7);
/// assert_eq!((grant.budget, counts[0]), (0, 1000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Jit {
    /// For each tier.
    isas: [OwnedTargetIsa; 2],
    processor: Processor,
    memory: Arc<CodeMemory>,
    options: JitOptions,
    observer: Option<Arc<dyn CodeObserver>>,
    /// PERF: what compilations allocate, kept for the next ones.
    scratch: Mutex<Vec<Scratch>>,
}

struct Scratch {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Jit {
    /// An engine with a code memory of its own.
    ///
    /// # Errors
    /// Where there is no JIT for this platform, or no address space, or when the capacity
    /// is 0 or above [`CAPACITY_BYTES_MAX`](crate::code_memory::CAPACITY_BYTES_MAX).
    pub fn new(options: JitOptions) -> io::Result<Jit> {
        Jit::with_memory(CodeMemory::with_capacity(options.code_bytes_max)?, options)
    }

    /// An engine that compiles into `memory`.
    ///
    /// # Errors
    /// Where Cranelift does not know this processor.
    pub fn with_memory(memory: Arc<CodeMemory>, options: JitOptions) -> io::Result<Jit> {
        let isa = |tier| isa(&options, tier).map_err(io::Error::other);
        let isas = [isa(Tier::Quick)?, isa(Tier::Full)?];
        Ok(Jit {
            processor: Processor::of(&*isas[0]),
            isas,
            memory,
            options,
            observer: None,
            scratch: Mutex::default(),
        })
    }

    /// Has an observer told of all code from now on.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn CodeObserver>) -> Jit {
        Jit {
            observer: Some(observer),
            ..self
        }
    }

    /// The memory that it compiles into.
    pub fn code_memory(&self) -> &Arc<CodeMemory> {
        &self.memory
    }

    /// Compiles a chain, whose function must be verified.
    ///
    /// # Errors
    /// [`CompileError::kind`] says why. The chain can always be interpreted instead.
    pub fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<NativeChain, CompileError> {
        self.compile_with_dump(chain, tier, DumpKinds::NONE)
            .map(|(native, _)| native)
    }

    /// Compiles a chain and gives the texts of the stages that are asked for.
    ///
    /// # Errors
    /// As for [`Jit::compile`].
    pub fn compile_with_dump(
        &self,
        chain: &ChainCode,
        tier: Tier,
        kinds: DumpKinds,
    ) -> Result<(NativeChain, Dump), CompileError> {
        self.check_limits(chain)?;
        let compiled = catch_unwind(AssertUnwindSafe(|| self.compile_caught(chain, tier, kinds)));
        compiled.unwrap_or_else(|payload| Err(CompileError::panic(&*payload)))
    }

    fn check_limits(&self, chain: &ChainCode) -> Result<(), CompileError> {
        let limited = [
            (
                "instructions",
                chain.function.size(),
                self.options.chain_insts_max,
            ),
            (
                "basic blocks",
                chain.function.blocks.len(),
                self.options.chain_blocks_max,
            ),
            (
                "state slots",
                chain.tables.slots.len(),
                self.options.chain_slots_max,
            ),
        ];
        match limited.into_iter().find(|(_, number, max)| number > max) {
            Some((what, number, max)) => Err(CompileError::too_large(what, number, max)),
            None => Ok(()),
        }
    }

    /// A panic in here leaves nothing behind: what it works on is its own, except
    /// the code memory, which takes back what was not finalized.
    fn compile_caught(
        &self,
        chain: &ChainCode,
        tier: Tier,
        kinds: DumpKinds,
    ) -> Result<(NativeChain, Dump), CompileError> {
        let isa = &*self.isas[tier as usize];
        let Chosen {
            function,
            accounts,
            vector_loops,
            strategy,
        } = choose(chain, tier, self.processor);
        let needs = Needs::of(chain, &function)?;
        let mut scratch = self.take_scratch();
        let mut dump = Dump {
            strategy: strategy.clone(),
            ..Dump::default()
        };
        let context = &mut scratch.context;
        lower(
            chain,
            &function,
            &needs,
            &accounts,
            &vector_loops,
            tier,
            isa,
            &mut context.func,
            &mut scratch.builder,
        );
        dump.before(kinds, &context.func);
        trap_check::check(&context.func)?;
        context.set_disasm(false);
        let (region, entry) = self.define(context, isa)?;
        dump.after(kinds, context, isa, chain);
        let observed = self.observer.as_ref().zip(context.compiled_code());
        let retirement = observed.map(|(observer, code)| Retirement::publish(observer, entry, code, chain));
        self.put_back(scratch);
        let code = Code {
            entry,
            retirement,
            region,
            strategy,
        };
        let ledger = Ledger::new(&accounts, chain);
        Ok((NativeChain::new(chain, needs, ledger, code), dump))
    }

    fn define(
        &self,
        context: &mut Context,
        isa: &dyn TargetIsa,
    ) -> Result<(CodeRegion, *const u8), CompileError> {
        context
            .compile(isa, &mut ControlPlane::default())
            .map_err(|error| explain(error.into()))?;
        let code = context.compiled_code().expect("INVARIANT: just compiled");
        if !code.buffer.relocs().is_empty() {
            // Where a processor lacks an instruction Cranelift calls a library instead.
            return Err(CompileError::new(
                CompileErrorKind::Compiler,
                "the code refers to what is outside of it".to_owned(),
            ));
        }
        let before = placement::bytes_before(code);
        let mut bytes = vec![UNREACHABLE; before];
        bytes.extend_from_slice(code.code_buffer());
        let alignment = u64::from(code.buffer.alignment).max(placement::LINE as u64);
        let (region, address) = self.memory.seal(&bytes, alignment).map_err(|error| *error)?;
        Ok((region, address.wrapping_add(before)))
    }

    fn take_scratch(&self) -> Scratch {
        let free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Scratch {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
        })
    }

    fn put_back(&self, mut scratch: Scratch) {
        scratch.context.clear();
        self.scratch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(scratch);
    }
}

impl std::fmt::Debug for Jit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jit")
            .field("isa", &self.isas[0].name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Cranelift says "Verifier errors" and no more; this says which.
fn explain(error: ModuleError) -> CompileError {
    match error {
        ModuleError::Compilation(CodegenError::Verifier(errors)) => CompileError::new(
            CompileErrorKind::Compiler,
            format!("cranelift's verifier: {errors}"),
        ),
        error => error.into(),
    }
}

fn isa(options: &JitOptions, tier: Tier) -> Result<OwnedTargetIsa, String> {
    let mut flags = settings::builder();
    let chosen = [
        ("opt_level", "none"),
        (
            "regalloc_algorithm",
            match tier {
                Tier::Quick => "single_pass",
                Tier::Full => "backtracking",
            },
        ),
        (
            "enable_verifier",
            if options.verify_clif { "true" } else { "false" },
        ),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        // No panic passes through native frames, and nothing unwinds them.
        ("unwind_info", "false"),
        // What `placement` goes by.
        ("machine_code_cfg_info", "true"),
        // The other strategy calls a function that would have to be found by name.
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in chosen {
        flags.set(name, value).map_err(|error| error.to_string())?;
    }
    let builder = cranelift_native::builder()?;
    builder
        .finish(settings::Flags::new(flags))
        .map_err(|error| error.to_string())
}
