//! What two reports say of the time between them.

use std::collections::HashMap;

use cutthrough::{EdgeReport, PointId, ProcessId, ProcessReport};
use cutthrough_control::view::Snapshot;

/// What has moved at a flow point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Elements that its present writers have put there.
    pub(super) put: u64,
    /// Elements that its present readers have taken.
    pub(super) taken: u64,
}

/// Rates, in elements per second; none without two reports.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// By what goes out of a process, or into one without outputs.
    pub(super) processes: HashMap<ProcessId, f64>,
    /// By what is put into a flow point.
    pub(super) points: HashMap<PointId, f64>,
    /// By what is put into the busiest flow point: sources give blocks of bytes as a rule,
    /// which say little.
    pub(super) elements: Option<f64>,
}

impl Rates {
    /// The rates between two reports.
    pub(super) fn between(before: &Snapshot, now: &Snapshot) -> Rates {
        let seconds = now.at_us.saturating_sub(before.at_us) as f64 / 1e6;
        if seconds <= 0.0 {
            return Rates::default();
        }
        let per_second = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
        let known = |snapshot: &Snapshot| -> HashMap<ProcessId, u64> {
            let processes = snapshot.network.report.processes.iter();
            processes.map(|process| (process.id, activity(process))).collect()
        };
        let (old, points_before) = (known(before), passed(before));
        // What was not there before has done all that it did since.
        let processes = known(now)
            .into_iter()
            .map(|(id, count)| (id, per_second(old.get(&id).copied().unwrap_or(0), count)));
        let mut points = HashMap::new();
        for (id, passed) in passed(now) {
            let before = points_before.get(&id).map_or(0, |passed| passed.put);
            points.insert(id, per_second(before, passed.put));
        }
        Rates {
            processes: processes.collect(),
            elements: Some(points.values().copied().fold(0.0, f64::max)),
            points,
        }
    }
}

/// What has passed each flow point.
pub(super) fn passed(snapshot: &Snapshot) -> HashMap<PointId, Passed> {
    let mut points: HashMap<PointId, Passed> = HashMap::new();
    for process in &snapshot.network.report.processes {
        for edge in &process.outputs {
            if let Some(point) = edge.point {
                points.entry(point).or_default().put += edge.moved - edge.lost;
            }
        }
        for edge in &process.inputs {
            if let Some(point) = edge.point {
                points.entry(point).or_default().taken += edge.moved;
            }
        }
    }
    points
}

pub(super) fn moved(edges: &[EdgeReport]) -> u64 {
    edges.iter().map(|edge| edge.moved).sum()
}

fn activity(process: &ProcessReport) -> u64 {
    if process.outputs.is_empty() {
        moved(&process.inputs)
    } else {
        moved(&process.outputs)
    }
}
