//! What a text that has no types spells: by a sample of it, each column has the narrowest type that all of its values
//! have and are written like.

use cutthrough_expr::{LogicalKind, LogicalType};

use crate::number::{parse_f64, parse_i64};
use crate::time::parse_time;

/// What the values of a column are, as far as they have been seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inferred {
    seen: bool,
    /// What they are not all.
    no_int: bool,
    no_float: bool,
    no_bool: bool,
    no_time: bool,
    /// Whether one was empty, or not there.
    is_missing: bool,
}

impl Inferred {
    /// Takes note of a value.
    pub fn add(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.seen = true;
        self.no_int |= !is_int(text);
        self.no_float |= !is_float(text);
        self.no_bool |= !matches!(text, b"true" | b"false");
        self.no_time |= !is_utc_time(text);
    }

    /// Takes note that a value may not be there.
    pub(crate) fn add_missing(&mut self) {
        self.is_missing = true;
    }

    /// Whether there was a value.
    pub fn is_known(&self) -> bool {
        self.seen
    }

    /// The type of the column: that of texts where nothing has been seen, and nullable where a later value may be
    /// empty or not there.
    pub fn ty(self) -> LogicalType {
        let kind = match self {
            Inferred { seen: false, .. } => LogicalKind::Text,
            Inferred { no_int: false, .. } => LogicalKind::Int,
            Inferred { no_float: false, .. } => LogicalKind::Float,
            Inferred { no_bool: false, .. } => LogicalKind::Bool,
            Inferred { no_time: false, .. } => LogicalKind::Time,
            _ => LogicalKind::Text,
        };
        match kind {
            LogicalKind::Text if !self.is_missing => LogicalType::TEXT,
            kind => LogicalType::new(kind).or_null(),
        }
    }
}

/// Whether a text is an integer as one is written: what begins with a zero or a plus is more than its number.
fn is_int(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_plain = digits.first().is_some_and(u8::is_ascii_digit) && (digits[0] != b'0' || digits == b"0");
    is_plain && parse_i64(text).is_some()
}

/// The same of a number with decimals: digits around a point, or none.
fn is_float(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_plain = match digits {
        [b'0', b'.', ..] => true,
        [b'0', rest @ ..] => rest.is_empty(),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    is_plain && !matches!(text.last(), Some(b'.')) && is_int_or_exact(digits) && parse_f64(text).is_some()
}

/// Whether no digits would be lost: an integer beyond 64 bits is no float.
fn is_int_or_exact(digits: &[u8]) -> bool {
    digits.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) || parse_i64(digits).is_some()
}

/// Whether a text spells a time in UTC and says so.
pub(crate) fn is_utc_time(text: &[u8]) -> bool {
    let is_utc = text.ends_with(b"Z") || text.ends_with(b"+00:00");
    is_utc && text.len() > "2026-11-21T".len() && parse_time(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_the_narrowest_that_all_have() {
        let check = |values: &[&str], expected: &str| {
            let mut inferred = Inferred::default();
            values.iter().for_each(|value| inferred.add(value.as_bytes()));
            assert_eq!(inferred.ty().name(), expected, "{values:?}");
        };
        check(&[], "text");
        check(&["", ""], "text");
        check(&["1", "-20", "0", ""], "int?");
        check(&["1", "2.5"], "float?");
        check(&["1", "0.5", "-1e3"], "float?");
        check(&["01", "2"], "text");
        check(&["+1"], "text");
        check(&["1", "9223372036854775808"], "text");
        check(&["1."], "text");
        check(&[".5"], "text");
        check(&["inf"], "text");
        check(&["true", "false"], "bool?");
        check(&["true", "1"], "text");
        check(&["2026-11-21T01:18:20Z", ""], "time?");
        check(&["2026-11-21T01:18:20+01:00"], "text");
        check(&["2026-11-21"], "text");
        check(&[" 1"], "text");
    }
}
