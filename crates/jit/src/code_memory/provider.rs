//! The two ends of a specialisation's memory: the module's, which fills it, and the owner's, which frees it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};

use super::CodeMemory;
use super::run::Run;
use super::sys::{self, Protection};

/// Owns the finalized code of one specialisation. Dropping it frees the code at once.
///
/// It may be dropped on any thread and does not wait: that no activation is inside the code, and none will
/// be, is for the owner to know before.
#[derive(Debug)]
#[must_use = "dropping the region frees the code"]
pub struct CodeRegion {
    sealed: Arc<Mutex<Sealed>>,
}

/// Gives a `JITModule` its memory, out of a [`CodeMemory`].
///
/// The pages are the provider's until `finalize`, and then the region's. Dropping the provider, or the
/// module that holds it, frees what was not finalized and nothing else; so does `JITModule::free_memory`.
#[derive(Debug)]
pub struct CodeProvider {
    memory: Arc<CodeMemory>,
    region: Weak<Mutex<Sealed>>,
    open: Vec<Segment>,
}

/// What a region owns.
#[derive(Debug)]
struct Sealed {
    memory: Arc<CodeMemory>,
    runs: Vec<Run>,
}

/// An open run, filled from its beginning.
#[derive(Debug)]
struct Segment {
    run: Run,
    filled_bytes: usize,
    /// Stays writable, and is never executable.
    writable: bool,
}

pub(super) fn new_pair(memory: &Arc<CodeMemory>) -> (CodeRegion, CodeProvider) {
    let sealed = Arc::new(Mutex::new(Sealed {
        memory: Arc::clone(memory),
        runs: Vec::new(),
    }));
    let region = Arc::downgrade(&sealed);
    (
        CodeRegion { sealed },
        CodeProvider {
            memory: Arc::clone(memory),
            region,
            open: Vec::new(),
        },
    )
}

/// Puts code that refers to nothing else into memory of its own, executable.
pub(super) fn seal(
    memory: &Arc<CodeMemory>,
    code: &[u8],
    alignment: u64,
) -> Result<(CodeRegion, *const u8), Box<ModuleError>> {
    let (region, mut provider) = new_pair(memory);
    let address = provider
        .allocate(code.len(), alignment, JITMemoryKind::Executable)
        .map_err(|err| ModuleError::Allocation { err })?;
    // SAFETY: copying asks for as many bytes to read, which the slice has; for as many to write,
    // which were just allocated, open and ours alone (C2); and that they do not overlap, as
    // the reservation holds no Rust objects.
    unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), address, code.len()) };
    provider.finalize(BranchProtection::None)?;
    Ok((region, address))
}

impl CodeRegion {
    /// The bytes of its pages; 0 until the module has been finalized.
    #[must_use]
    pub fn bytes(&self) -> usize {
        lock(&self.sealed).runs.iter().map(Run::bytes).sum()
    }

    /// Whether this region keeps `address` alive. For assertions where an address is about to be called.
    #[must_use]
    pub fn contains(&self, address: *const u8) -> bool {
        lock(&self.sealed).runs.iter().any(|run| run.contains(address))
    }
}

impl JITMemoryProvider for CodeProvider {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        let page_bytes = self.memory.reservation.page_bytes();
        let align = usize::try_from(align).unwrap_or(usize::MAX);
        if !align.is_power_of_two() || align > page_bytes {
            return Err(invalid(format!(
                "code aligned to {align}: a power of two up to {page_bytes} can be had"
            )));
        }
        let capacity_bytes = self.memory.reservation.bytes();
        if size > capacity_bytes {
            return Err(self.memory.full(size.div_ceil(page_bytes)));
        }
        let size = size.max(1);
        let writable = match kind {
            JITMemoryKind::Executable | JITMemoryKind::ReadOnly => false,
            JITMemoryKind::Writable => true,
        };
        if let Some(segment) = self.open.iter_mut().rfind(|segment| segment.writable == writable)
            && let Some(address) = segment.allocate(size, align)?
        {
            return Ok(address);
        }
        let run = Run::open(&self.memory, size)?;
        let address = run.address(0);
        self.open.push(Segment {
            run,
            filled_bytes: size,
            writable,
        });
        Ok(address)
    }

    /// Does nothing: the finalized code belongs to the [`CodeRegion`], and the rest goes with the provider,
    /// which `JITModule::free_memory` drops after this call.
    unsafe fn free_memory(&mut self) {}

    /// Seals what is open and hands it to the region. What cannot be sealed is freed: the module has done
    /// its relocations, and so writes there no more.
    fn finalize(&mut self, branch_protection: BranchProtection) -> ModuleResult<()> {
        let open = std::mem::take(&mut self.open);
        if open.is_empty() {
            return Ok(());
        }
        let Some(region) = self.region.upgrade() else {
            let dropped = "the CodeRegion was dropped before its module was finalized; keep it until then";
            return Err(backend(io::Error::other(dropped)));
        };
        let protection = Protection::ReadExecute {
            bti: branch_protection == BranchProtection::BTI,
        };
        for Segment {
            run, filled_bytes, ..
        } in open.iter().filter(|segment| !segment.writable)
        {
            sys::clean_instruction_cache(run.address(0), *filled_bytes);
            run.protect(protection).map_err(backend)?;
        }
        sys::synchronize_instruction_streams().map_err(backend)?;
        lock(&region).push(open.into_iter().map(|segment| segment.run));
        Ok(())
    }
}

impl Segment {
    /// The next `size` bytes, with more pages if needed; `None` if there are none behind this run.
    fn allocate(&mut self, size: usize, align: usize) -> io::Result<Option<*mut u8>> {
        // Runs begin at a page and `align` is at most a page: aligned offsets are aligned addresses.
        let start = self.filled_bytes.next_multiple_of(align);
        let end = start + size; // each is at most the capacity
        let missing_bytes = end.saturating_sub(self.run.bytes());
        if missing_bytes > 0 && !self.run.try_grow(missing_bytes)? {
            return Ok(None);
        }
        self.filled_bytes = end;
        Ok(Some(self.run.address(start)))
    }
}

impl Sealed {
    fn push(&mut self, runs: impl Iterator<Item = Run>) {
        if self.runs.is_empty() {
            self.memory.book().live_specialisations += 1;
        }
        self.runs.extend(runs);
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        if !self.runs.is_empty() {
            self.runs.clear();
            self.memory.book().live_specialisations -= 1;
        }
    }
}

fn lock(sealed: &Mutex<Sealed>) -> MutexGuard<'_, Sealed> {
    // A panic under this lock can only be one of `Vec`'s, which leaves the runs owned.
    sealed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn backend(error: io::Error) -> ModuleError {
    ModuleError::Backend(error.into())
}
