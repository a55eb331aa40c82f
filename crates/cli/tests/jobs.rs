//! What people do with the command, against results that were calculated otherwise.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use common::{TempDir, access_log, run, run_with};

/// Status, bytes and path of each line, by cutting it at its quotes: the server writes
/// none within fields.
fn requests() -> Vec<(i64, i64, Option<String>)> {
    let log = std::fs::read_to_string(access_log()).unwrap();
    let request = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        let numbers: Vec<&str> = parts[2].split_whitespace().collect();
        let words: Vec<&str> = parts[1].split(' ').collect();
        let path = match words[..] {
            [_, target, protocol]
                if protocol.starts_with("HTTP/") && !target.is_empty() && !words[0].is_empty() =>
            {
                Some(target.split('?').next().unwrap().to_owned())
            }
            _ => None,
        };
        (numbers[0].parse().unwrap(), numbers[1].parse().unwrap(), path)
    };
    log.lines().map(request).collect()
}

fn both_engines(args: &[&str]) -> String {
    let native = run(args).ok();
    let interpreted = run(&[&["--engine", "interpreter"], args].concat()).ok();
    assert_eq!(native, interpreted, "{args:?}");
    native
}

#[test]
fn statuses_of_a_log() {
    let mut expected: BTreeMap<i64, (u64, i64)> = BTreeMap::new();
    for (status, bytes, _) in requests() {
        let entry = expected.entry(status).or_default();
        *entry = (entry.0 + 1, entry.1 + bytes);
    }
    assert!(expected.len() > 3);
    let mut text = "status,n,bytes\n".to_owned();
    for (status, (count, bytes)) in expected {
        writeln!(text, "{status},{count},{bytes}").unwrap();
    }
    let program = "parse clf | summarize n = count(), bytes = sum(bytes) by status | sort status";
    assert_eq!(both_engines(&["-o", "csv", program, &access_log()]), text);
}

#[test]
fn the_most_frequent_errors() {
    let mut counts: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for (status, bytes, path) in requests() {
        if let (true, Some(path)) = (status >= 400, path) {
            let entry = counts.entry(path).or_default();
            *entry = (entry.0 + 1, entry.1 + bytes);
        }
    }
    let mut counts: Vec<(String, (u64, i64))> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(&b.0)));
    let text: String = counts
        .iter()
        .map(|(path, (count, bytes))| format!("{path}\t{count}\t{bytes}\n"))
        .collect();
    let program = "parse clf | where status >= 400 and path != null \
        | summarize n = count(), bytes = sum(bytes) by path | sort n desc, path";
    assert_eq!(both_engines(&["-o", "text", program, &access_log()]), text);
    let top: String = text.lines().take(1).map(|line| format!("{line}\n")).collect();
    let program = format!("{program} | head 1");
    assert_eq!(both_engines(&["-o", "text", &program, &access_log()]), top);
}

#[test]
fn a_program_with_two_readers_and_bad_rows() {
    let dir = TempDir::new("two");
    let log = std::fs::read_to_string(access_log()).unwrap();
    let input = dir.file("in.log", format!("no request\n{log}nor this"));
    let (errors, bad) = (dir.path("errors.json"), dir.path("bad.txt"));
    let flow = dir.file(
        "report.flow",
        format!(
            "requests = read \"{input}\" | parse clf else bad\n\
             requests | where status >= 500 | select status, bytes | write \"{errors}\"\n\
             requests | summarize n = count() | write stdout as text\n\
             bad | select line | write \"{bad}\"\n"
        ),
    );
    let expected: String = requests()
        .iter()
        .filter(|request| request.0 >= 500)
        .fold(String::new(), |text, request| {
            text + &format!("{{\"status\":{},\"bytes\":{}}}\n", request.0, request.1)
        });
    for engine in ["jit", "interpreter"] {
        assert_eq!(
            run(&["--engine", engine, "run", &flow]).ok(),
            format!("{}\n", requests().len())
        );
        assert_eq!(std::fs::read_to_string(&errors).unwrap(), expected);
        assert_eq!(std::fs::read_to_string(&bad).unwrap(), "no request\nnor this\n");
    }
}

#[test]
fn separated_values_with_and_without_a_header() {
    let input = b"station;temp\nOslo;-3.5\nRome;20\nOslo;1.5\n";
    let program = "parse csv(sep=\";\", columns=\"station:str,temp:f64\", header=true) \
        | summarize low = min(temp), mean = avg(temp), high = max(temp) by station | sort station";
    let expected = "Oslo\t-3.5\t-1.0\t1.5\nRome\t20.0\t20.0\t20.0\n";
    assert_eq!(run_with(&["-o", "text", program], input).ok(), expected);
    let program = program.replace(", header=true", "");
    assert_eq!(
        run_with(&["-q", "-o", "text", &program], &input[13..]).ok(),
        expected
    );
}

#[test]
fn names_of_columns_are_looked_up_in_the_input() {
    let dir = TempDir::new("header");
    let (a, b) = (
        dir.file("a.csv", "name,n\na,1\n"),
        dir.file("b.csv", "n,name\n2,b"),
    );
    let program = "parse csv | sort name desc";
    assert_eq!(run(&["-o", "csv", program, &a, &b]).ok(), "name,n\nb,2\na,1\n");
    // What was looked at is read again, also of a pipe.
    assert_eq!(
        run_with(&["-o", "csv", program], b"name,n\nc,3\n").ok(),
        "name,n\nc,3\n"
    );
    assert!(
        run(&[program, &dir.path("none")])
            .error(2)
            .contains("none: there is no such file")
    );
    let error = run(&[program, &a, &dir.file("c.csv", "nr,name\n2,b")]).error(2);
    assert!(error.contains("c.csv` has no column `n`"), "{error}");
    let late = run_with(&[program, &a, "-"], b"nr,name\n2,b\n").error(1);
    assert!(late.contains("the header `nr,name` has no column `n`"), "{late}");
}

#[test]
fn formats_of_output() {
    let cases = [
        ("json", "{\"line\":\"a,b\",\"n\":2}\n"),
        ("csv", "line,n\n\"a,b\",2\n"),
        ("text", "a,b\t2\n"),
        ("table", "line  n\na,b   2\n"),
    ];
    for (format, expected) in cases {
        let outcome = run_with(&["-o", format, "set n = number * 2 | select line, n"], b"a,b\n");
        assert_eq!(outcome.ok(), expected);
    }
}

#[test]
fn numbers_that_json_has_not_are_told() {
    let program = "parse csv(columns=\"x:float\") | write stdout as json";
    let outcome = run_with(&[program], b"inf\n1\nnan\n");
    assert!(
        outcome.stderr.contains("2 infinite or NaN as null"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.ok(), "{\"x\":null}\n{\"x\":1.0}\n{\"x\":null}\n");
}
