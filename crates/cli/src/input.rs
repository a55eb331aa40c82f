//! Several files as one reader.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use cutthrough_formats::limits::LINE_BYTES_MAX;
use cutthrough_formats::processes::Output;
use cutthrough_lang::Patience;

use crate::activity::Activity;
use crate::interrupt::Interrupt;

/// What a reader shares with whoever else takes part in the run.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// What the run is inside of, and what has come in and gone out.
    pub(crate) activity: Activity,
    /// What is written: before the run waits for input, this is brought up to date.
    pub(crate) outputs: Arc<Mutex<Vec<Output>>>,
    /// While the run waits for input, this ends it.
    pub(crate) interrupt: Interrupt,
    /// What has nothing to read at present, where input may be a while in coming.
    waiting: Arc<Mutex<Vec<Arc<File>>>>,
}

impl Surroundings {
    /// Nothing read, nothing written.
    pub(crate) fn new(interrupt: Interrupt) -> Surroundings {
        Surroundings {
            activity: Activity::default(),
            outputs: Arc::default(),
            interrupt,
            waiting: Arc::default(),
        }
    }

    /// Whether somebody had nothing to read.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.lock().is_empty()
    }

    /// Waits until there is input for who had none, or the run is woken; first has the
    /// outputs brought up to date if that is not at once. Whether there is something to
    /// read: when the user has asked to stop, that is the end.
    pub(crate) fn wait(&self) -> io::Result<bool> {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        if self.interrupt.is_requested() {
            return Ok(true);
        }
        let woken = self.interrupt.woken();
        let inputs = waiting.iter().map(|file| PollFd::new(&**file, PollFlags::IN));
        let mut fds: Vec<PollFd<'_>> = inputs.chain([PollFd::new(woken, PollFlags::IN)]).collect();
        if poll_retrying(&mut fds, Some(&Timespec::default()))? == 0 {
            for output in &*self.outputs.lock() {
                // Who writes next gets the error again.
                let _ = output.settle();
            }
            poll_retrying(&mut fds, None)?;
        }
        self.interrupt.handle_wake();
        let has_input =
            self.interrupt.is_requested() || fds[..waiting.len()].iter().any(|fd| !fd.revents().is_empty());
        if !has_input {
            drop(fds);
            *self.waiting.lock() = waiting;
        }
        Ok(has_input)
    }
}

/// What was read of inputs before the run, to learn the names of columns: the run
/// begins with it.
#[derive(Debug, Default)]
pub(crate) struct Peeked {
    opened: Mutex<HashMap<OsString, Begun>>,
    /// How long the first line of an input is waited for, if there is a bound to that.
    wait_max: Option<Duration>,
}

/// A file, and what was read of it.
type Begun = (Arc<File>, Vec<u8>);

impl Peeked {
    /// Nothing read, and no first line waited for longer than this.
    pub(crate) fn within(wait_max: Duration) -> Peeked {
        Peeked {
            wait_max: Some(wait_max),
            ..Peeked::default()
        }
    }

    /// The first line of an input; none for one that would have to be waited for, if there is no patience for that.
    pub(crate) fn first_line(&self, path: &OsStr, patience: Patience) -> Result<Option<Vec<u8>>, String> {
        if patience == Patience::None {
            // Nothing is kept: there may be more such inputs than a process may open.
            return match Input::of(path, None)? {
                input if input.bytes.is_none() => Ok(None),
                mut input => input.line().map(Some).map_err(|error| message(path, &error)),
            };
        }
        let mut opened = self.opened.lock();
        let (file, mut prefix) = match opened.remove(path) {
            Some(known) => known,
            None => (
                Input::of(path, None)?
                    .open()
                    .map_err(|error| message(path, &error))?
                    .file,
                Vec::new(),
            ),
        };
        let outcome = read_line(&file, &mut prefix, self.wait_max);
        let end = prefix
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(prefix.len());
        let line = prefix[..end].to_vec();
        opened.insert(path.to_owned(), (file, prefix));
        outcome.map_err(|error| message(path, &error))?;
        Ok(Some(line))
    }

