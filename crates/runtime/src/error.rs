//! What can go wrong, and what the caller can find out about it.

use std::fmt;

/// An error of a network: a refused edit, or a failure of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The process's program is not well formed.
    Program,
    /// A process failed.
    Failed,
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
