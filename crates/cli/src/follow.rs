//! Files that are read on as they grow: what `read "..." follow` reads.
//!
//! # What is followed
//! A path, or all files of a pattern, looked for again now and then. A file is told from others by device and inode, so:
//!
//! - one that is renamed is read to its end, and the one that takes its name from its beginning (rotation);
//! - one that is shorter than what was read of it is read from its beginning (truncation);
//! - one that is gone is forgotten at its end.
//!
//! What is given is whole lines. The line that a file ends in without an end is given when the file is replaced,
//! truncated or gone, as no more of it comes then. A file that is truncated and grows beyond what was read of it before
//! anybody looks cannot be told from one that has only grown.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memchr::memrchr;

use crate::files::{identity, message};
use crate::input::Place;
use crate::surroundings::Surroundings;

/// How often patterns are looked for again.
const EXPAND_EVERY: Duration = Duration::from_millis(200);

/// What one line may take that has no end yet; a longer one is given in pieces, which `lines` bounds.
const BEGUN_BYTES_MAX: usize = 64 << 10;

/// The files of a path that may be a pattern, in order.
///
/// # Errors
/// When there is none, or the pattern cannot be read.
pub(crate) fn expand(path: &OsStr) -> Result<Vec<PathBuf>, String> {
    let is_pattern = path.as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte));
    let (true, Some(pattern)) = (is_pattern && !Path::new(path).exists(), path.to_str()) else {
        return Ok(vec![PathBuf::from(path)]);
    };
    let found = glob::glob(pattern).map_err(|error| format!("{pattern}: {error}"))?;
    let mut files: Vec<PathBuf> = found.flatten().filter(|path| !path.is_dir()).collect();
    files.sort_unstable();
    if files.is_empty() {
        return Err(format!("{pattern}: there is no such file"));
    }
    Ok(files)
}

/// A file that is followed.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
    /// How much of it has been read.
    offset: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// How many times it has begun anew, and whether it does so with what is read next.
    generation: u64,
    begins_anew: bool,
}

/// What has been found when a file was looked at.
enum Found {
    /// So many bytes of whole lines.
    Lines(usize),
    /// Nothing new.
    Nothing,
    /// The file is at its end for good.
    Over,
}

/// Files that are followed, one after another as they have something new.
#[derive(Debug)]
pub(crate) struct Follow {
    paths: Vec<OsString>,
    files: Vec<Followed>,
    /// The one that is looked at next.
    current: usize,
    /// The input that was given last: a file from one of its beginnings on.
    last: Option<((u64, u64), u64)>,
    /// Lines of another one, which wait for the end of that.
    pending: Option<Vec<u8>>,
    expanded: Option<Instant>,
    place: Place,
    surroundings: Surroundings,
}

impl Follow {
    /// Follows the files of these paths, each of which may be a pattern.
    ///
    /// # Errors
    /// When a path that is no pattern cannot be read.
    pub(crate) fn new(
        paths: Vec<OsString>,
        place: Place,
        surroundings: Surroundings,
    ) -> Result<Follow, String> {
        let mut follow = Follow {
            paths,
            files: Vec::new(),
            current: 0,
            last: None,
            pending: None,
            expanded: None,
            place,
            surroundings,
        };
        follow.look()?;
        Ok(follow)
    }

    /// The paths and identities of the files that are followed now.
    pub(crate) fn identities(&self) -> impl Iterator<Item = (PathBuf, (u64, u64))> + '_ {
        self.files.iter().map(|file| (file.path.clone(), file.identity))
    }

    /// Looks for files that have come to be, or have other names.
    fn look(&mut self) -> Result<(), String> {
        let is_first = self.expanded.replace(Instant::now()).is_none();
        for path in self.paths.clone() {
            // What is not there yet may come.
            let files = expand(&path).unwrap_or_default();
            for file in files {
                match self.add(&file) {
                    Err(error) if is_first => return Err(message(file.as_os_str(), &error)),
                    _ => {}
                }
            }
        }
        // What has been replaced comes before what has replaced it.
        if let Some(gone) = self.files.iter().position(|file| !file.is_there()) {
            self.current = gone;
        }
        Ok(())
    }

    /// Follows a file from its beginning, unless it is followed already.
    fn add(&mut self, path: &Path) -> io::Result<()> {
        let metadata = std::fs::metadata(path)?;
        let same = |file: &&mut Followed| file.identity == identity(&metadata);
        if let Some(known) = self.files.iter_mut().find(same) {
            known.path = path.to_owned();
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(io::Error::other("is no file that could be followed"));
        }
        let file = File::open(path)?;
        let identity = identity(&file.metadata()?);
        tracing::debug!(?path, "following");
        self.files.push(Followed {
            path: path.to_owned(),
            file,
            identity,
            offset: 0,
            begun: Vec::new(),
            generation: 0,
            begins_anew: false,
        });
        Ok(())
    }
}

