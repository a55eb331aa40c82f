//! Elements run through a chain at full rate while a thread attaches a tap to it, reads
//! what it gives, and detaches it, over and over. It prints what the tap costs: how long
//! the flow pauses when the tap comes or goes, how much longer an element takes while it is
//! there, and whether the flow is as fast as before when it has gone.
//!
//! ```sh
//! cargo run --release --example tap_storm -- --taps 10000
//! ```
//!
//! `--help` lists the options.
//!
//! What is biased here: the chain does next to nothing, some 13 ns for an element that
//! arrives, the call of the sink included, so that any pause and any cost shows; a flow that
//! parses text has much more to do. Gaps are those between the arrivals of elements 32
//! apart. The pause is the gap in which the tap was attached or detached. The longest gap of
//! each window, from the request on for as long as the tap stays or stays away, is given too,
//! whatever it is due to: what comes after the change would show there. It shows what else
//! the machine does as well, so the same is measured over quiet windows, in which nothing is
//! done. What an element costs is processor time of the running thread.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Parser;
use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Filter, Map};
use cutthrough::{Handle, Network};
use cutthrough_bench_support::Count;
use cutthrough_bench_support::watch::{Watch, Windows};
use cutthrough_lang::{Tap, TapOptions, TapPlan, TapPoint, TapRead, TapReader};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let options = Options::parse();
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
    network.sink(mixed, watch.sink(|count| 6 * count + 3))?;
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

/// Attaches a tap to a flow at full rate and detaches it, over and over.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// How often.
    #[arg(long, default_value_t = 10_000)]
    taps: usize,
    /// How long each stays, in microseconds.
    #[arg(long, default_value_t = 1_000)]
    tapped_us: u64,
    /// How long until the next.
    #[arg(long, default_value_t = 1_000)]
    apart_us: u64,
    /// What each does.
    #[arg(long, default_value = "where value % 1001 == 0")]
    pipeline: String,
}

/// What the storm has measured; what an element costs is processor time in nanoseconds.
struct Outcome {
    taps: usize,
    before: f64,
    tapped: f64,
    storm: f64,
    after: f64,
    quiet: Windows,
    attach: Windows,
    detach: Windows,
    rows: u64,
}

/// How long something is measured that goes on at the same rate.
const STEADY: Duration = Duration::from_secs(2);

fn storm(
    options: &Options,
    point: &TapPoint,
    watch: &Arc<Watch>,
    handle: &Handle,
) -> Result<Outcome, Failure> {
    let (tapped_for, apart_for) = (
        Duration::from_micros(options.tapped_us),
        Duration::from_micros(options.apart_us),
    );
    let settle = || sleep(Duration::from_millis(500));
    settle();
    let before = watch.cost(|| sleep(STEADY));
    let mut quiet = Windows::default();
    for _ in 0..options.taps {
        watch.window(&mut quiet, || sleep(tapped_for));
    }

    // One that stays, for what an element costs when all is native.
    let mut staying = plan(options, point)?.attach(handle, watch)?;
    staying.read(STEADY / 4);
    let tapped = watch.cost(|| staying.read(STEADY));
    staying.detach(handle, watch)?;

    let (mut attach, mut detach, mut rows) = (Windows::default(), Windows::default(), 0);
    let begin = watch.clock();
    for k in 0..options.taps {
        let plan = plan(options, point)?;
        let attached = watch.window(&mut attach, || {
            let mut attached = plan.attach(handle, watch)?;
            attached.read(tapped_for);
            Ok::<_, Failure>(attached)
        });
        rows += watch.window(&mut detach, || {
            let rows = attached?.detach(handle, watch);
            sleep(apart_for);
            rows
        })?;
        if k % 1_000 == 999 {
            eprintln!("{} taps", k + 1);
        }
    }
    let storm = watch.cost_since(begin);
    settle();
    Ok(Outcome {
        taps: options.taps,
        before,
        tapped,
        storm,
        after: watch.cost(|| sleep(STEADY)),
        quiet,
        attach,
        detach,
        rows,
    })
}

/// A tap that is to come.
struct Planned(TapPlan);

fn plan(options: &Options, point: &TapPoint) -> Result<Planned, Failure> {
    let plan = TapPlan::compile(point, &options.pipeline, &TapOptions::default());
    Ok(Planned(plan.map_err(|diagnostic| diagnostic.to_string())?))
}

impl Planned {
    fn attach(self, handle: &Handle, watch: &Arc<Watch>) -> Result<Attached, Failure> {
        let watch = watch.clone();
        let attached = handle.request(move |network| {
            watch.note_change();
            self.0.attach(network)
        })?;
        let (tap, reader) = attached.wait()??;
        Ok(Attached { tap, reader })
    }
}

/// A tap that is there.
struct Attached {
    tap: Tap,
    reader: TapReader,
}

impl Attached {
    /// Reads rows for that long.
    fn read(&mut self, time: Duration) {
        let (mut bytes, until) = (Vec::new(), Instant::now() + time);
        while Instant::now() < until {
            self.reader
                .read(&mut bytes, until.saturating_duration_since(Instant::now()));
        }
    }

    /// Takes it away and reads the rest; how many rows it has given.
    fn detach(self, handle: &Handle, watch: &Arc<Watch>) -> Result<u64, Failure> {
        let Attached { tap, mut reader } = self;
        let watch = watch.clone();
        let detached = handle.request(move |network| {
            watch.note_change();
            tap.detach(network);
            assert!(tap.is_gone(), "nothing in its pipeline holds anything");
        })?;
        detached.wait()?;
        let mut bytes = Vec::new();
        while reader.read(&mut bytes, Duration::from_secs(10)) != TapRead::End {}
        Ok(reader.rows())
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
        writeln!(f, "pause, of")?;
        writeln!(f, "  an attach  {}", self.attach.pauses)?;
        writeln!(f, "  a detach   {}", self.detach.pauses)?;
        writeln!(f, "longest gap of each window, with")?;
        writeln!(f, "  nothing    {}", self.quiet.longest)?;
        writeln!(f, "  an attach  {}", self.attach.longest)?;
        write!(f, "  a detach   {}", self.detach.longest)
    }
}
