//! Puts a function into the order and shape that native code is made from: only
//! reachable blocks, in reverse postorder; a jump to a block that nothing else goes to
//! is no jump at all, and a parameter that always has the same value is that value.
//! What the function means does not change.
//!
//! Values are numbered anew, in the order of their definitions, so that equal
//! functions have equal texts.

use crate::cfg::Graph;
use crate::function::{Block, BlockData, Function, Inst, Target, Terminator, Value};

/// The same function, simplified. It must be verified.
pub fn simplify(function: &Function) -> Function {
    let graph = Graph::new(function);
    let order = graph.reverse_postorder();
    let function = &without_constant_params(function, &order);
    let predecessors = count_predecessors(&graph, &order);
    let mut merge = Merge {
        function,
        predecessors: &predecessors,
        replaced: vec![None; function.values.len()],
        merged: vec![false; function.blocks.len()],
    };
    let mut blocks = Vec::with_capacity(order.len());
    let mut places = vec![None; function.blocks.len()];
    for block in order {
        if !merge.merged[block.index()] {
            places[block.index()] = Some(Block::from_index(blocks.len()));
            blocks.push(merge.run_from(block));
        }
    }
    let replaced = merge.replaced;
    renumber(function, blocks, &places, &replaced)
}

fn count_predecessors(graph: &Graph, reachable: &[Block]) -> Vec<u32> {
    let mut counts = vec![0; graph.len()];
    counts[0] = 1;
    for block in reachable {
        graph.successors(block.index()).for_each(|next| counts[next] += 1);
    }
    counts
}

/// The function without the parameters that have the same value wherever their block is
/// entered from.
fn without_constant_params(function: &Function, reachable: &[Block]) -> Function {
    let mut replaced: Vec<Option<Value>> = vec![None; function.values.len()];
    let mut changed = true;
    while changed {
        changed = false;
        // Of each parameter: the one value seen so far, or that there are several.
        let mut seen: Vec<Vec<Seen>> = function
            .blocks
            .iter()
            .map(|block| vec![Seen::Nothing; block.params.len()])
            .collect();
        for &block in reachable {
            function.block(block).terminator.for_each_target(|to| {
                let params = &function.block(to.block).params;
                let brought = params.len() - to.args.len();
                seen[to.block.index()][..brought].fill(Seen::Several);
                for (k, &arg) in to.args.iter().enumerate() {
                    let arg = resolve(&replaced, arg);
                    let seen = &mut seen[to.block.index()][brought + k];
                    if arg != params[brought + k] {
                        *seen = seen.and(arg);
                    }
                }
            });
        }
        for (block, seen) in function.blocks.iter().zip(&seen).skip(1) {
            for (&param, &seen) in block.params.iter().zip(seen) {
                if let (Seen::One(value), None) = (seen, replaced[param.index()]) {
                    // Two that are each other's only value are in no reachable code.
                    if resolve(&replaced, value) != param {
                        replaced[param.index()] = Some(value);
                        changed = true;
                    }
                }
            }
        }
    }
    let mut function = function.clone();
    if replaced.iter().all(Option::is_none) {
        return function;
    }
    let kept: Vec<Vec<bool>> = function
        .blocks
        .iter()
        .map(|block| {
            block
                .params
                .iter()
                .map(|param| replaced[param.index()].is_none())
                .collect()
        })
        .collect();
    for block in &mut function.blocks {
        block.params.retain(|param| replaced[param.index()].is_none());
        for arg in block.insts.iter_mut().flat_map(|inst| &mut inst.args) {
            *arg = resolve(&replaced, *arg);
        }
        block.terminator.map_operands(|value| resolve(&replaced, value));
        block.terminator.for_each_target_mut(|to| {
            let kept = &kept[to.block.index()];
            let brought = kept.len() - to.args.len();
            let args = to.args.iter().zip(&kept[brought..]).filter(|(_, kept)| **kept);
            to.args = args.map(|(&arg, _)| resolve(&replaced, arg)).collect();
        });
    }
    function
}

/// The values that a parameter has had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    One(Value),
    Several,
}

impl Seen {
    fn and(self, value: Value) -> Seen {
        match self {
            Seen::Nothing => Seen::One(value),
            Seen::One(known) if known == value => self,
            Seen::One(_) | Seen::Several => Seen::Several,
        }
    }
}

fn resolve(replaced: &[Option<Value>], mut value: Value) -> Value {
    while let Some(by) = replaced[value.index()] {
        value = by;
    }
    value
}

struct Merge<'f> {
    function: &'f Function,
    predecessors: &'f [u32],
    /// What a parameter of a merged block is replaced by.
    replaced: Vec<Option<Value>>,
    merged: Vec<bool>,
}

