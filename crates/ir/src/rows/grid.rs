//! The words of rows, and how they lie in memory.
//!
//! A plain row buffer lies column by column: kernels fill and read columns. A table lies row by
//! row: whoever has found a row reads and writes all of it, and finds it in a cache line or two,
//! not in one for each column.

use std::collections::TryReserveError;

use crate::program::RowsDecl;
use crate::types::Word;

/// Rows that there is memory for, as soon as there is any.
const ROWS_FIRST: usize = 16;

/// The words of rows: those that there are, and more that there is memory for, in which lies
/// anything.
#[derive(Debug)]
pub(super) struct Grid {
    /// The word columns of a plain buffer; of a table all of its records, in one run.
    runs: Vec<Vec<Word>>,
    /// Words of a row.
    width: usize,
    /// Words from a row to the next one in a run.
    stride: usize,
}

impl Grid {
    pub(super) fn new(decl: &RowsDecl) -> Grid {
        let (width, stride) = (decl.row_words(), decl.row_stride());
        Grid {
            runs: vec![Vec::new(); if decl.is_table() { 1 } else { width }],
            width,
            stride,
        }
    }

    /// Words of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    #[inline]
    pub(super) fn get(&self, word: usize, row: usize) -> Word {
        match self.stride {
            1 => self.runs[word][row],
            stride => self.runs[0][row * stride + word],
        }
    }

    #[inline]
    pub(super) fn set(&mut self, word: usize, row: usize, to: Word) {
        match self.stride {
            1 => self.runs[word][row] = to,
            stride => self.runs[0][row * stride + word] = to,
        }
    }

    /// A row of a table.
    #[inline]
    pub(super) fn record(&self, row: usize) -> &[Word] {
        &self.runs[0][row * self.stride..][..self.width]
    }

    /// The word columns of a plain buffer.
    pub(super) fn columns(&mut self) -> &mut [Vec<Word>] {
        debug_assert_eq!(self.stride, 1, "INVARIANT: kernels fill no tables");
        &mut self.runs
    }

    /// How many rows there is memory for.
    pub(super) fn allocated(&self) -> usize {
        self.runs
            .first()
            .map_or(usize::MAX, |run| run.len() / self.stride)
    }

    /// Sees to it that there is memory for so many rows, and for some more, but no more than
    /// `most` where that is enough.
    ///
    /// # Errors
    /// When the system has no memory for as many.
    #[cold]
    pub(super) fn grow(&mut self, needed: usize, most: usize) -> Result<(), TryReserveError> {
        let rows = (2 * self.allocated()).min(most).max(needed).max(ROWS_FIRST);
        for run in &mut self.runs {
            let words = rows * self.stride;
            run.try_reserve_exact(words.saturating_sub(run.len()))?;
            run.resize(words, 0);
        }
        Ok(())
    }

    /// The address of each word of the first row.
    pub(super) fn addresses(&mut self, mut each: impl FnMut(usize, *mut Word)) {
        if self.stride == 1 {
            for (word, run) in self.runs.iter_mut().enumerate() {
                each(word, run.as_mut_ptr());
            }
        } else {
            let first = self.runs[0].as_mut_ptr();
            for word in 0..self.width {
                each(word, first.wrapping_add(word));
            }
        }
    }
}
