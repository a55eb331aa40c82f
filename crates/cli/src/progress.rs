//! The line that shows how far it has come.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::fs::FileType;

use crate::activity::Activity;
use crate::terminal;
use crate::units::{Bytes, Lasting};

/// How long a run lasts before it has a progress line.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const REDRAWN_EVERY: Duration = Duration::from_millis(200);

/// The time that the rate is taken over: long enough that it does not swing.
const RATE_OVER: Duration = Duration::from_secs(5);

/// A line on the terminal of the standard error, kept by a thread of its own. Without a
/// terminal it is not there.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Shown {
    NotYet,
    Line,
    /// For good.
    Cleared,
}

/// Whether the line is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    No,
    /// Unless the output goes into a pipe: what reads it, as a pager does, may use the
    /// same terminal.
    Auto,
    Yes,
}

impl Progress {
    /// A line that is shown if it is wanted and there is a terminal.
    pub(crate) fn new(wanted: Wanted) -> Progress {
        let is_wanted = match wanted {
            Wanted::No => false,
            Wanted::Auto => !is_pipe(std::io::stdout()),
            Wanted::Yes => true,
        };
        let is_there = is_wanted && std::io::stderr().is_terminal();
        let shown = if is_there { Shown::NotYet } else { Shown::Cleared };
        Progress {
            shown: Arc::new(Mutex::new(shown)),
        }
    }

    /// Follows what is read on its way to the total, if that is known.
    pub(crate) fn follow(&self, activity: &Activity, total: Option<u64>) {
        if *self.shown.lock() == Shown::Cleared {
            return;
        }
        let (shown, activity) = (Arc::clone(&self.shown), activity.clone());
        let begin = Instant::now();
        let mut meter = Meter::new(begin);
        let keep = move || {
            loop {
                std::thread::sleep(REDRAWN_EVERY);
                meter.note(Instant::now(), activity.bytes_read());
                let mut shown = shown.lock();
                match *shown {
                    Shown::Cleared => return,
                    Shown::NotYet if begin.elapsed() < SHOWN_AFTER => {}
                    Shown::NotYet | Shown::Line => {
                        *shown = Shown::Line;
                        let columns = terminal::stderr_columns().unwrap_or(80);
                        let line: String = meter
                            .line(total)
                            .chars()
                            .take(columns.saturating_sub(1))
                            .collect();
                        terminal::say(&format!("\r{line}\x1b[K"));
                    }
                }
            }
        };
        // A run without the line is still a run.
        if let Err(error) = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(keep)
        {
            tracing::warn!(%error, "no thread for the progress line");
        }
    }

    /// Takes the line away, for good.
    pub(crate) fn clear(&self) {
        if std::mem::replace(&mut *self.shown.lock(), Shown::Cleared) == Shown::Line {
            terminal::say("\r\x1b[K");
        }
    }
}

/// How many bytes there were at which times, as far as the rate needs it.
#[derive(Debug)]
struct Meter {
    looks: VecDeque<(Instant, u64)>,
}

impl Meter {
    fn new(begin: Instant) -> Meter {
        Meter {
            looks: VecDeque::from([(begin, 0)]),
        }
    }

    fn note(&mut self, now: Instant, bytes: u64) {
        self.looks.push_back((now, bytes));
        while self
            .looks
            .get(1)
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) >= RATE_OVER)
        {
            self.looks.pop_front();
        }
    }

    /// In bytes per second.
    fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.looks.front(), self.looks.back()) else {
            return 0.0;
        };
        let seconds = to.saturating_duration_since(*from).as_secs_f64();
        if seconds > 0.0 {
            (after - before) as f64 / seconds
        } else {
            0.0
        }
    }

    fn line(&self, total: Option<u64>) -> String {
        const BAR_COLUMNS: u64 = 30;
        let bytes = self.looks.back().map_or(0, |(_, bytes)| *bytes);
        let (read, rate) = (Bytes(bytes as f64), self.rate());
        let Some(total) = total.filter(|&total| total >= bytes && total > 0) else {
            return format!("{read}, {}/s", Bytes(rate));
        };
        let full = bytes.saturating_mul(BAR_COLUMNS) / total;
        let bar: String = (0..BAR_COLUMNS)
            .map(|k| if k < full { '█' } else { '░' })
            .collect();
        let left = match Duration::try_from_secs_f64((total - bytes) as f64 / rate) {
            Ok(left) => format!(", {} left", Lasting(left)),
            Err(_) => String::new(),
        };
        format!("{bar} {read} of {}, {}/s{left}", Bytes(total as f64), Bytes(rate))
    }
}

fn is_pipe(stream: impl AsFd) -> bool {
    let status = rustix::fs::fstat(stream);
    let kind = status.map(|status| FileType::from_raw_mode(status.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let begin = Instant::now();
        let mut meter = Meter::new(begin);
        // 100 MB/s, in jumps; then 10 MB/s.
        for tenth in 1..=100 {
            meter.note(begin + Duration::from_millis(tenth * 100), tenth / 5 * 50_000_000);
        }
        assert!((meter.rate() - 100e6).abs() < 10e6, "{}", meter.rate());
        assert_eq!(meter.line(None), format!("1.00 GB, {}/s", Bytes(meter.rate())));
        for second in 1..=6 {
            meter.note(
                begin + Duration::from_secs(10 + second),
                1_000_000_000 + second * 10_000_000,
            );
        }
        assert_eq!(
            meter.line(Some(2_120_000_000)),
            "███████████████░░░░░░░░░░░░░░░ 1.06 GB of 2.12 GB, 10.0 MB/s, 1 min 46 s left"
        );
        // A file that has grown.
        assert_eq!(meter.line(Some(1)), "1.06 GB, 10.0 MB/s");
    }
}
