//! Short numbers in a block of text, eight bytes at a time.
//!
//! What these do not know, the functions of [`number`](crate::number) do: none means
//! that those have to be asked. A test holds both to each other.

use crate::scan::equal_bytes;

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// What digits with decimals are divided by.
const POWERS: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// The integer at `text[from..to]`, of at most 16 digits.
#[inline]
pub(crate) fn i64_at(text: &[u8], from: usize, to: usize) -> Option<i64> {
    let is_negative = *text.get(from)? == b'-';
    let from = from + usize::from(is_negative);
    let length = to.checked_sub(from)?;
    let value = if length <= 8 {
        digits(word_at(text, from, length)?)?
    } else if length <= 16 {
        let high = digits(word_at(text, from, length - 8)?)?;
        high * 100_000_000 + digits(word_at(text, to - 8, 8)?)?
    } else {
        return None;
    };
    let value = value.cast_signed();
    Some(if is_negative { -value } else { value })
}

/// The double at `text[from..to]`: at most eight digits, or seven and a point.
///
/// Digits and power of ten are exact as doubles, so that one division rounds correctly.
#[inline]
pub(crate) fn f64_at(text: &[u8], from: usize, to: usize) -> Option<f64> {
    let is_negative = *text.get(from)? == b'-';
    let from = from + usize::from(is_negative);
    let length = to.checked_sub(from)?;
    let word = word_at(text, from, length)?;
    let points = equal_bytes(word, b'.');
    if points == 0 {
        let value = digits(word)? as f64;
        return Some(if is_negative { -value } else { value });
    }
    if length == 1 {
        return None;
    }
    // The digits before the point move up into its place.
    let point = points.trailing_zeros() & !7;
    let before = word & ((1 << point) - 1);
    let after = (word >> point >> 8) << point << 8;
    let decimals = 7 - (point / 8) as usize;
    let value = digits(after | before << 8 | u64::from(b'0'))? as f64 / POWERS[decimals];
    Some(if is_negative { -value } else { value })
}

/// Up to seven digits from `from` on, whatever follows them: their value, and how many
/// there are. None where there are none or more, or near the end of the text.
#[inline]
pub(crate) fn digits_at(text: &[u8], from: usize) -> Option<(i64, usize)> {
    let word = u64::from_le_bytes(*text.get(from..)?.first_chunk()?);
    let length = (others(word).trailing_zeros() / 8) as usize;
    if length == 0 || length == 8 {
        return None;
    }
    let value = value_of(flush_right(word, length));
    Some((value.cast_signed(), length))
}

/// The bytes `text[from..from + length]` in a word, the first in the lowest bits above
/// as many zero digits as are missing. None but for 1 to 8 bytes, or near the end.
#[inline]
fn word_at(text: &[u8], from: usize, length: usize) -> Option<u64> {
    if length.wrapping_sub(1) >= 8 {
        return None;
    }
    let word = u64::from_le_bytes(*text.get(from..)?.first_chunk()?);
    Some(flush_right(word, length))
}

/// Keeps the first 1 to 8 bytes of a word as its last ones, behind zero digits.
#[inline]
fn flush_right(word: u64, length: usize) -> u64 {
    let shift = 64 - 8 * length as u32;
    word << shift | ZEROS & ((1 << shift) - 1)
}

/// The high bit of the first byte that is no digit, if there is one; above it anything.
#[inline]
fn others(word: u64) -> u64 {
    // Digits differ from zeros in the low four bits only, and are not above nine.
    let differs = word ^ ZEROS;
    let is_large = (differs & !HIGH_BITS).wrapping_add(0x7676_7676_7676_7676);
    (differs | is_large) & HIGH_BITS
}

#[inline]
fn digits(word: u64) -> Option<u64> {
    (others(word) == 0).then(|| value_of(word))
}

/// The value of eight digits: pairs, then fours, then all are put together.
#[inline]
fn value_of(word: u64) -> u64 {
    let digits = word.wrapping_sub(ZEROS);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

#[cfg(test)]
mod tests {
    use super::super::{parse_f64, parse_i64};
    use super::*;
    use crate::testing::Random;

    /// What the functions say of a text in the midst of others is what is said of it alone.
    fn check(text: &[u8], random: &mut Random) {
        let around = random.bytes(b"0123456789.-;\n ", 20);
        let (from, to) = (around.len(), around.len() + text.len());
        let block = [&around[..], text, &random.bytes(b"0123456789.;\n", 20)].concat();
        if let Some(value) = i64_at(&block, from, to) {
            assert_eq!(Some(value), parse_i64(text), "{}", text.escape_ascii());
        }
        if let Some(value) = f64_at(&block, from, to) {
            let expected = parse_f64(text).map(f64::to_bits);
            assert_eq!(Some(value.to_bits()), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn short_numbers_are_what_numbers_are() {
        for seed in 0..200_000 {
            let mut random = Random::new(seed);
            let alphabet = *random.pick(&[
                &b"0123456789"[..],
                b"0123456789.",
                b"09.-+e:/ ",
                b"0\xb0\x80\xff9",
            ]);
            let mut text = random.bytes(alphabet, 18);
            if random.below(2) == 0 {
                text.insert(0, b'-');
            }
            check(&text, &mut random);
        }
    }

    #[test]
    fn every_byte_is_a_digit_or_none() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut word = ZEROS.to_le_bytes();
                word[place] = byte;
                let is_digit = others(u64::from_le_bytes(word)) == 0;
                assert_eq!(is_digit, byte.is_ascii_digit(), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn short_numbers_are_known() {
        let block = b"1;-12.3;12345678;-123456789012345;.5;5.;.;;-;1234567.;  padding";
        let fields = [
            (0, 1, Some(1), Some(1.0)),
            (2, 7, None, Some(-12.3)),
            (8, 16, Some(12_345_678), Some(12_345_678.0)),
            (17, 33, Some(-123_456_789_012_345), None),
            (34, 36, None, Some(0.5)),
            (37, 39, None, Some(5.0)),
            (40, 41, None, None),
            (42, 42, None, None),
            (43, 44, None, None),
            (45, 53, None, Some(1_234_567.0)),
        ];
        for (from, to, integer, double) in fields {
            assert_eq!(i64_at(block, from, to), integer, "{from}");
            assert_eq!(f64_at(block, from, to), double, "{from}");
        }
    }

    #[test]
    fn digits_end_where_they_end() {
        assert_eq!(digits_at(b"200 1234 -", 0), Some((200, 3)));
        assert_eq!(digits_at(b"7\xb0000000 ", 0), Some((7, 1)));
        assert_eq!(digits_at(b"1234567 ", 0), Some((1_234_567, 7)));
        assert_eq!(digits_at(b"12345678 ", 0), None);
        assert_eq!(digits_at(b" 200 1234", 0), None);
        assert_eq!(digits_at(b"200", 0), None);
    }
}
