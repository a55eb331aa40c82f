//! The calls to the system, and to the processor, that code memory is made of.

use std::io;
use std::ptr::NonNull;

use arch::{bti_flag, register_for_synchronization};
pub(super) use arch::{clean_instruction_cache, synchronize_instruction_streams};

/// What may be done with a page. There is no value for "write and execute" (C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    ReadWrite,
    ReadExecute {
        /// Mark as guarded for branch target identification, where the processor has it.
        bti: bool,
    },
}

/// A range of addresses that is ours until it is dropped, inaccessible where nothing else was said.
#[derive(Debug)]
pub(super) struct Reservation {
    base: NonNull<u8>,
    bytes: usize,
    page_bytes: usize,
}

// SAFETY: to be sent, a value must not be tied to its thread: mappings belong to the process.
unsafe impl Send for Reservation {}
// SAFETY: to be shared, `&self` must be safe on several threads at once: it hands out numbers and
// addresses; what changes pages is unsafe and asks for exclusive pages.
unsafe impl Sync for Reservation {}

impl Reservation {
    pub(super) fn new(bytes: usize) -> io::Result<Self> {
        register_for_synchronization()?;
        let page_bytes = page_bytes()?;
        let bytes = bytes.next_multiple_of(page_bytes);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: `mmap` without `MAP_FIXED` and without a file has no obligations: it makes a new mapping
        // where there was none.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base =
            NonNull::new(base.cast()).ok_or_else(|| io::Error::other("code memory mapped at address 0"))?;
        Ok(Self {
            base,
            bytes,
            page_bytes,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    pub(super) fn address(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.bytes, "the offset is in the reservation");
        // SAFETY: `add` asks to stay within one allocation: asserted, and `bytes` is its size.
        unsafe { self.base.as_ptr().add(offset) }
    }

    /// Sets what may be done with the pages at `offset`.
    ///
    /// On failure, some of the pages may have the new protection.
    ///
    /// # Safety
    ///
    /// The pages belong to the caller alone, and nothing relies on being able to do with them what
    /// `protection` excludes.
    pub(super) unsafe fn protect(
        &self,
        offset: usize,
        bytes: usize,
        protection: Protection,
    ) -> io::Result<()> {
        let flags = match protection {
            Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
            Protection::ReadExecute { bti } => libc::PROT_READ | libc::PROT_EXEC | bti_flag(bti),
        };
        let address = self.pages(offset, bytes);
        // SAFETY: `mprotect` asks for pages that are ours to change: `pages` has asserted that they are
        // in our mapping, the rest is the caller's obligation.
        check(unsafe { libc::mprotect(address.cast(), bytes, flags) })
    }

    /// Makes the pages at `offset` inaccessible and gives their memory back to the system.
    ///
    /// On failure, some of the pages may still be accessible.
    ///
    /// # Safety
    ///
    /// The pages belong to the caller alone, and nobody reads, writes or executes them from now on.
    //
    // PERF: one `mmap(MAP_FIXED)` does both, but took 2.8 us for two pages where these two calls took 2.4
    // (Linux 6.18 in a VM, 2026-11), and could leave a hole for others' mappings if it failed half-way.
    pub(super) unsafe fn release(&self, offset: usize, bytes: usize) -> io::Result<()> {
        let address = self.pages(offset, bytes).cast();
        // SAFETY: `mprotect` asks for pages that are ours to change: `pages` has asserted that they are
        // in our mapping, the rest is the caller's obligation.
        check(unsafe { libc::mprotect(address, bytes, libc::PROT_NONE) })?;
        // Refused for locked memory (`mlockall`): then the pages stay resident until they are used again,
        // which does no harm, since they are inaccessible and whoever gets them overwrites them.
        //
        // SAFETY: `madvise(MADV_DONTNEED)` asks that nobody needs the content of the pages, which are in
        // our mapping as asserted: the caller's obligation.
        let _ = unsafe { libc::madvise(address, bytes, libc::MADV_DONTNEED) };
        Ok(())
    }

    /// The address of whole pages of this reservation; panics if they are not.
    fn pages(&self, offset: usize, bytes: usize) -> *mut u8 {
        assert!(
            offset.is_multiple_of(self.page_bytes) && bytes.is_multiple_of(self.page_bytes),
            "pages are whole"
        );
        assert!(
            bytes > 0 && bytes <= self.bytes && offset <= self.bytes - bytes,
            "pages are in the reservation"
        );
        self.address(offset)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: `munmap` asks that the range is ours and that nothing uses it: it is what `mmap` gave us,
        // nothing was unmapped since, and every `Run` keeps the `CodeMemory` that keeps us.
        let result = check(unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) });
        debug_assert!(result.is_ok(), "unmapping code memory: {result:?}");
    }
}

