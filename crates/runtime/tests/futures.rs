//! Stages of futures: what is in flight is held and counted, nothing is lost or doubled, and the
//! order is kept where asked.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{is_in, on_both_engines};
use cutthrough::stream::StageId;
use cutthrough::{ErrorKind, Network, Progress, Report, channel};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

#[derive(Debug, thiserror::Error)]
#[error("attempt {0} is refused")]
struct Refused(usize);

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

/// Runs until nothing is to be done, and waits for what wakes it.
fn run_to_end(network: &mut Network) {
    while network.run().unwrap() != Progress::Done {
        assert!(
            network.wait_timeout(Duration::from_secs(60)),
            "{}",
            network.report()
        );
    }
}

fn held(report: &Report) -> u64 {
    report
        .processes
        .iter()
        .find(|process| process.name == "then")
        .unwrap()
        .held
}

/// Of a thousand elements a third is slow, and of a tenth the first two attempts fail.
fn thousand(network: &mut Network, runtime: &Runtime, is_ordered: bool) {
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let attempts = Arc::new(Mutex::new(HashMap::<i64, usize>::new()));
    let (seen, running, tried) = (most.clone(), now.clone(), attempts.clone());
    let all = Arc::new(Semaphore::new(0));
    let opened = all.clone();
    let collected = network
        .wire(|wire| {
            let futures = wire.iter(0..5_000_i64).try_then(move |x| {
                let (seen, running, tried) = (seen.clone(), running.clone(), tried.clone());
                let all = opened.clone();
                async move {
                    let at_once = running.fetch_add(1, Ordering::SeqCst) + 1;
                    seen.fetch_max(at_once, Ordering::SeqCst);
                    if at_once == 1_000 {
                        all.add_permits(1 << 20);
                    }
                    // Nothing ends before a thousand have begun.
                    all.acquire().await.unwrap().forget();
                    if x % 3 == 0 {
                        tokio::time::sleep(Duration::from_millis(x as u64 % 7)).await;
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    let attempt = {
                        let mut tried = tried.lock();
                        let attempt = tried.entry(x).or_default();
                        *attempt += 1;
                        *attempt
                    };
                    match x % 10 == 7 && attempt < 3 {
                        true => Err(Refused(attempt)),
                        false => Ok(x * 2),
                    }
                }
            });
            let futures = futures
                .concurrency(1_000)
                .retry(2, Duration::from_millis(1))
                .on(runtime.handle().clone());
            match is_ordered {
                true => futures.ordered().collect(),
                false => futures.unordered().collect(),
            }
        })
        .unwrap();
    run_to_end(network);
    network.check_conservation().unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 1_000, "as many as there may be");
    let mut results = collected.take();
    if !is_ordered {
        results.sort_unstable();
    }
    assert_eq!(results, (0..5_000).map(|x| x * 2).collect::<Vec<i64>>());
    let attempts = attempts.lock();
    assert!(
        attempts
            .iter()
            .all(|(x, &tried)| tried == if x % 10 == 7 { 3 } else { 1 })
    );
}

#[test]
fn a_thousand_futures_in_flight_lose_and_double_nothing() {
    let runtime = runtime();
    on_both_engines(|mut network| thousand(&mut network, &runtime, true));
    on_both_engines(|mut network| thousand(&mut network, &runtime, false));
}

#[test]
fn what_is_in_flight_when_it_is_cancelled_is_dropped_and_counted() {
    let runtime = runtime();
    let _guard = runtime.enter();
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(5_000);
        let (then, collected) = network
            .wire(|wire| {
                let futures = wire.receive(receiver).then(|x| async move {
                    if x % 3 == 0 {
                        tokio::time::sleep(Duration::from_secs(3_600)).await;
                    }
                    x
                });
                let then = futures.concurrency(1_000).drop_cancelled().unordered();
                (then.id(), then.collect())
            })
            .unwrap();
        sender.send_all(0..3_000).unwrap();
        // The slow ones fill it up, before the last two that are not.
        let begin = std::time::Instant::now();
        while (held(&network.report()), collected.len()) != (1_000, 1_998) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{}", network.report());
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            network.wait_timeout(Duration::from_millis(1));
        }
        network.check_conservation().unwrap();
        let given = collected.len() as u64;
        network
            .rewire(|rewire| {
                let process = then.process_in(rewire)?;
                rewire.cancel(process)
            })
            .unwrap();
        network.check_conservation().unwrap();
        let report = network.report();
        let stage = report
            .processes
            .iter()
            .find(|process| process.name == "then")
            .unwrap();
        let dropped = stage
            .dropped
            .iter()
            .find(|(name, _)| name == "cancelled")
            .unwrap()
            .1;
        assert_eq!(
            (stage.held, dropped + given),
            (0, stage.inputs[0].moved),
            "{report}"
        );
        let mut results = collected.take();
        results.sort_unstable();
        assert!(results.iter().all(|x| x % 3 != 0));
        results.dedup();
        assert_eq!(results.len() as u64, given);
    });
}

