//! Where blocks lie. Cranelift puts cold blocks to the end; a loop should be one run
//! of code with one jump back.

use cutthrough_ir::{Function, Target, Terminator};

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

/// If the block ends in a jump back to one that does nothing but step: that one's
/// index, and where its step goes on. The jump is lowered as the step itself, which
/// saves a jump for every element.
pub(super) fn rotated(function: &Function, index: usize) -> Option<(usize, &Target)> {
    let Terminator::Jump(to) = &function.blocks[index].terminator else {
        return None;
    };
    let head = &function.blocks[to.block.index()];
    match &head.terminator {
        Terminator::Step { go, .. }
            if to.block.index() <= index && head.insts.is_empty() && head.params.is_empty() =>
        {
            Some((to.block.index(), go))
        }
        _ => None,
    }
}

/// Calls `visit` with the index of each block that this one's code goes to.
pub(super) fn for_each_edge(function: &Function, index: usize, mut visit: impl FnMut(usize)) {
    match rotated(function, index) {
        Some((_, go)) => visit(go.block.index()),
        None => function.blocks[index]
            .terminator
            .for_each_target(|target| visit(target.block.index())),
    }
}
