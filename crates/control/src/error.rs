//! What can go wrong when a network is opened to others, or reached.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a network could not be opened to others, or not be reached.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name is none that a network can have.
    Name,
    /// A network of this name is running.
    NameInUse,
    /// No network of this name is running, or several are meant by it.
    NotThere,
    /// The directory is not the user's alone, or cannot be used.
    Directory,
    /// The system refused something.
    System,
    /// The other side does not keep to the protocol, or does not answer.
    Protocol,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: String) -> Error {
        Error { kind, message }
    }

    pub(crate) fn directory(path: &Path, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Directory, format!("{}: {why}", path.display()))
    }

    pub(crate) fn socket(path: &Path, error: &io::Error) -> Error {
        Error::new(ErrorKind::System, format!("{}: {error}", path.display()))
    }

    pub(crate) fn locked(path: &Path) -> Error {
        let message = format!(
            "{}: another OS process holds the lock; is it stopped?",
            path.display()
        );
        Error::new(ErrorKind::System, message)
    }

    pub(crate) fn bad_name(name: &str) -> Error {
        let message = format!(
            "`{}` is no name for a network: use 1 to {} letters, digits, `.`, `_`, `-`, beginning with a letter or digit",
            name.escape_debug(),
            crate::limits::NAME_BYTES_MAX
        );
        Error::new(ErrorKind::Name, message)
    }

    pub(crate) fn number_as_name(name: &str) -> Error {
        let message = format!(
            "`{}` is no name for a network: it would be taken for the number of an OS process; begin it with a letter",
            name.escape_debug()
        );
        Error::new(ErrorKind::Name, message)
    }

    pub(crate) fn name_in_use(name: &str) -> Error {
        Error::new(
            ErrorKind::NameInUse,
            format!("a network called `{name}` is running; choose another name"),
        )
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
