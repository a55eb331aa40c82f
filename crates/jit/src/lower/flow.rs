//! Budget, inbox and outboxes.
//!
//! # Budget
//! The loop is strip-mined. `fuel` is what the running strip may
//! still take; the rest of the budget is in the context. A step takes one unit of
//! fuel; where that makes it -1, it refills: no budget left, or an interrupt, means
//! to stop. So the budget is exact, and an interrupt waits for at most one strip.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Value as ClifValue, types};
use cranelift_frontend::Variable;

use cutthrough_ir::limits::BATCH_STEPS_MIN;
use cutthrough_ir::types::words_of;
use cutthrough_ir::{ItemAt, Kind, Target, Value};

use super::Lowerer;
use super::values::Parts;
use crate::context::offset;
use crate::helpers::Helper;

/// The inbox in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct InboxVars {
    words: ClifValue,
    end: ClifValue,
    next: Variable,
}

/// An outbox in registers: how many elements there are. The rest is read from
/// memory, where the first access brings it into the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutboxVars {
    view: ClifValue,
    len: Variable,
}

impl Lowerer<'_, '_> {
    /// Takes one unit of the budget and goes on, or stops. `block` is the block that
    /// this ends.
    pub(super) fn step(&mut self, block: usize, go: &Target, stop: &Target) {
        let refill = self.refill_of(block);
        self.take_fuel(go, refill);
        let (look, begin, stopped) = (self.cold_block(), self.cold_block(), self.cold_block());

        // Not sealed: jumps back to this block come here themselves.
        self.builder.switch_to_block(refill);
        let zero = self.iconst(0);
        self.set_fuel(zero);
        let budget = self.load_context(offset::BUDGET);
        self.builder.ins().brif(budget, look, &[], stopped, &[]);

        self.switch_to_sealed(look);
        let flag = self.load_context(offset::INTERRUPT);
        let interrupted = self
            .builder
            .ins()
            .load(types::I8, MemFlagsData::trusted(), flag, 0);
        self.builder.ins().brif(interrupted, stopped, &[], begin, &[]);

        self.switch_to_sealed(begin);
        let strip = self.iconst(self.strip_steps);
        let strip = self.builder.ins().umin(budget, strip);
        let rest = self.builder.ins().isub(budget, strip);
        self.store_trusted(rest, self.context, offset::BUDGET);
        let fuel = self.builder.ins().iadd_imm_s(strip, -1);
        self.set_fuel(fuel);
        self.jump_to(&[], go);

        self.switch_to_sealed(stopped);
        self.jump_to(&[], stop);
    }

    /// A jump back to a block that only steps, turned into the step itself.
    pub(super) fn step_again(&mut self, head: usize, go: &Target) {
        let refill = self.refill_of(head);
        self.take_fuel(go, refill);
    }

    fn refill_of(&mut self, head: usize) -> Block {
        match self.refills[head] {
            Some(refill) => refill,
            None => {
                let refill = self.cold_block();
                self.refills[head] = Some(refill);
                refill
            }
        }
    }

