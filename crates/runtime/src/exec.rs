//! Executes a grant fragment by fragment, from the wiring as it is: the interpreted
//! path, which is always there, and the meaning that chains have to have.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use cutthrough_ir::{Carried, End, Exit, Flow, Grant, Outcome, Registers, Taken, Word, Words};
use slotmap::SecondaryMap;

use crate::commitment;
use crate::cone::{self, Check};
use crate::program::FunctionInfo;
use crate::root::{EMPTY, ENDED, NOT_READY, Root, STOPPED};
use crate::wiring::{Destination, Node, PointId, Port, ProcessId, PullSource, Status, Wiring};

/// What is remembered of a wiring, and memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    cones: SecondaryMap<ProcessId, Vec<Option<Rc<[Check]>>>>,
    registers: Vec<Registers>,
    emitted: Vec<Vec<(usize, Carried)>>,
    carried: Vec<Carried>,
}

impl Memo {
    /// Forgets what was derived from the wiring for a process.
    pub(crate) fn forget(&mut self, process: ProcessId) {
        self.cones.remove(process);
    }

    /// What has to hold before an activation.
    pub(crate) fn cone(
        &mut self,
        wiring: &Wiring,
        process: ProcessId,
        activation: Activation,
    ) -> Rc<[Check]> {
        let code = &wiring.node(process).code;
        let index = match activation {
            Activation::Write => 0,
            Activation::Read(input) => 1 + input,
            Activation::Output(output) => 1 + code.inputs.len() + output,
        };
        if let Some(Some(known)) = self.cones.get(process).and_then(|known| known.get(index)) {
            return known.clone();
        }
        let outputs = match activation {
            Activation::Read(input) => &code.inputs[input].read_ok.requires[..],
            Activation::Write => code
                .write_ok
                .as_ref()
                .map_or(&[][..], |write_ok| &write_ok.requires),
            Activation::Output(ref output) => std::slice::from_ref(output),
        };
        let cone: Rc<[Check]> = cone::checks(wiring, process, outputs).into();
        if !self.cones.contains_key(process) {
            let activations = 1 + code.inputs.len() + code.tables().outputs.len();
            self.cones.insert(process, vec![None; activations]);
        }
        self.cones[process][index] = Some(cone.clone());
        cone
    }
}

/// What became of a pull.
enum Pulled {
    Some(Carried),
    Ended,
    Pending,
}

/// What an activation may emit to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Activation {
    /// `read_ok` of an input.
    Read(usize),
    /// `write_ok`.
    Write,
    /// Whatever emits to this output.
    Output(usize),
}

/// One grant in the interpreter.
pub(crate) struct Exec<'x, 'n> {
    wiring: &'x Wiring,
    memo: &'x mut Memo,
    pub(crate) grant: &'x mut Grant<'n>,
    /// The flow points of the grant's outboxes.
    dealt: &'x [PointId],
    /// The budget that was left when a process was over.
    unspent: u64,
}

impl<'x, 'n> Exec<'x, 'n> {
    pub(crate) fn new(
        wiring: &'x Wiring,
        memo: &'x mut Memo,
        grant: &'x mut Grant<'n>,
        dealt: &'x [PointId],
    ) -> Exec<'x, 'n> {
        Exec {
            wiring,
            memo,
            grant,
            dealt,
            unspent: 0,
        }
    }
}

impl Exec<'_, '_> {
    /// Runs the grant from its root.
    pub(crate) fn run(&mut self, root: Root) -> Exit {
        let exit = match root {
            Root::Active(process) => self.run_active(process),
            Root::Delivery(reader) => self.run_delivery(reader),
        };
        self.grant.budget += std::mem::take(&mut self.unspent);
        exit
    }

    fn run_active(&mut self, process: ProcessId) -> Exit {
        loop {
            if !self.step() {
                return STOPPED;
            }
            if !self.is_ready(process, Activation::Write) {
                return NOT_READY;
            }
            self.give(process, None);
            if self.status(process) != Status::Holding {
                return ENDED;
            }
        }
    }

    fn run_delivery(&mut self, reader: Port) -> Exit {
        loop {
            if !self.step() {
                return STOPPED;
            }
            if !self.accepts(reader) {
                return NOT_READY;
            }
            let inbox = self
                .grant
                .inbox
                .as_mut()
                .expect("INVARIANT: a delivery has an inbox");
            if inbox.next == inbox.end {
                return EMPTY;
            }
            let (block, next) = (inbox.block, inbox.next);
            inbox.next += 1;
            self.push(reader, block.get(next));
        }
    }

