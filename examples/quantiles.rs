//! An aggregate of one's own: approximate quantiles, in bounded memory for each key. It is
//! IR over the columns of a row like the built-in ones, so it is part of the native loop,
//! and is counted, saved and restored like them.
//!
//! A histogram with buckets that grow by factors of two and a half-step between, from 1 up:
//! a value is found to within 25 % of the quantile.
//!
//! `cargo run --release --example quantiles`

use std::sync::Arc;

use cutthrough::aggregate::{Accumulator, Aggregate};
use cutthrough::ir::{Op, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Group, GroupSpec};
use cutthrough::{Error, Fragment, Network, Process, Shape};

/// How many buckets there are: the last one is for all that is larger.
const BUCKETS: usize = 24;

/// The value at which a share of all values is reached; for values of 0 and more.
#[derive(Debug)]
struct Quantile {
    share: f64,
}

/// Where a bucket ends.
fn end_of(bucket: usize) -> f64 {
    let octave = f64::from(1 << (bucket / 2));
    if bucket.is_multiple_of(2) {
        octave
    } else {
        octave * 1.5
    }
}

impl Aggregate for Quantile {
    fn input(&self) -> Vec<Type> {
        vec![Type::F64]
    }

    fn accumulator(&self) -> Vec<SlotDecl> {
        (0..BUCKETS)
            .map(|bucket| SlotDecl::i64(format!("up to {}", end_of(bucket)), 0))
            .collect()
    }

    fn step(&self, f: &mut Fragment<'_>, to: &Accumulator, input: &[Value]) {
        // Without branches: each bucket counts what is up to its end.
        for bucket in 0..BUCKETS - 1 {
            let end = f.fconst(end_of(bucket));
            let is_in = f.op(Op::Fle, &[input[0], end]);
            count(f, to, bucket, is_in);
        }
        let any = f.bconst(true);
        count(f, to, BUCKETS - 1, any);
    }

    fn merge(&self, f: &mut Fragment<'_>, to: &Accumulator, other: &[Value]) {
        for (bucket, &more) in other.iter().enumerate() {
            let mine = to.get(f, bucket);
            let both = f.op(Op::Iadd, &[mine, more]);
            to.set(f, bucket, both);
        }
    }

    fn result(&self) -> Type {
        Type::F64
    }

    fn finish(&self, f: &mut Fragment<'_>, state: &[Value]) -> Value {
        let all = f.op(Op::IToF, &[state[BUCKETS - 1]]);
        let share = f.fconst(self.share);
        let rank = f.op(Op::Fmul, &[all, share]);
        // The first bucket that reaches the rank, so backwards.
        let mut found = f.fconst(f64::INFINITY);
        for bucket in (0..BUCKETS - 1).rev() {
            let count = f.op(Op::IToF, &[state[bucket]]);
            let reaches = f.op(Op::Fge, &[count, rank]);
            let end = f.fconst(end_of(bucket));
            found = f.op(Op::Select, &[reaches, end, found]);
        }
        found
    }
}

fn count(f: &mut Fragment<'_>, to: &Accumulator, bucket: usize, is_in: Value) {
    let (before, more) = (to.get(f, bucket), f.op(Op::BToI, &[is_in]));
    let after = f.op(Op::Iadd, &[before, more]);
    to.set(f, bucket, after);
}

/// Latencies of a hundred services, each once for each of the two aggregates: the k-th value
/// is of service k % 100.
struct Latencies(i64);

impl Process for Latencies {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("latencies");
        shape.output([Type::I64, Type::F64, Type::F64]);
        shape.slot(SlotDecl::i64("next", 0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, end, one) = (f.slot_get(0), f.iconst(self.0), f.iconst(1));
        let more = f.op(Op::Ilt, &[next, end]);
        let (_, ended) = f.br_new(more);
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        let hundred = f.iconst(100);
        let service = f.op(Op::Irem, &[next, hundred]);
        let nth = f.op(Op::Idiv, &[next, hundred]);
        let thousand = f.iconst(1000);
        let latency = f.op(Op::Irem, &[nth, thousand]);
        let latency = f.op(Op::IToF, &[latency]);
        f.emit(0, &[service, latency, latency]);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}

type Found = (i64, f64, f64);

fn network() -> Result<(Network, cutthrough::processes::Collected<Found>), Error> {
    let mut network = Network::default();
    let latencies = network.source::<(i64, f64, f64)>(Latencies(3_000_000))?;
    let quantile = |share: f64| Arc::new(Quantile { share }) as Arc<dyn Aggregate>;
    let group = Group::new(GroupSpec {
        aggregates: vec![quantile(0.5), quantile(0.99)],
        groups_max: 1_000,
        ..GroupSpec::basic(vec![Type::I64], [], 16 << 20)
    });
    let found = network.pipe::<(i64, f64, f64), Found>(latencies, group)?;
    let collect = Collect::<Found>::new();
    let collected = collect.collected();
    network.sink(found, collect)?;
    Ok((network, collected))
}

fn main() -> Result<(), Error> {
    let (mut first, _) = network()?;
    first.run_steps(1_000_000)?;
    let image = first.checkpoint()?;
    drop(first);

    // Elsewhere, later:
    let (mut network, collected) = network()?;
    network.restore(&image)?;
    network.run()?;
    network.check_conservation()?;
    let found = collected.take();
    println!("{} services, checkpoint of {} bytes", found.len(), image.len());
    for (service, median, p99) in found.iter().take(3) {
        println!("service {service}: median up to {median}, p99 up to {p99}");
    }
    assert!(
        found
            .iter()
            .all(|&(_, median, p99)| median == 512.0 && p99 == 1024.0)
    );
    Ok(())
}
