//! Terminators.

use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, InstBuilder, InstructionData, MemFlagsData, Signature, StackSlotData, StackSlotKind,
    Value as ClifValue, types,
};

use cutthrough_ir::host::HOST_FULL;
use cutthrough_ir::types::words_of;
use cutthrough_ir::{Item, Target, Terminator, Value};

use super::Lowerer;
use super::values::Parts;
use crate::context::offset;
use crate::needs::Needs;
use crate::trap_check::{constant, definition};

impl Lowerer<'_, '_> {
    pub(super) fn terminator(&mut self, terminator: &Terminator, block: usize) {
        match terminator {
            Terminator::Jump(to) => self.jump_to(&[], to),
            Terminator::Br(condition, yes, no) => self.br(self.part(*condition), yes, no),
            Terminator::Get {
                item,
                view,
                index,
                some,
                none,
            } => self.get(*item, *view, *index, some, none),
            Terminator::Call {
                host,
                args,
                rows,
                ok,
                failed,
            } => self.call(*host as usize, args, rows, (ok, failed)),
            Terminator::Push {
                rows,
                args,
                ok,
                failed,
            } => self.rows_push(*rows as usize, args, ok, failed),
            Terminator::Entry {
                rows,
                args,
                ok,
                failed,
            } => self.rows_entry(*rows as usize, args, ok, failed),
            Terminator::Return(values) => {
                assert_eq!(values.len(), 1, "INVARIANT: a chain returns one integer");
                let code = self.part(values[0]);
                self.builder.ins().jump(self.exit, &[BlockArg::from(code)]);
            }
            Terminator::Step { go, stop } => self.step(block, go, stop),
            Terminator::Inbox { some, none } => self.inbox(some, none),
            Terminator::Batch { items, go, none } => self.batch(items, go, none),
            Terminator::Lap {
                index,
                limit,
                again,
                done,
            } => self.lap(*index, *limit, again, done),
            Terminator::Take { .. } | Terminator::End(_) => {
                unreachable!("INVARIANT: `take` and ends do not stand in a chain")
            }
        }
    }

    fn br(&mut self, condition: ClifValue, yes: &Target, no: &Target) {
        let (yes_args, no_args) = (self.target_args(&[], yes), self.target_args(&[], no));
        let (yes, no) = (self.blocks[yes.block.index()], self.blocks[no.block.index()]);
        // Cranelift puts the second target next; the first one is the likely one.
        let not = self.not(condition);
        self.builder.ins().brif(not, no, &no_args, yes, &yes_args);
    }

    /// Whether a truth is 0; the opposite of a comparison is a comparison again.
    fn not(&mut self, truth: ClifValue) -> ClifValue {
        match definition(self.builder.func, truth).copied() {
            Some(InstructionData::IntCompare {
                cond, args: [a, b], ..
            }) => self.builder.ins().icmp(cond.complement(), a, b),
            Some(InstructionData::FloatCompare {
                cond, args: [a, b], ..
            }) => self.builder.ins().fcmp(cond.complement(), a, b),
            _ => self.builder.ins().icmp_imm_s(IntCC::Equal, truth, 0),
        }
    }

    fn get(&mut self, item: Item, view: Value, index: Value, some: &Target, none: &Target) {
        let (view, index) = (self.parts(view), self.part(index));
        let len = self.items_of(item, view);
        let read = self.builder.create_block();
        // An index below 0 is a large one as an unsigned number.
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, len);
        let none_args = self.target_args(&[], none);
        self.builder
            .ins()
            .brif(inside, read, &[], self.blocks[none.block.index()], &none_args);

