//! What is wrong in a process or an edit is told by name, and leaves the network as it was.

mod common;

use std::error::Error as _;

use common::on_both_engines;
use cutthrough::ir::{Op, Type, Value};
use cutthrough::processes::{Collect, Filter, ForEach, Iter, Map, MapFn, Slice};
use cutthrough::{Error, ErrorKind, FlowPoint, Fragment, Network, Process, Progress, Shape};

/// A slip in a fragment, and how it is told.
fn told(slip: impl Fn(&mut Fragment<'_>, &[Value]) -> Value + Send + 'static) -> String {
    let mut network = Network::default();
    let error = network
        .add(Map::new(Type::I64, Type::I64, move |f, x| vec![slip(f, x)]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Program);
    assert!(network.report().processes.is_empty());
    error.to_string()
}

#[test]
fn a_slip_in_a_fragment_is_told_with_its_process() {
    for (error, expected) in [
        (
            told(|f, x| {
                let half = f.fconst(0.5);
                f.op(Op::Iadd, &[x[0], half])
            }),
            "process `map`, read_ok 0: `iadd` takes (i64, i64), and is given (i64, f64)",
        ),
        (
            told(|f, x| f.op(Op::Ineg, &[x[0], x[0]])),
            "process `map`, read_ok 0: `ineg` takes (i64), and is given (i64, i64)",
        ),
        (
            told(|f, _| f.slot_get(3)),
            "process `map`, read_ok 0: there is no slot 3, but 0 in all",
        ),
        (
            told(|f, _| f.bconst(true)),
            "process `map`, read_ok 0: output 0 has elements (i64), and is given (bool)",
        ),
        (
            told(|f, x| f.call(1, x)[0]),
            "process `map`, read_ok 0: there is no host function 1, but 0 in all",
        ),
    ] {
        assert_eq!(error, expected);
    }
}

#[test]
fn a_slip_in_a_request_does_not_end_the_networks_thread() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..10_000_i64)).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink(numbers, collect).unwrap();
        let handle = network.handle();
        let answer = handle
            .request(|network| {
                network
                    .rewire(|rewire| rewire.add(Filter::new(Type::I64, |f, x| f.op(Op::And, &[x[0], x[0]]))))
            })
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.len(), 10_000);
        let error = answer.wait().unwrap().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`and` takes (bool, bool), and is given (i64, i64)"),
            "{error}"
        );
    });
}

#[test]
fn what_is_refused_leaves_no_process_behind() {
    let mut network = Network::default();
    network.source::<f64>(Slice::i64([1, 2])).unwrap_err();
    let numbers = network.source::<i64>(Slice::i64([1, 2])).unwrap();
    network
        .pipe::<i64, i64>(numbers, MapFn::new(|x: f64| x))
        .unwrap_err();
    network
        .pipe::<i64, f64>(numbers, MapFn::new(|x: i64| x))
        .unwrap_err();
    network.sink(numbers, Collect::<f64>::new()).unwrap_err();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(numbers, collect).unwrap();
    let report = network.report();
    assert_eq!((report.processes.len(), report.points.len()), (2, 1), "{report}");
    assert_eq!(network.run().unwrap(), Progress::Done);
    assert_eq!(collected.take(), [1, 2]);
}

/// A process that breaks what it says of itself.
struct Rude;

impl Process for Rude {
    fn declare(&mut self, shape: &mut Shape) {
        shape.optional(3);
    }
}

#[test]
fn a_process_without_a_name_is_told_too() {
    let error = Network::default().add(Rude).unwrap_err().to_string();
    assert!(
        error.starts_with("declare of a process without a name: "),
        "{error}"
    );
}

#[test]
fn elements_may_be_larger_than_the_scratch_memory_of_many() {
    on_both_engines(|mut network| {
        // 340 MB in all, and more than a megabyte at once, through four closures.
        let texts = (0..20_000).map(|k| "x".repeat(if k % 5_000 == 1 { 3 << 20 } else { 17_000 }));
        let mut point: FlowPoint<String> = network.source(Iter::new(texts)).unwrap();
        for _ in 0..4 {
            point = network.pipe(point, MapFn::new(|text: String| text)).unwrap();
        }
        let (bytes, seen) = (
            std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)),
            19_996 * 17_000 + 4 * (3 << 20),
        );
        let sum = bytes.clone();
        let count = ForEach::new(move |text: String| {
            sum.fetch_add(text.len(), std::sync::atomic::Ordering::Relaxed);
        });
        network.sink(point, count).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(bytes.load(std::sync::atomic::Ordering::Relaxed), seen);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_flow_point_of_another_network_is_refused() {
    let mut mine = Network::default();
    let numbers = mine.source::<i64>(Slice::i64([1, 2])).unwrap();
    let mut other = Network::default();
    other.source::<i64>(Slice::i64([3, 4])).unwrap();
    let refused = |outcome: Result<(), Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotThere);
        assert!(error.message().contains("another network's"), "{error}");
    };
    refused(other.sink(numbers, Collect::<i64>::new()).map(drop));
    refused(other.pipe::<i64, i64>(numbers, MapFn::new(|x: i64| x)).map(drop));
    refused(other.hold_readers(numbers, true));
    refused(other.element_of(numbers).map(drop));
    mine.sink(numbers, Collect::<i64>::new()).unwrap();
}

/// Gives two elements at once, which no activation may.
struct Twice;

impl Process for Twice {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("twice");
        shape.input(Type::I64);
        shape.output(Type::I64);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.emit(0, element);
        f.emit(0, element);
        f.done();
    }
}

#[test]
fn an_error_does_not_repeat_itself() {
    let mut network = Network::default();
    let error = network.add(Twice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Program);
    assert!(error.source().is_none());
    let numbers = network.source::<i64>(Iter::new(0..9_i64)).unwrap();
    let error = network
        .rewire(|rewire| {
            let collect = rewire.add(Collect::<i64>::new())?;
            rewire.attach_input(collect, 7, numbers)
        })
        .unwrap_err();
    assert!(error.message().starts_with("edit 2: "), "{error}");
    assert!(error.source().is_none());
}

/// Gives what comes by its first input; of its second it says nothing.
struct OnlyFirst;

impl Process for OnlyFirst {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("only first");
        shape.input(Type::I64);
        let second = shape.input(Type::I64);
        shape.pulled(second);
        shape.output(Type::I64);
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        if from == 0 {
            f.emit(0, element);
            f.done();
        }
    }
}

#[test]
fn a_port_for_which_nothing_is_built_has_no_fragment() {
    on_both_engines(|mut network| {
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network
            .rewire(|rewire| {
                let process = rewire.add(OnlyFirst)?;
                for input in 0..2 {
                    let source = rewire.add(Slice::i64([1, 2, 3]))?;
                    let point = rewire.output_point(source, 0, Type::I64)?;
                    rewire.attach_input(process, input, point)?;
                }
                let given = rewire.output_point(process, 0, Type::I64)?;
                let sink = rewire.add(collect)?;
                rewire.attach_input(sink, 0, given)
            })
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [1, 2, 3]);
        network.check_conservation().unwrap();
    });
}
