//! Counting less: what a chain counts follows from how often it went which way, and
//! most of that follows from the rest.
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

use std::collections::{BTreeMap, HashMap};

use cutthrough_ir::{Block, BlockData, ChainCode, Function, Imm, Inst, Op, Target, Terminator, Type, Value};

use cutthrough_ir::passes::simplify;

use crate::limits::ACCOUNTS_BLOCKS_MAX;

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

/// What a counter is a sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Term {
    /// A probe's count.
    Probe(usize),
    /// The steps that the activation has used.
    Steps,
    /// One.
    One,
}

/// How often each term is in a sum.
pub(crate) type Sum = BTreeMap<Term, i64>;

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
            return Accounts::one_for_each(function, increments);
        }
        let graph = Graph::new(function);
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
            |way| graph.ways[way].place.expect("INVARIANT: the entry is no probe"),
            function,
        );
        accounts
    }

    /// A probe for each set of blocks, for functions that are too large.
    fn one_for_each(function: &mut Function, increments: Vec<(Counter, Vec<usize>)>) -> Accounts {
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
                .for_each(|block| function.blocks[block].insts.push(count(probe)));
        }
        accounts
    }

    /// Numbers the ways that are counted and puts a `count` on each. Ways that are counted
    /// for the same have one number: copies of a loop share their probes.
    fn number_probes(&mut self, place: impl Fn(usize) -> Place, function: &mut Function) {
        let mut uses: BTreeMap<usize, Vec<(usize, i64)>> = BTreeMap::new();
        for (index, (_, sum)) in self.sums.iter().enumerate() {
            for (&term, &times) in sum {
                if let Term::Probe(way) = term {
                    uses.entry(way).or_default().push((index, times));
                }
            }
        }
        let mut numbers: HashMap<&[(usize, i64)], usize> = HashMap::new();
        let mut probes = Vec::new();
        for (&way, uses) in &uses {
            let next = numbers.len();
            probes.push((way, *numbers.entry(uses).or_insert(next)));
        }
        self.probes = numbers.len();
        for (_, sum) in &mut self.sums {
            sum.retain(|term, _| !matches!(term, Term::Probe(_)));
        }
        for (uses, probe) in numbers {
            for &(index, times) in uses {
                self.sums[index].1.insert(Term::Probe(probe), times);
            }
        }
        let blocks = function.blocks.len();
        for (way, probe) in probes {
            match place(way) {
                Place::In(block) => function.blocks[block].insts.push(count(probe)),
                Place::Between(block, target) => split(function, block, target, count(probe)),
            }
        }
        if function.blocks.len() > blocks {
            *function = simplify(function);
        }
    }
}

fn count(probe: usize) -> Inst {
    let imm = Imm::Index(u32::try_from(probe).expect("tables are bounded"));
    Inst {
        op: Op::Count,
        imm,
        args: Vec::new(),
        result: None,
        origin: cutthrough_ir::Origin(0),
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

/// Where a way can be counted.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In this block, which is entered or left in no other way.
    In(usize),
    /// On the target of a block with this number.
    Between(usize, usize),
}

/// One way from node to node.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: usize,
    to: usize,
    /// None for the entry.
    place: Option<Place>,
    /// Whether it goes on from a step.
    is_step: bool,
    /// How much is thought to pass, roughly.
    weight: u64,
}

struct Graph {
    nodes: usize,
    ways: Vec<Way>,
}

impl Graph {
    fn new(function: &Function) -> Graph {
        let outside = function.blocks.len();
        let depths = depths(function);
        let seldom = seldom(function);
        let mut entries = vec![0_usize; function.blocks.len()];
        for block in &function.blocks {
            block
                .terminator
                .for_each_target(|to| entries[to.block.index()] += 1);
        }
        let mut ways = vec![Way {
            from: outside,
            to: 0,
            place: None,
            is_step: false,
            weight: 0,
        }];
        for (from, block) in function.blocks.iter().enumerate() {
            let mut targets = Vec::new();
            block
                .terminator
                .for_each_target(|to| targets.push(to.block.index()));
            if targets.is_empty() {
                ways.push(Way {
                    from,
                    to: outside,
                    place: Some(Place::In(from)),
                    is_step: false,
                    weight: 0,
                });
            }
            let has_one = targets.len() == 1;
            for (number, to) in targets.into_iter().enumerate() {
                let place = match (has_one, entries[to]) {
                    (true, _) => Place::In(from),
                    (false, 1) => Place::In(to),
                    (false, _) => Place::Between(from, number),
                };
                let is_step = number == 0 && block.terminator.takes_step();
                let depth = depths[from].min(depths[to]);
                // The first of several targets is the likely one, in loops that are not
                // batched; what lies between blocks costs a jump.
                let likely = match (seldom[from], number) {
                    (true, _) => 1,
                    (false, 0) => 6,
                    (false, _) => 2,
                };
                let between = u64::from(matches!(place, Place::Between(..)));
                let weight = 12_u64.saturating_pow(depth) * likely + between;
                ways.push(Way {
                    from,
                    to,
                    place: Some(place),
                    is_step,
                    weight,
                });
            }
        }
        Graph {
            nodes: outside + 1,
            ways,
        }
    }

