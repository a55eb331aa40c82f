//! Numbers from text and back.

mod short;

use std::io::Write;

pub use cutthrough_ir::number::{parse_f64, parse_i64};
pub(crate) use short::{digits_at, f64_at, i64_at};

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
