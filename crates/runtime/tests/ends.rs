//! What processes do at the end of an input.

use cutthrough::ir::{Op, SlotDecl, Type, Value};
mod common;

use common::{Room, on_both_engines};
use cutthrough::processes::{BranchPolicy, Collect, FlatMap, ForEach, Iter, Tee};
use cutthrough::{Fragment, Network, Options, Process, Progress, Shape};

/// Gives the last element that came, when no more comes: it holds since the end only, and
/// gives once.
struct Last;

impl Process for Last {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("last");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("last", -1));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.slot_set(0, element[0]);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let last = f.slot_get(0);
        f.emit(0, &[last]);
        f.done();
    }
}

#[test]
fn what_is_held_since_the_end_is_given_once() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options);
        let numbers = network.source::<i64>(Iter::new(0..100i64)).unwrap();
        let last = network.pipe::<i64, i64>(numbers, Last).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink(last, collect).unwrap();
        for _ in 0..10 {
            if network.run_steps(1_000).unwrap() == Progress::Done {
                break;
            }
        }
        assert_eq!(collected.take(), [99]);
        assert_eq!(network.run_steps(1).unwrap(), Progress::Done);
    }
}

/// The end is due when the process has given what it holds; it is discarded before.
#[test]
fn an_end_that_is_due_goes_with_its_process() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options);
        let numbers = network.source::<i64>(Iter::new([1_000i64])).unwrap();
        let countdown = FlatMap::new(
            Type::I64,
            Type::I64,
            vec![SlotDecl::i64("left", 0)],
            |f, x| f.slot_set(0, x[0]),
            |f| {
                let (left, zero, one) = (f.slot_get(0), f.iconst(0), f.iconst(1));
                let more = f.op(Op::Igt, &[left, zero]);
                let (_, end) = f.br_new(more);
                let less = f.op(Op::Isub, &[left, one]);
                f.slot_set(0, less);
                (vec![left], end)
            },
        );
        let countdown = network.add(countdown).unwrap();
        network.attach_input(countdown, 0, numbers).unwrap();
        let counted = network.point::<i64>("counted").unwrap();
        network.attach_output(countdown, 0, counted).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink(counted, collect).unwrap();
        for _ in 0..10 {
            assert_eq!(network.run_steps(10).unwrap(), Progress::Steps);
        }
        network.rewire(|rewire| rewire.discard(countdown)).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        let collected = collected.take();
        assert!(!collected.is_empty() && collected.len() < 1_000);
    }
}

/// Counts what comes by its first input. When its second one ends it holds five elements to
/// give.
struct HoldsAtEnd;

impl Process for HoldsAtEnd {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("holds at end");
        shape.input(Type::I64);
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("left", 0));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, _element: &[Value]) {
        f.done();
    }

    fn end(&self, of: usize, f: &mut Fragment<'_>) {
        if of == 1 {
            let five = f.iconst(5);
            f.slot_set(0, five);
            f.again();
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (left, one, zero) = (f.slot_get(0), f.iconst(1), f.iconst(0));
        let is_more = f.op(Op::Igt, &[left, zero]);
        let (_, none) = f.br_new(is_more);
        let left = f.op(Op::Isub, &[left, one]);
        f.slot_set(0, left);
        f.emit(0, &[left]);
        f.again();
        f.switch_to(none);
        f.done();
    }
}

/// Who asks whether a process is ready that holds since one of its inputs has ended is told
/// that it is not, native or not.
#[test]
fn what_holds_since_an_input_has_ended_is_not_ready() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..)).unwrap();
        let [through, second, out] =
            ["through", "second", "out"].map(|name| network.point::<i64>(name).unwrap());
        let tee = Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Drop]);
        let tee = network.add(tee).unwrap();
        network.attach_input(tee, 0, numbers).unwrap();
        let rest = network.point::<i64>("rest").unwrap();
        network.attach_output(tee, 0, rest).unwrap();
        network.attach_output(tee, 1, through).unwrap();
        network.sink(rest, ForEach::new(|_: i64| {})).unwrap();
        let holds = network.add(HoldsAtEnd).unwrap();
        network.attach_input(holds, 0, through).unwrap();
        network.attach_input(holds, 1, second).unwrap();
        network.attach_output(holds, 0, out).unwrap();
        network.hold_writers(second, true).unwrap();
        network.sink(out, Room(0)).unwrap();
        let taken = |network: &Network| network.process_report(holds).unwrap().inputs[0].moved;
        network.run_steps(10_000).unwrap();
        assert!(taken(&network) > 0);
        network.hold_writers(second, false).unwrap();
        let before = taken(&network);
        for _ in 0..30 {
            network.run_steps(3_000).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(taken(&network), before, "{}", network.report());
        network.check_conservation().unwrap();
    });
}
