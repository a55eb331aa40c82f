//! How long a flow at full rate pauses when something is changed: a tap comes or goes, a process is
//! put into the chain or taken out. Beside it the same change by ending the job, wiring it anew as
//! it is to be, and going on where it had ended, as those do who cannot change what runs.
//!
//! Times are gaps between the arrivals of elements 32 apart, in nanoseconds; a case for each of p50,
//! p99 and p99.9. A restart is in this process, so without starting another, opening inputs, or
//! reading a snapshot. Every element arrives once and in order, or the answer is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::{Filter, ForEach, Map, Pass};
use cutthrough::{Fragment, Handle, Network, Port, Process, ProcessId, Shape};
use cutthrough_bench_support::watch::{Watch, Windows};
use cutthrough_bench_support::{Count, Gaps};
use cutthrough_lang::{Tap, TapOptions, TapPlan, TapPoint, TapRead, TapReader};

use crate::Options;
use crate::report::{Line, Report, nanos};

/// How long a change stays, and then how long until the next.
const STAY: Duration = Duration::from_millis(1);

pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut report = options.report("rewire");
    let times = options.pick(5_000, 500);
    let (restarts, is_right) = restarts(times)?;
    let mut add = |name: &str, pauses: &Gaps, ok: bool| {
        if options.wants(name) {
            quantiles(&mut report, name, pauses, &restarts, ok);
        }
    };
    let (attach, detach) = changes(times, Taps)?;
    add("tap-attach", &attach.pauses, is_right);
    add("tap-detach", &detach.pauses, is_right);
    let (insert, remove) = changes(times, Inserts)?;
    add("insert", &insert.pauses, is_right);
    add("remove", &remove.pauses, is_right);
    Ok(report.finish())
}

fn quantiles(report: &mut Report, name: &str, ours: &Gaps, theirs: &Gaps, ok: bool) {
    for (share, quantile) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")] {
        report.line(&Line {
            name: &format!("{name} {quantile}"),
            anchor: "restart",
            ours: nanos(ours.quantile(share)),
            theirs: nanos(theirs.quantile(share)),
            ok,
        });
    }
}

/// What changes a flow, and takes the change back.
trait Changes: Send {
    type Made: Send;
    fn make(&self, flow: &Changing) -> Result<Self::Made>;
    /// While the change is there.
    fn stay(&self, _made: &mut Self::Made) {
        sleep(STAY);
    }
    fn take_back(&self, flow: &Changing, made: Self::Made) -> Result<()>;
}

/// A flow that runs, as who changes it knows it.
struct Changing {
    handle: Handle,
    watch: Arc<Watch>,
    point: TapPoint,
    filter: ProcessId,
}

/// Numbers, the odd ones of them, times three, at full rate; the pauses of so many changes and of
/// as many that take them back. The sink stops the run when an element is not the next.
fn changes<C: Changes + 'static>(times: usize, kind: C) -> Result<(Windows, Windows)> {
    let mut network = Network::default();
    let watch = Arc::new(Watch::default());
    let numbers = network.source::<i64>(Count)?;
    let filter = network.add(odd())?;
    network.attach_input(filter, 0, numbers)?;
    let odd = network.point::<i64>("odd")?;
    network.attach_output(filter, 0, odd)?;
    let last = network.pipe::<i64, i64>(odd, triple())?;
    network.sink(last, watch.sink(|count| 6 * count + 3))?;
    let flow = Changing {
        handle: network.handle(),
        point: TapPoint::of_network(&network, last)?,
        watch,
        filter,
    };
    let storm = std::thread::spawn(move || {
        let outcome = storm(times, &kind, &flow);
        flow.handle.stop();
        outcome
    });
    network.run()?;
    let windows = storm.join().map_err(|_| anyhow!("the storm panicked"))??;
    network.check_conservation()?;
    Ok(windows)
}

fn storm<C: Changes>(times: usize, kind: &C, flow: &Changing) -> Result<(Windows, Windows)> {
    // The chain has its best code.
    sleep(Duration::from_millis(300));
    let (mut made, mut taken_back) = (Windows::default(), Windows::default());
    for _ in 0..times {
        let change = flow.watch.window(&mut made, || {
            let mut change = kind.make(flow)?;
            kind.stay(&mut change);
            anyhow::Ok(change)
        })?;
        flow.watch.window(&mut taken_back, || {
            kind.take_back(flow, change)?;
            sleep(STAY);
            anyhow::Ok(())
        })?;
    }
    Ok((made, taken_back))
}

/// A tap behind the last map, which reads every thousandth element.
struct Taps;

impl Changes for Taps {
    type Made = (Tap, TapReader);

    fn make(&self, flow: &Changing) -> Result<(Tap, TapReader)> {
        let plan = TapPlan::compile(&flow.point, "where value % 1001 == 0", &TapOptions::default());
        let plan = plan.map_err(|diagnostic| anyhow!("{diagnostic}"))?;
        let watch = flow.watch.clone();
        let attached = flow.handle.request(move |network| {
            watch.note_change();
            plan.attach(network)
        })?;
        attached.wait()?.map_err(|error| anyhow!("{error}"))
    }

