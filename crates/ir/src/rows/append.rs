//! Adding rows column by column, as kernels do.
//!
//! A [`LentColumn`] takes byte strings without a copy: its lifetime `'x` is that of a borrow
//! of the lender, which the buffer keeps for as long as it has views of it. Whoever fills the
//! column knows nothing of `'x`, so all that it can lend is what lies in the lender, or lives
//! for ever. The lender is shared, so nobody can change it meanwhile.

use std::marker::PhantomData;
use std::ops::Range;

use super::arena::Arena;
use crate::memory::view_of;
use crate::program::SlotDecl;
use crate::types::{Kind, Type, Word, f64_word};

/// Rows that are being added: there is room for some, all of them zero (absent, no bytes)
/// until a column says otherwise. Those that [`finish`](Append::finish) counts are there
/// then, the others are not.
#[derive(Debug)]
pub struct Append<'r> {
    pub(super) columns: Vec<ColumnMut<'r>>,
    pub(super) len: &'r mut usize,
    pub(super) room: usize,
}

/// One column of rows that are being added. Rows are numbered from 0, the first of the
/// new ones; a row outside of the room panics, as does a value of another type.
#[derive(Debug)]
pub struct ColumnMut<'r> {
    ty: Type,
    /// Values, or the addresses of byte strings.
    words: &'r mut [Word],
    lengths: &'r mut [Word],
    presence: &'r mut [Word],
    /// The addresses of the bytes that need not be copied.
    shared: Range<usize>,
    bytes: &'r Arena,
}

impl<'r> Append<'r> {
    /// How many rows there is room for.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The columns, in the order of their declaration. Take each out once for all rows:
    /// `let [key, value] = append.columns() else { .. }`.
    pub fn columns(&mut self) -> &mut [ColumnMut<'r>] {
        &mut self.columns
    }

    /// Adds the first so many rows.
    ///
    /// # Panics
    /// When there is no room for as many.
    pub fn finish(self, rows: usize) {
        assert!(
            rows <= self.room,
            "{rows} rows, where there is room for {}",
            self.room
        );
        *self.len += rows;
    }
}

impl<'r> ColumnMut<'r> {
    /// The column of these word columns, in this range of rows.
    pub(super) fn new(
        column: &SlotDecl,
        words: &mut impl Iterator<Item = &'r mut Vec<Word>>,
        rows: Range<usize>,
        (bytes, shared): (&'r Arena, Range<usize>),
    ) -> ColumnMut<'r> {
        let ty = column.ty;
        let mut next = |is_there: bool| -> &'r mut [Word] {
            if !is_there {
                return &mut [];
            }
            let words = words.next().expect("INVARIANT: each type has its words");
            let words = &mut words[rows.clone()];
            words.fill(0);
            words
        };
        ColumnMut {
            ty,
            words: next(true),
            lengths: next(ty.kind == Kind::Bytes),
            presence: next(ty.nullable),
            shared,
            bytes,
        }
    }

    /// The type of the column.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Sets an integer.
    #[inline]
    pub fn i64(&mut self, row: usize, value: i64) {
        self.word(Kind::I64, row, value.cast_unsigned());
    }

    /// Sets a double.
    #[inline]
    pub fn f64(&mut self, row: usize, value: f64) {
        self.word(Kind::F64, row, f64_word(value));
    }

    /// Sets a boolean.
    #[inline]
    pub fn bool(&mut self, row: usize, value: bool) {
        self.word(Kind::Bool, row, value.into());
    }

    /// Sets a byte string: of the shared slab as it is, of elsewhere by a copy.
    #[inline]
    pub fn bytes(&mut self, row: usize, bytes: &[u8]) {
        assert_eq!(self.ty.kind, Kind::Bytes, "the column is of {}", self.ty);
        let range = bytes.as_ptr_range();
        let is_shared = self.shared.start <= range.start.addr() && range.end.addr() <= self.shared.end;
        let (address, length) = match bytes {
            [] => (0, 0),
            _ if is_shared => view_of(bytes),
            _ => self.bytes.copy(bytes),
        };
        self.words[row] = address;
        self.lengths[row] = length;
        self.set_present(row);
    }

    /// Makes a value zero (absent, no bytes), as it was at first.
    pub fn clear(&mut self, row: usize) {
        self.words[row] = 0;
        for words in [&mut self.lengths, &mut self.presence] {
            if let Some(word) = words.get_mut(row) {
                *word = 0;
            }
        }
    }

    #[inline]
    fn word(&mut self, kind: Kind, row: usize, word: Word) {
        assert_eq!(self.ty.kind, kind, "the column is of {}", self.ty);
        self.words[row] = word;
        self.set_present(row);
    }

    #[inline]
    fn set_present(&mut self, row: usize) {
        if let Some(presence) = self.presence.get_mut(row) {
            *presence = 1;
        }
    }
}

