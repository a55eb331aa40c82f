//! Chain IR to CLIF: one CLIF function for a chain, its only argument the
//! [`Context`](crate::context::Context), its result the exit code.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the walk over blocks, entry and exit |
//! | [`values`] | IR values as CLIF values, and their way to and from memory |
//! | [`inst`] | instructions on numbers, booleans and nullable values |
//! | [`arith`] | division, and what else takes several CLIF instructions |
//! | [`bytes`] | instructions on byte strings |
//! | [`slots`] | state slots: registers, or memory for bytes |
//! | [`rows`] | row buffers |
//! | [`tables`] | the search for rows of tables |
//! | [`counters`] | probes |
//! | [`residence`] | what lies in registers, and what in memory |
//! | [`layout`] | which blocks are cold, which loops are turned round |
//! | [`flow`] | budget, inbox, outboxes |
//! | [`lanes`] | loops that run several laps at once |
//! | [`sums`] | what such loops sum up |
//! | [`terminator`] | terminators |
//!
//! # Shape
//! The entry block loads what lives in registers (state slots that are not bytes,
//! the inbox's cursor, how full outboxes are) into Cranelift variables; the one
//! exit block stores them. In between nobody else looks at it, in registers or in memory:
//! host functions cannot see slots, and helpers only touch slots of bytes. Rows are always in
//! memory; where they lie is in registers too.
//!
//! INVARIANT: no NaN but the canonical one gets into memory that others read
//! (state, arguments of host calls, outboxes). Inside, NaNs are whatever the
//! machine makes of them: no operation shows the difference.

mod arith;
mod bytes;
mod counters;
mod flow;
mod inst;
mod lanes;
mod layout;
mod residence;
mod rows;
mod slots;
mod sums;
mod tables;
mod terminator;
mod values;

use std::collections::HashMap;

use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, SourceLoc, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};

use cutthrough_ir::{BlockData, ChainCode, Function, Imm, Op, Origin, Target, Terminator};

use crate::accounts::Accounts;
use crate::helpers::Helper;
use crate::limits::{STRIP_STEPS, STRIP_STEPS_WITHOUT_CALLS};
use crate::needs::Needs;
use crate::strategy::Tier;
use crate::vector::VectorLoop;
use counters::Probes;
use flow::{InboxVars, OutboxVars};
use residence::Residence;
use rows::RowsVars;
use slots::SlotVars;
use sums::Sums;
use values::Parts;

/// Lowers a chain whose simplified function is `function` into `into`.
#[expect(
    clippy::too_many_arguments,
    reason = "each is another part of what is lowered"
)]
pub(crate) fn lower(
    chain: &ChainCode,
    function: &Function,
    needs: &Needs,
    accounts: &Accounts,
    vector_loops: &[VectorLoop],
    tier: Tier,
    isa: &dyn TargetIsa,
    into: &mut clif::Function,
    builder_context: &mut FunctionBuilderContext,
) {
    let mut signature = clif::Signature::new(isa.default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I64));
    into.signature = signature;
    let mut lowerer = Lowerer::new(
        chain,
        function,
        accounts,
        vector_loops,
        Residence::of(tier),
        isa,
        FunctionBuilder::new(into, builder_context),
    );
    lowerer.entry(needs);
    for (index, edges) in layout::count_edges(function).into_iter().enumerate() {
        if edges > 0 {
            lowerer.block(index);
        }
    }
    lowerer.exit();
    lowerer.builder.finalize(isa.frontend_config());
}

