//! What can go wrong, and what the caller can find out about it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use cutthrough_ir::panic_text;

/// An error of a network: a refused edit, or a failure of a process.
///
/// Its [`source`](std::error::Error::source), where it has one, is what the message goes
/// on to say behind the place: [`VerifyErrors`](cutthrough_ir::VerifyErrors) of a program
/// that is not well formed, what a host function gave as its error, or the error of the
/// edit that a rewire consists of. It does not count when errors are compared, and is not
/// serialised.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[cfg_attr(feature = "serde", serde(default))]
    at: At,
    #[cfg_attr(feature = "serde", serde(skip))]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Where a process failed.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct At {
    process: Option<Arc<str>>,
    input: Option<usize>,
    element: Option<u64>,
}

impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        (self.kind, &self.message) == (other.kind, &other.message)
    }
}

impl Eq for Error {}

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
            at: At::default(),
            source: None,
        }
    }

    /// The same error, because of that one.
    pub(crate) fn because_of(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let source = Some(Arc::from(source.into()));
        Error { source, ..self }
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

    pub(crate) fn request_panicked(payload: &(dyn Any + Send)) -> Error {
        let message = format!(
            "the request panicked on the network's thread: {}",
            panic_text(payload)
        );
        Error::new(ErrorKind::Failed, message)
    }

    pub(crate) fn answer_taken() -> Error {
        Error::new(
            ErrorKind::NotThere,
            "the answer to this request has been taken already",
        )
    }

    /// The same error, of this process, at the element of this number that came by this input.
    pub(crate) fn of(self, process: &str, element: Option<(usize, u64)>) -> Error {
        let at = At {
            process: Some(process.into()),
            input: element.map(|(input, _)| input),
            element: element.map(|(_, number)| number),
        };
        Error { at, ..self }
    }

    /// The same error, with where it occurred in front.
    pub(crate) fn prefixed(self, place: fmt::Arguments<'_>) -> Error {
        let message = format!("{place}: {}", self.message);
        let at = self.at.clone();
        let error = Error::new(self.kind, message).because_of(self);
        Error { at, ..error }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The name of the process that failed.
    pub fn process(&self) -> Option<&str> {
        self.at.process.as_deref()
    }

    /// The input by which the element came at which the process failed, where it has but one.
    pub fn input(&self) -> Option<usize> {
        self.at.input
    }

    /// The number of the element at which the process failed, from 1 on, of those that came by
    /// that [input](Error::input).
    pub fn element(&self) -> Option<u64> {
        self.at.element
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
