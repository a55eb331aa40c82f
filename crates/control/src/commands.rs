//! What a server can do for its clients only where the program that embeds it has a
//! language: taps and rewires.

use cutthrough::Network;

use crate::message::{FlowColumns, Problem, RewireRequest, TapEnd, TapRequest};
use crate::questions::Waker;

/// Taps and rewires. What takes long is done on the server's thread, before the network's
/// is asked for anything.
pub trait Commands: Send + Sync {
    /// Checks a tap's pipeline and builds what it needs. Called on the server's thread;
    /// what it gives is called on the network's, between two grants, while the flow waits.
    /// Whenever the tap has output, and when its output has ended, it wakes the server with
    /// `waker`.
    ///
    /// # Errors
    /// When there is no such flow point, or the pipeline is wrong.
    fn tap(&self, request: &TapRequest, waker: &Waker) -> Result<Attach, Problem>;

    /// The flow points of the program that runs at present; none where it has no text.
    fn flows(&self) -> Vec<FlowColumns> {
        Vec::new()
    }

    /// The program that runs at present.
    fn program(&self) -> String;

    /// Works out what it takes to run another program in place of the present one. Called
    /// on the server's thread.
    ///
    /// # Errors
    /// When the program is wrong or cannot be changed to.
    fn rewire(&self, request: &RewireRequest) -> Result<Change, Problem>;
}

/// Attaches a tap, on the network's thread, or looks there for what has to be known before.
/// If it fails nothing is attached.
pub type Attach = Box<dyn FnOnce(&mut Network) -> Result<Step, Problem> + Send>;

/// How far a tap has come on the network's thread.
pub enum Step {
    /// It is attached.
    Attached(Box<dyn Tap>),
    /// All is known of the network; the rest is prepared by this, on the server's thread.
    Known(Box<dyn FnOnce() -> Result<Attach, Problem> + Send>),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Attached(_) => "Attached",
            Step::Known(_) => "Known",
        })
    }
}

/// A change to another program.
pub struct Change {
    /// What is going to change, one edit in each line.
    pub changes: Vec<String>,
    /// Makes the change, on the network's thread, all of it or nothing; none if only the
    /// plan was asked for.
    pub apply: Option<Apply>,
}

/// Makes a change, on the network's thread.
pub type Apply = Box<dyn FnOnce(&mut Network) -> Result<(), Problem> + Send>;

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change")
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

/// A tap that is attached. Dropping it on any thread takes it out too, if it has not been
/// detached.
pub trait Tap: Send {
    /// Appends at most `most` bytes of what has come out to `out`; whether there may
    /// be more, now or later. Called on the server's thread.
    fn read(&mut self, most: usize, out: &mut Vec<u8>) -> bool;

    /// Takes the tap out of the network. What its pipeline holds comes out still. Called
    /// on the network's thread, once.
    fn detach(&mut self, network: &mut Network);

    /// What it came to; final when it has been detached and read to its end. Called on
    /// the server's thread.
    fn end(&mut self) -> TapEnd;
}
