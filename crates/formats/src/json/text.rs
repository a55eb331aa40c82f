//! The smallest parts of a document: strings, numbers, words and blanks, as RFC 8259 has them.
//!
//! A document is UTF-8: who scans one has seen to that.

/// How deep a document may nest. (As in `serde_json`.)
pub(super) const DEPTH_MAX: usize = 127;

/// Where what is not a blank lies, from `at` on.
#[inline]
pub(super) fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Where a string ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StringEnd {
    /// The place of its closing quote.
    pub(super) quote: usize,
    /// Whether there are escapes in it.
    pub(super) has_escapes: bool,
}

/// Scans the string whose first byte after the quote is at `at`.
pub(super) fn string(text: &[u8], mut at: usize) -> Option<StringEnd> {
    let mut has_escapes = false;
    loop {
        at = special(text, at)?;
        match text[at] {
            b'"' => {
                return Some(StringEnd {
                    quote: at,
                    has_escapes,
                });
            }
            b'\\' => {
                at += escape(text, at)?.length;
                has_escapes = true;
            }
            _ => return None,
        }
    }
}

/// Where the next quote, backslash or control character lies.
#[inline]
fn special(text: &[u8], mut at: usize) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*eight);
        // The lowest bit that is set is right; what is above may come of a carry.
        let zero = |word: u64| word.wrapping_sub(LOW) & !word;
        let is_control = word.wrapping_sub(LOW * 0x20) & !word;
        let found = (zero(word ^ (LOW * 0x22)) | zero(word ^ (LOW * 0x5c)) | is_control) & HIGH;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    let found = rest
        .iter()
        .position(|&byte| byte < 0x20 || matches!(byte, b'"' | b'\\'));
    found.map(|found| at + found)
}

/// What an escape stands for, and how long it is.
struct Escape {
    character: char,
    length: usize,
}

/// The escape whose backslash is at `at`.
fn escape(text: &[u8], at: usize) -> Option<Escape> {
    let character = match text.get(at + 1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text, at),
        _ => return None,
    };
    Some(Escape { character, length: 2 })
}

/// `\u00e9`, or two surrogates, which are one character; none for one alone.
fn unicode_escape(text: &[u8], at: usize) -> Option<Escape> {
    let first = hex(text.get(at + 2..at + 6)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some(Escape { character, length: 6 });
    }
    let second = text.get(at + 6..at + 12)?.strip_prefix(b"\\u")?;
    let units = [first as u16, hex(second)? as u16];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some(Escape {
        character,
        length: 12,
    })
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digit = |value: u32, &byte: &u8| Some(value << 4 | char::from(byte).to_digit(16)?);
    digits.iter().try_fold(0, digit)
}

/// Writes what a string that was scanned says; gives how long that is, which is at most the length of its text.
pub(super) fn unescape(text: &[u8], out: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    let mut put = |bytes: &[u8]| {
        out[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    };
    while let Some(plain) = memchr::memchr(b'\\', &text[at..]) {
        put(&text[at..at + plain]);
        at += plain;
        let escape = escape(text, at).expect("INVARIANT: the string has been scanned");
        put(escape.character.encode_utf8(&mut [0; 4]).as_bytes());
        at += escape.length;
    }
    put(&text[at..]);
    length
}

/// What a number is written like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberEnd {
    pub(super) end: usize,
    /// Whether it has neither a point nor an exponent.
    pub(super) is_whole: bool,
}

/// Scans the number that begins at `at`. One too large for a double is none.
pub(super) fn number(text: &[u8], at: usize) -> Option<NumberEnd> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        (count > 0).then_some(from + count)
    };
    let from = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits(from)?;
    if text[from] == b'0' && end > from + 1 {
        return None;
    }
    let mut is_large = end - from > DIGITS_SAFE;
    let mut is_whole = true;
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
        is_whole = false;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
        (is_whole, is_large) = (false, true);
    }
    if is_large
        && !std::str::from_utf8(&text[at..end])
            .ok()?
            .parse::<f64>()
            .ok()?
            .is_finite()
    {
        return None;
    }
    Some(NumberEnd { end, is_whole })
}

/// So many digits before the point are never too large for a double.
const DIGITS_SAFE: usize = 300;

/// Where the word that begins at `at` ends: `true`, `false` or `null`.
pub(super) fn word(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let words: [&[u8]; 3] = [b"true", b"false", b"null"];
    let word = words.into_iter().find(|word| rest.starts_with(word))?;
    Some(at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn what_is_special_is_found() {
        for seed in 0..5000 {
            let mut random = Random::new(seed);
            let text = random.bytes(
                b"aaaaaaaaaaaaaa \"\\\x1f\x00\x20\x21\x23\x5d\x7f\x80\xa0\xa2\xdc\xff",
                40,
            );
            let from = random.below(text.len() + 1);
            let is_special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
            let expected = text[from..].iter().position(is_special).map(|at| from + at);
            assert_eq!(special(&text, from), expected, "{}", text.escape_ascii());
        }
    }
}
