//! Rewires: several edits at one point of the stream, or none.

mod common;

use common::{counting, is_native, on_both_engines, plus, warm};
use cutthrough::ir::{ElementType, Op, SlotDecl, Type, Value};
use cutthrough::processes::{
    BranchPolicy, Collect, Collected, Filter, Fold, ForEach, Iter, Map, Order, Pass, Take, Tee, Zip,
};
use cutthrough::{Error, FlowPoint, Fragment, Network, Options, Port, Process, ProcessId, Progress, Shape};

/// Passes on the elements below `limit`.
fn below(limit: i64) -> impl cutthrough::Process {
    Filter::new(Type::I64, move |f, x| {
        let limit = f.iconst(limit);
        f.op(Op::Ilt, &[x[0], limit])
    })
}

#[test]
fn a_process_inserted_in_mid_stream_sees_what_comes_after() {
    on_both_engines(|mut network| {
        let (source, _, _, collected) = counting(&mut network);
        network.run_steps(100).unwrap();
        let so_far = collected.len() as i64;
        let tap = network
            .rewire(|rewire| {
                let plus = rewire.add(plus(1_000_000))?;
                rewire.insert(
                    Port {
                        process: source,
                        port: 0,
                    },
                    plus,
                )?;
                Ok(plus)
            })
            .unwrap();
        network.run_steps(100).unwrap();
        network
            .rewire(|rewire| {
                let point = rewire.detach_output(tap, 0)?;
                rewire.remove(tap)?;
                rewire.detach_output(source, 0)?;
                rewire.attach_output(source, 0, point)
            })
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        let seen = collected.take();
        let plain: Vec<i64> = seen.iter().map(|x| x % 1_000_000).collect();
        assert_eq!(
            plain,
            (0..10_000).collect::<Vec<i64>>(),
            "nothing lost, doubled or reordered"
        );
        let through = seen.iter().filter(|x| **x >= 1_000_000).count();
        assert!(through >= 100, "{through} went through the inserted process");
        assert_eq!(
            seen[so_far as usize],
            so_far + 1_000_000,
            "from the very next element on"
        );
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_swapped_process_keeps_state_and_counts() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..1_000i64)).unwrap();
        let filter = network.add(below(100)).unwrap();
        network.attach_input(filter, 0, numbers).unwrap();
        let passed = network.point::<i64>("passed").unwrap();
        network.attach_output(filter, 0, passed).unwrap();
        let sum_by = |sign: i64| {
            Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], move |f, sum, x| {
                let sign = f.iconst(sign);
                let term = f.op(Op::Imul, &[x[0], sign]);
                vec![f.op(Op::Iadd, &[sum[0], term])]
            })
        };
        let fold = network.add(sum_by(1)).unwrap();
        network.attach_input(fold, 0, passed).unwrap();
        let total = network.point::<i64>("total").unwrap();
        network.attach_output(fold, 0, total).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink::<i64>(total, collect).unwrap();
        network.run_steps(500).unwrap();
        network
            .rewire(|rewire| {
                rewire.swap(filter, below(600))?;
                rewire.swap(fold, sum_by(-1))
            })
            .unwrap();
        network.run().unwrap();
        let expected: i64 = (0..100).sum::<i64>() - (500..600).sum::<i64>();
        assert_eq!(collected.take(), [expected]);
        let report = network.report();
        let filter = report
            .processes
            .iter()
            .find(|process| process.id == filter)
            .unwrap();
        assert_eq!((filter.inputs[0].moved, filter.outputs[0].moved), (1_000, 200));
        assert_eq!(filter.dropped, [("filtered".to_owned(), 800)]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_finished_process_gives_what_it_holds() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..1_000i64)).unwrap();
        let spec = cutthrough::kernels::order::OrderSpec {
            element: vec![Type::I64],
            keys: vec![cutthrough::kernels::order::OrderKey {
                field: 0,
                descending: true,
            }],
            limit: None,
            is_from_end: false,
            bytes_max: 1 << 20,
        };
        let order = network.add(Order::new(spec)).unwrap();
        network.attach_input(order, 0, numbers).unwrap();
        let sorted = network.point::<i64>("sorted").unwrap();
        network.attach_output(order, 0, sorted).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink::<i64>(sorted, collect).unwrap();
        network.run_steps(10).unwrap();
        network.rewire(|rewire| rewire.finish(order)).unwrap();
        network.run().unwrap();
        let seen = collected.take();
        assert_eq!(seen, (0..seen.len() as i64).rev().collect::<Vec<i64>>());
        assert!((10..1_000).contains(&seen.len()));
        assert_eq!(network.remove_finished().len(), 3, "source, order and sink");
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_reader_moves_to_another_point_in_one_step() -> Result<(), Error> {
    let mut network = Network::new(Options::native());
    let left = network.source::<i64>(Iter::new(0..100i64))?;
    let right = network.source::<i64>(Iter::new(100..200i64))?;
    let other = network.source::<i64>(Iter::new(500..600i64))?;
    let zip = network.add(Zip::new(Type::I64, Type::I64))?;
    network.attach_input(zip, 0, left)?;
    network.attach_input(zip, 1, right)?;
    let pairs = network.point::<(i64, i64)>("pairs")?;
    network.attach_output(zip, 0, pairs)?;
    let collect = Collect::<(i64, i64)>::new();
    let collected = collect.collected();
    network.sink::<(i64, i64)>(pairs, collect)?;
    network.run_steps(10)?;
    let so_far = collected.len();
    network.rewire(|rewire| {
        rewire.detach_input(zip, 1)?;
        rewire.attach_input(zip, 1, other)
    })?;
    network.run()?;
    let seen = collected.take();
    assert!(seen[..so_far].iter().all(|(a, b)| *b == a + 100));
    let moved: Vec<i64> = seen[so_far..].iter().map(|(_, b)| *b).collect();
    assert_eq!(moved, (500..500 + moved.len() as i64).collect::<Vec<i64>>());
    assert_eq!(seen.len(), 100);
    network.check_conservation()
}

