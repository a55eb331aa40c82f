//! Where the state of a network's processes lies: slots in one run of words, in which
//! each has its place; the byte strings that slots own; and row buffers, by their numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::{ImageReader, put_value};
use crate::memory::{Words, trusted, view_of};
use crate::program::RowsDecl;
use crate::rows::Rows;
use crate::types::{FieldAt, Kind, Type, Word};

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
    /// For each first word of a slot, the slot's place.
    places: Vec<Option<Place>>,
    kept: Vec<Kept>,
    /// Places given back, by type and offset, with which byte strings are theirs.
    free: BTreeMap<(Type, u32), u32>,
    /// Row buffers by their numbers; each where it stays, as native code knows its address.
    rows: Vec<Option<Box<Rows>>>,
    /// The numbers given back.
    free_rows: BTreeSet<u32>,
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
        self.places[place.offset()] = Some(place);
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
        self.places.resize(self.words.len(), None);
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
    ///
    /// # Panics
    /// When the place is not one of this state.
    pub fn remove(&mut self, place: Place) {
        self.check(place);
        if place.ty.kind == Kind::Bytes {
            self.kept[place.kept as usize] = Kept::default();
        }
        self.clear(place);
        self.places[place.offset()] = None;
        self.free.insert((place.ty, place.offset), place.kept);
    }

    /// The value of a slot.
    ///
    /// # Panics
    /// When the place is not one of this state.
    pub fn get(&self, place: Place) -> Words<'_> {
        self.check(place);
        let words = &self.words[place.offset()..place.offset() + place.ty.words()];
        trusted(FieldAt::alone(place.ty), words)
    }

    /// Sets a slot; bytes are copied.
    ///
    /// # Panics
    /// When the place is not one of this state, or the value is of another type.
    pub fn set(&mut self, place: Place, value: Words<'_>) {
        self.check(place);
        assert!(
            value.types().eq([place.ty]),
            "a value of another type than the slot's"
        );
        let at = place.offset();
        self.words[at..at + place.ty.words()].copy_from_slice(value.words());
        if place.ty.kind == Kind::Bytes && value.is_some(0) {
            self.keep(place, value.bytes(0));
        }
    }

    /// Makes a slot what it is without a value: zero, no bytes, null.
    pub fn clear(&mut self, place: Place) {
        self.check(place);
        self.words[place.offset()..place.offset() + place.ty.words()].fill(0);
    }

    /// INVARIANT: where a place of this state says that bytes lie, they do: it is read by
    /// no place of another state, nor by one that was given back.
    #[inline]
    fn check(&self, place: Place) {
        assert!(
            self.places.get(place.offset()) == Some(&Some(place)),
            "a place of another state"
        );
    }

    /// Makes a slot of bytes own a copy of `bytes`, which may be a view of what it
    /// owned; the word of presence is left as it is.
    pub fn keep(&mut self, place: Place, bytes: &[u8]) {
        self.check(place);
        assert_eq!(place.ty.kind, Kind::Bytes, "the kind of a slot that keeps bytes");
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

    /// Appends the value of a slot to an image.
    pub fn save(&self, place: Place, into: &mut Vec<u8>) {
        put_value(into, self.get(place).get(0), place.ty);
    }

    /// Sets a slot to a value from an image.
    ///
    /// # Errors
    /// When the image has no such value there.
    pub fn load(&mut self, place: Place, from: &mut ImageReader<'_>) -> Result<(), String> {
        let mut words = [0; 3];
        let words = &mut words[..place.ty.words()];
        from.value(place.ty, words)?;
        self.set(place, trusted(FieldAt::alone(place.ty), words));
        Ok(())
    }

    /// Has a row buffer take over the rows of another, which has them as well then.
    ///
    /// # Errors
    /// As [`Rows::take_over`].
    pub fn take_over_rows(&mut self, from: u32, to: u32) -> Result<(), String> {
        self.with_rows(&[from, to], |rows| {
            let [from, to] = rows else {
                unreachable!("INVARIANT: there are two")
            };
            to.take_over(from)
        })
    }

    /// The first word of a slot of one, as an integer.
    pub fn i64(&self, place: Place) -> i64 {
        self.words[place.offset()].cast_signed()
    }

    /// Sets an integer slot.
    pub fn set_i64(&mut self, place: Place, value: i64) {
        self.check(place);
        assert_eq!(place.ty, Type::I64, "the type of a slot that is set");
        self.words[place.offset()] = value.cast_unsigned();
    }

    /// Makes a row buffer, without rows; its number. The lowest that is free is taken.
    pub fn add_rows(&mut self, decl: &RowsDecl) -> u32 {
        let rows = Some(Box::new(Rows::new(decl.clone())));
        match self.free_rows.pop_first() {
            Some(number) => {
                self.rows[number as usize] = rows;
                number
            }
            None => {
                self.rows.push(rows);
                u32::try_from(self.rows.len() - 1).expect("the number of row buffers is bounded")
            }
        }
    }

    /// Frees a row buffer, and what it owns.
    pub fn remove_rows(&mut self, number: u32) {
        self.rows[number as usize] = None;
        self.free_rows.insert(number);
    }

    /// The row buffer of this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn rows(&self, number: u32) -> &Rows {
        let rows = self.rows[number as usize].as_deref();
        rows.expect("INVARIANT: the row buffer is there")
    }

    /// The same, to be changed.
    ///
    /// # Panics
    /// When there is none.
    pub fn rows_mut(&mut self, number: u32) -> &mut Rows {
        let rows = self.rows[number as usize].as_deref_mut();
        rows.expect("INVARIANT: the row buffer is there")
    }

    /// Calls a function with several row buffers at once.
    ///
    /// # Panics
    /// When one is not there or stands twice.
    pub fn with_rows<R>(&mut self, numbers: &[u32], call: impl FnOnce(&mut [&mut Rows]) -> R) -> R {
        let taken = numbers.iter().map(|&number| self.rows[number as usize].take());
        let mut taken: Vec<Box<Rows>> = taken
            .map(|rows| rows.expect("INVARIANT: each row buffer is there once"))
            .collect();
        let mut rows: Vec<&mut Rows> = taken.iter_mut().map(|rows| &mut **rows).collect();
        let value = call(&mut rows);
        for (&number, rows) in numbers.iter().zip(taken) {
            self.rows[number as usize] = Some(rows);
        }
        value
    }

    /// All the words, as native code addresses them.
    ///
    /// # Safety
    /// The words of a slot are only set to a value of its type; those of a slot of bytes
    /// only by [`keep`](State::keep).
    #[expect(unsafe_code, reason = "lends words that are read as addresses")]
    pub unsafe fn words_mut(&mut self) -> &mut [Word] {
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
