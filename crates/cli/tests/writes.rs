//! What runs write: files, and what is refused.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{SOON, TempDir, access_log, command, run, run_with, signal, until_read, wait};

#[test]
fn a_file_is_not_read_and_written() {
    let dir = TempDir::new("same");
    let input = dir.file("in", "a\nb\n");
    let error = run(&[&format!("write \"{input}\""), &input]).error(1);
    assert!(error.contains("is read and written"), "{error}");
    assert_eq!(std::fs::read_to_string(&input).unwrap(), "a\nb\n");
    // Nor where the shell has opened it.
    let open = || std::fs::File::open(&input).unwrap();
    let append = || std::fs::OpenOptions::new().append(true).open(&input).unwrap();
    let failed = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(std::fs::read_to_string(&input).unwrap(), "a\nb\n");
        String::from_utf8(output.stderr).unwrap()
    };
    let error = failed(command(&[&format!("write \"{input}\"")]).stdin(open()));
    assert!(error.contains("is read and written"), "{error}");
    for error in [
        failed(command(&["select line", &input]).stdout(append())),
        failed(command(&["select line"]).stdin(open()).stdout(append())),
    ] {
        assert!(error.contains("standard output: is read and written"), "{error}");
    }
    let both = format!("a = lines; a | write \"{input}\"; a | select line");
    let error = failed(command(&[&both]).stdout(append()));
    assert!(error.contains("is the standard output as well"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = TempDir::new("folder");
    let path = dir.path("none/out.csv");
    let error = run(&[&format!("write \"{path}\"")]).error(1);
    let folder = dir.path("none");
    assert!(
        error.contains(&format!("there is no folder {folder}; make it first")),
        "{error}"
    );
}

#[test]
fn a_failed_write_is_1() {
    let mut child = command(&["select line", &access_log()]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = child.stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("standard output: No space left"), "{stderr}");
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let dir = TempDir::new("whole");
    let out = dir.file("out.csv", "as it was\n");
    let fifo = dir.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let program = format!("parse csv | select x | write \"{out}\"");
    let mut child = command(&[&program, "-", &fifo])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"x\n1\n").unwrap();
    until_read(&child, 4);
    // While it runs, what was there is there.
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "as it was\n");
    assert_eq!(dir.listed().len(), 3, "{:?}", dir.listed());
    drop(stdin);
    // In its middle, it fails.
    std::fs::write(&fifo, "y\n2\n").unwrap();
    assert_eq!(wait(&mut child, SOON).code(), Some(1));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "as it was\n");
    assert_eq!(dir.listed(), ["fifo", "out.csv"]);
    // Ended at once, it leaves nothing either.
    let write = format!("select line | write \"{out}\"");
    let big: Vec<String> = vec![access_log(); 50];
    let inputs: Vec<&str> = big.iter().map(String::as_str).collect();
    let two = dir.file(
        "two.flow",
        format!("a = lines\na | {write}\na | select line | write stdout\n"),
    );
    let mut child = command(&[&["run", &two][..], &inputs].concat()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(dir.listed().len(), 4, "{:?}", dir.listed());
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(wait(&mut child, SOON).code(), Some(130));
    assert_eq!(dir.listed(), ["fifo", "out.csv", "two.flow"]);
    // At the first signal the flow ends, and with it the file.
    let mut child = command(&[&write]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"a\n").unwrap();
    until_read(&child, 2);
    signal(&child, "INT");
    assert_eq!(wait(&mut child, SOON).code(), Some(130));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "line\na\n");
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode_and_its_links() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new("mode");
    let (out, link) = (dir.file("out.txt", "old"), dir.path("link.txt"));
    std::fs::set_permissions(&out, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("out.txt", &link).unwrap();
    run_with(&[&format!("select line | write \"{link}\"")], b"new\n").ok();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "new\n");
    assert_eq!(
        std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o640
    );
    run_with(&["select line | write \"/dev/null\""], b"new\n").ok();
    let message = run_with(&[&format!("write \"{}\"", dir.path("no/x.csv"))], b"new\n").error(1);
    assert!(
        message.contains("there is no folder") && message.contains("make it first"),
        "{message}"
    );
    assert!(
        run_with(&[&format!("write \"{}\"", dir.path(""))], b"")
            .error(1)
            .contains("is a directory")
    );
}

#[test]
fn what_is_appended_to_has_one_header() {
    let dir = TempDir::new("append");
    let out = dir.path("out.csv");
    let program = format!("select line | write \"{out}\" append");
    for (input, expected) in [("a\n", "line\na\n"), ("b\n", "line\na\nb\n")] {
        run_with(&[&program], input.as_bytes()).ok();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expected);
    }
    // It is there at once, for whoever follows it.
    let mut child = command(&[&program]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"c\n").unwrap();
    let begin = std::time::Instant::now();
    while std::fs::read_to_string(&out).unwrap() != "line\na\nb\nc\n" {
        assert!(begin.elapsed() < SOON);
    }
    drop(child.stdin.take());
    assert!(wait(&mut child, SOON).success());
    let message = run(&["write stdout append"]).error(2);
    assert!(message.contains("only a file can be appended to"), "{message}");
    let message = run(&["write \"x\" as csv append"]).error(2);
    assert!(message.contains("`append` stands before `as`"), "{message}");
}
