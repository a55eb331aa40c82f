//! Times as text.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The nanoseconds since 1970 that a text spells by ISO 8601: a day, or a day and a time, with an offset or in UTC.
/// None where it spells no time, or one that 64 bits do not hold (before 1677 or after 2262).
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let time = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    })?;
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_time;

    #[test]
    fn times_of_text() {
        let second = |second: i64| Some(second * 1_000_000_000);
        for (text, expected) in [
            ("2026-11-21T01:18:20Z", second(1_795_223_900)),
            ("2026-11-21T03:18:20+02:00", second(1_795_223_900)),
            ("2026-11-21T01:18:20", second(1_795_223_900)),
            ("2026-11-21 01:18:20", second(1_795_223_900)),
            ("2026-11-21T01:18", second(1_795_223_880)),
            ("2026-11-21", second(1_795_219_200)),
            (" 1970-01-01T00:00:00.5 ", Some(500_000_000)),
            ("1969-12-31T23:59:59Z", second(-1)),
            ("2300-01-01", None),
            ("2026-02-30", None),
            ("2026-11-21T25:00", None),
            ("2026", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse_time(b"\xff"), None);
    }
}
