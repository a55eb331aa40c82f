//! What a tap consists of in the network, and how it goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cutthrough::{Error, Network, PointId, ProcessId, Rewire};

use super::TapCounts;
use super::output::{Shared, Sink};

/// The processes and flow points of a tap.
#[derive(Debug)]
pub(super) struct Attached {
    /// Stands behind the writers of the flow point; none when it has been taken out.
    pub(super) tee: Option<ProcessId>,
    /// What it reads.
    pub(super) between: PointId,
    /// What it writes to for the tap.
    pub(super) tapped: PointId,
    /// The tap's pipeline, upstream first, and its end.
    pub(super) nodes: Vec<ProcessId>,
    pub(super) sink: ProcessId,
    pub(super) points: Vec<PointId>,
    pub(super) fate: Fate,
}

/// What is to become of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They hold nothing and may go at once.
    Removed,
    /// What they hold comes out first, unless nobody wants it.
    Finished,
    /// What they hold belongs to the flow.
    Awaited,
}

impl Attached {
    /// Has the end of the tap ask for elements again.
    pub(super) fn open(&self, network: &mut Network) {
        // It may have left by itself.
        let _ = network.set_slot(self.sink, Sink::ROOM, 1);
    }

    /// Takes the tap out. What its pipeline still holds comes out first.
    pub(super) fn detach(shared: &Arc<Shared>, network: &mut Network) {
        let Some(mut attached) = shared.attached.lock().take() else {
            return;
        };
        if attached.fate == Fate::Removed {
            attached.remove(shared, network);
            return;
        }
        attached.take_out_tee(shared, network);
        *shared.attached.lock() = Some(attached);
        Attached::tidy(shared, network);
    }

    /// Takes the tap out at once, with what it holds.
    pub(super) fn discard(shared: &Arc<Shared>, network: &mut Network) {
        let attached = shared
            .attached
            .lock()
            .take_if(|attached| attached.fate != Fate::Awaited);
        if let Some(mut attached) = attached {
            attached.remove(shared, network);
        }
    }

    /// Removes what is over. A tap whose pipeline is over is taken out.
    pub(super) fn tidy(shared: &Arc<Shared>, network: &mut Network) {
        let attached = shared.attached.lock().take();
        let Some(mut attached) = attached else { return };
        let is_over = |process: &ProcessId| {
            network
                .process_report(*process)
                .map_or(true, |report| report.is_over())
        };
        if attached.nodes.iter().all(is_over) {
            attached.remove(shared, network);
        } else {
            *shared.attached.lock() = Some(attached);
        }
    }

    /// How many elements the tap has seen and missed.
    pub(super) fn count(&self, shared: &Shared, network: &Network) {
        let report = self.tee.and_then(|tee| network.process_report(tee).ok());
        if let Some(report) = report {
            let tapped = &report.outputs[1];
            let missed = report.dropped[1].1;
            let mut counts = shared.counts.lock();
            (counts.seen, counts.missed) = (tapped.moved - tapped.lost + missed, missed);
        }
        shared.counts.lock().emitted = shared.rows();
    }

    /// The tee alone, by one rewire.
    fn take_out_tee(&mut self, shared: &Shared, network: &mut Network) {
        self.count(shared, network);
        if let Some(tee) = self.tee.take() {
            let is_gone = network.rewire(|rewire| cut(rewire, tee, self.between));
            debug_assert!(is_gone.is_ok(), "{is_gone:?}");
            if !is_gone.unwrap_or(true) {
                self.nodes.insert(0, tee);
                self.points.push(self.between);
                self.fate = Fate::Awaited;
            }
        }
    }

    /// Everything, by one rewire.
    fn remove(&mut self, shared: &Arc<Shared>, network: &mut Network) {
        self.count(shared, network);
        shared.is_leaving.store(true, Ordering::Relaxed);
        let tee = self.tee.take();
        let is_gone = network.rewire(|rewire| {
            let is_gone = tee.map_or(Ok(true), |tee| cut(rewire, tee, self.between))?;
            for &process in &self.nodes {
                present(rewire.discard(process))?;
            }
            for &point in &self.points {
                present(rewire.remove_point(point))?;
            }
            if is_gone {
                present(rewire.remove_point(self.tapped))?;
            }
            Ok(is_gone)
        });
        shared.end(Ok(()));
        debug_assert!(is_gone.is_ok(), "{is_gone:?}");
        if let (Some(tee), Ok(false)) = (tee, is_gone) {
            shared.is_leaving.store(false, Ordering::Relaxed);
            *shared.attached.lock() = Some(Attached {
                tee: None,
                nodes: vec![tee],
                points: vec![self.between],
                fate: Fate::Awaited,
                ..*self
            });
        }
    }
}

/// Takes the tee out; whether it is gone. If not, a block is on its way to it: it hands that on and ends by itself.
fn cut(rewire: &mut Rewire<'_>, tee: ProcessId, between: PointId) -> Result<bool, Error> {
    match rewire.take_out(tee) {
        Ok(is_gone) => Ok(is_gone),
        // The flow has ended, and the tee with it.
        Err(_) => {
            present(rewire.remove(tee))?;
            present(rewire.remove_point(between))?;
            Ok(true)
        }
    }
}

/// What is not there any more need not be removed.
fn present(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(error) if error.kind() == cutthrough::ErrorKind::NotThere => Ok(()),
        outcome => outcome,
    }
}

impl TapCounts {
    pub(super) fn of(shared: &Arc<Shared>, network: &Network) -> TapCounts {
        if let Some(attached) = &*shared.attached.lock() {
            attached.count(shared, network);
        }
        shared.counts.lock().emitted = shared.rows();
        *shared.counts.lock()
    }
}
