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

#[test]
fn rows_know_their_file_and_line() {
    let dir = TempDir::new("marks");
    let file = |name: &str, text: &str| dir.file(name, text);
    let told = |program: &str, inputs: &[&str]| {
        let outcome = run(&[&["-q", "-o", "text", program][..], inputs].concat());
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert_eq!(outcome.code(), Some(0), "{program}: {outcome:?}");
        text.replace(&dir.path(""), "")
    };
    let [a, b] = [
        ("a.csv", "n,s\n1,\"x\ny\"\n2,z\nbad\n3,w\n"),
        ("b.csv", "s,n\nq,4\nr,5"),
    ]
    .map(|(name, text)| file(name, text));
    let csv = [&*a, &*b];
    let select = "select file, number, n";
    let rows = "a.csv\t2\t1\na.csv\t4\t2\na.csv\t6\t3\nb.csv\t2\t4\nb.csv\t3\t5\n";
    assert_eq!(told(&format!("parse csv | {select}"), &csv), rows);
    assert_eq!(
        told(&format!("parse csv | where n % 2 == 0 | {select} | sort n"), &csv),
        "a.csv\t4\t2\nb.csv\t2\t4\n"
    );
    assert_eq!(
        told("parse csv | summarize count() by file", &csv),
        "a.csv\t3\nb.csv\t2\n"
    );
    assert_eq!(
        told(
            "parse csv | rename where_from = file | select where_from, n | head 1",
            &csv
        ),
        "a.csv\t1\n"
    );
    // They are no columns unless they are named.
    assert_eq!(told("parse csv | head 1", &csv), "1\tx\ny\n");
    // Of lines.
    let [c, d] = [("c.log", "one\ntwo\n"), ("d.log", "three")].map(|(name, text)| file(name, text));
    let lines = [&*c, &*d];
    let expected = "c.log\t1\tone\nc.log\t2\ttwo\nd.log\t1\tthree\n";
    assert_eq!(told("select file, number, line", &lines), expected);
    let template = "parse template(\"{w}\") | select file, number, w";
    assert_eq!(told(template, &lines), expected);
    assert_eq!(
        told(&format!("where line != \"two\" | {template}"), &lines),
        "c.log\t1\tone\nd.log\t1\tthree\n"
    );
    // Of JSON, over several lines, and a field of this name goes first.
    let e = file("e.json", "{\"n\":\n1}\n{\"n\":2}\n{\"n\":3}");
    assert_eq!(
        told("parse json | select file, number, n", &[&*e]),
        "e.json\t1\t1\ne.json\t2\t2\ne.json\t3\t3\n"
    );
    let f = file("f.json", "{\"file\":\"own\",\"n\":1}\n");
    assert_eq!(told("parse json | select file, n", &[&*f]), "own\t1\n");
    // The standard input has no name.
    let outcome = common::run_with(&["-q", "-o", "json", "select file, line"], b"x\n");
    assert_eq!(outcome.ok(), "{\"file\":null,\"line\":\"x\"}\n");
}

#[test]
fn output_by_a_template_and_with_a_text_for_null() {
    let dir = TempDir::new("template");
    let csv = dir.file("a.csv", "n,s,user.id\n1,\"x,y\",7\n2,,8\n,NA,9\n");
    let program = |format: &str| format!("parse csv | write stdout as {format}");
    let by = run(&[&program("template(\"{{{n}}} [{s}] {user.id}!\")"), &csv]).ok();
    assert_eq!(by, "{1} [x,y] 7!\n{2} [] 8!\n{} [NA] 9!\n");
    let json = dir.file("a.json", "{\"user\":{\"id\":1,\"t\":[\"a\"]}}\n");
    let by = run(&[
        "parse json | write stdout as template(\"{user.id}:{user.t[0]}{user.id}\")",
        &json,
    ])
    .ok();
    assert_eq!(by, "1:a1\n");
    for (template, message) in [
        ("{n", "a `}` is missing"),
        ("n}", "has no `{` before it"),
        ("{}", "is no name of a column"),
        ("{m}", "there is no column `m`"),
    ] {
        let error = run(&[&program(&format!("template(\"{template}\")")), &csv]).error(2);
        assert!(error.contains(message), "{template}: {error}");
    }
    let null = |format: &str| run(&["--null", "\\N", &program(format), &csv]).ok();
    assert_eq!(null("csv"), "n,s,user.id\n1,\"x,y\",7\n2,,8\n\\N,NA,9\n");
    assert_eq!(null("text"), "1\tx,y\t7\n2\t\t8\n\\N\tNA\t9\n");
    assert_eq!(null("tsv"), "n\ts\tuser.id\n1\tx,y\t7\n2\t\t8\n\\N\tNA\t9\n");
    assert!(null("table").contains("\\N"));
    assert!(null("json").contains("{\"n\":null,"));
}
