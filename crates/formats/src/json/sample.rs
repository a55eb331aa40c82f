//! Of which kind the values at each path are, by some records.

use std::collections::HashMap;

use cutthrough_expr::LogicalKind;

use super::document::Scanner;
use super::framing::Framing;
use super::path::{Path, Step, Wanted};
use super::text::{number, skip_blanks, string, unescape};
use crate::infer::is_utc_time;

/// How many paths a sample tells apart; those beyond it are not known.
const PLACES_MAX: usize = 10_000;

/// How many items of an array are looked at one by one; those beyond are like each other.
const ITEMS_MAX: usize = 16;

/// What some records have at each path.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The first is the record.
    places: Vec<Place>,
    records: usize,
}

/// What has been seen at one path.
#[derive(Clone, Debug, Default)]
struct Place {
    seen: Seen,
    keys: Vec<(String, usize)>,
    by_key: HashMap<String, usize>,
    items: Vec<usize>,
}

/// The kinds of values that have been seen, besides null.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    int: bool,
    /// An integer beyond 64 bits.
    large: bool,
    float: bool,
    bool: bool,
    /// A string that spells a time in UTC, and another one.
    time: bool,
    text: bool,
    nested: bool,
}

impl Seen {
    /// The kind that all of them are; none where there are none.
    fn kind(self) -> Option<LogicalKind> {
        let Seen {
            int,
            large,
            float,
            bool,
            time,
            text,
            nested,
        } = self;
        match (int || large || float, bool, time || text, nested) {
            (false, false, false, false) => None,
            // As doubles, different ones could be the same.
            (true, false, false, false) if large => Some(LogicalKind::Json),
            (true, false, false, false) if float => Some(LogicalKind::Float),
            (true, false, false, false) => Some(LogicalKind::Int),
            (false, true, false, false) => Some(LogicalKind::Bool),
            (false, false, true, false) if text => Some(LogicalKind::Text),
            (false, false, true, false) => Some(LogicalKind::Time),
            _ => Some(LogicalKind::Json),
        }
    }
}

impl Sample {
    /// Looks at the records of a text, however they come; what is no record is left out.
    pub fn of(text: &[u8]) -> Sample {
        let mut sample = Sample {
            places: vec![Place::default()],
            records: 0,
        };
        let nothing = Wanted::new([]);
        let mut lines = Vec::new();
        let text = Framing::default().block(text, &mut lines);
        for line in text.split(|&byte| byte == b'\n') {
            let is_good =
                std::str::from_utf8(line).is_ok() && Scanner::new(line, &nothing, &mut []).record().is_some();
            if is_good {
                sample.records += 1;
                sample.value(line, skip_blanks(line, 0), 0);
            }
        }
        sample
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.records
    }

