//! The program of a run, while it runs: it can be tapped and changed by whoever reaches
//! the run's socket.
//!
//! Texts are compiled on the server's thread, from the program as it was seen last; what
//! is left is done by the run's own thread, which alone has the program itself.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cutthrough::Network;
use cutthrough_control::Waker;
use cutthrough_control::commands::{Apply, Attach, Change, Commands, Tap as ServerTap};
use cutthrough_control::message::{Problem, ProblemKind, RewireRequest, TapEnd, TapRequest};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{
    BuildError, Diagnostic, Environment, Input, Running, Tap, TapOptions, TapPlan, TapPoint, TapPolicy,
    TapRead, TapReader, Target, compile,
};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::input::{Peeked, Surroundings};
use crate::progress::Progress;
use crate::streams::{Opened, Streams};

/// How long the reader of a tap waits for rows before it looks whether it is still
/// wanted.
const TAP_WAIT: Duration = Duration::from_millis(250);

/// The program of a run.
#[derive(Clone)]
pub(crate) struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    /// The program; only the run's thread asks for it.
    running: Mutex<Running>,
    /// The program as others see it.
    seen: Mutex<Arc<Running>>,
    /// What is read and written.
    opened: Mutex<Opened>,
    inputs: Vec<Input>,
    format: Option<OutputFormat>,
    surroundings: Surroundings,
    progress: Progress,
}

impl Live {
    /// A program that has been built; its inputs and format are those of the command
    /// line, for the programs that come after it.
    pub(crate) fn new(
        running: Running,
        opened: Opened,
        inputs: Vec<Input>,
        format: Option<OutputFormat>,
        surroundings: Surroundings,
        progress: Progress,
    ) -> Live {
        let shared = Shared {
            seen: Mutex::new(Arc::new(running.clone())),
            running: Mutex::new(running),
            opened: Mutex::new(opened),
            inputs,
            format,
            surroundings,
            progress,
        };
        Live {
            shared: Arc::new(shared),
        }
    }

    /// Empties the files to be written, as the run begins.
    ///
    /// # Errors
    /// When a file would be written twice, or read and written.
    pub(crate) fn begin(&self) -> Result<(), String> {
        let opened = self.shared.opened.lock();
        opened.check(&Opened::default())?;
        opened.clear()
    }

    /// The program, for the run's thread.
    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        self.shared.running.lock()
    }

    /// What a further program is compiled for.
    fn environment<'e>(&self, peeked: &Rc<Peeked>) -> Environment<'e> {
        let peeked = Rc::clone(peeked);
        Environment {
            inputs: self.shared.inputs.clone(),
            first_line: Some(Box::new(move |input| {
                peeked.first_line(crate::streams::path_of(input))
            })),
        }
    }

    fn seen(&self) -> Arc<Running> {
        Arc::clone(&self.shared.seen.lock())
    }
}

impl Commands for Live {
    fn tap(&self, request: &TapRequest, waker: &Waker) -> Result<Attach, Problem> {
        let running = self.seen();
        let flow = running.flow(&request.flow);
        let flow = flow.map_err(|error| Problem::new(ProblemKind::NotThere, error.to_string()))?;
        let options = TapOptions {
            policy: if request.complete {
                TapPolicy::Complete
            } else {
                TapPolicy::Lossy
            },
            format: format_of(request.format.as_deref())?,
            ..TapOptions::default()
        };
        let plan = TapPlan::compile(&TapPoint::from(flow), &request.pipeline, &options);
        let plan = plan.map_err(|diagnostic| wrong(&diagnostic, "the tap's pipeline", &request.pipeline))?;
        let (waker, surroundings) = (waker.clone(), self.shared.surroundings.clone());
        Ok(Box::new(move |network| {
            let attached = plan.attach(network);
            let (tap, reader) =
                attached.map_err(|error| Problem::new(ProblemKind::Failed, error.to_string()))?;
            let tap = Pumped::start(tap, reader, waker, surroundings);
            let tap = tap.map_err(|error| {
                Problem::new(ProblemKind::Failed, format!("no thread for the tap: {error}"))
            })?;
            Ok(Box::new(tap) as Box<dyn ServerTap>)
        }))
    }

    fn program(&self) -> String {
        self.seen().source().to_owned()
    }

    fn rewire(&self, request: &RewireRequest) -> Result<Change, Problem> {
        let running = self.seen();
        let peeked = Rc::new(Peeked::default());
        let environment = self.environment(&peeked);
        let change = running.plan_change(&request.name, &request.program, &environment);
        let change = change.map_err(|diagnostic| wrong(&diagnostic, &request.name, &request.program))?;
        let changes: Vec<String> = change.to_string().lines().map(str::to_owned).collect();
        if request.plan_only {
            return Ok(Change { changes, apply: None });
        }
        let Shared {
            format,
            surroundings,
            progress,
            ..
        } = &*self.shared;
        let mut streams = Streams::new(*format, surroundings.clone(), peeked, progress.clone(), false);
        let open = change.open(&running, &mut streams);
        let open = open.map_err(|error| refused(&error, request))?;
        let plan = compile(&request.name, &request.program, &environment);
        let plan = plan.map_err(|diagnostic| wrong(&diagnostic, &request.name, &request.program))?;
        let written: Vec<PathBuf> = plan
            .targets()
            .filter_map(|(target, _)| match target {
                Target::Path(path) => Some(PathBuf::from(OsStr::from_bytes(path))),
                Target::Stdout | Target::Stderr => None,
            })
            .collect();
        let (opened, live, request) = (streams.into_opened(), self.clone(), request.clone());
        let apply: Apply = Box::new(move |network| {
            live.apply(network, open, opened, &request)?;
            // What is not written any more may be written by a program to come.
            live.shared.opened.lock().retain_targets(&written);
            Ok(())
        });
        Ok(Change {
            changes,
            apply: Some(apply),
        })
    }
}

