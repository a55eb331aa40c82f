//! Functions of the host program: what IR can call, and how it gets there from the
//! interpreter and from native code.

#![expect(unsafe_code, reason = "is entered from native code")]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::memory::{Results, Words, trusted};
use crate::panics::panic_text;
use crate::program::HostSig;
use crate::rows::{Rows, RowsArg};
use crate::scratch::{ErrorSource, HostContext};
use crate::types::{ElementType, Word};

/// A function of the host program that IR calls. It is called between elements'
/// operations, so it should be quick, or do much for each call.
///
/// Arguments and results are checked by the types of the signature that it was bound to
/// ([`HostFunction::new`]). A panic is contained: it fails the process that called.
pub trait Host: Send {
    /// Does the work. An error fails the process that called, with this message.
    ///
    /// # Errors
    /// Whatever the function has to refuse.
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String>;
}

impl<F> Host for F
where
    F: Send + for<'a> FnMut(Words<'a>, &mut Results<'a>, &'a HostContext) -> Result<(), String>,
{
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        self(args, results, context)
    }
}

/// A host function that is given row buffers of its process: called once for many rows, it
/// reads and fills their columns. Its signature says which it is given and whether it
/// changes them ([`HostSig::rows`]).
///
/// Arguments, columns and results are checked by the types of the signature. A panic is
/// contained: it fails the process that called.
pub trait Kernel: Send {
    /// Does the work; `rows` are in the order of the signature.
    ///
    /// # Errors
    /// Whatever the function has to refuse. An error fails the process that called, with
    /// this message.
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String>;
}

impl<F> Kernel for F
where
    F: Send
        + for<'a> FnMut(Words<'a>, &mut [RowsArg<'_>], &mut Results<'a>, &'a HostContext) -> Result<(), String>,
{
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        self(args, rows, results, context)
    }
}

/// How native code enters a host function: its object, the context, the words of
/// the arguments and of the (zeroed) results, and their numbers. It gives one of
/// [`HOST_DONE`], [`HOST_FAILED`] and [`HOST_FULL`].
pub type HostEntry =
    unsafe extern "C" fn(*mut (), *const HostContext, *const Word, usize, *mut Word, usize) -> u32;

/// How native code enters a kernel: the same, and where the addresses of its row buffers
/// lie, in the order of the signature.
pub type KernelEntry = unsafe extern "C" fn(
    *mut (),
    *const HostContext,
    *const Word,
    usize,
    *mut Word,
    usize,
    *const *mut Rows,
) -> u32;

/// The entry of either kind of function.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// Of one that is given no row buffers.
    Host(HostEntry),
    /// Of one that is.
    Kernel(KernelEntry),
}

impl Entry {
    /// The address of the code.
    pub fn address(self) -> *const () {
        match self {
            Entry::Host(entry) => entry as *const (),
            Entry::Kernel(entry) => entry as *const (),
        }
    }
}

/// What a call gives native code: the results are there.
pub const HOST_DONE: u32 = 0;
/// The context has the error.
pub const HOST_FAILED: u32 = 1;
/// The results are there, and the grant has to come out to free scratch memory
/// ([`HostContext::is_full`]).
pub const HOST_FULL: u32 = 2;

/// A host function with its signature, ready to be called by the interpreter and
/// from native code.
pub struct HostFunction {
    sig: HostSig,
    bound: Box<dyn Callable>,
    entry: Entry,
}

/// A host object with the types by which its arguments and results are read and written.
struct Bound<T> {
    params: ElementType,
    results: ElementType,
    object: T,
}

/// The same of a kernel, and whether it changes each of its row buffers.
struct BoundKernel<T> {
    bound: Bound<T>,
    writes: Vec<bool>,
}

/// A [`Bound`] of whatever type.
trait Callable: Send {
    /// Calls it with words of the parameters' types and the row buffers of the signature,
    /// the results zeroed.
    fn call(
        &mut self,
        args: &[Word],
        rows: &mut dyn Iterator<Item = &mut Rows>,
        results: &mut [Word],
        context: &HostContext,
    ) -> bool;
}

