//! Putting processes in and taking them out, which are several edits each; names.

use super::rewire::{Rewire, not_attached};
use crate::error::{Error, ErrorKind};
use crate::point::AnyPoint;
use crate::specialize::Cause;
use crate::wiring::{PointId, Port, ProcessId};

impl Rewire<'_> {
    /// Puts a process of one input and one output behind an output: what goes out there
    /// now goes through the process first. The new flow point between them.
    ///
    /// # Errors
    /// When there is no such process, the output is not attached, or the types do not fit.
    pub fn insert(&mut self, behind: Port, process: ProcessId) -> Result<PointId, Error> {
        self.several(|rewire| rewire.insert_behind(behind, process))
    }

    fn insert_behind(&mut self, behind: Port, process: ProcessId) -> Result<PointId, Error> {
        let before = self.edited.changes.len();
        let name = self.known(process)?.name.clone();
        let point = self.detach_output(behind.process, behind.port)?;
        let element = self.network.wiring.point(point).element.clone();
        let between = self.point(&name, element)?;
        self.attach_output(behind.process, behind.port, between)?;
        self.attach_input(process, 0, between)?;
        self.attach_output(process, 0, point)?;
        self.inserted(before, process);
        Ok(between)
    }

    /// Puts a process behind everybody who writes to a flow point: what they write goes
    /// in by its first input, and out by its first output to the point, which keeps its
    /// readers. The new flow point between. Who is attached to the point later writes
    /// past the process.
    ///
    /// # Errors
    /// When there is no such point or process, nobody writes to the point, or the types do
    /// not fit.
    pub fn insert_into(&mut self, point: impl Into<AnyPoint>, process: ProcessId) -> Result<PointId, Error> {
        self.several(|rewire| {
            let point = rewire.network.own(point)?;
            rewire.insert_in_front(point, process)
        })
    }

    fn insert_in_front(&mut self, point: PointId, process: ProcessId) -> Result<PointId, Error> {
        let before = self.edited.changes.len();
        let name = self.known(process)?.name.clone();
        let between = self.divide(point, &name)?;
        self.attach_input(process, 0, between)?;
        self.attach_output(process, 0, point)?;
        self.inserted(before, process);
        Ok(between)
    }

    /// Has whoever writes to a flow point write to a new one instead, which is given back.
    pub(crate) fn divide(&mut self, point: PointId, name: &str) -> Result<PointId, Error> {
        let known = self.network.known_point(point)?;
        let (writers, element) = (known.writers.clone(), known.element.clone());
        if writers.is_empty() {
            let message = format!(
                "nobody writes to flow point `{}`: its flow has ended, or has not been wired",
                known.name
            );
            return Err(Error::new(ErrorKind::NotThere, message));
        }
        let between = self.point(name, element)?;
        for writer in writers {
            self.detach_output(writer.process, writer.port)?;
            self.attach_output(writer.process, writer.port, between)?;
        }
        Ok(between)
    }

    /// A flow point, which is this network's.
    pub(crate) fn own_point(&mut self, point: AnyPoint) -> Result<PointId, Error> {
        let point = self.network.own(point)?;
        self.network.known_point(point)?;
        Ok(point)
    }

    /// Has whoever writes to a flow point that nobody reads write to another one; it is removed.
    pub(crate) fn rejoin(&mut self, from: PointId, to: PointId) -> Result<(), Error> {
        for writer in self.network.known_point(from)?.writers.clone() {
            self.detach_output(writer.process, writer.port)?;
            self.attach_output(writer.process, writer.port, to)?;
        }
        self.remove_point(from)
    }

    /// Takes out a process that was put [behind an output](Rewire::insert) or
    /// [into a flow point](Rewire::insert_into): who writes to it writes past it from now
    /// on. It is removed with the point between; if elements of a block are on their way to
    /// it, it hands them on first and ends then, and is left to
    /// [`remove_finished`](crate::Network::remove_finished). Whether it is gone.
    ///
    /// # Errors
    /// When there is no such process, or its first input or output is not attached.
    pub fn take_out(&mut self, process: ProcessId) -> Result<bool, Error> {
        self.several(|rewire| rewire.bypass(process))
    }

    fn bypass(&mut self, process: ProcessId) -> Result<bool, Error> {
        let node = self.known(process)?;
        let (input, output) = (node.inputs.first(), node.outputs.first());
        let between = input.and_then(|edge| edge.point);
        let between = between.ok_or_else(|| not_attached(node, "input", 0))?;
        let point = output.and_then(|edge| edge.point);
        let point = point.ok_or_else(|| not_attached(node, "output", 0))?;
        for writer in self.network.wiring.point(between).writers.clone() {
            self.detach_output(writer.process, writer.port)?;
            self.attach_output(writer.process, writer.port, point)?;
        }
        if self.network.simplexes.has_block(between) {
            return Ok(false);
        }
        self.remove(process)?;
        self.remove_point(between)?;
        Ok(true)
    }

    /// Has the network bear it when the process fails: [`Network::run`](crate::Network::run)
    /// goes on, and only [`Process::deinit`](crate::Process::deinit) tells. For what looks
    /// on, and must not stop what it looks at. What is downstream of the process fails
    /// with it, and has to be borne as well.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn tolerate(&mut self, process: ProcessId) -> Result<(), Error> {
        self.edits += 1;
        self.known(process)?;
        self.network.wiring.node_mut(process).is_tolerated = true;
        Ok(())
    }

    /// Gives a process another name, for reports and errors.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn rename(&mut self, process: ProcessId, name: &str) -> Result<(), Error> {
        self.edits += 1;
        if self.known(process)?.name.as_ref() != name {
            self.network.wiring.node_mut(process).name = name.into();
        }
        Ok(())
    }

    /// Gives a flow point another name.
    ///
    /// # Errors
    /// When there is no such flow point.
    pub fn rename_point(&mut self, point: impl Into<AnyPoint>, name: &str) -> Result<(), Error> {
        self.edits += 1;
        let point = self.network.own(point)?;
        if self.network.known_point(point)?.name.as_ref() != name {
            self.network.wiring.point_mut(point).name = name.into();
        }
        Ok(())
    }

    /// Makes several edits. If not even the first one comes about, what fails is an edit
    /// all the same, and its error says which.
    fn several<R>(&mut self, edits: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        let before = self.edits;
        let outcome = edits(self);
        if outcome.is_err() && self.edits == before {
            self.edits += 1;
        }
        outcome
    }

    /// Notes that changes are those of an insertion.
    fn inserted(&mut self, since: usize, process: ProcessId) {
        for change in &mut self.edited.changes[since..] {
            (change.cause, change.process) = (Cause::Inserted, Some(process));
        }
    }
}