    /// Whether the root's first activation can take place.
    pub(crate) fn is_ready_for(&mut self, root: Root) -> bool {
        match root {
            Root::Active(process) => self.is_ready(process, Activation::Write),
            Root::Delivery(reader) => self.accepts(reader),
        }
    }

    /// Whether a process takes an element from an input now.
    fn accepts(&mut self, reader: Port) -> bool {
        self.holds(Check::Idle(reader.process))
            && self.holds(Check::Ask { reader, need: 1 })
            && self.is_ready(reader.process, Activation::Read(reader.port))
    }

    /// Whether what an activation emits can be taken.
    fn is_ready(&mut self, process: ProcessId, activation: Activation) -> bool {
        let cone = self.memo.cone(self.wiring, process, activation);
        cone.iter().all(|&check| self.holds(check))
    }

    fn holds(&mut self, check: Check) -> bool {
        match check {
            Check::Nobody => false,
            Check::Idle(process) => self.status(process) == Status::Idle,
            Check::Ask { reader, need } => self.asked(reader) >= need,
            Check::Room { point, need } => {
                let outbox = &self.grant.outboxes[self.outbox(point)];
                // Optional outputs that were ready each may have come together here.
                outbox.capacity.saturating_sub(outbox.block.len()) as u64 >= need
            }
        }
    }

    fn asked(&mut self, reader: Port) -> u64 {
        commitment::asked(self.wiring, self.grant.state, reader)
    }

    fn outbox(&self, point: PointId) -> usize {
        let known = self.dealt.iter().position(|&dealt| dealt == point);
        known.expect("INVARIANT: the root reaches the point")
    }

    fn step(&mut self) -> bool {
        if self.grant.budget == 0 || self.grant.interrupt.load(Ordering::Relaxed) {
            return false;
        }
        self.grant.budget -= 1;
        true
    }

    fn status(&self, process: ProcessId) -> Status {
        Status::of(self.grant.state.i64(self.wiring.node(process).status))
    }

    /// Hands an element to an input, and lets the process give all it then holds.
    fn push(&mut self, reader: Port, element: Words<'_>) {
        let wiring = self.wiring;
        let node = wiring.node(reader.process);
        self.count(node.inputs[reader.port].count);
        if self.status(reader.process).is_over() {
            self.count(node.inputs[reader.port].late);
            return;
        }
        debug_assert_eq!(
            self.status(reader.process),
            Status::Idle,
            "INVARIANT: who holds is left first"
        );
        debug_assert!(
            self.asked(reader) > 0,
            "INVARIANT: no more comes than was asked for"
        );
        self.activate(
            reader.process,
            &node.code.inputs[reader.port].read_ok,
            element,
            None,
        );
        while self.status(reader.process) == Status::Holding {
            if !self.step() || !self.is_ready(reader.process, Activation::Write) {
                return;
            }
            self.give(reader.process, None);
        }
    }

    fn give(&mut self, process: ProcessId, captured: Option<usize>) -> Option<Carried> {
        let wiring = self.wiring;
        let write_ok = wiring.node(process).code.write_ok.as_ref();
        self.activate(
            process,
            write_ok.expect("INVARIANT: who holds has write_ok"),
            Words::NONE,
            captured,
        )
    }

    /// One activation: runs the fragment, then hands on what it emitted; the element
    /// for the captured output is given back instead.
    fn activate(
        &mut self,
        process: ProcessId,
        function: &FunctionInfo,
        element: Words<'_>,
        captured: Option<usize>,
    ) -> Option<Carried> {
        let wiring = self.wiring;
        let node = wiring.node(process);
        let mut emitted = self.memo.emitted.pop().unwrap_or_default();
        let outcome = self.run_function(process, function, element, &mut emitted);
        let Outcome::End(end) = outcome else {
            unreachable!("INVARIANT: a fragment ends")
        };
        self.set_status(node, end);
        let mut taken = None;
        for (output, element) in emitted.drain(..) {
            if captured == Some(output) {
                taken = Some(element);
            } else {
                self.deliver(process, output, element.words());
                self.memo.carried.push(element);
            }
        }
        self.memo.emitted.push(emitted);
        taken
    }

    /// Runs one function of a process on its own.
    pub(crate) fn run_function(
        &mut self,
        process: ProcessId,
        function: &FunctionInfo,
        element: Words<'_>,
        emitted: &mut Vec<(usize, Carried)>,
    ) -> Outcome {
        let node = self.wiring.node(process);
        let mut registers = self.memo.registers.pop().unwrap_or_default();
        let mut flow = Surroundings {
            exec: self,
            id: process,
            node,
            emitted,
        };
        let outcome = function
            .code
            .run(node.code.tables(), element, &mut registers, &mut flow);
        self.memo.registers.push(registers);
        outcome
    }

