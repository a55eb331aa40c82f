//! Numbered elements run through a chain at full rate while threads change it: they
//! insert processes and remove them, swap programs, replace processes, attach taps and
//! detach them, at random. At the end every element has arrived once and in order, and all
//! counts add up.
//!
//! ```sh
//! cargo run --release --example rewire_storm -- --elements 1000000000 --rewires 1000000
//! ```
//!
//! `--help` lists the options. The source goes on until as many elements and rewires are
//! reached as are asked for. The gaps reported are between the arrivals of elements 32
//! apart, so that the clock is not what is measured.
//!
//! When anything is wrong, it says so in one line that runs the same again, and exits
//! with 1. (The seed decides what each thread does; not when.)

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use cutthrough::ir::{Op, Type, Value};
use cutthrough::processes::{BranchPolicy, ForEach, Map, Pass, Tee};
use cutthrough::{
    Error, FlowPoint, Handle, Network, Pending, Port, Process, ProcessId, Rewire, SpecialisationCounts,
};
use cutthrough_bench_support::{Count, Gaps};

fn main() -> ExitCode {
    let storm = Storm::parse();
    match storm.run(|progress| eprintln!("{progress}")) {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("{storm}  # {what}");
            ExitCode::FAILURE
        }
    }
}

/// Changes a chain at random while numbered elements run through it.
#[derive(Clone, Copy, Debug, clap::Parser)]
pub(crate) struct Storm {
    /// Elements that arrive, at least.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) elements: u64,
    /// Rewires that are applied, at least.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) rewires: u64,
    /// Threads that make them.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=32))]
    pub(crate) threads: u64,
    /// Rewires that a thread makes in a row, on average.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) burst: u64,
    /// How long it waits then, on average: long enough, now and then, for the chain to
    /// become native.
    #[arg(long, default_value_t = 150_000)]
    pub(crate) pause_us: u64,
    /// Decides what each thread does.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What came of a storm.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Elements that have arrived, each once and in order.
    pub(crate) elements: u64,
    /// Rewires by kind.
    pub(crate) rewires: [u64; KINDS.len()],
    /// How long it took.
    pub(crate) time: Duration,
    gaps: Gaps,
    /// What happened to chains.
    pub(crate) chains: SpecialisationCounts,
}

/// The kinds of rewires.
const KINDS: [&str; 6] = ["inserted", "tapped", "removed", "untapped", "swapped", "replaced"];

