//! What vectorised loops sum up, in registers of lanes: numbers for slots, and counts for
//! probes. It comes to its slot or probe when the chain comes out, so that a short loop
//! within another one does not add up lanes each time; or, where that would be seen or where
//! calls would have to save the registers, when the loop is over.

use std::collections::BTreeMap;

use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::Variable;

use cutthrough_ir::Op;

use super::{Lowerer, layout};
use crate::vector::{Predicate, PredicateIndex, Reduction, Role, VectorLoop, only_reduced};

/// One number that is summed up.
#[derive(Clone, Debug)]
struct Sum {
    reduction: Reduction,
    /// One for each copy of the lap's operations; or one for all.
    registers: Vec<Variable>,
    into: Into,
    /// Whether it waits until the chain comes out.
    waits: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Into {
    Slot(u32),
    /// Probes, and how often it is counted for each.
    Probes(Vec<(usize, i64)>),
}

/// The sums of a chain.
#[derive(Default)]
pub(super) struct Sums {
    all: Vec<Sum>,
    of_loops: Vec<LoopSums>,
}

/// The sums of one loop, by their indices.
#[derive(Clone, Debug, Default)]
struct LoopSums {
    slots: BTreeMap<u32, usize>,
    counts: BTreeMap<PredicateIndex, usize>,
    /// Probes that count laps, and how often.
    laps: Vec<(usize, i64)>,
}

impl Lowerer<'_, '_> {
    /// Makes the registers of all sums; those that wait begin here.
    pub(super) fn start_sums(&mut self) {
        let plans = self.vector_loops;
        if plans.is_empty() {
            return;
        }
        let waiting = if layout::calls(self.function) {
            None
        } else {
            Some(only_reduced(self.function))
        };
        for plan in plans {
            let mut sums = LoopSums::default();
            for (&slot, role) in &plan.slots {
                if let &Role::Reduced(reduction) = role {
                    let waits = waiting.as_ref().is_some_and(|slots| slots.contains_key(&slot));
                    let index = self.slot_sum(slot, reduction, plan.copies, waits);
                    sums.slots.insert(slot, index);
                }
            }
            self.count_sums(plan, waiting.is_some(), &mut sums);
            self.sums.of_loops.push(sums);
        }
        self.begin_sums(|sum| sum.waits);
    }

    /// Those that wait are the same in all loops.
    fn slot_sum(&mut self, slot: u32, reduction: Reduction, copies: usize, waits: bool) -> usize {
        let known = self
            .sums
            .all
            .iter()
            .position(|sum| sum.waits && sum.into == Into::Slot(slot));
        known
            .filter(|_| waits)
            .unwrap_or_else(|| self.new_sum(reduction, copies, Into::Slot(slot), waits))
    }

    fn new_sum(&mut self, reduction: Reduction, registers: usize, into: Into, waits: bool) -> usize {
        let registers = (0..registers)
            .map(|_| self.builder.declare_var(types::I64X2))
            .collect();
        self.sums.all.push(Sum {
            reduction,
            registers,
            into,
            waits,
        });
        self.sums.all.len() - 1
    }

    /// Finds what the probes of a loop count: laps, or laps under conditions.
    fn count_sums(&mut self, plan: &VectorLoop, waits: bool, sums: &mut LoopSums) {
        let mut terms: BTreeMap<(PredicateIndex, usize), i64> = BTreeMap::new();
        for &block in &plan.blocks {
            for inst in &self.function.blocks[block].insts {
                if inst.op == Op::Count {
                    let probe = inst.imm.index();
                    for (predicate, times) in counted(&plan.predicates.all, plan.predicates.of_block(block)) {
                        *terms.entry((predicate, probe)).or_default() += times;
                    }
                }
            }
        }
        let mut probes: BTreeMap<PredicateIndex, Vec<(usize, i64)>> = BTreeMap::new();
        for ((predicate, probe), times) in terms {
            if times != 0 {
                probes.entry(predicate).or_default().push((probe, times));
            }
        }
        sums.laps = probes.remove(&0).unwrap_or_default();
        for (predicate, probes) in probes {
            let index = self.new_sum(Reduction::Add, 1, Into::Probes(probes), waits);
            sums.counts.insert(predicate, index);
        }
    }

    /// The conditions that a loop counts laps under.
    pub(super) fn counted_predicates(&self, number: usize) -> Vec<PredicateIndex> {
        self.sums.of_loops[number].counts.keys().copied().collect()
    }

    /// What a copy of a loop's lap sums up for a slot.
    pub(super) fn sum_register(&self, number: usize, slot: u32, copy: usize) -> Variable {
        let registers = &self.sums.all[self.sums.of_loops[number].slots[&slot]].registers;
        registers[copy % registers.len()]
    }

