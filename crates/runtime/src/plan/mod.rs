//! What a grant from one root does under the present wiring, as one immutable value.
//!
//! The wiring says who is attached to whom. From a root, and as long as nothing on its way
//! changes, that comes down to a few facts for each process that takes part: where each
//! output's elements go, where an input's elements can be pulled from, and what has to hold
//! before an activation. A [`Plan`] has these facts and what they are bound to (slots,
//! counters, host functions), and nothing else of the network:
//!
//! * [`exec`](crate::exec) interprets it: that is the meaning;
//! * [`chain`](crate::chain) lowers it to one function;
//! * code that was made for an equal plan is used again
//!   ([`specialize`](crate::specialize)).
//!
//! Members and blocks are numbered in the order in which the root reaches them. So the plans
//! of two taps with the same pipeline are equal although their processes are different
//! ones, if they were given the same slots, counters and host functions. Which process and
//! which flow point a number stands for is told by the [`Reach`], apart.
//!
//! | what | is |
//! |---|---|
//! | give | [`Begin::Give`], and [`Member::before_giving`] for members that hold several |
//! | push | [`To::Push`] |
//! | pull | [`From::Pull`] |
//! | deal | [`To::Block`], and at the other end [`Begin::Delivery`] |
//! | check | [`Check`] |
//! | needs | [`PlannedOutput::needs`] |
//!
//! INVARIANT: interpreter and chain builder look at the plan and at nothing of the wiring.
//! So whatever the two do under a wiring is told by the plan, and equal plans have equal
//! chains.

mod cone;
mod make;
mod needs;
mod print;

use std::sync::Arc;

use cutthrough_ir::{ElementType, Place, State};

use crate::commitment;
use crate::program::{FunctionInfo, InputCode, ProcessCode};
use crate::root::Root;
use crate::wiring::{Counter, PointId, ProcessId, Status, Wiring};

/// What a grant from one root does.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) begin: Begin,
    /// What has to hold before each of the root's activations.
    pub(crate) before: Vec<Check>,
    /// The processes whose fragments take part, and those that have to be looked at; the
    /// root's is the first.
    pub(crate) members: Vec<Member>,
    /// The blocks that are filled, to be dealt out when the grant has ended.
    pub(crate) blocks: Vec<FilledBlock>,
}

/// How a grant begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// The root gives what it holds.
    Give,
    /// Elements of a block are delivered to this input of the root.
    Delivery(usize),
}

/// A process that takes part. Two are equal if they do the same to a network.
#[derive(Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: Arc<str>,
    pub(crate) code: Arc<ProcessCode>,
    /// Where its slots lie.
    pub(crate) places: Arc<[Place]>,
    /// Its row buffers, by their numbers in the state.
    pub(crate) rows: Arc<[u32]>,
    /// Where its [`Status`] lies.
    pub(crate) status: Place,
    /// Its host functions, by their numbers in the network.
    pub(crate) hosts: Arc<[u32]>,
    /// The counters of its drop policies.
    pub(crate) drops: Arc<[Counter]>,
    pub(crate) inputs: Vec<PlannedInput>,
    pub(crate) outputs: Vec<PlannedOutput>,
    /// What has to hold before it gives; none where it never does.
    pub(crate) before_giving: Option<Vec<Check>>,
}

/// An input of a member.
#[derive(Debug, PartialEq)]
pub(crate) struct PlannedInput {
    /// Counts the elements that come in.
    pub(crate) count: Counter,
    /// Counts those that come when the process is over.
    pub(crate) late: Counter,
    /// Whether there may be such: another element of the same activation may have ended it.
    pub(crate) may_be_late: bool,
    /// Where its elements are pulled from, if they are.
    pub(crate) from: From,
}

/// An output of a member.
#[derive(Debug, PartialEq)]
pub(crate) struct PlannedOutput {
    /// Counts the elements that go out.
    pub(crate) count: Counter,
    /// Counts those for which there is no reader any more.
    pub(crate) lost: Counter,
    pub(crate) to: To,
    /// Which fields are used behind it ([`Op::Needs`](cutthrough_ir::Op::Needs)), if one of
    /// its process's fragments asks; else all.
    pub(crate) needs: i64,
    /// What has to hold for it to be ready; none where nobody asks.
    pub(crate) is_ready: Option<Vec<Check>>,
}

/// One end of an edge within a plan: a member and the number of its input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberPort {
    pub(crate) member: usize,
    pub(crate) port: usize,
}

/// Where an output's elements go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// Nothing that takes part emits there; or who emits is pulled.
    Unused,
    /// They are pushed to the only reader.
    Push(MemberPort),
    /// Into the block of this number.
    Block(usize),
    /// There is no reader: they are lost.
    Lost,
}

/// Where an input's elements are pulled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Nobody pulls.
    Unused,
    /// This output of this member.
    Pull(MemberPort),
    /// There is nobody to pull from.
    Nobody,
    /// There is nobody to pull from any more.
    Ended,
}

/// One thing that has to hold before an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Never holds: an output has no reader (yet).
    Nobody,
    /// The member neither holds elements nor is over.
    Idle(usize),
    /// The member asks for as many on this input.
    Ask { reader: MemberPort, need: u64 },
    /// The block takes as many.
    Room { block: usize, need: u64 },
}

/// A block that is filled for a dealt flow point.
#[derive(Debug, PartialEq)]
pub(crate) struct FilledBlock {
    pub(crate) element: ElementType,
    /// How many elements one activation may bring at the most.
    pub(crate) room: u64,
}

/// Which processes and flow points the numbers of a plan stand for, and all flow points on
/// which it relies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// The members.
    pub(crate) members: Vec<ProcessId>,
    /// The flow points that the plan relies on, in the order found.
    pub(crate) points: Vec<PointId>,
    /// Of these, the ones for which blocks are filled.
    pub(crate) dealt: Vec<PointId>,
}

/// A plan, and where in the network it lies.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Arc<Plan>,
    pub(crate) reach: Reach,
}

impl Planned {
    /// Plans the grants of a root.
    pub(crate) fn of(wiring: &Wiring, root: Root) -> Planned {
        make::make(wiring, root)
    }
}

impl Plan {
    /// The plan of a process by itself, for a fragment that takes no part in the flow.
    pub(crate) fn alone(wiring: &Wiring, process: ProcessId) -> Plan {
        make::alone(wiring, process)
    }

    pub(crate) fn member(&self, member: usize) -> &Member {
        &self.members[member]
    }

    pub(crate) fn input_code(&self, reader: MemberPort) -> &InputCode {
        &self.member(reader.member).code.inputs[reader.port]
    }

    /// How many elements the process of an input asks for, in this state.
    pub(crate) fn asked(&self, state: &State, reader: MemberPort) -> u64 {
        let member = self.member(reader.member);
        commitment::asked(&member.code, (&member.places, &member.rows), state, reader.port)
    }
}

impl Member {
    pub(crate) fn write_ok(&self) -> &FunctionInfo {
        let write_ok = self.code.write_ok.as_ref();
        write_ok.expect("INVARIANT: a process that holds elements has `write_ok`")
    }

    /// The status in which it usually is when a grant begins.
    pub(crate) fn usual_status(&self) -> Status {
        if self.inputs.is_empty() {
            Status::Holding
        } else {
            Status::Idle
        }
    }
}
