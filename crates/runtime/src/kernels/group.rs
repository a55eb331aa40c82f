//! Aggregation by key: one record of words for each group, found by a hash table
//! of indices.
//!
//! Groups are given in the order in which they were first seen. Keys are equal if
//! they are the same bytes, number or boolean, or both null; -0.0 equals 0.0, and
//! NaN equals NaN. Without keys there is one group, with or without rows.

use cutthrough_ir::types::{f64_word, words_of};
use cutthrough_ir::{Host, HostContext, HostSig, Kind, Results, Type, Word, Words};

pub use super::aggregate::{Aggregate, AggregateFunction};

use super::aggregate::{Owned, Step};
use super::hash::Hash;

/// What to group by, and what to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// The types of the keys.
    pub keys: Vec<Type>,
    /// What is computed for each group.
    pub aggregates: Vec<Aggregate>,
    /// How many groups there may be; at most `u32::MAX`.
    pub groups_max: usize,
    /// How many bytes the groups may take: records, keys, the table.
    pub bytes_max: usize,
}

/// Aggregates by key as a host function:
/// `(op: i64, keys..., inputs...) -> (some: bool, keys..., results...)`, the inputs
/// being those of the aggregates that have one.
#[derive(Debug)]
pub struct GroupHost {
    spec: GroupSpec,
    hash: Hash,
    find: Find,
    keys: Vec<Key>,
    steps: Vec<Step>,
    /// The words of a record: its hash, its key, its accumulators.
    stride: usize,
    key_words: usize,
    groups: Groups,
    owned: Owned,
    /// The canonical words of the key that is looked for.
    wanted: Vec<Word>,
    given: usize,
}

/// How a key is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Find {
    /// There is only one group.
    One,
    /// The key is one word.
    Word { is_double: bool },
    /// The key is one byte string.
    Bytes,
    /// The key is anything.
    Any,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    ty: Type,
    /// Its number among the arguments, and among the results.
    value: usize,
    /// The first word, in the arguments as in a record.
    at: usize,
}

/// The number of the first key among the arguments.
const KEY: usize = 1;

#[derive(Debug, Default)]
struct Groups {
    records: Vec<Word>,
    /// The byte strings of keys, which records name by their offset.
    bytes: Vec<u8>,
    count: usize,
    /// Open addressing: the upper half of the hash, and 1 more than the index of
    /// the record. Never more than half full.
    slots: Vec<u64>,
}

const SLOTS_MIN: usize = 64;

impl GroupHost {
    /// Takes a row.
    pub const UPDATE: i64 = 0;
    /// Gives the next group.
    pub const NEXT: i64 = 1;

    /// No groups yet, except the one without keys.
    ///
    /// # Panics
    /// When a function does not take its input, or `groups_max` is too large.
    pub fn new(spec: GroupSpec) -> GroupHost {
        GroupHost::with_hash(spec, Hash::random())
    }

    fn with_hash(spec: GroupSpec, hash: Hash) -> GroupHost {
        assert!(
            spec.groups_max <= u32::MAX as usize,
            "groups are numbered in 32 bits"
        );
        let key_words = words_of(&spec.keys);
        let at = |k: usize| 1 + words_of(&spec.keys[..k]);
        let keys: Vec<Key> = spec
            .keys
            .iter()
            .enumerate()
            .map(|(k, &ty)| Key {
                ty,
                value: KEY + k,
                at: at(k),
            })
            .collect();
        let mut stride = 1 + key_words;
        let mut input = KEY + spec.keys.len();
        let mut steps = Vec::new();
        for &aggregate in &spec.aggregates {
            aggregate.result();
            let step = Step::new(aggregate, input, stride);
            input += usize::from(aggregate.input.is_some());
            stride += step.words();
            steps.push(step);
        }
        let find = match spec.keys[..] {
            [] => Find::One,
            [ty] if ty.nullable => Find::Any,
            [ty] if ty.kind == Kind::Bytes => Find::Bytes,
            [ty] => Find::Word {
                is_double: ty.kind == Kind::F64,
            },
            _ => Find::Any,
        };
        let mut groups = Groups {
            slots: vec![0; SLOTS_MIN],
            ..Groups::default()
        };
        if find == Find::One {
            groups.records.resize(stride, 0);
            groups.count = 1;
        }
        let wanted = vec![0; key_words];
        GroupHost {
            spec,
            hash,
            find,
            keys,
            steps,
            stride,
            key_words,
            groups,
            owned: Owned::default(),
            wanted,
            given: 0,
        }
    }

