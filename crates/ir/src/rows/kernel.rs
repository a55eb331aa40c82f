//! Row buffers as kernels are given them.

use std::sync::Arc;

use bytes::Bytes;

use super::{Append, ColumnMut, LentColumn, Rows};

/// A row buffer that a kernel is given, as its signature says.
#[derive(Debug)]
pub enum RowsArg<'r> {
    /// To read.
    Read(&'r Rows),
    /// To change.
    Write(RowsMut<'r>),
}

/// A row buffer that a kernel may change: what it is declared as stays.
#[derive(Debug)]
pub struct RowsMut<'r> {
    rows: &'r mut Rows,
    /// Whether rows have gone in this call: what they had views may be of is kept once.
    is_cleared: bool,
}

impl<'r> RowsArg<'r> {
    /// The row buffer of a parameter of a signature.
    pub fn new(rows: &'r mut Rows, writes: bool) -> RowsArg<'r> {
        match writes {
            true => RowsArg::Write(RowsMut {
                rows,
                is_cleared: false,
            }),
            false => RowsArg::Read(rows),
        }
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        match self {
            RowsArg::Read(rows) => rows,
            RowsArg::Write(rows) => rows.rows,
        }
    }

    /// The rows, to be changed.
    ///
    /// # Panics
    /// When the signature says that the kernel reads them only.
    pub fn write(&mut self) -> &mut RowsMut<'r> {
        match self {
            RowsArg::Write(rows) => rows,
            RowsArg::Read(rows) => panic!("the kernel only reads `{}`", rows.decl.name),
        }
    }
}

impl std::ops::Deref for RowsMut<'_> {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        self.rows
    }
}

impl RowsMut<'_> {
    /// Lets all rows go.
    pub fn clear(&mut self) {
        if self.is_cleared {
            self.rows.len = 0;
        } else {
            self.rows.truncate(0);
            self.is_cleared = true;
        }
    }

    /// Keeps these rows, in this order, each once at the most; the others go. Their bytes
    /// stay.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn keep(&mut self, order: &[u32]) {
        let rows = &mut *self.rows;
        assert!(
            order.len() <= rows.len && order.iter().all(|&row| (row as usize) < rows.len),
            "a row that is not there"
        );
        rows.unused += rows.bytes_in_use();
        for column in rows.grid.columns() {
            let kept = order.iter().map(|&row| column[row as usize]);
            let mut kept: Vec<_> = kept.collect();
            kept.resize(column.len(), 0);
            *column = kept;
        }
        rows.len = order.len();
        rows.unused -= rows.bytes_in_use();
    }

    /// Begins to add up to so many rows. Byte strings that lie in `slab` are not copied:
    /// the buffer shares the slab ([`HostContext::slab_of`](crate::HostContext::slab_of)).
    ///
    /// # Errors
    /// Where the rows, or the slab, would exceed the bound.
    pub fn append(&mut self, rows: usize, slab: Option<Bytes>) -> Result<Append<'_>, String> {
        let buffer = &mut *self.rows;
        let shared = slab.map_or(0..0, |slab| buffer.bytes.share(slab));
        buffer.make_room(rows)?;
        let range = buffer.len..buffer.len + rows;
        let mut words = buffer.grid.columns().iter_mut();
        let bytes = &buffer.bytes;
        let columns = buffer
            .decl
            .columns
            .iter()
            .map(|column| ColumnMut::new(column, &mut words, range.clone(), (bytes, shared.clone())));
        Ok(Append {
            columns: columns.collect(),
            len: &mut buffer.len,
            room: rows,
        })
    }

    /// Adds so many rows, with what a lender has: `fill` is given the lender and each column,
    /// by its number. Byte strings are not copied: the buffer keeps the lender.
    ///
    /// # Errors
    /// Where the rows would exceed the bound.
    pub fn append_lent<L: Send + Sync + 'static>(
        &mut self,
        rows: usize,
        lender: &Arc<L>,
        mut fill: impl for<'x> FnMut(&'x L, usize, &mut LentColumn<'_, '_, 'x>),
    ) -> Result<(), String> {
        self.rows.bytes.keep(Arc::<L>::clone(lender));
        let mut append = self.append(rows, None)?;
        for (number, column) in append.columns.iter_mut().enumerate() {
            fill(lender, number, &mut LentColumn::keeping(column));
        }
        append.finish(rows);
        Ok(())
    }
}
