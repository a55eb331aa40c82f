//! A network's server: a thread that answers for it.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | starting and ending it |
//! | `driver.rs` | the thread: sockets, time, letters |
//! | `peer.rs` | a client, and what is being done for it |
//! | `service.rs` | what becomes of a request |

mod driver;
mod peer;
mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use cutthrough::Network;

use crate::commands::Commands;
use crate::directory::{Bound, Directory};
use crate::error::{Error, ErrorKind};
use crate::limits::PROGRAM_BYTES_MAX;
use crate::message::{PROTOCOL, Welcome};
use crate::questions::{LookAtActivity, Questions, Wake, Waker, post};
use crate::view::{Activity, NetworkView};

use driver::Driver;

/// Opens a network to the other OS processes of this user, under this name, until what
/// it gives is dropped.
///
/// # Errors
/// As [`Options::serve`].
pub fn serve(network: &mut Network, name: &str) -> Result<Server, Error> {
    Options::new(name).serve(network)
}

/// How a network is opened to others.
pub struct Options {
    name: String,
    program: String,
    directory: Option<Directory>,
    wake: Option<Wake>,
    commands: Option<Arc<dyn Commands>>,
    activity: Option<LookAtActivity>,
}

impl Options {
    /// Under this name, in the directory of the user, without taps and rewires.
    pub fn new(name: &str) -> Options {
        Options {
            name: name.to_owned(),
            program: String::new(),
            directory: None,
            wake: None,
            commands: None,
            activity: None,
        }
    }

    /// Says what the network runs; without it, what its commands say.
    pub fn program(mut self, program: &str) -> Options {
        self.program = bounded(program);
        self
    }

    /// Has the socket in another directory.
    pub fn directory(mut self, directory: Directory) -> Options {
        self.directory = Some(directory);
        self
    }

    /// Has this called, from the server's thread, whenever the network is asked
    /// something: for a network that is not always run, but waits for something else
    /// than its handle. It must not block.
    pub fn wake(mut self, wake: impl Fn() + Send + 'static) -> Options {
        self.wake = Some(Box::new(wake));
        self
    }

    /// Offers taps and rewires.
    pub fn commands(mut self, commands: Arc<dyn Commands>) -> Options {
        self.commands = Some(commands);
        self
    }

    /// Says what the network's thread is at, from the server's thread: for clients, while
    /// the network does not answer. Must not block.
    pub fn activity(mut self, activity: impl Fn() -> Activity + Send + 'static) -> Options {
        self.activity = Some(Box::new(activity));
        self
    }

    /// Opens the network to others.
    ///
    /// # Errors
    /// When the name is none or in use, the directory is not the user's alone, or the
    /// system has no socket or thread for it. The network can be run all the same.
    pub fn serve(self, network: &mut Network) -> Result<Server, Error> {
        let directory = self.directory.map_or_else(Directory::of_user, Ok)?;
        let mut bound = directory.bind(&self.name)?;
        let system = |error| Error::socket(&directory.socket(&self.name), &error);
        let (post, inbox) = post().map_err(system)?;
        let listener = bound
            .take_listener()
            .ok_or_else(|| Error::new(ErrorKind::System, "INVARIANT: it has just been bound".to_owned()))?;
        listener.set_nonblocking(true).map_err(system)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let welcome = Welcome {
            protocol: PROTOCOL,
            name: self.name.clone(),
            pid: std::process::id(),
            since_unix_ms: since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0)),
            program: self.program,
        };
        let state = Arc::new(State::default());
        let waker = post.waker();
        let questions = Questions::new(
            network.handle(),
            self.wake,
            self.activity,
            NetworkView::of(network),
        );
        let driver = Driver::new(
            listener,
            service::Service::new(questions, self.commands, post),
            inbox,
            welcome,
            state.clone(),
        );
        let thread = std::thread::Builder::new()
            .name("cutthrough-control".to_owned())
            .spawn(move || driver.run())
            .map_err(system)?;
        Ok(Server {
            name: self.name,
            bound: Some(bound),
            state,
            waker,
            thread: Some(thread),
        })
    }
}

/// A text of bounded length.
fn bounded(text: &str) -> String {
    let mut text = text.to_owned();
    if text.len() > PROGRAM_BYTES_MAX {
        text.truncate(text.floor_char_boundary(PROGRAM_BYTES_MAX));
        text.push('…');
    }
    text
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The server of a network. Dropping it closes the network to others: the socket is
/// removed, and clients that are being served have up to [`END_MS`](crate::limits::END_MS)
/// to take what is there for them (a little more, as long as they go on taking it).
#[derive(Debug)]
pub struct Server {
    name: String,
    bound: Option<Bound>,
    state: Arc<State>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

/// What a server and its thread share.
#[derive(Debug, Default)]
struct State {
    /// Whether the thread is to come to its end.
    ending: AtomicBool,
    /// Whether complete taps are not waited for any more.
    hurries: AtomicBool,
    /// How many clients are connected.
    clients: AtomicUsize,
}

impl Server {
    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether clients are connected. A network that has come to its end can be kept until
    /// they have what is theirs.
    pub fn has_clients(&self) -> bool {
        let is_there = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        is_there && self.state.clients.load(Ordering::Acquire) > 0
    }

    /// Closes the network to new clients, and begins to end: when its clients have what is
    /// theirs, or take nothing any more, [there are none](Server::has_clients). Clients of
    /// complete taps may be long about that; for the others it is a matter of seconds.
    pub fn begin_end(&mut self) {
        self.bound = None;
        self.state.ending.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// The same, but complete taps are cut off as others are, if their clients are long.
    pub fn hurry_end(&mut self) {
        self.state.hurries.store(true, Ordering::Release);
        self.begin_end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.hurry_end();
        if let Some(thread) = self.thread.take() {
            // It ends within the time that it is given; should it have panicked, it has
            // said so.
            let _ = thread.join();
        }
    }
}
