//! Reaching running networks: a unix socket per network, by which other OS processes of
//! the same user look at it and change it.
//!
//! ```no_run
//! # let mut network = cutthrough::Network::default();
//! // Until it is dropped, `cutthrough top orders` shows the network.
//! let _server = cutthrough_control::serve(&mut network, "orders")?;
//! network.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `docs/control.md` is the protocol, in prose, with its invariants.
//!
//! What this crate deliberately does not know: the language (who has one brings
//! [`Commands`]), the command line, how anything is shown. The network's thread is never
//! made to wait: all that is asked of it goes through a [`Handle`](cutthrough::Handle).
//!
//! | module | what |
//! |---|---|
//! | [`message`] | requests and responses |
//! | [`view`] | what is told of a network |
//! | [`frame`] | bytes to frames and back |
//! | [`connection`] | the server's side of a connection, without I/O |
//! | [`directory`] | where the sockets are, and who may be there |
//! | `server` | the thread that drives the connections |
//! | `questions` | what it asks of the network, and the answers |
//! | `contain` | panics of what it calls end one request |
//! | [`commands`] | taps and rewires, for programs that have a language |
//! | [`client`] | the client's side |
//! | `socket` | what the standard library lacks of unix sockets |
//! | [`limits`] | every bound |

#![forbid(unsafe_code)]

pub mod client;
pub mod commands;
pub mod connection;
mod contain;
pub mod directory;
mod error;
pub mod frame;
pub mod limits;
pub mod message;
mod questions;
mod server;
mod socket;
pub mod view;

pub use client::Client;
pub use commands::{Attach, Change, Commands, Step, Tap};
pub use directory::Directory;
pub use error::{Error, ErrorKind};
pub use questions::Waker;
pub use server::{Options, Server, serve};
