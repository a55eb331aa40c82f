//! Cancellation, and the fates of what processes hold: on the interpreter and natively,
//! with all counts adding up.

use std::sync::{Arc, Mutex};

use cutthrough::ir::{HostSig, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Collected, Iter, Merge, Pass};
use cutthrough::{
    Account, Cause, Close, Edge, ErrorKind, Fate, FlowPoint, Fragment, Held, Network, Options, Process,
    ProcessId, Progress, Shape,
};

fn on_both_engines(test: impl Fn(Network)) {
    test(Network::new(Options::interpreted()));
    test(Network::new(Options::native()));
}

/// What a process was told of its edges.
type Told = Arc<Mutex<Vec<(Edge, Close)>>>;

/// Keeps each element until the next one comes.
struct Late {
    fate: Fate,
    back: Arc<Mutex<Vec<i64>>>,
    told: Told,
}

impl Late {
    fn new(fate: Fate) -> Late {
        Late {
            fate,
            back: Arc::default(),
            told: Arc::default(),
        }
    }
}

impl Process for Late {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("late");
        let input = shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::zero("is kept", Type::BOOL));
        shape.slot(SlotDecl::i64("kept", 0));
        let dropped = shape.drop_policy("cut off");
        shape.account(Account {
            inputs: vec![input],
            outputs: vec![0],
            drops: vec![dropped],
            held: vec![0],
            ..Account::default()
        });
        shape.fate(self.fate);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let is_kept = f.slot_get(0);
        let (_, first) = f.br_new(is_kept);
        let kept = f.slot_get(1);
        f.slot_set(1, element[0]);
        f.emit(0, &[kept]);
        f.done();
        f.switch_to(first);
        let yes = f.bconst(true);
        f.slot_set(0, yes);
        f.slot_set(1, element[0]);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let is_kept = f.slot_get(0);
        let (_, none) = f.br_new(is_kept);
        f.again();
        f.switch_to(none);
        f.done();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (no, kept) = (f.bconst(false), f.slot_get(1));
        f.slot_set(0, no);
        f.emit(0, &[kept]);
        f.done();
    }

    fn closed(&mut self, edge: Edge, why: &Close) {
        self.told.lock().unwrap().push((edge, why.clone()));
    }

    fn hand_back(&mut self, held: &Held<'_>) {
        assert_eq!(held.elements(), 1);
        let kept = held.slot(1).unwrap();
        self.back.lock().unwrap().push(kept.i64(0));
    }
}

/// Takes everything, and listens.
struct Listener {
    told: Told,
    panics: bool,
}

impl Process for Listener {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("listener");
        shape.input(Type::I64);
    }

    fn closed(&mut self, edge: Edge, why: &Close) {
        self.told.lock().unwrap().push((edge, why.clone()));
        assert!(!self.panics, "a panic of the test");
    }
}

/// Numbers, a process that is late, and what comes of it.
struct Line {
    network: Network,
    source: ProcessId,
    late: ProcessId,
    collected: Collected<i64>,
}

fn line(mut network: Network, late: Late) -> Line {
    let source = network.add(Iter::new(0..1_000i64)).unwrap();
    let numbers = network.point::<i64>("numbers").unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    let late = network.add(late).unwrap();
    network.attach_input(late, 0, numbers).unwrap();
    let out = network.point::<i64>("out").unwrap();
    network.attach_output(late, 0, out).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(out, collect).unwrap();
    Line {
        network,
        source,
        late,
        collected,
    }
}

fn moved(network: &mut Network, process: ProcessId) -> i64 {
    let report = network.report();
    let report = report.processes.iter().find(|one| one.id == process).unwrap();
    report.outputs[0].moved.cast_signed()
}

