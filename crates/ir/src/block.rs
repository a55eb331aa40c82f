//! A block of elements: words one element after another, and the bytes that they
//! view. Blocks exist while a grant is dealt out, and in sources and sinks; a flow
//! point never holds one.

use bumpalo::Bump;

use crate::memory::{Results, Scalar, Words, trusted, view_of};
use crate::types::{ElementType, Kind, Word};

/// Elements of one type that own the bytes they view.
#[derive(Debug)]
pub struct ElementBlock {
    element: ElementType,
    width: usize,
    words: Vec<Word>,
    bytes: Bump,
}

impl ElementBlock {
    /// An empty block.
    pub fn new(element: ElementType) -> ElementBlock {
        let width = element.words();
        ElementBlock {
            element,
            width,
            words: Vec::new(),
            bytes: Bump::new(),
        }
    }

    /// The type of the elements.
    pub fn element(&self) -> &ElementType {
        &self.element
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.words.len().checked_div(self.width).unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Adds an element; bytes are copied.
    ///
    /// # Panics
    /// When it is not of this block's type.
    pub fn push(&mut self, element: Words<'_>) {
        assert!(
            element.types().eq(self.element.fields().iter().copied()),
            "an element of another type"
        );
        let first = self.words.len();
        self.words.extend_from_slice(element.words());
        for (k, field) in self.element.layout().iter().enumerate() {
            if field.ty.kind == Kind::Bytes {
                // Absent bytes are none, which costs nothing to copy.
                let at = first + field.at();
                (self.words[at], self.words[at + 1]) = self.intern(element.bytes(k));
            }
        }
    }

    /// Adds an element of these values, none where one is absent; bytes are copied.
    ///
    /// # Panics
    /// When it is not of this block's type.
    pub fn push_values(&mut self, values: &[Option<Scalar<'_>>]) {
        assert_eq!(values.len(), self.element.fields().len(), "fields of an element");
        let first = self.words.len();
        let mut words = std::mem::take(&mut self.words);
        words.resize(first + self.width, 0);
        let mut fields = Results::new(self.element.layout(), &mut words[first..]);
        for (k, &value) in values.iter().enumerate() {
            fields.set(k, value.map(|value| self.own(value)));
        }
        self.words = words;
    }

    /// The same value, its bytes copied.
    fn own<'b>(&'b self, value: Scalar<'_>) -> Scalar<'b> {
        match value {
            Scalar::I64(value) => Scalar::I64(value),
            Scalar::F64(value) => Scalar::F64(value),
            Scalar::Bool(value) => Scalar::Bool(value),
            Scalar::Bytes(bytes) => Scalar::Bytes(self.bytes.alloc_slice_copy(bytes)),
        }
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Words<'_> {
        let words = &self.words[index * self.width..(index + 1) * self.width];
        trusted(self.element.layout(), words)
    }

    /// Forgets all elements and frees their bytes.
    pub fn clear(&mut self) {
        self.words.clear();
        self.bytes.reset();
    }

    /// A copy of `bytes` that lives as long as the elements; for native code, which
    /// puts elements together itself.
    pub fn intern(&self, bytes: &[u8]) -> (Word, Word) {
        if bytes.is_empty() {
            (0, 0)
        } else {
            view_of(self.bytes.alloc_slice_copy(bytes))
        }
    }

    /// The words, as native code extends them.
    ///
    /// # Safety
    /// They are only extended by whole elements of the block's type, whose bytes were
    /// [interned](ElementBlock::intern) here.
    #[expect(unsafe_code, reason = "lends words that are read as addresses")]
    pub unsafe fn words_mut(&mut self) -> &mut Vec<Word> {
        &mut self.words
    }

    /// The words.
    pub fn words(&self) -> &[Word] {
        &self.words
    }
}
