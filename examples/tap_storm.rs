//! Elements run through a chain at full rate while a thread attaches a tap to it and
//! detaches it, over and over. It prints what the tap costs: how long the flow pauses when
//! the tap comes or goes, how much longer an element takes while it is there, and whether
//! the flow is as fast as before when it has gone.
//!
//! ```sh
//! cargo run --release --example tap_storm -- --taps 10000
//! ```
//!
//! Options: `--taps N` (10,000), `--tapped-us N` (1,000; how long each stays), `--pause-us
//! N` (1,000; and how long until the next), `--pipeline TEXT` (`where value % 1001 == 0`).
//!
//! What is biased here: the chain does next to nothing, some 13 ns for an element that
//! arrives, the call of the sink included, so that any pause and any cost shows; a flow that
//! parses text has much more to do. Gaps are those between the arrivals of elements 32 apart. On a busy machine most
//! long ones are not ours: the running thread had no processor. So each is also given in
//! processor time of that thread, with an error of some 10 us upwards; what an element
//! costs is given in nothing else. For
//! comparison, the same is measured over as many quiet windows, in which nothing is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cutthrough::ir::{End, Op, SlotDecl, Type};
use cutthrough::processes::{Filter, ForEach, Map};
use cutthrough::{Fragment, Handle, Network, Process, Shape};
use cutthrough_lang::{Tap, TapOptions, TapPlan, TapPoint, TapRead, TapReader};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let options = Options::parse()?;
    let mut network = Network::default();
    let numbers = network.source::<i64>(Count)?;
    let odd = network.pipe::<i64, i64>(
        numbers,
        Filter::new(Type::I64, |f, x| {
            let one = f.iconst(1);
            let bit = f.op(Op::Iand, &[x[0], one]);
            f.op(Op::Ieq, &[bit, one])
        }),
    )?;
    let mixed = network.pipe::<i64, i64>(
        odd,
        Map::new(Type::I64, Type::I64, |f, x| {
            let three = f.iconst(3);
            vec![f.op(Op::Imul, &[x[0], three])]
        }),
    )?;
    let watch = Arc::new(Watch::default());
    network.sink(mixed, watch.sink())?;
    let point = TapPoint::of_network(&network, mixed)?;
    let handle = network.handle();

    let storm = {
        let (watch, handle) = (watch.clone(), handle.clone());
        std::thread::spawn(move || {
            let outcome = storm(&options, &point, &watch, &handle);
            handle.stop();
            outcome
        })
    };
    network.run()?;
    let outcome = storm.join().expect("the storm does not panic")?;
    network.check_conservation()?;
    println!("{outcome}");
    println!("chains: {:?}", network.report().specialisations);
    Ok(())
}

#[derive(Clone, Debug)]
struct Options {
    taps: usize,
    tapped: Duration,
    pause: Duration,
    pipeline: String,
}

