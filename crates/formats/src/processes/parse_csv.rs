use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::Value;

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::csv::{Column, CsvRecords};

/// Makes records of separated values: blocks of bytes, or [lines](ParseCsv::of_lines), to
/// columns. Lines that are no records are dropped as "bad rows", or given to an output of
/// their own ([`with_bad_output`](ParseCsv::with_bad_output)).
#[derive(Debug)]
pub struct ParseCsv(Parse<CsvRecords>);

impl ParseCsv {
    /// Gives the columns with these indices, in this order.
    ///
    /// # Panics
    /// When an index is not a column's, or there twice.
    pub fn new(sep: u8, columns: &[Column], want: &[usize]) -> ParseCsv {
        ParseCsv(Parse::new(CsvRecords::new(sep, columns, want)))
    }

    /// The same for inputs that begin with a header: the line with number 1. Fields are columns by their names there.
    /// `first` is the header of lines that come before any such line, if it is known. A header that lacks a column
    /// fails the process.
    ///
    /// # Panics
    /// As [`new`](ParseCsv::new).
    pub fn with_header(sep: u8, columns: &[Column], want: &[usize], first: Option<&[u8]>) -> ParseCsv {
        ParseCsv(Parse::new(CsvRecords::with_header(sep, columns, want, first)))
    }
}

parser_process!(ParseCsv);
