//! Native code that is out of use and may be wanted again.
//!
//! A chain that was changed is often changed back: a tap comes and goes. What its code was
//! made from says all that the code relies on: the function, and where in the network its
//! slots, counters and host functions are. So code is taken again for a chain that is
//! equal to the one it was made from, whatever has happened in between.
//!
//! PERF: a chain of four processes that is tapped and untapped every millisecond, on two
//! busy cores, ran at 2 % of its speed without this, as compilations came too late: see
//! `examples/tap_storm.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use cutthrough_ir::ChainCode;

use crate::engine::Specialised;
use crate::limits::{SHELF_CHAINS_MAX, SHELF_TRIES};
use crate::root::{Reach, Root};
use crate::wiring::ProcessId;

/// Chains that are not in the table, the one put here last at the end.
#[derive(Default)]
pub(super) struct Shelf {
    chains: Vec<Shelved>,
    /// How often in a row a root's chain may still be compared in vain.
    tries: HashMap<Root, u32>,
}

pub(super) struct Shelved {
    root: Root,
    pub(super) chain: Arc<Built>,
    pub(super) code: Box<dyn Specialised>,
}

/// A chain that has been built, to be compiled.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) code: ChainCode,
    size: Size,
}

impl Built {
    pub(super) fn new(reach: &Reach, code: ChainCode) -> Built {
        Built {
            code,
            size: Size::of(reach),
        }
    }
}

/// What a chain that is equal has as many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    members: usize,
    points: usize,
}

impl Size {
    pub(super) fn of(reach: &Reach) -> Size {
        Size {
            members: reach.members.len(),
            points: reach.points.len(),
        }
    }
}

impl Shelf {
    /// Keeps the code of a chain; gives back what has to go for it.
    pub(super) fn put(
        &mut self,
        root: Root,
        chain: Arc<Built>,
        code: Box<dyn Specialised>,
    ) -> Option<Box<dyn Specialised>> {
        self.tries.insert(root, SHELF_TRIES);
        self.chains.push(Shelved { root, chain, code });
        (self.chains.len() > SHELF_CHAINS_MAX).then(|| self.chains.remove(0).code)
    }

    /// Whether it may be worth it to build the root's chain, to find its code here.
    pub(super) fn may_have(&self, root: Root, size: Size) -> bool {
        self.tries.get(&root).is_some_and(|&tries| tries > 0)
            && self
                .chains
                .iter()
                .any(|shelved| (shelved.root, shelved.chain.size) == (root, size))
    }

    /// Takes the code of a chain that is equal.
    pub(super) fn take(&mut self, root: Root, chain: &ChainCode) -> Option<Shelved> {
        let found = self
            .chains
            .iter()
            .rposition(|shelved| shelved.root == root && is_same(&shelved.chain.code, chain));
        let tries = self.tries.entry(root).or_default();
        *tries = match found {
            Some(_) => SHELF_TRIES,
            None => tries.saturating_sub(1),
        };
        found.map(|found| self.chains.remove(found))
    }

    /// Gives up what belongs to a process that has left.
    pub(super) fn forget(&mut self, process: ProcessId) -> Vec<Box<dyn Specialised>> {
        self.tries.retain(|root, _| root.process().0 != process);
        let (gone, stays) = std::mem::take(&mut self.chains)
            .into_iter()
            .partition(|shelved| shelved.root.process().0 == process);
        self.chains = stays;
        Vec::into_iter(gone)
            .map(|shelved: Shelved| shelved.code)
            .collect()
    }

    /// Gives up everything.
    pub(super) fn clear(&mut self) -> Vec<Box<dyn Specialised>> {
        self.tries.clear();
        self.chains.drain(..).map(|shelved| shelved.code).collect()
    }
}

/// Whether code that was made from one chain does what code made from the other would.
fn is_same(one: &ChainCode, other: &ChainCode) -> bool {
    one.function == other.function
        && one.tables == other.tables
        && one.places == other.places
        && one.hosts == other.hosts
        && one.edges == other.edges
        && one.drops == other.drops
}
