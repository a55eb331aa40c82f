//! What profilers need of the system: an executable mapping that they see, and the clock
//! that they go by.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// The first page of a file, mapped executable until it is dropped, so that `perf` records
/// the file's name. Nobody executes it.
#[derive(Debug)]
pub(crate) struct Marker {
    page: NonNull<libc::c_void>,
}

/// A page is at least this large, and a mapping rounds up.
const MAPPED_BYTES: usize = 4096;

// SAFETY: to be sent, a value must not be tied to its thread: mappings belong to the process. Nothing but
// the drop uses the address.
unsafe impl Send for Marker {}

impl Marker {
    /// Maps the file, which must not be empty.
    ///
    /// # Errors
    /// What the system said: a file system may forbid executable mappings (`noexec`).
    pub(crate) fn of(file: &File) -> io::Result<Marker> {
        let protection = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: `mmap` without `MAP_FIXED` makes a new mapping where there was none; that the file
        // changes under it has no consequence, as nobody reads it.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                MAPPED_BYTES,
                protection,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let page = NonNull::new(page).ok_or_else(|| io::Error::other("a file mapped at address 0"))?;
        Ok(Marker { page })
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        // SAFETY: `munmap` asks that the range is ours and that nothing uses it: it is what `mmap` gave us,
        // and its address has been given to nobody.
        unsafe { libc::munmap(self.page.as_ptr(), MAPPED_BYTES) };
    }
}

/// The time by the clock that `perf record -k mono` uses, in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `clock_gettime` writes to the given place, which is there for the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    if result != 0 {
        return 0;
    }
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanoseconds
}
