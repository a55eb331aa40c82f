//! Makes what a chain remembers in flags into where it stands in the code.
//!
//! A chain is made of processes that each keep, in state slots, what they are ready
//! for: idle or holding, an element kept or not, over or not. A loop written by hand
//! has no such flags; it *is* at one place or another. This pass gets there: each block
//! is copied for each combination of flags with which it is reached, as far as they are
//! read again before they are set. Where a flag is known, reading it is a constant, a
//! branch on it a jump, and setting it to what it is nothing. (In compilers this is
//! basic block versioning, done before the program runs: flags are few and small.)
//!
//! One thing more is known on a path: whether a step has failed. After that all others
//! fail, as the budget stays used up and an interrupt stays requested, and after a halt
//! too. So whatever comes behind a failed step is straight code that leaves.
//!
//! A *flag* is a slot that the chain reads, and sets to constants only. Nothing changes
//! in what the chain does; slots are left with the same values.
//!
//! Copies share no values: what a block uses of others is made its parameter here, and
//! [`simplify`](super::simplify) takes back the parameters that need not be.

use std::collections::HashMap;

use crate::eval;
use crate::function::{
    Block, BlockData, Function, FunctionKind, Imm, Inst, Origin, Target, Terminator, Value,
};
use crate::limits::{UNFOLD_GROWTH_MAX, UNFOLD_INSTS_MAX, UNFOLD_VERSIONS_MAX};
use crate::op::{Effect, Op};
use crate::types::Type;

/// The same chain without the flags that can be known. Other functions, and chains
/// that are or would become too large, stay as they are.
pub fn unfold(function: &Function) -> Function {
    let size = function.size();
    if function.kind != FunctionKind::Chain || size > UNFOLD_INSTS_MAX {
        return function.clone();
    }
    let constants = constants(function);
    let flags = flags(function, &constants);
    let live = Live::new(function, &flags, &constants);
    let mut unfold = Unfold {
        function,
        constants,
        flags,
        live,
        versions: vec![Vec::new(); function.blocks.len()],
        todo: Vec::new(),
        blocks: Vec::new(),
        values: Vec::new(),
        size: 0,
    };
    unfold
        .run(size * UNFOLD_GROWTH_MAX)
        .unwrap_or_else(|| function.clone())
}

/// For each value that an operation without operands gives: that operation.
fn constants(function: &Function) -> Vec<Option<&Inst>> {
    let mut constants = vec![None; function.values.len()];
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let (Some(result), true, Effect::Pure) = (inst.result, inst.args.is_empty(), inst.op.info().effect)
        {
            constants[result.index()] = Some(inst);
        }
    }
    constants
}

/// The number that a constant is, for integers and booleans.
fn number(inst: &Inst) -> Option<i64> {
    match inst.imm {
        Imm::I64(number) if inst.op == Op::Iconst => Some(number),
        Imm::Bool(truth) => Some(i64::from(truth)),
        _ => None,
    }
}

/// The slots that are flags, each with its number among them.
fn flags(function: &Function, constants: &[Option<&Inst>]) -> HashMap<u32, usize> {
    let mut read = Vec::new();
    let mut other = Vec::new();
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        let Imm::Index(slot) = inst.imm else { continue };
        match inst.op {
            Op::SlotGet => {
                let ty = inst.result.map(|result| function.ty(result));
                if ty == Some(Type::I64) || ty == Some(Type::BOOL) {
                    &mut read
                } else {
                    &mut other
                }
                .push(slot);
            }
            Op::SlotSet if constants[inst.args[0].index()].and_then(number).is_none() => other.push(slot),
            _ => {}
        }
    }
    read.retain(|slot| !other.contains(slot));
    read.sort_unstable();
    read.dedup();
    read.truncate(u64::BITS as usize);
    read.into_iter()
        .enumerate()
        .map(|(flag, slot)| (slot, flag))
        .collect()
}

/// What each block, or one behind it, uses of what was before.
struct Live {
    /// Values, constants not among them.
    values: Vec<Vec<Value>>,
    /// Flags that are read before they are set, as a set of bits.
    flags: Vec<u64>,
}

