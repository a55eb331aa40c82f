use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::Value;

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::json::{Column, JsonRecords};

/// Makes columns of JSON objects, one a line: blocks of bytes, or [lines](ParseJson::of_lines). Lines that are none,
/// or have a value of another kind than its column, are dropped as "bad rows", or given to an output of their own
/// ([`with_bad_output`](ParseJson::with_bad_output)). Lines of blanks are no rows at all.
#[derive(Debug)]
pub struct ParseJson(Parse<JsonRecords>);

impl ParseJson {
    /// Gives these columns.
    ///
    /// # Panics
    /// When two columns have one path.
    pub fn new(columns: &[Column]) -> ParseJson {
        ParseJson(Parse::new(JsonRecords::new(columns)))
    }
}

parser_process!(ParseJson);
