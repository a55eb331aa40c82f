//! Instructions.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};

use cutthrough_ir::{Imm, Inst, Op};

use super::Lowerer;
use super::counters::Counter;
use super::values::Parts;

impl Lowerer<'_, '_> {
    pub(super) fn inst(&mut self, inst: &Inst) {
        let result = self.op(inst);
        if let Some(value) = inst.result {
            self.values[value.index()] = result.expect("INVARIANT: an operation with a result gives it");
        }
    }

    /// Every operation, in the order of the table.
    fn op(&mut self, inst: &Inst) -> Option<Parts> {
        // Operands of one part each, which most operations have.
        let a = |s: &Self| s.part(inst.args[0]);
        let b = |s: &Self| s.part(inst.args[1]);
        let one = match inst.op {
            Op::Iconst | Op::Fconst | Op::Bconst => self.constant(inst.imm),
            Op::Sconst => return Some(self.data(inst.imm.index())),
            Op::Null => {
                let Imm::Type(ty) = inst.imm else { unreachable!("INVARIANT: null carries a type") };
                return Some(self.zero(ty));
            }

            Op::Iadd => { let (a, b) = (a(self), b(self)); self.builder.ins().iadd(a, b) }
            Op::Isub => { let (a, b) = (a(self), b(self)); self.builder.ins().isub(a, b) }
            Op::Imul => { let (a, b) = (a(self), b(self)); self.builder.ins().imul(a, b) }
            Op::Idiv => self.idiv(a(self), b(self)),
            Op::Irem => self.irem(a(self), b(self)),
            Op::Imin => { let (a, b) = (a(self), b(self)); self.builder.ins().smin(a, b) }
            Op::Imax => { let (a, b) = (a(self), b(self)); self.builder.ins().smax(a, b) }
            Op::Iand | Op::And => { let (a, b) = (a(self), b(self)); self.builder.ins().band(a, b) }
            Op::Ior | Op::Or => { let (a, b) = (a(self), b(self)); self.builder.ins().bor(a, b) }
            Op::Ixor | Op::Xor => { let (a, b) = (a(self), b(self)); self.builder.ins().bxor(a, b) }
            Op::Ishl => { let (a, b) = (a(self), b(self)); self.builder.ins().ishl(a, b) }
            Op::Ishr => { let (a, b) = (a(self), b(self)); self.builder.ins().sshr(a, b) }
            Op::Iushr => { let (a, b) = (a(self), b(self)); self.builder.ins().ushr(a, b) }
            Op::Ineg => { let a = a(self); self.builder.ins().ineg(a) }
            Op::Iabs => { let a = a(self); self.builder.ins().iabs(a) }
            Op::Inot => { let a = a(self); self.builder.ins().bnot(a) }
            Op::Ieq => self.icmp(inst, IntCC::Equal),
            Op::Ine => self.icmp(inst, IntCC::NotEqual),
            Op::Ilt => self.icmp(inst, IntCC::SignedLessThan),
            Op::Ile => self.icmp(inst, IntCC::SignedLessThanOrEqual),
            Op::Igt => self.icmp(inst, IntCC::SignedGreaterThan),
            Op::Ige => self.icmp(inst, IntCC::SignedGreaterThanOrEqual),

            Op::Fadd => { let (a, b) = (a(self), b(self)); self.builder.ins().fadd(a, b) }
            Op::Fsub => { let (a, b) = (a(self), b(self)); self.builder.ins().fsub(a, b) }
            Op::Fmul => { let (a, b) = (a(self), b(self)); self.builder.ins().fmul(a, b) }
            Op::Fdiv => { let (a, b) = (a(self), b(self)); self.builder.ins().fdiv(a, b) }
            Op::Fneg => { let a = a(self); self.builder.ins().fneg(a) }
            Op::Fabs => { let a = a(self); self.builder.ins().fabs(a) }
            Op::Fsqrt => { let a = a(self); self.builder.ins().sqrt(a) }
            Op::Ffloor => { let a = a(self); self.builder.ins().floor(a) }
            Op::Fceil => { let a = a(self); self.builder.ins().ceil(a) }
            Op::Ftrunc => { let a = a(self); self.builder.ins().trunc(a) }
            Op::Feq => self.fcmp(inst, FloatCC::Equal),
            Op::Fne => self.fcmp(inst, FloatCC::NotEqual),
            Op::Flt => self.fcmp(inst, FloatCC::LessThan),
            Op::Fle => self.fcmp(inst, FloatCC::LessThanOrEqual),
            Op::Fgt => self.fcmp(inst, FloatCC::GreaterThan),
            Op::Fge => self.fcmp(inst, FloatCC::GreaterThanOrEqual),

            Op::Not => { let a = a(self); self.builder.ins().bxor_imm_u(a, 1) }
            Op::IToF => { let a = a(self); self.builder.ins().fcvt_from_sint(types::F64, a) }
            Op::FToI => { let a = a(self); self.builder.ins().fcvt_to_sint_sat(types::I64, a) }
            Op::BToI => { let a = a(self); self.builder.ins().uextend(types::I64, a) }
            Op::Select => return Some(self.select(inst)),

            Op::Some => {
                let mut parts = self.parts(inst.args[0]);
                parts.push(self.builder.ins().iconst(types::I8, 1));
                return Some(parts);
            }
            Op::IsSome => *self.parts(inst.args[0]).last().expect("INVARIANT: a nullable value has a presence"),
            Op::Payload => {
                let parts = self.parts(inst.args[0]);
                return Some(parts.iter().take(parts.len() - 1).collect());
            }

            Op::Slen => self.parts(inst.args[0])[1],
            Op::Seq => self.bytes_equal(self.parts(inst.args[0]), self.parts(inst.args[1])),
            Op::Scmp | Op::Sfind | Op::Sstarts | Op::Sends => self.bytes_helper(inst),
            Op::Sslice => return Some(self.bytes_slice(self.parts(inst.args[0]), self.part(inst.args[1]), self.part(inst.args[2]))),
            Op::Sbyte => self.bytes_byte(self.parts(inst.args[0]), self.part(inst.args[1])),
            Op::SToI | Op::SToF => return Some(self.bytes_number(inst)),

            Op::SlotGet => return Some(self.slot_get(inst.imm.index())),
            Op::SlotSet => { self.slot_set(inst.imm.index(), inst.args[0]); return None }
            Op::Emit | Op::Ready => unreachable!("INVARIANT: {} does not stand in a chain", inst.op.info().name),
            Op::Drop | Op::Count => {
                let counter = Counter::of(inst.op, || inst.imm.index()).expect("INVARIANT: it counts");
                self.counters.increment(&mut self.builder, counter);
                return None;
            }
            Op::Halt => { self.halt(); return None }
            Op::OutboxPut => { self.outbox_put(inst.imm.index(), &inst.args); return None }
            Op::OutboxRoom => self.outbox_room(inst.imm.index()),
        };
        Some([one].into_iter().collect())
    }

    fn constant(&mut self, imm: Imm) -> ClifValue {
        match imm {
            Imm::I64(value) => self.iconst(value),
            Imm::F64(bits) => self.builder.ins().f64const(Ieee64::with_bits(bits)),
            Imm::Bool(value) => self.builder.ins().iconst(types::I8, i64::from(value)),
            Imm::None | Imm::Type(_) | Imm::Index(_) => unreachable!("INVARIANT: the operation carries a constant"),
        }
    }

    fn icmp(&mut self, inst: &Inst, condition: IntCC) -> ClifValue {
        let (a, b) = (self.part(inst.args[0]), self.part(inst.args[1]));
        self.builder.ins().icmp(condition, a, b)
    }

    fn fcmp(&mut self, inst: &Inst, condition: FloatCC) -> ClifValue {
        let (a, b) = (self.part(inst.args[0]), self.part(inst.args[1]));
        self.builder.ins().fcmp(condition, a, b)
    }

    fn select(&mut self, inst: &Inst) -> Parts {
        let condition = self.part(inst.args[0]);
        let (a, b) = (self.parts(inst.args[1]), self.parts(inst.args[2]));
        a.iter().zip(b.iter()).map(|(a, b)| self.builder.ins().select(condition, a, b)).collect()
    }
}
