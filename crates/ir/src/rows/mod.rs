//! Row buffers: many rows of one type that a process keeps, as columns of words. One whose
//! first columns are a key is a *table*: it finds the row of a key, and adds one where there
//! is none.
//!
//! A column of a type of W words is W *word columns*, each contiguous: a byte string has one
//! of addresses and one of lengths, a nullable value one more of presences. Native code
//! reads and writes them in place.
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
//! | `arena` | the bytes that they own or share |
//! | `index` | how a table finds rows |
//! | `hash` | the hash function of that |
//! | `image` | rows as bytes that outlive the OS process, and what becomes of them under another declaration |
//! | `append` | how kernels add rows, column by column |
//! | `kernel` | how kernels are given row buffers |

mod append;
mod arena;
pub mod hash;
mod image;
mod index;
mod kernel;

pub use append::{Append, ColumnMut, LentColumn};
pub use kernel::{RowsArg, RowsMut};

use std::ops::Range;

use crate::limits::ROWS_TIDY_BYTES_MIN;
use crate::memory::{Scalar, Words, bytes_at, trusted};
use crate::program::{AtBound, RowsDecl};
use crate::types::{FieldAt, Kind, Type, Word};
use arena::Arena;
use hash::are_equal;
use index::{Index, canonical_key, is_canonical};

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
    /// How many of the bytes nothing views any more.
    unused: usize,
    /// Whether bytes have come to be more than there may be, by a column that was set: no
    /// row is added any more.
    is_over: bool,
    index: Index,
    key_types: Vec<Type>,
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
        Rows {
            words: vec![Vec::new(); starts[starts.len() - 1]],
            starts,
            len: 0,
            bytes: Arena::default(),
            bytes_before: Arena::default(),
            unused: 0,
            is_over: false,
            index: Index::default(),
            key_types: decl.types().take(decl.key).collect(),
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
        let words = self.len * self.words.len() * size_of::<Word>();
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
        if is_canonical(&self.key_types) {
            return self.entry_canonical(key);
        }
        let mut words = std::mem::take(&mut self.key);
        words.clear();
        words.extend_from_slice(key);
        canonical_key(&self.key_types, &mut words);
        let entry = self.entry_canonical(&words);
        self.key = words;
        entry
    }

    #[inline]
    fn entry_canonical(&mut self, key: &[Word]) -> Result<(usize, Entry), String> {
        let hash = self.index.hash(&self.key_types, key);
        match self.index.find(self, key, hash) {
            Ok(row) => Ok((row, Entry::Found)),
            Err(_) => self.add_key(key, hash),
        }
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
        Ok((row, entry))
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
        canonical_key(&self.key_types, words);
        let hash = self.index.hash(&self.key_types, words);
        self.index.find(self, words, hash).ok()
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

    /// Whether a row has this key.
    #[inline]
    fn has_key(&self, row: usize, key: &[Word]) -> bool {
        let mut at = 0;
        for ty in &self.key_types {
            // The address of bytes alone says nothing: lengths and presence, then bytes.
            let first = usize::from(ty.kind == Kind::Bytes);
            if (first..ty.words()).any(|k| self.words[at + k][row] != key[at + k]) {
                return false;
            }
            if ty.kind == Kind::Bytes {
                let length = key[at + 1];
                if !are_equal(bytes_at(self.words[at][row], length), bytes_at(key[at], length)) {
                    return false;
                }
            }
            at += ty.words();
        }
        true
    }

    /// Sets a column of a new row to what it begins with.
    fn begin(&mut self, column: usize, row: usize) {
        for (k, at) in self.word_columns(column).enumerate() {
            self.words[at][row] = self.decl.columns[column].init[k];
        }
    }

    /// Sets a column of a row to zero, whatever lay there.
    fn zero(&mut self, column: usize, row: usize) {
        for at in self.word_columns(column) {
            self.words[at][row] = 0;
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
            self.words[at + k][row] = word;
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
            self.words[self.starts[column] + 1][..self.len]
                .iter()
                .sum::<Word>()
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
                let view = bytes_at(self.words[at][row], self.words[at + 1][row]);
                self.words[at][row] = bytes.copy(view).0;
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
        let width = self.words.len() * size_of::<Word>();
        if rows * width + bytes + self.bytes() > self.decl.bytes_max {
            return Err(self.too_many_bytes());
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

    /// A copy of bytes for a column of a row, which is about to be set to it; for native
    /// code, which sets columns itself.
    pub fn copy_bytes(&mut self, column: usize, row: usize, bytes: &[u8]) -> (Word, Word) {
        self.unused += self.words[self.starts[column] + 1][row] as usize;
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