    fn take(&self, path: &OsStr) -> Option<Begun> {
        self.opened.lock().remove(path)
    }
}

/// Reads until there is a line in `prefix`, or all of the file.
fn read_line(mut file: &File, prefix: &mut Vec<u8>, wait_max: Option<Duration>) -> io::Result<()> {
    let wait_max = wait_max.and_then(|wait| wait.try_into().ok());
    const PIECE_BYTES: usize = 64 << 10;
    while !prefix.contains(&b'\n') {
        if prefix.len() > LINE_BYTES_MAX {
            return Err(io::Error::other("its first line has no end"));
        }
        let known = prefix.len();
        prefix.resize(known + PIECE_BYTES, 0);
        // A pipe that was opened without waiting would seem to be at its end.
        if poll_retrying(&mut [PollFd::new(file, PollFlags::IN)], wait_max.as_ref())? == 0 {
            return Err(io::Error::other(
                "its first line, which has the names of columns, does not come",
            ));
        }
        let outcome = file.read(&mut prefix[known..]);
        let length = *outcome.as_ref().unwrap_or(&0);
        prefix.truncate(known + length);
        match outcome {
            Ok(0) => break,
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// One input, found to be there.
#[derive(Debug)]
pub(crate) struct Input {
    path: OsString,
    /// The size of a regular file.
    pub(crate) bytes: Option<u64>,
    /// The device and inode of a regular file.
    pub(crate) identity: Option<(u64, u64)>,
    peeked: Option<Begun>,
}

impl Input {
    /// Looks at a path; `-` is the standard input.
    pub(crate) fn of(path: &OsStr, peeked: Option<&Peeked>) -> Result<Input, String> {
        let peeked = peeked.and_then(|peeked| peeked.take(path));
        let input = Input {
            path: path.to_owned(),
            bytes: None,
            identity: None,
            peeked,
        };
        if path == "-" {
            return Ok(input);
        }
        let named = |error: io::Error| message(path, &error);
        let metadata = std::fs::metadata(path).map_err(named)?;
        if metadata.is_dir() {
            return Err(format!("{}: is a directory", Path::new(path).display()));
        }
        if !metadata.is_file() {
            return Ok(input);
        }
        // Better refused now than in the middle of the work.
        drop(File::open(path).map_err(named)?);
        Ok(Input {
            bytes: Some(metadata.len()),
            identity: Some(identity(&metadata)),
            ..input
        })
    }

    /// Its first line.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        read_line(&self.open()?.file, &mut line, None)?;
        line.truncate(line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len()));
        Ok(line)
    }

    /// Whether it is the standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == "-"
    }

    fn open(&mut self) -> io::Result<Open> {
        let (file, prefix) = match self.peeked.take() {
            Some(peeked) => peeked,
            None if self.is_stdin() => {
                let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
                (Arc::new(file), Vec::new())
            }
            None => (Arc::new(open_at_once(&self.path)?), Vec::new()),
        };
        let kind = file.metadata()?.file_type();
        let may_wait = !kind.is_file() && !kind.is_dir() && !kind.is_block_device();
        Ok(Open {
            file,
            may_wait,
            prefix: io::Cursor::new(prefix),
            begun: Vec::new(),
            has_ended: false,
            reading: format!("reading {}", name(&self.path)).into(),
        })
    }
}

/// Opens a file to read, at once: a pipe that nobody has opened to write is waited for when
/// it is read.
fn open_at_once(path: &OsStr) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    if std::fs::metadata(path)?.file_type().is_fifo() {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// What tells one file from another.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
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

/// What an input is called.
fn name(path: &OsStr) -> Cow<'_, str> {
    if path == "-" {
        "standard input".into()
    } else {
        path.to_string_lossy()
    }
}

#[derive(Debug)]
struct Open {
    file: Arc<File>,
    /// Whether input may be a while in coming: pipes, terminals, sockets.
    may_wait: bool,
    /// What was read before the run.
    prefix: io::Cursor<Vec<u8>>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    has_ended: bool,
    /// What to read from it is told as.
    reading: Arc<str>,
}

