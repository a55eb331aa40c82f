//! Which slots are flags.

use std::collections::HashMap;

use crate::eval;
use crate::function::{Function, Imm, Inst, Terminator, Value};
use crate::op::{Effect, Op};
use crate::program::Tables;
use crate::types::Type;

/// For each value that an operation without operands gives: that operation.
pub(super) fn constants(function: &Function) -> Vec<Option<&Inst>> {
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
pub(super) fn number(inst: &Inst) -> Option<i64> {
    eval::constant_number(inst.op, inst.imm)
}

/// The slots that are flags, each with its number among them.
pub(super) fn flags(function: &Function, constants: &[Option<&Inst>]) -> HashMap<u32, usize> {
    let is_number = |value: Value| constants[value.index()].and_then(number).is_some();
    let data = data(function, is_number);
    let (mut read, mut set, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let mut read_as_data = Vec::new();
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        let Imm::Index(slot) = inst.imm else { continue };
        match (inst.op, inst.result) {
            (Op::SlotGet, Some(result)) => {
                match function.ty(result) {
                    Type::I64 | Type::BOOL => read.push(slot),
                    _ => other.push(slot),
                }
                if data[result.index()] {
                    read_as_data.push(slot);
                }
            }
            (Op::SlotSet, _) if is_number(inst.args[0]) => set.push(slot),
            (Op::SlotSet, _) => other.push(slot),
            _ => {}
        }
    }
    // What stays as it is might be anything; it is a flag if all it is for is to be tested.
    read.retain(|slot| !other.contains(slot) && (set.contains(slot) || !read_as_data.contains(slot)));
    read.sort_unstable();
    read.dedup();
    read.truncate(u64::BITS as usize);
    read.into_iter()
        .enumerate()
        .map(|(flag, slot)| (slot, flag))
        .collect()
}

/// Of each value, whether it is used for anything but being tested.
fn data(function: &Function, is_number: impl Fn(Value) -> bool) -> Vec<bool> {
    let mut data = vec![false; function.values.len()];
    for block in &function.blocks {
        for inst in &block.insts {
            let tested = match (inst.op, &inst.args[..]) {
                (Op::Ieq | Op::Ine | Op::Ilt | Op::Ile | Op::Igt | Op::Ige, &[_, b]) if is_number(b) => 1,
                (Op::Not | Op::Select, _) => 1,
                (Op::And | Op::Or | Op::Xor, _) => 2,
                _ => 0,
            };
            inst.args[tested..]
                .iter()
                .for_each(|arg| data[arg.index()] = true);
        }
        if !matches!(block.terminator, Terminator::Br(..)) {
            block
                .terminator
                .for_each_operand(|value| data[value.index()] = true);
        }
        block
            .terminator
            .for_each_target(|to| to.args.iter().for_each(|arg| data[arg.index()] = true));
    }
    data
}

pub(super) fn flag_types(flags: &HashMap<u32, usize>, tables: &Tables) -> Vec<Type> {
    let mut types = vec![Type::I64; flags.len()];
    for (&slot, &flag) in flags {
        types[flag] = tables.slots[slot as usize].ty;
    }
    types
}

pub(super) fn flag_of<'f>(inst: &Inst, flags: &'f HashMap<u32, usize>) -> Option<&'f usize> {
    match (inst.op, inst.imm) {
        (Op::SlotGet | Op::SlotSet, Imm::Index(slot)) => flags.get(&slot),
        _ => None,
    }
}
