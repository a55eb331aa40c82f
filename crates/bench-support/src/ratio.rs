//! Interleaved measurements: on a noisy machine, ratios within one run are what can be
//! compared.

use std::time::{Duration, Instant};

/// Something that is measured beside others.
pub struct Contender<'c> {
    /// What the table calls it.
    pub name: &'static str,
    prepare: Box<dyn FnMut() -> Run<'c> + 'c>,
    best: Duration,
}

/// One repetition, prepared: it gives its answer.
pub type Run<'c> = Box<dyn FnOnce() -> i64 + 'c>;

impl<'c> Contender<'c> {
    /// `prepare` does what is not measured; what it gives back is.
    pub fn new(name: &'static str, prepare: impl FnMut() -> Run<'c> + 'c) -> Contender<'c> {
        Contender {
            name,
            prepare: Box::new(prepare),
            best: Duration::MAX,
        }
    }

    /// A function, measured as it is.
    pub fn function(name: &'static str, function: impl Fn() -> i64 + Clone + 'c) -> Contender<'c> {
        Contender::new(name, move || Box::new(function.clone()))
    }

    /// The shortest time of its repetitions.
    pub fn best(&self) -> Duration {
        self.best
    }
}

/// Measures all in turn, so many times.
///
/// # Panics
/// When one gives another answer than expected: no number without the right answer.
pub fn interleave(expected: i64, contenders: &mut [Contender<'_>], repetitions: usize) {
    for _ in 0..repetitions {
        for contender in contenders.iter_mut() {
            let run = (contender.prepare)();
            let start = Instant::now();
            let answer = run();
            let took = start.elapsed();
            assert_eq!(answer, expected, "`{}` gives another answer", contender.name);
            contender.best = contender.best.min(took);
        }
    }
}

/// How much longer one took than another.
pub fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// Nanoseconds for each element.
pub fn per_element(time: Duration, elements: u64) -> f64 {
    time.as_secs_f64() * 1e9 / elements as f64
}

/// The geometric mean.
pub fn geomean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}
