//! Makes what a chain remembers in flags into where it stands in the code.
//!
//! A chain is made of processes that each keep, in state slots, what they are ready
//! for: idle or holding, an element kept or not, over or not. A loop written by hand
//! has no such flags; it *is* at one place or another. This pass gets there: each block
//! is copied for each combination of flags with which it is reached, as far as they are
//! read again before they are set. Where the flags are known, reading one is a constant,
//! a branch on it a jump, and setting it to what it is nothing. (In compilers this is
//! basic block versioning, done before the program runs: flags are few and small.)
//!
//! What flags there are is found by going through the chain from what its slots begin
//! with: all that can come of that, without knowing anything else, is *known* code. A
//! grant may begin with other flags. Then, and where known code would be too much, a copy
//! runs that knows nothing; at its entry and at each of its steps it compares the flags
//! to those that known code begins with there, and changes over.
//!
//! One thing more is known on a path: whether a step has failed. After that all others
//! fail, as the budget stays used up and an interrupt stays requested, and after a halt
//! too. So whatever comes behind a failed step is straight code that leaves.
//!
//! A *flag* is a slot that the chain reads, and sets to constants only. Nothing changes
//! in what the chain does; slots are left with the same values.
//!
//! Copies share no values: what a block uses of others is made its parameter here, and
//! [`simplify`](super::simplify()) takes back the parameters that need not be.

mod flags;
mod live;

use std::collections::HashMap;

use crate::eval;
use crate::function::{
    Block, BlockData, Function, FunctionKind, Imm, Inst, Origin, Target, Terminator, Value,
};
use crate::limits::{UNFOLD_GROWTH_MAX, UNFOLD_INSTS_MAX, UNFOLD_VERSIONS_MAX};
use crate::op::Op;
use crate::program::Tables;
use crate::types::Type;
use flags::{constants, flag_of, flag_types, flags, number};
use live::Live;

/// The same chain without the flags that can be known; `tables` are the chain's. None for
/// other functions, and for chains that are or would become too large.
pub fn unfold(function: &Function, tables: &Tables) -> Option<Function> {
    let size = function.size();
    if function.kind != FunctionKind::Chain || size > UNFOLD_INSTS_MAX {
        return None;
    }
    let constants = constants(function);
    let flags = flags(function, &constants);
    let live = Live::new(function, &flags, &constants);
    let unfold = Unfold {
        function,
        constants,
        flag_types: flag_types(&flags, tables),
        flags,
        live,
        versions: vec![Vec::new(); function.blocks.len()],
        changeovers: HashMap::new(),
        todo: Vec::new(),
        into: Function {
            kind: function.kind,
            values: Vec::new(),
            blocks: Vec::new(),
            returns: function.returns.clone(),
        },
        blocks: Vec::new(),
        size: 0,
    };
    unfold.run(tables, size * UNFOLD_GROWTH_MAX)
}

/// What is known where a block is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    /// The values of flags: of all that are read again, or of none.
    flags: Vec<Option<i64>>,
    /// Whether a step has failed, or would.
    stopped: bool,
}

struct Unfold<'f> {
    function: &'f Function,
    constants: Vec<Option<&'f Inst>>,
    flags: HashMap<u32, usize>,
    /// Of each flag.
    flag_types: Vec<Type>,
    live: Live,
    /// The copies of each block.
    versions: Vec<Vec<(Facts, Block)>>,
    /// For each block the one that decides between its copies.
    changeovers: HashMap<Block, Block>,
    todo: Vec<(Block, Facts, Block)>,
    /// The chain that comes to be; its blocks are kept apart until all are made.
    into: Function,
    blocks: Vec<Option<BlockData>>,
    size: usize,
}

/// One copy of a block, as it is made.
struct Copy {
    origin: Origin,
    facts: Facts,
    insts: Vec<Inst>,
    /// Where the block's values are in the copy.
    values: HashMap<Value, Value>,
    /// The numbers that are known of values.
    numbers: HashMap<Value, i64>,
}

impl<'f> Unfold<'f> {
    /// None when more than this many instructions would come to be.
    fn run(mut self, tables: &Tables, size_max: usize) -> Option<Function> {
        let mut begin = Facts {
            flags: vec![None; self.flags.len()],
            stopped: false,
        };
        self.changeover(Block(0), &begin);
        for (&slot, &flag) in &self.flags {
            let init = tables.slots[slot as usize].init.first();
            begin.flags[flag] = init.map(|word| word.cast_signed());
        }
        self.version(Block(0), &begin);
        while let Some((block, facts, copy)) = self.todo.pop() {
            let data = self.copy(block, facts);
            self.size += data.insts.len() + 1;
            if self.size > size_max {
                return None;
            }
            self.blocks[copy.index()] = Some(data);
        }
        self.change_over();
        let blocks = self.blocks.into_iter();
        self.into.blocks = blocks
            .map(|block| block.expect("INVARIANT: nothing is left to do"))
            .collect();
        Some(self.into)
    }

