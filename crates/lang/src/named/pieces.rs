//! Pieces of a text, as the text of a JSON array.

use cutthrough::ir::Words;
use cutthrough_formats::render::json::push_string;

use super::{Constants, Given, check_length};
use crate::pattern::matches;

/// The parts between separators; with an empty separator, the text itself is the only one.
pub(crate) fn parts<'a>(text: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(text);
    let finder = memchr::memmem::Finder::new(separator);
    std::iter::from_fn(move || {
        let here = rest?;
        let end = if separator.is_empty() {
            None
        } else {
            finder.find(here)
        };
        rest = end.map(|end| &here[end + separator.len()..]);
        Some(&here[..end.unwrap_or(here.len())])
    })
}

pub(super) fn split(args: Words<'_>, _constants: &mut Constants, out: &mut Vec<u8>) -> Result<Given, String> {
    list(parts(args.bytes(0), args.bytes(1)), out)
}

/// What stands between blanks, as many as there are.
pub(super) fn words(args: Words<'_>, _constants: &mut Constants, out: &mut Vec<u8>) -> Result<Given, String> {
    let words = args.bytes(0).split(u8::is_ascii_whitespace);
    list(words.filter(|word| !word.is_empty()), out)
}

/// All that the pattern matches: of each match its only group, where it has one.
pub(super) fn extract_all(
    args: Words<'_>,
    constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    let pattern = &constants.pattern(args.bytes(1))?.regex;
    let group = (pattern.captures_len() - 1).min(1);
    let found = matches(pattern, args.bytes(0));
    list(
        found
            .filter_map(|found| found.get(group))
            .map(|found| found.as_bytes()),
        out,
    )
}

fn list<'a>(items: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Result<Given, String> {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_string(out, item);
        check_length(out.len())?;
    }
    out.push(b']');
    Ok(Given::Text)
}
