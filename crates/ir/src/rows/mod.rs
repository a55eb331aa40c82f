//! Row buffers: many rows of one type that a process keeps, as columns of words.
//!
//! A column of a type of W words is W *word columns*, each contiguous: a byte string has one
//! of addresses and one of lengths, a nullable value one more of presences. Native code
//! reads and writes them in place.
//!
//! # Whose bytes
//! Bytes that are put into a row are copied into memory of the buffer's, or lie in a slab
//! that it shares ([`RowsMut::append`]). A view of them is valid in the activation that
//! has read it, and as long as the element that it is part of is on its way: rows that go
//! leave their bytes until rows go the next time, which no activation does twice
//! (rule 23 of [`verify`](crate::verify)). Bytes that a column had before it was set stay
//! until all rows have gone.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the rows |
//! | [`arena`] | the bytes that they own or share |
//! | [`append`] | how kernels add rows, column by column |
//! | [`kernel`] | how kernels are given row buffers |

mod append;
mod arena;
mod kernel;

pub use append::{Append, ColumnMut};
pub use kernel::{RowsArg, RowsMut};

use std::ops::Range;

use crate::memory::{Scalar, Words, bytes_at, trusted};
use crate::program::RowsDecl;
use crate::types::{FieldAt, Kind, Type, Word};
use arena::Arena;

/// Rows that there is memory for, as soon as there is any.
const ROWS_FIRST: usize = 16;

/// The rows of one row buffer.
#[derive(Debug)]
pub struct Rows {
    decl: RowsDecl,
    /// The first word column of each column, and how many there are.
    starts: Vec<usize>,
    /// The word columns, all of one length: of the rows there is memory for. Beyond the
    /// rows that there are lies anything.
    words: Vec<Vec<Word>>,
    len: usize,
    bytes: Arena,
    /// Those of the rows that have gone last.
    bytes_before: Arena,
}

impl Rows {
    /// No rows yet.
    pub fn new(decl: RowsDecl) -> Rows {
        let mut starts = vec![0];
        for ty in decl.types() {
            starts.push(starts[starts.len() - 1] + ty.words());
        }
        Rows {
            words: vec![Vec::new(); starts[starts.len() - 1]],
            starts,
            len: 0,
            bytes: Arena::default(),
            bytes_before: Arena::default(),
            decl,
        }
    }

    /// What it was declared as.
    pub fn decl(&self) -> &RowsDecl {
        &self.decl
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes the rows take: their words, and the bytes that they own or share.
    pub fn bytes(&self) -> usize {
        self.len * self.words.len() * size_of::<Word>() + self.bytes.len()
    }

    /// The word columns of a column.
    pub fn word_columns(&self, column: usize) -> Range<usize> {
        self.starts[column]..self.starts[column + 1]
    }

    /// The value of a column in a row; none where it is absent or there is no such row.
    pub fn value(&self, column: usize, row: usize) -> Option<Scalar<'_>> {
        if row >= self.len {
            return None;
        }
        let (ty, at) = (self.ty(column), self.starts[column]);
        let word = |k: usize| self.words[at + k][row];
        if ty.nullable && word(ty.payload_words()) == 0 {
            return None;
        }
        Some(match ty.kind {
            Kind::I64 => Scalar::I64(word(0).cast_signed()),
            Kind::F64 => Scalar::F64(f64::from_bits(word(0))),
            Kind::Bool => Scalar::Bool(word(0) != 0),
            Kind::Bytes => Scalar::Bytes(bytes_at(word(0), word(1))),
        })
    }

    /// The words of a column in a row; zero where there is no such row.
    pub fn get(&self, column: usize, row: usize, into: &mut [Word]) {
        if row >= self.len {
            return into.fill(0);
        }
        for (word, at) in into.iter_mut().zip(self.word_columns(column)) {
            *word = self.words[at][row];
        }
    }

