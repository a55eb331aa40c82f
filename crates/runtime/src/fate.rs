//! Why edges are closed, and what becomes of what a process holds then.

use std::fmt;

use cutthrough_ir::Words;

use crate::error::Error;

/// Why an input or output was closed. It is final: nothing comes or goes there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Close {
    /// The flow has come to its end (an input), or nobody needs more (an output): the
    /// process on the other side has finished, or has been detached or removed.
    Ended,
    /// The flow was called off: the process on the other side was
    /// [cancelled](crate::Rewire::cancel), by an edit or by its own neighbours. It is no
    /// end of the flow; what came so far may be a part only.
    Cancelled,
    /// The process on the other side failed.
    Failed(Error),
}

/// An input or output of a process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Edge {
    /// An input.
    Input(usize),
    /// An output.
    Output(usize),
}

/// What becomes of the elements that a process holds when it is cancelled or removed, or when
/// nobody takes any more what it gives (then what would be given stays, and is counted as held).
/// "Holds" is what its [accounts](crate::Account) say, or that it has something to give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// They are given downstream first, as at the end of the flow; the process takes no
    /// more, and goes when it has given all. Nothing is lost.
    #[default]
    Finished,
    /// They go back to the process's author
    /// ([`Process::hand_back`](crate::Process::hand_back)), at once.
    HandedBack,
    /// They are dropped at once, and counted by the drop policy of this number.
    Dropped(usize),
}

/// What a process held when its fate came: its slots as they were.
#[derive(Debug)]
pub struct Held<'h> {
    slots: Vec<Words<'h>>,
    elements: u64,
}

impl<'h> Held<'h> {
    pub(crate) fn new(slots: Vec<Words<'h>>, elements: u64) -> Held<'h> {
        Held { slots, elements }
    }

    /// How many elements, as the process's accounts count.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// A slot by its number: one value.
    pub fn slot(&self, number: usize) -> Option<Words<'h>> {
        self.slots.get(number).copied()
    }
}

impl Close {
    /// The error, where one closed it.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Close::Failed(error) => Some(error),
            Close::Ended | Close::Cancelled => None,
        }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Close::Ended => f.write_str("ended"),
            Close::Cancelled => f.write_str("cancelled"),
            Close::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}
