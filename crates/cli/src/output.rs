//! Files and standard streams as writers.
//!
//! A file is written whole or not at all: under a name of its own beside it, which takes its
//! place when the flow has come to its end. What is appended to, and what is no regular
//! file, is written in place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutthrough_formats::processes::Output;
use cutthrough_lang::Begin;
use parking_lot::Mutex;
use rustix::fs::OFlags;

use crate::input::{Surroundings, identity, message};
use crate::progress::Progress;

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

/// The directory of a file.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What is written under a name of its own, and takes a file's place at the end. Dropping it
/// removes it.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: File,
    /// Where it is until then.
    at: PathBuf,
    /// Whose place it takes.
    of: PathBuf,
}

/// What is still to take a file's place: removed should the run be ended at once.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes what will not take a file's place any more.
pub(crate) fn remove_unfinished() {
    for path in std::mem::take(&mut *UNFINISHED.lock()) {
        let _ = std::fs::remove_file(path);
    }
}

impl Replacement {
    /// Makes the file beside the one whose place it takes, with that one's mode and owner.
    fn of(path: &Path, there: Option<&Metadata>) -> Result<Replacement, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        const NAME_BYTES_KEPT: usize = 200;
        let named = |error: io::Error| message(path.as_os_str(), &error);
        // Links stay links: what they lead to is replaced.
        let of = match there {
            Some(_) => std::fs::canonicalize(path).map_err(named)?,
            None => path.to_owned(),
        };
        if there.is_some() {
            // What may not be written is not replaced either.
            drop(OpenOptions::new().write(true).open(&of).map_err(named)?);
        }
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        let kept = name.floor_char_boundary(NAME_BYTES_KEPT);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let at = parent(&of).join(format!(".{}.{}-{number}.part", &name[..kept], std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&at);
        let file = file.map_err(|error| no_folder(path, &error).unwrap_or_else(|| named(error)))?;
        UNFINISHED.lock().insert(at.clone());
        let replacement = Replacement { file, at, of };
        if let Some(there) = there {
            replacement
                .file
                .set_permissions(there.permissions())
                .map_err(named)?;
            // Only the superuser can give files away; whose it is else is who has written it.
            let _ = std::os::unix::fs::fchown(&replacement.file, Some(there.uid()), Some(there.gid()));
        }
        Ok(replacement)
    }

    /// Takes the file's place.
    pub(crate) fn finish(self) -> io::Result<()> {
        std::fs::rename(&self.at, &self.of)?;
        UNFINISHED.lock().remove(&self.at);
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if UNFINISHED.lock().remove(&self.at) {
            let _ = std::fs::remove_file(&self.at);
        }
    }
}

/// What a run writes.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    open: Vec<(Option<PathBuf>, Output)>,
    /// Rows of those that are over.
    rows: u64,
    /// Their numbers that JSON has no words for.
    not_finite: u64,
}

impl Outputs {
    /// Adds one; the path is that of a file.
    pub(crate) fn add(&mut self, path: Option<&Path>, output: Output) {
        self.forget_over();
        self.open.push((path.map(Path::to_owned), output));
    }

    /// Whether a file is being written.
    pub(crate) fn writes(&mut self, path: &Path) -> bool {
        self.forget_over();
        self.open.iter().any(|(known, _)| known.as_deref() == Some(path))
    }

    /// Lets go of what is over, with its writers and buffers.
    pub(crate) fn forget_over(&mut self) {
        self.open.retain(|(_, output)| {
            if output.is_over() {
                // One whose process is gone has not come to its end.
                let _ = output.abandon();
                self.rows += output.rows();
                self.not_finite += output.not_finite();
            }
            !output.is_over()
        });
    }

    /// How many rows there were.
    pub(crate) fn rows(&self) -> u64 {
        self.rows + self.open.iter().map(|(_, output)| output.rows()).sum::<u64>()
    }

    /// How many numbers were written as null, since JSON has no words for them.
    pub(crate) fn not_finite(&self) -> u64 {
        let open = self.open.iter().map(|(_, output)| output.not_finite());
        self.not_finite + open.sum::<u64>()
    }

    /// Those that are not over.
    pub(crate) fn open(&self) -> Vec<Output> {
        self.open.iter().map(|(_, output)| output.clone()).collect()
    }

    /// Has everything written that is held, now that the run is over. Files that have not
    /// come to their end are as they were.
    ///
    /// # Errors
    /// The first, when something cannot be written.
    pub(crate) fn end(&mut self, is_whole: bool) -> Result<(), String> {
        let mut outcome = Ok(());
        for (path, output) in &self.open {
            // All are ended, whichever fails.
            outcome = outcome.and(match path {
                Some(_) if !is_whole => output.abandon(),
                _ => output.end(),
            });
        }
        outcome
    }
}

/// What to say if it is the folder that is not there.
fn no_folder(path: &Path, error: &io::Error) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
    let is_missing = error.kind() == io::ErrorKind::NotFound && !folder.exists();
    is_missing.then(|| {
        let (path, folder) = (path.display(), folder.display());
        format!("{path}: there is no folder {folder}; make it first, as with `mkdir -p {folder}`")
    })
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
        let written = activity.inside(&self.writing, Some(&self.file), || (&*self.file).write(piece))?;
        activity.add_written(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
