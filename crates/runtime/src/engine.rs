//! What turns a chain into something faster than the interpreter. The runtime knows
//! no more of native code than this.

use std::fmt;
use std::time::Duration;

use cutthrough_ir::{ChainCode, Exit, Grant};

/// How much a compilation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Tier {
    /// As little as can be, for native code that comes at once.
    Quick,
    /// What it takes to have the best native code.
    Full,
}

impl Tier {
    /// Both, the cheaper one first.
    pub const ALL: [Tier; 2] = [Tier::Quick, Tier::Full];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Quick => "quick",
            Tier::Full => "full",
        })
    }
}

/// A compiler of chains.
pub trait Engine: Send + Sync {
    /// Compiles a chain, on any thread, several at once. An engine that has one kind of code
    /// makes that for both tiers.
    ///
    /// # Errors
    /// When it refuses the chain or fails on it, why. The chain stays as it is: interpreted,
    /// or native by the code of the quick tier.
    fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<Box<dyn Specialised>, String>;

    /// What it would make of the chain in the full tier, as text: intermediate forms and machine code.
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

    /// Of which tier it is.
    fn tier(&self) -> Tier {
        Tier::Full
    }

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
