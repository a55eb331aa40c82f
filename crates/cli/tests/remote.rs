//! Commands about networks that run: what they print, and how they end.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Outcome, SOON, TempDir, access_log, command, wait};

/// A directory for sockets, and what runs there.
struct Home {
    dir: TempDir,
}

/// A run that reads what it is given.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Home {
    fn new(name: &str) -> Home {
        Home {
            dir: TempDir::new(name),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("XDG_RUNTIME_DIR", self.dir.path(""));
        command
    }

    fn run(&self, args: &[&str]) -> Outcome {
        let output = self.command(args).output().expect("the command runs");
        Outcome {
            status: output.status,
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("messages are text"),
        }
    }

    /// Starts a run, and waits until it can be reached.
    fn start(&self, args: &[&str]) -> Running {
        self.start_with(args, b"")
    }

    /// The same, with the beginning of its input.
    fn start_with(&self, args: &[&str], beginning: &[u8]) -> Running {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("it runs");
        let mut stdin = child.stdin.take();
        let input = stdin.as_mut().expect("it is piped");
        input.write_all(beginning).expect("it reads");
        let pid = child.id().to_string();
        let begin = Instant::now();
        while !self.run(&["ps"]).ok().contains(&pid) {
            assert!(begin.elapsed() < SOON, "it cannot be reached");
        }
        Running { child, stdin }
    }
}

impl Running {
    fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(bytes).expect("it reads");
    }

    /// Ends the input; what the run has printed.
    fn end(mut self) -> String {
        drop(self.stdin.take());
        let output = self.child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("it is text")
    }
}

