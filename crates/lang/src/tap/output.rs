//! The bounded output of a tap: written by the process at the tap's end, on the thread that runs the network, and read
//! by another thread.
//!
//! Rows are rendered into one buffer, which the reader takes as a whole and gives back empty. At the bound the process
//! asks for no more elements; what that means to the flow is up to the tap's policy. When the reader has made room it
//! sends the network a request, by which the process asks again. So neither side polls the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cutthrough::ir::{
    ElementType, Host, HostContext, HostFunction, HostSig, Op, Results, SlotDecl, Type, Value, Words,
};
use cutthrough::processes::Tee;
use cutthrough::{Error, ErrorKind, Fragment, Handle, Process, Shape};
use cutthrough_formats::{Field, Format, Renderer};
use parking_lot::{Condvar, Mutex};

use super::attached::Attached;
use crate::limits::{TAP_GATHER_MS, TAP_RETRY_MS, TAP_WAKE_SHARE};

/// What the process and the reader of a tap share.
pub(super) struct Shared {
    buffer: Mutex<Buffer>,
    arrived: Condvar,
    bytes_max: usize,
    /// The network, and what is attached to it, since the tap has been.
    pub(super) handle: OnceLock<Handle>,
    pub(super) attached: Mutex<Option<Attached>>,
    pub(super) counts: Mutex<super::TapCounts>,
    /// Whether all of it is being removed already.
    pub(super) is_leaving: AtomicBool,
}

struct Buffer {
    renderer: Renderer,
    bytes: Vec<u8>,
    rows: u64,
    /// What the reader, who sleeps, wants to be woken for.
    wanted: Wanted,
    /// Whether the process has stopped asking.
    is_full: bool,
    /// Why nothing follows.
    end: Option<Result<(), String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// It does not sleep.
    Nothing,
    /// Any row.
    Rows,
    /// A good part of what the buffer takes.
    Share,
}

impl Shared {
    pub(super) fn new(format: Format, fields: Vec<Field>, bytes_max: usize) -> Arc<Shared> {
        let mut renderer = Renderer::new(format, fields);
        let mut bytes = Vec::new();
        renderer.begin(&mut bytes);
        Arc::new(Shared {
            buffer: Mutex::new(Buffer {
                renderer,
                bytes,
                rows: 0,
                wanted: Wanted::Nothing,
                is_full: false,
                end: None,
            }),
            arrived: Condvar::new(),
            bytes_max: bytes_max.max(1),
            handle: OnceLock::new(),
            attached: Mutex::new(None),
            counts: Mutex::default(),
            is_leaving: AtomicBool::new(false),
        })
    }

    /// Takes a row; whether that was the last one that there is room for.
    fn row(&self, row: Words<'_>) -> bool {
        let mut buffer = self.buffer.lock();
        let Buffer { renderer, bytes, .. } = &mut *buffer;
        renderer.row(row, bytes);
        buffer.rows += 1;
        buffer.is_full = buffer.bytes.len() >= self.bytes_max;
        let wakes = match buffer.wanted {
            Wanted::Nothing => false,
            Wanted::Rows => !buffer.bytes.is_empty(),
            Wanted::Share => buffer.bytes.len() >= self.bytes_max / TAP_WAKE_SHARE,
        };
        if wakes {
            buffer.wanted = Wanted::Nothing;
            self.arrived.notify_one();
        }
        buffer.is_full
    }

    /// Ends the output, once.
    pub(super) fn end(&self, how: Result<(), String>) {
        let mut buffer = self.buffer.lock();
        if buffer.end.is_some() {
            return;
        }
        let Buffer { renderer, bytes, .. } = &mut *buffer;
        renderer.end(bytes);
        buffer.end = Some(how);
        self.arrived.notify_one();
    }

    pub(super) fn rows(&self) -> u64 {
        self.buffer.lock().rows
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

/// The reading end of a tap's output. Dropping it takes the tap out of the network, whatever the tap still holds.
pub struct TapReader {
    shared: Arc<Shared>,
}

/// What there was to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapRead {
    /// Bytes; more may follow.
    Bytes,
    /// Nothing within the time given.
    Nothing,
    /// Nothing follows: the tap has been detached, its `head` has had enough, or the flow has ended.
    End,
    /// Nothing follows, as the tap's pipeline has failed; why.
    Failed(String),
}

impl TapReader {
    pub(super) fn new(shared: Arc<Shared>) -> TapReader {
        TapReader { shared }
    }

