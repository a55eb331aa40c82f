//! What a network tells of itself: counts, who waits for whom, how chains are executed.

use std::fmt;

use cutthrough_ir::Words;

use super::Network;
use crate::commitment::Commitments;
use crate::demand::{Standing, Waits};
use crate::engine::CodeMemory;
use crate::error::Error;
use crate::fate::Close;
use crate::plan::Planned;
use crate::specialize::{Cause, Invalidation, Mode, SpecialisationCounts};
use crate::wiring::{Point, PointId, Port, ProcessId, Status};

/// A snapshot of a network, taken between two grants. Taking one costs in proportion to
/// the network, and nothing of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Report {
    /// Counts the changes of the wiring: as long as it is the same, so is the graph.
    pub version: u64,
    /// The processes, upstream first.
    pub processes: Vec<ProcessReport>,
    /// The flow points.
    pub points: Vec<PointReport>,
    /// Elements that were [lost](PointReport::lost) at flow points that have been removed
    /// since.
    pub lost_at_removed: u64,
    /// The chains that have run since the wiring around them changed.
    pub chains: Vec<ChainReport>,
    /// What happened to chains so far.
    pub specialisations: SpecialisationCounts,
    /// How many chains were dropped for each cause that occurred.
    pub causes: Vec<(Cause, u64)>,
    /// The last chains that were dropped, at most
    /// [`INVALIDATIONS_KEPT_MAX`](crate::limits::INVALIDATIONS_KEPT_MAX), the latest last.
    pub invalidations: Vec<Invalidation>,
    /// What the compiler's code memory holds, if there is one.
    pub code_memory: Option<CodeMemory>,
    /// Requests of other threads that wait.
    pub requests: usize,
}

/// What there is to say of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProcessReport {
    /// Which.
    pub id: ProcessId,
    /// Its name.
    pub name: String,
    /// What it is ready for.
    pub status: Readiness,
    /// Its inputs, in order.
    pub inputs: Vec<EdgeReport>,
    /// Its outputs, in order.
    pub outputs: Vec<EdgeReport>,
    /// Elements that it holds, as far as it has an [account](crate::Account) of them.
    pub held: u64,
    /// Elements that went back to its author.
    pub handed_back: u64,
    /// Elements that came with the state of another process ([`Network::merge`]).
    pub merged: u64,
    /// Elements dropped, by policy; last by those of programs that the process had before a
    /// [swap](crate::Rewire::swap).
    pub dropped: Vec<(String, u64)>,
    /// Whether it is to be removed when it has given what it holds.
    pub is_leaving: bool,
}

/// What a process is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Readiness {
    /// It has nothing to give and takes input.
    Idle,
    /// It has something to give, and takes no input until that is given.
    Holding,
    /// It is pending: it gives when it has been woken, and takes no input before.
    Waiting,
    /// It takes no part any more.
    Finished,
    /// It has failed.
    Failed,
}

impl ProcessReport {
    /// Whether the process takes no part any more: it has finished or failed.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Readiness::Finished | Readiness::Failed)
    }
}

/// What there is to say of one input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EdgeReport {
    /// The flow point, unless detached.
    pub point: Option<PointId>,
    /// Elements moved.
    pub moved: u64,
    /// Of these, how many found no reader any more (outputs), or came when the
    /// process was over (inputs).
    pub lost: u64,
    /// Why it is closed, if it is.
    pub closed: Option<Close>,
}

/// What there is to say of a flow point.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PointReport {
    /// Which.
    pub id: PointId,
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub element: String,
    /// Its writers, and what each has on offer.
    pub writers: Vec<(Port, Standing)>,
    /// Its readers, and what each asks for.
    pub readers: Vec<(Port, Standing)>,
    /// Who waits for whom.
    pub waits: Waits,
    /// Why elements are dealt out from blocks here, if they are.
    pub polymorphic: Option<Polymorphic>,
    /// Elements put here, in the life of the flow point, by whoever wrote here.
    pub put: u64,
    /// Elements taken from here, by whoever read here. What was put has been taken, is in
    /// `in_deal`, or is in `lost`.
    pub taken: u64,
    /// Elements of a block on their way to readers.
    pub in_deal: u64,
    /// Elements that were to be dealt out when the last reader left.
    pub lost: u64,
    /// Whether it stays open when its last writer leaves.
    pub holds_writers: bool,
    /// Whether it stays open when its last reader leaves.
    pub holds_readers: bool,
}

