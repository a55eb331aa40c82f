//! Several expressions as one.

use super::methods::Compare;
use super::{AnyExpr, Expr, Logical};

/// Expressions that are the fields of one element, in order: one, a tuple, an array, or the
/// expression form of a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no expression, nor a tuple or struct of expressions",
    note = "a constant is made one by `lit(..)`"
)]
pub trait Exprs {
    /// The element that they make.
    type Element;

    /// Gives the expressions in order.
    fn give(self, to: &mut Vec<AnyExpr>);
}

impl<T: Logical> Exprs for Expr<T> {
    type Element = T;

    fn give(self, to: &mut Vec<AnyExpr>) {
        to.push(self.any);
    }
}

impl<E: Exprs, const N: usize> Exprs for [E; N] {
    type Element = [E::Element; N];

    fn give(self, to: &mut Vec<AnyExpr>) {
        for exprs in self {
            exprs.give(to);
        }
    }
}

/// Expressions of whatever types.
impl Exprs for Vec<AnyExpr> {
    type Element = ();

    fn give(self, to: &mut Vec<AnyExpr>) {
        to.extend(self);
    }
}

/// No expressions: of elements that closures over expressions do not take.
impl Exprs for () {
    type Element = ();

    fn give(self, _to: &mut Vec<AnyExpr>) {}
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {
        $(
            impl<$($name: Exprs),+> Exprs for ($($name,)+) {
                type Element = ($($name::Element,)+);

                fn give(self, to: &mut Vec<AnyExpr>) {
                    #[expect(non_snake_case, reason = "the macro names a variable after its type")]
                    let ($($name,)+) = self;
                    $($name.give(to);)+
                }
            }
        )*
    };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}

/// What elements are ordered by: an expression, or a tuple of some, the most significant first.
pub trait SortKey {
    /// Gives expressions that are ordered as the key is.
    fn give_ordered(self, to: &mut Vec<AnyExpr>);
}

impl<T: Logical<Present: Compare>> SortKey for Expr<T> {
    fn give_ordered(self, to: &mut Vec<AnyExpr>) {
        to.push(T::Present::in_order(self.any));
    }
}

macro_rules! sort_keys {
    ($(($($name:ident)+))*) => {
        $(
            impl<$($name: SortKey),+> SortKey for ($($name,)+) {
                fn give_ordered(self, to: &mut Vec<AnyExpr>) {
                    #[expect(non_snake_case, reason = "the macro names a variable after its type")]
                    let ($($name,)+) = self;
                    $($name.give_ordered(to);)+
                }
            }
        )*
    };
}

sort_keys! {
    (A) (A B) (A B C) (A B C D)
}

/// An expression that holds or does not: a boolean, which does not hold where it is null.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no condition",
    note = "a condition is an expression of `bool`: a comparison as `e.kind.eq(VIEW)`, joined by `&` and `|`"
)]
pub trait Condition: Exprs {}

impl<T: Logical<Present = bool>> Condition for Expr<T> {}