    fn stay(&self, (_, reader): &mut (Tap, TapReader)) {
        let (mut bytes, until) = (Vec::new(), Instant::now() + STAY);
        while Instant::now() < until {
            reader.read(&mut bytes, until.saturating_duration_since(Instant::now()));
        }
    }

    fn take_back(&self, flow: &Changing, (tap, mut reader): (Tap, TapReader)) -> Result<()> {
        let watch = flow.watch.clone();
        let detached = flow.handle.request(move |network| {
            watch.note_change();
            tap.detach(network);
        })?;
        detached.wait()?;
        let mut bytes = Vec::new();
        while reader.read(&mut bytes, Duration::from_secs(10)) != TapRead::End {}
        Ok(())
    }
}

/// A copy between the filter and the map.
struct Inserts;

impl Changes for Inserts {
    type Made = ProcessId;

    fn make(&self, flow: &Changing) -> Result<ProcessId> {
        let (watch, filter) = (flow.watch.clone(), flow.filter);
        let inserted = flow.handle.request(move |network| {
            watch.note_change();
            network.rewire(|rewire| {
                let copy = rewire.add(Pass::new(Type::I64))?;
                let behind = Port {
                    process: filter,
                    port: 0,
                };
                rewire.insert(behind, copy)?;
                Ok(copy)
            })
        })?;
        Ok(inserted.wait()??)
    }

    fn take_back(&self, flow: &Changing, copy: ProcessId) -> Result<()> {
        let (watch, filter) = (flow.watch.clone(), flow.filter);
        let removed = flow.handle.request(move |network| {
            watch.note_change();
            network.rewire(|rewire| {
                let behind = rewire.detach_output(copy, 0)?;
                let between = rewire.detach_output(filter, 0)?;
                rewire.remove(copy)?;
                rewire.attach_output(filter, 0, behind)?;
                rewire.remove_point(between)
            })
        })?;
        Ok(removed.wait()??)
    }
}

/// So many restarts, each of a job that has run for a while: the gaps from the last element of the
/// one to the first ones of the next, and whether every element has arrived once and in order.
fn restarts(times: usize) -> Result<(Gaps, bool)> {
    let mut gaps = Gaps::default();
    let arrived = Arc::new(Arrived::default());
    let begin = Instant::now();
    for k in 0..times {
        let mut network = Network::default();
        let from = arrived.count.load(Ordering::Relaxed);
        let mut point = network.source::<i64>(CountFrom(2 * from.cast_signed()))?;
        point = network.pipe(point, odd())?;
        if k % 2 == 1 {
            point = network.pipe(point, Pass::new(Type::I64))?;
        }
        point = network.pipe(point, triple())?;
        let last = arrived.last_ns.load(Ordering::Relaxed);
        let first = Arc::new(AtomicU64::new(0));
        network.sink(point, arrived.sink(begin, &first))?;
        let handle = network.handle();
        let stopper = std::thread::spawn(move || {
            sleep(2 * STAY);
            handle.stop();
        });
        network.run()?;
        stopper.join().map_err(|_| anyhow!("the stop panicked"))?;
        network.check_conservation()?;
        let first = first.load(Ordering::Relaxed);
        if k > 0 && first > 0 {
            gaps.add(Duration::from_nanos(first - last));
        }
    }
    let is_right = arrived.count.load(Ordering::Relaxed) > 0;
    is_right.then_some(()).context("nothing has arrived")?;
    Ok((gaps, is_right))
}

/// What has arrived, over all restarts.
#[derive(Default)]
struct Arrived {
    count: AtomicU64,
    /// When the last element came whose number is divisible by 32, from the beginning.
    last_ns: AtomicU64,
}

impl Arrived {
    /// A sink that goes on where the last one was. It notes when the first 32 elements have come.
    fn sink(self: &Arc<Arrived>, begin: Instant, first: &Arc<AtomicU64>) -> impl Process + use<> {
        let (arrived, first) = (self.clone(), first.clone());
        let mut count = arrived.count.load(Ordering::Relaxed);
        let mut here = 0_u64;
        ForEach::new(move |number: i64| {
            assert!(
                number == 6 * count.cast_signed() + 3,
                "elements arrive once and in order"
            );
            count += 1;
            here += 1;
            arrived.count.store(count, Ordering::Relaxed);
            if here.is_multiple_of(32) {
                let now = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
                arrived.last_ns.store(now, Ordering::Relaxed);
                if here == 32 {
                    first.store(now, Ordering::Relaxed);
                }
            }
        })
    }
}

/// Gives its number and all that follow.
struct CountFrom(i64);

impl Process for CountFrom {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("count from");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", self.0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, one) = (f.slot_get(0), f.iconst(1));
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        f.emit(0, &[next]);
        f.again();
    }
}

fn odd() -> impl Process {
    Filter::new(Type::I64, |f, x| {
        let one = f.iconst(1);
        let bit = f.op(Op::Iand, &[x[0], one]);
        f.op(Op::Ieq, &[bit, one])
    })
}

fn triple() -> impl Process {
    Map::new(Type::I64, Type::I64, |f, x| {
        let three = f.iconst(3);
        vec![f.op(Op::Imul, &[x[0], three])]
    })
}
