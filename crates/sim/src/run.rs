//! Carries out a plan on one engine and keeps what could be seen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cutthrough::{
    Error, Network, PointId, Port, Prepared, Process, ProcessId, Progress, Readiness, SpecialisationCounts,
};

use crate::engines::EngineKind;
use crate::plan::{Plan, Step};
use crate::procs::{Collected, lock};
use crate::spec::Spec;
use crate::value::{Row, read};

/// How often what is left over at the end is run on.
const ROUNDS_MAX: usize = 400;

/// How many steps one of those rounds has.
const ROUND_STEPS: u64 = 200_000;

/// What could be seen of one network.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What came of each step, in order, and of the rounds at the end.
    pub events: Vec<Event>,
    /// What each sink has collected.
    pub sinks: BTreeMap<usize, Vec<Row>>,
    /// What happened to chains; not compared.
    pub chains: SpecialisationCounts,
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An edit, with its error.
    Edit(usize, Result<(), String>),
    /// A run, what it said, and how the network looks then.
    Run(Result<Progress, String>, Snapshot),
    /// The counts do not add up.
    Unbalanced(String),
    /// The network panicked.
    Panic(String),
}

/// A network between two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The processes that are in it, by their numbers.
    pub processes: BTreeMap<usize, ProcessSnapshot>,
    /// The flow points that are in it, by their numbers.
    pub points: BTreeMap<usize, PointSnapshot>,
    /// Elements lost at flow points that are not in it any more.
    pub lost_at_removed: u64,
}

/// A process between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// What it is ready for.
    pub status: Readiness,
    /// Elements that came in, by input.
    pub inputs: Vec<u64>,
    /// Elements that came when it was over.
    pub late: u64,
    /// Elements that went out, and of these the lost, by output.
    pub outputs: Vec<(u64, u64)>,
    /// Elements dropped, by policy.
    pub dropped: Vec<u64>,
    /// Its slots.
    pub slots: Row,
}

/// A flow point between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointSnapshot {
    /// Its writers and readers.
    pub attached: (usize, usize),
    /// Whether elements are dealt out here.
    pub polymorphic: bool,
    /// Elements on their way to readers, and elements that found none.
    pub counts: (u64, u64),
}

thread_local! {
    /// Where the last panic of this thread was, and what it said.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics remembered instead of printed.
pub fn quiet() {
    std::panic::set_hook(Box::new(|info| {
        if std::env::var_os("SIM_PANICS").is_some() {
            eprintln!("{info}");
        }
        PANIC.set(info.to_string());
    }));
}

/// Where the last panic of this thread was, and what it said.
pub fn take_panic() -> String {
    PANIC.take()
}

/// Carries out a plan.
pub fn run(plan: &Plan, engine: EngineKind) -> Trace {
    let mut trace = Trace::default();
    let mut sinks: BTreeMap<usize, Collected> = BTreeMap::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut runner = Runner {
            network: Network::new(engine.options(plan.quantum_steps)),
            engine,
            quantum_steps: plan.quantum_steps,
            now: Duration::ZERO,
            specs: BTreeMap::new(),
            processes: BTreeMap::new(),
            points: BTreeMap::new(),
            sinks: &mut sinks,
            trace: &mut trace,
        };
        for (index, step) in plan.steps.iter().enumerate() {
            runner.step(index, step);
        }
        runner.finish();
        runner.trace.chains = runner.network.report().specialisations;
    }));
    if outcome.is_err() {
        trace.events.push(Event::Panic(take_panic()));
    }
    trace.sinks = sinks
        .into_iter()
        .map(|(process, rows)| (process, std::mem::take(&mut *lock(&rows))))
        .collect();
    trace
}

pub(crate) struct Runner<'r> {
    pub(crate) network: Network,
    pub(crate) engine: EngineKind,
    pub(crate) quantum_steps: u64,
    pub(crate) now: Duration,
    specs: BTreeMap<usize, Spec>,
    pub(crate) processes: BTreeMap<usize, ProcessId>,
    pub(crate) points: BTreeMap<usize, PointId>,
    sinks: &'r mut BTreeMap<usize, Collected>,
    trace: &'r mut Trace,
}

