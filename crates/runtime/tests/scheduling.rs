//! Scheduling costs what moves, not what there is: counted in processes that were tried,
//! not in time. And everybody has a turn.

mod common;

use cutthrough::ir::{End, Type};
use cutthrough::processes::{Collect, ForEach, Iter, Take};
use cutthrough::{ErrorKind, Fragment, Network, Options, Process, ProcessId, Progress, Shape};

use common::{Room, on_both_engines};

const OTHERS: usize = 300;
const GRANTS: u64 = 500;

/// Gives a number each time it is woken, or without end.
struct Give {
    number: i64,
    waits: bool,
}

impl Process for Give {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("give");
        shape.output(Type::I64);
        if self.waits {
            shape.starts_idle();
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let number = f.iconst(self.number);
        f.emit(0, &[number]);
        f.end(if self.waits { End::Pending } else { End::Again });
    }
}

/// A source and the sink behind it.
fn pair(network: &mut Network, source: Give, sink: impl Process + 'static) -> (ProcessId, ProcessId) {
    let source = network.add(source).unwrap();
    let point = network.point::<i64>("numbers").unwrap();
    network.attach_output(source, 0, point).unwrap();
    (source, network.sink(point, sink).unwrap())
}

fn came(network: &Network, sink: ProcessId) -> u64 {
    network.process_report(sink).unwrap().inputs[0].moved
}

/// How many processes are tried while a flow has this many grants.
fn tried(network: &mut Network, grants: u64) -> u64 {
    let before = network.processes_tried();
    for _ in 0..grants {
        assert_eq!(network.run_steps(10).unwrap(), Progress::Steps);
    }
    network.processes_tried() - before
}

#[test]
fn what_is_idle_is_not_looked_at() {
    on_both_engines(|mut network| {
        let waiting = || Give {
            number: 1,
            waits: true,
        };
        let others: Vec<_> = (0..OTHERS)
            .map(|_| pair(&mut network, waiting(), Room(i64::MAX)))
            .collect();
        let active = Give {
            number: 2,
            waits: false,
        };
        pair(&mut network, active, Room(i64::MAX));
        assert_eq!(tried(&mut network, GRANTS), GRANTS, "one for each grant");
        // To wake one is to try one.
        let (source, sink) = others[OTHERS / 2];
        network.waker(source).unwrap().wake();
        assert_eq!(tried(&mut network, 3), 3 + 1, "its own turn ends at once");
        assert_eq!(came(&network, sink), 1);
    });
}

#[test]
fn what_is_blocked_is_tried_again_when_that_may_help() {
    on_both_engines(|mut network| {
        let endless = || Give {
            number: 1,
            waits: false,
        };
        let others: Vec<_> = (0..OTHERS)
            .map(|_| pair(&mut network, endless(), Room(0)))
            .collect();
        pair(&mut network, endless(), Room(i64::MAX));
        let first = tried(&mut network, GRANTS);
        assert!(
            first <= OTHERS as u64 + GRANTS,
            "each is found to be blocked once: {first}"
        );
        assert_eq!(tried(&mut network, GRANTS), GRANTS);
        let (_, sink) = others[OTHERS / 2];
        network.set_slot(sink, 0, 3).unwrap();
        assert_eq!(
            tried(&mut network, 10),
            10 + 2,
            "its turn, and that it is blocked again"
        );
        assert_eq!(came(&network, sink), 3);
    });
}

