//! Byte strings of the IR as slices of Rust: the one place that reads memory by
//! an address found in words, and writes words that machine code reads.
//!
//! # What makes a view valid
//! A value of type `bytes` is an address and a length. Verified IR can make one
//! only from constant data (kept alive by the code that names it), from a slice of
//! another view, from an element that was handed over (valid during the grant),
//! from a slot of bytes (which owns them until it has been set twice), or from a result
//! of a host call (valid until the next call of the same function, [`Results`]).
//! A view is never kept longer by the IR: slots and outboxes copy.

#![expect(unsafe_code, reason = "reads memory that is shared with native code")]

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::program::HostSig;
use crate::scratch::HostContext;
use crate::types::{Kind, Type, Word, f64_word};

/// The bytes of a view found in two words of a verified function's registers, of
/// a state slot or of a block of elements.
pub(crate) fn bytes_at<'a>(address: Word, length: Word) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the words are a view's (the interpreter reads them only from values
    // that the verifier has seen typed `bytes`), and views are valid while they can
    // be read, as the module's documentation derives. Nobody writes to viewed
    // memory: constant data is immutable, and slots, slabs and scratch memory are
    // only changed by operations that end the views of them.
    unsafe {
        std::slice::from_raw_parts(
            std::ptr::with_exposed_provenance(address as usize),
            length as usize,
        )
    }
}

/// The words of a view of `bytes`.
pub(crate) fn view_of(bytes: &[u8]) -> (Word, Word) {
    (bytes.as_ptr().expose_provenance() as Word, bytes.len() as Word)
}

/// Words in which values lie whose views are valid for `'a`: the arguments of a
/// host call, an element.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    words: &'a [Word],
}

impl<'a> Words<'a> {
    /// The values that lie in these words.
    ///
    /// # Safety
    /// Where the types of the values say `bytes`, the two words are a valid view for
    /// `'a`.
    pub unsafe fn new(words: &'a [Word]) -> Words<'a> {
        Words { words }
    }

    /// No values.
    pub const NONE: Words<'static> = Words { words: &[] };

    /// The same values for as long as the caller vouches that the views are valid:
    /// an element on its way from the activation that emitted it to the one that
    /// reads it, within one grant. Not for keeping. `room` is memory to use again.
    #[doc(hidden)]
    pub fn carry(self, mut room: Carried) -> Carried {
        room.words.clear();
        room.words.extend_from_slice(self.words);
        room
    }

    /// All the words, as they lie.
    pub fn words(self) -> &'a [Word] {
        self.words
    }

    /// The integer in the word at `index`.
    pub fn i64(self, index: usize) -> i64 {
        self.words[index].cast_signed()
    }

    /// The double in the word at `index`.
    pub fn f64(self, index: usize) -> f64 {
        f64::from_bits(self.words[index])
    }

    /// The boolean in the word at `index`.
    pub fn bool(self, index: usize) -> bool {
        self.words[index] != 0
    }

    /// The byte string whose two words begin at `index`. The host function must
    /// only ask where its signature has one.
    pub fn bytes(self, index: usize) -> &'a [u8] {
        bytes_at(self.words[index], self.words[index + 1])
    }
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Words").field(&self.words).finish()
    }
}

/// Where a host function puts its results. All words are zero when the call
/// begins, so that what is not set is 0, false, no bytes, or null.
///
/// Bytes may come from the arguments, from the function's own object or from
/// scratch memory (`'a`). They are read at most until the same function is called
/// again or the grant ends, whichever is first.
pub struct Results<'a> {
    words: &'a mut [Word],
    lifetime: PhantomData<&'a [u8]>,
}

impl<'a> Results<'a> {
    /// Results that go to these words.
    pub fn new(words: &'a mut [Word]) -> Results<'a> {
        Results {
            words,
            lifetime: PhantomData,
        }
    }

    /// Sets the word at `index` to an integer.
    pub fn i64(&mut self, index: usize, value: i64) {
        self.words[index] = value.cast_unsigned();
    }

    /// Sets the word at `index` to a double.
    pub fn f64(&mut self, index: usize, value: f64) {
        self.words[index] = f64_word(value);
    }

    /// Sets the word at `index` to a boolean: also the word of presence of a
    /// nullable result, which lies behind its value.
    pub fn bool(&mut self, index: usize, value: bool) {
        self.words[index] = Word::from(value);
    }

    /// Sets the two words that begin at `index` to a byte string.
    pub fn bytes(&mut self, index: usize, bytes: &'a [u8]) {
        (self.words[index], self.words[index + 1]) = view_of(bytes);
    }

    /// Copies a run of words as they lie; byte strings among them must live for
    /// `'a`, which those of [`Words::words`] do.
    pub fn copy_args(&mut self, index: usize, args: Words<'a>, from: std::ops::Range<usize>) {
        let words = &args.words[from];
        self.words[index..index + words.len()].copy_from_slice(words);
    }
}

impl fmt::Debug for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Results").field(&self.words).finish()
    }
}