#[test]
fn a_stage_that_is_removed_gives_what_is_in_flight_first() {
    let runtime = runtime();
    let _guard = runtime.enter();
    on_both_engines(|mut network| {
        let gate = Arc::new(Semaphore::new(0));
        let closed = gate.clone();
        let (mut sender, receiver) = channel::<i64>(64);
        let (then, collected) = network
            .wire(|wire| {
                let then = wire.receive(receiver).then(move |x| {
                    let gate = closed.clone();
                    async move {
                        gate.acquire().await.unwrap().forget();
                        x
                    }
                });
                let then = then.concurrency(10).ordered();
                (then.id(), then.collect())
            })
            .unwrap();
        sender.send_all(0..20).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(held(&network.report()), 10);
        network.check_conservation().unwrap();
        network.remove(then.process()).unwrap();
        gate.add_permits(10);
        while collected.len() < 10 {
            network.run().unwrap();
            network.check_conservation().unwrap();
            network.wait_timeout(Duration::from_millis(1));
        }
        network.run().unwrap();
        network.check_conservation().unwrap();
        assert_eq!(collected.take(), (0..10).collect::<Vec<i64>>());
        assert!(
            network
                .report()
                .processes
                .iter()
                .all(|process| process.name != "then")
        );
    });
}

#[test]
fn what_fails_fails_the_stage_or_is_dropped() {
    let runtime = runtime();
    let _guard = runtime.enter();
    let attempt = |x: i64| async move {
        match x {
            3 => Err(Refused(1)),
            5 => panic!("five is too much"),
            7 => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(x)
            }
            x => Ok(x),
        }
    };
    on_both_engines(|mut network| {
        let collected = network
            .wire(|wire| {
                let futures = wire
                    .iter(0..10_i64)
                    .try_then(attempt)
                    .timeout(Duration::from_millis(20));
                futures.concurrency(3).drop_failed().ordered().collect()
            })
            .unwrap();
        run_to_end(&mut network);
        assert_eq!(collected.take(), [0, 1, 2, 4, 6, 8, 9]);
        let report = network.report();
        let stage = report
            .processes
            .iter()
            .find(|process| process.name == "then")
            .unwrap();
        assert_eq!(stage.dropped.iter().map(|(_, count)| count).sum::<u64>(), 3);
        network.check_conservation().unwrap();

        let first = line!();
        let collected = network
            .wire(|wire| {
                wire.iter(0..10_i64)
                    .try_then(attempt)
                    .concurrency(10)
                    .ordered()
                    .collect()
            })
            .unwrap();
        let lines = first..line!();
        let error = loop {
            match network.run() {
                Err(error) => break error,
                Ok(_) => assert!(network.wait_timeout(Duration::from_secs(60))),
            }
        };
        assert_eq!(
            (error.element(), error.message()),
            (Some(4), "attempt 1 is refused")
        );
        assert_eq!(error.downcast_ref::<Refused>().unwrap().0, 1);
        assert!(is_in(error.added_at().unwrap(), file!(), lines), "{error}");
        assert_eq!(collected.take(), [0, 1, 2]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn futures_without_a_runtime_are_refused() {
    let mut network = Network::default();
    let refused = network.wire(|wire| wire.iter([1_i64]).then(|x| async move { x }).ordered().collect());
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotThere);
    assert!(error.message().contains("`on(handle)`"), "{error}");
    assert!(network.report().processes.is_empty());
}
