//! What can go wrong, and what the caller can find out about it.

use std::fmt;

/// An error of a network: a refused edit, or a failure of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The edit names a process, port or flow point that is not there, or not free.
    NotThere,
    /// The element types of a port and a flow point differ.
    Type,
    /// The edit would close a cycle.
    Cycle,
    /// The edit would exceed a bound.
    Limit,
    /// The edit would lose elements that a process holds.
    Holding,
    /// The process's program is not well formed.
    Program,
    /// A process failed, or a request from another thread panicked.
    Failed,
    /// A checkpoint cannot be made, or does not fit.
    Checkpoint,
    /// The network that a handle asked is gone.
    Gone,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn no_process() -> Error {
        Error::new(ErrorKind::NotThere, "there is no such process in this network")
    }

    pub(crate) fn network_gone() -> Error {
        Error::new(
            ErrorKind::Gone,
            "the network is gone; nothing can be asked of it any more",
        )
    }

    pub(crate) fn request_panicked() -> Error {
        Error::new(
            ErrorKind::Failed,
            "the request panicked on the network's thread; what that thread printed says why",
        )
    }

    pub(crate) fn answer_taken() -> Error {
        Error::new(
            ErrorKind::NotThere,
            "the answer to this request has been taken already",
        )
    }

    /// The same error, with where it occurred in front.
    pub(crate) fn prefixed(self, place: fmt::Arguments<'_>) -> Error {
        Error {
            kind: self.kind,
            message: format!("{place}: {}", self.message),
        }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without what `Display` adds.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
