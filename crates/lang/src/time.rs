//! Times by calendars, zones and formats of their own. By ISO 8601, `cutthrough_formats` has them.
//!
//! A time that 64 bits do not hold, as one before 1677, is none.

use cutthrough_expr::Part;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// The zone of a name of the IANA database, such as `Europe/Berlin`.
pub(crate) fn zone(name: &[u8]) -> Result<TimeZone, String> {
    let known = std::str::from_utf8(name).ok().map(TimeZone::get);
    match known {
        Some(Ok(zone)) => Ok(zone),
        _ => Err("there is no such zone; zones are named as in `Europe/Berlin` or `UTC`".to_owned()),
    }
}

/// A part of a time, by the zone's calendar and clock.
pub(crate) fn part_of(part: Part, time: i64, zone: &TimeZone) -> i64 {
    let at = zone.to_datetime(timestamp(time));
    match part {
        Part::Year => at.year().into(),
        Part::Month => at.month().into(),
        Part::Day => at.day().into(),
        Part::Weekday => at.weekday().to_monday_one_offset().into(),
        Part::Hour => at.hour().into(),
        Part::Minute => at.minute().into(),
        Part::Second => at.second().into(),
    }
}

/// What a time is truncated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CalendarUnit {
    Year,
    Quarter,
    Month,
    /// From Monday on.
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

impl CalendarUnit {
    pub(crate) const ALL: [CalendarUnit; 8] = [
        CalendarUnit::Year,
        CalendarUnit::Quarter,
        CalendarUnit::Month,
        CalendarUnit::Week,
        CalendarUnit::Day,
        CalendarUnit::Hour,
        CalendarUnit::Minute,
        CalendarUnit::Second,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            CalendarUnit::Year => "year",
            CalendarUnit::Quarter => "quarter",
            CalendarUnit::Month => "month",
            CalendarUnit::Week => "week",
            CalendarUnit::Day => "day",
            CalendarUnit::Hour => "hour",
            CalendarUnit::Minute => "minute",
            CalendarUnit::Second => "second",
        }
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<CalendarUnit> {
        CalendarUnit::ALL
            .into_iter()
            .find(|unit| unit.name().as_bytes() == name)
    }

    /// When the unit of the zone's calendar began in which the time is; none for one that 64 bits do not hold.
    pub(crate) fn start(self, time: i64, zone: &TimeZone) -> Option<i64> {
        let at = timestamp(time).to_zoned(zone.clone());
        let start = match self {
            CalendarUnit::Hour | CalendarUnit::Minute | CalendarUnit::Second => {
                // As an instant: an hour that the clocks go through twice has two starts.
                let second = i64::from(at.second());
                let rest = match self {
                    CalendarUnit::Hour => i64::from(at.minute()) * 60 + second,
                    CalendarUnit::Minute => second,
                    _ => 0,
                };
                let nanos = i64::from(at.subsec_nanosecond());
                return time.checked_sub(rest * 1_000_000_000 + nanos);
            }
            CalendarUnit::Day => at.date(),
            CalendarUnit::Week => {
                let back = i64::from(at.weekday().since(Weekday::Monday));
                at.date().checked_sub(back.days()).ok()?
            }
            CalendarUnit::Month => at.date().first_of_month(),
            CalendarUnit::Quarter => {
                let month = (at.month() - 1) / 3 * 3 + 1;
                at.date().first_of_year().with().month(month).build().ok()?
            }
            CalendarUnit::Year => at.date().first_of_year(),
        };
        nanos(&zone.to_zoned(start.to_datetime(Time::midnight())).ok()?)
    }
}

/// The time that a text spells by a format of `strftime`: by the offset in the text, if there is one, else in the zone.
pub(crate) fn parse_by(format: &[u8], text: &[u8], zone: &TimeZone) -> Option<i64> {
    let parsed = BrokenDownTime::parse(format, text).ok()?;
    if let Ok(time) = parsed.to_timestamp() {
        return i64::try_from(time.as_nanosecond()).ok();
    }
    let at: Option<DateTime> = parsed.to_datetime().ok();
    let at = match at {
        Some(at) => at,
        None => parsed.to_date().ok()?.to_datetime(Time::midnight()),
    };
    nanos(&zone.to_zoned(at).ok()?)
}

/// Appends a time by a format of `strftime`.
pub(crate) fn format_by(format: &[u8], time: i64, zone: &TimeZone, out: &mut Vec<u8>) -> Result<(), String> {
    let at = timestamp(time).to_zoned(zone.clone());
    let format = std::str::from_utf8(format).map_err(|_| "a format is UTF-8".to_owned())?;
    BrokenDownTime::from(&at)
        .format(format, out)
        .map_err(|error| error.to_string())
}

