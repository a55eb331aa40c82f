//! The aggregates that are built in.

use std::fmt;

use cutthrough_ir::{Kind, Op, SlotDecl, Type, Value};

use super::{Accumulator, Aggregate, exact, is_before};
use crate::process::Fragment;

/// A function over the elements of a group. Null inputs do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// How many elements there are, or how many with an input that is not null.
    Count,
    /// The sum of integers, exactly, or of doubles: as if with all digits, and rounded once, so that
    /// it does not depend on their order. (Digits that lie more than some 150 bits below the
    /// greatest are lost one by one.)
    Sum,
    /// The sum divided by the count; null where there is no input.
    Avg,
    /// The first in ascending order; null where there is no input. NaN counts only
    /// where there is nothing else.
    Min,
    /// The first in descending order, with the same exceptions.
    Max,
}

/// A function with its input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BasicAggregate {
    /// The function.
    pub function: AggregateFunction,
    /// The type of its input; only a count may have none.
    pub input: Option<Type>,
}

use AggregateFunction::{Avg, Count, Max, Min, Sum};

/// As `min f64?`: the columns of a group are named after it.
impl fmt::Debug for BasicAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.function {
            Count => "count",
            Sum => "sum",
            Avg => "avg",
            Min => "min",
            Max => "max",
        })?;
        self.input.map_or(Ok(()), |ty| write!(f, " {ty}"))
    }
}

impl BasicAggregate {
    /// The type of the result.
    ///
    /// # Panics
    /// When the function does not take such an input.
    pub fn result(self) -> Type {
        match (self.function, self.input) {
            (Count, _) => Type::I64,
            (
                Sum,
                Some(Type {
                    kind: kind @ (Kind::I64 | Kind::F64),
                    ..
                }),
            ) => Type::new(kind),
            (
                Avg,
                Some(Type {
                    kind: Kind::I64 | Kind::F64,
                    ..
                }),
            ) => Type::F64.or_null(),
            (Min | Max, Some(ty)) => ty.or_null(),
            (function, Some(ty)) => panic!("{function:?} of {ty}"),
            (function, None) => panic!("{function:?} of nothing"),
        }
    }

    fn is_double(self) -> bool {
        self.input.is_some_and(|ty| ty.kind == Kind::F64)
    }
}

impl Aggregate for BasicAggregate {
    fn input(&self) -> Vec<Type> {
        self.input.into_iter().collect()
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        let count = || SlotDecl::i64("count", 0);
        let sum = || match self.is_double() {
            true => exact::columns(),
            // Of 128 bits.
            false => vec![SlotDecl::i64("sum, low", 0), SlotDecl::i64("sum, high", 0)],
        };
        match self.function {
            Count => vec![count()],
            Sum => sum(),
            Avg => [sum(), vec![count()]].concat(),
            Min => vec![SlotDecl::zero("min", self.result())],
            Max => vec![SlotDecl::zero("max", self.result())],
        }
    }

    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
        match self.function {
            Count => add_count(f, to, 0),
            Sum => self.add_value(f, to, input[0]),
            Avg => {
                self.add_value(f, to, input[0]);
                add_count(f, to, to.len - 1);
            }
            Min | Max => self.take_extreme(f, to, input[0]),
        }
    }

    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
        if matches!(self.function, Min | Max) {
            let has = f.op(Op::IsSome, &[other[0]]);
            let value = f.op(Op::Payload, &[other[0]]);
            let (_, absent) = f.br_new(has);
            let join = f.block(&[]);
            self.take_extreme(f, to, value);
            f.jump(join, &[]);
            f.switch_to(absent);
            f.jump(join, &[]);
            f.switch_to(join);
            return;
        }
        match (self.function, self.is_double()) {
            (Sum | Avg, false) => add_wide(f, to, other[0], other[1]),
            (Sum | Avg, true) => exact::merge(f, to, other),
            _ => {}
        }
        if matches!(self.function, Count | Avg) {
            let count = to.len - 1;
            add(f, to, count, Op::Iadd, other[count]);
        }
    }

    fn merges_exactly(&self) -> bool {
        true
    }

    fn result(&self) -> Type {
        BasicAggregate::result(*self)
    }

    fn finish(&self, f: &mut Fragment<'_>, state: &[Value]) -> Value {
        match self.function {
            Count | Min | Max => state[0],
            Sum if self.is_double() => exact::finish(f, state),
            Sum => {
                let bits = f.iconst(63);
                let sign = f.op(Op::Ishr, &[state[0], bits]);
                let fits = f.op(Op::Ieq, &[state[1], sign]);
                let (fits, not) = f.br_new(fits);
                f.switch_to(not);
                f.fail("sum: it does not fit into an i64");
                f.switch_to(fits);
                state[0]
            }
            Avg => {
                let sum = match self.is_double() {
                    true => exact::finish(f, state),
                    false => f.op(Op::WToF, &state[..2]),
                };
                let count = state[state.len() - 1];
                let (zero, number) = (f.iconst(0), f.op(Op::IToF, &[count]));
                let is_any = f.op(Op::Igt, &[count, zero]);
                let mean = f.op(Op::Fdiv, &[sum, number]);
                let (mean, none) = (f.op(Op::Some, &[mean]), f.null(Type::F64));
                f.op(Op::Select, &[is_any, mean, none])
            }
        }
    }
}

