//! Probes: what a chain counts of itself. What its counters are follows from them when its
//! code has returned ([`Ledger`](crate::accounts::Ledger)).

use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::Variable;

use super::Lowerer;
use super::residence::Residence;
use crate::context::offset;

/// Where the probes count.
pub(super) enum Probes {
    /// In registers, until the exit.
    Registers(Vec<Variable>),
    /// In the words at this address.
    Memory(ClifValue),
}

impl Lowerer<'_, '_> {
    /// Sets all to 0; those in memory are.
    pub(super) fn start_probes(&mut self) {
        self.probes = match self.residence {
            Residence::Registers => {
                let zero = self.iconst(0);
                let probes = 0..self.accounts.probes;
                let probes: Vec<Variable> = probes.map(|_| self.builder.declare_var(types::I64)).collect();
                probes.iter().for_each(|&probe| self.builder.def_var(probe, zero));
                Probes::Registers(probes)
            }
            Residence::Memory => Probes::Memory(self.load_context(offset::PROBES)),
        };
    }

    /// Counts one.
    pub(super) fn count(&mut self, probe: usize) {
        let one = self.builder.ins().iconst(types::I64, 1);
        self.count_more(probe, one);
    }

    /// Counts so many.
    pub(super) fn count_more(&mut self, probe: usize, more: ClifValue) {
        match self.probes {
            Probes::Registers(ref probes) => {
                let probe = probes[probe];
                let count = self.builder.use_var(probe);
                let count = self.builder.ins().iadd(count, more);
                self.builder.def_var(probe, count);
            }
            Probes::Memory(words) => {
                let at = probe_offset(probe);
                let count = self.load_i64(words, at);
                let count = self.builder.ins().iadd(count, more);
                self.store_trusted(count, words, at);
            }
        }
    }

    /// Stores those that are in registers.
    pub(super) fn finish_probes(&mut self) {
        let Probes::Registers(probes) = &self.probes else {
            return;
        };
        let probes = probes.clone();
        if probes.is_empty() {
            return;
        }
        let words = self.load_context(offset::PROBES);
        for (probe, variable) in probes.into_iter().enumerate() {
            let count = self.builder.use_var(variable);
            self.store_trusted(count, words, probe_offset(probe));
        }
    }
}

fn probe_offset(probe: usize) -> i32 {
    i32::try_from(probe * 8).expect("INVARIANT: a chain has fewer instructions")
}
