//! What may stand where, by the kind of function: loops, ends, emits.

use std::collections::BTreeSet;

use crate::cfg::Graph;
use crate::function::{BlockData, End, FunctionKind, Imm, Inst, Terminator};
use crate::op::{Effect, Op};
use crate::verify::Role;
use crate::verify::error::Spot;
use crate::verify::function::Checker;

impl Checker<'_> {
    pub(super) fn flow(&mut self) {
        let function = self.function;
        for (index, block) in function.blocks.iter().enumerate() {
            for (k, inst) in block.insts.iter().enumerate() {
                self.at(index, Spot::Inst(k));
                self.allowed_op(inst);
            }
            self.at(index, Spot::Terminator);
            self.allowed_terminator(&block.terminator);
            if function.kind == FunctionKind::Fragment {
                self.emits(index, block);
            }
        }
        self.at_function();
    }

    pub(super) fn loops(&mut self, graph: &Graph) {
        let kind = self.function.kind;
        graph.for_each_loop(kind != FunctionKind::Chain, |from, to| {
            self.at(from.index(), Spot::Terminator);
            match kind {
                FunctionKind::Chain => {
                    self.fail(15, format_args!("the loop back to b{} takes no step", to.0));
                }
                FunctionKind::Fragment | FunctionKind::Expression => {
                    self.fail(
                        15,
                        format_args!("it goes back to b{}, but only chains loop", to.0),
                    );
                }
            }
        });
        self.at_function();
    }

    fn allowed_op(&mut self, inst: &Inst) {
        let name = inst.op.info().name;
        let kind = self.function.kind;
        let allowed = match (kind, inst.op) {
            (FunctionKind::Fragment, Op::Halt | Op::Count | Op::OutboxPut | Op::OutboxRoom) => false,
            (FunctionKind::Chain, Op::Emit | Op::Ready | Op::Needs) => false,
            (_, Op::ItemU8 | Op::ItemI64 | Op::ItemF64 | Op::Refund) => self.optimized,
            (FunctionKind::Expression, op) => {
                op.info().effect == Effect::Pure
                    || matches!(op, Op::SlotGet | Op::RowsLen | Op::RowsGet | Op::RowsFind)
            }
            (FunctionKind::Fragment | FunctionKind::Chain, _) => true,
        };
        if !allowed {
            self.fail(14, format_args!("{name} may not stand in {}", noun(kind)));
        }
        if matches!((inst.op, self.role), (Op::Emit | Op::Ready, Role::End(_))) {
            self.fail(22, format_args!("{name} may not stand in the end of an input"));
        }
        if let (Op::Ready, Imm::Index(output), Some(program)) = (inst.op, inst.imm, self.program)
            && program.optional.get(output as usize) == Some(&false)
        {
            self.fail(
                18,
                format_args!("output {output} is not optional, so it is always ready here"),
            );
        }
    }

    fn allowed_terminator(&mut self, terminator: &Terminator) {
        use FunctionKind::{Chain, Expression, Fragment};
        let kind = self.function.kind;
        let (name, allowed) = match terminator {
            Terminator::Jump(_) | Terminator::Br(..) | Terminator::Get { .. } => return,
            Terminator::Call { .. } => ("call", kind != Expression),
            Terminator::Push { .. } => ("push", kind != Expression),
            Terminator::Entry { .. } => ("entry", kind != Expression),
            Terminator::Take { .. } => ("take", kind == Fragment),
            Terminator::Return(_) => ("return", kind != Fragment),
            Terminator::Step { .. } => ("step", kind == Chain),
            Terminator::Inbox { .. } => ("inbox", kind == Chain),
            Terminator::Batch { .. } => ("batch", self.optimized),
            Terminator::Lap { .. } => ("lap", self.optimized),
            Terminator::End(end) => {
                self.allowed_end(*end);
                ("an end", kind == Fragment)
            }
        };
        if !allowed {
            self.fail(14, format_args!("{name} may not stand in {}", noun(kind)));
        }
        if matches!((terminator, self.role), (Terminator::Take { .. }, Role::End(_))) {
            self.fail(22, format_args!("take may not stand in the end of an input"));
        }
        let inputs = self.tables.inputs.len();
        if matches!(terminator, Terminator::Inbox { .. }) && inputs != 1 {
            self.fail(
                14,
                format_args!("inbox needs one input in the tables, where there are {inputs}"),
            );
        }
    }

    fn allowed_end(&mut self, end: End) {
        match end {
            End::Again | End::Pending if self.program.is_some_and(|program| program.write_ok.is_none()) => {
                let name = if end == End::Again { "again" } else { "pending" };
                self.fail(
                    17,
                    format_args!("{name} needs a write_ok, which the process does not have"),
                );
            }
            _ => {}
        }
    }

    /// The emits of one block of a fragment.
    fn emits(&mut self, index: usize, block: &BlockData) {
        let mut emitted = BTreeSet::new();
        for (k, inst) in block.insts.iter().enumerate() {
            let name = inst.op.info().name;
            let output = match inst.imm {
                Imm::Index(output) if inst.op == Op::Emit => output,
                _ => {
                    if inst.op.info().effect == Effect::Flow && !emitted.is_empty() {
                        self.at(index, Spot::Inst(k));
                        self.fail(16, format_args!("{name} may not follow an emit"));
                    }
                    continue;
                }
            };
            self.at(index, Spot::Inst(k));
            if !emitted.insert(output) {
                self.fail(16, format_args!("it emits a second element to output {output}"));
            }
            match block.terminator {
                Terminator::End(End::Fail(_) | End::HostFailed) => {
                    self.fail(16, format_args!("it emits although the activation fails"));
                }
                Terminator::End(_) => {}
                _ => self.fail(
                    16,
                    format_args!("it emits in a block that does not end the activation"),
                ),
            }
        }
    }
}

fn noun(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Fragment => "a fragment",
        FunctionKind::Expression => "an expression",
        FunctionKind::Chain => "a chain",
    }
}
