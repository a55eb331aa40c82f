use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::{HostFunction, Value};

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::clf::{ClfHost, Columns};

/// Makes requests of the lines of a web server's log: `(line, number)` to the wanted
/// columns. Lines that are no requests are dropped as "bad rows", or given to an
/// output of their own ([`with_bad_output`](ParseClf::with_bad_output)).
#[derive(Debug)]
pub struct ParseClf(Parse);

impl ParseClf {
    /// Gives these columns, in the order of [`Column::ALL`](crate::clf::Column::ALL).
    pub fn new(want: Columns) -> ParseClf {
        let host = ClfHost::new(want);
        ParseClf(Parse::new(HostFunction::new(host.sig(), host)))
    }
}

parser_process!(ParseClf);