impl Storm {
    /// Lets it loose; `tell` is told every ten seconds how far it is.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn run(&self, tell: impl Fn(String)) -> Result<Outcome, String> {
        let mut network = Network::default();
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let seen = Arc::new(AtomicU64::new(0));
        let (source, segments) =
            wire(&mut network, self.threads, &arrivals, &seen).map_err(|error| error.to_string())?;
        let shared = Arc::new(Shared::default());
        let threads: Vec<_> = segments
            .into_iter()
            .enumerate()
            .map(|(k, segment)| {
                let (storm, handle, shared) = (*self, network.handle(), shared.clone());
                let random = Random(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(k as u64 + 1));
                std::thread::spawn(move || storm.rage(&handle, segment, random, &shared))
            })
            .collect();
        let began = Instant::now();
        let stormed = self.drive(&mut network, &shared, &seen, began, tell);
        shared.stop.store(true, Ordering::Relaxed);
        while threads.iter().any(|thread| !thread.is_finished()) && stormed.is_ok() {
            network.run_steps(1 << 10).map_err(|error| error.to_string())?;
        }
        stormed?;
        network.remove(source).map_err(|error| error.to_string())?;
        network.run().map_err(|error| error.to_string())?;
        let time = began.elapsed();
        network.check_conservation().map_err(|error| error.to_string())?;
        let arrivals = lock(&arrivals);
        if arrivals.wrong > 0 {
            return Err(format!(
                "{} of {} elements came out of order, were lost or doubled",
                arrivals.wrong, arrivals.next
            ));
        }
        Ok(Outcome {
            elements: arrivals.next,
            rewires: shared
                .applied
                .each_ref()
                .map(|count| count.load(Ordering::Relaxed)),
            time,
            gaps: arrivals.gaps.clone(),
            chains: network.report().specialisations,
        })
    }

    /// Runs the network until enough has happened.
    fn drive(
        &self,
        network: &mut Network,
        shared: &Shared,
        seen: &AtomicU64,
        began: Instant,
        tell: impl Fn(String),
    ) -> Result<(), String> {
        let mut told = Instant::now();
        loop {
            network.run_steps(1 << 16).map_err(|error| error.to_string())?;
            network.remove_finished();
            if let Some(refused) = lock(&shared.refused).take() {
                return Err(format!("a rewire was refused: {refused}"));
            }
            let (elements, rewires) = (seen.load(Ordering::Relaxed), shared.rewires());
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                network.check_conservation().map_err(|error| error.to_string())?;
                let counts = network.report().specialisations;
                let seconds = began.elapsed().as_secs();
                tell(format!(
                    "{seconds} s: {elements} elements, {rewires} rewires, {counts:?}"
                ));
            }
            if elements >= self.elements && rewires >= self.rewires {
                return Ok(());
            }
        }
    }

    /// Changes a segment over and over, one rewire at a time.
    fn rage(&self, handle: &Handle, segment: Segment, mut random: Random, shared: &Shared) {
        let segment = Arc::new(Mutex::new(segment));
        loop {
            for _ in 0..=random.below(2 * self.burst) {
                if shared.stop.load(Ordering::Relaxed) {
                    return;
                }
                let (segment, choice) = (segment.clone(), random.next());
                let request = handle
                    .request(move |network| network.rewire(|rewire| lock(&segment).change(rewire, choice)));
                // The storm has ended if the network is gone.
                let Ok(Ok(outcome)) = request.map(Pending::wait) else {
                    return;
                };
                match outcome {
                    Ok(kind) => shared.applied[kind].fetch_add(1, Ordering::Relaxed),
                    Err(error) => {
                        *lock(&shared.refused) = Some(error);
                        return;
                    }
                };
            }
            std::thread::sleep(Duration::from_micros(random.below(2 * self.pause_us + 1)));
        }
    }
}

impl std::fmt::Display for Storm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Storm {
            elements,
            rewires,
            threads,
            burst,
            pause_us,
            seed,
        } = self;
        write!(
            f,
            "cargo run --release --example rewire_storm -- --elements {elements} --rewires {rewires} \
             --threads {threads} --burst {burst} --pause-us {pause_us} --seed {seed}"
        )
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.time.as_secs_f64();
        let rewires: u64 = self.rewires.iter().sum();
        writeln!(f, "{} elements arrived, each once and in order", self.elements)?;
        let kinds = KINDS.iter().zip(self.rewires);
        let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{count} {kind}")).collect();
        writeln!(f, "{rewires} rewires: {}", kinds.join(", "))?;
        writeln!(
            f,
            "{seconds:.1} s: {:.2} M elements/s, {:.0} rewires/s",
            self.elements as f64 / seconds / 1e6,
            rewires as f64 / seconds
        )?;
        writeln!(f, "gaps: {}", self.gaps)?;
        write!(f, "chains: {:?}", self.chains)
    }
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    applied: [AtomicU64; KINDS.len()],
    refused: Mutex<Option<Error>>,
}

