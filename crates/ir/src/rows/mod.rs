//! Row buffers: many rows of one type that a process keeps, as columns of words. One whose
//! first columns are a key is a *table*: it finds the row of a key, and adds one where there
//! is none.
//!
//! A column of a type of W words is W *word columns*: a byte string has one of addresses and
//! one of lengths, a nullable value one more of presences. In a plain buffer each is
//! contiguous, a table lies row by row. Native code reads and writes them in place.
//!
//! # Whose bytes
//! Bytes that are put into a row are copied into memory of the buffer's, lie in a slab that
//! it shares ([`RowsMut::append`]), or are lent by somebody whom it keeps
//! ([`RowsMut::append_lent`]). A view of them is valid in the activation that
//! has read it, and as long as the element that it is part of is on its way: rows that go
//! leave their bytes until rows go the next time, which no activation does twice
//! (rule 23 of [`verify`](crate::verify)). Bytes that a column had before it was set stay
//! until all rows have gone.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the rows |
//! | `grid` | how their words lie in memory |
//! | `arena` | the bytes that they own or share |
//! | `index` | how a table finds rows |
//! | `key` | when keys are equal |
//! | `hash` | the hash function |
//! | `image` | rows as bytes that outlive the OS process, and what becomes of them under another declaration |
//! | `append` | how kernels add rows, column by column |
//! | `kernel` | how kernels are given row buffers |

mod append;
mod arena;
mod grid;
pub mod hash;
mod image;
mod index;
mod kernel;
mod key;

pub use append::{Append, ColumnMut, LentColumn};
pub use index::IndexView;
pub use kernel::{RowsArg, RowsMut};

use std::collections::TryReserveError;
use std::ops::Range;

use crate::limits::ROWS_TIDY_BYTES_MIN;
use crate::memory::{Scalar, Words, bytes_at, trusted};
use crate::program::{AtBound, RowsDecl};
use crate::types::{FieldAt, Kind, Type, Word};
use arena::Arena;
use grid::Grid;
use hash::{Digest, Hash};
use index::Index;
use key::Shape;

/// The rows of one row buffer.
#[derive(Debug)]
pub struct Rows {
    decl: RowsDecl,
    /// The first word column of each column, and how many there are.
    starts: Vec<usize>,
    grid: Grid,
    len: usize,
    bytes: Arena,
    /// Those of the rows that have gone last.
    bytes_before: Arena,
    /// How many of the bytes nothing views any more.
    unused: usize,
    /// Whether bytes have come to be more than there may be, by a column that was set: no
    /// row is added any more.
    is_over: bool,
    index: Index,
    key_types: Vec<Type>,
    key_shape: Shape,
    /// The canonical words of the key that is looked for, where they may be others than its
    /// own.
    key: Vec<Word>,
    /// Where keys go at the bound: the row that is the oldest.
    oldest: usize,
}

/// How [`Rows::entry`] has come to the row of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Entry {
    /// It was there.
    Found = 0,
    /// It has been added; its other columns are what they begin with.
    New = 1,
    /// The table is at its bound, and the oldest row has been given this key; its other
    /// columns are still those of the key that had to go.
    Evicted = 2,
}

