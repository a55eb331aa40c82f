//! The fields of an element, one after another: to read, to write, to look at.

use cutthrough_ir::{HostContext, Results, Words};

/// The fields of an element, or of a part of one, to be looked at in any order. Each is
/// checked: to look at a field of another kind is a panic, which fails the process.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    words: Words<'a>,
    first: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(words: Words<'a>) -> Fields<'a> {
        Fields { words, first: 0 }
    }

    /// The fields from number `from` on.
    #[inline]
    #[must_use]
    pub fn skip(self, from: usize) -> Fields<'a> {
        Fields {
            first: self.first + from,
            ..self
        }
    }

    /// The first field as an integer.
    #[inline]
    pub fn i64(self) -> i64 {
        self.words.i64(self.first)
    }

    /// The first field as a double.
    #[inline]
    pub fn f64(self) -> f64 {
        self.words.f64(self.first)
    }

    /// The first field as a boolean.
    #[inline]
    pub fn bool(self) -> bool {
        self.words.bool(self.first)
    }

    /// The first field as a byte string.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.words.bytes(self.first)
    }

    /// Whether the first field is null.
    #[inline]
    pub fn is_null(self) -> bool {
        !self.words.is_some(self.first)
    }
}

/// The fields of an element, to be taken in order. Each is checked: to take a field of
/// another kind than comes next, or one more than there are, is a panic, which fails the
/// process.
#[derive(Debug)]
pub struct FieldReader<'a> {
    pub(super) fields: Words<'a>,
    pub(super) next: usize,
}

impl<'a> FieldReader<'a> {
    /// Takes an integer.
    #[inline]
    pub fn i64(&mut self) -> i64 {
        self.advance(Words::i64)
    }

    /// Takes a double.
    #[inline]
    pub fn f64(&mut self) -> f64 {
        self.advance(Words::f64)
    }

    /// Takes a boolean.
    #[inline]
    pub fn bool(&mut self) -> bool {
        self.advance(Words::bool)
    }

    /// Takes a byte string.
    #[inline]
    pub fn bytes(&mut self) -> &'a [u8] {
        self.advance(Words::bytes)
    }

    /// Takes the next field if it is null; whether it was.
    #[inline]
    pub fn null(&mut self) -> bool {
        let is_null = !self.fields.is_some(self.next);
        self.next += usize::from(is_null);
        is_null
    }

    /// Passes over so many fields.
    #[inline]
    pub fn skip(&mut self, fields: usize) {
        self.next += fields;
    }

    #[inline]
    fn advance<T>(&mut self, read: impl FnOnce(Words<'a>, usize) -> T) -> T {
        let value = read(self.fields, self.next);
        self.next += 1;
        value
    }
}

/// Takes the fields of an element, in order, for the results of a host call. Each is
/// checked as a [`FieldReader`] does.
#[derive(Debug)]
pub struct FieldWriter<'r, 'a> {
    pub(super) results: &'r mut Results<'a>,
    pub(super) next: usize,
    pub(super) context: &'a HostContext,
}

impl FieldWriter<'_, '_> {
    /// Gives an integer.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        self.results.i64(self.next, value);
        self.next += 1;
    }

    /// Gives a double.
    #[inline]
    pub fn f64(&mut self, value: f64) {
        self.results.f64(self.next, value);
        self.next += 1;
    }

    /// Gives a boolean.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.results.bool(self.next, value);
        self.next += 1;
    }

    /// Gives a copy of a byte string.
    ///
    /// # Errors
    /// When scratch memory is used up.
    #[inline]
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), String> {
        self.results.bytes(self.next, self.context.copy(value)?);
        self.next += 1;
        Ok(())
    }

    /// Leaves so many fields as they are: zero, no bytes, null.
    #[inline]
    pub fn skip(&mut self, fields: usize) {
        self.next += fields;
    }

    /// Gives null, for a field that is nullable.
    #[inline]
    pub fn null(&mut self) {
        self.results.null(self.next);
        self.next += 1;
    }
}