impl Live {
    fn apply(
        &self,
        network: &mut Network,
        change: cutthrough_lang::OpenChange,
        opened: Opened,
        request: &RewireRequest,
    ) -> Result<(), Problem> {
        let failed = |message: String| Problem::new(ProblemKind::Failed, message);
        let mut known = self.shared.opened.lock();
        opened.check(&known).map_err(failed)?;
        let mut running = self.running();
        change
            .apply(&mut running, network)
            .map_err(|error| refused(&error, request))?;
        *self.shared.seen.lock() = Arc::new(running.clone());
        // No grant has come in between: nothing has been written yet.
        let cleared = opened.clear();
        known.add(opened);
        cleared.map_err(|message| failed(format!("the program has been changed, but {message}")))
    }
}

fn format_of(name: Option<&str>) -> Result<OutputFormat, Problem> {
    match name {
        None | Some("text") => Ok(OutputFormat::Text),
        Some("json") => Ok(OutputFormat::Json),
        Some("csv") => Ok(OutputFormat::Csv),
        Some("table") => Ok(OutputFormat::Table),
        Some(other) => {
            let message = format!("there is no format `{other}`; there are text, json, csv and table");
            Err(Problem::new(ProblemKind::Unsupported, message))
        }
    }
}

fn wrong(diagnostic: &Diagnostic, source_name: &str, source: &str) -> Problem {
    Problem::new(ProblemKind::Wrong, diagnostic.render(source_name, source, false))
}

fn refused(error: &BuildError, request: &RewireRequest) -> Problem {
    if error.has_place() {
        wrong(&error.diagnostic(), &request.name, &request.program)
    } else {
        Problem::new(ProblemKind::Failed, error.to_string())
    }
}

/// A tap whose output a thread of its own hands over, piece by piece: it waits for the
/// tap's rows, which the server's thread cannot.
struct Pumped {
    tap: Tap,
    cell: Arc<Cell>,
    end: TapEnd,
    surroundings: Surroundings,
}

#[derive(Default)]
struct Cell {
    piece: Mutex<Piece>,
    taken: Condvar,
}

/// What is handed over. At most one read of the tap's output is here; the rest waits in
/// the tap, which bounds it.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    /// How much of them has been taken.
    taken: usize,
    rows: u64,
    end: Option<Result<(), String>>,
    is_abandoned: bool,
}

impl Pumped {
    fn start(tap: Tap, reader: TapReader, waker: Waker, surroundings: Surroundings) -> io::Result<Pumped> {
        let cell = Arc::new(Cell::default());
        let (there, around) = (Arc::clone(&cell), surroundings.clone());
        std::thread::Builder::new()
            .name("cutthrough-tap".to_owned())
            .spawn(move || {
                pump(reader, &there, &waker, &around);
                // The reader is gone: the network takes out what is left of the tap.
                around.interrupt.wake();
            })?;
        let end = TapEnd {
            seen: 0,
            missed: 0,
            written: 0,
            failure: None,
        };
        Ok(Pumped {
            tap,
            cell,
            end,
            surroundings,
        })
    }
}

/// Hands over what the tap gives, until it ends or nobody wants it any more.
fn pump(mut reader: TapReader, cell: &Cell, waker: &Waker, surroundings: &Surroundings) {
    let mut bytes = Vec::new();
    loop {
        let read = reader.read(&mut bytes, TAP_WAIT);
        // There is room again: a network that waits has to be told.
        surroundings.interrupt.wake();
        let mut piece = cell.piece.lock();
        while piece.taken < piece.bytes.len() && !piece.is_abandoned {
            cell.taken.wait(&mut piece);
        }
        if piece.is_abandoned {
            return;
        }
        piece.rows = reader.rows();
        match read {
            TapRead::Bytes => {
                std::mem::swap(&mut piece.bytes, &mut bytes);
                piece.taken = 0;
            }
            TapRead::Nothing => continue,
            TapRead::End => piece.end = Some(Ok(())),
            TapRead::Failed(why) => piece.end = Some(Err(why)),
        }
        let is_over = piece.end.is_some();
        drop(piece);
        waker.wake();
        if is_over {
            return;
        }
    }
}

impl ServerTap for Pumped {
    fn read(&mut self, most: usize, out: &mut Vec<u8>) -> bool {
        let mut piece = self.cell.piece.lock();
        let end = (piece.taken + most).min(piece.bytes.len());
        out.extend_from_slice(&piece.bytes[piece.taken..end]);
        piece.taken = end;
        let is_empty = piece.taken == piece.bytes.len();
        if is_empty {
            self.cell.taken.notify_one();
        }
        self.end.written = piece.rows;
        if let Some(Err(why)) = &piece.end {
            self.end.failure = Some(why.clone());
        }
        !is_empty || piece.end.is_none()
    }

    fn detach(&mut self, network: &mut Network) {
        self.tap.detach(network);
        let counts = self.tap.counts(network);
        (self.end.seen, self.end.missed) = (counts.seen, counts.missed);
    }

    fn end(&mut self) -> TapEnd {
        self.end.clone()
    }
}

impl Drop for Pumped {
    fn drop(&mut self) {
        self.cell.piece.lock().is_abandoned = true;
        self.cell.taken.notify_one();
        self.surroundings.interrupt.wake();
    }
}
