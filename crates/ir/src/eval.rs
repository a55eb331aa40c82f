//! The meaning of the pure operations, once, for the interpreter and for the
//! helpers that native code calls.

use std::cmp::Ordering;

use memchr::memmem;

/// `idiv`: towards zero; 0 where the divisor is 0.
pub fn idiv(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_div(b) }
}

/// `irem`: with the sign of the dividend; 0 where the divisor is 0.
pub fn irem(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_rem(b) }
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

/// `stoi`: the integer that the whole text spells in decimal, with an optional
/// sign.
pub fn stoi(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Downwards, as the least integer has no positive counterpart.
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative {
        Some(value)
    } else {
        value.checked_neg()
    }
}

/// `stof`: the number that the whole text spells in decimal (digits, point and
/// exponent; no names of infinities or NaN).
pub fn stof(text: &[u8]) -> Option<f64> {
    let spells_digits = text
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !spells_digits {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