impl<T: Host> Callable for Bound<T> {
    fn call(
        &mut self,
        args: &[Word],
        _rows: &mut dyn Iterator<Item = &mut Rows>,
        results: &mut [Word],
        context: &HostContext,
    ) -> bool {
        let source = ErrorSource::Host((&raw const *self).addr());
        contain(source, context, || {
            let args = trusted(self.params.layout(), args);
            let mut results = Results::new(self.results.layout(), results);
            self.object.call(args, &mut results, context)
        })
    }
}

impl<T: Kernel> Callable for BoundKernel<T> {
    fn call(
        &mut self,
        args: &[Word],
        rows: &mut dyn Iterator<Item = &mut Rows>,
        results: &mut [Word],
        context: &HostContext,
    ) -> bool {
        let source = ErrorSource::Host((&raw const *self).addr());
        let args = trusted(self.bound.params.layout(), args);
        let rows = rows.zip(&self.writes);
        let mut rows: Vec<RowsArg<'_>> = rows.map(|(rows, &writes)| RowsArg::new(rows, writes)).collect();
        contain(source, context, || {
            let mut results = Results::new(self.bound.results.layout(), results);
            self.bound.object.call(args, &mut rows, &mut results, context)
        })
    }
}

/// Whether a call succeeds; its error, or that it panicked, goes to the context.
///
/// PERF: what is caught goes in as one address and comes out as one byte. When closures and
/// results were moved, they were copied by wider loads than the stores just before them, and
/// waited for these: half of what a call costs (November 2026).
#[inline]
fn contain(source: ErrorSource, context: &HostContext, mut call: impl FnMut() -> Result<(), String>) -> bool {
    let mut run = || match call() {
        Ok(()) => true,
        Err(message) => {
            context.set_error(source, message);
            false
        }
    };
    let run = &mut run;
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        context.set_error(source, format!("panicked: {}", panic_text(&*payload)));
        false
    })
}

/// An object with the types of a signature.
fn bind<T>(sig: &HostSig, object: T) -> Bound<T> {
    Bound {
        params: ElementType::new(sig.params.iter().copied()),
        results: ElementType::new(sig.results.iter().copied()),
        object,
    }
}

impl HostFunction {
    /// Binds an object to a signature.
    ///
    /// # Panics
    /// When the signature has row buffers: that is a [kernel](HostFunction::kernel)'s.
    pub fn new<T: Host + 'static>(sig: HostSig, object: T) -> HostFunction {
        assert!(sig.rows.is_empty(), "{} is given row buffers: a kernel", sig.name);
        HostFunction {
            bound: Box::new(bind(&sig, object)),
            sig,
            entry: Entry::Host(enter::<T>),
        }
    }

    /// Binds a kernel to a signature.
    pub fn kernel<T: Kernel + 'static>(sig: HostSig, object: T) -> HostFunction {
        let bound = BoundKernel {
            bound: bind(&sig, object),
            writes: sig.rows.iter().map(|rows| rows.writes).collect(),
        };
        HostFunction {
            bound: Box::new(bound),
            sig,
            entry: Entry::Kernel(enter_kernel::<T>),
        }
    }

    /// The signature.
    pub fn sig(&self) -> &HostSig {
        &self.sig
    }

    /// Calls it. The results lie in `room`, and are valid until they are given up.
    ///
    /// # Errors
    /// What the function refused, or how it panicked.
    ///
    /// # Panics
    /// When the arguments are of other types than the signature says, or it is a kernel.
    pub fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        room: &'a mut ResultRoom,
        context: &'a HostContext,
    ) -> Result<Words<'a>, String> {
        assert!(
            args.types().eq(self.sig.params.iter().copied()),
            "arguments of other types than {} has",
            self.sig.name
        );
        assert!(self.sig.rows.is_empty(), "{} is a kernel", self.sig.name);
        room.0 = ElementType::new(self.sig.results.iter().copied());
        room.1.resize(room.0.words(), 0);
        room.1.fill(0);
        let no_rows = &mut std::iter::empty();
        if self.bound.call(args.words(), no_rows, &mut room.1, context) {
            Ok(trusted(room.0.layout(), &room.1))
        } else {
            let error = context.take_error_of(&[self.error_source()]);
            Err(error.expect("INVARIANT: a failed call leaves its error").message)
        }
    }

    /// Calls it with words of its types, which a verified function has put together, and
    /// with row buffers; gives whether it succeeded. The context has the error otherwise.
    ///
    /// # Panics
    /// When the row buffers are not those that the signature says.
    pub(crate) fn call_words(
        &mut self,
        args: &[Word],
        rows: &mut [&mut Rows],
        results: &mut [Word],
        context: &HostContext,
    ) -> bool {
        let fits = |(rows, param): (&&mut Rows, &crate::RowsParam)| {
            rows.decl().types().eq(param.columns.iter().copied())
        };
        assert!(
            rows.len() == self.sig.rows.len() && rows.iter().zip(&self.sig.rows).all(fits),
            "row buffers of {}",
            self.sig.name
        );
        results.fill(0);
        self.bound.call(
            args,
            &mut rows.iter_mut().map(|rows| &mut **rows),
            results,
            context,
        )
    }

    /// What its errors are known by.
    pub fn error_source(&self) -> ErrorSource {
        ErrorSource::Host((&raw const *self.bound).addr())
    }

    /// What native code needs to call it: the entry and the object. Both are good
    /// until this is dropped; moving it is harmless.
    pub fn native(&mut self) -> (Entry, *mut ()) {
        (self.entry, (&raw mut *self.bound).cast())
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunction")
            .field("sig", &self.sig)
            .finish_non_exhaustive()
    }
}

