//! Rewires: several edits of the wiring that take effect together, at one point of the
//! stream, or not at all.
//!
//! # How one is applied
//! A rewire runs between two grants, when nothing is under way. Each edit changes the
//! wiring and notes what it touched; nothing else sees the changes yet. When all edits
//! are made the wiring is checked as a whole: no cycle, no path beyond the bound. If
//! that or any edit fails, the wiring is put back as it was and what was added is freed.
//! Otherwise the rewire is committed: native code that relied on what changed is
//! dropped, what has left is told so, and flows that have lost their last writer or
//! reader end. Nothing waits for the compiler.

use std::panic::Location;
use std::sync::Arc;

use cutthrough_ir::{ElementType, Type};
use rustc_hash::FxHashSet;

use super::Network;
use super::resources::{Moved, Swap};
use crate::arrange::{Arranged, arrange};
use crate::element::Element;
use crate::error::{Error, ErrorKind};
use crate::fate::{Close, Fate};
use crate::ids::NetworkNumber;
use crate::point::{AnyPoint, FlowPoint};
use crate::process::Process;
use crate::program::Prepared;
use crate::specialize::{Cause, Change};
use crate::wiring::{Node, OutEdge, Point, PointId, Port, ProcessId, Status};

/// The edits of one rewire; see [`Network::rewire`].
#[derive(Debug)]
pub struct Rewire<'n> {
    pub(super) network: &'n mut Network,
    pub(super) edits: usize,
    pub(super) edited: Edited,
    is_committed: bool,
}

/// What the edits have done besides changing the wiring, and what is left to be done when
/// it is known that they hold.
#[derive(Debug, Default)]
pub(super) struct Edited {
    added: Vec<ProcessId>,
    new_points: Vec<PointId>,
    /// What chains may rely on that changed.
    pub(super) changes: Vec<Change>,
    /// Flow points that may be deserted now: somebody was detached.
    left: Vec<(PointId, Close)>,
    moved: Vec<Moved>,
    pub(super) swapped: Vec<Swap>,
    finishing: Vec<ProcessId>,
    cancelling: Vec<ProcessId>,
    /// Processes that go at once; whether what they hold has its fate.
    leaving: Vec<(ProcessId, bool)>,
    /// The same ones: no edit that follows knows them.
    gone: FxHashSet<ProcessId>,
    leaving_points: Vec<PointId>,
}

