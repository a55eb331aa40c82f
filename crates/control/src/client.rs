//! The client's side: finding a network, asking it.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::directory::Directory;
use crate::error::{Error, ErrorKind};
use crate::frame::{self, Decoder, Kind};
use crate::limits::{CLIENT_WAIT_MS, FRAME_BYTES_MAX, READ_BYTES};
use crate::message::{Hello, PROTOCOL, Problem, Request, Response, Welcome};
use crate::socket;
use crate::view::Snapshot;

/// A connection to a running network.
#[derive(Debug)]
pub struct Client {
    stream: Arc<UnixStream>,
    decoder: Decoder,
    welcome: Welcome,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A response.
    Response(Response),
    /// What a tap writes.
    Bytes(Vec<u8>),
}

/// Why a request has no response that says what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The network says why not.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The connection does not work.
    #[error(transparent)]
    Connection(#[from] Error),
}

/// The name of the one running network that is meant by this name, or by the beginning
/// of one, or by the OS process's number at the end of one. No name means the only one.
///
/// # Errors
/// When none is meant, or several; the message lists what is running.
pub fn find(directory: &Directory, name: &str) -> Result<String, Error> {
    let names = directory.names()?;
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let is_meant = |known: &&String| {
        known.starts_with(name) || known.rsplit_once('-').is_some_and(|(_, pid)| pid == name)
    };
    let meant: Vec<&String> = names.iter().filter(is_meant).collect();
    let list = |names: &[&String]| {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        names.join(", ")
    };
    let message = match (meant.as_slice(), names.is_empty()) {
        ([only], _) => return Ok((*only).clone()),
        ([], true) if name.is_empty() => "no network is running".to_owned(),
        ([], true) => format!("no network called `{name}` is running, nor any other"),
        ([], false) => {
            let all: Vec<&String> = names.iter().collect();
            format!("no network called `{name}` is running; running: {}", list(&all))
        }
        (several, _) if name.is_empty() => {
            format!("several networks are running: {}; say which", list(several))
        }
        (several, _) => format!("`{name}` may be any of {}; say more of the name", list(several)),
    };
    Err(Error::new(ErrorKind::NotThere, message))
}

