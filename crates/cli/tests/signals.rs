//! Runs that are told to stop: by SIGINT, SIGTERM and SIGHUP.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{SOON, TempDir, access_log, command, signal, until_read, wait};

#[test]
fn an_interrupt_ends_waiting() {
    let mut child = command(&["select line"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\nb").unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    signal(&child, "INT");
    let status = wait(&mut child, SOON);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), line.as_str()), (Some(130), "a\n"));
    assert!(stderr.starts_with("interrupted: "), "{stderr}");
}

#[test]
fn an_interrupt_stops_between_elements() {
    for engine in ["jit", "interpreter"] {
        let program = "set n = number * 3 | select n, line";
        let mut child = command(&["--engine", engine, program])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let endless = std::thread::spawn(move || {
            let lines = b"some line\n".repeat(1000);
            while stdin.write_all(&lines).is_ok() {}
        });
        let mut stdout = child.stdout.take().unwrap();
        let mut some = vec![0; 100_000];
        stdout.read_exact(&mut some).unwrap();
        signal(&child, "INT");
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).unwrap();
        let status = wait(&mut child, SOON);
        endless.join().unwrap();
        assert_eq!(status.code(), Some(130));
        let text = String::from_utf8([some, rest].concat()).unwrap();
        assert!(text.ends_with("\tsome line\n"), "whole rows only");
        for (k, line) in text.lines().enumerate() {
            assert_eq!(line, format!("{}\tsome line", (k + 1) * 3));
        }
    }
}

/// What is held comes out when the user asks to stop, and the exit code says which signal
/// it was. A line whose end has not come is no line.
#[test]
fn what_is_held_comes_out_at_a_signal() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for engine in ["jit", "interpreter"] {
            for (program, expected) in [
                ("summarize n = count(), longest = max(len(line))", "20000\t5\n"),
                ("sort line desc | head 2 | select line", "29999\n29998\n"),
                (
                    "where number > 19999 | select line | write stdout as table",
                    "line\n29999\n",
                ),
            ] {
                let mut child = command(&["--engine", engine, program])
                    .stdin(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut stdin = child.stdin.take().unwrap();
                let mut lines: String = (10_000..30_000).map(|k| format!("{k}\n")).collect();
                lines.push_str("999999 is cut");
                stdin.write_all(lines.as_bytes()).unwrap();
                until_read(&child, lines.len());
                signal(&child, name);
                let status = wait(&mut child, SOON);
                let output = child.wait_with_output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                assert_eq!(
                    (status.code(), text.as_str()),
                    (Some(code), expected),
                    "{program}"
                );
                let message = String::from_utf8(output.stderr).unwrap();
                assert!(message.starts_with("interrupted: 20_000 rows read"), "{message}");
                drop(stdin);
            }
        }
    }
}

#[test]
fn a_signal_ends_a_file_behind_a_line() {
    let dir = TempDir::new("signal-file");
    let lines: String = (0..3_000_000).map(|k| format!("{k}\n")).collect();
    let input = dir.file("in", lines);
    let mut child = command(&["select line", &input]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut some = vec![0; 100_000];
    stdout.read_exact(&mut some).unwrap();
    signal(&child, "TERM");
    let mut rest = Vec::new();
    // Somebody takes what is written, slowly: it is not given up.
    let mut piece = [0; 1000];
    while let length @ 1.. = stdout.read(&mut piece).unwrap() {
        rest.extend_from_slice(&piece[..length]);
    }
    assert_eq!(wait(&mut child, SOON).code(), Some(143));
    let text = String::from_utf8([some, rest].concat()).unwrap();
    let mut count = 0;
    for (k, line) in text.lines().enumerate() {
        assert_eq!(line, k.to_string());
        count = k;
    }
    assert!(text.ends_with('\n') && count < 2_999_999, "{count}");
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_pipe_to_be_opened() {
    let dir = TempDir::new("signal-fifo");
    let (input, fifo) = (dir.file("in", "a\nb\n"), dir.path("fifo"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = command(&["summarize n = count()", &input, &fifo])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    let begin = std::time::Instant::now();
    signal(&child, "TERM");
    assert_eq!(wait(&mut child, SOON).code(), Some(143));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(child.wait_with_output().unwrap().stdout, b"2\n");
    // Opened in time, it is read as any file.
    let child = command(&["summarize n = count()", &input, &fifo])
        .spawn()
        .unwrap();
    std::fs::write(&fifo, "c\nd").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"4\n");
}

#[test]
fn a_signal_ends_a_run_whose_output_nobody_takes() {
    let inputs = vec![access_log(); 20];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut child = command(&[&["select line"][..], &inputs].concat())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it is stuck");
    let begin = std::time::Instant::now();
    signal(&child, "TERM");
    assert_eq!(wait(&mut child, SOON).code(), Some(143));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let message = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(
        message.contains("interrupted while writing to standard output"),
        "{message}"
    );
}

#[test]
fn the_second_signal_ends_at_once() {
    let inputs = vec![access_log(); 20];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut child = command(&[&["select line"][..], &inputs].concat())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(100));
    let begin = std::time::Instant::now();
    signal(&child, "INT");
    assert_eq!(wait(&mut child, SOON).code(), Some(130));
    assert!(
        begin.elapsed() < Duration::from_millis(300),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let binary = env!("CARGO_BIN_EXE_cutthrough");
    let line = format!("trap '' HUP; exec '{binary}' 'summarize n = count()'");
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\n").unwrap();
    until_read(&child, 2);
    signal(&child, "HUP");
    stdin.write_all(b"b\n").unwrap();
    drop(stdin);
    assert_eq!(wait(&mut child, SOON).code(), Some(0));
    assert_eq!(child.wait_with_output().unwrap().stdout, b"2\n");
}

/// What the reader has not taken yet is little: not what would have been generated for long.
#[test]
fn a_signal_ends_what_is_generated_for_a_slow_reader() {
    let program = "generate 1000000 | set a = \"xxxxxxxxxxxxxxxxxxxxxxxx\"";
    let mut child = command(&["-q", program]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut piece = vec![0; 8 << 10];
    for _ in 0..20 {
        stdout.read_exact(&mut piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "INT");
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    assert_eq!(wait(&mut child, SOON).code(), Some(130));
    assert!(rest.len() < 8 << 20, "{} bytes", rest.len());
    assert!(rest.ends_with(b"x\n"), "whole rows only");
}

/// Others who have the same pipe may have set it so.
#[test]
fn output_that_does_not_wait_is_waited_for() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let mut child = command(&["-q", "generate 100000"])
        .stdout(writer)
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(wait(&mut child, SOON).code(), Some(0));
    assert_eq!(text.lines().count(), 100_000);
}

#[test]
fn a_reader_that_resets_its_socket_is_gone() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let stdout = Stdio::from(std::os::fd::OwnedFd::from(theirs));
    let mut child = command(&["-q", "generate 1000000"])
        .stdout(stdout)
        .spawn()
        .unwrap();
    // Closed with something to read in it, it is reset.
    std::thread::sleep(Duration::from_millis(300));
    drop(ours);
    let status = wait(&mut child, SOON);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_file_that_grows_too_large_is_an_error() {
    let dir = TempDir::new("file-size");
    let (binary, path) = (env!("CARGO_BIN_EXE_cutthrough"), dir.path("large.csv"));
    let line = format!("ulimit -f 100; exec '{binary}' -q 'generate 100000 | write \"{path}\"'");
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("large.csv: File too large"), "{message}");
    assert_eq!(dir.listed(), Vec::<String>::new());
}