impl Merge<'_> {
    /// The block with all that follows it straight on.
    fn run_from(&mut self, block: Block) -> BlockData {
        let mut data = self.function.block(block).clone();
        while let Terminator::Jump(to) = &data.terminator {
            if self.predecessors[to.block.index()] != 1 {
                break;
            }
            let next = self.function.block(to.block);
            for (&param, &arg) in next.params.iter().zip(&to.args) {
                self.replaced[param.index()] = Some(arg);
            }
            self.merged[to.block.index()] = true;
            data.insts.extend_from_slice(&next.insts);
            data.terminator = next.terminator.clone();
            data.origin = next.origin;
        }
        data
    }
}

fn renumber(
    function: &Function,
    mut blocks: Vec<BlockData>,
    places: &[Option<Block>],
    replaced: &[Option<Value>],
) -> Function {
    let mut values = Vec::new();
    let mut numbers = vec![None; function.values.len()];
    let mut define = |value: &mut Value| {
        let number = Value::from_index(values.len());
        values.push(function.ty(*value));
        numbers[value.index()] = Some(number);
        *value = number;
    };
    for block in &mut blocks {
        block.params.iter_mut().for_each(&mut define);
        block
            .insts
            .iter_mut()
            .filter_map(|inst: &mut Inst| inst.result.as_mut())
            .for_each(&mut define);
    }
    let number = |value: Value| {
        numbers[resolve(replaced, value).index()]
            .expect("INVARIANT: a used value is defined in a reachable block")
    };
    let renumber_target = |target: &mut Target| {
        target.block =
            places[target.block.index()].expect("INVARIANT: a target that was not merged is there");
        target.args.iter_mut().for_each(|arg| *arg = number(*arg));
    };
    for block in &mut blocks {
        for arg in block.insts.iter_mut().flat_map(|inst| &mut inst.args) {
            *arg = number(*arg);
        }
        block.terminator.map_operands(number);
        block.terminator.for_each_target_mut(renumber_target);
    }
    Function {
        kind: function.kind,
        values,
        blocks,
        returns: function.returns.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::FunctionBuilder;
    use crate::function::FunctionKind;
    use crate::interp::{Code, Flow, Outcome};
    use crate::op::Op;
    use crate::program::Tables;
    use crate::types::Type;

    struct NoFlow;

    impl Flow for NoFlow {
        fn slot_get(&mut self, _: usize, _: &mut [u64]) {}
        fn slot_set(&mut self, _: usize, _: crate::memory::Words<'_>) {}
        fn rows(&self, _: usize) -> &crate::rows::Rows {
            unreachable!("there are none")
        }
        fn rows_mut(&mut self, _: usize) -> &mut crate::rows::Rows {
            unreachable!("there are none")
        }
        fn rows_failed(&mut self, _: usize, _: String) {}
        fn lend(&mut self, _: usize, _: &[u32], _: &mut crate::interp::Lend<'_>) -> bool {
            unreachable!("nothing is called")
        }
        fn drop_element(&mut self, _: usize) {}
    }

    #[test]
    fn straight_lines_become_one_block() {
        let mut tables = Tables::default();
        let mut b = FunctionBuilder::new(FunctionKind::Expression, &mut tables, &[Type::I64], &[Type::I64]);
        let x = b.params()[0];
        let (dead, last, next) = (
            b.block(&[]),
            b.block(&[Type::I64]),
            b.block(&[Type::I64, Type::I64]),
        );
        let one = b.iconst(1);
        b.jump(next, &[x, one]);
        b.switch_to(dead);
        b.jump(next, &[x, x]);
        b.switch_to(next);
        let params = b.block_params(next);
        let sum = b.op(Op::Iadd, &params);
        b.jump(last, &[sum]);
        b.switch_to(last);
        let param = b.block_params(last)[0];
        let product = b.op(Op::Imul, &[param, params[0]]);
        b.ret(&[product]);
        let function = b.build();

        let simple = simplify(&function);
        assert_eq!(simple.blocks.len(), 1);
        assert_eq!(simple.values.len(), 4);
        assert_eq!(simple, simplify(&simple));
        for function in [function, simple] {
            let mut registers = crate::interp::Registers::default();
            let six = crate::memory::trusted(crate::FieldAt::alone(Type::I64), &[6]);
            let outcome = Code::new(function).run(&tables, six, &mut registers, &mut NoFlow);
            assert_eq!((outcome, registers.returned()[0]), (Outcome::Return, 42));
        }
    }

    #[test]
    fn joins_and_loops_stay() {
        let mut tables = Tables::default();
        let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let (head, body, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: body.into(),
            stop: out.into(),
        });
        b.switch_to(out);
        let zero = b.iconst(0);
        b.ret(&[zero]);
        b.switch_to(body);
        b.jump(head, &[]);
        let simple = simplify(&b.build());
        assert_eq!(simple.blocks.len(), 4);
        assert_eq!(simple, simplify(&simple));
    }
}
