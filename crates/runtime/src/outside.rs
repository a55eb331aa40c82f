//! Reading and writing a flow point from outside the network: by whoever owns the
//! network and holds a [`Reader`] or a [`Writer`].
//!
//! Both are ordinary processes with a handle. What stands between a call and the
//! network is the commitment: a read that finds nothing leaves a standing ask, a write
//! that nobody takes a standing offer, and the flow draws on it once, up to its number,
//! whenever it can.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use cutthrough_ir::{End, HostFunction, HostSig, Op, SlotDecl, Type, Value};
use parking_lot::Mutex;

use crate::element::{self, Element};
use crate::error::Error;
use crate::network::{Handle, Network};
use crate::point::FlowPoint;
use crate::process::{Fragment, Process, Shape};
use crate::wiring::ProcessId;

/// What became of a read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many elements have moved; at least one.
    Moved(u64),
    /// Nobody on the other side is ready. The call has become a standing ask or offer.
    Pending,
    /// Nothing comes any more (a read), or nobody takes any more (a write).
    Eof,
    /// A request of a [`Handle`](crate::Handle) came meanwhile, before anything had moved:
    /// call again, which serves it first.
    Retry,
    /// The process that reads or writes for the caller has failed or been removed, or the
    /// network has been stopped.
    Failed(Error),
}

/// Reads a flow point from outside. When it is dropped, it leaves the flow point as soon
/// as the network runs: writers see a reader leave.
#[derive(Debug)]
pub struct Reader<T> {
    process: ProcessId,
    arrived: Arc<Mutex<VecDeque<T>>>,
    handle: Handle,
}

/// Writes to a flow point from outside. When it is dropped, what is on offer is still
/// given, as soon as the network runs; then the flow ends as by any writer that is done.
#[derive(Debug)]
pub struct Writer<T> {
    process: ProcessId,
    offers: Arc<Mutex<Offers<T>>>,
    handle: Handle,
    waker: Waker,
    /// Whether the writer has left already.
    is_closed: bool,
}

/// What a [`Writer`] and its process share.
#[derive(Debug)]
struct Offers<T> {
    elements: VecDeque<T>,
    /// Whether no more will come.
    ended: bool,
}

impl<T: Element> Reader<T> {
    /// Attaches a reader to a flow point.
    ///
    /// # Errors
    /// As [`Network::sink`].
    pub fn attach(network: &mut Network, point: FlowPoint<T>) -> Result<Reader<T>, Error> {
        let arrived = Arc::new(Mutex::new(VecDeque::new()));
        let process = network.sink(point, Outlet::new(arrived.clone()))?;
        Ok(Reader {
            process,
            arrived,
            handle: network.handle(),
        })
    }

    /// The process that reads.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Asks for up to `n` elements, in place of what was asked for before, and moves
    /// what the flow can give now. Elements that came by an earlier, standing ask count.
    /// They are fetched by [`fetch`](Reader::fetch). Requests of handles are served first;
    /// one that comes meanwhile ends the call soon.
    ///
    /// # Errors
    /// When another process fails on the way, its error.
    pub fn read(&self, network: &mut Network, n: u64) -> Result<Outcome, Error> {
        let served = network.serve_requests();
        if let Some(error) = network.gone(self.process) {
            return Ok(Outcome::Failed(error));
        }
        if self.arrived.lock().is_empty() && !self.handle.is_stopped() {
            network.set_slot(
                self.process,
                Outlet::<T>::ROOM,
                i64::try_from(n).unwrap_or(i64::MAX),
            )?;
            network.drive_towards(self.process, served)?;
        }
        let arrived = (self.arrived.lock().len() as u64).min(n);
        Ok(match arrived {
            0 if network.is_retired(self.process) => Outcome::Eof,
            0 => still(network, &self.handle),
            moved => Outcome::Moved(moved),
        })
    }

    /// Takes up to `n` of the elements that have arrived.
    pub fn fetch(&self, n: u64) -> Vec<T> {
        let mut arrived = self.arrived.lock();
        let n = usize::try_from(n).unwrap_or(usize::MAX).min(arrived.len());
        arrived.drain(..n).collect()
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        let process = self.process;
        self.handle.leave(move |network| {
            // It may have been removed already.
            let _ = network.remove(process);
        });
    }
}

impl<T: Element> Writer<T> {
    /// Attaches a writer to a flow point.
    ///
    /// # Errors
    /// As [`Network::add`] and [`Network::attach_output`].
    pub fn attach(network: &mut Network, point: FlowPoint<T>) -> Result<Writer<T>, Error> {
        let offers = Arc::new(Mutex::new(Offers {
            elements: VecDeque::new(),
            ended: false,
        }));
        let process = network.rewire(|rewire| {
            let process = rewire.add(Inlet::new(offers.clone()))?;
            rewire.attach_output(process, 0, point)?;
            Ok(process)
        })?;
        Ok(Writer {
            process,
            offers,
            handle: network.handle(),
            waker: network.waker(process)?,
            is_closed: false,
        })
    }

