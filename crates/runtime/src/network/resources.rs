//! What a process or flow point uses of its network: slots, row buffers, counters, host
//! functions.
//! They are made when it comes and freed when it goes; what it has moved stays in the
//! accounts.

use std::sync::Arc;

use super::{Network, Report};
use crate::fate::Edge;
use crate::limits::DEPARTED_KEPT_MAX;
use crate::process::{Process, Shape};
use crate::program::ProcessCode;
use crate::scheduler::{Obstacle, Task};
use crate::wiring::{InEdge, Node, OutEdge, Point, PointId, ProcessId};

/// What an edge has moved at a flow point that it has left for another: it stays in
/// that point's accounts.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) home: PointId,
    pub(super) put: u64,
    pub(super) taken: u64,
}

/// A process whose program is replaced.
pub(super) struct Swap {
    pub(super) process: ProcessId,
    pub(super) before: Arc<Node>,
    pub(super) object: Box<dyn Process>,
}

impl std::fmt::Debug for Swap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swap")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// A process as the wiring knows it, with new slots, counters and host functions.
    pub(super) fn node(
        &mut self,
        code: Arc<ProcessCode>,
        shape: Shape,
        status: cutthrough_ir::Place,
    ) -> Node {
        let tables = code.tables();
        for owner in &shape.owners {
            owner.set(self.number);
        }
        let counts = &mut self.counts;
        let inputs = tables.inputs.iter().map(|_| InEdge {
            point: None,
            home: None,
            before_home: 0,
            count: counts.add(),
            late: counts.add(),
            closed: None,
        });
        let inputs = inputs.collect();
        let outputs = tables.outputs.iter().map(|_| OutEdge {
            point: None,
            home: None,
            before_home: 0,
            count: counts.add(),
            lost: counts.add(),
            closed: None,
        });
        let outputs = outputs.collect();
        let is_there = |edge: &Edge| match *edge {
            Edge::Input(input) => input < tables.inputs.len(),
            Edge::Output(output) => output < tables.outputs.len(),
        };
        let drops = tables.drops.iter().map(|_| counts.add()).collect();
        Node {
            name: code.program.name.as_str().into(),
            added_at: None,
            places: tables
                .slots
                .iter()
                .map(|slot| self.state.add(slot.ty, &slot.init))
                .collect(),
            rows: tables.rows.iter().map(|rows| self.state.add_rows(rows)).collect(),
            status,
            hosts: shape.hosts.into_iter().map(|host| self.hosts.add(host)).collect(),
            drops,
            inputs,
            outputs,
            is_retired: false,
            is_failed: false,
            is_tolerated: false,
            is_leaving: false,
            is_declared: shape.is_declared || code.tables().hosts.is_empty(),
            fate: shape.fate,
            wakes: shape.wakes,
            watched: shape.watched.into_iter().filter(is_there).collect(),
            handed_back: 0,
            merged: 0,
            dropped_before: Vec::new(),
            elsewhere: vec![0; code.accounts.len()],
            code,
        }
    }

    /// Frees what only the old program of a swapped process uses.
    pub(super) fn free_swapped(&mut self, before: &Node, after: &Node) {
        for edge in outputs_that_go(before, after) {
            self.settle_output(edge);
        }
        self.free_replaced(before, after);
    }

    /// Frees what a program uses that goes, but not what stays with another.
    pub(super) fn free_replaced(&mut self, goes: &Node, stays: &Node) {
        for place in goes.places.iter().filter(|place| !stays.places.contains(place)) {
            self.state.remove(*place);
        }
        for &rows in goes.rows.iter().filter(|rows| !stays.rows.contains(rows)) {
            self.state.remove_rows(rows);
        }
        for &host in &*goes.hosts {
            self.hosts.remove(host);
        }
        for &counter in &*goes.drops {
            self.counts.remove(counter);
        }
        for edge in outputs_that_go(goes, stays) {
            self.free_output(edge);
        }
    }

    /// Removes a retired process and frees what it used; its last report is kept.
    pub(super) fn drop_node(&mut self, process: ProcessId) {
        if self.departed.len() == DEPARTED_KEPT_MAX {
            self.departed.pop_front();
        }
        let report = Report::of_process(self, process);
        self.departed.push_back(report);
        let node = self.wiring.remove_node(process).expect("INVARIANT: it was known");
        self.processes.remove(process);
        self.retired.remove(&process);
        self.specialisations.forget(process, node.inputs.len());
        self.settle_accounts(&node);
        self.free_node(&node);
        self.watches.forget(process);
        self.forget_wakes(process, &node);
        self.scheduler.holds_nothing(Task::Process(process));
        self.scheduler.changed(Obstacle::Process(process));
    }

    /// Leaves what a process has moved to the accounts of its flow points.
    fn settle_accounts(&mut self, node: &Node) {
        for edge in &node.outputs {
            self.settle_output(edge);
        }
        for edge in &node.inputs {
            let taken = self.counts.get(edge.count) - edge.before_home;
            if let Some(home) = edge.home {
                self.leave_account(Moved { home, put: 0, taken });
            }
        }
    }

    fn settle_output(&mut self, edge: &OutEdge) {
        let put = self.put(edge) - edge.before_home;
        if let Some(home) = edge.home {
            self.leave_account(Moved { home, put, taken: 0 });
        }
    }

    pub(super) fn leave_account(&mut self, Moved { home, put, taken }: Moved) {
        if let Some(point) = self.wiring.points.get(home) {
            self.counts.values[point.departed_put as usize] += put;
            self.counts.values[point.departed_taken as usize] += taken;
        }
    }

    /// How many elements an output has put into flow points.
    pub(super) fn put(&self, edge: &OutEdge) -> u64 {
        self.counts.get(edge.count) - self.counts.get(edge.lost)
    }

    pub(super) fn free_node(&mut self, node: &Node) {
        for &place in node.places.iter().chain([&node.status]) {
            self.state.remove(place);
        }
        for &rows in &*node.rows {
            self.state.remove_rows(rows);
        }
        for &host in &*node.hosts {
            self.hosts.remove(host);
        }
        for &counter in &*node.drops {
            self.counts.remove(counter);
        }
        self.free_edges(node);
    }

    pub(super) fn free_edges(&mut self, node: &Node) {
        node.inputs.iter().for_each(|edge| self.free_input(edge));
        node.outputs.iter().for_each(|edge| self.free_output(edge));
    }

    pub(super) fn free_input(&mut self, edge: &InEdge) {
        self.counts.remove(edge.count);
        self.counts.remove(edge.late);
    }

    pub(super) fn free_output(&mut self, edge: &OutEdge) {
        self.counts.remove(edge.count);
        self.counts.remove(edge.lost);
    }

    pub(super) fn free_point(&mut self, id: PointId, point: &Point) {
        self.simplexes.forget(id);
        for counter in [point.lost, point.departed_put, point.departed_taken] {
            self.counts.remove(counter);
        }
    }
}

/// The outputs of a program that goes which do not stay with another.
fn outputs_that_go<'n>(goes: &'n Node, stays: &Node) -> impl Iterator<Item = &'n OutEdge> {
    let stays = |edge: &OutEdge| stays.outputs.iter().any(|other| other.count == edge.count);
    goes.outputs.iter().filter(move |edge| !stays(edge))
}
