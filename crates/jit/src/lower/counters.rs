//! Counters at the exit: what the chain's accounts say they are, from the probes' counts
//! (in registers) and the steps used (by the budget).

use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::{FunctionBuilder, Variable};

use super::Lowerer;
use crate::accounts::{Accounts, Sum, Term};
use crate::context::offset;

/// The registers of the probes.
pub(super) struct Probes(Vec<Variable>);

impl Probes {
    pub(super) fn new(accounts: &Accounts, builder: &mut FunctionBuilder<'_>) -> Probes {
        Probes(
            (0..accounts.probes)
                .map(|_| builder.declare_var(types::I64))
                .collect(),
        )
    }
}

impl Lowerer<'_, '_> {
    /// Sets all to 0.
    pub(super) fn start_probes(&mut self) {
        let zero = self.iconst(0);
        for &probe in &self.probes.0 {
            self.builder.def_var(probe, zero);
        }
    }

    /// Counts one.
    pub(super) fn count(&mut self, probe: usize) {
        let one = self.builder.ins().iconst(types::I64, 1);
        self.count_more(probe, one);
    }

    /// Counts so many.
    pub(super) fn count_more(&mut self, probe: usize, more: ClifValue) {
        let variable = self.probes.0[probe];
        let count = self.builder.use_var(variable);
        let count = self.builder.ins().iadd(count, more);
        self.builder.def_var(variable, count);
    }

    /// Adds what the chain has counted to the network's counters.
    pub(super) fn store_counters(&mut self) {
        let accounts = self.accounts;
        if accounts.sums.is_empty() {
            return;
        }
        let counts = self.load_context(offset::COUNTS);
        let mut known: Vec<(&Sum, ClifValue)> = Vec::new();
        for (counter, sum) in &accounts.sums {
            let index = counter.network_index(self.chain);
            let at = i32::try_from(index * 8).expect("INVARIANT: checked by Needs");
            let more = known.iter().find(|(same, _)| *same == sum).map(|&(_, more)| more);
            let more = more.unwrap_or_else(|| {
                let more = self.sum(sum);
                known.push((sum, more));
                more
            });
            let count = self.load_i64(counts, at);
            let count = self.builder.ins().iadd(count, more);
            self.store_trusted(count, counts, at);
        }
    }

    fn sum(&mut self, sum: &Sum) -> ClifValue {
        let mut total = self.iconst(0);
        for (&term, &times) in sum {
            let value = match term {
                Term::Probe(probe) => self.builder.use_var(self.probes.0[probe]),
                Term::Steps => self.steps_used(),
                Term::One => self.iconst(1),
            };
            let value = self.times(value, times);
            total = self.builder.ins().iadd(total, value);
        }
        total
    }
}
