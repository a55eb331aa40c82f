//! Single edits of a network, and short ways to say several: each is a rewire of its
//! own.

use std::panic::Location;
use std::sync::Arc;

use cutthrough_ir::{ElementType, Type};

use super::{Network, Report};
use crate::element::Element;
use crate::error::{Error, ErrorKind};
use crate::fate::Close;
use crate::ids::NetworkNumber;
use crate::network::ProcessReport;
use crate::point::{AnyPoint, FlowPoint};
use crate::process::Process;
use crate::scheduler::Obstacle;
use crate::wiring::{Node, Point, PointId, ProcessId};

impl Network {
    /// Adds a flow point for elements of a type known at run time only.
    ///
    /// # Errors
    /// At the bound on flow points.
    pub fn add_point(&mut self, name: &str, element: ElementType) -> Result<PointId, Error> {
        self.transact(|rewire| rewire.point(name, element))
    }

    /// Removes a flow point that nobody is attached to.
    ///
    /// # Errors
    /// When somebody is, or there is no such point.
    pub fn remove_point(&mut self, point: impl Into<AnyPoint>) -> Result<(), Error> {
        self.transact(|rewire| rewire.remove_point(point))
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
    /// As [`add`](Network::add).
    #[track_caller]
    pub fn add_boxed(&mut self, process: Box<dyn Process>) -> Result<ProcessId, Error> {
        let place = Location::caller();
        self.transact(|rewire| rewire.add_at(process, place))
    }

    /// Attaches a process's output to a flow point.
    ///
    /// # Errors
    /// When either is not there or not free, the types differ, or a cycle or a path
    /// beyond the bound would come to be.
    pub fn attach_output(
        &mut self,
        process: ProcessId,
        output: usize,
        point: impl Into<AnyPoint>,
    ) -> Result<(), Error> {
        self.transact(|rewire| rewire.attach_output(process, output, point))
    }

    /// Attaches a process's input to a flow point.
    ///
    /// # Errors
    /// As [`attach_output`](Network::attach_output).
    pub fn attach_input(
        &mut self,
        process: ProcessId,
        input: usize,
        point: impl Into<AnyPoint>,
    ) -> Result<(), Error> {
        self.transact(|rewire| rewire.attach_input(process, input, point))
    }

    /// Adds a process that reads `from` by its first input and writes by its first
    /// output to a new flow point, which is given back. If other processes read `from`,
    /// they share its elements, as [`sink`](Network::sink) says.
    ///
    /// # Errors
    /// As [`add`](Network::add) and [`attach_input`](Network::attach_input).
    #[track_caller]
    pub fn pipe<A: Element, B: Element>(
        &mut self,
        from: FlowPoint<A>,
        process: impl Process + 'static,
    ) -> Result<FlowPoint<B>, Error> {
        let place = Location::caller();
        self.transact(|rewire| {
            let id = rewire.add_at(Box::new(process), place)?;
            rewire.attach_input(id, 0, from)?;
            rewire.output_of(id)
        })
    }

    /// Adds a source; the new flow point that it writes to.
    ///
    /// # Errors
    /// As [`pipe`](Network::pipe).
    #[track_caller]
    pub fn source<T: Element>(&mut self, process: impl Process + 'static) -> Result<FlowPoint<T>, Error> {
        let place = Location::caller();
        self.transact(|rewire| {
            let id = rewire.add_at(Box::new(process), place)?;
            rewire.output_of(id)
        })
    }

    /// Adds a process that reads `from`.
    ///
    /// Readers of one flow point share its elements: each goes to exactly one of them. For
    /// several to see them all, put a [`Tee`](crate::processes::Tee) behind `from`, and a
    /// reader behind each of its outputs.
    ///
    /// # Errors
    /// As [`pipe`](Network::pipe).
    #[track_caller]
    pub fn sink<T: Element>(
        &mut self,
        from: FlowPoint<T>,
        process: impl Process + 'static,
    ) -> Result<ProcessId, Error> {
        let place = Location::caller();
        self.transact(|rewire| {
            let id = rewire.add_at(Box::new(process), place)?;
            rewire.attach_input(id, 0, from)?;
            Ok(id)
        })
    }

    /// Keeps a flow point open although its last writer has left (or never came): the
    /// flow does not end. Letting go of a point without writers ends the flow.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn hold_writers(&mut self, point: impl Into<AnyPoint>, hold: bool) -> Result<(), Error> {
        let point = self.own(point)?;
        self.known_point(point)?;
        *self.wiring.holds_mut(point).0 = hold;
        if !hold {
            self.end_if_deserted(point, &Close::Ended);
        }
        Ok(())
    }

