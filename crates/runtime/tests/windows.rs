//! Groups in windows of arrival time, in a time that the test makes.

mod common;

use std::sync::Arc;
use std::time::Duration;

use cutthrough::aggregate::{AggregateFunction, BasicAggregate, CountDistinct, Gathered, Percentile};
use cutthrough::ir::Type;
use cutthrough::processes::{Collect, Collected, Group, GroupSpec, Windowing};
use cutthrough::{Network, Progress, Sender};

use common::on_both_engines;

const SUM: BasicAggregate = BasicAggregate {
    function: AggregateFunction::Sum,
    input: Some(Type::I64),
};

fn nanos(ms: i64) -> i64 {
    ms * 1_000_000
}

fn at(network: &mut Network, ms: u64) {
    network.set_time(Duration::from_millis(ms));
    assert_eq!(network.run().unwrap(), Progress::Waiting);
}

fn put<T: cutthrough::Element>(network: &mut Network, writer: &mut Sender<T>, elements: Vec<T>) {
    writer.send_all(elements).unwrap();
    assert_eq!(network.run().unwrap(), Progress::Waiting);
}

fn every_ten(spec: GroupSpec) -> Group {
    Group::new(GroupSpec {
        windowing: Windowing::Every(Duration::from_millis(10)),
        ..spec
    })
}

fn collected<T: cutthrough::Element + Send>(
    network: &mut Network,
    from: cutthrough::FlowPoint<T>,
) -> Collected<T> {
    let collect = Collect::<T>::new();
    let collected = collect.collected();
    network.sink(from, collect).unwrap();
    collected
}

#[test]
fn groups_come_when_their_window_is_over() {
    on_both_engines(|mut network| {
        let (mut writer, point) = common::sender::<(i64, i64)>(&mut network, 16);
        let group = every_ten(GroupSpec::basic(vec![Type::I64], [SUM], 1 << 20));
        let sums = network.pipe::<(i64, i64), (i64, i64, i64)>(point, group).unwrap();
        let found = collected(&mut network, sums);
        at(&mut network, 13);
        put(&mut network, &mut writer, vec![(1, 5), (2, 6)]);
        at(&mut network, 19);
        put(&mut network, &mut writer, vec![(1, 7)]);
        assert_eq!(
            (found.take(), network.next_timer()),
            (vec![], Some(Duration::from_millis(20)))
        );
        at(&mut network, 20);
        assert_eq!(found.take(), [(nanos(10), 1, 12), (nanos(10), 2, 6)]);
        assert_eq!(
            network.next_timer(),
            None,
            "nothing is waited for without elements"
        );
        // Windows without elements give nothing; one that is late to close is told from the next.
        at(&mut network, 55);
        put(&mut network, &mut writer, vec![(2, 1)]);
        at(&mut network, 78);
        assert_eq!(found.take(), [(nanos(50), 2, 1)]);
        put(&mut network, &mut writer, vec![(3, 3)]);
        network.check_conservation().unwrap();
        // The end of the flow is the end of the window.
        drop(writer);
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(found.take(), [(nanos(70), 3, 3)]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn one_group_of_all_begins_anew() {
    on_both_engines(|mut network| {
        let (mut writer, point) = common::sender::<i64>(&mut network, 16);
        let group = every_ten(GroupSpec::basic(vec![], [SUM], 1 << 20));
        let sums = network.pipe::<i64, (i64, i64)>(point, group).unwrap();
        let found = collected(&mut network, sums);
        for begin in [10, 20, 40] {
            at(&mut network, begin);
            put(&mut network, &mut writer, vec![1, 2, 3]);
            at(&mut network, begin + 10);
            assert_eq!(found.take(), [(nanos(begin.cast_signed()), 6)]);
        }
        // Without an element, there is no last window.
        drop(writer);
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(found.take(), []);
    });
}

#[test]
fn what_needs_all_values_has_those_of_its_window() {
    on_both_engines(|mut network| {
        let (mut writer, point) = common::sender::<(i64, i64, i64)>(&mut network, 16);
        let median = Percentile {
            share: 0.5,
            input: Type::I64,
            is_whole: true,
        };
        let group = every_ten(GroupSpec {
            aggregates: vec![
                Arc::new(Gathered(Arc::new(median))),
                Arc::new(Gathered(Arc::new(CountDistinct(Type::I64)))),
            ],
            ..GroupSpec::basic(vec![Type::I64], [], 1 << 20)
        });
        type Found = (i64, i64, Option<i64>, i64);
        let results = network.pipe::<(i64, i64, i64), Found>(point, group).unwrap();
        let found = collected(&mut network, results);
        for begin in [10, 20] {
            at(&mut network, begin);
            put(
                &mut network,
                &mut writer,
                vec![(1, 5, 5), (1, 9, 5), (2, 8, 8), (1, 7, 6)],
            );
            at(&mut network, begin + 10);
            let window = nanos(begin.cast_signed());
            assert_eq!(found.take(), [(window, 1, Some(7), 2), (window, 2, Some(8), 1)]);
        }
        network.check_conservation().unwrap();
    });
}
