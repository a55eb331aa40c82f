//! Networks: flow points, the processes attached to them, and what runs them.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | a network and what it consists of |
//! | `rewire.rs` | several edits that take effect together, or not at all |
//! | `swap.rs` | the edit that gives a process another program |
//! | `insert.rs` | putting processes in and taking them out; names |
//! | `resources.rs` | what a process or flow point uses of its network |
//! | `edit.rs` | single edits |
//! | `rearrange.rs` | what rewires and retiring share: what follows from a changed wiring |
//! | `run.rs` | turns and grants |
//! | `schedule.rs` | what the scheduler has to know of the network |
//! | `simplex.rs` | what is negotiated at a flow point: asks, offers, and blocks dealt out |
//! | `retire.rs` | what becomes of processes that are over, and of their neighbours |
//! | `report.rs` | counts, modes, who waits for whom |
//! | `demand.rs` | who waits for whom, told to processes that watch |
//! | `checkpoint.rs` | all state as bytes, and back |
//! | `merge.rs` | the state of a process, merged into that of another |
//! | `conservation.rs` | whether all counts add up |
//! | `dump.rs` | chains as text |
//! | `handle.rs` | requests and wakes from other threads; waiting for them |
//! | `pending.rs` | what becomes of a request |
//! | `time.rs` | what time it is, and whose timers are due |
//! | `driver.rs` | running in real time, by a loop, a task or a thread of its own |

mod checkpoint;
mod conservation;
mod demand;
mod driver;
mod dump;
mod edit;
mod handle;
mod insert;
mod merge;
mod pending;
mod rearrange;
mod report;
mod resources;
mod retire;
mod rewire;
mod run;
mod schedule;
mod simplex;
mod swap;
mod time;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use cutthrough_ir::{HostContext, HostFunction, State};
use rustc_hash::FxHashMap;
use slotmap::SecondaryMap;

use crate::element::Element;
use crate::engine::Engine;
use crate::error::Error;
use crate::exec::Buffers;
use crate::ids::NetworkNumber;
use crate::point::FlowPoint;
use crate::process::Process;
use crate::scheduler::Scheduler;
use crate::specialize::{Cause, Compile, Specialisations};
use crate::wake::WakeFlag;
use crate::wiring::{Counter, ProcessId, Wiring};

pub use driver::{Driver, Spawned};
pub use dump::Dump;
pub use handle::Handle;
pub use pending::Pending;
pub use report::{ChainReport, EdgeReport, PointReport, Polymorphic, ProcessReport, Readiness, Report};
pub use rewire::Rewire;
pub use run::Progress;

/// How a network is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What compiles chains; without one, everything is interpreted.
    pub engine: Option<Arc<dyn Engine>>,
    /// When chains are compiled.
    pub compile: Compile,
    /// How many steps a root has before the next one's turn.
    pub quantum_steps: u64,
    /// How many processes the network may have. What is idle costs memory only.
    pub processes_max: usize,
    /// How many flow points the network may have.
    pub points_max: usize,
}

impl Default for Options {
    /// Native code in the background, with the feature `jit` and where the machine has it.
    fn default() -> Options {
        #[cfg(feature = "jit")]
        let engine = crate::jit::engine();
        #[cfg(not(feature = "jit"))]
        let engine = None;
        Options {
            engine,
            compile: Compile::WhenWarm,
            quantum_steps: crate::limits::QUANTUM_STEPS,
            processes_max: crate::limits::PROCESSES_MAX,
            points_max: crate::limits::POINTS_MAX,
        }
    }
}

impl Options {
    /// No native code.
    pub fn interpreted() -> Options {
        Options {
            engine: None,
            compile: Compile::Never,
            ..Options::default()
        }
    }

    /// Native code from the first step on.
    pub fn native() -> Options {
        Options {
            compile: Compile::AtOnce,
            ..Options::default()
        }
    }
}

