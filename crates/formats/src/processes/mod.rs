//! The formats as processes of a network.
//!
//! ```text
//! Read --(bytes)--> Parse --(columns)--> ... --> Write
//!                       \--(line, number)--> bad lines, if asked for
//! Read --(bytes)--> Lines --(line, number)--> ... --> Write, or Parse
//! ```
//!
//! | file | process |
//! |---|---|
//! | `json_lines.rs` | [`JsonLines`]: blocks of JSON to blocks of one value a line |
//! | `lines.rs` | [`Lines`]: blocks of bytes to lines |
//! | `parse.rs` | [`Parse`]: blocks or lines to columns, of each format |
//! | `parse_blocks.rs` | one call of a kernel for each block |
//! | `parse_lines.rs` | one call for each line |
//! | `write.rs` | [`Write`]: elements to text |

mod json_lines;
mod lines;
mod parse;
mod parse_blocks;
mod parse_lines;
mod write;

#[cfg(test)]
mod tests;

pub use crate::bad_rows::{BadRow, BadRows, BadRowsBound};
pub use json_lines::JsonLines;
pub use lines::Lines;
pub use parse::{BLANKS_POLICY, HEADERS_POLICY, Parse};
pub use write::{Output, Write};

use cutthrough_ir::{ElementType, Type};

/// The type of a line's element: the line without its end, and its number.
pub fn line_type() -> ElementType {
    line_type_of(false)
}

/// The same; behind them, if it is wanted, what the input is called.
pub(crate) fn line_type_of(has_input: bool) -> ElementType {
    let input = has_input.then_some(Type::BYTES.or_null());
    ElementType::new([Type::BYTES, Type::I64].into_iter().chain(input))
}