fn page_bytes() -> io::Result<usize> {
    // SAFETY: `sysconf` has no obligations.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page_bytes)
        .ok()
        .filter(|bytes| bytes.is_power_of_two())
        .ok_or_else(|| io::Error::other("the system does not tell its page size"))
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// x86-64 keeps instruction caches coherent with stores; and the `mprotect` that released a page has
/// interrupted, and thereby serialized, every processor that may have executed from it before.
#[cfg(target_arch = "x86_64")]
mod arch {
    use std::io;

    pub(super) fn register_for_synchronization() -> io::Result<()> {
        Ok(())
    }

    pub(in super::super) fn clean_instruction_cache(_code: *const u8, _bytes: usize) {}

    pub(in super::super) fn synchronize_instruction_streams() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn bti_flag(_wanted: bool) -> libc::c_int {
        0
    }
}

/// On aarch64, written code must be cleaned from the data cache and invalidated in the instruction cache
/// by address, and every processor must discard what it has fetched (`membarrier(2)`).
#[cfg(target_arch = "aarch64")]
mod arch {
    use std::arch::asm;
    use std::io;

    const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 6;
    const PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 5;

    /// Must have succeeded once in the process before code is finalized; needs Linux 4.16.
    pub(super) fn register_for_synchronization() -> io::Result<()> {
        membarrier(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
    }

    pub(in super::super) fn clean_instruction_cache(code: *const u8, bytes: usize) {
        let (start, end) = (code.addr(), code.addr() + bytes);
        let cache_type: usize;
        // SAFETY: reading CTR_EL0 has no effects, and Linux allows (or emulates) it.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags)) };
        let data_line_bytes = 4usize << ((cache_type >> 16) & 15);
        let instruction_line_bytes = 4usize << (cache_type & 15);
        for line in (start & !(data_line_bytes - 1)..end).step_by(data_line_bytes) {
            // SAFETY: cleaning a line changes no memory; it needs a readable address, which the open
            // pages of the caller are.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: a barrier has no obligations.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
        for line in (start & !(instruction_line_bytes - 1)..end).step_by(instruction_line_bytes) {
            // SAFETY: invalidating a line of instructions changes no memory; it needs a readable address,
            // which the open pages of the caller are.
            unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: barriers have no obligations.
        unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    }

    pub(in super::super) fn synchronize_instruction_streams() -> io::Result<()> {
        membarrier(PRIVATE_EXPEDITED_SYNC_CORE)
    }

    pub(super) fn bti_flag(wanted: bool) -> libc::c_int {
        const PROT_BTI: libc::c_int = 0x10;
        if wanted && std::arch::is_aarch64_feature_detected!("bti") {
            PROT_BTI
        } else {
            0
        }
    }

    fn membarrier(command: libc::c_int) -> io::Result<()> {
        let no_flags: libc::c_uint = 0;
        let no_cpu: libc::c_int = 0;
        // SAFETY: `membarrier` takes numbers only and has no obligations.
        let result = unsafe { libc::syscall(libc::SYS_membarrier, command, no_flags, no_cpu) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}