    /// Sets a column in a row, if there is one; bytes are copied.
    ///
    /// # Panics
    /// When the value is not of the column's type.
    pub fn set(&mut self, column: usize, row: usize, value: Words<'_>) {
        assert!(value.types().eq([self.ty(column)]), "a value of another type");
        if row < self.len {
            self.write(column, row, value);
        }
    }

    /// Adds a row of these values, and gives its number; bytes are copied.
    ///
    /// # Errors
    /// At the bound, which the message names.
    ///
    /// # Panics
    /// When the values are not of the columns' types.
    pub fn push(&mut self, row: Words<'_>) -> Result<usize, String> {
        assert!(row.types().eq(self.decl.types()), "a row of other columns");
        self.push_words(row.words())
    }

    /// The same for native code.
    ///
    /// # Errors
    /// At the bound, which the message names.
    ///
    /// # Safety
    /// The words are values of the columns' types.
    #[expect(unsafe_code, reason = "takes words that are read as addresses")]
    pub unsafe fn push_unchecked(&mut self, row: &[Word]) -> Result<usize, String> {
        self.push_words(row)
    }

    /// The same for words that are values of the columns' types, as a verified function
    /// puts them together.
    pub(crate) fn push_words(&mut self, row: &[Word]) -> Result<usize, String> {
        self.make_room(1)?;
        let at = self.len;
        self.len += 1;
        for column in 0..self.decl.columns.len() {
            let words = self.word_columns(column);
            self.write(column, at, trusted(FieldAt::alone(self.ty(column)), &row[words]));
        }
        Ok(at)
    }

    fn write(&mut self, column: usize, row: usize, value: Words<'_>) {
        let at = self.starts[column];
        let mut words = [0; 3];
        let words = &mut words[..value.words().len()];
        words.copy_from_slice(value.words());
        if self.ty(column).kind == Kind::Bytes {
            (words[0], words[1]) = self.bytes.copy(value.bytes(0));
        }
        for (k, &word) in words.iter().enumerate() {
            self.words[at + k][row] = word;
        }
    }

    /// Keeps the first so many rows. Where none are left, so are no bytes: those that
    /// there were stay until this happens again.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        if self.len == 0 {
            std::mem::swap(&mut self.bytes, &mut self.bytes_before);
            self.bytes.clear();
        }
    }

    /// Sees to it that there is memory for so many rows more.
    ///
    /// # Errors
    /// Where they would exceed the bound.
    pub fn make_room(&mut self, rows: usize) -> Result<(), String> {
        let needed = self.len + rows;
        let width = self.words.len() * size_of::<Word>();
        if needed * width + self.bytes.len() > self.decl.bytes_max || needed >= u32::MAX as usize {
            return Err(format!(
                "`{}`: the rows take more than bytes_max = {}",
                self.decl.name, self.decl.bytes_max
            ));
        }
        if needed > self.allocated() || self.allocated() == 0 {
            self.grow(needed);
        }
        Ok(())
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let most = self.decl.bytes_max / (self.words.len() * size_of::<Word>()).max(1);
        let rows = (2 * self.allocated()).min(most).max(needed).max(ROWS_FIRST);
        for column in &mut self.words {
            column.resize(rows, 0);
        }
    }

    /// How many rows there is memory for.
    fn allocated(&self) -> usize {
        self.words.first().map_or(usize::MAX, Vec::len)
    }

    fn ty(&self, column: usize) -> Type {
        self.decl.columns[column].ty
    }

    /// The addresses of the word columns, each of them with memory for one row at least.
    /// They are good until rows are added or go.
    pub fn addresses(&mut self, mut each: impl FnMut(usize, *mut Word)) {
        if self.allocated() == 0 {
            self.grow(1);
        }
        for (k, column) in self.words.iter_mut().enumerate() {
            each(k, column.as_mut_ptr());
        }
    }

    /// A copy of bytes that lives as long as those of the rows; for native code, which
    /// sets columns itself.
    pub fn copy_bytes(&mut self, bytes: &[u8]) -> (Word, Word) {
        self.bytes.copy(bytes)
    }
}

#[cfg(test)]
mod tests;
