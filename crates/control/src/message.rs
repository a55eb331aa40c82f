//! What client and server say to one another. `docs/control.md` has the meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::view::{Call, Snapshot};

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// The first request of a connection.
    Hello(Hello),
    /// How the network is.
    Report,
    /// A chain at its stages on the way to machine code.
    Dump(DumpRequest),
    /// The flow points that can be tapped, with their columns.
    Flows,
    /// What passes a flow point, through a pipeline.
    Tap(TapRequest),
    /// Another program in place of the one that runs.
    Rewire(RewireRequest),
    /// The end of a tap.
    Stop,
}

/// Who connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version that the client speaks.
    pub protocol: u32,
    /// What the client is, for logs.
    #[serde(default)]
    pub client: String,
}

/// Which chain to dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpRequest {
    /// The process at its root: its name, the beginning of it, or `#` and its number.
    pub chain: String,
    /// Which stages: `chain`, `ir`, `clif`, `asm`.
    pub stages: Vec<DumpStage>,
}

/// A stage on the way to machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DumpStage {
    /// The processes that become one loop.
    Chain,
    /// What is pushed, pulled and dealt in it, and what has to hold before.
    Plan,
    /// The loop in Cutthrough's intermediate form.
    Ir,
    /// The same in Cranelift's.
    Clif,
    /// The machine code.
    Asm,
}

/// What to tap, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapRequest {
    /// The flow point's name.
    pub flow: String,
    /// What its elements go through; empty for nothing.
    #[serde(default)]
    pub pipeline: String,
    /// Whether the flow waits for the tap, so that the tap misses nothing.
    #[serde(default)]
    pub complete: bool,
    /// How elements are written, unless the pipeline says it: `text`, `json`, `csv`,
    /// `table`.
    #[serde(default)]
    pub format: Option<String>,
}

/// What to rewire to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewireRequest {
    /// What the program's text is called in messages.
    pub name: String,
    /// The program.
    pub program: String,
    /// Whether only to say what would change.
    #[serde(default)]
    pub plan_only: bool,
    /// Whether to change back to the program before, in place of the one given here.
    #[serde(default)]
    pub undo: bool,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Response {
    /// The flow points that can be tapped.
    Flows(Flows),
    /// To a greeting.
    Welcome(Welcome),
    /// To `report`.
    Report(Box<Snapshot>),
    /// To `dump`.
    Dump(Dump),
    /// Interim: the network's thread has not come to the request yet.
    Pending(Pending),
    /// Interim: the tap is attached.
    Tapped(Tapped),
    /// The tap is over.
    TapEnd(TapEnd),
    /// To `rewire`.
    Rewired(Rewired),
    /// The request was not fulfilled.
    Error(Problem),
}

/// Which network this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that the server speaks.
    pub protocol: u32,
    /// The network's name.
    pub name: String,
    /// The OS process that runs it.
    pub pid: u32,
    /// When its server began, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// What it runs: the program's text, or what it is called.
    pub program: String,
}

/// A chain as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// The name of the process at the root.
    pub root: String,
    /// Each stage that was asked for, with its text.
    pub parts: Vec<(DumpStage, String)>,
}

/// A request waits for the network's thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// For how long the network has not answered, in milliseconds.
    pub silent_ms: u64,
    /// What its thread is inside of, if that is known.
    #[serde(default)]
    pub call: Option<Call>,
}

/// The flow points of a network that has a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flows {
    /// Upstream first; none of a network without a program text.
    pub flows: Vec<FlowColumns>,
}

/// A flow point, and what a tap can name there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowColumns {
    /// The flow point's name.
    pub name: String,
    /// The name and the type of each column.
    pub columns: Vec<(String, String)>,
}

/// A tap that is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tapped {}

/// What a tap came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapEnd {
    /// Elements that went into the tap's pipeline.
    pub seen: u64,
    /// Elements that it missed.
    pub missed: u64,
    /// Elements that came out of the pipeline.
    pub written: u64,
    /// What went wrong in the tap's pipeline.
    #[serde(default)]
    pub failure: Option<String>,
}

/// What a rewire came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewired {
    /// The edits, one in each line.
    pub changes: Vec<String>,
    /// Whether they have been made, or only planned.
    pub applied: bool,
}

/// Why a request was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What kind of reason.
    pub kind: ProblemKind,
    /// The reason, and the way out, for people.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// What was sent is no request, or none that may be sent at this point.
    Malformed,
    /// The frame is longer than allowed.
    TooLarge,
    /// The server speaks another version.
    Version,
    /// There are too many connections.
    Busy,
    /// Something took longer than allowed.
    Late,
    /// There is no such chain or flow point.
    NotThere,
    /// The program or pipeline is wrong.
    Wrong,
    /// This network cannot do that.
    Unsupported,
    /// The client did not wait for it, and it had not begun.
    Withdrawn,
    /// It went wrong.
    Failed,
}

impl ProblemKind {
    /// Whether the connection is closed after it.
    pub fn closes(self) -> bool {
        match self {
            ProblemKind::Malformed
            | ProblemKind::TooLarge
            | ProblemKind::Version
            | ProblemKind::Busy
            | ProblemKind::Late => true,
            ProblemKind::NotThere
            | ProblemKind::Wrong
            | ProblemKind::Unsupported
            | ProblemKind::Withdrawn
            | ProblemKind::Failed => false,
        }
    }
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Problem {
        Problem {
            kind,
            message: message.into(),
        }
    }
}

impl Response {
    /// Whether more follows to the same request.
    pub fn is_interim(&self) -> bool {
        matches!(self, Response::Pending(_) | Response::Tapped(_))
    }
}

impl DumpStage {
    /// All of them, in order.
    pub const ALL: [DumpStage; 5] = [
        DumpStage::Chain,
        DumpStage::Plan,
        DumpStage::Ir,
        DumpStage::Clif,
        DumpStage::Asm,
    ];
}

impl fmt::Display for DumpStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DumpStage::Chain => "chain",
            DumpStage::Plan => "plan",
            DumpStage::Ir => "ir",
            DumpStage::Clif => "clif",
            DumpStage::Asm => "asm",
        })
    }
}
