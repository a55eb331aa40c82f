//! Times and durations: what expressions of them give, on every engine.

mod common;

use common::{World, check_expressions};
use expect_test::expect;

/// Checks expressions over the columns `t`, `d`, `n`, `x` and `s`; the value is as JSON has it.
fn check(expected: &[(&str, &str)]) {
    let row = b"2026-11-21T01:18:20.5Z,90s,3,0.5,21/Nov/2026:03:18:20 +0200";
    check_expressions("t:time,d:duration,n:int,x:float,s:text", row, expected);
}

#[test]
fn times_compute_with_durations() {
    check(&[
        ("t", "\"2026-11-21T01:18:20.5Z\""),
        ("d", "\"PT1M30S\""),
        ("t + d", "\"2026-11-21T01:19:50.5Z\""),
        ("d + t == t + d", "true"),
        ("t - 500ms", "\"2026-11-21T01:18:20Z\""),
        ("t - @2026-11-21", "\"PT1H18M20.5S\""),
        ("@2026-11-21T02:00:00+01:00 - @2026-11-21T01:00", "\"PT0S\""),
        ("d + d - 1m", "\"PT2M\""),
        ("d * n", "\"PT4M30S\""),
        ("n * 1s", "\"PT3S\""),
        ("d * x", "\"PT45S\""),
        ("d / 4", "\"PT22.5S\""),
        ("d // 4", "\"PT22.5S\""),
        ("d / (n - 3)", "null"),
        ("d / 1m", "1.5"),
        ("d // 1m", "1"),
        ("d % 1m", "\"PT30S\""),
        ("-d", "\"-PT1M30S\""),
        ("abs(-d)", "\"PT1M30S\""),
        ("int(d)", "90000000000"),
        ("int(@1970-01-02)", "86400000000000"),
        ("@1970-01-01 + n * 1s", "\"1970-01-01T00:00:03Z\""),
        ("min(t, @2000-01-01)", "\"2000-01-01T00:00:00Z\""),
        ("max(d, 2m)", "\"PT2M\""),
        ("if(d > 1m, d, null)", "\"PT1M30S\""),
        ("time(\"no\") ?? t", "\"2026-11-21T01:18:20.5Z\""),
        ("t in (@2026-11-21T01:18:20.5, @2000-01-01)", "true"),
        ("t > @2026-11-21 and d < 1h and d != 5m", "true"),
        ("text(t) + text(d)", "\"2026-11-21T01:18:20.5ZPT1M30S\""),
        ("concat(d, n)", "\"PT1M30S3\""),
        (
            "@2262-04-11T23:47:16.854775807Z + 1ns",
            "\"1677-09-21T00:12:43.145224192Z\"",
        ),
    ]);
}

#[test]
fn times_are_cut_into_calendars() {
    check(&[
        ("bin(t, 5m)", "\"2026-11-21T01:15:00Z\""),
        ("bin(@1969-12-31T23:59:59, 1m)", "\"1969-12-31T23:59:00Z\""),
        ("bin(d, 1m)", "\"PT1M\""),
        ("bin(t, d - d)", "null"),
        ("trunc(t, \"month\")", "\"2026-11-01T00:00:00Z\""),
        (
            "trunc(t, \"day\", \"America/New_York\")",
            "\"2026-11-20T05:00:00Z\"",
        ),
        ("hour(t)", "1"),
        ("minute(t)", "18"),
        ("second(t)", "20"),
        ("hour(@1969-12-31T23:59:59)", "23"),
        ("hour(t, \"Asia/Kolkata\")", "6"),
        ("year(t)", "2026"),
        ("month(t)", "11"),
        ("day(t)", "21"),
        ("weekday(t)", "6"),
        ("date(t)", "\"2026-11-21\""),
        ("date(@2000-02-29)", "\"2000-02-29\""),
        ("date(t, \"America/New_York\")", "\"2026-11-20\""),
    ]);
}

#[test]
fn times_are_of_text_and_become_it() {
    check(&[
        ("time(\"2026-11-21 03:00\") + 1h", "\"2026-11-21T04:00:00Z\""),
        ("time(\"21 Nov 2026\")", "null"),
        ("time(t)", "\"2026-11-21T01:18:20.5Z\""),
        ("time(s, \"%d/%b/%Y:%H:%M:%S %z\")", "\"2026-11-21T01:18:20Z\""),
        ("time(\"21.11.2026\", \"%d.%m.%Y\")", "\"2026-11-21T00:00:00Z\""),
        (
            "time(\"21.11.2026\", \"%d.%m.%Y\", \"Europe/Berlin\")",
            "\"2026-11-20T23:00:00Z\"",
        ),
        ("time(\"11.2026\", \"%d.%m.%Y\")", "null"),
        ("format_time(t, \"%H:%M %j\")", "\"01:18 325\""),
        ("format_time(t, \"%H:%M %Z\", \"Europe/Berlin\")", "\"02:18 CET\""),
        ("duration(\"1h30m\")", "\"PT1H30M\""),
        ("duration(\"PT0.25S\")", "\"PT0.25S\""),
        ("duration(\"5\")", "null"),
        ("duration(d)", "\"PT1M30S\""),
        ("now()", "\"2026-11-21T01:18:20Z\""),
        ("ago(15m)", "\"2026-11-21T01:03:20Z\""),
        ("t - ago(1h)", "\"PT1H0.5S\""),
    ]);
}

