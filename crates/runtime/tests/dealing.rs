//! What holds where several readers compete for the elements of a flow point: no element
//! overtakes another of its edge, none is lost uncounted, whoever leaves meanwhile.

use cutthrough::ir::Type;
use cutthrough::processes::{BranchPolicy, Collect, Collected, Merge, Pass, Slice, Take, Tee, Zip};
use cutthrough::{FlowPoint, Network, Polymorphic, ProcessId, Progress};

mod common;
use common::on_both_engines;

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