        self.switch_to_sealed(read);
        let value = self.item(item, view, index);
        self.jump_to(&[value], some);
    }

    /// How many items a view has.
    pub(super) fn items_of(&mut self, item: Item, view: Parts) -> ClifValue {
        match (item, constant(self.builder.func, view[1])) {
            (Item::U8, _) => view[1],
            (Item::I64 | Item::F64, Some(bytes)) => self.builder.ins().iconst(types::I64, bytes / 8),
            (Item::I64 | Item::F64, None) => self.builder.ins().ushr_imm_u(view[1], 3),
        }
    }

    /// Reads an item at an index that lies inside.
    pub(super) fn item(&mut self, item: Item, view: Parts, index: ClifValue) -> ClifValue {
        let at = match item {
            Item::U8 => index,
            Item::I64 | Item::F64 => self.builder.ins().ishl_imm_u(index, 3),
        };
        let base = self.base_of(view);
        let address = self.builder.ins().iadd(base, at);
        // Not trapping, as the index lies inside; but aligned to nothing.
        let flags = MemFlagsData::new().with_notrap();
        match item {
            Item::U8 => self.builder.ins().uload8(types::I64, flags, address, 0),
            Item::I64 => self.builder.ins().load(types::I64, flags, address, 0),
            Item::F64 => self.builder.ins().load(types::F64, flags, address, 0),
        }
    }

    /// Makes room on the stack for the largest arguments and results of host calls, and for
    /// rows that are added.
    pub(super) fn make_call_area(&mut self, needs: &Needs) {
        if needs.hosts.is_empty() && needs.call_args_words == 0 {
            return;
        }
        let mut area = |words: usize| {
            let bytes = u32::try_from(words.max(1) * 8).expect("INVARIANT: checked by Needs");
            self.builder
                .create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3))
        };
        self.call_area = Some((area(needs.call_args_words), area(needs.call_results_words)));
        self.rows_area = Some(area(needs.call_rows));
        let mut signature = Signature::new(self.call_conv);
        signature.params.resize(6, AbiParam::new(types::I64));
        signature.returns.push(AbiParam::new(types::I32));
        let mut kernel = signature.clone();
        kernel.params.push(AbiParam::new(types::I64));
        self.host_signature = Some(self.builder.import_signature(signature));
        self.kernel_signature = Some(self.builder.import_signature(kernel));
    }

    /// Puts values on the stack, for a call: where they lie, and how many words they are.
    pub(super) fn store_args(&mut self, args: &[Value]) -> (ClifValue, ClifValue) {
        let (args_area, _) = self
            .call_area
            .expect("INVARIANT: made for the calls that Needs has found");
        let at = self.builder.ins().stack_addr(types::I64, args_area, 0);
        let mut words = 0;
        for &arg in args {
            self.store_value(self.parts(arg), at, 8 * words as i32);
            words += self.function.ty(arg).words();
        }
        (at, self.iconst(words as i64))
    }

    fn call(&mut self, host: usize, args: &[Value], rows: &[u32], (ok, failed): (&Target, &Target)) {
        let (_, results_area) = self
            .call_area
            .expect("INVARIANT: made for the calls that Needs has found");
        let sig = &self.chain.tables.hosts[host];
        let results = &sig.results;
        let signature = match sig.rows.is_empty() {
            true => self.host_signature,
            false => self.kernel_signature,
        };
        let signature = signature.expect("INVARIANT: made together with the area");
        let (args_at, args_words) = self.store_args(args);
        let results_at = self.builder.ins().stack_addr(types::I64, results_area, 0);
        let zero = self.iconst(0);
        for word in 0..words_of(results) {
            self.store_trusted(zero, results_at, 8 * word as i32);
        }
        let (entry, object) = self.host_view(host);
        let context = self.load_context(offset::HOST_CONTEXT);
        let results_words = self.iconst(words_of(results) as i64);
        let mut words = vec![object, context, args_at, args_words, results_at, results_words];
        if !sig.rows.is_empty() {
            words.push(self.rows_args(rows));
        }
        let call = self.builder.ins().call_indirect(signature, entry, &words);
        let status = self.builder.inst_results(call)[0];
        for (&rows, param) in rows.iter().zip(&sig.rows) {
            if param.writes {
                self.refresh_rows(rows as usize);
            }
        }
        let (succeeded, rare) = (self.builder.create_block(), self.cold_block());
        self.builder.ins().brif(status, rare, &[], succeeded, &[]);

        self.switch_to_sealed(rare);
        let (full, error) = (self.cold_block(), self.cold_block());
        let is_full = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::Equal, status, i64::from(HOST_FULL));
        self.builder.ins().brif(is_full, full, &[], error, &[]);

        self.switch_to_sealed(error);
        self.jump_to(&[], failed);

        self.switch_to_sealed(full);
        self.halt();
        self.builder.ins().jump(succeeded, &[]);

        self.switch_to_sealed(succeeded);
        let mut parts = Vec::new();
        let mut at = 0;
        for &ty in results {
            parts.extend(self.load_value(ty, results_at, at).iter());
            at += 8 * ty.words() as i32;
        }
        self.jump_to(&parts, ok);
    }

    /// The entry and the object of a host function, from the context: they may be
    /// others in the next grant.
    fn host_view(&mut self, host: usize) -> (ClifValue, ClifValue) {
        let views = self.load_context(offset::HOSTS);
        let at = offset::HOST_VIEW_BYTES * host as i32;
        (
            self.load_i64(views, at + offset::HOST_ENTRY),
            self.load_i64(views, at + offset::HOST_OBJECT),
        )
    }
}