    fn set_status(&mut self, node: &Node, end: End) {
        let word = status_word(end);
        self.grant.state.set_i64(node.status, word);
        if Status::of(word).is_over() {
            self.unspent += std::mem::take(&mut self.grant.budget);
        }
    }

    fn deliver(&mut self, process: ProcessId, output: usize, element: Words<'_>) {
        let wiring = self.wiring;
        let edge = &wiring.node(process).outputs[output];
        self.count(edge.count);
        match wiring.destination(process, output) {
            Destination::Reader(reader) => self.push(reader, element),
            Destination::Dealt(point) => {
                let outbox = self.outbox(point);
                self.grant.outboxes[outbox].block.push(element);
            }
            Destination::Nowhere | Destination::Lost => self.count(edge.lost),
        }
    }

    /// Pulls an element for an input from the one process that can give it.
    fn pull(&mut self, process: ProcessId, input: usize) -> Pulled {
        let writer = match self.wiring.pull_source(process, input) {
            PullSource::Writer(writer) => writer,
            PullSource::None => return Pulled::Pending,
            PullSource::Ended => return Pulled::Ended,
        };
        let Some(element) = self.pull_from(writer) else {
            return Pulled::Pending;
        };
        self.count(self.wiring.node(writer.process).outputs[writer.port].count);
        self.count(self.wiring.node(process).inputs[input].count);
        Pulled::Some(element)
    }

    fn pull_from(&mut self, writer: Port) -> Option<Carried> {
        let wiring = self.wiring;
        let node = wiring.node(writer.process);
        loop {
            let element = match self.status(writer.process) {
                Status::Holding => self.give(writer.process, Some(writer.port)),
                Status::Idle => {
                    let (input, element) = self.pull_any_input(writer.process)?;
                    self.activate(
                        writer.process,
                        &node.code.inputs[input].read_ok,
                        element.words(),
                        Some(writer.port),
                    )
                }
                Status::Finished | Status::Waiting | Status::HostFailed | Status::Failed => return None,
            };
            if element.is_some() {
                return element;
            }
            if !self.step() {
                return None;
            }
        }
    }

    /// Pulls from the first input that the process asks for and that has an element.
    fn pull_any_input(&mut self, process: ProcessId) -> Option<(usize, Carried)> {
        for input in 0..self.wiring.node(process).inputs.len() {
            if self.asked(Port { process, port: input }) == 0 {
                continue;
            }
            if let Pulled::Some(element) = self.pull(process, input) {
                return Some((input, element));
            }
        }
        None
    }

    fn count(&mut self, counter: u32) {
        self.grant.counts[counter as usize] += 1;
    }
}

/// The status in which an activation's end leaves its process.
pub(crate) fn status_word(end: End) -> i64 {
    match end {
        End::Done => Status::Idle as i64,
        End::Again => Status::Holding as i64,
        End::Finish => Status::Finished as i64,
        End::Pending => Status::Waiting as i64,
        End::HostFailed => Status::HostFailed as i64,
        End::Fail(message) => Status::FAILED + i64::from(message),
    }
}

/// What a fragment of one process sees of the grant.
struct Surroundings<'s, 'x, 'n> {
    exec: &'s mut Exec<'x, 'n>,
    id: ProcessId,
    node: &'s Node,
    emitted: &'s mut Vec<(usize, Carried)>,
}

impl Flow for Surroundings<'_, '_, '_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(self.exec.grant.state.get(self.node.places[slot]).words());
    }

    fn slot_set(&mut self, slot: usize, value: Words<'_>) {
        self.exec.grant.state.set(self.node.places[slot], value);
    }

    fn call(&mut self, host: usize, args: Words<'_>, results: &mut [Word]) -> bool {
        let grant = &mut *self.exec.grant;
        let host = grant.hosts[self.node.hosts[host] as usize].as_mut();
        host.expect("INVARIANT: a process's host functions are there")
            .call(args, results, grant.context)
    }

    fn drop_element(&mut self, policy: usize) {
        self.exec.count(self.node.drops[policy]);
    }

    fn emit(&mut self, output: usize, element: Words<'_>) {
        let room = self.exec.memo.carried.pop().unwrap_or_default();
        self.emitted.push((output, element.carry(room)));
    }

    fn ready(&mut self, output: usize) -> bool {
        self.exec.is_ready(self.id, Activation::Output(output))
    }

    fn take(&mut self, input: usize, into: &mut [Word]) -> Taken {
        match self.exec.pull(self.id, input) {
            Pulled::Some(element) => {
                into.copy_from_slice(element.words().words());
                Taken::Some
            }
            Pulled::Ended => Taken::Ended,
            Pulled::Pending => Taken::Pending,
        }
    }
}