impl Live {
    fn new(function: &Function, flags: &HashMap<u32, usize>, constants: &[Option<&Inst>]) -> Live {
        let width = function.values.len().div_ceil(64);
        let count = function.blocks.len();
        let (mut used, mut defined) = (vec![0_u64; count * width], vec![0_u64; count * width]);
        let (mut read, mut set) = (vec![0_u64; count], vec![0_u64; count]);
        for (index, block) in function.blocks.iter().enumerate() {
            let row = index * width;
            let bit = |value: Value| (row + value.index() / 64, 1 << (value.index() % 64));
            let mut note_use = |value: Value, defined: &[u64]| {
                let (word, bit) = bit(value);
                if constants[value.index()].is_none() && defined[word] & bit == 0 {
                    used[word] |= bit;
                }
            };
            let define = |value: Value, defined: &mut [u64]| {
                let (word, bit) = bit(value);
                defined[word] |= bit;
            };
            block.params.iter().for_each(|&param| define(param, &mut defined));
            for inst in &block.insts {
                inst.args.iter().for_each(|&arg| note_use(arg, &defined));
                inst.result
                    .iter()
                    .for_each(|&result| define(result, &mut defined));
                if let Some(&flag) = flag_of(inst, flags) {
                    match inst.op {
                        Op::SlotGet => read[index] |= (1 << flag) & !set[index],
                        _ => set[index] |= 1 << flag,
                    }
                }
            }
            block
                .terminator
                .for_each_operand(|value| note_use(value, &defined));
            block
                .terminator
                .for_each_target(|to| to.args.iter().for_each(|&arg| note_use(arg, &defined)));
        }
        let mut changed = true;
        while changed {
            changed = false;
            for (index, block) in function.blocks.iter().enumerate().rev() {
                block.terminator.for_each_target(|to| {
                    let next = to.block.index();
                    let more = read[next] & !set[index];
                    changed |= more & !read[index] != 0;
                    read[index] |= more;
                    for word in 0..width {
                        let more = used[next * width + word] & !defined[index * width + word];
                        changed |= more & !used[index * width + word] != 0;
                        used[index * width + word] |= more;
                    }
                });
            }
        }
        let of_block = |block: usize| {
            let row = &used[block * width..(block + 1) * width];
            (0..function.values.len())
                .filter(|&k| row[k / 64] >> (k % 64) & 1 == 1)
                .map(Value::from_index)
                .collect()
        };
        Live {
            values: (0..count).map(of_block).collect(),
            flags: read,
        }
    }
}

fn flag_of<'f>(inst: &Inst, flags: &'f HashMap<u32, usize>) -> Option<&'f usize> {
    match (inst.op, inst.imm) {
        (Op::SlotGet | Op::SlotSet, Imm::Index(slot)) => flags.get(&slot),
        _ => None,
    }
}

/// What is known where a block is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    /// The values of flags.
    flags: Vec<Option<i64>>,
    /// Whether a step has failed, or would.
    stopped: bool,
}

struct Unfold<'f> {
    function: &'f Function,
    constants: Vec<Option<&'f Inst>>,
    flags: HashMap<u32, usize>,
    live: Live,
    /// The copies of each block.
    versions: Vec<Vec<(Facts, Block)>>,
    todo: Vec<(Block, Facts, Block)>,
    blocks: Vec<Option<BlockData>>,
    values: Vec<Type>,
    size: usize,
}

/// One copy of a block, as it is made.
struct Copy<'f> {
    origin: Origin,
    facts: Facts,
    insts: Vec<Inst>,
    /// Where the block's values are in the copy.
    values: HashMap<Value, Value>,
    /// The numbers that are known of values.
    numbers: HashMap<Value, i64>,
    /// Which operations give the values of this block, those that read flags only as
    /// long as the flag is not set again.
    definitions: HashMap<Value, &'f Inst>,
}

impl<'f> Unfold<'f> {
    /// None when more than this many instructions would come to be.
    fn run(&mut self, size_max: usize) -> Option<Function> {
        let facts = Facts {
            flags: vec![None; self.flags.len()],
            stopped: false,
        };
        self.version(Block(0), &facts);
        while let Some((block, facts, copy)) = self.todo.pop() {
            let data = self.copy(block, facts);
            self.size += data.insts.len() + 1;
            if self.size > size_max {
                return None;
            }
            self.blocks[copy.index()] = Some(data);
        }
        let blocks = std::mem::take(&mut self.blocks).into_iter();
        Some(Function {
            kind: self.function.kind,
            values: std::mem::take(&mut self.values),
            blocks: blocks
                .map(|block| block.expect("INVARIANT: nothing is left to do"))
                .collect(),
            returns: self.function.returns.clone(),
        })
    }

    /// The copy of a block for what is known.
    fn version(&mut self, block: Block, facts: &Facts) -> Block {
        let live = self.live.flags[block.index()];
        let mut facts = facts.clone();
        let dead = facts
            .flags
            .iter_mut()
            .enumerate()
            .filter(|(flag, _)| live >> flag & 1 == 0);
        dead.for_each(|(_, fact)| *fact = None);
        let versions = &mut self.versions[block.index()];
        // What leaves is run once: one copy of it is enough.
        if facts.stopped || versions.len() >= UNFOLD_VERSIONS_MAX {
            facts.flags.fill(None);
        }
        if let Some((_, copy)) = versions.iter().find(|(known, _)| *known == facts) {
            return *copy;
        }
        let copy = Block::from_index(self.blocks.len());
        versions.push((facts.clone(), copy));
        self.blocks.push(None);
        self.todo.push((block, facts, copy));
        copy
    }

