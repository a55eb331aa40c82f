//! The bytes that rows own, and the slabs that they share.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use bumpalo::Bump;
use bytes::Bytes;

use crate::memory::view_of;
use crate::types::Word;

/// Byte strings that live until all of them are let go.
#[derive(Debug, Default)]
pub(super) struct Arena {
    copies: Bump,
    /// The length of all copies together.
    copied: Cell<usize>,
    slabs: Vec<Bytes>,
    shared: usize,
    /// Whoever lends byte strings that are neither copied nor in slabs.
    lenders: Vec<Arc<dyn Any + Send + Sync>>,
}

impl Arena {
    /// The words of a view of a copy. No bytes have one form.
    #[inline]
    pub(super) fn copy(&self, bytes: &[u8]) -> (Word, Word) {
        if bytes.is_empty() {
            return (0, 0);
        }
        self.copied.set(self.copied.get() + bytes.len());
        view_of(self.copies.alloc_slice_copy(bytes))
    }

    /// Keeps a slab; the addresses where its bytes lie.
    pub(super) fn share(&mut self, slab: Bytes) -> Range<usize> {
        let range = slab.as_ptr_range();
        let range = range.start.addr()..range.end.addr();
        let is_known = |known: &Bytes| {
            let known = known.as_ptr_range();
            known.start.addr() <= range.start && range.end <= known.end.addr()
        };
        if !self.slabs.iter().rev().any(is_known) {
            self.shared += slab.len();
            self.slabs.push(slab);
        }
        range
    }

    /// Keeps a lender.
    pub(super) fn keep(&mut self, lender: Arc<dyn Any + Send + Sync>) {
        if !self.lenders.iter().any(|known| Arc::ptr_eq(known, &lender)) {
            self.lenders.push(lender);
        }
    }

    /// How many bytes there are, those of slabs included; what is lent is the lender's.
    pub(super) fn len(&self) -> usize {
        self.copied.get() + self.shared
    }

    pub(super) fn clear(&mut self) {
        self.copies.reset();
        self.copied.set(0);
        self.slabs.clear();
        self.shared = 0;
        self.lenders.clear();
    }
}
