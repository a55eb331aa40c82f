//! Elements handed on in a chain, and the loops of processes that hold several.

use cutthrough_ir::{Block, Op, Value};

use super::inline::{Emission, Ending, Holds};
use super::{Behind, ChainBuilder, TooLarge, index_imm};
use crate::plan::{Member, MemberPort, To};
use crate::wiring::Status;

impl ChainBuilder<'_> {
    /// Hands an element to an input and lets the process give all it then holds; goes
    /// on behind that.
    pub(super) fn push(&mut self, reader: MemberPort, element: &[Value]) -> Result<(), TooLarge> {
        let MemberPort { member, port } = reader;
        let input = &self.plan.member(member).inputs[port];
        let read_ok = &self.plan.input_code(reader).read_ok;
        self.count(input.count);
        let after = self.f.block(&[]);
        if input.may_be_late {
            self.count_late(reader, after);
        }
        let endings = self.inline_fragment(member, read_ok, element)?;
        let give = self.f.block(&[]);
        self.deliver_endings(member, endings, give, after)?;
        self.f.switch_to(give);
        if read_ok.may_hold {
            self.step_or(after);
            let checks = self.plan.member(member).before_giving.as_ref();
            let checks = checks.expect("INVARIANT: a member that may hold is planned to give");
            self.check_all(checks, Behind::Step, after);
            self.give(member, give, after)?;
        } else {
            self.f.jump(after, &[]);
        }
        self.f.switch_to(after);
        Ok(())
    }

    /// Goes to `after` when the process is over already, and counts the element.
    fn count_late(&mut self, reader: MemberPort, after: Block) {
        let status = self.status(reader.member);
        let idle = self.f.iconst(Status::Idle as i64);
        let is_idle = self.f.op(Op::Ieq, &[status, idle]);
        let (go, late) = (self.f.block(&[]), self.f.block(&[]));
        self.f.br(is_idle, go, late);
        self.f.switch_to(late);
        let Member { name, inputs, .. } = self.plan.member(reader.member);
        self.count_drop(inputs[reader.port].late, format!("{name}: late"));
        self.f.jump(after, &[]);
        self.f.switch_to(go);
    }

    /// Lets a process give one element more; then goes to `again` if it holds yet
    /// more, else to `ended`.
    pub(super) fn give(&mut self, member: usize, again: Block, ended: Block) -> Result<(), TooLarge> {
        let endings = self.inline_fragment(member, self.plan.member(member).write_ok(), &[])?;
        self.deliver_endings(member, endings, again, ended)
    }

    fn deliver_endings(
        &mut self,
        member: usize,
        endings: Vec<Ending>,
        again: Block,
        ended: Block,
    ) -> Result<(), TooLarge> {
        for ending in endings {
            self.f.switch_to(ending.block);
            for Emission {
                output,
                element,
                only_if,
            } in &ending.emitted
            {
                let Some(emits) = *only_if else {
                    self.deliver(member, *output, element)?;
                    continue;
                };
                let (deliver, after) = (self.f.block(&[]), self.f.block(&[]));
                self.f.br(emits, deliver, after);
                self.f.switch_to(deliver);
                self.deliver(member, *output, element)?;
                self.f.jump(after, &[]);
                self.f.switch_to(after);
            }
            match ending.holds {
                Holds::Yes => self.f.jump(again, &[]),
                Holds::No => self.f.jump(ended, &[]),
                Holds::If(holds) => self.f.br(holds, again, ended),
            }
        }
        Ok(())
    }

    fn deliver(&mut self, member: usize, output: usize, element: &[Value]) -> Result<(), TooLarge> {
        let output = &self.plan.member(member).outputs[output];
        self.count(output.count);
        match output.to {
            To::Push(reader) => self.push(reader, element)?,
            To::Block(block) => {
                self.f.inst(Op::OutboxPut, index_imm(block), element);
            }
            To::Lost => self.count(output.lost),
            To::Unused => unreachable!("INVARIANT: what is emitted to is planned"),
        }
        Ok(())
    }
}
