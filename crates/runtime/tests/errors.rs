//! What goes wrong is told: with the process, the place where it was added, the element, and what
//! lies beneath; and what would hang is refused.

mod common;

use std::error::Error as _;
use std::num::ParseIntError;
use std::time::Duration;

use common::{is_in, on_both_engines};
use cutthrough::processes::{Collect, Iter, MapFn};
use cutthrough::{Error, ErrorKind, FlowPoint, Network, Progress, channel};

/// An error that another lies beneath.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no price")]
struct NoPrice {
    text: String,
    source: ParseIntError,
}

fn price(text: &str) -> Result<i64, NoPrice> {
    text.parse().map_err(|source| NoPrice {
        text: text.to_owned(),
        source,
    })
}

#[test]
fn a_failure_names_its_place_and_its_element_and_has_what_lies_beneath() {
    on_both_engines(|mut network| {
        let texts = ["7", "8", "nine", "10"].map(str::to_owned);
        let first = line!();
        let prices = network
            .wire(|wire| wire.iter(texts).try_map_fn(price).collect())
            .unwrap();
        let lines = first..line!();
        let error = network.run().unwrap_err();
        assert!(is_in(error.added_at().unwrap(), file!(), lines), "{error:?}");
        let expected = format!(
            "map ({}), element 3: `nine` is no price",
            error.added_at().unwrap()
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.message(), "`nine` is no price");
        assert_eq!((error.process(), error.element()), (Some("map"), Some(3)));
        assert_eq!(error.downcast_ref::<NoPrice>().unwrap().text, "nine");
        let beneath = error.source().unwrap();
        assert_eq!(beneath.to_string(), "invalid digit found in string");
        assert!(beneath.is::<ParseIntError>());
        assert_eq!(prices.take(), [7, 8]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn a_panic_names_its_place_also_after_a_swap() {
    on_both_engines(|mut network| {
        let (map, _) = network
            .wire(|wire| {
                let map = wire.iter(0..1_000_000_i64).map_fn(|x| x);
                (map.id(), map.collect())
            })
            .unwrap();
        network.run_steps(1).unwrap();
        let first = line!();
        network
            .rewire(|rewire| map.swap_fn(rewire, |_| panic!("no more of these")))
            .unwrap();
        let lines = first..line!();
        let error = network.run().unwrap_err();
        assert!(is_in(error.added_at().unwrap(), file!(), lines), "{error}");
        assert!(error.source().is_none(), "{error:?}");
        assert_eq!(error.message(), "panicked: no more of these");
    });
}

#[test]
fn processes_that_are_added_have_a_place_too() {
    let mut network = Network::default();
    let numbers = network.source::<i64>(Iter::new(0..9_i64)).unwrap();
    let failing = MapFn::new(|x: i64| if x < 5 { x } else { panic!("five is too much") });
    let first = line!();
    let out: FlowPoint<i64> = network.pipe(numbers, failing).unwrap();
    let lines = first..line!();
    network.sink(out, Collect::<i64>::new()).unwrap();
    let error = network.run().unwrap_err();
    assert!(is_in(error.added_at().unwrap(), file!(), lines), "{error}");
}

#[test]
fn a_stream_that_nobody_reads_is_refused_with_its_place() {
    let mut network = Network::default();
    let first = line!();
    let refused = network.wire(|wire| {
        let (all, _some) = wire.iter([1_i64]).tee();
        all.collect()
    });
    let lines = first..line!();
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unread);
    assert!(is_in(error.message(), file!(), lines), "{error}");
    assert!(error.to_string().contains("`sink`"), "{error}");
    assert!(network.report().processes.is_empty(), "nothing is wired");
    // Who takes the flow point sees to it.
    let point = network.wire(|wire| wire.iter([1_i64]).point()).unwrap();
    let collected = network.wire(|wire| wire.stream(point).collect()).unwrap();
    assert_eq!(network.run().unwrap(), Progress::Done);
    assert_eq!(collected.take(), [1]);
}

#[test]
fn a_request_that_waits_for_its_own_network_is_refused() {
    on_both_engines(|mut network| {
        let numbers = network.wire(|wire| wire.iter(0..10_i64).collect()).unwrap();
        let handle = network.handle();
        let inner = handle.clone();
        let answer = handle
            .request(move |network| {
                let waited = inner.request(|_| panic!("it was withdrawn")).unwrap().wait();
                let mut timed = inner.request(|_| panic!("it was withdrawn")).unwrap();
                assert!(timed.wait_timeout(Duration::ZERO).is_none(), "that is no wait");
                let timed = timed.wait_timeout(Duration::from_secs(600)).unwrap();
                [
                    waited,
                    timed,
                    network.run().map(drop),
                    network.run_steps(1).map(drop),
                ]
            })
            .unwrap();
        let waiting = handle.request(|network| network.wait()).unwrap();
        let mut results = Vec::new();
        loop {
            match network.run() {
                Ok(progress) => break assert_eq!(progress, Progress::Done),
                Err(error) => results.push(error),
            }
        }
        assert_eq!(results, Vec::<Error>::new());
        for outcome in answer.wait().unwrap() {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
        }
        let error = waiting.wait().unwrap_err();
        assert!(error.message().contains("return from the request"), "{error}");
        assert_eq!(numbers.len(), 10);
    });
}

#[test]
fn a_closure_that_waits_for_its_own_network_fails() {
    on_both_engines(|mut network| {
        let handle = network.handle();
        network
            .wire(|wire| {
                wire.iter([1_i64]).sink(move |_| {
                    let report = handle.request(Network::report).unwrap().wait();
                    panic!("{}", report.unwrap_err());
                })
            })
            .unwrap();
        let error = network.run().unwrap_err();
        assert!(error.message().contains("would wait for itself"), "{error}");
    });
}

#[test]
fn a_closure_that_waits_for_a_channel_of_its_own_network_fails() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(1);
        sender.send(1).unwrap();
        let sink = |wire: cutthrough::Wire<'_>| wire.receive(receiver).sink(move |x| sender.send(x).unwrap());
        network.wire(sink).unwrap();
        let error = network.run().unwrap_err();
        assert!(error.message().contains("would wait for itself"), "{error}");
        assert!(error.message().contains("take `try_send`"), "{error}");
        let (sender, mut receiver) = channel::<i64>(4);
        network
            .wire(|wire| {
                wire.iter(0..9_i64)
                    .inspect(move |_| assert!(receiver.recv().is_some()))
                    .send(sender)
            })
            .unwrap();
        let error = network.run().unwrap_err();
        assert!(error.message().contains("take `try_recv`"), "{error}");
    });
}