impl Client {
    /// Connects to the network of this name.
    ///
    /// # Errors
    /// When nobody listens there, or who does is another user, of another version, or
    /// does not answer.
    pub fn connect(directory: &Directory, name: &str) -> Result<Client, RequestError> {
        let path = directory.socket(name);
        let stream = socket::connect(&path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => silent(name),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Error::new(ErrorKind::NotThere, format!("`{name}` has ended"))
            }
            _ => Error::socket(&path, &error),
        })?;
        if !socket::is_of_user(&stream) {
            let message = format!("{}: another user listens there", path.display());
            return Err(Error::new(ErrorKind::System, message).into());
        }
        let nobody = Welcome {
            protocol: PROTOCOL,
            name: name.to_owned(),
            pid: 0,
            since_unix_ms: 0,
            program: String::new(),
        };
        let mut client = Client {
            stream: Arc::new(stream),
            decoder: Decoder::default(),
            welcome: nobody,
        };
        let hello = Hello {
            protocol: PROTOCOL,
            client: format!("cutthrough {}", env!("CARGO_PKG_VERSION")),
        };
        client.send(&Request::Hello(hello))?;
        match client.receive(Some(Duration::from_millis(CLIENT_WAIT_MS)))? {
            Some(Message::Response(Response::Welcome(welcome))) => client.welcome = welcome,
            Some(Message::Response(Response::Error(problem))) => return Err(problem.into()),
            Some(_) => return Err(strange(name).into()),
            None => return Err(silent(name).into()),
        }
        Ok(client)
    }

    /// Which network this is.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What sends further requests from other threads.
    pub fn sender(&self) -> Sender {
        Sender {
            stream: Arc::clone(&self.stream),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When the server has gone, or takes nothing for a while.
    pub fn send(&self, request: &Request) -> Result<(), Error> {
        self.sender().send(request)
    }

    /// The next message; without a timeout waits as long as it takes. Nothing when the
    /// time is over.
    ///
    /// # Errors
    /// When the server has gone, or does not keep to the protocol.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<Message>, Error> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let name = self.welcome.name.clone();
        loop {
            match self.decoder.next(FRAME_BYTES_MAX) {
                Ok(Some((Kind::Bytes, bytes))) => return Ok(Some(Message::Bytes(bytes.to_vec()))),
                Ok(Some((Kind::Json, body))) => {
                    let response = serde_json::from_slice(body).map_err(|_| strange(&name))?;
                    return Ok(Some(Message::Response(response)));
                }
                Ok(None) => {}
                Err(_) => return Err(strange(&name)),
            }
            let mut piece = vec![0; READ_BYTES];
            match (&*self.stream).read(&mut piece) {
                Ok(0) => return Err(ended(&name)),
                Ok(length) => self.decoder.push(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait(&self.stream, PollFlags::IN, until) {
                        return Ok(None);
                    }
                }
                Err(_) => return Err(ended(&name)),
            }
        }
    }

    /// Sends a request and gives its final response; `interim` is told of what comes
    /// before, and says whether to go on waiting.
    ///
    /// # Errors
    /// When the network refuses it, the connection fails, or `interim` has said no.
    pub fn request(
        &mut self,
        request: &Request,
        interim: impl FnMut(&Response) -> bool,
    ) -> Result<Response, RequestError> {
        self.request_within(request, None, interim)
    }

    /// As [`request`](Client::request), but withdraws the request when the network has not
    /// come to it in that time.
    ///
    /// # Errors
    /// As those of `request`; a problem of the kind
    /// [`Withdrawn`](crate::message::ProblemKind::Withdrawn) when nothing was done.
    pub fn request_within(
        &mut self,
        request: &Request,
        patience: Option<Duration>,
        mut interim: impl FnMut(&Response) -> bool,
    ) -> Result<Response, RequestError> {
        self.send(request)?;
        let mut until = patience.map(|patience| Instant::now() + patience);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.receive(left)? {
                Some(Message::Response(Response::Error(problem))) => return Err(problem.into()),
                Some(Message::Response(response)) if response.is_interim() => {
                    if !interim(&response) {
                        return Err(silent(&self.welcome.name).into());
                    }
                }
                Some(Message::Response(response)) => return Ok(response),
                // Should it have begun meanwhile, the response is what comes of it.
                None if until.take().is_some() => self.send(&Request::Stop)?,
                Some(Message::Bytes(_)) | None => return Err(strange(&self.welcome.name).into()),
            }
        }
    }

    /// How the network is.
    ///
    /// # Errors
    /// When the connection fails, or there is no answer within [`CLIENT_WAIT_MS`].
    pub fn report(&mut self) -> Result<Snapshot, RequestError> {
        self.send(&Request::Report)?;
        match self.receive(Some(Duration::from_millis(CLIENT_WAIT_MS)))? {
            Some(Message::Response(Response::Report(snapshot))) => Ok(*snapshot),
            Some(Message::Response(Response::Error(problem))) => Err(problem.into()),
            Some(_) => Err(strange(&self.welcome.name).into()),
            None => Err(silent(&self.welcome.name).into()),
        }
    }
}

/// Sends requests on a connection, from any thread.
#[derive(Clone, Debug)]
pub struct Sender {
    stream: Arc<UnixStream>,
}

impl Sender {
    /// Sends a request.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send(&self, request: &Request) -> Result<(), Error> {
        let body = serde_json::to_vec(request).expect("INVARIANT: requests have string keys");
        let mut bytes = Vec::with_capacity(body.len() + 4);
        frame::encode(Kind::Json, &body, &mut bytes)
            .map_err(|error| Error::new(ErrorKind::Protocol, format!("the request is {error}")))?;
        let until = Instant::now() + Duration::from_millis(CLIENT_WAIT_MS);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            match socket::send(&self.stream, rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait(&self.stream, PollFlags::OUT, Some(until)) {
                        return Err(silent("the network"));
                    }
                }
                // It may have said why before it closed the connection.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Waits for a socket; false when the time is over.
fn wait(stream: &UnixStream, what: PollFlags, until: Option<Instant>) -> bool {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return false;
        }
        let timeout = left.and_then(|left| left.try_into().ok());
        match poll(&mut [PollFd::new(stream, what)], timeout.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // What is wrong will be seen by whoever uses the socket.
            Ok(_) | Err(_) => return true,
        }
    }
}

fn silent(name: &str) -> Error {
    let message = format!("`{name}` does not answer: its OS process is stopped or overloaded");
    Error::new(ErrorKind::Protocol, message)
}

fn ended(name: &str) -> Error {
    Error::new(ErrorKind::NotThere, format!("`{name}` has closed the connection"))
}

fn strange(name: &str) -> Error {
    let message = format!("`{name}` does not keep to version {PROTOCOL} of the protocol");
    Error::new(ErrorKind::Protocol, message)
}
