//! The protocol without sockets: phases, bounds, time, and random input.

mod common;

use std::time::{Duration, Instant};

use cutthrough_control::connection::Connection;
use cutthrough_control::frame::{Decoder, Kind, encode};
use cutthrough_control::limits::{
    FRAME_BYTES_MAX, FRAME_MS, GREETING_BYTES_MAX, GREETING_MS, IDLE_MS, READ_BYTES, REQUEST_BYTES_MAX,
    STALL_MS, TAP_OUTPUT_BYTES,
};
use cutthrough_control::message::{
    DumpRequest, DumpStage, Hello, PROTOCOL, Pending, ProblemKind, Request, Response, RewireRequest, Rewired,
    TapEnd, TapRequest, Tapped, Welcome,
};

use common::Random;

fn welcome() -> Welcome {
    Welcome {
        protocol: PROTOCOL,
        name: "n".to_owned(),
        pid: 1,
        since_unix_ms: 2,
        program: "p".to_owned(),
    }
}

fn hello() -> Request {
    Request::Hello(Hello {
        protocol: PROTOCOL,
        client: "test".to_owned(),
    })
}

fn requests() -> Vec<Request> {
    vec![
        Request::Report,
        Request::Dump(DumpRequest {
            chain: "a".to_owned(),
            stages: DumpStage::ALL.to_vec(),
        }),
        Request::Tap(TapRequest {
            flow: "f".to_owned(),
            pipeline: "head 3".to_owned(),
            complete: true,
            format: None,
        }),
        Request::Rewire(RewireRequest {
            name: "p.flow".to_owned(),
            program: "where x == \"\u{1}\"".to_owned(),
            plan_only: false,
            undo: false,
        }),
        Request::Stop,
    ]
}

fn bytes(request: &Request) -> Vec<u8> {
    frame(Kind::Json, &serde_json::to_vec(request).unwrap())
}

fn frame(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(kind, body, &mut out).unwrap();
    out
}

/// Takes the output: the responses, and how many bytes of taps.
fn take(connection: &mut Connection, now: Instant) -> (Vec<Response>, usize) {
    let mut decoder = Decoder::default();
    decoder.push(connection.output());
    connection.handle_written(now, connection.output().len());
    let (mut responses, mut tapped) = (Vec::new(), 0);
    while let Some((kind, body)) = decoder.next(FRAME_BYTES_MAX).unwrap() {
        match kind {
            Kind::Json => responses.push(serde_json::from_slice(body).unwrap()),
            Kind::Bytes => tapped += body.len(),
        }
    }
    assert!(!decoder.is_within_frame());
    (responses, tapped)
}

fn greeted(now: Instant) -> Connection {
    let mut connection = Connection::new(now, welcome());
    connection.handle_input(now, &bytes(&hello()));
    assert_eq!(take(&mut connection, now).0, [Response::Welcome(welcome())]);
    connection
}

#[track_caller]
fn check_closes(mut connection: Connection, input: &[u8], kind: ProblemKind) {
    let now = Instant::now();
    connection.handle_input(now, input);
    assert_eq!(connection.poll_request(), None);
    let (responses, _) = take(&mut connection, now);
    match &responses[..] {
        [Response::Error(problem)] => assert_eq!(problem.kind, kind, "{problem}"),
        other => panic!("{other:?}"),
    }
    assert!(connection.is_closed());
}

#[test]
fn requests_are_served_one_at_a_time() {
    let now = Instant::now();
    let mut connection = greeted(now);
    let ended = Response::TapEnd(TapEnd {
        seen: 3,
        missed: 1,
        written: 2,
        failure: None,
    });
    for _ in 0..3 {
        connection.handle_input(now, &bytes(&requests()[2]));
        assert_eq!(connection.poll_request(), Some(requests()[2].clone()));
        connection.respond(
            now,
            &Response::Pending(Pending {
                silent_ms: 7,
                call: None,
            }),
        );
        connection.respond(now, &Response::Tapped(Tapped {}));
        connection.send_bytes(now, b"1\n2\n");
        connection.handle_input(now, &bytes(&Request::Stop));
        assert_eq!(connection.poll_request(), Some(Request::Stop));
        // Twice is once.
        connection.handle_input(now, &bytes(&Request::Stop));
        assert_eq!(connection.poll_request(), None);
        connection.send_bytes(now, b"3\n");
        connection.respond(now, &ended);
        let (responses, tapped) = take(&mut connection, now);
        assert_eq!((responses.len(), tapped), (3, 6));
        // Too late: there is nothing to stop, and nothing more to send.
        connection.handle_input(now, &bytes(&Request::Stop));
        connection.send_bytes(now, b"4\n");
        connection.respond(now, &ended);
        assert_eq!((connection.poll_request(), connection.output().len()), (None, 0));
    }
}