/// A tee with a second branch into a vector, put into a flow point.
fn tap(network: &mut Network, point: FlowPoint<i64>) -> (ProcessId, Collected<i64>) {
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    let tee = network
        .rewire(|rewire| {
            let tee = rewire.add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Block]))?;
            rewire.insert_into(point, tee)?;
            let tapped = rewire.point("tapped", Type::I64)?;
            rewire.attach_output(tee, 1, tapped)?;
            let sink = rewire.add(collect)?;
            rewire.attach_input(sink, 0, tapped)?;
            Ok(tee)
        })
        .unwrap();
    (tee, collected)
}

#[test]
fn what_is_put_into_a_point_is_taken_out_without_a_trace() {
    on_both_engines(|mut network| {
        let (_, numbers, _, collected) = counting(&mut network);
        network.run_steps(100).unwrap();
        let members = |network: &mut Network| network.report().chains[0].members.clone();
        let before = members(&mut network);
        let (first, seen_first) = tap(&mut network, numbers);
        network.run_steps(100).unwrap();
        let (second, seen_second) = tap(&mut network, numbers);
        network.run_steps(100).unwrap();
        assert!(network.rewire(|rewire| rewire.take_out(first)).unwrap());
        network.run_steps(100).unwrap();
        assert!(network.rewire(|rewire| rewire.take_out(second)).unwrap());
        network.run_steps(100).unwrap();
        assert_eq!(members(&mut network), before, "one chain again");
        network.run().unwrap();
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
        let (first, second) = (seen_first.take(), seen_second.take());
        assert!(first.len() >= 200 && second.len() >= 200, "both have seen some");
        assert!(
            first
                .windows(2)
                .chain(second.windows(2))
                .all(|pair| pair[1] == pair[0] + 1)
        );
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_is_taken_out_with_a_block_on_its_way_hands_it_on() {
    on_both_engines(|mut network| {
        // Both branches meet again above a reader that bounds what it takes: elements
        // are dealt from a block.
        let numbers = network.source::<i64>(Iter::new(0..1_000i64)).unwrap();
        let tee = network
            .add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Block]))
            .unwrap();
        network.attach_input(tee, 0, numbers).unwrap();
        let joined = network.point::<i64>("joined").unwrap();
        network.attach_output(tee, 0, joined).unwrap();
        network.attach_output(tee, 1, joined).unwrap();
        let (mut receiver, _) = common::receiver(&mut network, joined, 7);
        let copy = network
            .rewire(|rewire| {
                let copy = rewire.add(Pass::new(Type::I64))?;
                rewire.insert_into(joined, copy)?;
                Ok(copy)
            })
            .unwrap();
        network.run().unwrap();
        let mut seen = common::fetch(&mut receiver);
        assert_eq!(seen.len(), 7);
        assert!(
            !network.rewire(|rewire| rewire.take_out(copy)).unwrap(),
            "one is under way"
        );
        while network.run().unwrap() != Progress::Done {
            seen.extend(common::fetch(&mut receiver));
        }
        seen.extend(common::fetch(&mut receiver));
        assert_eq!(seen, (0..2_000).map(|k| k / 2).collect::<Vec<i64>>());
        assert!(network.remove_finished().iter().any(|process| process.id == copy));
        network.check_conservation().unwrap();
    });
}

