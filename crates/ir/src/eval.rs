//! The meaning of the pure operations, once, for the interpreter and for the
//! helpers that native code calls.

use std::cmp::Ordering;

use memchr::memmem;

use crate::function::Imm;
use crate::number::{parse_f64, parse_i64};
use crate::op::Op;
use crate::types::Type;

/// `idiv`: towards zero; 0 where the divisor is 0.
pub fn idiv(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_div(b) }
}

/// `irem`: with the sign of the dividend; 0 where the divisor is 0.
pub fn irem(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_rem(b) }
}

/// What an operation on integers and truths gives, these as 0 and 1; none for all other
/// operations.
pub fn number(op: Op, args: &[i64]) -> Option<i64> {
    Some(match (op, args) {
        (Op::Iadd, [a, b]) => a.wrapping_add(*b),
        (Op::Isub, [a, b]) => a.wrapping_sub(*b),
        (Op::Imul, [a, b]) => a.wrapping_mul(*b),
        (Op::Idiv, [a, b]) => idiv(*a, *b),
        (Op::Irem, [a, b]) => irem(*a, *b),
        (Op::Ineg, [a]) => a.wrapping_neg(),
        (Op::Iabs, [a]) => a.wrapping_abs(),
        (Op::Imin, [a, b]) => *a.min(b),
        (Op::Imax, [a, b]) => *a.max(b),
        (Op::Iand | Op::And, [a, b]) => a & b,
        (Op::Ior | Op::Or, [a, b]) => a | b,
        (Op::Ixor | Op::Xor, [a, b]) => a ^ b,
        (Op::Inot, [a]) => !a,
        (Op::Ishl, [a, b]) => a << shift_amount(*b),
        (Op::Ishr, [a, b]) => a >> shift_amount(*b),
        (Op::Iushr, [a, b]) => (a.cast_unsigned() >> shift_amount(*b)).cast_signed(),
        (Op::Ieq, [a, b]) => i64::from(a == b),
        (Op::Ine, [a, b]) => i64::from(a != b),
        (Op::Ilt, [a, b]) => i64::from(a < b),
        (Op::Ile, [a, b]) => i64::from(a <= b),
        (Op::Igt, [a, b]) => i64::from(a > b),
        (Op::Ige, [a, b]) => i64::from(a >= b),
        (Op::Not, [a]) => a ^ 1,
        (Op::BToI, [a]) => *a,
        _ => return None,
    })
}

/// The operation that gives a number as a value of this type: an integer, or a truth.
pub fn constant(number: i64, ty: Type) -> (Op, Imm) {
    match ty {
        Type::BOOL => (Op::Bconst, Imm::Bool(number != 0)),
        _ => (Op::Iconst, Imm::I64(number)),
    }
}

/// The number that a constant is, for integers and truths; none for all other operations.
pub fn constant_number(op: Op, imm: Imm) -> Option<i64> {
    match (op, imm) {
        (Op::Iconst, Imm::I64(number)) => Some(number),
        (Op::Bconst, Imm::Bool(truth)) => Some(i64::from(truth)),
        _ => None,
    }
}

/// The amount of a shift, modulo 64.
pub fn shift_amount(b: i64) -> u32 {
    (b & 63) as u32
}

/// `scmp`: -1, 0 or 1.
pub fn scmp(a: &[u8], b: &[u8]) -> i64 {
    match a.cmp(b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// `sslice`: from `start` up to `end`, both clamped; none where they cross.
pub fn sslice(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let length = bytes.len() as i64;
    let (start, end) = (start.clamp(0, length), end.clamp(0, length));
    if start >= end {
        &[]
    } else {
        &bytes[start as usize..end as usize]
    }
}

/// `sbyte`: the byte at an index; -1 outside.
pub fn sbyte(bytes: &[u8], index: i64) -> i64 {
    usize::try_from(index)
        .ok()
        .and_then(|index| bytes.get(index))
        .map_or(-1, |&byte| i64::from(byte))
}

/// `sfind`: where `needle` first begins; -1 if nowhere.
pub fn sfind(bytes: &[u8], needle: &[u8]) -> i64 {
    memmem::find(bytes, needle).map_or(-1, |at| at as i64)
}

/// `stoi`: the integer that the text spells in decimal ([`parse_i64`]).
pub fn stoi(text: &[u8]) -> Option<i64> {
    parse_i64(text)
}

/// `wtof`: the nearest double of a 128-bit integer.
pub fn wtof(low: i64, high: i64) -> f64 {
    (i128::from(high) << 64 | i128::from(low.cast_unsigned())) as f64
}

/// `stof`: the number that the text spells in decimal ([`parse_f64`]).
pub fn stof(text: &[u8]) -> Option<f64> {
    parse_f64(text)
}
