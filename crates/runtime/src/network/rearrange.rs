//! What follows from the wiring when it has changed: what rewires and retiring share.

use super::Network;
use crate::arrange::arrange;
use crate::error::Error;
use crate::specialize::{Cause, Change};
use crate::wiring::PointId;

impl Network {
    /// Brings what follows from the wiring up to date, and drops the chains for which it
    /// changed.
    pub(super) fn rearrange(&mut self) -> Result<(), Error> {
        let turned = arrange(&mut self.wiring)?;
        let changes = self.turned(&turned);
        self.specialisations.invalidate(&self.wiring, &changes);
        Ok(())
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
