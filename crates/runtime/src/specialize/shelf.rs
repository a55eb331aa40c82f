//! Native code that is out of use and may be wanted again.
//!
//! A chain that was changed is often changed back: a tap comes and goes. Its [`Plan`] says
//! all that it is made of: the fragments, and where in the network their slots, counters and
//! host functions are. So code is taken again for an equal plan, whatever has happened in
//! between.
//!
//! PERF: a chain of four processes that is tapped and untapped every millisecond, on two
//! busy cores, ran at 2 % of its speed without this, as compilations came too late: see
//! `examples/tap_storm.rs`.

use std::sync::Arc;

use super::Built;
use crate::engine::Specialised;
use crate::limits::SHELF_CHAINS_MAX;
use crate::plan::Plan;
use crate::root::Root;
use crate::wiring::ProcessId;

/// Chains that are not in the table, the one put here last at the end.
#[derive(Default)]
pub(super) struct Shelf {
    chains: Vec<Shelved>,
}

pub(super) struct Shelved {
    root: Root,
    pub(super) chain: Arc<Built>,
    pub(super) code: Box<dyn Specialised>,
}

impl Shelf {
    /// Keeps the code of a chain; gives back what has to go for it.
    pub(super) fn put(
        &mut self,
        root: Root,
        chain: Arc<Built>,
        code: Box<dyn Specialised>,
    ) -> Option<Box<dyn Specialised>> {
        self.chains.push(Shelved { root, chain, code });
        (self.chains.len() > SHELF_CHAINS_MAX).then(|| self.chains.remove(0).code)
    }

    /// Whether there is anything for this root.
    pub(super) fn has(&self, root: Root) -> bool {
        self.chains.iter().any(|shelved| shelved.root == root)
    }

    /// Takes the code of a chain that had this plan.
    pub(super) fn take(&mut self, root: Root, plan: &Plan) -> Option<Shelved> {
        let found = self
            .chains
            .iter()
            .rposition(|shelved| shelved.root == root && *shelved.chain.plan == *plan)?;
        Some(self.chains.remove(found))
    }

    /// Gives up what belongs to a process that has left.
    pub(super) fn forget(&mut self, process: ProcessId) -> Vec<Box<dyn Specialised>> {
        let gone = self
            .chains
            .extract_if(.., |shelved| shelved.root.process() == process);
        gone.map(|shelved| shelved.code).collect()
    }

    /// Gives up everything.
    pub(super) fn clear(&mut self) -> Vec<Box<dyn Specialised>> {
        self.chains.drain(..).map(|shelved| shelved.code).collect()
    }
}