struct Lowerer<'a, 'f> {
    builder: FunctionBuilder<'f>,
    chain: &'a ChainCode,
    function: &'a Function,
    call_conv: CallConv,
    /// The address of the context.
    context: clif::Value,
    /// The CLIF values of each IR value defined so far.
    values: Vec<Parts>,
    blocks: Vec<clif::Block>,
    /// Where the loop heads refill their fuel.
    refills: Vec<Option<clif::Block>>,
    /// How many edges to each block are still to come; at 0 it is sealed.
    edges_missing: Vec<u32>,
    exit: clif::Block,
    residence: Residence,
    /// Where the words of the state's slots lie.
    state_words: clif::Value,
    slots: Vec<Option<SlotVars>>,
    rows: Vec<Option<RowsVars>>,
    accounts: &'a Accounts,
    probes: Probes,
    vector_loops: &'a [VectorLoop],
    /// By the heads of vectorised loops, where the laps begin that are run one by one;
    /// whoever enters such a loop comes to its vectorised form first.
    scalar_heads: HashMap<usize, clif::Block>,
    sums: Sums,
    /// Constants, which are made once: where only one comes in, there is nothing to
    /// choose from.
    constants: HashMap<(clif::Type, i64), clif::Value>,
    fuel: Variable,
    /// How many steps a strip has.
    strip_steps: i64,
    inbox: Option<InboxVars>,
    outboxes: Vec<Option<OutboxVars>>,
    helper_signatures: [Option<clif::SigRef>; Helper::COUNT],
    host_signature: Option<clif::SigRef>,
    kernel_signature: Option<clif::SigRef>,
    /// Where the data lies that batches read, by its address: in registers, as Cranelift
    /// makes constants anew wherever they are used.
    bases: HashMap<i64, clif::Value>,
    /// For the arguments and the results of host calls.
    call_area: Option<(clif::StackSlot, clif::StackSlot)>,
    /// For the addresses of the row buffers of host calls.
    rows_area: Option<clif::StackSlot>,
}

impl<'a, 'f> Lowerer<'a, 'f> {
    fn new(
        chain: &'a ChainCode,
        function: &'a Function,
        accounts: &'a Accounts,
        vector_loops: &'a [VectorLoop],
        residence: Residence,
        isa: &dyn TargetIsa,
        mut builder: FunctionBuilder<'f>,
    ) -> Lowerer<'a, 'f> {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let context = builder.block_params(entry)[0];
        let exit = builder.create_block();
        builder.append_block_param(exit, types::I64);
        builder.set_cold_block(exit);
        let fuel = builder.declare_var(types::I64);
        Lowerer {
            builder,
            chain,
            function,
            call_conv: isa.default_call_conv(),
            context,
            values: vec![Parts::default(); function.values.len()],
            blocks: Vec::new(),
            refills: vec![None; function.blocks.len()],
            edges_missing: vec![0; function.blocks.len()],
            exit,
            residence,
            state_words: context,
            slots: vec![None; chain.tables.slots.len()],
            rows: vec![None; chain.tables.rows.len()],
            accounts,
            probes: Probes::Registers(Vec::new()),
            vector_loops,
            scalar_heads: HashMap::new(),
            sums: Sums::default(),
            constants: HashMap::new(),
            fuel,
            strip_steps: strip_steps(function),
            inbox: None,
            outboxes: vec![None; chain.tables.outputs.len()],
            helper_signatures: [None; Helper::COUNT],
            host_signature: None,
            kernel_signature: None,
            bases: HashMap::new(),
            call_area: None,
            rows_area: None,
        }
    }

    fn entry(&mut self, needs: &Needs) {
        let zero = self.iconst(0);
        self.set_fuel(zero);
        self.make_constants();
        self.load_bases();
        self.start_probes();
        self.load_slots(needs);
        self.load_rows(needs);
        if needs.inbox {
            self.start_inbox();
        }
        for &outbox in &needs.outboxes {
            self.start_outbox(outbox);
        }
        self.make_call_area(needs);
        self.start_sums();
        for block in &self.function.blocks {
            let lowered = self.builder.create_block();
            for &param in &block.params {
                self.values[param.index()] = self.block_params_of(lowered, self.function.ty(param));
            }
            self.blocks.push(lowered);
        }
        for plan in self.vector_loops {
            let scalar = self.builder.create_block();
            self.scalar_heads.insert(plan.head(), scalar);
        }
        for (&lowered, leaves) in self.blocks.iter().zip(layout::leaving(self.function)) {
            if leaves {
                self.builder.set_cold_block(lowered);
            }
        }
        self.edges_missing = layout::count_edges(self.function);
        self.builder.ins().jump(self.blocks[0], &[]);
        self.edge_done(0);
    }

    fn block(&mut self, index: usize) {
        let block = &self.function.blocks[index];
        self.builder.switch_to_block(self.blocks[index]);
        if let Some(number) = self.vector_loop_at(index) {
            self.vector_loop(number);
            self.builder.switch_to_block(self.lap_head(index));
        }
        for inst in &block.insts {
            self.set_origin(inst.origin);
            self.inst(inst);
        }
        self.set_origin(block.origin);
        let next = layout::rotated(self.function, index);
        match next.map(|next| (next, &self.function.blocks[next])) {
            Some((
                head,
                BlockData {
                    terminator: Terminator::Step { go, .. },
                    ..
                },
            )) => {
                self.step_again(head, go);
            }
            Some((next, lap)) => {
                lap.insts.iter().for_each(|inst| self.inst(inst));
                self.terminator(&lap.terminator, next);
            }
            None => self.terminator(&block.terminator, index),
        }
        layout::for_each_edge(self.function, index, |to| self.edge_done(to));
    }