    /// The process that writes.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Offers the elements and moves what the readers take now. If they take some, the
    /// others are left in `elements`; if they take none, all become a standing offer,
    /// unless there is another outcome than [`Pending`](Outcome::Pending). Requests of
    /// handles are served first; one that comes meanwhile ends the call soon.
    ///
    /// # Errors
    /// When another process fails on the way, its error.
    pub fn write(&self, network: &mut Network, elements: &mut Vec<T>) -> Result<Outcome, Error> {
        let served = network.serve_requests();
        if let Some(error) = network.gone(self.process) {
            return Ok(Outcome::Failed(error));
        }
        if network.is_retired(self.process) {
            return Ok(Outcome::Eof);
        }
        if self.handle.is_stopped() {
            return Ok(Outcome::Failed(Error::stopped()));
        }
        let standing = self.standing();
        let offered = elements.len() as u64;
        self.offers.lock().elements.extend(elements.drain(..));
        network.resume(self.process);
        network.drive(self.process, standing + offered, served)?;
        let moved = offered.saturating_sub(self.standing());
        if moved > 0 {
            elements.extend(self.offers.lock().elements.drain(..));
            return Ok(Outcome::Moved(moved));
        }
        let outcome = still(network, &self.handle);
        if outcome != Outcome::Pending {
            let mut offers = self.offers.lock();
            let older = offers.elements.len().saturating_sub(offered as usize);
            elements.extend(offers.elements.drain(older..));
        }
        Ok(outcome)
    }

    /// How many elements are on offer.
    pub fn standing(&self) -> u64 {
        self.offers.lock().elements.len() as u64
    }

    /// Leaves the flow point. What is on offer is handed back.
    ///
    /// # Errors
    /// When the process has been removed already.
    pub fn close(mut self, network: &mut Network) -> Result<Vec<T>, Error> {
        self.is_closed = true;
        network.remove(self.process)?;
        Ok(self.offers.lock().elements.drain(..).collect())
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        if self.is_closed {
            return;
        }
        self.offers.lock().ended = true;
        self.waker.wake_by_ref();
    }
}

/// The outcome of a call by which nothing has moved.
fn still(network: &Network, handle: &Handle) -> Outcome {
    if handle.is_stopped() {
        Outcome::Failed(Error::stopped())
    } else if network.has_requests() {
        Outcome::Retry
    } else {
        Outcome::Pending
    }
}

/// The process behind a [`Reader`].
struct Outlet<T> {
    function: Option<HostFunction>,
    element: std::marker::PhantomData<fn(T)>,
}

impl<T: Element> Outlet<T> {
    /// The slot that says how many more elements are asked for.
    const ROOM: usize = 0;

    fn new(arrived: Arc<Mutex<VecDeque<T>>>) -> Outlet<T> {
        let sig = HostSig {
            name: "arrive".to_owned(),
            params: T::fields(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        let function = crate::host::function(sig, move |args, _results, _context| {
            arrived.lock().push_back(element::read(args)?);
            Ok(())
        });
        Outlet {
            function: Some(function),
            element: std::marker::PhantomData,
        }
    }
}

impl<T: Element> Process for Outlet<T> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("reader");
        shape.input(T::element_type());
        shape.slot(SlotDecl::i64("room", 0));
        shape.host_once(&mut self.function);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let room = f.slot_get(Self::ROOM);
        let one = f.iconst(1);
        let room = f.op(Op::Isub, &[room, one]);
        f.slot_set(Self::ROOM, room);
        f.call(0, element);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        Some(f.slot_get(Self::ROOM))
    }
}

/// The process behind a [`Writer`].
struct Inlet<T> {
    function: Option<HostFunction>,
    element: std::marker::PhantomData<fn() -> T>,
}

impl<T: Element> Inlet<T> {
    fn new(offers: Arc<Mutex<Offers<T>>>) -> Inlet<T> {
        let results = [vec![Type::BOOL, Type::BOOL], T::fields()].concat();
        let sig = HostSig {
            name: "next".to_owned(),
            params: Vec::new(),
            results,
            rows: Vec::new(),
        };
        let function = crate::host::function(sig, move |_args, results, context| {
            let mut offers = offers.lock();
            let next = offers.elements.pop_front();
            results.bool(0, next.is_some());
            results.bool(1, offers.ended || !offers.elements.is_empty());
            match next {
                Some(element) => element::write(element, results, 2, context),
                None => Ok(()),
            }
        });
        Inlet {
            function: Some(function),
            element: std::marker::PhantomData,
        }
    }
}

impl<T: Element> Process for Inlet<T> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("writer");
        shape.output(T::element_type());
        shape.host_once(&mut self.function);
        shape.starts_idle();
    }

    /// What is next: whether there is an element, and whether more is to be done: to give
    /// another, or to end.
    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        let (some, more) = (next[0], next[1]);
        let (_, none) = f.br_new(some);
        let (_, last) = f.br_new(more);
        f.emit(0, &next[2..]);
        f.again();
        f.switch_to(last);
        f.emit(0, &next[2..]);
        f.end(End::Pending);
        f.switch_to(none);
        let (_, later) = f.br_new(more);
        f.finish();
        f.switch_to(later);
        f.end(End::Pending);
    }
}
