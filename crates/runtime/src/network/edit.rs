//! Edits of a running network: each is checked as a whole and then applied, or
//! refused with nothing changed.

use std::sync::Arc;

use cutthrough_ir::{ElementType, Type};

use super::{Network, Report};
use crate::cone;
use crate::element::{Element, FlowPoint};
use crate::error::{Error, ErrorKind};
use crate::limits::{POINTS_MAX, PROCESSES_MAX};
use crate::network::ProcessReport;
use crate::process::{self, Process, Shape};
use crate::wiring::{InEdge, Node, OutEdge, Point, PointId, Port, ProcessId, Status};

impl Network {
    /// Adds a flow point for elements of a type known at run time only.
    ///
    /// # Errors
    /// At the bound on flow points.
    pub fn add_point(&mut self, name: &str, element: ElementType) -> Result<PointId, Error> {
        if self.wiring.points.len() >= POINTS_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("a network has at most {POINTS_MAX} flow points")));
        }
        let lost = self.counts.add();
        let point = Point {
            name: name.to_owned(),
            element,
            writers: Vec::new(),
            readers: Vec::new(),
            hold_writers: false,
            hold_readers: false,
            lost,
            departed_put: self.counts.add(),
            departed_taken: self.counts.add(),
            dealt: false,
        };
        self.wiring.version += 1;
        Ok(self.wiring.points.insert(Arc::new(point)))
    }

    /// Removes a flow point that nobody is attached to.
    ///
    /// # Errors
    /// When somebody is, or there is no such point.
    pub fn remove_point(&mut self, point: PointId) -> Result<(), Error> {
        let known = self.known_point(point)?;
        let is_dealt_out = self.deals.iter().any(|deal| deal.point == point);
        if !known.writers.is_empty() || !known.readers.is_empty() || is_dealt_out {
            let message = format!("flow point `{}` is in use", known.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        for counter in [known.lost, known.departed_put, known.departed_taken] {
            self.counts.remove(counter);
        }
        self.wiring.points.remove(point);
        self.wiring.version += 1;
        Ok(())
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
    /// As [`add`](Network::add).
    pub fn add_boxed(&mut self, mut process: Box<dyn Process>) -> Result<ProcessId, Error> {
        if self.wiring.nodes.len() >= PROCESSES_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("a network has at most {PROCESSES_MAX} processes")));
        }
        let mut shape = Shape::default();
        process.declare(&mut shape);
        let code = process::program_of(&*process, &mut shape)?;
        let tables = code.tables();
        let places = tables.slots.iter().map(|slot| self.state.add(slot.ty, &slot.init)).collect();
        let starts = match (code.inputs.is_empty(), shape.idle) {
            _ if shape.over => Status::Finished,
            (false, _) => Status::Idle,
            (true, false) => Status::Holding,
            (true, true) => Status::Waiting,
        };
        let status = self.state.add(Type::I64, &[(starts as i64).cast_unsigned()]);
        let counts = &mut self.counts;
        let inputs = tables.inputs.iter().map(|_| InEdge {
            point: None,
            home: None,
            count: counts.add(),
            late: counts.add(),
            ended: false,
        });
        let inputs = inputs.collect();
        let outputs = tables.outputs.iter();
        let outputs = outputs.map(|_| OutEdge {
            point: None,
            home: None,
            count: counts.add(),
            lost: counts.add(),
            closed: false,
        });
        let outputs = outputs.collect();
        let node = Node {
            name: code.program.name.clone(),
            places,
            status,
            hosts: shape.hosts.into_iter().map(|host| self.hosts.add(host)).collect(),
            drops: tables.drops.iter().map(|_| self.counts.add()).collect(),
            inputs,
            outputs,
            retired: false,
            failed: false,
            code: Arc::new(code),
        };
        let id = self.wiring.nodes.insert(Arc::new(node));
        self.processes.insert(id, process);
        self.wiring.version += 1;
        self.rearrange().expect("a process attached to nothing closes no cycle");
        Ok(id)
    }

    /// Attaches a process's output to a flow point.
    ///
    /// # Errors
    /// When either is not there or not free, the types differ, or a cycle or a path
    /// beyond the bound would come to be.
    pub fn attach_output(&mut self, process: ProcessId, output: usize, point: impl Into<PointId>) -> Result<(), Error> {
        let point = point.into();
        let port = Port { process, port: output };
        let node = self.known(process)?;
        let (name, edge) = (node.name.clone(), node.outputs.get(output));
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && !edge.closed);
        let ty = node.code.tables().outputs.get(output).cloned();
        self.check_attachment(&name, "output", output, is_free, ty, point)?;
        self.attach(point, |wiring| {
            let edge = &mut wiring.node_mut(process).outputs[output];
            (edge.point, edge.home) = (Some(point), Some(point));
            wiring.point_mut(point).writers.push(port);
        })
    }

    /// Attaches a process's input to a flow point.
    ///
    /// # Errors
    /// As [`attach_output`](Network::attach_output).
    pub fn attach_input(&mut self, process: ProcessId, input: usize, point: impl Into<PointId>) -> Result<(), Error> {
        let point = point.into();
        let port = Port { process, port: input };
        let node = self.known(process)?;
        let (name, edge) = (node.name.clone(), node.inputs.get(input));
        let is_free = edge.is_some_and(|edge| edge.point.is_none() && !edge.ended);
        let ty = node.code.tables().inputs.get(input).cloned();
        self.check_attachment(&name, "input", input, is_free, ty, point)?;
        self.attach(point, |wiring| {
            let edge = &mut wiring.node_mut(process).inputs[input];
            (edge.point, edge.home) = (Some(point), Some(point));
            wiring.point_mut(point).readers.push(port);
        })
    }

    fn attach(&mut self, point: PointId, edit: impl FnOnce(&mut crate::wiring::Wiring)) -> Result<(), Error> {
        let before = self.wiring.clone();
        edit(&mut self.wiring);
        self.wiring.version += 1;
        if let Err(error) = self.rearrange() {
            self.wiring = before;
            self.memo.clear();
            return Err(error);
        }
        self.specialisations.invalidate(&[point], &[]);
        Ok(())
    }

    fn check_attachment(
        &self,
        name: &str,
        kind: &str,
        number: usize,
        is_free: bool,
        ty: Option<ElementType>,
        point: PointId,
    ) -> Result<(), Error> {
        let Some(ty) = ty else {
            return Err(Error::new(ErrorKind::NotThere, format!("`{name}` has no {kind} {number}")));
        };
        if !is_free {
            let message = format!("{kind} {number} of `{name}` is attached already or closed");
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        let point = self.known_point(point)?;
        if point.element != ty {
            let (expected, point_name) = (&point.element, &point.name);
            let message = format!(
                "{kind} {number} of `{name}` has elements {ty}, but those of flow point `{point_name}` are {expected}"
            );
            return Err(Error::new(ErrorKind::Type, message));
        }
        Ok(())
    }

    /// Adds a process that reads `from` by its first input and writes by its first
    /// output to a new flow point, which is given back.
    ///
    /// # Errors
    /// As [`add`](Network::add) and [`attach_input`](Network::attach_input).
    pub fn pipe<A: Element, B: Element>(
        &mut self,
        from: FlowPoint<A>,
        process: impl Process + 'static,
    ) -> Result<FlowPoint<B>, Error> {
        let id = self.add(process)?;
        self.attach_input(id, 0, from)?;
        self.output_of(id)
    }

    /// Adds a source; the new flow point that it writes to.
    ///
    /// # Errors
    /// As [`pipe`](Network::pipe).
    pub fn source<T: Element>(&mut self, process: impl Process + 'static) -> Result<FlowPoint<T>, Error> {
        let id = self.add(process)?;
        self.output_of(id)
    }

    /// Adds a process that reads `from`.
    ///
    /// # Errors
    /// As [`pipe`](Network::pipe).
    pub fn sink<T: Element>(&mut self, from: FlowPoint<T>, process: impl Process + 'static) -> Result<ProcessId, Error> {
        let id = self.add(process)?;
        self.attach_input(id, 0, from)?;
        Ok(id)
    }

    fn output_of<T: Element>(&mut self, process: ProcessId) -> Result<FlowPoint<T>, Error> {
        let name = self.known(process)?.name.clone();
        let point = self.point::<T>(&name)?;
        self.attach_output(process, 0, point)?;
        Ok(point)
    }

    /// Keeps a flow point open although its last writer has left (or never came): the
    /// flow does not end. Letting go of a point without writers ends the flow.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn hold_writers(&mut self, point: impl Into<PointId>, hold: bool) -> Result<(), Error> {
        let point = point.into();
        self.known_point(point)?;
        self.wiring.point_mut(point).hold_writers = hold;
        if !hold {
            self.end_if_deserted(point);
        }
        Ok(())
    }

    /// Keeps a flow point open although its last reader has left: writers wait for
    /// another. Letting go of a point without readers closes it.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn hold_readers(&mut self, point: impl Into<PointId>, hold: bool) -> Result<(), Error> {
        let point = point.into();
        self.known_point(point)?;
        self.wiring.point_mut(point).hold_readers = hold;
        if !hold {
            self.end_if_deserted(point);
        }
        Ok(())
    }

    /// Detaches a process from everything and removes it; its last report. What it
    /// still held is counted there as held. Neighbours see a reader or writer leave.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn remove(&mut self, process: ProcessId) -> Result<ProcessReport, Error> {
        self.known(process)?;
        self.retire(process, None);
        let report = Report::of_process(self, process);
        let node = self.wiring.nodes.remove(process).expect("INVARIANT: it was known");
        self.processes.remove(process);
        self.ends_due.retain(|port| port.process != process);
        self.specialisations.forget(process);
        for &place in node.places.iter().chain([&node.status]) {
            self.state.remove(place);
        }
        for &host in &node.hosts {
            self.hosts.remove(host);
        }
        self.settle_accounts(&node);
        let inputs = node.inputs.iter().flat_map(|edge| [edge.count, edge.late]);
        let outputs = node.outputs.iter().flat_map(|edge| [edge.count, edge.lost]);
        for counter in inputs.chain(outputs).chain(node.drops.iter().copied()) {
            self.counts.remove(counter);
        }
        self.wiring.version += 1;
        self.rearrange().expect("removing closes no cycle");
        Ok(report)
    }

    /// Leaves what a process has moved to the accounts of its flow points.
    fn settle_accounts(&mut self, node: &Node) {
        for edge in &node.outputs {
            if let Some(point) = edge.home.and_then(|home| self.wiring.points.get(home)) {
                let put = self.counts.get(edge.count) - self.counts.get(edge.lost);
                self.counts.values[point.departed_put as usize] += put;
            }
        }
        for edge in &node.inputs {
            if let Some(point) = edge.home.and_then(|home| self.wiring.points.get(home)) {
                self.counts.values[point.departed_taken as usize] += self.counts.get(edge.count);
            }
        }
    }

    /// Wakes a source that had nothing to give.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn wake(&mut self, process: ProcessId) -> Result<(), Error> {
        let status = self.known(process)?.status;
        if Status::of(self.state.i64(status)) == Status::Waiting {
            self.state.set_i64(status, Status::Holding as i64);
        }
        Ok(())
    }

    /// Whether edits are waiting to be applied.
    pub(crate) fn has_requests(&self) -> bool {
        self.shared.has_requests()
    }

    /// Why a process takes no part any more, if it has been removed.
    pub(crate) fn gone(&self, process: ProcessId) -> Option<Error> {
        self.known(process).err()
    }

    /// Whether a process is over.
    pub(crate) fn is_retired(&self, process: ProcessId) -> bool {
        self.known(process).is_ok_and(|node| node.retired)
    }

    /// Sets an integer slot of a process that belongs to the runtime.
    pub(crate) fn set_slot(&mut self, process: ProcessId, slot: usize, value: i64) {
        let place = self.wiring.node(process).places[slot];
        self.state.set_i64(place, value);
    }

    /// Works out anew what follows from the wiring, and drops the chains for which
    /// something else follows.
    pub(super) fn rearrange(&mut self) -> Result<(), Error> {
        let changed = cone::arrange(&mut self.wiring)?;
        self.memo.clear();
        self.specialisations.invalidate(&changed, &[]);
        Ok(())
    }

    pub(super) fn known(&self, process: ProcessId) -> Result<&Node, Error> {
        let node = self.wiring.nodes.get(process).map(|node| &**node);
        node.ok_or_else(|| Error::new(ErrorKind::NotThere, "there is no such process in this network"))
    }

    fn known_point(&self, point: PointId) -> Result<&Point, Error> {
        let point = self.wiring.points.get(point).map(|point| &**point);
        point.ok_or_else(|| Error::new(ErrorKind::NotThere, "there is no such flow point in this network"))
    }
}