impl Rows {
    /// No rows yet.
    pub fn new(decl: RowsDecl) -> Rows {
        let mut starts = vec![0];
        for ty in decl.types() {
            starts.push(starts[starts.len() - 1] + ty.words());
        }
        let key_types = decl.key_types();
        Rows {
            grid: Grid::new(&decl),
            starts,
            len: 0,
            bytes: Arena::default(),
            bytes_before: Arena::default(),
            unused: 0,
            is_over: false,
            index: Index::default(),
            key_shape: Shape::of(&key_types),
            key_types,
            key: Vec::new(),
            oldest: 0,
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

    /// How many bytes the rows take: their words, the bytes that they own or share and that
    /// are in use, and where keys are found.
    pub fn bytes(&self) -> usize {
        let words = self.len * self.grid.width() * size_of::<Word>();
        words + self.bytes.len().saturating_sub(self.unused) + self.index.bytes()
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
        let word = |k: usize| self.grid.get(at + k, row);
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
            *word = self.grid.get(at, row);
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
    /// When the values are not of the columns' types, or it is a table.
    pub fn push(&mut self, row: Words<'_>) -> Result<usize, String> {
        assert!(row.types().eq(self.decl.types()), "a row of other columns");
        assert_eq!(self.decl.key, 0, "`{}` is a table", self.decl.name);
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
            self.zero(column, at);
            self.write(column, at, trusted(FieldAt::alone(self.ty(column)), &row[words]));
        }
        Ok(at)
    }

    /// The row of a key; one is added where there is none, which begins as the table's
    /// columns are declared.
    ///
    /// # Errors
    /// At the bound, which the message names, unless the oldest row is to go then.
    ///
    /// # Panics
    /// When the values are not of the key's types.
    pub fn entry(&mut self, key: Words<'_>) -> Result<(usize, Entry), String> {
        assert!(key.types().eq(self.key_types.iter().copied()), "another key");
        self.entry_words(key.words())
    }

    /// The same for native code.
    ///
    /// # Errors
    /// As [`entry`](Rows::entry).
    ///
    /// # Safety
    /// The words are values of the key's types.
    #[expect(unsafe_code, reason = "takes words that are read as addresses")]
    pub unsafe fn entry_unchecked(&mut self, key: &[Word]) -> Result<(usize, Entry), String> {
        self.entry_words(key)
    }

    pub(crate) fn entry_words(&mut self, key: &[Word]) -> Result<(usize, Entry), String> {
        if self.is_over {
            return Err(self.too_many_bytes());
        }
        if self.key_shape != Shape::Mixed {
            return self.entry_canonical(key);
        }
        let mut words = std::mem::take(&mut self.key);
        words.clear();
        words.extend_from_slice(key);
        key::canonical(&self.key_types, &mut words);
        let entry = self.entry_canonical(&words);
        self.key = words;
        entry
    }

    #[inline]
    fn entry_canonical(&mut self, key: &[Word]) -> Result<(usize, Entry), String> {
        match self.find_canonical(key) {
            (Some(row), _) => Ok((row, Entry::Found)),
            (None, hash) => self.add_key(key, hash),
        }
    }

    /// The row of a canonical key, if there is one, and the hash of the key.
    #[inline]
    fn find_canonical(&self, key: &[Word]) -> (Option<usize>, u64) {
        let hash = self.index.hash();
        let (grid, digests) = (&self.grid, self.digests());
        match (self.key_shape, key) {
            (Shape::Bytes, &[address, length]) => {
                let bytes = bytes_at(address, length);
                let digest = Digest::of(bytes);
                let hash = Hash::finish(hash.digested(hash.start(), bytes, digest));
                let row = self.index.find(hash, |row| {
                    let record = grid.record(row);
                    record[1] == length && key::is_same_string(record, &record[digests..], key, digest)
                });
                (row, hash)
            }
            (Shape::Words, &[word]) => {
                let hash = Hash::finish(hash.word(hash.start(), word));
                (self.index.find(hash, |row| grid.record(row)[0] == word), hash)
            }
            _ => {
                let types = &self.key_types;
                let hash = key::hash(hash, types, key);
                let is_it = |row: usize| key::is_of(types, grid.record(row), digests, key);
                (self.index.find(hash, is_it), hash)
            }
        }
    }

    /// The first word of the digests of a table's records.
    fn digests(&self) -> usize {
        self.starts[self.decl.columns.len()]
    }

    #[cold]
    fn add_key(&mut self, key: &[Word], hash: u64) -> Result<(usize, Entry), String> {
        let bytes: usize = self.key_bytes(key);
        let more = bytes + self.index.bytes_of_one_more();
        let (row, entry) = match self.make_room_and(1, more) {
            Ok(()) => {
                let row = self.len;
                self.len += 1;
                self.index.add(row, hash);
                for column in self.decl.key..self.decl.columns.len() {
                    self.begin(column, row);
                }
                (row, Entry::New)
            }
            Err(_) if self.decl.at_bound == AtBound::EvictOldest && self.len > 0 => {
                let row = self.oldest;
                self.oldest = (row + 1) % self.len;
                self.index.replace(row, hash);
                (row, Entry::Evicted)
            }
            Err(error) => return Err(error),
        };
        let mut at = 0;
        for column in 0..self.decl.key {
            let words = self.ty(column).words();
            if entry == Entry::New {
                self.zero(column, row);
            }
            let value = trusted(FieldAt::alone(self.ty(column)), &key[at..at + words]);
            self.write(column, row, value);
            at += words;
        }
        self.write_digests(row);
        Ok((row, entry))
    }

    /// Notes the digests of the key of a row.
    fn write_digests(&mut self, row: usize) {
        let mut to = self.digests();
        for column in 0..self.decl.key {
            if self.ty(column).kind == Kind::Bytes {
                let at = self.starts[column];
                let digest = Digest::of(bytes_at(self.grid.get(at, row), self.grid.get(at + 1, row)));
                self.grid.set(to, row, digest.first);
                self.grid.set(to + 1, row, digest.last);
                to += 2;
            }
        }
    }

    /// The row of a key, if there is one.
    ///
    /// # Panics
    /// When the values are not of the key's types.
    pub fn find(&self, key: Words<'_>) -> Option<usize> {
        assert!(key.types().eq(self.key_types.iter().copied()), "another key");
        self.find_words(key.words())
    }

    /// The same for native code.
    ///
    /// # Safety
    /// The words are values of the key's types.
    #[expect(unsafe_code, reason = "takes words that are read as addresses")]
    pub unsafe fn find_unchecked(&self, key: &[Word]) -> Option<usize> {
        self.find_words(key)
    }

    pub(crate) fn find_words(&self, key: &[Word]) -> Option<usize> {
        let mut words = [0; 8];
        let mut more = Vec::new();
        let words = match words.get_mut(..key.len()) {
            Some(words) => words,
            None => {
                more.resize(key.len(), 0);
                &mut more[..]
            }
        };
        words.copy_from_slice(key);
        key::canonical(&self.key_types, words);
        self.find_canonical(words).0
    }

    /// How many bytes strings of a key take.
    fn key_bytes(&self, key: &[Word]) -> usize {
        let mut at = 0;
        let mut bytes = 0;
        for ty in &self.key_types {
            if ty.kind == Kind::Bytes {
                bytes += key[at + 1] as usize;
            }
            at += ty.words();
        }
        bytes
    }

    /// Sets a column of a new row to what it begins with.
    fn begin(&mut self, column: usize, row: usize) {
        for (k, at) in self.word_columns(column).enumerate() {
            self.grid.set(at, row, self.decl.columns[column].init[k]);
        }
    }

    /// Sets a column of a row to zero, whatever lay there.
    fn zero(&mut self, column: usize, row: usize) {
        for at in self.word_columns(column) {
            self.grid.set(at, row, 0);
        }
    }

    fn write(&mut self, column: usize, row: usize, value: Words<'_>) {
        let at = self.starts[column];
        let mut words = [0; 3];
        let words = &mut words[..value.words().len()];
        words.copy_from_slice(value.words());
        if self.ty(column).kind == Kind::Bytes {
            (words[0], words[1]) = self.copy_bytes(column, row, value.bytes(0));
        }
        for (k, &word) in words.iter().enumerate() {
            self.grid.set(at + k, row, word);
        }
    }

    /// Keeps the first so many rows. Where none are left, so are no bytes: those that
    /// there were stay until this happens again.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len && len > 0 {
            return;
        }
        if len == 0 {
            std::mem::swap(&mut self.bytes, &mut self.bytes_before);
            self.bytes.clear();
            (self.len, self.unused) = (0, 0);
        } else {
            let in_use = self.bytes_in_use();
            self.len = len;
            self.unused += in_use - self.bytes_in_use();
        }
        self.index.truncate(len);
        self.oldest = 0;
        self.is_over = self.bytes() > self.decl.bytes_max;
    }