/// Why elements of a flow point are dealt out from blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Polymorphic {
    /// So many readers compete for them.
    Readers(usize),
    /// Two ways from one process meet here, above one that bears a single element at a
    /// time.
    Join,
    /// A block is still being dealt out, from when it had to be.
    Block,
}

/// What there is to say of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChainReport {
    /// The process at its root.
    pub root: ProcessId,
    /// Whether it begins with a delivery to the root rather than in it.
    pub is_delivery: bool,
    /// The names of the processes in it.
    pub members: Vec<String>,
    /// The processes in it, in the same order.
    pub processes: Vec<ProcessId>,
    /// The flow points that it goes through.
    pub points: Vec<PointId>,
    /// Of these, the polymorphic ones, at which it ends.
    pub ends_at: Vec<PointId>,
    /// How it is executed, and why it is not native if it is not.
    pub mode: Mode,
    /// In which form its native code was compiled, and what that fell back from.
    pub strategy: Option<String>,
    /// Steps that it has run for so.
    pub steps: u64,
}

impl Report {
    /// The chains that go through a flow point, or end there.
    pub fn chains_through(&self, point: PointId) -> impl Iterator<Item = &ChainReport> {
        self.chains
            .iter()
            .filter(move |chain| chain.points.contains(&point))
    }

    pub(super) fn of_process(net: &Network, id: ProcessId) -> ProcessReport {
        let node = net.wiring.node(id);
        let inputs = node.inputs.iter().map(|edge| EdgeReport {
            point: edge.point,
            moved: net.counts.get(edge.count),
            lost: net.counts.get(edge.late),
            closed: edge.closed.clone(),
        });
        let outputs = node.outputs.iter().map(|edge| EdgeReport {
            point: edge.point,
            moved: net.counts.get(edge.count),
            lost: net.counts.get(edge.lost),
            closed: edge.closed.clone(),
        });
        let dropped = node.code.tables().drops.iter().zip(&*node.drops);
        let dropped = dropped.map(|(name, &counter)| (name.clone(), net.counts.get(counter)));
        ProcessReport {
            id,
            name: node.name.to_string(),
            status: Readiness::of(net.status(id)),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            held: net.held(node),
            handed_back: node.handed_back,
            merged: node.merged,
            is_leaving: node.is_leaving,
            dropped: dropped.chain(node.dropped_before.iter().cloned()).collect(),
        }
    }
}

impl Readiness {
    fn of(status: Status) -> Readiness {
        match status {
            Status::Idle => Readiness::Idle,
            Status::Holding => Readiness::Holding,
            Status::Waiting => Readiness::Waiting,
            Status::Finished => Readiness::Finished,
            Status::HostFailed | Status::Failed => Readiness::Failed,
        }
    }
}

impl Network {
    /// A snapshot: counts, modes, who is attached to what.
    pub fn report(&mut self) -> Report {
        let order = self.wiring.arrangement.order.iter();
        let processes = order.map(|id| Report::of_process(self, id)).collect();
        Report {
            version: self.wiring.version,
            processes,
            points: self.point_reports(),
            lost_at_removed: self.lost_at_removed,
            chains: self.chain_reports(),
            specialisations: self.specialisations.counts(),
            causes: self.specialisations.invalidations.by_cause(),
            invalidations: self.specialisations.invalidations.recent().cloned().collect(),
            code_memory: self.specialisations.code_memory(),
            requests: self.shared.requests(),
        }
    }

    fn point_reports(&mut self) -> Vec<PointReport> {
        let mut asks = Vec::with_capacity(self.wiring.points.len());
        let mut commitments = Commitments::new(&self.wiring, &self.state);
        for point in self.wiring.points.values() {
            let readers = point.readers.iter();
            let asked = readers.map(|&reader| (reader, Standing::of(commitments.of_input(reader))));
            asks.push(asked.collect());
        }
        let passed = self.passed();
        let points = self.wiring.points.iter().zip(asks);
        points
            .map(|((id, point), readers)| {
                let (put, taken) = passed.get(id).copied().unwrap_or_default();
                PointReport {
                    put,
                    taken,
                    ..self.point_report(id, point, readers)
                }
            })
            .collect()
    }

