//! What is computed of the elements of a group.

use std::marker::PhantomData;

use cutthrough_expr::typed::Measure;

use crate::aggregate::{AggregateFunction, BasicAggregate};
use crate::element::{Element, Field};
use crate::expr::{AnyExpr, Expr, Logical};

/// One aggregate, whose result is an `R`.
#[derive(Debug)]
pub struct Aggregated<R> {
    function: AggregateFunction,
    input: Option<AnyExpr>,
    result: PhantomData<fn() -> R>,
}

impl<R> Aggregated<R> {
    fn of(function: AggregateFunction, input: Option<AnyExpr>) -> Aggregated<R> {
        Aggregated {
            function,
            input,
            result: PhantomData,
        }
    }
}

/// How many elements there are.
pub fn count() -> Aggregated<i64> {
    Aggregated::of(AggregateFunction::Count, None)
}

/// How many elements there are in which the expression is not null.
pub fn count_some<T: Logical>(of: Expr<T>) -> Aggregated<i64> {
    Aggregated::of(AggregateFunction::Count, Some(of.any()))
}

/// The sum; of integers exactly, and one that does not fit into an `i64` fails the process.
/// Null does not count.
pub fn sum<T: Logical<Present: Measure>>(of: Expr<T>) -> Aggregated<<T::Present as Measure>::Sum> {
    Aggregated::of(AggregateFunction::Sum, Some(of.any()))
}

/// The sum divided by the number of values; null where there is none.
pub fn avg<T: Logical<Present: Measure>>(of: Expr<T>) -> Aggregated<Option<f64>> {
    Aggregated::of(AggregateFunction::Avg, Some(of.any()))
}

/// The least value; null where there is none. NaN counts only where there is nothing else.
pub fn min<T: Logical<Present: Measure + Field>>(of: Expr<T>) -> Aggregated<Option<T::Present>> {
    Aggregated::of(AggregateFunction::Min, Some(of.any()))
}

/// The greatest value, with the same exceptions.
pub fn max<T: Logical<Present: Measure + Field>>(of: Expr<T>) -> Aggregated<Option<T::Present>> {
    Aggregated::of(AggregateFunction::Max, Some(of.any()))
}

/// One aggregate, or a tuple of some.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no aggregate",
    note = "aggregates are made by `count()`, `sum(..)`, `avg(..)`, `min(..)` and `max(..)`; several are a tuple"
)]
pub trait Aggregates {
    /// The element that the results make.
    type Element: Element;

    /// Gives the inputs, and what is computed of them.
    fn give(self, inputs: &mut Vec<AnyExpr>, functions: &mut Vec<BasicAggregate>);
}

impl<R: Element> Aggregates for Aggregated<R> {
    type Element = R;

    fn give(self, inputs: &mut Vec<AnyExpr>, functions: &mut Vec<BasicAggregate>) {
        inputs.extend(self.input);
        functions.push(BasicAggregate {
            function: self.function,
            input: self.input.map(AnyExpr::ty),
        });
    }
}

macro_rules! tuples {
    ($(($($name:ident $number:tt)+))*) => {
        $(
            impl<$($name: Aggregates),+> Aggregates for ($($name,)+) {
                type Element = ($($name::Element,)+);

                fn give(self, inputs: &mut Vec<AnyExpr>, functions: &mut Vec<BasicAggregate>) {
                    $(self.$number.give(inputs, functions);)+
                }
            }
        )*
    };
}

tuples! {
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
    (A 0 B 1 C 2 D 3 E 4 F 5)
}
