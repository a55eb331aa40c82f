//! Interleaved measurements: on a noisy machine, ratios within one run are what can be
//! compared. What runs on one thread is measured by the time that the processor gives to it,
//! so that it does not matter who else wants the processor.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The processor time that this thread has had.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Something that is measured beside others.
pub struct Contender<'c> {
    /// What the table calls it.
    pub name: &'static str,
    prepare: Box<dyn FnMut() -> Run<'c> + 'c>,
    has_threads: bool,
    times: Vec<Duration>,
    answers: Vec<i64>,
}

/// One repetition, prepared: it is called once, and gives its answer. It is dropped when the clock has
/// stopped, so what it keeps until then costs nothing.
pub type Run<'c> = Box<dyn FnMut() -> i64 + 'c>;

impl<'c> Contender<'c> {
    /// `prepare` does what is not measured; what it gives back is.
    pub fn new(name: &'static str, prepare: impl FnMut() -> Run<'c> + 'c) -> Contender<'c> {
        Contender {
            name,
            prepare: Box::new(prepare),
            has_threads: false,
            times: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// A function, measured as it is.
    pub fn function(name: &'static str, function: impl Fn() -> i64 + Clone + 'c) -> Contender<'c> {
        Contender::new(name, move || Box::new(function.clone()))
    }

    /// It starts threads, so it is measured by the clock on the wall.
    #[must_use]
    pub fn with_threads(self) -> Contender<'c> {
        Contender {
            has_threads: true,
            ..self
        }
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
            let mut run = (contender.prepare)();
            let (start, thread_start) = (Instant::now(), thread_time());
            let answer = run();
            let (own, all) = (thread_time() - thread_start, start.elapsed());
            contender
                .times
                .push(if contender.has_threads { all } else { own });
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
