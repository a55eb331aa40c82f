//! Lines by a regular expression: its named groups are the columns.

use crate::infer::Inferred;
use regex::bytes::{CaptureLocations, Regex};

use crate::pieces::{Piece, Pieces};

/// The names of the groups of a regular expression that have one, in their order.
pub fn group_names(pattern: &Regex) -> impl Iterator<Item = &str> {
    pattern.capture_names().flatten()
}

/// The types of these groups, by the lines of a text that the pattern matches. A group that may take no part in a match
/// is nullable.
///
/// # Panics
/// When there is no group of a name.
pub fn infer(pattern: &Regex, names: &[String], text: &[u8]) -> Vec<Inferred> {
    let mut pieces = RegexPieces::new(pattern, names.iter().map(String::as_str));
    let mut inferred = crate::pieces::infer(&mut pieces, names.len(), text);
    // Where one has not been seen to take no part, it may still.
    inferred.iter_mut().for_each(Inferred::add_missing);
    inferred
}

/// Lines that a regular expression matches.
#[derive(Clone, Debug)]
pub(crate) struct RegexPieces {
    pattern: Regex,
    /// The group of each column.
    groups: Vec<usize>,
    locations: CaptureLocations,
}

impl RegexPieces {
    /// Gives the groups of these names.
    ///
    /// # Panics
    /// When there is no group of a name.
    pub(crate) fn new<'n>(pattern: &Regex, names: impl IntoIterator<Item = &'n str>) -> RegexPieces {
        let group = |name: &str| {
            let mut groups = pattern.capture_names();
            groups
                .position(|group| group == Some(name))
                .expect("the group is there")
        };
        RegexPieces {
            groups: names.into_iter().map(group).collect(),
            locations: pattern.capture_locations(),
            pattern: pattern.clone(),
        }
    }
}

impl Pieces for RegexPieces {
    const NAME: &'static str = "parse regex";

    fn split(&mut self, line: &[u8], found: &mut [Piece]) -> bool {
        if self.groups.is_empty() {
            return self.pattern.is_match(line);
        }
        if self.pattern.captures_read(&mut self.locations, line).is_none() {
            return false;
        }
        for (piece, &group) in found.iter_mut().zip(&self.groups) {
            if let Some((start, end)) = self.locations.get(group) {
                *piece = Piece::At(start, end);
            }
        }
        true
    }
}
