//! Numbers: whole, hexadecimal, fractional, and with a unit.

use super::{Lexer, TokenKind, is_name_part};
use crate::diagnostic::{Diagnostic, quoted};
use crate::suggest;

#[derive(Clone, Copy)]
enum Quantity {
    Nanoseconds,
    Bytes,
}

use Quantity::{Bytes, Nanoseconds};

/// Every unit: its spelling, what it measures, and how much of it.
const UNITS: [(&str, Quantity, u64); 16] = [
    ("ns", Nanoseconds, 1),
    ("us", Nanoseconds, 1_000),
    ("ms", Nanoseconds, 1_000_000),
    ("s", Nanoseconds, 1_000_000_000),
    ("m", Nanoseconds, 60_000_000_000),
    ("h", Nanoseconds, 3_600_000_000_000),
    ("d", Nanoseconds, 86_400_000_000_000),
    ("B", Bytes, 1),
    ("kB", Bytes, 1_000),
    ("MB", Bytes, 1_000_000),
    ("GB", Bytes, 1_000_000_000),
    ("TB", Bytes, 1_000_000_000_000),
    ("KiB", Bytes, 1 << 10),
    ("MiB", Bytes, 1 << 20),
    ("GiB", Bytes, 1 << 30),
    ("TiB", Bytes, 1 << 40),
];

impl Lexer<'_> {
    /// A number; the cursor is at its first digit.
    pub(super) fn number(&mut self) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            return self.hexadecimal(start);
        }
        let fractional = self.decimal_digits();
        let exponent = self.exponent();
        let digits_end = self.at;
        self.skip_while(is_name_part);
        let unit = &self.source[digits_end..self.at];
        if self.rest().starts_with('.') {
            self.skip_while(|c| is_name_part(c) || c == '.');
            let message = format!("{} is not a number", quoted(&self.source[start..self.at]));
            return Err(Diagnostic::new(
                message,
                self.span(start, self.at),
                "a number has digits around one point",
            )
            .with_help("an address or a version is written in quotes"));
        }
        let digits: String = self.source[start..digits_end]
            .chars()
            .filter(|&c| c != '_')
            .collect();
        if !unit.is_empty() {
            return self.with_unit(start, digits_end, &digits, exponent);
        }
        if fractional || exponent {
            return match digits.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(TokenKind::Float(value)),
                _ => Err(self.too_large(start)),
            };
        }
        digits
            .parse()
            .map(TokenKind::Int)
            .map_err(|_| self.too_large(start))
    }

    fn hexadecimal(&mut self, start: usize) -> Result<TokenKind, Diagnostic> {
        self.at += 2;
        let digits_start = self.at;
        self.skip_while(is_name_part);
        let digits: String = self.source[digits_start..self.at]
            .chars()
            .filter(|&c| c != '_')
            .collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("{} is not a number", quoted(&self.source[start..self.at]));
            return Err(Diagnostic::new(
                message,
                self.span(start, self.at),
                "hexadecimal digits follow `0x`",
            ));
        }
        u64::from_str_radix(&digits, 16)
            .map(TokenKind::Int)
            .map_err(|_| self.too_large(start))
    }

    /// Digits, and a point with further digits; whether there was a point.
    fn decimal_digits(&mut self) -> bool {
        let is_digit = |c: char| c.is_ascii_digit() || c == '_';
        self.skip_while(is_digit);
        let mut after = self.rest().chars();
        let fractional = after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit());
        if fractional {
            self.at += 1;
            self.skip_while(is_digit);
        }
        fractional
    }

    fn exponent(&mut self) -> bool {
        let rest = self.rest().as_bytes();
        if !matches!(rest.first(), Some(b'e' | b'E')) {
            return false;
        }
        let sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
        let present = rest.get(1 + sign).is_some_and(u8::is_ascii_digit);
        if present {
            self.at += 1 + sign;
            self.skip_while(|c| c.is_ascii_digit() || c == '_');
        }
        present
    }

    /// The number `digits` with the unit that starts at `unit_start` and ends at the cursor.
    fn with_unit(
        &self,
        start: usize,
        unit_start: usize,
        digits: &str,
        exponent: bool,
    ) -> Result<TokenKind, Diagnostic> {
        let spelling = &self.source[unit_start..self.at];
        let Some((_, quantity, scale)) = UNITS.into_iter().find(|(unit, ..)| *unit == spelling) else {
            return Err(self.unknown_unit(unit_start));
        };
        if exponent {
            let span = self.span(start, self.at);
            return Err(Diagnostic::new(
                "a number with a unit has no exponent",
                span,
                "write it out",
            ));
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        let value = scaled(whole, fraction, scale).ok_or_else(|| self.too_large(start))?;
        let divisor = 10u128.pow(fraction.len() as u32);
        if value % divisor != 0 {
            let (message, smallest) = match quantity {
                Nanoseconds => ("a duration is a whole number of nanoseconds", "ns"),
                Bytes => ("a size is a whole number of bytes", "B"),
            };
            let label = format!("not a multiple of 1{smallest}");
            return Err(Diagnostic::new(message, self.span(start, self.at), label));
        }
        let value = u64::try_from(value / divisor)
            .ok()
            .filter(|&value| value <= i64::MAX as u64);
        let value = value.ok_or_else(|| self.too_large(start))?;
        Ok(match quantity {
            Nanoseconds => TokenKind::Duration(value),
            Bytes => TokenKind::ByteSize(value),
        })
    }

    fn unknown_unit(&self, unit_start: usize) -> Diagnostic {
        let spelling = &self.source[unit_start..self.at];
        let units = UNITS.map(|(unit, ..)| unit);
        let same_letters: Vec<&str> = units
            .into_iter()
            .filter(|u| u.eq_ignore_ascii_case(spelling))
            .collect();
        let help = match suggest::did_you_mean(spelling, units) {
            _ if !same_letters.is_empty() => {
                format!("did you mean {}?", suggest::alternatives(&same_letters))
            }
            Some(help) => help,
            None => "durations end in ns us ms s m h d, sizes in B kB MB GB TB KiB MiB GiB TiB".to_string(),
        };
        let message = format!("unknown unit {}", quoted(spelling));
        Diagnostic::new(message, self.span(unit_start, self.at), "not a unit").with_help(help)
    }

    fn too_large(&self, start: usize) -> Diagnostic {
        let message = format!("the number {} is too large", quoted(&self.source[start..self.at]));
        Diagnostic::new(message, self.span(start, self.at), "does not fit 64 bits")
    }
}

/// `whole.fraction` times `scale` times ten to the length of `fraction`, if that fits.
fn scaled(whole: &str, fraction: &str, scale: u64) -> Option<u128> {
    // Eighteen places are more than any unit has; they also keep the power of ten within bounds.
    if fraction.len() > 18 {
        return None;
    }
    let mantissa: u128 = format!("{whole}{fraction}").parse().ok()?;
    mantissa.checked_mul(u128::from(scale))
}
