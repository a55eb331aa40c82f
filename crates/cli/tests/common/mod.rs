//! Runs the command as a shell would.

#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod page;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The output of a run that went well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code(), Some(0), "{self:?}");
        String::from_utf8(self.stdout).expect("the output is text")
    }

    /// The message of a run that ended with this code.
    #[track_caller]
    pub(crate) fn error(self, code: i32) -> String {
        assert_eq!(self.code(), Some(code), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }
}

/// How long what comes at once may take, on a machine that has other work.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) fn command(args: &[&str]) -> Command {
    default_signals();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutthrough"));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env_remove("CUTTHROUGH_LOG");
    command
}

/// Has what is started begin with signals as they are by default. Where the tests were started to ignore SIGINT, as
/// scripts start what runs in the background, it would go on ignoring it; what is handled here it does not inherit.
fn default_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            if ignored.unwrap_or(0) >> (signal - 1) & 1 == 1 {
                signal_hook::flag::register(signal, Arc::default()).expect("it can be handled");
            }
        }
    });
}

/// Runs with nothing on the standard input.
pub(crate) fn run(args: &[&str]) -> Outcome {
    run_with(args, b"")
}

/// Runs with this on the standard input.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Outcome {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command is built");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let output = std::thread::scope(|scope| {
        // It may end before it has read everything.
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("the command runs")
    });
    let stderr = String::from_utf8(output.stderr).expect("messages are text");
    Outcome {
        status: output.status,
        stdout: output.stdout,
        stderr,
    }
}

/// Waits for the end, at most so long.
#[track_caller]
pub(crate) fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if begin.elapsed() > limit {
            let _ = child.kill();
            panic!("it did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a run has read all that it was given.
#[track_caller]
pub(crate) fn until_read(child: &Child, bytes: usize) {
    let begin = Instant::now();
    let io = format!("/proc/{}/io", child.id());
    loop {
        let text = std::fs::read_to_string(&io).expect("it runs");
        let read = text.lines().find_map(|line| line.strip_prefix("rchar: "));
        let read: usize = read.expect("Linux says so").parse().expect("it is a number");
        // Its own files are read as well; a pipe is empty when it has been.
        if read >= bytes {
            break;
        }
        assert!(begin.elapsed() < SOON);
    }
    std::thread::sleep(Duration::from_millis(100));
}

/// Sends a signal, such as `INT`.
#[track_caller]
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("there is `kill`");
    assert!(status.success());
}

/// A directory of its own, removed at the end.
pub(crate) struct TempDir {
    path: PathBuf,
}

impl TempDir {
    pub(crate) fn new(name: &str) -> TempDir {
        let path = std::env::temp_dir().join(format!("cutthrough-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("there is room");
        TempDir { path }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.path.join(name).to_str().expect("it is text").to_owned()
    }

    /// Makes a file; its path.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path.join(name), text).expect("there is room");
        self.path(name)
    }

    /// The names of what is in it.
    pub(crate) fn listed(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("it is there");
        let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("it is text");
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("it is read"))).collect();
        names.sort();
        names
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// The log of the examples.
pub(crate) fn access_log() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/access.log");
    path.to_str().expect("it is text").to_owned()
}
