//! Makes a plan: follows everything that a grant may activate, from its root.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cone::{self, Condition};
use super::needs;
use super::{Begin, Check, FilledBlock, From, Member, MemberPort, Plan, Planned, Reach, To};
use super::{PlannedInput, PlannedOutput};
use crate::program::FunctionInfo;
use crate::root::Root;
use crate::wiring::{Destination, PointId, Port, ProcessId, PullSource, Wiring};

pub(super) fn make(wiring: &Wiring, root: Root) -> Planned {
    let mut maker = Maker::new(wiring);
    let begin = match root {
        Root::Active(process) => {
            let member = maker.member(process);
            maker.give(member);
            Begin::Give
        }
        Root::Delivery(reader) => {
            let member = maker.member(reader.process);
            let reader_port = MemberPort {
                member,
                port: reader.port,
            };
            maker.push(reader_port);
            Begin::Delivery(reader.port)
        }
    };
    maker.finish(begin)
}

pub(super) fn alone(wiring: &Wiring, process: ProcessId) -> Plan {
    let mut maker = Maker::new(wiring);
    maker.member(process);
    Plan {
        begin: Begin::Give,
        before: Vec::new(),
        members: maker.members,
        blocks: Vec::new(),
    }
}

struct Maker<'w> {
    wiring: &'w Wiring,
    members: Vec<Member>,
    numbers: FxHashMap<ProcessId, usize>,
    blocks: Vec<FilledBlock>,
    reach: Reach,
    pushed: FxHashSet<(usize, usize)>,
    pulled: FxHashSet<usize>,
}

