//! What follows from the wiring when it has changed: what rewires and retiring share.

use super::Network;
use crate::arrange::{Arranged, arrange};
use crate::error::Error;
use crate::specialize::{Cause, Change};
use crate::wiring::PointId;

impl Network {
    /// Brings what follows from the wiring up to date, and drops the chains for which it
    /// changed.
    pub(super) fn rearrange(&mut self) -> Result<(), Error> {
        let arranged = arrange(&mut self.wiring)?;
        self.forget_cones(&arranged);
        let changes = self.turned(&arranged.turned);
        self.specialisations.invalidate(&self.wiring, &changes);
        Ok(())
    }

    /// Forgets what was derived from what has changed.
    pub(super) fn forget_cones(&mut self, arranged: &Arranged) {
        for &process in &arranged.above {
            self.memo.forget(process);
        }
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