    /// The keys of the records themselves, in the order in which they first came.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let record = self.places.first().map_or(&[][..], |place| &place.keys);
        record.iter().map(|(key, _)| key.as_str())
    }

    /// The keys of the objects at a path, or of its items; none where nothing is known there.
    pub fn keys_at(&self, steps: &[Step]) -> Option<Vec<String>> {
        let place = self.place(steps)?;
        Some(place.keys.iter().map(|(key, _)| key.clone()).collect())
    }

    /// Of which kind the values at a path are; none where there is none but null.
    pub fn kind(&self, path: &Path) -> Option<LogicalKind> {
        self.place(&path.0)?.seen.kind()
    }

    fn place(&self, steps: &[Step]) -> Option<&Place> {
        let mut steps = steps.iter();
        steps.try_fold(self.places.first()?, |place, step| {
            let next = match step {
                Step::Key(key) => place.by_key.get(key.as_str()),
                Step::Index(index) => place.items.get(*index.min(&ITEMS_MAX)),
            };
            next.map(|&next| &self.places[next])
        })
    }

    /// Takes note of the value at `at`, which has been scanned; gives where it ends.
    fn value(&mut self, text: &[u8], at: usize, place: usize) -> usize {
        let end_of_number = |at| number(text, at).expect("INVARIANT: the record has been scanned");
        let seen = &mut self.places[place].seen;
        match text[at] {
            b'"' => {
                let end = end_of_string(text, at);
                match is_utc_time(&text[at + 1..end - 1]) {
                    true => seen.time = true,
                    false => seen.text = true,
                }
                end
            }
            b'{' => {
                seen.nested = true;
                self.object(text, at, place)
            }
            b'[' => {
                seen.nested = true;
                self.array(text, at, place)
            }
            b't' => {
                seen.bool = true;
                at + 4
            }
            b'f' => {
                seen.bool = true;
                at + 5
            }
            b'n' => at + 4,
            _ => {
                let number = end_of_number(at);
                let is_int = crate::number::parse_i64(&text[at..number.end]).is_some();
                match number.is_whole {
                    true if is_int => seen.int = true,
                    true => seen.large = true,
                    false => seen.float = true,
                }
                number.end
            }
        }
    }

    fn object(&mut self, text: &[u8], open: usize, place: usize) -> usize {
        let mut at = skip_blanks(text, open + 1);
        while text[at] != b'}' {
            let end = end_of_string(text, at);
            let key = &text[at + 1..end - 1];
            let mut plain = vec![0; key.len()];
            let length = unescape(key, &mut plain);
            let key = String::from_utf8_lossy(&plain[..length]).into_owned();
            let child = self.key(place, key);
            at = skip_blanks(text, skip_blanks(text, end) + 1);
            at = skip_blanks(text, self.value(text, at, child));
            if text[at] == b',' {
                at = skip_blanks(text, at + 1);
            }
        }
        at + 1
    }

    fn array(&mut self, text: &[u8], open: usize, place: usize) -> usize {
        let mut at = skip_blanks(text, open + 1);
        let mut index = 0;
        while text[at] != b']' {
            let child = self.item(place, index);
            index += 1;
            at = skip_blanks(text, self.value(text, at, child));
            if text[at] == b',' {
                at = skip_blanks(text, at + 1);
            }
        }
        at + 1
    }

    fn key(&mut self, place: usize, key: String) -> usize {
        if let Some(&known) = self.places[place].by_key.get(&key) {
            return known;
        }
        let Some(new) = self.add() else { return place };
        let place = &mut self.places[place];
        place.keys.push((key.clone(), new));
        place.by_key.insert(key, new);
        new
    }

    fn item(&mut self, place: usize, index: usize) -> usize {
        let index = index.min(ITEMS_MAX);
        if let Some(&known) = self.places[place].items.get(index) {
            return known;
        }
        let Some(new) = self.add() else { return place };
        self.places[place].items.push(new);
        new
    }

    fn add(&mut self) -> Option<usize> {
        let new = self.places.len();
        (new < PLACES_MAX).then(|| {
            self.places.push(Place::default());
            new
        })
    }
}

fn end_of_string(text: &[u8], at: usize) -> usize {
    string(text, at + 1)
        .expect("INVARIANT: the record has been scanned")
        .quote
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_have_been_seen() {
        let text = br#"{"a":1,"b":1.5,"c":"x","d":[1,"x"],"e":null,"f":true,"u":{"v":{"w":"x"}},"g":1,"h":1,"i":9223372036854775808,"at":"2026-11-21T01:18:20Z","on":"2026-11-21T01:18:20Z"}
no record
{"\u0061":2,"b":2,"c":null,"d":[2],"e":null,"f":false,"u":null,"g":"x","h":0.5,"j":"only here","at":"2026-11-21T01:18:20.5+00:00","on":"2026-11-21T01:18:20+01:00"}
{"a":"cut off"#;
        let sample = Sample::of(text);
        let kind = |path: &str| sample.kind(&Path::parse(path).unwrap());
        assert_eq!(sample.records(), 2);
        assert_eq!(sample.keys().collect::<String>(), "abcdefughiatonj");
        for (path, expected) in [
            ("a", Some(LogicalKind::Int)),
            ("b", Some(LogicalKind::Float)),
            ("c", Some(LogicalKind::Text)),
            ("d", Some(LogicalKind::Json)),
            ("d[0]", Some(LogicalKind::Int)),
            ("d[1]", Some(LogicalKind::Text)),
            ("d[2]", None),
            ("e", None),
            ("f", Some(LogicalKind::Bool)),
            ("u", Some(LogicalKind::Json)),
            ("u.v.w", Some(LogicalKind::Text)),
            ("u.x", None),
            ("g", Some(LogicalKind::Json)),
            ("h", Some(LogicalKind::Float)),
            ("i", Some(LogicalKind::Json)),
            ("j", Some(LogicalKind::Text)),
            ("at", Some(LogicalKind::Time)),
            ("on", Some(LogicalKind::Text)),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
        assert_eq!(Sample::of(b"").records(), 0);
        assert_eq!(
            Sample::of(br#"[{"a":1}"#).kind(&Path::key("a")),
            Some(LogicalKind::Int)
        );
    }
}
