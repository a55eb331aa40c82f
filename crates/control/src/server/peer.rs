//! A client, what is being done for it, and what comes of that.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use cutthrough::Network;
use parking_lot::Mutex;

use crate::commands::{Step, Tap};
use crate::connection::Connection;
use crate::message::Response;
use crate::questions::Post;
use crate::view::NetworkView;

/// One client.
pub(super) struct Peer {
    /// A number that is never another's.
    pub(super) id: u64,
    pub(super) stream: UnixStream,
    pub(super) connection: Connection,
    pub(super) serving: Serving,
    /// Whether there may be more to send at once.
    pub(super) has_more: bool,
    /// Whether its last request was for a complete tap.
    pub(super) is_complete: bool,
    /// When it last took something.
    pub(super) moved_at: Instant,
}

/// What is being done for a client.
#[derive(Default)]
pub(super) enum Serving {
    /// Nothing.
    #[default]
    Nothing,
    /// It waits for a report.
    Report { since: Instant },
    /// It waits for the network's thread to do something.
    Question {
        since: Instant,
        is_told: bool,
        /// What is to be done, until it is begun; gone for good when the client leaves and
        /// it is not to be done then.
        work: Arc<Mutex<Option<Work>>>,
        accepted: Accepted,
        /// Whether it has asked for an end before there was anything to end.
        is_stopped: bool,
    },
    /// It has a tap.
    Tap(Box<dyn Tap>),
    /// Its tap is being detached.
    Detaching,
    /// Its tap is detached, and read to its end.
    Draining(Box<dyn Tap>),
}

/// Something that the network's thread does for a client.
pub(super) type Work = Box<dyn FnOnce(&mut Network, &Post<Letter>) + Send>;

/// For how long something is to be done that the network's thread has not come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    ForGood,
    WhileTheClientIsThere,
}

/// What the network's thread sends to the server's.
pub(super) enum Letter {
    /// A report, and when it was made.
    Report(Box<NetworkView>, Instant),
    /// The final response to a client's request.
    Answer(u64, Box<Response>),
    /// A client's tap has come a step further.
    Tap(u64, Step),
    /// A client's tap is detached; what is left in it can be read.
    Detached(u64, Box<dyn Tap>),
}
