//! What is computed for each group: accumulators that lie in words.

use cutthrough_ir::{Kind, Results, Scalar, Type, Word, Words};

use super::rank::compare;

/// A function over the rows of a group. Null inputs do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// How many rows there are, or how many with an input that is not null.
    Count,
    /// The sum of integers, exactly, or of doubles, from left to right.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The function.
    pub function: AggregateFunction,
    /// The type of its input; only a count may have none.
    pub input: Option<Type>,
}

impl Aggregate {
    /// The type of the result.
    ///
    /// # Panics
    /// When the function does not take such an input.
    pub fn result(self) -> Type {
        use AggregateFunction::{Avg, Count, Max, Min, Sum};
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
}

/// An aggregate bound to where its input and its accumulator lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    op: Op,
    /// The number of the input among the arguments.
    input: usize,
    /// Whether the input may be absent.
    nullable: bool,
    /// The first word of the accumulator in the record of a group.
    at: usize,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// The count.
    Count,
    /// An `i128`, in two words.
    SumI64,
    /// A double.
    SumF64,
    /// An `i128`, and the count.
    AvgI64,
    /// A double, and the count.
    AvgF64,
    /// The value, and whether there is one.
    Extreme { kind: Kind, descending: bool },
    /// 1 more than the index in [`Owned`], or 0.
    ExtremeBytes { descending: bool },
}

/// Byte strings that accumulators own.
#[derive(Debug, Default)]
pub(super) struct Owned {
    strings: Vec<Vec<u8>>,
    bytes: usize,
}

impl Owned {
    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn set(&mut self, handle: &mut Word, value: &[u8]) {
        if *handle == 0 {
            self.strings.push(Vec::new());
            self.bytes += size_of::<Vec<u8>>();
            *handle = self.strings.len() as Word;
        }
        let string = &mut self.strings[*handle as usize - 1];
        self.bytes = self.bytes - string.len() + value.len();
        string.clear();
        string.extend_from_slice(value);
    }

    fn get(&self, handle: Word) -> Option<&[u8]> {
        let index = (handle as usize).checked_sub(1)?;
        Some(&self.strings[index])
    }
}

impl Step {
    /// Binds an aggregate whose input is the argument of this number, and whose
    /// accumulator begins at a word of the record.
    pub(super) fn new(aggregate: Aggregate, input: usize, at: usize) -> Step {
        use AggregateFunction::{Avg, Count, Max, Min, Sum};
        let is_double = aggregate.input.is_some_and(|ty| ty.kind == Kind::F64);
        let descending = aggregate.function == Max;
        let op = match (aggregate.function, aggregate.input) {
            (Count, _) => Op::Count,
            (Sum, _) if is_double => Op::SumF64,
            (Sum, _) => Op::SumI64,
            (Avg, _) if is_double => Op::AvgF64,
            (Avg, _) => Op::AvgI64,
            (
                Min | Max,
                Some(Type {
                    kind: Kind::Bytes, ..
                }),
            ) => Op::ExtremeBytes { descending },
            (Min | Max, Some(ty)) => Op::Extreme {
                kind: ty.kind,
                descending,
            },
            (Min | Max, None) => panic!("an extreme of nothing"),
        };
        Step {
            op,
            input,
            nullable: aggregate.input.is_some_and(|ty| ty.nullable),
            at,
        }
    }

    /// How many words the accumulator takes; all begin as zero.
    pub(super) fn words(self) -> usize {
        match self.op {
            Op::Count | Op::SumF64 | Op::ExtremeBytes { .. } => 1,
            Op::SumI64 | Op::AvgF64 | Op::Extreme { .. } => 2,
            Op::AvgI64 => 3,
        }
    }

    /// Takes the input of a row into the record of its group.
    #[inline]
    pub(super) fn update(self, record: &mut [Word], args: Words<'_>, owned: &mut Owned) {
        if self.nullable && !args.is_some(self.input) {
            return;
        }
        let state = &mut record[self.at..];
        match self.op {
            Op::Count => state[0] += 1,
            Op::SumF64 => add_f64(state, args.f64(self.input)),
            Op::SumI64 => add_i64(state, args.i64(self.input)),
            Op::AvgF64 => {
                add_f64(state, args.f64(self.input));
                state[1] += 1;
            }
            Op::AvgI64 => {
                add_i64(state, args.i64(self.input));
                state[2] += 1;
            }
            Op::Extreme { kind, descending } => {
                let word = word(args, self.input, kind);
                let better = || compare(scalar(kind, word), scalar(kind, state[0]), descending).is_lt();
                if state[1] == 0 || better() {
                    (state[0], state[1]) = (word, 1);
                }
            }
            Op::ExtremeBytes { descending } => {
                let value = args.bytes(self.input);
                let better = |best: &[u8]| if descending { value > best } else { value < best };
                if owned.get(state[0]).is_none_or(better) {
                    owned.set(&mut state[0], value);
                }
            }
        }
    }

    /// Sets the result of this number.
    pub(super) fn finish<'a>(
        self,
        record: &[Word],
        owned: &'a Owned,
        results: &mut Results<'a>,
        number: usize,
    ) -> Result<(), String> {
        let state = &record[self.at..];
        let mut average = |sum: f64, count: Word| {
            if count > 0 {
                results.f64(number, sum / count as f64);
            }
        };
        match self.op {
            Op::Count => results.i64(number, state[0].cast_signed()),
            Op::SumF64 => results.f64(number, f64::from_bits(state[0])),
            Op::SumI64 => {
                let sum = sum_of(state);
                let sum = i64::try_from(sum).map_err(|_| format!("sum: {sum} does not fit into an i64"))?;
                results.i64(number, sum);
            }
            Op::AvgF64 => average(f64::from_bits(state[0]), state[1]),
            Op::AvgI64 => average(sum_of(state) as f64, state[2]),
            Op::Extreme { .. } if state[1] == 0 => {}
            Op::Extreme { kind, .. } => results.set(number, Some(scalar(kind, state[0]))),
            Op::ExtremeBytes { .. } => results.set(number, owned.get(state[0]).map(Scalar::Bytes)),
        }
        Ok(())
    }
}

/// The word of an argument that is one.
fn word(args: Words<'_>, number: usize, kind: Kind) -> Word {
    match kind {
        Kind::I64 => args.i64(number).cast_unsigned(),
        Kind::F64 => args.f64(number).to_bits(),
        Kind::Bool => args.bool(number).into(),
        Kind::Bytes => unreachable!("a byte string is not one word"),
    }
}

fn scalar(kind: Kind, word: Word) -> Scalar<'static> {
    match kind {
        Kind::I64 => Scalar::I64(word.cast_signed()),
        Kind::F64 => Scalar::F64(f64::from_bits(word)),
        Kind::Bool => Scalar::Bool(word != 0),
        Kind::Bytes => unreachable!("a byte string is not one word"),
    }
}

fn add_f64(state: &mut [Word], value: f64) {
    state[0] = (f64::from_bits(state[0]) + value).to_bits();
}

fn add_i64(state: &mut [Word], value: i64) {
    let sum = sum_of(state) + i128::from(value);
    (state[0], state[1]) = (sum as u64, (sum >> 64) as u64);
}

fn sum_of(state: &[Word]) -> i128 {
    (u128::from(state[1]) << 64 | u128::from(state[0])).cast_signed()
}
