//! Division, which has defined results where the machine's traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};

use super::Lowerer;
use crate::trap_check::constant;

impl Lowerer<'_, '_> {
    /// `idiv`. By a constant, Cranelift makes it a multiplication and shifts.
    pub(super) fn idiv(&mut self, a: ClifValue, b: ClifValue) -> ClifValue {
        match constant(self.builder.func, b) {
            Some(0) => self.iconst(0),
            Some(-1) => self.builder.ins().ineg(a),
            Some(_) => self.builder.ins().sdiv(a, b),
            None => {
                let (is_special, divisor) = self.guarded_divisor(b);
                let quotient = self.builder.ins().sdiv(a, divisor);
                // For 0 and -1, the product is what is defined: 0, and the negation.
                let special = self.builder.ins().imul(a, b);
                self.builder.ins().select(is_special, special, quotient)
            }
        }
    }

    /// `irem`. By a constant, Cranelift makes it a multiplication and shifts.
    pub(super) fn irem(&mut self, a: ClifValue, b: ClifValue) -> ClifValue {
        match constant(self.builder.func, b) {
            Some(0 | -1) => self.iconst(0),
            Some(_) => self.builder.ins().srem(a, b),
            None => {
                // For 0 and -1 the remainder is 0, as it is for 1.
                let (_, divisor) = self.guarded_divisor(b);
                self.builder.ins().srem(a, divisor)
            }
        }
    }

    /// Whether `b` is 0 or -1, and 1 in place of those. The form is the one that
    /// [`crate::trap_check`] knows.
    fn guarded_divisor(&mut self, b: ClifValue) -> (ClifValue, ClifValue) {
        let one = self.builder.ins().iconst(types::I64, 1);
        let two = self.builder.ins().iconst(types::I64, 2);
        let above = self.builder.ins().iadd(b, one);
        let is_special = self.builder.ins().icmp(IntCC::UnsignedLessThan, above, two);
        (is_special, self.builder.ins().select(is_special, one, b))
    }
}