/// A function of the host program that IR calls. It is called between elements'
/// operations, so it should be quick, or do much for each call.
///
/// A panic is contained: it fails the process that called.
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
    object: Box<dyn Host>,
    entry: HostEntry,
}

/// A host object with a place in memory of its own, even if it takes none itself: its
/// address says whose an error is.
struct Placed<T> {
    object: T,
    #[expect(dead_code, reason = "it only takes a place")]
    place: u8,
}

impl<T: Host> Host for Placed<T> {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        self.object.call(args, results, context)
    }
}

impl HostFunction {
    /// Binds an object to a signature.
    pub fn new<T: Host + 'static>(sig: HostSig, object: T) -> HostFunction {
        HostFunction {
            sig,
            object: Box::new(Placed { object, place: 0 }),
            entry: enter::<Placed<T>>,
        }
    }

    /// The signature.
    pub fn sig(&self) -> &HostSig {
        &self.sig
    }

    /// Calls it; gives whether it succeeded. The context has the error otherwise.
    ///
    /// # Panics
    /// When there are more or fewer words than the signature says.
    pub fn call(&mut self, args: Words<'_>, results: &mut [Word], context: &HostContext) -> bool {
        assert_eq!(
            args.words.len(),
            crate::types::words_of(&self.sig.params),
            "arguments of {}",
            self.sig.name
        );
        assert_eq!(
            results.len(),
            crate::types::words_of(&self.sig.results),
            "results of {}",
            self.sig.name
        );
        results.fill(0);
        contain(&mut *self.object, args, results, context)
    }

    /// What no other living function has.
    pub(crate) fn identity(&self) -> usize {
        (&raw const *self.object).addr()
    }

    /// What native code needs to call it: the entry and the object. Both are good
    /// until this is dropped; moving it is harmless.
    pub fn native(&mut self) -> (HostEntry, *mut ()) {
        (self.entry, (&raw mut *self.object).cast())
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunction")
            .field("sig", &self.sig)
            .finish_non_exhaustive()
    }
}

fn contain<'a>(
    object: &'a mut (impl Host + ?Sized),
    args: Words<'a>,
    results: &'a mut [Word],
    context: &'a HostContext,
) -> bool {
    let identity = (&raw const *object).addr();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        object.call(args, &mut Results::new(results), context)
    }));
    let error = match outcome {
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

/// The function that native code calls for a host object of type `T`.
unsafe extern "C" fn enter<T: Host>(
    object: *mut (),
    context: *const HostContext,
    args: *const Word,
    args_len: usize,
    results: *mut Word,
    results_len: usize,
) -> u32 {
    // SAFETY: native code passes the object that `HostFunction::native` gave for
    // this very entry, so it is a `T`; the network that runs has it exclusively.
    // The context lives during the grant. The arguments and the zeroed results are
    // separate stack slots of the calling frame, of the lengths that the
    // signature gives, with views where it says `bytes`.
    unsafe {
        let object = &mut *object.cast::<T>();
        let args = Words::new(std::slice::from_raw_parts(args, args_len));
        let results = std::slice::from_raw_parts_mut(results, results_len);
        u32::from(!contain(object, args, results, &*context))
    }
}

/// An element on its way within a grant; see [`Words::carry`].
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Carried {
    words: Vec<Word>,
}

impl Carried {
    /// The element.
    pub fn words(&self) -> Words<'_> {
        trusted(&self.words)
    }
}

/// Words of a verified function's registers, of state, or of a block of elements.
pub(crate) fn trusted(words: &[Word]) -> Words<'_> {
    // SAFETY: the callers (the interpreter, state and blocks of this crate) pass
    // words that verified code put there by their types, and that live as the
    // module's documentation says.
    unsafe { Words::new(words) }
}

impl<'a> Words<'a> {
    /// Takes the first value off, which is of this type; none where it is absent.
    pub fn next(&mut self, ty: Type) -> Option<Scalar<'a>> {
        let (value, rest) = self.words.split_at(ty.words());
        self.words = rest;
        if ty.nullable && value[ty.payload_words()] == 0 {
            return None;
        }
        Some(match ty.kind {
            Kind::I64 => Scalar::I64(value[0].cast_signed()),
            Kind::F64 => Scalar::F64(f64::from_bits(value[0])),
            Kind::Bool => Scalar::Bool(value[0] != 0),
            Kind::Bytes => Scalar::Bytes(bytes_at(value[0], value[1])),
        })
    }
}

/// One present value, outside of IR.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// An integer.
    I64(i64),
    /// A double.
    F64(f64),
    /// A boolean.
    Bool(bool),
    /// A byte string.
    Bytes(&'a [u8]),
}
