//! The thirteen pipelines of the strymonas suite, natively and interpreted, beside
//! loops written by hand. Biased towards us in one thing: the arrays, a hundredth of
//! the suite's, fit in a cache. `benches/ratios.rs` measures the same interleaved;
//! compare there rather than here.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cutthrough::{Network, Options};
use cutthrough_bench_support::{Data, PIPELINES, Pipeline, Sizes, Wired};

fn suite(c: &mut Criterion) {
    let data = Data::new(Sizes::suite(100));
    let few = Data::new(Sizes::suite(2_500));
    for pipeline in PIPELINES {
        let mut group = c.benchmark_group(pipeline.name);
        group
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1))
            .sample_size(20);
        group.throughput(Throughput::Elements((pipeline.elements)(&data)));
        let expected = (pipeline.plain)(&data);
        for (name, by_hand) in [("plain", pipeline.plain), ("scalar", pipeline.scalar)] {
            assert_eq!(by_hand(&data), expected);
            group.bench_function(name, |b| b.iter(|| by_hand(black_box(&data))));
        }
        group.bench_function("native", |b| {
            b.iter_batched(
                || native(pipeline, &data),
                |mut wired| assert_eq!(wired.finish(), expected),
                BatchSize::PerIteration,
            );
        });
        let expected = (pipeline.plain)(&few);
        group.throughput(Throughput::Elements((pipeline.elements)(&few)));
        group.bench_function("interpreted", |b| {
            b.iter_batched(
                || pipeline.wire(Network::new(Options::interpreted()), &few),
                |mut wired| assert_eq!(wired.finish(), expected),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

/// A pipeline whose chain is native and has run a little.
fn native(pipeline: &Pipeline, data: &Data) -> Wired {
    Wired::warm(|network| pipeline.wire(network, data))
}

criterion_group!(benches, suite);
criterion_main!(benches);
