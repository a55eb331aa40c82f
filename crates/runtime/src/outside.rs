//! Reading and writing a flow point from outside the network: by whoever owns the
//! network and holds a [`Reader`] or a [`Writer`].
//!
//! Both are ordinary processes with a handle. What stands between a call and the
//! network is the commitment: a read that finds nothing leaves a standing ask, a write
//! that nobody takes a standing offer, and the flow draws on it once, up to its number,
//! whenever it can.

use std::collections::VecDeque;
use std::sync::Arc;

use cutthrough_ir::{HostFunction, HostSig, Op, SlotDecl, Type, Value};
use parking_lot::Mutex;

use crate::element::{self, Element, FlowPoint};
use crate::error::Error;
use crate::network::Network;
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
    /// The network has edits to apply first: call again after running it.
    Retry,
    /// The process that reads or writes for the caller has failed, or been removed.
    Failed(Error),
}

/// Reads a flow point from outside.
#[derive(Debug)]
pub struct Reader<T> {
    process: ProcessId,
    arrived: Arc<Mutex<VecDeque<T>>>,
}

/// Writes to a flow point from outside.
#[derive(Debug)]
pub struct Writer<T> {
    process: ProcessId,
    offered: Arc<Mutex<VecDeque<T>>>,
}

impl<T: Element> Reader<T> {
    /// Attaches a reader to a flow point.
    ///
    /// # Errors
    /// As [`Network::sink`].
    pub fn attach(network: &mut Network, point: FlowPoint<T>) -> Result<Reader<T>, Error> {
        let arrived = Arc::new(Mutex::new(VecDeque::new()));
        let process = network.sink(point, Outlet::new(arrived.clone()))?;
        Ok(Reader { process, arrived })
    }

    /// The process that reads.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Asks for up to `n` elements, in place of what was asked for before, and moves
    /// what the flow can give now. Elements that came by an earlier, standing ask count.
    /// They are fetched by [`fetch`](Reader::fetch).
    ///
    /// # Errors
    /// When another process fails on the way, its error.
    pub fn read(&self, network: &mut Network, n: u64) -> Result<Outcome, Error> {
        if network.has_requests() {
            return Ok(Outcome::Retry);
        }
        if let Some(error) = network.gone(self.process) {
            return Ok(Outcome::Failed(error));
        }
        let before = self.arrived.lock().len() as u64;
        if before == 0 {
            network.set_slot(
                self.process,
                Outlet::<T>::ROOM,
                i64::try_from(n).unwrap_or(i64::MAX),
            )?;
            network.drive_towards(self.process)?;
        }
        let arrived = (self.arrived.lock().len() as u64).min(n);
        Ok(match arrived {
            0 if network.is_retired(self.process) => Outcome::Eof,
            0 => Outcome::Pending,
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

impl<T: Element> Writer<T> {
    /// Attaches a writer to a flow point.
    ///
    /// # Errors
    /// As [`Network::add`] and [`Network::attach_output`].
    pub fn attach(network: &mut Network, point: FlowPoint<T>) -> Result<Writer<T>, Error> {
        let offered = Arc::new(Mutex::new(VecDeque::new()));
        let process = network.add(Inlet::new(offered.clone()))?;
        network.attach_output(process, 0, point)?;
        Ok(Writer { process, offered })
    }

    /// The process that writes.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Offers the elements and moves what the readers take now. If they take some, the
    /// others are left in `elements`; if they take none, all become a standing offer.
    ///
    /// # Errors
    /// When another process fails on the way, its error.
    pub fn write(&self, network: &mut Network, elements: &mut Vec<T>) -> Result<Outcome, Error> {
        if network.has_requests() {
            return Ok(Outcome::Retry);
        }
        if let Some(error) = network.gone(self.process) {
            return Ok(Outcome::Failed(error));
        }
        if network.is_retired(self.process) {
            return Ok(Outcome::Eof);
        }
        let standing = self.standing();
        let offered = elements.len() as u64;
        self.offered.lock().extend(elements.drain(..));
        network.wake(self.process)?;
        network.drive(self.process, standing + offered)?;
        let left = self.standing();
        let moved = (standing + offered - left).saturating_sub(standing);
        if moved == 0 {
            return Ok(Outcome::Pending);
        }
        let mut queue = self.offered.lock();
        let back = queue.len();
        elements.extend(queue.drain(..back));
        Ok(Outcome::Moved(moved))
    }

    /// How many elements are on offer.
    pub fn standing(&self) -> u64 {
        self.offered.lock().len() as u64
    }

    /// Leaves the flow point. What is on offer is handed back.
    ///
    /// # Errors
    /// When the process has been removed already.
    pub fn close(self, network: &mut Network) -> Result<Vec<T>, Error> {
        network.remove(self.process)?;
        Ok(self.offered.lock().drain(..).collect())
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
    fn new(offered: Arc<Mutex<VecDeque<T>>>) -> Inlet<T> {
        let results = [vec![Type::BOOL, Type::BOOL], T::fields()].concat();
        let sig = HostSig {
            name: "next".to_owned(),
            params: Vec::new(),
            results,
            rows: Vec::new(),
        };
        let function = crate::host::function(sig, move |_args, results, context| {
            let mut offered = offered.lock();
            if let Some(element) = offered.pop_front() {
                results.bool(0, true);
                results.bool(1, !offered.is_empty());
                element::write(element, results, 2, context)?;
            }
            Ok(())
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

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        let (some, more) = (next[0], next[1]);
        let (_, none) = f.br_new(some);
        let (_, last) = f.br_new(more);
        f.emit(0, &next[2..]);
        f.again();
        f.switch_to(last);
        f.emit(0, &next[2..]);
        f.end(cutthrough_ir::End::Pending);
        f.switch_to(none);
        f.end(cutthrough_ir::End::Pending);
    }
}
