//! What a program gives does not depend on how many threads share the work.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cutthrough_test_support::Random;

mod common;

use common::{Outcome, run};

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cutthrough-threads-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run gives by so many threads, each of which has so many bytes at least.
fn by_threads(threads: usize, part_bytes: usize, args: &[&str]) -> Outcome {
    let (threads, part_bytes) = (threads.to_string(), part_bytes.to_string());
    let options = ["--threads", &threads, "--part-bytes", &part_bytes, "--no-control"];
    run(&[&options[..], args].concat())
}

/// The summary without what differs from run to run.
fn without_rates(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| match line.find(" s, ") {
        Some(at) => line[..at].rsplit_once(", ").map_or(line, |(before, _)| before),
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Compares a run by several threads with one by one.
#[track_caller]
fn check(part_bytes: usize, args: &[&str]) -> Outcome {
    let one = by_threads(1, part_bytes, args);
    for threads in [2, 3, 7] {
        let several = by_threads(threads, part_bytes, args);
        let (a, b) = [&one, &several]
            .map(|outcome| {
                (
                    String::from_utf8_lossy(&outcome.stdout),
                    without_rates(&outcome.stderr),
                )
            })
            .into();
        assert_eq!(a, b, "{threads} threads, {args:?}");
        assert_eq!(one.code(), several.code(), "{threads} threads, {args:?}");
    }
    one
}

const SUMMARIES: [&str; 11] = [
    "count",
    "summarize n = count(), s = sum(x), a = avg(x) by k",
    "summarize sum(x), avg(x), min(x), max(x), count(x)",
    "summarize first(x), last(x), argmin(k, x), argmax(k, x) by n % 3",
    "summarize median(x), percentile(x, 95), dcount(x), collect(n) by k",
    "where x > 0 | set y = x * 2 | summarize n = count(), sum(y) by k | sort k | head 3",
    "summarize n = count() by k, n | distinct k",
    "top 5 by x | select k, n, x",
    "sort k, n desc | head 7",
    "tail 5",
    "summarize n = count() by k, m = n % 5 | where n > 1 | top 4 by n | write stdout as csv",
];

/// A table of separated values with quotes, odd line ends and rows that are none.
fn table(random: &mut Random, sep: char, has_header: bool) -> String {
    let mut text = String::new();
    if has_header {
        let _ = writeln!(text, "k{sep}n{sep}x");
    }
    let end = *random.pick(&["\n", "\r\n"]);
    for row in 0..random.below(200) {
        let key = *random.pick(&[
            "a",
            "b",
            "\"c\"",
            "\"d\"\"e\"",
            "",
            "\u{feff}f",
            "\"g\nh\"",
            "\"i\n\nj\"",
        ]);
        let number = random.below(1000) as i64 - 500;
        let exponent = random.below(40) as i32 - 20;
        let double = number as f64 * 2_f64.powi(exponent) / 10.0;
        let _ = match random.below(40) {
            0 => write!(text, "stray \" quote{sep}{row}{sep}1{end}"),
            1 => write!(text, "\"open{sep}{row}{sep}1{end}"),
            2 => write!(text, "{end}"),
            3 => write!(text, "{key}{sep}x{sep}{double}{end}"),
            _ => write!(text, "{key}{sep}{number}{sep}{double}{end}"),
        };
    }
    if random.below(3) == 0 {
        text.truncate(text.trim_end().len());
    }
    text
}

#[test]
fn tables_come_to_the_same() {
    let folder = Folder::new("tables");
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let has_header = seed % 2 == 0;
        let files: Vec<String> = (0..1 + random.below(3))
            .map(|file| folder.file(&format!("{file}.csv"), table(&mut random, ';', has_header)))
            .collect();
        let parse = match has_header {
            // A table without rows has columns without types.
            true => "parse csv(sep=\";\", columns=\"k:text?,n:int,x:float\", header=true)",
            false => "parse csv(sep=\";\", columns=\"k:text?,n:int,x:float\")",
        };
        let program = format!("{parse} | {}", SUMMARIES[seed as usize % SUMMARIES.len()]);
        let files = files.iter().map(String::as_str);
        let args: Vec<&str> = [program.as_str()].into_iter().chain(files).collect();
        check(1 + random.below(300), &args);
    }
}

#[test]
fn records_of_json_come_to_the_same() {
    let folder = Folder::new("json");
    let mut random = Random::new(1);
    let mut record = |end: &str| {
        let number = random.below(1000) as f64 / 8.0 * 10_f64.powi(random.below(12) as i32);
        let key = *random.pick(&["a", "b", "\\n", "{"]);
        format!(
            "{{\"k\": \"{key}\",{end}\"x\": {number:?}, \"n\": {}}}",
            random.below(100)
        )
    };
    let lines: String = (0..150).map(|_| record("") + "\n").collect();
    let broken = format!("{}{{\"k\":\n[1]\n{}", &lines[..3000], &lines);
    let values: String = (0..150).map(|_| record("\n") + "\n").collect();
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    for (name, text) in [
        ("lines", &lines),
        ("broken", &broken),
        ("values", &values),
        ("array", &array),
    ] {
        let file = folder.file(name, text);
        for summary in SUMMARIES {
            check(
                100,
                &[
                    &format!("parse json(columns=\"k:text,x:float,n:int\") | {summary}"),
                    &file,
                ],
            );
        }
        check(
            100,
            &["parse json(columns=\"x:float\") | summarize sum(x)", &file, &file],
        );
    }
}

#[test]
fn lines_come_to_the_same() {
    let folder = Folder::new("lines");
    let long = "x".repeat(5000);
    let log = "1.2.3.4 - - [21/Nov/2026:02:18:21 +0000] \"GET /a HTTP/1.1\" 200 7 \"-\" \"-\"\n".repeat(40);
    for (k, text) in [
        "",
        "\n",
        "a",
        "a\n",
        "\n\n\n\n\n",
        "a\r\nb\r\n\r\nc",
        &format!("a\n{long}\nb\n"),
        &format!("{long}{long}"),
        &log,
        &log.replace("200 7", "x y"),
        &format!("{log}broken\n{log}\n{log}"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.file(&k.to_string(), text);
        for program in [
            "where line contains \"a\" | count",
            "lines | summarize n = count() by line | sort n desc, line | head 3",
            "parse clf | summarize n = count(), sum(bytes) by path",
            "where line contains \"GET\" | parse clf | summarize n = count() by status",
        ] {
            check(1, &[program, &file]);
            check(64, &[program, &file, &file]);
        }
        for program in [
            "lines | summarize max(number)",
            "where line contains \"a\" | select line",
        ] {
            check(64, &["-q", program, &file]);
        }
    }
}

/// Whether a run was split, and its parts have come together.
fn is_split(args: &[&str]) -> bool {
    let outcome = common::command(&[&["--no-control", "-q"], args].concat())
        .env("CUTTHROUGH_LOG", "debug")
        .output()
        .unwrap();
    String::from_utf8_lossy(&outcome.stderr).contains("the parts have come together")
}

#[test]
fn small_inputs_and_what_is_in_order_are_not_split() {
    let folder = Folder::new("split");
    let file = folder.file("x", "1\n".repeat(100));
    let threads = ["--threads", "2", "--part-bytes", "10"];
    assert!(is_split(&[&threads[..], &["count", &file]].concat()));
    let table = folder.file("y.csv", "n,k\n".to_owned() + &"1,\"a\"\n".repeat(100));
    assert!(is_split(
        &[
            &threads[..],
            &["parse csv | summarize sum(n) by k", &table, &table]
        ]
        .concat()
    ));
    let records = folder.file("z", "{\"x\": 1.5}\n".repeat(100));
    assert!(is_split(
        &[&threads[..], &["parse json | summarize avg(x)", &records]].concat()
    ));
    assert!(!is_split(&[&threads[..], &["head 3", &file]].concat()));
    assert!(!is_split(&["--threads", "2", "count", &file]));
    let one = run(&[&threads[..], &["head 1 | count", &file]].concat());
    assert!(
        one.stderr
            .contains("one thread: `head 1 (1:1)` takes elements in their order"),
        "{}",
        one.stderr
    );
    let explained = run(&["explain", "count", &file]).ok();
    assert!(
        explained.contains("threads: several may read a large file"),
        "{explained}"
    );
}

#[test]
fn bad_rows_are_told_by_their_lines_and_bounded() {
    let folder = Folder::new("bad");
    let text: String = (1..=300)
        .map(|line| {
            if line % 70 == 0 {
                "x\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let file = folder.file("numbers.csv", format!("n\n{text}"));
    let program = "parse csv(columns=\"n:int\", header=true) | summarize sum(n)";
    let outcome = check(50, &[program, &file]);
    assert!(
        outcome.stderr.contains("numbers.csv: line 71, 141, 211, 281)"),
        "{}",
        outcome.stderr
    );
    check(50, &["--max-bad", "4", program, &file]);
    for (most, message) in [
        ("0", "line 71 does not parse"),
        ("1", "line 141 does not parse, nor did 1 before it"),
        ("3", "line 281 does not parse, nor did 3 before it"),
    ] {
        for threads in [1, 2, 3, 7] {
            let error = by_threads(threads, 50, &["--max-bad", most, program, &file]).error(1);
            assert!(error.contains(message), "{error}");
        }
    }
    let strict = by_threads(7, 50, &["--strict", program, &file]);
    assert!(
        strict.stderr.contains("line 71 does not parse"),
        "{}",
        strict.stderr
    );
}

#[test]
fn sums_that_are_too_far_apart_are_those_of_one_thread() {
    let folder = Folder::new("apart");
    let text = "1e300\n1\n1e-300\n-1e300\n1e-20\n0.1\n".repeat(20);
    let file = folder.file("x", text);
    check(
        10,
        &["parse csv(columns=\"x:float\") | summarize sum(x), avg(x)", &file],
    );
    let whole = folder.file(
        "y",
        "9223372036854775807\n".repeat(30) + &"-9223372036854775807\n".repeat(30),
    );
    check(10, &["parse csv(columns=\"x:int\") | summarize sum(x)", &whole]);
}

#[test]
fn what_is_not_there_is_told_as_by_one_thread() {
    let folder = Folder::new("missing");
    let file = folder.file("x.csv", "a,b\n".to_owned() + &"1,2\n".repeat(100));
    let other = folder.file("y.csv", "c,d\n".to_owned() + &"1,2\n".repeat(100));
    let missing = Path::new(&file).with_file_name("z.csv");
    for inputs in [
        [file.as_str(), other.as_str()],
        [file.as_str(), missing.to_str().unwrap()],
    ] {
        let args: Vec<&str> = ["parse csv | summarize sum(a)"]
            .into_iter()
            .chain(inputs)
            .collect();
        assert_ne!(check(20, &args).code(), Some(0));
    }
}
