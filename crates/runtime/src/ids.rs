//! What processes, flow points, their ports and counters are known by.

use std::sync::atomic::{AtomicU64, Ordering};

use slotmap::new_key_type;

new_key_type! {
    /// A process of a network. A number that is given out once is never another's there;
    /// other networks have the same numbers, and do not tell. (The typed handles of
    /// [streams](crate::stream) know their network.)
    pub struct ProcessId;

    /// A flow point of a network. A number that is given out once is never another's there;
    /// other networks have the same numbers, and do not tell. (A
    /// [`FlowPoint`](crate::FlowPoint) knows its network.)
    pub struct PointId;
}

/// An index into the network's counters.
pub(crate) type Counter = u32;

/// One end of an edge: a process and the number of its input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Port {
    /// The process.
    pub process: ProcessId,
    /// The number of its input or output.
    pub port: usize,
}

/// What tells networks of one OS process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkNumber(pub(crate) u64);

impl NetworkNumber {
    /// One that no other network has.
    pub(crate) fn next() -> NetworkNumber {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NetworkNumber(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
