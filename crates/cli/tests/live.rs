//! Taps and rewires of runs: what they print, and that they leave no harm behind, however
//! they end.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Outcome, TempDir, command, signal, wait};

const SOON: Duration = Duration::from_secs(20);

/// A run that is fed numbered lines without end, and counts what comes out.
struct Fed {
    dir: TempDir,
    child: Child,
    is_over: Arc<AtomicBool>,
    fed: std::thread::JoinHandle<u64>,
    counted: std::thread::JoinHandle<u64>,
    arrived: Arc<AtomicU64>,
}

impl Fed {
    fn start(name: &str, program: &str) -> Fed {
        let dir = TempDir::new(name);
        let mut child = command(&["--name", "fed", program])
            .env("XDG_RUNTIME_DIR", dir.path(""))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let fed = std::thread::spawn(move || {
            let mut lines = 0u64;
            while !over.load(Ordering::Relaxed) {
                let block: String = (lines..lines + 5_000).map(|line| format!("{line}\n")).collect();
                stdin.write_all(block.as_bytes()).unwrap();
                lines += 5_000;
            }
            lines
        });
        let arrived = Arc::new(AtomicU64::new(0));
        let count = arrived.clone();
        let counted = std::thread::spawn(move || {
            let lines = BufReader::with_capacity(1 << 20, stdout).lines();
            for (expected, line) in lines.enumerate() {
                // Each once, and in order.
                assert_eq!(line.unwrap(), expected.to_string());
                count.fetch_add(1, Ordering::Relaxed);
            }
            count.load(Ordering::Relaxed)
        });
        let fed = Fed {
            dir,
            child,
            is_over,
            fed,
            counted,
            arrived,
        };
        fed.assert_moves();
        fed
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("XDG_RUNTIME_DIR", self.dir.path(""));
        command
    }