/// Memory for the results of [`HostFunction::call`].
#[derive(Debug, Default)]
pub struct ResultRoom(ElementType, Vec<Word>);

/// The function that native code calls for a host object of type `T`.
unsafe extern "C" fn enter<T: Host>(
    bound: *mut (),
    context: *const HostContext,
    args: *const Word,
    args_len: usize,
    results: *mut Word,
    results_len: usize,
) -> u32 {
    // SAFETY: native code passes the object that `HostFunction::native` gave for
    // this very entry, so it is a `Bound<T>`; the network that runs has it exclusively.
    // The context lives during the grant. The arguments and the zeroed results are
    // separate stack slots of the calling frame, of the lengths that the
    // signature gives, with views where it says `bytes`.
    unsafe {
        let bound = &mut *bound.cast::<Bound<T>>();
        let args = std::slice::from_raw_parts(args, args_len);
        let results = std::slice::from_raw_parts_mut(results, results_len);
        status(
            bound.call(args, &mut std::iter::empty(), results, &*context),
            &*context,
        )
    }
}

/// The function that native code calls for a kernel of type `T`.
unsafe extern "C" fn enter_kernel<T: Kernel>(
    bound: *mut (),
    context: *const HostContext,
    args: *const Word,
    args_len: usize,
    results: *mut Word,
    results_len: usize,
    rows: *const *mut Rows,
) -> u32 {
    // SAFETY: as in `enter`, with a `BoundKernel<T>`. `rows` are the addresses of as many
    // row buffers as the signature says, of its columns, all of them different (rule 11 of
    // the verifier); they are the state's, which the grant has borrowed, and nobody else
    // uses them while the kernel runs.
    unsafe {
        let bound = &mut *bound.cast::<BoundKernel<T>>();
        let args = std::slice::from_raw_parts(args, args_len);
        let results = std::slice::from_raw_parts_mut(results, results_len);
        let mut given = (0..bound.writes.len()).map(|k| &mut **rows.add(k));
        status(bound.call(args, &mut given, results, &*context), &*context)
    }
}

/// What a call gives native code.
fn status(succeeded: bool, context: &HostContext) -> u32 {
    match succeeded {
        true if context.is_full() => HOST_FULL,
        true => HOST_DONE,
        false => HOST_FAILED,
    }
}
