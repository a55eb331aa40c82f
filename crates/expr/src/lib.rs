//! Typed expressions over the fields of an element: one tree, one meaning of each
//! operator and one semantics of null, for the language and for Rust.
//!
//! What this crate deliberately does not know: text, names, processes and networks. An
//! expression becomes instructions of a fragment, and that is its meaning.
//!
//! | module | what |
//! |---|---|
//! | [`tree`] | expressions as data |
//! | [`types`] | what values mean: `int`, `text`, `time` and so on |
//! | [`scalar`] | the functions in them |
//! | [`lower`] | expressions to IR |
//! | [`typed`] | expressions of Rust closures, with the operators of Rust |
//!
//! # Null
//! A value may be absent where its type says so. A function is null where an operand is.
//! Exceptions: `and` and `or` are three-valued (false and anything is false, true or
//! anything is true); `is_null` and `coalesce` look at absence; a condition holds where it
//! is present and true. A function that has no answer is null: a division by zero, a
//! number of a text that spells none.
#![forbid(unsafe_code)]

pub mod lower;
pub mod scalar;
pub mod tree;
pub mod typed;
pub mod types;

pub use lower::{Lowering, Site};
pub use scalar::{Absence, BitOp, Comparison, Named, Part, Scalar};
pub use tree::{ColumnId, Node, NodeId, NodeKind, Tree};
pub use typed::{AnyExpr, Condition, Expr, Exprs, FieldExprs, Logical, NumberTable, Traced, lit};
pub use types::{LogicalKind, LogicalType};