    fn point_report(&self, id: PointId, point: &Point, readers: Vec<(Port, Standing)>) -> PointReport {
        let writers = point.writers.iter();
        let writers: Vec<_> = writers.map(|&writer| (writer, self.offered(writer))).collect();
        let some =
            |side: &[(Port, Standing)]| side.iter().any(|(_, standing)| *standing != Standing::Nothing);
        let in_deal = self.simplexes.left(id);
        let waits = Waits::of(some(&readers), self.offered_at(id) != Standing::Nothing);
        PointReport {
            id,
            name: point.name.to_string(),
            element: point.element.to_string(),
            writers,
            readers,
            waits,
            polymorphic: point.dealt.then_some(match point.readers.len() {
                _ if self.wiring.arrangement.is_kept_dealt(id) => Polymorphic::Block,
                0 | 1 => Polymorphic::Join,
                several => Polymorphic::Readers(several),
            }),
            put: 0,
            taken: 0,
            in_deal,
            lost: self.counts.get(point.lost),
            holds_writers: point.hold_writers,
            holds_readers: point.hold_readers,
        }
    }

    fn chain_reports(&mut self) -> Vec<ChainReport> {
        let roots = self.specialisations.roots();
        let chains = roots.into_iter().map(|(root, planned, steps)| {
            let Planned { plan, reach } = &*planned;
            ChainReport {
                root: root.process(),
                is_delivery: root.is_delivery(),
                members: plan
                    .members
                    .iter()
                    .map(|member| member.name.to_string())
                    .collect(),
                processes: reach.members.clone(),
                points: reach.points.clone(),
                ends_at: reach.dealt.clone(),
                mode: self.specialisations.mode(root),
                strategy: self.specialisations.strategy(root),
                steps,
            }
        });
        chains.collect()
    }

    /// The values of a process's slots, in the order of their declaration: what it goes on from at its next activation.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn slots(&self, process: ProcessId) -> Result<Vec<Words<'_>>, Error> {
        let places = &self.known(process)?.places;
        Ok(places.iter().map(|&place| self.state.get(place)).collect())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for process in &self.processes {
            write!(f, "process {} ({})", process.name, process.status)?;
            for (k, edge) in process.inputs.iter().enumerate() {
                write!(f, ", in {k}: {}", edge.moved)?;
            }
            for (k, edge) in process.outputs.iter().enumerate() {
                write!(f, ", out {k}: {}", edge.moved)?;
                if edge.lost > 0 {
                    write!(f, " ({} lost)", edge.lost)?;
                }
            }
            if process.held > 0 {
                write!(f, ", {} held", process.held)?;
            }
            for (policy, count) in process.dropped.iter().filter(|(_, count)| *count > 0) {
                write!(f, ", {count} {policy}")?;
            }
            writeln!(f)?;
        }
        for point in &self.points {
            let (writers, readers) = (point.writers.len(), point.readers.len());
            write!(f, "point {}: {writers} writers, {readers} readers, ", point.name)?;
            match point.polymorphic {
                None => f.write_str("monomorphic")?,
                Some(why) => why.fmt(f)?,
            }
            writeln!(f, ", {}", point.waits)?;
        }
        for chain in &self.chains {
            writeln!(f, "chain {}: {}", chain.members.join(" -> "), chain.mode)?;
        }
        for invalidation in &self.invalidations {
            writeln!(f, "dropped {invalidation}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Readiness::Idle => "idle",
            Readiness::Holding => "holding",
            Readiness::Waiting => "waiting",
            Readiness::Finished => "finished",
            Readiness::Failed => "failed",
        })
    }
}

impl fmt::Display for Polymorphic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Polymorphic::Readers(several) => write!(f, "polymorphic between {several} readers"),
            Polymorphic::Join => f.write_str("polymorphic, as two ways join"),
            Polymorphic::Block => f.write_str("polymorphic until its block is dealt out"),
        }
    }
}
