//! Prints ratios, all measured in one run, the contenders in turn: how much longer
//! native code takes than loops written by hand, and the interpreter than native
//! code. `cargo bench --bench ratios [-- part-of-a-name]`.
//!
//! `scalar` is the loop kept element by element, `plain` is what rustc makes of it for
//! the default target, vectorised where it can be. Arrays are a hundredth of the
//! suite's and stay in the caches: with the suite's own, memory would be measured
//! instead. Where that makes less than a million elements they are a tenth, as a flow's
//! beginning and end cost some 50 us. Compilation is not in the times; the suite `compile` of `benches/peers`
//! measures it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::{Fold, Pass};
use cutthrough::{Network, Options};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::hand::{self, Scalar};
use cutthrough_bench_support::ratio::{Contender, Run, geomean, interleave, per_element, ratio};
use cutthrough_bench_support::stages::{self, Stage};
use cutthrough_bench_support::{Count, Data, PIPELINES, Pipeline, Sizes, Wired};

/// What the sizes of the suite are divided by; the environment variable `CUTTHROUGH_DIVISOR`
/// sets another.
const DIVISOR: u64 = 100;
const ELEMENTS: usize = 1_000_000;

fn main() {
    let filter = std::env::args()
        .skip(1)
        .find(|arg| !arg.starts_with('-'))
        .unwrap_or_default();
    suite(&filter);
    if filter.is_empty() || filter == "filters" {
        counted_filters();
    }
    if filter.is_empty() || filter == "chains" {
        chains();
        copies();
    }
}

fn suite(filter: &str) {
    let divisor = std::env::var("CUTTHROUGH_DIVISOR")
        .ok()
        .and_then(|divisor| divisor.parse().ok());
    let divisor = divisor.unwrap_or(DIVISOR);
    let data = [
        Data::new(Sizes::suite(divisor)),
        Data::new(Sizes::suite(divisor / 10)),
    ];
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "ns/elem", "/ scalar", "/ plain", "interp ns", "/ native"
    );
    let (mut to_scalar, mut to_plain, mut interpreted) = (Vec::new(), Vec::new(), Vec::new());
    for pipeline in PIPELINES.iter().filter(|pipeline| pipeline.name.contains(filter)) {
        let [less, more] = &data;
        let is_long = (pipeline.elements)(less) >= ELEMENTS as u64;
        let data = if is_long { less } else { more };
        let expected = (pipeline.scalar)(data);
        let native = || {
            let wired = Wired::warm(|network| pipeline.wire(network, data));
            // It has slept for its code, and others have used the caches; the loops do not sleep.
            black_box((pipeline.plain)(data));
            wired
        };
        let mut contenders = [
            Contender::function("plain", || (pipeline.plain)(data)),
            Contender::function("scalar", || (pipeline.scalar)(data)),
            Contender::new("native", move || finish(native())),
        ];
        interleave(expected, &mut contenders, 21);
        let [plain, scalar, native] = contenders.each_ref().map(Contender::best);
        let elements = (pipeline.elements)(data);
        let interp = interpreter(pipeline);
        let native_ns = per_element(native, elements);
        println!(
            "{:20} {native_ns:9.2} {:9.2} {:9.2} {interp:9.1} {:9.1}",
            pipeline.name,
            ratio(native, scalar),
            ratio(native, plain),
            interp / native_ns,
        );
        to_scalar.push(ratio(native, scalar));
        to_plain.push(ratio(native, plain));
        interpreted.push(interp / native_ns);
    }
    let (scalar, plain, interpreted) = (geomean(&to_scalar), geomean(&to_plain), geomean(&interpreted));
    println!(
        "{:20} {:>9} {scalar:9.2} {plain:9.2} {:>9} {interpreted:9.1}\n",
        "geometric mean", "", ""
    );
}

/// The loop by hand that does all that the network does: filters count what they drop.
fn counted_filters() {
    let data = Data::new(Sizes::suite(DIVISOR));
    let filters = PIPELINES
        .iter()
        .find(|pipeline| pipeline.name == "filtersMegamorphic")
        .expect("it is one of the suite");
    let mut contenders = [
        Contender::function("counted", || hand::filters_counted::<Scalar>(data.arrays())),
        Contender::new("native", || {
            finish(Wired::warm(|network| filters.wire(network, &data)))
        }),
    ];
    interleave((filters.scalar)(&data), &mut contenders, 21);
    let [counted, native] = contenders.each_ref().map(Contender::best);
    println!(
        "filtersMegamorphic / the scalar loop that counts what each filter drops: {:.2}\n",
        ratio(native, counted)
    );
}

