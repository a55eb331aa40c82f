//! Where a grant begins, and how it comes out.

use cutthrough_ir::Exit;

use crate::wiring::{Port, ProcessId};

/// Where a grant begins: the root of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Root {
    /// A process that holds elements to give.
    Active(ProcessId),
    /// A block of elements that is delivered to an input.
    Delivery(Port),
}

impl Root {
    /// The process at the root.
    pub(crate) fn process(self) -> ProcessId {
        match self {
            Root::Active(process) => process,
            Root::Delivery(reader) => reader.process,
        }
    }

    /// Whether the grant begins with a delivery to that process.
    pub(crate) fn is_delivery(self) -> bool {
        matches!(self, Root::Delivery(_))
    }
}

/// The step failed: the budget is used up, an interrupt is requested, or a process
/// is over.
pub(crate) const STOPPED: Exit = 0;
/// Something downstream does not take an element now.
pub(crate) const NOT_READY: Exit = 1;
/// The root holds no more.
pub(crate) const ENDED: Exit = 2;
/// The block is used up.
pub(crate) const EMPTY: Exit = 3;
