//! logfmt: `level=warn msg="took too long" ms=12 retried`.
//!
//! Fields are parted by blanks. A value in quotes may have blanks, and the escapes `\"`, `\\`,
//! `\n`, `\r`, `\t` and `\u00e9`, any other being text; a key without
//! a `=` has the value `true`. Of a key that comes twice, the last counts. A line is good where each of its fields has
//! a key and what is in quotes ends in one; a line without any field is no row.

use std::collections::HashMap;

use memchr::memchr2;

use crate::infer::Inferred;
use crate::pieces::{Piece, Pieces, whole_lines};

/// A field of a line: its key, and where its value is, which for a key without a `=` is none.
struct Field<'l> {
    key: &'l [u8],
    value: Option<Piece>,
}

/// The fields of a line.
struct Fields<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Fields<'l> {
    /// The next field; an error where there is none but something else.
    fn next(&mut self) -> Result<Option<Field<'l>>, ()> {
        let line = self.line;
        while line.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        while line
            .get(self.at)
            .is_some_and(|&byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'"'))
        {
            self.at += 1;
        }
        let key = &line[start..self.at];
        let next = line.get(self.at);
        if key.is_empty() {
            return if next.is_none() { Ok(None) } else { Err(()) };
        }
        let value = match next {
            Some(b'=') => {
                self.at += 1;
                Some(self.value()?)
            }
            Some(b'"') => return Err(()),
            _ => None,
        };
        Ok(Some(Field { key, value }))
    }

    fn value(&mut self) -> Result<Piece, ()> {
        let line = self.line;
        let start = self.at;
        if line.get(start) != Some(&b'"') {
            let rest = &line[start..];
            let length = rest
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap_or(rest.len());
            self.at += length;
            return Ok(Piece::At(start, self.at));
        }
        let mut at = start + 1;
        let mut is_escaped = false;
        loop {
            at += memchr2(b'"', b'\\', line.get(at..).ok_or(())?).ok_or(())?;
            if line[at] == b'"' {
                break;
            }
            is_escaped = true;
            at += 2;
        }
        self.at = at + 1;
        if line.get(self.at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return Err(());
        }
        Ok(match is_escaped {
            true => Piece::Escaped(start + 1, at),
            false => Piece::At(start + 1, at),
        })
    }
}

/// The keys of the lines of a text, in the order in which they first come, and what their values are like.
pub fn infer(text: &[u8]) -> Vec<(String, Inferred)> {
    let mut keys: Vec<(String, Inferred)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for line in whole_lines(text) {
        let mut fields = Fields { line, at: 0 };
        while let Ok(Some(field)) = fields.next() {
            let Ok(key) = std::str::from_utf8(field.key) else {
                continue;
            };
            let at = *known.entry(key.to_owned()).or_insert(keys.len());
            if at == keys.len() {
                keys.push((key.to_owned(), Inferred::default()));
            }
            let value = match field.value {
                Some(Piece::At(start, end) | Piece::Escaped(start, end)) => &line[start..end],
                _ => b"true",
            };
            keys[at].1.add(value);
        }
    }
    keys
}

/// Lines of fields.
#[derive(Clone, Debug)]
pub(crate) struct LogfmtPieces {
    /// The column of each key.
    columns: HashMap<Vec<u8>, usize>,
}

impl LogfmtPieces {
    /// Gives the values of these keys.
    pub(crate) fn new<'n>(keys: impl IntoIterator<Item = &'n str>) -> LogfmtPieces {
        let columns = keys.into_iter().enumerate();
        LogfmtPieces {
            columns: columns
                .map(|(column, key)| (key.as_bytes().to_vec(), column))
                .collect(),
        }
    }
}

impl Pieces for LogfmtPieces {
    const NAME: &'static str = "parse logfmt";
    const HAS_BLANKS: bool = true;

    fn split(&mut self, line: &[u8], found: &mut [Piece]) -> bool {
        let mut fields = Fields { line, at: 0 };
        loop {
            match fields.next() {
                Err(()) => return false,
                Ok(None) => return true,
                Ok(Some(field)) => {
                    if let Some(&column) = self.columns.get(field.key) {
                        found[column] = field.value.unwrap_or(Piece::Word(b"true"));
                    }
                }
            }
        }
    }

    fn unescape(text: &[u8], out: &mut [u8]) -> usize {
        let (mut at, mut length) = (0, 0);
        while let Some(&byte) = text.get(at) {
            let plain = match (byte, text.get(at + 1)) {
                (b'\\', Some(b'n')) => Some(b'\n'),
                (b'\\', Some(b'r')) => Some(b'\r'),
                (b'\\', Some(b't')) => Some(b'\t'),
                (b'\\', Some(&mark @ (b'"' | b'\\'))) => Some(mark),
                _ => None,
            };
            if let Some(plain) = plain {
                out[length] = plain;
                (at, length) = (at + 2, length + 1);
            } else if let Some((character, taken)) = unicode_escape(&text[at..]) {
                length += character.encode_utf8(&mut out[length..]).len();
                at += taken;
            } else {
                out[length] = byte;
                (at, length) = (at + 1, length + 1);
            }
        }
        length
    }
}

/// The character of a `\u00e9` that a text begins with, and how long that is; one beyond 16 bits is two of them.
fn unicode_escape(text: &[u8]) -> Option<(char, usize)> {
    let first = unit(text)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let units = [first, unit(&text[6..])?].map(|unit| unit as u16);
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, 12))
}

fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    digits
        .iter()
        .try_fold(0, |unit, byte| Some(unit << 4 | digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (text, expected) in [
            (r#"a\"b\\c"#, "a\"b\\c"),
            (r"1\n2\r3\t4", "1\n2\r3\t4"),
            (r"caf\u00e9 \u001b[0m", "café \u{1b}[0m"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d \ude00", r"\ud83d \ude00"),
            (r"\u12 \u12g4 \u", r"\u12 \u12g4 \u"),
            (r"C:\dir \q", r"C:\dir \q"),
        ] {
            let mut out = vec![0; text.len()];
            let length = LogfmtPieces::unescape(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out[..length]), expected, "{text}");
        }
    }
}
