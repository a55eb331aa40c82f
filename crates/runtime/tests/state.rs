//! What processes keep: counted, removed, swapped, and saved to go on in another OS process.

mod common;

use std::collections::BTreeMap;

use common::on_both_engines;
use cutthrough::aggregate::AggregateFunction::{self, Count, Max, Sum};
use cutthrough::aggregate::BasicAggregate;
use cutthrough::ir::{AtBound, Op, SlotDecl, Type};
use cutthrough::processes::{Collect, Collected, Fold, Group, GroupSpec, Map, Order, Skip, Zip};
use cutthrough::{ErrorKind, FlowPoint, Fragment, Network, Options, Process, ProcessId, Shape};

/// Counts up to a number; all its state is a slot.
struct Upto(i64);

impl Process for Upto {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("upto");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", 0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, end, one) = (f.slot_get(0), f.iconst(self.0), f.iconst(1));
        let more = f.op(Op::Ilt, &[next, end]);
        let (_, ended) = f.br_new(more);
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        f.emit(0, &[next]);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}

/// The number modulo `keys`, and the number.
fn keyed(keys: i64) -> impl Process {
    Map::new(Type::I64, [Type::I64, Type::I64], move |f, x| {
        let keys = f.iconst(keys);
        vec![f.op(Op::Irem, &[x[0], keys]), x[0]]
    })
}

fn group(functions: &[AggregateFunction]) -> Group {
    Group::new(spec(functions))
}

fn spec(functions: &[AggregateFunction]) -> GroupSpec {
    let aggregates = functions.iter().map(|&function| BasicAggregate {
        function,
        input: Some(Type::I64).filter(|_| function != Count),
    });
    GroupSpec::basic(vec![Type::I64], aggregates, 1 << 30)
}

const KEYS: i64 = 1_000_000;
const ELEMENTS: i64 = 2_500_000;

type Summed = (i64, i64, i64);

/// Numbers, keyed, to a group that counts and sums.
fn summing(network: &mut Network) -> (ProcessId, Collected<Summed>) {
    let numbers = network.source::<i64>(Upto(ELEMENTS)).unwrap();
    let pairs = network.pipe::<i64, (i64, i64)>(numbers, keyed(KEYS)).unwrap();
    // A sum takes its own field.
    let group = network.add(group(&[Count, Sum])).unwrap();
    network.attach_input(group, 0, pairs).unwrap();
    let sums = network.point::<Summed>("sums").unwrap();
    network.attach_output(group, 0, sums).unwrap();
    let collect = Collect::<Summed>::new();
    let collected = collect.collected();
    network.sink(sums, collect).unwrap();
    (group, collected)
}

/// What the keys of these numbers come to.
fn expected(numbers: std::ops::Range<i64>) -> BTreeMap<i64, (i64, i64)> {
    let mut sums = BTreeMap::new();
    for number in numbers {
        let (count, sum) = sums.entry(number % KEYS).or_insert((0, 0));
        *count += 1;
        *sum += number;
    }
    sums
}

fn by_key(found: impl IntoIterator<Item = Summed>) -> BTreeMap<i64, (i64, i64)> {
    found
        .into_iter()
        .map(|(key, count, sum)| (key, (count, sum)))
        .collect()
}

fn taken(network: &Network, process: ProcessId) -> i64 {
    let report = network.process_report(process).unwrap();
    report.inputs[0].moved as i64
}

