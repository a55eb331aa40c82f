//! Where the state slots of a network's processes lie: one run of words, in which
//! each slot has its place, and the byte strings that slots own.

use std::collections::BTreeMap;

use crate::memory::{Words, trusted, view_of};
use crate::types::{Kind, Type, Word};

/// The place of one state slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    offset: u32,
    ty: Type,
    /// Which of the owned byte strings is the slot's.
    kept: u32,
}

impl Place {
    /// The offset of the first word.
    pub fn offset(self) -> usize {
        self.offset as usize
    }

    /// The type of the slot.
    pub fn ty(self) -> Type {
        self.ty
    }
}

/// The bytes that a slot owns. The value before the last is kept too: a view of it
/// may be on its way in the activation that set the slot anew.
#[derive(Debug, Default)]
struct Kept {
    current: Vec<u8>,
    previous: Vec<u8>,
}

/// The state slots of all processes of a network.
#[derive(Debug, Default)]
pub struct State {
    words: Vec<Word>,
    kept: Vec<Kept>,
    /// Places given back, by type and offset, with which byte strings are theirs.
    free: BTreeMap<(Type, u32), u32>,
}

impl State {
    /// Makes room for a slot that begins with these words. Bytes begin empty.
    ///
    /// The first place that is free is taken: slots that come and go again lie where they
    /// lay before, whatever the order in which they went.
    pub fn add(&mut self, ty: Type, init: &[Word]) -> Place {
        let free = self.free.range((ty, 0)..=(ty, u32::MAX)).next();
        let place = match free.map(|(&(ty, offset), &kept)| Place { offset, ty, kept }) {
            Some(place) => {
                self.free.remove(&(ty, place.offset));
                place
            }
            None => self.grow(ty),
        };
        let words = &mut self.words[place.offset()..place.offset() + ty.words()];
        match ty.kind {
            Kind::Bytes => words.fill(0),
            Kind::I64 | Kind::F64 | Kind::Bool => words.copy_from_slice(init),
        }
        place
    }

    fn grow(&mut self, ty: Type) -> Place {
        let offset = u32::try_from(self.words.len()).expect("the number of slots is bounded");
        self.words.resize(self.words.len() + ty.words(), 0);
        if ty.kind == Kind::Bytes {
            self.kept.push(Kept::default());
        }
        Place {
            offset,
            ty,
            kept: (self.kept.len().max(1) - 1) as u32,
        }
    }

    /// Gives a slot's place back; what it owned is freed.
    pub fn remove(&mut self, place: Place) {
        if place.ty.kind == Kind::Bytes {
            self.kept[place.kept as usize] = Kept::default();
        }
        self.words[place.offset()..place.offset() + place.ty.words()].fill(0);
        self.free.insert((place.ty, place.offset), place.kept);
    }

    /// The value of a slot.
    pub fn get(&self, place: Place) -> Words<'_> {
        trusted(&self.words[place.offset()..place.offset() + place.ty.words()])
    }

    /// Sets a slot; bytes are copied.
    pub fn set(&mut self, place: Place, value: Words<'_>) {
        let at = place.offset();
        self.words[at..at + place.ty.words()].copy_from_slice(value.words());
        let is_present = !place.ty.nullable || value.words()[place.ty.payload_words()] != 0;
        if place.ty.kind == Kind::Bytes && is_present {
            self.keep(place, value.bytes(0));
        }
    }

    /// Makes a slot of bytes own a copy of `bytes`, which may be a view of what it
    /// owned; the word of presence is left as it is.
    pub fn keep(&mut self, place: Place, bytes: &[u8]) {
        let kept = &mut self.kept[place.kept as usize];
        if kept.previous.as_ptr_range().contains(&bytes.as_ptr()) {
            kept.previous = bytes.to_vec();
        } else {
            kept.previous.clear();
            kept.previous.extend_from_slice(bytes);
        }
        std::mem::swap(&mut kept.current, &mut kept.previous);
        // No bytes have one form, so that absent values are zero words.
        let view = if bytes.is_empty() {
            (0, 0)
        } else {
            view_of(&kept.current)
        };
        (self.words[place.offset()], self.words[place.offset() + 1]) = view;
    }

    /// The first word of a slot of one, as an integer.
    pub fn i64(&self, place: Place) -> i64 {
        self.words[place.offset()].cast_signed()
    }

    /// Sets an integer slot.
    pub fn set_i64(&mut self, place: Place, value: i64) {
        debug_assert_eq!(place.ty, Type::I64);
        self.words[place.offset()] = value.cast_unsigned();
    }

    /// All the words, as native code addresses them.
    pub fn words_mut(&mut self) -> &mut [Word] {
        &mut self.words
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}
