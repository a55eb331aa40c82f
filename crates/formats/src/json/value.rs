//! Values by themselves, as columns of the type `json` have them: text without blanks.

use std::borrow::Cow;

use super::path::{Path, Step};
use super::text::{number, string, unescape, word};
use crate::number::{parse_f64, parse_i64};

/// The value at a path within a value; none where there is none, or null.
pub fn at<'v>(value: &'v [u8], path: &Path) -> Option<&'v [u8]> {
    let mut steps = path.0.iter();
    let found = steps.try_fold(value, |value, step| {
        let members = Members::of(value);
        match step {
            Step::Key(key) => {
                // Of a key that comes again, the last counts.
                let same = members.filter(|(name, _)| name.is_some_and(|name| plain(name) == key.as_bytes()));
                same.last().map(|(_, value)| value)
            }
            Step::Index(index) => {
                let mut items = members.filter(|(name, _)| name.is_none());
                items.nth(*index).map(|(_, value)| value)
            }
        }
    });
    found.filter(|found| *found != b"null")
}

/// Whether an array has an item that is this text, or a string contains it.
pub fn contains_text(value: &[u8], text: &[u8]) -> bool {
    match value.first() {
        Some(b'[') => {
            Members::of(value).any(|(_, item)| item.first() == Some(&b'"') && *plain_text(item) == *text)
        }
        Some(b'"') => memchr::memmem::find(&plain_text(value), text).is_some(),
        _ => false,
    }
}

/// Whether an array has an item that is this number.
pub fn contains_number(value: &[u8], number: f64) -> bool {
    value.first() == Some(&b'[') && Members::of(value).any(|(_, item)| float(item) == Some(number))
}

/// The number that the value is, if it is written as an integer and fits.
pub fn int(value: &[u8]) -> Option<i64> {
    is_number(value).then(|| parse_i64(value))?
}

/// The number that the value is.
pub fn float(value: &[u8]) -> Option<f64> {
    is_number(value).then(|| parse_f64(value))?
}

/// The item of an array that begins at a place or behind it, 0 for the first, and where the next one is looked for. What
/// is no array is the only item of itself.
pub fn item_at(value: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if value.first() != Some(&b'[') {
        return (at == 0 && !value.is_empty()).then_some((value, value.len()));
    }
    let mut members = Members {
        value,
        at: at.max(1),
        is_object: false,
    };
    let (_, item) = members.next()?;
    Some((item, members.at))
}

/// How many items an array has, or members an object.
pub fn len(value: &[u8]) -> Option<i64> {
    matches!(value.first(), Some(b'[' | b'{')).then(|| Members::of(value).count() as i64)
}

/// What a value says to people: a string without its quotes and escapes, all else as it is.
pub fn plain_text(value: &[u8]) -> Cow<'_, [u8]> {
    match value {
        [b'"', text @ .., b'"'] => plain(text),
        value => value.into(),
    }
}

/// A string without its escapes.
fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return text.into();
    }
    let mut plain = vec![0; text.len()];
    let length = unescape(text, &mut plain);
    plain.truncate(length);
    plain.into()
}

fn is_number(value: &[u8]) -> bool {
    value
        .first()
        .is_some_and(|&byte| byte == b'-' || byte.is_ascii_digit())
}

/// The members of an object, by the text between the quotes of their keys, or the items of an array.
struct Members<'v> {
    value: &'v [u8],
    at: usize,
    is_object: bool,
}

impl<'v> Members<'v> {
    fn of(value: &'v [u8]) -> Members<'v> {
        Members {
            value: if matches!(value.first(), Some(b'{' | b'[')) {
                value
            } else {
                b""
            },
            at: 1,
            is_object: value.first() == Some(&b'{'),
        }
    }
}

impl<'v> Iterator for Members<'v> {
    type Item = (Option<&'v [u8]>, &'v [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.value;
        if matches!(value.get(self.at)?, b'}' | b']') {
            return None;
        }
        let mut name = None;
        if self.is_object {
            let quote = string(value, self.at + 1)?.quote;
            name = Some(&value[self.at + 1..quote]);
            self.at = quote + 2;
        }
        let start = self.at;
        let end = end_of(value, start)?;
        // A comma follows, or the end.
        self.at = end + usize::from(value.get(end) == Some(&b','));
        Some((name, &value[start..end]))
    }
}

/// Where the value that begins at `at` ends.
fn end_of(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0;
    loop {
        at = match *text.get(at)? {
            b'"' => string(text, at + 1)?.quote + 1,
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' => {
                depth -= 1;
                at + 1
            }
            b',' | b':' => at + 1,
            b'-' | b'0'..=b'9' => number(text, at)?.end,
            _ => word(text, at)?,
        };
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_within_values() {
        let value = br#"{"a":[1,{"b":"x,}"},[],{}],"\u0062":null,"a b":-1.5e3,"a":[true,{"b":"y"}],"e":""}"#;
        let find = |path: &str| {
            at(value, &Path::parse(path).unwrap()).map(|found| String::from_utf8_lossy(found).into_owned())
        };
        assert_eq!(find("a[1].b").as_deref(), Some("\"y\""));
        assert_eq!(find("a[0]").as_deref(), Some("true"));
        assert_eq!(find("a[2]"), None);
        assert_eq!(find("b"), None);
        assert_eq!(find("a.b"), None);
        assert_eq!(find("e[0]"), None);
        assert_eq!(find("a[\"0\"]"), None);
        assert_eq!(
            at(value, &Path(vec![Step::Key("a b".into())])),
            Some(&b"-1.5e3"[..])
        );
        assert_eq!(
            (len(value), len(b"[1,[2,3],4]"), len(b"{}"), len(b"\"ab\"")),
            (Some(5), Some(3), Some(0), None)
        );
    }

    #[test]
    fn what_values_are() {
        assert!(contains_text(br#"["a","b\u0065ta",1]"#, b"beta"));
        assert!(!contains_text(br#"["alphabeta",["beta"]]"#, b"beta"));
        assert!(contains_text(br#""alphabeta""#, b"beta"));
        assert!(!contains_text(br#"{"beta":1}"#, b"beta"));
        assert!(contains_number(b"[1,2.0,\"3\"]", 2.0));
        assert!(!contains_number(b"[1,2.0,\"3\"]", 3.0));
        assert_eq!(
            (int(b"12"), int(b"12.0"), int(b"\"12\""), int(b"true")),
            (Some(12), None, None, None)
        );
        assert_eq!(
            (float(b"12"), float(b"1e3"), float(b"null")),
            (Some(12.0), Some(1000.0), None)
        );
        assert_eq!(*plain_text(br#""a\nb""#), *b"a\nb");
        assert_eq!(*plain_text(b"[1]"), *b"[1]");
    }
}
