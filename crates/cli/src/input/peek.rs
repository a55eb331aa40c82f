//! The beginnings of inputs, looked at before the run: they say what columns there are.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};

use cutthrough_formats::limits::LINE_BYTES_MAX;
use cutthrough_lang::Patience;

use super::{Input, Open};
use crate::files::poll_retrying;
use crate::files::{message, name};

/// How much of an input is looked at for its columns, unless its first line is longer.
const SAMPLE_BYTES: usize = cutthrough_lang::limits::SAMPLE_BYTES_MAX;

/// How much is read at once to look at.
const PIECE_BYTES: usize = 64 << 10;

/// How long more is waited for that may come of a pipe: types should not depend on how it is read. And how long for
/// all of it.
const SAMPLE_PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
const SAMPLE_WAIT_MAX: Duration = Duration::from_millis(500);

/// What was read of inputs before the run, to learn the names of columns: the run
/// begins with it.
#[derive(Debug, Default)]
pub(crate) struct Peeked {
    opened: Mutex<HashMap<OsString, Open>>,
    /// Of inputs that can be read but once.
    beginnings: Beginnings,
    /// Whether there is a run that may be reading such inputs: no more is taken from them.
    is_running: bool,
}

/// The beginnings of inputs that can be read but once, as a run has found them: a program that
/// comes to run instead has the same columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beginnings(Arc<Mutex<HashMap<OsString, Vec<u8>>>>);

impl Peeked {
    /// Nothing read, for a program that comes to run instead of another.
    pub(crate) fn of_running(beginnings: Beginnings) -> Peeked {
        Peeked {
            beginnings,
            is_running: true,
            ..Peeked::default()
        }
    }

    /// What is known of inputs that can be read but once.
    pub(crate) fn beginnings(&self) -> Beginnings {
        self.beginnings.clone()
    }

    /// The beginning of an input, with as many lines as there is patience for; none for one that would have to be
    /// waited for, if there is none.
    pub(crate) fn beginning(&self, path: &OsStr, patience: Patience) -> Result<Option<Vec<u8>>, String> {
        let named = |error: io::Error| message(path, &error);
        let mut input = Input::of(path, None)?;
        let is_read_once = input.is_stdin() || input.identity.is_none();
        if is_read_once && let Some(known) = self.beginnings.0.lock().get(path) {
            return Ok(Some(known.clone()));
        }
        let Patience::Lines(lines) = patience else {
            // Nothing is kept: there may be more such inputs than a process may open.
            return match is_read_once {
                true => Ok(None),
                false => input
                    .open()
                    .and_then(|mut open| open.beginning(1))
                    .map(Some)
                    .map_err(named),
            };
        };
        if is_read_once && self.is_running {
            let name = name(path);
            return Err(format!(
                "the run has not looked at the first line of {name}, and to read it now would take it from the run"
            ));
        }
        let mut opened = self.opened.lock();
        let mut open = match opened.remove(path) {
            Some(known) => known,
            None => input.open().map_err(named)?,
        };
        let beginning = open.beginning(lines);
        opened.insert(path.to_owned(), open);
        if is_read_once && let Ok(beginning) = &beginning {
            let mut beginnings = self.beginnings.0.lock();
            beginnings.insert(path.to_owned(), beginning.clone());
        }
        beginning.map(Some).map_err(named)
    }

    /// What has been opened, to be read on.
    pub(super) fn take(&self, path: &OsStr) -> Option<Open> {
        self.opened.lock().remove(path)
    }
}

impl Open {
    /// Its beginning, of which so many lines are waited for; it is read again later.
    fn beginning(&mut self, lines: usize) -> io::Result<Vec<u8>> {
        if !self.is_known {
            self.recognise(|open, beginning| read_waiting(&open.file, beginning))?;
        }
        let prefix = self.prefix.get_mut();
        let is_all = read_lines(&self.file, prefix, lines)? || read_ready(&self.file, prefix)?;
        let beginning = prefix.clone();
        // Where there is something to go by, the run says what is wrong behind it.
        if is_all && beginning.is_empty() {
            self.finish()?;
        }
        Ok(beginning)
    }
}

/// Reads what is there or comes at once, as far as there is not enough; whether that is all of the file.
fn read_ready(mut file: &File, prefix: &mut Vec<u8>) -> io::Result<bool> {
    let begin = Instant::now();
    while prefix.len() < SAMPLE_BYTES {
        let ready = poll_retrying(&mut [PollFd::new(file, PollFlags::IN)], Some(&SAMPLE_PAUSE))?;
        if ready == 0 || begin.elapsed() > SAMPLE_WAIT_MAX {
            return Ok(false);
        }
        let before = prefix.len();
        prefix.resize(before + PIECE_BYTES, 0);
        let outcome = file.read(&mut prefix[before..]);
        prefix.truncate(before + outcome.as_ref().map_or(0, |&length| length));
        match outcome {
            Ok(0) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(false)
}

/// Reads until there are so many lines in `prefix`, or all of the file, or a line that is too long; whether it is all.
fn read_lines(file: &File, prefix: &mut Vec<u8>, lines: usize) -> io::Result<bool> {
    let (mut searched, mut found) = (0, 0);
    loop {
        found += memchr::memchr_iter(b'\n', &prefix[searched..]).count();
        if found >= lines {
            return Ok(false);
        }
        searched = prefix.len();
        if searched > lines * LINE_BYTES_MAX {
            return Ok(false);
        }
        prefix.resize(searched + PIECE_BYTES, 0);
        let outcome = read_waiting(file, &mut prefix[searched..]);
        let length = *outcome.as_ref().unwrap_or(&0);
        prefix.truncate(searched + length);
        if outcome? == 0 {
            return Ok(true);
        }
    }
}

/// Reads from a file that is waited for.
fn read_waiting(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // A pipe that was opened without waiting would seem to be at its end.
        poll_retrying(&mut [PollFd::new(file, PollFlags::IN)], None)?;
        match file.read(buffer) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) => {}
            outcome => return outcome,
        }
    }
}
