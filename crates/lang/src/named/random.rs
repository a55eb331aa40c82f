//! Numbers by chance, which are the same in each run of a program.

use std::sync::atomic::{AtomicU64, Ordering};

use cutthrough::ir::Words;

use super::{Constants, Given};

/// A generator of its own for each place in a program's text (SplitMix64).
pub(super) struct Random(u64);

impl Default for Random {
    fn default() -> Random {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut seeds = Random(NEXT.fetch_add(1, Ordering::Relaxed));
        Random(seeds.next())
    }
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// From 0 to below 1.
pub(super) fn random(
    _args: Words<'_>,
    constants: &mut Constants,
    _out: &mut Vec<u8>,
) -> Result<Given, String> {
    const STEPS: u64 = 1 << f64::MANTISSA_DIGITS;
    let number = constants.random.next() >> (u64::BITS - f64::MANTISSA_DIGITS);
    Ok(Given::Float(number as f64 / STEPS as f64))
}
