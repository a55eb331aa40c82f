//! What two reports say of the time between them.

use std::collections::HashMap;
use std::time::Duration;

use cutthrough::{EdgeReport, PointId, ProcessId, ProcessReport};
use cutthrough_control::view::Snapshot;

/// What is between the two looks that a rate is taken from.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

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
        let old = known(before);
        // What was not there before has done all that it did since.
        let processes = known(now)
            .into_iter()
            .map(|(id, count)| (id, per_second(old.get(&id).copied().unwrap_or(0), count)));
        let put = |snapshot: &Snapshot| -> HashMap<PointId, u64> {
            let points = snapshot.network.report.points.iter();
            points.map(|point| (point.id, point.put)).collect()
        };
        let put_before = put(before);
        let points = put(now)
            .into_iter()
            .map(|(id, put)| (id, per_second(put_before.get(&id).copied().unwrap_or(0), put)));
        let points: HashMap<PointId, f64> = points.collect();
        Rates {
            processes: processes.collect(),
            elements: Some(points.values().copied().fold(0.0, f64::max)),
            points,
        }
    }
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
