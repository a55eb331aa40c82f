//! Channels into networks and out of them: order, ends, and that nothing is lost.

mod common;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cutthrough::processes::{Collect, Iter};
use cutthrough::{
    Close, Element, ErrorKind, Network, Options, Progress, Receiver, SendError, Sender, TryRecvError,
    TrySendError, channel,
};
use futures_core::Stream as _;

use common::{Room, fetch, on_both_engines};

/// Runs until everything has finished, waiting for what comes.
fn run(mut network: Network) -> Network {
    while network.run().unwrap() != Progress::Done {
        assert!(network.wait_timeout(Duration::from_secs(60)), "a wake was lost");
    }
    network.check_conservation().unwrap();
    network
}

/// A network that doubles what is even, with the ends of its channels.
fn doubling(mut network: Network, capacity: usize) -> (Sender<i64>, Network, Receiver<i64>) {
    let (sender, from_sender) = channel(capacity);
    let (to_receiver, receiver) = channel(capacity);
    network
        .wire(|wire| {
            let evens = wire.receive::<i64>(from_sender).filter(|x| (x % 2).eq(0));
            evens.map(|x| x * 2).send(to_receiver)
        })
        .unwrap();
    (sender, network, receiver)
}

/// What has been received of what was sent: everything, once, in order.
fn check(received: &[i64], sent: i64) {
    let expected: Vec<i64> = (0..sent).filter(|x| x % 2 == 0).map(|x| x * 2).collect();
    assert_eq!(received, expected);
}

#[test]
fn what_is_sent_comes_through_in_order() {
    for capacity in [1, 7, 1_000] {
        on_both_engines(|network| {
            let (mut sender, network, mut receiver) = doubling(network, capacity);
            let running = std::thread::spawn(move || run(network));
            let sending = std::thread::spawn(move || {
                for number in 0..10_000 {
                    sender.send(number).unwrap();
                }
            });
            let received: Vec<i64> = receiver.iter().collect();
            check(&received, 10_000);
            assert_eq!(receiver.end(), Some(Close::Ended));
            sending.join().unwrap();
            running.join().unwrap();
        });
    }
}

#[test]
fn batches_come_through_in_order() {
    on_both_engines(|network| {
        let (mut sender, network, mut receiver) = doubling(network, 1_000);
        let running = std::thread::spawn(move || run(network));
        let sending = std::thread::spawn(move || sender.send_all(0..1_000_000).unwrap());
        let mut received = Vec::new();
        while receiver.recv_batch(&mut received, 700) > 0 {}
        check(&received, 1_000_000);
        assert_eq!(sending.join().unwrap(), 1_000_000);
        running.join().unwrap();
    });
}

#[test]
fn who_runs_the_network_may_hold_both_ends() {
    on_both_engines(|network| {
        let (mut sender, mut network, mut receiver) = doubling(network, 4);
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let mut received = Vec::new();
        let mut numbers = 0..50;
        while !numbers.is_empty() {
            sender.try_send_all(&mut numbers).unwrap();
            network.run().unwrap();
            received.extend(fetch(&mut receiver));
        }
        drop(sender);
        while network.run().unwrap() != Progress::Done {
            received.extend(fetch(&mut receiver));
        }
        received.extend(fetch(&mut receiver));
        check(&received, 50);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Ended));
    });
}

#[test]
fn structs_with_texts_come_through() {
    #[derive(Element, Clone, Debug, PartialEq)]
    struct Named {
        number: u32,
        name: String,
        note: Option<String>,
    }
    on_both_engines(|mut network| {
        let (mut sender, from_sender) = channel(10);
        let (to_receiver, mut receiver) = channel(1_000);
        network
            .wire(|wire| {
                let named = wire.receive::<Named>(from_sender);
                named.filter(|e| e.number.ge(5)).send(to_receiver)
            })
            .unwrap();
        let sent: Vec<Named> = (0..500)
            .map(|number| Named {
                number,
                name: "n".repeat(number as usize),
                note: (number % 3 == 0).then(|| format!("note {number}")),
            })
            .collect();
        let running = std::thread::spawn(move || run(network));
        sender.send_all(sent.clone()).unwrap();
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<Named>>(), sent[5..]);
        running.join().unwrap();
    });
}

/// Numbers to a reader that takes so many.
fn to_room(network: &mut Network, capacity: usize, room: i64) -> (Sender<i64>, cutthrough::ProcessId) {
    let (sender, point) = common::sender(network, capacity);
    network.sink(point, Room(room)).unwrap();
    let source = network.report().processes[0].id;
    (sender, source)
}

