use std::sync::Arc;
use std::task::{Wake, Waker};

use cutthrough_ir::{
    End, HostFunction, HostSig, LentColumn, Op, RowsArg, RowsDecl, RowsParam, SlotDecl, Type, Value,
};
use parking_lot::Mutex;

use crate::channel::{Looked, Receiver, Sender, Shared, TrySendError};
use crate::element::{self, Element};
use crate::error::Error;
use crate::fate::{Close, Edge, Fate, Held};
use crate::limits::{CHANNEL_BATCH, CHANNEL_ROWS_BYTES_MAX};
use crate::process::{Fragment, Process, Shape};
use crate::wake::Timer;

/// Gives what comes by a [channel](crate::channel()), and is pending while nothing does. What
/// the flow has not taken when the process goes stays in the channel, for its
/// [sender](Sender::take_back).
///
/// It fails when the flow that was sent there has failed or was cancelled.
pub struct FromChannel<T> {
    channel: Arc<Mutex<Option<Lending<T>>>>,
}

/// The receiver, and how many of its first elements are in the rows.
struct Lending<T> {
    receiver: Receiver<T>,
    lent: usize,
}

/// The row buffer of [`FromChannel`], and how many of the rows have been given.
const ROWS: usize = 0;
const GIVEN: usize = 0;

impl<T: Element> FromChannel<T> {
    /// Gives what `receiver` receives.
    pub fn new(receiver: Receiver<T>) -> FromChannel<T> {
        let lending = Lending { receiver, lent: 0 };
        FromChannel {
            channel: Arc::new(Mutex::new(Some(lending))),
        }
    }

    /// Fills the rows with what comes next: whether there is nothing at present.
    fn kernel(&self, waker: Waker) -> HostFunction {
        let sig = HostSig {
            name: "receive".to_owned(),
            params: Vec::new(),
            results: vec![Type::BOOL],
            rows: vec![RowsParam {
                columns: T::fields(),
                writes: true,
            }],
        };
        let channel = self.channel.clone();
        crate::host::kernel(sig, move |_args, rows, results, _context| {
            let [rows] = rows else {
                unreachable!("INVARIANT: as the signature says")
            };
            let mut channel = channel.lock();
            let lending = channel.as_mut().ok_or("the process is over")?;
            match lending.next(rows, &waker)? {
                Looked::Some(_) | Looked::Ended => {}
                Looked::None => results.bool(0, true),
            }
            Ok(())
        })
    }
}

impl<T: Element> Lending<T> {
    /// Lets go what has been given, and puts what comes next into the rows.
    fn next(&mut self, rows: &mut RowsArg<'_>, waker: &Waker) -> Result<Looked, String> {
        self.receiver.advance(std::mem::take(&mut self.lent));
        let rows = rows.write();
        rows.clear();
        let looked = self.receiver.look(CHANNEL_BATCH, waker);
        match looked {
            Looked::Some(elements) => {
                let mut append = rows.append(elements, None)?;
                self.receiver.peek(elements, |(first, second)| {
                    for (field, column) in append.columns().iter_mut().enumerate() {
                        let column = &mut LentColumn::copying(column);
                        T::lend(first.iter().chain(second), field, column);
                    }
                });
                append.finish(elements);
                self.lent = elements;
            }
            Looked::None => {}
            Looked::Ended => match self.receiver.end() {
                Some(Close::Failed(error)) => return Err(format!("what was sent here failed: {error}")),
                Some(Close::Cancelled) => return Err("what was sent here was cancelled".to_owned()),
                Some(Close::Ended) | None => {}
            },
        }
        Ok(looked)
    }
}

/// Where nobody has said how many have gone into the flow, the others go with the process.
impl<T> Drop for Lending<T> {
    fn drop(&mut self) {
        self.receiver.advance(self.lent);
    }
}

impl<T: Element> Process for FromChannel<T> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("receive");
        shape.output(T::element_type());
        shape.slot(SlotDecl::i64("given", 0));
        shape.rows(RowsDecl::new("received", T::fields(), CHANNEL_ROWS_BYTES_MAX));
        if let Some(lending) = &*self.channel.lock() {
            shape.owns(&lending.receiver.shared().receives);
        }
        let kernel = self.kernel(shape.waker());
        shape.host(kernel);
        shape.fate(Fate::HandedBack);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (given, len) = (f.slot_get(GIVEN), f.rows_len(ROWS));
        let is_row = f.op(Op::Ilt, &[given, len]);
        let (_, all_given) = f.br_new(is_row);
        let element = f.rows_row(ROWS, given);
        let one = f.iconst(1);
        let given = f.op(Op::Iadd, &[given, one]);
        f.slot_set(GIVEN, given);
        f.emit(0, &element);
        f.again();

        f.switch_to(all_given);
        let nothing = f.call_with_rows(0, &[], &[ROWS])[0];
        let zero = f.iconst(0);
        f.slot_set(GIVEN, zero);
        let (_, some_or_ended) = f.br_new(nothing);
        f.end(End::Pending);
        f.switch_to(some_or_ended);
        let len = f.rows_len(ROWS);
        let is_some = f.op(Op::Igt, &[len, zero]);
        let (_, ended) = f.br_new(is_some);
        f.again();
        f.switch_to(ended);
        f.finish();
    }

    /// What has gone into the flow is received, and no more.
    fn hand_back(&mut self, held: &Held<'_>) {
        if let Some(lending) = &mut *self.channel.lock() {
            let given = held.slot(GIVEN).map_or(0, |given| given.i64(0));
            let given = usize::try_from(given).unwrap_or(0).min(lending.lent);
            lending.receiver.advance(given);
            lending.lent = 0;
        }
    }

    fn deinit(&mut self, _error: Option<&Error>) {
        *self.channel.lock() = None;
    }
}

