//! The command as one of many at a shell: exit codes, streams, signals.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{TempDir, access_log, command, run, run_with, wait};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn usage_and_programs_that_are_wrong_are_2() {
    assert!(run(&[]).error(2).contains("Usage"));
    assert!(
        run(&["--engine", "steam", "head 1"])
            .error(2)
            .contains("interpreter")
    );
    assert!(run(&["run"]).error(2).contains("needs the file"));
    assert!(
        run(&["run", "/nowhere/a.flow"])
            .error(2)
            .contains("/nowhere/a.flow: there is no such file")
    );
    let message = run(&["parse clf | wher status == 1"]).error(2);
    assert!(
        message.contains("where") && message.contains("the command line:1:"),
        "{message}"
    );
    assert!(!message.contains('\x1b'), "no colours in a pipe: {message:?}");
    assert!(
        run(&["--color", "always", "wher x > 1"])
            .error(2)
            .contains('\x1b')
    );
}

#[test]
fn help_and_version_are_0() {
    assert!(run(&["-h"]).ok().contains("Examples:"));
    assert!(run(&["help"]).ok().contains("Examples:"));
    assert!(run(&["--version"]).ok().starts_with("cutthrough "));
}

#[test]
fn inputs_that_are_not_there_are_1() {
    let dir = TempDir::new("inputs");
    let error = run(&["lines", &dir.path("none")]).error(1);
    assert!(error.contains("none: there is no such file"), "{error}");
    assert!(run(&["lines", &dir.path("")]).error(1).contains("is a directory"));
    assert!(run(&["lines", "-", "-"]).error(1).contains("read twice"));
    let here = std::fs::File::open(dir.path("")).unwrap();
    let output = command(&["lines"]).stdin(here).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains(": standard input: is a directory"), "{stderr}");
}

#[test]
fn inputs_are_read_in_order_and_as_one() {
    let dir = TempDir::new("order");
    let (a, b, empty) = (dir.file("a", "1\n2"), dir.file("b", "4\n"), dir.file("empty", ""));
    assert_eq!(
        run_with(&["select line", &a, &empty, "-", &b], b"3").ok(),
        "1\n2\n3\n4\n"
    );
    assert_eq!(run_with(&["select line"], b"x\ny\n").ok(), "x\ny\n");
    assert_eq!(run(&["select line", &empty]).ok(), "");
    assert_eq!(run(&["summarize n = count()", "-o", "text", &empty]).ok(), "0\n");
}