#[test]
fn a_flow_that_stands_still_holds_up_the_sender() {
    on_both_engines(|mut network| {
        let (mut sender, _) = to_room(&mut network, 10, 3);
        sender.send_all(0..10).unwrap();
        network.run().unwrap();
        assert_eq!(sender.try_send(10), Err(TrySendError::Full(10)));
    });
}

#[test]
fn what_a_removed_source_has_not_given_goes_back() {
    on_both_engines(|mut network| {
        let (mut sender, source) = to_room(&mut network, 10, 3);
        sender.send_all(0..10).unwrap();
        network.run().unwrap();
        assert_eq!(sender.take_back(), []);
        network.remove(source).unwrap();
        assert_eq!(sender.send(10), Err(SendError(10)));
        assert_eq!(sender.take_back(), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(network.run().unwrap(), Progress::Done);
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_nobody_takes_any_more_goes_back() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel(10);
        let taken = network
            .wire(|wire| wire.receive::<i64>(receiver).take(4).collect())
            .unwrap();
        sender.send_all(0..10).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(taken.take(), [0, 1, 2, 3]);
        assert_eq!(sender.send_all([1]), Err(SendError(0)));
        assert_eq!(sender.take_back(), [4, 5, 6, 7, 8, 9]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_network_that_is_dropped_gives_back_what_has_not_gone_into_it() {
    on_both_engines(|mut network| {
        let (mut sender, from_sender) = channel(10);
        let (to_receiver, mut receiver) = channel(3);
        network
            .wire(|wire| wire.receive::<i64>(from_sender).send(to_receiver))
            .unwrap();
        sender.send_all(0..10).unwrap();
        network.run().unwrap();
        drop(network);
        assert_eq!(sender.take_back(), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(receiver.end(), Some(Close::Cancelled), "a part only");
    });
}

#[test]
fn a_receiver_that_is_dropped_is_seen_to_leave() {
    on_both_engines(|network| {
        let (mut sender, network, receiver) = doubling(network, 4);
        let running = std::thread::spawn(move || run(network));
        drop(receiver);
        let mut sent = 0;
        while sender.send(sent).is_ok() {
            sent += 1;
        }
        // What it has taken is dropped and counted, or comes back.
        let back = sender.take_back().len() as u64;
        let mut network = running.join().unwrap();
        let report = network.report();
        let taken = report.processes[0].outputs[0].moved;
        assert_eq!(taken + back, sent.cast_unsigned());
        assert_eq!(network.report().lost_at_removed, 0);
    });
}

#[test]
fn a_receiver_that_is_dropped_is_seen_to_leave_by_one_who_has_nothing_for_it() {
    on_both_engines(|network| {
        let (sender, mut network, receiver) = doubling(network, 4);
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        drop(receiver);
        let progress = network.run().unwrap();
        assert_eq!(progress, Progress::Done, "{}", network.report());
        assert!(sender.is_closed());
    });
}

#[test]
fn a_receiver_that_is_closed_has_what_was_accepted() {
    on_both_engines(|network| {
        let (mut sender, mut network, mut receiver) = doubling(network, 4);
        sender.send_all([0, 2]).unwrap();
        network.run().unwrap();
        receiver.close();
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 4]);
    });
}

#[test]
fn a_failure_is_told_to_the_receiver_and_to_the_next_network() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options.clone());
        let (to_next, from_first) = channel(4);
        network
            .wire(|wire| {
                let numbers = wire.iter(0..9_i64);
                let some = numbers.map_fn(|x: i64| if x < 3 { x } else { panic!("three is too much") });
                some.send(to_next)
            })
            .unwrap();
        let mut next = Network::new(options);
        let (to_receiver, mut receiver) = channel(9);
        next.wire(|wire| wire.receive(from_first).send(to_receiver))
            .unwrap();
        let error = network.run().unwrap_err();
        assert_eq!(error.message(), "panicked: three is too much");
        let told = next.run().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Failed);
        assert_eq!(told.message(), format!("what was sent here failed: {error}"));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(receiver.end(), Some(Close::Failed(told)));
    }
}

#[test]
fn a_sender_whose_thread_panics_has_cancelled() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel(4);
        let sum = network
            .wire(|wire| wire.receive::<i64>(receiver).sum(|x| x).collect())
            .unwrap();
        let sending = std::thread::spawn(move || {
            sender.send(1).unwrap();
            panic!("a panic of the test");
        });
        assert!(sending.join().is_err());
        let error = network.run().unwrap_err();
        assert_eq!(error.message(), "what was sent here was cancelled");
        assert_eq!(sum.take(), [], "a part of the sum is no sum");
    });
}