    /// Reads what has come, as soon as there is something, into a buffer whose memory is used again. Rows are whole.
    pub fn read(&mut self, into: &mut Vec<u8>, timeout: Duration) -> TapRead {
        into.clear();
        let deadline = Instant::now() + timeout;
        let shared = &*self.shared;
        let mut buffer = shared.buffer.lock();
        while buffer.bytes.is_empty() && buffer.end.is_none() {
            buffer.wanted = Wanted::Rows;
            if shared.arrived.wait_until(&mut buffer, deadline).timed_out() {
                break;
            }
        }
        // At full rate rows gather, rather than that each wakes this thread.
        let gathered = deadline.min(Instant::now() + Duration::from_millis(TAP_GATHER_MS));
        let share = shared.bytes_max / TAP_WAKE_SHARE;
        while !buffer.bytes.is_empty() && buffer.bytes.len() < share && buffer.end.is_none() {
            buffer.wanted = Wanted::Share;
            if shared.arrived.wait_until(&mut buffer, gathered).timed_out() {
                break;
            }
        }
        buffer.wanted = Wanted::Nothing;
        if buffer.bytes.is_empty() && buffer.end.is_none() {
            // A table holds rows back as long as some may follow soon.
            let Buffer { renderer, bytes, .. } = &mut *buffer;
            renderer.settle(bytes);
        }
        std::mem::swap(into, &mut buffer.bytes);
        let was_full = std::mem::take(&mut buffer.is_full);
        let end = buffer.end.clone();
        drop(buffer);
        if was_full && end.is_none() {
            let asked = request(&self.shared, |shared, network| {
                if let Some(attached) = &*shared.attached.lock() {
                    attached.open(network);
                }
            });
            if asked.is_err() {
                // Too many requests wait: the next call asks again.
                self.shared.buffer.lock().is_full = true;
            }
        }
        match end {
            _ if !into.is_empty() => TapRead::Bytes,
            None => TapRead::Nothing,
            Some(Ok(())) => TapRead::End,
            Some(Err(why)) => TapRead::Failed(why),
        }
    }

    /// How many rows have come so far.
    pub fn rows(&self) -> u64 {
        self.shared.rows()
    }
}

/// Has something done by the thread that runs the network.
fn request(
    shared: &Arc<Shared>,
    act: impl FnOnce(&Arc<Shared>, &mut cutthrough::Network) + Send + 'static,
) -> Result<(), Error> {
    let handle = shared.handle.get().expect("INVARIANT: the tap is attached");
    let shared = Arc::clone(shared);
    handle.send(move |network| act(&shared, network))
}

impl Drop for TapReader {
    fn drop(&mut self) {
        if self.shared.is_leaving.load(Ordering::Relaxed) {
            // What can go has gone: the flow need not be interrupted for it.
            return;
        }
        let is_at_bound = |outcome: &Result<(), Error>| {
            outcome
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::Limit)
        };
        if is_at_bound(&request(&self.shared, Attached::discard)) {
            // Too many requests wait. The flow must not wait for a reader that is gone, nor may who drops it.
            let shared = Arc::clone(&self.shared);
            let retry = move || {
                while is_at_bound(&request(&shared, Attached::discard)) {
                    std::thread::sleep(Duration::from_millis(TAP_RETRY_MS));
                }
            };
            let _ = std::thread::Builder::new()
                .name("cutthrough-tap".to_owned())
                .spawn(retry);
        }
    }
}

impl std::fmt::Debug for TapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapReader")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

/// The process at the end of a tap.
pub(super) struct Sink {
    types: Vec<Type>,
    shared: Arc<Shared>,
}

impl Sink {
    /// The slot that says how many elements are asked for: one, or none.
    pub(super) const ROOM: usize = 0;

    pub(super) fn new(types: Vec<Type>, shared: Arc<Shared>) -> Sink {
        Sink { types, shared }
    }
}

impl Process for Sink {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("tap");
        shape.input(ElementType::new(self.types.iter().copied()));
        shape.slot(SlotDecl::i64("room", 1));
        let sig = HostSig {
            name: "tap".to_owned(),
            params: self.types.clone(),
            results: vec![Type::BOOL],
            rows: Vec::new(),
        };
        shape.host(HostFunction::new(
            sig,
            Rows {
                shared: Arc::clone(&self.shared),
            },
        ));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let is_full = f.call(0, element)[0];
        let (none, one) = (f.iconst(0), f.iconst(1));
        let room = f.op(Op::Select, &[is_full, none, one]);
        f.slot_set(Sink::ROOM, room);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        Some(f.slot_get(Sink::ROOM))
    }

    fn deinit(&mut self, error: Option<&Error>) {
        self.shared
            .end(error.map_or(Ok(()), |error| Err(error.to_string())));
        tidy_later(&self.shared);
    }
}

/// Has what is left of a tap removed as soon as the grant is over.
fn tidy_later(shared: &Arc<Shared>) {
    if !shared.is_leaving.load(Ordering::Relaxed) {
        // At the bound on requests, or when the network goes, it is left to who drops the reader.
        let _ = request(shared, Attached::tidy);
    }
}

/// The process by which a tap gets to see a flow: a tee, the last branch of which is the tap's.
pub(super) struct Branch {
    pub(super) tee: Tee,
    pub(super) name: String,
    pub(super) shared: Arc<Shared>,
}

impl Process for Branch {
    fn declare(&mut self, shape: &mut Shape) {
        self.tee.declare(shape);
        shape.name(self.name.as_str());
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        self.tee.read_ok(from, f, element);
    }

    fn deinit(&mut self, _error: Option<&Error>) {
        tidy_later(&self.shared);
    }
}

/// `(fields...) -> (full: bool)`
struct Rows {
    shared: Arc<Shared>,
}

impl Drop for Rows {
    /// The process has left, or the network with it.
    fn drop(&mut self) {
        self.shared.end(Ok(()));
    }
}

impl Host for Rows {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        results.bool(0, self.shared.row(args));
        Ok(())
    }
}