/// Gives even numbers to output 0; others are dropped, or given to output 1.
struct Even {
    gives_odd: bool,
}

impl Process for Even {
    fn declare(&mut self, shape: &mut Shape) {
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.drop_policy("odd");
        if self.gives_odd {
            shape.output(Type::I64);
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, x: &[Value]) {
        let (two, zero) = (f.iconst(2), f.iconst(0));
        let rest = f.op(Op::Irem, &[x[0], two]);
        let is_even = f.op(Op::Ieq, &[rest, zero]);
        let (_, odd) = f.br_new(is_even);
        f.emit(0, x);
        f.done();
        f.switch_to(odd);
        match self.gives_odd {
            true => f.emit(1, x),
            false => f.drop(0),
        }
        f.done();
    }
}

#[test]
fn the_last_outputs_may_come_and_go_in_a_swap() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..1_000i64)).unwrap();
        let split = network.add(Even { gives_odd: false }).unwrap();
        network.attach_input(split, 0, numbers).unwrap();
        let point = |network: &mut Network, name: &str| network.point::<i64>(name).unwrap();
        let (even, odd) = (point(&mut network, "even"), point(&mut network, "odd"));
        network.attach_output(split, 0, even).unwrap();
        network.hold_writers(odd, true).unwrap();
        let (evens, odds) = (Collect::<i64>::new(), Collect::<i64>::new());
        let (seen_even, seen_odd) = (evens.collected(), odds.collected());
        network.sink::<i64>(even, evens).unwrap();
        network.sink::<i64>(odd, odds).unwrap();
        network.run_steps(300).unwrap();
        let undone = network.rewire(|rewire| {
            rewire.swap(split, Even { gives_odd: true })?;
            rewire.attach_output(split, 1, odd)?;
            rewire.swap(split, Even { gives_odd: false })
        });
        assert!(undone.unwrap_err().to_string().contains("other ports"));
        for k in 0..3 {
            network
                .rewire(|rewire| {
                    rewire.swap(split, Even { gives_odd: true })?;
                    rewire.attach_output(split, 1, odd)
                })
                .unwrap();
            network.run_steps(200).unwrap();
            if k < 2 {
                network
                    .rewire(|rewire| {
                        rewire.detach_output(split, 1)?;
                        rewire.swap(split, Even { gives_odd: false })
                    })
                    .unwrap();
                network.run_steps(10).unwrap();
            }
            network.check_conservation().unwrap();
        }
        network.hold_writers(odd, false).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(seen_even.take(), (0..1_000).step_by(2).collect::<Vec<i64>>());
        let seen = seen_odd.take();
        assert!(seen.is_sorted() && seen.iter().all(|x| x % 2 == 1));
        let (_, dropped) = network.process_report(split).unwrap().dropped[0];
        assert_eq!(seen.len() as u64 + dropped, 500);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_detached_port_may_change_its_elements_in_a_swap() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..1_000i64)).unwrap();
        let take = network.add(Take::new(Type::I64, 500)).unwrap();
        network.attach_input(take, 0, numbers).unwrap();
        let first = network.point::<i64>("first").unwrap();
        network.attach_output(take, 0, first).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink::<i64>(first, collect).unwrap();
        network.run_steps(100).unwrap();
        let refused = network.rewire(|rewire| rewire.swap(take, Take::new(Type::BOOL, 500)));
        assert!(refused.unwrap_err().to_string().contains("other ports"));
        let pairs = Collect::<(i64, i64)>::new();
        let collected_pairs = pairs.collected();
        network
            .rewire(|rewire| {
                let two = cutthrough::ir::ElementType::new([Type::I64, Type::I64]);
                rewire.detach_input(take, 0)?;
                rewire.detach_output(take, 0)?;
                rewire.swap(take, Take::new(two.clone(), 500))?;
                let wide = rewire.add(Map::new(Type::I64, two.clone(), |_, x| vec![x[0], x[0]]))?;
                let (between, after) = (rewire.point("wide", two.clone())?, rewire.point("after", two)?);
                rewire.attach_input(wide, 0, numbers)?;
                rewire.attach_output(wide, 0, between)?;
                rewire.attach_input(take, 0, between)?;
                rewire.attach_output(take, 0, after)?;
                rewire.rename(take, "the first")?;
                let sink = rewire.add(pairs)?;
                rewire.attach_input(sink, 0, after)
            })
            .unwrap();
        network.run().unwrap();
        let mut seen = collected.take();
        seen.extend(collected_pairs.take().iter().map(|pair| pair.1));
        assert_eq!(seen, (0..500).collect::<Vec<i64>>(), "it went on counting");
        assert_eq!(network.process_report(take).unwrap().name, "the first");
        assert_eq!(network.process_report(take).unwrap().inputs[0].moved, 500);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_failure_that_is_borne_stops_nothing_else() {
    on_both_engines(|mut network| {
        let (_, numbers, _, collected) = counting(&mut network);
        let (_, seen) = tap(&mut network, numbers);
        let tapped = network.points_named("tapped")[0];
        assert_eq!(network.element_of(tapped).unwrap(), &Type::I64.into());
        let fails = ForEach::new(|number: i64| assert!(number < 500, "enough"));
        network
            .rewire(|rewire| {
                let sink = rewire.add(fails)?;
                rewire.tolerate(sink)?;
                let tee = rewire.add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Block]))?;
                rewire.insert_into(numbers, tee)?;
                let point = rewire.point("failing", Type::I64)?;
                rewire.attach_output(tee, 1, point)?;
                rewire.attach_input(sink, 0, point)
            })
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
        assert_eq!(seen.len(), 10_000);
        let report = network.report();
        let failed = report
            .processes
            .iter()
            .filter(|process| process.status == cutthrough::Readiness::Failed);
        assert_eq!(failed.count(), 1);
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_is_as_it_was_before_is_native_at_once() {
    let mut network = Network::new(Options {
        quantum_steps: 500,
        ..Options::default()
    });
    let numbers = network.source::<i64>(Iter::new(0i64..)).unwrap();
    let map = network.add(plus(1)).unwrap();
    network.attach_input(map, 0, numbers).unwrap();
    let mapped = network.point::<i64>("mapped").unwrap();
    network.attach_output(map, 0, mapped).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(mapped, collect).unwrap();
    warm(&mut network);
    let counts = |network: &mut Network| {
        let counts = network.report().specialisations;
        (counts.compiled, counts.reused)
    };
    assert_eq!(counts(&mut network), (1, 0));

    let look = |network: &mut Network| {
        let (tee, seen) = tap(network, mapped);
        let was_native = is_native(network, 10);
        warm(network);
        network
            .rewire(|rewire| {
                assert!(rewire.take_out(tee)?);
                Ok(())
            })
            .unwrap();
        network.remove_finished();
        for point in network.points_named("tapped") {
            network.remove_point(point).unwrap();
        }
        assert!(!seen.is_empty());
        was_native
    };
    assert!(!look(&mut network), "this is new");
    assert!(is_native(&mut network, 10), "this has been there before");
    assert_eq!(counts(&mut network), (2, 1));
    // Which of the two readers comes first in the chain may change from time to time.
    let again = (0..20)
        .filter(|_| look(&mut network) & is_native(&mut network, 10))
        .count();
    assert!(again >= 16, "{again} of 20 times");
    assert!(
        counts(&mut network).1 >= 1 + 20 + 16,
        "{:?}",
        counts(&mut network)
    );

    network.rewire(|rewire| rewire.swap(map, plus(2))).unwrap();
    let so_far = collected.len();
    assert!(!is_native(&mut network, 10), "another program is another chain");
    network.rewire(|rewire| rewire.swap(map, plus(1))).unwrap();
    assert!(is_native(&mut network, 10), "and the first is the first again");
    let seen = collected.take();
    let swapped = seen.iter().enumerate().skip(so_far);
    let kept = swapped.clone().take(10).all(|(at, &x)| x == at as i64 + 2);
    assert!(kept && swapped.skip(10).all(|(at, &x)| x == at as i64 + 1));
    assert!(
        seen[..so_far]
            .iter()
            .enumerate()
            .all(|(at, &x)| x == at as i64 + 1)
    );

    network.invalidate_all();
    let specialisations = network.report().specialisations;
    assert_eq!(specialisations.retired_bytes, specialisations.installed_bytes);
    network.check_conservation().unwrap();
}

