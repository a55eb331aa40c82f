//! Adding rows column by column, as kernels do.

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
