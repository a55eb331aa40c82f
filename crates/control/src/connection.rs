//! The server's side of one connection, without I/O: bytes, time and responses go in,
//! bytes and requests come out.
//!
//! Whoever drives it calls, in any order:
//! * [`handle_input`](Connection::handle_input) with what has arrived,
//!   [`handle_end`](Connection::handle_end) when nothing more can,
//! * [`poll_request`](Connection::poll_request) until it gives none, after either,
//! * [`respond`](Connection::respond) and [`send_bytes`](Connection::send_bytes) for the
//!   request that came last,
//! * [`output`](Connection::output), to be written, and
//!   [`handle_written`](Connection::handle_written) with how much was,
//! * [`handle_timeout`](Connection::handle_timeout) at
//!   [`poll_timeout`](Connection::poll_timeout), or later, or too often,
//! * and drops it when it [is closed](Connection::is_closed).
//!
//! INVARIANT: what it keeps is bounded by one frame of the phase it is in, what was pushed
//! at once, and one response with [`TAP_OUTPUT_BYTES`] of a tap.

use std::time::{Duration, Instant};

use crate::frame::{self, Decoder, FrameError, Kind};
use crate::limits::{
    FRAME_MS, GREETING_BYTES_MAX, GREETING_MS, IDLE_MS, REQUEST_BYTES_MAX, STALL_MS, TAP_OUTPUT_BYTES,
};
use crate::message::{PROTOCOL, Problem, ProblemKind, Request, Response, Welcome};

