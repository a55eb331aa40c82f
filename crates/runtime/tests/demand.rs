//! Processes hear of demand at their edges when its polarity or order of magnitude
//! changes, and not otherwise.

mod common;

use std::sync::{Arc, Mutex};

use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::ForEach;
use cutthrough::{
    Demand, Edge, ErrorKind, Fragment, Network, Options, Process, Shape, Standing, Waits, limits,
};

use common::Room;

type Told = Arc<Mutex<Vec<Demand>>>;

/// Counts up to a bound; starts when woken.
struct Count {
    to: i64,
    is_idle: bool,
    told: Told,
}

impl Process for Count {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("count");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", 0));
        shape.watches_demand(Edge::Output(0));
        if self.is_idle {
            shape.starts_idle();
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, one, to) = (f.slot_get(0), f.iconst(1), f.iconst(self.to));
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        let is_more = f.op(Op::Ilt, &[after, to]);
        let (_, last) = f.br_new(is_more);
        f.emit(0, &[next]);
        f.again();
        f.switch_to(last);
        f.emit(0, &[next]);
        f.finish();
    }

    fn demand(&mut self, edge: Edge, demand: &Demand) {
        assert_eq!(edge, Edge::Output(0));
        self.told.lock().unwrap().push(*demand);
    }
}

fn on_both_engines(test: impl Fn(Network)) {
    test(Network::new(Options::interpreted()));
    test(Network::new(Options::native()));
}

fn readers_wait(n: u64) -> Demand {
    Demand {
        waits: Waits::Readers,
        asked: Standing::UpTo(n),
        offered: Standing::Nothing,
    }
}

#[test]
fn a_writer_hears_how_much_is_asked_for() {
    on_both_engines(|mut network| {
        let told = Told::default();
        let count = Count {
            to: 1_000,
            is_idle: true,
            told: told.clone(),
        };
        let count_point = network.source::<i64>(count).unwrap();
        let reader = network.sink(count_point, Room(0)).unwrap();
        let ask = |network: &mut Network, room| {
            network.set_slot(reader, 0, room).unwrap();
            network.run().unwrap();
        };
        let take = || std::mem::take(&mut *told.lock().unwrap());
        network.run().unwrap();
        let nobody = Demand {
            waits: Waits::Nobody,
            asked: Standing::Nothing,
            offered: Standing::Nothing,
        };
        assert_eq!(take(), [nobody], "how it is at first");
        ask(&mut network, 3);
        assert_eq!(take(), [readers_wait(3)]);
        ask(&mut network, 7);
        assert_eq!(take(), [], "as many digits");
        ask(&mut network, 50);
        assert_eq!(take(), [readers_wait(50)]);
        let source = network.report().processes[0].id;
        network.waker(source).unwrap().wake();
        ask(&mut network, 50);
        let writers_wait = Demand {
            waits: Waits::Writers,
            asked: Standing::Nothing,
            offered: Standing::Any,
        };
        assert_eq!(take(), [writers_wait], "what was asked for has been given");
        let read = network.process_report(reader).unwrap().inputs[0].moved;
        assert_eq!(read, 50);
    });
}

#[test]
fn nobody_hears_of_every_element() {
    on_both_engines(|mut network| {
        let told = Told::default();
        let count = Count {
            to: 100_000,
            is_idle: false,
            told: told.clone(),
        };
        let numbers = network.source::<i64>(count).unwrap();
        network.sink(numbers, ForEach::new(|_: i64| {})).unwrap();
        network.run().unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].waits, told[0].asked), (Waits::Neither, Standing::Any));
    });
}

#[test]
fn watches_are_bounded() {
    let mut network = Network::default();
    let count = || Count {
        to: 1,
        is_idle: true,
        told: Told::default(),
    };
    for _ in 0..limits::WATCHES_MAX {
        network.add(count()).unwrap();
    }
    let refused = network.add(count()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert_eq!(
        refused.to_string(),
        "the processes of a network watch at most 256 edges"
    );
    let first = network.report().processes[0].id;
    network.remove(first).unwrap();
    network.add(count()).unwrap();
}
