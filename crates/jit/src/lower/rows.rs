//! Row buffers. How many rows there are and where the columns begin is in registers, loaded
//! at the entry and behind whatever may move rows: a row that is added, rows that go, a
//! kernel. Reading a column is then one load, without a branch: of the first row where the
//! number lies outside, with the outcome not used. The rows of keys are found by
//! [`tables`](super::tables).

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::Variable;

use cutthrough_ir::{Kind, Target, Type, Value};

use super::Lowerer;
use super::values::{Parts, part_types};
use crate::context::offset;
use crate::helpers::{Helper, NO_ROW};
use crate::needs::{Needs, RowsNeed};

/// A row buffer in registers.
#[derive(Clone, Debug)]
pub(super) struct RowsVars {
    len: Variable,
    /// For each word of a row that the code uses, its number and where the column begins; of
    /// a table the first word only, behind which the others lie.
    bases: Vec<(usize, Variable)>,
}

impl Lowerer<'_, '_> {
    pub(super) fn load_rows(&mut self, needs: &Needs) {
        for RowsNeed { index, columns } in &needs.rows {
            let words = columns.iter().flat_map(|&column| {
                let (first, ty) = self.column_at(*index, column);
                first..first + ty.words()
            });
            let words: Vec<usize> = match self.chain.tables.rows[*index].is_table() {
                true => vec![0],
                false => words.collect(),
            };
            let len = self.builder.declare_var(types::I64);
            let bases = words
                .into_iter()
                .map(|word| (word, self.builder.declare_var(types::I64)));
            self.rows[*index] = Some(RowsVars {
                len,
                bases: bases.collect(),
            });
            self.reload_rows(*index);
        }
    }

    /// The first word column of a column, and its type.
    fn column_at(&self, rows: usize, column: usize) -> (usize, Type) {
        let columns = &self.chain.tables.rows[rows].columns;
        let first = columns[..column].iter().map(|column| column.ty.words()).sum();
        (first, columns[column].ty)
    }

    /// Loads what may have changed.
    pub(super) fn reload_rows(&mut self, rows: usize) {
        let RowsVars { len, bases } = self.rows_vars(rows).clone();
        let view = self.rows_view(rows);
        let now = self.load_i64(view, offset::ROWS_LEN);
        self.builder.def_var(len, now);
        if bases.is_empty() {
            return;
        }
        let addresses = self.load_i64(view, offset::ROWS_ADDRESSES);
        for (word, base) in bases {
            let address = self.load_i64(addresses, 8 * word as i32);
            self.builder.def_var(base, address);
        }
    }

    fn rows_vars(&self, rows: usize) -> &RowsVars {
        self.rows[rows]
            .as_ref()
            .expect("INVARIANT: Needs has found this row buffer")
    }

    pub(super) fn rows_view(&mut self, rows: usize) -> ClifValue {
        let views = self.load_context(offset::ROWS);
        self.builder
            .ins()
            .iadd_imm_s(views, i64::from(offset::ROWS_VIEW_BYTES) * rows as i64)
    }

    pub(super) fn rows_len(&mut self, rows: usize) -> ClifValue {
        let len = self.rows_vars(rows).len;
        self.builder.use_var(len)
    }

    /// Whether there is a row of this number.
    fn is_row(&mut self, rows: usize, row: ClifValue) -> ClifValue {
        let len = self.rows_len(rows);
        // A number below 0 is a large one as an unsigned number.
        self.builder.ins().icmp(IntCC::UnsignedLessThan, row, len)
    }

    /// Where a word of a row lies: an address, and an offset in bytes.
    pub(super) fn word_at(&mut self, rows: usize, word: usize, row: ClifValue) -> (ClifValue, i32) {
        let decl = &self.chain.tables.rows[rows];
        let (first, offset) = match decl.is_table() {
            true => (0, 8 * word as i32),
            false => (word, 0),
        };
        let bytes = 8 * decl.row_stride() as i64;
        let bases = &self.rows_vars(rows).bases;
        let base = bases.iter().find(|(known, _)| *known == first);
        let &(_, base) = base.expect("INVARIANT: Needs has found this column");
        let base = self.builder.use_var(base);
        let at = self.times(row, bytes);
        (self.builder.ins().iadd(base, at), offset)
    }

