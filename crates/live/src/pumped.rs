//! A tap that a server can read without waiting.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use cutthrough::Network;
use cutthrough_control::message::{Problem, ProblemKind, TapEnd};
use cutthrough_control::{Tap as ServerTap, Waker};
use cutthrough_lang::{Tap, TapPlan, TapRead, TapReader};
use parking_lot::{Condvar, Mutex};

/// What wakes a network that waits for something else than its handle. It must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How long the reader of a tap waits for rows before it looks whether it is still
/// wanted.
const TAP_WAIT: Duration = Duration::from_millis(250);

/// A tap whose output a thread of its own hands over, piece by piece: it waits for the
/// tap's rows, which the server's thread cannot.
pub struct Pumped {
    tap: Tap,
    cell: Arc<Cell>,
    end: TapEnd,
    wake: Wake,
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

/// The thread for a tap that is still to be attached, so that the flow need not wait for a
/// thread to start.
pub struct Pump {
    give: mpsc::Sender<TapReader>,
    cell: Arc<Cell>,
    wake: Wake,
}

impl Pump {
    /// Starts the thread. It wakes the server when there is output, the network by `wake`
    /// when its output has been read.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start(waker: Waker, wake: Wake) -> Result<Pump, Problem> {
        let cell = Arc::new(Cell::default());
        let (there, around) = (Arc::clone(&cell), Arc::clone(&wake));
        let (give, given) = mpsc::channel();
        let thread = std::thread::Builder::new().name("cutthrough-tap".to_owned());
        let started = thread.spawn(move || {
            // Without a reader the tap has not been attached.
            let Ok(reader) = given.recv() else { return };
            pump(reader, &there, &waker, &around);
            // The reader is gone: the network takes out what is left of the tap.
            around();
        });
        let failed = |error| Problem::new(ProblemKind::Failed, format!("no thread for the tap: {error}"));
        started.map_err(failed)?;
        Ok(Pump { give, cell, wake })
    }

    /// Attaches a tap, on the network's thread.
    ///
    /// # Errors
    /// When the flow point is not there any more or has no writers, or at a bound of the
    /// network.
    pub fn attach(self, plan: TapPlan, network: &mut Network) -> Result<Pumped, Problem> {
        let Pump { give, cell, wake } = self;
        let (tap, reader) = plan
            .attach(network)
            .map_err(|error| Problem::new(ProblemKind::Failed, error.to_string()))?;
        // Should the thread be gone, the reader is dropped, which takes the tap out.
        let _ = give.send(reader);
        let end = TapEnd {
            seen: 0,
            missed: 0,
            written: 0,
            failure: None,
        };
        Ok(Pumped { tap, cell, end, wake })
    }
}

/// Hands over what the tap gives, until it ends or nobody wants it any more.
fn pump(mut reader: TapReader, cell: &Cell, waker: &Waker, wake: &Wake) {
    let mut bytes = Vec::new();
    loop {
        let read = reader.read(&mut bytes, TAP_WAIT);
        // There is room again: a network that waits has to be told.
        wake();
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
        (self.wake)();
    }
}
