//! What follows from the wiring when it has changed: what rewires and retiring share.

use super::Network;
use crate::arrange::arrange;
use crate::error::Error;
use crate::root::Root;
use crate::scheduler::Task;
use crate::specialize::{Cause, Change};
use crate::wiring::{PointId, Port};

impl Network {
    /// Brings what follows from the wiring up to date, and drops the chains for which it
    /// changed.
    pub(super) fn rearrange(&mut self) -> Result<(), Error> {
        let in_deals = self.in_deals();
        let arranged = arrange(&mut self.wiring, &in_deals)?;
        let changes = self.turned(&arranged.turned);
        self.invalidate(&changes);
        self.reschedule(&arranged);
        Ok(())
    }

    /// Drops the chains that relied on what changed.
    pub(super) fn invalidate(&mut self, changes: &[Change]) {
        let roots = self.specialisations.invalidate(&self.wiring, changes);
        self.unblock(&roots);
    }

    /// Has these roots tried again, as their plans have been dropped.
    ///
    /// INVARIANT: what is blocked has a plan that holds. So whatever changes in the wiring
    /// that its plan relies on, it is tried again.
    pub(super) fn unblock(&mut self, roots: &[Root]) {
        for root in roots {
            match *root {
                Root::Active(process) => self.scheduler.unblock(Task::Process(process)),
                Root::Delivery(Port { process, port }) => {
                    let node = self.wiring.nodes.get(process);
                    if let Some(point) = node.and_then(|node| node.inputs[port].point) {
                        self.scheduler.unblock(Task::Deal(point));
                    }
                }
            }
        }
    }

    /// The flow points at which a block is being dealt out.
    pub(super) fn in_deals(&self) -> Vec<PointId> {
        self.simplexes.dealing().collect()
    }

    /// Flow points of which it changed whether their elements are dealt out.
    pub(super) fn turned(&self, points: &[PointId]) -> Vec<Change> {
        let turned = points.iter().map(|&point| {
            let cause = if self.wiring.point(point).dealt {
                Cause::BecamePolymorphic
            } else {
                Cause::BecameMonomorphic
            };
            Change::of_point(cause, point)
        });
        turned.collect()
    }
}
