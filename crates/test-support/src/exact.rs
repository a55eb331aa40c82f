//! Sums of doubles with all digits, as a model.

/// The double nearest to the sum of these, or what comes of them where they are not all finite.
pub fn exact_sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut digits = Digits([0; LIMBS]);
    let mut other = 0.0;
    for value in values {
        match value.is_finite() {
            true => digits.add(value),
            false => other += value,
        }
    }
    match other == 0.0 {
        true => digits.nearest(),
        false => other,
    }
}

/// A multiple of the least double, of two's complement, in limbs of 32 bits; the least first.
struct Digits([i64; LIMBS]);

const LIMB_BITS: usize = 32;
/// All doubles, and so many as a test adds up.
const LIMBS: usize = 2200 / LIMB_BITS;

impl Digits {
    fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 52 & 0x7ff) as usize, bits & ((1 << 52) - 1));
        let (mantissa, shift) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        let wide = u128::from(mantissa) << (shift % LIMB_BITS);
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        for k in 0..3 {
            let limb = (wide >> (k * LIMB_BITS)) as u32;
            self.0[shift / LIMB_BITS + k] += sign * i64::from(limb);
        }
        self.carry();
    }

    /// Brings all limbs but the greatest to 32 bits.
    fn carry(&mut self) {
        for k in 1..LIMBS {
            self.0[k] += self.0[k - 1] >> LIMB_BITS;
            self.0[k - 1] &= i64::from(u32::MAX);
        }
    }

    fn nearest(mut self) -> f64 {
        let is_negative = self.0[LIMBS - 1] < 0;
        if is_negative {
            self.0.iter_mut().for_each(|limb| *limb = -*limb);
            self.carry();
        }
        let bit = |k: usize| self.0[k / LIMB_BITS] >> (k % LIMB_BITS) & 1 != 0;
        let Some(top) = (0..(LIMBS - 1) * LIMB_BITS).rev().find(|&k| bit(k)) else {
            return 0.0;
        };
        let least = top.saturating_sub(52);
        let mut mantissa = (least..=top)
            .rev()
            .fold(0_u64, |mantissa, k| mantissa << 1 | u64::from(bit(k)));
        let is_half = least > 0 && bit(least - 1);
        let is_more = least > 1 && (0..least - 1).any(bit);
        mantissa += u64::from(is_half && (is_more || mantissa & 1 != 0));
        // Both steps are exact: the mantissa has 53 bits, and so has the result, unless it is infinite.
        let exponent = least as i32 - 1074;
        let value = mantissa as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
        if is_negative { -value } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::exact_sum;

    #[test]
    fn sums_are_nearest() {
        for (values, sum) in [
            (&[][..], 0.0),
            (&[0.1], 0.1),
            (&[0.1; 10], 1.0),
            (&[1e300, 1.0, -1e300, 1e-300], 1.0),
            (&[5e-324, -1e-323], -5e-324),
            (&[1.0, f64::EPSILON / 2.0], 1.0),
            (&[1.0, f64::EPSILON / 2.0, 5e-324], 1.0 + f64::EPSILON),
            (&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (&[f64::MAX, f64::MAX], f64::INFINITY),
            (&[1.0, f64::NEG_INFINITY], f64::NEG_INFINITY),
        ] {
            assert_eq!(exact_sum(values.iter().copied()), sum, "{values:?}");
        }
        assert!(exact_sum([f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
