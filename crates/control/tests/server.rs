//! Servers of running networks: clients that behave, and clients that do not.

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use cutthrough_control::client::{Client, RequestError, find};
use cutthrough_control::limits::{ANSWER_MS, CONNECTIONS_MAX, REPORT_FRESH_MS};
use cutthrough_control::message::{DumpRequest, DumpStage, ProblemKind, Request, Response, TapRequest};
use cutthrough_control::view::Snapshot;

use common::{Home, Random, Running, descriptors, eventually};

fn connect(home: &Home, name: &str) -> Client {
    Client::connect(&home.directory(), name).expect("it answers")
}

/// A report, and how long it took.
fn report(home: &Home, name: &str) -> (Snapshot, Duration) {
    let begin = Instant::now();
    let snapshot = connect(home, name).report().expect("it answers");
    (snapshot, begin.elapsed())
}

fn raw(home: &Home, name: &str) -> UnixStream {
    UnixStream::connect(home.directory().socket(name)).expect("it listens")
}

const AT_ONCE: Duration = Duration::from_millis(ANSWER_MS + 900);

#[test]
fn a_network_tells_of_itself() {
    let home = Home::new("tells");
    let running = Running::start(&home, "counting", |_| {});
    running.assert_moves();
    let directory = home.directory();
    assert_eq!(find(&directory, "counting").unwrap(), "counting");
    assert_eq!(find(&directory, "cou").unwrap(), "counting");
    let mut client = connect(&home, "counting");
    assert_eq!(client.welcome().pid, std::process::id());
    let first = client.report().unwrap();
    assert_eq!(first.silent_ms, None);
    assert_eq!(first.network.miscounted, None);
    assert_eq!(first.network.report.processes.len(), 3);
    std::thread::sleep(Duration::from_millis(60));
    let second = client.report().unwrap();
    assert!(second.at_us > first.at_us && second.network.elements() > first.network.elements());
    eventually(|| {
        std::thread::sleep(Duration::from_millis(60));
        let report = client.report().unwrap();
        report
            .network
            .report
            .chains
            .iter()
            .all(|chain| chain.mode.is_native())
    });
    let dump = Request::Dump(DumpRequest {
        chain: "#1".to_owned(),
        stages: vec![DumpStage::Chain, DumpStage::Asm],
    });
    match client.request(&dump, |_| true).unwrap() {
        Response::Dump(dump) => {
            assert!(
                dump.parts[0].1.contains("->") && dump.parts[1].1.len() > 100,
                "{dump:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let nothing = Request::Dump(DumpRequest {
        chain: "none".to_owned(),
        stages: vec![DumpStage::Chain],
    });
    match client.request(&nothing, |_| true) {
        Err(RequestError::Refused(problem)) => assert_eq!(problem.kind, ProblemKind::NotThere),
        other => panic!("{other:?}"),
    }
    let tap = Request::Tap(TapRequest {
        flow: "x".to_owned(),
        pipeline: String::new(),
        complete: false,
        format: None,
    });
    match client.request(&tap, |_| true) {
        Err(RequestError::Refused(problem)) => assert_eq!(problem.kind, ProblemKind::Unsupported),
        other => panic!("{other:?}"),
    }
    running.stop();
    assert!(!directory.socket("counting").exists());
    assert!(client.report().is_err());
    assert!(matches!(
        Client::connect(&directory, "counting"),
        Err(RequestError::Connection(_))
    ));
    assert!(
        find(&directory, "counting")
            .unwrap_err()
            .to_string()
            .contains("nor any other")
    );
}

#[test]
fn names_that_are_not_there_list_those_that_are() {
    let home = Home::new("find");
    let networks = ["orders-17", "orders-18"].map(|name| Running::start(&home, name, |_| {}));
    let directory = home.directory();
    let several = find(&directory, "orders").unwrap_err().to_string();
    assert_eq!(
        several,
        "`orders` may be any of orders-17, orders-18; say more of the name"
    );
    let none = find(&directory, "x").unwrap_err().to_string();
    assert_eq!(
        none,
        "no network called `x` is running; running: orders-17, orders-18"
    );
    assert_eq!(find(&directory, "18").unwrap(), "orders-18");
    networks.into_iter().for_each(Running::stop);
}

#[test]
fn a_network_inside_a_host_call_is_answered_for() {
    let home = Home::new("stuck");
    let (stuck, is_stuck) = mpsc::channel();
    // By hand: CUTTHROUGH_NAP_MS=10000.
    let nap = std::env::var("CUTTHROUGH_NAP_MS").map_or(1500, |nap| nap.parse().unwrap());
    let nap = Duration::from_millis(nap);
    let sleeping = Running::start(&home, "sleeping", move |arrived| {
        if arrived == 100_000 {
            stuck.send(()).unwrap();
            std::thread::sleep(nap);
        }
    });
    let other = Running::start(&home, "other", |_| {});
    is_stuck.recv().unwrap();
    // Until then the report of the beginning is fresh.
    std::thread::sleep(Duration::from_millis(REPORT_FRESH_MS + 10));
    let begin = Instant::now();
    let (snapshot, took) = report(&home, "sleeping");
    assert!(took < AT_ONCE, "{took:?}");
    assert!(
        snapshot.silent_ms.is_some_and(|silent| silent >= ANSWER_MS),
        "{snapshot:?}"
    );
    assert_eq!(snapshot.network.report.processes.len(), 3);
    // What the network's thread has to do is pending, and is done when it comes back.
    let mut client = connect(&home, "sleeping");
    let dump = Request::Dump(DumpRequest {
        chain: "#1".to_owned(),
        stages: vec![DumpStage::Chain],
    });
    let mut pending = Vec::new();
    let response = client.request(&dump, |interim| {
        pending.push((interim.clone(), begin.elapsed()));
        true
    });
    assert!(matches!(response, Ok(Response::Dump(_))), "{response:?}");
    match &pending[..] {
        [(Response::Pending(pending), told)] => {
            assert!(
                pending.silent_ms >= ANSWER_MS && *told < AT_ONCE * 2,
                "{pending:?} {told:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    // Others are not touched by it.
    let (snapshot, took) = report(&home, "other");
    assert!(snapshot.silent_ms.is_none() && took < AT_ONCE);
    other.assert_moves();
    sleeping.assert_moves();
    let (snapshot, _) = report(&home, "sleeping");
    assert_eq!(snapshot.silent_ms, None);
    sleeping.stop();
    other.stop();
}

#[test]
fn hostile_clients_harm_nobody() {
    let home = Home::new("hostile");
    let running = Running::start(&home, "n", |_| {});
    running.assert_moves();
    let before = descriptors();
    let mut random = Random(1);
    for round in 0..300 {
        let mut stream = raw(&home, "n");
        let bytes: Vec<u8> = (0..random.below(5000)).map(|_| random.next() as u8).collect();
        let sent = match round % 5 {
            0 => stream.write_all(&bytes),
            // A frame that is cut off, and one that is too large.
            1 => stream.write_all(b"J\x00\x00\x20{\"do\":"),
            2 => stream.write_all(&[b'J', 0xff, 0xff, 0xff]),
            3 => stream.write_all(b"J\x00\x00\x1b{\"do\":\"hello\",\"protocol\":9}"),
            _ => Ok(()),
        };
        // It may be closed by now.
        drop(sent);
        if round % 3 == 0 {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            let _ = stream.read(&mut [0; 100]);
        }
    }
    let (snapshot, took) = report(&home, "n");
    assert!(took < AT_ONCE && snapshot.silent_ms.is_none(), "{took:?}");
    running.assert_moves();
    eventually(|| descriptors() <= before + 2);
    running.stop();
}

#[test]
fn many_connections_and_slow_ones_leave_room_for_others() {
    let home = Home::new("many");
    let running = Running::start(&home, "n", |_| {});
    // Half of what there is dribbles.
    let mut slow: Vec<UnixStream> = (0..CONNECTIONS_MAX / 2).map(|_| raw(&home, "n")).collect();
    for stream in &mut slow {
        stream.write_all(b"J\x00").unwrap();
    }
    let (_, took) = report(&home, "n");
    assert!(took < AT_ONCE, "{took:?}");
    // All of it, and some more: these are told.
    let _rest: Vec<Client> = (0..CONNECTIONS_MAX / 2).map(|_| connect(&home, "n")).collect();
    for _ in 0..100 {
        match Client::connect(&home.directory(), "n") {
            Err(RequestError::Refused(problem)) => assert_eq!(problem.kind, ProblemKind::Busy),
            other => panic!("{other:?}"),
        }
    }
    running.assert_moves();
    // The slow ones have not greeted in time: their places are free again.
    for stream in &mut slow {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert!(String::from_utf8_lossy(&said).contains("late"), "{said:?}");
    }
    assert!(report(&home, "n").1 < AT_ONCE);
    running.stop();
}

#[test]
fn a_client_that_takes_nothing_costs_nothing() {
    let home = Home::new("deaf");
    let running = Running::start(&home, "n", |_| {});
    let mut deaf: Vec<UnixStream> = (0..8).map(|_| raw(&home, "n")).collect();
    for stream in &mut deaf {
        stream
            .write_all(b"J\x00\x00\x1b{\"do\":\"hello\",\"protocol\":1}")
            .unwrap();
        stream.set_nonblocking(true).unwrap();
        // One request at a time: all but the first of them are too many.
        while stream.write(b"J\x00\x00\x0f{\"do\":\"report\"}").is_ok() {}
    }
    let (snapshot, took) = report(&home, "n");
    assert!(took < AT_ONCE && snapshot.silent_ms.is_none(), "{took:?}");
    running.assert_moves();
    running.stop();
}

#[test]
fn the_end_is_not_held_up_by_clients() {
    let home = Home::new("end");
    let running = Running::start(&home, "n", |_| {});
    let _idle = connect(&home, "n");
    let _silent = raw(&home, "n");
    let begin = Instant::now();
    running.stop();
    assert!(
        begin.elapsed() < Duration::from_millis(900),
        "{:?}",
        begin.elapsed()
    );
}
