//! A block of elements: words one element after another, and the bytes that they
//! view. Blocks exist while a grant is dealt out, and in sources and sinks; a flow
//! point never holds one.

use bumpalo::Bump;

use crate::memory::{Words, trusted, view_of};
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

    /// Adds an element, of this block's type; bytes are copied.
    pub fn push(&mut self, element: Words<'_>) {
        let mut at = self.words.len();
        self.words.extend_from_slice(element.words());
        let first = at;
        for &ty in self.element.fields() {
            if ty.kind == Kind::Bytes {
                // Absent bytes are none, which costs nothing to copy.
                let bytes = element.bytes(at - first);
                (self.words[at], self.words[at + 1]) = self.intern(bytes);
            }
            at += ty.words();
        }
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Words<'_> {
        trusted(&self.words[index * self.width..(index + 1) * self.width])
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

    /// The words, to be extended by whole elements whose bytes were interned.
    pub fn words_mut(&mut self) -> &mut Vec<Word> {
        &mut self.words
    }

    /// The words.
    pub fn words(&self) -> &[Word] {
        &self.words
    }
}
