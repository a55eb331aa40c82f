//! Code of chains that come to be as they were before: in networks of every kind of
//! junction, where something comes and goes. What is taken for the same is built again and
//! compared where debug assertions are on; here it is seen that something is taken at all,
//! that nothing is that differs, and that no element is lost over it.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{plus, warm};
use cutthrough::ir::{ElementType, Op, RowsDecl, SlotDecl, Type, Value};
use cutthrough::processes::{BranchPolicy, FlatMap, ForEach, Iter, Map, Merge, Pass, Route, Tee, Zip};
use cutthrough::{FlowPoint, Fragment, Network, Options, Port, Process, ProcessId, Shape};

/// Flow points that all networks here have: what two sources give, and what a sink takes.
struct Points {
    left: FlowPoint<i64>,
    right: FlowPoint<i64>,
    end: FlowPoint<i64>,
    /// Who writes to `right`.
    right_source: ProcessId,
}

fn network() -> (Network, Points) {
    let mut network = Network::new(Options {
        quantum_steps: 500,
        ..Options::default()
    });
    let left = network.source::<i64>(Iter::new(0i64..)).unwrap();
    let right_source = network.add(Iter::new(0i64..)).unwrap();
    let right = network.point::<i64>("right").unwrap();
    network.attach_output(right_source, 0, right).unwrap();
    let end = network.point::<i64>("end").unwrap();
    network.hold_writers(end, true).unwrap();
    network.sink(end, ForEach::new(|_: i64| {})).unwrap();
    let points = Points {
        left,
        right,
        end,
        right_source,
    };
    (network, points)
}

/// Attaches a process to its inputs, and its first output to `to`.
fn wire(
    network: &mut Network,
    process: impl Process + 'static,
    from: &[FlowPoint<i64>],
    to: FlowPoint<i64>,
) -> ProcessId {
    let process = network.add(process).unwrap();
    for (input, &point) in from.iter().enumerate() {
        network.attach_input(process, input, point).unwrap();
    }
    network.attach_output(process, 0, to).unwrap();
    process
}

fn ignore() -> impl Process {
    ForEach::new(|_: i64| {})
}

/// Has something come and go, and sees that code is found again.
fn come_and_go(
    mut network: Network,
    mut come: impl FnMut(&mut Network) -> ProcessId,
    mut go: impl FnMut(&mut Network, ProcessId),
) {
    for _ in 0..3 {
        warm(&mut network);
        let process = come(&mut network);
        warm(&mut network);
        go(&mut network, process);
    }
    warm(&mut network);
    let before = network.report().specialisations;
    for _ in 0..20 {
        let process = come(&mut network);
        network.run_steps(3_000).unwrap();
        go(&mut network, process);
        network.run_steps(3_000).unwrap();
    }
    let after = network.report().specialisations;
    assert!(
        after.reused >= before.reused + 20,
        "{before:?} {after:?} {}",
        network.report()
    );
    network.check_conservation().unwrap();
}

fn remove(network: &mut Network, process: ProcessId) {
    network.rewire(|rewire| rewire.discard(process)).unwrap();
}

fn insert(network: &mut Network, behind: Port, process: impl Process + 'static) -> ProcessId {
    let inserted = network.rewire(|rewire| {
        let process = rewire.add(process)?;
        rewire.insert(behind, process)?;
        Ok(process)
    });
    inserted.unwrap()
}

/// Takes out a process that was inserted, with the point that came with it.
fn take_out(network: &mut Network, process: ProcessId) {
    let taken_out = network.rewire(|rewire| rewire.take_out(process));
    taken_out.unwrap();
    network.remove_finished();
}

#[test]
fn a_reader_that_competes() {
    let (mut network, points) = network();
    wire(&mut network, plus(1), &[points.left], points.end);
    network.sink(points.right, ignore()).unwrap();
    let right = points.right;
    come_and_go(
        network,
        move |network| network.sink(right, ignore()).unwrap(),
        remove,
    );
}

#[test]
fn a_writer_that_joins_above_one_that_holds() {
    let (mut network, points) = network();
    // Counts down from what came in, three at most.
    let doubled = FlatMap::new(
        Type::I64,
        Type::I64,
        vec![SlotDecl::i64("left", 0)],
        |f, x| {
            let three = f.iconst(3);
            let some = f.op(Op::Iand, &[x[0], three]);
            f.slot_set(0, some);
        },
        |f| {
            let (left, zero, one) = (f.slot_get(0), f.iconst(0), f.iconst(1));
            let more = f.op(Op::Igt, &[left, zero]);
            let (_, end) = f.br_new(more);
            let less = f.op(Op::Isub, &[left, one]);
            f.slot_set(0, less);
            (vec![left], end)
        },
    );
    wire(&mut network, doubled, &[points.left], points.end);
    network.sink(points.right, ignore()).unwrap();
    let left = points.left;
    come_and_go(
        network,
        move |network| {
            let source = network.add(Iter::new(0i64..)).unwrap();
            network.attach_output(source, 0, left).unwrap();
            source
        },
        remove,
    );
}

