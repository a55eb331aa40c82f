//! What a server can do for its clients only where the program that embeds it has a
//! language: taps and rewires.

use cutthrough::Network;

use crate::message::{Problem, RewireRequest, Rewired, TapEnd, TapRequest};
use crate::questions::Waker;

/// Taps and rewires. All methods are called on the network's thread, between two
/// grants: what takes long here is a pause of the flow.
pub trait Commands: Send + Sync {
    /// Attaches a tap. Whenever it has output, and when its output has ended, it wakes
    /// the server with `waker`.
    ///
    /// # Errors
    /// When there is no such flow point, or the pipeline is wrong. Nothing is attached
    /// then.
    fn tap(
        &self,
        network: &mut Network,
        request: &TapRequest,
        waker: &Waker,
    ) -> Result<Box<dyn Tap>, Problem>;

    /// Says what it takes to run another program in place of the present one, and does
    /// it unless only the plan is wanted.
    ///
    /// # Errors
    /// When the program is wrong or cannot be changed to. Nothing has changed then.
    fn rewire(&self, network: &mut Network, request: &RewireRequest) -> Result<Rewired, Problem>;
}

/// A tap that is attached.
pub trait Tap: Send {
    /// Appends at most `most` bytes of what has come out to `out`; whether there may
    /// be more, now or later. Called on the server's thread.
    fn read(&mut self, most: usize, out: &mut Vec<u8>) -> bool;

    /// Takes the tap out of the network. What its pipeline holds comes out still. Called on the network's
    /// thread, once.
    fn detach(&mut self, network: &mut Network);

    /// What it came to; final when it has been detached and read to its end. Called on
    /// the server's thread.
    fn end(&mut self) -> TapEnd;
}