impl Open {
    /// Reads whole lines where input may be a while in coming: so that what is cut off, should
    /// it end early, is not taken for a line.
    fn read_lines(&mut self, buffer: &mut [u8], surroundings: &Surroundings) -> io::Result<usize> {
        if !self.may_wait || buffer.len() < 2 * BEGUN_BYTES_MAX {
            return self.read(buffer, surroundings);
        }
        while !self.has_ended {
            let begun = self.begun.len();
            let read = self.read(&mut buffer[begun..], surroundings)?;
            let length = begun + read;
            buffer[..begun].copy_from_slice(&self.begun);
            self.begun.clear();
            self.has_ended = read == 0;
            let lines = memchr::memrchr(b'\n', &buffer[..length]).map_or(0, |end| end + 1);
            if self.has_ended || length - lines > BEGUN_BYTES_MAX {
                return Ok(length);
            }
            self.begun.extend_from_slice(&buffer[lines..length]);
            if lines > 0 {
                return Ok(lines);
            }
        }
        Ok(0)
    }

    /// Reads, unless that would have to wait: so the network is free meanwhile.
    fn read(&mut self, buffer: &mut [u8], surroundings: &Surroundings) -> io::Result<usize> {
        let known = self.prefix.read(buffer)?;
        if known > 0 {
            return Ok(known);
        }
        if !self.may_wait {
            let read = || (&*self.file).read(buffer);
            return surroundings.activity.inside(&self.reading, None, read);
        }
        let mut fds = [PollFd::new(&*self.file, PollFlags::IN)];
        let outcome = match poll_retrying(&mut fds, Some(&Timespec::default()))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => (&*self.file).read(buffer),
        };
        let waits = matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if waits && !surroundings.interrupt.is_requested() {
            surroundings.waiting.lock().push(Arc::clone(&self.file));
        }
        outcome
    }
}

/// What is kept back of a line whose end has not come; of a longer one, nothing is.
const BEGUN_BYTES_MAX: usize = 64 << 10;

/// Inputs one after another. When the user asks to stop, they end behind the last line
/// whose end is there: what is cut off is no line.
#[derive(Debug)]
pub(crate) struct Inputs {
    inputs: std::vec::IntoIter<Input>,
    current: Option<(Input, Open)>,
    /// Whether what was given last ends within a line.
    is_within_line: bool,
    surroundings: Surroundings,
}

impl Inputs {
    pub(crate) fn new(inputs: Vec<Input>, surroundings: Surroundings) -> Inputs {
        Inputs {
            inputs: inputs.into_iter(),
            current: None,
            is_within_line: false,
            surroundings,
        }
    }

    fn read_current(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (input, open) = self.current.as_mut().expect("INVARIANT: one is open");
        let length = match open.read_lines(buffer, &self.surroundings) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            outcome => outcome.map_err(|error| io::Error::new(error.kind(), message(&input.path, &error)))?,
        };
        self.surroundings.activity.add_read(length);
        self.is_within_line = buffer[..length].last().is_some_and(|&last| last != b'\n');
        Ok(length)
    }

    /// The user has asked to stop: gives the rest of a line that was given in part, if it is
    /// there.
    fn read_rest(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inputs = Vec::new().into_iter();
        if self.current.is_none() || !self.is_within_line {
            return Ok(0);
        }
        match self.read_current(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            outcome => {
                let length = outcome?;
                let end = memchr::memchr(b'\n', &buffer[..length]);
                self.is_within_line = length > 0 && end.is_none();
                Ok(end.map_or(length, |end| end + 1))
            }
        }
    }
}

impl cutthrough::processes::Inputs for Inputs {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.surroundings.interrupt.is_requested() {
            return self.read_rest(buffer);
        }
        if self.current.is_none() && !self.advance()? {
            return Ok(0);
        }
        self.read_current(buffer)
    }

    fn advance(&mut self) -> io::Result<bool> {
        self.current = None;
        let Some(mut input) = self.inputs.next() else {
            return Ok(false);
        };
        let open = input
            .open()
            .map_err(|error| io::Error::new(error.kind(), message(&input.path, &error)))?;
        self.is_within_line = false;
        tracing::debug!(path = ?input.path, may_wait = open.may_wait, "reading");
        self.current = Some((input, open));
        Ok(true)
    }
}

