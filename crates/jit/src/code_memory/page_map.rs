//! Which pages have an owner: one bit a page, searched first fit.
//!
//! Neighbouring free runs coalesce by being neighbours, and nothing is allocated after the start. A list of
//! free runs would find long runs sooner among many short ones; the map of the largest reservation is 512
//! words, so the worst search looks at 4 KiB.

const BITS: usize = u64::BITS as usize;

#[derive(Debug)]
pub(super) struct PageMap {
    /// A set bit is a page with an owner. The bits after the last page are set too, and stay so.
    words: Vec<u64>,
    pages: usize,
    taken: usize,
    /// INVARIANT: no page below this one is free.
    lowest_free: usize,
}

impl PageMap {
    pub(super) fn new(pages: usize) -> Self {
        let mut words = vec![0; pages.div_ceil(BITS)];
        if let (Some(last), tail @ 1..) = (words.last_mut(), pages % BITS) {
            *last = !0 << tail;
        }
        Self {
            words,
            pages,
            taken: 0,
            lowest_free: 0,
        }
    }

    /// The number of pages that have an owner.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the lowest run of `count` free pages and returns its first page.
    pub(super) fn take(&mut self, count: usize) -> Option<usize> {
        assert!(count > 0, "a run has at least one page");
        self.lowest_free = self.find(false, self.lowest_free);
        self.take_from(self.lowest_free, count)
    }

    /// Takes the lowest run of `count` free pages that begins at `from` or after it.
    pub(super) fn take_from(&mut self, from: usize, count: usize) -> Option<usize> {
        assert!(count > 0, "a run has at least one page");
        let mut first = self.find(false, from);
        while count <= self.pages - first {
            let end = self.find(true, first);
            if count <= end - first {
                self.flip(first, count, true);
                return Some(first);
            }
            first = self.find(false, end);
        }
        None
    }

    /// Takes the run of `count` pages that begins at `first`, if it exists and is free.
    pub(super) fn take_at(&mut self, first: usize, count: usize) -> bool {
        assert!(count > 0, "a run has at least one page");
        let free = first < self.pages && count <= self.find(true, first) - first;
        if free {
            self.flip(first, count, true);
        }
        free
    }

    /// Makes a run free that was taken. Panics, before it changes anything, if a page of it was free.
    pub(super) fn give_back(&mut self, first: usize, count: usize) {
        assert!(
            first < self.pages && count <= self.pages - first,
            "the run is in the reservation"
        );
        assert!(
            self.find(false, first) - first >= count,
            "a page is given back once"
        );
        self.flip(first, count, false);
        self.lowest_free = self.lowest_free.min(first);
    }

    /// The first page at or after `from` that is taken (or is free), or the number of pages.
    fn find(&self, taken: bool, from: usize) -> usize {
        let mut mask = !0 << (from % BITS);
        for (index, &word) in self.words.iter().enumerate().skip(from / BITS) {
            let hits = if taken { word } else { !word } & mask;
            if hits != 0 {
                // A hit can lie behind the last page: those bits count as taken.
                return (index * BITS + hits.trailing_zeros() as usize).min(self.pages);
            }
            mask = !0;
        }
        self.pages
    }

    /// Sets or clears `count` bits from `first`, all of which have the opposite value.
    fn flip(&mut self, first: usize, count: usize, taken: bool) {
        let end = first + count;
        let mut at = first;
        while at < end {
            let bits = (BITS - at % BITS).min(end - at);
            let mask = (!0 >> (BITS - bits)) << (at % BITS);
            self.words[at / BITS] ^= mask;
            at += bits;
        }
        if taken {
            self.taken += count;
        } else {
            self.taken -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutthrough_test_support::Random;

    /// The same thing, as slow and plain as can be.
    struct Model(Vec<bool>);

    impl Model {
        fn is_free(&self, first: usize, count: usize) -> bool {
            first + count <= self.0.len() && self.0[first..first + count].iter().all(|taken| !taken)
        }

        fn first_fit(&self, count: usize) -> Option<usize> {
            (0..self.0.len()).find(|&first| self.is_free(first, count))
        }
    }

    #[test]
    fn agrees_with_the_model() {
        for seed in 1..=40 {
            let mut random = Random::new(seed);
            let pages = [1, 63, 64, 65, 128, 200, 1000][random.below(7)];
            let longest = 1 + random.below(90);
            let (mut map, mut model) = (PageMap::new(pages), Model(vec![false; pages]));
            let mut runs: Vec<(usize, usize)> = Vec::new();
            for step in 0..2000 {
                let context = format!("seed {seed}, step {step}");
                let count = 1 + random.below(longest);
                match random.below(5) {
                    0 | 1 => {
                        let first = map.take(count);
                        assert_eq!(first, model.first_fit(count), "{context}");
                        runs.extend(first.map(|first| (first, count)));
                        if let Some(first) = first {
                            model.0[first..first + count].fill(true);
                        }
                    }
                    2 => {
                        let first = random.below(pages + 2);
                        assert_eq!(
                            map.take_at(first, count),
                            model.is_free(first, count),
                            "{context}"
                        );
                        if model.is_free(first, count) {
                            model.0[first..first + count].fill(true);
                            runs.push((first, count));
                        }
                    }
                    _ if runs.is_empty() => {}
                    _ => {
                        let (first, count) = runs.swap_remove(random.below(runs.len()));
                        map.give_back(first, count);
                        model.0[first..first + count].fill(false);
                    }
                }
                assert_eq!(
                    map.taken(),
                    model.0.iter().filter(|&&taken| taken).count(),
                    "{context}"
                );
            }
            for (first, count) in runs {
                map.give_back(first, count);
            }
            assert_eq!(map.take(pages), Some(0), "seed {seed}: all has coalesced");
        }
    }

    #[test]
    #[should_panic(expected = "given back once")]
    fn refuses_a_double_free() {
        let mut map = PageMap::new(100);
        let first = map.take(70).expect("there is room");
        map.give_back(first + 69, 1);
        map.give_back(first, 70);
    }

    #[test]
    #[should_panic(expected = "in the reservation")]
    fn refuses_what_it_does_not_have() {
        PageMap::new(100).give_back(99, 2);
    }
}
