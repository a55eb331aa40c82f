//! What has to hold whatever the engine: worked out from the plan and the trace, with
//! nothing of the runtime's own.

use std::collections::{BTreeMap, BTreeSet};

use cutthrough::processes::BranchPolicy;
use cutthrough::{Progress, Readiness};

use crate::plan::{Plan, Step};
use crate::procs::Fault;
use crate::run::{Event, ProcessSnapshot, Snapshot, Trace};
use crate::spec::Spec;
use crate::value::Val;

/// Checks everything.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(plan: &Plan, trace: &Trace) -> Result<(), String> {
    let facts = Facts::of(plan, trace);
    for event in &trace.events {
        let Event::Run(_, snapshot) = event else { continue };
        for (number, process) in &snapshot.processes {
            let spec = &facts.specs[number];
            balanced(spec, process)
                .map_err(|why| format!("process {number} ({}): {why}: {process:?}", spec.kind()))?;
        }
    }
    facts.nothing_is_lost(trace)?;
    facts.nothing_is_stuck(trace)?;
    facts.failures_are_named(trace)?;
    if plan.tagged {
        facts.tags(trace)?;
    }
    Ok(())
}

/// Conservation for one process: what came in went out, is held, or was dropped by a policy.
fn balanced(spec: &Spec, process: &ProcessSnapshot) -> Result<(), String> {
    let taken = process.inputs.iter().sum::<u64>() - process.late;
    let out: u64 = process.outputs.iter().map(|(moved, _)| moved).sum();
    let dropped: u64 = process.dropped.iter().sum();
    let slot = |index: usize| match process.slots.get(index) {
        Some(Val::I(value)) => value.unsigned_abs(),
        Some(Val::B(value)) => u64::from(*value),
        _ => 0,
    };
    // The element at which a process failed is its fate.
    let failed = u64::from(process.status == Readiness::Failed);
    let accounted = match spec {
        Spec::Pass(_) | Spec::Map { .. } | Spec::Merge(..) | Spec::Route { .. } | Spec::Take(..) => {
            out + failed
        }
        Spec::MapFn { .. }
        | Spec::Faulty { .. }
        | Spec::Filter { .. }
        | Spec::FilterFn { .. }
        | Spec::Skip(..) => out + dropped + failed,
        Spec::Tee(..) => {
            for (k, (moved, _)) in process.outputs.iter().enumerate() {
                if moved + process.dropped[k] != taken {
                    return Err(format!(
                        "{taken} taken, but {} accounted for at branch {k}",
                        moved + process.dropped[k]
                    ));
                }
            }
            return Ok(());
        }
        Spec::Buffer(..) | Spec::Window(..) => out + slot(0) - slot(1) + failed,
        Spec::Gate { .. } => out + process.inputs[1],
        Spec::Zip(..) => {
            let kept = slot(0) + slot(1);
            let is_over = matches!(process.status, Readiness::Finished | Readiness::Failed);
            // What is dropped when it finishes may still lie in its slots.
            if is_over && 2 * out + dropped == taken {
                taken
            } else {
                2 * out + dropped + kept
            }
        }
        _ => return Ok(()),
    };
    // A failure that came from elsewhere is no element's fate.
    if accounted == taken || (failed == 1 && accounted == taken + 1) {
        return Ok(());
    }
    Err(format!("{taken} taken, but {accounted} accounted for"))
}

/// What follows from a plan, as far as its steps could be carried out.
struct Facts<'p> {
    specs: BTreeMap<usize, &'p Spec>,
    /// Of each process, the points of its inputs and outputs.
    inputs: BTreeMap<usize, BTreeMap<usize, usize>>,
    outputs: BTreeMap<usize, BTreeMap<usize, usize>>,
    removed: BTreeSet<usize>,
    points: BTreeSet<usize>,
    /// Whether something was detached, so that its port may have had several points.
    has_moved: bool,
    /// Whether some attachment came when the network had run already.
    has_late_edits: bool,
    has_failures: bool,
}

