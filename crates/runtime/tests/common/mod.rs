//! What tests of networks share.
#![allow(dead_code, reason = "each file of tests uses a part")]

use std::time::{Duration, Instant};

use cutthrough::ir::{Op, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Collected, FromChannel, Map, Slice, ToChannel};
use cutthrough::{
    Element, FlowPoint, Fragment, Network, Options, Process, ProcessId, Receiver, Sender, Shape, channel,
};

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

/// Takes as many elements as its slot 0 says.
pub(crate) struct Room(pub(crate) i64);

impl Process for Room {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("room");
        shape.input(Type::I64);
        shape.slot(SlotDecl::i64("room", self.0));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, _element: &[Value]) {
        let (room, one) = (f.slot_get(0), f.iconst(1));
        let room = f.op(Op::Isub, &[room, one]);
        f.slot_set(0, room);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        Some(f.slot_get(0))
    }
}

/// A channel for so many elements into a network.
pub(crate) fn sender<T: Element>(network: &mut Network, capacity: usize) -> (Sender<T>, FlowPoint<T>) {
    let (sender, receiver) = channel(capacity);
    let point = network.source::<T>(FromChannel::new(receiver)).unwrap();
    (sender, point)
}

/// A channel for so many elements out of a network, and the process that sends them.
pub(crate) fn receiver<T: Element>(
    network: &mut Network,
    from: FlowPoint<T>,
    capacity: usize,
) -> (Receiver<T>, ProcessId) {
    let (sender, receiver) = channel(capacity);
    let process = network.sink(from, ToChannel::new(sender)).unwrap();
    (receiver, process)
}

/// Whether a place is in these lines of a file: `file:line:column`, maybe with a message behind.
pub(crate) fn is_in(place: &str, file: &str, lines: std::ops::Range<u32>) -> bool {
    let line = place.strip_prefix(file).and_then(|rest| rest.split(':').nth(1));
    line.and_then(|line| line.parse().ok())
        .is_some_and(|line| lines.contains(&line))
}

/// All that has come.
pub(crate) fn fetch<T>(receiver: &mut Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
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
