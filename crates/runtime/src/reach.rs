//! What a grant reaches from its root: all that may take part in it.

use rustc_hash::FxHashSet;

use crate::cone;
use crate::program::FunctionInfo;
use crate::root::Root;
use crate::wiring::{Destination, PointId, Port, ProcessId, PullSource, Wiring};

/// All that a chain is made of and depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// The processes whose fragments are in the chain.
    pub(crate) members: Vec<ProcessId>,
    /// The flow points that it relies on, in the order found.
    pub(crate) points: Vec<PointId>,
    /// Of these, the ones it fills blocks for.
    pub(crate) dealt: Vec<PointId>,
    /// How many elements one activation may bring to each of these.
    pub(crate) rooms: Vec<u64>,
}

impl Reach {
    /// Follows everything that a grant from `root` may activate.
    pub(crate) fn of(wiring: &Wiring, root: Root) -> Reach {
        let mut walk = Walk {
            wiring,
            reach: Reach::default(),
            pushed: FxHashSet::default(),
            pulled: FxHashSet::default(),
        };
        match root {
            Root::Active(process) => {
                walk.member(process);
                walk.give(process);
            }
            Root::Delivery(reader) => walk.push(reader),
        }
        let mut reach = walk.reach;
        reach.rooms = reach
            .dealt
            .iter()
            .map(|&point| cone::room_needed(wiring, &reach.members, point))
            .collect();
        reach
    }
}

struct Walk<'w> {
    wiring: &'w Wiring,
    reach: Reach,
    pushed: FxHashSet<Port>,
    pulled: FxHashSet<ProcessId>,
}

impl Walk<'_> {
    fn member(&mut self, process: ProcessId) {
        if !self.reach.members.contains(&process) {
            self.reach.members.push(process);
        }
    }

    fn point(&mut self, point: Option<PointId>) {
        if let Some(point) = point
            && !self.reach.points.contains(&point)
        {
            self.reach.points.push(point);
        }
    }

    fn push(&mut self, reader: Port) {
        self.member(reader.process);
        if !self.pushed.insert(reader) {
            return;
        }
        let code = self.wiring.node(reader.process).code.clone();
        let read_ok = &code.inputs[reader.port].read_ok;
        self.function(reader.process, read_ok);
        if read_ok.may_hold {
            self.give(reader.process);
        }
    }

    fn give(&mut self, process: ProcessId) {
        let code = self.wiring.node(process).code.clone();
        if let Some(write_ok) = &code.write_ok {
            self.function(process, write_ok);
        }
    }

    fn function(&mut self, process: ProcessId, function: &FunctionInfo) {
        for &input in &function.takes {
            self.pull(process, input);
        }
        for &output in &function.reaches {
            self.point(self.wiring.node(process).outputs[output].point);
            match self.wiring.destination(process, output) {
                Destination::Reader(reader) => self.push(reader),
                Destination::Dealt(point) => {
                    if !self.reach.dealt.contains(&point) {
                        self.reach.dealt.push(point);
                    }
                }
                Destination::Nowhere | Destination::Lost => {}
            }
        }
    }

    fn pull(&mut self, process: ProcessId, input: usize) {
        self.point(self.wiring.node(process).inputs[input].point);
        let PullSource::Writer(writer) = self.wiring.pull_source(process, input) else {
            return;
        };
        self.member(writer.process);
        if !self.pulled.insert(writer.process) {
            return;
        }
        let code = self.wiring.node(writer.process).code.clone();
        for function in code.activated() {
            for &input in &function.takes {
                self.pull(writer.process, input);
            }
        }
        for input in 0..code.inputs.len() {
            self.pull(writer.process, input);
        }
    }
}