#[test]
fn blocks_that_nobody_takes_are_not_looked_at() {
    on_both_engines(|mut network| {
        let mut readers = Vec::new();
        for _ in 0..OTHERS / 3 {
            let source = network.add(Iter::new([1i64, 2, 3, 4])).unwrap();
            let point = network.point::<i64>("numbers").unwrap();
            network.attach_output(source, 0, point).unwrap();
            readers.push([(); 2].map(|()| network.sink(point, Room(2)).unwrap()));
        }
        let endless = Give {
            number: 1,
            waits: false,
        };
        pair(&mut network, endless, Room(i64::MAX));
        // Each fills a block, of which its readers then take nothing.
        for pair in &readers {
            assert_eq!(network.run_steps(4).unwrap(), Progress::Steps);
            for reader in pair {
                network.set_slot(*reader, 0, 0).unwrap();
            }
        }
        // Each source is found to be blocked once.
        tried(&mut network, 2);
        assert_eq!(tried(&mut network, GRANTS), GRANTS);
        let pair = readers[OTHERS / 6];
        network.set_slot(pair[0], 0, 3).unwrap();
        network.set_slot(pair[1], 0, 3).unwrap();
        assert!(tried(&mut network, 10) < 20);
        assert_eq!(pair.map(|reader| came(&network, reader)), [3, 1]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn an_edit_has_what_it_may_help_tried_again() {
    on_both_engines(|mut network| {
        let endless = || Give {
            number: 1,
            waits: false,
        };
        let blocked = network.add(endless()).unwrap();
        let point = network.point::<i64>("numbers").unwrap();
        network.attach_output(blocked, 0, point).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting, "nobody reads");
        let taken = Collect::<i64>::new();
        let collected = taken.collected();
        let first = network.pipe::<i64, i64>(point, Take::new(Type::I64, 3)).unwrap();
        network.sink(first, taken).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [1, 1, 1]);
    });
}

#[test]
fn a_source_has_its_turn_although_others_wait_in_between() {
    on_both_engines(|mut network| {
        let waiting = |number| Give { number, waits: true };
        let (one, _) = pair(&mut network, waiting(1), Room(i64::MAX));
        let (two, _) = pair(&mut network, waiting(2), Room(i64::MAX));
        let (_, sink) = pair(
            &mut network,
            Give {
                number: 3,
                waits: false,
            },
            Room(i64::MAX),
        );
        // Each is woken when the other one waits.
        for _ in 0..10 {
            for source in [one, two] {
                network.waker(source).unwrap().wake();
                network.run_steps(1).unwrap();
            }
        }
        assert!(came(&network, sink) >= 6, "{} turns of 20", came(&network, sink));
    });
}

#[test]
fn a_reader_that_asks_hears_all_writers_in_turn() {
    on_both_engines(|mut network| {
        let numbers = network.point::<i64>("numbers").unwrap();
        for number in [1, 2, 3] {
            let source = network.add(Iter::new(std::iter::repeat_n(number, 4))).unwrap();
            network.attach_output(source, 0, numbers).unwrap();
        }
        let (mut receiver, _) = common::receiver(&mut network, numbers, 1);
        let mut arrived = Vec::new();
        for _ in 0..6 {
            network.run().unwrap();
            arrived.extend(receiver.try_recv());
        }
        assert_eq!(arrived, [1, 2, 3, 1, 2, 3]);
    });
}

#[test]
fn the_bounds_on_processes_and_flow_points_are_options() {
    let mut network = Network::new(Options {
        processes_max: 1,
        points_max: 1,
        ..Options::interpreted()
    });
    network.add(Room(0)).unwrap();
    let refused = network.add(Room(0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert_eq!(
        refused.to_string(),
        "the network may have 1 processes and no more (`Options::processes_max`)"
    );
    network.point::<i64>("numbers").unwrap();
    let refused = network.point::<i64>("more").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the network may have 1 flow points and no more (`Options::points_max`)"
    );
}

/// All of the flow is one grant, which begins in the interpreter.
#[test]
fn native_code_is_taken_up_within_a_grant() {
    let mut network = Network::new(Options {
        quantum_steps: u64::MAX,
        ..Options::default()
    });
    let numbers = network.source::<i64>(Iter::new(0i64..)).unwrap();
    let collect = ForEach::new(|_: i64| {});
    network.sink(numbers, collect).unwrap();
    network.run_steps(5_000_000).unwrap();
    let report = network.report();
    assert!(report.chains[0].mode.is_native(), "{report}");
    assert_eq!(report.specialisations.invalidated, 0);
}
