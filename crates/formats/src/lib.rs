//! Text formats for the Cutthrough stream runtime: bytes to lines, lines to rows,
//! rows to text.
//!
//! Each format is a plain function or state machine, fast and free of input and
//! output, and beside it a host function ([`cutthrough_ir::Host`]) that IR calls.
//! Whether a row is good never depends on which of its columns are wanted.
//!
//! The processes that a network is made of are thin: they say in IR when the host
//! functions are called.
//!
//! What this crate deliberately does not know: how networks are wired, and where
//! bytes come from. A [`WriterHost`] alone writes, to the writer it is given.
//!
//! | module | what |
//! |---|---|
//! | [`lines`] | blocks of bytes to lines |
//! | [`spans`] | the same, all lines of a block at once |
//! | [`clf`] | the common and combined log formats |
//! | [`csv`] | separated values (RFC 4180) |
//! | [`json`] | JSON (RFC 8259) |
//! | [`regex`], [`template`] | lines by a pattern |
//! | [`logfmt`], [`syslog`] | logs of these forms |
//! | [`number`], [`time`] | numbers, times and durations from text and back |
//! | [`render`] | rows to JSON, CSV, text and tables; the host that writes them |
//! | [`processes`] | all of these as processes |
//! | [`limits`] | every bound |

#![forbid(unsafe_code)]

mod bad_rows;
mod blocks;
pub mod clf;
pub mod csv;
mod infer;
pub mod json;
pub mod limits;
pub mod lines;
pub mod logfmt;
mod marks;
pub mod number;
mod pieces;
pub mod processes;
mod records;
pub mod regex;
pub mod render;
mod scan;
pub mod spans;
pub mod syslog;
pub mod template;
pub mod time;

#[cfg(test)]
mod testing;

pub use infer::Inferred;
pub use lines::Lines;
pub use marks::InputName;
pub use render::{Field, Format, Renderer, WriterHost};