#[test]
fn a_million_keys_are_given_when_their_group_is_removed_under_load() {
    on_both_engines(|mut network| {
        let (old, collected) = summing(&mut network);
        network.run_steps(1_500_000).unwrap();
        let before = taken(&network, old);
        assert!(before > KEYS, "{before}");
        // Another takes its place, and the old one goes.
        network
            .rewire(|rewire| {
                let point = rewire.detach_input(old, 0)?;
                let sums = rewire.detach_output(old, 0)?;
                rewire.attach_output(old, 0, sums)?;
                let new = rewire.add(group(&[Count, Sum]))?;
                rewire.attach_input(new, 0, point)?;
                rewire.attach_output(new, 0, sums)?;
                rewire.remove(old)
            })
            .unwrap();
        network.run().unwrap();
        network.check_conservation().unwrap();
        assert!(
            network.process_report(old).is_err(),
            "it has gone when it has given all"
        );
        let found = collected.take();
        assert!(found.len() as i64 > KEYS);
        let first = by_key(found[..KEYS as usize].iter().copied());
        assert_eq!(first, expected(0..before));
        let second = by_key(found[KEYS as usize..].iter().copied());
        assert_eq!(second, expected(before..ELEMENTS));
        let total: i64 = found.iter().map(|group| group.1).sum();
        assert_eq!(total, ELEMENTS);
    });
}

#[test]
fn a_group_is_swapped_for_a_new_version_that_keeps_its_rows() {
    on_both_engines(|mut network| {
        let (group_id, collected) = summing(&mut network);
        network.run_steps(1_500_000).unwrap();
        // The same, with other bounds: the rows are taken over.
        let spec = GroupSpec {
            bytes_max: 1 << 31,
            ..spec(&[Count, Sum])
        };
        network
            .rewire(|rewire| rewire.swap(group_id, Group::new(spec)))
            .unwrap();
        network.check_conservation().unwrap();
        network.run().unwrap();
        network.check_conservation().unwrap();
        assert_eq!(by_key(collected.take()), expected(0..ELEMENTS));
    });
}

#[test]
fn rows_that_the_new_program_does_not_know_are_not_lost_silently() {
    let mut network = Network::default();
    let (group_id, collected) = summing(&mut network);
    network.run_steps(1_000).unwrap();
    let skip = Map::new([Type::I64, Type::I64], [Type::I64; 3], |_, x| {
        vec![x[0], x[1], x[1]]
    });
    let error = network
        .rewire(|rewire| rewire.swap(group_id, skip))
        .expect_err("it holds");
    assert_eq!(error.kind(), ErrorKind::Holding);
    network.run().unwrap();
    assert_eq!(by_key(collected.take()), expected(0..ELEMENTS));
}

#[test]
fn what_is_evicted_is_counted() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Upto(100_000)).unwrap();
        let pairs = network.pipe::<i64, (i64, i64)>(numbers, keyed(5_000)).unwrap();
        let mut bounded = spec(&[Count, Max]);
        (bounded.groups_max, bounded.at_bound) = (1_000, AtBound::EvictOldest);
        let groups = network
            .pipe::<(i64, i64), (i64, i64, Option<i64>)>(pairs, Group::new(bounded))
            .unwrap();
        let collect = Collect::<(i64, i64, Option<i64>)>::new();
        let collected = collect.collected();
        network.sink(groups, collect).unwrap();
        network.run().unwrap();
        network.check_conservation().unwrap();
        let expected = (99_000..100_000).map(|number| (number % 5_000, 1, Some(number)));
        assert!(collected.take().into_iter().eq(expected));
    });
}

#[test]
fn a_full_order_and_a_full_fold_are_not_lost_when_they_are_removed() {
    use cutthrough::kernels::order::{OrderKey, OrderSpec};
    on_both_engines(|mut network| {
        let order = Order::new(OrderSpec {
            element: vec![Type::I64],
            keys: vec![OrderKey {
                field: 0,
                descending: true,
            }],
            limit: Some(10),
            is_from_end: false,
            bytes_max: 1 << 20,
        });
        let fold = Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, state, x| {
            vec![f.op(Op::Iadd, &[state[0], x[0]])]
        });
        for (process, expected) in [
            (
                Box::new(order) as Box<dyn Process>,
                (990..1000).rev().collect::<Vec<i64>>(),
            ),
            (Box::new(fold), vec![999 * 1000 / 2]),
        ] {
            let numbers = network.source::<i64>(Upto(i64::MAX)).unwrap();
            let process = network.add_boxed(process).unwrap();
            network.attach_input(process, 0, numbers).unwrap();
            let out = network.point::<i64>("out").unwrap();
            network.attach_output(process, 0, out).unwrap();
            let collect = Collect::<i64>::new();
            let collected = collect.collected();
            network.sink(out, collect).unwrap();
            network.run_steps(1000).unwrap();
            assert_eq!(taken(&network, process), 1000);
            network.remove(process).unwrap();
            network.run().unwrap();
            network.check_conservation().unwrap();
            assert_eq!(collected.take(), expected);
        }
    });
}