impl<'p> Facts<'p> {
    fn of(plan: &'p Plan, trace: &Trace) -> Facts<'p> {
        let mut facts = Facts {
            specs: plan.processes().collect(),
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            removed: BTreeSet::new(),
            points: BTreeSet::new(),
            has_moved: false,
            has_late_edits: false,
            has_failures: false,
        };
        let mut has_run = false;
        for event in &trace.events {
            match event {
                Event::Run(outcome, _) => {
                    has_run = true;
                    facts.has_failures |= outcome.is_err();
                }
                Event::Edit(step, Ok(())) if *step < plan.steps.len() => {
                    facts.edit(&plan.steps[*step], has_run);
                }
                _ => {}
            }
        }
        facts
    }

    fn edit(&mut self, step: &Step, has_run: bool) {
        self.has_moved |= matches!(
            step,
            Step::DetachInput { .. } | Step::DetachOutput { .. } | Step::Insert { .. } | Step::TakeOut { .. }
        );
        match step {
            Step::Point { point, .. } => drop(self.points.insert(*point)),
            Step::AttachInput {
                process,
                input,
                point,
            } => {
                self.has_late_edits |= has_run;
                self.inputs.entry(*process).or_default().insert(*input, *point);
            }
            Step::AttachOutput {
                process,
                output,
                point,
            } => {
                self.has_late_edits |= has_run;
                self.outputs.entry(*process).or_default().insert(*output, *point);
            }
            Step::Insert { process, point, .. } => {
                self.points.insert(*point);
                self.removed.insert(*process);
            }
            Step::Remove { process }
            | Step::Cancel { process }
            | Step::Discard { process }
            | Step::TakeOut { process, .. }
            | Step::Finish { process }
            | Step::DetachInput { process, .. }
            | Step::DetachOutput { process, .. } => drop(self.removed.insert(*process)),
            _ => {}
        }
    }

    /// A point that has a reader which never leaves by itself loses nothing.
    fn nothing_is_lost(&self, trace: &Trace) -> Result<(), String> {
        if self.has_failures || !self.removed.is_empty() {
            return Ok(());
        }
        let Some(last) = last_snapshot(trace) else {
            return Ok(());
        };
        let steadfast = self.steadfast();
        let reads = self
            .inputs
            .iter()
            .flat_map(|(process, inputs)| inputs.values().map(move |point| (process, point)));
        for (process, point) in reads.filter(|(process, _)| steadfast.contains(process)) {
            if self.has_late_edits {
                continue;
            }
            if let Some(seen) = last.points.get(point)
                && seen.counts.1 > 0
            {
                return Err(format!(
                    "point {point} lost {} elements, although process {process} reads it",
                    seen.counts.1
                ));
            }
            for (writer, outputs) in &self.outputs {
                for (output, to) in outputs {
                    let lost = last
                        .processes
                        .get(writer)
                        .map_or(0, |writer| writer.outputs[*output].1);
                    if to == point && lost > 0 {
                        return Err(format!(
                            "process {writer} lost {lost} elements, although process {process} reads"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// The processes that stay until their inputs have ended: that do not finish by
    /// themselves, and of whose readers one stays too.
    fn steadfast(&self) -> BTreeSet<usize> {
        let mut steadfast: BTreeSet<usize> = BTreeSet::new();
        loop {
            let before = steadfast.len();
            for (process, spec) in &self.specs {
                let leaves = matches!(spec, Spec::Take(..) | Spec::Zip(..)) || spec.inputs().is_empty();
                let mut outputs = self.outputs.get(process).into_iter().flat_map(BTreeMap::values);
                let is_read = |point: &usize| {
                    let mut readers = self
                        .inputs
                        .iter()
                        .filter(|(_, inputs)| inputs.values().any(|from| from == point));
                    readers.any(|(reader, _)| steadfast.contains(reader))
                };
                if !leaves && (spec.outputs().is_empty() || outputs.any(is_read)) {
                    steadfast.insert(*process);
                }
            }
            if steadfast.len() == before {
                return steadfast;
            }
        }
    }

    /// When everything is attached and nothing waits for something else, all is done.
    fn nothing_is_stuck(&self, trace: &Trace) -> Result<(), String> {
        let Some(Event::Run(Ok(outcome), last)) = trace
            .events
            .iter()
            .rev()
            .find(|event| matches!(event, Event::Run(..)))
        else {
            return Ok(());
        };
        if *outcome == Progress::Done {
            return Ok(());
        }
        if *outcome == Progress::Steps {
            return Err("it never comes to rest".to_owned());
        }
        let excused = |process: &usize| {
            let spec = self.specs[process];
            let (inputs, outputs) = (spec.inputs().len(), spec.outputs().len());
            let attached =
                |ports: &BTreeMap<usize, BTreeMap<usize, usize>>| ports.get(process).map_or(0, BTreeMap::len);
            matches!(spec, Spec::Zip(..) | Spec::Gate { .. })
                || self.removed.contains(process)
                || attached(&self.inputs) < inputs
                || attached(&self.outputs) < outputs
        };
        let left: Vec<usize> = last
            .processes
            .iter()
            .filter(|(_, p)| !matches!(p.status, Readiness::Finished | Readiness::Failed))
            .map(|(n, _)| *n)
            .collect();
        if left.iter().any(excused) || self.points_without_readers() {
            return Ok(());
        }
        let left: Vec<String> = left
            .iter()
            .map(|n| format!("{n} {} {}", self.specs[n].kind(), last.processes[n].status))
            .collect();
        Err(format!("stuck: {left:?}"))
    }

    /// Whether somebody writes to a point that nobody has ever read.
    fn points_without_readers(&self) -> bool {
        let read: BTreeSet<usize> = self.inputs.values().flat_map(BTreeMap::values).copied().collect();
        self.outputs
            .values()
            .flat_map(BTreeMap::values)
            .any(|point| !read.contains(point))
    }

    /// Who fails says so itself: each message names its process twice.
    fn failures_are_named(&self, trace: &Trace) -> Result<(), String> {
        for event in &trace.events {
            let Event::Run(Err(message), _) = event else {
                continue;
            };
            let Some((name, reason)) = message.split_once(": ") else {
                return Err(format!("a failure without a name: {message}"));
            };
            let typed = name == "map" && reason.contains("map_fn");
            let ours = reason.contains(&format!("{name} failed")) || reason.contains(&format!("{name} ran"));
            let kernel = name == "order" || name == "group";
            if !typed && !ours && !kernel {
                return Err(format!("a failure with another's reason: {message}"));
            }
        }
        Ok(())
    }

    /// No loss, no repetition and no reordering, by the tags of the elements.
    fn tags(&self, trace: &Trace) -> Result<(), String> {
        let Some(last) = last_snapshot(trace) else {
            return Ok(());
        };
        let has_copies = self.specs.values().any(|spec| matches!(spec, Spec::Tee(..)));
        let mut all: BTreeMap<i64, u64> = BTreeMap::new();
        for (sink, rows) in &trace.sinks {
            let mut latest: BTreeMap<i64, i64> = BTreeMap::new();
            for row in rows {
                let Val::I(tag) = row[0] else {
                    return Err(format!("sink {sink} has no tag in {row:?}"));
                };
                *all.entry(tag).or_default() += 1;
                let (source, number) = (tag >> 32, tag & 0xffff_ffff);
                let is_later = latest.insert(source, number).is_none_or(|latest| latest < number);
                if !is_later && self.paths(source as usize, *sink) == 1 {
                    return Err(format!(
                        "sink {sink} has element {number} of source {source} after a later one"
                    ));
                }
            }
        }
        for (tag, times) in &all {
            let source = (tag >> 32) as usize;
            let moved = last
                .processes
                .get(&source)
                .map_or(u64::MAX, |source| source.outputs[0].0);
            if (tag & 0xffff_ffff) as u64 >= moved {
                return Err(format!("element {tag:#x} was never given"));
            }
            let most = if has_copies {
                trace
                    .sinks
                    .keys()
                    .map(|sink| self.paths(source, *sink))
                    .fold(0, u64::saturating_add)
            } else {
                1
            };
            if *times > most {
                return Err(format!(
                    "element {tag:#x} was read {times} times, but {most} at the most"
                ));
            }
        }
        self.nothing_vanishes(trace, last, has_copies)
    }

    /// Without copies: what the sources gave was read, dropped or lost by name, or is
    /// held.
    fn nothing_vanishes(&self, trace: &Trace, last: &Snapshot, has_copies: bool) -> Result<(), String> {
        if has_copies || !self.removed.is_empty() || self.has_failures {
            return Ok(());
        }
        let gates = self.specs.values().any(|spec| matches!(spec, Spec::Gate { .. }));
        if gates {
            return Ok(());
        }
        let mut given = 0;
        let mut fates = trace.sinks.values().map(|rows| rows.len() as u64).sum::<u64>();
        for (number, process) in &last.processes {
            let spec = self.specs[number];
            if spec.inputs().is_empty() {
                given += process.outputs[0].0;
            }
            fates += process.late + process.outputs.iter().map(|(_, lost)| lost).sum::<u64>();
            fates += process.dropped.iter().sum::<u64>();
            if let (Spec::Buffer(..) | Spec::Window(..), Some(Val::I(length)), Some(Val::I(out))) =
                (spec, process.slots.first(), process.slots.get(1))
            {
                fates += (length - out).unsigned_abs();
            }
        }
        fates += last
            .points
            .values()
            .map(|point| point.counts.0 + point.counts.1)
            .sum::<u64>();
        fates += last.lost_at_removed;
        if given != fates {
            return Err(format!(
                "{given} elements were given, but {fates} are accounted for"
            ));
        }
        Ok(())
    }

    /// On how many ways elements of a source may come to a sink; very many where ways
    /// were laid anew.
    fn paths(&self, source: usize, sink: usize) -> u64 {
        if self.has_moved {
            return u64::MAX;
        }
        let mut ways: BTreeMap<usize, u64> = BTreeMap::from([(source, 1)]);
        let mut total = 0u64;
        for _ in 0..=self.specs.len() {
            total = total.saturating_add(ways.remove(&sink).unwrap_or_default());
            let mut next: BTreeMap<usize, u64> = BTreeMap::new();
            for (process, count) in ways {
                let points = self.outputs.get(&process).into_iter().flat_map(BTreeMap::values);
                for point in points {
                    for (reader, inputs) in &self.inputs {
                        let edges = inputs.values().filter(|from| *from == point).count() as u64;
                        if edges > 0 {
                            let known = next.entry(*reader).or_default();
                            *known = known.saturating_add(count.saturating_mul(edges));
                        }
                    }
                }
            }
            ways = next;
        }
        if ways.is_empty() { total } else { u64::MAX }
    }
}

fn last_snapshot(trace: &Trace) -> Option<&Snapshot> {
    trace.events.iter().rev().find_map(|event| match event {
        Event::Run(_, snapshot) => Some(snapshot),
        _ => None,
    })
}

/// What never depends on timing: nothing is edited, no flow point has two readers, and
/// every process does the same with the same elements. Where several flows are merged,
/// the order may differ, and then all that follows must not look at it.
///
/// Gives the sinks whose elements come in any order; none where more depends on timing.
pub fn determined(plan: &Plan, trace: &Trace) -> Option<BTreeSet<usize>> {
    let facts = Facts::of(plan, trace);
    let read: Vec<usize> = facts
        .inputs
        .values()
        .flat_map(BTreeMap::values)
        .copied()
        .collect();
    let is_shared = read.iter().collect::<BTreeSet<_>>().len() < read.len();
    let edits = |step: &Step| {
        use Step::{AttachInput, AttachOutput, Point, Process, Restore, Run, Time};
        !matches!(
            step,
            Point { .. }
                | Process { .. }
                | AttachInput { .. }
                | AttachOutput { .. }
                | Run { .. }
                | Time { .. }
                | Restore
        )
    };
    let depends = facts.has_late_edits || facts.has_failures || is_shared || plan.steps.iter().any(edits);
    if depends || !facts.specs.values().all(|spec| does_the_same(spec)) {
        return None;
    }
    let mixed = facts.mixed_points();
    let takes_mixed = |process: &usize| {
        facts
            .inputs
            .get(process)
            .is_some_and(|inputs| inputs.values().any(|point| mixed.contains(point)))
    };
    let takers: BTreeSet<usize> = facts.specs.keys().copied().filter(takes_mixed).collect();
    takers
        .iter()
        .all(|process| is_blind_to_order(facts.specs[process]))
        .then_some(takers)
}

/// Compares what sinks have collected, if both runs came to their ends.
///
/// # Errors
/// The first difference.
pub fn same_in_one_go(trace: &Trace, whole: &Trace, mixed: &BTreeSet<usize>) -> Result<(), String> {
    let done = |trace: &Trace| matches!(trace.events.last(), Some(Event::Run(Ok(Progress::Done), _)));
    if done(trace) != done(whole) {
        return Err("it ends otherwise when it is run in one go".to_owned());
    }
    if !done(trace) {
        return Ok(());
    }
    for (sink, rows) in &trace.sinks {
        let (mut rows, mut others) = (rows.clone(), whole.sinks.get(sink).cloned().unwrap_or_default());
        if mixed.contains(sink) {
            rows.sort();
            others.sort();
        }
        if rows != others {
            return Err(format!("run in one go, sink {sink} has {others:?}, not {rows:?}"));
        }
    }
    Ok(())
}

impl Facts<'_> {
    /// The points where elements of several flows come in any order.
    fn mixed_points(&self) -> BTreeSet<usize> {
        let mut mixed = BTreeSet::new();
        loop {
            let before = mixed.len();
            for (process, outputs) in &self.outputs {
                let inputs = self.inputs.get(process);
                let takes_mixed =
                    inputs.is_some_and(|inputs| inputs.values().any(|point| mixed.contains(point)));
                let mixes =
                    takes_mixed || matches!(self.specs[process], Spec::Merge(_, inputs) if *inputs > 1);
                for point in outputs.values() {
                    let writers = self
                        .outputs
                        .values()
                        .flat_map(BTreeMap::values)
                        .filter(|to| *to == point)
                        .count();
                    if mixes || writers > 1 {
                        mixed.insert(*point);
                    }
                }
            }
            if mixed.len() == before {
                return mixed;
            }
        }
    }
}

/// Whether what a process does with an element does not depend on those before.
fn is_blind_to_order(spec: &Spec) -> bool {
    use Spec::{
        Buffer, Collect, Filter, FlatMap, ForEach, Map, MapFn, Merge, Pass, Route, Sink, Tee, Window,
    };
    matches!(
        spec,
        Pass(_)
            | Map { .. }
            | MapFn { .. }
            | Filter { .. }
            | Route { .. }
            | Tee(..)
            | FlatMap { .. }
            | Merge(..)
            | Buffer(..)
            | Window(..)
            | Collect(_)
            | ForEach(_)
            | Sink { .. }
    )
}

/// Whether a process gives the same whenever its elements come.
fn does_the_same(spec: &Spec) -> bool {
    match spec {
        Spec::Tee(_, branches) => branches.iter().all(|branch| *branch == BranchPolicy::Block),
        Spec::Gate { .. } | Spec::Puller { .. } | Spec::Zip(..) => false,
        Spec::Machine { inputs, optional, .. } => inputs.len() == 1 && !optional.contains(&true),
        Spec::Feed { fault, .. }
        | Spec::Faulty {
            fault: (_, fault), ..
        }
        | Spec::Sink {
            fault: (_, fault), ..
        } => {
            matches!(fault, Fault::None | Fault::Handled)
        }
        Spec::MapFn { panics_at, .. } => *panics_at == 0,
        _ => true,
    }
}