/// A network of processes and flow points.
///
/// It is run by one thread at a time, by [`run`](Network::run), and may go from one to
/// another in between. Other threads send it edits through a [`Handle`] and wake its
/// processes through [wakers](Network::waker).
pub struct Network {
    wiring: Wiring,
    state: State,
    counts: Counters,
    hosts: Hosts,
    context: HostContext,
    processes: SecondaryMap<ProcessId, Box<dyn Process>>,
    specialisations: Specialisations,
    buffers: Buffers,
    simplexes: simplex::Simplexes,
    /// Elements lost at flow points that have been removed since.
    lost_at_removed: u64,
    /// Ends of inputs that their processes have not been told of yet, as they hold.
    ends_due: FxHashMap<ProcessId, VecDeque<usize>>,
    /// The processes that take no further part in the flow and have not been removed.
    retired: BTreeSet<ProcessId>,
    scheduler: Scheduler,
    /// Processes that have come, or have another program, since the last run.
    unsettled: Vec<ProcessId>,
    /// The last reports of processes that have been removed, the latest last.
    departed: VecDeque<ProcessReport>,
    /// The edges that processes watch.
    watches: demand::Watches,
    /// What the wakers set that have been asked for.
    wake_flags: FxHashMap<ProcessId, Arc<WakeFlag>>,
    timers: time::Timers,
    /// Processes that have given what they held, and are to be removed.
    departing: Vec<ProcessId>,
    /// Failures not reported yet.
    failures: Vec<Error>,
    shared: Arc<handle::Shared>,
    number: NetworkNumber,
    quantum_steps: u64,
    processes_max: usize,
    points_max: usize,
    /// Whether the grant is not to be interrupted.
    is_protected: bool,
}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Network>();
};

impl Default for Network {
    fn default() -> Network {
        Network::new(Options::default())
    }
}

impl Network {
    /// What tells it from other networks.
    pub(crate) fn number(&self) -> NetworkNumber {
        self.number
    }

    /// A network without processes.
    pub fn new(options: Options) -> Network {
        let number = NetworkNumber::next();
        Network {
            wiring: Wiring::default(),
            state: State::default(),
            counts: Counters::default(),
            hosts: Hosts::default(),
            context: HostContext::default(),
            processes: SecondaryMap::new(),
            specialisations: Specialisations::new(options.engine, options.compile),
            buffers: Buffers::default(),
            simplexes: simplex::Simplexes::default(),
            lost_at_removed: 0,
            ends_due: FxHashMap::default(),
            retired: BTreeSet::new(),
            scheduler: Scheduler::default(),
            unsettled: Vec::new(),
            departed: VecDeque::new(),
            watches: demand::Watches::default(),
            wake_flags: FxHashMap::default(),
            timers: time::Timers::default(),
            departing: Vec::new(),
            failures: Vec::new(),
            shared: Arc::new(handle::Shared::new(number, options.quantum_steps)),
            number,
            quantum_steps: options.quantum_steps.max(1),
            processes_max: options.processes_max,
            points_max: options.points_max,
            is_protected: false,
        }
    }

    /// Adds a flow point whose elements are `T`.
    ///
    /// # Errors
    /// At the bound on flow points.
    pub fn point<T: Element>(&mut self, name: &str) -> Result<FlowPoint<T>, Error> {
        let id = self.add_point(name, T::element_type())?;
        Ok(FlowPoint::of(id, self.number))
    }

    /// A handle by which other threads edit and stop the network.
    pub fn handle(&self) -> Handle {
        Handle::of(self.shared.clone())
    }

    /// Changes when chains are compiled, and drops all native code.
    pub fn set_compile(&mut self, compile: Compile) {
        let roots = self.specialisations.set_compile(&self.wiring, compile);
        self.unblock(&roots);
    }

    /// Drops all native code, as if everything had changed.
    pub fn invalidate_all(&mut self) {
        let roots = self
            .specialisations
            .invalidate_all(&self.wiring, Cause::Requested);
        self.unblock(&roots);
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("version", &self.wiring.version)
            .field("processes", &self.wiring.nodes.len())
            .field("points", &self.wiring.points.len())
            .finish_non_exhaustive()
    }
}

/// The network's counters; a counter that is given back is used again, the first one first:
/// what comes and goes again has the numbers that it had before.
#[derive(Debug, Default)]
struct Counters {
    values: Vec<u64>,
    free: BTreeSet<Counter>,
}

impl Counters {
    fn add(&mut self) -> Counter {
        if let Some(counter) = self.free.pop_first() {
            return counter;
        }
        self.values.push(0);
        Counter::try_from(self.values.len() - 1).expect("the number of processes is bounded")
    }

    fn remove(&mut self, counter: Counter) {
        self.values[counter as usize] = 0;
        self.free.insert(counter);
    }

    fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize]
    }
}

/// The network's host functions.
#[derive(Debug, Default)]
struct Hosts {
    functions: Vec<Option<HostFunction>>,
    free: BTreeSet<u32>,
}

impl Hosts {
    fn add(&mut self, function: HostFunction) -> u32 {
        if let Some(number) = self.free.pop_first() {
            self.functions[number as usize] = Some(function);
            return number;
        }
        self.functions.push(Some(function));
        u32::try_from(self.functions.len() - 1).expect("the number of processes is bounded")
    }

    fn remove(&mut self, number: u32) {
        self.functions[number as usize] = None;
        self.free.insert(number);
    }
}
