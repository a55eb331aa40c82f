//! Stages put into a flow that runs.

use super::{Stream, Wire};
use crate::element::Element;
use crate::point::FlowPoint;

impl<'w> Wire<'w> {
    /// Puts stages into a flow point: what is written there goes through them first, and out to
    /// whoever reads it. Gives what the last of them is known by.
    ///
    /// ```
    /// # use cutthrough::Network;
    /// # let mut network = Network::default();
    /// let (numbers, collected) = network.wire(|wire| {
    ///     let numbers = wire.iter(0..1000_i64).point();
    ///     (numbers, wire.stream(numbers).collect())
    /// })?;
    /// network.wire(|wire| wire.insert(numbers, |all| all.filter(|x| x.lt(9)).map(|x| x / 3)))?;
    /// network.run()?;
    /// assert_eq!(collected.take(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    /// It is refused where nobody writes to the flow point. Who writes there later writes past the
    /// stages.
    #[track_caller]
    pub fn insert<T: Element, I>(
        self,
        into: FlowPoint<T>,
        stages: impl FnOnce(Stream<'w, T>) -> Stream<'w, T, I>,
    ) -> I {
        let between = self.divide(into.into());
        let Stream { point, id, .. } = stages(self.stream(self.point(between)));
        self.rejoin(point.id(), into.into());
        id
    }
}
