//! Multiplication and division by constants, and division by anything, which has defined
//! results where the machine's traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};

use super::Lowerer;
use crate::trap_check::constant;

impl Lowerer<'_, '_> {
    /// `imul`; by a power of two it is a shift.
    pub(super) fn imul(&mut self, a: ClifValue, b: ClifValue) -> ClifValue {
        match constant(self.builder.func, b) {
            Some(factor) if factor.count_ones() == 1 => {
                let amount = i64::from(factor.trailing_zeros());
                self.builder.ins().ishl_imm_u(a, amount)
            }
            _ => self.builder.ins().imul(a, b),
        }
    }

    /// So many times a number.
    pub(super) fn times(&mut self, number: ClifValue, times: i64) -> ClifValue {
        match times {
            1 => number,
            -1 => self.builder.ins().ineg(number),
            _ => {
                let times = self.iconst(times);
                self.imul(number, times)
            }
        }
    }

    /// `idiv`.
    pub(super) fn idiv(&mut self, a: ClifValue, b: ClifValue) -> ClifValue {
        match constant(self.builder.func, b) {
            Some(0) => self.iconst(0),
            Some(1) => a,
            Some(-1) => self.builder.ins().ineg(a),
            Some(divisor) if divisor.unsigned_abs().is_power_of_two() => self.shifted_quotient(a, divisor),
            Some(divisor) => self.multiplied_quotient(a, divisor),
            None => {
                let (is_special, divisor) = self.guarded_divisor(b);
                let quotient = self.builder.ins().sdiv(a, divisor);
                // For 0 and -1, the product is what is defined: 0, and the negation.
                let special = self.builder.ins().imul(a, b);
                self.builder.ins().select(is_special, special, quotient)
            }
        }
    }

    /// `irem`.
    pub(super) fn irem(&mut self, a: ClifValue, b: ClifValue) -> ClifValue {
        match constant(self.builder.func, b) {
            Some(-1..=1) => self.iconst(0),
            Some(_) => {
                let quotient = self.idiv(a, b);
                let multiple = self.imul(quotient, b);
                self.builder.ins().isub(a, multiple)
            }
            None => {
                // For 0 and -1 the remainder is 0, as it is for 1.
                let (_, divisor) = self.guarded_divisor(b);
                self.builder.ins().srem(a, divisor)
            }
        }
    }

    /// The quotient by a power of two, or by its negation, other than 1: a shift rounds
    /// down, so a negative dividend has the divisor less one added first.
    fn shifted_quotient(&mut self, a: ClifValue, divisor: i64) -> ClifValue {
        let amount = i64::from(divisor.trailing_zeros());
        let sign = self.builder.ins().sshr_imm_u(a, 63);
        let bias = self.builder.ins().ushr_imm_u(sign, 64 - amount);
        let biased = self.builder.ins().iadd(a, bias);
        let quotient = self.builder.ins().sshr_imm_u(biased, amount);
        if divisor < 0 {
            self.builder.ins().ineg(quotient)
        } else {
            quotient
        }
    }

    /// The quotient by any other constant: the upper half of a product, and a shift
    /// (Granlund and Montgomery, "Division by Invariant Integers using Multiplication",
    /// 1994, figure 5.2).
    fn multiplied_quotient(&mut self, a: ClifValue, divisor: i64) -> ClifValue {
        let Reciprocal { factor, shift } = Reciprocal::of(divisor.unsigned_abs());
        let factor = self.builder.ins().iconst(types::I64, factor);
        let upper = self.builder.ins().smulhi(a, factor);
        // The factor stands for itself and 2^64, which is one `a` more.
        let upper = self.builder.ins().iadd(upper, a);
        let scaled = self.builder.ins().sshr_imm_u(upper, i64::from(shift));
        let sign = self.builder.ins().sshr_imm_u(a, 63);
        let (minuend, subtrahend) = if divisor < 0 {
            (sign, scaled)
        } else {
            (scaled, sign)
        };
        self.builder.ins().isub(minuend, subtrahend)
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

/// What to multiply by instead of dividing by `d`: the quotient of `n` is the sum of `n`
/// and the upper half of `n * factor`, shifted right, and 1 more for a negative `n`.
struct Reciprocal {
    factor: i64,
    shift: u32,
}

impl Reciprocal {
    /// For a divisor from 3 to 2^63 - 1 that is no power of two.
    fn of(divisor: u64) -> Reciprocal {
        let bits = u64::BITS - (divisor - 1).leading_zeros();
        // 1 + floor(2^(63 + bits) / divisor), which lies between 2^63 and 2^64.
        let factor = (1_u128 << (63 + bits)) / u128::from(divisor) + 1;
        Reciprocal {
            factor: (factor as u64).cast_signed(),
            shift: bits - 1,
        }
    }
}
