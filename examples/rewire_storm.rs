//! Numbered elements run through a chain at full rate while threads change it: they
//! insert processes and take them out, swap programs, replace processes, attach taps and
//! detach them, at random. At the end every element has arrived once and in order.
//!
//! ```sh
//! cargo run --release --example rewire_storm -- --elements 10000000 --rewires 2000
//! ```
//!
//! Options: `--elements N` (1,000,000), `--rewires N` (1,000), `--threads N` (4),
//! `--pause-us N` (20,000; what a thread waits between two rewires, on average), `--seed
//! N` (1). The source goes on until both numbers are reached. The gaps reported are
//! between the arrivals of elements 32 apart, so that the clock is not what is measured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cutthrough::ir::{End, Op, SlotDecl, Type, Value};
use cutthrough::processes::{BranchPolicy, Copy, ForEach, Map, Tee};
use cutthrough::{
    Error, Fragment, Handle, Network, Pending, Port, Process, ProcessId, Progress, Rewire, Shape,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse()?;
    let mut network = Network::default();
    let source = network.add(Count)?;
    let (segments, last) = segments(&mut network, source, options.threads)?;
    let arrivals = Arc::new(Mutex::new(Arrivals::default()));
    let seen = Arc::new(AtomicU64::new(0));
    network.sink(last, arrivals_sink(arrivals.clone(), seen.clone()))?;

    let stop = Arc::new(AtomicBool::new(false));
    let applied = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = segments
        .into_iter()
        .enumerate()
        .map(|(k, segment)| {
            let (handle, stop, applied) = (network.handle(), stop.clone(), applied.clone());
            let random = Random(options.seed.wrapping_mul(0x9e37_79b9).wrapping_add(k as u64 + 1));
            let pause_us = options.pause_us;
            std::thread::spawn(move || storm(&handle, segment, random, pause_us, &stop, &applied))
        })
        .collect();

    let began = Instant::now();
    let mut shown = began;
    loop {
        let progress = network.run_steps(1 << 16)?;
        network.remove_finished();
        if shown.elapsed() > Duration::from_secs(1) {
            shown = Instant::now();
            let (seen, applied) = (seen.load(Ordering::Relaxed), applied.load(Ordering::Relaxed));
            eprintln!(
                "{seen} elements, {applied} rewires, {:?}",
                network.report().specialisations
            );
        }
        let enough = seen.load(Ordering::Relaxed) >= options.elements
            && applied.load(Ordering::Relaxed) >= options.rewires;
        if enough || progress == Progress::Done {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while threads.iter().any(|thread| !thread.is_finished()) {
        network.run_steps(1 << 10)?;
    }
    network.remove(source)?;
    network.run()?;
    let elapsed = began.elapsed().as_secs_f64();
    network.check_conservation()?;

    let arrivals = arrivals.lock().expect("no thread has panicked");
    println!("{} elements arrived, each once and in order", arrivals.next);
    println!(
        "{} rewires by {} threads",
        applied.load(Ordering::Relaxed),
        options.threads
    );
    println!(
        "{:.1} M elements/s, {:.0} rewires/s",
        arrivals.next as f64 / elapsed / 1e6,
        applied.load(Ordering::Relaxed) as f64 / elapsed
    );
    println!("gaps: {}", arrivals.gaps);
    println!("chains: {:?}", network.report().specialisations);
    if arrivals.wrong > 0 {
        return Err(format!(
            "{} elements came out of order, were lost or doubled",
            arrivals.wrong
        )
        .into());
    }
    Ok(())
}

struct Options {
    elements: u64,
    rewires: u64,
    threads: usize,
    pause_us: u64,
    seed: u64,
}

impl Options {
    fn parse() -> Result<Options, String> {
        let mut options = Options {
            elements: 1_000_000,
            rewires: 1_000,
            threads: 4,
            pause_us: 20_000,
            seed: 1,
        };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().and_then(|text| text.parse::<u64>().ok());
            let value = value.ok_or_else(|| format!("`{name}` takes a number"))?;
            match name.as_str() {
                "--elements" => options.elements = value,
                "--rewires" => options.rewires = value,
                "--threads" => options.threads = usize::try_from(value).map_err(|error| error.to_string())?,
                "--pause-us" => options.pause_us = value,
                "--seed" => options.seed = value,
                _ => {
                    return Err(format!(
                        "there is no option `{name}`; see the comment at the top of the example"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Gives 0, 1, 2, and so on without end.
struct Count;

impl Process for Count {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("count");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", 0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, one) = (f.slot_get(0), f.iconst(1));
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        f.emit(0, &[next]);
        f.end(End::Again);
    }
}

/// The part of the chain that one thread changes: what is behind an output, up to the
/// copy with which the next part begins.
struct Segment {
    from: Port,
    /// The processes between, in order; each with whether its program can be swapped.
    between: Vec<(ProcessId, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    Copy,
    /// A tee, and the sink of its second branch.
    Tap(ProcessId),
}

fn segments(
    network: &mut Network,
    source: ProcessId,
    count: usize,
) -> Result<(Vec<Segment>, cutthrough::FlowPoint<i64>), Error> {
    let mut segments = Vec::new();
    let mut from = Port {
        process: source,
        port: 0,
    };
    let mut point = network.point::<i64>("0")?;
    network.attach_output(source, 0, point)?;
    for k in 0..count {
        segments.push(Segment {
            from,
            between: Vec::new(),
        });
        let anchor = network.add(Copy::new(Type::I64))?;
        network.attach_input(anchor, 0, point)?;
        point = network.point::<i64>(&(k + 1).to_string())?;
        network.attach_output(anchor, 0, point)?;
        from = Port {
            process: anchor,
            port: 0,
        };
    }
    Ok((segments, point))
}

/// Changes a segment over and over, one rewire at a time.
fn storm(
    handle: &Handle,
    segment: Segment,
    mut random: Random,
    pause_us: u64,
    stop: &AtomicBool,
    applied: &AtomicU64,
) {
    let segment = Arc::new(Mutex::new(segment));
    while !stop.load(Ordering::Relaxed) {
        let (segment, choice) = (segment.clone(), random.next());
        let request = handle.request(move |network| {
            let mut segment = segment.lock().expect("no thread has panicked");
            network.rewire(|rewire| segment.change(rewire, choice))
        });
        // The storm has ended if the network is gone.
        let Ok(Ok(outcome)) = request.map(Pending::wait) else {
            return;
        };
        outcome.unwrap_or_else(|error| panic!("a rewire was refused: {error}"));
        applied.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(random.next() % (2 * pause_us + 1)));
    }
}

impl Segment {
    fn change(&mut self, rewire: &mut Rewire<'_>, choice: u64) -> Result<(), Error> {
        let place = (choice >> 8) as usize % (self.between.len() + 1);
        let is_inner = place < self.between.len();
        match choice % 5 {
            _ if self.between.len() >= 6 => self.take_out(rewire, place.min(5)),
            0 => self.put_in(rewire, place, Kind::Map),
            1 => self.put_in(rewire, place, Kind::Copy),
            2 => self.tap(rewire, place),
            3 if is_inner => self.take_out(rewire, place),
            4 if is_inner && self.between[place].1 == Kind::Map => {
                rewire.swap(self.between[place].0, identity(choice))
            }
            4 if is_inner && self.between[place].1 == Kind::Copy => {
                self.take_out(rewire, place)?;
                self.put_in(rewire, place, Kind::Copy)
            }
            _ => self.put_in(rewire, place, Kind::Map),
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

    fn put_in(&mut self, rewire: &mut Rewire<'_>, k: usize, kind: Kind) -> Result<(), Error> {
        let process = match kind {
            Kind::Map => rewire.add(identity(k as u64))?,
            _ => rewire.add(Copy::new(Type::I64))?,
        };
        rewire.insert(self.behind(k), process)?;
        self.between.insert(k, (process, kind));
        Ok(())
    }

    fn tap(&mut self, rewire: &mut Rewire<'_>, k: usize) -> Result<(), Error> {
        let tee = rewire.add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Drop]))?;
        let sink = rewire.add(ForEach::new(|_: i64| {}))?;
        rewire.insert(self.behind(k), tee)?;
        let tapped = rewire.point("tap", Type::I64)?;
        rewire.attach_output(tee, 1, tapped)?;
        rewire.attach_input(sink, 0, tapped)?;
        self.between.insert(k, (tee, Kind::Tap(sink)));
        Ok(())
    }

    /// Takes a process out: what went into it goes where its output went.
    fn take_out(&mut self, rewire: &mut Rewire<'_>, k: usize) -> Result<(), Error> {
        let (process, kind) = self.between.remove(k);
        let behind = self.behind(k);
        let point = rewire.detach_output(process, 0)?;
        let between = rewire.detach_output(behind.process, behind.port)?;
        rewire.remove(process)?;
        rewire.attach_output(behind.process, behind.port, point)?;
        rewire.remove_point(between)?;
        if let Kind::Tap(sink) = kind {
            let tapped = rewire.detach_input(sink, 0)?;
            rewire.remove(sink)?;
            rewire.remove_point(tapped)?;
        }
        Ok(())
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
        let mut arrivals = arrivals.lock().expect("no thread has panicked");
        arrivals.wrong += u64::from(number.cast_unsigned() != arrivals.next);
        arrivals.next += 1;
        if arrivals.next.is_multiple_of(32) {
            let now = Instant::now();
            if let Some(last) = arrivals.last.replace(now) {
                arrivals.gaps.add((now - last).as_nanos() as u64);
            }
            seen.store(arrivals.next, Ordering::Relaxed);
        }
    })
}

/// A histogram of durations, in eighths of powers of two.
#[derive(Clone, Debug)]
struct Gaps {
    counts: Vec<u64>,
    max: u64,
}

impl Default for Gaps {
    fn default() -> Gaps {
        Gaps {
            counts: vec![0; 64 * 8],
            max: 0,
        }
    }
}

impl Gaps {
    fn add(&mut self, nanos: u64) {
        let nanos = nanos.max(8);
        let power = nanos.ilog2();
        let eighth = (nanos >> (power - 3)) & 7;
        self.counts[(power * 8) as usize + eighth as usize] += 1;
        self.max = self.max.max(nanos);
    }

    fn percentile(&self, share: f64) -> u64 {
        let all: u64 = self.counts.iter().sum();
        let mut left = (all as f64 * share) as u64;
        for (k, &count) in self.counts.iter().enumerate() {
            if left < count {
                let (power, eighth) = (k as u32 / 8, k as u64 % 8);
                return (8 + eighth + 1) << power >> 3;
            }
            left -= count;
        }
        self.max
    }
}

impl std::fmt::Display for Gaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = |nanos: u64| nanos as f64 / 1e3;
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| us(self.percentile(share)));
        write!(
            f,
            "p50 {p50:.2} us, p99 {p99:.2} us, p99.9 {p999:.2} us, max {:.0} us",
            us(self.max)
        )
    }
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
}
