//! Where lies what a chain keeps from one element to the next: its fuel, its probes and the
//! slots that own no bytes.

use cranelift_codegen::ir::Value as ClifValue;

use super::Lowerer;
use crate::context::offset;
use crate::strategy::Tier;

/// In registers code is fast. In memory it is compiled in three quarters of the time: what
/// lies in registers has to be brought to each block, and the single pass that allocates them
/// puts all of it into memory between blocks anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residence {
    Registers,
    Memory,
}

impl Residence {
    pub(super) fn of(tier: Tier) -> Residence {
        match tier {
            Tier::Quick => Residence::Memory,
            Tier::Full => Residence::Registers,
        }
    }
}

impl Lowerer<'_, '_> {
    pub(super) fn fuel(&mut self) -> ClifValue {
        match self.residence {
            Residence::Registers => self.builder.use_var(self.fuel),
            Residence::Memory => self.load_context(offset::FUEL),
        }
    }

    pub(super) fn set_fuel(&mut self, fuel: ClifValue) {
        match self.residence {
            Residence::Registers => self.builder.def_var(self.fuel, fuel),
            Residence::Memory => self.store_trusted(fuel, self.context, offset::FUEL),
        }
    }
}