#[test]
fn a_process_in_front_of_a_pulled_input() {
    let (mut network, points) = network();
    let zipped = network.point::<(i64, i64)>("zipped").unwrap();
    let zip = network.add(Zip::new(Type::I64, Type::I64)).unwrap();
    network.attach_input(zip, 0, points.left).unwrap();
    network.attach_input(zip, 1, points.right).unwrap();
    network.attach_output(zip, 0, zipped).unwrap();
    let sum = Map::new(ElementType::new([Type::I64, Type::I64]), Type::I64, |f, x| {
        vec![f.op(Op::Iadd, &[x[0], x[1]])]
    });
    let sum = network.add(sum).unwrap();
    network.attach_input(sum, 0, zipped).unwrap();
    network.attach_output(sum, 0, points.end).unwrap();
    let behind = Port {
        process: points.right_source,
        port: 0,
    };
    come_and_go(
        network,
        move |network| insert(network, behind, Pass::new(Type::I64)),
        take_out,
    );
}

/// A source whose elements part and meet again: who parts them, who joins them, and the
/// points between.
fn diamond() -> (Network, ProcessId, ProcessId, [FlowPoint<i64>; 2]) {
    let (mut network, points) = network();
    network.sink(points.right, ignore()).unwrap();
    let is_odd = |f: &mut Fragment<'_>, x: &[Value]| {
        let one = f.iconst(1);
        let bit = f.op(Op::Iand, &[x[0], one]);
        f.op(Op::Ieq, &[bit, one])
    };
    let between = ["odd", "even"].map(|name| network.point::<i64>(name).unwrap());
    let route = wire(
        &mut network,
        Route::new(Type::I64, is_odd),
        &[points.left],
        between[0],
    );
    network.attach_output(route, 1, between[1]).unwrap();
    let merge = wire(&mut network, Merge::new(Type::I64, 2), &between, points.end);
    (network, route, merge, between)
}

#[test]
fn a_branch_of_a_diamond() {
    let (network, route, _, _) = diamond();
    let behind = Port {
        process: route,
        port: 1,
    };
    come_and_go(network, move |network| insert(network, behind, plus(1)), take_out);
}

#[test]
fn branches_that_change_places() {
    let (network, _, merge, [odd, even]) = diamond();
    let attach = move |network: &mut Network, to: [FlowPoint<i64>; 2]| {
        let changed = network.rewire(|rewire| {
            for (input, point) in to.into_iter().enumerate() {
                rewire.detach_input(merge, input)?;
                rewire.attach_input(merge, input, point)?;
            }
            Ok(())
        });
        changed.unwrap();
        merge
    };
    come_and_go(
        network,
        move |network| attach(network, [even, odd]),
        move |network, _| {
            attach(network, [odd, even]);
        },
    );
}

#[test]
fn an_optional_branch_of_a_tee() {
    let (mut network, points) = network();
    network.sink(points.right, ignore()).unwrap();
    let tee = Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Drop]);
    let tee = wire(&mut network, tee, &[points.left], points.end);
    let branch = network.point::<i64>("branch").unwrap();
    network.hold_readers(branch, true).unwrap();
    network.attach_output(tee, 1, branch).unwrap();
    come_and_go(
        network,
        move |network| network.sink(branch, ignore()).unwrap(),
        remove,
    );
}

#[test]
fn another_program_is_another_chain() {
    let (mut network, points) = network();
    network.sink(points.right, ignore()).unwrap();
    let map = wire(&mut network, plus(0), &[points.left], points.end);
    warm(&mut network);
    for amount in 1..5 {
        let before = network.report().specialisations.reused;
        network.rewire(|rewire| rewire.swap(map, plus(amount))).unwrap();
        warm(&mut network);
        assert_eq!(network.report().specialisations.reused, before);
    }
    network.check_conservation().unwrap();
}

