//! The thirteen pipelines of the strymonas suite ("Stream fusion, to completeness",
//! POPL 2017, and its later repositories), wired at run time.

use cutthrough::ir::{Item, Op, SlotDecl, Type, Value};
use cutthrough::processes::{Filter, FlatMap, Fold, Map, Slice, Take, Zip};
use cutthrough::{Error, FlowPoint, Fragment, Network, Process, ProcessId};

use crate::data::Data;
use crate::hand::{self, BYTE_MAX, Plain, Scalar};
use crate::wired::Wired;

/// A pipeline's root, and the flow point where its sum comes.
type Built = Result<(ProcessId, FlowPoint<i64>), Error>;

/// One pipeline of the suite.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline {
    /// What the suite calls it.
    pub name: &'static str,
    wire: fn(&mut Network, &Data) -> Built,
    /// The hand-written loop as rustc compiles it, vectorised where it can be.
    pub plain: fn(&Data) -> i64,
    /// The hand-written loop, element by element.
    pub scalar: fn(&Data) -> i64,
    /// How many elements go through the innermost loop.
    pub elements: fn(&Data) -> u64,
}

impl Pipeline {
    /// Wires the pipeline up in an empty network.
    ///
    /// # Panics
    /// When the network refuses it.
    pub fn wire(&self, network: Network, data: &Data) -> Wired {
        Wired::new(network, |network| (self.wire)(network, data)).expect("the pipeline is well formed")
    }
}

macro_rules! pipelines {
    ($($name:literal $function:ident $elements:expr;)*) => {
        /// The suite, in its order.
        pub const PIPELINES: &[Pipeline] = &[$(Pipeline {
            name: $name,
            wire: $function,
            plain: |data| hand::$function::<Plain>(data.arrays()),
            scalar: |data| hand::$function::<Scalar>(data.arrays()),
            elements: $elements,
        }),*];
    };
}

pipelines! {
    "sum"               sum                 |d| d.v.len() as u64;
    "sumOfSquares"      sum_of_squares      |d| d.v.len() as u64;
    "sumOfSquaresEven"  sum_of_squares_even |d| d.v.len() as u64;
    "mapsMegamorphic"   maps                |d| d.v.len() as u64;
    "filtersMegamorphic" filters            |d| d.v.len() as u64;
    "cart"              cart                |d| (d.hi.len() * d.lo.len()) as u64;
    "dotProduct"        dot_product         |d| d.hi.len() as u64;
    "flatMapAfterZip"   flat_map_after_zip  |d| (d.faz.len() * d.faz.len()) as u64;
    "zipAfterFlatMap"   zip_after_flat_map  |d| d.zaf.len() as u64;
    "flatMapTake"       flat_map_take       |d| d.sizes.flat_map_take;
    "zipFilterFilter"   zip_filter_filter   |d| d.hi.len() as u64;
    "zipFlatFlat"       zip_flat_flat       |d| d.sizes.zip_flat_flat;
    "runLengthDecoding" run_length_decoding |d| d.v.iter().sum::<i64>() as u64 + d.v.len() as u64;
}

fn sum(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.v)?;
    Ok((root, total(net, xs)?))
}

fn sum_of_squares(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.v)?;
    let squares = map(net, xs, |f, x| f.op(Op::Imul, &[x, x]))?;
    Ok((root, total(net, squares)?))
}

fn sum_of_squares_even(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.v)?;
    let even = filter(net, xs, |f, x| {
        let (zero, two) = (f.iconst(0), f.iconst(2));
        let rest = f.op(Op::Irem, &[x, two]);
        f.op(Op::Ieq, &[rest, zero])
    })?;
    let squares = map(net, even, |f, x| f.op(Op::Imul, &[x, x]))?;
    Ok((root, total(net, squares)?))
}

fn maps(net: &mut Network, d: &Data) -> Built {
    let (root, mut xs) = slice(net, &d.v)?;
    for k in 1..=7 {
        xs = map(net, xs, move |f, x| {
            let k = f.iconst(k);
            f.op(Op::Imul, &[x, k])
        })?;
    }
    Ok((root, total(net, xs)?))
}

fn filters(net: &mut Network, d: &Data) -> Built {
    let (root, mut xs) = slice(net, &d.v)?;
    for k in 1..=7 {
        xs = above(net, xs, k)?;
    }
    Ok((root, total(net, xs)?))
}

