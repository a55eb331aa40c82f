//! Memory for native code: reserved once, given out by pages, taken back page by page.
//!
//! # Definitions
//!
//! - The *reservation* is one range of addresses of fixed size, mapped inaccessible when a
//!   [`CodeMemory`] is made and unmapped when its last user is gone.
//! - A *run* is a sequence of neighbouring pages of the reservation with one owner.
//! - A page is *free* (no owner, inaccessible), *open* (in a run of a [`CodeProvider`], readable and
//!   writable), *sealed* (in a run of a [`CodeRegion`], readable and executable; readable and writable if
//!   it holds writable data), or *lost* (the system refused to take it back; no owner, never used again).
//! - A *specialisation* has one [`CodeRegion`], which its owner keeps, and one [`CodeProvider`], which its
//!   `JITModule` keeps. The provider lives while code is being built, the region while code may run.
//!
//! # Invariants
//!
//! - **C1** A page is never writable and executable at once. Code goes from open to sealed and from sealed
//!   to free; nothing is ever made writable again while it is owned.
//! - **C2** A page has at most one owner: its bit in the page map is set from before it becomes accessible
//!   until after it has become inaccessible again.
//! - **C3** A sealed page is given back by the drop of its region and by nothing else. An open page is
//!   given back by the drop of its provider: a compile error, or a panic that unwinds through the
//!   `JITModule`, leaves nothing behind.
//! - **C4** A module writes to open pages only, so that dropping a region is memory-safe whether its module
//!   still exists or not. To *call* sealed code is unsafe, and whoever does it owes that the region is
//!   alive until the call has returned.
//! - **C5** `used = allocated_total - freed_total`, in whole pages, and never more than the capacity. A
//!   request that would exceed it fails with [`CodeMemoryFull`] and changes nothing.
//!
//! # Key operations
//!
//! | operation | pages | system calls |
//! |---|---|---|
//! | [`CodeMemory::new_region`] | | none |
//! | `allocate`, no room left in the open pages | free to open | 1 `mprotect` |
//! | `allocate`, otherwise | | none |
//! | `finalize` | open to sealed | 1 `mprotect` for each run |
//! | drop of a region or of an unfinalized provider | to free | 1 `mprotect`, 1 `madvise` for each run |
//!
//! Runs grow in place where the next pages are free, so a specialisation has one run as a rule. Read-only
//! data lies among the code (readable, executable, not writable), as Cranelift's constant pools do anyway:
//! a page of its own would cost two more system calls. Writable data gets a run of its own.
//!
//! # What it deliberately does not know
//!
//! Whether an activation is inside the code. Deciding when a region may be dropped is its owner's work.
//!
//! # Platforms
//!
//! Linux on x86-64 (tested) and on aarch64 (written after the Arm manual, not yet compiled or run). Elsewhere
//! [`CodeMemory::new`] reports `Unsupported`, and everything stays interpreted.
//!
//! # Example
//!
//! ```
//! use cutthrough_jit::code_memory::CodeMemory;
//! use cranelift_jit::{JITBuilder, JITModule};
//!
//! let memory = CodeMemory::new()?;
//! let (region, provider) = memory.new_region();
//! let mut builder = JITBuilder::new(cranelift_module::default_libcall_names())?;
//! builder.memory_provider(Box::new(provider));
//! let mut module = JITModule::new(builder);
//! // ... declare_function, define_function ...
//! module.finalize_definitions()?;
//! // ... let entry = module.get_finalized_function(id); ...
//! drop(module); // frees no code
//! // ... run `entry` for as long as `region` is kept ...
//! drop(region); // frees it
//! assert_eq!(memory.stats().used_bytes, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(target_os = "linux")]
mod marker;
mod page_map;
mod provider;
mod run;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod sys;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "sys_unsupported.rs"]
mod sys;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cranelift_module::ModuleError;

#[cfg(target_os = "linux")]
pub(crate) use marker::{Marker, monotonic_ns};
use page_map::PageMap;
pub use provider::{CodeProvider, CodeRegion};
use sys::Reservation;

/// The capacity of a [`CodeMemory`] made by [`CodeMemory::new`].
pub const CAPACITY_BYTES_DEFAULT: usize = 64 << 20;

/// The largest capacity. An aarch64 `bl` reaches 128 MiB, so code anywhere in the reservation can call
/// code anywhere else in it. And if every page had a mapping of its own there would be 32,768 of them,
/// half of what Linux allows a process by default (`vm.max_map_count`, 65,530).
pub const CAPACITY_BYTES_MAX: usize = 128 << 20;

const _: () = assert!(CAPACITY_BYTES_DEFAULT <= CAPACITY_BYTES_MAX);

/// A reservation of addresses that native code is put into, shared by all specialisations of an engine.
///
/// Any thread may use it: the lock is held while bits are searched and set, never during a system call.
#[derive(Debug)]
pub struct CodeMemory {
    reservation: Reservation,
    book: Mutex<Book>,
}

/// What a [`CodeMemory`] holds and has held; all bytes are those of whole pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeMemoryStats {
    /// The cap: the size of the reservation.
    pub capacity_bytes: usize,
    /// Bytes of open, sealed and lost pages.
    pub used_bytes: usize,
    /// Bytes ever given to a specialisation.
    pub allocated_bytes_total: u64,
    /// Bytes ever taken back.
    pub freed_bytes_total: u64,
    /// Regions that hold finalized code.
    pub live_specialisations: usize,
}

/// The error at the cap: no free run is long enough. Nothing has changed; a later request may succeed,
/// once specialisations have been dropped.
///
/// It arrives inside the `io::Error` of a [`ModuleError::Allocation`]; ask [`CodeMemoryFull::caused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMemoryFull {
    wanted_bytes: usize,
    used_bytes: usize,
    capacity_bytes: usize,
}