/// Nanoseconds for an element in the interpreter, on less data.
fn interpreter(pipeline: &Pipeline) -> f64 {
    let data = Data::new(Sizes::suite(DIVISOR * 25));
    let prepare = || {
        let mut wired = pipeline.wire(Network::new(Options::interpreted()), &data);
        let run: Run<'_> = Box::new(move || wired.finish());
        run
    };
    let mut contenders = [Contender::new("interpreter", prepare)];
    interleave((pipeline.scalar)(&data), &mut contenders, 3);
    per_element(contenders[0].best(), (pipeline.elements)(&data))
}

fn chains() {
    let data = ascending(ELEMENTS);
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "ns/elem", "/ fused", "boxed /", "dyn iter/", "interp /"
    );
    for stage in [Stage::Increment, Stage::Mix] {
        for stages in [1, 5, 20] {
            let expected = stage.expected(&data, stages);
            let (fused, boxed) = (stages::fused(stage, stages), stage.boxed(stages));
            let (data, boxed) = (&data, &boxed);
            let mut contenders = [
                Contender::function("fused", move || fused(data)),
                Contender::function("boxed", move || stages::sum_boxed(data, boxed)),
                Contender::function("nested", move || {
                    stage.nested(data, stages).fold(0, i64::wrapping_add)
                }),
                Contender::new("native", move || {
                    finish(Wired::warm(|network| stage.wire(network, data, stages)))
                }),
            ];
            interleave(expected, &mut contenders, 15);
            let [fused, boxed, nested, native] = contenders.each_ref().map(Contender::best);
            let few = ascending(ELEMENTS / 25);
            let prepare = || {
                let mut wired = stage.wire(Network::new(Options::interpreted()), &few, stages);
                let run: Run<'_> = Box::new(move || wired.finish());
                run
            };
            let mut interpreter = [Contender::new("interpreter", prepare)];
            interleave(stage.expected(&few, stages), &mut interpreter, 3);
            let interpreter = per_element(interpreter[0].best(), few.len() as u64);
            let native_ns = per_element(native, data.len() as u64);
            println!(
                "{:20} {native_ns:9.2} {:9.2} {:9.1} {:9.1} {:9.1}",
                format!("{stages} x {stage:?}"),
                ratio(native, fused),
                ratio(boxed, native),
                ratio(nested, native),
                interpreter / native_ns,
            );
        }
    }
    println!();
}

/// The source counts, so that no memory is read; the end of the flow, which costs
/// something for each process, is not in the times.
fn copies() {
    let mut best = [Duration::MAX; 2];
    for _ in 0..41 {
        for (best, copies) in best.iter_mut().zip([1, 20]) {
            let mut network = counting(copies).expect("the wiring is allowed");
            network.run_steps(1).expect("no process fails");
            let start = Instant::now();
            network.run_steps(ELEMENTS as u64).expect("no process fails");
            *best = start.elapsed().min(*best);
            let report = network.report();
            let fold = report.processes.last().expect("there is a fold");
            assert_eq!(fold.inputs[0].moved, ELEMENTS as u64 + 1);
        }
    }
    let [one, twenty] = best;
    println!(
        "20 copies / 1 copy, and so 21 flow points / 2: {:.3}\n",
        ratio(twenty, one)
    );
}

/// Counts, through this many copies, into a sum.
fn counting(copies: usize) -> Result<Network, cutthrough::Error> {
    let mut network = Network::new(Options {
        quantum_steps: u64::MAX,
        ..Options::native()
    });
    let mut point = network.source::<i64>(Count)?;
    for _ in 0..copies {
        point = network.pipe(point, Pass::new(Type::I64))?;
    }
    let sum = Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, sum, x| {
        vec![f.op(Op::Iadd, &[sum[0], x[0]])]
    });
    network.sink(point, sum)?;
    Ok(network)
}

fn finish<'c>(mut wired: Wired) -> Run<'c> {
    Box::new(move || wired.finish())
}