/// A column that is filled from the first row on, by whoever lends what is put into it.
#[derive(Debug)]
pub struct LentColumn<'c, 'r, 'x> {
    column: &'c mut ColumnMut<'r>,
    /// The row that counts as the first.
    first: usize,
    /// Whether the buffer keeps the lender; if not, byte strings are copied.
    is_kept: bool,
    /// Neither longer nor shorter than the borrow of the lender.
    lender: PhantomData<fn(&'x ()) -> &'x ()>,
}

impl<'c, 'r, 'x> LentColumn<'c, 'r, 'x> {
    /// A column that copies what is lent.
    pub fn copying(column: &'c mut ColumnMut<'r>) -> Self {
        LentColumn {
            column,
            first: 0,
            is_kept: false,
            lender: PhantomData,
        }
    }

    /// A column of rows that keep the lender, which is borrowed for `'x`.
    pub(super) fn keeping(column: &'c mut ColumnMut<'r>) -> Self {
        LentColumn {
            column,
            first: 0,
            is_kept: true,
            lender: PhantomData,
        }
    }

    /// The same column from this row on: for values of which only some rows have one.
    pub fn from_row(&mut self, row: usize) -> LentColumn<'_, 'r, 'x> {
        LentColumn {
            column: self.column,
            first: self.first + row,
            is_kept: self.is_kept,
            lender: PhantomData,
        }
    }

    /// Sets integers, one a row.
    #[inline]
    pub fn i64s(&mut self, values: impl Iterator<Item = i64>) {
        self.words(Kind::I64, values.map(i64::cast_unsigned));
    }

    /// Sets doubles, one a row.
    #[inline]
    pub fn f64s(&mut self, values: impl Iterator<Item = f64>) {
        self.words(Kind::F64, values.map(f64_word));
    }

    /// Sets booleans, one a row.
    #[inline]
    pub fn bools(&mut self, values: impl Iterator<Item = bool>) {
        self.words(Kind::Bool, values.map(Word::from));
    }

    /// Sets byte strings, one a row.
    #[inline]
    pub fn byte_strings(&mut self, values: impl Iterator<Item = &'x [u8]>) {
        let column = &mut *self.column;
        assert_eq!(column.ty, Type::BYTES, "the column is of {}", column.ty);
        if !self.is_kept {
            for (row, bytes) in (self.first..).zip(values) {
                column.bytes(row, bytes);
            }
            return;
        }
        let (words, lengths) = (&mut column.words[self.first..], &mut column.lengths[self.first..]);
        let rows = words.iter_mut().zip(lengths);
        for ((address, length), bytes) in rows.zip(values) {
            (*address, *length) = lent(bytes);
        }
    }

    /// Sets an integer.
    #[inline]
    pub fn i64(&mut self, row: usize, value: i64) {
        self.column.i64(self.first + row, value);
    }

    /// Sets a double.
    #[inline]
    pub fn f64(&mut self, row: usize, value: f64) {
        self.column.f64(self.first + row, value);
    }

    /// Sets a boolean.
    #[inline]
    pub fn bool(&mut self, row: usize, value: bool) {
        self.column.bool(self.first + row, value);
    }

    /// Sets a byte string.
    #[inline]
    pub fn bytes(&mut self, row: usize, bytes: &'x [u8]) {
        let (column, row) = (&mut *self.column, self.first + row);
        if !self.is_kept {
            return column.bytes(row, bytes);
        }
        assert_eq!(column.ty.kind, Kind::Bytes, "the column is of {}", column.ty);
        (column.words[row], column.lengths[row]) = lent(bytes);
        column.set_present(row);
    }

    #[inline]
    fn words(&mut self, kind: Kind, values: impl Iterator<Item = Word>) {
        let column = &mut *self.column;
        assert_eq!(column.ty, Type::new(kind), "the column is of {}", column.ty);
        for (row, word) in column.words[self.first..].iter_mut().zip(values) {
            *row = word;
        }
    }
}

/// The words of a view of what is lent; no bytes have one form.
#[inline]
fn lent(bytes: &[u8]) -> (Word, Word) {
    match bytes {
        [] => (0, 0),
        _ => view_of(bytes),
    }
}
