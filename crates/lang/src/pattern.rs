//! Regular expressions, of bytes that are mostly UTF-8. They take time linear in the text, and bounded memory.

use regex::bytes::{CaptureLocations, Captures, Regex, RegexBuilder};

use crate::limits;

/// The regular expression of a pattern.
///
/// # Errors
/// Why it is none, in one line.
pub(crate) fn compile_pattern(pattern: &[u8]) -> Result<Regex, String> {
    let pattern = std::str::from_utf8(pattern).map_err(|_| "it is not UTF-8".to_owned())?;
    let outcome = RegexBuilder::new(pattern)
        .size_limit(limits::PATTERN_BYTES_MAX)
        .dfa_size_limit(limits::PATTERN_BYTES_MAX)
        .build();
    outcome.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
        error => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default();
            why.trim_start_matches("error: ").to_owned()
        }
    })
}

/// A regular expression, and where its groups were found last.
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    found: CaptureLocations,
}

impl Pattern {
    pub(crate) fn read(text: &[u8]) -> Result<Pattern, String> {
        let regex = compile_pattern(text)?;
        let found = regex.capture_locations();
        Ok(Pattern { regex, found })
    }

    /// What a group matches.
    pub(crate) fn extract<'t>(&mut self, text: &'t [u8], group: usize) -> Option<&'t [u8]> {
        self.regex.captures_read(&mut self.found, text)?;
        let (start, end) = self.found.get(group)?;
        Some(&text[start..end])
    }
}

/// All matches of a pattern. Those of nothing are between characters, never within one.
pub(crate) fn matches<'r, 't>(
    pattern: &'r Regex,
    text: &'t [u8],
) -> impl Iterator<Item = Captures<'t>> + use<'r, 't> {
    pattern.captures_iter(text).filter(move |found| {
        let all = found.get_match();
        !all.is_empty() || !is_within_character(text, all.start())
    })
}

/// Whether the place lies between the bytes of one character. Bytes that are not UTF-8 are no characters.
fn is_within_character(text: &[u8], at: usize) -> bool {
    const CHARACTER_BYTES_MAX: usize = 4;
    let is_first = |byte: u8| byte & 0xc0 != 0x80;
    if text.get(at).is_none_or(|&byte| is_first(byte)) {
        return false;
    }
    let from = at.saturating_sub(CHARACTER_BYTES_MAX - 1);
    let Some(first) = text[from..at].iter().rposition(|&byte| is_first(byte)) else {
        return false;
    };
    let rest = &text[from + first..];
    let valid = rest[..rest.len().min(CHARACTER_BYTES_MAX)].utf8_chunks().next();
    let character = valid.and_then(|chunk| chunk.valid().chars().next());
    character.is_some_and(|character| from + first + character.len_utf8() > at)
}

/// What a replacement (`[$1] ${name}`) names as a group that the pattern does not have.
pub(crate) fn missing_group(regex: &Regex, replacement: &[u8]) -> Option<String> {
    let mut rest = replacement;
    while let Some(at) = memchr::memchr(b'$', rest) {
        rest = &rest[at + 1..];
        let (group, length) = group_name(rest);
        // A `$` before no name is one of the text, and so is `$$`.
        if let Some(group) = group.filter(|group| !has_group(regex, group)) {
            return Some(String::from_utf8_lossy(group).into_owned());
        }
        rest = &rest[length..];
    }
    None
}

/// The name behind a `$`, and how long what stands for it is.
fn group_name(text: &[u8]) -> (Option<&[u8]>, usize) {
    match text.first() {
        Some(b'$') => (None, 1),
        Some(b'{') => match memchr::memchr(b'}', text) {
            Some(end) => (Some(&text[1..end]), end + 1),
            None => (None, 0),
        },
        _ => {
            let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = text.iter().take_while(|byte| is_of_name(byte)).count();
            ((length > 0).then_some(&text[..length]), length)
        }
    }
}

/// Whether a pattern has the group of a number or name.
pub(crate) fn has_group(regex: &Regex, group: &[u8]) -> bool {
    let Ok(group) = std::str::from_utf8(group) else {
        return false;
    };
    match group.parse::<usize>() {
        Ok(number) => number < regex.captures_len(),
        Err(_) => regex.capture_names().flatten().any(|name| name == group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_of_nothing_are_between_characters() {
        let places = |text: &[u8]| -> Vec<usize> {
            let pattern = compile_pattern(b"x*").unwrap();
            matches(&pattern, text)
                .map(|found| found.get_match().start())
                .collect()
        };
        assert_eq!(places("é".as_bytes()), [0, 2]);
        assert_eq!(places("a日😀".as_bytes()), [0, 1, 4, 8]);
        assert_eq!(
            places(b"a\xa9\xe6\x97"),
            [0, 1, 2, 3, 4],
            "bytes that are no characters"
        );
        assert_eq!(places("éxx日".as_bytes()), [0, 2, 7]);
    }
}
