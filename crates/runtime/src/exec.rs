//! Executes a plan fragment by fragment: the interpreted path, which is always there, and
//! the meaning that chains have to have.

use cutthrough_ir::{
    Carried, End, ErrorSource, Exit, Flow, Grant, Lend, Outcome, Registers, Rows, Taken, Word, Words,
};

use crate::plan::{Begin, Check, From, Member, MemberPort, Plan, To};
use crate::program::FunctionInfo;
use crate::root::{EMPTY, ENDED, NOT_READY, STOPPED};
use crate::wiring::Status;

/// Memory that grants work in; kept from one to the next it is not allocated anew.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    registers: Vec<Registers>,
    emitted: Vec<Vec<(usize, Carried)>>,
    carried: Vec<Carried>,
}

/// What became of a pull.
enum Pulled {
    Some(Carried),
    Ended,
    Pending,
}

/// One grant in the interpreter.
pub(crate) struct Exec<'x, 'n> {
    plan: &'x Plan,
    buffers: &'x mut Buffers,
    pub(crate) grant: &'x mut Grant<'n>,
    /// The budget that was left when a process was over.
    unspent: u64,
    /// The budget at which it pauses before the root's next activation.
    pause_at: u64,
}

impl<'x, 'n> Exec<'x, 'n> {
    pub(crate) fn new(plan: &'x Plan, buffers: &'x mut Buffers, grant: &'x mut Grant<'n>) -> Exec<'x, 'n> {
        Exec {
            plan,
            buffers,
            grant,
            unspent: 0,
            pause_at: 0,
        }
    }

    /// Runs the grant from its root. After about so many steps it pauses, for native code to go
    /// on, or this; then it gives nothing.
    pub(crate) fn run(&mut self, pause_steps: u64) -> Option<Exit> {
        self.pause_at = self.grant.budget.saturating_sub(pause_steps);
        let exit = match self.plan.begin {
            Begin::Give => self.run_giving(),
            Begin::Delivery(input) => self.run_delivery(MemberPort {
                member: 0,
                port: input,
            }),
        };
        self.grant.budget += std::mem::take(&mut self.unspent);
        exit
    }

    fn run_giving(&mut self) -> Option<Exit> {
        while !self.pauses() {
            if !self.step() {
                return Some(STOPPED);
            }
            if !self.can_begin() {
                return Some(NOT_READY);
            }
            self.give(0, None);
            if self.status(0) != Status::Holding {
                return Some(ENDED);
            }
        }
        None
    }

    /// Whether it pauses here. Nothing of this is seen in what the grant does. Native code may go
    /// on if everything has arrived that is under way ([`failing`](Exec::failing)).
    fn pauses(&self) -> bool {
        (1..=self.pause_at).contains(&self.grant.budget)
    }

    fn run_delivery(&mut self, reader: MemberPort) -> Option<Exit> {
        while !self.pauses() {
            if !self.step() {
                return Some(STOPPED);
            }
            if !self.can_begin() {
                return Some(NOT_READY);
            }
            let inbox = self
                .grant
                .inbox
                .as_mut()
                .expect("INVARIANT: a delivery has an inbox");
            if inbox.next == inbox.end {
                return Some(EMPTY);
            }
            let (block, next) = (inbox.block, inbox.next);
            inbox.next += 1;
            self.push(reader, block.get(next));
        }
        None
    }

    /// Whether the root's next activation can take place.
    fn can_begin(&mut self) -> bool {
        self.failing().is_none()
    }

    /// What keeps the root's next activation from taking place, if something does.
    pub(crate) fn failing(&mut self) -> Option<Check> {
        let plan = self.plan;
        plan.before.iter().copied().find(|&check| !self.holds(check))
    }

    fn all_hold(&mut self, checks: &[Check]) -> bool {
        checks.iter().all(|&check| self.holds(check))
    }

