//! What the server asks of the network, and how the answers reach it.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use cutthrough::{Handle, Network};

use crate::contain::contain;
use crate::limits::{PULSE_MS, PULSE_MS_MAX, REPORT_FRESH_MS};
use crate::message::{Problem, ProblemKind};
use crate::view::{Activity, NetworkView, Snapshot};

/// Puts letters into the server's box and wakes it. Never waits.
pub(crate) struct Post<L> {
    letters: Sender<L>,
    wake: Waker,
}

/// Wakes the server's thread. Never waits.
#[derive(Clone, Debug)]
pub struct Waker {
    pipe: Arc<PipeWriter>,
}

/// Where letters arrive, on the server's thread.
pub(crate) struct Inbox<L> {
    letters: Receiver<L>,
    woken: PipeReader,
}

/// A box for letters.
pub(crate) fn post<L>() -> io::Result<(Post<L>, Inbox<L>)> {
    let (woken, wake) = io::pipe()?;
    rustix::io::ioctl_fionbio(&woken, true)?;
    rustix::io::ioctl_fionbio(&wake, true)?;
    let (sender, letters) = channel();
    let wake = Waker { pipe: Arc::new(wake) };
    Ok((
        Post {
            letters: sender,
            wake,
        },
        Inbox { letters, woken },
    ))
}

impl Waker {
    /// Wakes it.
    pub fn wake(&self) {
        // A pipe that is full is readable.
        let _ = (&*self.pipe).write(b"!");
    }
}

impl<L> Post<L> {
    /// What wakes the server without a letter.
    pub(crate) fn waker(&self) -> Waker {
        self.wake.clone()
    }

    /// Sends a letter; to a server that has ended, in vain.
    pub(crate) fn send(&self, letter: L) {
        let _ = self.letters.send(letter);
        self.wake.wake();
    }
}

impl<L> Clone for Post<L> {
    fn clone(&self) -> Post<L> {
        Post {
            letters: self.letters.clone(),
            wake: self.wake.clone(),
        }
    }
}

impl<L> Inbox<L> {
    /// What becomes readable when something has been sent.
    pub(crate) fn woken(&self) -> impl AsFd {
        &self.woken
    }

    /// What has arrived.
    pub(crate) fn take(&mut self) -> Vec<L> {
        let mut marks = [0; 64];
        // First the marks: what comes afterwards wakes again.
        while self
            .woken
            .read(&mut marks)
            .is_ok_and(|length| length == marks.len())
        {}
        self.letters.try_iter().collect()
    }
}

/// What wakes a network that waits for something else than its handle.
pub(crate) type Wake = Box<dyn Fn() + Send>;

/// Says what the network's thread is at.
pub(crate) type LookAtActivity = Box<dyn Fn() -> Activity + Send>;

/// The network, as the server's thread knows it.
pub(crate) struct Questions {
    handle: Handle,
    wake: Option<Wake>,
    activity: Option<LookAtActivity>,
    pulse: Pulse,
    began: Instant,
    newest: NetworkView,
    newest_at: Instant,
    /// When a report was asked for that has not come.
    asked: Option<Instant>,
}

impl Questions {
    pub(crate) fn new(
        handle: Handle,
        wake: Option<Wake>,
        activity: Option<LookAtActivity>,
        newest: NetworkView,
    ) -> Questions {
        let now = Instant::now();
        Questions {
            handle,
            wake,
            activity,
            pulse: Pulse::new(now),
            began: now,
            newest,
            newest_at: now,
            asked: None,
        }
    }

    /// Has the network do this between two grants.
    pub(crate) fn ask(&self, question: impl FnOnce(&mut Network) + Send + 'static) -> Result<(), Problem> {
        let sent = self.handle.send(question);
        if let Some(wake) = &self.wake {
            wake();
        }
        sent.map_err(|error| Problem::new(ProblemKind::Failed, error.to_string()))
    }

    /// Whether the newest report will do for who has asked then.
    pub(crate) fn is_fresh(&self, now: Instant, asked: Instant) -> bool {
        self.newest_at >= asked
            || now.saturating_duration_since(self.newest_at) < Duration::from_millis(REPORT_FRESH_MS)
    }

    /// Asks for a report, unless one is on its way.
    pub(crate) fn refresh(
        &mut self,
        now: Instant,
        answer: impl FnOnce(NetworkView, Instant) + Send + 'static,
    ) {
        if self.asked.is_some() {
            return;
        }
        let asked = self.ask(move |network| {
            if let Ok(view) = contain(|| NetworkView::of(network)) {
                answer(view, Instant::now());
            }
        });
        // If it cannot be asked, it is as silent as if it did not answer.
        self.asked = Some(now);
        if let Err(problem) = asked {
            tracing::debug!(problem = problem.message, "no report");
        }
    }

    /// A report has come.
    pub(crate) fn handle_report(&mut self, view: NetworkView, at: Instant) {
        self.asked = None;
        self.newest = view;
        self.newest_at = at;
    }

    /// For how long there has been no answer to a question of this age.
    pub(crate) fn silent_ms(&self, now: Instant, since: Instant) -> u64 {
        let since = self.asked.map_or(since, |asked| asked.min(since));
        millis(now.saturating_duration_since(since))
    }

    /// The newest report there is.
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            age_ms: millis(now.saturating_duration_since(self.newest_at)),
            silent_ms: self
                .asked
                .map(|asked| millis(now.saturating_duration_since(asked))),
            at_us: u64::try_from(self.newest_at.saturating_duration_since(self.began).as_micros())
                .unwrap_or(u64::MAX),
            network: self.newest.clone(),
            activity: self.activity(),
        }
    }

    /// What the network's thread is at.
    pub(crate) fn activity(&self) -> Option<Activity> {
        self.activity.as_ref().map(|look| look())
    }

    /// Whether a report is to be asked for although nobody wants one: so that there is a
    /// recent one should the network fall silent. Not of one that does not move.
    pub(crate) fn is_pulse_due(&mut self, now: Instant) -> bool {
        let Some(activity) = self.activity.as_ref().filter(|_| now >= self.pulse.next_at) else {
            return false;
        };
        self.pulse.note(now, &activity())
    }

    /// When to look whether the network moves.
    pub(crate) fn next_pulse(&self) -> Option<Instant> {
        self.activity.as_ref().map(|_| self.pulse.next_at)
    }
}

/// Looks whether a network moves, the more rarely the longer it does not.
struct Pulse {
    next_at: Instant,
    wait_ms: u64,
    moved: (u64, u64),
}

impl Pulse {
    fn new(now: Instant) -> Pulse {
        Pulse {
            next_at: now + Duration::from_millis(PULSE_MS),
            wait_ms: PULSE_MS,
            moved: (0, 0),
        }
    }

    /// Whether it has moved.
    fn note(&mut self, now: Instant, activity: &Activity) -> bool {
        let moved = (activity.bytes_read, activity.bytes_written);
        let has_moved = std::mem::replace(&mut self.moved, moved) != moved;
        self.wait_ms = if has_moved {
            PULSE_MS
        } else {
            (2 * self.wait_ms).min(PULSE_MS_MAX)
        };
        self.next_at = now + Duration::from_millis(self.wait_ms);
        has_moved
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