#[test]
fn a_stop_may_come_with_what_it_stops() {
    let now = Instant::now();
    let mut connection = greeted(now);
    let both = [bytes(&requests()[2]), bytes(&Request::Stop)].concat();
    connection.handle_input(now, &both);
    assert_eq!(connection.poll_request(), Some(requests()[2].clone()));
    assert_eq!(connection.poll_request(), Some(Request::Stop));
    assert_eq!(connection.poll_request(), None);
}

#[test]
fn what_is_no_request_closes_the_connection() {
    let now = Instant::now();
    let new = || Connection::new(now, welcome());
    let malformed = ProblemKind::Malformed;
    check_closes(new(), b"GET / HTTP/1.1\r\n\r\n", malformed);
    check_closes(new(), &bytes(&Request::Report), malformed);
    check_closes(new(), &frame(Kind::Bytes, b"x"), malformed);
    check_closes(new(), &frame(Kind::Json, b""), malformed);
    check_closes(new(), &[b'J', 0xff, 0xff, 0xff], ProblemKind::TooLarge);
    check_closes(
        new(),
        &frame(Kind::Json, &vec![b' '; GREETING_BYTES_MAX + 1]),
        ProblemKind::TooLarge,
    );
    check_closes(
        new(),
        &frame(Kind::Json, br#"{"do":"hello","protocol":2}"#),
        ProblemKind::Version,
    );
    check_closes(
        new(),
        &frame(Kind::Json, br#"{"do":"hello","protocol":-1}"#),
        malformed,
    );
    check_closes(greeted(now), &bytes(&hello()), malformed);
    check_closes(greeted(now), &frame(Kind::Json, br#"{"do":"dance"}"#), malformed);
    check_closes(
        greeted(now),
        &frame(Kind::Json, br#"{"do":"tap","flow":3}"#),
        malformed,
    );
    check_closes(
        greeted(now),
        &frame(Kind::Json, "[".repeat(100_000).as_bytes()),
        malformed,
    );
    check_closes(greeted(now), &frame(Kind::Bytes, b"x"), malformed);
    let header = u32::try_from(REQUEST_BYTES_MAX + 1).unwrap().to_be_bytes();
    check_closes(
        greeted(now),
        &[b'J', header[1], header[2], header[3]],
        ProblemKind::TooLarge,
    );
    let twice = [bytes(&Request::Report), bytes(&Request::Report)].concat();
    check_closes(greeted(now), &twice, malformed);
    // A field that is not known is ignored: fields may be added.
    let mut connection = greeted(now);
    connection.handle_input(now, &frame(Kind::Json, br#"{"do":"report","new":1}"#));
    assert_eq!(connection.poll_request(), Some(Request::Report));
}

#[test]
fn what_takes_too_long_closes_the_connection() {
    let begin = Instant::now();
    let at = |ms| begin + Duration::from_millis(ms);
    let is_late = |connection: &mut Connection, ms: u64| {
        connection.handle_timeout(at(ms - 1));
        let early = take(connection, at(ms - 1)).0;
        assert!(early.is_empty() && !connection.is_closed(), "{early:?}");
        assert_eq!(connection.poll_timeout(), Some(at(ms)));
        connection.handle_timeout(at(ms));
        matches!(&take(connection, at(ms)).0[..], [Response::Error(problem)] if problem.kind == ProblemKind::Late)
            && connection.is_closed()
    };
    assert!(is_late(&mut Connection::new(begin, welcome()), GREETING_MS));
    assert!(is_late(&mut greeted(begin), IDLE_MS));
    // Byte by byte, each soon after the last one.
    let mut connection = greeted(begin);
    for (k, byte) in bytes(&Request::Report)[..6].iter().enumerate() {
        connection.handle_input(at(k as u64 * 100), &[*byte]);
    }
    assert!(is_late(&mut connection, FRAME_MS));
    // Being served takes as long as it takes.
    let mut connection = greeted(begin);
    connection.handle_input(begin, &bytes(&Request::Report));
    assert_eq!(connection.poll_timeout(), None);
    // But not taking what is there does not.
    connection.respond(
        begin,
        &Response::Pending(Pending {
            silent_ms: 1,
            call: None,
        }),
    );
    connection.handle_written(at(50), 1);
    assert_eq!(connection.poll_timeout(), Some(at(50 + STALL_MS)));
    connection.handle_timeout(at(50 + STALL_MS));
    assert!(connection.is_closed());
}

#[test]
fn a_tap_fills_its_connection_to_a_bound() {
    let now = Instant::now();
    let mut connection = greeted(now);
    assert_eq!(connection.room_for_bytes(), 0);
    connection.handle_input(now, &bytes(&requests()[2]));
    assert_eq!(connection.room_for_bytes(), TAP_OUTPUT_BYTES);
    connection.send_bytes(now, &vec![b'x'; TAP_OUTPUT_BYTES]);
    assert_eq!(connection.room_for_bytes(), 0);
    connection.handle_written(now, 1000);
    assert!((1..=1000).contains(&connection.room_for_bytes()));
}

#[test]
fn a_response_that_is_too_large_says_so() {
    let now = Instant::now();
    let mut connection = greeted(now);
    connection.handle_input(now, &bytes(&Request::Report));
    let program = "x".repeat(FRAME_BYTES_MAX);
    connection.respond(now, &Response::Welcome(Welcome { program, ..welcome() }));
    let (responses, _) = take(&mut connection, now);
    assert!(matches!(&responses[..], [Response::Error(problem)] if problem.message.contains("at most")));
}

/// What is sent is made of valid frames, mutated ones and random bytes, in pieces of
/// any length; between them the server answers, time passes, output is taken or not.
/// Nothing panics, what is kept is bounded, and what is said is always whole.
fn fuzz(seed: u64) -> usize {
    let mut random = Random(seed);
    let mut now = Instant::now();
    let mut connection = Connection::new(now, welcome());
    let mut input = Vec::new();
    // A tame client keeps to the protocol for longer; all of it is to be reached.
    let is_tame = random.below(2) > 0;
    if is_tame || random.below(8) > 0 {
        input.extend(bytes(&hello()));
    }
    for _ in 0..random.below(12) {
        let all = requests();
        let mut piece = match random.below(4) {
            0 if !is_tame => (0..random.below(40)).map(|_| random.next() as u8).collect(),
            _ => bytes(&all[random.below(all.len())]),
        };
        for _ in 0..[0, 0, 0, 1, 3][random.below(if is_tame { 4 } else { 5 })] {
            mutate(&mut random, &mut piece);
        }
        input.extend(piece);
    }
    let (mut served, mut rest) = (0, &input[..]);
    while !rest.is_empty() && !connection.is_closed() {
        let (piece, after) = rest.split_at(1 + random.below(rest.len().min(60)));
        rest = after;
        connection.handle_input(now, piece);
        while let Some(request) = connection.poll_request() {
            served += 1;
            if request != Request::Stop && random.below(2) > 0 {
                connection.respond(now, &Response::Tapped(Tapped {}));
            }
            if is_tame && random.below(8) > 0 {
                connection.respond(now, &Response::Rewired(Rewired::default()));
            }
        }
        for _ in 0..random.below(3) {
            let room = connection.room_for_bytes();
            connection.send_bytes(now, &vec![b'x'; room.min(random.below(2000))]);
        }
        if random.below(3) == 0 {
            connection.respond(now, &Response::Rewired(Rewired::default()));
        }
        match random.below(4) {
            0 => drop(take(&mut connection, now)),
            1 => {
                // What is written in pieces is the same.
                let length = connection.output().len();
                connection.handle_written(now, random.below(length + 1));
                if !connection.output().is_empty() {
                    connection.handle_written(now, connection.output().len());
                }
            }
            _ => {}
        }
        now += Duration::from_millis(random.below(100) as u64);
        connection.handle_timeout(now);
        assert!(
            connection.kept_bytes() <= REQUEST_BYTES_MAX + READ_BYTES + TAP_OUTPUT_BYTES + FRAME_BYTES_MAX
        );
    }
    connection.handle_end(now);
    assert!(connection.is_closed() && connection.poll_request().is_none());
    served
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => bytes.insert(at, random.next() as u8),
        3 => drop(bytes.remove(at)),
        _ => bytes.extend_from_within(at..),
    }
}

#[test]
fn random_input_does_no_harm() {
    let only = std::env::var("CUTTHROUGH_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    let seeds = only.map_or(0..20_000, |seed: u64| seed..seed + 1);
    let mut served = 0;
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| fuzz(seed));
        served += outcome.unwrap_or_else(|_| {
            panic!("CUTTHROUGH_SEED={seed} cargo test -p cutthrough-control --test connection random_input")
        });
    }
    assert!(
        only.is_some() || served > 10_000,
        "the input is too wild to get anywhere: {served} requests"
    );
}