fn cart(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.hi)?;
    let products = flat_map(net, xs, &d.lo, |f, x, y| f.op(Op::Imul, &[x, y]))?;
    Ok((root, total(net, products)?))
}

fn dot_product(net: &mut Network, d: &Data) -> Built {
    let (root, left) = slice(net, &d.hi)?;
    let (_, right) = slice(net, &d.hi)?;
    let products = zip_with(net, left, right, |f, x, y| f.op(Op::Imul, &[x, y]))?;
    Ok((root, total(net, products)?))
}

fn flat_map_after_zip(net: &mut Network, d: &Data) -> Built {
    let (root, left) = slice(net, &d.faz)?;
    let (_, right) = slice(net, &d.faz)?;
    let sums = zip_with(net, left, right, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    let all = flat_map(net, sums, &d.faz, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    Ok((root, total(net, all)?))
}

fn zip_after_flat_map(net: &mut Network, d: &Data) -> Built {
    let (root, left) = slice(net, &d.zaf)?;
    let (_, outer) = slice(net, &d.zaf)?;
    let right = flat_map(net, outer, &d.zaf, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    let sums = zip_with(net, left, right, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    Ok((root, total(net, sums)?))
}

fn flat_map_take(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.hi)?;
    let products = flat_map(net, xs, &d.lo, |f, x, y| f.op(Op::Imul, &[x, y]))?;
    let first = net.pipe(products, Take::new(Type::I64, d.sizes.flat_map_take))?;
    Ok((root, total(net, first)?))
}

fn zip_filter_filter(net: &mut Network, d: &Data) -> Built {
    let (root, left) = slice(net, &d.v)?;
    let left = above(net, left, 7)?;
    let (_, right) = slice(net, &d.hi)?;
    let right = above(net, right, 5)?;
    let sums = zip_with(net, left, right, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    Ok((root, total(net, sums)?))
}

fn zip_flat_flat(net: &mut Network, d: &Data) -> Built {
    let (root, xs) = slice(net, &d.v)?;
    let left = flat_map(net, xs, &d.lo, |f, x, y| f.op(Op::Imul, &[x, y]))?;
    let (_, xs) = slice(net, &d.lo)?;
    let right = flat_map(net, xs, &d.v, |f, x, y| f.op(Op::Isub, &[x, y]))?;
    let sums = zip_with(net, left, right, |f, x, y| f.op(Op::Iadd, &[x, y]))?;
    let first = net.pipe(sums, Take::new(Type::I64, d.sizes.zip_flat_flat))?;
    Ok((root, total(net, first)?))
}

fn run_length_decoding(net: &mut Network, d: &Data) -> Built {
    let (root, left) = slice(net, &d.v)?;
    let left = net.pipe::<i64, bool>(left, decoder())?;
    let (_, right) = slice(net, &d.v)?;
    let right = net.pipe::<i64, bool>(right, decoder())?;
    let both = zip(net, left, right)?;
    let either = net.pipe::<_, bool>(
        both,
        Map::new([Type::BOOL; 2], Type::BOOL, |f, x| vec![f.op(Op::Or, x)]),
    )?;
    let ones = net.pipe::<_, i64>(
        either,
        Map::new(Type::BOOL, Type::I64, |f, x| {
            let (zero, one) = (f.iconst(0), f.iconst(1));
            vec![f.op(Op::Select, &[x[0], one, zero])]
        }),
    )?;
    Ok((root, total(net, ones)?))
}

/// Makes so many falses of each number, and a true behind them unless the number is
/// the greatest.
fn decoder() -> impl Process + 'static {
    const AT: usize = 0;
    const RUN: usize = 1;
    FlatMap::new(
        Type::I64,
        Type::BOOL,
        vec![SlotDecl::i64("at", 0), SlotDecl::i64("run", 0)],
        |f, x| {
            let zero = f.iconst(0);
            f.slot_set(AT, zero);
            f.slot_set(RUN, x[0]);
        },
        |f| {
            let (at, run) = (f.slot_get(AT), f.slot_get(RUN));
            let (one, max) = (f.iconst(1), f.iconst(BYTE_MAX));
            let is_within = f.op(Op::Ile, &[at, run]);
            let is_less = f.op(Op::Ilt, &[at, max]);
            let is_more = f.op(Op::And, &[is_within, is_less]);
            let (_, ended) = f.br_new(is_more);
            let is_last = f.op(Op::Ieq, &[at, run]);
            let next = f.op(Op::Iadd, &[at, one]);
            f.slot_set(AT, next);
            (vec![is_last], ended)
        },
    )
}

fn slice(net: &mut Network, data: &std::sync::Arc<[i64]>) -> Built {
    let id = net.add(Slice::i64(data.clone()))?;
    let point = net.point("slice")?;
    net.attach_output(id, 0, point)?;
    Ok((id, point))
}

/// Adds a map of one number.
///
/// # Errors
/// As adding and attaching.
pub fn map(
    net: &mut Network,
    from: FlowPoint<i64>,
    compute: impl Fn(&mut Fragment<'_>, Value) -> Value + Send + 'static,
) -> Result<FlowPoint<i64>, Error> {
    net.pipe(
        from,
        Map::new(Type::I64, Type::I64, move |f, x| vec![compute(f, x[0])]),
    )
}

fn filter(
    net: &mut Network,
    from: FlowPoint<i64>,
    condition: impl Fn(&mut Fragment<'_>, Value) -> Value + Send + 'static,
) -> Result<FlowPoint<i64>, Error> {
    net.pipe(from, Filter::new(Type::I64, move |f, x| condition(f, x[0])))
}

fn above(net: &mut Network, from: FlowPoint<i64>, bound: i64) -> Result<FlowPoint<i64>, Error> {
    filter(net, from, move |f, x| {
        let bound = f.iconst(bound);
        f.op(Op::Igt, &[x, bound])
    })
}

/// For each element, all of an array, combined with it by a map of the inner stream.
fn flat_map(
    net: &mut Network,
    from: FlowPoint<i64>,
    inner: &std::sync::Arc<[i64]>,
    combine: impl Fn(&mut Fragment<'_>, Value, Value) -> Value + Send + 'static,
) -> Result<FlowPoint<i64>, Error> {
    const AT: usize = 0;
    const OUTER: usize = 1;
    let inner = cutthrough::ir::Data::I64(inner.clone());
    let process = FlatMap::new(
        Type::I64,
        Type::I64,
        vec![SlotDecl::i64("at", 0), SlotDecl::i64("outer", 0)],
        |f, x| {
            let zero = f.iconst(0);
            f.slot_set(AT, zero);
            f.slot_set(OUTER, x[0]);
        },
        move |f| {
            let (view, at) = (f.data(inner.clone()), f.slot_get(AT));
            let (y, ended) = f.get(Item::I64, view, at);
            let one = f.iconst(1);
            let next = f.op(Op::Iadd, &[at, one]);
            f.slot_set(AT, next);
            let outer = f.slot_get(OUTER);
            (vec![combine(f, outer, y)], ended)
        },
    );
    net.pipe(from, process)
}

fn zip<A: cutthrough::Field, B: cutthrough::Field>(
    net: &mut Network,
    left: FlowPoint<A>,
    right: FlowPoint<B>,
) -> Result<FlowPoint<(A, B)>, Error> {
    let id = net.add(Zip::new(A::TYPE, B::TYPE))?;
    net.attach_input(id, 0, left)?;
    net.attach_input(id, 1, right)?;
    let pairs = net.point("pairs")?;
    net.attach_output(id, 0, pairs)?;
    Ok(pairs)
}

fn zip_with(
    net: &mut Network,
    left: FlowPoint<i64>,
    right: FlowPoint<i64>,
    combine: impl Fn(&mut Fragment<'_>, Value, Value) -> Value + Send + 'static,
) -> Result<FlowPoint<i64>, Error> {
    let pairs = zip(net, left, right)?;
    net.pipe(
        pairs,
        Map::new([Type::I64; 2], Type::I64, move |f, x| {
            vec![combine(f, x[0], x[1])]
        }),
    )
}

/// Adds what sums all numbers up.
///
/// # Errors
/// As adding and attaching.
pub fn total(net: &mut Network, from: FlowPoint<i64>) -> Result<FlowPoint<i64>, Error> {
    let sum = Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, s, x| {
        vec![f.op(Op::Iadd, &[s[0], x[0]])]
    });
    net.pipe(from, sum)
}
