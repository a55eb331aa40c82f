//! What a counter is at the exit, in terms of what is known there.

use std::collections::BTreeMap;

/// What a counter is a sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Term {
    /// A probe's count.
    Probe(usize),
    /// The steps that the activation has used.
    Steps,
    /// One.
    One,
}

/// How often each term is in a sum.
pub(crate) type Sum = BTreeMap<Term, i64>;

/// Adds a sum, so many times, to another.
pub(super) fn add(to: &mut Sum, sum: &Sum, times: i64) {
    for (&term, &more) in sum {
        let entry = to.entry(term).or_default();
        *entry += more * times;
        if *entry == 0 {
            to.remove(&term);
        }
    }
}