impl Options {
    fn parse() -> Result<Options, String> {
        let mut options = Options {
            taps: 10_000,
            tapped: Duration::from_micros(1_000),
            pause: Duration::from_micros(1_000),
            pipeline: "where value % 1001 == 0".to_owned(),
        };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("`{name}` takes a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("`{name}` takes a number"))
            };
            match name.as_str() {
                "--taps" => options.taps = usize::try_from(number()?).map_err(|error| error.to_string())?,
                "--tapped-us" => options.tapped = Duration::from_micros(number()?),
                "--pause-us" => options.pause = Duration::from_micros(number()?),
                "--pipeline" => options.pipeline = value,
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

/// What the storm has measured; what an element costs is processor time in nanoseconds.
struct Outcome {
    taps: usize,
    before: f64,
    tapped: f64,
    storm: f64,
    after: f64,
    quiet: Gaps,
    attach: Gaps,
    detach: Gaps,
    rows: u64,
}

fn storm(options: &Options, point: &TapPoint, watch: &Watch, handle: &Handle) -> Result<Outcome, Failure> {
    let steady = || watch.cost(|| sleep(Duration::from_secs(2)));
    sleep(Duration::from_millis(500));
    let before = steady();
    let mut quiet = Gaps::default();
    for _ in 0..options.taps.min(2_000) {
        watch.window(&mut quiet, || sleep(options.tapped));
    }

    // One that stays, for what an element costs when all is native.
    let staying = attach(options, point, handle)?;
    sleep(Duration::from_millis(500));
    let tapped = steady();
    detach(staying, handle)?;

    let (mut attached, mut detached, mut rows) = (Gaps::default(), Gaps::default(), 0);
    let begin = watch.clock();
    for k in 0..options.taps {
        let mut running = None;
        watch.window(&mut attached, || {
            running = Some(attach(options, point, handle));
            sleep(options.tapped);
        });
        let running = running.expect("it has been attached")?;
        let mut seen = Ok(0);
        watch.window(&mut detached, || {
            seen = detach(running, handle);
            sleep(options.pause);
        });
        rows += seen?;
        if k % 1_000 == 999 {
            eprintln!("{} taps", k + 1);
        }
    }
    let end = watch.clock();
    let storm = (end.1 - begin.1) as f64 / (end.0 - begin.0).max(1) as f64;
    sleep(Duration::from_millis(500));
    Ok(Outcome {
        taps: options.taps,
        before,
        tapped,
        storm,
        after: steady(),
        quiet,
        attach: attached,
        detach: detached,
        rows,
    })
}

/// A tap with the thread that reads it.
struct Running {
    tap: Tap,
    reading: std::thread::JoinHandle<u64>,
}

fn attach(options: &Options, point: &TapPoint, handle: &Handle) -> Result<Running, Failure> {
    let plan = TapPlan::compile(point, &options.pipeline, &TapOptions::default())
        .map_err(|diagnostic| diagnostic.to_string())?;
    let attached = handle.request(move |network| plan.attach(network))?;
    let (tap, reader) = attached.wait()??;
    let reading = std::thread::spawn(move || read(reader));
    Ok(Running { tap, reading })
}

fn read(mut reader: TapReader) -> u64 {
    let mut bytes = Vec::new();
    while matches!(
        reader.read(&mut bytes, Duration::from_secs(10)),
        TapRead::Bytes | TapRead::Nothing
    ) {}
    reader.rows()
}

/// How many rows it has given.
fn detach(running: Running, handle: &Handle) -> Result<u64, Failure> {
    let Running { tap, reading } = running;
    let detached = handle.request(move |network| {
        tap.detach(network);
        assert!(tap.is_gone(), "nothing in its pipeline holds anything");
    })?;
    detached.wait()?;
    Ok(reading.join().expect("reading does not panic"))
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

/// What the sink sees: how many elements have arrived at what cost, and how long the longest wait for
/// one was in the window at hand.
#[derive(Default)]
struct Watch {
    is_open: AtomicBool,
    /// In nanoseconds, and in nanoseconds of the running thread's processor time.
    longest: Mutex<(u64, u64)>,
    /// How many elements had arrived at some processor time of the running thread.
    clocked: Mutex<(u64, u64)>,
}

/// A gap that is not worth a look at the processor's time, in nanoseconds.
const SHORT_NS: u64 = 5_000;

impl Watch {
    fn sink(self: &Arc<Watch>) -> impl Process + use<> {
        let watch = self.clone();
        let (mut count, mut wrong) = (0u64, 0i64);
        let mut last = Instant::now();
        let mut last_own = own_time();
        ForEach::new(move |number: i64| {
            wrong += i64::from(number != 6 * count.cast_signed() + 3);
            assert!(wrong == 0, "elements arrive once and in order");
            count += 1;
            if !count.is_multiple_of(32) {
                return;
            }
            let now = Instant::now();
            let gap = u64::try_from((now - last).as_nanos()).unwrap_or(u64::MAX);
            last = now;
            if count.is_multiple_of(1 << 16) {
                last_own = own_time();
                *watch.clocked.lock().expect("no thread panics with it") = (count, last_own);
            } else if gap > SHORT_NS {
                let own = own_time();
                watch.note(gap, (own - last_own).min(gap));
                last_own = own;
            }
        })
    }

    fn note(&self, gap: u64, own: u64) {
        if self.is_open.load(Ordering::Acquire) {
            let mut longest = self.longest.lock().expect("no thread panics with it");
            *longest = (longest.0.max(gap), longest.1.max(own));
        }
    }

    /// Notes the longest gap while something is done.
    fn window(&self, gaps: &mut Gaps, act: impl FnOnce()) {
        *self.longest.lock().expect("no thread panics with it") = (0, 0);
        self.is_open.store(true, Ordering::Release);
        act();
        self.is_open.store(false, Ordering::Release);
        let longest = *self.longest.lock().expect("no thread panics with it");
        gaps.all.push(longest.0);
        gaps.own.push(longest.1);
    }

    /// How many elements have arrived at what processor time.
    fn clock(&self) -> (u64, u64) {
        *self.clocked.lock().expect("no thread panics with it")
    }

    /// The processor time that an element takes, in nanoseconds.
    fn cost(&self, act: impl FnOnce()) -> f64 {
        let before = self.clock();
        act();
        let after = self.clock();
        (after.1 - before.1) as f64 / (after.0 - before.0).max(1) as f64
    }
}

/// The processor time of this thread, in nanoseconds.
fn own_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// The longest gap of each window.
#[derive(Default)]
struct Gaps {
    all: Vec<u64>,
    own: Vec<u64>,
}

impl std::fmt::Display for Gaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (gaps, what) in [(&self.all, ""), (&self.own, "; of its own")] {
            let mut sorted = gaps.clone();
            sorted.sort_unstable();
            let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize] as f64 / 1e3;
            let [p50, p90, p99, p999, max] = [0.5, 0.9, 0.99, 0.999, 1.0].map(at);
            write!(
                f,
                "{what} p50 {p50:.0}, p90 {p90:.0}, p99 {p99:.0}, p99.9 {p999:.0}, max {max:.0} us"
            )?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome {
            before,
            tapped,
            storm,
            after,
            ..
        } = self;
        writeln!(f, "{} taps, {} rows seen by them", self.taps, self.rows)?;
        writeln!(f, "before        {before:6.2} ns of the processor an element")?;
        writeln!(f, "while tapped  {tapped:6.2} ns, {:.2} ns more", tapped - before)?;
        let share = |cost: &f64| 100.0 * before / cost;
        writeln!(
            f,
            "in the storm  {storm:6.2} ns, {:.1} % of the speed before",
            share(storm)
        )?;
        writeln!(
            f,
            "after         {after:6.2} ns, {:.1} % of the speed before",
            share(after)
        )?;
        writeln!(f, "longest gap of each window, with")?;
        writeln!(f, "  nothing    {}", self.quiet)?;
        writeln!(f, "  an attach  {}", self.attach)?;
        write!(f, "  a detach   {}", self.detach)
    }
}
