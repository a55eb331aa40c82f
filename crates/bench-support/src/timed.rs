//! An engine that notes how long it compiles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cutthrough::ir::ChainCode;
use cutthrough::{Engine, EngineDump, Options, Specialised, Tier};

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
        let start = Instant::now();
        let outcome = self.engine.compile(chain, self.tier.unwrap_or(tier));
        let took = start.elapsed();
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
