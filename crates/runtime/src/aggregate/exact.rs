//! Sums of doubles that do not depend on the order of the summands: as if with all digits, and
//! rounded once.
//!
//! A sum is three doubles whose exact sum it is: what was rounded off when a summand came is kept in
//! the second, and what was rounded off there in the third (Knuth's TwoSum gives it exactly). So much
//! holds some 150 bits; a summand whose last digits do not fit makes the third NaN, for good. Such a
//! sum is rounded, and depends on the order: it is refused to be merged.
//!
//! The third is touched only when the second is rounded, which it hardly ever is.

use cutthrough_ir::{Op, SlotDecl, Type, Value};

use super::Accumulator;
use crate::process::Fragment;

/// The columns: the sum as far as one double has it, what that leaves, and what both leave.
const SUM: usize = 0;
const LOW: usize = 1;
const LOWEST: usize = 2;

/// The columns of a sum.
pub(super) fn columns() -> Vec<SlotDecl> {
    let columns = ["sum", "sum, low", "sum, lowest"];
    columns.map(|name| SlotDecl::zero(name, Type::F64)).to_vec()
}

/// Adds a double to a sum.
pub(super) fn add(f: &mut Fragment<'_>, to: &Accumulator, value: Value) {
    let (sum, low) = (to.get(f, SUM), to.get(f, LOW));
    let (new, off) = two_sum(f, sum, value);
    let (new_low, off_low) = two_sum(f, low, off);
    let zero = f.fconst(0.0);
    let is_all = f.op(Op::Feq, &[off_low, zero]);
    let (_, rare) = f.br_new(is_all);
    let join = f.block(&[]);
    to.set(f, SUM, new);
    to.set(f, LOW, new_low);
    f.jump(join, &[]);

    f.switch_to(rare);
    let is_number = f.op(Op::Feq, &[off, off]);
    let (_, not) = f.br_new(is_number);
    let lowest = to.get(f, LOWEST);
    let (new_lowest, rest) = two_sum(f, lowest, off_low);
    let is_all = f.op(Op::Feq, &[rest, zero]);
    let nan = f.fconst(f64::NAN);
    let new_lowest = f.op(Op::Select, &[is_all, new_lowest, nan]);
    to.set(f, SUM, new);
    to.set(f, LOW, new_low);
    to.set(f, LOWEST, new_lowest);
    f.jump(join, &[]);

    // The sum is beyond all doubles, or what came is none of the numbers.
    f.switch_to(not);
    let (had, has) = (is_finite(f, sum), is_finite(f, value));
    let is_beyond = f.op(Op::And, &[had, has]);
    let (lowest, nan) = (to.get(f, LOWEST), f.fconst(f64::NAN));
    let lowest = f.op(Op::Select, &[is_beyond, nan, lowest]);
    to.set(f, SUM, new);
    to.set(f, LOWEST, lowest);
    f.jump(join, &[]);
    f.switch_to(join);
}

/// Adds another sum. One that is rounded fails.
pub(super) fn merge(f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
    check(f, other[LOWEST]);
    for &value in &other[..=LOWEST] {
        add(f, to, value);
    }
    let lowest = to.get(f, LOWEST);
    check(f, lowest);
}

/// Goes on if a sum is not rounded.
fn check(f: &mut Fragment<'_>, lowest: Value) {
    let is_number = f.op(Op::Feq, &[lowest, lowest]);
    let (_, not) = f.br_new(is_number);
    let exact = f.current();
    f.switch_to(not);
    f.fail("the summands are too far apart for their sum to be exact, so it depends on their order");
    f.switch_to_any(exact);
}

/// The double nearest to the sum.
pub(super) fn finish(f: &mut Fragment<'_>, state: &[Value]) -> Value {
    let (zero, two) = (f.fconst(0.0), f.fconst(2.0));
    let is_number = f.op(Op::Feq, &[state[LOWEST], state[LOWEST]]);
    let lowest = f.op(Op::Select, &[is_number, state[LOWEST], zero]);
    // After two passes no digit of one is within another; the third lets none be zero before another.
    let (mut sum, mut low, mut lowest) = (state[SUM], state[LOW], lowest);
    for _ in 0..3 {
        (low, lowest) = two_sum(f, low, lowest);
        (sum, low) = two_sum(f, sum, low);
    }
    // The first is the nearest to the first two. Where that was a tie, the third decides.
    let up = [Op::Fgt, Op::Flt].map(|op| {
        let both = [low, lowest].map(|value| f.op(op, &[value, zero]));
        f.op(Op::And, &both)
    });
    let goes_on = f.op(Op::Or, &up);
    let twice = f.op(Op::Fmul, &[low, two]);
    let next = f.op(Op::Fadd, &[sum, twice]);
    let step = f.op(Op::Fsub, &[next, sum]);
    let is_tie = f.op(Op::Feq, &[step, twice]);
    let is_next = f.op(Op::And, &[goes_on, is_tie]);
    let nearest = f.op(Op::Select, &[is_next, next, sum]);
    let has_nearest = is_finite(f, nearest);
    f.op(Op::Select, &[has_nearest, nearest, state[SUM]])
}

/// The nearest double to a sum of two, and what it leaves: exactly, unless something is not finite.
fn two_sum(f: &mut Fragment<'_>, a: Value, b: Value) -> (Value, Value) {
    let sum = f.op(Op::Fadd, &[a, b]);
    let of_b = f.op(Op::Fsub, &[sum, a]);
    let of_a = f.op(Op::Fsub, &[sum, of_b]);
    let (off_a, off_b) = (f.op(Op::Fsub, &[a, of_a]), f.op(Op::Fsub, &[b, of_b]));
    let off = f.op(Op::Fadd, &[off_a, off_b]);
    (sum, off)
}

fn is_finite(f: &mut Fragment<'_>, value: Value) -> Value {
    let (nothing, zero) = (f.op(Op::Fsub, &[value, value]), f.fconst(0.0));
    f.op(Op::Feq, &[nothing, zero])
}
