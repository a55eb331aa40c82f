//! What becomes of taps, however they end; with a tap that only says that it is one.

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cutthrough::Network;
use cutthrough_control::client::{Client, Message};
use cutthrough_control::limits::TAP_OUTPUT_BYTES;
use cutthrough_control::message::{
    Problem, ProblemKind, Request, Response, RewireRequest, Rewired, TapEnd, TapRequest,
};
use cutthrough_control::{Attach, Change, Commands, Options, Step, Tap, Waker};

use common::{Home, eventually};

/// What the taps of one network have been through.
#[derive(Default)]
struct Notes {
    attached: AtomicUsize,
    detached: AtomicUsize,
    dropped: AtomicUsize,
    /// Bytes that have been read.
    read: AtomicUsize,
    rewires: AtomicUsize,
    /// Plans of taps that are gone, attached or not.
    plans_dropped: AtomicUsize,
}

/// What a tap needs until it is attached.
struct Plan(Arc<Notes>);

impl Drop for Plan {
    fn drop(&mut self) {
        self.0.plans_dropped.fetch_add(1, Ordering::SeqCst);
    }
}

struct Scripted(Arc<Notes>);

/// Gives as many bytes as its pipeline says, or any number.
struct Counting {
    notes: Arc<Notes>,
    left: usize,
    detached: bool,
}

impl Commands for Scripted {
    fn tap(&self, request: &TapRequest, _waker: &Waker) -> Result<Attach, Problem> {
        if request.flow != "f" {
            return Err(Problem::new(ProblemKind::NotThere, "no flow point"));
        }
        let left = request.pipeline.parse().unwrap_or(usize::MAX);
        let notes = self.0.clone();
        let plan = Plan(self.0.clone());
        let attach = move |_: &mut Network| {
            drop(plan);
            notes.attached.fetch_add(1, Ordering::SeqCst);
            Ok(Step::Attached(Box::new(Counting {
                notes,
                left,
                detached: false,
            })))
        };
        // Every other one has to know the network first.
        if self.0.attached.load(Ordering::SeqCst).is_multiple_of(2) {
            return Ok(Box::new(attach));
        }
        let server = std::thread::current().id();
        Ok(Box::new(move |_| {
            Ok(Step::Known(Box::new(move || {
                assert_eq!(std::thread::current().id(), server);
                Ok(Box::new(attach))
            })))
        }))
    }

    fn program(&self) -> String {
        format!("{}  times\n rewired", self.0.rewires.load(Ordering::SeqCst))
    }

    fn rewire(&self, request: &RewireRequest) -> Result<Change, Problem> {
        let notes = self.0.clone();
        let apply = move |_: &mut Network| {
            notes.rewires.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        Ok(Change {
            changes: vec![request.program.clone()],
            apply: if request.plan_only {
                None
            } else {
                Some(Box::new(apply))
            },
        })
    }
}

impl Tap for Counting {
    fn read(&mut self, most: usize, out: &mut Vec<u8>) -> bool {
        let length = if self.detached { 0 } else { most.min(self.left) };
        out.resize(out.len() + length, b'x');
        self.left -= length;
        self.notes.read.fetch_add(length, Ordering::SeqCst);
        self.left > 0 && !self.detached
    }

