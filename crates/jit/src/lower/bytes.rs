//! Instructions on byte strings. What is a few machine instructions is inlined,
//! without branches; what looks at many bytes is a call.

use std::collections::{BTreeSet, HashMap};

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value as ClifValue, types};

use cutthrough_ir::{Inst, Op, Value};

use super::Lowerer;
use super::values::Parts;
use crate::context::offset;
use crate::helpers::Helper;
use crate::trap_check::constant;

impl Lowerer<'_, '_> {
    /// Loads the addresses of the data that batches read.
    pub(super) fn load_bases(&mut self) {
        let insts = || self.function.blocks.iter().flat_map(|block| &block.insts);
        let views: HashMap<Value, usize> = insts()
            .filter(|inst| inst.op == Op::Sconst)
            .filter_map(|inst| Some((inst.result?, inst.imm.index())))
            .collect();
        let read = insts().filter(|inst| matches!(inst.op, Op::ItemU8 | Op::ItemI64 | Op::ItemF64));
        let read: BTreeSet<usize> = read
            .filter_map(|inst| views.get(&inst.args[0]))
            .copied()
            .collect();
        if read.is_empty() {
            return;
        }
        let addresses = self.load_context(offset::DATA);
        for index in read {
            let (address, _) = self.chain.tables.data[index].view();
            let base = self.load_i64(addresses, 8 * index as i32);
            self.bases.insert(address.cast_signed(), base);
        }
    }

    /// The address of a view, in a register if it is known there.
    pub(super) fn base_of(&self, view: Parts) -> ClifValue {
        let address = constant(self.builder.func, view[0]);
        let base = address.and_then(|address| self.bases.get(&address));
        base.copied().unwrap_or(view[0])
    }

    /// A view of constant data, which the native chain keeps alive.
    pub(super) fn data(&mut self, index: usize) -> Parts {
        let (address, length) = self.chain.tables.data[index].view();
        [address, length]
            .into_iter()
            .map(|word| self.iconst(word.cast_signed()))
            .collect()
    }

    /// `seq`: the lengths first; most strings differ there.
    pub(super) fn bytes_equal(&mut self, a: Parts, b: Parts) -> ClifValue {
        let (compare, done) = (self.builder.create_block(), self.builder.create_block());
        let equal = self.builder.append_block_param(done, types::I8);
        let same_length = self.builder.ins().icmp(IntCC::Equal, a[1], b[1]);
        self.builder
            .ins()
            .brif(same_length, compare, &[], done, &[BlockArg::from(same_length)]);
        self.switch_to_sealed(compare);
        let word = self.call_helper(Helper::BytesEqual, &[a[0], a[1], b[0], b[1]])[0];
        let same_bytes = self.builder.ins().ireduce(types::I8, word);
        self.builder.ins().jump(done, &[BlockArg::from(same_bytes)]);
        self.switch_to_sealed(done);
        equal
    }

    /// The operations on two byte strings that are calls.
    pub(super) fn bytes_helper(&mut self, inst: &Inst) -> ClifValue {
        let (a, b) = (self.parts(inst.args[0]), self.parts(inst.args[1]));
        let (helper, is_bool) = match inst.op {
            Op::Scmp => (Helper::Scmp, false),
            Op::Sfind => (Helper::Sfind, false),
            Op::Sstarts => (Helper::Sstarts, true),
            Op::Sends => (Helper::Sends, true),
            _ => unreachable!("INVARIANT: called for these four"),
        };
        let word = self.call_helper(helper, &[a[0], a[1], b[0], b[1]])[0];
        if is_bool {
            self.builder.ins().ireduce(types::I8, word)
        } else {
            word
        }
    }

    /// `sslice`: both ends clamped; no bytes where they cross.
    pub(super) fn bytes_slice(&mut self, bytes: Parts, start: ClifValue, end: ClifValue) -> Parts {
        let zero = self.iconst(0);
        let start = self.clamp(start, zero, bytes[1]);
        let end = self.clamp(end, zero, bytes[1]);
        let address = self.builder.ins().iadd(bytes[0], start);
        let length = self.builder.ins().isub(end, start);
        let length = self.builder.ins().smax(length, zero);
        [address, length].into_iter().collect()
    }

    fn clamp(&mut self, value: ClifValue, low: ClifValue, high: ClifValue) -> ClifValue {
        let value = self.builder.ins().smax(value, low);
        self.builder.ins().smin(value, high)
    }

    /// `sbyte`: where the index lies outside, the load is from the context, which
    /// is always there, and its result is not used.
    pub(super) fn bytes_byte(&mut self, bytes: Parts, index: ClifValue) -> ClifValue {
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, bytes[1]);
        let address = self.builder.ins().iadd(bytes[0], index);
        let address = self.builder.ins().select(inside, address, self.context);
        let byte = self
            .builder
            .ins()
            .uload8(types::I64, MemFlagsData::new().with_notrap(), address, 0);
        let none = self.iconst(-1);
        self.builder.ins().select(inside, byte, none)
    }

    /// `stoi` and `stof`.
    pub(super) fn bytes_number(&mut self, inst: &Inst) -> Parts {
        let text = self.parts(inst.args[0]);
        let helper = if inst.op == Op::SToI {
            Helper::SToI
        } else {
            Helper::SToF
        };
        let words = self.call_helper(helper, &[text[0], text[1]]);
        let presence = self.builder.ins().ireduce(types::I8, words[1]);
        let value = match inst.op {
            Op::SToI => words[0],
            _ => self
                .builder
                .ins()
                .bitcast(types::F64, MemFlagsData::new(), words[0]),
        };
        [value, presence].into_iter().collect()
    }
}
