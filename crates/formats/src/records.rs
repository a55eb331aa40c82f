//! Formats of records, most of which are lines.
//!
//! A format says once what a record means ([`Records::line`]). Beside it stands how most lines
//! of a block are parsed ([`Records::plain`]), which has to say the same where it says
//! anything: tests hold both to each other.

use std::fmt;

use cutthrough_ir::{ColumnMut, Host, HostContext, HostSig, Results, Type, Words};

use crate::scan::Structure;

/// Where the values of one record are put: by the number of the column. What is
/// not put is absent, zero or no bytes.
pub(crate) trait Cells<'a> {
    fn i64(&mut self, column: usize, value: i64);
    fn f64(&mut self, column: usize, value: f64);
    fn bool(&mut self, column: usize, value: bool);
    fn bytes(&mut self, column: usize, value: &'a [u8]);
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A good row.
    Row,
    /// A bad row.
    Bad,
    /// No row at all, as a line of blanks.
    Nothing,
}

impl Verdict {
    /// Of what should be a row.
    pub(crate) fn of(is_good: bool) -> Verdict {
        if is_good { Verdict::Row } else { Verdict::Bad }
    }
}

/// What is known of a record whose end is not there yet: a number of its format's; 0 at its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open(pub(crate) i64);

/// A line that ends in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How much there is of the structure, the end of the line included.
    pub(crate) used: usize,
    /// How many lines of the record end before it.
    pub(crate) lines: usize,
}

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// With this line.
    Ends(Line),
    /// With this line as well, as a quote in it is not closed; none if it is not in the text.
    Unclosed(Option<Line>),
    /// Not in this text. If nothing comes any more, it ends with the line, as `Unclosed`, or with the text.
    Open(Open, Option<Line>),
}

/// A format, and the columns that it gives.
pub(crate) trait Records: fmt::Debug + Send + 'static {
    /// What the host functions are called.
    const NAME: &'static str;

    /// Whether there are lines that are no rows at all.
    const HAS_BLANKS: bool = false;

    /// The types of the columns.
    fn columns(&self) -> &[Type];

    /// Which columns are needed from now on: bit k is for the columns k, k + 64 and so on.
    /// The others need not be put; whether a line is a row does not depend on them.
    fn need(&mut self, columns: i64);

    /// Whether the first line of each input is a header.
    fn has_header(&self) -> bool {
        false
    }

    /// Takes the fields of lines as this header says. Headers have versions: 0 is what was
    /// known before there was any.
    fn sort_by(&mut self, version: i64, header: &[u8]) -> Result<(), String> {
        let _ = (version, header);
        Ok(())
    }

    /// Parses a record without the end of its last line; says what it is. Of one that is no good row, some values
    /// may have been put.
    fn line<'a>(&'a mut self, line: &'a [u8], cells: &mut impl Cells<'a>) -> Verdict;

    /// The bytes by which records are structured, the end of the line among them.
    fn structure(&self) -> Structure;

    /// Finds the end of the record that `text[from..]` begins with, or goes on with if some of it is known already.
    /// `ends` says where [`structure`](Records::structure) lies from there on, also beyond the text.
    fn cut(&self, text: &[u8], _from: usize, ends: &[u32], _open: Open) -> Cut {
        let within = ends.iter().take_while(|&&end| (end as usize) < text.len());
        match within.clone().position(|&end| text[end as usize] == b'\n') {
            Some(before) => Cut::Ends(Line {
                used: before + 1,
                lines: 0,
            }),
            None => Cut::Open(Open::default(), None),
        }
    }

    /// Parses the record that begins at `start` of a block, if it is one line and has nothing unusual to it.
    /// `ends` says where [`structure`](Records::structure) lies from there on. Gives how
    /// much of that the line has, its end included; none where [`line`](Records::line)
    /// has to be asked, after some values may have been put.
    fn plain<'a>(
        &mut self,
        block: &'a [u8],
        start: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize>;

    /// How many bytes a good row has at least, with its end.
    fn row_bytes_min(&self) -> usize;
}

