//! Instructions.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value as ClifValue, types};

use cranelift_frontend::FuncInstBuilder;
use cutthrough_ir::{Imm, Inst, Item, Op};

use super::Lowerer;
use super::values::Parts;
use crate::helpers::Helper;

impl Lowerer<'_, '_> {
    pub(super) fn inst(&mut self, inst: &Inst) {
        let result = self.op(inst);
        if let Some(value) = inst.result {
            self.values[value.index()] = result.expect("INVARIANT: an operation with a result gives it");
        }
    }

    /// Every operation, in the order of the table.
    fn op(&mut self, inst: &Inst) -> Option<Parts> {
        let one = match inst.op {
            Op::Iconst | Op::Fconst | Op::Bconst => self.constant(inst.imm),
            Op::Sconst => return Some(self.data(inst.imm.index())),
            Op::Null => {
                let Imm::Type(ty) = inst.imm else {
                    unreachable!("INVARIANT: null carries a type")
                };
                return Some(self.zero(ty));
            }

            Op::Iadd => self.two(inst, |ins, a, b| ins.iadd(a, b)),
            Op::Isub => self.two(inst, |ins, a, b| ins.isub(a, b)),
            Op::Imul => self.imul(self.part(inst.args[0]), self.part(inst.args[1])),
            Op::Idiv => self.idiv(self.part(inst.args[0]), self.part(inst.args[1])),
            Op::Irem => self.irem(self.part(inst.args[0]), self.part(inst.args[1])),
            Op::Imin => self.two(inst, |ins, a, b| ins.smin(a, b)),
            Op::Imax => self.two(inst, |ins, a, b| ins.smax(a, b)),
            Op::Iand | Op::And => self.two(inst, |ins, a, b| ins.band(a, b)),
            Op::Ior | Op::Or => self.two(inst, |ins, a, b| ins.bor(a, b)),
            Op::Ixor | Op::Xor => self.two(inst, |ins, a, b| ins.bxor(a, b)),
            Op::Ishl => self.two(inst, |ins, a, b| ins.ishl(a, b)),
            Op::Ishr => self.two(inst, |ins, a, b| ins.sshr(a, b)),
            Op::Iushr => self.two(inst, |ins, a, b| ins.ushr(a, b)),
            Op::Ineg => self.one(inst, |ins, a| ins.ineg(a)),
            Op::Iabs => self.one(inst, |ins, a| ins.iabs(a)),
            Op::Inot => self.one(inst, |ins, a| ins.bnot(a)),
            Op::Ieq => self.icmp(inst, IntCC::Equal),
            Op::Ine => self.icmp(inst, IntCC::NotEqual),
            Op::Ilt => self.icmp(inst, IntCC::SignedLessThan),
            Op::Ile => self.icmp(inst, IntCC::SignedLessThanOrEqual),
            Op::Igt => self.icmp(inst, IntCC::SignedGreaterThan),
            Op::Ige => self.icmp(inst, IntCC::SignedGreaterThanOrEqual),

            Op::Fadd => self.two(inst, |ins, a, b| ins.fadd(a, b)),
            Op::Fsub => self.two(inst, |ins, a, b| ins.fsub(a, b)),
            Op::Fmul => self.two(inst, |ins, a, b| ins.fmul(a, b)),
            Op::Fdiv => self.two(inst, |ins, a, b| ins.fdiv(a, b)),
            Op::Fneg => self.one(inst, |ins, a| ins.fneg(a)),
            Op::Fabs => self.one(inst, |ins, a| ins.fabs(a)),
            Op::Fsqrt => self.one(inst, |ins, a| ins.sqrt(a)),
            Op::Ffloor => self.one(inst, |ins, a| ins.floor(a)),
            Op::Fceil => self.one(inst, |ins, a| ins.ceil(a)),
            Op::Ftrunc => self.one(inst, |ins, a| ins.trunc(a)),
            Op::Feq => self.fcmp(inst, FloatCC::Equal),
            Op::Fne => self.fcmp(inst, FloatCC::NotEqual),
            Op::Flt => self.fcmp(inst, FloatCC::LessThan),
            Op::Fle => self.fcmp(inst, FloatCC::LessThanOrEqual),
            Op::Fgt => self.fcmp(inst, FloatCC::GreaterThan),
            Op::Fge => self.fcmp(inst, FloatCC::GreaterThanOrEqual),

            Op::Not => self.one(inst, |ins, a| ins.bxor_imm_u(a, 1)),
            Op::IToF => self.one(inst, |ins, a| ins.fcvt_from_sint(types::F64, a)),
            Op::FToI => self.one(inst, |ins, a| ins.fcvt_to_sint_sat(types::I64, a)),
            Op::BToI => self.one(inst, |ins, a| ins.uextend(types::I64, a)),
            Op::Select => return Some(self.select(inst)),

            Op::Some => {
                let mut parts = self.parts(inst.args[0]);
                parts.push(self.builder.ins().iconst(types::I8, 1));
                return Some(parts);
            }
            Op::IsSome => *self
                .parts(inst.args[0])
                .last()
                .expect("INVARIANT: a nullable value has a presence"),
            Op::Payload => {
                let parts = self.parts(inst.args[0]);
                return Some(parts.iter().take(parts.len() - 1).collect());
            }

            Op::Slen => self.parts(inst.args[0])[1],
            Op::Seq => self.bytes_equal(self.parts(inst.args[0]), self.parts(inst.args[1])),
            Op::Scmp | Op::Sfind | Op::Sstarts | Op::Sends => self.bytes_helper(inst),
            Op::Sslice => {
                let [bytes, start, end] = inst.args[..] else {
                    unreachable!("INVARIANT: it has three operands")
                };
                return Some(self.bytes_slice(self.parts(bytes), self.part(start), self.part(end)));
            }
            Op::Sbyte => self.bytes_byte(self.parts(inst.args[0]), self.part(inst.args[1])),
            Op::SToI | Op::SToF => return Some(self.bytes_number(inst)),

            Op::SlotGet => return Some(self.slot_get(inst.imm.index())),
            Op::SlotSet => {
                self.slot_set(inst.imm.index(), inst.args[0]);
                return None;
            }
            Op::RowsLen => self.rows_len(inst.imm.index()),
            Op::RowsFind => self.rows_find(inst.imm.index(), &inst.args),
            Op::WToF => {
                let words = [self.part(inst.args[0]), self.part(inst.args[1])];
                let bits = self.call_helper(Helper::WToF, &words)[0];
                self.builder.ins().bitcast(types::F64, MemFlagsData::new(), bits)
            }
            Op::RowsGet => return Some(self.rows_get(inst.imm.column(), self.part(inst.args[0]))),
            Op::RowsSet => {
                self.rows_set(inst.imm.column(), self.part(inst.args[0]), inst.args[1]);
                return None;
            }
            Op::RowsTruncate => {
                self.rows_truncate(inst.imm.index(), self.part(inst.args[0]));
                return None;
            }
            Op::Emit | Op::Ready | Op::Needs | Op::Drop => {
                unreachable!(
                    "INVARIANT: {} does not stand in a chain with accounts",
                    inst.op.info().name
                )
            }
            Op::Count => {
                self.count(inst.imm.index());
                return None;
            }
            Op::Halt => {
                self.halt();
                return None;
            }
            Op::OutboxPut => {
                self.outbox_put(inst.imm.index(), &inst.args);
                return None;
            }
            Op::ItemU8 => self.item_of(inst, Item::U8),
            Op::ItemI64 => self.item_of(inst, Item::I64),
            Op::ItemF64 => self.item_of(inst, Item::F64),
            Op::Refund => {
                self.refund(self.part(inst.args[0]));
                return None;
            }
            Op::OutboxRoom => self.outbox_room(inst.imm.index()),
        };
        Some([one].into_iter().collect())
    }

