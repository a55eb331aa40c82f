//! What holds where several readers compete for the elements of a flow point: no element
//! overtakes another of its edge, none is lost uncounted, whoever leaves meanwhile.

use cutthrough::ir::{Op, Type, Value};
use cutthrough::processes::{BranchPolicy, Collect, Collected, Iter, Merge, Pass, Slice, Take, Tee, Zip};
use cutthrough::{FlowPoint, Fragment, Network, Options, Polymorphic, Process, ProcessId, Progress, Shape};

mod common;
use common::{Room, on_both_engines, warm};

fn collect(network: &mut Network, from: FlowPoint<i64>) -> Collected<i64> {
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(from, collect).unwrap();
    collected
}

fn numbers(network: &mut Network, count: i64) -> FlowPoint<i64> {
    let numbers = Slice::i64((0..count).collect::<Vec<i64>>());
    network.source::<i64>(numbers).unwrap()
}

/// A tee of two branches; the points that they write to.
fn tee(network: &mut Network, from: FlowPoint<i64>) -> [FlowPoint<i64>; 2] {
    let tee = Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Block]);
    let tee = network.add(tee).unwrap();
    network.attach_input(tee, 0, from).unwrap();
    [0, 1].map(|branch| {
        let point = network.point::<i64>("branch").unwrap();
        network.attach_output(tee, branch, point).unwrap();
        point
    })
}

fn attach(network: &mut Network, from: FlowPoint<i64>, process: ProcessId, to: FlowPoint<i64>) {
    network.attach_input(process, 0, from).unwrap();
    network.attach_output(process, 0, to).unwrap();
}

/// A reader that keeps the first element that it is dealt, and then asks for none.
fn keep_one(network: &mut Network, from: FlowPoint<i64>) {
    let zip = network.add(Zip::new(Type::I64, Type::I64)).unwrap();
    let never = network.point::<i64>("never").unwrap();
    network.hold_writers(never, true).unwrap();
    network.attach_input(zip, 0, from).unwrap();
    network.attach_input(zip, 1, never).unwrap();
    let pairs = network.point::<(i64, i64)>("pairs").unwrap();
    network.attach_output(zip, 0, pairs).unwrap();
    network.sink(pairs, Collect::<(i64, i64)>::new()).unwrap();
}

/// The tee has a share of many elements. With the first of them a reader behind its other
/// branch finishes, and with it the copy; that leaves the collector alone at `dealt` while
/// the first element still waits there in a block. The rest of the share is dealt on, one
/// element of it to the other reader.
#[test]
fn a_block_keeps_its_place_when_its_other_reader_leaves() {
    on_both_engines(|mut network| {
        let shared = numbers(&mut network, 6);
        let [first, dealt] = tee(&mut network, shared);
        keep_one(&mut network, shared);
        let take = network.add(Take::new(Type::I64, 1)).unwrap();
        let taken = network.point::<i64>("taken").unwrap();
        attach(&mut network, first, take, taken);
        let taken = collect(&mut network, taken);
        let copy = network.add(Pass::new(Type::I64)).unwrap();
        attach(&mut network, dealt, copy, first);
        let collected = collect(&mut network, dealt);
        network.run().unwrap();
        assert_eq!(taken.take(), [0]);
        assert_eq!(collected.take(), [0, 2, 3, 4, 5]);
        network.check_conservation().unwrap();
    });
}

/// The same, where what reads there pulls: it must not pull past the block.
#[test]
fn nobody_pulls_past_a_block() {
    on_both_engines(|mut network| {
        let shared = numbers(&mut network, 6);
        let [first, dealt] = tee(&mut network, shared);
        keep_one(&mut network, shared);
        let take = network.add(Take::new(Type::I64, 1)).unwrap();
        let taken = network.point::<i64>("taken").unwrap();
        attach(&mut network, first, take, taken);
        collect(&mut network, taken);
        let copy = network.add(Pass::new(Type::I64)).unwrap();
        attach(&mut network, dealt, copy, first);
        let zip = network.add(Zip::new(Type::I64, Type::I64)).unwrap();
        let others = numbers(&mut network, 6);
        network.attach_input(zip, 0, others).unwrap();
        network.attach_input(zip, 1, dealt).unwrap();
        let pairs = network.point::<(i64, i64)>("pairs").unwrap();
        network.attach_output(zip, 0, pairs).unwrap();
        let collect = Collect::<(i64, i64)>::new();
        let collected = collect.collected();
        network.sink(pairs, collect).unwrap();
        network.run().unwrap();
        assert_eq!(collected.take(), [(0, 0), (1, 2), (2, 3), (3, 4), (4, 5)]);
    });
}

