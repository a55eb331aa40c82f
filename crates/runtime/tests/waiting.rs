//! Processes that are pending, and are woken.

mod common;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use cutthrough::ir::{End, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Collected, ForEach, Iter, Read, Slice};
use cutthrough::{Fragment, Network, Options, Prepared, Process, ProcessId, Progress, Shape};

use common::on_both_engines;

/// Gives these, one at a time; for `None` there is nothing at present.
struct Slow(VecDeque<Option<&'static [u8]>>);

impl io::Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop_front() {
            None => Ok(0),
            Some(None) => Err(io::ErrorKind::WouldBlock.into()),
            Some(Some(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }
}

#[test]
fn a_reader_with_nothing_to_read_waits_until_it_is_woken() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options);
        let slow = Slow(VecDeque::from([
            None,
            Some(b"a".as_slice()),
            None,
            None,
            Some(b"b"),
        ]));
        let source = network.add(Read::new("slow", slow)).unwrap();
        let blocks = network.point::<Bytes>("blocks").unwrap();
        network.attach_output(source, 0, blocks).unwrap();
        let collect = Collect::<Bytes>::new();
        let collected = collect.collected();
        network.sink(blocks, collect).unwrap();
        let mut arrived = Vec::new();
        for _ in 0..3 {
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            // Until it is woken nobody asks it again.
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            arrived.push(collected.take());
            network.waker(source).unwrap().wake();
        }
        assert_eq!(network.run().unwrap(), Progress::Done);
        arrived.push(collected.take());
        assert_eq!(
            arrived,
            [vec![], vec![Bytes::from("a")], vec![], vec![Bytes::from("b")]]
        );
        network.check_conservation().unwrap();
    }
}

/// Keeps each element until it is woken.
struct Gate {
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Process for Gate {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("gate");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("kept", 0));
        *self.waker.lock().unwrap() = Some(shape.waker());
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.slot_set(0, element[0]);
        f.end(End::Pending);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let kept = f.slot_get(0);
        f.emit(0, &[kept]);
        f.done();
    }
}

/// A gate, and what wakes it once it has declared itself.
fn gate() -> (Gate, impl Fn() -> Waker) {
    let waker = Arc::default();
    let gate = Gate {
        waker: Arc::clone(&waker),
    };
    (gate, move || {
        waker.lock().unwrap().clone().expect("it has been declared")
    })
}

/// Numbers through a gate.
fn gated(network: &mut Network, to: i64) -> (Waker, ProcessId, Collected<i64>) {
    let numbers = network
        .source::<i64>(Slice::i64((0..to).collect::<Vec<_>>()))
        .unwrap();
    let (gate, waker) = gate();
    let gate = network.add(gate).unwrap();
    let through = network.point::<i64>("through").unwrap();
    network.attach_input(gate, 0, numbers).unwrap();
    network.attach_output(gate, 0, through).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(through, collect).unwrap();
    (waker(), gate, collected)
}

