//! Many plans, on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::check::check;
use crate::coverage::Coverage;
use crate::engines::EngineKind;
use crate::plan::Plan;
use crate::{enumerate, generate};
use cutthrough_test_support::Random;

/// What came of many plans.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was reached.
    pub coverage: Coverage,
    /// The seeds (or numbers of cases) that failed, and how.
    pub failures: Vec<(u64, String)>,
}

/// Which engines a plan is tried on besides the interpreter: two or three.
pub fn engines(seed: u64) -> Vec<EngineKind> {
    let mut rng = Random::new(seed ^ 0x5eed);
    let chain = if rng.chance(50) {
        EngineKind::Chain
    } else {
        EngineKind::Simplified
    };
    let native = *rng.pick(&[
        EngineKind::Quick,
        EngineKind::Native,
        EngineKind::Invalidated,
        EngineKind::Background,
        EngineKind::Unreliable,
    ]);
    vec![chain, native]
}

/// Tries the plans of so many seeds; calls `progress` with how many are done and have
/// failed.
pub fn random(
    first: u64,
    count: u64,
    size: usize,
    threads: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Outcome {
    run(count, threads, progress, &|index| {
        let seed = first.wrapping_add(index);
        (seed, generate::plan(seed, size), engines(seed))
    })
}

/// Tries all small plans; a failure has the number of its case.
pub fn enumerated(threads: usize, progress: &(dyn Fn(u64, u64) + Sync)) -> Outcome {
    let cases = enumerate::cases();
    run(cases.len() as u64, threads, progress, &|index| {
        let mut engines = vec![EngineKind::Chain];
        match index % 8 {
            0 => engines.push(EngineKind::Native),
            1 => engines.push(EngineKind::Invalidated),
            2 => engines.push(EngineKind::Quick),
            _ => engines.push(EngineKind::Simplified),
        }
        (index, enumerate::plan(&cases[index as usize]), engines)
    })
}

fn run(
    count: u64,
    threads: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
    plan_of: &(dyn Fn(u64) -> (u64, Plan, Vec<EngineKind>) + Sync),
) -> Outcome {
    let next = AtomicU64::new(0);
    let failed = AtomicU64::new(0);
    let outcome = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Outcome::default();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let (number, plan, engines) = plan_of(index);
                    if let Err(failure) = check(&plan, &engines, &mut mine.coverage) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        mine.failures.push((number, failure));
                    }
                    progress(index + 1, failed.load(Ordering::Relaxed));
                }
                if let Ok(mut all) = outcome.lock() {
                    all.coverage.merge(mine.coverage);
                    all.failures.extend(mine.failures);
                }
            });
        }
    });
    let mut outcome = outcome.into_inner().unwrap_or_default();
    outcome.failures.sort();
    outcome
}
