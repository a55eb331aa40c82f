//! Under which condition each block of a lap runs.

use std::collections::{HashMap, HashSet};

use cutthrough_ir::{Function, Imm, Inst, Op, Target, Terminator, Value};

use super::Scalar;

/// A condition, by its index among the conditions of a loop. The first holds always.
pub(crate) type PredicateIndex = usize;

/// A condition on a lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Predicate {
    /// It holds always.
    Always,
    /// Another one holds, and this value is as given.
    Where(PredicateIndex, Value, bool),
    /// At least one of two holds; they never hold both.
    Either(PredicateIndex, PredicateIndex),
}

/// The conditions of a loop.
#[derive(Debug)]
pub(crate) struct Predicates {
    /// Each behind those that it is made of.
    pub(crate) all: Vec<Predicate>,
    /// Those whose own condition implies the one that they also have: their masks need
    /// no look at it.
    pub(crate) implied: HashSet<PredicateIndex>,
    /// Of each block.
    of_blocks: HashMap<usize, PredicateIndex>,
    /// The ways into each block from others of the lap, and when they are gone.
    ways: HashMap<usize, Vec<(PredicateIndex, Target)>>,
}

impl Predicates {
    /// The condition of each block of a lap. A way out of the loop counts for nothing: it
    /// is not gone.
    pub(super) fn of(function: &Function, blocks: &[usize]) -> Result<Predicates, Scalar> {
        let mut predicates = Predicates {
            all: vec![Predicate::Always],
            implied: HashSet::new(),
            of_blocks: HashMap::new(),
            ways: HashMap::new(),
        };
        let (head, last) = (blocks[0], blocks[blocks.len() - 1]);
        for &block in blocks {
            let index = match predicates.ways.get(&block) {
                None => 0,
                Some(ways) => {
                    let ways = ways.iter().map(|(predicate, _)| *predicate).collect();
                    predicates.any_of(ways)
                }
            };
            debug_assert!(block == head || predicates.ways.contains_key(&block));
            predicates.of_blocks.insert(block, index);
            if block == last {
                break;
            }
            let inside = |to: &Target| blocks.contains(&to.block.index());
            match &function.blocks[block].terminator {
                Terminator::Jump(to) => predicates.way(index, to),
                Terminator::Br(condition, yes, no) => match (inside(yes), inside(no)) {
                    (true, true) => {
                        let where_true = predicates.add(Predicate::Where(index, *condition, true));
                        let where_false = predicates.add(Predicate::Where(index, *condition, false));
                        predicates.way(where_true, yes);
                        predicates.way(where_false, no);
                    }
                    (true, false) => predicates.way(index, yes),
                    (false, true) => predicates.way(index, no),
                    (false, false) => unreachable!("INVARIANT: the block reaches the last one"),
                },
                _ => return Err(Scalar::Branches),
            }
        }
        // Every lap that is not left ends.
        if predicates.of_block(last) != 0 {
            return Err(Scalar::Branches);
        }
        predicates.find_implied(function, blocks);
        Ok(predicates)
    }

    /// Finds comparisons that hold only where the condition that they come under holds:
    /// 3 < x under 2 < x.
    fn find_implied(&mut self, function: &Function, blocks: &[usize]) {
        let insts = blocks.iter().flat_map(|&block| &function.blocks[block].insts);
        let definitions: HashMap<Value, &Inst> = insts
            .filter_map(|inst| inst.result.map(|result| (result, inst)))
            .collect();
        for index in 0..self.all.len() {
            if let Predicate::Where(parent, value, true) = self.all[index]
                && let Predicate::Where(above, other, true) = self.all[parent]
                && (above == 0 || self.implied.contains(&parent))
                && implies(&definitions, value, other)
            {
                self.implied.insert(index);
            }
        }
    }

    /// When a block runs.
    pub(crate) fn of_block(&self, block: usize) -> PredicateIndex {
        self.of_blocks[&block]
    }

    /// The ways into a block, and when they are gone; none into the first.
    pub(crate) fn ways_to(&self, block: usize) -> &[(PredicateIndex, Target)] {
        self.ways.get(&block).map_or(&[], Vec::as_slice)
    }

    fn way(&mut self, predicate: PredicateIndex, to: &Target) {
        self.ways
            .entry(to.block.index())
            .or_default()
            .push((predicate, to.clone()));
    }

    fn add(&mut self, predicate: Predicate) -> PredicateIndex {
        let known = self.all.iter().position(|known| *known == predicate);
        known.unwrap_or_else(|| {
            self.all.push(predicate);
            self.all.len() - 1
        })
    }

    /// One of several, of which no two hold at once: two that differ in one value only
    /// are what they have in common.
    fn any_of(&mut self, mut some: Vec<PredicateIndex>) -> PredicateIndex {
        'again: loop {
            for a in 0..some.len() {
                for b in a + 1..some.len() {
                    if let (Predicate::Where(p, x, is_x), Predicate::Where(q, y, is_y)) =
                        (self.all[some[a]], self.all[some[b]])
                        && (p, x, is_x) == (q, y, !is_y)
                    {
                        some.swap_remove(b);
                        some[a] = p;
                        continue 'again;
                    }
                }
            }
            break;
        }
        let first = some[0];
        some[1..]
            .iter()
            .fold(first, |one, &other| self.add(Predicate::Either(one, other)))
    }
}

/// Whether a comparison with a constant implies another one.
fn implies(definitions: &HashMap<Value, &Inst>, value: Value, other: Value) -> bool {
    let comparison = |value: Value| {
        let inst = definitions.get(&value)?;
        let [number, bound] = inst.args[..] else {
            return None;
        };
        match definitions.get(&bound)?.imm {
            Imm::I64(bound) => Some((inst.op, number, bound)),
            _ => None,
        }
    };
    let (Some((op, x, bound)), Some((same, y, looser))) = (comparison(value), comparison(other)) else {
        return false;
    };
    (op, x) == (same, y)
        && match op {
            Op::Igt | Op::Ige => bound >= looser,
            Op::Ilt | Op::Ile => bound <= looser,
            _ => false,
        }
}
