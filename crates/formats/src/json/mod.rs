//! JSON, by RFC 8259: each record is an object.
//!
//! A document is good where `serde_json` takes it for one: no lone surrogates, nothing but UTF-8, no number beyond
//! doubles, at most 127 objects and arrays within each other. Of a key that comes twice, the last counts. A record is
//! good when its document is, and each column's value is of its type ([`Column`]), needed or not; what is `null`
//! or missing is absent.
//!
//! | module | what |
//! |---|---|
//! | `path` | which values are wanted |
//! | `text` | strings, numbers, words and blanks |
//! | `document` | a whole document, checked |
//! | `shape` | the same for documents that look like those before, which is much faster |
//! | `columns` | what was found, as columns |
//! | `sample` | of which kind values are, by some of them |
//! | [`value`] | a value by itself |
//! | `framing` | values that are not one a line |

use cutthrough_ir::Type;

use crate::records::{Cells, NeededCells, Records, Verdict};
use crate::scan::Structure;

mod columns;
mod document;
mod framing;
mod path;
mod sample;
mod shape;
mod text;
pub mod value;

pub use columns::Column;
pub(crate) use framing::Framing;
pub use path::{Path, Step};
pub use sample::Sample;

use document::{Found, Scanner};
use path::Wanted;
use shape::Shape;

/// Whether a text is one value, without blanks around it and within.
pub(crate) fn is_compact(text: &[u8]) -> bool {
    let nothing = Wanted::new([]);
    let mut scanner = Scanner::new(text, &nothing, &mut []);
    std::str::from_utf8(text).is_ok()
        && scanner.value_within(0, 0, None) == Some(text.len())
        && !scanner.has_blanks()
}

/// Documents, and which of their values are columns.
#[derive(Clone, Debug)]
pub(crate) struct JsonRecords {
    columns: Vec<Column>,
    types: Vec<Type>,
    wanted: Wanted,
    cells: NeededCells,
    shape: Shape,
    /// What was found of the record at hand.
    found: Vec<Found>,
    /// Where bytes are put that are not those of the text.
    spare: Vec<u8>,
}

impl JsonRecords {
    /// Gives these columns.
    ///
    /// # Panics
    /// When two columns have one path.
    pub(crate) fn new(columns: &[Column]) -> JsonRecords {
        JsonRecords {
            types: columns.iter().map(|column| column.ty.words()).collect(),
            wanted: Wanted::new(columns.iter().map(|column| &column.path)),
            cells: NeededCells::all(columns.len()),
            shape: Shape::new(),
            found: vec![Found::default(); columns.len()],
            spare: Vec::new(),
            columns: columns.to_vec(),
        }
    }

    /// Puts what was found, some of which may have to be made; whether it is all of its kind.
    fn put_all<'a>(&'a mut self, text: &'a [u8], cells: &mut impl Cells<'a>) -> bool {
        let mut made = 0;
        let all = || self.columns.iter().zip(&self.found).zip(self.cells.iter());
        for ((column, found), cell) in all() {
            match column.put(text, found, cell, cells) {
                Some(true) => {}
                Some(false) => return false,
                None => made += found.end - found.start,
            }
        }
        if made == 0 {
            return true;
        }
        if self.spare.len() < made {
            self.spare.resize(made, 0);
        }
        let mut spare = &mut self.spare[..];
        for ((column, found), cell) in self.columns.iter().zip(&self.found).zip(self.cells.iter()) {
            if let Some(cell) = cell
                && column.is_made(found)
            {
                column.put_made(text, found, cell, cells, &mut spare);
            }
        }
        true
    }
}

impl Records for JsonRecords {
    const NAME: &'static str = "parse json";
    const HAS_BLANKS: bool = true;

    fn columns(&self) -> &[Type] {
        &self.types
    }

    fn need(&mut self, columns: i64) {
        self.cells.need(columns);
    }

    fn line<'a>(&'a mut self, line: &'a [u8], cells: &mut impl Cells<'a>) -> Verdict {
        if line.trim_ascii().is_empty() {
            return Verdict::Nothing;
        }
        self.found.fill(Found::default());
        let scanner = Scanner::new(line, &self.wanted, &mut self.found);
        if std::str::from_utf8(line).is_err() || scanner.record().is_none() {
            return Verdict::Bad;
        }
        self.shape.learn(line, &self.wanted);
        Verdict::of(self.put_all(line, cells))
    }

    fn structure(&self) -> Structure {
        Structure::Text
    }

    #[inline]
    fn plain<'a>(
        &mut self,
        block: &'a [u8],
        start: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        self.found.fill(Found::default());
        let used = self
            .shape
            .walk(block, start, ends, &self.wanted, &mut self.found)?;
        for ((column, found), cell) in self.columns.iter().zip(&self.found).zip(self.cells.iter()) {
            if column.put(block, found, cell, cells) != Some(true) {
                return None;
            }
        }
        Some(used)
    }

    fn row_bytes_min(&self) -> usize {
        b"{}\n".len()
    }
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod tests;
