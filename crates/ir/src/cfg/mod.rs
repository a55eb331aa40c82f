//! The graph of a function's blocks: what passes, the verifier and native code ask of it.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | edges, orders, what reaches what |
//! | `dominators.rs` | which block dominates which |
//! | `loops.rs` | which blocks are in loops |

mod dominators;
mod loops;
#[cfg(test)]
mod tests;

use crate::function::{Block, Function};

pub use dominators::Dominators;
pub use loops::loop_depths;

/// Blocks and where they go, targets out of range left out.
#[derive(Debug)]
pub struct Graph {
    /// For each block, where its edges begin; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    to: u32,
    /// Whether this is the `go` of a `step`.
    stepped: bool,
}

impl Graph {
    /// Of a function, which need not be well-formed.
    pub fn new(function: &Function) -> Graph {
        let count = function.blocks.len();
        let (mut starts, mut edges) = (vec![0], Vec::new());
        for block in &function.blocks {
            let mut stepped = block.terminator.takes_step();
            block.terminator.for_each_target(|target| {
                if target.block.index() < count {
                    edges.push(Edge {
                        to: target.block.0,
                        stepped,
                    });
                }
                stepped = false;
            });
            starts.push(edges.len() as u32);
        }
        Graph { starts, edges }
    }

    /// How many blocks there are.
    #[allow(clippy::len_without_is_empty, reason = "a function has an entry")]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn edges(&self, block: u32) -> &[Edge] {
        &self.edges[self.starts[block as usize] as usize..self.starts[block as usize + 1] as usize]
    }

    /// The blocks that a block goes to, as often as it does, in the order of its targets.
    pub fn successors(
        &self,
        block: usize,
    ) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        self.edges(block as u32).iter().map(|edge| edge.to as usize)
    }

    /// Of each block, those that it is entered from, as often as they go to it.
    pub fn predecessors(&self) -> Vec<Vec<Block>> {
        let mut predecessors = vec![Vec::new(); self.len()];
        for from in 0..self.len() {
            for to in self.successors(from) {
                predecessors[to].push(Block::from_index(from));
            }
        }
        predecessors
    }

    /// The blocks that can be reached, each before its successors except along loops; the first
    /// target of a terminator follows it where it can.
    pub fn reverse_postorder(&self) -> Vec<Block> {
        self.reverse_postorder_from(0, |_, _| true)
    }

    /// The same from another block than the entry, by the edges (from, to) that are `followed`.
    pub fn reverse_postorder_from(
        &self,
        start: usize,
        followed: impl Fn(usize, usize) -> bool,
    ) -> Vec<Block> {
        let mut seen = vec![false; self.len()];
        let mut order = Vec::new();
        seen[start] = true;
        // Of each block on the way, the successors still to visit; the last one first.
        let mut path = vec![(start, self.successors(start))];
        while let Some((block, rest)) = path.last_mut() {
            match rest.next_back() {
                Some(next) if !seen[next] && followed(*block, next) => {
                    seen[next] = true;
                    path.push((next, self.successors(next)));
                }
                Some(_) => {}
                None => {
                    order.push(Block::from_index(*block));
                    path.pop();
                }
            }
        }
        order.reverse();
        order
    }

    /// Of each block, whether it is one of `goals` or goes to one, by blocks that `through` lets pass.
    pub fn reaching(&self, goals: impl Iterator<Item = usize>, through: impl Fn(usize) -> bool) -> Vec<bool> {
        let predecessors = self.predecessors();
        let before = |block: usize| predecessors[block].iter().map(|from| from.index());
        spread(self.len(), goals, |block, reach| {
            before(block).filter(|&from| through(from)).for_each(reach);
        })
    }

    /// Of each block, whether it is one of `starts` or is come to from one, by blocks that `through` lets pass.
    pub fn reached_from(
        &self,
        starts: impl Iterator<Item = usize>,
        through: impl Fn(usize) -> bool,
    ) -> Vec<bool> {
        spread(self.len(), starts, |block, reach| {
            if through(block) {
                self.successors(block).for_each(reach);
            }
        })
    }

    /// The blocks, each before those that it goes to; none if there are loops.
    pub fn topological(&self) -> Option<Vec<u32>> {
        let mut incoming = vec![0u32; self.len()];
        for edge in &self.edges {
            incoming[edge.to as usize] += 1;
        }
        let mut order: Vec<u32> = (0..self.len() as u32)
            .filter(|&block| incoming[block as usize] == 0)
            .collect();
        let mut next = 0;
        while let Some(&block) = order.get(next) {
            next += 1;
            for edge in self.edges(block) {
                incoming[edge.to as usize] -= 1;
                if incoming[edge.to as usize] == 0 {
                    order.push(edge.to);
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// Calls `found` with each edge (from, to) that closes a loop. Edges that take a
    /// step count only where `with_steps` says so.
    pub fn for_each_loop(&self, with_steps: bool, mut found: impl FnMut(Block, Block)) {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Closed,
        }
        let mut marks = vec![Mark::New; self.len()];
        let mut stack: Vec<(u32, u32)> = Vec::new();
        for root in 0..self.len() as u32 {
            if marks[root as usize] != Mark::New {
                continue;
            }
            marks[root as usize] = Mark::Open;
            stack.push((root, 0));
            while let Some((block, next)) = stack.last_mut() {
                let from = *block;
                let Some(&edge) = self.edges(from).get(*next as usize) else {
                    marks[from as usize] = Mark::Closed;
                    stack.pop();
                    continue;
                };
                *next += 1;
                if edge.stepped && !with_steps {
                    continue;
                }
                match marks[edge.to as usize] {
                    Mark::New => {
                        marks[edge.to as usize] = Mark::Open;
                        stack.push((edge.to, 0));
                    }
                    Mark::Open => found(Block(from), Block(edge.to)),
                    Mark::Closed => {}
                }
            }
        }
    }
}

/// What can be had from these numbers below `count` by `step`, which gives what comes of one.
fn spread(
    count: usize,
    from: impl Iterator<Item = usize>,
    step: impl Fn(usize, &mut dyn FnMut(usize)),
) -> Vec<bool> {
    let mut has = vec![false; count];
    let mut todo: Vec<usize> = Vec::new();
    let mut note = |one: usize, todo: &mut Vec<usize>| {
        if !std::mem::replace(&mut has[one], true) {
            todo.push(one);
        }
    };
    from.for_each(|one| note(one, &mut todo));
    while let Some(one) = todo.pop() {
        step(one, &mut |next| note(next, &mut todo));
    }
    has
}