    fn constant(&mut self, imm: Imm) -> ClifValue {
        match imm {
            Imm::I64(value) => self.iconst(value),
            Imm::F64(bits) => self.builder.ins().f64const(Ieee64::with_bits(bits)),
            Imm::Bool(value) => self.constant_of(types::I8, i64::from(value)),
            Imm::None | Imm::Type(_) | Imm::Index(_) | Imm::Column { .. } => {
                unreachable!("INVARIANT: the operation carries a constant")
            }
        }
    }

    /// An operation on one operand of one part.
    fn one(
        &mut self,
        inst: &Inst,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, ClifValue) -> ClifValue,
    ) -> ClifValue {
        let a = self.part(inst.args[0]);
        build(self.builder.ins(), a)
    }

    /// An operation on two operands of one part each, which most operations are.
    fn two(
        &mut self,
        inst: &Inst,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, ClifValue, ClifValue) -> ClifValue,
    ) -> ClifValue {
        let (a, b) = (self.part(inst.args[0]), self.part(inst.args[1]));
        build(self.builder.ins(), a, b)
    }

    fn item_of(&mut self, inst: &Inst, item: Item) -> ClifValue {
        self.item(item, self.parts(inst.args[0]), self.part(inst.args[1]))
    }

    fn icmp(&mut self, inst: &Inst, condition: IntCC) -> ClifValue {
        self.two(inst, |ins, a, b| ins.icmp(condition, a, b))
    }

    fn fcmp(&mut self, inst: &Inst, condition: FloatCC) -> ClifValue {
        self.two(inst, |ins, a, b| ins.fcmp(condition, a, b))
    }

    fn select(&mut self, inst: &Inst) -> Parts {
        let condition = self.part(inst.args[0]);
        let (a, b) = (self.parts(inst.args[1]), self.parts(inst.args[2]));
        a.iter()
            .zip(b.iter())
            .map(|(a, b)| self.builder.ins().select(condition, a, b))
            .collect()
    }
}
