//! Sorting, and the first N: keeps elements and gives them in order.
//!
//! The sort is stable; see [`super::rank`] for the order of values. With a limit of
//! N, at most 2 N elements (and no fewer than [`PRUNE_MIN`]) are ever held: when so
//! many are there, all but the first N go, and from then on what does not come
//! before the last of those is not kept at all.

use std::cmp::Ordering;
use std::mem;
use std::ops::Range;

use cutthrough_ir::{Host, HostContext, HostSig, Kind, Results, Scalar, Type, Word, Words, types::words_of};

use super::rank::{compare_nullable, rank};

/// With a limit, how many elements are held at least before any is let go.
pub const PRUNE_MIN: usize = 256;

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The index of the field.
    pub field: usize,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What to keep, and in which order to give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSpec {
    /// The fields of the elements.
    pub element: Vec<Type>,
    /// The most significant first.
    pub keys: Vec<OrderKey>,
    /// Only the first so many.
    pub limit: Option<usize>,
    /// How many bytes the kept elements may take; with a limit, an eighth more
    /// elements than that have to fit.
    pub bytes_max: usize,
}

/// Sorts elements as a host function:
/// `(op: i64, element...) -> (some: bool, element...)`.
#[derive(Debug)]
pub struct OrderHost {
    spec: OrderSpec,
    /// For each key, where its words are in an element.
    key_words: Vec<Range<usize>>,
    /// The byte strings of an element: the field, and its first word.
    byte_fields: Vec<(usize, usize)>,
    width: usize,
    kept: Kept,
    /// The order; while elements come, in the order in which they came.
    index: Vec<Entry>,
    /// With a limit: the rank and the row of the last that would be given now.
    threshold: Option<Entry>,
    /// While elements are given: how many were.
    given: Option<usize>,
}

/// Elements, one after another; their byte strings by offset in `bytes`.
#[derive(Debug, Default)]
struct Kept {
    words: Vec<Word>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// By the first key: mostly decides.
    rank: u64,
    row: u32,
}

impl OrderHost {
    /// Keeps an element.
    pub const ADD: i64 = 0;
    /// Gives the next in order; after the first, none can be added.
    pub const NEXT: i64 = 1;

    /// Holds nothing yet.
    ///
    /// # Panics
    /// When a key is not a field.
    pub fn new(spec: OrderSpec) -> OrderHost {
        let starts: Vec<usize> = (0..spec.element.len())
            .map(|k| words_of(&spec.element[..k]))
            .collect();
        let key_words =
            |key: &OrderKey| starts[key.field]..starts[key.field] + spec.element[key.field].words();
        let is_bytes = |&(field, _): &(usize, usize)| spec.element[field].kind == Kind::Bytes;
        OrderHost {
            key_words: spec.keys.iter().map(key_words).collect(),
            byte_fields: starts.iter().copied().enumerate().filter(is_bytes).collect(),
            width: words_of(&spec.element),
            kept: Kept::default(),
            index: Vec::new(),
            threshold: None,
            given: None,
            spec,
        }
    }

    /// The signature.
    pub fn sig(&self) -> HostSig {
        let with = |first: Type| {
            std::iter::once(first)
                .chain(self.spec.element.iter().copied())
                .collect()
        };
        HostSig {
            name: "order".to_owned(),
            params: with(Type::I64),
            results: with(Type::BOOL),
            rows: Vec::new(),
        }
    }

    /// How many bytes the kept elements take.
    pub fn bytes(&self) -> usize {
        self.kept.words.len() * size_of::<Word>()
            + self.kept.bytes.len()
            + self.index.len() * size_of::<Entry>()
    }

    fn add(&mut self, args: Words<'_>) -> Result<(), String> {
        if self.given.is_some() {
            return Err("order: an element was added after the first was taken".to_owned());
        }
        if self.spec.limit == Some(0) {
            return Ok(());
        }
        let rank = self.rank_of(args);
        if self.threshold.is_some_and(|threshold| rank > threshold.rank) {
            return Ok(());
        }
        let row = u32::try_from(self.index.len()).map_err(|_| "order: more than 2^32 elements".to_owned())?;
        let bytes_before = self.kept.bytes.len();
        self.push(args);
        let entry = Entry { rank, row };
        if self
            .threshold
            .is_some_and(|threshold| self.compare(entry, threshold).is_ge())
        {
            self.kept.words.truncate(self.width * row as usize);
            self.kept.bytes.truncate(bytes_before);
            return Ok(());
        }
        self.index.push(entry);
        let held = self.index.len();
        let is_full = |limit: usize| held >= limit.saturating_mul(2).max(PRUNE_MIN);
        // Not for each element more, which would sort for each: for an eighth more.
        let is_large = |limit: usize| held > limit + limit / 8 && self.bytes() > self.spec.bytes_max;
        if self
            .spec
            .limit
            .is_some_and(|limit| is_full(limit) || is_large(limit))
        {
            self.prune();
        }
        if self.bytes() > self.spec.bytes_max {
            return Err(format!(
                "order: the elements to sort take more than bytes_max = {}",
                self.spec.bytes_max
            ));
        }
        Ok(())
    }