impl Shared {
    fn rewires(&self) -> u64 {
        self.applied
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked")
}

/// A source, a segment for each thread, and the sink.
fn wire(
    network: &mut Network,
    threads: u64,
    arrivals: &Arc<Mutex<Arrivals>>,
    seen: &Arc<AtomicU64>,
) -> Result<(ProcessId, Vec<Segment>), Error> {
    let source = network.add(Count)?;
    let mut from = Port {
        process: source,
        port: 0,
    };
    let mut point: FlowPoint<i64> = network.point("0")?;
    network.attach_output(source, 0, point)?;
    let mut segments = Vec::new();
    for k in 1..=threads {
        segments.push(Segment {
            from,
            between: Vec::new(),
        });
        let anchor = network.add(Pass::new(Type::I64))?;
        network.attach_input(anchor, 0, point)?;
        point = network.point(&k.to_string())?;
        network.attach_output(anchor, 0, point)?;
        from = Port {
            process: anchor,
            port: 0,
        };
    }
    network.sink(point, arrivals_sink(arrivals.clone(), seen.clone()))?;
    Ok((source, segments))
}

/// The part of the chain that one thread changes: what is behind an output, up to the
/// copy with which the next part begins.
struct Segment {
    from: Port,
    /// The processes between, in order.
    between: Vec<(ProcessId, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    Copy,
    /// A tee, and the sink of its second branch.
    Tap(ProcessId),
}

impl Segment {
    /// Makes one change; which kind it was.
    fn change(&mut self, rewire: &mut Rewire<'_>, choice: u64) -> Result<usize, Error> {
        let place = (choice >> 8) as usize % (self.between.len() + 1);
        let there = self.between.get(place).map(|(process, kind)| (*process, *kind));
        match (choice % 5, there) {
            _ if self.between.len() >= 6 => self.take_out(rewire, place.min(5)),
            (0, _) => self.put_in(rewire, place, Kind::Map),
            (1, _) => self.tap(rewire, place),
            (2 | 3, Some(_)) => self.take_out(rewire, place),
            (4, Some((process, Kind::Map))) => {
                rewire.swap(process, identity(choice))?;
                Ok(4)
            }
            (4, Some((_, Kind::Copy))) => {
                self.take_out(rewire, place)?;
                self.put_in(rewire, place, Kind::Copy)?;
                Ok(5)
            }
            _ => self.put_in(rewire, place, Kind::Copy),
        }
    }

    /// The output behind which place `k` is.
    fn behind(&self, k: usize) -> Port {
        if k == 0 {
            self.from
        } else {
            Port {
                process: self.between[k - 1].0,
                port: 0,
            }
        }
    }

    fn put_in(&mut self, rewire: &mut Rewire<'_>, k: usize, kind: Kind) -> Result<usize, Error> {
        let process = match kind {
            Kind::Map => rewire.add(identity(k as u64))?,
            _ => rewire.add(Pass::new(Type::I64))?,
        };
        rewire.insert(self.behind(k), process)?;
        self.between.insert(k, (process, kind));
        Ok(0)
    }

    fn tap(&mut self, rewire: &mut Rewire<'_>, k: usize) -> Result<usize, Error> {
        let tee = rewire.add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Drop]))?;
        let sink = rewire.add(ForEach::new(|_: i64| {}))?;
        rewire.insert(self.behind(k), tee)?;
        let tapped = rewire.point("tap", Type::I64)?;
        rewire.attach_output(tee, 1, tapped)?;
        rewire.attach_input(sink, 0, tapped)?;
        self.between.insert(k, (tee, Kind::Tap(sink)));
        Ok(1)
    }

    /// Takes a process out: what went into it goes where its output went.
    fn take_out(&mut self, rewire: &mut Rewire<'_>, k: usize) -> Result<usize, Error> {
        let (process, kind) = self.between.remove(k);
        assert!(rewire.take_out(process)?, "nothing is dealt out between them");
        let Kind::Tap(sink) = kind else { return Ok(2) };
        let tapped = rewire.detach_input(sink, 0)?;
        rewire.remove(sink)?;
        rewire.remove_point(tapped)?;
        Ok(3)
    }
}

/// A map that changes nothing, in one of many ways.
fn identity(choice: u64) -> impl Process {
    let amount = (choice >> 16).cast_signed();
    Map::new(Type::I64, Type::I64, move |f, x: &[Value]| {
        let amount = f.iconst(amount);
        let there = f.op(Op::Iadd, &[x[0], amount]);
        vec![f.op(Op::Isub, &[there, amount])]
    })
}

/// What has arrived.
#[derive(Default)]
struct Arrivals {
    next: u64,
    wrong: u64,
    last: Option<Instant>,
    gaps: Gaps,
}

fn arrivals_sink(arrivals: Arc<Mutex<Arrivals>>, seen: Arc<AtomicU64>) -> impl Process {
    ForEach::new(move |number: i64| {
        let mut arrivals = lock(&arrivals);
        arrivals.wrong += u64::from(number.cast_unsigned() != arrivals.next);
        arrivals.next += 1;
        if arrivals.next.is_multiple_of(32) {
            let now = Instant::now();
            if let Some(last) = arrivals.last.replace(now) {
                arrivals.gaps.add(now - last);
            }
            seen.store(arrivals.next, Ordering::Relaxed);
        }
    })
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