/// A network with state of each kind, and what comes out of it.
fn wired() -> (Network, Collected<Summed>, Collected<(i64, i64)>) {
    let mut network = Network::new(Options::native());
    let (_, collected) = summing(&mut network);
    let left = network.source::<i64>(Upto(3_000)).unwrap();
    let right = network.source::<i64>(Upto(2_000)).unwrap();
    let right = network
        .pipe::<i64, i64>(right, Skip::new(Type::I64, 700))
        .unwrap();
    let zip = network.add(Zip::new(Type::I64, Type::I64)).unwrap();
    network.attach_input(zip, 0, left).unwrap();
    network.attach_input(zip, 1, right).unwrap();
    let pairs = network.point::<(i64, i64)>("pairs").unwrap();
    network.attach_output(zip, 0, pairs).unwrap();
    let collect = Collect::<(i64, i64)>::new();
    let zipped = collect.collected();
    network.sink(pairs, collect).unwrap();
    (network, collected, zipped)
}

#[test]
fn a_checkpoint_goes_on_in_another_os_process() {
    const FILE: &str = "CUTTHROUGH_TEST_CHECKPOINT";
    if let Some(path) = std::env::var_os(FILE) {
        // The other process.
        let (mut network, collected, zipped) = wired();
        network.restore(&std::fs::read(&path).unwrap()).unwrap();
        network.check_conservation().unwrap();
        network.run().unwrap();
        network.check_conservation().unwrap();
        assert_eq!(by_key(collected.take()), expected(0..ELEMENTS));
        std::fs::write(&path, format!("{:?}", zipped.take())).unwrap();
        return;
    }
    let (mut network, _, zipped) = wired();
    network.run_steps(1_300_007).unwrap();
    network.check_conservation().unwrap();
    let image = network.checkpoint().unwrap();
    let before = zipped.take();
    let path = std::env::temp_dir().join(format!("cutthrough-checkpoint-{}", std::process::id()));
    std::fs::write(&path, &image).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_checkpoint_goes_on_in_another_os_process"])
        .env(FILE, &path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let after = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let all: Vec<(i64, i64)> = (0..1_300).map(|k| (k, k + 700)).collect();
    assert_eq!(after, format!("{:?}", &all[before.len()..]));
    assert_eq!(before, all[..before.len()]);
}

/// The counts of a flow point add up for edges that have left it, or that has been removed.
#[test]
fn counts_of_what_has_been_detached_are_in_a_checkpoint() {
    let mut network = Network::default();
    let (source, numbers) = detached(&mut network);
    network.run_steps(10).unwrap();
    network.rewire(|rewire| rewire.detach_output(source, 0)).unwrap();
    let image = network.checkpoint().unwrap();

    let mut network = Network::default();
    let (source, other_numbers) = detached(&mut network);
    assert_eq!(numbers.id(), other_numbers.id());
    network.rewire(|rewire| rewire.detach_output(source, 0)).unwrap();
    network.restore(&image).unwrap();
    network.check_conservation().unwrap();
    assert_eq!(network.report().points[0].put, 10);
    network.attach_output(source, 0, other_numbers).unwrap();
    network.run().unwrap();
    network.check_conservation().unwrap();
    assert_eq!(network.report().points[0].put, 100);
}

fn detached(network: &mut Network) -> (ProcessId, FlowPoint<i64>) {
    let source = network.add(Upto(100)).unwrap();
    let numbers = network.point::<i64>("numbers").unwrap();
    network.hold_writers(numbers, true).unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    network.sink(numbers, Collect::<i64>::new()).unwrap();
    (source, numbers)
}

/// A block is on its way to the only reader that is left.
#[test]
fn a_block_keeps_its_place_in_a_checkpoint() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options.clone());
        let (collected, numbers) = zipped(&mut network);
        let leaves = network.sink(numbers, Collect::<i64>::new()).unwrap();
        network.run_steps(20).unwrap();
        network.remove(leaves).unwrap();
        let shared = &network.report().points[1];
        assert!(shared.in_deal > 1, "a block waits: {shared:?}");
        let image = network.checkpoint().unwrap();
        assert_eq!(collected.take(), []);

        let mut network = Network::new(options);
        let (collected, _) = zipped(&mut network);
        network.restore(&image).unwrap();
        network.run().unwrap();
        network.check_conservation().unwrap();
        let pairs = collected.take();
        assert!(pairs.into_iter().eq((0..100).map(|k| (k, k))));
    }
}

