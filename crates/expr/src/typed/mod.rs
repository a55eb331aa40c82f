//! Typed expressions of Rust: values that stand for what is computed of an element, with
//! the operators of Rust.
//!
//! ```
//! use cutthrough_expr::{Expr, Traced};
//! use cutthrough_ir::Type;
//!
//! // The fields of an element: a price and a quantity that may be absent.
//! let traced = Traced::new(&[Type::F64, Type::I64.or_null()], |fields| {
//!     let price: Expr<f64> = fields.next();
//!     let quantity: Expr<Option<i64>> = fields.next();
//!     (price * 1.19, quantity.unwrap_or(1) + 1)
//! });
//! assert_eq!(traced.types(), [Type::F64, Type::I64]);
//! ```
//!
//! A closure over expressions is called once, when a stage is made. What it gives is the
//! tree of what it would compute.
//!
//! # What the operators mean
//! * Integers have the width of their Rust type and wrap, as in Rust's release builds.
//! * A division by zero is null. So is an operation on null, and a comparison with it.
//! * A condition that is null does not hold. `&` and `|` of conditions are three-valued.
//!
//! | file | what |
//! |---|---|
//! | `types` | the types that expressions have |
//! | `trace` | closures to trees |
//! | `operators` | `+ - * / % & | ^ ! << >>` |
//! | `methods` | comparisons and functions |
//! | `table` | constants by index |
//! | `exprs` | several expressions as one: tuples, arrays |

mod exprs;
pub mod fragment;
mod methods;
mod operators;
mod table;
mod trace;
mod types;

use std::fmt;
use std::marker::PhantomData;

pub use exprs::{Condition, Exprs, SortKey};
pub use methods::Compare;
pub use table::NumberTable;
pub use trace::{AnyExpr, FieldExprs, Traced};
pub use types::{Always, Integer, Logical, Maybe, Measure, Nullness, Number, Operand, Present, Textual};

/// An expression whose value is a `T`; where that is an `Option`, the value may be null.
///
/// It belongs to the closure that it was given to, and is worth nothing outside.
pub struct Expr<T> {
    any: AnyExpr,
    ty: PhantomData<fn() -> T>,
}

impl<T: Logical> Expr<T> {
    fn of(any: AnyExpr) -> Expr<T> {
        debug_assert_eq!(any.ty(), T::TYPE, "an expression of another type");
        Expr { any, ty: PhantomData }
    }

    /// The same without its type.
    pub fn any(self) -> AnyExpr {
        self.any
    }
}

/// A constant, where only an expression will do: `lit(1)`.
///
/// # Panics
/// Outside of a closure over expressions.
pub fn lit<P: Present>(value: P) -> Expr<P> {
    Expr::of(value.constant())
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Expr<T> {
        *self
    }
}

impl<T> Copy for Expr<T> {}

impl<T> fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.any).finish()
    }
}
