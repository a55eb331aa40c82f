//! Files that are written whole or not at all.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::files::{message, no_folder, parent};

/// What is written under a name of its own, and takes a file's place at the end. Dropping it
/// removes it.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) file: File,
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
    pub(crate) fn of(path: &Path, there: Option<&Metadata>) -> Result<Replacement, String> {
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
