//! Counts stay exact, whatever programs a process has had.

mod common;

use common::on_both_engines;
use cutthrough::ir::{Op, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Filter, Iter, Pass, Skip};
use cutthrough::{Account, Fragment, Network, Process, ProcessId, Shape};

fn below(limit: i64) -> impl Process {
    Filter::new(Type::I64, move |f, x| {
        let limit = f.iconst(limit);
        f.op(Op::Ilt, &[x[0], limit])
    })
}

/// Drops the odd elements, by a policy of its own.
struct Named(String);

impl Process for Named {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("named");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.drop_policy(self.0.clone());
        shape.passes_on();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, x: &[Value]) {
        let one = f.iconst(1);
        let is_odd = f.op(Op::Iand, &[x[0], one]);
        let is_odd = f.op(Op::Ieq, &[is_odd, one]);
        let (_, even) = f.br_new(is_odd);
        f.drop(0);
        f.done();
        f.switch_to(even);
        f.emit(0, x);
        f.done();
    }
}

/// Adds up what it takes, in a slot of this name, and holds all of it if that is its way.
struct Keeps(&'static str, bool);

impl Process for Keeps {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("keeps");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64(self.0, 0));
        if self.1 {
            shape.slot(SlotDecl::i64("held", 0));
            shape.account(Account {
                inputs: vec![0],
                held: vec![1],
                ..Account::default()
            });
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, x: &[Value]) {
        let sum = f.slot_get(0);
        let sum = f.op(Op::Iadd, &[sum, x[0]]);
        f.slot_set(0, sum);
        if self.1 {
            let (held, one) = (f.slot_get(1), f.iconst(1));
            let held = f.op(Op::Iadd, &[held, one]);
            f.slot_set(1, held);
        }
        f.done();
    }
}

/// A process between the numbers from 0 on and a sink.
fn between(network: &mut Network, process: impl Process + 'static) -> (ProcessId, Collected) {
    let numbers = network.source::<i64>(Iter::new(0..1_000_000i64)).unwrap();
    let process = network.add(process).unwrap();
    network.attach_input(process, 0, numbers).unwrap();
    let passed = network.point::<i64>("passed").unwrap();
    network.attach_output(process, 0, passed).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink::<i64>(passed, collect).unwrap();
    (process, collected)
}

type Collected = cutthrough::processes::Collected<i64>;

/// What came in, went out and was dropped, all of it.
fn moved(network: &Network, process: ProcessId) -> (u64, u64, u64) {
    network.check_conservation().unwrap();
    let report = network.process_report(process).unwrap();
    let dropped = report.dropped.iter().map(|(_, count)| count).sum();
    (report.inputs[0].moved, report.outputs[0].moved, dropped)
}

fn dropped_by(network: &Network, process: ProcessId, policy: &str) -> Option<u64> {
    let report = network.process_report(process).unwrap();
    let counts: Vec<u64> = report
        .dropped
        .iter()
        .filter(|(name, _)| name == policy)
        .map(|(_, count)| *count)
        .collect();
    assert!(counts.len() <= 1, "{policy} stands once: {:?}", report.dropped);
    counts.first().copied()
}

#[test]
fn what_a_policy_dropped_is_counted_when_the_new_program_lacks_it() {
    on_both_engines(|mut network| {
        let (process, collected) = between(&mut network, below(100));
        network.run_steps(1_000).unwrap();
        let (came, went, dropped) = moved(&network, process);
        assert_eq!((went, dropped), (100, came - 100));
        network
            .rewire(|rewire| rewire.swap(process, Pass::new(Type::I64)))
            .unwrap();
        assert_eq!(moved(&network, process), (came, went, dropped));
        assert_eq!(dropped_by(&network, process, "filtered"), Some(dropped));
        network.run_steps(1_000).unwrap();
        let passed = moved(&network, process);
        assert_eq!((passed.0 - came, passed.2), (passed.1 - went, dropped));
        // Another policy comes; then the first one again, and goes on with its count.
        network
            .rewire(|rewire| rewire.swap(process, Skip::new(Type::I64, 50)))
            .unwrap();
        network.run_steps(1_000).unwrap();
        assert_eq!(moved(&network, process).2, dropped + 50);
        network.rewire(|rewire| rewire.swap(process, below(0))).unwrap();
        assert_eq!(dropped_by(&network, process, "filtered"), Some(dropped));
        network.run_steps(1_000).unwrap();
        let (came, went, all) = moved(&network, process);
        assert_eq!(came, went + all);
        assert_eq!(dropped_by(&network, process, "filtered"), Some(all - 50));
        assert_eq!(dropped_by(&network, process, "skipped"), Some(50));
        assert_eq!(collected.take().len() as u64, went);
    });
}