impl BasicAggregate {
    fn add_value(self, f: &mut Fragment<'_>, to: &Accumulator, value: Value) {
        if self.is_double() {
            return exact::add(f, to, value);
        }
        let bits = f.iconst(63);
        let sign = f.op(Op::Ishr, &[value, bits]);
        add_wide(f, to, value, sign);
    }

    fn take_extreme(self, f: &mut Fragment<'_>, to: &Accumulator, value: Value) {
        let best = to.get(f, 0);
        let (has, present) = (f.op(Op::IsSome, &[best]), f.op(Op::Payload, &[best]));
        let is_first = f.op(Op::Not, &[has]);
        let is_better = is_before(f, value, present, self.function == Max);
        let is_better = f.op(Op::Or, &[is_first, is_better]);
        let value = f.op(Op::Some, &[value]);
        if f.ty(value).kind != Kind::Bytes {
            let best = f.op(Op::Select, &[is_better, value, best]);
            return to.set(f, 0, best);
        }
        // Bytes are copied, so they are set only where they have to be.
        let (_, worse) = f.br_new(is_better);
        let join = f.block(&[]);
        to.set(f, 0, value);
        f.jump(join, &[]);
        f.switch_to(worse);
        f.jump(join, &[]);
        f.switch_to(join);
    }
}

fn add_count(f: &mut Fragment<'_>, to: &Accumulator, column: usize) {
    let one = f.iconst(1);
    add(f, to, column, Op::Iadd, one);
}

fn add(f: &mut Fragment<'_>, to: &Accumulator, column: usize, op: Op, value: Value) {
    let mine = to.get(f, column);
    let sum = f.op(op, &[mine, value]);
    to.set(f, column, sum);
}

/// Adds a number of 128 bits, its low and its high word, to columns 0 and 1.
fn add_wide(f: &mut Fragment<'_>, to: &Accumulator, low: Value, high: Value) {
    let (my_low, my_high) = (to.get(f, 0), to.get(f, 1));
    let sum = f.op(Op::Iadd, &[my_low, low]);
    // It carries if the sum is less than a summand, both taken as unsigned.
    let least = f.iconst(i64::MIN);
    let (a, b) = (f.op(Op::Ixor, &[sum, least]), f.op(Op::Ixor, &[my_low, least]));
    let carry = f.op(Op::Ilt, &[a, b]);
    let carry = f.op(Op::BToI, &[carry]);
    let high = f.op(Op::Iadd, &[my_high, high]);
    let high = f.op(Op::Iadd, &[high, carry]);
    to.set(f, 0, sum);
    to.set(f, 1, high);
}
