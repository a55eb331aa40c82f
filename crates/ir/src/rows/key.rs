//! The keys of tables: when two are equal, and how they are hashed.
//!
//! Keys are equal if they are the same bytes, number or boolean, or both absent; -0.0
//! equals 0.0, and NaN equals NaN. The words of a key are brought into the one form that
//! equal keys have ([`canonical`]). A byte string is represented by its length and its
//! [`Digest`], which say all of one that has up to [`Digest::WHOLE_MAX`] bytes: only longer
//! ones are looked at in memory.

use super::hash::{Digest, Hash};
use crate::memory::bytes_at;
use crate::types::{Kind, Type, Word, f64_word};

/// How the keys of a table are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words that have one form: integers and booleans.
    Words,
    /// One byte string.
    Bytes,
    /// Anything else.
    Mixed,
}

impl Shape {
    pub(super) fn of(types: &[Type]) -> Shape {
        let is_word = |ty: &Type| !ty.nullable && matches!(ty.kind, Kind::I64 | Kind::Bool);
        match types {
            [Type::BYTES] => Shape::Bytes,
            types if types.iter().all(is_word) => Shape::Words,
            _ => Shape::Mixed,
        }
    }
}

/// Puts the words of a key into the one form that equal keys have.
pub(super) fn canonical(types: &[Type], words: &mut [Word]) {
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

/// The hash of a canonical key.
#[inline]
pub(super) fn hash(hash: Hash, types: &[Type], key: &[Word]) -> u64 {
    let mut of = hash.start();
    let mut at = 0;
    for ty in types {
        of = match ty.kind {
            Kind::Bytes => hash.bytes(of, bytes_at(key[at], key[at + 1])),
            Kind::I64 | Kind::F64 | Kind::Bool => hash.word(of, key[at]),
        };
        if ty.nullable {
            of = hash.word(of, key[at + ty.payload_words()]);
        }
        at += ty.words();
    }
    Hash::finish(of)
}

/// Whether a record, whose digests begin at this word, has this canonical key.
#[inline]
pub(super) fn is_of(types: &[Type], record: &[Word], digests: usize, key: &[Word]) -> bool {
    let (mut at, mut digest_at) = (0, digests);
    for ty in types {
        // The address of bytes says nothing: lengths and presence, then bytes.
        let first = usize::from(ty.kind == Kind::Bytes);
        if record[at + first..at + ty.words()] != key[at + first..at + ty.words()] {
            return false;
        }
        if ty.kind == Kind::Bytes {
            let digest = Digest::of(bytes_at(key[at], key[at + 1]));
            if !is_same_string(&record[at..], &record[digest_at..], &key[at..], digest) {
                return false;
            }
            digest_at += 2;
        }
        at += ty.words();
    }
    true
}

/// Whether two strings of one length are equal: one of a record, and one with its digest.
#[inline]
pub(super) fn is_same_string(record: &[Word], record_digest: &[Word], key: &[Word], digest: Digest) -> bool {
    let length = key[1];
    (record_digest[0] ^ digest.first) | (record_digest[1] ^ digest.last) == 0
        && (length <= Digest::WHOLE_MAX || bytes_at(record[0], length) == bytes_at(key[0], length))
}