/// A connection, as the server has it.
#[derive(Debug)]
pub struct Connection {
    welcome: Welcome,
    phase: Phase,
    decoder: Decoder,
    /// The request that is to be fetched, and whether a `stop` is, which may have come
    /// with it.
    request: Option<Request>,
    is_stop_due: bool,
    output: Vec<u8>,
    written: usize,
    /// When the phase began.
    phase_since: Instant,
    /// When the frame began that is arriving.
    frame_since: Option<Instant>,
    /// When output began to wait, or the client last took some.
    output_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was said yet.
    Greeting,
    /// The client may send a request.
    Idle,
    /// A request is being served.
    Serving,
    /// The client has asked for the end of what is being served.
    Stopping,
    /// Nothing is received any more; what is there is sent.
    Closing,
    /// Nothing is sent any more either.
    Closed,
}

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(now: Instant, welcome: Welcome) -> Connection {
        Connection {
            welcome,
            phase: Phase::Greeting,
            decoder: Decoder::default(),
            request: None,
            is_stop_due: false,
            output: Vec::new(),
            written: 0,
            phase_since: now,
            frame_since: None,
            output_since: None,
        }
    }

    /// A connection that is told why it is closed.
    pub fn refused(now: Instant, welcome: Welcome, problem: Problem) -> Connection {
        let mut connection = Connection::new(now, welcome);
        connection.close_with(now, problem);
        connection
    }

    /// Takes what has arrived.
    pub fn handle_input(&mut self, now: Instant, bytes: &[u8]) {
        if !self.takes_input() {
            return;
        }
        self.decoder.push(bytes);
        while self.takes_input() {
            let most = match self.phase {
                Phase::Greeting => GREETING_BYTES_MAX,
                _ => REQUEST_BYTES_MAX,
            };
            let parsed = match self.decoder.next(most) {
                Ok(None) => break,
                Ok(Some((kind, body))) => parse(kind, body),
                Err(error) => Err(explain(&error)),
            };
            self.frame_since = None;
            match parsed {
                Ok(request) => self.handle_request(now, request),
                Err(problem) => self.close_with(now, problem),
            }
        }
        if self.decoder.is_within_frame() {
            self.frame_since.get_or_insert(now);
        }
    }

    fn handle_request(&mut self, now: Instant, request: Request) {
        let wrong = |message: &str| Problem::new(ProblemKind::Malformed, message);
        match (self.phase, request) {
            (Phase::Greeting, Request::Hello(hello)) if hello.protocol == PROTOCOL => {
                tracing::debug!(client = hello.client, "connected");
                self.enter(now, Phase::Idle);
                let welcome = Response::Welcome(self.welcome.clone());
                self.push(now, &welcome);
            }
            (Phase::Greeting, Request::Hello(hello)) => {
                let message = format!(
                    "this network speaks version {PROTOCOL} of the protocol, not {}; use the `cutthrough` that it was started with",
                    hello.protocol
                );
                self.close_with(now, Problem::new(ProblemKind::Version, message));
            }
            (Phase::Greeting, _) => self.close_with(now, wrong("the first request is `hello`")),
            (_, Request::Hello(_)) => self.close_with(now, wrong("`hello` is the first request only")),
            (Phase::Serving, Request::Stop) => {
                self.phase = Phase::Stopping;
                self.is_stop_due = true;
            }
            // It has come too late, or twice: what it is about is over.
            (Phase::Idle | Phase::Stopping, Request::Stop) => {}
            (Phase::Idle, request) => {
                self.enter(now, Phase::Serving);
                self.request = Some(request);
            }
            _ => self.close_with(now, wrong("one request at a time: wait for the response")),
        }
    }

    /// The client sends no more, or is gone.
    pub fn handle_end(&mut self, now: Instant) {
        (self.request, self.is_stop_due) = (None, false);
        self.enter(now, Phase::Closed);
    }

    /// The request to be served now; `stop` is about the one before it.
    pub fn poll_request(&mut self) -> Option<Request> {
        let stop = |due: &mut bool| std::mem::take(due).then_some(Request::Stop);
        self.request.take().or_else(|| stop(&mut self.is_stop_due))
    }

    /// Answers the request being served.
    pub fn respond(&mut self, now: Instant, response: &Response) {
        if !matches!(self.phase, Phase::Serving | Phase::Stopping) {
            return;
        }
        self.push(now, response);
        if !response.is_interim() && self.phase != Phase::Closing {
            self.enter(now, Phase::Idle);
            // A `stop` that nobody has fetched has nothing left to stop.
            (self.request, self.is_stop_due) = (None, false);
        }
    }

    /// How many bytes of a tap may be sent now.
    pub fn room_for_bytes(&self) -> usize {
        if matches!(self.phase, Phase::Serving | Phase::Stopping) {
            TAP_OUTPUT_BYTES.saturating_sub(self.output().len())
        } else {
            0
        }
    }

    /// Sends bytes of a tap.
    pub fn send_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if !matches!(self.phase, Phase::Serving | Phase::Stopping) || bytes.is_empty() {
            return;
        }
        self.make_room(now);
        if let Err(error) = frame::encode(Kind::Bytes, bytes, &mut self.output) {
            self.close_with(now, explain(&error));
        }
    }

    /// What is to be written.
    pub fn output(&self) -> &[u8] {
        &self.output[self.written..]
    }

    /// So many bytes of the output have been written.
    pub fn handle_written(&mut self, now: Instant, bytes: usize) {
        self.written += bytes;
        if bytes > 0 {
            self.output_since = Some(now);
        }
        if self.written == self.output.len() {
            // A response may have been large; a connection is not to keep that.
            self.output = Vec::new();
            self.written = 0;
            self.output_since = None;
            if self.phase == Phase::Closing {
                self.enter(now, Phase::Closed);
            }
        }
    }

    /// When something will be late.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let after = |since: Instant, ms| since + Duration::from_millis(ms);
        let phase = match self.phase {
            Phase::Greeting => Some(after(self.phase_since, GREETING_MS)),
            Phase::Idle => Some(after(self.phase_since, IDLE_MS)),
            Phase::Serving | Phase::Stopping | Phase::Closing | Phase::Closed => None,
        };
        let frame = self.frame_since.map(|since| after(since, FRAME_MS));
        let output = self.output_since.map(|since| after(since, STALL_MS));
        [phase, frame, output].into_iter().flatten().min()
    }

    /// Closes the connection if something is late.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|late| now < late) || self.is_closed() {
            return;
        }
        if self.output_since.is_some() {
            // It takes nothing: there is no point in telling it.
            self.handle_end(now);
            return;
        }
        let what = match (self.frame_since, self.phase) {
            (_, Phase::Greeting) => format!("no whole greeting within {GREETING_MS} ms"),
            (Some(_), _) => format!("a frame took longer than {FRAME_MS} ms"),
            (None, _) => format!("no request for {IDLE_MS} ms; connect again"),
        };
        self.close_with(now, Problem::new(ProblemKind::Late, what));
    }

    /// Whether output waits of which none has been taken for so long.
    pub fn is_stalled(&self, now: Instant, within: Duration) -> bool {
        self.output_since
            .is_some_and(|since| now.saturating_duration_since(since) >= within)
    }

    /// Whether a request is being served.
    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving | Phase::Stopping)
    }

    /// Whether input is taken.
    pub fn takes_input(&self) -> bool {
        !matches!(self.phase, Phase::Closing | Phase::Closed)
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Bytes that it keeps.
    pub fn kept_bytes(&self) -> usize {
        self.decoder.kept_bytes() + self.output.len()
    }

    /// Sends the problem, and then nothing more.
    pub fn close_with(&mut self, now: Instant, problem: Problem) {
        if !self.takes_input() {
            return;
        }
        tracing::debug!(problem = problem.message, "closing a connection");
        (self.request, self.is_stop_due) = (None, false);
        self.frame_since = None;
        self.push(now, &Response::Error(problem));
        self.enter(now, Phase::Closing);
    }

    fn push(&mut self, now: Instant, response: &Response) {
        self.make_room(now);
        let body = serde_json::to_vec(response).expect("INVARIANT: responses have string keys");
        if let Err(error) = frame::encode(Kind::Json, &body, &mut self.output) {
            let problem = Response::Error(Problem::new(
                ProblemKind::Failed,
                format!("the response is {error}"),
            ));
            let body = serde_json::to_vec(&problem).expect("INVARIANT: responses have string keys");
            frame::encode(Kind::Json, &body, &mut self.output).expect("INVARIANT: it is short");
        }
    }

    fn make_room(&mut self, now: Instant) {
        self.output.drain(..std::mem::take(&mut self.written));
        self.output_since.get_or_insert(now);
    }

    fn enter(&mut self, now: Instant, phase: Phase) {
        self.phase = phase;
        self.phase_since = now;
    }
}

fn parse(kind: Kind, body: &[u8]) -> Result<Request, Problem> {
    if kind == Kind::Bytes {
        return Err(Problem::new(
            ProblemKind::Malformed,
            "clients send no bytes, only requests",
        ));
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(ProblemKind::Malformed, format!("not a request: {error}")))
}

fn explain(error: &FrameError) -> Problem {
    let kind = match error {
        FrameError::Kind(_) => ProblemKind::Malformed,
        FrameError::TooLarge { .. } => ProblemKind::TooLarge,
    };
    Problem::new(kind, error.to_string())
}
