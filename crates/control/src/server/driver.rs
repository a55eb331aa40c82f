//! The server's thread: it waits for sockets, letters and time, and hands on what comes.

use std::io::{self, Read};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::State;
use super::peer::{Letter, Peer, Serving};
use super::service::Service;
use crate::connection::Connection;
use crate::limits::{ACCEPT_AGAIN_MS, CONNECTIONS_MAX, END_MS, END_TAKING_MS, READ_BYTES};
use crate::message::{Problem, ProblemKind, Welcome};
use crate::questions::Inbox;
use crate::socket;

/// How the server ends.
struct Ending {
    /// Until when clients have what is theirs, except complete taps.
    at: Instant,
    /// The same for complete taps, once the network does not wait for them any more.
    of_complete_at: Option<Instant>,
}

impl Ending {
    /// When it ends for a client; nothing while its complete tap is waited for.
    fn of(&self, peer: &Peer) -> Option<Instant> {
        match (peer.is_complete, peer.connection.output().is_empty()) {
            (false, _) => Some(self.at),
            // One that takes nothing is closed, as always.
            (true, false) => self.of_complete_at,
            // A network that has failed may give nothing any more.
            (true, true) => Some(self.at.max(peer.moved_at + Duration::from_millis(END_MS))),
        }
    }
}

