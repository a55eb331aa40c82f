//! Where blocks lie. Cranelift puts cold blocks to the end; a loop should be one run
//! of code with one jump back. And which of them call.

use cutthrough_ir::{Function, Kind, Op, Terminator};

/// Whether the chain leaves for good where it enters this block: no loop can be
/// reached from there.
pub(super) fn leaving(function: &Function) -> Vec<bool> {
    let mut leaves = vec![true; function.blocks.len()];
    // Blocks are in reverse postorder, so one pass backwards sees all successors
    // first, except along jumps back, which decide by themselves.
    for index in (0..function.blocks.len()).rev() {
        let mut all = true;
        function.blocks[index].terminator.for_each_target(|target| {
            all &= target.block.index() > index && leaves[target.block.index()];
        });
        leaves[index] = all;
    }
    leaves
}

/// If the block ends in a jump to one that does nothing but step, or go on with a batch:
/// that one's index. The jump is lowered as what it goes to, which saves a jump for every
/// element.
pub(super) fn rotated(function: &Function, index: usize) -> Option<usize> {
    let Terminator::Jump(to) = &function.blocks[index].terminator else {
        return None;
    };
    let next = &function.blocks[to.block.index()];
    let is_short = match &next.terminator {
        Terminator::Step { .. } => to.block.index() <= index && next.insts.is_empty(),
        // Reading a slot costs nothing; and what a lap reads nothing else uses.
        Terminator::Lap { .. } => next.insts.iter().all(|inst| inst.op == Op::SlotGet),
        _ => false,
    };
    (is_short && next.params.is_empty()).then_some(to.block.index())
}

/// How many edges go to each block; none to those that no code goes to, as all jumps to
/// them are lowered as what they do.
pub(super) fn count_edges(function: &Function) -> Vec<u32> {
    let mut edges = vec![0; function.blocks.len()];
    edges[0] = 1;
    let mut todo = vec![0];
    while let Some(index) = todo.pop() {
        for_each_edge(function, index, |to| {
            edges[to] += 1;
            if edges[to] == 1 {
                todo.push(to);
            }
        });
    }
    edges
}

/// Calls `visit` with the index of each block that this one's code goes to.
pub(super) fn for_each_edge(function: &Function, index: usize, mut visit: impl FnMut(usize)) {
    let next = rotated(function, index).map(|next| &function.blocks[next].terminator);
    match next {
        Some(Terminator::Step { go, .. }) => visit(go.block.index()),
        next => next
            .unwrap_or(&function.blocks[index].terminator)
            .for_each_target(|target| visit(target.block.index())),
    }
}

/// Whether a chain calls anything, other than where something goes wrong.
pub(super) fn calls(function: &Function) -> bool {
    let calls = |op| {
        matches!(
            op,
            Op::Seq
                | Op::Scmp
                | Op::Sfind
                | Op::Sstarts
                | Op::Sends
                | Op::SToI
                | Op::SToF
                | Op::OutboxPut
                | Op::RowsSet
                | Op::RowsTruncate
        )
    };
    function.blocks.iter().any(|block| {
        matches!(
            block.terminator,
            Terminator::Call { .. } | Terminator::Push { .. }
        ) || block.insts.iter().any(|inst| {
            let keeps = inst.op == Op::SlotSet && function.ty(inst.args[0]).kind == Kind::Bytes;
            calls(inst.op) || keeps
        })
    })
}
