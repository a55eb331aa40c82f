//! The line that shows how far it has come.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

/// How long a run lasts before it has a progress line.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const REDRAWN_EVERY: Duration = Duration::from_millis(100);

/// A line on the terminal of the standard error, kept by a thread of its own from a
/// counter that the reader advances. Without a terminal it is not there.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The line; none before it is shown, and for good after [`Progress::clear`].
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug)]
enum Shown {
    NotYet,
    Line(ProgressBar),
    Cleared,
}

impl Progress {
    /// A line that is shown if it is wanted and there is a terminal.
    pub(crate) fn new(is_wanted: bool) -> Progress {
        let is_there = is_wanted && std::io::stderr().is_terminal();
        let shown = if is_there { Shown::NotYet } else { Shown::Cleared };
        Progress {
            shown: Arc::new(Mutex::new(shown)),
        }
    }

    /// Follows a counter on its way to the total, if that is known.
    pub(crate) fn follow(&self, bytes_read: Arc<AtomicU64>, total: Option<u64>) {
        if matches!(*self.shown.lock(), Shown::Cleared) {
            return;
        }
        let shown = Arc::clone(&self.shown);
        let begin = Instant::now();
        let keep = move || {
            loop {
                std::thread::sleep(REDRAWN_EVERY);
                let mut shown = shown.lock();
                match &*shown {
                    Shown::Cleared => return,
                    Shown::NotYet if begin.elapsed() >= SHOWN_AFTER => *shown = Shown::Line(line(total)),
                    Shown::NotYet => {}
                    Shown::Line(line) => line.set_position(bytes_read.load(Ordering::Relaxed)),
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
        if let Shown::Line(line) = std::mem::replace(&mut *self.shown.lock(), Shown::Cleared) {
            line.finish_and_clear();
        }
    }
}

fn line(total: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr();
    let (line, template) = match total {
        Some(total) => (
            ProgressBar::with_draw_target(Some(total), target),
            "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => (
            ProgressBar::with_draw_target(None, target),
            "{spinner} {bytes}, {bytes_per_sec}",
        ),
    };
    line.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
