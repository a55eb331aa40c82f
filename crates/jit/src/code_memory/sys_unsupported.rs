//! Stands in for `sys.rs` where there is no code memory: a reservation cannot be made, so nothing else can
//! be called.

use std::convert::Infallible;
use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    ReadWrite,
    ReadExecute { bti: bool },
}

#[derive(Debug)]
pub(super) struct Reservation(Infallible);

impl Reservation {
    pub(super) fn new(_bytes: usize) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "native code runs on Linux on x86-64 and aarch64 only; networks are interpreted here",
        ))
    }

    pub(super) fn bytes(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn page_bytes(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn address(&self, _offset: usize) -> *mut u8 {
        match self.0 {}
    }

    /// # Safety
    ///
    /// None is needed: it cannot be called.
    pub(super) unsafe fn protect(&self, _offset: usize, _bytes: usize, _to: Protection) -> io::Result<()> {
        match self.0 {}
    }

    /// # Safety
    ///
    /// None is needed: it cannot be called.
    pub(super) unsafe fn release(&self, _offset: usize, _bytes: usize) -> io::Result<()> {
        match self.0 {}
    }
}

pub(super) fn clean_instruction_cache(_code: *const u8, _bytes: usize) {}

pub(super) fn synchronize_instruction_streams() -> io::Result<()> {
    Ok(())
}
