//! Windows of event time: what is late, early or missing. No clock is asked.

mod common;

use std::collections::BTreeMap;

use common::World;

const PROGRAM: &str =
    "parse csv | summarize n = count(), sum(v) by k every 10s of time late 5s | write stdout as csv";

fn row(second: i64, k: &str, v: i64) -> String {
    format!("2026-11-21T10:00:{second:02}Z,{k},{v}\n")
}

#[track_caller]
fn check(rows: &str, program: &str, expected: &str) {
    let world = World::stdin(format!("time,k,v\n{rows}"));
    match world.run(program) {
        Ok(outputs) => assert_eq!(outputs["stdout"], expected, "{program}"),
        Err(message) => panic!("{program}: {message}"),
    }
}

#[test]
fn groups_come_window_by_window() {
    // Out of order within what may be late; one window has nothing.
    let rows = [
        row(3, "a", 1),
        row(12, "b", 2),
        row(8, "a", 3),
        row(11, "a", 4),
        row(9, "b", 5),
        row(41, "a", 6),
        row(38, "a", 7),
    ];
    check(
        &rows.concat(),
        PROGRAM,
        "window,k,n,sum_v\n\
         2026-11-21T10:00:00Z,a,2,4\n2026-11-21T10:00:00Z,b,1,5\n\
         2026-11-21T10:00:10Z,b,1,2\n2026-11-21T10:00:10Z,a,1,4\n\
         2026-11-21T10:00:30Z,a,1,7\n2026-11-21T10:00:40Z,a,1,6\n",
    );
}

#[test]
fn what_is_too_late_is_dropped() {
    // At 15 s the first window is over: what is of it then has no place any more.
    let rows = [
        row(9, "a", 1),
        row(14, "a", 2),
        row(8, "a", 3),
        row(15, "a", 4),
        row(9, "a", 5),
        row(10, "a", 6),
    ];
    check(
        &rows.concat(),
        PROGRAM,
        "window,k,n,sum_v\n2026-11-21T10:00:00Z,a,2,4\n2026-11-21T10:00:10Z,a,3,12\n",
    );
    // Without lateness, each later second of another window is the end of the one before.
    check(
        &[row(9, "a", 1), row(10, "a", 2), row(9, "a", 3)].concat(),
        "parse csv | summarize n = count() every 10s of time | select n",
        "1\n1\n",
    );
    // What has no time is of no window.
    check(
        &format!("{},x,1\n{}", row(1, "a", 1), row(2, "a", 1)),
        "parse csv(columns=\"time:time?,k,v:int\", header=true) | summarize n = count() every 10s of time | select n",
        "2\n",
    );
    check(
        "",
        "parse csv(columns=\"time:time?,k,v:int\", header=true) | summarize n = count() every 10s of time",
        "",
    );
}

#[test]
fn any_aggregate_and_any_time() {
    let rows = [
        row(1, "a", 5),
        row(2, "b", 1),
        row(3, "a", 9),
        row(12, "c", 4),
        row(13, "a", 4),
    ];
    check(
        &rows.concat(),
        "parse csv | summarize m = median(v), d = dcount(k), l = collect(k) every 10s of time | select m, d, l",
        "5.0\t2\t[\"a\",\"b\",\"a\"]\n4.0\t2\t[\"c\",\"a\"]\n",
    );
    check(
        &rows.concat(),
        "parse csv | summarize n = count()\n  by k\n  every 1m of time + 50s\n| where n > 0 | select window, k, n",
        "2026-11-21T10:00:00Z\ta\t2\n2026-11-21T10:00:00Z\tb\t1\n2026-11-21T10:01:00Z\tc\t1\n2026-11-21T10:01:00Z\ta\t1\n",
    );
    let error = World::stdin("a,b\n1,2\n")
        .run("parse csv | summarize count() every 10s of a")
        .unwrap_err();
    assert!(error.contains("windows are of a time"), "{error}");
    let error = World::stdin("a,b\n1,2\n")
        .run("parse csv | summarize count() every 10s late 5s")
        .unwrap_err();
    assert!(error.contains("of which time?"), "{error}");
}

/// What should come out, by going through the rows one by one.
fn expected(rows: &[(i64, i64)], length: i64, lateness: i64) -> Vec<(i64, i64, i64)> {
    let (mut open, mut latest, mut given) = (BTreeMap::<i64, (i64, i64)>::new(), i64::MIN, Vec::new());
    for &(time, value) in rows {
        let window = time.div_euclid(length) * length;
        if latest != i64::MIN && window + length <= latest - lateness {
            continue;
        }
        latest = latest.max(time);
        let (n, sum) = open.entry(window).or_default();
        (*n, *sum) = (*n + 1, *sum + value);
        while let Some(entry) = open.first_entry() {
            if *entry.key() + length > latest - lateness {
                break;
            }
            let (window, (n, sum)) = entry.remove_entry();
            given.push((window, n, sum));
        }
    }
    given.extend(open.into_iter().map(|(window, (n, sum))| (window, n, sum)));
    given
}

#[test]
fn random_times_are_as_if_taken_one_by_one() {
    for seed in 1..=40u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |below: i64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as i64) % below
        };
        let (length, lateness) = (1 + next(9), next(12));
        let mut now = -20;
        let rows: Vec<(i64, i64)> = (0..400)
            .map(|_| {
                now += next(4) * next(2);
                (now - next(15), next(100))
            })
            .collect();
        let text: String = rows
            .iter()
            .map(|(time, value)| format!("{time},{value}\n"))
            .collect();
        let late = match lateness {
            0 => String::new(),
            seconds => format!(" late {seconds}s"),
        };
        let program = format!(
            "parse csv(columns=\"t:int,v:int\") | summarize n = count(), s = sum(v) every {length}s of @1970-01-01 + t * 1s{late} \
             | select w = (window - @1970-01-01) // 1s, n, s"
        );
        let shown: String = expected(&rows, length, lateness)
            .iter()
            .map(|(window, n, sum)| format!("{window}\t{n}\t{sum}\n"))
            .collect();
        let found = World::stdin(text).run(&program).unwrap();
        assert_eq!(found["stdout"], shown, "seed {seed}: {program}");
    }
}