impl Followed {
    /// Whether it still has its name.
    fn is_there(&self) -> bool {
        let at_path = std::fs::metadata(&self.path).map(|metadata| identity(&metadata));
        at_path.is_ok_and(|at_path| at_path == self.identity)
    }

    /// Reads what is new, up to the last line whose end is there.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Found> {
        // First what is at the path, then the end: what was written before the file was replaced is there by then.
        let is_there = self.is_there();
        let metadata: Metadata = self.file.metadata()?;
        if metadata.len() < self.offset {
            (self.offset, self.begins_anew) = (0, true);
            if let Some(found) = self.give_begun(buffer) {
                return Ok(found);
            }
        }
        self.generation += u64::from(std::mem::take(&mut self.begins_anew));
        loop {
            let begun = self.begun.len();
            let room = buffer.len();
            let read = self.file.read_at(&mut buffer[begun..room - 1], self.offset)?;
            self.offset += read as u64;
            if read == 0 {
                break;
            }
            buffer[..begun].copy_from_slice(&self.begun);
            let length = begun + read;
            let lines = memrchr(b'\n', &buffer[..length]).map_or(0, |end| end + 1);
            self.begun.clear();
            if lines == 0 && length > BEGUN_BYTES_MAX.min(room / 2) {
                return Ok(Found::Lines(length));
            }
            self.begun.extend_from_slice(&buffer[lines..length]);
            if lines > 0 {
                return Ok(Found::Lines(lines));
            }
        }
        if is_there {
            return Ok(Found::Nothing);
        }
        Ok(self.give_begun(buffer).unwrap_or(Found::Over))
    }

    /// Gives a line that gets no end any more.
    fn give_begun(&mut self, buffer: &mut [u8]) -> Option<Found> {
        let length = self.begun.len();
        if length == 0 {
            return None;
        }
        buffer[..length].copy_from_slice(&self.begun);
        buffer[length] = b'\n';
        self.begun.clear();
        Some(Found::Lines(length + 1))
    }
}

impl cutthrough::processes::Inputs for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(lines) = self.pending.take() {
            self.place.give();
            buffer[..lines.len()].copy_from_slice(&lines);
            return Ok(lines.len());
        }
        if self.surroundings.interrupt.is_requested() {
            return Ok(0);
        }
        if self.expanded.is_none_or(|at| at.elapsed() >= EXPAND_EVERY) {
            self.look().map_err(io::Error::other)?;
        }
        let mut looked_at = 0;
        while looked_at < self.files.len() {
            let current = self.current % self.files.len();
            let file = &mut self.files[current];
            let found = file.read(buffer);
            match found
                .map_err(|error| io::Error::new(error.kind(), message(file.path.as_os_str(), &error)))?
            {
                Found::Lines(length) => {
                    let input = (file.identity, file.generation);
                    if self.last != Some(input) {
                        self.place.go_to(file.path.as_os_str());
                    }
                    let is_other = self.last.replace(input).is_some_and(|last| last != input);
                    self.surroundings.activity.add_read(length);
                    if is_other {
                        // The end of an input stands between two.
                        self.pending = Some(buffer[..length].to_vec());
                        return Ok(0);
                    }
                    self.place.give();
                    return Ok(length);
                }
                Found::Nothing => {
                    looked_at += 1;
                    self.current = current + 1;
                }
                Found::Over => {
                    // It may have another name, and another file its name.
                    self.look().map_err(io::Error::other)?;
                    if !self.files[current].is_there() {
                        self.files.remove(current);
                        looked_at = 0;
                    }
                }
            }
        }
        self.surroundings.follow();
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn advance(&mut self) -> io::Result<bool> {
        Ok(self.pending.is_some() || !self.surroundings.interrupt.is_requested())
    }
}
