//! What is used of an element behind an output is told to the process that gives it, as the
//! wiring is at the time.

mod common;

use common::on_both_engines;
use cutthrough::ir::{ElementType, Op, Type};
use cutthrough::processes::{BranchPolicy, Collect, Collected, Filter, ForEach, Map, Tee};
use cutthrough::{FlowPoint, Fragment, Network, Process, ProcessId, Shape};

/// Gives for ever what is needed of its elements, in the first of their fields.
struct Needs;

impl Process for Needs {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("needs");
        shape.output(wide());
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let needs = f.needs(0);
        f.emit(0, &[needs; FIELDS]);
        f.again();
    }
}

const FIELDS: usize = 4;

fn wide() -> ElementType {
    ElementType::new([Type::I64; FIELDS])
}

type Wide = (i64, i64, i64, i64);

/// Passes on what has something in its second field, whole; then the first field alone.
fn network(network: &mut Network) -> (FlowPoint<Wide>, ProcessId, Collected<i64>) {
    let needs = network.source::<Wide>(Needs).unwrap();
    let some: FlowPoint<Wide> = network
        .pipe(
            needs,
            Filter::new(wide(), |f, x| {
                let zero = f.iconst(0);
                f.op(Op::Ine, &[x[1], zero])
            }),
        )
        .unwrap();
    let first: FlowPoint<i64> = network
        .pipe(some, Map::new(wide(), Type::I64, |_, x| vec![x[0]]))
        .unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    let sink = network.sink(first, collect).unwrap();
    (some, sink, collected)
}

fn last(network: &mut Network, collected: &Collected<i64>) -> i64 {
    network.run_steps(20_000).unwrap();
    *collected.take().last().expect("something has come")
}

#[test]
fn what_is_used_directly_or_behind_is_needed() {
    on_both_engines(|mut net| {
        let (_, _, collected) = network(&mut net);
        assert_eq!(last(&mut net, &collected), 0b0011);
    });
}

#[test]
fn a_branch_that_comes_and_goes_changes_what_is_needed() {
    on_both_engines(|mut net| {
        let (some, _, collected) = network(&mut net);
        assert_eq!(last(&mut net, &collected), 0b0011);
        let (tee, tap) = net
            .rewire(|rewire| {
                let policies = [BranchPolicy::Block, BranchPolicy::Block];
                let tee = rewire.add(Tee::new(wide(), policies))?;
                let point = rewire.insert_into(some, tee)?;
                let tap = rewire.add(ForEach::new(|_: i64| {}))?;
                let third = rewire.add(Map::new(wide(), Type::I64, |_, x| vec![x[2]]))?;
                let (branch, thirds) = (
                    rewire.point("branch", wide())?,
                    rewire.point("thirds", Type::I64)?,
                );
                rewire.attach_output(tee, 1, branch)?;
                rewire.attach_input(third, 0, branch)?;
                rewire.attach_output(third, 0, thirds)?;
                rewire.attach_input(tap, 0, thirds)?;
                let _ = point;
                Ok((tee, [third, tap]))
            })
            .unwrap();
        assert_eq!(last(&mut net, &collected), 0b0111);
        net.rewire(|rewire| {
            for process in tap {
                rewire.discard(process)?;
            }
            rewire.take_out(tee).map(|_| ())
        })
        .unwrap();
        assert_eq!(last(&mut net, &collected), 0b0011);
    });
}

#[test]
fn readers_that_compete_need_everything() {
    on_both_engines(|mut net| {
        let (some, _, collected) = network(&mut net);
        net.sink(some, ForEach::new(|_: Wide| {})).unwrap();
        assert_eq!(last(&mut net, &collected), 0b1111);
    });
}
