//! A fast hash of words and byte strings, seeded for each table: products of 64-bit words
//! folded from 128 bits, in the manner of wyhash and foldhash. Whoever does not know the seed
//! cannot easily choose keys that collide; it is not cryptography.

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
    #[inline]
    pub fn start(self) -> u64 {
        self.seed
    }

    /// What words are multiplied by; native code hashes them itself, as [`word`](Hash::word)
    /// does.
    pub fn secret(self) -> u64 {
        self.secret
    }

    /// Adds a word to a hash.
    #[inline]
    pub fn word(self, hash: u64, word: u64) -> u64 {
        fold(word ^ hash, self.secret)
    }

    /// The hash, once all is added: each of its bits depends on all of them, but for one that is
    /// set ([`ALWAYS_SET`](Hash::ALWAYS_SET)).
    ///
    /// PERF: one product for each word alone leaves runs of numbers in patterns: of some seeds
    /// 19 slots are looked at for a key instead of 1.5. A second folded product for each word
    /// mends that too, and costs more.
    #[inline]
    pub fn finish(hash: u64) -> u64 {
        hash.wrapping_mul(Hash::FINISH).rotate_right(32) | Hash::ALWAYS_SET
    }

    /// A bit of the upper half, so that no hash looks like a slot that is free.
    pub const ALWAYS_SET: u64 = 1 << 32;

    /// What [`finish`](Hash::finish) multiplies by.
    pub const FINISH: u64 = ODD[0];

    /// Adds bytes to a hash.
    #[inline]
    pub fn bytes(self, hash: u64, bytes: &[u8]) -> u64 {
        self.digested(hash, bytes, Digest::of(bytes))
    }

    /// The same of bytes whose digest is known.
    #[inline]
    pub(super) fn digested(self, hash: u64, bytes: &[u8], digest: Digest) -> u64 {
        let length = bytes.len() as u64;
        if length > Digest::WHOLE_MAX {
            return self.long(hash, bytes);
        }
        // Of less than 8 bytes, the upper byte of `first` is 0.
        fold(digest.first ^ hash ^ length << 56, digest.last ^ self.secret)
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

/// The first and the last bytes of a byte string: up to 8 each, which may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Digest {
    /// Strings of up to so many bytes are equal if length and digest are.
    pub(super) const WHOLE_MAX: u64 = 16;

    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Digest {
        let (first, last) = match bytes.len() {
            0 => (0, 0),
            1..=3 => {
                let [first, middle, last] = [bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]];
                (
                    u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last),
                    0,
                )
            }
            4..=7 => (first_u32(bytes), first_u32(&bytes[bytes.len() - 4..])),
            _ => (first_u64(bytes), first_u64(&bytes[bytes.len() - 8..])),
        };
        Digest { first, last }
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

    /// Puts hashes into a table that they fill by half, and looks at how many slots are looked
    /// at to find one, on average: 1.5 where hashes are by chance. The lower bits say where
    /// to begin, the upper half which slots are worth a look at the key.
    fn check(bits: u32, hashes: impl Iterator<Item = u64>) {
        let hashes: Vec<u64> = hashes.take(1 << bits).collect();
        assert_eq!(
            hashes.iter().collect::<HashSet<_>>().len(),
            1 << bits,
            "no two of 64 bits are equal"
        );
        let mask = (1usize << (bits + 1)) - 1;
        let mut slots: Vec<Option<u64>> = vec![None; mask + 1];
        let (mut looks, mut in_vain) = (0, 0);
        for &hash in &hashes {
            let mut at = hash as usize & mask;
            looks += 1;
            while let Some(other) = slots[at] {
                in_vain += usize::from((other ^ hash) >> 32 == 0);
                looks += 1;
                at = (at + 1) & mask;
            }
            slots[at] = Some(hash);
        }
        let looks = f64::from(looks) / hashes.len() as f64;
        assert!(looks < 1.65, "{looks} slots for a key");
        assert!(in_vain <= 2, "{in_vain} keys looked at in vain");
    }

    #[test]
    fn regular_keys_are_found_in_few_steps() {
        for seed in 0..40 {
            let hash = Hash::with_seed(seed);
            let start = hash.start();
            check(14, (0..).map(|k| Hash::finish(hash.word(start, k))));
            check(14, (0..).map(|k| Hash::finish(hash.word(start, k << 48))));
            let pair = |k: u64| hash.word(hash.word(start, k % 100), k / 100);
            check(14, (0..).map(|k| Hash::finish(pair(k))));
            check(
                14,
                (0..).map(|k: u32| Hash::finish(hash.word(start, f64::from(k).to_bits()))),
            );
            for width in [6, 12, 16, 20, 40] {
                check(
                    14,
                    (0..).map(|k: u32| Hash::finish(hash.bytes(start, format!("{k:0width$}").as_bytes()))),
                );
                check(
                    14,
                    (0..).map(|k: u32| Hash::finish(hash.bytes(start, format!("{k:<width$}").as_bytes()))),
                );
            }
            check(
                14,
                (0..).map(|k: usize| Hash::finish(hash.bytes(start, &vec![0; k]))),
            );
        }
    }

    #[test]
    fn seeds_make_different_functions() {
        let hashes = (0..1000).map(|seed| Hash::with_seed(seed).bytes(0, b"key"));
        assert_eq!(hashes.collect::<HashSet<_>>().len(), 1000);
    }
}
