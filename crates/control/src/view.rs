//! What is told of a network: the runtime's report, bounded in size, and how old it is.

use cutthrough::{Network, Report};
use serde::{Deserialize, Serialize};

use crate::limits::{
    REPORT_CHAINS_MAX, REPORT_ITEMS_MAX, REPORT_POINTS_MAX, REPORT_PROCESSES_MAX, REPORT_TEXT_BYTES_MAX,
};

/// The newest that is known of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How old it is, in milliseconds.
    pub age_ms: u64,
    /// For how long the network has not answered, in milliseconds; nothing if it has.
    pub silent_ms: Option<u64>,
    /// When it was made, in microseconds since the server began: for rates.
    pub at_us: u64,
    /// The network then.
    pub network: NetworkView,
    /// What its thread is inside of now, and what has come in and gone out until now, where
    /// the program that runs it says that ([`Options::activity`](crate::Options::activity)).
    #[serde(default)]
    pub activity: Option<Activity>,
}

/// What a network's thread is at: known also while it answers nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The call that it is inside of.
    pub call: Option<Call>,
    /// How many bytes have come in.
    pub bytes_read: u64,
    /// How many bytes have gone out.
    pub bytes_written: u64,
    /// What its thread has spent its time in, but for what it computes itself.
    #[serde(default)]
    pub spent: Vec<Spent>,
}

/// How long a network's thread has been inside of calls of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// What they do: "writing to standard output", "waiting for input".
    pub what: String,
    /// For how long until now, in microseconds.
    pub us: u64,
}

/// A call of the system that may not come back for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What it does: "writing to standard output".
    pub what: String,
    /// For how long already, in milliseconds.
    pub for_ms: u64,
}

/// A network at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// What it reports, cut to the bounds of this crate.
    pub report: Report,
    /// Which counts do not agree, if any: elements would have been lost or doubled.
    pub miscounted: Option<String>,
    /// Processes, flow points and chains that are left out of the report.
    pub left_out: usize,
}

impl NetworkView {
    /// What there is to tell of a network.
    pub fn of(network: &mut Network) -> NetworkView {
        let mut report = network.report();
        let miscounted = network.check_conservation().err();
        NetworkView {
            left_out: cut(&mut report),
            miscounted: miscounted.map(|error| error.to_string()),
            report,
        }
    }

    /// How many elements have gone out of sources.
    pub fn elements(&self) -> u64 {
        let processes = self.report.processes.iter();
        let sources = processes.filter(|process| process.inputs.is_empty());
        let outputs = sources.flat_map(|source| &source.outputs);
        outputs.map(|edge| edge.moved).sum()
    }
}

/// Cuts a report to the bounds; how much is left out.
fn cut(report: &mut Report) -> usize {
    let whole = [report.processes.len(), report.points.len(), report.chains.len()];
    report.processes.truncate(REPORT_PROCESSES_MAX);
    report.points.truncate(REPORT_POINTS_MAX);
    report.chains.truncate(REPORT_CHAINS_MAX);
    for process in &mut report.processes {
        shorten(&mut process.name);
        process.inputs.truncate(REPORT_ITEMS_MAX);
        process.outputs.truncate(REPORT_ITEMS_MAX);
        process.dropped.truncate(REPORT_ITEMS_MAX);
        process.dropped.iter_mut().for_each(|(policy, _)| shorten(policy));
    }
    for point in &mut report.points {
        shorten(&mut point.name);
        shorten(&mut point.element);
        point.writers.truncate(REPORT_ITEMS_MAX);
        point.readers.truncate(REPORT_ITEMS_MAX);
    }
    for chain in &mut report.chains {
        chain.members.truncate(REPORT_ITEMS_MAX);
        chain.members.iter_mut().for_each(shorten);
        chain.processes.truncate(REPORT_ITEMS_MAX);
        chain.points.truncate(REPORT_ITEMS_MAX);
        chain.ends_at.truncate(REPORT_ITEMS_MAX);
    }
    for invalidation in &mut report.invalidations {
        let names = [
            Some(&mut invalidation.root_name),
            invalidation.process.as_mut().map(|(_, name)| name),
            invalidation.point.as_mut().map(|(_, name)| name),
        ];
        for name in names.into_iter().flatten() {
            let mut text = name.to_string();
            shorten(&mut text);
            *name = text.into();
        }
    }
    let kept = [report.processes.len(), report.points.len(), report.chains.len()];
    whole.iter().sum::<usize>() - kept.iter().sum::<usize>()
}

fn shorten(text: &mut String) {
    if text.len() > REPORT_TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REPORT_TEXT_BYTES_MAX));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use cutthrough::processes::{Collect, Slice};

    use super::*;

    #[test]
    fn a_view_is_bounded() {
        let mut network = Network::default();
        let point = network.point::<i64>(&"ä".repeat(REPORT_TEXT_BYTES_MAX)).unwrap();
        let add = |rewire: &mut cutthrough::Rewire<'_>| {
            for _ in 0..=REPORT_ITEMS_MAX {
                let sink = rewire.add(Collect::<i64>::new())?;
                rewire.attach_input(sink, 0, point)?;
            }
            for _ in 0..REPORT_PROCESSES_MAX {
                let source = rewire.add(Slice::i64([1]))?;
                let point = rewire.point("numbers", cutthrough::ir::Type::I64)?;
                rewire.attach_output(source, 0, point)?;
            }
            Ok(())
        };
        network.rewire(add).unwrap();
        let view = NetworkView::of(&mut network);
        assert_eq!(view.report.processes.len(), REPORT_PROCESSES_MAX);
        assert_eq!(view.left_out, REPORT_ITEMS_MAX + 2);
        let point = &view.report.points[0];
        assert_eq!(point.readers.len(), REPORT_ITEMS_MAX);
        assert!(
            point.name.len() <= REPORT_TEXT_BYTES_MAX + '…'.len_utf8(),
            "{}",
            point.name.len()
        );
        let text = serde_json::to_vec(&view).unwrap();
        assert!(text.len() < crate::limits::FRAME_BYTES_MAX / 2, "{}", text.len());
        assert_eq!(serde_json::from_slice::<NetworkView>(&text).unwrap(), view);
    }
}