impl Runner<'_> {
    fn step(&mut self, index: usize, step: &Step) {
        if let Step::Run { steps } = step {
            let _ = self.run(*steps);
            return;
        }
        if let Some(outcome) = self.edit(step) {
            let outcome = outcome.map_err(|error| error.to_string());
            self.trace.events.push(Event::Edit(index, outcome));
            self.balance();
        }
    }

    /// None where the plan refers to something that is not there.
    fn edit(&mut self, step: &Step) -> Option<Result<(), Error>> {
        let network = &mut self.network;
        let process_of = |process: &usize| self.processes.get(process).copied();
        let point_of = |point: &usize| self.points.get(point).copied();
        Some(match step {
            Step::Point { point, element } => {
                let added = network.add_point(&format!("p{point}"), element.clone());
                added.map(|id| {
                    self.points.insert(*point, id);
                })
            }
            Step::Process { process, spec } => {
                self.specs.insert(*process, spec.clone());
                if spec.outputs().is_empty() {
                    self.sinks.insert(*process, Collected::default());
                }
                let built = self.build(*process);
                let added = self.network.add_boxed(built);
                added.map(|id| {
                    self.processes.insert(*process, id);
                })
            }
            Step::AttachInput {
                process,
                input,
                point,
            } => network.attach_input(process_of(process)?, *input, point_of(point)?),
            Step::AttachOutput {
                process,
                output,
                point,
            } => network.attach_output(process_of(process)?, *output, point_of(point)?),
            Step::HoldWriters { point, hold } => network.hold_writers(point_of(point)?, *hold),
            Step::HoldReaders { point, hold } => network.hold_readers(point_of(point)?, *hold),
            Step::DetachInput { process, input } => {
                let id = process_of(process)?;
                network.rewire(|rewire| rewire.detach_input(id, *input)).map(drop)
            }
            Step::DetachOutput { process, output } => {
                let id = process_of(process)?;
                network
                    .rewire(|rewire| rewire.detach_output(id, *output))
                    .map(drop)
            }
            Step::Finish { process } => {
                let id = process_of(process)?;
                network.rewire(|rewire| rewire.finish(id))
            }
            Step::Cancel { process } => network.cancel(process_of(process)?),
            Step::Discard { process } => {
                let id = process_of(process)?;
                let discarded = network.rewire(|rewire| rewire.discard(id));
                if discarded.is_ok() {
                    self.processes.remove(process);
                }
                discarded
            }
            Step::Swap { process, spec } => {
                let id = process_of(process)?;
                let before = self.specs.insert(*process, spec.clone());
                let by = Prepared::new(self.build(*process));
                let swapped = by.and_then(|by| self.network.rewire(|rewire| rewire.swap_prepared(id, by)));
                if swapped.is_err() {
                    self.specs.extend(before.map(|before| (*process, before)));
                }
                swapped
            }
            Step::Insert {
                process,
                behind,
                point,
            } => {
                let id = process_of(process)?;
                let behind = Port {
                    process: process_of(&behind.0)?,
                    port: behind.1,
                };
                let inserted = network.rewire(|rewire| rewire.insert(behind, id));
                inserted.map(|id| {
                    self.points.insert(*point, id);
                })
            }
            Step::TakeOut { process, point } => {
                let id = process_of(process)?;
                let taken = network.rewire(|rewire| rewire.take_out(id));
                taken.map(|is_gone| {
                    if is_gone {
                        self.processes.remove(process);
                        self.points.remove(point);
                    }
                })
            }
            Step::Wake { process } => {
                let id = process_of(process)?;
                self.wake(id)
            }
            Step::Time { ms } => {
                self.now += Duration::from_millis(*ms);
                network.set_time(self.now);
                Ok(())
            }
            Step::Restore => self.restore(),
            Step::Remove { process } => {
                let id = process_of(process)?;
                let removed = network.remove(id).map(drop);
                if removed.is_ok() {
                    self.processes.remove(process);
                }
                removed
            }
            Step::RemovePoint { point } => {
                let id = point_of(point)?;
                let removed = network.remove_point(id);
                if removed.is_ok() {
                    self.points.remove(point);
                }
                removed
            }
            Step::Run { .. } => unreachable!("handled by the caller"),
        })
    }

    /// The process of a number, as it is now.
    pub(crate) fn build(&self, number: usize) -> Box<dyn Process> {
        let spec = &self.specs[&number];
        let collected = self.sinks.get(&number).cloned().unwrap_or_default();
        spec.build(&format!("{}{number}", spec.kind()), &collected)
    }

    /// Wakes a source, and whatever is pending in the middle of a flow.
    fn wake(&mut self, source: ProcessId) -> Result<(), Error> {
        let network = &mut self.network;
        network.waker(source)?.wake();
        for &id in self.processes.values() {
            // One that has been removed as it had finished stays in the list.
            let report = network.process_report(id);
            if report.is_ok_and(|report| report.status == Readiness::Waiting && !report.inputs.is_empty()) {
                network.waker(id)?.wake();
            }
        }
        Ok(())
    }

    fn run(&mut self, steps: u64) -> Result<Progress, String> {
        let outcome = self.network.run_steps(steps).map_err(|error| {
            let name = error.process().unwrap_or("no process");
            format!("{name}: {}", error.message())
        });
        let snapshot = self.snapshot();
        self.trace.events.push(Event::Run(outcome.clone(), snapshot));
        self.balance();
        if self.engine.invalidates() {
            self.network.invalidate_all();
        }
        outcome
    }

    fn balance(&mut self) {
        if let Err(error) = self.network.check_conservation() {
            self.trace.events.push(Event::Unbalanced(error.to_string()));
        }
    }

    /// Lets everything go and runs until nothing moves.
    fn finish(&mut self) {
        let points: Vec<usize> = self.points.keys().copied().collect();
        for point in points {
            self.step(usize::MAX, &Step::HoldWriters { point, hold: false });
            self.step(usize::MAX, &Step::HoldReaders { point, hold: false });
        }
        for _ in 0..ROUNDS_MAX {
            match self.run(ROUND_STEPS) {
                Ok(Progress::Done) => return,
                Ok(Progress::Waiting) => {
                    let is_woken = self.wake_all();
                    if let Some(at) = self.network.next_timer() {
                        let ms = (at - self.now).as_millis() as u64;
                        self.step(usize::MAX, &Step::Time { ms });
                    } else if !is_woken {
                        return;
                    }
                }
                Ok(Progress::Steps) | Err(_) => {}
            }
        }
    }

    /// Wakes all that are pending, also those that are being removed; whether there is any.
    fn wake_all(&mut self) -> bool {
        let processes = self.network.report().processes;
        let pending = processes
            .iter()
            .filter(|process| process.status == Readiness::Waiting);
        let pending: Vec<ProcessId> = pending.map(|process| process.id).collect();
        for &id in &pending {
            self.network.waker(id).expect("it is there").wake();
        }
        !pending.is_empty()
    }

    fn snapshot(&mut self) -> Snapshot {
        let report = self.network.report();
        let mut snapshot = Snapshot {
            lost_at_removed: report.lost_at_removed,
            ..Snapshot::default()
        };
        for (number, id) in &self.processes {
            let Some(process) = report.processes.iter().find(|process| process.id == *id) else {
                continue;
            };
            let slots = self.network.slots(*id).unwrap_or_default();
            let slots = slots.into_iter().flat_map(read);
            let seen = ProcessSnapshot {
                status: process.status,
                inputs: process.inputs.iter().map(|edge| edge.moved).collect(),
                late: process.inputs.iter().map(|edge| edge.lost).sum(),
                outputs: process
                    .outputs
                    .iter()
                    .map(|edge| (edge.moved, edge.lost))
                    .collect(),
                dropped: process.dropped.iter().map(|(_, count)| *count).collect(),
                slots: slots.collect(),
            };
            snapshot.processes.insert(*number, seen);
        }
        for (number, id) in &self.points {
            let Some(point) = report.points.iter().find(|point| point.id == *id) else {
                continue;
            };
            let seen = PointSnapshot {
                attached: (point.writers.len(), point.readers.len()),
                polymorphic: point.polymorphic.is_some(),
                counts: (point.in_deal, point.lost),
            };
            snapshot.points.insert(*number, seen);
        }
        snapshot
    }
}
