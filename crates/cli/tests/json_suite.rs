//! JSONTestSuite (github.com/nst/JSONTestSuite), beside its own verdicts and those of `serde_json`.
//!
//! Nothing of the suite is kept here: it comes, with a few changes, in the package of a crate, which is asked of the
//! registry when the test runs. Where there is no registry, there is nothing to test.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{TempDir, run_with};

/// The crate that has the suite among its tests, and its version.
const CRATE: (&str, &str) = ("json-syntax", "0.12.5");

/// What the suite leaves open, and the crate has among what is to be taken: numbers beyond a double, and 500 arrays within
/// each other.
const OPEN: [&str; 6] = [
    "y_number_huge_exp.json",
    "y_number_neg_int_huge_exp.json",
    "y_number_pos_double_huge_exp.json",
    "y_number_real_neg_overflow.json",
    "y_number_real_pos_overflow.json",
    "y_structure_500_nested_arrays.json",
];

/// How many cases it has, at least.
const CASES_MIN: usize = 300;

/// The files of the suite; none where the crate cannot be had.
fn suite(dir: &TempDir) -> Option<Vec<PathBuf>> {
    let (name, version) = CRATE;
    let manifest = format!(
        "[package]\nname = \"suite\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n{name} = \"={version}\"\n[workspace]\n"
    );
    dir.file("Cargo.toml", manifest);
    dir.file("lib.rs", "");
    let vendored = dir.path("vendor");
    let outcome = Command::new(env!("CARGO"))
        .args(["vendor", "--quiet", &vendored])
        .current_dir(dir.path(""))
        .env("CARGO_NET_RETRY", "0")
        .output()
        .ok()?;
    if !outcome.status.success() {
        println!("no {name}: {}", String::from_utf8_lossy(&outcome.stderr));
        return None;
    }
    let mut files = Vec::new();
    find(&Path::new(&vendored).join(name).join("tests"), &mut files);
    files.sort_unstable();
    Some(files)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it was vendored") {
        let path = entry.expect("it can be read").path();
        match path.extension() {
            _ if path.is_dir() => find(&path, files),
            Some(end) if end == "json" => files.push(path),
            _ => {}
        }
    }
}

#[test]
fn verdicts_are_those_of_the_suite_and_of_serde_json() {
    let dir = TempDir::new("json-suite");
    let Some(files) = suite(&dir) else { return };
    let mut cases = 0;
    for file in files {
        let name = file
            .file_name()
            .expect("it is a file")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read(&file).unwrap();
        // Records are objects: the case is a value in one. A mark of the byte order would not be at its beginning.
        let record = [b"{\"v\":", &text[..], b"}\n"].concat();
        let outcome = run_with(
            &[
                "--strict",
                "--no-control",
                "-o",
                "json",
                "parse json(columns=\"v:json?\")",
            ],
            &record,
        );
        let is_taken = outcome.code() == Some(0);
        assert!(is_taken || outcome.code() == Some(1), "{name}: {outcome:?}");
        let rows = outcome.stdout.iter().filter(|&&byte| byte == b'\n').count();
        assert!(!is_taken || rows == 1, "{name}: {outcome:?}");
        let known: Result<serde_json::Value, _> = serde_json::from_slice(&record);
        assert_eq!(
            is_taken,
            known.is_ok(),
            "{name}: {outcome:?}, serde_json: {known:?}"
        );
        match &name[..2] {
            "y_" if OPEN.contains(&&*name) => {}
            "y_" => assert!(is_taken, "{name}: {outcome:?}"),
            "n_" => assert!(!is_taken, "{name}: {outcome:?}"),
            "i_" => {}
            _ => continue,
        }
        cases += 1;
    }
    assert!(cases >= CASES_MIN, "{cases} cases");
}
