//! Files and standard streams as writers.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::input::{Surroundings, identity};
use crate::progress::Progress;

/// A file to be written, opened but as it was.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    file: File,
    /// The device and inode of a regular file.
    pub(crate) identity: Option<(u64, u64)>,
}

impl Target {
    /// Opens a file, which is made if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Target, String> {
        let named = |error: io::Error| crate::input::message(path.as_os_str(), &error);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| no_folder(path, &error).unwrap_or_else(|| named(error)))?;
        let metadata = file.metadata().map_err(named)?;
        let identity = metadata.is_file().then(|| identity(&metadata));
        Ok(Target {
            path: path.to_owned(),
            file,
            identity,
        })
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// A writer to the file.
    pub(crate) fn writer(&self, surroundings: &Surroundings) -> Result<Writer, String> {
        let file = self
            .file
            .try_clone()
            .map_err(|error| crate::input::message(self.path.as_os_str(), &error))?;
        Ok(Writer::new(file, &self.name(), surroundings))
    }

    /// Empties the file, now that it is certain that the program runs.
    pub(crate) fn clear(&self) -> Result<(), String> {
        if self.identity.is_none() {
            return Ok(());
        }
        self.file
            .set_len(0)
            .map_err(|error| crate::input::message(self.path.as_os_str(), &error))
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
