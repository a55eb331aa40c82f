//! Which fields of an element are used behind an output.
//!
//! A field is needed if a fragment that receives it does anything with it but passing it on
//! to where it is not needed. What goes into a block is needed, as nobody knows who will
//! have it; so is what is pulled. A process that can save work where a field is not needed
//! (a parser, say) asks by [`Op::Needs`]; only then is this worked out.

use cutthrough_ir::cfg::Graph;
use cutthrough_ir::function::Terminator;
use cutthrough_ir::{Function, Imm, Op, Value};

use super::{Member, To};

/// All fields are needed.
pub(super) const ALL: i64 = -1;

/// Marks the needs of the outputs of which some fragment asks.
pub(super) fn mark(members: &mut [Member]) {
    let asked = members.iter().enumerate().flat_map(|(number, member)| {
        let functions = member.code.activated();
        let outputs = functions.flat_map(|function| function.asks_needs.iter().copied());
        outputs.map(move |output| (number, output))
    });
    let asked: Vec<(usize, usize)> = asked.collect();
    for (member, output) in asked {
        let needed = of_output(members, member, output);
        members[member].outputs[output].needs = mask(&needed);
    }
}

/// Bit k for the fields k, k + 64 and so on.
fn mask(needed: &[bool]) -> i64 {
    let fields = needed.iter().enumerate().filter(|(_, needed)| **needed);
    fields.fold(0, |mask, (field, _)| mask | 1 << (field % 64))
}

/// Which fields of an output are needed. Flow points form no cycle, so this ends.
fn of_output(members: &[Member], member: usize, output: usize) -> Vec<bool> {
    let fields = members[member].code.tables().outputs[output].fields().len();
    match members[member].outputs[output].to {
        To::Push(reader) => {
            let function = members[reader.member].code.inputs[reader.port].read_ok.function();
            let mut needs = vec![None; members[reader.member].outputs.len()];
            let is_needed = |output: usize, field: usize| {
                let known = needs[output].get_or_insert_with(|| of_output(members, reader.member, output));
                known[field]
            };
            used_params(function, is_needed)
        }
        To::Block(_) | To::Unused => vec![true; fields],
        To::Lost => vec![false; fields],
    }
}

/// Which parameters of a fragment are used, if of what it emits only the fields that
/// `is_needed` tells are.
fn used_params(function: &Function, mut is_needed: impl FnMut(usize, usize) -> bool) -> Vec<bool> {
    let mut used = Used(vec![false; function.values.len()]);
    // Fragments are acyclic: the blocks to which one leads are seen before it.
    for block in Graph::new(function).reverse_postorder().into_iter().rev() {
        let block = function.block(block);
        used.terminator(function, &block.terminator);
        for inst in block.insts.iter().rev() {
            match (inst.op, inst.imm) {
                (Op::Emit, Imm::Index(output)) => {
                    for (field, &value) in inst.args.iter().enumerate() {
                        if is_needed(output as usize, field) {
                            used.mark(value);
                        }
                    }
                }
                // A result that nobody uses makes no use of the operands.
                _ if inst.result.is_some_and(|result| !used.has(result)) => {}
                _ => used.mark_all(&inst.args),
            }
        }
    }
    function.params().iter().map(|&param| used.has(param)).collect()
}

struct Used(Vec<bool>);

impl Used {
    fn has(&self, value: Value) -> bool {
        self.0[value.index()]
    }

    fn mark(&mut self, value: Value) {
        self.0[value.index()] = true;
    }

    fn mark_all(&mut self, values: &[Value]) {
        for &value in values {
            self.mark(value);
        }
    }

    fn terminator(&mut self, function: &Function, terminator: &Terminator) {
        terminator.for_each_operand(|value| self.mark(value));
        terminator.for_each_target(|target| {
            // What the terminator brings comes first; it is nobody's operand.
            let params = &function.block(target.block).params;
            let params = &params[params.len() - target.args.len()..];
            for (&param, &arg) in params.iter().zip(&target.args) {
                if self.has(param) {
                    self.mark(arg);
                }
            }
        });
    }
}
