//! Byte strings of the IR as slices of Rust: the one place that reads memory by
//! an address found in words.
//!
//! # What makes a view valid
//! A value of type `bytes` is an address and a length. Verified IR can make one
//! only from constant data (kept alive by the code that names it), from a slice of
//! another view, from an element that was handed over (valid during the grant),
//! from a slot of bytes (which owns them until it has been set twice), or from a result
//! of a host call (valid until the next call of the same function, [`Results`]).
//! A view is never kept longer by the IR: slots and outboxes copy.
//!
//! # Why safe code cannot make another one
//! Only words that are typed `bytes` are ever read as an address, and safe code of
//! users cannot put a number there, nor give words another type:
//!
//! * [`Words`] are words with their types. Every reading is checked against them, so
//!   that a number is never taken for an address. They are made by code that knows the
//!   types: by this crate, or by an `unsafe` call.
//! * [`Results`] are the same for writing. Two words typed `bytes` are only ever set
//!   from a slice, which lives long enough by its lifetime, or to zero.
//! * A [`HostFunction`](crate::HostFunction) has its own types, those of its signature,
//!   whatever its caller's are called. Programs name host functions by that signature.
//! * An [`ElementBlock`](crate::ElementBlock) takes typed values of its own type; its
//!   words, and those of a [`State`](crate::State), are lent for writing by `unsafe`
//!   functions alone. A place of a state is looked up by its type.
//! * A row buffer takes byte strings without a copy from a slab that it shares, or from a
//!   lender that it keeps, whose lifetime nobody else knows ([`rows`](crate::rows)).
//! * Constant data and the first values of slots are checked by the verifier.
//!
//! What runs functions ([`Code`](crate::Code), [`Flow`](crate::Flow),
//! [`ChainCode`](crate::ChainCode)) and the engines relies on verified functions and on
//! surroundings that keep elements for as long as a grant. That is between the crates of
//! this workspace: the package `cutthrough` verifies whatever processes build, and does
//! not export it.

#![expect(unsafe_code, reason = "reads memory that is shared with native code")]

use std::fmt;
use std::marker::PhantomData;

use crate::types::{FieldAt, Kind, Type, Word, f64_word};

/// The bytes of a view found in two words of a verified function's registers, of
/// a state slot or of a block of elements.
pub(crate) fn bytes_at<'a>(address: Word, length: Word) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the words are a view's (the interpreter reads them only from values
    // that the verifier has seen typed `bytes`, `Words` only where their types say so),
    // and views are valid while they can be read, as the module's documentation derives.
    // Nobody writes to viewed memory: constant data is immutable, and slots, slabs and
    // scratch memory are only changed by operations that end the views of them.
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

/// Typed values in words, whose views are valid for `'a`: an element, the arguments of
/// a host call, the value of a slot.
///
/// Values are read by their number. To read one by another kind than it has is a panic,
/// which in a host function fails the process that called.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// Where in `words` each value lies.
    fields: &'a [FieldAt],
    words: &'a [Word],
}

impl<'a> Words<'a> {
    /// No values.
    pub const NONE: Words<'static> = Words {
        fields: &[],
        words: &[],
    };

    /// The values of these types that lie in these words one after another.
    ///
    /// # Safety
    /// The words are values of the types: where a type says `bytes`, the two words are a
    /// valid view for `'a`.
    pub unsafe fn new(fields: &'a [FieldAt], words: &'a [Word]) -> Words<'a> {
        Words { fields, words }
    }

    /// How many values there are.
    pub fn len(self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.fields.is_empty()
    }

    /// The types of the values.
    pub fn types(self) -> impl Iterator<Item = Type> + 'a {
        self.fields.iter().map(|field| field.ty)
    }

    /// The values from number `from` on.
    pub fn skip(self, from: usize) -> Words<'a> {
        Words {
            fields: &self.fields[from..],
            ..self
        }
    }

    /// All the words, as they lie.
    pub fn words(self) -> &'a [Word] {
        &self.words[self.fields.first().map_or(self.words.len(), |field| field.at())..]
    }

    /// Whether value `k` is present, as every value is that is not nullable.
    #[inline]
    pub fn is_some(self, k: usize) -> bool {
        let field = self.fields[k];
        !field.ty.nullable || self.words[field.presence()] != 0
    }

    /// The integer that is value `k`; 0 where it is absent.
    #[inline]
    pub fn i64(self, k: usize) -> i64 {
        self.word(k, Kind::I64).cast_signed()
    }

    /// The double that is value `k`; 0 where it is absent.
    #[inline]
    pub fn f64(self, k: usize) -> f64 {
        f64::from_bits(self.word(k, Kind::F64))
    }

    /// The boolean that is value `k`; false where it is absent.
    #[inline]
    pub fn bool(self, k: usize) -> bool {
        self.word(k, Kind::Bool) != 0
    }

    /// The byte string that is value `k`; none where it is absent.
    #[inline]
    pub fn bytes(self, k: usize) -> &'a [u8] {
        let at = find(self.fields, k, Kind::Bytes).at();
        bytes_at(self.words[at], self.words[at + 1])
    }

    /// The value with number `k`, if it is present.
    pub fn get(self, k: usize) -> Option<Scalar<'a>> {
        let field = self.fields[k];
        if field.ty.nullable && self.words[field.presence()] == 0 {
            return None;
        }
        let word = self.words[field.at()];
        Some(match field.ty.kind {
            Kind::I64 => Scalar::I64(word.cast_signed()),
            Kind::F64 => Scalar::F64(f64::from_bits(word)),
            Kind::Bool => Scalar::Bool(word != 0),
            Kind::Bytes => Scalar::Bytes(bytes_at(word, self.words[field.at() + 1])),
        })
    }

    /// The values in order; none where one is absent.
    pub fn iter(self) -> impl Iterator<Item = Option<Scalar<'a>>> {
        (0..self.len()).map(move |k| self.get(k))
    }

    /// The same values for as long as the caller vouches that the views are valid:
    /// an element on its way from the activation that emitted it to the one that
    /// reads it, within one grant. Not for keeping. `room` is memory to use again.
    #[doc(hidden)]
    pub fn carry(self, mut room: Carried) -> Carried {
        room.fields.clear();
        room.fields.extend_from_slice(self.fields);
        room.words.clear();
        room.words.extend_from_slice(self.words);
        room
    }

    #[inline]
    fn word(self, k: usize, kind: Kind) -> Word {
        self.words[find(self.fields, k, kind).at()]
    }
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Where a host function puts its results. All are zero (0, false, no bytes, or null)
/// when the call begins. To set one by another kind than it has is a panic, which fails
/// the process that called.
///
/// Bytes may come from the arguments, from the function's own object or from
/// scratch memory (`'a`). They are read at most until the same function is called
/// again or the grant ends, whichever is first.
pub struct Results<'a> {
    fields: &'a [FieldAt],
    words: &'a mut [Word],
    lifetime: PhantomData<&'a [u8]>,
}

