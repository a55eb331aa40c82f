//! Finding the rows of tables. Code looks for a key of a few words itself, as
//! [`Rows`](cutthrough_ir::Rows) does; other keys, and those that are not there, are a call.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value as ClifValue, types};

use cutthrough_ir::rows::hash::Hash;
use cutthrough_ir::{Kind, Target, Type, Value};

use super::Lowerer;
use crate::context::offset;
use crate::helpers::{Helper, NO_ROW};
use crate::limits::SEARCH_WORDS_MAX;

/// The ends of a search.
struct Search {
    /// Where it goes on when the row has been found.
    there: Block,
    /// The row, there.
    row: ClifValue,
    /// Where it goes on when the row has not been found: there is none, or the table is over
    /// its bound.
    missed: Block,
}

impl Lowerer<'_, '_> {
    /// Finds the row of a key, or adds one, or goes to `failed`.
    pub(super) fn rows_entry(&mut self, rows: usize, key: &[Value], ok: &Target, failed: &Target) {
        let found = self.builder.create_block();
        let [row, entry] = [0; 2].map(|_| self.builder.append_block_param(found, types::I64));
        if let Some(Search { there, row, missed }) = self.search(rows, key) {
            self.switch_to_sealed(there);
            let was_there = self.iconst(0);
            self.builder
                .ins()
                .jump(found, &[row, was_there].map(BlockArg::from));
            self.switch_to_sealed(missed);
        }
        self.enter(rows, key, found, failed);
        self.switch_to_sealed(found);
        self.jump_to(&[row, entry], ok);
    }

    /// The same by a call, which goes on at `found` with the row and how it came.
    ///
    /// PERF: only where a row came is anything loaded again.
    fn enter(&mut self, rows: usize, key: &[Value], found: Block, failed: &Target) {
        let (at, words) = self.store_args(key);
        let index = self.iconst(rows as i64);
        let entered = self.call_helper(Helper::RowsEntry, &[self.context, index, at, words]);
        let (row, entry) = (entered[0], entered[1]);
        let [moved, there] = [self.cold_block(), self.builder.create_block()];
        self.builder.ins().brif(entry, moved, &[], there, &[]);

        self.switch_to_sealed(moved);
        self.reload_rows(rows);
        self.builder.ins().jump(there, &[]);

        self.switch_to_sealed(there);
        let full = self.cold_block();
        let is_full = self.builder.ins().icmp_imm_s(IntCC::Equal, row, NO_ROW);
        let args = [row, entry].map(BlockArg::from);
        self.builder.ins().brif(is_full, full, &[], found, &args);

        self.switch_to_sealed(full);
        self.jump_to(&[], failed);
    }

    pub(super) fn rows_find(&mut self, rows: usize, key: &[Value]) -> ClifValue {
        let found = self.builder.create_block();
        let number = self.builder.append_block_param(found, types::I64);
        if let Some(Search { there, row, missed }) = self.search(rows, key) {
            self.switch_to_sealed(there);
            self.builder.ins().jump(found, &[BlockArg::from(row)]);
            self.switch_to_sealed(missed);
        }
        let (at, words) = self.store_args(key);
        let index = self.iconst(rows as i64);
        let row = self.call_helper(Helper::RowsFind, &[self.context, index, at, words])[0];
        self.builder.ins().jump(found, &[BlockArg::from(row)]);
        self.switch_to_sealed(found);
        number
    }

    /// Looks for a key, if it is one that code looks for.
    fn search(&mut self, rows: usize, key: &[Value]) -> Option<Search> {
        let is_word = |ty: Type| !ty.nullable && matches!(ty.kind, Kind::I64 | Kind::Bool);
        if key.len() > SEARCH_WORDS_MAX || !key.iter().all(|&value| is_word(self.function.ty(value))) {
            return None;
        }
        let words = key.iter().map(|&value| match self.function.ty(value).kind {
            Kind::Bool => {
                let part = self.part(value);
                self.builder.ins().uextend(types::I64, part)
            }
            _ => self.part(value),
        });
        let words: Vec<ClifValue> = words.collect();
        let view = self.rows_view(rows);
        let hash = self.hash(view, &words);
        Some(self.probe(rows, view, &words, hash))
    }

    /// The hash of words, as [`Hash`] defines it.
    fn hash(&mut self, view: ClifValue, words: &[ClifValue]) -> ClifValue {
        let mut hash = self.load_i64(view, offset::ROWS_SEED);
        let secret = self.load_i64(view, offset::ROWS_SECRET);
        for &word in words {
            let factor = self.builder.ins().bxor(word, hash);
            let low = self.builder.ins().imul(factor, secret);
            let high = self.builder.ins().umulhi(factor, secret);
            hash = self.builder.ins().bxor(low, high);
        }
        let factor = self.iconst(Hash::FINISH.cast_signed());
        let product = self.builder.ins().imul(hash, factor);
        let rotated = self.builder.ins().rotr_imm_u(product, 32);
        let always = self.iconst(Hash::ALWAYS_SET.cast_signed());
        self.builder.ins().bor(rotated, always)
    }

    /// Looks at one slot of the index after another.
    fn probe(&mut self, rows: usize, view: ClifValue, words: &[ClifValue], hash: ClifValue) -> Search {
        let slots = self.load_i64(view, offset::ROWS_SLOTS);
        let mask = self.load_i64(view, offset::ROWS_MASK);
        let [look, compare, there] = [0; 3].map(|_| self.builder.create_block());
        let [other, next, missed] = [0; 3].map(|_| self.cold_block());
        let at = self.builder.append_block_param(look, types::I64);
        self.builder.ins().jump(look, &[BlockArg::from(hash)]);

        self.builder.switch_to_block(look);
        let number = self.builder.ins().band(at, mask);
        let bytes = self.builder.ins().ishl_imm_u(number, 3);
        let address = self.builder.ins().iadd(slots, bytes);
        let slot = self.load_i64(address, 0);
        let differs = self.builder.ins().bxor(slot, hash);
        let differs = self.builder.ins().ushr_imm_u(differs, 32);
        self.builder.ins().brif(differs, other, &[], compare, &[]);

        self.switch_to_sealed(compare);
        let row = self.builder.ins().ireduce(types::I32, slot);
        let row = self.builder.ins().uextend(types::I64, row);
        let row = self.builder.ins().iadd_imm_s(row, -1);
        let differences = words.iter().enumerate().map(|(k, &word)| {
            let (address, offset) = self.word_at(rows, k, row);
            let is = self.load_i64(address, offset);
            self.builder.ins().bxor(is, word)
        });
        let differences: Vec<ClifValue> = differences.collect();
        let differs = differences
            .into_iter()
            .reduce(|a, b| self.builder.ins().bor(a, b));
        let differs = differs.expect("INVARIANT: a key has a column");
        self.builder.ins().brif(differs, next, &[], there, &[]);

        self.switch_to_sealed(other);
        self.builder.ins().brif(slot, next, &[], missed, &[]);

        self.switch_to_sealed(next);
        let after = self.builder.ins().iadd_imm_s(at, 1);
        self.builder.ins().jump(look, &[BlockArg::from(after)]);
        self.builder.seal_block(look);
        Search { there, row, missed }
    }
}
