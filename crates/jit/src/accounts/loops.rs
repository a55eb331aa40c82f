//! Where much passes: which blocks are in loops, and which are cold.

use cutthrough_ir::{Function, Terminator};

use crate::limits::ACCOUNTS_DEPTH_MAX;

/// The blocks that only run what batches leave over.
pub(super) fn cold_blocks(function: &Function) -> Vec<bool> {
    let mut cold = vec![false; function.blocks.len()];
    let mut todo: Vec<usize> = Vec::new();
    for block in &function.blocks {
        if let Terminator::Batch { none: slow, .. } | Terminator::Lap { done: slow, .. } = &block.terminator {
            todo.push(slow.block.index());
        }
    }
    while let Some(block) = todo.pop() {
        let terminator = &function.blocks[block].terminator;
        if !std::mem::replace(&mut cold[block], true) && !matches!(terminator, Terminator::Batch { .. }) {
            terminator.for_each_target(|to| todo.push(to.block.index()));
        }
    }
    cold
}

/// In how many loops each block lies, about: loops are strongly connected parts, and
/// those within are what remains connected without the part's first block.
pub(super) fn loop_depths(function: &Function) -> Vec<u32> {
    let mut depths = vec![0; function.blocks.len()];
    let all: Vec<usize> = (0..function.blocks.len()).collect();
    let mut parts = vec![(all, 0)];
    while let Some((blocks, depth)) = parts.pop() {
        for part in loops_among(function, &blocks) {
            part.iter().for_each(|&block| depths[block] = depth + 1);
            let first = part.iter().copied().min();
            let rest: Vec<usize> = part.into_iter().filter(|&block| Some(block) != first).collect();
            if !rest.is_empty() && depth < ACCOUNTS_DEPTH_MAX {
                parts.push((rest, depth + 1));
            }
        }
    }
    depths
}

/// The strongly connected parts of a function, among these blocks, that are loops.
/// (Tarjan's algorithm, with the path in a vector.)
fn loops_among(function: &Function, blocks: &[usize]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    const DONE: usize = usize::MAX - 1;
    let mut order = vec![DONE; function.blocks.len()];
    blocks.iter().for_each(|&block| order[block] = UNSEEN);
    let successors = |block: usize| {
        let mut next = Vec::new();
        function.blocks[block]
            .terminator
            .for_each_target(|to| next.push(to.block.index()));
        next
    };
    let mut low = vec![0; function.blocks.len()];
    let (mut open, mut parts, mut seen) = (Vec::new(), Vec::new(), 0);
    for &start in blocks {
        if order[start] != UNSEEN {
            continue;
        }
        let mut path = Vec::new();
        let mut enter = Some(start);
        loop {
            if let Some(block) = enter.take() {
                (order[block], low[block]) = (seen, seen);
                seen += 1;
                open.push(block);
                path.push((block, successors(block)));
            }
            let Some((block, next)) = path.last_mut() else {
                break;
            };
            let block = *block;
            match next.pop() {
                Some(next) if order[next] == UNSEEN => enter = Some(next),
                Some(next) if order[next] != DONE => low[block] = low[block].min(order[next]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some(&(before, _)) = path.last() {
                        low[before] = low[before].min(low[block]);
                    }
                    if low[block] == order[block] {
                        let at = open
                            .iter()
                            .rposition(|&one| one == block)
                            .expect("INVARIANT: it is open");
                        let part = open.split_off(at);
                        part.iter().for_each(|&one| order[one] = DONE);
                        if part.len() > 1 || successors(block).contains(&block) {
                            parts.push(part);
                        }
                    }
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::passes::simplify;
    use cutthrough_ir::{Block, BlockData, Op, Tables, Target, Value};

    use super::super::tests::filter;
    use super::*;

    #[test]
    fn loops_in_loops_are_deeper() {
        let mut function = simplify(&filter(&mut Tables::default()));
        assert_eq!(loop_depths(&function).iter().max(), Some(&1));
        // Where something passes, it might come straight again.
        let pass = function
            .blocks
            .iter()
            .position(|block| block.insts.len() == 1 && block.insts[0].op == Op::Count);
        let pass = pass.expect("it counts");
        let to = Target::from(Block::from_index(pass));
        let (zero, origin) = (Value(0), function.blocks[pass].origin);
        let Terminator::Jump(head) = function.blocks[pass].terminator.clone() else {
            panic!("it jumps")
        };
        function.blocks[pass] = BlockData {
            params: vec![],
            insts: vec![],
            terminator: Terminator::Br(zero, to, head),
            origin,
        };
        assert_eq!(loop_depths(&function)[pass], 2);
    }
}
