//! The one order of values, which sorting and extremes share.
//!
//! Integers and booleans by value, byte strings by their bytes, doubles by their
//! total order (-0.0 before 0.0). NaN comes after all other doubles and null after
//! everything, ascending or descending: they are never the first of anything.

use std::cmp::Ordering;

use cutthrough_ir::Scalar;

/// How two present values of one type compare.
pub fn compare(a: Scalar<'_>, b: Scalar<'_>, descending: bool) -> Ordering {
    let ascending = match (a, b) {
        (Scalar::I64(a), Scalar::I64(b)) => a.cmp(&b),
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(&b),
        (Scalar::Bytes(a), Scalar::Bytes(b)) => a.cmp(b),
        (Scalar::F64(a), Scalar::F64(b)) => match (a.is_nan(), b.is_nan()) {
            (false, false) => a.total_cmp(&b),
            (a, b) => return a.cmp(&b),
        },
        _ => unreachable!("values of one type are of one kind"),
    };
    if descending {
        ascending.reverse()
    } else {
        ascending
    }
}

/// The same with null.
pub fn compare_nullable(a: Option<Scalar<'_>>, b: Option<Scalar<'_>>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b, descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// A number that orders as the values do wherever two numbers differ; equal numbers
/// decide nothing.
pub fn rank(value: Option<Scalar<'_>>, descending: bool) -> u64 {
    const NULL: u64 = u64::MAX;
    const NAN: u64 = u64::MAX - 1;
    const SIGN: u64 = 1 << 63;
    let ascending = match value {
        None => return NULL,
        Some(Scalar::I64(value)) => value.cast_unsigned() ^ SIGN,
        Some(Scalar::Bool(value)) => u64::from(value) << 63,
        Some(Scalar::Bytes(value)) => {
            let mut first = [0; 8];
            let length = value.len().min(8);
            first[..length].copy_from_slice(&value[..length]);
            u64::from_be_bytes(first)
        }
        Some(Scalar::F64(value)) if value.is_nan() => return NAN,
        Some(Scalar::F64(value)) => {
            let bits = value.to_bits();
            if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
        }
    };
    // One bit is lost, to leave room for NaN and null behind the rest.
    (if descending { !ascending } else { ascending }) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the values are in order, each strictly before the next.
    fn check(values: &[Option<Scalar<'_>>], descending: bool) {
        for (i, &a) in values.iter().enumerate() {
            for (j, &b) in values.iter().enumerate() {
                assert_eq!(compare_nullable(a, b, descending), i.cmp(&j), "{a:?} {b:?}");
                let by_rank = rank(a, descending).cmp(&rank(b, descending));
                assert!(by_rank == i.cmp(&j) || by_rank.is_eq(), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn nan_and_null_are_last_in_either_direction() {
        let numbers = [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-300, 1.0, f64::INFINITY];
        let mut values: Vec<_> = numbers.iter().map(|&value| Some(Scalar::F64(value))).collect();
        let last = [Some(Scalar::F64(f64::NAN)), None];
        check(&[&values[..], &last].concat(), false);
        values.reverse();
        check(&[&values[..], &last].concat(), true);
    }

    #[test]
    fn other_kinds() {
        let mut integers: Vec<_> = [i64::MIN, -1, 0, 1, i64::MAX]
            .iter()
            .map(|&k| Some(Scalar::I64(k)))
            .collect();
        check(&[&integers[..], &[None]].concat(), false);
        integers.reverse();
        check(&[&integers[..], &[None]].concat(), true);
        let bytes = ["", "\0", "a", "ab", "abcdefgh", "abcdefgh\0", "abcdefgi", "b"];
        check(&bytes.map(|text| Some(Scalar::Bytes(text.as_bytes()))), false);
        check(&[Some(Scalar::Bool(true)), Some(Scalar::Bool(false)), None], true);
    }
}
