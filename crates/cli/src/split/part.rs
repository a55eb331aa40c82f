//! A part of the inputs, on a thread and in a network of its own.

use std::io;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cutthrough::ir::panic_text;
use cutthrough::processes::Read as ReadProcess;
use cutthrough::{Network, Options, Process, Progress};
use cutthrough_formats::InputName;
use cutthrough_formats::processes::BadRows;
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Begin, Column, Counts, Front, Input, Io, Running, Target};

use super::cut::{Part, Piece};
use crate::input::Place;

/// How many elements pass before a part looks whether it is wanted any more.
const STEPS_BETWEEN_LOOKS: u64 = 1 << 18;

/// What a part has come to.
pub(super) struct Done {
    pub(super) network: Network,
    pub(super) running: Running,
    pub(super) counts: Counts,
    /// How many lines its last piece has, with the header before it; none where it ends within a record.
    pub(super) line: Option<i64>,
    /// How many of the bad lines that are noted are of its first piece.
    pub(super) bad_of_first: usize,
}

/// What a part has in common with who waits for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Progressing {
    /// It is not wanted any more.
    pub(super) stop: Arc<AtomicBool>,
    pub(super) bytes_read: Arc<AtomicU64>,
    is_read: Arc<AtomicBool>,
    bad_of_first: Arc<AtomicUsize>,
}

/// Has the network of a part run until it holds what there is to hold.
///
/// # Errors
/// Whatever it is: then somebody else reads this part.
pub(super) fn run(
    front: &Front,
    options: Options,
    time: Duration,
    part: Part,
    progressing: &Progressing,
) -> Result<Done, String> {
    let run = AssertUnwindSafe(|| try_run(front, options, time, part, progressing));
    catch_unwind(run).unwrap_or_else(|payload| Err(panic_text(&*payload).to_owned()))
}

fn try_run(
    front: &Front,
    options: Options,
    time: Duration,
    part: Part,
    progressing: &Progressing,
) -> Result<Done, String> {
    let mut network = Network::new(options);
    network.set_time(time);
    let is_within = part.is_within();
    let place = Place::default();
    let name = place.clone();
    let bad_rows = BadRows::default().of_input(InputName::new(move || name.name()));
    let mut io = PartIo {
        inputs: Some(PartInputs {
            pieces: part.pieces.into_iter(),
            current: None,
            is_begun: false,
            place,
            noted: bad_rows.clone(),
            progressing: progressing.clone(),
        }),
        bad_rows,
    };
    let running = front.build(is_within, &mut network, &mut io);
    let running = running.map_err(|error| error.to_string())?;
    loop {
        let progress = network.run_steps(STEPS_BETWEEN_LOOKS);
        if progressing.stop.load(Ordering::Acquire) {
            return Err("it is not wanted any more".to_owned());
        }
        match progress.map_err(|error| error.to_string())? {
            Progress::Steps => {}
            Progress::Waiting if progressing.is_read.load(Ordering::Acquire) => break,
            Progress::Waiting | Progress::Done => return Err("it stands still".to_owned()),
        }
    }
    Ok(Done {
        counts: front.counts(&mut network, &running),
        line: front.line(&network, &running),
        bad_of_first: progressing.bad_of_first.load(Ordering::Acquire) - 1,
        network,
        running,
    })
}

/// What the front of a program needs of its surroundings.
struct PartIo {
    inputs: Option<PartInputs>,
    bad_rows: BadRows,
}

impl Io for PartIo {
    fn read(&mut self, _inputs: &[Input]) -> Result<Box<dyn Process>, String> {
        let inputs = self.inputs.take().ok_or("a part is read once")?;
        Ok(Box::new(ReadProcess::new("", inputs)))
    }

    fn write(
        &mut self,
        _target: &Target,
        _begin: Begin,
        _format: Option<OutputFormat>,
        _columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        Err("a front writes nothing".to_owned())
    }

    fn bad_rows(&self) -> BadRows {
        self.bad_rows.clone()
    }
}

/// The pieces of a part, as inputs one after another; at the end of the last one, there is nothing to read, but it does
/// not end: what comes behind it is in another part.
struct PartInputs {
    pieces: std::vec::IntoIter<Piece>,
    /// The piece at hand, and how much of its header has been given.
    current: Option<(Piece, usize)>,
    is_begun: bool,
    place: Place,
    noted: BadRows,
    progressing: Progressing,
}

impl PartInputs {
    fn note_read(&self) {
        self.note_first();
        self.progressing.is_read.store(true, Ordering::Release);
    }

    /// The first piece is over, unless that has been noted.
    fn note_first(&self) {
        let (noted, none) = (self.noted.first().len(), 0);
        let bad_of_first = &self.progressing.bad_of_first;
        // It is one more, so that 0 is not yet.
        let _ = bad_of_first.compare_exchange(none, noted + 1, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl cutthrough::processes::Inputs for PartInputs {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progressing.stop.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.current.is_none() {
            // What the end of the last one has brought is noted by now.
            if std::mem::replace(&mut self.is_begun, true) {
                self.note_first();
            }
            self.current = self.pieces.next().map(|piece| (piece, 0));
            if let Some((piece, _)) = &self.current {
                self.place.go_to(&piece.path);
            }
        }
        let Some((piece, given)) = &mut self.current else {
            self.note_read();
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let header = &piece.header[*given..];
        if !header.is_empty() {
            let length = header.len().min(buffer.len());
            buffer[..length].copy_from_slice(&header[..length]);
            *given += length;
            self.place.give();
            return Ok(length);
        }
        let left = piece.end.map_or(u64::MAX, |end| end - piece.start);
        if left == 0 {
            self.note_read();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let length = piece.file.read_at(&mut buffer[..most], piece.start)?;
        piece.start += length as u64;
        if length == 0 && piece.end.is_some() {
            return Err(io::Error::other("the file has become shorter"));
        }
        self.place.give();
        let bytes_read = &self.progressing.bytes_read;
        bytes_read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }

    fn advance(&mut self) -> io::Result<bool> {
        self.current = None;
        Ok(true)
    }
}