/// Everything that the server's thread has.
pub(super) struct Driver {
    listener: Option<UnixListener>,
    /// When the system could not give a connection, when it is asked again.
    accept_again_at: Option<Instant>,
    service: Service,
    inbox: Inbox<Letter>,
    welcome: Welcome,
    state: Arc<State>,
    end: Option<Ending>,
    peers: Vec<Peer>,
    peers_ever: u64,
    piece: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        listener: UnixListener,
        service: Service,
        inbox: Inbox<Letter>,
        welcome: Welcome,
        state: Arc<State>,
    ) -> Driver {
        Driver {
            listener: Some(listener),
            accept_again_at: None,
            service,
            inbox,
            welcome,
            state,
            end: None,
            peers: Vec::new(),
            peers_ever: 0,
            piece: Vec::new(),
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let readable = match self.wait() {
                Ok(readable) => readable,
                Err(error) => {
                    tracing::warn!(%error, "the control socket is closed");
                    return;
                }
            };
            let now = Instant::now();
            for letter in self.inbox.take() {
                self.service.handle_letter(now, letter, &mut self.peers);
            }
            self.service.keep_pulse(now);
            self.begin_end(now);
            self.accept(now);
            for id in readable {
                self.read(now, id);
            }
            for peer in &mut self.peers {
                peer.connection.handle_timeout(now);
                self.service.advance(now, peer);
                let end_at = self.end.as_ref().and_then(|end| end.of(peer));
                if end_at.is_some_and(|at| now >= at) {
                    self.service.cut(now, peer);
                }
                write(now, peer);
            }
            self.remove_closed();
            if self.is_over(now) {
                return;
            }
        }
    }

    /// Waits for something to do; the clients that have sent something.
    fn wait(&self) -> io::Result<Vec<u64>> {
        let woken = self.inbox.woken();
        let mut fds = vec![PollFd::new(&woken, PollFlags::IN)];
        for peer in &self.peers {
            let mut what = PollFlags::empty();
            what.set(PollFlags::IN, peer.connection.takes_input());
            what.set(PollFlags::OUT, !peer.connection.output().is_empty());
            fds.push(PollFd::new(&peer.stream, what));
        }
        // What cannot be accepted stays readable: without a pause this thread would spin.
        if let Some(listener) = self.listener.as_ref().filter(|_| self.accept_again_at.is_none()) {
            fds.push(PollFd::new(listener, PollFlags::IN));
        }
        let now = Instant::now();
        let timeouts = self.peers.iter().flat_map(|peer| {
            let timeout = peer.connection.poll_timeout();
            [timeout, self.service.poll_timeout(peer)].into_iter().flatten()
        });
        let until = timeouts
            .chain(
                [
                    self.end_again_at(now),
                    self.accept_again_at,
                    self.service.next_pulse(),
                ]
                .into_iter()
                .flatten(),
            )
            .min();
        let left = until.map(|until| until.saturating_duration_since(now));
        let timeout = left.and_then(|left| left.try_into().ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let seen = fds[1..].iter().zip(&self.peers);
        let readable = seen.filter(|(fd, _)| {
            fd.revents()
                .intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
        });
        Ok(readable.map(|(_, peer)| peer.id).collect())
    }

    /// Begins to end when that is asked for.
    fn begin_end(&mut self, now: Instant) {
        let after = now + Duration::from_millis(END_MS);
        if self.state.ending.load(Ordering::Acquire) && self.end.is_none() {
            self.listener = None;
            self.end = Some(Ending {
                at: after,
                of_complete_at: None,
            });
            self.service.end(now, &mut self.peers);
        }
        if let Some(end) = &mut self.end
            && self.state.hurries.load(Ordering::Acquire)
        {
            end.of_complete_at.get_or_insert(after);
        }
    }

    /// When to look again whether it is over.
    fn end_again_at(&self, now: Instant) -> Option<Instant> {
        let end = self.end.as_ref()?;
        let times = [Some(end.at), end.of_complete_at];
        let next = times.into_iter().flatten().filter(|&at| at > now).min();
        // Then it is over when a client has taken all, which its socket says, or takes nothing.
        Some(next.unwrap_or(now + Duration::from_millis(END_MS)))
    }

    fn accept(&mut self, now: Instant) {
        if self.accept_again_at.is_some_and(|at| now < at) {
            return;
        }
        self.accept_again_at = None;
        // What comes at once is bounded, so that the others have their turn.
        for _ in 0..CONNECTIONS_MAX {
            let Some(listener) = &self.listener else { return };
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                    _ => return self.pause_accepting(now, &error),
                },
            };
            if !socket::is_of_user(&stream) || stream.set_nonblocking(true).is_err() {
                continue;
            }
            if let Some(program) = self.service.program() {
                self.welcome.program = super::bounded(&program);
            }
            let connection = if self.peers.len() < CONNECTIONS_MAX {
                Connection::new(now, self.welcome.clone())
            } else {
                let message =
                    format!("{CONNECTIONS_MAX} clients are connected already; end one, or try later");
                Connection::refused(
                    now,
                    self.welcome.clone(),
                    Problem::new(ProblemKind::Busy, message),
                )
            };
            self.peers_ever += 1;
            let mut peer = Peer {
                id: self.peers_ever,
                stream,
                connection,
                serving: Serving::Nothing,
                has_more: false,
                is_complete: false,
                moved_at: now,
            };
            write(now, &mut peer);
            // A client that was refused has its reason by now, or will not wait for it.
            if self.peers.len() < CONNECTIONS_MAX {
                self.peers.push(peer);
            }
        }
    }

    /// The system has no descriptor or memory for a connection at present.
    fn pause_accepting(&mut self, now: Instant, error: &io::Error) {
        tracing::warn!(%error, "a client waits: the system gives no connection");
        self.accept_again_at = Some(now + Duration::from_millis(ACCEPT_AGAIN_MS));
    }

    fn read(&mut self, now: Instant, id: u64) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return;
        };
        self.piece.resize(READ_BYTES, 0);
        // Once: who sends without end has the others' turns in between.
        match peer.stream.read(&mut self.piece) {
            Ok(0) => peer.connection.handle_end(now),
            Ok(length) => peer.connection.handle_input(now, &self.piece[..length]),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => peer.connection.handle_end(now),
            },
        }
        while let Some(request) = peer.connection.poll_request() {
            self.service.begin(now, peer, request);
        }
    }

    fn remove_closed(&mut self) {
        let mut index = 0;
        while index < self.peers.len() {
            if self.peers[index].connection.is_closed() {
                let peer = self.peers.swap_remove(index);
                self.service.abandon(peer.serving, peer.id);
            } else {
                index += 1;
            }
        }
        self.state.clients.store(self.peers.len(), Ordering::Release);
        if self.peers.is_empty() {
            self.piece = Vec::new();
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let Some(end) = &self.end else { return false };
        let is_busy = |peer: &Peer| {
            let (connection, end_at) = (&peer.connection, end.of(peer));
            if end_at.is_none_or(|at| now < at) {
                return connection.is_serving() || !connection.output().is_empty();
            }
            // What it was sent stays, as long as it goes on taking it.
            let until = end_at.map(|at| at + Duration::from_millis(END_TAKING_MS));
            !connection.is_serving()
                && !connection.output().is_empty()
                && !connection.is_stalled(now, Duration::from_millis(END_MS))
                && until.is_some_and(|until| now < until)
        };
        !self.peers.iter().any(is_busy)
    }
}

/// Writes what the client takes at once.
fn write(now: Instant, peer: &mut Peer) {
    while !peer.connection.output().is_empty() {
        match socket::send(&peer.stream, peer.connection.output()) {
            Ok(written) => {
                peer.connection.handle_written(now, written);
                peer.moved_at = now;
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return,
                _ => return peer.connection.handle_end(now),
            },
        }
    }
}