    /// The lengths of all byte strings together.
    fn bytes_in_use(&self) -> usize {
        let columns = self.decl.types().enumerate();
        let columns = columns.filter(|(_, ty)| ty.kind == Kind::Bytes);
        let lengths = |column: usize| {
            let at = self.starts[column] + 1;
            (0..self.len).map(|row| self.grid.get(at, row)).sum::<Word>()
        };
        columns.map(|(column, _)| lengths(column) as usize).sum()
    }

    /// Frees bytes that nothing views any more, where they are more than those in use. Only
    /// between grants, when no view of the rows is on its way.
    pub fn tidy(&mut self) {
        if self.unused < ROWS_TIDY_BYTES_MIN || self.unused * 2 < self.bytes.len() {
            return;
        }
        let bytes = Arena::default();
        for column in 0..self.decl.columns.len() {
            if self.ty(column).kind != Kind::Bytes {
                continue;
            }
            let at = self.starts[column];
            for row in 0..self.len {
                let view = bytes_at(self.grid.get(at, row), self.grid.get(at + 1, row));
                let (address, _) = bytes.copy(view);
                self.grid.set(at, row, address);
            }
        }
        self.bytes = bytes;
        self.unused = 0;
    }

    /// Sees to it that there is memory for so many rows more.
    ///
    /// # Errors
    /// Where they would exceed the bound.
    pub fn make_room(&mut self, rows: usize) -> Result<(), String> {
        self.make_room_and(rows, 0)
    }

