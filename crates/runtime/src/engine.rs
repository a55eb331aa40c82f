//! What turns a chain into something faster than the interpreter. The runtime knows
//! no more of native code than this.

use std::fmt;
use std::time::Duration;

use cutthrough_ir::{ChainCode, Exit, Grant};

/// A compiler of chains.
pub trait Engine: Send + Sync {
    /// Compiles a chain.
    ///
    /// # Errors
    /// When it refuses the chain or fails on it, why. The chain stays interpreted.
    fn compile(&self, chain: &ChainCode) -> Result<Box<dyn Specialised>, String>;

    /// What it would make of the chain, as text: intermediate forms and machine code.
    ///
    /// # Errors
    /// As [`compile`](Engine::compile).
    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String>;

    /// How long one compilation may take. A compiler that does not come back in that
    /// time, on its own thread, is given up, and the chain stays interpreted.
    fn patience(&self) -> Duration {
        Duration::from_millis(crate::limits::COMPILE_MS_MAX)
    }

    /// What its code memory holds, if it has one.
    fn code_memory(&self) -> Option<CodeMemory> {
        None
    }
}

/// The code memory of an engine, which several networks may share. All bytes are those of
/// whole pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CodeMemory {
    /// How many bytes it can hold.
    pub capacity_bytes: u64,
    /// How many it holds.
    pub used_bytes: u64,
    /// How many it has given out, all in all.
    pub allocated_bytes: u64,
    /// How many of these it has taken back.
    pub freed_bytes: u64,
}

/// What an engine makes of a chain, as text.
#[derive(Clone, Debug, Default)]
pub struct EngineDump {
    /// In which form it is compiled, and what that fell back from.
    pub strategy: String,
    /// The compiler's own intermediate form.
    pub clif: String,
    /// The machine code, each run of lines with the process that it came from.
    pub asm: String,
}

/// A compiled chain. Dropping it frees its code.
pub trait Specialised: Send {
    /// Runs it; it leaves exactly what [`ChainCode::interpret`] leaves.
    fn run(&self, grant: &mut Grant<'_>) -> Exit;

    /// In which form it was compiled, and what that fell back from: a line.
    fn strategy(&self) -> String {
        String::new()
    }

    /// The size of its code.
    fn code_bytes(&self) -> usize;
}

impl fmt::Debug for dyn Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}