    /// Keeps a flow point open although its last reader has left: writers wait for
    /// another. Letting go of a point without readers closes it.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn hold_readers(&mut self, point: impl Into<AnyPoint>, hold: bool) -> Result<(), Error> {
        let point = self.own(point)?;
        self.known_point(point)?;
        *self.wiring.holds_mut(point).1 = hold;
        self.scheduler.changed(Obstacle::Point(point));
        if !hold {
            self.end_if_deserted(point, &Close::Ended);
        }
        Ok(())
    }

    /// Detaches a process from everything and removes it; its last report. What it
    /// holds has the [fate](crate::Fate) that it declared. One that has to give it
    /// downstream first stays until it has, and takes nothing more; the report is then
    /// that of now, and [`departed`](Network::departed) has the last one later. Neighbours
    /// see a reader or writer leave.
    ///
    /// # Errors
    /// As [`Rewire::remove`](crate::Rewire::remove).
    pub fn remove(&mut self, process: ProcessId) -> Result<ProcessReport, Error> {
        self.known(process)?;
        self.transact(|rewire| rewire.remove(process))?;
        let departed = self.departed(process).cloned();
        Ok(departed.unwrap_or_else(|| Report::of_process(self, process)))
    }

    /// The last report of a process that has been removed, if it was among the last
    /// [`DEPARTED_KEPT_MAX`](crate::limits::DEPARTED_KEPT_MAX).
    pub fn departed(&self, process: ProcessId) -> Option<&ProcessReport> {
        self.departed.iter().rev().find(|report| report.id == process)
    }

    /// Cancels a process; see [`Rewire::cancel`](crate::Rewire::cancel).
    ///
    /// # Errors
    /// When there is no such process.
    pub fn cancel(&mut self, process: ProcessId) -> Result<(), Error> {
        self.transact(|rewire| rewire.cancel(process))
    }

    /// Removes the processes that have finished; their last reports.
    pub fn remove_finished(&mut self) -> Vec<ProcessReport> {
        let finished: Vec<ProcessId> = self.retired.iter().copied().collect();
        finished
            .into_iter()
            .filter_map(|process| self.remove(process).ok())
            .collect()
    }

    /// Sets an integer slot of a process: how many elements it asks for from now on, say.
    ///
    /// # Errors
    /// When there is no such process, or it has no integer slot of this number.
    pub fn set_slot(&mut self, process: ProcessId, slot: usize, value: i64) -> Result<(), Error> {
        let node = self.known(process)?;
        let place = node.places.get(slot).filter(|place| place.ty() == Type::I64);
        let Some(&place) = place else {
            let message = format!("`{}` has no integer slot {slot}", node.name);
            return Err(Error::new(ErrorKind::NotThere, message));
        };
        self.state.set_i64(place, value);
        self.note(process);
        Ok(())
    }

    /// What the elements of a flow point are.
    ///
    /// # Errors
    /// When there is no such flow point.
    pub fn element_of(&self, point: impl Into<AnyPoint>) -> Result<&ElementType, Error> {
        Ok(&self.known_point(self.own(point)?)?.element)
    }

    /// What a flow point is called.
    ///
    /// # Errors
    /// When there is no such flow point.
    pub fn name_of(&self, point: impl Into<AnyPoint>) -> Result<&str, Error> {
        Ok(&self.known_point(self.own(point)?)?.name)
    }

    /// The flow points of this name.
    pub fn points_named(&self, name: &str) -> Vec<PointId> {
        let named = self
            .wiring
            .points
            .iter()
            .filter(|(_, point)| *point.name == *name);
        named.map(|(id, _)| id).collect()
    }

    /// The elements of the first input and output of a process.
    #[cfg(test)]
    pub(crate) fn ports_of(&self, process: ProcessId) -> [ElementType; 2] {
        let tables = self.wiring.node(process).code.tables();
        [tables.inputs[0].clone(), tables.outputs[0].clone()]
    }

    /// What there is to say of one process.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn process_report(&self, process: ProcessId) -> Result<ProcessReport, Error> {
        self.known(process)?;
        Ok(Report::of_process(self, process))
    }

    pub(super) fn known(&self, process: ProcessId) -> Result<&Node, Error> {
        self.known_node(process).map(|node| &**node)
    }

    pub(super) fn known_node(&self, process: ProcessId) -> Result<&Arc<Node>, Error> {
        self.wiring.nodes.get(process).ok_or_else(Error::no_process)
    }

    /// The number of a flow point that is not known to be another network's.
    pub(super) fn own(&self, point: impl Into<AnyPoint>) -> Result<PointId, Error> {
        let point = point.into();
        if let Some(network) = point.network {
            self.check_gave("flow point", network)?;
        }
        Ok(point.id)
    }

    /// Refuses what another network gave.
    pub(super) fn check_gave(&self, what: &str, network: NetworkNumber) -> Result<(), Error> {
        if network == self.number {
            return Ok(());
        }
        let message = format!("the {what} is another network's: a network takes those that it gave");
        Err(Error::new(ErrorKind::NotThere, message))
    }

    pub(super) fn known_point(&self, point: PointId) -> Result<&Point, Error> {
        let point = self.wiring.points.get(point).map(|point| &**point);
        point.ok_or_else(|| Error::new(ErrorKind::NotThere, "there is no such flow point in this network"))
    }
}
