//! Commands on a run that works by itself: what it says of itself, and changes that are taken back.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Outcome, TempDir, command, signal, wait};

const SOON: Duration = Duration::from_secs(20);

const PROGRAM: &str = "ticks = generate every 5ms\nticks | where n % 2 == 0 | write \"even.txt\" append";

/// A run that makes its own elements.
struct Ticking {
    dir: TempDir,
    child: Child,
}

impl Ticking {
    fn start(name: &str) -> Ticking {
        let dir = TempDir::new(name);
        let child = command(&["--name", "ticking", PROGRAM])
            .env("XDG_RUNTIME_DIR", dir.path(""))
            .current_dir(dir.path(""))
            .spawn()
            .unwrap();
        let ticking = Ticking { dir, child };
        let begin = Instant::now();
        while ticking.run(&["top", "ticking", "--once"]).code() != Some(0) {
            assert!(begin.elapsed() < SOON, "it does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        ticking
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("XDG_RUNTIME_DIR", self.dir.path(""));
        command
    }

    fn run(&self, args: &[&str]) -> Outcome {
        self.with_editor(args, "false")
    }

    fn with_editor(&self, args: &[&str], editor: &str) -> Outcome {
        let mut command = self.command(args);
        command.env("EDITOR", editor).env_remove("VISUAL");
        let output = command.env("TMPDIR", self.dir.path("")).output().unwrap();
        Outcome {
            status: output.status,
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Interrupts the run, which ends.
    fn end(mut self) {
        signal(&self.child, "INT");
        assert_eq!(wait(&mut self.child, SOON).code(), Some(130));
    }
}

#[test]
fn the_first_line_says_why_it_is_so_fast() {
    let ticking = Ticking::start("session-why");
    let top = ticking.run(&["top", "ticking", "--once"]).ok();
    let first = top.lines().next().unwrap();
    assert!(first.contains("elements/s  waiting for the time "), "{first}");
    assert!(first.contains(" %"), "{first}");
    // Its lines are as they were written.
    assert!(
        top.contains("\nticks | where n % 2 == 0 | write \"even.txt\" append\n"),
        "{top}"
    );
    let ps = ticking.run(&["ps"]).ok();
    let lines: Vec<&str> = ps.lines().collect();
    assert!(lines[1].ends_with("  ticks = generate every 5ms"), "{ps}");
    assert!(
        lines[2].ends_with("  ticks | where n % 2 == 0 | write \"even.txt\" append"),
        "{ps}"
    );
    ticking.end();
}

#[test]
fn a_change_is_taken_back() {
    let ticking = Ticking::start("session-undo");
    let none = ticking.run(&["rewire", "ticking", "--undo"]).error(1);
    assert!(none.contains("there is no program before this one"), "{none}");
    let odd = PROGRAM.replace("== 0", "== 1");
    let there = ticking.run(&["rewire", "ticking", "-e", &odd]).ok();
    assert!(there.contains("becomes where n % 2 == 1"), "{there}");
    let plan = ticking.run(&["rewire", "ticking", "--undo", "--plan"]).ok();
    assert!(plan.contains("becomes where n % 2 == 0"), "{plan}");
    assert_eq!(ticking.run(&["rewire", "ticking", "--undo"]).ok(), plan);
    let top = ticking.run(&["top", "ticking", "--once"]).ok();
    assert!(top.contains("where n % 2 == 0"), "{top}");
    // Back is not there again.
    ticking.run(&["rewire", "ticking", "--undo"]).error(1);
    ticking.end();
}

#[test]
fn a_program_comes_from_the_standard_input() {
    let ticking = Ticking::start("session-stdin");
    std::fs::write(ticking.dir.path("odd"), PROGRAM.replace("== 0", "== 1")).unwrap();
    let mut command = ticking.command(&["rewire", "ticking", "-"]);
    let output = command
        .stdin(std::fs::File::open(ticking.dir.path("odd")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let changes = String::from_utf8(output.stdout).unwrap();
    assert!(changes.contains("becomes where n % 2 == 1"), "{changes}");
    ticking.end();
}

#[test]
fn a_program_is_edited_while_it_runs() {
    let ticking = Ticking::start("session-edit");
    let edit = ["rewire", "ticking", "--edit"];
    let changed = ticking.with_editor(&edit, "sed -i s/2/3/").ok();
    assert!(changed.contains("becomes where n % 3 == 0"), "{changed}");
    let same = ticking.with_editor(&edit, "true");
    assert!(same.stderr.contains("nothing changes"), "{same:?}");
    let failed = ticking.with_editor(&edit, "false").error(1);
    assert!(failed.contains("the editor `false` has failed"), "{failed}");
    // What is wrong is shown, and not lost.
    let wrong = ticking.with_editor(&edit, "sed -i s/where/were/").error(2);
    assert!(wrong.contains("unknown verb `were`"), "{wrong}");
    let path = wrong.lines().last().unwrap().rsplit(' ').next().unwrap();
    let draft = std::fs::read_to_string(path).unwrap();
    assert!(draft.contains("were n % 3 == 0"), "{draft}");
    ticking.end();
}

#[test]
fn an_aggregate_is_shown_again_and_again() {
    let ticking = Ticking::start("session-every");
    let every = [
        "tap",
        "ticking",
        "ticks",
        "summarize n = count() by odd = n % 2 | sort odd",
        "--every",
        "300ms",
    ];
    let mut tap = ticking.command(&every).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    signal(&tap, "INT");
    assert_eq!(wait(&mut tap, SOON).code(), Some(0));
    let output = tap.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let tables: Vec<&str> = printed.split("\n\n").filter(|table| !table.is_empty()).collect();
    assert!((2..=6).contains(&tables.len()), "{printed}");
    assert!(tables.iter().all(|table| table.starts_with("odd ")), "{printed}");
    let wrong = ticking
        .run(&["tap", "ticking", "ticks", "where m > 3", "--every", "1s"])
        .error(2);
    assert!(wrong.contains("there is no column `m`"), "{wrong}");
    let none = ticking
        .run(&["tap", "ticking", "ticks", "--every", "0s"])
        .error(2);
    assert!(none.contains("from 0.1 to 3600"), "{none}");
    ticking.end();
}

#[test]
fn tables_end_when_nobody_reads_them() {
    let ticking = Ticking::start("session-every-pipe");
    let every = ["tap", "ticking", "ticks", "count", "--every", "100ms"];
    let mut tap = ticking.command(&every).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(tap.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "count\n");
    let outcome = wait_or_kill(&mut tap);
    ticking.end();
    assert_eq!(outcome, Some(0));
}

#[test]
fn tables_end_with_the_run() {
    let ticking = Ticking::start("session-every-end");
    let cases = [
        ("count", "200ms"),
        ("count", "100s"),
        ("head 1 | select n = 1", "100s"),
    ];
    let taps = cases.map(|(pipeline, length)| {
        let every = ["tap", "ticking", "ticks", pipeline, "--every", length];
        ticking.command(&every).stdout(Stdio::piped()).spawn().unwrap()
    });
    std::thread::sleep(Duration::from_millis(700));
    ticking.end();
    for mut tap in taps {
        let code = wait_or_kill(&mut tap);
        let output = tap.wait_with_output().unwrap();
        assert_eq!(code, Some(0), "{output:?}");
        // The last one is shown.
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.lines().count() >= 2, "{printed}");
    }
}

/// How it ends by itself, if it does soon.
fn wait_or_kill(child: &mut Child) -> Option<i32> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    None
}
