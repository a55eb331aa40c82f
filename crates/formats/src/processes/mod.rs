//! The formats as processes of a network.
//!
//! ```text
//! Read --(bytes)--> ParseClf, ParseCsv, ... --(columns)--> ... --> Write
//!                          \--(line, number)--> bad lines, if asked for
//! Read --(bytes)--> Lines --(line, number)--> ... --> Write, or ParseClf, ...
//! ```
//!
//! | file | process |
//! |---|---|
//! | `json_lines.rs` | [`JsonLines`]: blocks of JSON to blocks of one value a line |
//! | `lines.rs` | [`Lines`]: blocks of bytes to lines |
//! | `parse_clf.rs` | [`ParseClf`]: blocks or lines to requests |
//! | `parse_csv.rs` | [`ParseCsv`]: blocks or lines to records |
//! | `parse_pieces.rs` | [`ParseRegex`], [`ParseTemplate`], [`ParseLogfmt`], [`ParseSyslog`]: blocks or lines to pieces of them |
//! | `parse_json.rs` | [`ParseJson`]: blocks or lines to values of objects |
//! | `parse.rs` | what parsers have in common, and the policy for bad rows ([`BadRows`]) |
//! | `parse_blocks.rs` | one call of a kernel for each block |
//! | `parse_lines.rs` | one call for each line |
//! | `write.rs` | [`Write`]: elements to text |

mod json_lines;
mod lines;
mod parse;
mod parse_blocks;
mod parse_clf;
mod parse_csv;
mod parse_json;
mod parse_lines;
mod parse_pieces;
mod write;

#[cfg(test)]
mod tests;

pub use crate::bad_rows::{BadRows, BadRowsBound};
pub use json_lines::JsonLines;
pub use lines::Lines;
pub use parse::{BLANKS_POLICY, HEADERS_POLICY};
pub use parse_clf::ParseClf;
pub use parse_csv::ParseCsv;
pub use parse_json::ParseJson;
pub use parse_pieces::{ParseLogfmt, ParseRegex, ParseSyslog, ParseTemplate};
pub use write::{Output, Write};

use cutthrough_ir::{ElementType, Type};

/// The type of a line's element: the line without its end, and its number.
pub fn line_type() -> ElementType {
    ElementType::new([Type::BYTES, Type::I64])
}
