//! Functions of the host program: what IR can call, and how it gets there from the
//! interpreter and from native code.

#![expect(unsafe_code, reason = "is entered from native code")]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::memory::{Results, Words, trusted};
use crate::program::HostSig;
use crate::scratch::HostContext;
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

/// How native code enters a host function: its object, the context, the words of
/// the arguments and of the (zeroed) results, and their numbers. 0 means success;
/// otherwise the context has the error.
pub type HostEntry =
    unsafe extern "C" fn(*mut (), *const HostContext, *const Word, usize, *mut Word, usize) -> u32;

/// A host function with its signature, ready to be called by the interpreter and
/// from native code.
pub struct HostFunction {
    sig: HostSig,
    bound: Box<dyn Callable>,
    entry: HostEntry,
}

/// A host object with the types by which its arguments and results are read and written.
struct Bound<T> {
    params: ElementType,
    results: ElementType,
    object: T,
}

/// A [`Bound`] of whatever type.
trait Callable: Send {
    /// Calls it with words of the parameters' types, the results zeroed.
    fn call(&mut self, args: &[Word], results: &mut [Word], context: &HostContext) -> bool;
}

impl<T: Host> Callable for Bound<T> {
    fn call(&mut self, args: &[Word], results: &mut [Word], context: &HostContext) -> bool {
        let identity = (&raw const *self).addr();
        let args = trusted(self.params.layout(), args);
        let call = AssertUnwindSafe(|| {
            let mut results = Results::new(self.results.layout(), results);
            self.object.call(args, &mut results, context)
        });
        let error = match catch_unwind(call) {
            Ok(Ok(())) => return true,
            Ok(Err(message)) => message,
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                format!(
                    "panicked: {}",
                    text.unwrap_or_else(|| "with a payload that is not text".to_owned())
                )
            }
        };
        context.set_error(identity, error);
        false
    }
}

impl HostFunction {
    /// Binds an object to a signature.
    pub fn new<T: Host + 'static>(sig: HostSig, object: T) -> HostFunction {
        let bound = Bound {
            params: ElementType::new(sig.params.iter().copied()),
            results: ElementType::new(sig.results.iter().copied()),
            object,
        };
        HostFunction {
            sig,
            bound: Box::new(bound),
            entry: enter::<T>,
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
    /// When the arguments are of other types than the signature says.
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
        room.0 = ElementType::new(self.sig.results.iter().copied());
        room.1.resize(room.0.words(), 0);
        if self.call_words(args.words(), &mut room.1, context) {
            Ok(trusted(room.0.layout(), &room.1))
        } else {
            let error = context.take_error_of([&*self]);
            Err(error.expect("INVARIANT: a failed call leaves its error"))
        }
    }

    /// Calls it with words of its types, which a verified function has put together;
    /// gives whether it succeeded. The context has the error otherwise.
    pub(crate) fn call_words(&mut self, args: &[Word], results: &mut [Word], context: &HostContext) -> bool {
        results.fill(0);
        self.bound.call(args, results, context)
    }

    /// What no other living function has.
    pub(crate) fn identity(&self) -> usize {
        (&raw const *self.bound).addr()
    }

    /// What native code needs to call it: the entry and the object. Both are good
    /// until this is dropped; moving it is harmless.
    pub fn native(&mut self) -> (HostEntry, *mut ()) {
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
        u32::from(!bound.call(args, results, &*context))
    }
}
