//! Settles how many steps a loop takes before it starts, so that its steps need not ask.
//!
//! # Definitions
//! A *lap* is what a chain does between two steps taken at the same place, with no other
//! step on the way. A *counter* of a lap is a slot that has become one larger at its end.
//! A read of a view (`get`) is *settled* when its index is a slot that grows by one at
//! most in each lap: then the items that the view has from there on are as many laps as
//! the read cannot fail in.
//!
//! A loop of such laps is copied where it has a counter, and where it is left in the
//! midst of a lap only through settled reads, or for good. In front of the step, a
//! `batch` takes as many steps at once as the budget and the settled reads allow. In the
//! copy, settled reads are plain reads, and the step is a `lap`: it compares the counter
//! to its limit. Where the copy is left for good, the steps that were not used are given
//! back.
//!
//! What the loop does is the same, and so are its steps, one by one; and slots are as they
//! would be wherever it comes out. (Asks and offers are commitments, inside of a chain too.)

mod copy;
mod lap;

use crate::cfg::Graph;
use crate::function::{BlockData, Function, FunctionKind, Terminator, Value};
use copy::Copy;
use lap::Lap;

/// A chain whose loops take their steps at once, as far as they can.
#[derive(Clone, Debug)]
pub struct Batched {
    /// The chain.
    pub function: Function,
    /// The loops that do.
    pub loops: usize,
    /// The loops that do not.
    pub kept: usize,
}

/// The same chain with copies of its loops that take their steps at once. Blocks must
/// share no values, as [`unfold`](super::unfold()) leaves them; other functions stay as
/// they are.
pub fn batch(function: &Function) -> Batched {
    let mut batched = Batched {
        function: function.clone(),
        loops: 0,
        kept: 0,
    };
    let can_be = function.kind == FunctionKind::Chain && shares_no_values(function);
    let leaves = leaves(function);
    for step in 0..function.blocks.len() {
        match Lap::of(function, &leaves, step).filter(|_| can_be) {
            Some(lap) => {
                Copy::new(function, &lap, &mut batched.function).make(step);
                batched.loops += 1;
            }
            None => batched.kept += usize::from(is_loop(function, step)),
        }
    }
    batched
}

/// Whether a block takes a step, and comes to take the next one with no other in between.
fn is_loop(function: &Function, step: usize) -> bool {
    let steps = |block: usize| matches!(function.blocks[block].terminator, Terminator::Step { .. });
    let Terminator::Step { go, .. } = &function.blocks[step].terminator else {
        return false;
    };
    Graph::new(function).reaching(std::iter::once(step), |block| !steps(block))[go.block.index()]
}

fn shares_no_values(function: &Function) -> bool {
    let mut home = vec![usize::MAX; function.values.len()];
    for (index, block) in function.blocks.iter().enumerate() {
        let results = block.insts.iter().filter_map(|inst| inst.result);
        for value in block.params.iter().copied().chain(results) {
            home[value.index()] = index;
        }
    }
    function.blocks.iter().enumerate().all(|(index, block)| {
        let mut own = true;
        for_each_use(block, |value| own &= home[value.index()] == index);
        own
    })
}

fn for_each_use(block: &BlockData, mut visit: impl FnMut(Value)) {
    block
        .insts
        .iter()
        .flat_map(|inst| &inst.args)
        .for_each(|&arg| visit(arg));
    block.terminator.for_each_operand(&mut visit);
    block
        .terminator
        .for_each_target(|to| to.args.iter().for_each(|&arg| visit(arg)));
}

/// Of each block, whether no step comes behind it: the chain comes out.
fn leaves(function: &Function) -> Vec<bool> {
    let is_step = |block: &BlockData| matches!(block.terminator, Terminator::Step { .. });
    let steps = (0..function.blocks.len()).filter(|&index| is_step(&function.blocks[index]));
    let reaches = Graph::new(function).reaching(steps, |_| true);
    reaches.into_iter().map(|reaches| !reaches).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::builder::FunctionBuilder;
    use crate::data::Data;
    use crate::function::{FunctionKind, Imm, Item, Terminator};
    use crate::op::Op;
    use crate::passes::optimize;
    use crate::program::{SlotDecl, Tables};
    use crate::text::print_function;
    use crate::types::Type;
    use crate::verify::Role;

    /// Sums an array, up to the first number below zero.
    #[test]
    fn reads_are_settled_and_what_is_left_is_given_back() {
        let mut tables = Tables::default();
        tables
            .slots
            .extend([SlotDecl::i64("next", 0), SlotDecl::i64("sum", 0)]);
        tables.data.push(Data::I64([1, 2, 3].into()));
        let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let [head, body, add, out] = [(); 4].map(|()| b.block(&[]));
        let read = b.block(&[Type::I64]);
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: body.into(),
            stop: out.into(),
        });
        b.switch_to(body);
        let next = b.slot_get(0);
        let view = b.inst(Op::Sconst, Imm::Index(0), &[]).expect("it has a result");
        b.terminate(Terminator::Get {
            item: Item::I64,
            view,
            index: next,
            some: read.into(),
            none: out.into(),
        });
        b.switch_to(read);
        let (one, zero) = (b.iconst(1), b.iconst(0));
        let after = b.op(Op::Iadd, &[next, one]);
        b.slot_set(0, after);
        let number = b.block_params(read)[0];
        let below = b.op(Op::Ilt, &[number, zero]);
        b.br(below, out, add);
        b.switch_to(add);
        let sum = b.slot_get(1);
        let sum = b.op(Op::Iadd, &[sum, number]);
        b.slot_set(1, sum);
        b.jump(head, &[]);
        b.switch_to(out);
        let code = b.iconst(0);
        b.ret(&[code]);
        let function = b.build();
        let function = optimize(&function, &tables);
        let text = print_function(&function, &tables, Role::Run);
        let lines = text.lines().map(|line| line.trim_start().to_owned() + "\n");
        expect![[r#"
            run {
            b0:
            jump b1
            b1:
            v0 = sconst 0
            v1 = slot_get 0
            batch (i64 v0[v1]), go b2, none b6
            b2(v2: i64):
            v3 = slot_get 0
            v4 = iadd v3, v2
            jump b3
            b3:
            v5 = slot_get 0
            v6 = sconst 0
            v7 = item_i64 v6, v5
            v8 = iconst 1
            v9 = iadd v5, v8
            slot_set 0, v9
            v10 = iconst 0
            v11 = ilt v7, v10
            br v11, b4, b5
            b4:
            v12 = slot_get 0
            v13 = isub v4, v12
            refund v13
            jump b10
            b5:
            v14 = slot_get 1
            v15 = iadd v14, v7
            slot_set 1, v15
            v16 = slot_get 0
            lap v16 v4, again b3, done b6
            b6:
            step b7, b11
            b7:
            v17 = slot_get 0
            v18 = sconst 0
            get i64 v18[v17], some b8, none b10
            b8(v19: i64):
            v20 = iconst 1
            v21 = iadd v17, v20
            slot_set 0, v21
            v22 = iconst 0
            v23 = ilt v19, v22
            br v23, b10, b9
            b9:
            v24 = slot_get 1
            v25 = iadd v24, v19
            slot_set 1, v25
            jump b1
            b10:
            v26 = iconst 0
            return v26
            b11:
            v27 = iconst 0
            return v27
            }
        "#]]
        .assert_eq(&lines.collect::<String>());
    }
}