    fn detach(&mut self, _: &mut Network) {
        assert!(!std::mem::replace(&mut self.detached, true), "detached once");
        self.notes.detached.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&mut self) -> TapEnd {
        TapEnd {
            seen: 7,
            missed: 2,
            written: 5,
            failure: None,
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.notes.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A network that waits, and is run when somebody asks it something.
fn with_network(home: &Home, test: impl FnOnce(&Notes, &AtomicBool) + Send) {
    let notes = Arc::new(Notes::default());
    // Whether the network is inside a host call, as far as others can tell.
    let is_stuck = AtomicBool::new(false);
    let mut network = Network::default();
    let commands = Arc::new(Scripted(notes.clone()));
    let options = Options::new("n").directory(home.directory()).commands(commands);
    let server = options.serve(&mut network).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&notes, &is_stuck)));
            is_over.store(true, Ordering::SeqCst);
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
        while !is_over.load(Ordering::SeqCst) {
            if !is_stuck.load(Ordering::SeqCst) {
                network.run().unwrap();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    drop(server);
    network.run().unwrap();
    let attached = notes.attached.load(Ordering::SeqCst);
    assert_eq!(notes.detached.load(Ordering::SeqCst), attached);
    // What is dropped with the network included.
    drop(network);
    assert_eq!(notes.dropped.load(Ordering::SeqCst), attached);
}

fn tap(pipeline: &str) -> Request {
    Request::Tap(TapRequest {
        flow: "f".to_owned(),
        pipeline: pipeline.to_owned(),
        complete: false,
        format: None,
    })
}

/// Whether a tap ends that was stopped at once: attached or not.
fn is_stopped(client: &mut Client) -> bool {
    loop {
        match client.receive(Some(Duration::from_secs(10))).unwrap() {
            Some(Message::Response(Response::Error(problem))) => {
                return problem.kind == ProblemKind::Withdrawn;
            }
            Some(Message::Response(Response::TapEnd(_))) => return true,
            Some(Message::Bytes(_) | Message::Response(Response::Tapped(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// How many bytes come until the tap ends.
fn read_to_end(client: &mut Client) -> usize {
    let mut bytes = 0;
    loop {
        match client.receive(Some(Duration::from_secs(10))).unwrap() {
            Some(Message::Bytes(more)) => bytes += more.len(),
            Some(Message::Response(Response::TapEnd(end))) => {
                assert_eq!((end.seen, end.missed, end.written), (7, 2, 5));
                return bytes;
            }
            Some(Message::Response(Response::Tapped(_) | Response::Pending(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_tap_ends_by_itself_or_when_asked() {
    let home = Home::new("tap-ends");
    with_network(&home, |notes, _| {
        let mut client = Client::connect(&home.directory(), "n").unwrap();
        for bytes in [0, 1, TAP_OUTPUT_BYTES, 3_000_000] {
            client.send(&tap(&bytes.to_string())).unwrap();
            assert_eq!(read_to_end(&mut client), bytes);
        }
        client.send(&tap("endless")).unwrap();
        for _ in 0..100 {
            client
                .receive(Some(Duration::from_secs(10)))
                .unwrap()
                .expect("more");
        }
        client.send(&Request::Stop).unwrap();
        read_to_end(&mut client);
        assert_eq!(notes.detached.load(Ordering::SeqCst), 5);
        // Asked to end before it has begun.
        client.send(&tap("endless")).unwrap();
        client.send(&Request::Stop).unwrap();
        assert!(is_stopped(&mut client));
        let nowhere = Request::Tap(TapRequest {
            flow: "g".to_owned(),
            pipeline: String::new(),
            complete: false,
            format: None,
        });
        assert!(client.request(&nowhere, |_| true).is_err());
    });
}

#[test]
fn taps_of_clients_that_go_are_detached() {
    let home = Home::new("tap-gone");
    with_network(&home, |notes, _| {
        for round in 0..60 {
            let client = Client::connect(&home.directory(), "n").unwrap();
            client.send(&tap("endless")).unwrap();
            if round % 3 > 0 {
                eventually(|| notes.attached.load(Ordering::SeqCst) > 0);
            }
            // Or something that is no request, in the middle of it.
            if round % 3 == 2 {
                client.send(&Request::Report).unwrap();
            }
            drop(client);
        }
        eventually(|| notes.detached.load(Ordering::SeqCst) == notes.attached.load(Ordering::SeqCst));
    });
}

#[test]
fn a_client_that_takes_nothing_bounds_what_is_read_for_it() {
    let home = Home::new("tap-deaf");
    with_network(&home, |notes, _| {
        let mut stream = UnixStream::connect(home.directory().socket("n")).unwrap();
        stream
            .write_all(b"J\x00\x00\x1b{\"do\":\"hello\",\"protocol\":1}")
            .unwrap();
        let request = serde_json::to_vec(&tap("endless")).unwrap();
        let length = u8::try_from(request.len()).unwrap();
        stream
            .write_all(&[&[b'J', 0, 0, length][..], &request].concat())
            .unwrap();
        let mut before = 0;
        eventually(|| {
            std::thread::sleep(Duration::from_millis(50));
            let read = notes.read.load(Ordering::SeqCst);
            read > 0 && std::mem::replace(&mut before, read) == read
        });
        // What the system buffers for a socket comes on top.
        assert!(before < TAP_OUTPUT_BYTES + (4 << 20), "{before} bytes");
        // It goes on where it was.
        let mut buffer = vec![0; 1 << 20];
        stream.read_exact(&mut buffer).unwrap();
        eventually(|| notes.read.load(Ordering::SeqCst) > before);
    });
}

#[test]
fn what_was_accepted_of_a_silent_network_is_applied_later() {
    let home = Home::new("tap-silent");
    with_network(&home, |notes, is_stuck| {
        is_stuck.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        let rewire = |plan_only| {
            Request::Rewire(RewireRequest {
                name: "p".to_owned(),
                program: "change".to_owned(),
                plan_only,
                undo: false,
            })
        };
        // A plan needs nothing of the network.
        let mut planner = Client::connect(&home.directory(), "n").unwrap();
        let planned = planner.request(&rewire(true), |_| panic!("a plan is not pending"));
        let rewired = |applied| {
            Response::Rewired(Rewired {
                changes: vec!["change".to_owned()],
                applied,
            })
        };
        assert_eq!(planned.unwrap(), rewired(false));
        // One client leaves as soon as it is told, one waits; a third one's tap is not begun.
        let mut leaver = Client::connect(&home.directory(), "n").unwrap();
        assert!(leaver.request(&rewire(false), |_| false).is_err());
        drop(leaver);
        let mut tapper = Client::connect(&home.directory(), "n").unwrap();
        tapper.send(&tap("3")).unwrap();
        let pending = tapper.receive(Some(Duration::from_secs(5))).unwrap();
        assert!(
            matches!(pending, Some(Message::Response(Response::Pending(_)))),
            "{pending:?}"
        );
        drop(tapper);
        eventually(|| notes.plans_dropped.load(Ordering::SeqCst) == 1);
        // One has no patience: nothing is done for it.
        let mut hasty = Client::connect(&home.directory(), "n").unwrap();
        let withdrawn = hasty.request_within(&rewire(false), Some(Duration::from_millis(200)), |_| true);
        let problem = match withdrawn.unwrap_err() {
            cutthrough_control::client::RequestError::Refused(problem) => problem,
            error => panic!("{error}"),
        };
        assert_eq!(problem.kind, ProblemKind::Withdrawn);
        let mut waiter = Client::connect(&home.directory(), "n").unwrap();
        let mut told = 0;
        let outcome = waiter.request(&rewire(false), |interim| {
            told += 1;
            assert!(matches!(interim, Response::Pending(_)));
            is_stuck.store(false, Ordering::SeqCst);
            true
        });
        assert_eq!((outcome.unwrap(), told), (rewired(true), 1));
        assert_eq!(notes.rewires.load(Ordering::SeqCst), 2);
        let after = Client::connect(&home.directory(), "n").unwrap();
        assert_eq!(after.welcome().program, "2  times\n rewired");
        assert_eq!(notes.attached.load(Ordering::SeqCst), 0);
    });
}

/// Panics where it is told to: in what is called on the server's thread, and in what is
/// called on the network's.
struct Defective;

/// A tap that panics when it is read, or when it is detached.
struct DefectiveTap {
    where_to: String,
}

impl Tap for DefectiveTap {
    fn read(&mut self, _most: usize, _out: &mut Vec<u8>) -> bool {
        assert_ne!(self.where_to, "read", "in the tap");
        true
    }

    fn detach(&mut self, _: &mut Network) {
        assert_ne!(self.where_to, "detach", "in the tap");
        self.where_to = "read".to_owned();
    }

    fn end(&mut self) -> TapEnd {
        panic!("it is never read to its end")
    }
}

impl Commands for Defective {
    fn tap(&self, request: &TapRequest, _waker: &Waker) -> Result<Attach, Problem> {
        let where_to = request.pipeline.clone();
        assert_ne!(where_to, "check", "in the checker");
        Ok(Box::new(move |_: &mut Network| {
            assert_ne!(where_to, "attach", "in the network");
            let attach = |where_to| -> Result<Step, Problem> {
                Ok(Step::Attached(Box::new(DefectiveTap { where_to })))
            };
            if where_to != "prepare" {
                return attach(where_to);
            }
            Ok(Step::Known(Box::new(|| panic!("in what comes after"))))
        }))
    }

    fn program(&self) -> String {
        panic!("no program")
    }

    fn rewire(&self, request: &RewireRequest) -> Result<Change, Problem> {
        assert_ne!(request.program, "check", "in the checker");
        Ok(Change {
            changes: Vec::new(),
            apply: Some(Box::new(|_| panic!("in the rewire"))),
        })
    }
}

#[test]
fn panics_end_one_request_and_are_told() {
    let home = Home::new("tap-panics");
    let mut network = Network::default();
    let commands = Arc::new(Defective);
    let options = Options::new("n").directory(home.directory()).commands(commands);
    let _server = options.serve(&mut network).unwrap();
    let is_over = AtomicBool::new(false);
    let ask = || {
        let mut client = Client::connect(&home.directory(), "n").unwrap();
        let mut refuse = |request: &Request| {
            let told = client.request(request, |_| true).unwrap_err().to_string();
            assert!(
                told.contains("defect") && told.contains("the run goes on"),
                "{told}"
            );
            // It is still there, for this client too.
            client.report().unwrap();
            let more = client.receive(Some(Duration::from_millis(100))).unwrap();
            assert!(more.is_none(), "a second answer: {more:?}");
            told
        };
        for (where_to, words) in [
            ("check", "in the checker"),
            ("attach", "in the network"),
            ("prepare", "in what comes after"),
            ("read", "in the tap"),
        ] {
            let told = refuse(&tap(where_to));
            assert!(told.contains(words), "{where_to}: {told}");
        }
        for program in ["check", "apply"] {
            refuse(&Request::Rewire(RewireRequest {
                name: "p".to_owned(),
                program: program.to_owned(),
                plan_only: false,
                undo: false,
            }));
        }
        client.send(&tap("detach")).unwrap();
        let tapped = client.receive(Some(Duration::from_secs(10))).unwrap();
        assert!(
            matches!(tapped, Some(Message::Response(Response::Tapped(_)))),
            "{tapped:?}"
        );
        drop(client);
        Client::connect(&home.directory(), "n").unwrap().report().unwrap();
    };
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
            is_over.store(true, Ordering::SeqCst);
            outcome
        });
        while !is_over.load(Ordering::SeqCst) {
            network.run().unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        asking
            .join()
            .unwrap()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
