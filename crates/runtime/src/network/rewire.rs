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

use std::sync::Arc;

use cutthrough_ir::{ElementType, Type};

use super::Network;
use super::resources::Moved;
use crate::cone;
use crate::error::{Error, ErrorKind};
use crate::limits::{POINTS_MAX, PROCESSES_MAX};
use crate::process::{self, Process, ProcessCode, Shape};
use crate::specialize::{Cause, Change};
use crate::wiring::{Node, Point, PointId, Port, ProcessId, Status, Wiring};

/// The edits of one rewire; see [`Network::rewire`].
#[derive(Debug)]
pub struct Rewire<'n> {
    network: &'n mut Network,
    edits: usize,
    added: Vec<ProcessId>,
    new_points: Vec<PointId>,
    /// What chains may rely on that changed.
    changes: Vec<Change>,
    /// Flow points that may be deserted now: somebody was detached.
    left: Vec<PointId>,
    moved: Vec<Moved>,
    swapped: Vec<Swap>,
    finishing: Vec<ProcessId>,
    leaving: Vec<ProcessId>,
    leaving_points: Vec<PointId>,
}

/// A process whose program is replaced.
struct Swap {
    process: ProcessId,
    before: Arc<Node>,
    object: Box<dyn Process>,
}

impl std::fmt::Debug for Swap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swap")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Makes several edits at once. What `edit` gives is given back when all of it has
    /// been applied; if it fails, or the wiring that results is not allowed, nothing
    /// has changed.
    ///
    /// ```
    /// use cutthrough::ir::Type;
    /// use cutthrough::processes::{Collect, Copy, Slice};
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
    ///     let copy = rewire.add(Copy::new(Type::I64))?;
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
    pub(super) fn transact<R>(
        &mut self,
        edit: impl FnOnce(&mut Rewire<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let before = self.wiring.clone();
        let mut rewire = Rewire {
            network: self,
            edits: 0,
            added: Vec::new(),
            new_points: Vec::new(),
            changes: Vec::new(),
            left: Vec::new(),
            moved: Vec::new(),
            swapped: Vec::new(),
            finishing: Vec::new(),
            leaving: Vec::new(),
            leaving_points: Vec::new(),
        };
        let outcome = edit(&mut rewire);
        let arranged = outcome.and_then(|value| {
            rewire.network.wiring.version += 1;
            let changed = cone::arrange(&mut rewire.network.wiring)?;
            Ok((value, changed))
        });
        match arranged {
            Ok((value, changed)) => {
                rewire.commit(&changed);
                Ok(value)
            }
            Err(error) => {
                rewire.roll_back(before);
                Err(error)
            }
        }
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
        if network.wiring.points.len() >= POINTS_MAX {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("a network has at most {POINTS_MAX} flow points"),
            ));
        }
        let counts = &mut network.counts;
        let point = Point {
            name: name.to_owned(),
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
        let id = network.wiring.points.insert(Arc::new(point));
        self.new_points.push(id);
        Ok(id)
    }

    /// Adds a process, attached to nothing.
    ///
    /// # Errors
    /// When its program is not well formed, or at the bound on processes.
    pub fn add(&mut self, process: impl Process + 'static) -> Result<ProcessId, Error> {
        self.add_boxed(Box::new(process))
    }

    /// Adds a process, attached to nothing.
    ///
    /// # Errors
    /// As [`add`](Rewire::add).
    pub fn add_boxed(&mut self, mut process: Box<dyn Process>) -> Result<ProcessId, Error> {
        self.edits += 1;
        let network = &mut *self.network;
        if network.wiring.nodes.len() >= PROCESSES_MAX {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("a network has at most {PROCESSES_MAX} processes"),
            ));
        }
        let (code, shape) = declare(&mut *process)?;
        let starts = match (code.inputs.is_empty(), shape.idle) {
            _ if shape.over => Status::Finished,
            (false, _) => Status::Idle,
            (true, false) => Status::Holding,
            (true, true) => Status::Waiting,
        };
        let status = network.state.add(Type::I64, &[(starts as i64).cast_unsigned()]);
        let node = network.node(code, shape, status);
        let id = network.wiring.nodes.insert(Arc::new(node));
        network.processes.insert(id, process);
        self.added.push(id);
        Ok(id)
    }

    /// Attaches a process's output to a flow point.
    ///
    /// # Errors
    /// When either is not there or not free, or the types differ.
    pub fn attach_output(
        &mut self,
        process: ProcessId,
        output: usize,
        point: impl Into<PointId>,
    ) -> Result<(), Error> {
        self.edits += 1;
        let point = point.into();
        let node = self.network.known(process)?;
        let edge = node.outputs.get(output);
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && !edge.closed);
        let ty = node.code.tables().outputs.get(output);
        self.network
            .check_attachment(node, "output", output, is_free, ty, point)?;
        let put = self.network.put(edge.expect("INVARIANT: it has been checked"));
        let wiring = &mut self.network.wiring;
        let edge = &mut wiring.node_mut(process).outputs[output];
        let home = edge.home.replace(point);
        self.moved.extend(home.map(|home| Moved {
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

    /// Attaches a process's input to a flow point.
    ///
    /// # Errors
    /// As [`attach_output`](Rewire::attach_output).
    pub fn attach_input(
        &mut self,
        process: ProcessId,
        input: usize,
        point: impl Into<PointId>,
    ) -> Result<(), Error> {
        self.edits += 1;
        let point = point.into();
        let node = self.network.known(process)?;
        let edge = node.inputs.get(input);
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && !edge.ended);
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
        self.moved.extend(home.map(|home| Moved {
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
        self.changes.extend([
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
        let node = self.network.known(process)?;
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
        let node = self.network.known(process)?;
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
            self.changes.push(change.in_edit(self.edits));
            self.left.push(point);
        }
    }

    fn cut_input(&mut self, port: Port, cause: Cause) {
        let wiring = &mut self.network.wiring;
        if let Some(point) = wiring.node_mut(port.process).inputs[port.port].point.take() {
            wiring.point_mut(point).readers.retain(|reader| *reader != port);
            let change = Change::of_point(cause, point).by(port.process);
            self.changes.push(change.in_edit(self.edits));
            self.left.push(point);
        }
    }

    /// Puts a process of one input and one output behind an output: what goes out there
    /// now goes through the process first. The new flow point between them.
    ///
    /// # Errors
    /// When the output is not attached, or the types do not fit.
    pub fn insert(&mut self, behind: Port, process: ProcessId) -> Result<PointId, Error> {
        let before = self.changes.len();
        let point = self.detach_output(behind.process, behind.port)?;
        let element = self.network.wiring.point(point).element.clone();
        let name = self.network.wiring.node(process).name.clone();
        let between = self.point(&name, element)?;
        self.attach_output(behind.process, behind.port, between)?;
        self.attach_input(process, 0, between)?;
        self.attach_output(process, 0, point)?;
        for change in &mut self.changes[before..] {
            (change.cause, change.process) = (Cause::Inserted, Some(process));
        }
        Ok(between)
    }

    /// Gives a process another program, with the same ports: a filter another condition,
    /// say. Slots that have the same name and type in both keep their values, and counts
    /// go on.
    ///
    /// # Errors
    /// When the ports differ, the new program is not well formed, or something that the
    /// process holds would be lost.
    pub fn swap(&mut self, process: ProcessId, by: impl Process + 'static) -> Result<(), Error> {
        self.edits += 1;
        let before = Arc::clone(
            self.network
                .wiring
                .nodes
                .get(process)
                .ok_or_else(Error::no_process)?,
        );
        let mut object: Box<dyn Process> = Box::new(by);
        let (code, shape) = declare(&mut *object)?;
        let (old, new) = (before.code.tables(), code.tables());
        if old.inputs != new.inputs || old.outputs != new.outputs {
            let message = format!("`{}` has other ports than `{}`", code.program.name, before.name);
            return Err(Error::new(ErrorKind::Type, message));
        }
        let kept = matching_slots(&before, &code);
        self.network.check_nothing_lost(&before, &code, &kept)?;
        let mut node = self.network.node(code, shape, before.status);
        for (slot, &from) in kept.iter().enumerate() {
            if let Some(from) = from {
                let fresh = std::mem::replace(&mut node.places[slot], before.places[from]);
                self.network.state.remove(fresh);
            }
        }
        self.network.free_edges(&node);
        (node.inputs, node.outputs) = (before.inputs.clone(), before.outputs.clone());
        self.network.wiring.nodes[process] = Arc::new(node);
        let change = Change::of_process(Cause::Swapped, process);
        self.changes.push(change.in_edit(self.edits));
        self.swapped.push(Swap {
            process,
            before,
            object,
        });
        Ok(())
    }

    /// Ends a process's inputs, as if its flows had ended: it gives what it holds and
    /// then finishes. Nothing is lost.
    ///
    /// # Errors
    /// When there is no such process, or it is a source.
    pub fn finish(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let node = self.network.known(process)?;
        if node.inputs.is_empty() {
            let message = format!("`{}` is a source; remove it instead", node.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        for port in 0..node.inputs.len() {
            self.cut_input(Port { process, port }, Cause::Finishing);
        }
        self.finishing.push(process);
        Ok(())
    }

    /// Detaches a process from everything and removes it at once. What it holds goes
    /// with it.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn remove(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        let node = self.network.known(process)?;
        let (inputs, outputs) = (node.inputs.len(), node.outputs.len());
        for port in 0..inputs {
            self.cut_input(Port { process, port }, Cause::Removed);
        }
        for port in 0..outputs {
            self.cut_output(Port { process, port }, Cause::Removed);
        }
        self.leaving.push(process);
        Ok(())
    }

    /// Removes a flow point that nobody is attached to any more.
    ///
    /// # Errors
    /// When somebody is, or elements are on their way to its readers, or there is no such
    /// point.
    pub fn remove_point(&mut self, point: PointId) -> Result<(), Error> {
        self.edits += 1;
        let known = self.network.known_point(point)?;
        let is_dealt_out = self.network.deals.iter().any(|deal| deal.point == point);
        if !known.writers.is_empty() || !known.readers.is_empty() || is_dealt_out {
            let message = format!("flow point `{}` is in use", known.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        self.leaving_points.push(point);
        Ok(())
    }

    fn commit(self, changed: &[PointId]) {
        let network = self.network;
        network.memo.clear();
        let turned = network.turned(changed);
        let changes = [self.changes, turned].concat();
        network.specialisations.invalidate(&network.wiring, &changes);
        for moved in self.moved {
            network.leave_account(moved);
        }
        for Swap {
            process,
            before,
            object,
        } in self.swapped
        {
            network.free_swapped(&before, process, false);
            network.processes.insert(process, object);
        }
        for &process in &self.leaving {
            network.retire(process, None);
            network.discard(process);
        }
        for &process in &self.finishing {
            network.end_inputs(process);
        }
        network.end_deserted(&self.left);
        for id in self.leaving_points {
            if let Some(point) = network.wiring.points.remove(id) {
                network.free_point(&point);
            }
        }
    }

    fn roll_back(self, before: Wiring) {
        let network = self.network;
        for Swap { process, before, .. } in self.swapped.into_iter().rev() {
            network.free_swapped(&before, process, true);
            network.wiring.nodes[process] = before;
        }
        for process in self.added {
            if let Some(node) = network.wiring.nodes.remove(process) {
                network.free_node(&node);
                network.processes.remove(process);
            }
        }
        for id in self.new_points {
            if let Some(point) = network.wiring.points.remove(id) {
                network.free_point(&point);
            }
        }
        network.wiring.restore(before);
        network.memo.clear();
    }
}

/// Has a process declare itself; its program, and the rest of the declaration.
fn declare(process: &mut dyn Process) -> Result<(ProcessCode, Shape), Error> {
    let mut shape = Shape::default();
    process.declare(&mut shape);
    let code = process::program_of(process, &mut shape)?;
    Ok((code, shape))
}

/// For each slot of a new program, the slot of the old one that has its name and type.
fn matching_slots(before: &Node, code: &ProcessCode) -> Vec<Option<usize>> {
    let old = &before.code.tables().slots;
    let mut taken = vec![false; old.len()];
    let matching = code.tables().slots.iter().map(|new| {
        let found = (0..old.len()).find(|&k| !taken[k] && old[k].name == new.name && old[k].ty == new.ty)?;
        taken[found] = true;
        Some(found)
    });
    matching.collect()
}

fn not_attached(node: &Node, kind: &str, number: usize) -> Error {
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

    /// Whether a process can have another program without losing what it holds.
    fn check_nothing_lost(
        &self,
        before: &Node,
        code: &ProcessCode,
        kept: &[Option<usize>],
    ) -> Result<(), Error> {
        let status = Status::of(self.state.i64(before.status));
        let goes = |slot: &usize| !kept.contains(&Some(*slot));
        let mut lost = before.code.accounts.iter().flat_map(|account| &account.held);
        let held = lost.find(|slot| goes(slot) && self.state.i64(before.places[**slot]) != 0);
        let gives = status == Status::Holding && !before.inputs.is_empty();
        let cannot_give =
            gives && (code.write_ok.is_none() || (0..before.places.len()).any(|slot| goes(&slot)));
        if held.is_none() && !cannot_give {
            return Ok(());
        }
        let message = format!(
            "`{}` holds elements that the new program would not know",
            before.name
        );
        Err(Error::new(ErrorKind::Type, message))
    }
}
