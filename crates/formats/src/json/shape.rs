//! How documents mostly look: what stands between their values, one after another.
//!
//! Most documents of a stream have the same keys in the same order. So what lies between two values, such as
//! `,"level":`, is learned from documents that have been scanned, and then compared, many bytes at once, instead of
//! scanned. Where a document goes on as none before, it is scanned as a whole, and learned from.
//!
//! # Why that is right
//!
//! A *stop* is a value by its key and the keys of the objects around it. A *gap* is what lies between two stops, with
//! all its quotes, colons, commas and braces; the beginning is a stop too, and so is the end. A gap has come from a
//! document that was scanned, so it is what may stand between two values of these objects. A walk along gaps whose
//! values have been scanned is thus a document. What it does not see is a key that comes again: each gap has the
//! wanted keys in it as a set of bits, which is not to meet that of the gaps before.
//!
//! PERF: with the quotes already found, a string needs no scan. 72 ns for a document of 204 bytes with eleven values,
//! besides 51 ns in which the structure is found (EPYC, November 2026).

use std::collections::HashMap;

use super::document::{Found, Scanner, What, child_of};
use super::path::{NodeId, Wanted};
use super::text::{number, skip_blanks, string};
use crate::number::digits_at;
use crate::scan::is_text_structure;

/// How many stops there may be.
const STOPS_MAX: usize = 512;

/// How many gaps may follow a stop.
const GAPS_MAX: usize = 8;

/// How many documents are learned from; later on, one of as many that go on as none before.
const LEARNED_MAX: u32 = 1000;
const LEARNED_EVERY: u32 = 64;

/// The shapes of the documents up to now.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The first is the beginning, the second the end.
    stops: Vec<Stop>,
    known: HashMap<Vec<u8>, StopId>,
    /// Documents that went on as none before.
    strange: u32,
}

type StopId = usize;

const BEGINNING: StopId = 0;
const END: StopId = 1;

#[derive(Clone, Debug, Default)]
struct Stop {
    /// The node that the value is, if it is wanted or something within it.
    node: Option<NodeId>,
    /// The column that the value is.
    column: Option<usize>,
    /// How many objects are around it.
    depth: usize,
    gaps: Vec<Gap>,
}

/// What lies between two values.
#[derive(Clone, Debug)]
struct Gap {
    /// Its first sixteen bytes, and which of their bits count.
    first: [u64; 2],
    masks: [u64; 2],
    text: Box<[u8]>,
    /// How many bytes of it are structure, as [`is_text_structure`] says.
    structure: usize,
    /// The wanted nodes whose keys are in it, as bits.
    enters: u64,
    to: StopId,
}

impl Gap {
    fn new(text: &[u8], enters: u64, to: StopId) -> Gap {
        let mut first = [0; 16];
        let mut masks = [0; 16];
        let length = text.len().min(16);
        first[..length].copy_from_slice(&text[..length]);
        masks[..length].fill(0xff);
        let words = |bytes: [u8; 16]| {
            let (words, _) = bytes.as_chunks::<8>();
            [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
        };
        Gap {
            first: words(first),
            masks: words(masks),
            text: text.into(),
            structure: text.iter().filter(|&&byte| is_text_structure(byte)).count(),
            enters,
            to,
        }
    }

    /// Whether the text goes on like this at `at`.
    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(first) = text.get(at..).and_then(<[u8]>::first_chunk::<16>) else {
            return text[at..].starts_with(&self.text);
        };
        let (words, _) = first.as_chunks::<8>();
        let differs = |k: usize| (u64::from_le_bytes(words[k]) ^ self.first[k]) & self.masks[k];
        differs(0) | differs(1) == 0 && (self.text.len() <= 16 || text[at..].starts_with(&self.text))
    }
}

/// Where a walk along a shape is at.
struct Walk<'w> {
    block: &'w [u8],
    /// Where structure lies, and which of that is next.
    ends: &'w [u32],
    next: usize,
    at: usize,
}

impl Shape {
    /// What is known before any document.
    pub(super) fn new() -> Shape {
        Shape {
            stops: vec![Stop::default(), Stop::default()],
            known: HashMap::new(),
            strange: 0,
        }
    }