    /// The ways outside a spanning tree of the heaviest ways, heaviest first.
    fn chords(&self) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..self.nodes).collect();
        let mut heaviest_first: Vec<usize> = (0..self.ways.len()).collect();
        heaviest_first.sort_by_key(|&way| std::cmp::Reverse(self.ways[way].weight));
        // The entry, whose count is known, is to be a chord: it comes last.
        heaviest_first.retain(|&way| way != 0);
        heaviest_first.push(0);
        heaviest_first.retain(|&way| {
            let Way { from, to, .. } = self.ways[way];
            let (a, b) = (root(&mut groups, from), root(&mut groups, to));
            groups[a] = b;
            a == b
        });
        heaviest_first
    }

    /// The count of every way in terms of the chords'.
    fn counts(&self, chords: &[usize]) -> Vec<Sum> {
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
    fn use_steps(&self, chords: &[usize], counts: &mut [Sum]) {
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

fn root(groups: &mut [usize], mut node: usize) -> usize {
    while groups[node] != node {
        groups[node] = groups[groups[node]];
        node = groups[node];
    }
    node
}

fn add(to: &mut Sum, sum: &Sum, times: i64) {
    for (&term, &more) in sum {
        let entry = to.entry(term).or_default();
        *entry += more * times;
        if *entry == 0 {
            to.remove(&term);
        }
    }
}

/// The blocks that only run what batches leave over.
fn seldom(function: &Function) -> Vec<bool> {
    let mut seldom = vec![false; function.blocks.len()];
    let mut todo: Vec<usize> = Vec::new();
    for block in &function.blocks {
        if let Terminator::Batch { none: slow, .. } | Terminator::Lap { done: slow, .. } = &block.terminator {
            todo.push(slow.block.index());
        }
    }
    while let Some(block) = todo.pop() {
        let terminator = &function.blocks[block].terminator;
        if !std::mem::replace(&mut seldom[block], true) && !matches!(terminator, Terminator::Batch { .. }) {
            terminator.for_each_target(|to| todo.push(to.block.index()));
        }
    }
    seldom
}

/// In how many loops each block lies, about: loops are strongly connected parts, and
/// those within are what remains connected without the part's first block.
fn depths(function: &Function) -> Vec<u32> {
    let mut depths = vec![0; function.blocks.len()];
    let all: Vec<usize> = (0..function.blocks.len()).collect();
    let mut parts = vec![(all, 0)];
    while let Some((blocks, depth)) = parts.pop() {
        for part in connected(function, &blocks) {
            part.iter().for_each(|&block| depths[block] = depth + 1);
            let first = part.iter().copied().min();
            let rest: Vec<usize> = part.into_iter().filter(|&block| Some(block) != first).collect();
            if !rest.is_empty() && depth < DEPTH_MAX {
                parts.push((rest, depth + 1));
            }
        }
    }
    depths
}

/// Loops deeper than this count as one.
const DEPTH_MAX: u32 = 6;

/// The strongly connected parts of a function, among these blocks, that are loops.
/// (Tarjan's algorithm, with the path in a vector.)
fn connected(function: &Function, blocks: &[usize]) -> Vec<Vec<usize>> {
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

/// Puts a block with one instruction on a target.
fn split(function: &mut Function, block: usize, number: usize, inst: Inst) {
    let new = Block::from_index(function.blocks.len());
    let mut old = None;
    let mut at = 0;
    let targets = &mut function.blocks[block].terminator;
    targets.for_each_target_mut(|to| {
        if at == number {
            old = Some(std::mem::replace(
                to,
                Target {
                    block: new,
                    args: to.args.clone(),
                },
            ));
        }
        at += 1;
    });
    let old = old.expect("INVARIANT: the target is there");
    // All that comes in goes on: what the terminator brings, and the arguments.
    let types: Vec<Type> = function
        .block(old.block)
        .params
        .iter()
        .map(|&param| function.ty(param))
        .collect();
    let params: Vec<Value> = types.into_iter().map(|ty| function.add_value(ty)).collect();
    let terminator = Terminator::Jump(Target {
        block: old.block,
        args: params.clone(),
    });
    let origin = function.blocks[block].origin;
    function.add_block(BlockData {
        params,
        insts: vec![inst],
        terminator,
        origin,
    });
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::{FunctionBuilder, FunctionKind, SlotDecl, Tables};

    use super::*;

    fn index(index: u32) -> Imm {
        Imm::Index(index)
    }

    /// A loop that takes a step for each element, counts it, and drops it or counts it
    /// again.
    fn filter(tables: &mut Tables) -> Function {
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

    #[test]
    fn loops_in_loops_are_deeper() {
        let mut function = simplify(&filter(&mut Tables::default()));
        assert_eq!(depths(&function).iter().max(), Some(&1));
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
        assert_eq!(depths(&function)[pass], 2);
    }
}
