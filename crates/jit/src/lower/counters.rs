//! Counters in registers. A chain counts elements on every edge, and most of those
//! counts are equal: stages that pass on one element for each one they get. So
//! counters whose increments stand in the same blocks, equally often, share one
//! register; all of them are added to the network's counters at the exit.

use std::collections::HashMap;

use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::{FunctionBuilder, Variable};

use cutthrough_ir::{ChainCode, Function, Op};

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
    pub(crate) fn of(op: Op, index: impl FnOnce() -> usize) -> Option<Counter> {
        match op {
            Op::Count => Some(Counter::Edge(index())),
            Op::Drop => Some(Counter::Drop(index())),
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

/// The counters of a function, with their registers.
pub(super) struct Counters {
    /// Each counter with its register, and whether it is the one that increments
    /// that register; in order of first use.
    counters: Vec<(Counter, Variable, bool)>,
    index: HashMap<Counter, usize>,
}

impl Counters {
    pub(super) fn new(function: &Function, builder: &mut FunctionBuilder<'_>) -> Counters {
        let mut registers: HashMap<Vec<usize>, Variable> = HashMap::new();
        let mut counters = Counters {
            counters: Vec::new(),
            index: HashMap::new(),
        };
        for (counter, blocks) in increments(function) {
            let known = registers.get(&blocks).copied();
            let variable = known.unwrap_or_else(|| builder.declare_var(types::I64));
            registers.insert(blocks, variable);
            counters.index.insert(counter, counters.counters.len());
            counters.counters.push((counter, variable, known.is_none()));
        }
        counters
    }

    /// Sets all to 0.
    pub(super) fn start(&self, builder: &mut FunctionBuilder<'_>, zero: ClifValue) {
        for &(_, variable, leads) in &self.counters {
            if leads {
                builder.def_var(variable, zero);
            }
        }
    }

    /// Counts one, unless another counter of the same register does.
    pub(super) fn increment(&self, builder: &mut FunctionBuilder<'_>, counter: Counter) {
        let (_, variable, leads) = self.counters[self.index[&counter]];
        if leads {
            let count = builder.use_var(variable);
            let count = builder.ins().iadd_imm_s(count, 1);
            builder.def_var(variable, count);
        }
    }

    /// The counters and their registers.
    pub(super) fn used(&self) -> Vec<(Counter, Variable)> {
        self.counters
            .iter()
            .map(|&(counter, variable, _)| (counter, variable))
            .collect()
    }
}

/// The blocks in which each counter is incremented, as often as it is there, in
/// order of first use.
fn increments(function: &Function) -> Vec<(Counter, Vec<usize>)> {
    let mut found: Vec<(Counter, Vec<usize>)> = Vec::new();
    let mut index = HashMap::new();
    for (block, data) in function.blocks.iter().enumerate() {
        for inst in &data.insts {
            if let Some(counter) = Counter::of(inst.op, || inst.imm.index()) {
                let at = *index.entry(counter).or_insert_with(|| {
                    found.push((counter, Vec::new()));
                    found.len() - 1
                });
                found[at].1.push(block);
            }
        }
    }
    found
}
