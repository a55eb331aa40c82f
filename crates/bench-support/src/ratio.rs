//! Interleaved measurements: on a noisy machine, ratios within one run are what can be
//! compared.

use std::time::{Duration, Instant};

/// Something that is measured beside others.
pub struct Contender<'c> {
    /// What the table calls it.
    pub name: &'static str,
    prepare: Box<dyn FnMut() -> Run<'c> + 'c>,
    times: Vec<Duration>,
    answers: Vec<i64>,
}

/// One repetition, prepared: it gives its answer.
pub type Run<'c> = Box<dyn FnOnce() -> i64 + 'c>;

impl<'c> Contender<'c> {
    /// `prepare` does what is not measured; what it gives back is.
    pub fn new(name: &'static str, prepare: impl FnMut() -> Run<'c> + 'c) -> Contender<'c> {
        Contender {
            name,
            prepare: Box::new(prepare),
            times: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// A function, measured as it is.
    pub fn function(name: &'static str, function: impl Fn() -> i64 + Clone + 'c) -> Contender<'c> {
        Contender::new(name, move || Box::new(function.clone()))
    }

    /// The shortest time of its repetitions.
    ///
    /// # Panics
    /// Before there are any.
    pub fn best(&self) -> Duration {
        *self.times.iter().min().expect("it has been measured")
    }

    /// The time in the middle.
    ///
    /// # Panics
    /// As [`best`](Contender::best).
    pub fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// Whether every repetition has given this.
    pub fn always_gave(&self, answer: i64) -> bool {
        self.answers.iter().all(|&given| given == answer)
    }
}

/// Measures all in turn, so many times.
pub fn take_turns(contenders: &mut [Contender<'_>], repetitions: usize) {
    for _ in 0..repetitions {
        for contender in contenders.iter_mut() {
            let run = (contender.prepare)();
            let start = Instant::now();
            let answer = run();
            contender.times.push(start.elapsed());
            contender.answers.push(answer);
        }
    }
}

/// Measures all in turn, so many times.
///
/// # Panics
/// When one gives another answer than expected: no number without the right answer.
pub fn interleave(expected: i64, contenders: &mut [Contender<'_>], repetitions: usize) {
    take_turns(contenders, repetitions);
    for contender in contenders {
        let is_right = contender.always_gave(expected);
        assert!(is_right, "`{}` gives another answer", contender.name);
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
