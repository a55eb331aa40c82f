//! Elements taken in a chain: what feeds an input is built in where it is asked for.

use cutthrough_ir::{Block, Op, Value};

use super::{ChainBuilder, TooLarge};
use crate::plan::{From, MemberPort};
use crate::program::FunctionInfo;
use crate::wiring::Status;

/// What a pull was built as.
pub(super) enum Pulled {
    /// The current block has the element; `none` is where there is none.
    Some { element: Vec<Value>, none: Block },
    /// There is nobody to pull from.
    None,
    /// There is nobody to pull from any more.
    Ended,
}

impl ChainBuilder<'_> {
    /// Pulls an element for an input from the one process that can give it.
    pub(super) fn pull(&mut self, member: usize, input: usize) -> Result<Pulled, TooLarge> {
        let of = self.plan.member(member);
        let writer = match of.inputs[input].from {
            From::Pull(writer) => writer,
            From::Nobody => return Ok(Pulled::None),
            From::Ended => return Ok(Pulled::Ended),
            From::Unused => unreachable!("INVARIANT: what is pulled is planned"),
        };
        let fields = of.code.tables().inputs[input].fields();
        let (some, none) = (self.f.block(fields), self.f.block(&[]));
        self.pull_from(writer, some, none)?;
        self.f.switch_to(some);
        self.count(self.plan.member(writer.member).outputs[writer.port].count);
        self.count(of.inputs[input].count);
        Ok(Pulled::Some {
            element: self.f.block_params(some),
            none,
        })
    }

    fn pull_from(&mut self, writer: MemberPort, some: Block, none: Block) -> Result<(), TooLarge> {
        let code = &self.plan.member(writer.member).code;
        let (head, retry) = (self.f.block(&[]), self.f.block(&[]));
        self.f.jump(head, &[]);
        self.f.switch_to(head);
        if let Some(write_ok) = &code.write_ok {
            let (holding, other) = (self.f.block(&[]), self.f.block(&[]));
            self.br_status(writer.member, Status::Holding, holding, other);
            self.f.switch_to(holding);
            self.capture(writer, write_ok, &[], some, retry)?;
            self.f.switch_to(other);
        }
        if code.write_ok.is_some() || code.activated().any(|function| function.may_finish) {
            let idle = self.f.block(&[]);
            self.br_status(writer.member, Status::Idle, idle, none);
            self.f.switch_to(idle);
        }
        self.pull_any_input(writer, some, none, retry)?;
        self.f.switch_to(retry);
        self.step_or(none);
        self.f.jump(head, &[]);
        Ok(())
    }

    /// Pulls from the first input that the process asks for and that has an element.
    fn pull_any_input(
        &mut self,
        writer: MemberPort,
        some: Block,
        none: Block,
        retry: Block,
    ) -> Result<(), TooLarge> {
        let MemberPort { member, .. } = writer;
        for (port, input) in self.plan.member(member).code.inputs.iter().enumerate() {
            let next = self.f.block(&[]);
            if let Some(asked) = self.asked(MemberPort { member, port }) {
                let zero = self.f.iconst(0);
                let wanted = self.f.op(Op::Igt, &[asked, zero]);
                let go = self.f.block(&[]);
                self.f.br(wanted, go, next);
                self.f.switch_to(go);
            }
            match self.pull(member, port)? {
                Pulled::Some { element, none } => {
                    self.capture(writer, &input.read_ok, &element, some, retry)?;
                    self.f.switch_to(none);
                    self.f.jump(next, &[]);
                }
                Pulled::None | Pulled::Ended => self.f.jump(next, &[]),
            }
            self.f.switch_to(next);
        }
        self.f.jump(none, &[]);
        Ok(())
    }

    /// One activation whose element goes to `some`; without one, goes to `retry`.
    fn capture(
        &mut self,
        writer: MemberPort,
        function: &FunctionInfo,
        args: &[Value],
        some: Block,
        retry: Block,
    ) -> Result<(), TooLarge> {
        for ending in self.inline_fragment(writer.member, function, args)? {
            self.f.switch_to(ending.block);
            match &ending.emitted[..] {
                [emission] => self.f.jump(some, &emission.element),
                [] => self.f.jump(retry, &[]),
                _ => unreachable!("INVARIANT: who is pulled has one output"),
            }
        }
        Ok(())
    }

    fn br_status(&mut self, member: usize, expected: Status, yes: Block, no: Block) {
        let status = self.status(member);
        let expected = self.f.iconst(expected as i64);
        let same = self.f.op(Op::Ieq, &[status, expected]);
        self.f.br(same, yes, no);
    }
}
