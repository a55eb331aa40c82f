//! Several files as one reader.
//!
//! | file | what |
//! |---|---|
//! | `mod` | inputs, and how they are read one after another |
//! | `border` | where they end for a while, as other threads have what is behind |
//! | `peek` | their beginnings, looked at before the run |
//! | `place` | which of them is read at present |

mod border;
mod peek;
mod place;

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use crate::decompress::{Decompressor, Kind};
use crate::files::{identity, identity_of, message, name, poll_retrying};
use crate::surroundings::Surroundings;

pub(crate) use border::Border;
use border::Left;
pub(crate) use peek::{Beginnings, Peeked};
pub(crate) use place::Place;

/// One input, found to be there.
#[derive(Debug)]
pub(crate) struct Input {
    path: OsString,
    /// The size of a regular file that is not compressed.
    pub(crate) bytes: Option<u64>,
    /// The device and inode of a regular file.
    pub(crate) identity: Option<(u64, u64)>,
    peeked: Option<Open>,
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
            return Ok(Input {
                identity: identity_of(io::stdin()),
                ..input
            });
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
        let mut beginning = Vec::new();
        let file = File::open(path).map_err(named)?;
        file.take(BEGINNING_BYTES as u64)
            .read_to_end(&mut beginning)
            .map_err(named)?;
        let is_compressed = matches!(Kind::of(&beginning), Kind::Compressed(_));
        Ok(Input {
            bytes: (!is_compressed).then_some(metadata.len()),
            identity: Some(identity(&metadata)),
            ..input
        })
    }

    /// The path, as it was named.
    pub(crate) fn path(&self) -> &OsStr {
        &self.path
    }

    /// Whether it is the standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == "-"
    }

    fn open(&mut self) -> io::Result<Open> {
        if let Some(peeked) = self.peeked.take() {
            return Ok(peeked);
        }
        let file = match self.is_stdin() {
            true => File::from(io::stdin().as_fd().try_clone_to_owned()?),
            false => open_at_once(&self.path)?,
        };
        let kind = file.metadata()?.file_type();
        let may_wait = !kind.is_file() && !kind.is_dir() && !kind.is_block_device();
        Ok(Open {
            file: Arc::new(file),
            may_wait,
            prefix: io::Cursor::default(),
            is_known: false,
            decompressor: None,
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

#[derive(Debug)]
struct Open {
    file: Arc<File>,
    /// Whether input may be a while in coming: pipes, terminals, sockets.
    may_wait: bool,
    /// What was read ahead.
    prefix: io::Cursor<Vec<u8>>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    has_ended: bool,
    /// What to read from it is told as.
    reading: Arc<str>,
    /// Whether it was found out if it is compressed.
    is_known: bool,
    /// What it is decompressed by; then the file is what comes out of it.
    decompressor: Option<Decompressor>,
}

/// How much of an input is read to find out what it is.
const BEGINNING_BYTES: usize = 16;

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
        if !self.is_known {
            self.recognise(|open, beginning| open.read_ready(beginning, surroundings))?;
        }
        let known = self.prefix.read(buffer)?;
        if known > 0 {
            return Ok(known);
        }
        let length = self.read_ready(buffer, surroundings)?;
        if length == 0 {
            self.finish()?;
        }
        Ok(length)
    }

    /// Reads what is in the file, unless that would have to wait: then it is noted as one
    /// that is waited for.
    fn read_ready(&self, buffer: &mut [u8], surroundings: &Surroundings) -> io::Result<usize> {
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
            surroundings.wait_for(&self.file);
        }
        outcome
    }

    /// Finds out whether it is compressed.
    fn recognise(&mut self, read: impl Fn(&Open, &mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        let mut beginning = [0; BEGINNING_BYTES];
        while Kind::of(self.prefix.get_ref()) == Kind::Unknown {
            match read(self, &mut beginning)? {
                0 => break,
                length => self.prefix.get_mut().extend_from_slice(&beginning[..length]),
            }
        }
        self.is_known = true;
        match Kind::of(self.prefix.get_ref()) {
            Kind::Compressed(compression) => {
                let beginning = std::mem::take(&mut self.prefix).into_inner();
                let (decompressor, pipe) =
                    Decompressor::start(compression, beginning, Arc::clone(&self.file))?;
                (self.file, self.may_wait) = (Arc::new(pipe), true);
                self.decompressor = Some(decompressor);
                Ok(())
            }
            Kind::Foreign(name, tool) => Err(io::Error::other(format!(
                "is {name} data, which is not read here; pipe what `{tool}` makes of it into cutthrough"
            ))),
            Kind::Plain | Kind::Unknown => Ok(()),
        }
    }

    /// At the end: whether it was all there.
    fn finish(&self) -> io::Result<()> {
        self.decompressor.as_ref().map_or(Ok(()), Decompressor::finish)
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
    place: Place,
    /// How many inputs have been opened, and how much has been given of the last one.
    opened: usize,
    offset: u64,
    border: Option<Arc<Border>>,
    surroundings: Surroundings,
}

impl Inputs {
    pub(crate) fn new(inputs: Vec<Input>, place: Place, surroundings: Surroundings) -> Inputs {
        Inputs {
            inputs: inputs.into_iter(),
            current: None,
            is_within_line: false,
            place,
            opened: 0,
            offset: 0,
            border: None,
            surroundings,
        }
    }

    /// With a border where they end for a while.
    pub(crate) fn with_border(self, border: Option<Arc<Border>>) -> Inputs {
        Inputs { border, ..self }
    }

    fn read_current(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (input, open) = self.current.as_mut().expect("INVARIANT: one is open");
        let length = match open.read_lines(buffer, &self.surroundings) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            outcome => outcome.map_err(|error| io::Error::new(error.kind(), message(&input.path, &error)))?,
        };
        self.surroundings.activity.add_read(length);
        self.place.give();
        self.offset += length as u64;
        self.is_within_line = buffer[..length].last().is_some_and(|&last| last != b'\n');
        Ok(length)
    }

    /// The user has asked to stop: gives the rest of a line that was given in part, if it is
    /// there.
    fn read_rest(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inputs = Vec::new().into_iter();
        if let Some((_, open)) = &mut self.current {
            let begun = std::mem::take(&mut open.begun).len() as u64;
            self.surroundings.unfinished.fetch_add(begun, Ordering::Relaxed);
        }
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
        let border = self.border.as_ref();
        let left = border.map_or(Left::Bytes(u64::MAX), |border| {
            border.left(self.opened - 1, self.offset)
        });
        match left {
            Left::Bytes(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                self.read_current(&mut buffer[..most])
            }
            Left::Nothing => Err(io::ErrorKind::WouldBlock.into()),
            Left::End => {
                self.inputs = Vec::new().into_iter();
                Ok(0)
            }
        }
    }

    fn advance(&mut self) -> io::Result<bool> {
        self.current = None;
        let Some(mut input) = self.inputs.next() else {
            return Ok(false);
        };
        let open = input
            .open()
            .map_err(|error| io::Error::new(error.kind(), message(&input.path, &error)))?;
        (self.is_within_line, self.offset) = (false, 0);
        self.opened += 1;
        self.place.go_to(&input.path);
        tracing::debug!(path = ?input.path, may_wait = open.may_wait, "reading");
        self.current = Some((input, open));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use cutthrough::processes::Inputs as _;
    use cutthrough_lang::Patience;

    use crate::interrupt::Interrupt;

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
        let mut inputs = Inputs::new(inputs.collect(), Place::default(), surroundings.clone());
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
            for patience in [Patience::Lines(1), Patience::None] {
                let beginning = peeked.beginning(path.as_os_str(), patience).unwrap();
                assert_eq!(beginning.as_deref(), Some(&b"name;n\na;1\n"[..]));
            }
        }
        assert_eq!(peeked.beginning(OsStr::new("-"), Patience::None).unwrap(), None);
        let input = Input::of(path.as_os_str(), Some(&peeked)).unwrap();
        assert_eq!(
            texts_of(&mut Inputs::new(vec![input], Place::default(), surroundings())),
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
        let mut inputs = Inputs::new(vec![input], Place::default(), surroundings.clone());
        let mut buffer = [0; 8];
        let nothing = inputs.read(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        io::Write::write_all(&mut held, b"ab").unwrap();
        assert!(surroundings.wait(None).unwrap());
        assert_eq!(inputs.read(&mut buffer).unwrap(), 2);
        // Nothing to read again: what wakes it is the interrupt, each time anew.
        assert!(inputs.read(&mut buffer).is_err());
        for _ in 0..2 {
            surroundings.interrupt.wake();
            assert!(!surroundings.wait(None).unwrap() && surroundings.is_waiting());
        }
        assert!(!surroundings.interrupt.is_requested());
        surroundings.interrupt.request(2);
        surroundings.wait(None).unwrap();
        assert!(surroundings.interrupt.is_requested());
        std::fs::remove_file(&path).unwrap();
    }
}
