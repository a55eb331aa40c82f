//! A fast hash of words and short byte strings, seeded for each table: products of
//! 64-bit words folded from 128 bits, in the manner of wyhash. Whoever does not
//! know the seed cannot easily choose keys that collide; it is not cryptography.

use std::hash::BuildHasher;

/// A seeded hash function.
#[derive(Clone, Copy, Debug)]
pub struct Hash {
    seed: u64,
    secret: u64,
}

const ODD: [u64; 3] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
];

impl Hash {
    /// A hash function that differs from run to run.
    pub fn random() -> Hash {
        Hash::with_seed(std::hash::RandomState::new().hash_one(0u64))
    }

    /// The hash function of a seed.
    pub fn with_seed(seed: u64) -> Hash {
        let seed = fold(seed ^ ODD[0], ODD[1]);
        Hash {
            seed,
            secret: fold(seed ^ ODD[2], ODD[0]) | 1,
        }
    }

    /// The hash of nothing: where a hash of several values starts.
    pub fn start(self) -> u64 {
        self.seed
    }

    /// Adds a word to a hash.
    #[inline]
    pub fn word(self, hash: u64, word: u64) -> u64 {
        // One product alone leaves runs of numbers in patterns: 44 % of the buckets
        // empty where chance leaves 37.
        fold(fold(word ^ hash, self.secret) ^ hash, self.secret ^ ODD[1])
    }

    /// Adds bytes to a hash.
    #[inline]
    pub fn bytes(self, hash: u64, bytes: &[u8]) -> u64 {
        let length = bytes.len() as u64;
        let (low, high) = match bytes.len() {
            0 => (0, 0),
            1..=3 => {
                let [first, middle, last] = [bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]];
                (
                    u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last),
                    0,
                )
            }
            4..=7 => (first_u32(bytes), first_u32(&bytes[bytes.len() - 4..])),
            8..=16 => (first_u64(bytes), first_u64(&bytes[bytes.len() - 8..])),
            _ => return self.long(hash, bytes),
        };
        fold(
            fold(low ^ hash, high ^ self.secret) ^ length,
            self.secret ^ ODD[1],
        )
    }

    /// More than 16 bytes: 16 at a time, then the last 16, which may overlap.
    fn long(self, mut hash: u64, bytes: &[u8]) -> u64 {
        let mut rest = bytes;
        while rest.len() > 16 {
            hash = fold(first_u64(rest) ^ hash, first_u64(&rest[8..]) ^ self.secret);
            rest = &rest[16..];
        }
        let tail = &bytes[bytes.len() - 16..];
        hash = fold(first_u64(tail) ^ hash, first_u64(&tail[8..]) ^ self.secret);
        fold(hash ^ bytes.len() as u64, self.secret ^ ODD[1])
    }
}

/// Whether strings of the same length are equal.
#[inline]
pub(super) fn are_equal(a: &[u8], b: &[u8]) -> bool {
    debug_assert_eq!(a.len(), b.len());
    // PERF: most keys are so short that a call costs more than the words they are.
    match a.len() {
        0..=3 => a.iter().eq(b),
        4..=7 => {
            let last = a.len() - 4;
            (first_u32(a) ^ first_u32(b)) | (first_u32(&a[last..]) ^ first_u32(&b[last..])) == 0
        }
        8..=16 => {
            let last = a.len() - 8;
            (first_u64(a) ^ first_u64(b)) | (first_u64(&a[last..]) ^ first_u64(&b[last..])) == 0
        }
        _ => a == b,
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn first_u64(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().expect("there are eight bytes"))
}

#[inline]
fn first_u32(bytes: &[u8]) -> u64 {
    u64::from(u32::from_le_bytes(
        *bytes.first_chunk().expect("there are four bytes"),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Counts how many buckets of `2^bits` the hashes leave empty, in percent; chance
    /// leaves 37 where there are as many hashes as buckets.
    fn check(bits: u32, hashes: impl Iterator<Item = u64>) {
        let hashes: Vec<u64> = hashes.take(1 << bits).collect();
        assert_eq!(
            hashes.iter().collect::<HashSet<_>>().len(),
            1 << bits,
            "no two of 64 bits are equal"
        );
        for shift in [0, 64 - bits] {
            let mask = (1u64 << bits) - 1;
            let used = hashes
                .iter()
                .map(|hash| hash >> shift & mask)
                .collect::<HashSet<_>>()
                .len();
            let empty = 100 - 100 * used / (1 << bits);
            assert!((35..=39).contains(&empty), "{empty} % empty at shift {shift}");
        }
    }

    #[test]
    fn regular_keys_spread_like_chance() {
        for seed in 0..4 {
            let hash = Hash::with_seed(seed);
            let start = hash.start();
            check(14, (0..).map(|k| hash.word(start, k)));
            check(14, (0..).map(|k| hash.word(start, k << 48)));
            check(14, (0..).map(|k: u32| hash.word(start, f64::from(k).to_bits())));
            for width in [6, 12, 16, 20, 40] {
                check(
                    14,
                    (0..).map(|k: u32| hash.bytes(start, format!("{k:0width$}").as_bytes())),
                );
                check(
                    14,
                    (0..).map(|k: u32| hash.bytes(start, format!("{k:<width$}").as_bytes())),
                );
            }
            check(14, (0..).map(|k: usize| hash.bytes(start, &vec![0; k])));
        }
    }

    #[test]
    fn seeds_make_different_functions() {
        let hashes = (0..1000).map(|seed| Hash::with_seed(seed).bytes(0, b"key"));
        assert_eq!(hashes.collect::<HashSet<_>>().len(), 1000);
    }
}
