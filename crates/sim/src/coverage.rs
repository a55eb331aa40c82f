//! What was reached how often, so that the generator cannot go blind unseen.

use std::collections::BTreeMap;

use cutthrough::processes::BranchPolicy;
use cutthrough::{Progress, Readiness};

use crate::engines::EngineKind;
use crate::plan::{Plan, Step};
use crate::procs::Fault;
use crate::run::{Event, Trace};
use crate::spec::Spec;
use crate::value::Val;

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// In how many plans each was reached.
    pub counts: BTreeMap<String, u64>,
}

/// Outcomes that have to be reached.
pub const OUTCOMES: &[&str] = &[
    "attached in mid-stream",
    "chains compiled",
    "chains invalidated",
    "chains refused",
    "cycle refused",
    "done",
    "drop policy",
    "element came late",
    "element lost at a point",
    "element lost at an edge",
    "elements in a block between runs",
    "failure by fragment",
    "failure by host error",
    "failure by host panic",
    "held: buffer",
    "held: window",
    "held: zip",
    "host failure handled",
    "pending source",
    "pending in the middle",
    "polymorphic point",
    "process removed in mid-stream",
    "puller found an element",
    "puller found none",
    "run in one go",
    "run in one go, merged",
    "several writers",
    "source without elements",
    "steps used up",
    "tagged",
    "tee: block",
    "tee: drop",
    "tee: sample",
    "waiting for good",
    "woken",
    "cancelled",
    "discarded",
    "swapped in mid-stream",
    "put in",
    "taken out",
    "restored in mid-stream",
    "restored, and run in one go",
];

/// All processes that have to be reached.
pub const PROCESSES: &[&str] = &[
    "slice",
    "iter",
    "feed",
    "pass",
    "map",
    "map_fn",
    "filter",
    "filter_fn",
    "flat_map",
    "take",
    "skip",
    "zip",
    "merge",
    "route",
    "tee",
    "fold",
    "group",
    "order",
    "buffer",
    "window",
    "gate",
    "puller",
    "faulty",
    "machine",
    "collect",
    "for_each",
    "sink",
];

impl Coverage {
    /// Notes that something was reached.
    pub fn reach(&mut self, name: &str) {
        self.add(name);
    }

    fn add(&mut self, name: impl Into<String>) {
        *self.counts.entry(name.into()).or_default() += 1;
    }

    fn add_if(&mut self, name: &str, reached: bool) {
        if reached {
            self.add(name);
        }
    }

