//! What processes do at the end of an input.

use cutthrough::ir::{SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Iter};
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