impl Network {
    /// Makes several edits at once. What `edit` gives is given back when all of it has
    /// been applied; if it fails, or the wiring that results is not allowed, nothing
    /// has changed.
    ///
    /// ```
    /// use cutthrough::ir::Type;
    /// use cutthrough::processes::{Collect, Pass, Slice};
    /// use cutthrough::Network;
    ///
    /// let mut network = Network::default();
    /// let numbers = network.source::<i64>(Slice::i64([1, 2, 3]))?;
    /// let collect = Collect::<i64>::new();
    /// let collected = collect.collected();
    /// let sink = network.sink(numbers, collect)?;
    ///
    /// // Puts a process between the source and the sink.
    /// network.rewire(|rewire| {
    ///     let between = rewire.point("between", Type::I64)?;
    ///     rewire.detach_input(sink, 0)?;
    ///     let copy = rewire.add(Pass::new(Type::I64))?;
    ///     rewire.attach_input(copy, 0, numbers)?;
    ///     rewire.attach_output(copy, 0, between)?;
    ///     rewire.attach_input(sink, 0, between)
    /// })?;
    /// network.run()?;
    /// assert_eq!(collected.take(), [1, 2, 3]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    /// # Errors
    /// The failed edit's, with its number, or what is wrong with the whole.
    pub fn rewire<R>(&mut self, edit: impl FnOnce(&mut Rewire<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.transact(|rewire| {
            let outcome = edit(rewire);
            let number = rewire.edits;
            outcome.map_err(|error| error.prefixed(format_args!("edit {number}")))
        })
    }

    /// A rewire whose errors do not speak of edits, for those that consist of one.
    pub(crate) fn transact<R>(
        &mut self,
        edit: impl FnOnce(&mut Rewire<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        debug_assert!(
            self.wiring.journal.is_empty(),
            "INVARIANT: the wiring is arranged"
        );
        let mut rewire = Rewire {
            network: self,
            edits: 0,
            edited: Edited::default(),
            is_committed: false,
        };
        let value = edit(&mut rewire)?;
        let in_deals = rewire.network.in_deals();
        let arranged = arrange(&mut rewire.network.wiring, &in_deals)?;
        rewire.commit(&arranged);
        Ok(value)
    }
}

impl Rewire<'_> {
    /// Adds a flow point.
    ///
    /// # Errors
    /// At the bound on flow points, or when the elements have no fields.
    pub fn point(&mut self, name: &str, element: impl Into<ElementType>) -> Result<PointId, Error> {
        self.edits += 1;
        let element = element.into();
        if element.fields().is_empty() {
            let message = format!("the elements of flow point `{name}` have no fields");
            return Err(Error::new(ErrorKind::Type, message));
        }
        let network = &mut *self.network;
        let most = network.points_max;
        if network.wiring.points.len() >= most {
            let message =
                format!("the network may have {most} flow points and no more (`Options::points_max`)");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let counts = &mut network.counts;
        let point = Point {
            name: name.into(),
            element,
            writers: Vec::new(),
            readers: Vec::new(),
            hold_writers: false,
            hold_readers: false,
            lost: counts.add(),
            departed_put: counts.add(),
            departed_taken: counts.add(),
            dealt: false,
        };
        let id = network.wiring.add_point(point);
        self.edited.new_points.push(id);
        Ok(id)
    }

    /// Adds a process, attached to nothing.
    ///
    /// # Errors
    /// When its program is not well formed, or at the bound on processes.
    #[track_caller]
    pub fn add(&mut self, process: impl Process + 'static) -> Result<ProcessId, Error> {
        self.add_boxed(Box::new(process))
    }

    /// Adds a process, attached to nothing.
    ///
    /// # Errors
    /// As [`add`](Rewire::add).
    #[track_caller]
    pub fn add_boxed(&mut self, process: Box<dyn Process>) -> Result<ProcessId, Error> {
        self.add_at(process, Location::caller())
    }

    /// The same, for who was called there.
    pub(crate) fn add_at(
        &mut self,
        process: Box<dyn Process>,
        place: &'static Location<'static>,
    ) -> Result<ProcessId, Error> {
        self.add_prepared(Prepared::new(process)?.at(place))
    }

    /// Adds a process that has been prepared, attached to nothing.
    ///
    /// # Errors
    /// At the bound on processes.
    pub fn add_prepared(&mut self, prepared: Prepared) -> Result<ProcessId, Error> {
        self.edits += 1;
        let Prepared {
            process,
            code,
            shape,
            added_at,
        } = prepared;
        let network = &mut *self.network;
        let most = network.processes_max;
        if network.wiring.nodes.len() >= most {
            let message =
                format!("the network may have {most} processes and no more (`Options::processes_max`)");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        network.watches.check_room(&shape)?;
        let starts = match (code.inputs.is_empty(), shape.idle) {
            _ if shape.over => Status::Finished,
            (false, _) => Status::Idle,
            (true, false) => Status::Holding,
            (true, true) => Status::Waiting,
        };
        let status = network.state.add(Type::I64, &[(starts as i64).cast_unsigned()]);
        let mut node = network.node(code, shape, status);
        node.added_at = added_at;
        let id = network.wiring.add_node(node);
        network.processes.insert(id, process);
        network.watches.set(id, &network.wiring.node(id).watched);
        self.edited.added.push(id);
        Ok(id)
    }

    /// Adds a flow point behind a process's first output.
    pub(super) fn output_of<T: Element>(&mut self, process: ProcessId) -> Result<FlowPoint<T>, Error> {
        let point = self.output_point(process, 0, T::element_type())?;
        Ok(FlowPoint::of(point, self.network.number))
    }

    /// Adds a flow point of these elements behind a process's output; it is named after the
    /// process.
    ///
    /// # Errors
    /// As [`point`](Rewire::point) and [`attach_output`](Rewire::attach_output).
    pub fn output_point(
        &mut self,
        process: ProcessId,
        output: usize,
        element: impl Into<ElementType>,
    ) -> Result<PointId, Error> {
        let name = self.known(process)?.name.clone();
        let point = self.point(&name, element)?;
        self.attach_output(process, output, point)?;
        Ok(point)
    }

    /// Attaches a process's output to a flow point.
    ///
    /// # Errors
    /// When either is not there or not free, or the types differ.
    pub fn attach_output(
        &mut self,
        process: ProcessId,
        output: usize,
        point: impl Into<AnyPoint>,
    ) -> Result<(), Error> {
        self.edits += 1;
        let point = self.network.own(point)?;
        let node = self.known(process)?;
        let edge = node.outputs.get(output);
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && edge.closed.is_none());
        let ty = node.code.tables().outputs.get(output);
        self.network
            .check_attachment(node, "output", output, is_free, ty, point)?;
        let put = self.network.put(edge.expect("INVARIANT: it has been checked"));
        let wiring = &mut self.network.wiring;
        let edge = &mut wiring.node_mut(process).outputs[output];
        let home = edge.home.replace(point);
        self.edited.moved.extend(home.map(|home| Moved {
            home,
            put: put - edge.before_home,
            taken: 0,
        }));
        (edge.point, edge.before_home) = (Some(point), put);
        wiring.point_mut(point).writers.push(Port {
            process,
            port: output,
        });
        self.attached(Cause::AttachedWriter, process, point);
        Ok(())
    }

    /// Attaches a process's input to a flow point. Each element goes to exactly one of the
    /// readers of a point.
    ///
    /// # Errors
    /// As [`attach_output`](Rewire::attach_output).
    pub fn attach_input(
        &mut self,
        process: ProcessId,
        input: usize,
        point: impl Into<AnyPoint>,
    ) -> Result<(), Error> {
        self.edits += 1;
        let point = self.network.own(point)?;
        let node = self.known(process)?;
        let edge = node.inputs.get(input);
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && edge.closed.is_none());
        let ty = node.code.tables().inputs.get(input);
        self.network
            .check_attachment(node, "input", input, is_free, ty, point)?;
        let taken = self
            .network
            .counts
            .get(edge.expect("INVARIANT: it has been checked").count);
        let wiring = &mut self.network.wiring;
        let edge = &mut wiring.node_mut(process).inputs[input];
        let home = edge.home.replace(point);
        self.edited.moved.extend(home.map(|home| Moved {
            home,
            put: 0,
            taken: taken - edge.before_home,
        }));
        (edge.point, edge.before_home) = (Some(point), taken);
        wiring
            .point_mut(point)
            .readers
            .push(Port { process, port: input });
        self.attached(Cause::AttachedReader, process, point);
        Ok(())
    }

    /// Notes an attachment: of the point, and of the process, as its chains could not rely
    /// on the point yet.
    fn attached(&mut self, cause: Cause, process: ProcessId, point: PointId) {
        let edit = self.edits;
        self.edited.changes.extend([
            Change::of_point(cause, point).by(process).in_edit(edit),
            Change::of_process(cause, process).at(point).in_edit(edit),
        ]);
    }

    /// Detaches a process's output; it may be attached elsewhere. The flow point has one
    /// writer less when the rewire is committed.
    ///
    /// # Errors
    /// When the output is not attached.
    pub fn detach_output(&mut self, process: ProcessId, output: usize) -> Result<PointId, Error> {
        self.edits += 1;
        let node = self.known(process)?;
        let attached = node.outputs.get(output).and_then(|edge| edge.point);
        let point = attached.ok_or_else(|| not_attached(node, "output", output))?;
        let port = Port {
            process,
            port: output,
        };
        self.cut_output(port, Cause::DetachedWriter);
        Ok(point)
    }

    /// Detaches a process's input; it may be attached elsewhere. What the process holds
    /// stays with it.
    ///
    /// # Errors
    /// When the input is not attached.
    pub fn detach_input(&mut self, process: ProcessId, input: usize) -> Result<PointId, Error> {
        self.edits += 1;
        let node = self.known(process)?;
        let attached = node.inputs.get(input).and_then(|edge| edge.point);
        let point = attached.ok_or_else(|| not_attached(node, "input", input))?;
        self.cut_input(Port { process, port: input }, Cause::DetachedReader);
        Ok(point)
    }

    fn cut_output(&mut self, port: Port, cause: Cause) {
        let wiring = &mut self.network.wiring;
        if let Some(point) = wiring.node_mut(port.process).outputs[port.port].point.take() {
            wiring.point_mut(point).writers.retain(|writer| *writer != port);
            let change = Change::of_point(cause, point).by(port.process);
            self.edited.changes.push(change.in_edit(self.edits));
            self.edited.left.push((point, reason(cause)));
        }
    }

    fn cut_input(&mut self, port: Port, cause: Cause) {
        let wiring = &mut self.network.wiring;
        if let Some(point) = wiring.node_mut(port.process).inputs[port.port].point.take() {
            wiring.point_mut(point).readers.retain(|reader| *reader != port);
            let change = Change::of_point(cause, point).by(port.process);
            self.edited.changes.push(change.in_edit(self.edits));
            self.edited.left.push((point, reason(cause)));
        }
    }

    /// Ends a process's inputs, as if its flows had ended: it gives what it holds and
    /// then finishes. Nothing is lost.
    ///
    /// # Errors
    /// When there is no such process, or it is a source.
    pub fn finish(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let node = self.known(process)?;
        if node.inputs.is_empty() {
            let message = format!("`{}` is a source; remove it instead", node.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        for port in 0..node.inputs.len() {
            self.cut_input(Port { process, port }, Cause::Finishing);
        }
        self.edited.finishing.push(process);
        Ok(())
    }

    /// Cancels a process: its inputs are detached, and it takes no more. What it holds has
    /// the [fate](Fate) that it declared; when that is settled its neighbours see their
    /// edges closed as [cancelled](Close::Cancelled) rather than ended, where it was the
    /// last one there, and are cancelled in turn: what lies downstream when it has lost an
    /// input that it watches, or all of them.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn cancel(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let inputs = self.known(process)?.inputs.len();
        for port in 0..inputs {
            self.cut_input(Port { process, port }, Cause::Cancelled);
        }
        self.edited.cancelling.push(process);
        Ok(())
    }

    /// Detaches a process from everything and removes it. What it holds has the
    /// [fate](Fate) that it declared. If it is to give it downstream first (which is so
    /// where it declared nothing) it is detached from its inputs only, and is removed when
    /// it has given all; without anything to give, it is removed at once.
    ///
    /// # Errors
    /// When there is no such process, or it holds elements that it has to give and an
    /// output leads nowhere ([`discard`](Rewire::discard) removes it nevertheless).
    pub fn remove(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let node = Arc::clone(self.known(process)?);
        for port in 0..node.inputs.len() {
            self.cut_input(Port { process, port }, Cause::Removed);
        }
        if node.fate == Fate::Finished && self.network.holds(&node) {
            let leads_nowhere = |edge: &OutEdge| edge.point.is_none() && edge.closed.is_none();
            if let Some(output) = node.outputs.iter().position(leads_nowhere) {
                let name = &node.name;
                let message = format!(
                    "`{name}` holds elements, and its output {output} leads nowhere: attach it, so that they can be given before the process goes"
                );
                return Err(Error::new(ErrorKind::Holding, message));
            }
            self.network.wiring.node_mut(process).is_leaving = true;
            self.edited.finishing.push(process);
            return Ok(());
        }
        for port in 0..node.outputs.len() {
            self.cut_output(Port { process, port }, Cause::Removed);
        }
        self.leave(process, true);
        Ok(())
    }

    /// Detaches a process from everything and removes it at once, whatever fate it
    /// declared: what it holds goes with it, and stands as held in its last report
    /// ([`Network::departed`]). For what nobody wants any more, with all that it leads to.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn discard(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let node = self.known(process)?;
        let (inputs, outputs) = (node.inputs.len(), node.outputs.len());
        for port in 0..inputs {
            self.cut_input(Port { process, port }, Cause::Removed);
        }
        for port in 0..outputs {
            self.cut_output(Port { process, port }, Cause::Removed);
        }
        self.leave(process, false);
        Ok(())
    }

    fn leave(&mut self, process: ProcessId, has_fate: bool) {
        self.edited.leaving.push((process, has_fate));
        self.edited.gone.insert(process);
    }

    /// A process that no edit before this one has removed.
    pub(super) fn known(&self, process: ProcessId) -> Result<&Arc<Node>, Error> {
        if self.edited.gone.contains(&process) {
            return Err(Error::no_process());
        }
        self.network.known_node(process)
    }

    /// The number of a process that this network gave.
    pub(crate) fn own(&mut self, process: ProcessId, network: NetworkNumber) -> Result<ProcessId, Error> {
        let checked = self.network.check_gave("stage", network);
        // What is refused here is the edit that it was wanted for.
        self.edits += usize::from(checked.is_err());
        checked.map(|()| process)
    }

    /// Removes a flow point that nobody is attached to any more.
    ///
    /// # Errors
    /// When somebody is, or elements are on their way to its readers, or there is no such
    /// point.
    pub fn remove_point(&mut self, point: impl Into<AnyPoint>) -> Result<(), Error> {
        self.edits += 1;
        let point = self.network.own(point)?;
        let known = self.network.known_point(point)?;
        let is_dealt_out = self.network.simplexes.has_block(point);
        if !known.writers.is_empty() || !known.readers.is_empty() || is_dealt_out {
            let message = format!("flow point `{}` is in use", known.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        self.edited.leaving_points.push(point);
        Ok(())
    }

    /// Lets the rest of the network know what has happened to the wiring.
    fn commit(mut self, arranged: &Arranged) {
        let edits = std::mem::take(&mut self.edited);
        self.is_committed = true;
        let network = &mut *self.network;
        let turned = network.turned(&arranged.turned);
        network.invalidate(&[edits.changes, turned].concat());
        network.reschedule(arranged);
        for moved in edits.moved {
            network.leave_account(moved);
        }
        for process in edits.added {
            network.bind_wakes(process);
            network.unsettled.push(process);
        }
        for (nth, swap) in edits.swapped.iter().enumerate() {
            // A program that is replaced once more has given on what it took over.
            let again = edits.swapped[nth + 1..]
                .iter()
                .find(|later| later.process == swap.process);
            let after = again.map_or_else(|| network.wiring.node(swap.process), |later| &later.before);
            network.free_swapped(&swap.before, &Arc::clone(after));
        }
        for Swap {
            process,
            before,
            object,
        } in edits.swapped
        {
            network.swap_wakes(process, &before);
            network.processes.insert(process, object);
            network
                .watches
                .set(process, &network.wiring.node(process).watched);
            network.unsettled.push(process);
        }
        network.retire(&edits.leaving);
        for &(process, _) in &edits.leaving {
            network.drop_node(process);
        }
        for &process in &edits.finishing {
            network.end_inputs(process, &Close::Ended);
        }
        for &process in &edits.cancelling {
            network.cancel_detached(process);
        }
        network.end_deserted(&edits.left);
        for id in edits.leaving_points {
            if let Some(point) = network.wiring.remove_point(id) {
                network.lost_at_removed += network.counts.get(point.lost);
                network.free_point(id, &point);
            }
        }
        network.depart();
    }
}

impl Drop for Rewire<'_> {
    /// Puts the wiring back, unless the rewire has been committed: also where an edit
    /// panics.
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        let (network, edits) = (&mut *self.network, &mut self.edited);
        for Swap { process, before, .. } in edits.swapped.drain(..).rev() {
            let after = Arc::clone(network.wiring.node(process));
            network.free_replaced(&after, &before);
            network.wiring.replace_node(process, Node::clone(&before));
        }
        for process in edits.added.drain(..) {
            if let Some(node) = network.wiring.remove_node(process) {
                network.free_node(&node);
                network.processes.remove(process);
                network.watches.forget(process);
            }
        }
        for id in edits.new_points.drain(..) {
            if let Some(point) = network.wiring.remove_point(id) {
                network.free_point(id, &point);
            }
        }
        network.wiring.restore();
    }
}

/// Why a flow comes to an end that an edit has left without writers or readers.
fn reason(cause: Cause) -> Close {
    if cause == Cause::Cancelled {
        Close::Cancelled
    } else {
        Close::Ended
    }
}

pub(super) fn not_attached(node: &Node, kind: &str, number: usize) -> Error {
    Error::new(
        ErrorKind::NotThere,
        format!("{kind} {number} of `{}` is not attached", node.name),
    )
}

impl Network {
    fn check_attachment(
        &self,
        node: &Node,
        kind: &str,
        number: usize,
        is_free: bool,
        ty: Option<&ElementType>,
        point: PointId,
    ) -> Result<(), Error> {
        let name = &node.name;
        let Some(ty) = ty else {
            return Err(Error::new(
                ErrorKind::NotThere,
                format!("`{name}` has no {kind} {number}"),
            ));
        };
        if !is_free {
            let message = format!("{kind} {number} of `{name}` is attached already or closed");
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        let point = self.known_point(point)?;
        if point.element != *ty {
            let (expected, point_name) = (&point.element, &point.name);
            let message = format!(
                "{kind} {number} of `{name}` has elements {ty}, but those of flow point `{point_name}` are {expected}"
            );
            return Err(Error::new(ErrorKind::Type, message));
        }
        Ok(())
    }
}
