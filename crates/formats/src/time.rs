//! Times and durations as text: ISO 8601 both ways.
//!
//! A time is nanoseconds since 1970 (UTC), so one from 1677-09-21 to 2262-04-11. It is written in UTC, with as many
//! decimals as it has: `2026-11-21T01:18:20.5Z`. A duration is nanoseconds, written in hours, minutes and seconds:
//! `PT1H30M`, `-PT0.25S`; days are hours, as not every day has 24 of them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::number::push_i64;

const SECOND: i64 = 1_000_000_000;

/// The nanoseconds since 1970 that a text spells by ISO 8601: a day, or a day and a time, with an offset or in UTC.
/// None where it spells no time, or one that 64 bits do not hold.
pub fn parse_time(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    plain_time(text).or_else(|| any_time(text))
}

fn any_time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    // A zone in brackets (RFC 9557) says when a time was on the clocks there, which nobody looks up here.
    if text.contains('[') {
        return None;
    }
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let time = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    })?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Most times: `2026-11-21T01:18:20`, with or without `Z`, of a year that is in range as a whole.
fn plain_time(text: &[u8]) -> Option<i64> {
    let text: &[u8; 19] = text.strip_suffix(b"Z").unwrap_or(text).try_into().ok()?;
    let number = |from: usize, to: usize| {
        let digits = text[from..to].iter();
        digits
            .map(|byte| byte.wrapping_sub(b'0'))
            .try_fold(0, |number, digit| {
                (digit < 10).then_some(10 * number + i64::from(digit))
            })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days beyond the 28th depend on the month.
    let is_plain = (1678..2262).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && (hour < 24 && minute < 60 && second < 60);
    is_plain.then(|| (((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * SECOND)
}

/// The nanoseconds that a text spells: by ISO 8601, `PT1H30M`, or in units, `1h30m`, `250ms`. None where it spells no
/// duration, or one that 64 bits do not hold.
pub fn parse_duration(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    // A duration in days is one of 24 hours each here.
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) if !rest.starts_with('-') => (-1, rest),
        _ => (1, text),
    };
    if let Some(nanos) = rest.strip_prefix('P').and_then(days_and_time) {
        return i64::try_from(sign * nanos).ok();
    }
    let days = rest
        .split_once('d')
        .filter(|(days, _)| days.bytes().all(|byte| byte.is_ascii_digit()));
    let nanos = match days {
        Some((days, "")) => i128::from(days.parse::<i64>().ok()?) * i128::from(86_400 * SECOND),
        Some((days, rest)) if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let days = i128::from(days.parse::<i64>().ok()?) * i128::from(86_400 * SECOND);
            days + rest.trim_start().parse::<SignedDuration>().ok()?.as_nanos()
        }
        _ => rest.parse::<SignedDuration>().ok()?.as_nanos(),
    };
    i64::try_from(sign * nanos).ok()
}

/// What follows a `P` where it begins with weeks or days: `2W`, `1D`, `1DT12H`.
fn days_and_time(text: &str) -> Option<i128> {
    let (number, unit, rest) = match text.split_once('W') {
        Some((weeks, rest)) => (weeks, 7, rest),
        None => text.split_once('D').map(|(days, rest)| (days, 1, rest))?,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let days = i128::from(number.parse::<i64>().ok()?) * i128::from(unit * 86_400 * SECOND);
    let time = match rest.strip_prefix('T') {
        Some(time) if !time.is_empty() => format!("PT{time}").parse::<SignedDuration>().ok()?.as_nanos(),
        _ if rest.is_empty() => 0,
        _ => return None,
    };
    Some(days + time)
}

/// Appends a time: `2026-11-21T01:18:20Z`.
pub fn push_time(out: &mut Vec<u8>, time: i64) {
    let seconds = time.div_euclid(SECOND);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    push_digits(out, year, 4);
    for (mark, number) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(mark);
        push_digits(out, number, 2);
    }
    push_fraction(out, time.rem_euclid(SECOND));
    out.push(b'Z');
}

/// Appends a duration: `PT1H30M`.
pub fn push_duration(out: &mut Vec<u8>, duration: i64) {
    if duration < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(b"PT");
    let nanos = duration.unsigned_abs();
    let (seconds, fraction) = (nanos / SECOND as u64, (nanos % SECOND as u64).cast_signed());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    for (number, unit) in [(hours, b'H'), (minutes, b'M')] {
        if number > 0 {
            push_i64(out, number.cast_signed());
            out.push(unit);
        }
    }
    if seconds > 0 || fraction > 0 || nanos == 0 {
        push_i64(out, seconds.cast_signed());
        push_fraction(out, fraction);
        out.push(b'S');
    }
}

fn push_digits(out: &mut Vec<u8>, number: i64, digits: u32) {
    for digit in (0..digits).rev() {
        out.push(b'0' + (number / 10_i64.pow(digit) % 10) as u8);
    }
}

/// The decimals of a second, as many as there are.
fn push_fraction(out: &mut Vec<u8>, nanos: i64) {
    if nanos > 0 {
        out.push(b'.');
        push_digits(out, nanos, 9);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// The number of a day since 1970. Years are counted from March, so that the leap day is the last of its year; a cycle
/// of 400 years has 146097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

/// Year, month and day of a number of days since 1970: what [`days`] is made of.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn times_of_text() {
        let second = |second: i64| Some(second * SECOND);
        for (text, expected) in [
            ("2026-11-21T01:18:20Z", second(1_795_223_900)),
            ("2026-11-21T03:18:20+02:00", second(1_795_223_900)),
            ("2026-11-21T01:18:20", second(1_795_223_900)),
            ("2026-11-21 01:18:20", second(1_795_223_900)),
            ("2026-11-21T01:18", second(1_795_223_880)),
            ("2026-11-21", second(1_795_219_200)),
            (" 1970-01-01T00:00:00.5 ", Some(500_000_000)),
            ("1969-12-31T23:59:59Z", second(-1)),
            ("2024-02-29T00:00:00Z", second(1_709_164_800)),
            ("2300-01-01", None),
            ("2300-01-01T00:00:00Z", None),
            ("2026-02-30", None),
            ("2026-02-29T00:00:00Z", None),
            ("2026-11-21T25:00", None),
            ("2026-11-21T24:00:00Z", None),
            ("2026-11-21T10:00:00[Europe/Berlin]", None),
            ("2026-11-21T10:00:00+01:00[Europe/Berlin]", None),
            ("2026-1-021T01:00:00Z", None),
            ("2026-11-21T0x:00:00Z", None),
            ("2026", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse_time(b"\xff"), None);
    }

    #[test]
    fn durations_of_text() {
        for (text, expected) in [
            ("5m", Some(300 * SECOND)),
            ("1h30m", Some(5400 * SECOND)),
            ("250ms", Some(250_000_000)),
            ("PT5M", Some(300 * SECOND)),
            ("-PT0.25S", Some(-250_000_000)),
            ("-250ms", Some(-250_000_000)),
            ("2d", Some(172_800 * SECOND)),
            ("1d 12h", Some(129_600 * SECOND)),
            ("1d12h", Some(129_600 * SECOND)),
            ("PT0S", Some(0)),
            ("P1D", Some(86_400 * SECOND)),
            ("-P1DT12H", Some(-129_600 * SECOND)),
            ("P2W", Some(14 * 86_400 * SECOND)),
            ("P", None),
            ("PD", None),
            ("P1DT", None),
            ("P1D2H", None),
            ("P1DT-2H", None),
            ("P99999999999999999D", None),
            ("5", None),
            ("", None),
            ("5 parsecs", None),
            ("PT9999999999H", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(parse_duration(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn times_and_durations_read_back() {
        let mut random = Random::new(1);
        let mut edges = vec![0, 1, -1, i64::MAX, i64::MIN, i64::MIN + 1, SECOND, -SECOND];
        for _ in 0..10_000 {
            let bits = random.next() << 32 ^ random.next();
            edges.push(bits.cast_signed() >> random.below(64));
        }
        for value in edges {
            let mut out = Vec::new();
            push_time(&mut out, value);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(any_time(text.as_bytes()), Some(value), "{text}");
            assert_eq!(parse_time(text.as_bytes()), Some(value), "{text}");
            let by_jiff = Timestamp::from_nanosecond(value.into()).unwrap();
            assert_eq!(text, by_jiff.to_string());
            let mut out = Vec::new();
            push_duration(&mut out, value);
            assert_eq!(
                parse_duration(&out),
                Some(value),
                "{}",
                String::from_utf8_lossy(&out)
            );
        }
    }

    #[test]
    fn durations_as_text() {
        for (value, expected) in [
            (0, "PT0S"),
            (90 * 60 * SECOND, "PT1H30M"),
            (-250_000_000, "-PT0.25S"),
            (61 * SECOND, "PT1M1S"),
            (86_400 * SECOND, "PT24H"),
        ] {
            let mut out = Vec::new();
            push_duration(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