/// Numbers in pairs with themselves, and the flow point of the second in each pair.
fn zipped(network: &mut Network) -> (Collected<(i64, i64)>, FlowPoint<i64>) {
    let left = network.source::<i64>(Upto(100)).unwrap();
    let right = network.source::<i64>(Upto(200)).unwrap();
    let zip = network.add(Zip::new(Type::I64, Type::I64)).unwrap();
    network.attach_input(zip, 0, left).unwrap();
    network.attach_input(zip, 1, right).unwrap();
    let pairs = network.point::<(i64, i64)>("pairs").unwrap();
    network.attach_output(zip, 0, pairs).unwrap();
    let collect = Collect::<(i64, i64)>::new();
    let collected = collect.collected();
    network.sink(pairs, collect).unwrap();
    (collected, right)
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing() {
    let (mut network, _, _) = wired();
    network.run_steps(10_000).unwrap();
    let image = network.checkpoint().unwrap();
    let refused = |image: &[u8], expected: &str| {
        let (mut network, collected, _) = wired();
        let error = network.restore(image).expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::Checkpoint);
        assert!(error.to_string().contains(expected), "{error}");
        network.run().unwrap();
        assert_eq!(by_key(collected.take()), expected_all());
    };
    fn expected_all() -> BTreeMap<i64, (i64, i64)> {
        expected(0..ELEMENTS)
    }
    refused(b"something else", "no checkpoint");
    let mut other = image.clone();
    other[8] = 9;
    refused(&other, "version 9");
    let mut other = image.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    refused(&other, "damaged");
    refused(&image[..image.len() - 1], "bytes, not");

    let (mut other, _, _) = wired();
    let process = other.report().processes[0].id;
    other.rewire(|rewire| rewire.detach_output(process, 0)).unwrap();
    let error = other.restore(&image).expect_err("it is wired otherwise");
    assert!(
        error.to_string().contains("output 0 was attached elsewhere"),
        "{error}"
    );

    let mut other = Network::default();
    other.source::<i64>(Upto(1)).unwrap();
    let error = other.restore(&image).expect_err("it is another network");
    assert!(error.to_string().contains("processes"), "{error}");
    assert!(network.restore(&image).is_err(), "it has run already");
}

#[test]
fn undeclared_state_is_not_left_out_of_a_checkpoint() {
    let mut network = Network::default();
    let numbers = network
        .source::<i64>(cutthrough::processes::Iter::new(0..10i64))
        .unwrap();
    network.sink(numbers, Collect::<i64>::new()).unwrap();
    let error = network.checkpoint().expect_err("the iterator is not saved");
    assert!(error.to_string().contains("state_is_declared"), "{error}");
}
