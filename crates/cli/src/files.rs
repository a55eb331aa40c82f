//! Files by name and identity, and what is said of them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What tells one file from another.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The same of an open file, if it is a regular one.
pub(crate) fn identity_of(fd: impl AsFd) -> Option<(u64, u64)> {
    let file = File::from(fd.as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    metadata.is_file().then(|| identity(&metadata))
}

/// An error with the path it is about.
pub(crate) fn message(path: &OsStr, error: &io::Error) -> String {
    let name = name(path);
    match error.kind() {
        io::ErrorKind::NotFound => format!("{name}: there is no such file"),
        io::ErrorKind::PermissionDenied => format!("{name}: permission denied"),
        io::ErrorKind::IsADirectory => format!("{name}: is a directory"),
        _ => format!("{name}: {error}"),
    }
}

/// Writes, and waits for room also where the system would not: whoever has the same pipe or
/// terminal may have set it so. That a reader is gone is always `BrokenPipe`, whatever it was.
pub(crate) fn write_waiting(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(&fd, bytes) {
            Err(Errno::AGAIN) => {
                poll_retrying(&mut [PollFd::new(&fd, PollFlags::OUT)], None)?;
            }
            Err(Errno::CONNRESET) => return Err(io::ErrorKind::BrokenPipe.into()),
            outcome => return Ok(outcome?),
        }
    }
}

/// The same, for all of it.
pub(crate) fn write_all_waiting(fd: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write_waiting(&fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What an input is called.
pub(crate) fn name(path: &OsStr) -> Cow<'_, str> {
    if path == "-" {
        "standard input".into()
    } else {
        path.to_string_lossy()
    }
}

/// The directory of a file.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What to say if it is the folder that is not there.
pub(crate) fn no_folder(path: &Path, error: &io::Error) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
    let is_missing = error.kind() == io::ErrorKind::NotFound && !folder.exists();
    is_missing.then(|| {
        let (path, folder) = (path.display(), folder.display());
        format!("{path}: there is no folder {folder}; make it first, as with `mkdir -p {folder}`")
    })
}

/// Waits for one of these, also where a signal comes meanwhile; gives how many are ready.
pub(crate) fn poll_retrying(fds: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> io::Result<usize> {
    loop {
        match poll(fds, timeout) {
            Err(Errno::INTR) => {}
            outcome => return Ok(outcome?),
        }
    }
}
