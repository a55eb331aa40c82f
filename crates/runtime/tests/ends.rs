//! What processes do at the end of an input.

use cutthrough::ir::{Op, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, FlatMap, Iter};
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
