//! What a rewire costs, in networks of several sizes: an edit is to cost what it touches,
//! whatever else there is.
//!
//! One rewire puts a process between two others, the next takes it out again; the figure
//! is for both. Nothing is run or compiled. The network consists of lines of five
//! processes, so this is biased towards networks that fall into parts: in one long line
//! an edit has to look at what lies up- and downstream of it.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutthrough::ir::Type;
use cutthrough::processes::{ForEach, Iter, Pass};
use cutthrough::{Error, Network, Options, Port, ProcessId};

/// Lines of five processes; the source of the first.
fn lines(count: usize) -> Result<(Network, ProcessId), Error> {
    let mut network = Network::new(Options::interpreted());
    let mut first = None;
    for _ in 0..count {
        let source = network.add(Iter::new(0i64..))?;
        let mut point = network.point::<i64>("numbers")?;
        network.attach_output(source, 0, point)?;
        for _ in 0..3 {
            point = network.pipe::<i64, i64>(point, Pass::new(Type::I64))?;
        }
        network.sink(point, ForEach::new(|_: i64| {}))?;
        first.get_or_insert(source);
    }
    Ok((network, first.expect("there is a line")))
}

fn insert_and_remove(network: &mut Network, source: ProcessId) -> Result<(), Error> {
    let behind = Port {
        process: source,
        port: 0,
    };
    let inserted = network.rewire(|rewire| {
        let copy = rewire.add(Pass::new(Type::I64))?;
        rewire.insert(behind, copy)?;
        Ok(copy)
    })?;
    network.rewire(|rewire| {
        let point = rewire.detach_output(inserted, 0)?;
        let between = rewire.detach_output(source, 0)?;
        rewire.remove(inserted)?;
        rewire.attach_output(source, 0, point)?;
        rewire.remove_point(between)
    })
}

fn rewires(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("insert and remove");
    for count in [1, 10, 100, 1_000] {
        let (mut network, source) = lines(count).expect("the network is well formed");
        group.bench_function(BenchmarkId::from_parameter(count * 5), |bencher| {
            bencher.iter(|| insert_and_remove(&mut network, source).expect("the edits are well formed"));
        });
    }
    group.finish();
}

criterion_group!(benches, rewires);
criterion_main!(benches);