impl<'w> Maker<'w> {
    fn new(wiring: &'w Wiring) -> Maker<'w> {
        Maker {
            wiring,
            members: Vec::new(),
            numbers: FxHashMap::default(),
            blocks: Vec::new(),
            reach: Reach::default(),
            pushed: FxHashSet::default(),
            pulled: FxHashSet::default(),
        }
    }

    /// The number of a process, which is a member from now on.
    fn member(&mut self, process: ProcessId) -> usize {
        if let Some(&known) = self.numbers.get(&process) {
            return known;
        }
        let node = self.wiring.node(process);
        let inputs = node.inputs.iter().map(|edge| PlannedInput {
            count: edge.count,
            late: edge.late,
            may_be_late: false,
            from: From::Unused,
        });
        let outputs = node.outputs.iter().map(|edge| PlannedOutput {
            count: edge.count,
            lost: edge.lost,
            to: To::Unused,
            needs: needs::ALL,
            is_ready: None,
        });
        self.members.push(Member {
            name: Arc::clone(&node.name),
            code: Arc::clone(&node.code),
            places: Arc::clone(&node.places),
            rows: Arc::clone(&node.rows),
            status: node.status,
            hosts: Arc::clone(&node.hosts),
            drops: Arc::clone(&node.drops),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            before_giving: None,
        });
        self.reach.members.push(process);
        self.numbers.insert(process, self.members.len() - 1);
        self.members.len() - 1
    }

    fn port(&mut self, port: Port) -> MemberPort {
        MemberPort {
            member: self.member(port.process),
            port: port.port,
        }
    }

    fn rely_on(&mut self, point: PointId) {
        if !self.reach.points.contains(&point) {
            self.reach.points.push(point);
        }
    }

    /// The number of the block for a dealt point.
    fn block(&mut self, point: PointId) -> usize {
        if let Some(known) = self.reach.dealt.iter().position(|&dealt| dealt == point) {
            return known;
        }
        self.reach.dealt.push(point);
        self.blocks.push(FilledBlock {
            element: self.wiring.point(point).element.clone(),
            room: 1,
        });
        self.blocks.len() - 1
    }

    /// An input is handed elements, and its process gives what it then holds.
    fn push(&mut self, reader: MemberPort) {
        if !self.pushed.insert((reader.member, reader.port)) {
            return;
        }
        let code = Arc::clone(&self.members[reader.member].code);
        let read_ok = &code.inputs[reader.port].read_ok;
        self.activate(reader.member, read_ok);
        if read_ok.may_hold {
            self.give(reader.member);
        }
    }

    /// A process gives what it holds.
    fn give(&mut self, member: usize) {
        if self.members[member].before_giving.is_some() {
            return;
        }
        let code = Arc::clone(&self.members[member].code);
        if let Some(write_ok) = &code.write_ok {
            self.members[member].before_giving = Some(Vec::new());
            self.activate(member, write_ok);
            self.members[member].before_giving = Some(self.checks(member, &write_ok.requires));
        }
    }

    fn activate(&mut self, member: usize, function: &FunctionInfo) {
        for &input in &function.takes {
            self.pull(member, input);
        }
        for &output in &function.emits {
            self.emit(member, output);
        }
        self.ask(member, function);
    }

    /// Elements are emitted to an output.
    fn emit(&mut self, member: usize, output: usize) {
        let process = self.reach.members[member];
        if let Some(point) = self.wiring.node(process).outputs[output].point {
            self.rely_on(point);
        }
        let to = match self.wiring.destination(process, output) {
            Destination::Reader(reader) => To::Push(self.port(reader)),
            Destination::Dealt(point) => To::Block(self.block(point)),
            Destination::Nowhere | Destination::Lost => To::Lost,
        };
        self.members[member].outputs[output].to = to;
        if let To::Push(reader) = to {
            self.push(reader);
        }
    }

    /// A function asks whether outputs are ready.
    fn ask(&mut self, member: usize, function: &FunctionInfo) {
        for &output in &function.asks {
            if self.members[member].outputs[output].is_ready.is_none() {
                let checks = self.checks(member, &[output]);
                self.members[member].outputs[output].is_ready = Some(checks);
            }
        }
    }

    /// An input's elements are pulled.
    fn pull(&mut self, member: usize, input: usize) {
        let process = self.reach.members[member];
        if let Some(point) = self.wiring.node(process).inputs[input].point {
            self.rely_on(point);
        }
        let from = match self.wiring.pull_source(process, input) {
            PullSource::Writer(writer) => From::Pull(self.port(writer)),
            PullSource::None => From::Nobody,
            PullSource::Ended => From::Ended,
        };
        self.members[member].inputs[input].from = from;
        if let From::Pull(writer) = from {
            self.pull_from(writer.member);
        }
    }

    /// A process gives its elements one by one to the one that pulls.
    fn pull_from(&mut self, member: usize) {
        if !self.pulled.insert(member) {
            return;
        }
        let code = Arc::clone(&self.members[member].code);
        for function in code.activated() {
            for &input in &function.takes {
                self.pull(member, input);
            }
            self.ask(member, function);
        }
        for input in 0..code.inputs.len() {
            self.pull(member, input);
        }
    }

    /// What has to hold before a member emits to these outputs.
    fn checks(&mut self, member: usize, outputs: &[usize]) -> Vec<Check> {
        let process = self.reach.members[member];
        let mut points = Vec::new();
        let conditions = cone::conditions(self.wiring, process, outputs, &mut |point| points.push(point));
        for point in points {
            self.rely_on(point);
        }
        let checks = conditions.into_iter().map(|condition| match condition {
            Condition::Nobody => Check::Nobody,
            Condition::Idle(process) => Check::Idle(self.member(process)),
            Condition::Ask { reader, need } => Check::Ask {
                reader: self.port(reader),
                need,
            },
            Condition::Room { point, need } => {
                let block = self.block(point);
                self.blocks[block].room = self.blocks[block].room.max(need);
                Check::Room { block, need }
            }
        });
        checks.collect()
    }

    fn finish(mut self, begin: Begin) -> Planned {
        let before = match begin {
            Begin::Give => self.members[0].before_giving.clone().unwrap_or_default(),
            Begin::Delivery(input) => {
                let reader = MemberPort {
                    member: 0,
                    port: input,
                };
                let code = Arc::clone(&self.members[0].code);
                let mut before = vec![Check::Idle(0)];
                if code.inputs[input].ask.is_some() {
                    before.push(Check::Ask { reader, need: 1 });
                }
                before.extend(self.checks(0, &code.inputs[input].read_ok.requires));
                before
            }
        };
        self.mark_late();
        needs::mark(&mut self.members);
        Planned {
            plan: Arc::new(Plan {
                begin,
                before,
                members: self.members,
                blocks: self.blocks,
            }),
            reach: self.reach,
        }
    }

    /// An element may come to a process that another one of the same activation has ended
    /// if two ways join at it or before it.
    fn mark_late(&mut self) {
        let mut ways = vec![0; self.members.len()];
        for output in self.members.iter().flat_map(|member| &member.outputs) {
            if let To::Push(reader) = output.to {
                ways[reader.member] += 1;
            }
        }
        if ways.iter().all(|&ways| ways < 2) {
            return;
        }
        for member in &mut self.members {
            let may_finish = member.code.activated().any(|function| function.may_finish);
            for input in &mut member.inputs {
                input.may_be_late = may_finish;
            }
        }
    }
}