    pub(super) fn rows_get(&mut self, (rows, column): (usize, usize), row: ClifValue) -> Parts {
        let (first, ty) = self.column_at(rows, column);
        let inside = self.is_row(rows, row);
        let zero = self.iconst(0);
        let row = self.builder.ins().select(inside, row, zero);
        let parts: Vec<_> = part_types(ty).collect();
        let parts = parts.into_iter().enumerate().map(|(k, part)| {
            let (address, offset) = self.word_at(rows, first + k, row);
            let value = self.load_part(part, address, offset);
            let none = match part {
                types::F64 => self.builder.ins().f64const(0.0),
                part => self.constant_of(part, 0),
            };
            self.builder.ins().select(inside, value, none)
        });
        parts.collect()
    }

    pub(super) fn rows_set(&mut self, (rows, column): (usize, usize), row: ClifValue, value: Value) {
        let (first, ty) = self.column_at(rows, column);
        let mut value = self.parts(value);
        let inside = self.is_row(rows, row);
        let (write, done) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(inside, write, &[], done, &[]);

        self.switch_to_sealed(write);
        if ty.kind == Kind::Bytes {
            let [index, number] = [rows, column].map(|number| self.iconst(number as i64));
            let args = [self.context, index, number, row, value[0], value[1]];
            let copy = self.call_helper(Helper::RowsCopy, &args)[0];
            value = std::iter::once(copy).chain(value.iter().skip(1)).collect();
        }
        for (k, part) in value.iter().enumerate() {
            let (address, offset) = self.word_at(rows, first + k, row);
            self.store_part(part, address, offset);
        }
        self.builder.ins().jump(done, &[]);
        self.switch_to_sealed(done);
    }

    pub(super) fn rows_truncate(&mut self, rows: usize, len: ClifValue) {
        let index = self.iconst(rows as i64);
        self.call_helper(Helper::RowsTruncate, &[self.context, index, len]);
        self.reload_rows(rows);
    }

    /// Adds a row, or goes to `failed`.
    pub(super) fn rows_push(&mut self, rows: usize, row: &[Value], ok: &Target, failed: &Target) {
        let (at, words) = self.store_args(row);
        let index = self.iconst(rows as i64);
        let number = self.call_helper(Helper::RowsPush, &[self.context, index, at, words])[0];
        self.reload_rows(rows);
        let (pushed, full) = (self.builder.create_block(), self.cold_block());
        let is_full = self.builder.ins().icmp_imm_s(IntCC::Equal, number, NO_ROW);
        self.builder.ins().brif(is_full, full, &[], pushed, &[]);

        self.switch_to_sealed(full);
        self.jump_to(&[], failed);

        self.switch_to_sealed(pushed);
        self.jump_to(&[number], ok);
    }

    /// The addresses of row buffers on the stack, for a kernel.
    pub(super) fn rows_args(&mut self, rows: &[u32]) -> ClifValue {
        let area = self
            .rows_area
            .expect("INVARIANT: made for the calls that Needs has found");
        let at = self.builder.ins().stack_addr(types::I64, area, 0);
        for (k, &rows) in rows.iter().enumerate() {
            let view = self.rows_view(rows as usize);
            let address = self.load_i64(view, offset::ROWS_ROWS);
            self.store_trusted(address, at, 8 * k as i32);
        }
        at
    }

    /// A kernel may have moved rows.
    pub(super) fn refresh_rows(&mut self, rows: usize) {
        let index = self.iconst(rows as i64);
        self.call_helper(Helper::RowsRefresh, &[self.context, index]);
        self.reload_rows(rows);
    }
}