    /// The flags that are read in a block or behind it before they are set.
    fn live_flags(&self, block: Block) -> impl Iterator<Item = usize> + use<'f> {
        let live = self.live.flags[block.index()];
        (0..u64::BITS as usize).filter(move |flag| live >> flag & 1 == 1)
    }

    /// The copy of a block for what is known.
    fn version(&mut self, block: Block, facts: &Facts) -> Block {
        let mut flags = vec![None; self.flags.len()];
        let is_full = self.live_flags(block).all(|flag| facts.flags[flag].is_some());
        let many = self.versions[block.index()].len() >= UNFOLD_VERSIONS_MAX;
        // What leaves is run once: one copy of it is enough.
        if is_full && !facts.stopped && !many {
            self.live_flags(block)
                .for_each(|flag| flags[flag] = facts.flags[flag]);
        }
        let stopped = facts.stopped;
        let facts = Facts { flags, stopped };
        let versions = &mut self.versions[block.index()];
        if let Some((_, copy)) = versions.iter().find(|(known, _)| *known == facts) {
            return *copy;
        }
        let copy = Block::from_index(self.blocks.len());
        versions.push((facts.clone(), copy));
        self.blocks.push(None);
        self.todo.push((block, facts, copy));
        copy
    }

    /// The copy of a block behind a step, or at the entry: where nothing is known of the
    /// flags, the block that finds out.
    fn changeover(&mut self, block: Block, facts: &Facts) -> Block {
        let is_full = self.live_flags(block).all(|flag| facts.flags[flag].is_some());
        if is_full || facts.stopped {
            return self.version(block, facts);
        }
        if let Some(&known) = self.changeovers.get(&block) {
            return known;
        }
        let changeover = Block::from_index(self.blocks.len());
        self.blocks.push(None);
        self.changeovers.insert(block, changeover);
        self.version(
            block,
            &Facts {
                flags: vec![None; self.flags.len()],
                stopped: false,
            },
        );
        changeover
    }

    /// Makes the blocks that find out what flags there are, now that all copies are there.
    fn change_over(&mut self) {
        let mut changeovers: Vec<(Block, Block)> = self.changeovers.drain().collect();
        changeovers.sort_unstable();
        for (block, mut changeover) in changeovers {
            let versions = std::mem::take(&mut self.versions[block.index()]);
            let versions = versions.iter().filter(|(facts, _)| !facts.stopped);
            let (known, unknown): (Vec<_>, Vec<_>) =
                versions.partition(|(facts, _)| facts.flags.iter().any(Option::is_some));
            for (facts, copy) in known {
                let next = Block::from_index(self.blocks.len());
                self.blocks.push(None);
                self.blocks[changeover.index()] = Some(self.test(block, facts, *copy, next));
                changeover = next;
            }
            let (_, copy) = unknown
                .first()
                .expect("INVARIANT: made together with the changeover");
            let params = self.params_of(block);
            self.blocks[changeover.index()] = Some(BlockData {
                terminator: Terminator::Jump(Target::new(*copy, params.clone())),
                params,
                insts: Vec::new(),
                origin: self.function.block(block).origin,
            });
        }
    }

    /// Goes to `copy` if the flags are as it knows them, else to `next`.
    fn test(&mut self, block: Block, facts: &Facts, copy: Block, next: Block) -> BlockData {
        let origin = self.function.block(block).origin;
        let mut insts = Vec::new();
        let mut slots: Vec<(u32, usize)> = self.flags.iter().map(|(&slot, &flag)| (slot, flag)).collect();
        slots.sort_unstable();
        let mut all = None;
        for (slot, flag) in slots {
            let Some(number) = facts.flags[flag] else { continue };
            let ty = self.flag_types[flag];
            let mut add =
                |operation, args: &[Value], ty| self.into.add_inst(&mut insts, operation, args, ty, origin);
            let flag = add((Op::SlotGet, Imm::Index(slot)), &[], ty);
            let number = add(eval::constant(number, ty), &[], ty);
            let same = match ty {
                Type::BOOL => {
                    let differs = add((Op::Xor, Imm::None), &[flag, number], ty);
                    add((Op::Not, Imm::None), &[differs], ty)
                }
                _ => add((Op::Ieq, Imm::None), &[flag, number], Type::BOOL),
            };
            all = Some(match all {
                Some(all) => add((Op::And, Imm::None), &[all, same], Type::BOOL),
                None => same,
            });
        }
        let all = all.expect("INVARIANT: some flag is known");
        let params = self.params_of(block);
        let [copy, next] = [copy, next].map(|to| Target::new(to, params.clone()));
        BlockData {
            params,
            insts,
            terminator: Terminator::Br(all, copy, next),
            origin,
        }
    }

    /// New parameters for a copy of a block: its own, and what it uses of others.
    fn params_of(&mut self, block: Block) -> Vec<Value> {
        let function = self.function;
        let outer = self.live.values[block.index()].clone();
        let params = function.block(block).params.iter().chain(&outer);
        params
            .map(|&param| self.into.add_value(function.ty(param)))
            .collect()
    }

    fn copy(&mut self, block: Block, facts: Facts) -> BlockData {
        let function = self.function;
        let data = function.block(block);
        let mut copy = Copy {
            origin: data.origin,
            facts,
            insts: Vec::new(),
            values: HashMap::new(),
            numbers: HashMap::new(),
        };
        let params = self.params_of(block);
        let outer = &self.live.values[block.index()];
        let names = data.params.iter().chain(outer).copied();
        copy.values.extend(names.zip(params.iter().copied()));
        for inst in &data.insts {
            self.copy_inst(&mut copy, inst);
        }
        let terminator = self.copy_terminator(&mut copy, &data.terminator);
        BlockData {
            params,
            insts: copy.insts,
            terminator,
            origin: data.origin,
        }
    }

    fn copy_inst(&mut self, copy: &mut Copy, inst: &'f Inst) {
        let flag = flag_of(inst, &self.flags).copied();
        match (inst.op, flag) {
            (Op::SlotGet, Some(flag)) => {
                if let (Some(number), Some(result)) = (copy.facts.flags[flag], inst.result) {
                    copy.numbers.insert(result, number);
                    return;
                }
            }
            (Op::SlotSet, Some(flag)) => {
                let number = self.number(copy, inst.args[0]);
                if copy.facts.flags[flag] == number {
                    return;
                }
                copy.facts.flags[flag] = number;
            }
            (Op::Halt, _) => copy.facts.stopped = true,
            (Op::Select, _) => {
                if let (Some(condition), Some(result)) = (self.number(copy, inst.args[0]), inst.result) {
                    let chosen = inst.args[if condition != 0 { 1 } else { 2 }];
                    match self.number(copy, chosen) {
                        Some(number) => copy.numbers.insert(result, number),
                        None => {
                            let chosen = self.mapped(copy, chosen);
                            copy.values.insert(result, chosen);
                            None
                        }
                    };
                    return;
                }
            }
            _ => {}
        }
        if let Some(result) = inst.result {
            let args: Option<Vec<i64>> = inst.args.iter().map(|&arg| self.number(copy, arg)).collect();
            if let Some(number) = args
                .filter(|args| !args.is_empty())
                .and_then(|args| eval::number(inst.op, &args))
            {
                copy.numbers.insert(result, number);
                return;
            }
            if self.constants[result.index()].is_some() {
                return; // copied where it is used
            }
        }
        let args = inst.args.iter().map(|&arg| self.mapped(copy, arg)).collect();
        let result = inst.result.map(|result| {
            let value = self.into.add_value(self.function.ty(result));
            copy.values.insert(result, value);
            value
        });
        copy.insts.push(Inst {
            args,
            result,
            ..inst.clone()
        });
    }

    /// The number that a value is, if that is known.
    fn number(&self, copy: &Copy, value: Value) -> Option<i64> {
        let known = copy.numbers.get(&value).copied();
        known.or_else(|| self.constants[value.index()].and_then(number))
    }

    /// Where a value is in the copy.
    fn mapped(&mut self, copy: &mut Copy, value: Value) -> Value {
        if let Some(&known) = copy.values.get(&value) {
            return known;
        }
        let ty = self.function.ty(value);
        let (operation, origin) = match copy.numbers.get(&value) {
            Some(&number) => (eval::constant(number, ty), copy.origin),
            None => {
                let constant = self.constants[value.index()]
                    .expect("INVARIANT: what is no constant is live and so a parameter");
                ((constant.op, constant.imm), constant.origin)
            }
        };
        let result = self.into.add_inst(&mut copy.insts, operation, &[], ty, origin);
        copy.values.insert(value, result);
        result
    }

    fn copy_terminator(&mut self, copy: &mut Copy, terminator: &'f Terminator) -> Terminator {
        match terminator {
            Terminator::Br(condition, yes, no) => {
                if let Some(number) = self.number(copy, *condition) {
                    let to = if number != 0 { yes } else { no };
                    return Terminator::Jump(self.target(copy, to));
                }
                let [yes, no] = [yes, no].map(|to| self.target(copy, to));
                Terminator::Br(self.mapped(copy, *condition), yes, no)
            }
            Terminator::Step { stop, .. } if copy.facts.stopped => Terminator::Jump(self.target(copy, stop)),
            Terminator::Step { go, stop } => {
                let block = self.changeover(go.block, &copy.facts);
                let go = self.target_in(copy, go, block);
                copy.facts.stopped = true;
                Terminator::Step {
                    go,
                    stop: self.target(copy, stop),
                }
            }
            terminator => {
                let mut terminator = terminator.clone();
                terminator.map_operands(|value| self.mapped(copy, value));
                terminator.for_each_target_mut(|to| *to = self.target(copy, to));
                terminator
            }
        }
    }

    fn target(&mut self, copy: &mut Copy, to: &Target) -> Target {
        let block = self.version(to.block, &copy.facts);
        self.target_in(copy, to, block)
    }

    /// The target, in a copy of its block.
    fn target_in(&mut self, copy: &mut Copy, to: &Target, block: Block) -> Target {
        let outer = self.live.values[to.block.index()].clone();
        let args = to
            .args
            .iter()
            .chain(&outer)
            .map(|&arg| self.mapped(copy, arg))
            .collect();
        Target { block, args }
    }
}