    fn run(&self, args: &[&str]) -> Outcome {
        let output = self.command(args).output().unwrap();
        Outcome {
            status: output.status,
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn assert_moves(&self) {
        let (begin, before) = (Instant::now(), self.arrived.load(Ordering::Relaxed));
        while self.arrived.load(Ordering::Relaxed) <= before {
            assert!(begin.elapsed() < SOON, "nothing moves");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn report(&self) -> serde_json::Value {
        let json = self.run(&["graph", "fed", "--format", "json"]).ok();
        serde_json::from_str(&json).unwrap()
    }

    /// How many processes there are, once taps that have gone are taken out.
    #[track_caller]
    fn assert_processes(&self, count: usize) {
        let begin = Instant::now();
        loop {
            let report = self.report();
            assert_eq!(report["network"]["miscounted"], serde_json::Value::Null);
            let there = report["network"]["report"]["processes"].as_array().unwrap().len();
            if there == count {
                return;
            }
            assert!(begin.elapsed() < SOON, "{there} processes: {report:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Resident memory of the run, in bytes.
    fn resident(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    /// Ends the input; everything that went in has come out.
    fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let fed = self.fed.join().unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(self.counted.join().unwrap(), fed);
    }
}

#[test]
fn a_tap_prints_what_passes() {
    let fed = Fed::start("tap-prints", "x = lines | select n = int(line)\nx | write stdout");
    let head = fed.run(&["tap", "fed", "x", "where n % 2 == 1 | head 3", "-o", "json"]);
    assert!(
        head.stderr.contains(" seen, ") && head.stderr.contains("3 written"),
        "{}",
        head.stderr
    );
    let lines: Vec<String> = head.ok().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let numbers = lines.iter().map(|line| {
        let digits = line.trim_start_matches("{\"n\":").trim_end_matches('}');
        digits.parse::<u64>().unwrap()
    });
    let numbers: Vec<u64> = numbers.collect();
    assert!(numbers.iter().all(|n| n % 2 == 1), "{numbers:?}");
    // A complete tap misses nothing: numbers follow each other.
    let complete = fed.run(&["tap", "fed", "x", "head 100000", "--complete", "-o", "text"]);
    assert!(
        complete
            .stderr
            .contains("100_000 seen, 0 missed, 100_000 written, complete"),
        "{}",
        complete.stderr
    );
    let numbers: Vec<u64> = complete.ok().lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1) && numbers.len() == 100_000);
    // Interrupted, it gives what it holds.
    let mut counting = fed
        .command(&["tap", "fed", "x", "summarize n = count()"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&counting, "INT");
    assert!(wait(&mut counting, SOON).success());
    let output = counting.wait_with_output().unwrap();
    let counted: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert!(counted > 0);
    // Whose reader goes is quiet.
    let mut piped = fed.command(&["tap", "fed", "x"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(piped.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(wait(&mut piped, SOON).success());
    assert!(piped.wait_with_output().unwrap().stderr.is_empty());
    fed.assert_processes(4);
    fed.end();
}

#[test]
fn mistakes_in_taps_are_shown_with_their_place() {
    let fed = Fed::start("tap-wrong", "x = lines | select n = int(line)\nx | write stdout");
    let wrong = fed.run(&["tap", "fed", "x", "where m > 3"]).error(2);
    assert!(
        wrong.contains("where m > 3") && wrong.contains("the tap's pipeline"),
        "{wrong}"
    );
    let nowhere = fed.run(&["tap", "fed", "y"]).error(1);
    assert!(
        nowhere.contains("there is no flow point `y`") && nowhere.contains('x'),
        "{nowhere}"
    );
    let opens = fed.run(&["tap", "fed", "x", "write \"/tmp/no\""]).error(2);
    assert!(!opens.is_empty() && !std::path::Path::new("/tmp/no").exists());
    fed.end();
}

/// Taps that are killed, stopped and killed, and that send garbage, while elements run.
#[test]
fn taps_that_die_leave_nothing() {
    // By hand: CUTTHROUGH_TAPS=1000 cargo test --release -p cutthrough-cli --test live taps_that_die
    let rounds = std::env::var("CUTTHROUGH_TAPS").map_or(21, |rounds| rounds.parse().unwrap());
    let fed = Fed::start("tap-dies", "x = lines | select n = int(line)\nx | write stdout");
    let mut stopped: Vec<Child> = Vec::new();
    let mut resident = 0;
    for round in 0..rounds {
        match round % 3 {
            0 | 1 => {
                let mut tap = fed
                    .command(&["tap", "fed", "x", "where n % 3 == 0"])
                    .spawn()
                    .unwrap();
                // It has begun.
                tap.stdout.as_mut().unwrap().read_exact(&mut [0; 100]).unwrap();
                if round % 3 == 0 {
                    tap.kill().unwrap();
                    tap.wait().unwrap();
                } else {
                    signal(&tap, "STOP");
                    stopped.push(tap);
                }
            }
            _ => {
                let mut stream = UnixStream::connect(fed.dir.path("cutthrough/fed.sock")).unwrap();
                stream
                    .write_all(b"J\x00\x00\x1b{\"do\":\"hello\",\"protocol\":1}")
                    .unwrap();
                let tap = b"{\"do\":\"tap\",\"flow\":\"x\"}";
                stream
                    .write_all(&[&[b'J', 0, 0, tap.len() as u8][..], tap].concat())
                    .unwrap();
                stream.read_exact(&mut [0; 1000]).unwrap();
                stream.write_all(b"\xff\xfe garbage").unwrap();
            }
        }
        // A few that are stopped stay for a while.
        if stopped.len() > 3 {
            let mut tap = stopped.remove(0);
            tap.kill().unwrap();
            tap.wait().unwrap();
        }
        if round == rounds / 2 {
            resident = fed.resident();
        }
    }
    fed.assert_moves();
    for mut tap in stopped {
        tap.kill().unwrap();
        tap.wait().unwrap();
    }
    fed.assert_processes(4);
    let grown = fed.resident().saturating_sub(resident);
    println!("{rounds} taps: {resident} bytes half-way, {grown} more in the end");
    assert!(grown < 16 << 20, "{grown} bytes more than half-way");
    fed.end();
}

#[test]
fn a_run_is_rewired_without_loss() {
    let program = "x = lines | select n = int(line)\nx | where n >= 0 | write stdout";
    let fed = Fed::start("rewire", program);
    let next = fed.dir.file(
        "next.flow",
        "x = lines | select n = int(line)\nx | where n > -1 | write stdout\n",
    );
    let plan = fed.run(&["rewire", "fed", &next, "--plan"]).ok();
    assert!(
        plan.contains("~ where n >= 0") && plan.contains("becomes where n > -1"),
        "{plan}"
    );
    // A plan changes nothing.
    assert_eq!(fed.run(&["rewire", "fed", &next, "--plan"]).ok(), plan);
    assert_eq!(fed.run(&["rewire", "fed", &next]).ok(), plan);
    let again = fed.run(&["rewire", "fed", &next]).ok();
    assert!(
        !again.contains('~') && again.contains("stay as they are"),
        "{again}"
    );
    fed.assert_moves();
    // There and back, with a second reader, under load.
    let out = fed.dir.path("odd.txt");
    let two = format!(
        "x = lines | select n = int(line)\nx | where n > -1 | write stdout\nx | where n % 2 == 1 | write \"{out}\"\n"
    );
    let two = fed.dir.file("two.flow", two);
    let mut before = String::new();
    for round in 0..3 {
        let plan = fed.run(&["rewire", "fed", &two]).ok();
        assert!(plan.contains("+ write"), "{plan}");
        assert_eq!(plan.contains("; goes on with the file"), round > 0, "{plan}");
        fed.assert_moves();
        fed.run(&["rewire", "fed", &next]).ok();
        fed.assert_moves();
        // What was written before is still there.
        let now = std::fs::read_to_string(&out).unwrap();
        assert!(
            now.len() > before.len() && now.starts_with(&before),
            "{} bytes",
            now.len()
        );
        before = now;
    }
    let odd = std::fs::read_to_string(&out).unwrap();
    assert!(odd.lines().count() > 0 && odd.lines().all(|line| line.parse::<u64>().unwrap() % 2 == 1));
    let wrong = fed.dir.file(
        "wrong.flow",
        "x = lines | select n = int(lin)\nx | write stdout\n",
    );
    let wrong = fed.run(&["rewire", "fed", &wrong]).error(2);
    assert!(wrong.contains("wrong.flow:1:"), "{wrong}");
    assert!(
        fed.run(&["rewire", "fed", "/nowhere.flow"])
            .error(2)
            .contains("there is no such file")
    );
    fed.assert_moves();
    fed.end();
}

#[test]
fn a_rewire_says_which_files_it_replaces() {
    let fed = Fed::start(
        "rewire-file",
        "x = lines | select n = int(line)\nx | write stdout",
    );
    let (out, there) = (fed.dir.path("out.csv"), fed.dir.file("there.csv", "as it was\n"));
    let flow = |name: &str, more: &str| {
        let text = format!("x = lines | select n = int(line)\nx | write stdout\nx | {more}\n");
        fed.dir.file(name, text)
    };
    let head = |file: &str| format!("head 3 | write \"{file}\"");
    let only = fed.dir.file(
        "only.flow",
        "x = lines | select n = int(line)\nx | write stdout\n",
    );
    let plan = fed
        .run(&["rewire", "fed", &flow("a.flow", &head(&there)), "--plan"])
        .ok();
    assert!(
        plan.contains("! write \"") && plan.contains("; replaces the file that is there"),
        "{plan}"
    );
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "as it was\n");
    let plan = fed.run(&["rewire", "fed", &flow("b.flow", &head(&out))]).ok();
    assert!(
        plan.contains("+ write \"") && !plan.contains("replaces"),
        "{plan}"
    );
    // One line more than `head` takes: the first may have been on its way.
    let has_had_enough = || (0..4).for_each(|_| fed.assert_moves());
    has_had_enough();
    fed.run(&["rewire", "fed", &only]).ok();
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 4);
    // In another format it would be lost; it is refused.
    let wrong = fed
        .run(&[
            "rewire",
            "fed",
            &flow("c.flow", &format!("{} as json", head(&out))),
        ])
        .error(2);
    assert!(wrong.contains("what it has written would be lost"), "{wrong}");
    fed.run(&["rewire", "fed", &flow("d.flow", &head(&out))]).ok();
    has_had_enough();
    fed.run(&["rewire", "fed", &only]).ok();
    let text = std::fs::read_to_string(&out).unwrap();
    // One header, and both parts.
    let headers = text.lines().filter(|&line| line == "n").count();
    assert_eq!((text.lines().count(), headers), (7, 1), "{text}");
    fed.end();
}

/// Rewires that add and remove a `write` take nothing with them.
#[test]
fn rewires_leave_nothing_open() {
    // By hand: CUTTHROUGH_REWIRES=10000 cargo test --release -p cutthrough-cli --test live rewires_leave
    let rounds = std::env::var("CUTTHROUGH_REWIRES").map_or(160, |rounds| rounds.parse().unwrap());
    let fed = Fed::start(
        "rewire-soak",
        "x = lines | select n = int(line)\nx | write stdout",
    );
    let flow = |name: &str, more: &str| {
        fed.dir.file(
            name,
            format!("x = lines | select n = int(line)\nx | write stdout\n{more}"),
        )
    };
    let out = fed.dir.path("out.txt");
    let with = flow(
        "with.flow",
        &format!("x | where n % 100000 == 0 | write \"{out}\"\n"),
    );
    let without = flow("without.flow", "");
    let descriptors = || {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", fed.child.id())).unwrap();
        entries.count()
    };
    let mut half_way = (0, 0);
    for round in 0..rounds {
        fed.run(&["rewire", "fed", &with]).ok();
        fed.run(&["rewire", "fed", &without]).ok();
        if round == rounds / 2 {
            half_way = (descriptors(), fed.resident());
        }
    }
    let end = (descriptors(), fed.resident());
    println!(
        "{} rewires: half-way {half_way:?}, in the end {end:?} descriptors and bytes",
        2 * rounds
    );
    assert!(end.0 <= half_way.0 + 1, "{half_way:?} {end:?} descriptors");
    let grown = end.1.saturating_sub(half_way.1);
    assert!(grown < 4 << 20, "{grown} bytes more than half-way");
    fed.assert_moves();
    fed.end();
}

/// To write to a pipe that nobody reads does not return: a call that takes as long as it
/// takes.
#[test]
fn a_run_that_is_stuck_is_answered_for_and_changed_later() {
    let dir = TempDir::new("stuck");
    let input = dir.file("in", (0..100_000).map(|k| format!("{k}\n")).collect::<String>());
    let program = |kept: &str| {
        format!("read \"{input}\" | lines | select line | where line != \"{kept}\" | write stdout\n")
    };
    let (old, new) = (
        dir.file("old.flow", program("a")),
        dir.file("new.flow", program("99999")),
    );
    let on = |args: &[&str]| {
        let mut command = command(args);
        command.env("XDG_RUNTIME_DIR", dir.path(""));
        command
    };
    let mut run = on(&["--name", "stuck", "run", &old]).spawn().unwrap();
    let begin = Instant::now();
    let mut top = String::new();
    while !top.contains("stuck writing to standard output for") {
        assert!(begin.elapsed() < SOON, "{top}");
        let asked = Instant::now();
        let output = on(&["top", "stuck", "--once"]).output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        top = String::from_utf8(output.stdout).unwrap();
    }
    // What has come in and gone out is known although it does not answer.
    let heading = top.lines().next().unwrap();
    assert!(
        heading.contains(" kB read, ") && !heading.contains("; 0 B read"),
        "{heading}"
    );
    assert!(top.contains("where line != \"a\""), "{top}");
    let ps = String::from_utf8(on(&["ps"]).output().unwrap().stdout).unwrap();
    assert!(ps.contains("writing to standard output for"), "{ps}");
    let mut plan = on(&["rewire", "stuck", &new, "--plan"]);
    assert!(plan.output().unwrap().status.success(), "a plan is not pending");
    // Without `--wait`, what is asked is given up, and not done later either.
    for args in [
        &["tap", "stuck", "lines.1"][..],
        &["dump", "stuck"],
        &["rewire", "stuck", &dir.file("no.flow", program("1"))],
    ] {
        let output = on(args).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains("`stuck` is stuck: it was writing to standard output for")
                && message.contains("--wait"),
            "{message}"
        );
    }
    let mut rewire = on(&["rewire", "stuck", &new, "--wait"]).spawn().unwrap();
    let mut pending = String::new();
    BufReader::new(rewire.stderr.take().unwrap())
        .read_line(&mut pending)
        .unwrap();
    assert!(
        pending.starts_with("pending: `stuck` is writing to standard output for"),
        "{pending}"
    );
    std::thread::sleep(Duration::from_secs(4));
    assert!(rewire.try_wait().unwrap().is_none());
    let mut text = String::new();
    run.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(wait(&mut rewire, SOON).success());
    assert!(wait(&mut run, SOON).success());
    // All but the last, which came after the change.
    assert_eq!(text.lines().count(), 99_999);
    assert_eq!(text.lines().last(), Some("99998"));
}

#[test]
fn flow_points_are_listed_and_a_sole_run_needs_no_name() {
    let fed = Fed::start(
        "tap-list",
        "x = lines | select n = int(line), odd = number % 2 == 1\nx | where odd or n >= 0 | select n | write stdout",
    );
    for args in [&["tap"][..], &["tap", "fed"]] {
        let listed = fed.run(args).ok();
        assert!(listed.starts_with("FLOW POINT"), "{listed}");
        let x = listed.lines().find(|line| line.starts_with("x ")).unwrap();
        assert!(
            x.ends_with("n: int?, odd: bool?") || x.ends_with("n: int?, odd: bool"),
            "{x}"
        );
        let cells: Vec<&str> = x.split_whitespace().collect();
        assert!(cells[1] != "0" && cells[2] != "0", "{x}");
    }
    assert!(fed.run(&["top", "--once"]).ok().contains("fed  pid"));
    assert!(fed.run(&["graph"]).ok().starts_with("fed: "));
    assert!(fed.run(&["dump"]).ok().contains("; chain of"));
    let same = fed.dir.file(
        "same.flow",
        "x = lines | select n = int(line), odd = number % 2 == 1\nx | select n | write stdout\n",
    );
    assert!(fed.run(&["rewire", &same]).ok().contains("stay as they are"));
    let text =
        "x = lines | select n = int(line), odd = number % 2 == 1\nx | where n >= 0 | select n | write stdout";
    assert!(fed.run(&["rewire", "-e", text]).ok().contains("where n >= 0"));
    assert!(fed.run(&["rewire"]).error(2).contains("<FILE>"));
    fed.assert_moves();
    fed.end();
    let dir = TempDir::new("tap-none");
    let mut nobody = command(&["top"]);
    let output = nobody.env("XDG_RUNTIME_DIR", dir.path("")).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: no network is running\n"
    );
}

/// Rows of a complete tap that are taken slowly are there all the same, though the run has nothing else to do.
#[test]
fn a_run_waits_at_its_end_for_a_complete_tap() {
    const ROWS: usize = 200_000;
    let dir = TempDir::new("tap-end");
    let start = |args: &[&str]| {
        let mut command = command(args);
        command.env("XDG_RUNTIME_DIR", dir.path("")).stdin(Stdio::piped());
        command
    };
    let program = "r = where true\nr | summarize n = count()";
    let mut run = start(&["-q", "--name", "ending", program]).spawn().unwrap();
    let mut stdin = run.stdin.take().unwrap();
    let begin = Instant::now();
    let until = |is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(begin.elapsed() < SOON);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(&|| Path::new(&dir.path("cutthrough/ending.sock")).exists());
    let mut tap = start(&["tap", "ending", "r", "--complete", "-o", "text"])
        .spawn()
        .unwrap();
    until(&|| {
        let graph = start(&["graph", "ending"]).output().unwrap();
        String::from_utf8(graph.stdout).unwrap().contains("tap of r")
    });
    let fed = std::thread::spawn(move || {
        let lines: String = (0..ROWS).map(|line| format!("{line}\n")).collect();
        stdin.write_all(lines.as_bytes()).unwrap();
    });
    let mut text = Vec::new();
    let mut stdout = tap.stdout.take().unwrap();
    let mut piece = vec![0; 64 << 10];
    loop {
        let length = stdout.read(&mut piece).unwrap();
        if length == 0 {
            break;
        }
        text.extend_from_slice(&piece[..length]);
        std::thread::sleep(Duration::from_millis(200));
    }
    fed.join().unwrap();
    let tap = tap.wait_with_output().unwrap();
    let said = String::from_utf8(tap.stderr).unwrap();
    assert!(tap.status.success(), "{said}");
    assert!(
        said.contains("200_000 seen, 0 missed, 200_000 written, complete"),
        "{said}"
    );
    let expected: String = (0..ROWS).map(|line| format!("{line}\n")).collect();
    assert!(text == expected.as_bytes(), "{} bytes", text.len());
    assert_eq!(run.wait_with_output().unwrap().stdout, b"200000\n");
}

#[test]
fn what_is_to_be_changed_to_has_to_be_said() {
    let fed = Fed::start("rewire-what", "where true");
    let message = fed.run(&["rewire", "fed"]).error(2);
    assert!(message.contains("give a FILE, -e, --edit or --undo"), "{message}");
    fed.end();
}

/// A run without its socket is still a run, and says why it has none.
#[test]
fn a_named_run_without_a_socket_says_so() {
    let dir = TempDir::new("no-socket");
    let deep = dir.path(&"d".repeat(100));
    std::fs::create_dir(&deep).unwrap();
    for directory in [dir.path("missing"), deep] {
        let output = command(&["-q", "--name", "unseen", "generate 2"])
            .env("XDG_RUNTIME_DIR", &directory)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{message}");
        assert!(message.contains("cannot be reached as `unseen`"), "{message}");
    }
    let output = command(&["--name", "123", "generate 2"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("the number of an OS process"), "{message}");
}
