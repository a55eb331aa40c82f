//! Requests of other threads: pending while the network's thread is busy, answered in
//! order, bounded, and always settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutthrough::processes::{ForEach, Iter};
use cutthrough::{Error, ErrorKind, Handle, Network, Options, Progress, limits};

const LONG: Duration = Duration::from_secs(20);

/// A network whose sink, once, is in a host call until it is told to return.
struct Blocked {
    handle: Handle,
    /// Says that the call has begun.
    begun: Receiver<()>,
    /// Lets it return.
    release: Sender<()>,
    thread: std::thread::JoinHandle<Result<Progress, Error>>,
}

fn blocked(options: Options) -> Blocked {
    let (begin, begun) = channel();
    let (release, released) = channel::<()>();
    let (give_handle, handle) = channel();
    let thread = std::thread::spawn(move || {
        let mut network = Network::new(options);
        let numbers = network.source::<i64>(Iter::new(0..100_000i64))?;
        let sink = ForEach::new(move |number: i64| {
            if number == 1_000 {
                begin.send(()).unwrap();
                released.recv().unwrap();
            }
        });
        network.sink(numbers, sink)?;
        give_handle.send(network.handle()).unwrap();
        network.run()
    });
    Blocked {
        handle: handle.recv_timeout(LONG).unwrap(),
        begun,
        release,
        thread,
    }
}

#[test]
fn a_request_is_pending_during_a_long_call_and_applied_after_it() {
    for options in [Options::interpreted(), Options::native()] {
        let Blocked {
            handle,
            begun,
            release,
            thread,
        } = blocked(options);
        begun.recv_timeout(LONG).unwrap();
        let mut request = handle
            .request(|network| network.report().processes[0].outputs[0].moved)
            .unwrap();
        assert!(request.is_pending());
        assert!(request.wait_timeout(Duration::from_millis(20)).is_none());
        release.send(()).unwrap();
        let moved = request.wait_timeout(LONG).unwrap().unwrap();
        // The call returned, the loop came out at the end of its strip, and no later.
        assert!((1_001..=2_000).contains(&moved), "{moved} elements had moved");
        let again = request.wait_timeout(Duration::ZERO).unwrap().unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotThere);
        assert_eq!(thread.join().unwrap().unwrap(), Progress::Done);
    }
}

#[test]
fn requests_are_applied_in_the_order_in_which_they_came() {
    let mut network = Network::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handle = network.handle();
    for k in 0..100 {
        let seen = seen.clone();
        handle.send(move |_| seen.lock().unwrap().push(k)).unwrap();
    }
    network.run().unwrap();
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<i32>>());
}

#[test]
fn a_withdrawn_request_is_never_applied() {
    let mut network = Network::default();
    let handle = network.handle();
    let applied = Arc::new(AtomicBool::new(false));
    let flag = applied.clone();
    let request = handle
        .request(move |_| flag.store(true, Ordering::Relaxed))
        .unwrap();
    request.withdraw().unwrap();
    let kept = handle.request(|_| 7).unwrap();
    network.run().unwrap();
    assert!(!applied.load(Ordering::Relaxed));
    let kept = kept.withdraw().expect_err("it has been answered");
    assert_eq!(kept.wait().unwrap(), 7);
}

#[test]
fn requests_are_bounded() {
    let mut network = Network::default();
    let handle = network.handle();
    for _ in 0..limits::REQUESTS_MAX {
        handle.send(|_| {}).unwrap();
    }
    let refused = handle.request(|_| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert_eq!(
        refused.to_string(),
        "4096 requests wait for the network's thread already; wait until some are answered"
    );
    network.run().unwrap();
    handle.send(|_| {}).unwrap();
}

#[test]
fn a_network_that_is_dropped_answers_everything() {
    let network = Network::default();
    let handle = network.handle();
    let waiting: Vec<_> = (0..10).map(|k| handle.request(move |_| k).unwrap()).collect();
    let waiter = std::thread::spawn({
        let request = handle.request(|_| ()).unwrap();
        move || request.wait()
    });
    drop(network);
    for request in waiting {
        assert_eq!(request.wait().unwrap_err().kind(), ErrorKind::Gone);
    }
    assert_eq!(waiter.join().unwrap().unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(handle.send(|_| {}).unwrap_err().kind(), ErrorKind::Gone);
}

#[test]
fn a_request_that_panics_is_answered() {
    let mut network = Network::default();
    let handle = network.handle();
    let request = handle.request(|_| panic!("a panic of the test")).unwrap();
    let after = handle.request(|_| ()).unwrap();
    // The network's thread goes on.
    network.run().unwrap();
    let error: Error = request.wait().unwrap_err();
    assert!(error.message().ends_with("a panic of the test"), "{error}");
    after.wait().unwrap();
    // Where nobody waits for an answer, it is told to who runs the network.
    handle.send(|_| panic!("another panic of the test")).unwrap();
    let error = network.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().ends_with("another panic of the test"), "{error}");
    network.run().unwrap();
}
