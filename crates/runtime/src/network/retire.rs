//! What becomes of processes that are over, and of their neighbours: ends of flow go
//! downstream, closes go upstream, failures go both ways.

use std::sync::atomic::AtomicBool;

use cutthrough_ir::{Grant, Outcome, Words};

use super::Network;
use crate::error::{Error, ErrorKind};
use crate::exec::{Exec, status_word};
use crate::specialize::{Cause, Change};
use crate::wiring::{PointId, Port, ProcessId, Status};

/// Something that follows from a process's end.
enum Event {
    /// The process takes no further part.
    Over(ProcessId, Option<Error>),
    /// Nothing comes any more on the input.
    InputEnded(Port, Option<Error>),
    /// Nobody takes any more from the output.
    OutputClosed(Port),
}

impl Network {
    /// Sees to the processes that edits have brought: some are over before they have run.
    pub(super) fn settle_new(&mut self) {
        let unsettled = std::mem::take(&mut self.unsettled);
        self.settle(&unsettled);
    }

    /// Sees to processes that a grant left over, or whose inputs ended while they
    /// held something.
    pub(super) fn settle(&mut self, members: &[ProcessId]) {
        let mut events = Vec::new();
        for &process in members {
            let Some(node) = self.wiring.nodes.get(process) else {
                continue;
            };
            if node.retired {
                continue;
            }
            let word = self.state.i64(node.status);
            match Status::of(word) {
                status if status.is_over() => {
                    let error = self.failure_of(process, word);
                    events.push(Event::Over(process, error));
                }
                Status::Idle => self.settle_idle(process, &mut events),
                _ => {}
            }
        }
        self.follow(events);
    }

    fn settle_idle(&mut self, process: ProcessId, events: &mut Vec<Event>) {
        while let Some(due) = self.ends_due.iter().position(|port| port.process == process) {
            let port = self.ends_due.remove(due);
            self.tell_end(port, events);
            if self.status(process) != Status::Idle {
                return;
            }
        }
        let node = self.wiring.node(process);
        if !node.inputs.is_empty() && node.inputs.iter().all(|edge| edge.ended) {
            events.push(Event::Over(process, None));
        }
    }

    /// Takes a process out of the flow.
    pub(super) fn retire(&mut self, process: ProcessId, error: Option<Error>) {
        self.follow(vec![Event::Over(process, error)]);
    }

    /// Ends or closes the flow at a point that lost its last writer or reader, or is
    /// not held open any more.
    pub(super) fn end_if_deserted(&mut self, point: PointId) {
        let mut events = Vec::new();
        self.desert(point, None, &mut events);
        self.follow(events);
    }

    /// The same for several points.
    pub(super) fn end_deserted(&mut self, points: &[PointId]) {
        for &point in points {
            if self.wiring.points.contains_key(point) {
                self.end_if_deserted(point);
            }
        }
    }

    /// Ends all inputs of a process that has been detached from what fed them.
    pub(super) fn end_inputs(&mut self, process: ProcessId) {
        let mut events = Vec::new();
        for port in 0..self.wiring.node(process).inputs.len() {
            if self.wiring.node(process).inputs[port].ended {
                continue;
            }
            self.wiring.node_mut(process).inputs[port].ended = true;
            events.push(Event::InputEnded(Port { process, port }, None));
        }
        self.follow(events);
    }

    fn follow(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut todo = std::collections::VecDeque::from(events);
        let mut more = Vec::new();
        while let Some(event) = todo.pop_front() {
            match event {
                Event::Over(process, error) => self.over(process, error, &mut more),
                Event::InputEnded(port, error) => self.input_ended(port, error, &mut more),
                Event::OutputClosed(port) => self.output_closed(port, &mut more),
            }
            todo.extend(more.drain(..));
        }
        self.rearrange().expect("detaching closes no cycle");
    }

    fn over(&mut self, process: ProcessId, error: Option<Error>, events: &mut Vec<Event>) {
        let node = self.wiring.node(process).clone();
        if node.retired {
            return;
        }
        let status = Status::of(self.state.i64(node.status));
        self.wiring.node_mut(process).failed = matches!(status, Status::HostFailed | Status::Failed);
        if !status.is_over() {
            self.state.set_i64(node.status, Status::Finished as i64);
        }
        if let Some(error) = &error
            && !node.is_tolerated
            && !self.failures.contains(error)
        {
            self.failures.push(error.clone());
        }
        self.wiring.node_mut(process).retired = true;
        let mut points = Vec::new();
        for input in 0..node.inputs.len() {
            let edited = &mut self.wiring.node_mut(process).inputs[input];
            edited.ended = true;
            if let Some(point) = edited.point.take() {
                self.wiring
                    .point_mut(point)
                    .readers
                    .retain(|reader| *reader != Port { process, port: input });
                points.push(point);
            }
        }
        for output in 0..node.outputs.len() {
            let edited = &mut self.wiring.node_mut(process).outputs[output];
            edited.closed = true;
            if let Some(point) = edited.point.take() {
                self.wiring.point_mut(point).writers.retain(|writer| {
                    *writer
                        != Port {
                            process,
                            port: output,
                        }
                });
                points.push(point);
            }
        }
        self.ends_due.retain(|port| port.process != process);
        if let Some(object) = self.processes.get_mut(process) {
            object.deinit(error.as_ref());
        }
        let cause = if self.wiring.node(process).failed {
            Cause::Failed
        } else {
            Cause::Finished
        };
        let at = points
            .iter()
            .map(|&point| Change::of_point(cause, point).by(process));
        let changes: Vec<Change> = at.chain([Change::of_process(cause, process)]).collect();
        self.specialisations.invalidate(&self.wiring, &changes);
        for point in points {
            self.desert(point, error.as_ref(), events);
        }
    }