#[test]
fn several_receivers_are_served_in_turn() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..100i64)).unwrap();
        let mut receivers: Vec<Receiver<i64>> = (0..3)
            .map(|_| common::receiver(&mut network, numbers, 4).0)
            .collect();
        let mut seen = Vec::new();
        while network.run().unwrap() != Progress::Done {
            for receiver in &mut receivers {
                let received = fetch(receiver);
                assert!(received.is_sorted());
                seen.extend(received);
            }
        }
        for receiver in &mut receivers {
            seen.extend(fetch(receiver));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<i64>>());
        network.check_conservation().unwrap();
    });
}

#[test]
fn several_senders_meet_at_a_flow_point() {
    on_both_engines(|mut network| {
        let (first, from_first) = channel(4);
        let (second, from_second) = channel(4);
        let collected = network
            .wire(|wire| {
                wire.receive(from_first)
                    .merge(wire.receive(from_second))
                    .collect()
            })
            .unwrap();
        let send = |mut sender: Sender<i64>, from: i64| {
            std::thread::spawn(move || sender.send_all((from..2_000).step_by(2)).unwrap())
        };
        let sending = [send(first, 0), send(second, 1)];
        run(network);
        for thread in sending {
            thread.join().unwrap();
        }
        let all = collected.take();
        for parity in [0, 1] {
            assert!(all.iter().filter(|x| *x % 2 == parity).is_sorted());
        }
        assert_eq!(all.len(), 2_000);
    });
}

#[test]
fn requests_are_served_while_elements_come() {
    on_both_engines(|network| {
        let (mut sender, network, mut receiver) = doubling(network, 64);
        let handle = network.handle();
        let running = std::thread::spawn(move || run(network));
        let is_over = Arc::new(AtomicBool::new(false));
        let asking = std::thread::spawn({
            let is_over = is_over.clone();
            move || {
                let mut answers = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let request = handle.request(|network| network.report().version);
                    answers += u32::from(request.is_ok_and(|request| request.wait().is_ok()));
                }
                answers
            }
        });
        let sending = std::thread::spawn(move || sender.send_all(0..100_000).unwrap());
        let received: Vec<i64> = receiver.iter().collect();
        check(&received, 100_000);
        sending.join().unwrap();
        is_over.store(true, Ordering::Relaxed);
        drop(running.join().unwrap());
        assert!(asking.join().unwrap() > 0);
    });
}

#[test]
fn waiting_for_an_element_ends_in_time() {
    let (mut sender, mut receiver) = channel(4);
    let begin = std::time::Instant::now();
    let outcome = receiver.recv_timeout(Duration::from_millis(20));
    assert_eq!(outcome, Err(TryRecvError::Empty));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(1));
    drop(sender);
    assert_eq!(
        receiver.recv_timeout(Duration::from_secs(60)),
        Err(TryRecvError::Ended)
    );
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn tasks_wait_without_a_thread() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&waker);
    let (mut sender, mut receiver) = channel(1);
    assert_eq!(receiver.poll_recv(&mut context), Poll::Pending);
    sender.try_send(1).unwrap();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    {
        let mut sending = std::pin::pin!(sender.send_async(2));
        assert!(sending.as_mut().poll(&mut context).is_pending());
        assert_eq!(
            Pin::new(&mut receiver).poll_next(&mut context),
            Poll::Ready(Some(1))
        );
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
        assert_eq!(sending.poll(&mut context), Poll::Ready(Ok(())));
    }
    assert_eq!(receiver.poll_recv(&mut context), Poll::Ready(Some(2)));
    assert_eq!(receiver.poll_recv(&mut context), Poll::Pending);
    drop(sender);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 3);
    assert_eq!(Pin::new(&mut receiver).poll_next(&mut context), Poll::Ready(None));
}

#[test]
fn a_channel_of_a_network_that_refused_it_is_cancelled() {
    let mut network = Network::default();
    let numbers = network.source::<i64>(Iter::new([1_i64])).unwrap();
    network.sink(numbers, Collect::<i64>::new()).unwrap();
    let (to_receiver, mut receiver) = channel::<f64>(4);
    let (mut sender, from_sender) = channel::<f64>(4);
    sender.send(1.0).unwrap();
    let mistyped = network.wire(|wire| {
        wire.receive(from_sender).send(to_receiver);
        wire.source::<f64>(Iter::new([1_i64])).collect()
    });
    assert_eq!(mistyped.unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(receiver.recv(), None);
    assert_eq!(receiver.end(), Some(Close::Cancelled));
    assert_eq!(sender.take_back(), [1.0]);
}