#[test]
fn a_point_is_dealt_until_its_block_is() {
    on_both_engines(|mut network| {
        let shared = numbers(&mut network, 6);
        let collected = collect(&mut network, shared);
        let other = network.sink(shared, Collect::<i64>::new()).unwrap();
        let dealt = |network: &mut Network| {
            let report = network.report();
            let point = report.points.iter().find(|point| point.id == shared.id());
            point.map(|point| (point.polymorphic, point.in_deal)).unwrap()
        };
        // The source fills a block, and the steps are used up.
        assert_eq!(network.run_steps(4).unwrap(), Progress::Steps);
        assert_eq!(dealt(&mut network), (Some(Polymorphic::Readers(2)), 4));
        network.rewire(|rewire| rewire.detach_input(other, 0)).unwrap();
        assert_eq!(dealt(&mut network), (Some(Polymorphic::Block), 4));
        network.run_steps(1).unwrap();
        assert_eq!(dealt(&mut network), (None, 0));
        network.run().unwrap();
        assert_eq!(collected.take(), [0, 1, 2, 3, 4, 5]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_a_removed_point_has_lost_is_still_counted() {
    on_both_engines(|mut network| {
        let shared = numbers(&mut network, 4);
        let merge = network.add(Merge::new(Type::I64, 2)).unwrap();
        network.attach_input(merge, 0, shared).unwrap();
        network.attach_input(merge, 1, shared).unwrap();
        let merged = network.point::<i64>("merged").unwrap();
        network.attach_output(merge, 0, merged).unwrap();
        let taken = network.pipe::<i64, i64>(merged, Take::new(Type::I64, 3)).unwrap();
        let collected = collect(&mut network, taken);
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [0, 1, 2]);
        assert_eq!(network.report().lost_at_removed, 0);
        network.remove_point(shared.id()).unwrap();
        assert_eq!(network.report().lost_at_removed, 1);
    });
}

/// Elements of a tee whose branches both write to one flow point with two readers, of which
/// the first asks for so many and the other for none.
fn twice_into(network: &mut Network, room: i64) -> FlowPoint<i64> {
    let shared = numbers(network, 6);
    let tee = Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Block]);
    let tee = network.add(tee).unwrap();
    network.attach_input(tee, 0, shared).unwrap();
    let dealt = network.point::<i64>("dealt").unwrap();
    network.attach_output(tee, 0, dealt).unwrap();
    network.attach_output(tee, 1, dealt).unwrap();
    network.sink(dealt, Room(room)).unwrap();
    network.sink(dealt, Room(0)).unwrap();
    dealt
}

fn put_and_in_deal(network: &mut Network, at: FlowPoint<i64>) -> (u64, u64) {
    let report = network.report();
    let point = report.points.iter().find(|point| point.id == at.id()).unwrap();
    (point.put, point.in_deal)
}

#[test]
fn what_comes_at_once_goes_into_one_block_although_less_is_asked_for() {
    on_both_engines(|mut network| {
        let dealt = twice_into(&mut network, 1);
        network.run().unwrap();
        assert_eq!(put_and_in_deal(&mut network, dealt), (2, 1));
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_block_is_not_filled_beyond_what_is_asked_for() {
    on_both_engines(|mut network| {
        let dealt = twice_into(&mut network, 3);
        // Room for one more is none for two.
        network.run_steps(2).unwrap();
        assert_eq!(put_and_in_deal(&mut network, dealt).0, 2);
        network.run().unwrap();
        assert_eq!(put_and_in_deal(&mut network, dealt), (4, 1));
        network.check_conservation().unwrap();
    });
}

/// Says by its first output, for each element, whether its second one is ready, to which it
/// gives only what comes by its second input.
struct Asks;

impl Process for Asks {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("asks");
        shape.input(Type::I64);
        shape.input(Type::I64);
        shape.output(Type::I64);
        let asked_about = shape.output(Type::I64);
        shape.optional(asked_about);
        shape.drop_policy("not ready");
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let ready = f.ready(1);
        if from == 0 {
            let ready = f.op(Op::BToI, &[ready]);
            f.emit(0, &[ready]);
            return f.done();
        }
        let (_, not) = f.br_new(ready);
        f.emit(1, element);
        f.done();
        f.switch_to(not);
        f.drop(0);
        f.done();
    }
}

#[test]
fn what_is_asked_about_is_looked_at_anew_when_a_reader_comes() {
    for (options, is_native) in [(Options::interpreted(), false), (Options::native(), true)] {
        let mut network = Network::new(options);
        let asks = network.add(Asks).unwrap();
        let all = network.source::<i64>(Iter::new(0..100_000_000_i64)).unwrap();
        let [never, said, asked_about] =
            ["never", "said", "asked about"].map(|name| network.point::<i64>(name).unwrap());
        network.hold_writers(never, true).unwrap();
        network.attach_input(asks, 0, all).unwrap();
        network.attach_input(asks, 1, never).unwrap();
        network.attach_output(asks, 0, said).unwrap();
        network.attach_output(asks, 1, asked_about).unwrap();
        network.sink(asked_about, Room(0)).unwrap();
        let said = collect(&mut network, said);
        if is_native {
            warm(&mut network);
        }
        network.run_steps(100).unwrap();
        assert_eq!(said.take().last(), Some(&0));
        let other = Collect::<i64>::new();
        network.sink(asked_about, other).unwrap();
        network.run_steps(1_000).unwrap();
        assert_eq!(said.take().last(), Some(&1), "the other reader takes any number");
    }
}
