//! The graph of a chain: its ways, and the count of each in terms of the chords'.

use cutthrough_ir::cfg::{Graph, loop_depths};
use cutthrough_ir::{Function, Terminator};

use super::sum::{Sum, Term, add};
use crate::limits::ACCOUNTS_DEPTH_MAX;

/// Where a way can be counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site {
    /// In this block, which is entered or left in no other way.
    In(usize),
    /// On the target of a block with this number.
    Between(usize, usize),
}

/// One way from node to node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    from: usize,
    pub(super) to: usize,
    /// None for the entry.
    pub(super) site: Option<Site>,
    /// Whether it goes on from a step.
    is_step: bool,
    /// How much is thought to pass, roughly.
    weight: u64,
}

pub(super) struct FlowGraph {
    nodes: usize,
    pub(super) ways: Vec<Way>,
}

impl FlowGraph {
    pub(super) fn new(function: &Function) -> FlowGraph {
        let blocks = Graph::new(function);
        let outside = blocks.len();
        let depths = loop_depths(&blocks, ACCOUNTS_DEPTH_MAX);
        let cold = cold_blocks(function, &blocks);
        let predecessors = blocks.predecessors();
        let mut ways = vec![Way {
            from: outside,
            to: 0,
            site: None,
            is_step: false,
            weight: 0,
        }];
        for (from, block) in function.blocks.iter().enumerate() {
            let targets = blocks.successors(from);
            if targets.len() == 0 {
                ways.push(Way {
                    from,
                    to: outside,
                    site: Some(Site::In(from)),
                    is_step: false,
                    weight: 0,
                });
            }
            let has_one = targets.len() == 1;
            for (number, to) in targets.enumerate() {
                let site = match (has_one, predecessors[to].len()) {
                    (true, _) => Site::In(from),
                    (false, 1) => Site::In(to),
                    (false, _) => Site::Between(from, number),
                };
                let is_step = number == 0 && block.terminator.takes_step();
                let depth = depths[from].min(depths[to]);
                // The first of several targets is the likely one, in loops that are not
                // batched; what lies between blocks costs a jump.
                let likely = match (cold[from], number) {
                    (true, _) => 1,
                    (false, 0) => 6,
                    (false, _) => 2,
                };
                let between = u64::from(matches!(site, Site::Between(..)));
                let weight = 12_u64.saturating_pow(depth) * likely + between;
                ways.push(Way {
                    from,
                    to,
                    site: Some(site),
                    is_step,
                    weight,
                });
            }
        }
        FlowGraph {
            nodes: outside + 1,
            ways,
        }
    }

    /// The ways outside a spanning tree of the heaviest ways, heaviest first.
    pub(super) fn chords(&self) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..self.nodes).collect();
        let mut heaviest_first: Vec<usize> = (0..self.ways.len()).collect();
        heaviest_first.sort_by_key(|&way| std::cmp::Reverse(self.ways[way].weight));
        // The entry, whose count is known, is to be a chord: it comes last.
        heaviest_first.retain(|&way| way != 0);
        heaviest_first.push(0);
        heaviest_first.retain(|&way| {
            let Way { from, to, .. } = self.ways[way];
            let (a, b) = (find(&mut groups, from), find(&mut groups, to));
            groups[a] = b;
            a == b
        });
        heaviest_first
    }

    /// The count of every way in terms of the chords'.
    pub(super) fn counts(&self, chords: &[usize]) -> Vec<Sum> {
        let mut is_chord = vec![false; self.ways.len()];
        chords.iter().for_each(|&chord| is_chord[chord] = true);
        let mut around: Vec<Vec<usize>> = vec![Vec::new(); self.nodes];
        for (way, &Way { from, to, .. }) in self.ways.iter().enumerate() {
            if !is_chord[way] {
                around[from].push(way);
                around[to].push(way);
            }
        }
        let mut counts = vec![Sum::new(); self.ways.len()];
        // What leaves each node by chords, less what comes in by them.
        let mut excess = vec![Sum::new(); self.nodes];
        for &chord in chords {
            let term = if chord == 0 { Term::One } else { Term::Probe(chord) };
            let sum = Sum::from([(term, 1)]);
            add(&mut excess[self.ways[chord].from], &sum, 1);
            add(&mut excess[self.ways[chord].to], &sum, -1);
            counts[chord] = sum;
        }
        // From the leaves of the tree inwards: the last way of a node takes what is left.
        let mut degree: Vec<usize> = around.iter().map(Vec::len).collect();
        let mut leaves: Vec<usize> = (0..self.nodes).filter(|&node| degree[node] == 1).collect();
        let mut is_done = is_chord;
        while let Some(node) = leaves.pop() {
            let Some(&way) = around[node].iter().find(|&&way| !is_done[way]) else {
                continue;
            };
            is_done[way] = true;
            let Way { from, to, .. } = self.ways[way];
            let left = std::mem::take(&mut excess[node]);
            let other = if from == node { to } else { from };
            // Into the node comes what leaves it: a way in takes the excess, one out
            // what lacks.
            let sign = if to == node { 1 } else { -1 };
            add(&mut counts[way], &left, sign);
            add(&mut excess[other], &left, 1);
            degree[other] -= 1;
            if degree[other] == 1 {
                leaves.push(other);
            }
        }
        counts
    }

    /// Puts the number of steps in the place of the heaviest chord that it tells.
    pub(super) fn use_steps(&self, chords: &[usize], counts: &mut [Sum]) {
        let mut steps = Sum::new();
        for (way, count) in self.ways.iter().zip(&*counts) {
            if way.is_step {
                add(&mut steps, count, 1);
            }
        }
        let told = chords
            .iter()
            .find_map(|&chord| match steps.get(&Term::Probe(chord)) {
                Some(&times @ (1 | -1)) => Some((Term::Probe(chord), times)),
                _ => None,
            });
        let Some((chord, times)) = told else { return };
        // steps = times * chord + rest, and so chord = times * (steps - rest).
        steps.remove(&chord);
        let mut instead = Sum::from([(Term::Steps, times)]);
        add(&mut instead, &steps, -times);
        for count in counts {
            if let Some(times) = count.remove(&chord) {
                add(count, &instead, times);
            }
        }
    }
}

/// The blocks that only run what batches leave over.
fn cold_blocks(function: &Function, graph: &Graph) -> Vec<bool> {
    let left_over = function
        .blocks
        .iter()
        .filter_map(|block| match &block.terminator {
            Terminator::Batch { none: slow, .. } | Terminator::Lap { done: slow, .. } => {
                Some(slow.block.index())
            }
            _ => None,
        });
    let is_batch = |block: usize| matches!(function.blocks[block].terminator, Terminator::Batch { .. });
    graph.reached_from(left_over, |block| !is_batch(block))
}

/// The node that stands for the group of a node.
fn find(groups: &mut [usize], mut node: usize) -> usize {
    while groups[node] != node {
        groups[node] = groups[groups[node]];
        node = groups[node];
    }
    node
}
