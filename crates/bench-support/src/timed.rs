//! An engine that notes how much processor time it compiles for.

use std::sync::Arc;
use std::time::Duration;

use cutthrough::ir::ChainCode;
use cutthrough::{Engine, EngineDump, Options, Specialised, Tier};

use crate::ratio::thread_time;

/// The engine that is built in, with a clock.
pub struct TimedEngine {
    engine: Arc<dyn Engine>,
    /// What is asked for is replaced by this.
    tier: Option<Tier>,
    noted: std::sync::Mutex<Vec<(ChainCode, Duration)>>,
}

impl TimedEngine {
    /// The built-in engine with a clock; none where there is no engine.
    pub fn new() -> Option<Arc<TimedEngine>> {
        TimedEngine::with_tier(None)
    }

    /// The same, which compiles everything in one tier.
    pub fn of_tier(tier: Tier) -> Option<Arc<TimedEngine>> {
        TimedEngine::with_tier(Some(tier))
    }

    fn with_tier(tier: Option<Tier>) -> Option<Arc<TimedEngine>> {
        let engine = Options::default().engine?;
        Some(Arc::new(TimedEngine {
            engine,
            tier,
            noted: std::sync::Mutex::default(),
        }))
    }

    /// The chains compiled since the last call, and how long each took.
    ///
    /// # Panics
    /// When a thread panicked while it noted something.
    pub fn take(&self) -> Vec<(ChainCode, Duration)> {
        std::mem::take(&mut self.noted.lock().expect("nothing panics here"))
    }
}

impl Engine for TimedEngine {
    fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<Box<dyn Specialised>, String> {
        let start = thread_time();
        let outcome = self.engine.compile(chain, self.tier.unwrap_or(tier));
        let took = thread_time() - start;
        self.noted
            .lock()
            .map_err(|error| error.to_string())?
            .push((chain.clone(), took));
        outcome
    }

    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String> {
        self.engine.dump(chain)
    }
}
