//! The sums of a chain's counters, as they are added to the network's when its code has
//! returned.
//!
//! PERF: code that did it itself took a quarter of the time to compile, for what is done
//! once a grant.

use cutthrough_ir::ChainCode;

use super::{Accounts, Sum, Term};

/// What is to be added to which of the network's counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    probes: usize,
    /// The fewest counters that the network has.
    counters: usize,
    entries: Vec<Entry>,
}

/// Counters that are increased by the same.
#[derive(Clone, Debug)]
struct Entry {
    terms: Vec<(Term, i64)>,
    /// Indices of the network's counters.
    counters: Vec<usize>,
}

impl Ledger {
    pub(crate) fn new(accounts: &Accounts, chain: &ChainCode) -> Ledger {
        let mut found: Vec<(&Sum, Vec<usize>)> = Vec::new();
        for (counter, sum) in &accounts.sums {
            let index = counter.network_index(chain);
            match found.iter_mut().find(|(same, _)| *same == sum) {
                Some((_, counters)) => counters.push(index),
                None => found.push((sum, vec![index])),
            }
        }
        let entry = |(sum, counters): (&Sum, _)| Entry {
            terms: sum.iter().map(|(&term, &times)| (term, times)).collect(),
            counters,
        };
        let indices = found.iter().flat_map(|(_, counters)| counters);
        Ledger {
            probes: accounts.probes,
            counters: indices.max().map_or(0, |max| max + 1),
            entries: found.into_iter().map(entry).collect(),
        }
    }

    /// How many probes the code counts.
    pub(crate) fn probes(&self) -> usize {
        self.probes
    }

    /// The fewest counters that the network has.
    pub(crate) fn counters_needed(&self) -> usize {
        self.counters
    }

    /// Adds what an activation has counted to the network's counters; sums wrap, as those
    /// do.
    pub(crate) fn post(&self, probes: &[u64], steps: u64, counters: &mut [u64]) {
        for Entry {
            terms,
            counters: increased,
        } in &self.entries
        {
            let more = terms.iter().fold(0_u64, |sum, &(term, times)| {
                let number = match term {
                    Term::Probe(probe) => probes[probe],
                    Term::Steps => steps,
                    Term::One => 1,
                };
                sum.wrapping_add(number.wrapping_mul(times.cast_unsigned()))
            });
            for &counter in increased {
                counters[counter] = counters[counter].wrapping_add(more);
            }
        }
    }
}