    fn desert(&mut self, id: PointId, error: Option<&Error>, events: &mut Vec<Event>) {
        let point = self.wiring.point(id).clone();
        let still_dealt = self.delivering == Some(id)
            || self
                .deals
                .iter()
                .any(|deal| deal.point == id && deal.next < deal.block.len());
        if point.writers.is_empty() && !point.hold_writers && !point.readers.is_empty() && !still_dealt {
            self.wiring.point_mut(id).readers.clear();
            for reader in point.readers {
                let edge = &mut self.wiring.node_mut(reader.process).inputs[reader.port];
                (edge.point, edge.ended) = (None, true);
                self.invalidate_edge(Cause::Ended, id, reader.process);
                events.push(Event::InputEnded(reader, error.cloned()));
            }
        } else if point.readers.is_empty() && !point.hold_readers && !point.writers.is_empty() {
            self.wiring.point_mut(id).writers.clear();
            for writer in point.writers {
                let edge = &mut self.wiring.node_mut(writer.process).outputs[writer.port];
                (edge.point, edge.closed) = (None, true);
                self.invalidate_edge(Cause::Closed, id, writer.process);
                events.push(Event::OutputClosed(writer));
            }
        }
    }

    fn invalidate_edge(&mut self, cause: Cause, point: PointId, process: ProcessId) {
        let changes = [
            Change::of_point(cause, point),
            Change::of_process(cause, process).at(point),
        ];
        self.specialisations.invalidate(&self.wiring, &changes);
    }

    fn input_ended(&mut self, port: Port, error: Option<Error>, events: &mut Vec<Event>) {
        if self.wiring.node(port.process).retired {
            return;
        }
        if error.is_some() {
            events.push(Event::Over(port.process, error));
            return;
        }
        self.ends_due.push(port);
        if self.status(port.process) == Status::Idle {
            self.settle_idle(port.process, events);
        }
    }

    fn output_closed(&mut self, port: Port, events: &mut Vec<Event>) {
        let node = self.wiring.node(port.process);
        if !node.retired && node.outputs.iter().all(|edge| edge.closed) {
            events.push(Event::Over(port.process, None));
        }
    }

    /// Activates `end` of an input.
    fn tell_end(&mut self, port: Port, events: &mut Vec<Event>) {
        let node = self.wiring.node(port.process).clone();
        let Some(end) = &node.code.inputs[port.port].end else {
            return;
        };
        let mut grant = Grant {
            state: &mut self.state,
            counts: &mut self.counts.values,
            hosts: &mut self.hosts.functions,
            context: &self.context,
            interrupt: &AtomicBool::new(false),
            budget: 0,
            inbox: None,
            outboxes: &mut [],
        };
        let mut exec = Exec {
            wiring: &self.wiring,
            memo: &mut self.memo,
            grant: &mut grant,
            dealt: &[],
            unspent: 0,
        };
        let Outcome::End(end) = exec.run_function(port.process, end, Words::NONE, &mut Vec::new()) else {
            unreachable!("INVARIANT: a fragment ends")
        };
        let word = status_word(end);
        self.state.set_i64(node.status, word);
        if Status::of(word).is_over() {
            events.push(Event::Over(port.process, self.failure_of(port.process, word)));
        }
    }

    fn failure_of(&self, process: ProcessId, word: i64) -> Option<Error> {
        let node = self.wiring.node(process);
        match Status::of(word) {
            Status::HostFailed => {
                let hosts = node
                    .hosts
                    .iter()
                    .filter_map(|&host| self.hosts.functions[host as usize].as_ref());
                let reason = self
                    .context
                    .take_error_of(hosts)
                    .unwrap_or_else(|| "a host function failed".to_owned());
                Some(failure(&node.name, &reason))
            }
            Status::Failed => {
                let message = usize::try_from(word - Status::FAILED).ok();
                let reason = message
                    .and_then(|k| node.code.tables().errors.get(k))
                    .cloned()
                    .unwrap_or_default();
                Some(failure(&node.name, &reason))
            }
            Status::Idle | Status::Holding | Status::Finished | Status::Waiting => None,
        }
    }

    pub(super) fn status(&self, process: ProcessId) -> Status {
        Status::of(self.state.i64(self.wiring.node(process).status))
    }
}

fn failure(process: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{process}: {reason}"))
}