    fn holds(&mut self, check: Check) -> bool {
        match check {
            Check::Nobody => false,
            Check::Idle(member) => self.status(member) == Status::Idle,
            Check::Ask { reader, need } => self.asked(reader) >= need,
            Check::Room { block, need } => {
                let outbox = &self.grant.outboxes[block];
                // Optional outputs that were ready each may have come together here.
                outbox.capacity.saturating_sub(outbox.block.len()) as u64 >= need
            }
        }
    }

    fn asked(&mut self, reader: MemberPort) -> u64 {
        self.plan.asked(self.grant.state, reader)
    }

    fn step(&mut self) -> bool {
        if self.grant.budget == 0 || self.grant.is_to_come_out() {
            return false;
        }
        self.grant.budget -= 1;
        true
    }

    fn status(&self, member: usize) -> Status {
        Status::of(self.grant.state.i64(self.plan.member(member).status))
    }

    /// Hands an element to an input, and lets the process give all it then holds.
    fn push(&mut self, reader: MemberPort, element: Words<'_>) {
        let plan = self.plan;
        let input = &plan.member(reader.member).inputs[reader.port];
        self.count(input.count);
        if input.may_be_late && self.status(reader.member).is_over() {
            self.count(input.late);
            return;
        }
        debug_assert_eq!(
            self.status(reader.member),
            Status::Idle,
            "INVARIANT: who holds is left first"
        );
        debug_assert!(
            self.asked(reader) > 0,
            "INVARIANT: no more comes than was asked for"
        );
        self.activate(reader.member, &plan.input_code(reader).read_ok, element, None);
        while self.status(reader.member) == Status::Holding {
            if !self.step() || !self.may_give(reader.member) {
                return;
            }
            self.give(reader.member, None);
        }
    }

    fn may_give(&mut self, member: usize) -> bool {
        let checks = self.plan.member(member).before_giving.as_ref();
        self.all_hold(checks.expect("INVARIANT: a member that may hold is planned to give"))
    }

    fn give(&mut self, member: usize, captured: Option<usize>) -> Option<Carried> {
        self.activate(member, self.plan.member(member).write_ok(), Words::NONE, captured)
    }

    /// One activation: runs the fragment, then hands on what it emitted; the element
    /// for the captured output is given back instead.
    fn activate(
        &mut self,
        member: usize,
        function: &FunctionInfo,
        element: Words<'_>,
        captured: Option<usize>,
    ) -> Option<Carried> {
        let mut emitted = self.buffers.emitted.pop().unwrap_or_default();
        let end = self.run_fragment(member, function, element, &mut emitted);
        self.set_status(member, end);
        let mut taken = None;
        for (output, element) in emitted.drain(..) {
            if captured == Some(output) {
                taken = Some(element);
            } else {
                self.deliver(member, output, element.words());
                self.buffers.carried.push(element);
            }
        }
        self.buffers.emitted.push(emitted);
        taken
    }

    /// Runs one fragment of a member on its own; how it ended.
    pub(crate) fn run_fragment(
        &mut self,
        member: usize,
        function: &FunctionInfo,
        element: Words<'_>,
        emitted: &mut Vec<(usize, Carried)>,
    ) -> End {
        let of = self.plan.member(member);
        let mut registers = self.buffers.registers.pop().unwrap_or_default();
        let mut flow = Surroundings {
            exec: self,
            number: member,
            member: of,
            emitted,
        };
        let outcome = function
            .code
            .run(of.code.tables(), element, &mut registers, &mut flow);
        self.buffers.registers.push(registers);
        let Outcome::End(end) = outcome else {
            unreachable!("INVARIANT: a fragment ends")
        };
        end
    }

    fn set_status(&mut self, member: usize, end: End) {
        let word = status_word(end);
        self.grant.state.set_i64(self.plan.member(member).status, word);
        if Status::of(word).is_over() {
            self.unspent += std::mem::take(&mut self.grant.budget);
        }
    }