/// Passes on what comes in by its first input, and asks each time whether its second
/// output is ready, where only its second input leads.
struct Curious;

impl cutthrough::Process for Curious {
    fn declare(&mut self, shape: &mut cutthrough::Shape) {
        shape.name("curious");
        shape.input(Type::I64);
        shape.input(Type::I64);
        shape.output(ElementType::new([Type::I64, Type::BOOL]));
        let side = shape.output(Type::I64);
        shape.optional(side);
    }

    fn read_ok(&self, from: usize, f: &mut cutthrough::Fragment<'_>, element: &[Value]) {
        if from == 0 {
            let ready = f.ready(1);
            f.emit(0, &[element[0], ready]);
        } else {
            f.emit(1, element);
        }
        f.done();
    }
}

#[test]
fn what_is_asked_about_is_relied_on() {
    let run = |options: Options| {
        let mut network = Network::new(options);
        let numbers = network.source::<i64>(Iter::new(0..4_000i64)).unwrap();
        let side = network.source::<i64>(Iter::new(0..0i64)).unwrap();
        let curious = network.add(Curious).unwrap();
        network.attach_input(curious, 0, numbers).unwrap();
        network.attach_input(curious, 1, side).unwrap();
        let main = network.point::<(i64, bool)>("main").unwrap();
        network.attach_output(curious, 0, main).unwrap();
        let aside = network.point::<i64>("aside").unwrap();
        network.hold_readers(aside, true).unwrap();
        network.attach_output(curious, 1, aside).unwrap();
        let collect = Collect::<(i64, bool)>::new();
        let collected = collect.collected();
        network.sink(main, collect).unwrap();
        // Nobody, one reader, two that compete, another one.
        for readers in [0, 1, 2, 1] {
            let ids: Vec<ProcessId> = (0..readers)
                .map(|_| network.sink(aside, ForEach::new(|_: i64| {})).unwrap())
                .collect();
            let want = collected.len() + 900;
            while collected.len() < want {
                network.run_steps(10).unwrap();
            }
            for id in ids {
                network.rewire(|rewire| rewire.discard(id)).unwrap();
            }
        }
        network.check_conservation().unwrap();
        collected.take()
    };
    let expected = run(Options::interpreted());
    let ready = |k: usize| expected[k * 900 + 500].1;
    assert_eq!(
        [ready(0), ready(1), ready(2), ready(3)],
        [false, true, true, true]
    );
    let native = run(Options::native());
    assert_eq!(native, expected);
}