    fn edge_done(&mut self, index: usize) {
        self.edges_missing[index] -= 1;
        if self.edges_missing[index] == 0 {
            self.builder.seal_block(self.blocks[index]);
            if let Some(&scalar) = self.scalar_heads.get(&index) {
                self.builder.seal_block(scalar);
            }
        }
    }

    /// Where a lap begins that is run by itself.
    fn lap_head(&self, head: usize) -> clif::Block {
        self.scalar_heads.get(&head).copied().unwrap_or(self.blocks[head])
    }

    fn set_origin(&mut self, origin: Origin) {
        self.builder.set_srcloc(SourceLoc::new(origin.0));
    }

    /// Stores what lived in registers, and returns.
    fn exit(&mut self) {
        for refill in std::mem::take(&mut self.refills).into_iter().flatten() {
            self.builder.seal_block(refill);
        }
        self.builder.switch_to_block(self.exit);
        self.builder.seal_block(self.exit);
        let code = self.builder.block_params(self.exit)[0];
        self.finish_sums();
        self.store_slots();
        self.finish_budget();
        self.finish_probes();
        self.finish_inbox();
        self.finish_outboxes();
        self.builder.ins().return_(&[code]);
    }

    /// Goes to a target; `first` are the values that the terminator brings.
    fn jump_to(&mut self, first: &[clif::Value], target: &Target) {
        let args = self.target_args(first, target);
        self.builder.ins().jump(self.blocks[target.block.index()], &args);
    }

    fn target_args(&self, first: &[clif::Value], target: &Target) -> Vec<clif::BlockArg> {
        let of_target = target.args.iter().flat_map(|arg| self.values[arg.index()].iter());
        first
            .iter()
            .copied()
            .chain(of_target)
            .map(clif::BlockArg::from)
            .collect()
    }

    /// A new block, of which all predecessors are there.
    fn switch_to_sealed(&mut self, block: clif::Block) {
        self.builder.switch_to_block(block);
        self.builder.seal_block(block);
    }

    fn cold_block(&mut self) -> clif::Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    /// Makes the constants of the function where all of it can use them.
    fn make_constants(&mut self) {
        let zero = (types::I64, 0);
        let of_insts = self
            .function
            .blocks
            .iter()
            .flat_map(|block| &block.insts)
            .filter_map(|inst| match inst.imm {
                Imm::I64(value) if inst.op == Op::Iconst => Some((types::I64, value)),
                Imm::Bool(value) => Some((types::I8, i64::from(value))),
                _ => None,
            });
        for (ty, value) in of_insts.chain([zero]) {
            self.constants
                .entry((ty, value))
                .or_insert_with(|| self.builder.ins().iconst(ty, value));
        }
    }

    fn constant_of(&mut self, ty: clif::Type, value: i64) -> clif::Value {
        let known = self.constants.get(&(ty, value)).copied();
        known.unwrap_or_else(|| self.builder.ins().iconst(ty, value))
    }

    fn iconst(&mut self, value: i64) -> clif::Value {
        self.constant_of(types::I64, value)
    }

    /// Calls a helper by its address.
    fn call_helper(&mut self, helper: Helper, args: &[clif::Value]) -> Vec<clif::Value> {
        let signature = match self.helper_signatures[helper as usize] {
            Some(signature) => signature,
            None => {
                let (params, results) = helper.signature();
                let mut signature = clif::Signature::new(self.call_conv);
                signature.params.resize(params, AbiParam::new(types::I64));
                signature.returns.resize(results, AbiParam::new(types::I64));
                let signature = self.builder.import_signature(signature);
                self.helper_signatures[helper as usize] = Some(signature);
                signature
            }
        };
        let address = self.iconst(helper.address() as i64);
        let call = self.builder.ins().call_indirect(signature, address, args);
        self.builder.inst_results(call).to_vec()
    }
}

fn strip_steps(function: &Function) -> i64 {
    let steps = match layout::calls(function) {
        true => STRIP_STEPS,
        false => STRIP_STEPS_WITHOUT_CALLS,
    };
    steps as i64
}