#[test]
fn the_names_of_what_earlier_programs_dropped_are_bounded_and_the_counts_are_not() {
    let mut network = Network::default();
    let (process, _) = between(&mut network, Named("first".to_owned()));
    network.run_steps(100).unwrap();
    let first = dropped_by(&network, process, "first").unwrap();
    for number in 0..200 {
        let named = Named(format!("policy {number}"));
        network.rewire(|rewire| rewire.swap(process, named)).unwrap();
        network.run_steps(20).unwrap();
        let (came, went, dropped) = moved(&network, process);
        assert_eq!(came, went + dropped);
    }
    assert_eq!(dropped_by(&network, process, "first"), Some(first));
    let report = network.process_report(process).unwrap();
    assert!(report.dropped.len() < 100, "{}", report.dropped.len());
}

#[test]
fn counts_of_earlier_programs_are_in_a_checkpoint() {
    let swapped = |steps: u64| {
        let mut network = Network::default();
        let numbers = network.source::<i64>(Numbers).unwrap();
        let filter = network.add(below(100)).unwrap();
        network.attach_input(filter, 0, numbers).unwrap();
        let passed = network.point::<i64>("passed").unwrap();
        network.attach_output(filter, 0, passed).unwrap();
        let pass = network.add(Pass::new(Type::I64)).unwrap();
        network.attach_input(pass, 0, passed).unwrap();
        let out = network.point::<i64>("out").unwrap();
        network.attach_output(pass, 0, out).unwrap();
        let sink = network.add(Keeps("sum", true)).unwrap();
        network.attach_input(sink, 0, out).unwrap();
        if steps > 0 {
            network.run_steps(steps).unwrap();
        }
        network
            .rewire(|rewire| rewire.swap(filter, Pass::new(Type::I64)))
            .unwrap();
        (network, filter)
    };
    let (mut network, filter) = swapped(500);
    network.run_steps(100).unwrap();
    let image = network.checkpoint().unwrap();
    let (mut restored, again) = swapped(0);
    restored.restore(&image).unwrap();
    assert_eq!(moved(&restored, again), moved(&network, filter));
    assert_eq!(restored.checkpoint().unwrap(), image);
}

/// Counts for ever; all its state is a slot.
struct Numbers;

impl Process for Numbers {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("numbers");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", 0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, one) = (f.slot_get(0), f.iconst(1));
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        f.emit(0, &[next]);
        f.again();
    }
}

#[test]
fn an_account_that_comes_with_a_swap_begins_there() {
    on_both_engines(|mut network| {
        let (process, _) = between(&mut network, Keeps("sum", false));
        network.run_steps(500).unwrap();
        network
            .rewire(|rewire| rewire.swap(process, Keeps("sum", true)))
            .unwrap();
        network.check_conservation().unwrap();
        network.run_steps(500).unwrap();
        network.check_conservation().unwrap();
        let report = network.process_report(process).unwrap();
        assert!(report.held > 0 && report.held < report.inputs[0].moved);
    });
}

#[test]
fn a_process_may_be_swapped_twice_in_one_rewire() {
    on_both_engines(|mut network| {
        let (process, _) = between(&mut network, Keeps("a", false));
        network.run_steps(100).unwrap();
        // The second program goes on with a slot that the third one does not have.
        network
            .rewire(|rewire| {
                rewire.swap(process, Keeps("a", false))?;
                rewire.swap(process, Keeps("b", false))
            })
            .unwrap();
        let (other, _) = between(&mut network, Keeps("other", false));
        network.run_steps(200_000).unwrap();
        let slot = |process| network.slots(process).unwrap()[0].i64(0);
        let came = |process| network.process_report(process).unwrap().inputs[0].moved as i64;
        assert_eq!(slot(other), (0..came(other)).sum::<i64>());
        assert!(slot(process) < (0..came(process)).sum::<i64>() && slot(process) > 0);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_policy_counts_through_two_swaps_in_one_rewire() {
    on_both_engines(|mut network| {
        let (process, _) = between(&mut network, below(100));
        network.run_steps(1_000).unwrap();
        let before = moved(&network, process);
        network
            .rewire(|rewire| {
                rewire.swap(process, Pass::new(Type::I64))?;
                rewire.swap(process, below(7))
            })
            .unwrap();
        assert_eq!(moved(&network, process), before);
        let undone = network.rewire(|rewire| {
            rewire.swap(process, Pass::new(Type::I64))?;
            rewire.swap(process, Skip::new(Type::I64, 3))?;
            rewire.attach_output(process, 7, process_point())
        });
        undone.unwrap_err();
        assert_eq!(moved(&network, process), before);
        network.run_steps(1_000).unwrap();
        let (came, went, dropped) = moved(&network, process);
        assert_eq!(came, went + dropped);
    });
}

/// A flow point that is not there.
fn process_point() -> cutthrough::PointId {
    cutthrough::PointId::default()
}
