//! What becomes of a request: what is asked of the network for it, and what is answered
//! when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cutthrough::Network;
use parking_lot::Mutex;

use super::peer::{Accepted, Letter, Peer, Serving, Work};
use crate::commands::{Attach, Change, Commands, Step, Tap};
use crate::contain::contain;
use crate::limits::{ANSWER_MS, END_MS, REPORT_POINTS_MAX};
use crate::message::{
    Dump, DumpRequest, DumpStage, Flows, Pending, Problem, ProblemKind, Request, Response, RewireRequest,
    Rewired, TapRequest, Tapped,
};
use crate::questions::{Post, Questions};

/// Serves all clients.
pub(super) struct Service {
    questions: Questions,
    commands: Option<Arc<dyn Commands>>,
    post: Post<Letter>,
    /// Taps that could not be detached, as the network takes no requests at present.
    left: Vec<Detach>,
    bytes: Vec<u8>,
}

/// A tap on its way out. It is in a cell, so that it is not lost when the network
/// refuses the request.
struct Detach {
    client: u64,
    tap: Arc<Mutex<Option<Box<dyn Tap>>>>,
}

impl Service {
    pub(super) fn new(
        questions: Questions,
        commands: Option<Arc<dyn Commands>>,
        post: Post<Letter>,
    ) -> Service {
        Service {
            questions,
            commands,
            post,
            left: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// The program that runs at present, if it can be changed.
    pub(super) fn program(&self) -> Option<String> {
        let commands = self.commands.as_ref()?;
        contain(|| commands.program()).ok()
    }

    /// Begins with a request.
    pub(super) fn begin(&mut self, now: Instant, peer: &mut Peer, request: Request) {
        self.serve(now, peer, |service, peer| {
            service.begin_request(now, peer, request);
        });
        self.advance(now, peer);
    }

    /// Does something for a client. Should that panic, the client is told, and what was
    /// being done for it is given up.
    fn serve(&mut self, now: Instant, peer: &mut Peer, what: impl FnOnce(&mut Service, &mut Peer)) {
        if let Err(problem) = contain(|| what(self, peer)) {
            peer.has_more = false;
            self.abandon(std::mem::take(&mut peer.serving), peer.id);
            peer.connection.respond(now, &Response::Error(problem));
        }
    }

    fn begin_request(&mut self, now: Instant, peer: &mut Peer, request: Request) {
        peer.has_more = false;
        peer.is_complete = match &request {
            Request::Tap(request) => request.complete,
            Request::Stop => peer.is_complete,
            _ => false,
        };
        match request {
            Request::Report => peer.serving = Serving::Report { since: now },
            Request::Dump(request) => {
                let id = peer.id;
                self.question(
                    now,
                    peer,
                    Accepted::WhileTheClientIsThere,
                    move |network, post| {
                        let answer = dump(network, &request);
                        post.send(Letter::Answer(
                            id,
                            Box::new(answer.unwrap_or_else(Response::Error)),
                        ));
                    },
                );
            }
            Request::Flows => {
                let mut flows = self
                    .commands
                    .as_ref()
                    .map_or_else(Vec::new, |commands| commands.flows());
                flows.truncate(REPORT_POINTS_MAX);
                peer.connection.respond(now, &Response::Flows(Flows { flows }));
            }
            Request::Tap(request) => self.begin_tap(now, peer, &request),
            Request::Rewire(request) => self.begin_rewire(now, peer, &request),
            Request::Stop => self.stop(now, peer),
            Request::Hello(_) => {}
        }
    }

    fn begin_tap(&mut self, now: Instant, peer: &mut Peer, request: &TapRequest) {
        let Some(commands) = &self.commands else {
            return unsupported(now, peer, "tapped");
        };
        let attach = commands.tap(request, &self.post.waker());
        self.attach(now, peer, attach);
    }

    /// Has a tap attached, or comes a step closer to that.
    fn attach(&mut self, now: Instant, peer: &mut Peer, attach: Result<Attach, Problem>) {
        let attach = match attach {
            Ok(attach) => attach,
            Err(problem) => return peer.connection.respond(now, &Response::Error(problem)),
        };
        let id = peer.id;
        self.question(
            now,
            peer,
            Accepted::WhileTheClientIsThere,
            move |network, post| {
                post.send(match attach(network) {
                    Ok(step) => Letter::Tap(id, step),
                    Err(problem) => Letter::Answer(id, Box::new(Response::Error(problem))),
                });
            },
        );
    }

    fn begin_rewire(&mut self, now: Instant, peer: &mut Peer, request: &RewireRequest) {
        let Some(commands) = &self.commands else {
            return unsupported(now, peer, "rewired");
        };
        let Change { changes, apply } = match commands.rewire(request) {
            Ok(change) => change,
            Err(problem) => return peer.connection.respond(now, &Response::Error(problem)),
        };
        let Some(apply) = apply else {
            let planned = Response::Rewired(Rewired {
                changes,
                applied: false,
            });
            return peer.connection.respond(now, &planned);
        };
        let id = peer.id;
        self.question(now, peer, Accepted::ForGood, move |network, post| {
            let response = match apply(network) {
                Ok(()) => Response::Rewired(Rewired {
                    changes,
                    applied: true,
                }),
                Err(problem) => Response::Error(problem),
            };
            post.send(Letter::Answer(id, Box::new(response)));
        });
    }

    /// Has the network do something for a client.
    fn question(
        &mut self,
        now: Instant,
        peer: &mut Peer,
        accepted: Accepted,
        work: impl FnOnce(&mut Network, &Post<Letter>) + Send + 'static,
    ) {
        let work: Arc<Mutex<Option<Work>>> = Arc::new(Mutex::new(Some(Box::new(work))));
        let (begun, post) = (Arc::clone(&work), self.post.clone());
        let client = peer.id;
        let asked = self.questions.ask(move |network| {
            let work = begun.lock().take();
            if let Some(work) = work
                && let Err(problem) = contain(|| work(network, &post))
            {
                post.send(Letter::Answer(client, Box::new(Response::Error(problem))));
            }
        });
        match asked {
            Ok(()) => {
                peer.serving = Serving::Question {
                    since: now,
                    is_told: false,
                    work,
                    accepted,
                    is_stopped: false,
                }
            }
            Err(problem) => peer.connection.respond(now, &Response::Error(problem)),
        }
    }

    fn stop(&mut self, now: Instant, peer: &mut Peer) {
        match std::mem::take(&mut peer.serving) {
            Serving::Tap(tap) => {
                peer.serving = Serving::Detaching;
                self.detach(peer.id, tap);
            }
            Serving::Question { work, .. } if work.lock().take().is_some() => {
                let problem = Problem::new(ProblemKind::Withdrawn, "it was withdrawn before it had begun");
                peer.connection.respond(now, &Response::Error(problem));
            }
            mut other => {
                if let Serving::Question { is_stopped, .. } = &mut other {
                    *is_stopped = true;
                }
                peer.serving = other;
            }
        }
    }

    fn detach(&mut self, client: u64, tap: Box<dyn Tap>) {
        let tap = Arc::new(Mutex::new(Some(tap)));
        self.left.push(Detach { client, tap });
        self.detach_left();
    }

    /// Asks for what could not be asked for before.
    fn detach_left(&mut self) {
        let (questions, post) = (&self.questions, &self.post);
        self.left.retain(|Detach { client, tap }| {
            let (client, tap, post) = (*client, Arc::clone(tap), post.clone());
            let asked = questions.ask(move |network| {
                if let Some(mut tap) = tap.lock().take() {
                    // Should it panic, the network is rid of the tap when it is dropped.
                    let _ = contain(|| tap.detach(network));
                    post.send(Letter::Detached(client, tap));
                }
            });
            asked.is_err()
        });
    }

    /// Takes what the network's thread has sent.
    pub(super) fn handle_letter(&mut self, now: Instant, letter: Letter, peers: &mut [Peer]) {
        match letter {
            Letter::Report(view, at) => self.questions.handle_report(*view, at),
            Letter::Answer(id, response) => {
                if let Some(peer) = find(peers, id) {
                    peer.serving = Serving::Nothing;
                    peer.connection.respond(now, &response);
                }
            }
            Letter::Tap(id, step) => {
                let peer = find(peers, id).filter(|peer| !peer.connection.is_closed());
                self.handle_step(now, id, step, peer);
            }
            Letter::Detached(id, tap) => {
                // A tap that was given up has been answered for.
                let waits = |peer: &&mut Peer| matches!(peer.serving, Serving::Detaching);
                if let Some(peer) = find(peers, id).filter(waits) {
                    peer.serving = Serving::Draining(tap);
                }
            }
        }
    }

    fn handle_step(&mut self, now: Instant, id: u64, step: Step, peer: Option<&mut Peer>) {
        let Some(peer) = peer else {
            if let Step::Attached(tap) = step {
                self.detach(id, tap);
            }
            return;
        };
        let asked = std::mem::take(&mut peer.serving);
        match step {
            Step::Attached(tap) => {
                peer.connection.respond(now, &Response::Tapped(Tapped {}));
                peer.serving = Serving::Tap(tap);
            }
            Step::Known(prepare) => self.serve(now, peer, |service, peer| {
                service.attach(now, peer, prepare());
            }),
        }
        let Serving::Question {
            since,
            is_told,
            is_stopped,
            ..
        } = asked
        else {
            return;
        };
        // To the client the next step is still the same request.
        if let Serving::Question {
            since: next_since,
            is_told: next_is_told,
            ..
        } = &mut peer.serving
        {
            (*next_since, *next_is_told) = (since, is_told);
        }
        if is_stopped {
            self.stop(now, peer);
        }
    }

    /// Does what can be done for a client now.
    pub(super) fn advance(&mut self, now: Instant, peer: &mut Peer) {
        if !self.left.is_empty() {
            self.detach_left();
        }
        match &mut peer.serving {
            Serving::Nothing | Serving::Detaching => {}
            Serving::Report { since } => {
                let is_late = now.saturating_duration_since(*since) >= Duration::from_millis(ANSWER_MS);
                if is_late || self.questions.is_fresh(now, *since) {
                    peer.serving = Serving::Nothing;
                    let snapshot = Box::new(self.questions.snapshot(now));
                    peer.connection.respond(now, &Response::Report(snapshot));
                } else {
                    self.refresh(now);
                }
            }
            Serving::Question { since, is_told, .. } => {
                if !*is_told && now.saturating_duration_since(*since) >= Duration::from_millis(ANSWER_MS) {
                    *is_told = true;
                    let silent_ms = self.questions.silent_ms(now, *since);
                    let call = self.questions.activity().and_then(|activity| activity.call);
                    peer.connection
                        .respond(now, &Response::Pending(Pending { silent_ms, call }));
                }
            }
            Serving::Tap(_) | Serving::Draining(_) => {
                self.serve(now, peer, |service, peer| service.read_tap(now, peer));
            }
        }
    }

    fn refresh(&mut self, now: Instant) {
        let post = self.post.clone();
        self.questions
            .refresh(now, move |view, at| post.send(Letter::Report(Box::new(view), at)));
    }

    /// Has a recent report at hand, should the network fall silent.
    pub(super) fn keep_pulse(&mut self, now: Instant) {
        if self.questions.is_pulse_due(now) {
            self.refresh(now);
        }
    }

    /// When to do that.
    pub(super) fn next_pulse(&self) -> Option<Instant> {
        self.questions.next_pulse()
    }

    /// Passes on what has come out of a tap.
    fn read_tap(&mut self, now: Instant, peer: &mut Peer) {
        let (Serving::Tap(tap) | Serving::Draining(tap)) = &mut peer.serving else {
            return;
        };
        let room = peer.connection.room_for_bytes();
        if room == 0 {
            peer.has_more = true;
            return;
        }
        self.bytes.clear();
        let may_have_more = tap.read(room, &mut self.bytes);
        peer.connection.send_bytes(now, &self.bytes);
        // It wakes the server for what comes, not for what was there already.
        peer.has_more = may_have_more && !self.bytes.is_empty();
        if may_have_more {
            return;
        }
        match std::mem::take(&mut peer.serving) {
            Serving::Draining(mut tap) => {
                let end = tap.end();
                peer.connection.respond(now, &Response::TapEnd(end));
            }
            // Its pipeline or its flow has ended by itself.
            Serving::Tap(tap) => {
                peer.serving = Serving::Detaching;
                self.detach(peer.id, tap);
            }
            other => peer.serving = other,
        }
    }

    /// When something has to be said to a client although nothing has happened.
    pub(super) fn poll_timeout(&self, peer: &Peer) -> Option<Instant> {
        let waits_since = match &peer.serving {
            Serving::Report { since }
            | Serving::Question {
                since,
                is_told: false,
                ..
            } => Some(*since),
            _ => None,
        };
        let retry = (!self.left.is_empty()).then(Instant::now);
        let told = waits_since.map(|since| since + Duration::from_millis(ANSWER_MS));
        let retry = retry.map(|now| now + Duration::from_millis(ANSWER_MS));
        // Without room, the client's socket wakes the server when it has taken something.
        let more = (peer.has_more && peer.connection.room_for_bytes() > 0).then(Instant::now);
        [told, retry, more].into_iter().flatten().min()
    }

    /// A client has gone.
    pub(super) fn abandon(&mut self, serving: Serving, client: u64) {
        match serving {
            // With what it holds: it may be long until the network comes to it.
            Serving::Question {
                work,
                accepted: Accepted::WhileTheClientIsThere,
                ..
            } => {
                let withdrawn = work.lock().take();
                drop(withdrawn);
            }
            Serving::Question { .. } => {}
            Serving::Tap(tap) => self.detach(client, tap),
            Serving::Nothing | Serving::Report { .. } | Serving::Detaching | Serving::Draining(_) => {}
        }
    }

    /// The server ends: so do the taps.
    pub(super) fn end(&mut self, now: Instant, peers: &mut [Peer]) {
        for peer in peers {
            self.stop(now, peer);
        }
    }

    /// The network waits no longer for a client's tap: what has not been sent is cut off, and
    /// the client is told.
    pub(super) fn cut(&mut self, now: Instant, peer: &mut Peer) {
        if !matches!(peer.serving, Serving::Draining(_)) {
            return;
        }
        self.serve(now, peer, |_, peer| {
            let Serving::Draining(mut tap) = std::mem::take(&mut peer.serving) else {
                return;
            };
            let mut end = tap.end();
            end.failure.get_or_insert_with(|| {
                let seconds = END_MS / 1000;
                format!(
                    "the network has ended, and waits {seconds} s for its taps, or while rows are taken for a complete one: the rest is cut off"
                )
            });
            peer.has_more = false;
            peer.connection.respond(now, &Response::TapEnd(end));
        });
    }
}

fn find(peers: &mut [Peer], id: u64) -> Option<&mut Peer> {
    peers.iter_mut().find(|peer| peer.id == id)
}

fn unsupported(now: Instant, peer: &mut Peer, what: &str) {
    let message = format!("this network cannot be {what}: the program that runs it has no language");
    let problem = Problem::new(ProblemKind::Unsupported, message);
    peer.connection.respond(now, &Response::Error(problem));
}

/// The chain of a process as text.
fn dump(network: &mut Network, request: &DumpRequest) -> Result<Response, Problem> {
    let report = network.report();
    let root = find_root(&report, &request.chain)?;
    let name = report.processes[root].name.clone();
    let dump = network.dump(report.processes[root].id);
    let dump = dump.map_err(|error| Problem::new(ProblemKind::Failed, format!("`{name}`: {error}")))?;
    let parts = request.stages.iter().map(|&stage| {
        let text = match stage {
            DumpStage::Chain => &dump.chain,
            DumpStage::Plan => &dump.plan,
            DumpStage::Ir => &dump.ir,
            DumpStage::Clif => &dump.clif,
            DumpStage::Asm => &dump.asm,
        };
        (stage, text.clone())
    });
    Ok(Response::Dump(Dump {
        root: name,
        parts: parts.collect(),
    }))
}

/// The process that is meant: `#` and its place in the report, or its name, or the
/// beginning of it.
fn find_root(report: &cutthrough::Report, wanted: &str) -> Result<usize, Problem> {
    let names: Vec<&str> = report
        .processes
        .iter()
        .map(|process| process.name.as_str())
        .collect();
    let number = wanted
        .strip_prefix('#')
        .and_then(|number| number.parse::<usize>().ok());
    let meant: Vec<usize> = match number {
        Some(number) if (1..=names.len()).contains(&number) => vec![number - 1],
        _ => {
            let exact = names.iter().position(|name| *name == wanted);
            let begins = (0..names.len()).filter(|&k| names[k].starts_with(wanted));
            exact.map_or_else(|| begins.collect(), |only| vec![only])
        }
    };
    match meant[..] {
        [only] => Ok(only),
        _ => {
            let how = if meant.is_empty() {
                "no process"
            } else {
                "several processes"
            };
            let listed = names.iter().enumerate().take(20);
            let listed: Vec<String> = listed.map(|(k, name)| format!("#{} {name}", k + 1)).collect();
            let message = format!("{how} called `{wanted}`; there are: {}", listed.join(", "));
            Err(Problem::new(ProblemKind::NotThere, message))
        }
    }
}
