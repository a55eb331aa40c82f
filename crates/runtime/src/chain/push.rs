//! Elements handed on in a chain, and the loops of processes that hold several.

use cutthrough_ir::{Block, Op, Value};

use super::inline::{Emission, Ending, Holds};
use super::{ChainBuilder, TooLarge};
use crate::exec::Activation;
use crate::wiring::{Destination, Port, ProcessId, Status};

impl ChainBuilder<'_, '_> {
    /// Hands an element to an input and lets the process give all it then holds; goes
    /// on behind that.
    pub(super) fn push(&mut self, reader: Port, element: &[Value]) -> Result<(), TooLarge> {
        let node = self.wiring.node(reader.process).clone();
        let read_ok = &node.code.inputs[reader.port].read_ok;
        self.count(node.inputs[reader.port].count);
        let after = self.f.block(&[]);
        if self.has_joins && node.code.activated().any(|function| function.may_finish) {
            self.count_late(reader, after);
        }
        let endings = self.inline_fragment(reader.process, read_ok, element)?;
        let give = self.f.block(&[]);
        self.deliver_endings(reader.process, endings, give, after)?;
        self.f.switch_to(give);
        if read_ok.may_hold {
            self.step_or(after);
            self.check_cone(reader.process, Activation::Write, after);
            self.give(reader.process, give, after)?;
        } else {
            self.f.jump(after, &[]);
        }
        self.f.switch_to(after);
        Ok(())
    }

    /// Goes to `after` when the process is over already, and counts the element.
    fn count_late(&mut self, reader: Port, after: Block) {
        let node = self.wiring.node(reader.process).clone();
        let status = self.status(reader.process);
        let idle = self.f.iconst(Status::Idle as i64);
        let is_idle = self.f.op(Op::Ieq, &[status, idle]);
        let (go, late) = (self.f.block(&[]), self.f.block(&[]));
        self.f.br(is_idle, go, late);
        self.f.switch_to(late);
        self.count_drop(node.inputs[reader.port].late, format!("{}: late", node.name));
        self.f.jump(after, &[]);
        self.f.switch_to(go);
    }

    /// Lets a process give one element more; then goes to `again` if it holds yet
    /// more, else to `ended`.
    pub(super) fn give(&mut self, process: ProcessId, again: Block, ended: Block) -> Result<(), TooLarge> {
        let node = self.wiring.node(process).clone();
        let write_ok = node
            .code
            .write_ok
            .as_ref()
            .expect("INVARIANT: who holds has write_ok");
        let endings = self.inline_fragment(process, write_ok, &[])?;
        self.deliver_endings(process, endings, again, ended)
    }

    fn deliver_endings(
        &mut self,
        process: ProcessId,
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
                    self.deliver(process, *output, element)?;
                    continue;
                };
                let (deliver, after) = (self.f.block(&[]), self.f.block(&[]));
                self.f.br(emits, deliver, after);
                self.f.switch_to(deliver);
                self.deliver(process, *output, element)?;
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

    fn deliver(&mut self, process: ProcessId, output: usize, element: &[Value]) -> Result<(), TooLarge> {
        let edge = self.wiring.node(process).outputs[output].clone();
        self.count(edge.count);
        match self.wiring.destination(process, output) {
            Destination::Reader(reader) => self.push(reader, element)?,
            Destination::Dealt(point) => {
                let index = self.outbox(point);
                self.f.inst(Op::OutboxPut, index, element);
            }
            Destination::Nowhere | Destination::Lost => self.count(edge.lost),
        }
        Ok(())
    }
}
