//! What host functions may use during a grant: scratch memory, and the slabs that
//! elements are views of.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use bumpalo::Bump;
use bytes::Bytes;

use crate::limits::{SCRATCH_BYTES_FULL, SCRATCH_BYTES_KEPT, SCRATCH_BYTES_MAX};

/// The surroundings of a host call. One belongs to a network, and is cleared
/// between grants.
#[derive(Debug)]
pub struct HostContext {
    scratch: Bump,
    /// How many bytes of it are in use.
    used: Cell<usize>,
    slabs: RefCell<Vec<Bytes>>,
    /// The last error of each that failed; the latest last.
    errors: RefCell<Vec<(ErrorSource, HostError)>>,
    /// What is known besides the message of the error that a host function is about to give.
    blame: RefCell<(Option<u64>, Option<ErrorCause>)>,
    now: Duration,
}

impl Default for HostContext {
    fn default() -> HostContext {
        HostContext {
            scratch: scratch(),
            used: Cell::new(0),
            slabs: RefCell::default(),
            errors: RefCell::default(),
            blame: RefCell::default(),
            now: Duration::ZERO,
        }
    }
}

impl HostContext {
    /// A copy of `bytes` that lives until the grant ends.
    ///
    /// # Errors
    /// When scratch memory is at its bound.
    pub fn copy(&self, bytes: &[u8]) -> Result<&[u8], String> {
        self.note_use(bytes.len());
        match self.scratch.try_alloc_slice_copy(bytes) {
            Ok(copy) => Ok(copy),
            Err(_) => Err(out_of_scratch(bytes.len())),
        }
    }

    /// Zeroed bytes of this length that live until the grant ends.
    ///
    /// # Errors
    /// When scratch memory is at its bound.
    pub fn alloc(&self, length: usize) -> Result<&mut [u8], String> {
        self.note_use(length);
        self.scratch
            .try_alloc_slice_fill_copy(length, 0)
            .map_err(|_| out_of_scratch(length))
    }

    fn note_use(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_add(bytes));
    }

    /// Whether so much scratch memory is in use that the grant is to come out between the
    /// next two activations, so that it is freed.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.used.get() >= SCRATCH_BYTES_FULL
    }

    /// How many bytes of scratch memory are set aside.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch.allocated_bytes()
    }

    /// What time it is: counted from where whoever runs the network chose, and as they said
    /// last.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Says what time it is.
    pub fn set_now(&mut self, now: Duration) {
        self.now = now;
    }

    /// Makes a slab known, so that who keeps a view of it during this grant can
    /// share it instead of copying.
    pub fn add_slab(&self, slab: Bytes) {
        self.slabs.borrow_mut().push(slab);
    }

    /// Takes back a slab before the grant ends, as nobody has a view of it any more:
    /// its memory can be used again.
    pub fn remove_slab(&self, slab: &Bytes) {
        let mut slabs = self.slabs.borrow_mut();
        if let Some(known) = slabs.iter().rposition(|known| known.as_ptr() == slab.as_ptr()) {
            slabs.swap_remove(known);
        }
    }

    /// The bytes as a value that can be kept: shared where they lie in a known
    /// slab, else a copy.
    pub fn keep(&self, bytes: &[u8]) -> Bytes {
        match self.slab_of(bytes) {
            Some(slab) => slab.slice_ref(bytes),
            None => Bytes::copy_from_slice(bytes),
        }
    }

    /// The known slab that the bytes lie in, to be shared.
    pub fn slab_of(&self, bytes: &[u8]) -> Option<Bytes> {
        let view = bytes.as_ptr_range();
        let slabs = self.slabs.borrow();
        let slab = slabs.iter().rev().find(|slab| {
            let range = slab.as_ptr_range();
            range.start <= view.start && view.end <= range.end
        });
        slab.cloned()
    }

    /// Says more of the error that the host function which calls this gives next: the number of
    /// the element, if that is not the one that came last, and what lies beneath.
    pub fn blame(&self, element: Option<u64>, cause: Option<ErrorCause>) {
        *self.blame.borrow_mut() = (element, cause);
    }

    /// Keeps an error for whoever handles the failure.
    pub fn set_error(&self, source: ErrorSource, message: String) {
        let mut errors = self.errors.borrow_mut();
        errors.retain(|(known, _)| *known != source);
        let (element, cause) = self.blame.take();
        let error = HostError {
            message,
            element,
            cause,
        };
        errors.push((source, error));
    }

    /// The error of the host call that failed last.
    pub fn take_error(&self) -> Option<HostError> {
        self.errors.borrow_mut().pop().map(|(_, error)| error)
    }

    /// The error of what failed last among these.
    pub fn take_error_of(&self, sources: &[ErrorSource]) -> Option<HostError> {
        let mut errors = self.errors.borrow_mut();
        let last = errors.iter().rposition(|(source, _)| sources.contains(source))?;
        Some(errors.remove(last).1)
    }

    /// Ends the life of everything here. Call between grants only.
    pub fn clear(&mut self) {
        self.used.set(0);
        self.scratch.reset();
        if self.scratch.allocated_bytes() > SCRATCH_BYTES_KEPT {
            // One large element should not hold its memory for good.
            self.scratch = scratch();
        }
        self.slabs.get_mut().clear();
        self.errors.get_mut().clear();
        self.blame.take();
    }
}

/// The error of a host function that failed.
#[derive(Clone, Debug)]
pub struct HostError {
    /// What went wrong.
    pub message: String,
    /// The number of the element, where it is not the one that came last.
    pub element: Option<u64>,
    /// What lies beneath that, where it is known.
    pub cause: Option<ErrorCause>,
}

impl From<String> for HostError {
    fn from(message: String) -> HostError {
        HostError {
            message,
            element: None,
            cause: None,
        }
    }
}

/// An error that lies beneath another.
pub type ErrorCause = Arc<dyn std::error::Error + Send + Sync>;

/// What an error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// A host function, by the address of its object, which no other living one has.
    Host(usize),
    /// A row buffer, by its number in the state.
    Rows(u32),
}

fn scratch() -> Bump {
    let scratch = Bump::new();
    scratch.set_allocation_limit(Some(SCRATCH_BYTES_MAX));
    scratch
}

fn out_of_scratch(length: usize) -> String {
    format!("{length} bytes more would exceed the scratch memory of a grant ({SCRATCH_BYTES_MAX} bytes)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_memory_is_sized_to_what_is_used() {
        let mut context = HostContext::default();
        for _ in 0..1_000 {
            let copy = context.copy(&[7; 1_000]).unwrap();
            assert_eq!(copy.len(), 1_000);
        }
        assert!(!context.is_full());
        context.alloc(200 << 20).unwrap();
        assert!(context.is_full());
        assert!(
            context
                .alloc(SCRATCH_BYTES_MAX)
                .unwrap_err()
                .contains("scratch memory")
        );
        context.clear();
        assert!(!context.is_full());
        assert!(context.scratch_bytes() <= SCRATCH_BYTES_KEPT);
    }
}