#[test]
fn a_program_may_be_in_a_file() {
    let dir = TempDir::new("program");
    let (input, out) = (dir.file("in", "a\nb\n"), dir.path("out.csv"));
    let flow = dir.file(
        "p.flow",
        format!("x = read \"{input}\" | lines\nx | where line == \"b\" | write \"{out}\"\n"),
    );
    assert_eq!(run(&["run", &flow]).ok(), "");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "line,number\nb,2\n");
    // The file is made anew.
    assert_eq!(run(&["run", &flow]).ok(), "");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "line,number\nb,2\n");
    let flow = dir.file("bad.flow", b"lines # \xff");
    assert!(run(&["run", &flow]).error(2).contains("byte 8 is not UTF-8"));
}

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
fn a_reader_that_leaves_is_no_failure() {
    let mut child = command(&["select line"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let endless = std::thread::spawn(move || {
        let lines = b"some line\n".repeat(1000);
        while stdin.write_all(&lines).is_ok() {}
    });
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first, "some line\n");
    // The reader of the output is gone now.
    let status = wait(&mut child, SOON);
    endless.join().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn output_does_not_wait_for_more_input() {
    let mut child = command(&["where line != \"x\" | select line"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for text in ["a\n", "x\nb\n"] {
        stdin.write_all(text.as_bytes()).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, text.trim_start_matches("x\n"));
    }
    drop(stdin);
    assert_eq!(wait(&mut child, SOON).code(), Some(0));
}

fn interrupt(child: &std::process::Child) {
    signal(child, "INT");
}

fn signal(child: &std::process::Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits until a run has read all that it was given.
fn until_read(child: &std::process::Child, bytes: usize) {
    let begin = std::time::Instant::now();
    let io = format!("/proc/{}/io", child.id());
    loop {
        let text = std::fs::read_to_string(&io).unwrap();
        let read = text
            .lines()
            .find_map(|line| line.strip_prefix("rchar: "))
            .unwrap();
        // Its own files are read as well; a pipe is empty when it has been.
        if read.parse::<usize>().unwrap() >= bytes {
            break;
        }
        assert!(begin.elapsed() < SOON);
    }
    std::thread::sleep(Duration::from_millis(100));
}

#[test]
fn an_interrupt_ends_waiting() {
    let mut child = command(&["select line"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\nb").unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    interrupt(&child);
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
        interrupt(&child);
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

#[test]
fn bad_rows_are_always_news() {
    let log = std::fs::read_to_string(access_log()).unwrap();
    let log = log.lines().next().unwrap().to_owned() + "\nnonsense\nmore nonsense\n";
    let program = "parse clf | select status | write stdout as text";
    let outcome = run_with(&[program], log.as_bytes());
    assert!(
        outcome.stderr.starts_with("3 rows read, 1 out, 2 bad"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.ok(), "200\n");
    let quiet = run_with(&["-q", program], log.as_bytes()).stderr;
    assert!(quiet.starts_with("3 rows read, 1 out, 2 bad"), "{quiet}");
    assert_eq!(
        run_with(&[program], log.lines().next().unwrap().as_bytes()).stderr,
        ""
    );
}

#[test]
fn dumps_show_what_would_be_run() {
    let dir = TempDir::new("dump");
    let out = dir.path("out.json");
    let program = format!("parse clf | where status >= 500 | write \"{out}\"");
    let text = run(&["--dump", "chain,plan,ir,clif,asm", &program, "/nowhere"]).ok();
    for part in [
        "; chain of",
        "; plan of",
        "; ir of",
        "; clif of",
        "; asm of",
        " -> ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = run(&["--dump", "chain", &program]).ok();
    assert!(text.contains("; chain of") && !text.contains("; ir of"), "{text}");
    assert!(!std::path::Path::new(&out).exists(), "nothing is written");
}

#[test]
fn perf_is_told_of_native_code() {
    let log = access_log();
    // Long enough that the chain is compiled before the end.
    let inputs = vec![log.as_str(); 100];
    let program = "parse clf | where status >= 500 | summarize count()";
    let child = command(&[&["--perf", program][..], &inputs].concat())
        .spawn()
        .unwrap();
    let map = format!("/tmp/perf-{}.map", child.id());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&map).unwrap();
    std::fs::remove_file(&map).unwrap();
    assert!(
        text.contains(" cutthrough: where status >= 500 (1:13)\n"),
        "{text}"
    );
    assert!(text.contains(" cutthrough: chain of read the inputs\n"), "{text}");
    let mut end = 0;
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(words.next().unwrap(), 16).unwrap();
        let (address, bytes) = (number(), number());
        assert!(address >= end && bytes > 0, "{line} overlaps: {text}");
        end = address + bytes;
    }
    let error = run(&["--perf", "--engine", "interpreter", "lines"]).error(2);
    assert!(error.contains("the interpreter has none"), "{error}");
}

#[test]
fn perf_can_be_given_a_jitdump() {
    let log = access_log();
    let inputs = vec![log.as_str(); 100];
    let child = command(
        &[
            &["--perf=jitdump", "parse clf | where status >= 500 | head 1000000"][..],
            &inputs,
        ]
        .concat(),
    )
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    let (pid, dump) = (child.id(), format!("/tmp/jit-{}.dump", child.id()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let bytes = std::fs::read(&dump).unwrap();
    std::fs::remove_file(&dump).unwrap();
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!([word(0), word(4), word(8), word(20)], [0x4a69_5444, 1, 40, pid]);
    // Records follow each other to the end, each a code load with its name and code.
    let (mut at, mut names) = (40, Vec::new());
    while at < bytes.len() {
        assert_eq!(word(at), 0);
        let record = &bytes[at..at + word(at + 4) as usize];
        let name: Vec<u8> = record[56..]
            .iter()
            .copied()
            .take_while(|&byte| byte != 0)
            .collect();
        let code = u64::from_ne_bytes(record[40..48].try_into().unwrap()) as usize;
        assert_eq!(56 + name.len() + 1 + code, record.len());
        names.push(String::from_utf8(name).unwrap());
        at += record.len();
    }
    assert!(
        names
            .iter()
            .any(|name| name == "cutthrough: where status >= 500 (1:13)"),
        "{names:?}"
    );
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

#[test]
fn words_that_are_no_command_are_told_with_the_nearest() {
    let dir = TempDir::new("commands");
    for (word, tip) in [
        ("pss", "did you mean `ps`?"),
        ("rewrie", "did you mean `rewire`?"),
        ("wher", "did you mean `where`?"),
        ("LIST", "Commands: run, check"),
        ("status", "Stages: "),
    ] {
        let message = run(&[word, "web"]).error(2);
        assert!(
            message.starts_with(&format!("error: there is no command and no stage `{word}`"))
                && message.contains(tip),
            "{message}"
        );
    }
    let flow = dir.file("a.flow", "lines");
    let message = run(&[&flow]).error(2);
    assert!(
        message.contains(&format!("`cutthrough run {flow}` runs")),
        "{message}"
    );
    for help in [&["help"][..], &["--help"], &["help", "top"], &["top", "--help"]] {
        let text = run(help).ok();
        assert!(
            !text.starts_with("error") && text.contains("Usage: cutthrough"),
            "{text}"
        );
    }
}

#[test]
fn logs_have_no_colours_in_a_pipe() {
    let logged = |args: &[&str]| {
        let output = command(args).env("CUTTHROUGH_LOG", "debug").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let log = logged(&["select line", &access_log()]);
    assert!(log.contains("reading") && !log.contains('\x1b'), "{log:?}");
    assert!(logged(&["--color", "always", "select line", &access_log()]).contains('\x1b'));
}

/// What a run says on a terminal, and whether its output is a pipe.
fn said_on_a_terminal(args: &[&str], stdout: Stdio) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(terminal)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\nb\n").unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    drop(stdin);
    drop(child.stdout.take());
    wait(&mut child, SOON);
    // Nobody has the other side any more: what is there is all.
    let (mut said, mut piece) = (Vec::new(), [0; 4096]);
    let mut controller = std::fs::File::from(controller);
    while let Ok(length @ 1..) = controller.read(&mut piece) {
        said.extend_from_slice(&piece[..length]);
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn progress_is_not_drawn_over_a_pager() {
    let program = "summarize n = count()";
    let over_pager = said_on_a_terminal(&[program], Stdio::piped());
    assert!(over_pager.starts_with("2 rows read, 1 out"), "{over_pager:?}");
    let wanted = said_on_a_terminal(&["--progress", program], Stdio::piped());
    assert!(
        wanted.contains("\r4 B, ") && wanted.contains("B/s\x1b[K"),
        "{wanted:?}"
    );
    let beside_file = said_on_a_terminal(&[program], Stdio::null());
    assert!(
        beside_file.contains("\r4 B, ") && beside_file.contains("\r\x1b[K2 rows read"),
        "{beside_file:?}"
    );
    assert_eq!(said_on_a_terminal(&["-q", program], Stdio::null()), "");
}

/// The names of what is in a directory.
fn listed(dir: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path("")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
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
    assert_eq!(listed(&dir).len(), 3, "{:?}", listed(&dir));
    drop(stdin);
    // In its middle, it fails.
    std::fs::write(&fifo, "y\n2\n").unwrap();
    assert_eq!(wait(&mut child, SOON).code(), Some(1));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "as it was\n");
    assert_eq!(listed(&dir), ["fifo", "out.csv"]);
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
    assert_eq!(listed(&dir).len(), 4, "{:?}", listed(&dir));
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(wait(&mut child, SOON).code(), Some(130));
    assert_eq!(listed(&dir), ["fifo", "out.csv", "two.flow"]);
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

#[test]
fn programs_are_checked_and_explained() {
    assert_eq!(run(&["check", "parse clf | where status >= 500"]).ok(), "");
    let wrong = run(&["check", "parse clf | where statu >= 500"]).error(2);
    assert!(wrong.contains("did you mean `status`?"), "{wrong}");
    let dir = TempDir::new("check");
    let flow = dir.file("a.flow", format!("lines | write \"{}\"", dir.path("out")));
    assert_eq!(run(&["check", "run", &flow]).ok(), "");
    let explained = run(&["explain", "parse clf | where status >= 500 | select path"]).ok();
    assert!(
        explained.contains("where") && explained.contains("path: text") && explained.contains("; chain of"),
        "{explained}"
    );
    assert_eq!(listed(&dir), ["a.flow"], "nothing is written");
}

#[test]
fn the_language_and_the_commands_are_told() {
    assert!(run(&["help", "functions"]).ok().contains("abs(number)"));
    assert!(run(&["help", "stages"]).ok().contains("summarize "));
    assert!(run(&["help", "head"]).ok().starts_with("head [N]"));
    assert!(run(&["help", "heda"]).error(2).contains("did you mean `head`?"));
    for (shell, sign) in [
        ("bash", "complete "),
        ("zsh", "#compdef cutthrough"),
        ("fish", "complete -c cutthrough"),
    ] {
        let text = run(&["completions", shell]).ok();
        assert!(
            text.contains(sign) && text.contains("rewire") && text.contains("max-bad"),
            "{shell}"
        );
    }
    assert!(
        run(&["completions", "csh"])
            .error(2)
            .contains("needs a shell: bash")
    );
    assert!(run(&["man"]).ok().contains(".TH cutthrough"));
}

#[test]
fn head_gives_ten_unless_told() {
    let lines: String = (0..20).map(|k| format!("{k}\n")).collect();
    let outcome = run_with(&["select line | head"], lines.as_bytes());
    assert_eq!(outcome.ok().lines().count(), 10);
    assert_eq!(
        run_with(&["head | select line | skip 9"], lines.as_bytes()).ok(),
        "9\n"
    );
}
