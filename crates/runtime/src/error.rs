//! What can go wrong, and what the caller can find out about it.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use cutthrough_ir::{ErrorCause, panic_text};

/// An error of a network: a refused edit, or a failure of a process.
///
/// Printed, it says all that is known of it: the process, where in your program that was added,
/// the number of the element, and what went wrong:
///
/// ```text
/// map (src/main.rs:12:10), element 6: the price is no number
/// ```
///
/// What a closure gave as its error ([`try_map_fn`](crate::Stream::try_map_fn)) is there as it
/// was ([`downcast_ref`](Error::downcast_ref)), and what lies beneath that is the
/// [`source`](std::error::Error::source). This does not count when errors are compared, and is
/// not serialised.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[cfg_attr(feature = "serde", serde(default))]
    at: At,
    #[cfg_attr(feature = "serde", serde(skip))]
    cause: Option<ErrorCause>,
}

/// Where a process failed.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct At {
    process: Option<Arc<str>>,
    added_at: Option<Arc<str>>,
    input: Option<usize>,
    element: Option<u64>,
}

impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        let what = |error: &Error| (error.kind, error.at.process.clone(), error.at.element);
        what(self) == what(other) && self.message == other.message
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
    /// The call would wait for the thread that makes it.
    Deadlock,
    /// Nobody reads a stream that has been wired.
    Unread,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            at: At::default(),
            cause: None,
        }
    }

    /// The same error, which a process gave in this form.
    pub(crate) fn because_of(self, cause: Option<ErrorCause>) -> Error {
        Error { cause, ..self }
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

    pub(crate) fn waits_for_itself() -> Error {
        Error::new(
            ErrorKind::Deadlock,
            "the network's own thread would wait for itself: use the `&mut Network` that the request is given, or wait on another thread",
        )
    }

    pub(crate) fn answer_taken() -> Error {
        Error::new(
            ErrorKind::NotThere,
            "the answer to this request has been taken already",
        )
    }

    /// The same error, of a process of this name that was added there, at the element of this
    /// number that came by this input.
    pub(crate) fn of(
        self,
        process: &str,
        added_at: Option<&Location<'_>>,
        element: Option<(usize, u64)>,
    ) -> Error {
        let at = At {
            process: Some(process.into()),
            added_at: added_at.map(|place| place.to_string().into()),
            input: element.map(|(input, _)| input),
            element: element.map(|(_, number)| number),
        };
        Error { at, ..self }
    }

    /// The same error, with where it occurred in front.
    pub(crate) fn prefixed(self, place: fmt::Arguments<'_>) -> Error {
        let message = format!("{place}: {}", self.message);
        Error { message, ..self }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The name of the process that failed.
    pub fn process(&self) -> Option<&str> {
        self.at.process.as_deref()
    }

    /// Where in your program the process was added, or given the closure that it has: file, line
    /// and column. It is known of the stages of streams, and of what
    /// [`add`](crate::Rewire::add), [`source`](crate::Network::source) and their like add.
    pub fn added_at(&self) -> Option<&str> {
        self.at.added_at.as_deref()
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

    /// The error that the process's closure gave, if it is of that type.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.cause.as_deref()?.downcast_ref()
    }

    /// What went wrong, without the process and the element at which it did.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(process) = &self.at.process {
            f.write_str(process)?;
            // Of a process that a program as text has, elements may be blocks: their numbers say
            // nothing to who wrote it.
            if let Some(place) = &self.at.added_at {
                write!(f, " ({place})")?;
                if let Some(element) = self.at.element {
                    write!(f, ", element {element}")?;
                }
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref()?.source()
    }
}