    fn value(&mut self, ty: Type) -> Value {
        self.values.push(ty);
        Value::from_index(self.values.len() - 1)
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
            definitions: HashMap::new(),
        };
        let outer = self.live.values[block.index()].clone();
        let mut params = Vec::new();
        for &param in data.params.iter().chain(&outer) {
            let value = self.value(function.ty(param));
            copy.values.insert(param, value);
            params.push(value);
        }
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

    fn copy_inst(&mut self, copy: &mut Copy<'f>, inst: &'f Inst) {
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
                copy.definitions
                    .retain(|_, reading| reading.op != Op::SlotGet || reading.imm != inst.imm);
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
            copy.definitions.insert(result, inst);
        }
        let args = inst.args.iter().map(|&arg| self.mapped(copy, arg)).collect();
        let result = inst.result.map(|result| {
            let value = self.value(self.function.ty(result));
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
    fn number(&self, copy: &Copy<'f>, value: Value) -> Option<i64> {
        let known = copy.numbers.get(&value).copied();
        known.or_else(|| self.constants[value.index()].and_then(number))
    }

    /// Where a value is in the copy.
    fn mapped(&mut self, copy: &mut Copy<'f>, value: Value) -> Value {
        if let Some(&known) = copy.values.get(&value) {
            return known;
        }
        let ty = self.function.ty(value);
        let result = self.value(ty);
        let inst = match copy.numbers.get(&value) {
            Some(&number) => {
                let (op, imm) = match ty {
                    Type::BOOL => (Op::Bconst, Imm::Bool(number != 0)),
                    _ => (Op::Iconst, Imm::I64(number)),
                };
                Inst {
                    op,
                    imm,
                    args: Vec::new(),
                    result: None,
                    origin: copy.origin,
                }
            }
            None => {
                let constant = self.constants[value.index()];
                constant
                    .expect("INVARIANT: what is no constant is live and so a parameter")
                    .clone()
            }
        };
        copy.insts.push(Inst {
            result: Some(result),
            ..inst
        });
        copy.values.insert(value, result);
        result
    }

    fn copy_terminator(&mut self, copy: &mut Copy<'f>, terminator: &'f Terminator) -> Terminator {
        match terminator {
            Terminator::Br(condition, yes, no) => {
                if let Some(number) = self.number(copy, *condition) {
                    let to = if number != 0 { yes } else { no };
                    return Terminator::Jump(self.target(copy, to));
                }
                let [yes, no] = [(yes, true), (no, false)].map(|(to, outcome)| {
                    let before = copy.facts.clone();
                    if let Some((flag, number)) = self.implied(copy, *condition, outcome) {
                        copy.facts.flags[flag] = Some(number);
                    }
                    let to = self.target(copy, to);
                    copy.facts = before;
                    to
                });
                Terminator::Br(self.mapped(copy, *condition), yes, no)
            }
            Terminator::Step { stop, .. } if copy.facts.stopped => Terminator::Jump(self.target(copy, stop)),
            Terminator::Step { go, stop } => {
                let go = self.target(copy, go);
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

    fn target(&mut self, copy: &mut Copy<'f>, to: &Target) -> Target {
        let block = self.version(to.block, &copy.facts);
        let outer = self.live.values[to.block.index()].clone();
        let args = to
            .args
            .iter()
            .chain(&outer)
            .map(|&arg| self.mapped(copy, arg))
            .collect();
        Target { block, args }
    }

    /// What flag is known to be what when the condition comes out so.
    fn implied(&self, copy: &Copy<'f>, condition: Value, outcome: bool) -> Option<(usize, i64)> {
        let inst = *copy.definitions.get(&condition)?;
        match inst.op {
            Op::SlotGet => Some((*flag_of(inst, &self.flags)?, i64::from(outcome))),
            Op::Not => self.implied(copy, inst.args[0], !outcome),
            Op::Ieq if outcome => self.is_flag(copy, inst),
            Op::Ine if !outcome => self.is_flag(copy, inst),
            Op::Ieq | Op::Ine | Op::Ilt | Op::Ile | Op::Igt | Op::Ige => {
                let select = *copy
                    .definitions
                    .get(&inst.args[0])
                    .filter(|select| select.op == Op::Select)?;
                let bound = self.number(copy, inst.args[1])?;
                let of =
                    |choice: usize| eval::number(inst.op, &[self.number(copy, select.args[choice])?, bound]);
                let (if_true, if_false) = (of(1)? != 0, of(2)? != 0);
                let chosen = (if_true != if_false).then_some(if_true == outcome)?;
                self.implied(copy, select.args[0], chosen)
            }
            _ => None,
        }
    }

    /// The flag, and the number, that a comparison compares.
    fn is_flag(&self, copy: &Copy<'f>, inst: &Inst) -> Option<(usize, i64)> {
        let reading = *copy
            .definitions
            .get(&inst.args[0])
            .filter(|reading| reading.op == Op::SlotGet)?;
        Some((*flag_of(reading, &self.flags)?, self.number(copy, inst.args[1])?))
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
        let function = simplify(&unfold(&simplify(&b.build())));
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
        let function = simplify(&unfold(&simplify(&b.build())));
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
