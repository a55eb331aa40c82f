//! SIGINT, SIGTERM and SIGHUP: the first ends the inputs, the second ends the OS process.
//! And what wakes a run that waits for input.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::signal::SIGXFSZ;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::activity::Activity;
use crate::end::End;
use crate::terminal;

/// How long what is written may find no taker once the user has asked to stop.
const STANDSTILL: Duration = Duration::from_millis(500);
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// Whether the user has asked to stop; shared by whoever has to know.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The signal that has asked; 0 if none has.
    signal: AtomicI32,
    /// Readable when there is something to see to: what waits for input waits for this
    /// too.
    woken: PipeReader,
    wake: PipeWriter,
}

impl Interrupt {
    /// Not yet asked.
    pub(crate) fn new() -> anyhow::Result<Interrupt> {
        let (woken, wake) = io::pipe().context("a pipe for interrupts")?;
        for end in [woken.as_fd(), wake.as_fd()] {
            rustix::io::ioctl_fionbio(end, true).context("a pipe for interrupts")?;
        }
        let shared = Shared {
            signal: AtomicI32::new(0),
            woken,
            wake,
        };
        Ok(Interrupt {
            shared: Arc::new(shared),
        })
    }

    /// Has signals ask. The second ends the OS process. So does the first, after a while,
    /// if the run is inside a call that does not come back: then nothing more can come of
    /// it.
    pub(crate) fn listen(&self, activity: &Activity) -> anyhow::Result<()> {
        let (interrupt, activity) = (self.clone(), activity.clone());
        on_signals(move |signal| {
            if interrupt.is_requested() {
                abort(End::Interrupted(signal));
            }
            interrupt.request(signal);
            let (interrupt, activity) = (interrupt.clone(), activity.clone());
            // Without a thread for it, the second signal ends the OS process.
            let _ = std::thread::Builder::new()
                .name("standstill".to_owned())
                .spawn(move || interrupt.end_at_standstill(&activity));
        })
    }

    /// Asks to stop.
    pub(crate) fn request(&self, signal: i32) {
        self.shared.signal.store(signal, Ordering::Release);
        self.wake();
    }

    /// Ends the OS process when the run is inside one call for so long that nobody can be
    /// expected to take what it writes, or to give what it reads.
    fn end_at_standstill(&self, activity: &Activity) {
        let (mut known, mut since) = (activity.mark(), Instant::now());
        loop {
            std::thread::sleep(LOOKS_EVERY);
            let now = activity.mark();
            if now.is_none() || now != known {
                (known, since) = (now, Instant::now());
            } else if since.elapsed() >= STANDSTILL {
                if let Some(call) = activity.call() {
                    let what = call.what;
                    terminal::say(&format!(
                        "interrupted while {what}, which does not come back: what was held is lost\n"
                    ));
                }
                abort(self.end());
            }
        }
    }

    /// Wakes the run if it waits for input. Does not wait.
    pub(crate) fn wake(&self) {
        // A pipe that is full is readable.
        let _ = (&self.shared.wake).write(b"!");
    }

    /// Takes notice of having been woken; whether it was.
    pub(crate) fn handle_wake(&self) -> bool {
        let mut marks = [0; 64];
        let mut was_woken = false;
        while let Ok(length) = (&self.shared.woken).read(&mut marks) {
            was_woken |= length > 0;
            if length < marks.len() {
                break;
            }
        }
        was_woken
    }

    /// Whether the user has asked.
    pub(crate) fn is_requested(&self) -> bool {
        self.shared.signal.load(Ordering::Acquire) != 0
    }

    /// How a run ends that the user has asked to stop.
    pub(crate) fn end(&self) -> End {
        End::Interrupted(self.shared.signal.load(Ordering::Acquire))
    }

    /// What becomes readable when the user asks, or the run is woken.
    pub(crate) fn woken(&self) -> &PipeReader {
        &self.shared.woken
    }
}

/// Ends the OS process at once.
fn abort(end: End) -> ! {
    crate::replacement::remove_unfinished();
    std::process::exit(end.code());
}

/// Calls this for each signal that asks to stop, on a thread of its own. A signal that is
/// ignored (`nohup`, a background job of a script) stays so.
pub(crate) fn on_signals(mut act: impl FnMut(i32) + Send + 'static) -> anyhow::Result<()> {
    let ignored = ignored_signals();
    let wanted = [SIGINT, SIGTERM, SIGHUP];
    let wanted = wanted
        .into_iter()
        .filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(wanted).context("listening for signals")?;
    let listen = move || signals.forever().for_each(&mut act);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)
        .context("listening for signals")?;
    Ok(())
}

/// Has a write beyond the file size limit (`ulimit -f`) fail as any other, rather than end the OS process.
pub(crate) fn survive_file_size_limit() -> anyhow::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).context("listening for signals")?;
    Ok(())
}

/// The signals that this OS process was started to ignore, one bit each; none where the
/// system does not say it.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
