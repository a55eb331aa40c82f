use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::{HostFunction, Value};

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::csv::{Column, CsvHost};

/// Makes records of lines of separated values: `(line, number)` to the wanted
/// columns. Lines that are no records are dropped as "bad rows", or given to an
/// output of their own ([`with_bad_output`](ParseCsv::with_bad_output)).
///
/// A header line has to be taken off before.
#[derive(Debug)]
pub struct ParseCsv(Parse);

impl ParseCsv {
    /// Gives the columns with these indices, in this order.
    ///
    /// # Panics
    /// When an index is not a column's, or there twice.
    pub fn new(sep: u8, columns: &[Column], want: &[usize]) -> ParseCsv {
        let host = CsvHost::new(sep, columns, want);
        ParseCsv(Parse::new(HostFunction::new(host.sig(), host)))
    }
}

parser_process!(ParseCsv);
