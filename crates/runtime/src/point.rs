//! Handles on flow points.

use std::fmt;
use std::marker::PhantomData;

use crate::ids::{NetworkNumber, PointId};

/// A flow point whose elements are `T`: a handle that can be copied freely.
///
/// It is one network's: others refuse it.
pub struct FlowPoint<T> {
    id: PointId,
    network: NetworkNumber,
    element: PhantomData<fn(T) -> T>,
}

impl<T> FlowPoint<T> {
    pub(crate) fn of(id: PointId, network: NetworkNumber) -> FlowPoint<T> {
        FlowPoint {
            id,
            network,
            element: PhantomData,
        }
    }

    /// The point without its type, and without a check of the network.
    pub fn id(self) -> PointId {
        self.id
    }
}

impl<T> Clone for FlowPoint<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FlowPoint<T> {}

/// A flow point, by its typed handle or by its number.
#[derive(Clone, Copy, Debug)]
pub struct AnyPoint {
    pub(crate) id: PointId,
    /// Whose it is, if that is known.
    pub(crate) network: Option<NetworkNumber>,
}

impl AnyPoint {
    /// The point's number in its network.
    pub fn id(self) -> PointId {
        self.id
    }
}

impl<T> From<FlowPoint<T>> for AnyPoint {
    fn from(point: FlowPoint<T>) -> AnyPoint {
        AnyPoint {
            id: point.id,
            network: Some(point.network),
        }
    }
}

impl From<PointId> for AnyPoint {
    fn from(id: PointId) -> AnyPoint {
        AnyPoint { id, network: None }
    }
}

impl<T> fmt::Debug for FlowPoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlowPoint").field(&self.id).finish()
    }
}
