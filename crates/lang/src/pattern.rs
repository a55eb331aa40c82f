//! Regular expressions, of bytes that are mostly UTF-8. They take time linear in the text, and bounded memory.

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

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
