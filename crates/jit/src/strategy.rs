//! How a chain is compiled: [`choose`] tries the forms in order, and notes what it fell back
//! from.

use std::fmt;

use cutthrough_ir::passes::{batch, fold, simplify, unfold};
use cutthrough_ir::{ChainCode, Function};

use crate::accounts::Accounts;
use crate::vector::{Processor, VectorLoop, VectorLoops};

/// How much a compilation may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// As little as can be: code that is far from the best comes at once.
    Quick,
    /// What it takes to have the best code.
    #[default]
    Full,
}

/// How a chain was compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Strategy {
    /// How much that might cost.
    pub tier: Tier,
    /// Whether its flags became places in the code.
    pub unfolded: bool,
    /// Loops that settle how many steps they take before they start.
    pub batched: usize,
    /// Of these, loops that run several laps at once, in lanes.
    pub vectorised: usize,
    /// What was tried and not done, and why.
    pub fallbacks: Vec<String>,
}

/// What is lowered, and how it came about.
pub(crate) struct Chosen {
    pub(crate) function: Function,
    pub(crate) accounts: Accounts,
    pub(crate) vector_loops: Vec<VectorLoop>,
    pub(crate) strategy: Strategy,
}

/// Brings a chain into the form that is compiled: for the quick tier as it is, but for what
/// would only cost; for the full one the best that it can have.
pub(crate) fn choose(chain: &ChainCode, tier: Tier, processor: Processor) -> Chosen {
    let mut strategy = Strategy {
        tier,
        ..Strategy::default()
    };
    let mut function = simplify(&chain.function);
    if tier == Tier::Quick {
        return Chosen {
            accounts: Accounts::one_for_each(&mut function),
            function,
            vector_loops: Vec::new(),
            strategy,
        };
    }
    match unfold(&function, &chain.tables) {
        Some(unfolded) => {
            strategy.unfolded = true;
            function = unfolded;
        }
        None => strategy.fall_back("flags are kept: the chain would become too large".to_owned()),
    }
    let batched = batch(&function);
    strategy.batched = batched.loops;
    if batched.kept > 0 {
        strategy.fall_back(format!("{} loops take step by step", batched.kept));
    }
    let mut function = fold(&simplify(&batched.function));
    let accounts = Accounts::plan(&mut function);
    let VectorLoops { loops, scalar } = VectorLoops::find(&function, processor);
    strategy.vectorised = loops.len();
    for why in scalar {
        strategy.fall_back(format!("a loop takes element by element: {why}"));
    }
    Chosen {
        function,
        accounts,
        vector_loops: loops,
        strategy,
    }
}

impl Strategy {
    fn fall_back(&mut self, why: String) {
        if !self.fallbacks.contains(&why) {
            self.fallbacks.push(why);
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.tier, self.unfolded) {
            (Tier::Quick, _) => "quick",
            (Tier::Full, true) => "full: unfolded",
            (Tier::Full, false) => "full: plain",
        })?;
        match (self.batched, self.vectorised) {
            (0, _) => {}
            (batched, 0) => write!(f, ", batched loops: {batched}")?,
            (batched, vectorised) => {
                write!(f, ", batched loops: {batched}, of these vectorised: {vectorised}")?;
            }
        }
        for why in &self.fallbacks {
            write!(f, "; {why}")?;
        }
        Ok(())
    }
}
