//! SIGINT: once to stop between elements, twice to end at once. And what wakes a run that
//! waits for input.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use cutthrough::Handle;
use parking_lot::Mutex;

/// Whether the user has asked to stop; shared by whoever has to know.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requested: AtomicBool,
    network: Mutex<Option<Handle>>,
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
            requested: AtomicBool::new(false),
            network: Mutex::new(None),
            woken,
            wake,
        };
        Ok(Interrupt {
            shared: Arc::new(shared),
        })
    }

    /// Has SIGINT, SIGTERM and SIGHUP ask. The second ends the OS process.
    pub(crate) fn listen(&self) -> anyhow::Result<()> {
        let interrupt = self.clone();
        let on_signal = move || {
            if interrupt.is_requested() {
                std::process::exit(crate::job::End::Interrupted as i32);
            }
            interrupt.request();
        };
        ctrlc::set_handler(on_signal).context("listening for signals")
    }

    /// Asks to stop.
    pub(crate) fn request(&self) {
        self.shared.requested.store(true, Ordering::Release);
        if let Some(network) = &*self.shared.network.lock() {
            network.stop();
        }
        self.wake();
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

    /// Says which network to stop.
    pub(crate) fn stops(&self, network: Handle) {
        let mut known = self.shared.network.lock();
        if self.is_requested() {
            network.stop();
        }
        *known = Some(network);
    }

    /// Whether the user has asked.
    pub(crate) fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::Acquire)
    }

    /// What becomes readable when the user asks, or the run is woken.
    pub(crate) fn woken(&self) -> &PipeReader {
        &self.shared.woken
    }
}
