//! Groups by key.

use std::marker::PhantomData;

use cutthrough_expr::Traced;
use cutthrough_expr::typed::Measure;

use super::Stream;
use super::aggregates::{Aggregates, count, sum};
use crate::element::Element;
use crate::expr::{AnyExpr, Expr, Exprs, Logical, lit};
use crate::ir::{AtBound, ElementType, Type};
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::processes::{Group, GroupSpec, Map};

/// A stream whose elements are grouped by a key; what is computed of each group is given at
/// the end, in the order in which the keys first came.
#[must_use = "a group computes something: end it with `count`, `sum` or `aggregate`"]
pub struct Keyed<'w, K, T, F> {
    stream: Stream<'w, T>,
    key: F,
    bounds: GroupSpec,
    expressions: PhantomData<fn() -> K>,
}

/// What the groups of a stage may take; keys and aggregates are not known yet.
fn bounds() -> GroupSpec {
    GroupSpec::basic(Vec::new(), [], STAGE_STATE_BYTES_MAX)
}

impl<'w, K, T, F> Keyed<'w, K, T, F>
where
    K: Exprs<Element: Element>,
    T: Element,
    F: FnOnce(T::Expr) -> K,
{
    pub(super) fn of<I>(stream: Stream<'w, T, I>, key: F) -> Keyed<'w, K, T, F> {
        let Stream { wire, point, .. } = stream;
        Keyed {
            stream: wire.stream(point),
            key,
            bounds: bounds(),
            expressions: PhantomData,
        }
    }

    /// Bounds the number of groups. A key more fails the stage, or has it forget the key
    /// that came first.
    pub fn groups_max(mut self, groups: usize, at_bound: AtBound) -> Self {
        self.bounds.groups_max = groups;
        self.bounds.at_bound = at_bound;
        self
    }

    /// Bounds the bytes that the groups take, instead of
    /// [`STAGE_STATE_BYTES_MAX`](crate::limits::STAGE_STATE_BYTES_MAX).
    pub fn bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.bytes_max = bytes;
        self
    }

    /// Of each group the key and what is computed.
    #[track_caller]
    pub fn aggregate<A: Aggregates>(
        self,
        aggregates: impl FnOnce(T::Expr) -> A,
    ) -> Stream<'w, (K::Element, A::Element)> {
        let key = |e, to: &mut Vec<AnyExpr>| (self.key)(e).give(to);
        grouped(self.stream, key, aggregates, self.bounds)
    }

    /// Of each group the key and how many elements there are.
    #[track_caller]
    pub fn count(self) -> Stream<'w, (K::Element, i64)> {
        self.aggregate(|_| count())
    }

    /// Of each group the key and the sum of an expression.
    #[track_caller]
    pub fn sum<L: Logical<Present: Measure<Sum: Element>>>(
        self,
        of: impl FnOnce(T::Expr) -> Expr<L>,
    ) -> Stream<'w, (K::Element, <L::Present as Measure>::Sum)> {
        self.aggregate(|e| sum(of(e)))
    }
}

/// What is computed of all elements.
#[track_caller]
pub(super) fn ungrouped<'w, T: Element, I, A: Aggregates>(
    stream: Stream<'w, T, I>,
    aggregates: impl FnOnce(T::Expr) -> A,
) -> Stream<'w, A::Element> {
    grouped(stream, |_, _| (), aggregates, bounds())
}

/// Puts key and inputs of the aggregates side by side, and groups these.
#[track_caller]
fn grouped<'w, T: Element, I, A: Aggregates, B: Element>(
    stream: Stream<'w, T, I>,
    key: impl FnOnce(T::Expr, &mut Vec<AnyExpr>),
    aggregates: impl FnOnce(T::Expr) -> A,
    bounds: GroupSpec,
) -> Stream<'w, B> {
    let (mut keys, mut functions) = (0, Vec::new());
    let traced = Traced::new(&T::fields(), |fields| {
        let element = T::expr(fields);
        let mut inputs = Vec::new();
        key(element, &mut inputs);
        keys = inputs.len();
        aggregates(element).give(&mut inputs, &mut functions);
        if inputs.is_empty() {
            // An element has at least one field: what is counted is there.
            inputs.push(lit(true).any());
            functions[0].input = Some(Type::BOOL);
        }
        inputs
    });
    let keys = traced.types()[..keys].to_vec();
    let spec = GroupSpec {
        groups_max: bounds.groups_max,
        at_bound: bounds.at_bound,
        ..GroupSpec::basic(keys, functions, bounds.bytes_max)
    };
    let wire = stream.wire;
    let inputs = ElementType::new(traced.types());
    let map = Map::traced(T::element_type(), traced);
    let (_, [inputs]) = wire.add([stream.point.into()], map, [inputs]);
    wire.stage([inputs.into()], Group::new(spec), |_, _| ())
}