    /// Goes on with one unit of fuel less; where there was none, to `refill`.
    fn take_fuel(&mut self, go: &Target, refill: Block) {
        let fuel = self.fuel();
        let fuel = self.builder.ins().iadd_imm_s(fuel, -1);
        self.set_fuel(fuel);
        let there = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::SignedGreaterThanOrEqual, fuel, 0);
        let behind = self.go_back(there, go);
        self.switch_to_sealed(behind);
        self.builder.ins().jump(refill, &[]);
    }

    /// Goes to a target, mostly back, if the condition holds; else to the block that this
    /// returns.
    ///
    /// PERF: that block is one of its own, even if it only jumps, so that it lies behind
    /// the loop and the jump back is the conditional one. Without it there were two jumps
    /// for every element.
    fn go_back(&mut self, condition: ClifValue, to: &Target) -> Block {
        self.go_back_to(condition, self.blocks[to.block.index()], to)
    }

    fn go_back_to(&mut self, condition: ClifValue, block: Block, to: &Target) -> Block {
        let behind = self.builder.create_block();
        let args = self.target_args(&[], to);
        self.builder.ins().brif(condition, block, &args, behind, &[]);
        behind
    }

    /// Takes steps from the strip: as many as there are, but no more than each view has
    /// items.
    pub(super) fn batch(&mut self, items: &[ItemAt], go: &Target, none: &Target) {
        let fuel = self.fuel();
        let mut steps = fuel;
        for &ItemAt { item, view, index } in items {
            let (view, index) = (self.parts(view), self.part(index));
            let len = self.items_of(item, view);
            let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, len);
            let room = self.builder.ins().isub(len, index);
            let zero = self.iconst(0);
            let room = self.builder.ins().select(inside, room, zero);
            steps = self.builder.ins().smin(steps, room);
        }
        let enough = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::SignedGreaterThanOrEqual, steps, BATCH_STEPS_MIN);
        let taken = self.builder.create_block();
        let none_args = self.target_args(&[], none);
        self.builder
            .ins()
            .brif(enough, taken, &[], self.blocks[none.block.index()], &none_args);

        self.switch_to_sealed(taken);
        let rest = self.builder.ins().isub(fuel, steps);
        self.set_fuel(rest);
        self.jump_to(&[steps], go);
    }

    /// Goes on with the next step of a batch, if there is one.
    pub(super) fn lap(&mut self, index: Value, limit: Value, again: &Target, done: &Target) {
        let (index, limit) = (self.part(index), self.part(limit));
        let more = self.builder.ins().icmp(IntCC::NotEqual, index, limit);
        let head = self.lap_head(again.block.index());
        let behind = self.go_back_to(more, head, again);
        self.switch_to_sealed(behind);
        self.jump_to(&[], done);
    }

    /// Gives steps back to the strip.
    pub(super) fn refund(&mut self, steps: ClifValue) {
        let fuel = self.fuel();
        let fuel = self.builder.ins().iadd(fuel, steps);
        self.set_fuel(fuel);
    }

    /// Sets the budget aside, so that the next step stops.
    pub(super) fn halt(&mut self) {
        let fuel = self.fuel();
        let budget = self.load_context(offset::BUDGET);
        let unspent = self.load_context(offset::UNSPENT);
        let unspent = self.builder.ins().iadd(unspent, budget);
        let unspent = self.builder.ins().iadd(unspent, fuel);
        let zero = self.iconst(0);
        self.store_trusted(unspent, self.context, offset::UNSPENT);
        self.store_trusted(zero, self.context, offset::BUDGET);
        self.set_fuel(zero);
    }

    /// Gives back what the last strip did not use.
    pub(super) fn finish_budget(&mut self) {
        let fuel = self.fuel();
        let budget = self.load_context(offset::BUDGET);
        let budget = self.builder.ins().iadd(budget, fuel);
        self.store_trusted(budget, self.context, offset::BUDGET);
    }

    pub(super) fn start_inbox(&mut self) {
        let words = self.load_context(offset::INBOX_WORDS);
        let end = self.load_context(offset::INBOX_END);
        let first = self.load_context(offset::INBOX_NEXT);
        let next = self.builder.declare_var(types::I64);
        self.builder.def_var(next, first);
        self.inbox = Some(InboxVars { words, end, next });
    }

    /// Takes the next element of the inbox.
    pub(super) fn inbox(&mut self, some: &Target, none: &Target) {
        let InboxVars { words, end, next } = self.inbox.expect("INVARIANT: Needs has found this terminator");
        let (read, used_up) = (self.builder.create_block(), self.cold_block());
        let index = self.builder.use_var(next);
        // INVARIANT: next <= end at the entry; so `<` and `!=` are the same.
        let there = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, end);
        self.builder.ins().brif(there, read, &[], used_up, &[]);

        self.switch_to_sealed(used_up);
        self.jump_to(&[], none);

        self.switch_to_sealed(read);
        let fields = self.chain.tables.inputs[0].fields();
        let base = self.element_address(words, index, words_of(fields));
        let mut parts = Vec::new();
        let mut at = 0;
        for &ty in fields {
            parts.extend(self.load_value(ty, base, at).iter());
            at += 8 * ty.words() as i32;
        }
        let after = self.builder.ins().iadd_imm_s(index, 1);
        self.builder.def_var(next, after);
        self.jump_to(&parts, some);
    }

    pub(super) fn finish_inbox(&mut self) {
        if let Some(InboxVars { next, .. }) = self.inbox {
            let next = self.builder.use_var(next);
            self.store_trusted(next, self.context, offset::INBOX_NEXT);
        }
    }

    pub(super) fn start_outbox(&mut self, outbox: usize) {
        let views = self.load_context(offset::OUTBOXES);
        let view = self
            .builder
            .ins()
            .iadd_imm_s(views, i64::from(offset::OUTBOX_VIEW_BYTES) * outbox as i64);
        let first = self.load_i64(view, offset::OUTBOX_LEN);
        let len = self.builder.declare_var(types::I64);
        self.builder.def_var(len, first);
        self.outboxes[outbox] = Some(OutboxVars { view, len });
    }

    fn outbox(&self, outbox: usize) -> OutboxVars {
        self.outboxes[outbox].expect("INVARIANT: Needs has found this operation")
    }

    /// Adds an element, whose bytes are copied.
    pub(super) fn outbox_put(&mut self, outbox: usize, element: &[Value]) {
        let OutboxVars { view, len } = self.outbox(outbox);
        let fields = self.chain.tables.outputs[outbox].fields();
        let width = words_of(fields);
        if width == 0 {
            return; // such a block counts no elements
        }
        let index = self.builder.use_var(len);
        self.ensure_memory(view, index);
        let words = self.load_i64(view, offset::OUTBOX_WORDS);
        let base = self.element_address(words, index, width);
        let mut at = 0;
        for (&value, &ty) in element.iter().zip(fields) {
            let mut value = self.parts(value);
            if ty.kind == Kind::Bytes {
                value = self.interned(view, value);
            }
            self.store_value(value, base, at);
            at += 8 * ty.words() as i32;
        }
        let after = self.builder.ins().iadd_imm_s(index, 1);
        self.builder.def_var(len, after);
    }

    /// Sees to it that there is memory for the element at `index`. Committed
    /// elements can be very many; memory is made when they come.
    fn ensure_memory(&mut self, view: ClifValue, index: ClifValue) {
        let (grow, go_on) = (self.cold_block(), self.builder.create_block());
        let allocated = self.load_i64(view, offset::OUTBOX_ALLOCATED);
        let fits = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, allocated);
        self.builder.ins().brif(fits, go_on, &[], grow, &[]);
        self.switch_to_sealed(grow);
        self.call_helper(Helper::OutboxGrow, &[view, index]);
        self.builder.ins().jump(go_on, &[]);
        self.switch_to_sealed(go_on);
    }

    /// The same byte string in memory that the outbox owns. That of an absent value
    /// is empty, so that it need not be looked at whether it is present.
    fn interned(&mut self, view: ClifValue, value: Parts) -> Parts {
        let address = self.call_helper(Helper::Intern, &[view, value[0], value[1]])[0];
        std::iter::once(address).chain(value.iter().skip(1)).collect()
    }

    /// How many elements an outbox still takes.
    pub(super) fn outbox_room(&mut self, outbox: usize) -> ClifValue {
        let OutboxVars { view, len } = self.outbox(outbox);
        let capacity = self.load_i64(view, offset::OUTBOX_CAPACITY);
        let len = self.builder.use_var(len);
        self.builder.ins().isub(capacity, len)
    }

    pub(super) fn finish_outboxes(&mut self) {
        for OutboxVars { view, len } in self.outboxes.clone().into_iter().flatten() {
            let len = self.builder.use_var(len);
            self.store_trusted(len, view, offset::OUTBOX_LEN);
        }
    }

    fn element_address(&mut self, words: ClifValue, index: ClifValue, width: usize) -> ClifValue {
        let at = self.builder.ins().imul_imm_s(index, 8 * width as i64);
        self.builder.ins().iadd(words, at)
    }
}
