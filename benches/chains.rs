//! Chains of 1, 5 and 20 integer stages, natively and interpreted, beside what else they
//! could be: an iterator that rustc fuses, boxed closures, boxed iterators. And the time
//! from a plan to native code. Compare ratios of one run (`benches/ratios.rs`) rather
//! than these numbers.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cutthrough::{Compile, Network, Options};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::stages::{self, Stage};
use cutthrough_bench_support::timed::TimedEngine;
use cutthrough_bench_support::{Data, PIPELINES, Sizes, Wired};

const ELEMENTS: usize = 1_000_000;
const STAGES: [usize; 3] = [1, 5, 20];

fn run(c: &mut Criterion) {
    let (data, few) = (ascending(ELEMENTS), ascending(ELEMENTS / 25));
    for stage in [Stage::Increment, Stage::Mix] {
        for stages in STAGES {
            let mut group = c.benchmark_group(format!("{stages} x {stage:?}"));
            group
                .warm_up_time(Duration::from_millis(300))
                .measurement_time(Duration::from_secs(1))
                .sample_size(20);
            group.throughput(Throughput::Elements(ELEMENTS as u64));
            let expected = stage.expected(&data, stages);
            let (fused, boxed) = (stages::fused(stage, stages), stage.boxed(stages));
            group.bench_function("fused iterator", |b| {
                b.iter(|| assert_eq!(fused(black_box(&data)), expected));
            });
            group.bench_function("boxed closures", |b| {
                b.iter(|| assert_eq!(stages::sum_boxed(black_box(&data), &boxed), expected));
            });
            group.bench_function("boxed iterators", |b| {
                b.iter(|| {
                    assert_eq!(
                        stage.nested(black_box(&data), stages).fold(0, i64::wrapping_add),
                        expected
                    );
                });
            });
            group.bench_function("native", |b| {
                b.iter_batched(
                    || Wired::warm(|network| stage.wire(network, &data, stages)),
                    |mut wired| assert_eq!(wired.finish(), expected),
                    BatchSize::PerIteration,
                );
            });
            let expected = stage.expected(&few, stages);
            group.throughput(Throughput::Elements(few.len() as u64));
            group.bench_function("interpreted", |b| {
                b.iter_batched(
                    || stage.wire(Network::new(Options::interpreted()), &few, stages),
                    |mut wired| assert_eq!(wired.finish(), expected),
                    BatchSize::PerIteration,
                );
            });
            group.finish();
        }
    }
}

/// Copies cost nothing: the same loop, whatever stands on the way. The end of the flow,
/// which costs something for each process, is not in the time.
fn copies(c: &mut Criterion) {
    let data = ascending(ELEMENTS);
    let mut group = c.benchmark_group("copies");
    group
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    let expected = Stage::Pass.expected(&data, 1);
    for copies in [1, 20] {
        group.bench_function(copies.to_string(), |b| {
            b.iter_custom(|iterations| {
                let mut time = Duration::ZERO;
                for _ in 0..iterations {
                    let mut wired = Wired::warm(|network| Stage::Pass.wire(network, &data, copies));
                    let start = Instant::now();
                    wired
                        .network
                        .run_steps(ELEMENTS as u64 / 2)
                        .expect("a copy does not fail");
                    time += start.elapsed();
                    assert_eq!(wired.finish(), expected);
                }
                time
            });
        });
    }
    group.finish();
}

/// A wiring that is there becomes native code: the chain is built and compiled, and the
/// root takes one step; and, of this, what the compiler takes alone.
fn plan_to_native(c: &mut Criterion) {
    let Some(engine) = TimedEngine::new() else { return };
    let data = ascending(1_000);
    let suite = Data::new(Sizes::suite(10_000));
    let mut measure = |name: &str, wire: &dyn Fn(Network) -> Wired| {
        let options = Options {
            engine: Some(engine.clone()),
            compile: Compile::AtOnce,
            ..Options::default()
        };
        let mut group = c.benchmark_group(format!("plan to native/{name}"));
        group
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(500))
            .sample_size(20);
        for is_compiler_alone in [false, true] {
            let part = if is_compiler_alone {
                "compile"
            } else {
                "build, compile, step"
            };
            group.bench_function(part, |b| {
                b.iter_custom(|iterations| {
                    let (mut all, mut compile) = (Duration::ZERO, Duration::ZERO);
                    let mut wired = wire(Network::new(options.clone()));
                    for k in 0..iterations {
                        if k % 100 == 99 {
                            wired = wire(Network::new(options.clone()));
                        }
                        wired.network.invalidate_all();
                        let start = Instant::now();
                        wired.network.run_steps(1).expect("no process fails");
                        all += start.elapsed();
                        compile += engine.take().iter().map(|(_, took)| *took).sum::<Duration>();
                    }
                    if is_compiler_alone { compile } else { all }
                });
            });
        }
        group.finish();
    };
    for stages in STAGES {
        measure(&format!("{stages} x Mix"), &|network| {
            Stage::Mix.wire(network, &data, stages)
        });
    }
    for pipeline in PIPELINES {
        measure(pipeline.name, &|network| pipeline.wire(network, &suite));
    }
}

criterion_group!(benches, run, copies, plan_to_native);
criterion_main!(benches);
