//! The text form of programs and chains, both ways: what is printed parses back to
//! the same.
//!
//! ```text
//! process "filter" {
//!   slot 0 "n": i64 = 3
//!   input 0: (i64, bytes?)
//!   output 0: (i64)
//!   drop 0 "filtered"
//!   read_ok 0 {
//!   b0(v0: i64, v1: bytes?):
//!     v2 = slot_get 0
//!     v3 = igt v0, v2
//!     br v3, b1, b2
//!   b1:
//!     emit 0, v0
//!     done
//!   b2:
//!     drop 0 @7
//!     done
//!   }
//! }
//! ```
//!
//! - Everything stands on a line of its own; `;` begins a comment.
//! - Tables come first, then functions: `read_ok`, `ask` and `end` for each input,
//!   then `write_ok`; in a chain only `run`. Entries and blocks are numbered in order.
//! - A result's type is written (`v4: i64 = select v1, v2, v3`) where operation and
//!   tables do not say it: that is where it depends on the operands.
//! - Doubles are written as the shortest decimal that reads back, or `inf`, `nan`,
//!   or `0x` and their bits (a NaN that is not canonical).
//! - A row buffer is `rows 0 "seen" max 4096: ("text": bytes, "count": i64 = 1)`: its bound
//!   in bytes, and each column as a slot. Behind the name, `key 1` says how many columns are
//!   the key of a table, `rows 100` how many rows there may be, and `evicts` that the oldest
//!   goes then. Operations name a column by the numbers of both
//!   (`v1 = rows_get 0 1, v0`); `call 0 (v0) rows (0), ok b1, failed b2` gives a function
//!   row buffers.
//! - Text in quotes is UTF-8 with the escapes `\n \r \t \" \\` and, for any byte,
//!   `\x1b`.
//! - `@3` behind an instruction or terminator is its origin, where that is not 0.
//!
//! Reading checks the form alone. What is read may be as ill as what anybody could
//! build, so verify it ([`crate::verify`]) before anything else is done with it.

mod lexer;
mod names;
mod parse;
mod parse_function;
mod parse_tables;
mod parser;
mod print;
mod print_function;
mod print_values;

use std::fmt;

use crate::chain::ChainCode;
use crate::function::Function;
use crate::program::{Program, Tables};
use crate::verify::Role;

/// The part of a chain that the text form has: all but its bindings to a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainText {
    /// What the chain is called.
    pub name: String,
    /// The function.
    pub function: Function,
    /// What it indexes.
    pub tables: Tables,
    /// What each origin is called.
    pub origins: Vec<String>,
}

impl From<&ChainCode> for ChainText {
    fn from(chain: &ChainCode) -> ChainText {
        ChainText {
            name: chain.name.clone(),
            function: chain.function.clone(),
            tables: chain.tables.clone(),
            origins: chain.origins.clone(),
        }
    }
}

/// Why a text is not a program or chain, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    line: usize,
    column: usize,
    message: String,
}

impl TextError {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for TextError {}

/// The text form of a program. It reads back to the same if the program is well
/// formed; others are printed as well as they can be.
pub fn print_program(program: &Program) -> String {
    print::Process(program).to_string()
}

/// The text form of a chain, without its bindings.
pub fn print_chain(chain: &ChainCode) -> String {
    let ChainCode {
        name,
        function,
        tables,
        origins,
        ..
    } = chain;
    print::Chain {
        name,
        function,
        tables,
        origins,
    }
    .to_string()
}

/// The text form of one function, for dumps.
pub fn print_function(function: &Function, tables: &Tables, role: Role) -> String {
    print_function::FunctionText {
        function,
        tables,
        role,
    }
    .to_string()
}

impl fmt::Display for ChainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChainText {
            name,
            function,
            tables,
            origins,
        } = self;
        print::Chain {
            name,
            function,
            tables,
            origins,
        }
        .fmt(f)
    }
}

/// Reads a program. It is of good form only, until it is verified.
///
/// # Errors
/// Where the text is first not as it should be, or when it is longer than
/// [`TEXT_BYTES_MAX`](crate::limits::TEXT_BYTES_MAX).
pub fn parse_program(text: &str) -> Result<Program, TextError> {
    parser::Parser::new(text)?.program()
}

/// Reads a chain. It is of good form only, until it is verified.
///
/// # Errors
/// Where the text is first not as it should be, or when it is longer than
/// [`TEXT_BYTES_MAX`](crate::limits::TEXT_BYTES_MAX).
pub fn parse_chain(text: &str) -> Result<ChainText, TextError> {
    parser::Parser::new(text)?.chain()
}
