//! Prints what stands in tables and functions alike: lists, numbers, quoted bytes.

use std::fmt::{self, Display, Formatter, Write};

use crate::types::CANONICAL_NAN;

/// Items between brackets, with commas.
pub(super) fn print_list<T>(
    f: &mut Formatter<'_>,
    (open, close): (char, char),
    items: &[T],
    mut print: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (k, item) in items.iter().enumerate() {
        if k > 0 {
            f.write_str(", ")?;
        }
        print(f, item)?;
    }
    f.write_char(close)
}

/// A double, by its bits, so that it reads back to the same.
pub(super) struct Double(pub(super) u64);

impl Display for Double {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = f64::from_bits(self.0);
        if self.0 == CANONICAL_NAN {
            f.write_str("nan")
        } else if value.is_nan() {
            write!(f, "{:#018x}", self.0)
        } else {
            // The shortest decimal that reads back, with the sign of zero; `inf`.
            write!(f, "{value:?}")
        }
    }
}

/// Bytes in quotes; valid UTF-8 as it is where `text` says so.
pub(super) struct Quoted<'a>(pub(super) &'a [u8], pub(super) bool);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Quoted(bytes, text) = *self;
        f.write_char('"')?;
        for chunk in bytes.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' => f.write_str("\\\"")?,
                    '\\' => f.write_str("\\\\")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    ' '..='~' => f.write_char(char)?,
                    _ if text && !char.is_control() => f.write_char(char)?,
                    _ => {
                        let mut buffer = [0; 4];
                        for byte in char.encode_utf8(&mut buffer).bytes() {
                            write!(f, "\\x{byte:02x}")?;
                        }
                    }
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}