    /// The rank of an element in the arguments.
    fn rank_of(&self, args: Words<'_>) -> u64 {
        let Some(key) = self.spec.keys.first() else {
            return 0;
        };
        rank(args.get(1 + key.field), key.descending)
    }

    fn push(&mut self, args: Words<'_>) {
        let at = self.kept.words.len();
        let element = args.skip(1);
        self.kept.words.extend_from_slice(element.words());
        for &(field, start) in &self.byte_fields {
            self.kept.words[at + start] = self.kept.bytes.len() as Word;
            self.kept.bytes.extend_from_slice(element.bytes(field));
        }
    }

    fn row(&self, entry: Entry) -> &[Word] {
        &self.kept.words[entry.row as usize * self.width..][..self.width]
    }

    /// By rank, then by all keys; not by age.
    fn compare(&self, a: Entry, b: Entry) -> Ordering {
        let by_keys = || {
            let (a, b) = (self.row(a), self.row(b));
            let mut orders = self.spec.keys.iter().zip(&self.key_words).map(|(key, words)| {
                let ty = self.spec.element[key.field];
                let value = |row: &[Word]| self.kept.value(ty, &row[words.clone()]);
                compare_nullable(value(a), value(b), key.descending)
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        a.rank.cmp(&b.rank).then_with(by_keys)
    }

    fn sort(&mut self) {
        let mut index = mem::take(&mut self.index);
        // Rows are numbered in the order in which they came: that makes it stable.
        index.sort_unstable_by(|&a, &b| self.compare(a, b).then(a.row.cmp(&b.row)));
        index.truncate(self.spec.limit.unwrap_or(usize::MAX));
        self.index = index;
    }

    /// Lets go of all but the first elements, if there is a limit.
    fn prune(&mut self) {
        let Some(limit) = self.spec.limit.filter(|&limit| self.index.len() > limit) else {
            return;
        };
        self.sort();
        let last = self.index[limit - 1];
        self.index.sort_unstable_by_key(|entry| entry.row);
        let before = mem::take(&mut self.kept);
        let mut index = mem::take(&mut self.index);
        for (row, entry) in index.iter_mut().enumerate() {
            if entry.row == last.row {
                self.threshold = Some(Entry {
                    rank: last.rank,
                    row: row as u32,
                });
            }
            let at = self.kept.words.len();
            self.kept
                .words
                .extend_from_slice(&before.words[entry.row as usize * self.width..][..self.width]);
            for &(_, start) in &self.byte_fields {
                let words = &mut self.kept.words[at + start..at + start + 2];
                let bytes = before.bytes_at(words);
                words[0] = self.kept.bytes.len() as Word;
                self.kept.bytes.extend_from_slice(bytes);
            }
            entry.row = row as u32;
        }
        self.index = index;
    }

    fn next<'a>(&'a mut self, results: &mut Results<'a>) {
        let given = match self.given {
            Some(given) => given,
            None => {
                self.sort();
                0
            }
        };
        self.given = Some(given + usize::from(given < self.index.len()));
        let this: &'a OrderHost = self;
        let Some(&entry) = this.index.get(given) else {
            return;
        };
        results.bool(0, true);
        let mut row = this.row(entry);
        for (field, &ty) in this.spec.element.iter().enumerate() {
            let (words, rest) = row.split_at(ty.words());
            row = rest;
            results.set(1 + field, this.kept.value(ty, words));
        }
    }
}

impl Kept {
    /// The byte string in two words of a kept element.
    fn bytes_at(&self, words: &[Word]) -> &[u8] {
        &self.bytes[words[0] as usize..][..words[1] as usize]
    }

    /// The value in the words of a kept element.
    fn value(&self, ty: Type, words: &[Word]) -> Option<Scalar<'_>> {
        if ty.nullable && words[ty.payload_words()] == 0 {
            return None;
        }
        Some(match ty.kind {
            Kind::I64 => Scalar::I64(words[0].cast_signed()),
            Kind::F64 => Scalar::F64(f64::from_bits(words[0])),
            Kind::Bool => Scalar::Bool(words[0] != 0),
            Kind::Bytes => Scalar::Bytes(self.bytes_at(words)),
        })
    }
}

impl Host for OrderHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        match args.i64(0) {
            OrderHost::ADD => self.add(args),
            OrderHost::NEXT => {
                self.next(results);
                Ok(())
            }
            op => Err(format!("order: there is no operation {op}")),
        }
    }
}

#[cfg(test)]
mod tests;