#[test]
fn aggregates_keep_what_values_mean() {
    let world = World::stdin("a,2026-11-21,1s\na,2026-11-22,2s\nb,2026-11-20,\n");
    let program = "parse csv(columns=\"k:text,t:time,d:duration?\")
        | summarize min(t), max(t), sum(d), mean = avg(d), spread = max(t) - min(t), n = count(d) by k
        | sort k | write stdout as csv";
    assert_eq!(
        world.run(program).unwrap()["stdout"],
        "k,min_t,max_t,sum_d,mean,spread,n\n\
         a,2026-11-21T00:00:00Z,2026-11-22T00:00:00Z,PT3S,PT1.5S,PT24H,2\n\
         b,2026-11-20T00:00:00Z,2026-11-20T00:00:00Z,PT0S,,PT0S,0\n"
    );
}

#[test]
fn bad_times_are_bad_rows() {
    let world = World::stdin("2026-11-21T01:00:00Z,5m\n2026-02-30,5m\n2026-11-21,5\n,1s\n");
    let program = "parse csv(columns=\"t:time?,d:duration\") else bad | select d, t | write \"good\"
        bad | select line | write \"bad\"";
    let outputs = world.run(program).unwrap();
    assert_eq!(outputs["good"], "PT5M\t2026-11-21T01:00:00Z\nPT1S\t\n");
    assert_eq!(outputs["bad"], "2026-02-30,5m\n2026-11-21,5\n");
}

