//! Numbers for people: the same units everywhere, decimal ones.

use std::fmt;
use std::time::Duration;

/// A number with its thousands apart.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (k, digit) in digits.chars().enumerate() {
            if k > 0 && (digits.len() - k).is_multiple_of(3) {
                f.write_str("_")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A number of bytes, in three digits: `1.23 MB` is 1,230,000 of them.
pub(crate) struct Bytes(pub(crate) f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
        let (mut value, mut unit) = (self.0, 0);
        // 999.5 would be shown as 1000.
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        let decimals = match value {
            _ if unit == 0 => 0,
            0.0..9.995 => 2,
            9.995..99.95 => 1,
            _ => 0,
        };
        write!(f, "{value:.decimals$} {}", UNITS[unit])
    }
}

/// A length of time: `8 s`, `2 min 5 s`, `3 h 10 min`.
pub(crate) struct Lasting(pub(crate) Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        let texts = [
            0.0, 999.0, 999.7, 1e3, 9_994.0, 9_996.0, 99_960.0, 999_400.0, 999_600.0, 219e6, 1.5e18,
        ];
        let texts = texts.map(|bytes| Bytes(bytes).to_string());
        let expected = [
            "0 B", "999 B", "1.00 kB", "1.00 kB", "9.99 kB", "10.0 kB", "100 kB", "999 kB", "1.00 MB",
            "219 MB", "1500 PB",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn times_have_two_units() {
        let texts = [8, 125, 11_400].map(|seconds| Lasting(Duration::from_secs(seconds)).to_string());
        assert_eq!(texts, ["8 s", "2 min 5 s", "3 h 10 min"]);
    }
}