    /// What a loop counts laps under a condition in.
    pub(super) fn count_register(&self, number: usize, predicate: PredicateIndex) -> Variable {
        self.sums.all[self.sums.of_loops[number].counts[&predicate]].registers[0]
    }

    /// Begins, in front of a loop, the sums that do not wait.
    pub(super) fn begin_loop_sums(&mut self, number: usize) {
        let indices = self.indices(number);
        indices.into_iter().for_each(|index| {
            if !self.sums.all[index].waits {
                self.begin(index);
            }
        });
    }

    /// Ends, behind a loop that has run so many laps, the sums that do not wait.
    pub(super) fn end_loop_sums(&mut self, number: usize, laps: ClifValue) {
        for (probe, times) in self.sums.of_loops[number].laps.clone() {
            let more = self.times(laps, times);
            self.count_more(probe, more);
        }
        let indices = self.indices(number);
        indices.into_iter().for_each(|index| {
            if !self.sums.all[index].waits {
                self.settle(index);
            }
        });
    }

    /// Ends the sums that wait.
    pub(super) fn finish_sums(&mut self) {
        for index in 0..self.sums.all.len() {
            if self.sums.all[index].waits {
                self.settle(index);
            }
        }
    }

    fn indices(&self, number: usize) -> Vec<usize> {
        let sums = &self.sums.of_loops[number];
        sums.slots.values().chain(sums.counts.values()).copied().collect()
    }

    fn begin_sums(&mut self, which: impl Fn(&Sum) -> bool) {
        for index in 0..self.sums.all.len() {
            if which(&self.sums.all[index]) {
                self.begin(index);
            }
        }
    }

    fn begin(&mut self, index: usize) {
        let Sum {
            reduction, registers, ..
        } = self.sums.all[index].clone();
        let identity = self.iconst(reduction.identity());
        let identity = self.builder.ins().splat(types::I64X2, identity);
        for register in registers {
            self.builder.def_var(register, identity);
        }
    }

    /// Puts a sum where it belongs.
    fn settle(&mut self, index: usize) {
        let Sum {
            reduction,
            registers,
            into,
            ..
        } = self.sums.all[index].clone();
        let mut parts: Vec<ClifValue> = registers
            .iter()
            .map(|&register| self.builder.use_var(register))
            .collect();
        while parts.len() > 1 {
            let pairs = parts.chunks(2).map(|pair| match *pair {
                [a, b] => self.reduced(reduction, a, b),
                _ => pair[0],
            });
            parts = pairs.collect();
        }
        let [a, b] = [0, 1].map(|lane| self.builder.ins().extractlane(parts[0], lane));
        let sum = self.reduced(reduction, a, b);
        match into {
            Into::Slot(slot) => {
                let before = self.slot_get(slot as usize)[0];
                let after = self.reduced(reduction, before, sum);
                self.slot_define(slot as usize, after);
            }
            Into::Probes(probes) => {
                for (probe, times) in probes {
                    let more = self.times(sum, times);
                    self.count_more(probe, more);
                }
            }
        }
    }

    /// Two numbers, or two registers of lanes, as one.
    pub(super) fn reduced(&mut self, reduction: Reduction, a: ClifValue, b: ClifValue) -> ClifValue {
        let ins = self.builder.ins();
        match reduction {
            Reduction::Add => ins.iadd(a, b),
            Reduction::Multiply => ins.imul(a, b),
            Reduction::Min => ins.smin(a, b),
            Reduction::Max => ins.smax(a, b),
            Reduction::And => ins.band(a, b),
            Reduction::Or => ins.bor(a, b),
            Reduction::Xor => ins.bxor(a, b),
        }
    }
}

/// How often laps are counted that a condition holds in: by conditions of which each is
/// counted where it holds. (Where one does not hold is where the one before holds, less
/// where it holds.)
fn counted(all: &[Predicate], predicate: PredicateIndex) -> Vec<(PredicateIndex, i64)> {
    match all[predicate] {
        Predicate::Always | Predicate::Where(_, _, true) => vec![(predicate, 1)],
        Predicate::Where(parent, value, false) => {
            let opposite = Predicate::Where(parent, value, true);
            let opposite = all.iter().position(|one| *one == opposite);
            let opposite = opposite.expect("INVARIANT: both ways of a branch are there");
            let mut terms = counted(all, parent);
            terms.push((opposite, -1));
            terms
        }
        Predicate::Either(a, b) => [counted(all, a), counted(all, b)].concat(),
    }
}
