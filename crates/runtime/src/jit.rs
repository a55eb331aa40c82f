//! The engine that comes with the crate: Cranelift, where the feature `jit` is on and
//! the platform has a code memory.

use std::sync::Arc;

use cutthrough_ir::{ChainCode, Exit, Grant};
use cutthrough_jit::{DumpKinds, Jit, JitOptions, NativeChain};

use crate::engine::{CodeMemory, Engine, EngineDump, Specialised, Tier};

/// The engine, if it works here.
pub(crate) fn engine() -> Option<Arc<dyn Engine>> {
    match Jit::new(JitOptions::default()) {
        Ok(jit) => Some(Arc::new(jit)),
        Err(error) => {
            tracing::warn!(%error, "no native code on this machine");
            None
        }
    }
}

impl Engine for Jit {
    fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<Box<dyn Specialised>, String> {
        let tier = match tier {
            Tier::Quick => cutthrough_jit::Tier::Quick,
            Tier::Full => cutthrough_jit::Tier::Full,
        };
        match Jit::compile(self, chain, tier) {
            Ok(code) => Ok(Box::new(code)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String> {
        let (_, dump) = self
            .compile_with_dump(chain, cutthrough_jit::Tier::Full, DumpKinds::ALL)
            .map_err(|error| error.to_string())?;
        Ok(EngineDump {
            strategy: dump.strategy.to_string(),
            clif: dump.clif_optimized.unwrap_or_default(),
            asm: dump.disassembly.unwrap_or_default(),
        })
    }

    fn code_memory(&self) -> Option<CodeMemory> {
        let stats = Jit::code_memory(self).stats();
        Some(CodeMemory {
            capacity_bytes: stats.capacity_bytes as u64,
            used_bytes: stats.used_bytes as u64,
            allocated_bytes: stats.allocated_bytes_total,
            freed_bytes: stats.freed_bytes_total,
        })
    }
}

impl Specialised for NativeChain {
    fn run(&self, grant: &mut Grant<'_>) -> Exit {
        NativeChain::run(self, grant)
    }

    fn tier(&self) -> Tier {
        match NativeChain::strategy(self).tier {
            cutthrough_jit::Tier::Quick => Tier::Quick,
            cutthrough_jit::Tier::Full => Tier::Full,
        }
    }

    fn strategy(&self) -> String {
        NativeChain::strategy(self).to_string()
    }

    fn code_bytes(&self) -> usize {
        NativeChain::code_bytes(self)
    }
}