    /// Finds what is wanted of the document that begins at `start` of a block, if it goes on as others have, up to
    /// the end of its line. `ends` says where structure lies from there on. Gives how much of that the line has.
    #[inline]
    pub(super) fn walk(
        &self,
        block: &[u8],
        start: usize,
        ends: &[u32],
        wanted: &Wanted,
        found: &mut [Found],
    ) -> Option<usize> {
        let mut walk = Walk {
            block,
            ends,
            next: 0,
            at: start,
        };
        let mut stop = &self.stops[BEGINNING];
        let mut entered = 0;
        loop {
            let gap = stop.gaps.iter().find(|gap| gap.is_at(block, walk.at))?;
            if entered & gap.enters != 0 {
                return None;
            }
            entered |= gap.enters;
            walk.at += gap.text.len();
            walk.next += gap.structure;
            if gap.to == END {
                return walk.line_end();
            }
            stop = &self.stops[gap.to];
            walk.value(stop, wanted, found)?;
        }
    }

    /// Learns from a document that has been scanned.
    #[cold]
    pub(super) fn learn(&mut self, text: &[u8], wanted: &Wanted) {
        self.strange = self.strange.wrapping_add(1);
        let is_late = self.strange > LEARNED_MAX && !self.strange.is_multiple_of(LEARNED_EVERY);
        if is_late || wanted.len() > u64::BITS as usize {
            return;
        }
        let mut learning = Learning {
            shape: self,
            text,
            wanted,
            from: BEGINNING,
            gap_at: 0,
            enters: 0,
            entered: 0,
            around: Vec::new(),
        };
        let start = skip_blanks(text, 0);
        if let Some(end) = learning.object(start, Some(Wanted::ROOT), 1) {
            debug_assert!(skip_blanks(text, end) == text.len(), "it has been scanned");
            learning.gap(text.len(), END);
        }
    }
}

impl Walk<'_> {
    /// Scans the value at a stop.
    #[inline]
    fn value(&mut self, stop: &Stop, wanted: &Wanted, found: &mut [Found]) -> Option<()> {
        let start = self.at;
        match *self.block.get(start)? {
            b'"' => {
                let quote = *self.ends.get(self.next + 1)? as usize;
                if self.block[quote] != b'"' {
                    return self.odd_string(start, stop, found);
                }
                self.next += 2;
                self.at = quote + 1;
                note(stop, found, What::Text { has_escapes: false }, start + 1, quote);
                Some(())
            }
            b'-' | b'0'..=b'9' => self.number(start, stop, found),
            b't' if self.block[start..].starts_with(b"true") => self.word(4, stop, found, What::Bool(true)),
            b'f' if self.block[start..].starts_with(b"false") => self.word(5, stop, found, What::Bool(false)),
            b'n' if self.block[start..].starts_with(b"null") => self.word(4, stop, found, What::Null),
            b'{' | b'[' => self.nested(start, stop, wanted, found),
            _ => None,
        }
    }

    #[inline]
    fn word(&mut self, length: usize, stop: &Stop, found: &mut [Found], what: What) -> Option<()> {
        let start = self.at;
        self.at += length;
        note(stop, found, what, start, self.at);
        Some(())
    }

    #[inline]
    fn number(&mut self, start: usize, stop: &Stop, found: &mut [Found]) -> Option<()> {
        let sign = usize::from(self.block[start] == b'-');
        if let Some((value, length)) = digits_at(self.block, start + sign) {
            let end = start + sign + length;
            let is_usual = self.block[start + sign] != b'0' || length == 1 && sign == 0;
            if is_usual && !matches!(self.block[end], b'.' | b'e' | b'E') {
                self.at = end;
                let value = if sign == 1 { -value } else { value };
                note(stop, found, What::Int(value), start, end);
                return Some(());
            }
        }
        let number = number(self.block, start)?;
        self.at = number.end;
        let what = if number.is_whole {
            What::Whole
        } else {
            What::Fraction
        };
        note(stop, found, what, start, number.end);
        Some(())
    }

    /// A string with more in it than ASCII.
    fn odd_string(&mut self, start: usize, stop: &Stop, found: &mut [Found]) -> Option<()> {
        let end = string(self.block, start + 1)?;
        std::str::from_utf8(&self.block[start..end.quote]).ok()?;
        self.at = end.quote + 1;
        self.catch_up();
        let what = What::Text {
            has_escapes: end.has_escapes,
        };
        note(stop, found, what, start + 1, end.quote);
        Some(())
    }

    /// An array, or an object of which something is wanted as a whole, or an empty one.
    fn nested(&mut self, start: usize, stop: &Stop, wanted: &Wanted, found: &mut [Found]) -> Option<()> {
        // The line is scanned as a whole if it has no end here.
        let line = memchr::memchr(b'\n', &self.block[start..])?;
        let text = &self.block[..start + line];
        let end = Scanner::new(text, wanted, found).value_within(start, stop.depth, stop.node)?;
        std::str::from_utf8(&text[start..end]).ok()?;
        self.at = end;
        self.catch_up();
        Some(())
    }

    /// Leaves out the structure that has been gone by.
    fn catch_up(&mut self) {
        while self
            .ends
            .get(self.next)
            .is_some_and(|&end| (end as usize) < self.at)
        {
            self.next += 1;
        }
    }

    /// The end of the line, which has to be here: how much structure there is up to it.
    #[inline]
    fn line_end(&self) -> Option<usize> {
        let end = |next: usize, byte: u8| {
            let place = *self.ends.get(next)? as usize;
            (self.block[place] == byte).then_some(place)
        };
        if end(self.next, b'\n') == Some(self.at) {
            return Some(self.next + 1);
        }
        let is_cr = end(self.next, b'\r') == Some(self.at);
        (is_cr && end(self.next + 1, b'\n') == Some(self.at + 1)).then_some(self.next + 2)
    }
}

