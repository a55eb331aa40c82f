//! What blocks use of what was before them.

use std::collections::HashMap;

use super::flags::flag_of;
use crate::function::{Function, Inst, Value};
use crate::op::Op;

/// What each block, or one behind it, uses of what was before.
pub(super) struct Live {
    /// Values, constants not among them.
    pub(super) values: Vec<Vec<Value>>,
    /// Flags that are read before they are set, as a set of bits.
    pub(super) flags: Vec<u64>,
}

impl Live {
    pub(super) fn new(function: &Function, flags: &HashMap<u32, usize>, constants: &[Option<&Inst>]) -> Live {
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