    fn deliver(&mut self, member: usize, output: usize, element: Words<'_>) {
        let output = &self.plan.member(member).outputs[output];
        self.count(output.count);
        match output.to {
            To::Push(reader) => self.push(reader, element),
            To::Block(block) => self.grant.outboxes[block].block.push(element),
            To::Lost => self.count(output.lost),
            To::Unused => unreachable!("INVARIANT: what is emitted to is planned"),
        }
    }

    /// Pulls an element for an input from the one process that can give it.
    fn pull(&mut self, member: usize, input: usize) -> Pulled {
        let plan = self.plan;
        let input = &plan.member(member).inputs[input];
        let writer = match input.from {
            From::Pull(writer) => writer,
            From::Nobody => return Pulled::Pending,
            From::Ended => return Pulled::Ended,
            From::Unused => unreachable!("INVARIANT: what is pulled is planned"),
        };
        let Some(element) = self.pull_from(writer) else {
            return Pulled::Pending;
        };
        self.count(plan.member(writer.member).outputs[writer.port].count);
        self.count(input.count);
        Pulled::Some(element)
    }

    fn pull_from(&mut self, writer: MemberPort) -> Option<Carried> {
        let plan = self.plan;
        loop {
            let element = match self.status(writer.member) {
                Status::Holding => self.give(writer.member, Some(writer.port)),
                Status::Idle => {
                    let (reader, element) = self.pull_any_input(writer.member)?;
                    let read_ok = &plan.input_code(reader).read_ok;
                    self.activate(writer.member, read_ok, element.words(), Some(writer.port))
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
    fn pull_any_input(&mut self, member: usize) -> Option<(MemberPort, Carried)> {
        for port in 0..self.plan.member(member).inputs.len() {
            let reader = MemberPort { member, port };
            if self.asked(reader) == 0 {
                continue;
            }
            if let Pulled::Some(element) = self.pull(member, port) {
                return Some((reader, element));
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
    number: usize,
    member: &'s Member,
    emitted: &'s mut Vec<(usize, Carried)>,
}

impl Flow for Surroundings<'_, '_, '_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(self.exec.grant.state.get(self.member.places[slot]).words());
    }

    fn slot_set(&mut self, slot: usize, value: Words<'_>) {
        self.exec.grant.state.set(self.member.places[slot], value);
    }

    fn rows(&self, rows: usize) -> &Rows {
        self.exec.grant.state.rows(self.member.rows[rows])
    }

    fn rows_mut(&mut self, rows: usize) -> &mut Rows {
        self.exec.grant.state.rows_mut(self.member.rows[rows])
    }

    fn rows_failed(&mut self, rows: usize, message: String) {
        let context = self.exec.grant.context;
        context.set_error(ErrorSource::Rows(self.member.rows[rows]), message);
    }

    fn lend(&mut self, host: usize, rows: &[u32], to: &mut Lend<'_>) -> bool {
        let rows = rows.iter().map(|&rows| self.member.rows[rows as usize]);
        self.exec.grant.lend(self.member.hosts[host], rows, to)
    }

    fn drop_element(&mut self, policy: usize) {
        self.exec.count(self.member.drops[policy]);
    }

    fn emit(&mut self, output: usize, element: Words<'_>) {
        let room = self.exec.buffers.carried.pop().unwrap_or_default();
        self.emitted.push((output, element.carry(room)));
    }

    fn ready(&mut self, output: usize) -> bool {
        let checks = self.member.outputs[output].is_ready.as_ref();
        self.exec
            .all_hold(checks.expect("INVARIANT: what is asked about is planned"))
    }

    fn needs(&mut self, output: usize) -> i64 {
        self.member.outputs[output].needs
    }

    fn take(&mut self, input: usize, into: &mut [Word]) -> Taken {
        match self.exec.pull(self.number, input) {
            Pulled::Some(element) => {
                into.copy_from_slice(element.words().words());
                Taken::Some
            }
            Pulled::Ended => Taken::Ended,
            Pulled::Pending => Taken::Pending,
        }
    }
}