#[test]
fn a_run_is_listed_shown_and_drawn() {
    let home = Home::new("remote-show");
    assert_eq!(home.run(&["ps"]).ok().lines().count(), 1, "only the header");
    let program = "parse clf | where status >= 500 | summarize n = count()";
    let mut running = home.start(&["--name", "web", program]);
    let log = std::fs::read(access_log()).unwrap();
    let begin = Instant::now();
    let top = loop {
        // Code that was compiled is taken up when there is something to run.
        running.write(&log);
        let top = home.run(&["top", "web", "--once"]).ok();
        if top.contains("native") {
            break top;
        }
        assert!(begin.elapsed() < SOON, "{top}");
    };
    for part in [
        "PROCESS",
        "where status >= 500",
        "waiting",
        "conserved: in = out",
        "readers wait",
        "compiled",
    ] {
        assert!(top.contains(part), "{part}: {top}");
    }
    let ps = home.run(&["ps"]).ok();
    assert!(ps.contains("web") && ps.contains(program), "{ps}");
    // The name may be abbreviated.
    let graph = home.run(&["graph", "w"]).ok();
    assert!(graph.contains("-> flow point parse.1"), "{graph}");
    let dot = home.run(&["graph", "web", "--format", "dot"]).ok();
    assert!(
        dot.starts_with("digraph") && dot.contains("palegreen") && dot.ends_with("}\n"),
        "{dot}"
    );
    let json = home.run(&["graph", "web", "--format", "json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["welcome"]["name"], "web");
    assert!(json["network"]["report"]["processes"].as_array().unwrap().len() > 4);
    let dump = home.run(&["dump", "web", "read", "chain,asm"]).ok();
    assert!(
        dump.contains("; chain of") && dump.contains("; asm of") && !dump.contains("; ir of"),
        "{dump}"
    );
    assert!(running.end().trim().parse::<u64>().is_ok());
    assert_eq!(home.run(&["ps"]).ok().lines().count(), 1);
}

#[test]
fn a_rewire_takes_nothing_from_the_input() {
    let home = Home::new("remote-header");
    let program = "parse csv | select n, name";
    let mut running = home.start_with(&["--name", "rows", program], b"n,name\n1,a\n");
    let mut given = String::from("1,a\n");
    let changes = [
        ("parse csv | select n, name", true),
        ("parse csv | where n > 0 | select n, name", true),
        ("parse csv | where m > 0 | select n, name", false),
        ("lines | parse csv | select n, name", false),
    ];
    for (round, (text, is_right)) in changes.iter().cycle().take(12).enumerate() {
        // What comes meanwhile is the run's.
        for n in 0..50 {
            let row = format!("{},{}\n", 100 * (round + 1) + n, "n");
            running.write(row.as_bytes());
            given.push_str(&row);
        }
        for plan in [&["--plan"][..], &[]] {
            let rewired = home.run(&[&["rewire", "rows", "-e", text], plan].concat());
            assert_eq!(rewired.status.success(), *is_right, "{text}: {}", rewired.stderr);
        }
    }
    assert_eq!(running.end().replace('\t', ","), given);
    // A program that had no header to look at does not get one.
    let running = home.start(&["--name", "lines", "lines"]);
    let message = home
        .run(&["rewire", "lines", "-e", "lines | parse csv | select n"])
        .error(2);
    assert!(message.contains("would take it from the run"), "{message}");
    running.end();
}

#[test]
fn names_are_found_or_listed() {
    let home = Home::new("remote-names");
    let message = home.run(&["top", "x"]).error(1);
    assert!(
        message.contains("no network called `x` is running, nor any other"),
        "{message}"
    );
    let first = home.start(&["--name", "orders.a", "lines"]);
    let second = home.start(&["--name", "orders.b", "lines"]);
    let unnamed = home.start(&["select line"]);
    let message = home.run(&["graph", "orders"]).error(1);
    assert!(message.contains("orders.a, orders.b"), "{message}");
    let message = home.run(&["tap", "x", "f"]).error(1);
    assert!(
        message.contains("running: orders.a, orders.b, select-"),
        "{message}"
    );
    // By the number of its OS process.
    let pid = unnamed.child.id().to_string();
    assert!(home.run(&["graph", &pid]).ok().starts_with("select-"));
    let taken = home.run(&["--name", "orders.a", "lines"]).error(1);
    assert!(
        taken.contains("a network called `orders.a` is running"),
        "{taken}"
    );
    let bad = home.run(&["--name", "a/b", "lines"]).error(2);
    assert!(bad.contains("no name for a network"), "{bad}");
    first.end();
    second.end();
    unnamed.end();
}

#[test]
fn a_run_can_be_left_alone() {
    let home = Home::new("remote-alone");
    let mut child = home
        .command(&["--no-control", "lines"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\n").unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(home.run(&["ps"]).ok().lines().count(), 1);
    drop(stdin);
    assert!(wait(&mut child, SOON).success());
    // Where there is no place for a socket, a run is a run.
    let nowhere = home
        .command(&["lines", &access_log()])
        .env("XDG_RUNTIME_DIR", home.dir.path("nowhere"))
        .output()
        .unwrap();
    assert!(
        nowhere.status.success() && nowhere.stderr.is_empty(),
        "{nowhere:?}"
    );
}

#[test]
fn what_the_dead_leave_is_not_listed() {
    let home = Home::new("remote-dead");
    let mut killed = home.start(&["--name", "killed", "lines"]);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(std::path::Path::new(&home.dir.path("cutthrough/killed.sock")).exists());
    assert_eq!(home.run(&["ps"]).ok().lines().count(), 1);
    assert!(!std::path::Path::new(&home.dir.path("cutthrough/killed.sock")).exists());
    home.start(&["--name", "killed", "lines"]).end();
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = Home::new("remote-pipe");
    let running = home.start(&["--name", "web", "lines"]);
    for args in [&["ps"][..], &["top", "web"], &["graph", "web"], &["dump", "web"]] {
        let mut child = home.command(args).spawn().unwrap();
        drop(child.stdout.take());
        assert!(wait(&mut child, SOON).success(), "{args:?}");
        let outcome = child.wait_with_output().unwrap();
        assert!(outcome.stderr.is_empty(), "{args:?} {outcome:?}");
    }
    running.end();
}

#[test]
fn two_slow_inputs_do_not_wait_for_each_other() {
    let home = Home::new("remote-inputs");
    let fifos = ["a", "b"].map(|name| home.dir.path(name));
    for fifo in &fifos {
        assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    }
    // Open for both, so that opening waits for nobody.
    let mut ends = fifos.each_ref().map(|fifo| {
        let end = std::fs::File::options().read(true).write(true).open(fifo);
        end.unwrap()
    });
    let program = format!(
        "read \"{}\" | lines | select line | write stdout\nread \"{}\" | lines | select line | write stdout",
        fifos[0], fifos[1]
    );
    let mut child = home.command(&[&program]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for (k, text) in [(1, "1\n"), (0, "2\n"), (1, "3\n"), (1, "4\n"), (0, "5\n")] {
        ends[k].write_all(text.as_bytes()).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, text);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A client that connects when the run has no descriptor left waits, and the run does not
/// spin over it.
#[test]
fn a_run_without_descriptors_does_not_spin() {
    let home = Home::new("remote-descriptors");
    let binary = env!("CARGO_BIN_EXE_cutthrough");
    let mut limited = Command::new("sh");
    limited.env("XDG_RUNTIME_DIR", home.dir.path(""));
    let line = format!("ulimit -n 20; exec '{binary}' --name few 'select line'");
    let mut child = limited
        .args(["-c", &line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It has what it reads and writes.
    child.stdin.as_mut().unwrap().write_all(b"a\n").unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    let socket = home.dir.path("cutthrough/few.sock");
    let connect = |_| std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let clients: Vec<_> = (0..25).map(connect).collect();
    std::thread::sleep(Duration::from_millis(200));
    let before = processor_ticks(child.id());
    std::thread::sleep(Duration::from_millis(600));
    let used = processor_ticks(child.id()) - before;
    // A hundredth of a second each; the loop took all sixty of them.
    assert!(used < 20, "{used} ticks");
    drop(clients);
    let begin = Instant::now();
    while home.run(&["top", "few", "--once"]).code() != Some(0) {
        assert!(begin.elapsed() < SOON, "it is not reached again");
    }
    drop(child.stdin.take());
    assert!(wait(&mut child, SOON).success());
}

/// What an OS process has used of the processor.
fn processor_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn another_user_is_told_the_truth() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let home = Home::new("remote-user");
    assert!(home.run(&["ps"]).code() == Some(0));
    std::fs::set_permissions(home.dir.path(""), PermissionsExt::from_mode(0o1777)).unwrap();
    // Only the superuser can become another one.
    let Ok(output) = home.command(&["ps"]).uid(12_345).gid(12_345).output() else {
        return;
    };
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("belongs to another user (number ") && message.contains("you are number 12345"),
        "{message}"
    );
}
