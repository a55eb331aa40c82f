//! Files and standard streams as writers.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::input::identity;
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
            .map_err(named)?;
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
    pub(crate) fn writer(&self) -> Result<File, String> {
        self.file
            .try_clone()
            .map_err(|error| crate::input::message(self.path.as_os_str(), &error))
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

/// A standard stream, unbuffered. On a terminal the progress line gives way to it.
#[derive(Debug)]
pub(crate) struct Standard {
    file: File,
    progress: Option<Progress>,
}

impl Standard {
    pub(crate) fn stdout(progress: &Progress) -> Result<Standard, String> {
        let is_terminal = io::stdout().is_terminal();
        Standard::new(io::stdout().as_fd(), is_terminal.then(|| progress.clone()))
            .map_err(|error| format!("standard output: {error}"))
    }

    pub(crate) fn stderr(progress: &Progress) -> Result<Standard, String> {
        let is_terminal = io::stderr().is_terminal();
        Standard::new(io::stderr().as_fd(), is_terminal.then(|| progress.clone()))
            .map_err(|error| format!("standard error: {error}"))
    }

    fn new(fd: BorrowedFd<'_>, progress: Option<Progress>) -> io::Result<Standard> {
        Ok(Standard {
            file: File::from(fd.try_clone_to_owned()?),
            progress,
        })
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
