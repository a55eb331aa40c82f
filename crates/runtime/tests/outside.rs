//! Reading and writing from outside: the outcomes, standing asks and offers, fairness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Filter, Iter, Slice};
use cutthrough::{ErrorKind, FlowPoint, Handle, Network, Options, Outcome, Progress, Reader, Writer};

fn on_both_engines(test: impl Fn(Network)) {
    test(Network::new(Options::interpreted()));
    test(Network::new(Options::native()));
}

fn even(network: &mut Network, from: FlowPoint<i64>) -> FlowPoint<i64> {
    let condition = Filter::new(Type::I64, |f, x| {
        let (zero, one) = (f.iconst(0), f.iconst(1));
        let bit = f.op(Op::Iand, &[x[0], one]);
        f.op(Op::Ieq, &[bit, zero])
    });
    network.pipe(from, condition).unwrap()
}

#[test]
fn a_read_asks_and_the_flow_gives_no_more() {
    on_both_engines(|mut network| {
        let numbers = network
            .source::<i64>(Slice::i64((0..10).collect::<Vec<i64>>()))
            .unwrap();
        let evens = even(&mut network, numbers);
        let reader = Reader::attach(&mut network, evens).unwrap();
        assert_eq!(reader.read(&mut network, 2).unwrap(), Outcome::Moved(2));
        assert_eq!(reader.fetch(9), [0, 2]);
        assert_eq!(reader.read(&mut network, 9).unwrap(), Outcome::Moved(3));
        assert_eq!(reader.fetch(9), [4, 6, 8]);
        assert_eq!(reader.read(&mut network, 1).unwrap(), Outcome::Eof);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_write_that_nobody_takes_stands() {
    on_both_engines(|mut network| {
        let point = network.point::<i64>("numbers").unwrap();
        let writer = Writer::attach(&mut network, point).unwrap();
        let evens = even(&mut network, point);
        let reader = Reader::attach(&mut network, evens).unwrap();
        let mut offer = vec![1, 2, 3, 4, 6];
        assert_eq!(writer.write(&mut network, &mut offer).unwrap(), Outcome::Pending);
        assert_eq!((offer.len(), writer.standing()), (0, 5));
        assert_eq!(reader.read(&mut network, 2).unwrap(), Outcome::Moved(2));
        assert_eq!(reader.fetch(9), [2, 4]);
        assert_eq!(writer.standing(), 1, "no more is drawn than was asked for");
        assert_eq!(writer.close(&mut network).unwrap(), [6]);
        assert_eq!(reader.read(&mut network, 1).unwrap(), Outcome::Eof);
    });
}

#[test]
fn a_standing_ask_is_drawn_on_by_a_write() {
    on_both_engines(|mut network| {
        let point = network.point::<i64>("numbers").unwrap();
        let writer = Writer::attach(&mut network, point).unwrap();
        let reader = Reader::attach(&mut network, point).unwrap();
        assert_eq!(reader.read(&mut network, 3).unwrap(), Outcome::Pending);
        let mut offer = vec![7, 8, 9, 10];
        assert_eq!(writer.write(&mut network, &mut offer).unwrap(), Outcome::Moved(3));
        assert_eq!(offer, [10], "what was not taken is handed back");
        assert_eq!(reader.fetch(9), [7, 8, 9]);
    });
}

#[test]
fn several_readers_are_served_in_turn() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..100i64)).unwrap();
        let readers: Vec<_> = (0..3)
            .map(|_| Reader::attach(&mut network, numbers).unwrap())
            .collect();
        let mut seen = Vec::new();
        for _ in 0..5 {
            for reader in &readers {
                assert_eq!(reader.read(&mut network, 4).unwrap(), Outcome::Moved(4));
                seen.extend(reader.fetch(4));
            }
        }
        assert_eq!(seen, (0..60).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_removed_reader_fails_the_call() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..100i64)).unwrap();
        let reader = Reader::attach(&mut network, numbers).unwrap();
        network.remove(reader.process()).unwrap();
        assert!(matches!(
            reader.read(&mut network, 1).unwrap(),
            Outcome::Failed(_)
        ));
    });
}

/// Has requests come from another thread, as fast as they are served, until it is dropped.
struct Requests {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Requests {
    fn flood(handle: Handle) -> Requests {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(request) = handle.request(|_| ()) {
                    let _ = request.wait();
                }
            }
        });
        Requests {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // What it waits for is never answered: the network does not run any more.
        drop(self.thread.take());
    }
}

/// Runs a test that must not hang on a thread of its own.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    if is_done.recv_timeout(Duration::from_secs(60)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("it hangs");
    }
    thread.join().unwrap();
}

#[test]
fn requests_do_not_keep_reads_and_writes_from_returning() {
    within_a_minute(|| {
        on_both_engines(|mut network| {
            let point = network.point::<i64>("numbers").unwrap();
            let writer = Writer::attach(&mut network, point).unwrap();
            let evens = even(&mut network, point);
            let reader = Reader::attach(&mut network, evens).unwrap();
            let _requests = Requests::flood(network.handle());
            let mut sum = 0;
            let mut offer: Vec<i64> = Vec::new();
            let mut next = 0..20_000;
            while sum < 9_999 * 10_000 {
                if offer.is_empty() && writer.standing() == 0 {
                    offer.extend(next.by_ref().take(500));
                }
                writer.write(&mut network, &mut offer).unwrap();
                reader.read(&mut network, 100).unwrap();
                sum += reader.fetch(u64::MAX).iter().sum::<i64>();
            }
            network.check_conservation().unwrap();
        });
    });
}

#[test]
fn a_network_that_was_stopped_says_so() {
    within_a_minute(|| {
        on_both_engines(|mut network| {
            let point = network.point::<i64>("numbers").unwrap();
            let writer = Writer::attach(&mut network, point).unwrap();
            let reader = Reader::attach(&mut network, point).unwrap();
            network.handle().stop();
            let mut offer = vec![1, 2];
            let stopped = |outcome| match outcome {
                Outcome::Failed(error) => error.kind() == ErrorKind::Stopped,
                _ => false,
            };
            assert!(stopped(reader.read(&mut network, 1).unwrap()));
            assert!(stopped(writer.write(&mut network, &mut offer).unwrap()));
            assert_eq!(offer, [1, 2]);
        });
    });
}

#[test]
fn a_writer_that_is_dropped_ends_the_flow_behind_what_it_offered() {
    on_both_engines(|mut network| {
        let point = network.point::<i64>("numbers").unwrap();
        let writer = Writer::attach(&mut network, point).unwrap();
        let reader = Reader::attach(&mut network, point).unwrap();
        assert_eq!(
            writer.write(&mut network, &mut vec![1, 2]).unwrap(),
            Outcome::Pending
        );
        drop(writer);
        assert_eq!(reader.read(&mut network, 9).unwrap(), Outcome::Moved(2));
        assert_eq!(reader.fetch(9), [1, 2]);
        assert_eq!(reader.read(&mut network, 9).unwrap(), Outcome::Eof);
        assert_eq!(network.run().unwrap(), Progress::Done);
    });
}

#[test]
fn a_reader_that_is_dropped_is_seen_to_leave() {
    on_both_engines(|mut network| {
        let point = network.point::<i64>("numbers").unwrap();
        let writer = Writer::attach(&mut network, point).unwrap();
        let reader = Reader::attach(&mut network, point).unwrap();
        drop(reader);
        assert_eq!(writer.write(&mut network, &mut vec![1, 2]).unwrap(), Outcome::Eof);
        assert_eq!(network.run().unwrap(), Progress::Done);
    });
}