    /// The same for rows that take so many bytes besides their words.
    fn make_room_and(&mut self, rows: usize, bytes: usize) -> Result<(), String> {
        let needed = self.len + rows;
        if needed > self.decl.rows_max {
            let (name, max) = (&self.decl.name, self.decl.rows_max);
            return Err(format!("`{name}`: there are more rows than rows_max = {max}"));
        }
        let width = self.grid.width() * size_of::<Word>();
        if rows * width + bytes + self.bytes() > self.decl.bytes_max {
            return Err(self.too_many_bytes());
        }
        if needed > self.grid.allocated() || self.grid.allocated() == 0 {
            self.grow(needed).map_err(|_| {
                let (name, bytes) = (&self.decl.name, self.bytes());
                format!("`{name}`: there is no memory for more rows; these take {bytes} bytes")
            })?;
        }
        Ok(())
    }

    fn grow(&mut self, needed: usize) -> Result<(), TryReserveError> {
        let width = (self.grid.width() * size_of::<Word>()).max(1);
        self.grid.grow(needed, self.decl.bytes_max / width)
    }

    fn ty(&self, column: usize) -> Type {
        self.decl.columns[column].ty
    }

    /// The addresses of the words of the first row, with memory for one row at least. They
    /// are good until rows are added or go.
    pub fn addresses(&mut self, each: impl FnMut(usize, *mut Word)) {
        if self.grid.allocated() == 0 {
            self.grow(1).expect("no memory for one row");
        }
        self.grid.addresses(each);
    }

    /// How native code finds a row of a table itself, as good as the addresses are. Nothing is
    /// found so where [`entry`](Rows::entry) would fail.
    pub fn index_view(&self) -> IndexView {
        self.index.view(!self.is_over)
    }

    /// Whether there are more bytes than there may be, by a column that was set: no row is
    /// added any more, and none found.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// A copy of bytes for a column of a row, which is about to be set to it; for native
    /// code, which sets columns itself.
    pub fn copy_bytes(&mut self, column: usize, row: usize, bytes: &[u8]) -> (Word, Word) {
        self.unused += self.grid.get(self.starts[column] + 1, row) as usize;
        let copy = self.bytes.copy(bytes);
        self.is_over = self.bytes() > self.decl.bytes_max;
        copy
    }

    fn too_many_bytes(&self) -> String {
        let (name, max) = (&self.decl.name, self.decl.bytes_max);
        format!("`{name}`: the rows take more than bytes_max = {max}")
    }
}

#[cfg(test)]
mod tests;
