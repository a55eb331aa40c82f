//! Where the inputs of a run end for the time being, as others have what is behind.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// A place in the inputs, and whether they are read beyond.
#[derive(Debug)]
pub(crate) struct Border {
    /// The number of the input, and the place in it, in bytes.
    input: usize,
    offset: u64,
    state: AtomicU8,
    /// Whether everything before it has been read, and the reader waits.
    is_waiting: AtomicBool,
}

/// Others read what is behind.
const CLOSED: u8 = 0;
/// Nobody else does: it is read on.
const OPEN: u8 = 1;
/// What is behind is in the network: the inputs end here.
const END: u8 = 2;

/// What there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// At most so many bytes.
    Bytes(u64),
    /// Nothing at present.
    Nothing,
    /// Nothing more.
    End,
}

impl Border {
    /// Behind so many bytes of the input of this number.
    pub(crate) fn new(input: usize, offset: u64) -> Border {
        Border {
            input,
            offset,
            state: AtomicU8::new(CLOSED),
            is_waiting: AtomicBool::new(false),
        }
    }

    /// Has the inputs go on behind it.
    pub(crate) fn open(&self) {
        self.state.store(OPEN, Ordering::Release);
    }

    /// Has the inputs end here.
    pub(crate) fn end(&self) {
        self.state.store(END, Ordering::Release);
    }

    /// Whether everything before it has been read, and the reader waits to be told how it goes on.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::Acquire)
    }

    /// What there is to read at a place.
    pub(super) fn left(&self, input: usize, offset: u64) -> Left {
        let left = match input {
            _ if input < self.input => u64::MAX,
            _ => self.offset.saturating_sub(offset),
        };
        self.is_waiting.store(false, Ordering::Release);
        match self.state.load(Ordering::Acquire) {
            OPEN => Left::Bytes(u64::MAX),
            _ if left > 0 => Left::Bytes(left),
            END => Left::End,
            _ => {
                self.is_waiting.store(true, Ordering::Release);
                Left::Nothing
            }
        }
    }
}