/// Takes note of a value that is wanted.
///
/// PERF: part by part, and not as a whole: to read a copy of what has just been written in parts waits for the writes.
#[inline]
fn note(stop: &Stop, found: &mut [Found], what: What, start: usize, end: usize) {
    if let Some(column) = stop.column {
        let found = &mut found[column];
        found.what = what;
        found.start = start;
        found.end = end;
    }
}

/// Walks a document that has been scanned.
struct Learning<'l> {
    shape: &'l mut Shape,
    text: &'l [u8],
    wanted: &'l Wanted,
    /// The last stop, and where the gap after it begins.
    from: StopId,
    gap_at: usize,
    /// The wanted nodes whose keys are in that gap, and in those before.
    enters: u64,
    entered: u64,
    /// The keys of the objects around, as they are written.
    around: Vec<u8>,
}

impl Learning<'_> {
    /// Learns from the object at `open`; gives where it ends, or nothing where it is not to be learned from.
    fn object(&mut self, open: usize, node: Option<NodeId>, depth: usize) -> Option<usize> {
        let text = self.text;
        let mut at = skip_blanks(text, open + 1);
        if text.get(at) == Some(&b'}') {
            return Some(at + 1);
        }
        loop {
            let key = string(text, at + 1)?;
            let child =
                node.and_then(|node| child_of(self.wanted, node, &text[at + 1..key.quote], key.has_escapes));
            if let Some(child) = child {
                let bit = 1 << child;
                if self.entered & bit != 0 {
                    return None;
                }
                (self.enters, self.entered) = (self.enters | bit, self.entered | bit);
            }
            let around = self.around.len();
            self.around.extend_from_slice(&text[at..=key.quote]);
            at = skip_blanks(text, skip_blanks(text, key.quote + 1) + 1);
            at = self.value(at, child, depth)?;
            self.around.truncate(around);
            at = skip_blanks(text, at);
            if text.get(at) == Some(&b'}') {
                return Some(at + 1);
            }
            at = skip_blanks(text, at + 1);
        }
    }

    fn value(&mut self, at: usize, node: Option<NodeId>, depth: usize) -> Option<usize> {
        let is_whole = node.is_some_and(|node| self.wanted.column(node).is_some());
        let is_object = self.text.get(at) == Some(&b'{');
        let is_empty = self.text.get(skip_blanks(self.text, at + 1)) == Some(&b'}');
        if is_object && !is_empty && !is_whole {
            return self.object(at, node, depth + 1);
        }
        let to = self.stop(node, depth)?;
        self.gap(at, to);
        let mut found = vec![Found::default(); self.wanted.columns()];
        let mut scanner = Scanner::new(self.text, self.wanted, &mut found);
        let end = scanner.value_within(at, depth, node)?;
        (self.from, self.gap_at) = (to, end);
        Some(end)
    }

    /// The stop of the keys around; none where there are too many.
    fn stop(&mut self, node: Option<NodeId>, depth: usize) -> Option<StopId> {
        if let Some(&known) = self.shape.known.get(&self.around) {
            return Some(known);
        }
        let new = self.shape.stops.len();
        if new == STOPS_MAX {
            return None;
        }
        self.shape.stops.push(Stop {
            node,
            column: node.and_then(|node| self.wanted.column(node)),
            depth,
            gaps: Vec::new(),
        });
        self.shape.known.insert(self.around.clone(), new);
        Some(new)
    }

    /// Learns the gap that ends at `end`.
    fn gap(&mut self, end: usize, to: StopId) {
        let text = &self.text[self.gap_at..end];
        let gaps = &mut self.shape.stops[self.from].gaps;
        let is_known = gaps.iter().any(|gap| *gap.text == *text);
        if !is_known && gaps.len() < GAPS_MAX {
            gaps.push(Gap::new(text, self.enters, to));
        }
        self.enters = 0;
    }
}
