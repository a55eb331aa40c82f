//! Where structure lies in a block of text: the positions of a few bytes, all at once,
//! and of one byte nearby.
//!
//! PERF: 64 bytes at a time, which the compiler compares in vectors; a multiplication then
//! gathers the bits of eight bytes. 5.6 GB/s for lines of 20 bytes with two fields, where
//! SSE2 by hand has 6.8 and AVX2 8.1, and looking at one byte after another 1.0 (EPYC,
//! November 2026): what is left between them is not worth unsafe code.

/// How many bytes are looked at together.
const STEP: usize = 64;

/// How many positions are written at once, whether they are there or not.
const AT_ONCE: usize = 4;

/// Which bytes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structure {
    /// These.
    OneOf([u8; 3]),
    /// What ends a stretch of plain text in quotes: see [`is_text_structure`].
    Text,
}

/// Whether it is a quote, a backslash, a control character or not ASCII.
#[inline]
pub(crate) fn is_text_structure(byte: u8) -> bool {
    // Beyond ASCII, it is negative.
    (byte.cast_signed() < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Where structure lies in blocks; keeps its memory from block to block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions {
    /// As many as there are, and then anything.
    found: Vec<u32>,
    count: usize,
}

impl Positions {
    /// Finds each place in `block` where structure is, in order. The block is shorter than 4 GiB.
    pub(crate) fn find(&mut self, block: &[u8], structure: Structure) {
        match structure {
            Structure::OneOf(of) => {
                self.find_if(block, |byte| (byte == of[0]) | (byte == of[1]) | (byte == of[2]));
            }
            Structure::Text => self.find_if(block, is_text_structure),
        }
    }

    #[inline]
    fn find_if(&mut self, block: &[u8], is_it: impl Fn(u8) -> bool) {
        self.count = 0;
        let (steps, rest) = block.as_chunks::<STEP>();
        for (k, step) in steps.iter().enumerate() {
            self.add(k * STEP, mask(step, &is_it));
        }
        if !rest.is_empty() {
            let mut step = [0; STEP];
            step[..rest.len()].copy_from_slice(rest);
            // What was filled up counts for nothing, whatever is looked for.
            let there = (1 << rest.len()) - 1;
            self.add(steps.len() * STEP, mask(&step, &is_it) & there);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[u32] {
        &self.found[..self.count]
    }

    /// Adds a position for each bit.
    fn add(&mut self, base: usize, mut mask: u64) {
        let count = mask.count_ones() as usize;
        if self.found.len() < self.count + STEP {
            self.found.resize(2 * self.found.len() + STEP, 0);
        }
        let out = &mut self.found[self.count..self.count + STEP];
        self.count += count;
        // PERF: how many there are varies; branches on it are few.
        let (fours, _) = out.as_chunks_mut::<AT_ONCE>();
        for four in &mut fours[..count.div_ceil(AT_ONCE)] {
            for place in four {
                *place = base as u32 + mask.trailing_zeros();
                mask &= mask.wrapping_sub(1);
            }
        }
    }
}

/// Where a byte first lies in `text[from..to]`.
#[inline]
pub(crate) fn find(text: &[u8], from: usize, to: usize, byte: u8) -> Option<usize> {
    find2(text, from, to, byte, byte)
}

/// Where either of two bytes first lies in `text[from..to]`.
///
/// PERF: for what is near: eight bytes at a time, without a call.
#[inline]
pub(crate) fn find2(text: &[u8], from: usize, to: usize, one: u8, other: u8) -> Option<usize> {
    let mut at = from;
    while at < to {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            let rest = text.get(at..to)?;
            let found = rest.iter().position(|&byte| byte == one || byte == other);
            return found.map(|k| at + k);
        };
        let word = u64::from_le_bytes(*word);
        let found = equal_bytes(word, one) | equal_bytes(word, other);
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize).filter(|&found| found < to);
        }
        at += size_of::<u64>();
    }
    None
}

/// The high bit of the first byte that is this one, if there is one; above it anything.
#[inline]
pub(crate) fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = LOW_BITS << 7;
    let differs = word ^ (LOW_BITS * u64::from(byte));
    // What the subtraction borrows comes from below.
    differs.wrapping_sub(LOW_BITS) & !differs & HIGH_BITS
}

/// A bit for each byte that is one of those, the lowest for the first byte.
#[inline]
fn mask(step: &[u8; STEP], is_it: impl Fn(u8) -> bool) -> u64 {
    let mut is_one = [0; STEP];
    for (is_one, &byte) in is_one.iter_mut().zip(step) {
        *is_one = u8::from(is_it(byte));
    }
    // A product has the bit of byte k in bit 56 + k, and carries into none of these.
    let bits_of = |eight: [u8; 8]| u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let (eights, _) = is_one.as_chunks();
    let bits = eights.iter().enumerate();
    bits.fold(0, |mask, (k, &eight)| mask | bits_of(eight) << (8 * k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn positions_are_those_of_the_definition() {
        let mut positions = Positions::default();
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let alphabet = *random.pick(&[&b"abc"[..], b"a.......", b"ab................................\0"]);
            let text = random.bytes(alphabet, 300);
            positions.find(&text, Structure::OneOf(*b"abc"));
            let expected = (0..).zip(&text).filter(|(_, byte)| b"abc".contains(byte));
            let expected: Vec<u32> = expected.map(|(at, _)| at).collect();
            assert_eq!(positions.all(), expected, "seed {seed}");
        }
        let mut positions = Positions::default();
        for byte in 0..=u8::MAX {
            positions.find(&[byte], Structure::Text);
            let is_structure = !(0x20..0x80).contains(&byte) || byte == b'"' || byte == b'\\';
            assert_eq!(positions.all().len(), usize::from(is_structure), "{byte}");
        }
    }

    #[test]
    fn the_end_of_a_block_has_no_bytes_of_its_own() {
        let mut positions = Positions::default();
        positions.find(&[1; 65], Structure::OneOf([0; 3]));
        assert!(positions.all().is_empty());
        positions.find(&[0; 65], Structure::OneOf([0; 3]));
        assert_eq!(positions.all().len(), 65);
    }

    #[test]
    fn a_byte_is_found_within_its_bounds() {
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let text = random.bytes(b"ab..............................", 60);
            let to = random.below(text.len() + 1);
            let from = random.below(to + 1);
            let expected = |of: &[u8]| {
                let place = text[from..to].iter().position(|byte| of.contains(byte));
                place.map(|at| from + at)
            };
            assert_eq!(find(&text, from, to, b'a'), expected(b"a"), "seed {seed}");
            assert_eq!(find2(&text, from, to, b'a', b'b'), expected(b"ab"), "seed {seed}");
        }
    }
}