impl<'a> Results<'a> {
    /// Results of these types that go to these words.
    pub(crate) fn new(fields: &'a [FieldAt], words: &'a mut [Word]) -> Results<'a> {
        Results {
            fields,
            words,
            lifetime: PhantomData,
        }
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Sets result `k` to an integer.
    #[inline]
    pub fn i64(&mut self, k: usize, value: i64) {
        self.word(k, Kind::I64, value.cast_unsigned());
    }

    /// Sets result `k` to a double.
    #[inline]
    pub fn f64(&mut self, k: usize, value: f64) {
        self.word(k, Kind::F64, f64_word(value));
    }

    /// Sets result `k` to a boolean.
    #[inline]
    pub fn bool(&mut self, k: usize, value: bool) {
        self.word(k, Kind::Bool, Word::from(value));
    }

    /// Sets result `k` to a byte string.
    #[inline]
    pub fn bytes(&mut self, k: usize, bytes: &'a [u8]) {
        let (address, length) = view_of(bytes);
        self.words[find(self.fields, k, Kind::Bytes).at() + 1] = length;
        self.word(k, Kind::Bytes, address);
    }

    /// Sets result `k` to a value, or to null.
    pub fn set(&mut self, k: usize, value: Option<Scalar<'a>>) {
        match value {
            None => self.null(k),
            Some(Scalar::I64(value)) => self.i64(k, value),
            Some(Scalar::F64(value)) => self.f64(k, value),
            Some(Scalar::Bool(value)) => self.bool(k, value),
            Some(Scalar::Bytes(value)) => self.bytes(k, value),
        }
    }

    /// Sets result `k` to null.
    ///
    /// # Panics
    /// When the result is not nullable.
    pub fn null(&mut self, k: usize) {
        let field = self.fields[k];
        assert!(
            field.ty.nullable,
            "value {k} is {}, which is never null",
            field.ty
        );
        self.words[field.at()..=field.presence()].fill(0);
    }

    #[inline]
    fn word(&mut self, k: usize, kind: Kind, word: Word) {
        let field = find(self.fields, k, kind);
        self.words[field.at()] = word;
        if field.ty.nullable {
            self.words[field.presence()] = 1;
        }
    }
}

impl fmt::Debug for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Results").field(&self.words).finish()
    }
}

/// Where value `k` lies, which must be of this kind.
#[inline]
fn find(fields: &[FieldAt], k: usize, kind: Kind) -> FieldAt {
    match fields.get(k) {
        Some(&field) if field.ty.kind == kind => field,
        other => refuse(k, fields.len(), other, kind),
    }
}

#[cold]
fn refuse(k: usize, len: usize, found: Option<&FieldAt>, kind: Kind) -> ! {
    let asked = Type::new(kind);
    match found {
        Some(field) => panic!("value {k} is {}, and was used as {asked}", field.ty),
        None => panic!("there is no value {k}, but {len} in all"),
    }
}

/// An element on its way within a grant; see [`Words::carry`].
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Carried {
    fields: Vec<FieldAt>,
    words: Vec<Word>,
}

impl Carried {
    /// The element.
    pub fn words(&self) -> Words<'_> {
        trusted(&self.fields, &self.words)
    }
}

/// Words of a verified function's registers, of state, or of a block of elements.
pub(crate) fn trusted<'a>(fields: &'a [FieldAt], words: &'a [Word]) -> Words<'a> {
    // SAFETY: the callers (the interpreter, state and blocks of this crate) pass
    // words that verified code put there by their types, and that live as the
    // module's documentation says.
    unsafe { Words::new(fields, words) }
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
