//! Aggregates that pick one of a group's elements.

use cutthrough_ir::{Kind, Op, SlotDecl, Type, Value};

use super::{Accumulator, Aggregate, is_before};
use crate::process::Fragment;

/// The value of the first element of a group, or of the last, that has one; null where none has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The type of the value.
    pub input: Type,
    /// Whether it is that of the last.
    pub last: bool,
}

impl Aggregate for Pick {
    fn input(&self) -> Vec<Type> {
        vec![self.input]
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        vec![SlotDecl::zero("value", self.result())]
    }

    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
        let value = f.op(Op::Some, &[input[0]]);
        if self.last {
            return to.set(f, 0, value);
        }
        let known = to.get(f, 0);
        let has = f.op(Op::IsSome, &[known]);
        let is_first = f.op(Op::Not, &[has]);
        set_where(f, is_first, &[(to, 0, value)]);
    }

    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
        let (mine, theirs) = (to.get(f, 0), other[0]);
        let takes = match self.last {
            true => f.op(Op::IsSome, &[theirs]),
            false => {
                let has = f.op(Op::IsSome, &[mine]);
                f.op(Op::Not, &[has])
            }
        };
        set_where(f, takes, &[(to, 0, theirs)]);
    }

    fn merges_exactly(&self) -> bool {
        true
    }

    fn result(&self) -> Type {
        self.input.or_null()
    }

    fn finish(&self, _f: &mut Fragment<'_>, state: &[Value]) -> Value {
        state[0]
    }
}

/// A value of the element of a group for which another value is the first in ascending order, or in descending order;
/// of several, of the one that came first. Null where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PickBy {
    /// The type of the value.
    pub input: Type,
    /// The type of what decides.
    pub by: Type,
    /// Whether it is that of the greatest.
    pub greatest: bool,
}

impl PickBy {
    fn takes(self, f: &mut Fragment<'_>, to: &Accumulator, by: Value) -> Value {
        let best = to.get(f, 1);
        let (has, best) = (f.op(Op::IsSome, &[best]), f.op(Op::Payload, &[best]));
        let is_first = f.op(Op::Not, &[has]);
        let is_better = is_before(f, by, best, self.greatest);
        f.op(Op::Or, &[is_first, is_better])
    }
}

impl Aggregate for PickBy {
    fn input(&self) -> Vec<Type> {
        vec![self.input, self.by]
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        vec![
            SlotDecl::zero("value", self.result()),
            SlotDecl::zero("best", self.by.or_null()),
        ]
    }

    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
        let takes = self.takes(f, to, input[1]);
        let (value, by) = (f.op(Op::Some, &[input[0]]), f.op(Op::Some, &[input[1]]));
        set_where(f, takes, &[(to, 0, value), (to, 1, by)]);
    }

    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
        let has = f.op(Op::IsSome, &[other[1]]);
        let by = f.op(Op::Payload, &[other[1]]);
        let takes = self.takes(f, to, by);
        let takes = f.op(Op::And, &[has, takes]);
        set_where(f, takes, &[(to, 0, other[0]), (to, 1, other[1])]);
    }

    fn merges_exactly(&self) -> bool {
        true
    }

    fn result(&self) -> Type {
        self.input.or_null()
    }

    fn finish(&self, _f: &mut Fragment<'_>, state: &[Value]) -> Value {
        state[0]
    }
}

/// Sets columns where a condition holds: without a branch, but for bytes, which are copied.
fn set_where(f: &mut Fragment<'_>, condition: Value, sets: &[(&Accumulator, usize, Value)]) {
    if sets.iter().all(|&(.., value)| f.ty(value).kind != Kind::Bytes) {
        for &(to, column, value) in sets {
            let before = to.get(f, column);
            let after = f.op(Op::Select, &[condition, value, before]);
            to.set(f, column, after);
        }
        return;
    }
    let (_, not) = f.br_new(condition);
    let join = f.block(&[]);
    for &(to, column, value) in sets {
        to.set(f, column, value);
    }
    f.jump(join, &[]);
    f.switch_to(not);
    f.jump(join, &[]);
    f.switch_to(join);
}