#[test]
fn a_process_in_the_middle_is_pending_until_it_is_woken() {
    on_both_engines(|mut network| {
        let (waker, gate, collected) = gated(&mut network, 3);
        for number in 0..3 {
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            assert_eq!(collected.take(), []);
            network.check_conservation().unwrap();
            waker.wake_by_ref();
            waker.wake_by_ref();
            let progress = network.run_steps(1).unwrap();
            assert_eq!(progress, Progress::Steps);
            assert_eq!(collected.take(), [number]);
        }
        assert_eq!(network.run().unwrap(), Progress::Done);
        // What is over, or gone, cannot be woken.
        waker.wake_by_ref();
        network.remove(gate).unwrap();
        waker.wake();
        assert_eq!(network.run().unwrap(), Progress::Done);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_process_is_woken_from_any_thread() {
    on_both_engines(|mut network| {
        let (waker, _, collected) = gated(&mut network, 200);
        let is_done = Arc::new(AtomicBool::new(false));
        let waking = std::thread::spawn({
            let is_done = Arc::clone(&is_done);
            move || {
                while !is_done.load(Ordering::Relaxed) {
                    waker.wake_by_ref();
                    std::thread::yield_now();
                }
            }
        });
        while network.run().unwrap() != Progress::Done {
            assert!(network.wait_timeout(Duration::from_secs(60)), "a wake was lost");
        }
        is_done.store(true, Ordering::Relaxed);
        waking.join().unwrap();
        assert_eq!(collected.take(), (0..200).collect::<Vec<i64>>());
    });
}

/// A flow that wakes a gate at its tenth element: how many elements it moves until then and
/// until the gate has given.
fn elements_before_the_gate(options: Options, steps: u64) -> usize {
    let mut network = Network::new(options);
    let (waker, _, collected) = gated(&mut network, 1);
    assert_eq!(network.run().unwrap(), Progress::Waiting);
    let moved = Arc::new(Mutex::new((0, None)));
    let numbers = network.source::<i64>(Iter::new(0i64..)).unwrap();
    let sink = ForEach::new({
        let moved = Arc::clone(&moved);
        move |number: i64| {
            let mut moved = moved.lock().unwrap();
            moved.0 += 1;
            if number == 10 {
                waker.wake_by_ref();
            }
            if moved.1.is_none() && !collected.take().is_empty() {
                moved.1 = Some(moved.0 - 1);
            }
        }
    });
    network.sink(numbers, sink).unwrap();
    assert_eq!(network.run_steps(steps).unwrap(), Progress::Steps);
    moved.lock().unwrap().1.expect("the gate has given")
}

#[test]
fn a_wake_does_not_cut_a_grant_short_unless_grants_are_long() {
    for options in [Options::interpreted(), Options::native()] {
        let short = Options {
            quantum_steps: 1_000,
            ..options.clone()
        };
        assert_eq!(elements_before_the_gate(short, 3_000), 1_000);
        let long = Options {
            quantum_steps: u64::MAX,
            ..options
        };
        let moved = elements_before_the_gate(long, 100_000);
        assert!(moved < 1_000, "{moved}: between two strips of the loop");
    }
}

#[test]
fn a_source_may_be_woken_before_it_joins() {
    on_both_engines(|mut network| {
        let told = Arc::new(Mutex::new(None));
        let source = Prepared::new(Box::new(Once(Arc::clone(&told)))).unwrap();
        told.lock().unwrap().take().unwrap().wake();
        let (once, numbers) = network
            .rewire(|rewire| {
                let once = rewire.add_prepared(source)?;
                Ok((once, rewire.point("numbers", Type::I64)?))
            })
            .unwrap();
        network.attach_output(once, 0, numbers).unwrap();
        let sink = network.add(ForEach::new(|_: i64| {})).unwrap();
        network.attach_input(sink, 0, numbers).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(network.process_report(sink).unwrap().inputs[0].moved, 1);
    });
}

/// Gives one number when it is woken.
struct Once(Arc<Mutex<Option<Waker>>>);

impl Process for Once {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("once");
        shape.output(Type::I64);
        shape.starts_idle();
        *self.0.lock().unwrap() = Some(shape.waker());
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let one = f.iconst(1);
        f.emit(0, &[one]);
        f.finish();
    }
}

#[test]
fn what_a_pending_process_holds_comes_out_before_it_is_removed() {
    on_both_engines(|mut network| {
        let (waker, gate, collected) = gated(&mut network, 3);
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert!(network.remove(gate).unwrap().is_leaving);
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        waker.wake();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [0]);
        assert!(network.departed(gate).is_some());
        network.check_conservation().unwrap();
    });
}

/// What it waits for is not known to its next program, nor to another OS process.
#[test]
fn a_process_with_a_waker_is_woken_when_it_is_swapped_or_restored() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options.clone());
        let (waker, gate_id, collected) = gated(&mut network, 2);
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        let image = network.checkpoint();
        let (other, others_waker) = gate();
        network.rewire(|rewire| rewire.swap(gate_id, other)).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(collected.take(), [0]);
        waker.wake();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(collected.take(), [], "its waker is of the program that has gone");
        others_waker().wake();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [1]);

        let mut network = Network::new(options);
        let (_, _, collected) = gated(&mut network, 2);
        network.restore(&image.unwrap()).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(collected.take(), [0]);
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_network_is_run_by_an_executor() {
    on_both_engines(|mut network| {
        let (waker, _, collected) = gated(&mut network, 2);
        let wakes = Arc::new(Wakes::default());
        let task = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&task);
        for woken in 0..2 {
            assert!(network.poll_run(&mut context).is_pending());
            assert_eq!(wakes.0.load(Ordering::Relaxed), woken);
            waker.wake_by_ref();
            assert_eq!(wakes.0.load(Ordering::Relaxed), woken + 1);
        }
        let outcome = network.poll_run(&mut context);
        assert_eq!(outcome, Poll::Ready(Ok(Progress::Done)));
        assert_eq!(collected.take(), [0, 1]);

        // Requests and being stopped wake the task too.
        let (_, _, _) = gated(&mut network, 1);
        assert!(network.poll_run(&mut context).is_pending());
        network.handle().send(|_| {}).unwrap();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 3);
        assert!(network.poll_run(&mut context).is_pending());
        network.handle().stop();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 4);
        assert_eq!(network.poll_run(&mut context), Poll::Ready(Ok(Progress::Waiting)));
    });
}