fn poll_retrying(fds: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> io::Result<usize> {
    loop {
        match poll(fds, timeout) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => return Ok(outcome?),
        }
    }
}

#[cfg(test)]
mod tests {
    use cutthrough::processes::Inputs as _;

    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings::new(Interrupt::new().unwrap())
    }

    /// What the inputs have.
    fn texts_of(inputs: &mut Inputs) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            let (mut text, mut buffer) = (Vec::new(), [0; 8]);
            while let length @ 1.. = inputs.read(&mut buffer).unwrap() {
                text.extend_from_slice(&buffer[..length]);
            }
            texts.push(String::from_utf8(text).unwrap());
            if !inputs.advance().unwrap() {
                return texts;
            }
        }
    }

    #[test]
    fn inputs_are_read_one_after_another() {
        let dir = std::env::temp_dir().join(format!("cutthrough-input-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let texts = ["a\nb", "", "c\n", "d"];
        let inputs = texts.iter().enumerate().map(|(k, text)| {
            let path = dir.join(k.to_string());
            std::fs::write(&path, text).unwrap();
            Input::of(path.as_os_str(), None).unwrap()
        });
        let surroundings = surroundings();
        let mut inputs = Inputs::new(inputs.collect(), surroundings.clone());
        assert_eq!(texts_of(&mut inputs), texts);
        assert_eq!(surroundings.activity.bytes_read(), 6);
        let error = Input::of(dir.as_os_str(), None).unwrap_err();
        assert!(error.ends_with("is a directory"), "{error}");
        assert!(
            Input::of(dir.join("x").as_os_str(), None)
                .unwrap_err()
                .ends_with("there is no such file")
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_was_looked_at_is_read_again() {
        let path = std::env::temp_dir().join(format!("cutthrough-peek-{}", std::process::id()));
        std::fs::write(&path, "name;n\na;1\n").unwrap();
        let peeked = Peeked::default();
        for _ in 0..2 {
            for patience in [Patience::Wait, Patience::None] {
                let line = peeked.first_line(path.as_os_str(), patience).unwrap();
                assert_eq!(line.as_deref(), Some(&b"name;n"[..]));
            }
        }
        assert_eq!(peeked.first_line(OsStr::new("-"), Patience::None).unwrap(), None);
        let input = Input::of(path.as_os_str(), Some(&peeked)).unwrap();
        assert_eq!(
            texts_of(&mut Inputs::new(vec![input], surroundings())),
            ["name;n\na;1\n"]
        );
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn who_has_nothing_to_read_is_waited_for() {
        let path = std::env::temp_dir().join(format!("cutthrough-fifo-{}", std::process::id()));
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        // Held open for both, so that neither end waits for the other.
        let mut held = File::options().read(true).write(true).open(&path).unwrap();
        let surroundings = surroundings();
        let input = Input::of(path.as_os_str(), None).unwrap();
        let mut inputs = Inputs::new(vec![input], surroundings.clone());
        let mut buffer = [0; 8];
        let nothing = inputs.read(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        io::Write::write_all(&mut held, b"ab").unwrap();
        assert!(surroundings.wait().unwrap());
        assert_eq!(inputs.read(&mut buffer).unwrap(), 2);
        // Nothing to read again: what wakes it is the interrupt, each time anew.
        assert!(inputs.read(&mut buffer).is_err());
        for _ in 0..2 {
            surroundings.interrupt.wake();
            assert!(!surroundings.wait().unwrap() && surroundings.is_waiting());
        }
        assert!(!surroundings.interrupt.is_requested());
        surroundings.interrupt.request(2);
        surroundings.wait().unwrap();
        assert!(surroundings.interrupt.is_requested());
        std::fs::remove_file(&path).unwrap();
    }
}