    /// The signature.
    pub fn sig(&self) -> HostSig {
        let with = |first: Type, last: Vec<Type>| [vec![first], self.spec.keys.clone(), last].concat();
        let inputs = self
            .spec
            .aggregates
            .iter()
            .filter_map(|aggregate| aggregate.input)
            .collect();
        let results = self
            .spec
            .aggregates
            .iter()
            .map(|aggregate| aggregate.result())
            .collect();
        HostSig {
            name: "group".to_owned(),
            params: with(Type::I64, inputs),
            results: with(Type::BOOL, results),
            rows: Vec::new(),
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the groups take.
    pub fn bytes(&self) -> usize {
        self.groups.bytes() + self.owned.bytes()
    }

    fn update(&mut self, args: Words<'_>) -> Result<(), String> {
        let group = match self.find {
            Find::One => 0,
            Find::Word { is_double } => self.find_word(args, is_double)?,
            Find::Bytes => self.find_bytes(args)?,
            Find::Any => self.find_any(args)?,
        };
        let owned_before = self.owned.bytes();
        let record = &mut self.groups.records[group * self.stride..][..self.stride];
        for step in &self.steps {
            step.update(record, args, &mut self.owned);
        }
        if self.owned.bytes() > owned_before && self.bytes() > self.spec.bytes_max {
            return Err(self.too_many_bytes());
        }
        Ok(())
    }

    #[inline]
    fn find_word(&mut self, args: Words<'_>, is_double: bool) -> Result<usize, String> {
        let word = if is_double {
            canonical(args.f64(KEY))
        } else {
            args.words()[1]
        };
        let hash = self.hash.word(self.hash.start(), word);
        let found = self.groups.find(hash, self.stride, |record| record[1] == word);
        match found {
            Ok(group) => Ok(group),
            Err(slot) => {
                self.wanted[0] = word;
                self.insert(slot, hash, args)
            }
        }
    }

    #[inline]
    fn find_bytes(&mut self, args: Words<'_>) -> Result<usize, String> {
        let key = args.bytes(KEY);
        let hash = self.hash.bytes(self.hash.start(), key);
        let bytes = &self.groups.bytes;
        let found = self.groups.find(hash, self.stride, |record| {
            record[2] == key.len() as Word && &bytes[record[1] as usize..][..key.len()] == key
        });
        match found {
            Ok(group) => Ok(group),
            Err(slot) => self.insert(slot, hash, args),
        }
    }

    fn find_any(&mut self, args: Words<'_>) -> Result<usize, String> {
        let mut hash = self.hash.start();
        for key in &self.keys {
            let words = &mut self.wanted[key.at - 1..key.at - 1 + key.ty.words()];
            words.copy_from_slice(&args.words()[key.at..key.at + key.ty.words()]);
            if key.ty.nullable && words[key.ty.payload_words()] == 0 {
                words.fill(0);
            } else if key.ty.kind == Kind::F64 {
                words[0] = canonical(f64::from_bits(words[0]));
            }
            hash = match key.ty.kind {
                Kind::Bytes => self.hash.bytes(hash, args.bytes(key.value)),
                Kind::I64 | Kind::F64 | Kind::Bool => self.hash.word(hash, words[0]),
            };
            if key.ty.nullable {
                hash = self.hash.word(hash, words[key.ty.payload_words()]);
            }
        }
        let (groups, keys, wanted) = (&self.groups, &self.keys, &self.wanted);
        let same = |record: &[Word]| {
            keys.iter().all(|key| {
                let words = &record[key.at..key.at + key.ty.words()];
                let wanted = &wanted[key.at - 1..key.at - 1 + key.ty.words()];
                match key.ty.kind {
                    // The offset alone says nothing: lengths (and presence), then bytes.
                    Kind::Bytes => {
                        words[1..] == wanted[1..] && groups.key_bytes(words) == args.bytes(key.value)
                    }
                    Kind::I64 | Kind::F64 | Kind::Bool => words == wanted,
                }
            })
        };
        match groups.find(hash, self.stride, same) {
            Ok(group) => Ok(group),
            Err(slot) => self.insert(slot, hash, args),
        }
    }

    /// Adds the group of the wanted key, or of the arguments' where it is bytes.
    #[cold]
    fn insert(&mut self, slot: usize, hash: u64, args: Words<'_>) -> Result<usize, String> {
        let group = self.groups.count;
        if group >= self.spec.groups_max {
            return Err(format!(
                "group: more groups than groups_max = {}",
                self.spec.groups_max
            ));
        }
        let is_bytes = |key: &&Key| key.ty.kind == Kind::Bytes;
        let key_bytes: usize = self
            .keys
            .iter()
            .filter(is_bytes)
            .map(|key| args.bytes(key.value).len())
            .sum();
        let grows = (group + 1) * 2 > self.groups.slots.len();
        let slots_more = if grows { self.groups.slots.len() } else { 0 };
        let more = (self.stride + slots_more) * size_of::<Word>() + key_bytes;
        if self.bytes() + more > self.spec.bytes_max {
            return Err(self.too_many_bytes());
        }
        let at = self.groups.records.len();
        self.groups.records.resize(at + self.stride, 0);
        let record = &mut self.groups.records[at..];
        record[0] = hash;
        record[1..1 + self.key_words].copy_from_slice(&self.wanted);
        for key in self.keys.iter().filter(is_bytes) {
            let bytes = args.bytes(key.value);
            record[key.at] = self.groups.bytes.len() as Word;
            record[key.at + 1] = bytes.len() as Word;
            self.groups.bytes.extend_from_slice(bytes);
        }
        self.groups.slots[slot] = slot_of(hash, group);
        self.groups.count += 1;
        if grows {
            self.groups.grow(self.stride);
        }
        Ok(group)
    }

    fn too_many_bytes(&self) -> String {
        format!(
            "group: the groups take more than bytes_max = {}",
            self.spec.bytes_max
        )
    }

    fn next<'a>(&'a mut self, results: &mut Results<'a>) -> Result<(), String> {
        let group = self.given;
        if group == self.groups.count {
            return Ok(());
        }
        self.given += 1;
        let this: &'a GroupHost = self;
        let record = &this.groups.records[group * this.stride..][..this.stride];
        results.bool(0, true);
        for key in &this.keys {
            let words = &record[key.at..key.at + key.ty.words()];
            let present = !key.ty.nullable || words[key.ty.payload_words()] != 0;
            match key.ty.kind {
                _ if !present => {}
                Kind::Bytes => results.bytes(key.value, this.groups.key_bytes(words)),
                Kind::I64 => results.i64(key.value, words[0].cast_signed()),
                Kind::F64 => results.f64(key.value, f64::from_bits(words[0])),
                Kind::Bool => results.bool(key.value, words[0] != 0),
            }
        }
        for (k, step) in this.steps.iter().enumerate() {
            step.finish(record, &this.owned, results, KEY + this.keys.len() + k)?;
        }
        Ok(())
    }
}

impl Groups {
    /// The group with this hash of which `same` says that it is the one, or the slot
    /// where it belongs.
    #[inline]
    fn find(&self, hash: u64, stride: usize, same: impl Fn(&[Word]) -> bool) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Err(at);
            }
            if (slot ^ hash) >> 32 == 0 {
                let group = slot as u32 as usize - 1;
                if same(&self.records[group * stride..][..stride]) {
                    return Ok(group);
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self, stride: usize) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for group in 0..self.count {
            let hash = self.records[group * stride];
            let mut at = hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot_of(hash, group);
        }
    }

    /// The bytes of a key that lies in these words of a record.
    fn key_bytes(&self, words: &[Word]) -> &[u8] {
        &self.bytes[words[0] as usize..][..words[1] as usize]
    }

    fn bytes(&self) -> usize {
        (self.records.len() + self.slots.len()) * size_of::<Word>() + self.bytes.len()
    }
}

fn slot_of(hash: u64, group: usize) -> u64 {
    hash & !u64::from(u32::MAX) | (group as u64 + 1)
}

fn canonical(value: f64) -> Word {
    // -0.0 + 0.0 is 0.0.
    f64_word(value + 0.0)
}

impl Host for GroupHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        match args.i64(0) {
            GroupHost::UPDATE => self.update(args),
            GroupHost::NEXT => self.next(results),
            op => Err(format!("group: there is no operation {op}")),
        }
    }
}

#[cfg(test)]
mod tests;
