//! Counting less: what a chain counts follows from how often it went which way, and
//! most of that follows from the rest.
//!
//! | file | what |
//! |---|---|
//! | `mod` | counters, and what they are at a chain's exit |
//! | [`sum`] | sums of terms |
//! | [`graph`] | the ways of a chain, and their counts in terms of the chords' |
//! | [`probes`] | the `count` of each probe in the function |
//! | [`ledger`] | the sums, as they are added to the network's counters |
//!
//! # Definitions
//! The *graph* of a chain has its blocks and one place outside as nodes; its *ways* are
//! the targets of terminators, returns (to the outside) and the entry (from it). What
//! goes into a block comes out of it, so the counts of the ways obey one equation for
//! each node (Kirchhoff's law). They are all known when those of the ways outside any
//! one spanning tree are known: the *chords*. The tree is chosen so that the chords lie
//! where little passes (Knuth 1973, for profiles; Ball and Larus 1994).
//!
//! Two counts are there anyway. The entry is taken once. And the steps that a grant has
//! used are, by its budget, known: they are the sum of the counts of all ways on from
//! steps. That equation does away with the chord where most passes. So a loop that takes
//! a step for each element counts nothing besides its budget, and one with filters
//! counts what they drop.
//!
//! # What comes out
//! The function without `drop`, with a `count` for each *probe*, a chord that is counted;
//! and for each of the chain's counters what it is in terms of [`Term`]s. Sums wrap, as
//! counters do.

mod graph;
mod ledger;
mod probes;
mod sum;

use std::collections::HashMap;

use cutthrough_ir::{ChainCode, Function, Inst, Op};

use crate::limits::ACCOUNTS_BLOCKS_MAX;
use graph::FlowGraph;
pub(crate) use ledger::Ledger;
use probes::count_inst;
use sum::add;
pub(crate) use sum::{Sum, Term};

/// A counter of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// An edge, by its index in the chain.
    Edge(usize),
    /// A drop policy, by its index in the chain.
    Drop(usize),
}

impl Counter {
    /// The counter that an instruction increments.
    pub(crate) fn of(inst: &Inst) -> Option<Counter> {
        match inst.op {
            Op::Count => Some(Counter::Edge(inst.imm.index())),
            Op::Drop => Some(Counter::Drop(inst.imm.index())),
            _ => None,
        }
    }

    /// Which of the network's counters it is.
    pub(crate) fn network_index(self, chain: &ChainCode) -> usize {
        match self {
            Counter::Edge(edge) => chain.edges[edge] as usize,
            Counter::Drop(policy) => chain.drops[policy] as usize,
        }
    }
}

/// What a chain's counters are at its exit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    /// How many probes there are; `count` has their numbers.
    pub(crate) probes: usize,
    /// Each counter's increase.
    pub(crate) sums: Vec<(Counter, Sum)>,
}

impl Accounts {
    /// Replaces the counters of a simplified chain by probes.
    pub(crate) fn plan(function: &mut Function) -> Accounts {
        let increments = take_increments(function);
        if increments.is_empty() {
            return Accounts::default();
        }
        if function.blocks.len() > ACCOUNTS_BLOCKS_MAX {
            return Accounts::probe_each(function, increments);
        }
        let graph = FlowGraph::new(function);
        let chords = graph.chords();
        let mut counts = graph.counts(&chords);
        graph.use_steps(&chords, &mut counts);
        let mut accounts = Accounts::default();
        for (counter, blocks) in increments {
            let mut sum = Sum::new();
            for block in blocks {
                let ways = graph.ways.iter().zip(&counts).filter(|(way, _)| way.to == block);
                ways.for_each(|(_, count)| add(&mut sum, count, 1));
            }
            accounts.sums.push((counter, sum));
        }
        accounts.number_probes(
            |way| graph.ways[way].site.expect("INVARIANT: the entry is no probe"),
            function,
        );
        accounts
    }

    /// Replaces the counters of a simplified chain by probes, in as little time as can be.
    pub(crate) fn one_for_each(function: &mut Function) -> Accounts {
        let increments = take_increments(function);
        Accounts::probe_each(function, increments)
    }

    /// A probe for each set of blocks.
    fn probe_each(function: &mut Function, increments: Vec<(Counter, Vec<usize>)>) -> Accounts {
        let mut accounts = Accounts::default();
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        for (counter, blocks) in increments {
            let next = known.len();
            let probe = *known.entry(blocks).or_insert(next);
            accounts
                .sums
                .push((counter, Sum::from([(Term::Probe(probe), 1)])));
        }
        accounts.probes = known.len();
        for (blocks, probe) in known {
            blocks
                .into_iter()
                .for_each(|block| function.blocks[block].insts.push(count_inst(probe)));
        }
        accounts
    }
}

/// Takes the increments out: for each counter the blocks where it stands, as often as it
/// does.
fn take_increments(function: &mut Function) -> Vec<(Counter, Vec<usize>)> {
    let mut found: Vec<(Counter, Vec<usize>)> = Vec::new();
    let mut index = HashMap::new();
    for (block, data) in function.blocks.iter_mut().enumerate() {
        data.insts.retain(|inst| {
            let Some(counter) = Counter::of(inst) else {
                return true;
            };
            let at = *index.entry(counter).or_insert_with(|| {
                found.push((counter, Vec::new()));
                found.len() - 1
            });
            found[at].1.push(block);
            false
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::passes::simplify;
    use cutthrough_ir::{FunctionBuilder, FunctionKind, Imm, SlotDecl, Tables, Terminator, Type};

    use super::*;

    fn index(index: u32) -> Imm {
        Imm::Index(index)
    }

    /// A loop that takes a step for each element, counts it, and drops it or counts it
    /// again.
    pub(super) fn filter(tables: &mut Tables) -> Function {
        tables.edges = 2;
        tables.drops.push("filtered".to_owned());
        tables.slots.push(SlotDecl::i64("number", 0));
        let mut b = FunctionBuilder::new(FunctionKind::Chain, tables, &[], &[Type::I64]);
        let [head, go, out, pass, not] = [(); 5].map(|()| b.block(&[]));
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: go.into(),
            stop: out.into(),
        });
        b.switch_to(go);
        b.inst(Op::Count, index(0), &[]);
        let (number, seven) = (b.slot_get(0), b.iconst(7));
        let passes = b.op(Op::Igt, &[number, seven]);
        b.br(passes, pass, not);
        b.switch_to(pass);
        b.inst(Op::Count, index(1), &[]);
        b.jump(head, &[]);
        b.switch_to(not);
        b.inst(Op::Drop, index(0), &[]);
        b.jump(head, &[]);
        b.switch_to(out);
        let code = b.iconst(0);
        b.ret(&[code]);
        b.build()
    }

    #[test]
    fn only_what_is_dropped_is_counted() {
        let mut function = simplify(&filter(&mut Tables::default()));
        let accounts = Accounts::plan(&mut function);
        assert_eq!(accounts.probes, 1);
        let dropped = Sum::from([(Term::Probe(0), 1)]);
        let steps = Sum::from([(Term::Steps, 1)]);
        let passed = Sum::from([(Term::Steps, 1), (Term::Probe(0), -1)]);
        let expected = [
            (Counter::Edge(0), steps),
            (Counter::Edge(1), passed),
            (Counter::Drop(0), dropped),
        ];
        assert_eq!(accounts.sums, expected);
        let counts = function
            .blocks
            .iter()
            .flat_map(|block| &block.insts)
            .filter(|inst| inst.op == Op::Count);
        assert_eq!(counts.count(), 1);
    }
}
