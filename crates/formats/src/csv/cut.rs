//! Where a record ends: at the first line end that is not in quotes.
//!
//! A field is in quotes if it begins with one; a quote that is not doubled closes it, and behind that a separator or
//! the end of the record has to come. If something else comes, or nothing any more, the quote is *not closed*: then
//! the record ends with the line in which it was opened, whatever comes after. So a stray quote costs one row, which
//! is a bad one, and the lines after it are records.
//!
//! PERF: what was scanned for a quote that is not closed is scanned a second time, and not a third: no quote in those
//! lines could be the only one, or the first one would have been closed there.

use crate::lines::marks_len;
use crate::records::{Cut, Line, Open};
use crate::scan::{Positions, Structure};

/// Where in a record the scan is; where it may matter, whether a line has ended in the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the beginning of a field.
    Begin,
    /// In a field without quotes.
    Plain,
    /// In quotes.
    Quoted(bool),
    /// Behind a quote that closes them, unless it is the first of two.
    Closed(bool),
    /// The same, and a `\r`.
    Return(bool),
    /// Behind quotes within one line that something else follows: the line ends the record.
    Broken,
    /// Behind quotes of several lines that something else follows.
    Unclosed,
}

/// All of them, by the numbers that they have as [`Open`].
const PLACES: [Place; 10] = [
    Place::Begin,
    Place::Plain,
    Place::Quoted(false),
    Place::Quoted(true),
    Place::Closed(false),
    Place::Closed(true),
    Place::Return(false),
    Place::Return(true),
    Place::Broken,
    Place::Unclosed,
];

impl Place {
    fn broken(spans_lines: bool) -> Place {
        match spans_lines {
            true => Place::Unclosed,
            false => Place::Broken,
        }
    }

    /// Behind some bytes that are no structure.
    fn past(self, bytes: &[u8]) -> Place {
        match self {
            _ if bytes.is_empty() => self,
            Place::Begin => Place::Plain,
            Place::Closed(spans_lines) if bytes == b"\r" => Place::Return(spans_lines),
            Place::Closed(spans_lines) | Place::Return(spans_lines) => Place::broken(spans_lines),
            place => place,
        }
    }

    fn past_quote(self) -> Place {
        match self {
            Place::Begin => Place::Quoted(false),
            Place::Quoted(spans_lines) => Place::Closed(spans_lines),
            Place::Closed(spans_lines) => Place::Quoted(spans_lines),
            Place::Return(spans_lines) => Place::broken(spans_lines),
            place => place,
        }
    }

    fn past_separator(self) -> Place {
        match self {
            Place::Plain | Place::Closed(_) => Place::Begin,
            Place::Return(spans_lines) => Place::broken(spans_lines),
            place => place,
        }
    }

    fn to_open(self) -> Open {
        let place = PLACES.iter().position(|&place| place == self);
        Open(place.expect("INVARIANT: all are there") as i64)
    }
}

/// Finds the end of a record; see [`Records::cut`](crate::records::Records::cut).
pub(super) fn cut(text: &[u8], mut from: usize, ends: &[u32], sep: u8, open: Open) -> Cut {
    let mut place = PLACES[open.0 as usize];
    // The lines that end in quotes, and the one in which the quote is that is open.
    let (mut lines, mut of_quote) = (0, None);
    for (used, &at) in (1..).zip(ends) {
        let at = at as usize;
        let Some(&byte) = text.get(at) else {
            break;
        };
        place = place.past(&text[from..at]);
        from = at + 1;
        match (byte, place) {
            (_, Place::Unclosed) => return Cut::Unclosed(of_quote),
            (b'\n', Place::Quoted(spans_lines)) => {
                if !spans_lines {
                    of_quote = Some(Line { used, lines });
                }
                place = Place::Quoted(true);
                lines += 1;
            }
            (b'\n', _) => return Cut::Ends(Line { used, lines }),
            _ if byte == sep => place = place.past_separator(),
            _ => {
                if place == Place::Begin {
                    of_quote = None;
                }
                place = place.past_quote();
            }
        }
    }
    match place.past(&text[from..]) {
        Place::Unclosed => Cut::Unclosed(of_quote),
        place @ (Place::Quoted(true) | Place::Return(true)) => Cut::Open(place.to_open(), of_quote),
        place => Cut::Open(place.to_open(), None),
    }
}

/// The records of an input, each with the number of the line in which it begins; see [`split`].
#[derive(Debug)]
pub struct Split<'t> {
    text: &'t [u8],
    sep: u8,
    positions: Positions,
    used: usize,
    start: usize,
    number: usize,
}

/// Splits the text of an input into records, without the ends of their last lines. If it is only its beginning, the
/// last one may be cut off.
pub fn split(text: &[u8], sep: u8) -> Split<'_> {
    let mut positions = Positions::default();
    positions.find(text, structure(sep));
    Split {
        text,
        sep,
        positions,
        used: 0,
        start: marks_len(text),
        number: 1,
    }
}

/// The bytes by which records are structured.
pub(super) fn structure(sep: u8) -> Structure {
    Structure::OneOf([sep, b'\n', b'"'])
}

impl<'t> Split<'t> {
    /// What comes after the records that were given.
    pub fn rest(&self) -> &'t [u8] {
        &self.text[self.start..]
    }
}

impl<'t> Iterator for Split<'t> {
    type Item = (usize, &'t [u8]);

    fn next(&mut self) -> Option<(usize, &'t [u8])> {
        if self.start >= self.text.len() {
            return None;
        }
        let ends = &self.positions.all()[self.used..];
        let (start, number) = (self.start, self.number);
        let line = match cut(self.text, start, ends, self.sep, Open::default()) {
            Cut::Ends(line) => Some(line),
            Cut::Unclosed(line) | Cut::Open(_, line) => line,
        };
        let Some(Line { used, lines }) = line else {
            self.start = self.text.len();
            return Some((number, &self.text[start..]));
        };
        let end = ends[used - 1] as usize;
        self.used += used;
        self.start = end + 1;
        self.number += lines + 1;
        let record = &self.text[start..end];
        Some((number, record.strip_suffix(b"\r").unwrap_or(record)))
    }
}
