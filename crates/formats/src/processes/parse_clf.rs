use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::Value;

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::clf::{ClfRecords, Columns};

/// Makes requests of a web server's log: blocks of bytes, or
/// [lines](ParseClf::of_lines), to columns. Lines that are no requests are dropped as "bad
/// rows", or given to an output of their own ([`with_bad_output`](ParseClf::with_bad_output)).
#[derive(Debug)]
pub struct ParseClf(Parse<ClfRecords>);

impl ParseClf {
    /// Gives these columns, in the order of [`Column::ALL`](crate::clf::Column::ALL).
    pub fn new(want: Columns) -> ParseClf {
        ParseClf(Parse::new(ClfRecords::new(want)))
    }
}

parser_process!(ParseClf);
