use cutthrough::{Fragment, Shape};
use cutthrough_ir::{ElementType, Value};

use super::{parse_blocks, parse_lines};
use crate::bad_rows::BadRows;
use crate::limits::LINE_BYTES_MAX;
use crate::records::Records;

/// The name of the policy by which header lines are dropped.
pub const HEADERS_POLICY: &str = "headers";

/// The name of the policy by which lines of blanks are dropped, where they are no rows.
pub const BLANKS_POLICY: &str = "blank lines";

/// A parser of a format, of blocks or of lines.
#[derive(Debug)]
pub(super) struct Parse<R> {
    /// The format, until the process is declared.
    pub(super) records: Option<R>,
    pub(super) columns: ElementType,
    pub(super) has_header: bool,
    pub(super) is_of_lines: bool,
    pub(super) line_bytes_max: usize,
    pub(super) bad_rows: BadRows,
    pub(super) has_bad_output: bool,
}

impl<R: Records> Parse<R> {
    pub(super) fn new(records: R) -> Parse<R> {
        Parse {
            columns: ElementType::new(records.columns().iter().copied()),
            has_header: records.has_header(),
            records: Some(records),
            is_of_lines: false,
            line_bytes_max: LINE_BYTES_MAX,
            bad_rows: BadRows::default(),
            has_bad_output: false,
        }
    }

    pub(super) fn take_records(&mut self) -> R {
        self.records.take().expect("a process is declared once")
    }

    pub(super) fn declare(&mut self, shape: &mut Shape) {
        shape.name(R::NAME);
        match self.is_of_lines {
            true => parse_lines::declare(self, shape),
            false => parse_blocks::declare(self, shape),
        }
    }

    pub(super) fn read_ok(&self, f: &mut Fragment<'_>, element: &[Value]) {
        match self.is_of_lines {
            true => parse_lines::read_ok(self, f, element),
            false => parse_blocks::read_ok(f, element[0]),
        }
    }

    pub(super) fn write_ok(&self, f: &mut Fragment<'_>) {
        if !self.is_of_lines {
            parse_blocks::write_ok(self, f);
        }
    }

    pub(super) fn end(&self, f: &mut Fragment<'_>) {
        if !self.is_of_lines {
            parse_blocks::end(f);
        }
    }
}

/// Makes a process of a type that has a [`Parse`] in its field `0`.
macro_rules! parser_process {
    ($name:ident) => {
        impl $name {
            /// Takes lines and their numbers, as [`Lines`](super::Lines) gives them, instead of
            /// blocks.
            #[must_use]
            pub fn of_lines(mut self) -> Self {
                self.0.is_of_lines = true;
                self
            }

            /// Bounds the length of lines, where it makes them of blocks; longer ones are
            /// dropped as "too long".
            #[must_use]
            pub fn with_line_bytes_max(mut self, bytes: usize) -> Self {
                self.0.line_bytes_max = bytes;
                self
            }

            /// Adds output 1, of lines and their numbers, for the lines that are no rows.
            #[must_use]
            pub fn with_bad_output(mut self) -> Self {
                self.0.has_bad_output = true;
                self
            }

            /// Notes lines that are no rows where another process has noted some before.
            #[must_use]
            pub fn with_bad_rows(mut self, bad_rows: BadRows) -> Self {
                self.0.bad_rows = bad_rows;
                self
            }

            /// Which lines were no rows, unless they go to an output.
            pub fn bad_rows(&self) -> BadRows {
                self.0.bad_rows.clone()
            }
        }

        impl Process for $name {
            fn declare(&mut self, shape: &mut Shape) {
                self.0.declare(shape);
            }

            fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
                self.0.read_ok(f, element);
            }

            fn write_ok(&self, f: &mut Fragment<'_>) {
                self.0.write_ok(f);
            }

            fn end(&self, _of: usize, f: &mut Fragment<'_>) {
                self.0.end(f);
            }
        }
    };
}
pub(super) use parser_process;
