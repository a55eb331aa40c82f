//! A network that a program has wired, at full rate, tapped by its socket.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cutthrough::processes::{ForEach, Iter};
use cutthrough::{Handle, Network, Progress};
use cutthrough_control::client::{Client, Message};
use cutthrough_control::message::{ProblemKind, Request, Response, RewireRequest, TapEnd, TapRequest};
use cutthrough_control::{Directory, Options};
use cutthrough_live::Taps;

/// A network that counts, run by a thread of its own, which checks that all arrives.
struct Embedded {
    path: PathBuf,
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Embedded {
    fn start(name: &str) -> Embedded {
        let path = std::env::temp_dir().join(format!("cutthrough-live-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let directory = Directory::at(&path).unwrap();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut network = Network::default();
            let source = network.add(Iter::new(0i64..)).unwrap();
            let numbers = network.point::<i64>("numbers").unwrap();
            network.attach_output(source, 0, numbers).unwrap();
            let mut next = 0;
            let sink = ForEach::new(move |number: i64| {
                assert_eq!(number, next, "an element is lost, doubled or out of order");
                next += 1;
            });
            network.sink(numbers, sink).unwrap();
            let options = Options::new("orders").directory(directory);
            let server = options.commands(Arc::new(Taps::default())).serve(&mut network);
            let _server = server.unwrap();
            ready.send(network.handle()).unwrap();
            // A complete tap whose reader is behind has the flow wait.
            while network.run().unwrap() == Progress::Waiting && !network.handle().is_stopped() {
                network.wait();
            }
            network.check_conservation().unwrap();
            assert_eq!(network.report().processes.len(), 2, "no trace of a tap");
        });
        let handle = is_ready.recv().unwrap();
        Embedded { path, handle, thread }
    }

    fn client(&self) -> Client {
        Client::connect(&Directory::at(&self.path).unwrap(), "orders").unwrap()
    }

    fn processes(&self) -> usize {
        let mut answer = self
            .handle
            .request(|network| network.report().processes.len())
            .unwrap();
        answer
            .wait_timeout(Duration::from_secs(20))
            .expect("an answer")
            .unwrap()
    }

    fn wait_until_untapped(&self) {
        let begin = Instant::now();
        while self.processes() != 2 {
            assert!(begin.elapsed() < Duration::from_secs(20), "the tap stays");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn end(self) {
        self.wait_until_untapped();
        self.handle.stop();
        self.thread.join().expect("nothing was lost");
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn tap(flow: &str, pipeline: &str, complete: bool) -> Request {
    Request::Tap(TapRequest {
        flow: flow.to_owned(),
        pipeline: pipeline.to_owned(),
        complete,
        format: None,
    })
}

/// What comes until the tap ends.
fn read_to_end(client: &mut Client) -> (String, TapEnd) {
    let mut bytes = Vec::new();
    loop {
        match client.receive(Some(Duration::from_secs(20))).unwrap() {
            Some(Message::Bytes(more)) => bytes.extend(more),
            Some(Message::Response(Response::TapEnd(end))) => {
                return (String::from_utf8(bytes).unwrap(), end);
            }
            Some(Message::Response(Response::Tapped(_) | Response::Pending(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn numbers(text: &str) -> Vec<i64> {
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn a_pipeline_gives_what_it_says_and_leaves_no_trace() {
    let embedded = Embedded::start("pipeline");
    let mut client = embedded.client();
    for complete in [false, true, false, true] {
        client
            .send(&tap("numbers", "where value % 1000 == 7 | head 5", complete))
            .unwrap();
        let (text, end) = read_to_end(&mut client);
        let rows = numbers(&text);
        assert_eq!(rows.len(), 5, "{text}");
        assert!(rows.iter().all(|row| row % 1000 == 7), "{text}");
        assert_eq!(end.failure, None);
        if complete {
            assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1000), "{text}");
            assert_eq!(end.missed, 0);
        }
    }
    embedded.end();
}

#[test]
fn a_complete_tap_sees_every_element() {
    let embedded = Embedded::start("complete");
    let mut client = embedded.client();
    client.send(&tap("numbers", "head 200000", true)).unwrap();
    let (text, end) = read_to_end(&mut client);
    let rows = numbers(&text);
    assert_eq!(rows.len(), 200_000);
    assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert_eq!((end.missed, end.written), (0, 200_000));
    embedded.end();
}

#[test]
fn clients_that_go_take_their_taps_with_them() {
    let embedded = Embedded::start("gone");
    for round in 0..10 {
        let mut client = embedded.client();
        client
            .send(&tap("numbers", "where value >= 0", round % 2 == 0))
            .unwrap();
        while !matches!(
            client.receive(Some(Duration::from_secs(20))).unwrap(),
            Some(Message::Bytes(_))
        ) {}
        drop(client);
        embedded.wait_until_untapped();
    }
    embedded.end();
}

#[test]
fn what_cannot_be_done_is_refused_with_the_way_out() {
    let embedded = Embedded::start("refused");
    let mut client = embedded.client();
    let mut refused = |request: &Request| {
        client.send(request).unwrap();
        loop {
            match client.receive(Some(Duration::from_secs(20))).unwrap() {
                Some(Message::Response(Response::Error(problem))) => return problem,
                Some(Message::Response(Response::Pending(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let problem = refused(&tap("orders", "head 1", false));
    assert_eq!(problem.kind, ProblemKind::NotThere);
    let message = problem.to_string();
    assert!(message.contains("there is no flow point `orders`"), "{message}");
    assert!(message.contains("there are `numbers`"), "{message}");
    let problem = refused(&tap("numbers", "where status > 1", false));
    assert_eq!(problem.kind, ProblemKind::Wrong);
    let problem = refused(&Request::Rewire(RewireRequest {
        name: "next.flow".to_owned(),
        program: "head 1".to_owned(),
        plan_only: false,
        undo: false,
    }));
    assert_eq!(problem.kind, ProblemKind::Unsupported);
    embedded.end();
}
