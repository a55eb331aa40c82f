//! What tests of networks share.
#![allow(dead_code, reason = "each file of tests uses a part")]

use std::time::{Duration, Instant};

use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Collect, Collected, Map, Slice};
use cutthrough::{FlowPoint, Network, Options, Process, ProcessId};

/// Whether all chains that have run are native, after some steps.
pub(crate) fn is_native(network: &mut Network, steps: u64) -> bool {
    network.run_steps(steps).unwrap();
    let chains = network.report().chains;
    chains.iter().all(|chain| chain.mode.is_native())
}

/// Runs until all chains are native; each of a few roots has its turn in between.
pub(crate) fn warm(network: &mut Network) {
    let begin = Instant::now();
    while !is_native(network, 1_500) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", network.report());
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn on_both_engines(test: impl Fn(Network)) {
    test(Network::new(Options::interpreted()));
    test(Network::new(Options::native()));
}

pub(crate) fn plus(amount: i64) -> impl Process {
    Map::new(Type::I64, Type::I64, move |f, x| {
        let amount = f.iconst(amount);
        vec![f.op(Op::Iadd, &[x[0], amount])]
    })
}

/// Counts to ten thousand.
pub(crate) fn counting(network: &mut Network) -> (ProcessId, FlowPoint<i64>, ProcessId, Collected<i64>) {
    let numbers = network.point::<i64>("numbers").unwrap();
    let source = network
        .add(Slice::i64((0..10_000).collect::<Vec<i64>>()))
        .unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    let sink = network.sink(numbers, collect).unwrap();
    (source, numbers, sink, collected)
}
