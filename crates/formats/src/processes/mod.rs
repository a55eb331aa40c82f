//! The formats as processes of a network.
//!
//! ```text
//! Read --(bytes)--> Lines --(line, number)--> ParseClf, ParseCsv --(columns)--> ... --> Write
//!                                                      \--(line, number)--> bad lines, if asked for
//! ```
//!
//! | file | process |
//! |---|---|
//! | `lines.rs` | [`Lines`]: blocks of bytes to lines |
//! | `parse_clf.rs` | [`ParseClf`]: lines to requests |
//! | `parse_csv.rs` | [`ParseCsv`]: lines to records |
//! | `parse.rs` | what parsers have in common: good rows, and the policy for bad ones ([`BadRows`]) |
//! | `write.rs` | [`Write`]: elements to text |

mod lines;
mod parse;
mod parse_clf;
mod parse_csv;
mod write;

#[cfg(test)]
mod tests;

pub use lines::Lines;
pub use parse::{BadRows, BadRowsBound, HEADERS_POLICY};
pub use parse_clf::ParseClf;
pub use parse_csv::ParseCsv;
pub use write::{Output, Write};

use cutthrough_ir::{ElementType, Type};

/// The type of a line's element: the line without its end, and its number.
pub fn line_type() -> ElementType {
    ElementType::new([Type::BYTES, Type::I64])
}
