//! `read "..." follow`, beside somebody who appends, rotates and truncates.

mod common;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::{TempDir, command, run, wait};
use rustix::process::{Pid, Signal, kill_process};

/// A run whose lines are read as they come.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(program: &str) -> Following {
        let mut child = command(&["-q", program]).spawn().expect("the command is built");
        let stdout = child.stdout.take().expect("it is a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ = sender.send(line.expect("it is text"));
            }
        });
        Following { child, lines }
    }

    /// The next so many lines.
    #[track_caller]
    fn next(&self, count: usize) -> Vec<String> {
        let line = |_| {
            self.lines
                .recv_timeout(Duration::from_secs(20))
                .expect("a line comes")
        };
        (0..count).map(line).collect()
    }

    /// Asks it to stop; what else has come.
    fn stop(mut self) -> Vec<String> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("it runs");
        let status = wait(&mut self.child, Duration::from_secs(20));
        assert_eq!(status.code(), Some(130));
        self.lines.iter().collect()
    }
}

fn append(path: &str, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_is_appended_rotated_and_truncated_comes_once() {
    let dir = TempDir::new("follow");
    let path = dir.file("a.log", "a1\na2\n");
    let following = Following::start(&format!("read \"{path}\" follow"));
    assert_eq!(following.next(2), ["a1", "a2"]);
    append(&path, "a3\nbeg");
    assert_eq!(following.next(1), ["a3"]);
    append(&path, "un\n");
    assert_eq!(following.next(1), ["begun"]);
    // Rotated: what is written to the old one before it goes comes before what is in the new one.
    append(&path, "a4\nlast");
    std::fs::rename(&path, dir.path("a.log.1")).unwrap();
    append(&dir.path("a.log.1"), " of it");
    append(&path, "b1\n");
    assert_eq!(following.next(3), ["a4", "last of it", "b1"]);
    // Truncated in place.
    append(&path, "b2 is a longer line\n");
    assert_eq!(following.next(1), ["b2 is a longer line"]);
    File::options().write(true).truncate(true).open(&path).unwrap();
    append(&path, "c1\n");
    assert_eq!(following.next(1), ["c1"]);
    // Gone, and there again.
    std::fs::remove_file(&path).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    append(&path, "d1\n");
    assert_eq!(following.next(1), ["d1"]);
    append(&path, "no end");
    assert_eq!(following.stop(), Vec::<String>::new());
}

#[test]
fn files_of_a_pattern_come_as_they_come_to_be() {
    let dir = TempDir::new("follow-pattern");
    dir.file("a.log", "a1\n");
    dir.file("b.txt", "no\n");
    let following = Following::start(&format!("read \"{}\" follow", dir.path("*.log")));
    assert_eq!(following.next(1), ["a1"]);
    dir.file("c.log", "c1\nc2\n");
    assert_eq!(following.next(2), ["c1", "c2"]);
    // Another name is no other file.
    std::fs::rename(dir.path("a.log"), dir.path("z.log")).unwrap();
    append(&dir.path("z.log"), "a2\n");
    assert_eq!(following.next(1), ["a2"]);
    assert_eq!(following.stop(), Vec::<String>::new());
}

/// A writer that rotates every few lines, at its own pace.
#[test]
fn a_busy_writer_loses_and_repeats_nothing() {
    const LINES: usize = 3000;
    let dir = TempDir::new("follow-busy");
    let path = dir.file("busy.log", "begin\n");
    let following = Following::start(&format!("read \"{path}\" follow"));
    assert_eq!(following.next(1), ["begin"]);
    let writer = std::thread::spawn({
        let old = dir.path("old");
        move || {
            for line in 0..LINES {
                append(&path, &format!("{line}\n"));
                if line % 500 == 499 {
                    std::fs::rename(&path, format!("{old}.{line}")).unwrap();
                    // Rotated more often than it is looked at, files could go unseen.
                    append(&path, "");
                    std::thread::sleep(Duration::from_millis(700));
                }
            }
        }
    });
    let expected: Vec<String> = (0..LINES).map(|line| line.to_string()).collect();
    assert_eq!(following.next(LINES), expected);
    writer.join().unwrap();
    assert_eq!(following.stop(), Vec::<String>::new());
}

#[test]
fn headers_come_with_each_file() {
    let dir = TempDir::new("follow-csv");
    let path = dir.file("a.csv", "name,age\nAnn,30\n");
    let following = Following::start(&format!("read \"{path}\" follow | parse csv | select age, name"));
    assert_eq!(following.next(1), ["30\tAnn"]);
    append(&path, "Bob,8\n");
    assert_eq!(following.next(1), ["8\tBob"]);
    std::fs::rename(&path, dir.path("b.csv")).unwrap();
    append(&path, "age,name\n9,Cid\n");
    assert_eq!(following.next(1), ["9\tCid"]);
    following.stop();
    let program = format!("read \"{}\" follow | parse csv", dir.path("*.csv"));
    assert!(run(&[&program]).error(2).contains("cannot be told from rows"));
}

#[test]
fn windows_close_while_the_flow_goes_on() {
    let dir = TempDir::new("follow-windows");
    let path = dir.file("a.log", "x\ny\nx\n");
    let program = format!("read \"{path}\" follow | summarize n = count() by line every 1s | select line, n");
    let following = Following::start(&program);
    assert_eq!(following.next(2), ["x\t2", "y\t1"]);
    append(&path, "y\n");
    assert_eq!(following.next(1), ["y\t1"]);
    append(&path, "z\n");
    std::thread::sleep(Duration::from_millis(300));
    let rest = [following.stop(), Vec::new()].concat();
    assert!(rest.is_empty() || rest == ["z\t1"], "{rest:?}");
}

#[test]
fn patterns_are_files_in_order() {
    let dir = TempDir::new("patterns");
    dir.file("b.log", "b\n");
    dir.file("a.log", "a\n");
    dir.file("c.txt", "c\n");
    assert_eq!(run(&[&format!("read \"{}\"", dir.path("*.log"))]).ok(), "a\nb\n");
    let message = run(&[&format!("read \"{}\"", dir.path("*.gz"))]).error(2);
    assert!(message.contains("*.gz: there is no such file"), "{message}");
    let message = run(&[&format!("read \"{}\" follow", dir.path("x.log"))]).error(1);
    assert!(message.contains("x.log: there is no such file"), "{message}");
    assert!(run(&["read - follow"]).error(2).contains("cannot be followed"));
}
