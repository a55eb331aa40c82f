//! Networks that run in real time: on threads of their own, and as tasks.

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use cutthrough::aggregate::{AggregateFunction, BasicAggregate};
use cutthrough::ir::Type;
use cutthrough::processes::{ForEach, Group, GroupSpec, Iter, ToChannel, Windowing};
use cutthrough::{Driver, ErrorKind, Network, Options, Progress, Sender, Spawned, channel};

use common::on_both_engines;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

/// Runs a task on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park_timeout(Duration::from_secs(60));
    }
}

#[test]
fn a_spawned_network_runs_until_its_channels_have_ended() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(16);
        let sum = network
            .wire(|wire| wire.receive(receiver).sum(|x| x).collect())
            .unwrap();
        let spawned = network.spawn();
        sender.send_all(0..1_000).unwrap();
        assert!(!spawned.is_finished());
        drop(sender);
        spawned.join().unwrap().check_conservation().unwrap();
        assert_eq!(sum.take(), [999 * 500]);
    });
}

#[test]
fn a_spawned_network_that_is_dropped_is_stopped() {
    let mut network = Network::default();
    let numbers = network.source::<i64>(Iter::new(0i64..)).unwrap();
    network.sink(numbers, ForEach::new(|_: i64| {})).unwrap();
    let (_sender, receiver) = channel::<i64>(16);
    network.wire(|wire| wire.receive(receiver).collect()).unwrap();
    let handle = network.handle();
    drop(network.spawn());
    assert_eq!(handle.send(|_| {}).unwrap_err().kind(), ErrorKind::Gone);
}

#[test]
fn a_stopped_network_comes_back_with_what_it_holds() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(16);
        network
            .wire(|wire| wire.receive(receiver).count().collect())
            .unwrap();
        let spawned = network.spawn();
        sender.send_all(0..10).unwrap();
        let network = spawned.stop().unwrap();
        network.check_conservation().unwrap();
        drop(network);
        assert!(sender.is_closed());
    });
}

#[test]
fn a_failure_does_not_end_the_other_flows() {
    on_both_engines(|mut network| {
        let count = network
            .wire(|wire| {
                wire.iter([1_i64]).sink(|_| panic!("no more of these"));
                wire.iter(0..100_000_i64).count().collect()
            })
            .unwrap();
        let spawned = network.spawn();
        while !spawned.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(spawned.failures().len(), 1);
        let error = spawned.join().unwrap_err();
        assert!(error.message().contains("no more of these"), "{error}");
        assert_eq!(count.take(), [100_000]);
    });
}

/// Sums of what comes in ten milliseconds.
fn windows(network: &mut Network) -> (cutthrough::Sender<i64>, cutthrough::Receiver<(i64, i64)>) {
    let (sender, point) = common::sender::<i64>(network, 16);
    let sum = BasicAggregate {
        function: AggregateFunction::Sum,
        input: Some(Type::I64),
    };
    let group = Group::new(GroupSpec {
        windowing: Windowing::Every(Duration::from_millis(10)),
        ..GroupSpec::basic(vec![], [sum], 1 << 20)
    });
    let sums = network.pipe::<i64, (i64, i64)>(point, group).unwrap();
    let (to_receiver, receiver) = channel(16);
    network.sink(sums, ToChannel::new(to_receiver)).unwrap();
    (sender, receiver)
}

