//! How a table finds the row of a key.
//!
//! Keys are equal if they are the same bytes, number or boolean, or both absent; -0.0
//! equals 0.0, and NaN equals NaN: the words of a key are made so before they are looked
//! for ([`canonical_key`]).

use super::Rows;
use super::hash::Hash;
use crate::memory::bytes_at;
use crate::types::{Kind, Type, Word, f64_word};

/// Open addressing: the upper half of a row's hash, and 1 more than its number. Never more
/// than half full.
#[derive(Debug)]
pub(super) struct Index {
    hash: Hash,
    slots: Vec<u64>,
    /// The hash of each row's key.
    hashes: Vec<u64>,
}

const SLOTS_MIN: usize = 64;

impl Default for Index {
    fn default() -> Index {
        Index {
            hash: Hash::random(),
            slots: Vec::new(),
            hashes: Vec::new(),
        }
    }
}

/// Whether keys of these types have but one form.
#[inline]
pub(super) fn is_canonical(types: &[Type]) -> bool {
    types.iter().all(|ty| !ty.nullable && ty.kind != Kind::F64)
}

/// Puts the words of a key into the one form that equal keys have.
pub(super) fn canonical_key(types: &[Type], words: &mut [Word]) {
    let mut at = 0;
    for ty in types {
        let value = &mut words[at..at + ty.words()];
        if ty.nullable && value[ty.payload_words()] == 0 {
            value.fill(0);
        } else if ty.kind == Kind::F64 {
            // -0.0 + 0.0 is 0.0.
            value[0] = f64_word(f64::from_bits(value[0]) + 0.0);
        }
        at += ty.words();
    }
}

impl Index {
    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        (self.slots.len() + self.hashes.len()) * size_of::<u64>()
    }

    /// How many bytes it takes more with one row more.
    pub(super) fn bytes_of_one_more(&self) -> usize {
        let slots = if self.is_full() {
            self.slots.len().max(SLOTS_MIN)
        } else {
            0
        };
        (slots + 1) * size_of::<u64>()
    }

    fn is_full(&self) -> bool {
        (self.hashes.len() + 1) * 2 > self.slots.len()
    }

    #[inline]
    pub(super) fn hash(&self, types: &[Type], key: &[Word]) -> u64 {
        let mut hash = self.hash.start();
        let mut at = 0;
        for ty in types {
            hash = match ty.kind {
                Kind::Bytes => self.hash.bytes(hash, bytes_at(key[at], key[at + 1])),
                Kind::I64 | Kind::F64 | Kind::Bool => self.hash.word(hash, key[at]),
            };
            if ty.nullable {
                hash = self.hash.word(hash, key[at + ty.payload_words()]);
            }
            at += ty.words();
        }
        hash
    }

    /// The row of a key, or the slot where it belongs.
    #[inline]
    pub(super) fn find(&self, rows: &Rows, key: &[Word], hash: u64) -> Result<usize, usize> {
        if self.slots.is_empty() {
            return Err(0);
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Err(at);
            }
            if (slot ^ hash) >> 32 == 0 {
                let row = slot as u32 as usize - 1;
                if rows.has_key(row, key) {
                    return Ok(row);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Notes the row that has just been added, whose key was not there.
    pub(super) fn add(&mut self, row: usize, hash: u64) {
        debug_assert_eq!(row, self.hashes.len(), "INVARIANT: rows are added in order");
        let grows = self.is_full();
        self.hashes.push(hash);
        if grows {
            self.rebuild((self.slots.len() * 2).max(SLOTS_MIN));
        } else {
            self.put(row, hash);
        }
    }

    /// Notes that a row has another key, which was not there.
    pub(super) fn replace(&mut self, row: usize, hash: u64) {
        self.take_out(row);
        self.hashes[row] = hash;
        self.put(row, hash);
    }

    fn put(&mut self, row: usize, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = hash & !u64::from(u32::MAX) | (row as u64 + 1);
    }

    /// Frees the slot of a row, and moves those up that had to go past it.
    fn take_out(&mut self, row: usize) {
        let mask = self.slots.len() - 1;
        let mut at = self.hashes[row] as usize & mask;
        while self.slots[at] as u32 as usize != row + 1 {
            at = (at + 1) & mask;
        }
        let mut hole = at;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots[at];
            if slot == 0 {
                break;
            }
            let home = self.hashes[slot as u32 as usize - 1] as usize & mask;
            // Whether the hole lies between its home and where it is, around the end.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = 0;
    }

    /// Forgets all rows but the first so many.
    pub(super) fn truncate(&mut self, len: usize) {
        if len < self.hashes.len() {
            self.hashes.truncate(len);
            self.rebuild(self.slots.len());
        }
    }

    fn rebuild(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.resize(slots, 0);
        for row in 0..self.hashes.len() {
            self.put(row, self.hashes[row]);
        }
    }
}