/// The programs are equal, so only the number of the function tells the chains apart.
#[test]
fn another_host_function_is_another_chain() {
    let (mut network, points) = network();
    network.sink(points.left, ignore()).unwrap();
    let sink = network.sink(points.right, ignore()).unwrap();
    warm(&mut network);
    let before = network.report().specialisations.reused;
    let seen = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&seen);
    let other = ForEach::new(move |_: i64| {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    network.rewire(|rewire| rewire.swap(sink, other)).unwrap();
    warm(&mut network);
    assert_eq!(network.report().specialisations.reused, before);
    assert!(seen.load(Ordering::Relaxed) > 0);
}

#[test]
fn code_that_a_removed_process_ran_is_not_kept() {
    let mut network = Network::new(Options::default());
    let numbers = network.point::<i64>("numbers").unwrap();
    let source = network.add(Iter::new(0i64..)).unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    network.sink(numbers, ignore()).unwrap();
    warm(&mut network);
    let tap = network.sink(numbers, ignore()).unwrap();
    let bytes = |network: &mut Network| {
        let counts = network.report().specialisations;
        counts.installed_bytes - counts.retired_bytes
    };
    assert!(bytes(&mut network) > 0, "what was dropped is kept for a while");
    for process in [tap, source] {
        network.rewire(|rewire| rewire.discard(process)).unwrap();
    }
    assert_eq!(bytes(&mut network), 0);
}

/// Does nothing, and has as many policies and row buffers as wanted.
struct Holds {
    policies: usize,
    rows: usize,
}

impl Process for Holds {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("holds");
        shape.input(Type::I64);
        for policy in 0..self.policies {
            shape.drop_policy(format!("policy {policy}"));
        }
        for rows in 0..self.rows {
            shape.rows(RowsDecl::new(format!("rows {rows}"), [Type::I64], 1 << 10));
        }
    }
}

/// Passes elements on by two outputs, and keeps the last one in a row buffer.
struct Both;

impl Process for Both {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("both");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.output(Type::I64);
        shape.rows(RowsDecl::new("last", [Type::I64], 1 << 10));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let zero = f.iconst(0);
        f.rows_truncate(0, zero);
        f.rows_push(0, element);
        f.emit(0, element);
        f.emit(1, element);
        f.done();
    }
}

/// Puts one behind a source, runs, and takes it out again; nobody takes from its second output
/// any more. How often code was used again.
fn both_come_and_go(network: &mut Network, source: ProcessId) -> u64 {
    let before = network.report().specialisations.reused;
    let (both, between, other) = network
        .rewire(|rewire| {
            let both = rewire.add(Both)?;
            let between = rewire.insert(
                Port {
                    process: source,
                    port: 0,
                },
                both,
            )?;
            let other = rewire.output_point(both, 1, Type::I64)?;
            Ok((both, between, other))
        })
        .unwrap();
    let reader = network.add(ignore()).unwrap();
    network.attach_input(reader, 0, other).unwrap();
    network.rewire(|rewire| rewire.discard(reader)).unwrap();
    warm(network);
    let report = network.process_report(both).unwrap();
    assert!(
        report.outputs[1].lost > 0,
        "what it gives to nobody is counted as lost"
    );
    let reused = network.report().specialisations.reused - before;
    network.check_conservation().unwrap();
    network
        .rewire(|rewire| {
            let point = rewire.detach_output(both, 0)?;
            rewire.detach_output(source, 0)?;
            rewire.attach_output(source, 0, point)?;
            rewire.discard(both)
        })
        .unwrap();
    network.remove_point(between).unwrap();
    warm(network);
    reused
}

/// What a process was given when it came: another counter of what is lost, or another row
/// buffer, and all else the same, is another chain.
#[test]
fn another_counter_or_row_buffer_is_another_chain() {
    let (mut network, points) = network();
    let holds = |policies, rows| Holds { policies, rows };
    let first = network.add(holds(0, 1)).unwrap();
    let second = network.add(holds(0, 0)).unwrap();
    network.sink(points.left, ignore()).unwrap();
    network.sink(points.right, ignore()).unwrap();
    warm(&mut network);
    let source = points.right_source;
    both_come_and_go(&mut network, source);
    assert!(both_come_and_go(&mut network, source) > 0, "all is as it was");
    // Inputs take two counters while they are swapped. So the first takes three from the third
    // free one on, the second takes the one behind, and the first gives its own back.
    for (process, policies, rows) in [(first, 3, 1), (second, 1, 0), (first, 0, 1)] {
        network
            .rewire(|rewire| rewire.swap(process, holds(policies, rows)))
            .unwrap();
    }
    assert_eq!(both_come_and_go(&mut network, source), 0, "another counter");
    assert!(both_come_and_go(&mut network, source) > 0, "the same as before");
    // A row buffer before that of the one that comes is free now.
    network.rewire(|rewire| rewire.swap(first, holds(0, 0))).unwrap();
    assert_eq!(both_come_and_go(&mut network, source), 0, "another row buffer");
}