#[test]
fn timers_are_kept_in_real_time() {
    let mut network = Network::default();
    let (mut sender, mut receiver) = windows(&mut network);
    let _spawned = network.spawn();
    let begin = Instant::now();
    sender.send(5).unwrap();
    // The window ends although nothing comes any more.
    assert_eq!(receiver.recv().map(|(_, sum)| sum), Some(5));
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_loop_waits_for_timers_and_for_no_longer_than_it_has_time() {
    let mut network = Network::default();
    let (mut sender, mut receiver) = windows(&mut network);
    let mut driver = Driver::new(network);
    assert_eq!(driver.run().unwrap(), Progress::Waiting);
    driver.wait_timeout(Duration::from_millis(1));
    sender.send(5).unwrap();
    assert_eq!(driver.run().unwrap(), Progress::Waiting);
    while receiver.is_empty() {
        driver.wait();
        assert_eq!(driver.run().unwrap(), Progress::Waiting);
    }
    drop(sender);
    assert_eq!(driver.run_to_end().unwrap(), Progress::Done);
    assert_eq!(receiver.recv().map(|(_, sum)| sum), Some(5));
}

#[test]
fn answers_are_awaited() {
    let mut network = Network::default();
    let (_sender, receiver) = channel::<i64>(16);
    network.wire(|wire| wire.receive(receiver).collect()).unwrap();
    let spawned = network.spawn();
    let handle = spawned.handle().clone();
    for _ in 0..100 {
        let processes = handle.request(|network| network.report().processes.len());
        assert_eq!(block_on(processes.unwrap()), Ok(2));
    }
    let unanswered = {
        let never = handle.request(|network| std::mem::take(network).handle().stop());
        let unanswered = handle.request(|_| ());
        block_on(never.unwrap()).unwrap();
        unanswered
    };
    if let Ok(unanswered) = unanswered {
        let _ = block_on(unanswered);
    }
}

#[test]
fn channels_are_awaited() {
    on_both_engines(|mut network| {
        let (mut sender, from_sender) = channel::<i64>(16);
        let (to_receiver, mut receiver) = channel::<i64>(16);
        network
            .wire(|wire| wire.receive(from_sender).map(|x| x + 1).send(to_receiver))
            .unwrap();
        let spawned = network.spawn();
        let sending = std::thread::spawn(move || {
            block_on(async {
                assert_eq!(sender.send_all_async(0..5_000).await, Ok(5_000));
                for number in 5_000..10_000 {
                    sender.send_async(number).await.unwrap();
                }
            });
        });
        let received = block_on(async {
            let mut received = Vec::new();
            while received.len() < 5_000 {
                received.extend(receiver.recv_async().await);
            }
            while receiver.recv_batch_async(&mut received, 300).await > 0 {}
            received
        });
        assert_eq!(received, (1..=10_000).collect::<Vec<i64>>());
        sending.join().unwrap();
        spawned.join().unwrap().check_conservation().unwrap();
    });
}

/// An executor of a few threads runs many networks: each is one task.
#[test]
fn many_networks_run_as_tasks_of_one_thread() {
    let mut drivers = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..200 {
        let mut network = Network::new(Options::interpreted());
        let (sender, from_sender) = channel::<i64>(4);
        let (to_receiver, receiver) = channel::<i64>(4);
        network
            .wire(|wire| wire.receive(from_sender).map(|x| x * 2).send(to_receiver))
            .unwrap();
        drivers.push(Some(Driver::new(network)));
        ends.push((sender, receiver));
    }
    let feeding = std::thread::spawn(move || {
        for round in 0..20 {
            for (sender, _) in &mut ends {
                sender.send(round).unwrap();
            }
            for (_, receiver) in &mut ends {
                assert_eq!(receiver.recv(), Some(2 * round));
            }
        }
    });
    let all_done = std::future::poll_fn(|context| {
        for driver in &mut drivers {
            if let Some(running) = driver
                && running.poll(context).map(Result::unwrap) == Poll::Ready(Progress::Done)
            {
                running.network().check_conservation().unwrap();
                *driver = None;
            }
        }
        match drivers.iter().all(Option::is_none) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    });
    block_on(all_done);
    feeding.join().unwrap();
}

/// A network on a thread of its own that waits for what comes by its channel.
fn waiting() -> (Spawned, Sender<i64>) {
    let (sender, receiver) = channel::<i64>(16);
    let mut network = Network::default();
    network.wire(|wire| wire.receive(receiver).collect()).unwrap();
    (network.spawn(), sender)
}

#[test]
fn a_spawned_network_is_not_waited_for_on_its_own_thread() {
    let limit = Duration::from_secs(10);
    let (spawned, _open) = waiting();
    let handle = spawned.handle().clone();
    let mut dropped = handle.request(move |_| drop(spawned)).unwrap();
    assert!(dropped.wait_timeout(limit).expect("it does not wait").is_ok());
    assert!(handle.is_stopped());

    let (spawned, _open) = waiting();
    let handle = spawned.handle().clone();
    let mut joined = handle.request(move |_| spawned.join().map(drop)).unwrap();
    let error = joined
        .wait_timeout(limit)
        .expect("it does not wait")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.message().contains("itself"), "{error}");
    assert!(handle.is_stopped());
}