/// Parses one line, as a host function: `(line: bytes, needs: i64) -> (verdict: i64, columns...)`,
/// where the verdict is a [`Verdict`] as a number, or, where there are headers, `(line: bytes, needs: i64, version: i64, header: bytes) -> ...`.
#[derive(Debug)]
pub(crate) struct LineHost<R>(R);

impl<R: Records> LineHost<R> {
    pub(crate) fn new(records: R) -> LineHost<R> {
        LineHost(records)
    }

    /// The signature.
    pub(crate) fn sig(&self) -> HostSig {
        let columns = self.0.columns().iter().copied();
        HostSig {
            name: R::NAME.to_owned(),
            params: match self.0.has_header() {
                false => vec![Type::BYTES, Type::I64],
                true => vec![Type::BYTES, Type::I64, Type::I64, Type::BYTES],
            },
            results: std::iter::once(Type::I64).chain(columns).collect(),
            ..HostSig::default()
        }
    }
}

impl<R: Records> Host for LineHost<R> {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let LineHost(records) = self;
        if records.has_header() {
            records.sort_by(args.i64(2), args.bytes(3))?;
        }
        records.need(args.i64(1));
        let verdict = records.line(args.bytes(0), &mut ResultCells(results));
        results.i64(0, verdict as i64);
        Ok(())
    }
}

/// The results of a host call as cells.
struct ResultCells<'r, 'a>(&'r mut Results<'a>);

impl<'a> Cells<'a> for ResultCells<'_, 'a> {
    fn i64(&mut self, column: usize, value: i64) {
        self.0.i64(1 + column, value);
    }

    fn f64(&mut self, column: usize, value: f64) {
        self.0.f64(1 + column, value);
    }

    fn bool(&mut self, column: usize, value: bool) {
        self.0.bool(1 + column, value);
    }

    fn bytes(&mut self, column: usize, value: &'a [u8]) {
        self.0.bytes(1 + column, value);
    }
}

/// All columns are needed; see [`Records::need`].
pub(crate) const ALL_NEEDED: i64 = -1;

/// Whether a column is needed; see [`Records::need`].
pub(crate) fn is_needed(needs: i64, column: usize) -> bool {
    needs >> (column % 64) & 1 != 0
}

/// For each column, its number if it is needed.
#[derive(Clone, Debug)]
pub(crate) struct NeededCells {
    needs: i64,
    cells: Vec<Option<usize>>,
}

impl NeededCells {
    /// All of so many columns.
    pub(crate) fn all(columns: usize) -> NeededCells {
        NeededCells {
            needs: ALL_NEEDED,
            cells: (0..columns).map(Some).collect(),
        }
    }

    /// Takes note of what is needed from now on; see [`Records::need`].
    pub(crate) fn need(&mut self, needs: i64) {
        if self.needs != needs {
            self.needs = needs;
            for (column, cell) in self.cells.iter_mut().enumerate() {
                *cell = is_needed(needs, column).then_some(column);
            }
        }
    }

    /// For each column, its number if it is needed.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.cells.iter().copied()
    }
}

/// A row of a row buffer as cells.
pub(crate) struct RowCells<'c, 'r> {
    pub(crate) columns: &'c mut [ColumnMut<'r>],
    pub(crate) row: usize,
}

impl RowCells<'_, '_> {
    /// Puts the number of the row, which is the last column.
    #[inline]
    pub(crate) fn number(&mut self, number: i64) {
        if let Some(column) = self.columns.last_mut() {
            column.i64(self.row, number);
        }
    }

    /// Takes back all values that have been put.
    #[cold]
    pub(crate) fn clear(&mut self) {
        for column in &mut *self.columns {
            column.clear(self.row);
        }
    }
}

impl<'a> Cells<'a> for RowCells<'_, '_> {
    #[inline]
    fn i64(&mut self, column: usize, value: i64) {
        self.columns[column].i64(self.row, value);
    }

    #[inline]
    fn f64(&mut self, column: usize, value: f64) {
        self.columns[column].f64(self.row, value);
    }

    #[inline]
    fn bool(&mut self, column: usize, value: bool) {
        self.columns[column].bool(self.row, value);
    }

    #[inline]
    fn bytes(&mut self, column: usize, value: &'a [u8]) {
        self.columns[column].bytes(self.row, value);
    }
}