/// What is wrong with a format, if something is. One that is read by has to tell at least the day.
pub(crate) fn check_format(format: &[u8], is_read_by: bool) -> Result<(), String> {
    let mut sample = Vec::new();
    format_by(format, 1_000_000_000_123_456_789, &TimeZone::UTC, &mut sample)?;
    if is_read_by && parse_by(format, &sample, &TimeZone::UTC).is_none() {
        return Err("it does not tell a time, as `%Y-%m-%d %H:%M:%S` does".to_owned());
    }
    Ok(())
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default()
}

fn timestamp(time: i64) -> Timestamp {
    Timestamp::from_nanosecond(time.into()).expect("INVARIANT: it takes all of 64 bits")
}

fn nanos(at: &Zoned) -> Option<i64> {
    i64::try_from(at.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use cutthrough_formats::time::{parse_time, push_time};

    use super::*;

    fn time(text: &str) -> i64 {
        parse_time(text.as_bytes()).unwrap()
    }

    fn shown(time: i64) -> String {
        let mut out = Vec::new();
        push_time(&mut out, time);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn parts_are_those_of_the_zone() {
        let berlin = zone(b"Europe/Berlin").unwrap();
        let at = time("2026-12-31T23:30:15Z");
        let parts = |zone: &TimeZone| Part::ALL.map(|part| part_of(part, at, zone));
        assert_eq!(parts(&TimeZone::UTC), [2026, 12, 31, 4, 23, 30, 15]);
        assert_eq!(parts(&berlin), [2027, 1, 1, 5, 0, 30, 15]);
        assert!(zone(b"Europe/Atlantis").is_err() && zone(b"\xff").is_err());
    }

    #[test]
    fn calendars_truncate() {
        let berlin = zone(b"Europe/Berlin").unwrap();
        let check = |unit: &str, at: &str, zone: &TimeZone, expected: &str| {
            let unit = CalendarUnit::from_name(unit.as_bytes()).unwrap();
            assert_eq!(unit.start(time(at), zone).map(shown).as_deref(), Some(expected));
        };
        let at = "2026-11-21T01:18:20.5Z";
        for (unit, expected) in [
            ("year", "2026-01-01T00:00:00Z"),
            ("quarter", "2026-10-01T00:00:00Z"),
            ("month", "2026-11-01T00:00:00Z"),
            ("week", "2026-11-16T00:00:00Z"),
            ("day", "2026-11-21T00:00:00Z"),
            ("hour", "2026-11-21T01:00:00Z"),
            ("minute", "2026-11-21T01:18:00Z"),
            ("second", "2026-11-21T01:18:20Z"),
        ] {
            check(unit, at, &TimeZone::UTC, expected);
        }
        check("month", at, &berlin, "2026-10-31T23:00:00Z");
        check("day", "2026-07-01T23:00:00Z", &berlin, "2026-07-01T22:00:00Z");
        // The clocks go back at 01:00 UTC: the hour is there twice.
        check("hour", "2026-10-25T01:30:00Z", &berlin, "2026-10-25T01:00:00Z");
        assert_eq!(CalendarUnit::Year.start(i64::MIN, &TimeZone::UTC), None);
        assert_eq!(CalendarUnit::Hour.start(i64::MIN, &TimeZone::UTC), None);
    }

    #[test]
    fn formats_go_both_ways() {
        let berlin = zone(b"Europe/Berlin").unwrap();
        let utc = TimeZone::UTC;
        let parsed = |format: &str, text: &str, zone: &TimeZone| {
            parse_by(format.as_bytes(), text.as_bytes(), zone).map(shown)
        };
        let clf = "%d/%b/%Y:%H:%M:%S %z";
        let expected = Some("2026-11-21T01:18:20Z".to_owned());
        assert_eq!(parsed(clf, "21/Nov/2026:03:18:20 +0200", &berlin), expected);
        assert_eq!(
            parsed("%Y-%m-%d %H:%M:%S", "2026-11-21 02:18:20", &berlin),
            expected
        );
        let midnight = Some("2026-11-21T00:00:00Z".to_owned());
        assert_eq!(parsed("%d.%m.%Y", "21.11.2026", &utc), midnight);
        assert_eq!(parsed("%d.%m.%Y", "21.13.2026", &utc), None);
        assert_eq!(parsed("%d.%m.%Y", "21.11.1500", &utc), None);
        let mut out = Vec::new();
        format_by(b"%a %H:%M", time("2026-11-21T01:18:20Z"), &berlin, &mut out).unwrap();
        assert_eq!(out, b"Sat 02:18");
        assert!(check_format(b"%Q!%", false).is_err());
        assert!(check_format(b"%H:%M", false).is_ok() && check_format(b"%H:%M", true).is_err());
    }
}
