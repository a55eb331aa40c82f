//! The command as one of many at a shell: exit codes, streams, what it says.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use common::{SOON, TempDir, access_log, command, run, run_with, wait};

#[test]
fn usage_and_programs_that_are_wrong_are_2() {
    assert!(run(&[]).error(2).contains("Usage"));
    assert!(
        run(&["--engine", "steam", "head 1"])
            .error(2)
            .contains("interpreter")
    );
    assert!(run(&["run"]).error(2).contains("needs the file"));
    let message = run(&["run", "-"]).error(2);
    assert!(
        message.contains("takes no program from the standard input"),
        "{message}"
    );
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

#[test]
fn types_do_not_depend_on_when_rows_come() {
    let mut child = command(&["parse csv | sort a"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for piece in ["a,b\n", "9,2\n10,3\n"] {
        stdin.write_all(piece.as_bytes()).unwrap();
        // Longer than more is waited for.
        std::thread::sleep(Duration::from_millis(700));
    }
    drop(stdin);
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(stdout, "9\t2\n10\t3\n");
    assert_eq!(wait(&mut child, SOON).code(), Some(0));
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
    assert_eq!(dir.listed(), ["a.flow"], "nothing is written");
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

#[test]
fn what_is_told_to_a_full_disk_is_a_failure() {
    for words in [
        &["--help"][..],
        &["--version"],
        &["help"],
        &["help", "tap"],
        &["top", "--help"],
        &["help", "functions"],
        &["completions", "bash"],
        &["man"],
        &["explain", "lines"],
        &["--dump", "chain,asm", "lines"],
        &["ps"],
        &["generate 3"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let outcome = command(words).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr);
        assert_eq!(outcome.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("No space left on device"), "{words:?}: {said}");
    }
}

#[test]
fn distinct_gives_an_element_when_it_first_comes() {
    // Long before the last one.
    let outcome = run(&[
        "-o",
        "text",
        "generate 9000000000000000000 | distinct k = n % 3 | head 3",
    ]);
    assert_eq!(outcome.ok(), "1\n2\n0\n");
}

#[test]
fn too_little_memory_is_a_failure_that_says_so() {
    for program in [
        "generate 100000000 | sample 90000000 | count",
        "generate 100000000 | sort n desc | head 100000000 | count",
        "generate 100000000 | summarize count() by n",
        "generate 100000000 | distinct n | count",
    ] {
        let limited = format!("ulimit -v 1000000; exec \"$0\" --no-control '{program}'");
        let outcome = std::process::Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_cutthrough")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr);
        assert_eq!(outcome.status.code(), Some(1), "{program}: {said}");
        assert!(
            said.contains("bytes_max") || said.contains("no memory"),
            "{program}: {said}"
        );
    }
}