#[test]
fn what_is_no_time_is_told_how_to_be_one() {
    let mut shown = String::new();
    for condition in [
        "time >= \"2026-11-21\"",
        "time > 5",
        "time + 5 > now()",
        "time + time > now()",
        "bytes * time",
        "5m > 3",
        "time - \"5m\" > now()",
        "bin(time, 300) == time",
        "bin(bytes, 5m) > 0",
        "ago(15) < time",
        "hour(status) == 1",
        "time(status) < now()",
        "float(5m) > 1.0",
        "trunc(time, \"fortnight\") == time",
        "hour(time, \"Berlin\") == 3",
        "format_time(time, \"%\") == \"\"",
        "time(path, \"%H\") == time",
        "datetime(time) == \"\"",
        "now(1) == time",
        "sum(time) > 1",
    ] {
        let message = World::stdin("")
            .run(&format!("parse clf | where {condition}"))
            .unwrap_err();
        shown += &format!(
            "{condition}\n    {}\n",
            message.trim_end().replace('\n', "\n    ")
        );
    }
    expect![[r#"
        time >= "2026-11-21"
            Error: `>=` of time and text
               ╭─[ test:1:27 ]
               │
             1 │ parse clf | where time >= "2026-11-21"
               │                           ┬───────────
               │                           ╰───────────── this is text, what is before it time
               │
               │ Help: a time is written `@2026-11-21T02:00`, without quotes; `time(...)` makes one of text
            ───╯
        time > 5
            Error: `>` of time and int
               ╭─[ test:1:26 ]
               │
             1 │ parse clf | where time > 5
               │                          ┬
               │                          ╰── this is int, what is before it time
               │
               │ Help: a duration has a unit, as in `5s`, or `n * 1s` for a number of seconds; a time of seconds since 1970 is `@1970-01-01 + n * 1s`
            ───╯
        time + 5 > now()
            Error: `+` of time and int
               ╭─[ test:1:26 ]
               │
             1 │ parse clf | where time + 5 > now()
               │                          ┬
               │                          ╰── this is int, what is before it time
               │
               │ Help: a duration has a unit, as in `5s`, or `n * 1s` for a number of seconds; a time of seconds since 1970 is `@1970-01-01 + n * 1s`
            ───╯
        time + time > now()
            Error: `+` of time and time
               ╭─[ test:1:26 ]
               │
             1 │ parse clf | where time + time > now()
               │                          ┬───
               │                          ╰───── this is time, what is before it time
               │
               │ Help: `time - time` and `time + duration` compute, durations add up, and times or quotients of them by a number do
            ───╯
        bytes * time
            Error: `*` of int and time
               ╭─[ test:1:27 ]
               │
             1 │ parse clf | where bytes * time
               │                           ┬───
               │                           ╰───── this is time, what is before it int
               │
               │ Help: a duration has a unit, as in `5s`, or `n * 1s` for a number of seconds; a time of seconds since 1970 is `@1970-01-01 + n * 1s`
            ───╯
        5m > 3
            Error: `>` of duration and int
               ╭─[ test:1:24 ]
               │
             1 │ parse clf | where 5m > 3
               │                        ┬
               │                        ╰── this is int, what is before it duration
               │
               │ Help: a duration has a unit, as in `5s`, or `n * 1s` for a number of seconds
            ───╯
        time - "5m" > now()
            Error: `-` of time and text
               ╭─[ test:1:26 ]
               │
             1 │ parse clf | where time - "5m" > now()
               │                          ┬───
               │                          ╰───── this is text, what is before it time
               │
               │ Help: `time(...)` makes a time of text
            ───╯
        bin(time, 300) == time
            Error: `bin` of time by int
               ╭─[ test:1:29 ]
               │
             1 │ parse clf | where bin(time, 300) == time
               │                             ┬──
               │                             ╰──── this is int
               │
               │ Help: a time or a duration goes by a duration, as in `bin(time, 5m)`; months and days by `trunc(time, "month")`
            ───╯
        bin(bytes, 5m) > 0
            Error: `bin` of int by duration
               ╭─[ test:1:30 ]
               │
             1 │ parse clf | where bin(bytes, 5m) > 0
               │                              ┬─
               │                              ╰─── this is duration
               │
               │ Help: a time or a duration goes by a duration, as in `bin(time, 5m)`; months and days by `trunc(time, "month")`
            ───╯
        ago(15) < time
            Error: `ago` takes a duration
               ╭─[ test:1:23 ]
               │
             1 │ parse clf | where ago(15) < time
               │                       ┬─
               │                       ╰─── this is int
               │
               │ Help: a duration has a unit, as in `15m`
            ───╯
        hour(status) == 1
            Error: `hour` takes a time
               ╭─[ test:1:24 ]
               │
             1 │ parse clf | where hour(status) == 1
               │                        ┬─────
               │                        ╰─────── this is int
               │
               │ Help: of seconds since 1970, `@1970-01-01 + n * 1s` makes one
            ───╯
        time(status) < now()
            Error: `time` takes text
               ╭─[ test:1:24 ]
               │
             1 │ parse clf | where time(status) < now()
               │                        ┬─────
               │                        ╰─────── a number of what, since when?
               │
               │ Help: of seconds since 1970, `@1970-01-01 + n * 1s`; of milliseconds, `n * 1ms`
            ───╯
        float(5m) > 1.0
            Error: `float` takes no duration
               ╭─[ test:1:25 ]
               │
             1 │ parse clf | where float(5m) > 1.0
               │                         ┬─
               │                         ╰─── in which unit?
               │
               │ Help: divide a duration by another, as in `took / 1s`
            ───╯
        trunc(time, "fortnight") == time
            Error: `trunc` knows no unit `fortnight`
               ╭─[ test:1:31 ]
               │
             1 │ parse clf | where trunc(time, "fortnight") == time
               │                               ┬──────────
               │                               ╰──────────── not a unit of the calendar
               │
               │ Help: there are `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute` and `second`
            ───╯
        hour(time, "Berlin") == 3
            Error: this zone is not known
               ╭─[ test:1:30 ]
               │
             1 │ parse clf | where hour(time, "Berlin") == 3
               │                              ┬───────
               │                              ╰───────── there is no such zone; zones are named as in `Europe/Berlin` or `UTC`
            ───╯
        format_time(time, "%") == ""
            Error: this format cannot be used
               ╭─[ test:1:37 ]
               │
             1 │ parse clf | where format_time(time, "%") == ""
               │                                     ┬──
               │                                     ╰──── strftime formatting failed: invalid format string, expected byte after `%`, but …
               │
               │ Help: formats are those of `strftime`, as in `%Y-%m-%d %H:%M:%S`
            ───╯
        time(path, "%H") == time
            Error: this format cannot be used
               ╭─[ test:1:30 ]
               │
             1 │ parse clf | where time(path, "%H") == time
               │                              ┬───
               │                              ╰───── it does not tell a time, as `%Y-%m-%d %H:%M:%S` does
               │
               │ Help: formats are those of `strftime`, as in `%Y-%m-%d %H:%M:%S`
            ───╯
        datetime(time) == ""
            Error: there is no function `datetime`
               ╭─[ test:1:19 ]
               │
             1 │ parse clf | where datetime(time) == ""
               │                   ┬───────
               │                   ╰───────── not a function
               │
               │ Help: the function for this is `time`
            ───╯
        now(1) == time
            Error: `now` takes 0 arguments
               ╭─[ test:1:19 ]
               │
             1 │ parse clf | where now(1) == time
               │                   ┬─────
               │                   ╰─────── here is 1
               │
               │ Help: it is called as `now()`
            ───╯
        sum(time) > 1
            Error: `sum` is an aggregate
               ╭─[ test:1:19 ]
               │
             1 │ parse clf | where sum(time) > 1
               │                   ┬────────
               │                   ╰────────── cannot stand here
               │
               │ Help: aggregates stand in `summarize`, and not in each other
            ───╯
    "#]].assert_eq(&shown);
}
