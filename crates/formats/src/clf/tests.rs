use std::collections::BTreeMap;

use cutthrough_ir::{HostContext, HostFunction};

use super::*;
use crate::records::LineHost;
use crate::testing::{Random, Value, call};

const LOG: &[u8] = include_bytes!("../../../../examples/data/access.log");

fn lines() -> impl Iterator<Item = &'static [u8]> {
    LOG.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

fn host(want: Columns) -> HostFunction {
    let host = LineHost::new(ClfRecords::new(want));
    HostFunction::new(host.sig(), host)
}

/// Parses a line and compares what it says, one `column=value` after another;
/// what is null is left out.
fn check(line: &str, expected: &str) {
    let mut host = host(Columns::ALL);
    let results = call(&mut host, &[line.into(), Value::I64(-1)], &HostContext::default()).unwrap();
    let mut found = String::from("bad");
    if results[0] == Value::I64(0) {
        let present = Column::ALL
            .iter()
            .zip(&results[1..])
            .filter_map(|(column, value)| match value {
                Value::I64(value) => Some(format!("{}={value}", column.name())),
                Value::Bytes(value) => Some(format!("{}={}", column.name(), String::from_utf8_lossy(value))),
                _ => None,
            });
        found = present.collect::<Vec<_>>().join("|");
    }
    assert_eq!(found, expected, "{line}");
}

#[test]
fn common_and_combined_lines() {
    check(
        r#"1.2.3.4 - - [21/Nov/2026:01:18:20 +0000] "GET /a?b=1?c HTTP/1.1" 200 25204 "-" "curl/8""#,
        "remote=1.2.3.4|time=1795223900000000000|method=GET|path=/a|query=b=1?c|protocol=HTTP/1.1\
         |request=GET /a?b=1?c HTTP/1.1|status=200|bytes=25204|agent=curl/8",
    );
    check(
        "::1 id frank [10/Oct/2000:13:55:36 -0700] \"HEAD /? HTTP/1.0\" 304 -\r",
        "remote=::1|ident=id|user=frank|time=971211336000000000|method=HEAD|path=/|query=|protocol=HTTP/1.0\
         |request=HEAD /? HTTP/1.0|status=304|bytes=0",
    );
    check(
        r#"h - a [b] c [29/Feb/2000:23:59:60 +0130] "-" 408 0 "\"x\\" "\x22""#,
        r#"remote=h|user=a [b] c|time=951863400000000000|request=-|status=408|bytes=0|referer=\"x\\|agent=\x22"#,
    );
}

#[test]
fn requests_that_are_none_are_good_rows() {
    for request in [
        "",
        "-",
        r"\x16\x03\x01",
        "GET /",
        "GET  HTTP/1.1",
        " / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /?a b HTTP/1.1",
        "a b c",
        "GET / ",
        "GET /x HTTP/ .1",
        r#"\"GET\""#,
    ] {
        check(
            &format!(r#"h - - [01/Jan/1970:00:00:01 +0000] "{request}" 400 1"#),
            &format!("remote=h|time=1000000000|request={request}|status=400|bytes=1"),
        );
    }
}

#[test]
fn lines_of_another_structure_are_bad() {
    for line in [
        "",
        "\r",
        " ",
        "GET / HTTP/1.1",
        r#" - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - 21/Nov/2026:01:18:20 +0000 "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000 "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [31/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [29/Feb/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/Nov/2026:24:18:20 +0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 _0000] "GET / HTTP/1.1" 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] GET / HTTP/1.1 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1\" 200 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1""#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" - 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 2x0 1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 x"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 -1"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1234567890123456789"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1 "#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1 "-""#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1 "-" "-" x"#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1 "-" "a"b""#,
        r#"h - - [21/Nov/2026:01:18:20 +0000] "GET / HTTP/1.1" 200 1 "-" "-\""#,
    ] {
        check(line, "bad");
    }
}

/// The expected numbers were computed by an independent program in another language.
#[test]
fn a_sample_of_a_real_log() {
    let mut parser = Parser::default();
    let mut by_status = BTreeMap::new();
    let mut by_method = BTreeMap::new();
    let (mut bytes, mut seconds, mut referers, mut agents) = (0, 0, 0, 0);
    for line in lines() {
        let mut row = Row::default();
        assert!(
            parser.parse(line, Columns::ALL, &mut row),
            "{}",
            String::from_utf8_lossy(line)
        );
        *by_status.entry(row.status).or_insert(0) += 1;
        *by_method
            .entry(row.method.map(|method| std::str::from_utf8(method).unwrap()))
            .or_insert(0) += 1;
        bytes += row.bytes;
        seconds += row.time / 1_000_000_000;
        referers += i32::from(row.referer.is_some());
        agents += i32::from(row.agent.is_some());
    }
    let statuses = [
        (200, 1500),
        (301, 72),
        (400, 40),
        (403, 56),
        (404, 156),
        (405, 92),
        (502, 108),
        (505, 8),
    ];
    assert_eq!(by_status, BTreeMap::from(statuses));
    let methods = [
        (None, 24),
        (Some("GET"), 1804),
        (Some("HEAD"), 93),
        (Some("OPTIONS"), 20),
        (Some("POST"), 91),
    ];
    assert_eq!(by_method, BTreeMap::from(methods));
    assert_eq!(
        (bytes, seconds, referers, agents),
        (65_643_526, 3_647_894_968_942, 511, 1738)
    );
}

#[test]
fn what_is_wanted_changes_nothing_else() {
    let mut random = Random::new(7);
    let names: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
    for line in lines().take(300).chain(lines().skip(2000)) {
        let line = Value::Bytes(line.to_vec());
        let context = HostContext::default();
        let all = call(&mut host(Columns::ALL), &[line.clone(), Value::I64(-1)], &context).unwrap();
        let want: Columns = (0..3)
            .map(|_| Column::from_name(random.pick::<&str>(&names)).unwrap())
            .collect();
        let some = call(&mut host(want), &[line, Value::I64(-1)], &context).unwrap();
        let expected = want.iter().map(|column| all[1 + column as usize].clone());
        assert_eq!(some[1..], expected.collect::<Vec<_>>());
    }
}

#[test]
fn mutated_lines_are_good_or_bad_whatever_is_wanted() {
    let lines: Vec<&[u8]> = lines().collect();
    for seed in 0..30_000 {
        let mut random = Random::new(seed);
        let mut line = random.pick(&lines).to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(line.len());
            match random.below(4) {
                0 => line.truncate(at + 1),
                1 => line[at] = *random.pick(b"\"\\[] -\r\0\xff9?"),
                2 => line.insert(at, *random.pick(b"\"\\[] -\r\0\xff9?")),
                _ => drop(line.drain(at..(at + 9).min(line.len() - 1).max(at))),
            }
        }
        let all = parse(&line, Columns::ALL, &mut Row::default());
        assert_eq!(
            parse(&line, Columns::NONE, &mut Row::default()),
            all,
            "seed {seed}"
        );
        let noise = random.bytes(b" []\"\\-01/:+aN\xff", 80);
        parse(&noise, Columns::ALL, &mut Row::default());
    }
}

#[test]
fn days_are_those_of_the_calendar() {
    let mut days = days_since_1970(1678, 1, 1);
    for year in 1678..=2261 {
        for month in 1..=12 {
            for day in 1..=days_in(year, month) {
                assert_eq!(days_since_1970(year, month, day), days);
                days += 1;
            }
        }
    }
    assert_eq!(days_since_1970(1970, 1, 1), 0);
    assert_eq!(days_since_1970(2026, 11, 21), 20_778);
}