    /// How often something was reached.
    pub fn get(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Coverage) {
        for (name, count) in other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// Notes a plan and what the interpreter made of it.
    pub fn plan(&mut self, plan: &Plan, trace: &Trace) {
        self.add("plans");
        self.add_if("tagged", plan.tagged);
        for (_, spec) in plan.processes() {
            self.add(format!("process {}", spec.kind()));
            self.spec(spec);
        }
        let mut has_run = false;
        for event in &trace.events {
            match event {
                Event::Edit(step, outcome) => self.edit(plan.steps.get(*step), outcome, has_run),
                Event::Run(..) => has_run = true,
                Event::Unbalanced(_) | Event::Panic(_) => {}
            }
        }
        self.outcomes(plan, trace);
    }

    fn spec(&mut self, spec: &Spec) {
        match spec {
            Spec::Tee(_, branches) => {
                self.add_if("tee: block", branches.contains(&BranchPolicy::Block));
                self.add_if("tee: drop", branches.contains(&BranchPolicy::Drop));
                self.add_if(
                    "tee: sample",
                    branches
                        .iter()
                        .any(|branch| matches!(branch, BranchPolicy::Sample(_))),
                );
            }
            Spec::Feed { rows, .. } => self.add_if("source without elements", rows.is_empty()),
            _ => {}
        }
    }

    fn edit(&mut self, step: Option<&Step>, outcome: &Result<(), String>, has_run: bool) {
        match (step, outcome) {
            (_, Err(message)) => self.add_if("cycle refused", message.contains("cycle")),
            (Some(Step::AttachInput { .. } | Step::AttachOutput { .. }), Ok(())) => {
                self.add_if("attached in mid-stream", has_run);
            }
            (Some(Step::Remove { .. }), Ok(())) => self.add_if("process removed in mid-stream", has_run),
            (Some(Step::Wake { .. }), Ok(())) => self.add("woken"),
            (Some(Step::Cancel { .. }), Ok(())) => self.add_if("cancelled", has_run),
            (Some(Step::Discard { .. }), Ok(())) => self.add_if("discarded", has_run),
            (Some(Step::Swap { .. }), Ok(())) => self.add_if("swapped in mid-stream", has_run),
            (Some(Step::Insert { .. }), Ok(())) => self.add_if("put in", has_run),
            (Some(Step::TakeOut { .. }), Ok(())) => self.add_if("taken out", has_run),
            (Some(Step::Restore), Ok(())) => self.add_if("restored in mid-stream", has_run),
            _ => {}
        }
    }

    fn outcomes(&mut self, plan: &Plan, trace: &Trace) {
        let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
        let mut note = |name: &'static str, is: bool| *reached.entry(name).or_default() |= is;
        for event in &trace.events {
            let Event::Run(outcome, snapshot) = event else {
                continue;
            };
            match outcome {
                Ok(progress) => note("steps used up", *progress == Progress::Steps),
                Err(message) => {
                    note("failure by fragment", message.contains("failed by itself"));
                    note("failure by host error", message.contains("ran into an error"));
                    note("failure by host panic", message.contains("ran into a panic"));
                }
            }
            for (number, process) in &snapshot.processes {
                let is = |index: usize| match process.slots.get(index) {
                    Some(Val::I(value)) => *value > 0,
                    Some(Val::B(value)) => *value,
                    _ => false,
                };
                note("element came late", process.late > 0);
                note(
                    "element lost at an edge",
                    process.outputs.iter().any(|(_, lost)| *lost > 0),
                );
                let is_pending = process.status == Readiness::Waiting;
                note("pending source", is_pending && process.inputs.is_empty());
                note("pending in the middle", is_pending && !process.inputs.is_empty());
                note("drop policy", process.dropped.iter().any(|count| *count > 0));
                match plan.spec(*number) {
                    Some(Spec::Zip(..)) => note("held: zip", is(0) || is(1)),
                    Some(Spec::Buffer(..)) => note("held: buffer", is(0)),
                    Some(Spec::Window(..)) => note("held: window", is(0)),
                    Some(Spec::Puller { .. }) => {
                        note("puller found an element", is(0));
                        note("puller found none", is(1));
                    }
                    Some(Spec::Faulty {
                        fault: (_, Fault::Handled),
                        ..
                    }) => {
                        note("host failure handled", process.dropped[0] > 0);
                    }
                    _ => {}
                }
            }
            for point in snapshot.points.values() {
                note("polymorphic point", point.polymorphic);
                note("several writers", point.attached.0 > 1);
                note("elements in a block between runs", point.counts.0 > 0);
                note("element lost at a point", point.counts.1 > 0);
            }
        }
        if let Some(Event::Run(Ok(progress), _)) = trace.events.last() {
            note("done", *progress == Progress::Done);
            note("waiting for good", *progress == Progress::Waiting);
        }
        for (name, is) in reached {
            self.add_if(name, is);
        }
    }

    /// Notes another engine's run.
    pub fn engine(&mut self, engine: EngineKind, trace: &Trace) {
        self.add(format!("engine {engine:?}"));
        for (name, count) in [
            ("chains compiled", trace.chains.compiled),
            ("chains refused", trace.chains.refused),
            ("chains invalidated", trace.chains.invalidated),
            ("chains stale", trace.chains.stale),
        ] {
            *self.counts.entry(name.to_owned()).or_default() += count;
        }
        if engine == EngineKind::Background {
            *self
                .counts
                .entry("chains compiled in the background".to_owned())
                .or_default() += trace.chains.compiled;
        }
    }
}
