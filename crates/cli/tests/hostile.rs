//! Input and programs that nobody would write, or somebody would on purpose.

mod common;

use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

use common::{TempDir, command, run, run_with};

const ENGINES: [&str; 2] = ["jit", "interpreter"];

#[test]
fn any_bytes_are_input() {
    let inputs: [&[u8]; 5] = [
        b"\0\0\n\0",
        b"\xff\xfe\n\xc3",
        b"a\r\n\r\n\n",
        b"\n\n\n",
        b"no end",
    ];
    for input in inputs {
        let mut expected = Vec::new();
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            expected.extend(
                text.strip_suffix(b"\r")
                    .filter(|_| line.ends_with(b"\n"))
                    .unwrap_or(text),
            );
            expected.push(b'\n');
        }
        for engine in ENGINES {
            let outcome = run_with(&["--engine", engine, "-o", "text", "select line"], input);
            assert_eq!(outcome.code(), Some(0));
            assert_eq!(outcome.stdout, expected, "{}", input.escape_ascii());
            let outcome = run_with(&["--engine", engine, "parse clf | summarize n = count()"], input);
            assert_eq!(outcome.ok(), "0\n");
            let outcome = run_with(&["--engine", engine, "-o", "json", "select line"], input);
            assert_eq!(outcome.code(), Some(0), "JSON is text whatever the input");
            String::from_utf8(outcome.stdout).unwrap();
        }
    }
}

#[test]
fn a_line_without_an_end_takes_little_memory() {
    let program = "summarize n = count(), longest = max(len(line))";
    let mut child = command(&["-o", "text", program])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        stdin.write_all(&piece).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    stdin.write_all(b"\nshort\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1\t5\n");
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 too long"));
    assert!(peak_kib < 100 << 10, "{peak_kib} KiB");
}

#[test]
fn huge_programs_are_read_or_refused_quickly() {
    let dir = TempDir::new("huge");
    let begin = Instant::now();
    let comments = "# comment\n".repeat(100_000);
    let flow = dir.file("comments.flow", format!("{comments}summarize n = count()"));
    assert_eq!(run_with(&["-o", "text", "run", &flow], b"a\n").ok(), "1\n");
    let flow = dir.file("beyond.flow", format!("{comments}{comments}lines"));
    assert!(run(&["run", &flow]).error(2).contains("beyond.flow"));
    let sum = "number + ".repeat(100_000);
    let flow = dir.file("sum.flow", format!("set x = {sum} 1"));
    run(&["run", &flow]).error(2);
    let stages = "head 1 | ".repeat(100_000);
    let flow = dir.file("stages.flow", format!("{stages} head 1"));
    run(&["run", &flow]).error(2);
    let nested = format!("where {}true{}", "(".repeat(10_000), ")".repeat(10_000));
    let message = run(&[&nested]).error(2);
    assert!(message.len() < 4000, "{message}");
    assert!(begin.elapsed().as_secs() < 30);
}

#[test]
fn arithmetic_at_its_ends_is_defined() {
    let cases = [
        ("1 / (number - 1)", "null"),
        ("1 // (number - 1)", "null"),
        ("1 % (number - 1)", "null"),
        ("(9223372036854775807 + number) // -1", "-9223372036854775808"),
        ("(9223372036854775807 + number) % -1", "0"),
        ("9223372036854775807 + number", "-9223372036854775808"),
        ("-9223372036854775808 - number", "9223372036854775807"),
        ("abs(-9223372036854775808 * number)", "-9223372036854775808"),
        ("9223372036854775807 * (number + 1)", "-2"),
        ("int(1e300 * number)", "null"),
    ];
    for engine in ENGINES {
        for (expression, expected) in cases {
            let program = format!("set x = {expression} | select x");
            let outcome = run_with(&["--engine", engine, "-o", "json", &program], b"one line\n");
            assert_eq!(outcome.ok(), format!("{{\"x\":{expected}}}\n"), "{expression}");
        }
    }
}

#[test]
fn cycles_are_refused() {
    let dir = TempDir::new("cycle");
    for program in [
        "a = a | head 1",
        "a = b | head 1\nb = a | head 2\na | write stdout",
        "a = b\nb = a",
    ] {
        let flow = dir.file("cycle.flow", program);
        let message = run(&["run", &flow]).error(2);
        assert!(message.contains("cycle.flow"), "{message}");
    }
}

#[test]
fn requests_are_cut_anywhere() {
    let line = b"1.2.3.4 - - [21/Nov/2026:01:18:20 +0000] \"GET /a HTTP/1.1\" 200 12 \"-\" \"agent\"";
    let mut input = Vec::new();
    for length in 0..line.len() {
        input.extend_from_slice(&line[..length]);
        input.push(b'\n');
    }
    let mut counts = Vec::new();
    for engine in ENGINES {
        let outcome = run_with(
            &["-q", "--engine", engine, "parse clf | summarize n = count()"],
            &input,
        );
        counts.push(outcome.ok());
    }
    // The common format ends after the bytes, of which some of the digits are enough.
    assert_eq!(counts, ["2\n", "2\n"]);
}
