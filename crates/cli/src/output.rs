//! Files and standard streams as writers.
//!
//! A file is written whole or not at all: under a name of its own beside it, which takes its
//! place when the flow has come to its end. What is appended to, and what is no regular
//! file, is written in place.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cutthrough_lang::Begin;
use rustix::fs::OFlags;

use crate::files::{identity, message, no_folder, parent, write_waiting};
use crate::progress::Progress;
use crate::replacement::Replacement;
use crate::surroundings::Surroundings;

/// A file to be written.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    path: PathBuf,
    /// What tells it from other files; nothing for what is no regular file.
    pub(crate) identity: Option<Identity>,
}

/// What tells one file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The device and inode of a file that is there.
    There((u64, u64)),
    /// Those of the directory, and the name, of one that is not.
    New((u64, u64), OsString),
}

impl Target {
    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// A file that is about to be written.
pub(crate) struct Opened {
    pub(crate) target: Target,
    pub(crate) writer: Writer,
    /// Whether there is something in it that stays, so that no header comes behind it.
    pub(crate) goes_on: bool,
    /// What is to take the file's place at the end.
    pub(crate) replacement: Option<Replacement>,
}

/// Opens a file to be written. What is there is as it was. A pipe is opened when somebody
/// reads it: is that waited for?
///
/// # Errors
/// When it cannot be written; the message names it.
pub(crate) fn open(
    path: &Path,
    begin: Begin,
    may_wait: bool,
    surroundings: &Surroundings,
) -> Result<Opened, String> {
    let named = |error: io::Error| message(path.as_os_str(), &error);
    let there = match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(format!("{}: is a directory", path.display())),
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(named(error)),
    };
    let is_special = there.as_ref().is_some_and(|there| !there.is_file());
    let (file, replacement) = if is_special {
        (open_special(path, there.as_ref(), may_wait).map_err(named)?, None)
    } else if begin == Begin::Anew {
        let replacement = Replacement::of(path, there.as_ref())?;
        (replacement.file.try_clone().map_err(named)?, Some(replacement))
    } else {
        let file = OpenOptions::new().append(true).create(true).open(path);
        (
            file.map_err(|error| no_folder(path, &error).unwrap_or_else(|| named(error)))?,
            None,
        )
    };
    let goes_on = begin != Begin::Anew
        && there
            .as_ref()
            .is_some_and(|there| there.is_file() && there.len() > 0);
    let identity = match &there {
        Some(_) if is_special => None,
        Some(there) => Some(Identity::There(identity(there))),
        None => new_identity(path),
    };
    let target = Target {
        path: path.to_owned(),
        identity,
    };
    let writer = Writer::new(file, &target.name(), surroundings);
    Ok(Opened {
        target,
        writer,
        goes_on,
        replacement,
    })
}

/// Opens what is no regular file.
fn open_special(path: &Path, there: Option<&Metadata>, may_wait: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if may_wait || !there.is_some_and(|there| there.file_type().is_fifo()) {
        return options.open(path);
    }
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options
        .open(path)
        .map_err(|error| match rustix::io::Errno::from_io_error(&error) {
            Some(rustix::io::Errno::NXIO) => {
                io::Error::other("nobody reads this pipe; start its reader first")
            }
            _ => error,
        })?;
    // What is written to it may wait as ever.
    rustix::io::ioctl_fionbio(&file, false)?;
    Ok(file)
}

fn new_identity(path: &Path) -> Option<Identity> {
    let directory = std::fs::metadata(parent(path)).ok()?;
    Some(Identity::New(identity(&directory), path.file_name()?.to_owned()))
}

/// A file or standard stream that is written to, unbuffered. On a terminal the progress
/// line gives way to it.
#[derive(Debug)]
pub(crate) struct Writer {
    file: Arc<File>,
    progress: Option<Progress>,
    surroundings: Surroundings,
    /// What to write to it is told as.
    writing: Arc<str>,
}

/// What is written at once after the user has asked to stop: so that one sees whether
/// somebody takes it.
const LAST_PIECES_BYTES: usize = 4 << 10;

impl Writer {
    pub(crate) fn stdout(progress: &Progress, surroundings: &Surroundings) -> Result<Writer, String> {
        Writer::standard(io::stdout(), "standard output", progress, surroundings)
    }

    pub(crate) fn stderr(progress: &Progress, surroundings: &Surroundings) -> Result<Writer, String> {
        Writer::standard(io::stderr(), "standard error", progress, surroundings)
    }

    fn standard(
        stream: impl AsFd + IsTerminal,
        name: &str,
        progress: &Progress,
        surroundings: &Surroundings,
    ) -> Result<Writer, String> {
        let file = stream.as_fd().try_clone_to_owned();
        let file = file.map_err(|error| format!("{name}: {error}"))?;
        Ok(Writer {
            progress: stream.is_terminal().then(|| progress.clone()),
            ..Writer::new(File::from(file), name, surroundings)
        })
    }

    fn new(file: File, name: &str, surroundings: &Surroundings) -> Writer {
        Writer {
            file: Arc::new(file),
            progress: None,
            surroundings: surroundings.clone(),
            writing: format!("writing to {name}").into(),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        let is_ending = self.surroundings.interrupt.is_requested();
        let piece = match is_ending {
            true => &bytes[..bytes.len().min(LAST_PIECES_BYTES)],
            false => bytes,
        };
        let activity = &self.surroundings.activity;
        let written = activity.inside(&self.writing, Some(&self.file), || {
            write_waiting(&self.file, piece)
        })?;
        activity.add_written(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