impl<T> std::fmt::Debug for FromChannel<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromChannel").finish_non_exhaustive()
    }
}

/// Sends every element by a [channel](crate::channel()), and takes no more than there is room
/// for. When the receiver has gone it finishes; what comes until it has heard of that is
/// dropped, as `receiver gone`. The receiver is told how the flow [ended](Receiver::end).
pub struct ToChannel<T> {
    sender: Option<Sender<T>>,
    channel: Arc<Shared<T>>,
    /// How the flow came to its end.
    end: Option<Close>,
}

/// The slot of [`ToChannel`] that says how many elements there is room for.
const ROOM: usize = 0;

impl<T: Element> ToChannel<T> {
    /// Sends by `sender`.
    pub fn new(sender: Sender<T>) -> ToChannel<T> {
        ToChannel {
            channel: sender.shared().clone(),
            sender: Some(sender),
            end: None,
        }
    }
}

/// Sends an element, if one is given: how many more there is room for, or that the receiver has
/// gone. Where there is no room the waker will be woken.
fn send<T: Element>(mut sender: Sending<T>, waker: Waker) -> HostFunction {
    let sig = HostSig {
        name: "send".to_owned(),
        params: [vec![Type::BOOL], T::fields()].concat(),
        results: vec![Type::I64, Type::BOOL],
        rows: Vec::new(),
    };
    crate::host::function(sig, move |args, results, _context| {
        match args.bool(0) {
            true => sender.send(element::read(args.skip(1))?)?,
            false => sender.is_closed = sender.sender.is_closed(),
        }
        results.i64(0, sender.room(&waker));
        results.bool(1, sender.is_closed);
        Ok(())
    })
}

/// The sender, as the host function has it.
struct Sending<T> {
    sender: Sender<T>,
    /// How much room there was when it looked last, less what has been sent since.
    room: usize,
    is_closed: bool,
}

impl<T> Sending<T> {
    fn send(&mut self, element: T) -> Result<(), String> {
        match self.sender.try_send(element) {
            Ok(()) => self.room -= 1,
            Err(TrySendError::Closed(_)) => self.is_closed = true,
            Err(TrySendError::Full(_)) => return Err("the channel is full".to_owned()),
        }
        Ok(())
    }

    fn room(&mut self, waker: &Waker) -> i64 {
        if self.room == 0 && !self.is_closed {
            let mut context = std::task::Context::from_waker(waker);
            let _ = self.sender.poll_room(&mut context);
            self.room = self.sender.room();
            self.is_closed = self.sender.is_closed();
        }
        i64::try_from(self.room).unwrap_or(i64::MAX)
    }
}

/// Where nobody has said how the flow ended, the network has gone in the middle of it.
impl<T> Drop for Sending<T> {
    fn drop(&mut self) {
        self.sender.shared().end(Close::Cancelled);
    }
}

/// Has a process go on which is not pending: it asks for nothing, and has to ask again.
struct Rouse(Timer);

impl Wake for Rouse {
    fn wake(self: Arc<Rouse>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Rouse>) {
        self.0.set(std::time::Duration::ZERO);
    }
}

impl<T: Element> Process for ToChannel<T> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("send");
        shape.input(T::element_type());
        let sender = self.sender.take().expect("a process is declared once");
        let room = sender.room();
        shape.slot(SlotDecl::i64("room", i64::try_from(room).unwrap_or(i64::MAX)));
        shape.drop_policy("receiver gone");
        let waker = Waker::from(Arc::new(Rouse(shape.timer())));
        self.channel.listen(waker.clone());
        shape.owns(&self.channel.sends);
        let sending = Sending {
            sender,
            room,
            is_closed: false,
        };
        shape.host(send(sending, waker));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let is_element = f.bconst(true);
        let sent = f.call(0, &[&[is_element], element].concat());
        f.slot_set(ROOM, sent[0]);
        let (_, is_sent) = f.br_new(sent[1]);
        f.drop(0);
        f.finish();
        f.switch_to(is_sent);
        f.done();
    }

    /// Looks again how much room there is.
    fn write_ok(&self, f: &mut Fragment<'_>) {
        let mut nothing = vec![f.bconst(false)];
        nothing.extend(T::fields().into_iter().map(|ty| f.zero(ty)));
        let looked = f.call(0, &nothing);
        f.slot_set(ROOM, looked[0]);
        let (_, is_open) = f.br_new(looked[1]);
        f.finish();
        f.switch_to(is_open);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        Some(f.slot_get(ROOM))
    }

    fn closed(&mut self, _edge: Edge, why: &Close) {
        self.end = Some(why.clone());
    }

    fn deinit(&mut self, error: Option<&Error>) {
        let why = error.map(|error| Close::Failed(error.clone()));
        let why = why.or(self.end.take()).unwrap_or(Close::Ended);
        self.channel.end(why);
    }
}

/// Where nobody has said how the flow ended, the process has not been part of one.
impl<T> Drop for ToChannel<T> {
    fn drop(&mut self) {
        self.channel.end(Close::Cancelled);
    }
}

impl<T> std::fmt::Debug for ToChannel<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToChannel").finish_non_exhaustive()
    }
}
