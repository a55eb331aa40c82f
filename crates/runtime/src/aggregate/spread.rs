//! The variance, in one pass (Welford 1962, and Chan, Golub and LeVeque 1979 for merging).

use cutthrough_ir::{Op, SlotDecl, Type, Value};

use super::{Accumulator, Aggregate};
use crate::process::Fragment;

/// The variance of a sample of doubles, or its root, the standard deviation; null for fewer than two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Whether it is the standard deviation.
    pub root: bool,
    /// Whether the input may be absent.
    pub nullable: bool,
}

const COUNT: usize = 0;
const MEAN: usize = 1;
const SQUARES: usize = 2;

impl Aggregate for Spread {
    fn input(&self) -> Vec<Type> {
        vec![Type {
            nullable: self.nullable,
            ..Type::F64
        }]
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        vec![
            SlotDecl::zero("count", Type::F64),
            SlotDecl::zero("mean", Type::F64),
            SlotDecl::zero("squares", Type::F64),
        ]
    }

    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
        let (count, mean, squares) = (to.get(f, COUNT), to.get(f, MEAN), to.get(f, SQUARES));
        let one = f.fconst(1.0);
        let count = f.op(Op::Fadd, &[count, one]);
        let off = f.op(Op::Fsub, &[input[0], mean]);
        let share = f.op(Op::Fdiv, &[off, count]);
        let mean = f.op(Op::Fadd, &[mean, share]);
        let still = f.op(Op::Fsub, &[input[0], mean]);
        let square = f.op(Op::Fmul, &[off, still]);
        let squares = f.op(Op::Fadd, &[squares, square]);
        to.set(f, COUNT, count);
        to.set(f, MEAN, mean);
        to.set(f, SQUARES, squares);
    }

    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
        let (count, mean, squares) = (to.get(f, COUNT), to.get(f, MEAN), to.get(f, SQUARES));
        let all = f.op(Op::Fadd, &[count, other[COUNT]]);
        let (zero, one) = (f.fconst(0.0), f.fconst(1.0));
        let is_any = f.op(Op::Fgt, &[all, zero]);
        let divisor = f.op(Op::Select, &[is_any, all, one]);
        let off = f.op(Op::Fsub, &[other[MEAN], mean]);
        let share = f.op(Op::Fdiv, &[other[COUNT], divisor]);
        let shift = f.op(Op::Fmul, &[off, share]);
        let mean = f.op(Op::Fadd, &[mean, shift]);
        let between = f.op(Op::Fmul, &[shift, off]);
        let between = f.op(Op::Fmul, &[between, count]);
        let squares = f.op(Op::Fadd, &[squares, other[SQUARES]]);
        let squares = f.op(Op::Fadd, &[squares, between]);
        to.set(f, COUNT, all);
        to.set(f, MEAN, mean);
        to.set(f, SQUARES, squares);
    }

    fn result(&self) -> Type {
        Type::F64.or_null()
    }

    fn finish(&self, f: &mut Fragment<'_>, state: &[Value]) -> Value {
        let one = f.fconst(1.0);
        let rest = f.op(Op::Fsub, &[state[COUNT], one]);
        let is_any = f.op(Op::Fge, &[rest, one]);
        let variance = f.op(Op::Fdiv, &[state[SQUARES], rest]);
        let spread = match self.root {
            true => f.op(Op::Fsqrt, &[variance]),
            false => variance,
        };
        let (spread, none) = (f.op(Op::Some, &[spread]), f.null(Type::F64));
        f.op(Op::Select, &[is_any, spread, none])
    }
}
