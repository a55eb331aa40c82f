//! Where the language meets the socket: taps for whoever reaches a running network.
//!
//! A program that embeds a network opens it by one line; `cutthrough tap orders numbers
//! 'where value > 10 | head 5'` then prints what passes its flow point `numbers`.
//!
//! ```no_run
//! use cutthrough::{Network, processes::{ForEach, Iter}};
//!
//! let mut network = Network::default();
//! let source = network.add(Iter::new(0i64..))?;
//! let numbers = network.point::<i64>("numbers")?;
//! network.attach_output(source, 0, numbers)?;
//! network.sink(numbers, ForEach::new(|_: i64| {}))?;
//! let _server = cutthrough_live::serve(&mut network, "orders")?;
//! network.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A complete tap whose reader is behind has the flow wait, and `run` says so
//! ([`Progress::Waiting`](cutthrough::Progress::Waiting)): a program that is to go on then
//! calls [`Network::wait`](cutthrough::Network::wait), and `run` again.
//!
//! What this crate deliberately does not know: the command line, files, and how the
//! program that embeds a network drives it.
//!
//! | module | what |
//! |---|---|
//! | [`taps`] | taps of any network, by the names of its flow points |
//! | [`pumped`] | a tap whose output a thread of its own hands over |

#![forbid(unsafe_code)]

pub mod pumped;
pub mod taps;

use std::sync::Arc;

use cutthrough::Network;
use cutthrough_control::{Error, Options, Server};

pub use pumped::{Pump, Pumped, Wake};
pub use taps::Taps;

/// Opens a network to the other OS processes of this user, under this name and with
/// taps, until what it gives is dropped.
///
/// With other options: `Options::new(name).commands(Arc::new(Taps::default()))`.
///
/// # Errors
/// As [`Options::serve`].
pub fn serve(network: &mut Network, name: &str) -> Result<Server, Error> {
    Options::new(name)
        .commands(Arc::new(Taps::default()))
        .serve(network)
}
