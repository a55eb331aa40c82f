//! Copies a loop that can be batched.

use std::collections::HashMap;

use super::lap::{Lap, View};
use crate::function::{
    Block, BlockData, Function, Imm, Inst, Item, ItemAt, Origin, Target, Terminator, Value,
};
use crate::op::Op;
use crate::types::Type;

/// Makes the copy of a loop.
pub(super) struct Copy<'f> {
    function: &'f Function,
    lap: &'f Lap,
    into: &'f mut Function,
    /// The copies of the lap's blocks.
    copies: HashMap<usize, Block>,
}

impl<'f> Copy<'f> {
    pub(super) fn new(function: &'f Function, lap: &'f Lap, into: &'f mut Function) -> Copy<'f> {
        let first = into.blocks.len();
        let copies = lap.blocks.iter().enumerate();
        let copies = copies
            .map(|(k, &block)| (block, Block::from_index(first + k)))
            .collect();
        Copy {
            function,
            lap,
            into,
            copies,
        }
    }

    /// The copies come behind all blocks, in the order of the lap; the blocks that are new
    /// come behind those.
    pub(super) fn make(mut self, step: usize) {
        let blank = |function: &Function, &block: &usize| BlockData {
            params: Vec::new(),
            insts: Vec::new(),
            terminator: Terminator::Return(Vec::new()),
            origin: function.blocks[block].origin,
        };
        let blanks = self.lap.blocks.iter().map(|block| blank(self.function, block));
        self.into.blocks.extend(blanks);
        let slow = self.slow_step(step);
        for &block in &self.lap.blocks {
            self.copy(block, step, &slow);
        }
        self.take_batch(step, slow);
    }

    /// A block of its own for the step, with what the step's targets need.
    fn slow_step(&mut self, step: usize) -> Target {
        let data = &self.function.blocks[step];
        let mut used = Vec::new();
        data.terminator
            .for_each_target(|to| used.extend(to.args.iter().copied()));
        used.sort_unstable();
        used.dedup();
        let params: Vec<Value> = used
            .iter()
            .map(|&value| self.into.add_value(self.function.ty(value)))
            .collect();
        let mut terminator = data.terminator.clone();
        terminator.for_each_target_mut(|to| {
            for arg in &mut to.args {
                *arg = params[used.binary_search(arg).expect("INVARIANT: it was found there")];
            }
        });
        let block = self.into.add_block(BlockData {
            params,
            insts: Vec::new(),
            terminator,
            origin: data.origin,
        });
        Target::new(block, used)
    }

    /// In place of the step.
    fn take_batch(&mut self, step: usize, none: Target) {
        let Terminator::Step { go, .. } = &self.function.blocks[step].terminator else {
            unreachable!("INVARIANT: the block steps")
        };
        let origin = self.function.blocks[step].origin;
        let mut insts = Vec::new();
        let mut items = Vec::new();
        for block in &self.lap.blocks {
            if let Some(read) = self.lap.reads.get(block) {
                let operation = match read.view {
                    View::Data(data) => (Op::Sconst, Imm::Index(data)),
                    View::Slot(slot) => (Op::SlotGet, Imm::Index(slot)),
                };
                items.push(ItemAt {
                    item: read.item,
                    view: self
                        .into
                        .add_inst(&mut insts, operation, &[], Type::BYTES, origin),
                    index: self.slot(&mut insts, read.slot, origin),
                });
            }
        }
        let begin = self.begin(go, origin);
        let batch = &mut self.into.blocks[step];
        batch.insts.extend(insts);
        batch.terminator = Terminator::Batch {
            items,
            go: Target::new(begin, go.args.clone()),
            none,
        };
    }

    /// The block where a batch begins: it works out the limit.
    fn begin(&mut self, go: &Target, origin: Origin) -> Block {
        let types: Vec<Type> = go.args.iter().map(|&arg| self.function.ty(arg)).collect();
        let steps = self.into.add_value(Type::I64);
        let args: Vec<Value> = types.into_iter().map(|ty| self.into.add_value(ty)).collect();
        let mut insts = Vec::new();
        let index = self.slot(&mut insts, self.lap.counter, origin);
        let iadd = (Op::Iadd, Imm::None);
        let limit = self
            .into
            .add_inst(&mut insts, iadd, &[index, steps], Type::I64, origin);
        let first = self.copies[&go.block.index()];
        let to = Target::new(first, [&args[..], &[limit]].concat());
        self.into.add_block(BlockData {
            params: [&[steps], &args[..]].concat(),
            insts,
            terminator: Terminator::Jump(to),
            origin,
        })
    }

    /// Copies one block of the lap; its last parameter is the limit.
    fn copy(&mut self, block: usize, step: usize, slow: &Target) {
        let data = &self.function.blocks[block];
        let mut values = HashMap::new();
        let mut params = Vec::new();
        for &param in &data.params {
            let value = self.into.add_value(self.function.ty(param));
            values.insert(param, value);
            params.push(value);
        }
        let limit = self.into.add_value(Type::I64);
        params.push(limit);
        let mut insts = Vec::new();
        for inst in &data.insts {
            let result = inst.result.map(|result| {
                let value = self.into.add_value(self.function.ty(result));
                values.insert(result, value);
                value
            });
            let args = inst.args.iter().map(|arg| values[arg]).collect();
            insts.push(Inst {
                args,
                result,
                ..inst.clone()
            });
        }
        let terminator = match &data.terminator {
            Terminator::Step { go, .. } if block == step => {
                let index = self.slot(&mut insts, self.lap.counter, data.origin);
                Terminator::Lap {
                    index,
                    limit,
                    again: self.inside(go, &values, limit),
                    done: mapped(slow, &values),
                }
            }
            Terminator::Get {
                view, index, some, ..
            } if self.lap.reads.contains_key(&block) => {
                let item = self.lap.reads[&block].item;
                let op = match item {
                    Item::U8 => Op::ItemU8,
                    Item::I64 => Op::ItemI64,
                    Item::F64 => Op::ItemF64,
                };
                let args = [values[view], values[index]];
                let operation = (op, Imm::None);
                let value = self
                    .into
                    .add_inst(&mut insts, operation, &args, item.ty(), data.origin);
                let mut to = self.inside(some, &values, limit);
                to.args.insert(0, value);
                Terminator::Jump(to)
            }
            terminator => {
                let mut terminator = terminator.clone();
                terminator.map_operands(|value| values[&value]);
                let counted = self.lap.counted.get(&block).copied();
                terminator.for_each_target_mut(|to| {
                    *to = if self.copies.contains_key(&to.block.index()) {
                        self.inside(to, &values, limit)
                    } else {
                        let counted = counted.expect("INVARIANT: known where the lap is left");
                        self.refund(&mapped(to, &values), limit, counted, data.origin)
                    };
                });
                terminator
            }
        };
        let copy = &mut self.into.blocks[self.copies[&block].index()];
        (copy.params, copy.insts, copy.terminator) = (params, insts, terminator);
    }

    /// The target among the copies.
    fn inside(&self, to: &Target, values: &HashMap<Value, Value>, limit: Value) -> Target {
        let mut to = mapped(to, values);
        to.block = self.copies[&to.block.index()];
        to.args.push(limit);
        to
    }

    /// The way to `to`, which gives back on it what the batch has not used; `counted` is
    /// whether this lap has been counted already.
    fn refund(&mut self, to: &Target, limit: Value, counted: i64, origin: Origin) -> Target {
        let params = &self.function.block(to.block).params;
        let types: Vec<Type> = params.iter().map(|&param| self.function.ty(param)).collect();
        let params: Vec<Value> = types.into_iter().map(|ty| self.into.add_value(ty)).collect();
        let own_limit = self.into.add_value(Type::I64);
        let mut insts = Vec::new();
        let index = self.slot(&mut insts, self.lap.counter, origin);
        let mut add =
            |operation, args: &[Value]| self.into.add_inst(&mut insts, operation, args, Type::I64, origin);
        let mut left = add((Op::Isub, Imm::None), &[own_limit, index]);
        if counted == 0 {
            let one = add((Op::Iconst, Imm::I64(1)), &[]);
            left = add((Op::Isub, Imm::None), &[left, one]);
        }
        insts.push(Inst {
            op: Op::Refund,
            imm: Imm::None,
            args: vec![left],
            result: None,
            origin,
        });
        let block = self.into.add_block(BlockData {
            params: [&params[..], &[own_limit]].concat(),
            insts,
            terminator: Terminator::Jump(Target::new(to.block, params)),
            origin,
        });
        Target::new(block, [&to.args[..], &[limit]].concat())
    }

    fn slot(&mut self, insts: &mut Vec<Inst>, slot: u32, origin: Origin) -> Value {
        let slot_get = (Op::SlotGet, Imm::Index(slot));
        self.into.add_inst(insts, slot_get, &[], Type::I64, origin)
    }
}

fn mapped(to: &Target, values: &HashMap<Value, Value>) -> Target {
    let args: Vec<Value> = to.args.iter().map(|arg| values[arg]).collect();
    Target::new(to.block, args)
}
