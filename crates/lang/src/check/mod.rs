//! From syntax tree to typed plan.
//!
//! Everything a program can be wrong about is found here, before anything starts: names of flow points ([`names`]),
//! stages and columns ([`pipeline`]), types ([`expr`], [`function`], [`functions`], [`aggregate`]). Columns have an identity that
//! does not depend on what they are called at some place; so what is needed where ([`live`]) is a walk over sets.
//!
//! | module | what |
//! |---|---|
//! | [`names`] | flow points: who defines and who reads which, in which order pipelines are checked |
//! | [`pipeline`] | stages, one after another, with the schema between them |
//! | [`select`], [`summarize`] | stages that make other columns, and that sum up |
//! | [`items`] | stages that make elements |
//! | [`template`] | elements that are written by a template |
//! | [`parse`], [`csv`] | formats and their options; headers |
//! | [`records`] | fields that become columns when they are named |
//! | [`expected`] | columns of which nothing is known but what the program expects |
//! | [`tap`] | the pipeline of a tap |
//! | [`expr`], [`operators`], [`function`], [`functions`], [`temporal`], [`aggregate`] | expressions |
//! | [`types`] | types, columns, schemas |
//! | [`live`] | which columns each element has to carry |

mod aggregate;
mod csv;
#[cfg(test)]
mod error_tests;
mod expected;
mod expr;
mod function;
mod functions;
mod items;
mod live;
mod names;
mod operators;
mod parse;
mod pipeline;
mod records;
mod select;
mod summarize;
mod tap;
mod template;
mod temporal;
#[cfg(test)]
mod tests;
mod types;

use crate::diagnostic::Diagnostic;

pub(crate) use cutthrough_expr::{ColumnId, NodeKind, Scalar, Tree};

pub use aggregate::AGGREGATES;
pub(crate) use aggregate::AggregateKind;
pub use functions::{FUNCTIONS, Function};
pub(crate) use names::check;
pub use parse::FORMATS;
pub(crate) use records::RecordId;
pub(crate) use tap::check_tap;
pub(crate) use types::{Columns, Schema, SchemaColumn};

/// What a check gives, or the one message.
pub(crate) type Check<T> = Result<T, Box<Diagnostic>>;
