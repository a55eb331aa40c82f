use std::fmt;

use cutthrough::{Fragment, Network, Process, ProcessId, Shape};
use cutthrough_ir::{ElementType, HostFunction, RowsDecl, Type, Value};
use regex::bytes::Regex;

use super::{parse_blocks, parse_lines};
use crate::bad_rows::BadRows;
use crate::blocks::BlockKernel;
use crate::clf::{ClfRecords, Columns};
use crate::csv::{Column, CsvRecords};
use crate::json::{self, JsonRecords};
use crate::limits::LINE_BYTES_MAX;
use crate::logfmt::LogfmtPieces;
use crate::marks::{InputName, Marks};
use crate::pieces::{PieceRecords, Pieces};
use crate::records::{LineHost, Records};
use crate::regex::RegexPieces;
use crate::syslog::{self, SyslogPieces};
use crate::template::{Template, TemplatePieces};

/// The name of the policy by which header lines are dropped.
pub const HEADERS_POLICY: &str = "headers";

/// The name of the policy by which lines of blanks are dropped, where they are no rows.
pub const BLANKS_POLICY: &str = "blank lines";

/// A parser of a format: makes columns of blocks of bytes, or of [lines](Parse::of_lines). Lines that are not of the
/// format, or have a value that is not of its column's type, are dropped as "bad rows", or given to an output of their
/// own ([`with_bad_output`](Parse::with_bad_output)).
#[derive(Debug)]
pub struct Parse {
    name: &'static str,
    /// The format, until the process is declared.
    format: Option<Box<dyn Format>>,
    pub(super) columns: ElementType,
    pub(super) has_header: bool,
    pub(super) has_blanks: bool,
    is_of_lines: bool,
    pub(super) line_bytes_max: usize,
    pub(super) bad_rows: BadRows,
    pub(super) has_bad_output: bool,
    pub(super) marks: Marks,
}

/// Formats.
impl Parse {
    /// Requests of a web server's log. Gives these columns, in the order of [`Column::ALL`](crate::clf::Column::ALL).
    pub fn clf(want: Columns) -> Parse {
        Parse::new(ClfRecords::new(want))
    }

    /// Records of separated values. Gives the columns with these indices, in this order.
    ///
    /// # Panics
    /// When an index is not a column's, or there twice.
    pub fn csv(sep: u8, columns: &[Column], want: &[usize]) -> Parse {
        Parse::new(CsvRecords::new(sep, columns, want))
    }

    /// The same of values separated by tabs, with [escapes](crate::csv).
    ///
    /// # Panics
    /// As [`csv`](Parse::csv).
    pub fn tsv(columns: &[Column], want: &[usize]) -> Parse {
        Parse::new(CsvRecords::new(b'\t', columns, want).with_escapes())
    }

    /// The same, under a header, as [`csv_with_header`](Parse::csv_with_header).
    ///
    /// # Panics
    /// As [`csv`](Parse::csv).
    pub fn tsv_with_header(columns: &[Column], want: &[usize], first: Option<&[u8]>) -> Parse {
        Parse::new(CsvRecords::with_header(b'\t', columns, want, first).with_escapes())
    }

    /// The same for inputs that begin with a header: the line with number 1. Fields are columns by their names there.
    /// `first` is the header of lines that come before any such line, if it is known. A header that lacks a column
    /// fails the process.
    ///
    /// # Panics
    /// As [`csv`](Parse::csv).
    pub fn csv_with_header(sep: u8, columns: &[Column], want: &[usize], first: Option<&[u8]>) -> Parse {
        Parse::new(CsvRecords::with_header(sep, columns, want, first))
    }

    /// JSON objects, one a line. Lines of blanks are no rows at all.
    ///
    /// # Panics
    /// When two columns have one path.
    pub fn json(columns: &[json::Column]) -> Parse {
        Parse::new(JsonRecords::new(columns))
    }

    /// What the groups of a regular expression match: columns are groups by their names. A group that takes no part in
    /// a match is null.
    ///
    /// # Panics
    /// When there is no group of a name.
    pub fn regex(pattern: &Regex, columns: &[Column]) -> Parse {
        Parse::pieces(RegexPieces::new(pattern, names(columns)), columns)
    }

    /// What stands in the places of a template: columns are names of it.
    pub fn template(template: &Template, columns: &[Column]) -> Parse {
        Parse::pieces(TemplatePieces::new(template, names(columns)), columns)
    }

    /// The fields of logfmt: columns are keys. Lines of blanks are no rows at all.
    pub fn logfmt(columns: &[Column]) -> Parse {
        Parse::pieces(LogfmtPieces::new(names(columns)), columns)
    }

