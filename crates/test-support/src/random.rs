//! Random numbers from a seed: splitmix64.

/// A generator of random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that always gives the same for the same seed.
    pub fn new(seed: u64) -> Random {
        Random {
            state: seed ^ 0x6a09_e667_f3bc_c909,
        }
    }

    /// 64 random bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "numbers without end are no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// At most `length_max` bytes out of `alphabet`.
    pub fn bytes(&mut self, alphabet: &[u8], length_max: usize) -> Vec<u8> {
        (0..self.below(length_max + 1))
            .map(|_| *self.pick(alphabet))
            .collect()
    }

    /// A generator of its own, for a part.
    pub fn fork(&mut self) -> Random {
        Random::new(self.next())
    }
}
