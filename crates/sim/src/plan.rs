//! A plan: everything that is done to one network, in order. It refers to processes
//! and flow points by numbers of its own, so that any part can be left out.

use cutthrough_ir::ElementType;

use crate::spec::Spec;

/// One thing that is done.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "most variants are the network's own operations")]
pub enum Step {
    Point {
        point: usize,
        element: ElementType,
    },
    Process {
        process: usize,
        spec: Spec,
    },
    AttachInput {
        process: usize,
        input: usize,
        point: usize,
    },
    AttachOutput {
        process: usize,
        output: usize,
        point: usize,
    },
    HoldWriters {
        point: usize,
        hold: bool,
    },
    HoldReaders {
        point: usize,
        hold: bool,
    },
    Remove {
        process: usize,
    },
    RemovePoint {
        point: usize,
    },
    DetachInput {
        process: usize,
        input: usize,
    },
    DetachOutput {
        process: usize,
        output: usize,
    },
    Finish {
        process: usize,
    },
    Cancel {
        process: usize,
    },
    Discard {
        process: usize,
    },
    /// A process gets another program.
    Swap {
        process: usize,
        spec: Spec,
    },
    /// A process is put behind an output; `point` is the new flow point between.
    Insert {
        process: usize,
        behind: (usize, usize),
        point: usize,
    },
    TakeOut {
        process: usize,
        point: usize,
    },
    Wake {
        process: usize,
    },
    /// So many milliseconds go by.
    Time {
        ms: u64,
    },
    /// Another network, wired the same way, goes on from a checkpoint.
    Restore,
    Run {
        steps: u64,
    },
}

/// What is done to one network.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed that it came from.
    pub seed: u64,
    /// How many steps a root has before the next one's turn.
    pub quantum_steps: u64,
    /// What is done. At the end everything is let go and run until nothing moves.
    pub steps: Vec<Step>,
    /// Whether each element carries, in its first field, which source it came from
    /// and the how manieth it is, and all processes pass elements on unchanged.
    pub tagged: bool,
}

impl Plan {
    /// The same in one network without pauses, one step at a time.
    pub fn in_one_go(&self) -> Plan {
        let steps = self
            .steps
            .iter()
            .filter(|step| !matches!(step, Step::Run { .. } | Step::Restore))
            .cloned()
            .collect();
        Plan {
            steps,
            quantum_steps: 1,
            ..self.clone()
        }
    }

    /// The process of a number.
    pub fn spec(&self, number: usize) -> Option<&Spec> {
        self.processes()
            .find(|(process, _)| *process == number)
            .map(|(_, spec)| spec)
    }

    /// All processes, by their numbers.
    pub fn processes(&self) -> impl Iterator<Item = (usize, &Spec)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Process { process, spec } => Some((*process, spec)),
            _ => None,
        })
    }
}
