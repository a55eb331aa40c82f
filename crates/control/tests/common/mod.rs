//! What the tests share: a directory of their own, a network on a thread of its own,
//! random numbers that a seed repeats.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cutthrough::processes::{ForEach, Iter, Map};
use cutthrough::{Error, Handle, Network, Progress};
use cutthrough_control::{Directory, Options};

/// A directory for sockets, removed at the end.
pub(crate) struct Home {
    pub(crate) path: PathBuf,
}

impl Home {
    pub(crate) fn new(name: &str) -> Home {
        let path = std::env::temp_dir().join(format!("cutthrough-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Home { path }
    }

    pub(crate) fn directory(&self) -> Directory {
        Directory::at(&self.path).expect("it is ours")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A network that counts, run by a thread of its own.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    /// Elements that have arrived at the end.
    pub(crate) arrived: Arc<AtomicU64>,
    thread: JoinHandle<Result<Progress, Error>>,
}

impl Running {
    /// `numbers -> double -> sink`; the sink calls `each`.
    pub(crate) fn start(home: &Home, name: &str, mut each: impl FnMut(u64) + Send + 'static) -> Running {
        let (directory, name) = (home.directory(), name.to_owned());
        let arrived = Arc::new(AtomicU64::new(0));
        let counted = arrived.clone();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut network = Network::default();
            let numbers = network.source::<i64>(Iter::new(0i64..))?;
            let doubled = network.pipe::<i64, i64>(
                numbers,
                Map::new(cutthrough::ir::Type::I64, cutthrough::ir::Type::I64, |f, x| {
                    vec![f.op(cutthrough::ir::Op::Iadd, &[x[0], x[0]])]
                }),
            )?;
            network.sink(
                doubled,
                ForEach::new(move |_: i64| each(counted.fetch_add(1, Ordering::Relaxed))),
            )?;
            let server = Options::new(&name).directory(directory).serve(&mut network);
            let _server = server.expect("the network can be reached");
            ready.send(network.handle()).expect("somebody waits");
            let progress = network.run();
            network.check_conservation()?;
            progress
        });
        let handle = is_ready.recv().expect("the network has started");
        Running {
            handle,
            arrived,
            thread,
        }
    }

    pub(crate) fn stop(self) {
        self.handle.stop();
        self.thread.join().expect("no panic").expect("nothing was lost");
    }

    /// Asserts that elements arrive.
    #[track_caller]
    pub(crate) fn assert_moves(&self) {
        let before = self.arrived.load(Ordering::Relaxed);
        eventually(|| self.arrived.load(Ordering::Relaxed) > before);
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it does not come to be"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Open file descriptors of this OS process.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
