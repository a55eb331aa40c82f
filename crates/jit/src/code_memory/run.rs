//! A run of pages and its only owner.

use std::io;
use std::sync::Arc;

use super::CodeMemory;
use super::sys::Protection;

/// Owns neighbouring pages of a reservation; dropping it gives them back.
///
/// INVARIANT: the bits of these pages are set in the page map, and no other `Run` contains one of them.
#[derive(Debug)]
pub(super) struct Run {
    memory: Arc<CodeMemory>,
    first_page: usize,
    pages: usize,
}

impl Run {
    /// Takes the pages that `bytes` need, writable.
    pub(super) fn open(memory: &Arc<CodeMemory>, bytes: usize) -> io::Result<Self> {
        let pages = bytes.div_ceil(memory.reservation.page_bytes());
        let first_page = memory.book().take(pages);
        let Some(first_page) = first_page else {
            return Err(memory.full(pages));
        };
        let run = Self {
            memory: Arc::clone(memory),
            first_page,
            pages,
        };
        run.protect(Protection::ReadWrite)?;
        Ok(run)
    }

    /// Makes an open run longer by the pages that `bytes` need, if those behind it are free.
    pub(super) fn try_grow(&mut self, bytes: usize) -> io::Result<bool> {
        let pages = bytes.div_ceil(self.memory.reservation.page_bytes());
        let first_page = self.first_page + self.pages;
        if !self.memory.book().take_at(first_page, pages) {
            return Ok(false);
        }
        // A run of its own until it is writable: then a failure gives back just these pages.
        let mut tail = Self {
            memory: Arc::clone(&self.memory),
            first_page,
            pages,
        };
        tail.protect(Protection::ReadWrite)?;
        self.pages += std::mem::take(&mut tail.pages);
        Ok(true)
    }

    /// Sets what may be done with all pages of an open run.
    pub(super) fn protect(&self, protection: Protection) -> io::Result<()> {
        // SAFETY: `protect` asks that the pages are ours alone and that nothing relies on the old
        // protection. The first is the invariant of `Run`. For the second: a run is protected when new
        // (nobody has its address) and by `CodeProvider::finalize`, after which the module, the only one
        // who had pointers into it, writes no more (C4).
        unsafe {
            self.memory
                .reservation
                .protect(self.offset(), self.bytes(), protection)
        }
    }

    /// The address of the byte at `offset`, which must lie in the run.
    pub(super) fn address(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.bytes(), "the offset is in the run");
        self.memory.reservation.address(self.offset() + offset)
    }

    pub(super) fn contains(&self, address: *const u8) -> bool {
        let start = self.memory.reservation.address(self.offset()).addr();
        (start..start + self.bytes()).contains(&address.addr())
    }

    pub(super) fn bytes(&self) -> usize {
        self.pages * self.memory.reservation.page_bytes()
    }

    fn offset(&self) -> usize {
        self.first_page * self.memory.reservation.page_bytes()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.pages == 0 {
            return; // absorbed by the run before it
        }
        // SAFETY: `release` asks that the pages are ours alone and that nobody uses them any more. The
        // first is the invariant of `Run`. An open run goes with the provider, when the module that wrote
        // to it is gone; a sealed one with its region, and whoever calls code owes that the region outlives
        // the call (C4).
        let released = unsafe { self.memory.reservation.release(self.offset(), self.bytes()) };
        // Pages that may still be accessible are lost: they keep their bits, so that nobody gets them.
        if released.is_ok() {
            self.memory.book().give_back(self.first_page, self.pages);
        }
    }
}
