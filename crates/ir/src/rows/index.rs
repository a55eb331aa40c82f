//! How a table finds the row of a key.

use super::hash::Hash;

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

/// What native code needs to find a row itself: `slots[hash & mask]` and what follows.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct IndexView {
    /// The slots, of which there is one at least.
    pub slots: *const u64,
    /// One less than there are slots.
    pub mask: u64,
    /// The hash of no words.
    pub seed: u64,
    /// What words are multiplied by.
    pub secret: u64,
}

/// The only slot of an index in which nothing is found.
static NO_SLOTS: [u64; 1] = [0];

impl IndexView {
    /// Of what is no table.
    pub const NONE: IndexView = IndexView {
        slots: &raw const NO_SLOTS[0],
        mask: 0,
        seed: 0,
        secret: 0,
    };
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

    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    /// The index as native code is given it; one in which nothing is found, unless it `is_open`.
    pub(super) fn view(&self, is_open: bool) -> IndexView {
        let slots = match is_open && !self.slots.is_empty() {
            true => &self.slots[..],
            false => &NO_SLOTS,
        };
        IndexView {
            slots: slots.as_ptr(),
            mask: slots.len() as u64 - 1,
            seed: self.hash.start(),
            secret: self.hash.secret(),
        }
    }

    /// The row with this hash for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at & mask];
            // A slot that is free has another upper half than any hash.
            if (slot ^ hash) >> 32 == 0 {
                let row = slot as u32 as usize - 1;
                if is_it(row) {
                    return Some(row);
                }
            } else if slot == 0 {
                return None;
            }
            at += 1;
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
