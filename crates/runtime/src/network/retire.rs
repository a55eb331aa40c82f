//! What becomes of processes that are over, and of their neighbours: ends of flow and
//! cancellations go downstream, closes go upstream, failures go both ways.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use cutthrough_ir::{ErrorSource, Grant, HostError, HostFunction, Words};

use super::Network;
use crate::error::{Error, ErrorKind};
use crate::exec::{Exec, status_word};
use crate::fate::{Close, Edge, Fate, Held};
use crate::plan::Plan;
use crate::process::Process;
use crate::specialize::{Cause, Change};
use crate::wiring::{Node, PointId, Port, ProcessId, Status};

/// Something that follows from a process's end.
pub(super) enum Event {
    /// The process takes no further part.
    Over(ProcessId, Close),
    /// Nothing comes any more on the input.
    InputClosed(Port, Close),
    /// Nobody takes any more from the output.
    OutputClosed(Port, Close),
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
            if node.is_retired {
                continue;
            }
            self.note(process);
            let node = self.wiring.node(process);
            let word = self.state.i64(node.status);
            match Status::of(word) {
                status if status.is_over() => {
                    let why = self.failure_of(process, word).map_or(Close::Ended, Close::Failed);
                    events.push(Event::Over(process, why));
                }
                Status::Idle => self.settle_idle(process, &mut events),
                _ => {}
            }
        }
        self.follow(events);
    }

    fn settle_idle(&mut self, process: ProcessId, events: &mut Vec<Event>) {
        while let Some(port) = self.ends_due.get_mut(&process).and_then(VecDeque::pop_front) {
            self.tell_end(Port { process, port }, events);
            if self.status(process) != Status::Idle {
                return;
            }
        }
        self.ends_due.remove(&process);
        let node = self.wiring.node(process);
        if !node.inputs.is_empty() && node.inputs.iter().all(|edge| edge.closed.is_some()) {
            events.push(Event::Over(process, Close::Ended));
        }
    }

    /// Takes processes that are being removed out of the flow; what each holds has its
    /// fate, or goes with it.
    pub(super) fn retire(&mut self, leaving: &[(ProcessId, bool)]) {
        let mut events = Vec::new();
        for &(process, has_fate) in leaving {
            if has_fate && !self.wiring.node(process).is_retired {
                self.apply_fate(process, &mut events);
            }
            events.push(Event::Over(process, Close::Ended));
        }
        self.follow(events);
    }

    /// Cancels a process that has been detached from what fed it.
    pub(super) fn cancel_detached(&mut self, process: ProcessId) {
        let node = self.wiring.node(process);
        if node.inputs.is_empty() || node.fate != Fate::Finished {
            self.follow(vec![Event::Over(process, Close::Cancelled)]);
        } else {
            self.end_inputs(process, &Close::Cancelled);
        }
    }

    /// Ends or closes the flow at a point that lost its last writer or reader, or is
    /// not held open any more.
    pub(super) fn end_if_deserted(&mut self, point: PointId, why: &Close) {
        let mut events = Vec::new();
        self.desert(point, why, &mut events);
        self.follow(events);
    }

    /// The same for several points.
    pub(super) fn end_deserted(&mut self, points: &[(PointId, Close)]) {
        for (point, why) in points {
            if self.wiring.points.contains_key(*point) {
                self.end_if_deserted(*point, why);
            }
        }
    }

    /// Closes all inputs of a process that has been detached from what fed them.
    pub(super) fn end_inputs(&mut self, process: ProcessId, why: &Close) {
        let mut events = Vec::new();
        for port in 0..self.wiring.node(process).inputs.len() {
            if self.wiring.node(process).inputs[port].closed.is_some() {
                continue;
            }
            self.wiring.node_mut(process).inputs[port].closed = Some(why.clone());
            events.push(Event::InputClosed(Port { process, port }, why.clone()));
        }
        self.follow(events);
    }

    /// Removes the processes that were to be removed when they had given what they held.
    pub(super) fn depart(&mut self) {
        for process in std::mem::take(&mut self.departing) {
            if self.wiring.nodes.contains_key(process) {
                self.drop_node(process);
            }
        }
    }

    pub(super) fn follow(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut todo = VecDeque::from(events);
        let mut more = Vec::new();
        while let Some(event) = todo.pop_front() {
            match event {
                Event::Over(process, why) => self.over(process, why, &mut more),
                Event::InputClosed(port, why) => self.input_closed(port, why, &mut more),
                Event::OutputClosed(port, why) => self.output_closed(port, &why, &mut more),
            }
            todo.extend(more.drain(..));
        }
        debug_assert!(
            { self.ends_due.keys() }.all(|&process| !self.wiring.node(process).is_retired),
            "INVARIANT: ends are due only to processes that take part"
        );
        self.rearrange().expect("detaching closes no cycle");
    }

    fn over(&mut self, process: ProcessId, why: Close, events: &mut Vec<Event>) {
        let node = self.wiring.node(process).clone();
        if node.is_retired {
            return;
        }
        // What has seen a part of its input only has given a part only.
        let is_part = node
            .inputs
            .iter()
            .any(|edge| edge.closed == Some(Close::Cancelled));
        let why = match why {
            Close::Ended if is_part => Close::Cancelled,
            why => why,
        };
        if why == Close::Cancelled {
            self.apply_fate(process, events);
        }
        let status = Status::of(self.state.i64(node.status));
        self.wiring.node_mut(process).is_failed = matches!(status, Status::HostFailed | Status::Failed);
        if !status.is_over() {
            self.state.set_i64(node.status, Status::Finished as i64);
        }
        if let Close::Failed(error) = &why
            && !node.is_tolerated
            && !self.failures.contains(error)
        {
            self.failures.push(error.clone());
        }
        self.wiring.node_mut(process).is_retired = true;
        self.retired.insert(process);
        self.note(process);
        let points = self.close_edges(process, &node, &why);
        self.ends_due.remove(&process);
        self.notify(process, events, |object| object.deinit(why.error()));
        let cause = match why {
            Close::Ended => Cause::Finished,
            Close::Cancelled => Cause::Cancelled,
            Close::Failed(_) => Cause::Failed,
        };
        let at = points
            .iter()
            .map(|&point| Change::of_point(cause, point).by(process));
        let changes: Vec<Change> = at.chain([Change::of_process(cause, process)]).collect();
        self.invalidate(&changes);
        for point in points {
            self.desert(point, &why, events);
        }
        if node.is_leaving {
            self.departing.push(process);
        }
    }

    /// Closes a process's edges; the flow points that it leaves.
    fn close_edges(&mut self, process: ProcessId, node: &Node, why: &Close) -> Vec<PointId> {
        let mut points = Vec::new();
        for port in 0..node.inputs.len() {
            let edge = &mut self.wiring.node_mut(process).inputs[port];
            edge.closed.get_or_insert_with(|| why.clone());
            if let Some(point) = edge.point.take() {
                let readers = &mut self.wiring.point_mut(point).readers;
                readers.retain(|reader| *reader != Port { process, port });
                points.push(point);
            }
        }
        for port in 0..node.outputs.len() {
            let edge = &mut self.wiring.node_mut(process).outputs[port];
            edge.closed.get_or_insert_with(|| why.clone());
            if let Some(point) = edge.point.take() {
                let writers = &mut self.wiring.point_mut(point).writers;
                writers.retain(|writer| *writer != Port { process, port });
                points.push(point);
            }
        }
        points
    }

    /// Gives what a process holds the fate that it declared, unless that is to be
    /// finished, which takes its time.
    fn apply_fate(&mut self, process: ProcessId, events: &mut Vec<Event>) {
        let node = self.wiring.node(process).clone();
        match node.fate {
            Fate::Finished => return,
            Fate::Dropped(policy) => {
                let counter = node.drops[policy] as usize;
                self.counts.values[counter] += self.held(&node);
            }
            Fate::HandedBack => {
                let slots = node.places.iter();
                let slots = slots.map(|&place| self.state.get(place));
                let elements = self.held(&node);
                let held = Held::new(slots.collect(), elements);
                let back = self.held_by_account(&node);
                let object = self.processes.get_mut(process);
                let handed = object
                    .is_none_or(|object| catch_unwind(AssertUnwindSafe(|| object.hand_back(&held))).is_ok());
                if !handed {
                    events.push(Event::Over(process, panicked(&node)));
                }
                let node = self.wiring.node_mut(process);
                node.handed_back += elements;
                for (elsewhere, back) in node.elsewhere.iter_mut().zip(back) {
                    *elsewhere += back.cast_signed();
                }
            }
        }
        for account in &node.code.accounts {
            for &slot in &account.held {
                self.state.clear(node.places[slot]);
            }
            for held in &account.rows {
                self.state.rows_mut(node.rows[held.rows]).truncate(0);
                if let Some(given) = held.given {
                    self.state.clear(node.places[given]);
                }
            }
        }
    }

    /// Hands back what processes hold that want it back: the network goes.
    pub(super) fn hand_back_all(&mut self) {
        let nodes = self.wiring.nodes.iter();
        let wanting = nodes.filter(|(_, node)| node.fate == Fate::HandedBack && !node.is_retired);
        for process in wanting.map(|(process, _)| process).collect::<Vec<_>>() {
            self.apply_fate(process, &mut Vec::new());
        }
    }

    /// Tells a process something. If it panics, it fails.
    pub(super) fn notify(
        &mut self,
        process: ProcessId,
        events: &mut Vec<Event>,
        tell: impl FnOnce(&mut dyn Process),
    ) {
        let Some(object) = self.processes.get_mut(process) else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| tell(&mut **object))).is_err() {
            let failed = panicked(self.wiring.node(process));
            if let Close::Failed(error) = &failed
                && self.wiring.node(process).is_retired
                && !self.wiring.node(process).is_tolerated
            {
                self.failures.push(error.clone());
            }
            events.push(Event::Over(process, failed));
        }
    }

    fn desert(&mut self, id: PointId, why: &Close, events: &mut Vec<Event>) {
        let point = self.wiring.point(id).clone();
        let still_dealt = self.simplexes.is_dealing(id);
        if point.writers.is_empty() && !point.hold_writers && !point.readers.is_empty() && !still_dealt {
            self.wiring.point_mut(id).readers.clear();
            for reader in point.readers {
                let edge = &mut self.wiring.node_mut(reader.process).inputs[reader.port];
                (edge.point, edge.closed) = (None, Some(why.clone()));
                self.invalidate_edge(Cause::Ended, id, reader.process);
                events.push(Event::InputClosed(reader, why.clone()));
            }
        } else if point.readers.is_empty() && !point.hold_readers && !point.writers.is_empty() {
            self.wiring.point_mut(id).writers.clear();
            for writer in point.writers {
                let edge = &mut self.wiring.node_mut(writer.process).outputs[writer.port];
                (edge.point, edge.closed) = (None, Some(why.clone()));
                self.invalidate_edge(Cause::Closed, id, writer.process);
                events.push(Event::OutputClosed(writer, why.clone()));
            }
        }
    }

    fn invalidate_edge(&mut self, cause: Cause, point: PointId, process: ProcessId) {
        let changes = [
            Change::of_point(cause, point),
            Change::of_process(cause, process).at(point),
        ];
        self.invalidate(&changes);
    }

    fn input_closed(&mut self, port: Port, why: Close, events: &mut Vec<Event>) {
        let process = port.process;
        if self.wiring.node(process).is_retired {
            return;
        }
        self.notify(process, events, |object| {
            object.closed(Edge::Input(port.port), &why);
        });
        let node = self.wiring.node(process);
        // Who watches an input relies on it, and who has no other lives by it.
        let relies =
            node.code.inputs[port.port].end.is_some() || node.inputs.iter().all(|edge| edge.closed.is_some());
        let is_over = match why {
            Close::Ended => false,
            Close::Cancelled => node.fate != Fate::Finished && relies,
            Close::Failed(_) => true,
        };
        if is_over {
            events.push(Event::Over(process, why));
            return;
        }
        self.ends_due.entry(process).or_default().push_back(port.port);
        if self.status(process) == Status::Idle {
            self.settle_idle(process, events);
        }
    }

    fn output_closed(&mut self, port: Port, why: &Close, events: &mut Vec<Event>) {
        let process = port.process;
        if self.wiring.node(process).is_retired {
            return;
        }
        self.notify(process, events, |object| {
            object.closed(Edge::Output(port.port), why);
        });
        let node = self.wiring.node(process);
        if node.outputs.iter().all(|edge| edge.closed.is_some()) {
            // A failure downstream is none of the process's own.
            let why = match why {
                Close::Cancelled => Close::Cancelled,
                Close::Ended | Close::Failed(_) => {
                    self.apply_fate(process, events);
                    Close::Ended
                }
            };
            events.push(Event::Over(process, why));
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
        let plan = Plan::alone(&self.wiring, port.process);
        let end = Exec::new(&plan, &mut self.buffers, &mut grant).run_fragment(
            0,
            end,
            Words::NONE,
            &mut Vec::new(),
        );
        let word = status_word(end);
        self.state.set_i64(node.status, word);
        self.note(port.process);
        if Status::of(word).is_over() {
            let why = self
                .failure_of(port.process, word)
                .map_or(Close::Ended, Close::Failed);
            events.push(Event::Over(port.process, why));
        }
    }

    fn failure_of(&self, process: ProcessId, word: i64) -> Option<Error> {
        let node = self.wiring.node(process);
        let failure = match Status::of(word) {
            Status::HostFailed => self.host_error(node),
            Status::Failed => {
                let message = usize::try_from(word - Status::FAILED).ok();
                let message = message.and_then(|k| node.code.tables().errors.get(k));
                HostError::from(message.cloned().unwrap_or_default())
            }
            Status::Idle | Status::Holding | Status::Finished | Status::Waiting => return None,
        };
        let last = self.last_element(node);
        let at = last.map(|(input, number)| (input, failure.element.unwrap_or(number)));
        let error = Error::new(ErrorKind::Failed, failure.message).because_of(failure.cause);
        Some(error.of(&node.name, node.added_at, at))
    }

    /// Why a host function of a process, or one of its row buffers, failed.
    pub(super) fn host_error(&self, node: &Node) -> HostError {
        let hosts = node.hosts.iter();
        let hosts = hosts.filter_map(|&host| self.hosts.functions[host as usize].as_ref());
        let rows = node.rows.iter().copied().map(ErrorSource::Rows);
        let sources: Vec<ErrorSource> = hosts.map(HostFunction::error_source).chain(rows).collect();
        let error = self.context.take_error_of(&sources);
        error.unwrap_or_else(|| HostError::from("a host function failed".to_owned()))
    }

    /// The element that came last, by the only input of a process: the input, and its number.
    fn last_element(&self, node: &Node) -> Option<(usize, u64)> {
        let [input] = &node.inputs[..] else {
            return None;
        };
        let came = self.counts.get(input.count) - self.counts.get(input.late);
        (came > 0).then_some((0, came))
    }

    pub(super) fn status(&self, process: ProcessId) -> Status {
        Status::of(self.state.i64(self.wiring.node(process).status))
    }
}

fn panicked(node: &Node) -> Close {
    let reason = "it panicked when it was told what became of it";
    let error = Error::new(ErrorKind::Failed, reason);
    Close::Failed(error.of(&node.name, node.added_at, None))
}
