//! What a [`Group`](crate::processes::Group) computes for each key: aggregates, built in or
//! the user's own, on equal terms.
//!
//! An aggregate says in IR what it does, over an accumulator of typed columns: how the
//! accumulator begins, what one element does to it (`step`), what another accumulator does
//! to it (`merge`), and what comes of it (`finish`). The columns lie in the row of the key,
//! so whatever is done with state (counting, saving, moving, evicting) is done with an
//! aggregate's too, and the step is part of the native loop.

mod basic;
mod before;
mod exact;
pub(crate) mod gather;
mod pick;
mod spread;

pub use basic::{AggregateFunction, BasicAggregate};
pub(crate) use before::{is_before, is_before_nullable};
pub use gather::{CountDistinct, Gather, Percentile, Values};
pub use pick::{Pick, PickBy};
pub use spread::Spread;

use std::fmt;
use std::sync::Arc;

use cutthrough_ir::{SlotDecl, Type, Value};

use crate::process::Fragment;

/// How something is computed over the elements of a key.
///
/// The mean of the squares of a double:
/// ```
/// use cutthrough::aggregate::{Accumulator, Aggregate};
/// use cutthrough::ir::{Op, SlotDecl, Type, Value};
/// use cutthrough::Fragment;
///
/// #[derive(Debug)]
/// struct MeanSquare;
///
/// impl Aggregate for MeanSquare {
///     fn input(&self) -> Vec<Type> {
///         vec![Type::F64]
///     }
///
///     fn accumulator(&self) -> Vec<SlotDecl> {
///         vec![SlotDecl::zero("sum", Type::F64), SlotDecl::i64("count", 0)]
///     }
///
///     fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
///         let (sum, count, one) = (to.get(f, 0), to.get(f, 1), f.iconst(1));
///         let square = f.op(Op::Fmul, &[input[0], input[0]]);
///         let (sum, count) = (f.op(Op::Fadd, &[sum, square]), f.op(Op::Iadd, &[count, one]));
///         to.set(f, 0, sum);
///         to.set(f, 1, count);
///     }
///
///     fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
///         for (k, op) in [Op::Fadd, Op::Iadd].into_iter().enumerate() {
///             let mine = to.get(f, k);
///             let both = f.op(op, &[mine, other[k]]);
///             to.set(f, k, both);
///         }
///     }
///
///     fn result(&self) -> Type {
///         Type::F64
///     }
///
///     fn finish(&self, f: &mut Fragment<'_>, state: &[Value]) -> Value {
///         let count = f.op(Op::IToF, &[state[1]]);
///         f.op(Op::Fdiv, &[state[0], count])
///     }
/// }
/// ```
pub trait Aggregate: fmt::Debug + Send + Sync {
    /// The types of the fields that it takes of each element. An element in which one of a
    /// nullable type is absent does not count: [`step`](Aggregate::step) is given the values.
    fn input(&self) -> Vec<Type>;

    /// The columns of its accumulator, and what each begins with. Their names tell them
    /// from those of other aggregates of the same group when a group is swapped for another.
    fn accumulator(&self) -> Vec<SlotDecl>;

    /// What one element does to the accumulator. It may branch, and ends in the block that
    /// goes on. On one way through it, a column of bytes is set once.
    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]);

    /// What another accumulator, given by the values of its columns, does to this one.
    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]);

    /// Whether accumulators that are merged, in the order of their elements, are what one makes of all elements, to the
    /// last bit; or the merge fails.
    fn merges_exactly(&self) -> bool {
        false
    }

    /// The type of the result.
    fn result(&self) -> Type;

    /// The result, from the values of the accumulator's columns. It may branch, and may end
    /// a branch with [`fail`](cutthrough_ir::FunctionBuilder::fail).
    fn finish(&self, f: &mut Fragment<'_>, state: &[Value]) -> Value;

    /// What is done instead with all values at once, for one that needs them: [`Gathered`]
    /// is the aggregate of a [`Gather`]. Then nothing but its types is asked for.
    fn gather(&self) -> Option<&Arc<dyn Gather>> {
        None
    }
}

/// The aggregate of a [`Gather`].
#[derive(Clone)]
pub struct Gathered(pub Arc<dyn Gather>);

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Aggregate for Gathered {
    fn input(&self) -> Vec<Type> {
        vec![self.0.input()]
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        Vec::new()
    }

    fn step(&self, _f: &mut Fragment<'_>, _to: &Accumulator, _input: &[Value]) {}

    fn merge(&self, _f: &mut Fragment<'_>, _to: &Accumulator, _other: &[Value]) {}

    fn merges_exactly(&self) -> bool {
        true
    }

    fn result(&self) -> Type {
        self.0.result()
    }

    fn finish(&self, f: &mut Fragment<'_>, _state: &[Value]) -> Value {
        f.zero(self.result())
    }

    fn gather(&self) -> Option<&Arc<dyn Gather>> {
        Some(&self.0)
    }
}

/// Where an accumulator lies.
#[derive(Clone, Copy, Debug)]
pub struct Accumulator {
    pub(crate) at: At,
    /// Its first column, or slot, and how many there are.
    pub(crate) first: usize,
    pub(crate) len: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// In this row of a row buffer.
    Row { rows: usize, row: Value },
    /// In slots.
    Slots,
}

impl Accumulator {
    /// The value of a column, by its number among those of the aggregate.
    pub fn get(&self, f: &mut Fragment<'_>, column: usize) -> Value {
        match self.at {
            At::Row { rows, row } => f.rows_get(rows, self.first + column, row),
            At::Slots => f.slot_get(self.first + column),
        }
    }

    /// Sets a column.
    pub fn set(&self, f: &mut Fragment<'_>, column: usize, value: Value) {
        match self.at {
            At::Row { rows, row } => f.rows_set(rows, self.first + column, row, value),
            At::Slots => f.slot_set(self.first + column, value),
        }
    }

    /// The values of all columns.
    pub fn all(&self, f: &mut Fragment<'_>) -> Vec<Value> {
        (0..self.len).map(|column| self.get(f, column)).collect()
    }
}