#[cfg(test)]
mod tests {
    use super::unfold;
    use crate::builder::FunctionBuilder;
    use crate::function::{FunctionKind, Terminator};
    use crate::op::Op;
    use crate::passes::simplify;
    use crate::program::{SlotDecl, Tables};
    use crate::types::Type;

    #[test]
    fn a_flag_becomes_two_places() {
        let mut tables = Tables::default();
        tables.slots.push(SlotDecl::zero("is odd", Type::BOOL));
        tables.drops.push("odd".to_owned());
        let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let [head, go, odd, even, out] = [(); 5].map(|()| b.block(&[]));
        let no = b.bconst(false);
        b.slot_set(0, no);
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: go.into(),
            stop: out.into(),
        });
        b.switch_to(go);
        let is_odd = b.slot_get(0);
        b.br(is_odd, odd, even);
        b.switch_to(odd);
        b.drop(0);
        let no = b.bconst(false);
        b.slot_set(0, no);
        b.jump(head, &[]);
        b.switch_to(even);
        let yes = b.bconst(true);
        b.slot_set(0, yes);
        b.jump(head, &[]);
        b.switch_to(out);
        let code = b.iconst(0);
        b.ret(&[code]);
        let function = simplify(&b.build());
        let function = simplify(&unfold(&function, &tables).expect("it is small"));
        let insts = || function.blocks.iter().flat_map(|block| &block.insts);
        assert_eq!(insts().filter(|inst| inst.op == Op::SlotGet).count(), 0);
        assert_eq!(insts().filter(|inst| inst.op == Op::Drop).count(), 1);
        let branches = function
            .blocks
            .iter()
            .filter(|block| matches!(block.terminator, Terminator::Br(..)));
        assert_eq!(branches.count(), 0);
    }

    #[test]
    fn behind_a_failed_step_no_other_is_taken() {
        let mut tables = Tables::default();
        let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let [outer, inner, body, out] = [(); 4].map(|()| b.block(&[]));
        b.jump(outer, &[]);
        b.switch_to(outer);
        b.terminate(Terminator::Step {
            go: inner.into(),
            stop: out.into(),
        });
        b.switch_to(inner);
        b.terminate(Terminator::Step {
            go: body.into(),
            stop: outer.into(),
        });
        b.switch_to(body);
        b.jump(inner, &[]);
        b.switch_to(out);
        let code = b.iconst(0);
        b.ret(&[code]);
        let function = simplify(&b.build());
        let function = simplify(&unfold(&function, &tables).expect("it is small"));
        for block in &function.blocks {
            if let Terminator::Step { stop, .. } = &block.terminator {
                let leaves = &function.block(stop.block).terminator;
                assert!(
                    matches!(leaves, Terminator::Return(_) | Terminator::Jump(_)),
                    "{leaves:?}"
                );
            }
        }
    }
}