#[test]
fn by_default_a_removed_process_gives_what_it_holds_before_it_goes() {
    on_both_engines(|network| {
        let Line {
            mut network,
            source,
            late,
            collected,
        } = line(network, Late::new(Fate::Finished));
        network.run_steps(100).unwrap();
        let given = moved(&mut network, source);
        let now = network.remove(late).unwrap();
        assert!(now.is_leaving && now.held == 1, "{now:?}");
        network.check_conservation().unwrap();
        network.run().unwrap();
        assert_eq!(collected.take(), (0..given).collect::<Vec<i64>>());
        assert!(network.report().processes.iter().all(|one| one.id != late));
        let last = network.departed(late).unwrap();
        assert_eq!((last.held, last.outputs[0].moved), (0, given.cast_unsigned()));
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_is_handed_back_goes_to_the_author() {
    on_both_engines(|network| {
        let late = Late::new(Fate::HandedBack);
        let back = late.back.clone();
        let Line {
            mut network,
            source,
            late,
            collected,
        } = line(network, late);
        network.run_steps(100).unwrap();
        let given = moved(&mut network, source);
        let last = network.remove(late).unwrap();
        assert_eq!((last.held, last.handed_back, last.is_leaving), (0, 1, false));
        assert_eq!(*back.lock().unwrap(), [given - 1]);
        network.run().unwrap();
        assert_eq!(collected.take(), (0..given - 1).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_is_dropped_is_counted_by_its_policy() {
    on_both_engines(|network| {
        let Line {
            mut network,
            late,
            collected,
            ..
        } = line(network, Late::new(Fate::Dropped(0)));
        network.run_steps(100).unwrap();
        let last = network.remove(late).unwrap();
        assert_eq!(last.dropped, [("cut off".to_owned(), 1)]);
        assert_eq!(last.inputs[0].moved, last.outputs[0].moved + 1);
        network.run().unwrap();
        assert_eq!(collected.take().len() as u64, last.outputs[0].moved);
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_could_only_be_lost_is_not_removed() {
    on_both_engines(|network| {
        let Line {
            mut network,
            late,
            collected,
            ..
        } = line(network, Late::new(Fate::Finished));
        network.run_steps(100).unwrap();
        let before = network.report().to_string();
        let refused = network.rewire(|rewire| {
            rewire.detach_output(late, 0)?;
            rewire.remove(late)
        });
        assert_eq!(
            refused.unwrap_err().to_string(),
            "edit 2: `late` holds elements, and its output 0 leads nowhere: attach it, so that they can be \
             given before the process goes"
        );
        assert_eq!(network.report().to_string(), before);
        network.run().unwrap();
        assert_eq!(collected.take(), (0..1_000).collect::<Vec<i64>>());
    });
}

#[test]
fn what_is_discarded_goes_at_once_and_says_what_it_held() {
    on_both_engines(|network| {
        let Line {
            mut network, late, ..
        } = line(network, Late::new(Fate::Dropped(0)));
        network.run_steps(100).unwrap();
        network.rewire(|rewire| rewire.discard(late)).unwrap();
        let last = network.departed(late).unwrap();
        assert_eq!((last.held, last.dropped[0].1), (1, 0));
        assert_eq!(last.inputs[0].moved, last.outputs[0].moved + 1);
        network.run().unwrap();
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_cancelled_flow_is_none_that_has_ended() {
    for fate in [Fate::Finished, Fate::Dropped(0), Fate::HandedBack] {
        on_both_engines(|network| {
            let late = Late::new(fate);
            let told = late.told.clone();
            let Line {
                mut network,
                source,
                late,
                collected,
            } = line(network, late);
            network.run_steps(100).unwrap();
            let given = moved(&mut network, source);
            network.cancel(source).unwrap();
            assert_eq!(network.run().unwrap(), Progress::Done);
            assert_eq!(*told.lock().unwrap(), [(Edge::Input(0), Close::Cancelled)]);
            let arrived = if fate == Fate::Finished { given } else { given - 1 };
            assert_eq!(collected.take(), (0..arrived).collect::<Vec<i64>>());
            let report = network.report();
            for process in &report.processes {
                let edges = process.inputs.iter().chain(&process.outputs);
                for edge in edges {
                    assert_eq!(edge.closed, Some(Close::Cancelled), "{}", process.name);
                }
            }
            let late = report.processes.iter().find(|one| one.id == late).unwrap();
            let fates = (late.held, late.handed_back, late.dropped[0].1);
            let expected = match fate {
                Fate::Finished => (0, 0, 0),
                Fate::HandedBack => (0, 1, 0),
                Fate::Dropped(_) => (0, 0, 1),
            };
            assert_eq!(fates, expected);
            network.check_conservation().unwrap();
        });
    }
}

/// A source, a copy, and a listener at the end; what it is told when `disturb` is done to
/// the source and the listener.
fn told(
    mut network: Network,
    source: impl Process + 'static,
    disturb: impl FnOnce(&mut Network, ProcessId, ProcessId),
) -> Vec<(Edge, Close)> {
    let told = Told::default();
    let source = network.add(source).unwrap();
    let numbers = network.point::<i64>("numbers").unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    let copied: FlowPoint<i64> = network.pipe(numbers, Pass::new(Type::I64)).unwrap();
    let listener = Listener {
        told: told.clone(),
        panics: false,
    };
    let listener = network.sink(copied, listener).unwrap();
    let _ = network.run_steps(50);
    disturb(&mut network, source, listener);
    let _ = network.run();
    network.check_conservation().unwrap();
    told.lock().unwrap().clone()
}

#[test]
fn a_process_learns_why_its_input_was_closed() {
    on_both_engines(|network| {
        let end = told(network, Iter::new(0..10i64), |_, _, _| {});
        assert_eq!(end, [(Edge::Input(0), Close::Ended)]);
    });
    on_both_engines(|network| {
        let cancelled = told(network, Iter::new(0i64..), |network, source, _| {
            network.cancel(source).unwrap();
        });
        assert_eq!(cancelled, [(Edge::Input(0), Close::Cancelled)]);
    });
    on_both_engines(|network| {
        let removed = told(network, Iter::new(0i64..), |network, source, _| {
            network.remove(source).unwrap();
        });
        assert_eq!(
            removed,
            [(Edge::Input(0), Close::Ended)],
            "whoever leaves ends the flow"
        );
    });
    on_both_engines(|network| {
        let failed = told(network, Failing::default(), |_, _, _| {});
        let [(Edge::Input(0), Close::Failed(error))] = &failed[..] else {
            panic!("{failed:?}");
        };
        assert_eq!((error.process(), error.message()), (Some("failing"), "no more"));
    });
}

/// A source whose host function fails.
#[derive(Default)]
struct Failing {
    told: Told,
}

impl Process for Failing {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("failing");
        shape.output(Type::I64);
        let sig = HostSig {
            name: "fail".to_owned(),
            params: Vec::new(),
            results: vec![Type::I64],
            rows: Vec::new(),
        };
        shape.host(cutthrough::host::function(sig, |_args, _results, _context| {
            Err("no more".to_owned())
        }));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        f.emit(0, &next);
        f.again();
    }

    fn closed(&mut self, edge: Edge, why: &Close) {
        self.told.lock().unwrap().push((edge, why.clone()));
    }
}

#[test]
fn cancelling_the_last_reader_goes_upstream() {
    on_both_engines(|network| {
        let late = Late::new(Fate::Dropped(0));
        let told = late.told.clone();
        let Line {
            mut network,
            source,
            late,
            ..
        } = line(network, late);
        network.run_steps(100).unwrap();
        let sink = network.report().processes.last().unwrap().id;
        network.cancel(sink).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(*told.lock().unwrap(), [(Edge::Output(0), Close::Cancelled)]);
        let report = network.report();
        let of = |id: ProcessId| report.processes.iter().find(|one| one.id == id).unwrap();
        assert_eq!(of(source).outputs[0].closed, Some(Close::Cancelled));
        assert_eq!(
            of(late).dropped[0].1,
            1,
            "what it held could not be given any more"
        );
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_flow_with_another_writer_goes_on() {
    on_both_engines(|mut network| {
        let sources = [0i64, 1_000].map(|from| {
            let source = network.add(Iter::new(from..from + 100)).unwrap();
            let point = network.point::<i64>("numbers").unwrap();
            network.attach_output(source, 0, point).unwrap();
            (source, point)
        });
        let merge = network.add(Merge::new(Type::I64, 2)).unwrap();
        for (input, (_, point)) in sources.iter().enumerate() {
            network.attach_input(merge, input, *point).unwrap();
        }
        let merged = network.point::<i64>("merged").unwrap();
        network.attach_output(merge, 0, merged).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        let sink = network.sink(merged, collect).unwrap();
        network.cancel(sources[0].0).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), (1_000..1_100).collect::<Vec<i64>>());
        let report = network.report();
        let sink = report.processes.iter().find(|one| one.id == sink).unwrap();
        assert_eq!(
            sink.inputs[0].closed,
            Some(Close::Cancelled),
            "it has seen a part only"
        );
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_process_that_panics_when_it_is_told_fails() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..10i64)).unwrap();
        let listener = Listener {
            told: Told::default(),
            panics: true,
        };
        network.sink(numbers, listener).unwrap();
        let error = network.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(
            (error.process(), error.message()),
            (Some("listener"), "it panicked when it was told what became of it")
        );
        assert_eq!(network.run().unwrap(), Progress::Done);
    });
}

#[test]
fn a_cancellation_is_a_cause_of_its_own() {
    let Line {
        mut network, source, ..
    } = line(Network::new(Options::native()), Late::new(Fate::Dropped(0)));
    network.run_steps(100).unwrap();
    network.cancel(source).unwrap();
    let last = network.report().invalidations.last().unwrap().clone();
    assert_eq!(last.cause, Cause::Cancelled);
    assert_eq!(&*last.process.unwrap().1, "iter");
}

#[test]
fn a_fate_that_no_account_knows_is_refused() {
    let mut network = Network::default();
    let refused = network.add(Late::new(Fate::Dropped(7))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Program);
    assert_eq!(
        refused.to_string(),
        "process `late`: its fate names a drop policy that it does not declare"
    );
}
