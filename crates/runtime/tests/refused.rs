//! Rewires that are refused: nothing has changed then, and the error says which edit it was.

mod common;

use common::{counting, on_both_engines};
use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::{Collect, FlatMap, Iter, Pass, Slice};
use cutthrough::{ErrorKind, Port};

#[test]
fn what_fails_changes_nothing() {
    on_both_engines(|mut network| {
        let (source, numbers, sink, collected) = counting(&mut network);
        network.run_steps(100).unwrap();
        let before = network.report().to_string();
        let error = network
            .rewire(|rewire| {
                let copy = rewire.add(Pass::new(Type::I64))?;
                rewire.detach_input(sink, 0)?;
                rewire.attach_input(copy, 0, numbers)?;
                rewire.swap(source, Slice::i64([1, 2, 3]))?;
                rewire.attach_output(copy, 7, numbers)
            })
            .unwrap_err();
        assert_eq!(error.to_string(), "edit 5: `pass` has no output 7");
        let cycle = network.rewire(|rewire| {
            let copy = rewire.add(Pass::new(Type::I64))?;
            rewire.attach_input(copy, 0, numbers)?;
            rewire.attach_output(copy, 0, numbers)
        });
        assert_eq!(cycle.unwrap_err().kind(), ErrorKind::Cycle);
        assert_eq!(network.report().to_string(), before);
        network.run().unwrap();
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_process_that_is_gone_is_neither_put_in_nor_taken_out() {
    on_both_engines(|mut network| {
        let (source, numbers, sink, collected) = counting(&mut network);
        let gone = network.add(Pass::new(Type::I64)).unwrap();
        network.remove(gone).unwrap();
        network.run_steps(100).unwrap();
        let before = network.report().to_string();
        let behind = Port {
            process: source,
            port: 0,
        };
        network
            .rewire(|rewire| {
                // Not even what comes before the process is found to be gone stands.
                let refused = [
                    rewire.insert(behind, gone).unwrap_err(),
                    rewire.insert_into(numbers, gone).unwrap_err(),
                    rewire.take_out(gone).unwrap_err(),
                ];
                for error in refused {
                    assert_eq!(error.to_string(), "there is no such process in this network");
                }
                let error = rewire.take_out(source).unwrap_err();
                assert_eq!(error.to_string(), "input 0 of `slice` is not attached");
                let error = rewire.take_out(sink).unwrap_err();
                assert_eq!(error.to_string(), "output 0 of `collect` is not attached");
                Ok(())
            })
            .unwrap();
        let refused = network.rewire(|rewire| {
            rewire.point("new", Type::I64)?;
            rewire.insert(behind, gone)
        });
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, "edit 2: there is no such process in this network");
        assert_eq!(network.report().to_string(), before);
        network.run().unwrap();
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn an_edit_that_panics_changes_nothing() {
    on_both_engines(|mut network| {
        let (source, numbers, sink, collected) = counting(&mut network);
        network.run_steps(100).unwrap();
        let before = network.report().to_string();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            network.rewire(|rewire| {
                let copy = rewire.add(Pass::new(Type::I64))?;
                rewire.detach_input(sink, 0)?;
                rewire.attach_input(copy, 0, numbers)?;
                rewire.swap(source, Slice::i64([1, 2, 3]))?;
                panic!("a panic of the test");
                #[expect(unreachable_code, reason = "it says what the closure gives")]
                Ok(())
            })
        }));
        assert!(outcome.is_err());
        assert_eq!(network.report().to_string(), before);
        network.run().unwrap();
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_path_beyond_the_bound_is_refused_and_leaves_nothing() {
    on_both_engines(|mut network| {
        let (source, _, _, collected) = counting(&mut network);
        let behind = Port {
            process: source,
            port: 0,
        };
        let mut longest = 2;
        let refused = loop {
            let inserted = network.rewire(|rewire| {
                let copy = rewire.add(Pass::new(Type::I64))?;
                rewire.insert(behind, copy)
            });
            match inserted {
                Ok(_) => longest += 1,
                Err(refused) => break refused,
            }
        };
        assert_eq!(longest, cutthrough::limits::PATH_PROCESSES_MAX);
        assert_eq!(refused.kind(), ErrorKind::Limit);
        assert_eq!(
            refused.to_string(),
            "`collect` would be the 257th process in a row; 256 are allowed"
        );
        network.run().unwrap();
        assert_eq!(collected.take(), (0..10_000).collect::<Vec<i64>>());
    });
}

#[test]
fn a_swap_that_would_lose_elements_is_refused() {
    on_both_engines(|mut network| {
        let inner = |f: &mut cutthrough::Fragment<'_>| {
            let left = f.slot_get(0);
            let (zero, one) = (f.iconst(0), f.iconst(1));
            let more = f.op(Op::Igt, &[left, zero]);
            let (_, none) = f.br_new(more);
            let less = f.op(Op::Isub, &[left, one]);
            f.slot_set(0, less);
            (vec![left], none)
        };
        let times = |slot: &str| {
            FlatMap::new(
                Type::I64,
                Type::I64,
                vec![SlotDecl::i64(slot, 0)],
                |f, x| f.slot_set(0, x[0]),
                inner,
            )
        };
        let numbers = network.source::<i64>(Iter::new([1_000i64])).unwrap();
        let flat = network.add(times("left")).unwrap();
        network.attach_input(flat, 0, numbers).unwrap();
        let point = network.point::<i64>("flat").unwrap();
        network.attach_output(flat, 0, point).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink::<i64>(point, collect).unwrap();
        network.run_steps(5).unwrap();
        let refused = network
            .rewire(|rewire| rewire.swap(flat, times("other")))
            .unwrap_err();
        assert!(refused.to_string().contains("holds elements"), "{refused}");
        network.rewire(|rewire| rewire.swap(flat, times("left"))).unwrap();
        network.run().unwrap();
        assert_eq!(collected.take(), (1..=1_000).rev().collect::<Vec<i64>>());
    });
}

#[test]
fn what_an_edit_has_removed_is_not_there_for_the_next() {
    on_both_engines(|mut network| {
        let (_, numbers, sink, collected) = counting(&mut network);
        for again in ["remove", "discard", "detach", "cancel"] {
            let refused = network.rewire(|rewire| {
                rewire.discard(sink)?;
                match again {
                    "remove" => rewire.remove(sink),
                    "discard" => rewire.discard(sink),
                    "detach" => rewire.detach_input(sink, 0).map(drop),
                    _ => rewire.cancel(sink),
                }
            });
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::NotThere, "{refused}");
            assert!(refused.to_string().contains("edit 2"), "{refused}");
        }
        network.run().unwrap();
        assert_eq!(collected.take().len(), 10_000);
        assert!(network.remove_point(numbers.id()).is_ok(), "both have finished");
    });
}