impl CodeMemory {
    /// Reserves addresses for [`CAPACITY_BYTES_DEFAULT`] of code.
    ///
    /// # Errors
    ///
    /// As for [`CodeMemory::with_capacity`].
    pub fn new() -> io::Result<Arc<Self>> {
        Self::with_capacity(CAPACITY_BYTES_DEFAULT)
    }

    /// Reserves addresses for `capacity_bytes` of code, rounded up to whole pages. No memory is used yet.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the capacity is 0 or above [`CAPACITY_BYTES_MAX`]; `Unsupported` on a platform
    /// that code memory is not written for; otherwise what the system said.
    pub fn with_capacity(capacity_bytes: usize) -> io::Result<Arc<Self>> {
        if capacity_bytes == 0 || capacity_bytes > CAPACITY_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("code memory of {capacity_bytes} bytes: choose 1 to {CAPACITY_BYTES_MAX}"),
            ));
        }
        let reservation = Reservation::new(capacity_bytes)?;
        let book = Mutex::new(Book::new(reservation.bytes() / reservation.page_bytes()));
        Ok(Arc::new(Self { reservation, book }))
    }

    /// The largest memory there can be, in which an address is used again as late as possible: only when
    /// there is none above the last one. For profilers, which know code by its address. Page tables for
    /// what was used remain, up to 256 KiB.
    ///
    /// # Errors
    ///
    /// As for [`CodeMemory::with_capacity`].
    pub fn spread() -> io::Result<Arc<Self>> {
        let memory = Self::with_capacity(CAPACITY_BYTES_MAX)?;
        memory.book().next_page = Some(0);
        Ok(memory)
    }

    /// Begins a specialisation: the region goes to its owner, the provider to its `JITModule`.
    ///
    /// Takes no pages and cannot fail; the first allocation of the module can.
    #[must_use = "the region is what keeps the code"]
    pub fn new_region(self: &Arc<Self>) -> (CodeRegion, CodeProvider) {
        provider::new_pair(self)
    }

    /// Makes a specialisation of code that refers to nothing outside of it: the region, and where the code
    /// begins. Two system calls.
    ///
    /// # Errors
    ///
    /// When it does not fit, or the system refuses.
    pub fn seal(
        self: &Arc<Self>,
        code: &[u8],
        alignment: u64,
    ) -> Result<(CodeRegion, *const u8), Box<ModuleError>> {
        provider::seal(self, code, alignment)
    }

    /// The counters, all read at one moment.
    #[must_use]
    pub fn stats(&self) -> CodeMemoryStats {
        let page_bytes = self.reservation.page_bytes();
        let book = self.book();
        CodeMemoryStats {
            capacity_bytes: self.reservation.bytes(),
            used_bytes: book.map.taken() * page_bytes,
            allocated_bytes_total: book.allocated_pages_total * page_bytes as u64,
            freed_bytes_total: book.freed_pages_total * page_bytes as u64,
            live_specialisations: book.live_specialisations,
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Poison would say that a panic came between two changes of the book; each change is one call that
        // asserts before it writes, so what it guards is consistent.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self, wanted_pages: usize) -> io::Error {
        let CodeMemoryStats {
            capacity_bytes,
            used_bytes,
            ..
        } = self.stats();
        let wanted_bytes = wanted_pages.saturating_mul(self.reservation.page_bytes());
        let full = CodeMemoryFull {
            wanted_bytes,
            used_bytes,
            capacity_bytes,
        };
        io::Error::new(io::ErrorKind::OutOfMemory, full)
    }
}

impl CodeMemoryFull {
    /// Whether `error` is a code memory at its cap, as opposed to a failure of the compiler or the system.
    #[must_use]
    pub fn caused(error: &ModuleError) -> bool {
        let ModuleError::Allocation { err } = error else {
            return false;
        };
        err.get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl fmt::Display for CodeMemoryFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wanted_bytes,
            used_bytes,
            capacity_bytes,
        } = self;
        write!(
            f,
            "code memory full: {wanted_bytes} bytes wanted in one piece, {used_bytes} of {capacity_bytes} \
             in use; drop specialisations or raise the capacity"
        )
    }
}

impl std::error::Error for CodeMemoryFull {}

/// What the lock guards: which pages have an owner, and the counters.
#[derive(Debug)]
struct Book {
    map: PageMap,
    allocated_pages_total: u64,
    freed_pages_total: u64,
    live_specialisations: usize,
    /// Where to look first, if addresses are to be used again late.
    next_page: Option<usize>,
}

impl Book {
    fn new(pages: usize) -> Self {
        Self {
            map: PageMap::new(pages),
            allocated_pages_total: 0,
            freed_pages_total: 0,
            live_specialisations: 0,
            next_page: None,
        }
    }

    fn take(&mut self, pages: usize) -> Option<usize> {
        let above = self.next_page.and_then(|next| self.map.take_from(next, pages));
        let first_page = above.or_else(|| self.map.take(pages))?;
        if let Some(next_page) = &mut self.next_page {
            *next_page = first_page + pages;
        }
        self.allocated_pages_total += pages as u64;
        Some(first_page)
    }

    fn take_at(&mut self, first_page: usize, pages: usize) -> bool {
        let taken = self.map.take_at(first_page, pages);
        if taken {
            self.allocated_pages_total += pages as u64;
        }
        taken
    }

    fn give_back(&mut self, first_page: usize, pages: usize) {
        self.map.give_back(first_page, pages);
        self.freed_pages_total += pages as u64;
    }
}
