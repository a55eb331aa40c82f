//! Every job of `docs/cookbook.md` prints what stands there, and what other tools print where they are installed.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::page::{Fence, Page, shell};

/// A job: the command, what it prints, and how it is done otherwise.
struct Job {
    command: Fence,
    output: Fence,
    others: Vec<Fence>,
}

fn jobs(page: &Page) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut fences = page.fences().into_iter().peekable();
    while let Some(command) = fences.next() {
        assert_eq!(command.language, "sh", "{}", command.title);
        let output = fences.next_if(|fence| fence.language == "output");
        let output = output.unwrap_or_else(|| panic!("{}: the output follows the command", command.title));
        let mut others = Vec::new();
        while let Some(other) = fences.next_if(|other| other.title == command.title) {
            others.push(other);
        }
        jobs.push(Job {
            command,
            output,
            others,
        });
    }
    jobs
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

#[test]
fn jobs_print_what_they_should() {
    let mut page = Page::of_docs("cookbook.md");
    let jobs = jobs(&page);
    assert!(jobs.len() >= 50, "only {} jobs were found", jobs.len());
    for job in &jobs {
        let outcome = shell(&job.command.body, &data());
        let errors = String::from_utf8_lossy(&outcome.stderr);
        assert!(
            outcome.status.success(),
            "{}: {errors}\n{}",
            job.command.title,
            job.command.body
        );
        let printed = String::from_utf8(outcome.stdout).expect("the output is text");
        page.expect(&job.output, &printed);
    }
    page.finish();
}

#[test]
fn other_tools_print_the_same() {
    let page = Page::of_docs("cookbook.md");
    let jobs = jobs(&page);
    let others: Vec<(&Job, &Fence)> = jobs
        .iter()
        .flat_map(|job| job.others.iter().map(move |other| (job, other)))
        .collect();
    assert!(
        others.len() >= 50,
        "only {} jobs are compared with another tool",
        others.len()
    );
    let is_sql = |(_, other): &&(&Job, &Fence)| other.language == "sql";
    for (job, other) in others.iter().filter(|other| !is_sql(other)) {
        let missing = ["awk", "jq", "mlr"]
            .into_iter()
            .find(|tool| other.body.contains(&format!("{tool} ")) && !is_installed(tool));
        if let Some(tool) = missing {
            eprintln!("{}: not compared, as {tool} is not installed", other.title);
            continue;
        }
        let outcome = shell(&other.body, &data());
        assert!(outcome.status.success(), "{}: {outcome:?}", other.title);
        compare(job, other, &String::from_utf8_lossy(&outcome.stdout));
    }
    if !has_duckdb() {
        eprintln!("the jobs in SQL are not compared, as the Python module duckdb is not installed");
        return;
    }
    let queries: Vec<&(&Job, &Fence)> = others.iter().filter(is_sql).collect();
    let texts: Vec<&str> = queries.iter().map(|(_, other)| other.body.as_str()).collect();
    let results = duckdb(&texts);
    assert_eq!(results.len(), queries.len(), "each query has a result");
    for ((job, other), result) in queries.into_iter().zip(results) {
        compare(job, other, &result);
    }
}

#[track_caller]
fn compare(job: &Job, other: &Fence, theirs: &str) {
    let ours = &job.output.body;
    assert!(
        is_same(ours, theirs, other.info == "unordered"),
        "{}: ours\n{ours}\nbut\n{}\nprints\n{theirs}",
        other.title,
        other.body
    );
}

/// Whether two outputs have the same values: numbers are compared as numbers.
fn is_same(ours: &str, theirs: &str, unordered: bool) -> bool {
    let lines = |text: &str| -> Vec<Vec<String>> {
        let pieces = |line: &str| {
            line.split(['\t', ' ', ',', ':', '"', '{', '}', '[', ']'])
                .map(str::to_owned)
                .collect()
        };
        let mut lines: Vec<Vec<String>> = text.lines().map(pieces).collect();
        if unordered {
            lines.sort();
        }
        lines
    };
    let is_value = |(ours, theirs): (&String, &String)| {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
        ours == theirs
            || matches!((ours.parse(), theirs.parse()), (Ok(ours), Ok(theirs)) if close(ours, theirs))
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(is_value))
}

fn is_installed(tool: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(tool).is_file())
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .args(["-c", script])
        .current_dir(data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn has_duckdb() -> bool {
    let status = python("import duckdb").stdin(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What the queries give: a line for each row, with tabs between the values.
fn duckdb(queries: &[&str]) -> Vec<String> {
    const SCRIPT: &str = r"
import duckdb, sys
con = duckdb.connect()
def show(value):
    if value is None: return ''
    return str(value).lower() if isinstance(value, bool) else str(value)
for query in sys.stdin.read().split('\0'):
    for row in con.execute(query).fetchall():
        print('\t'.join(map(show, row)))
    print('\0', end='')
";
    let mut child = python(SCRIPT).spawn().expect("it was there before");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin
        .write_all(queries.join("\0").as_bytes())
        .expect("it reads all of it");
    drop(stdin);
    let output = child.wait_with_output().expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("it is text");
    text.split_terminator('\0').map(str::to_owned).collect()
}