    /// Lines of system logs.
    pub fn syslog(columns: &[syslog::Column]) -> Parse {
        let typed = columns.iter().map(|column| Column {
            name: column.name().to_owned(),
            ty: column.ty(),
        });
        let typed: Vec<Column> = typed.collect();
        Parse::pieces(SyslogPieces::new(columns), &typed)
    }

    fn pieces(pieces: impl Pieces, columns: &[Column]) -> Parse {
        Parse::new(PieceRecords::new(pieces, columns))
    }

    fn new<R: Records>(records: R) -> Parse {
        Parse {
            name: R::NAME,
            columns: ElementType::new(records.columns().iter().copied()),
            has_header: records.has_header(),
            has_blanks: R::HAS_BLANKS,
            format: Some(Box::new(records)),
            is_of_lines: false,
            line_bytes_max: LINE_BYTES_MAX,
            bad_rows: BadRows::default(),
            has_bad_output: false,
            marks: Marks::default(),
        }
    }
}

/// Options.
impl Parse {
    /// Takes lines and their numbers, as [`Lines`](super::Lines) gives them, instead of blocks.
    #[must_use]
    pub fn of_lines(mut self) -> Parse {
        self.is_of_lines = true;
        self
    }

    /// Bounds the length of lines, where it makes them of blocks; longer ones are dropped as "too long".
    #[must_use]
    pub fn with_line_bytes_max(mut self, bytes: usize) -> Parse {
        self.line_bytes_max = bytes;
        self
    }

    /// Adds output 1, of lines and their numbers, for the lines that are no rows.
    #[must_use]
    pub fn with_bad_output(mut self) -> Parse {
        self.has_bad_output = true;
        self
    }

    /// Adds a column behind the others, an integer: the number of the line at which a row begins.
    #[must_use]
    pub fn with_number(mut self) -> Parse {
        self.marks.has_number = true;
        self
    }

    /// Adds a last column, a text that may be null: what the input of a row is called, by this. Of lines, it is what
    /// comes behind their numbers.
    #[must_use]
    pub fn with_input(mut self, name: InputName) -> Parse {
        self.marks.input = Some(name);
        self
    }

    /// The columns, and what comes behind them.
    pub(super) fn output(&self) -> ElementType {
        let number = self.marks.has_number.then_some(Type::I64);
        let input = self.marks.input.as_ref().map(|_| Type::BYTES.or_null());
        let columns = self.columns.fields().iter().copied();
        ElementType::new(columns.chain(number).chain(input))
    }

    /// Notes lines that are no rows where another process has noted some before.
    #[must_use]
    pub fn with_bad_rows(mut self, bad_rows: BadRows) -> Parse {
        self.bad_rows = bad_rows;
        self
    }

    /// Which lines were no rows, unless they go to an output.
    pub fn bad_rows(&self) -> BadRows {
        self.bad_rows.clone()
    }

    /// How many lines of the present input have come to a process that takes blocks, between two grants, if what comes next
    /// begins a record; none where it goes on with one.
    pub fn line(network: &Network, process: ProcessId) -> Option<i64> {
        parse_blocks::line(network, process)
    }

    pub(super) fn take_format(&mut self) -> Box<dyn Format> {
        self.format.take().expect("a process is declared once")
    }
}

impl Process for Parse {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name);
        match self.is_of_lines {
            true => parse_lines::declare(self, shape),
            false => parse_blocks::declare(self, shape),
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        match self.is_of_lines {
            true => parse_lines::read_ok(self, f, element),
            false => parse_blocks::read_ok(f, element[0]),
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        if !self.is_of_lines {
            parse_blocks::write_ok(self, f);
        }
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        if !self.is_of_lines {
            parse_blocks::end(f);
        }
    }
}

/// [`Records`] of whichever type, for what a process makes of them: its host function.
pub(super) trait Format: fmt::Debug + Send {
    /// Of lines.
    fn line_host(self: Box<Self>) -> HostFunction;

    /// Of blocks, and the row buffers that it needs.
    fn block_kernel(
        self: Box<Self>,
        line_bytes_max: usize,
        noted: Option<BadRows>,
        marks: Marks,
    ) -> (HostFunction, Vec<RowsDecl>);
}

impl<R: Records> Format for R {
    fn line_host(self: Box<Self>) -> HostFunction {
        let host = LineHost::new(*self);
        HostFunction::new(host.sig(), host)
    }

    fn block_kernel(
        self: Box<Self>,
        line_bytes_max: usize,
        noted: Option<BadRows>,
        marks: Marks,
    ) -> (HostFunction, Vec<RowsDecl>) {
        let kernel = BlockKernel::new(*self, line_bytes_max, noted, marks);
        let rows = kernel.rows();
        (HostFunction::kernel(kernel.sig(), kernel), rows)
    }
}

fn names(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.name.as_str())
}
