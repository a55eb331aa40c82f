//! Where the sockets are: a directory of the user's own, checked before it is used.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::error::Error;
use crate::limits::{LOCK_MS, NAME_BYTES_MAX, NETWORKS_MAX};

/// The directory of a user's sockets.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

const SUFFIX: &str = ".sock";
const LOCK: &str = "lock";
const OTHERS: u32 = 0o077;
const WRITE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

impl Directory {
    /// The directory of the user who runs this; made if it is not there.
    ///
    /// # Errors
    /// When it is not the user's alone, and cannot be trusted therefore.
    pub fn of_user() -> Result<Directory, Error> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let path = match runtime.filter(|path| path.is_absolute()) {
            Some(runtime) => runtime.join("cutthrough"),
            None => std::env::temp_dir().join(format!("cutthrough-{}", user())),
        };
        Directory::at(&path)
    }

    /// A directory for sockets at this path; made if it is not there.
    ///
    /// # Errors
    /// As [`of_user`](Directory::of_user).
    pub fn at(path: &Path) -> Result<Directory, Error> {
        let parent = path
            .parent()
            .ok_or_else(|| Error::directory(path, "it has no parent"))?;
        check_parent(parent)?;
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::directory(path, error));
            }
            _ => {}
        }
        // Opened without following links, so that what is checked is what is there.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty());
        let opened = opened.map_err(|error| match error {
            rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP => {
                Error::directory(path, "it is no directory; remove it")
            }
            // Only the owner of such a directory may look into it.
            rustix::io::Errno::ACCESS => belongs_to_another(path, owner(path)),
            error => Error::directory(path, io::Error::from(error)),
        })?;
        let metadata = File::from(opened)
            .metadata()
            .map_err(|error| Error::directory(path, error))?;
        if metadata.uid() != user() {
            return Err(belongs_to_another(path, Some(metadata.uid())));
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(Error::directory(
                path,
                "others may use it; remove it, or `chmod 700` it",
            ));
        }
        Ok(Directory {
            path: path.to_owned(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens at the socket of this name.
    ///
    /// # Errors
    /// When the name is none, or in use; when the system says no.
    pub fn bind(&self, name: &str) -> Result<Bound, Error> {
        check_name(name)?;
        let path = self.socket(name);
        let _lock = self.lock()?;
        if self.is_live(&path) {
            return Err(Error::name_in_use(name));
        }
        if is_socket(&path) {
            fs::remove_file(&path).map_err(|error| Error::socket(&path, &error))?;
        }
        let listener = UnixListener::bind(&path).map_err(|error| Error::socket(&path, &error))?;
        let bound = Bound {
            identity: identity(&path),
            listener: Some(listener),
            path,
            directory: self.clone(),
        };
        let only_owner = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&bound.path, only_owner).map_err(|error| Error::socket(&bound.path, &error))?;
        Ok(bound)
    }

    /// The names at which a network listens, in order. What dead ones have left is
    /// removed.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let entries = fs::read_dir(&self.path).map_err(|error| Error::directory(&self.path, error))?;
        let mut names = Vec::new();
        for entry in entries.flatten().take(NETWORKS_MAX) {
            let file = entry.file_name();
            let Some(name) = file.to_str().and_then(|file| file.strip_suffix(SUFFIX)) else {
                continue;
            };
            let path = self.socket(name);
            if is_socket(&path) && (self.is_live(&path) || !self.clean_up(name)) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The socket of a network of this name.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{SUFFIX}"))
    }

    /// Removes a socket at which nobody listens; whether it did.
    fn clean_up(&self, name: &str) -> bool {
        let Ok(_lock) = self.lock() else {
            return false;
        };
        let path = self.socket(name);
        // Under the lock nobody is between binding and listening.
        !self.is_live(&path) && fs::remove_file(&path).is_ok()
    }

    /// Whether somebody listens at a socket, or it cannot be told.
    fn is_live(&self, path: &Path) -> bool {
        match crate::socket::connect(path) {
            Ok(_) => true,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename
            ),
        }
    }

    fn lock(&self) -> Result<File, Error> {
        let path = self.path.join(LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::socket(&path, &error))?;
        let begin = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::socket(&path, &error.into())),
            }
            if begin.elapsed() > Duration::from_millis(LOCK_MS) {
                return Err(Error::locked(&path));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A socket that is listened at. Dropping it removes it.
#[derive(Debug)]
pub struct Bound {
    listener: Option<UnixListener>,
    path: PathBuf,
    identity: Option<(u64, u64)>,
    directory: Directory,
}

impl Bound {
    /// What listens; it can be taken once.
    pub(crate) fn take_listener(&mut self) -> Option<UnixListener> {
        self.listener.take()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Without the lock too: nobody else takes this name while somebody listens.
        let _lock = self.directory.lock();
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a network can have this name.
///
/// # Errors
/// When it cannot, why.
pub fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if begins && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::number_as_name(name));
    }
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(Error::bad_name(name))
    }
}

/// The number of the user who runs this.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whoever may write to the parent could put something else in the directory's place.
fn check_parent(path: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(path).map_err(|error| Error::directory(path, error))?;
    if ![0, user()].contains(&metadata.uid()) {
        return Err(belongs_to_another(path, Some(metadata.uid())));
    }
    if metadata.mode() & WRITE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0 {
        return Err(Error::directory(
            path,
            "others could replace what is in it; set XDG_RUNTIME_DIR to a directory of your own",
        ));
    }
    Ok(())
}

/// Runs are reached by the user who runs them, and by nobody else.
fn belongs_to_another(path: &Path, owner: Option<u32>) -> Error {
    let owner = owner.map_or_else(String::new, |owner| format!(" (number {owner})"));
    let why = format!(
        "it belongs to another user{owner}, and you are number {}; ask as that user about their runs, \
         or set XDG_RUNTIME_DIR to a directory of your own",
        user()
    );
    Error::directory(path, why)
}

fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.uid())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
