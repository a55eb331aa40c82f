//! A change as one rewire.

use std::collections::HashSet;

use cutthrough::{EdgeReport, Error, Network, PointId, Prepared, ProcessId, ProcessReport, Rewire};
use cutthrough_formats::processes::BadRows;

use super::{Change, Fate, stale};
use crate::lower::{BuildError, Io, NodeIndex, PointIndex, Spec};
use crate::running::{Feed, Parts, Running, prepare, transact};
use crate::span::Span;

/// A change whose processes have been made, and what they read and write opened: to apply it takes one rewire.
#[derive(Debug)]
pub struct OpenChange {
    change: Change,
    /// For each process of the new program, what it is made of, unless it is kept.
    prepared: Vec<Option<Prepared>>,
    bad_rows: Vec<Option<BadRows>>,
}

impl Change {
    /// Makes the processes that the change puts in, on any thread.
    ///
    /// # Errors
    /// When an input or output cannot be opened.
    pub fn open(self, running: &Running, io: &mut dyn Io) -> Result<OpenChange, BuildError> {
        if self.version != running.version {
            return Err(BuildError::new(stale(), Span::default()));
        }
        let mut prepared = Vec::with_capacity(self.fates.len());
        let mut bad_rows = Vec::with_capacity(self.fates.len());
        for (index, (node, fate)) in self.new.nodes.iter().zip(&self.fates).enumerate() {
            let noted = fate.same().and_then(|was| running.bad_rows_of(was));
            if let Fate::Keep(_) = fate {
                prepared.push(None);
                bad_rows.push(noted.cloned());
            } else {
                let (process, noted) = prepare(node, io, noted, self.go_on.contains(&index))?;
                prepared.push(Some(process));
                bad_rows.push(noted);
            }
        }
        Ok(OpenChange {
            change: self,
            prepared,
            bad_rows,
        })
    }
}

impl OpenChange {
    /// Applies the change, all of it or nothing. Elements before it go the old way, elements after it the new one.
    ///
    /// # Errors
    /// When the program has changed meanwhile, a part that is to be changed has ended, a flow that is to get other
    /// columns is read by others, or at a bound of the network.
    pub fn apply(self, running: &mut Running, network: &mut Network) -> Result<(), BuildError> {
        running.settle(network);
        if self.change.version != running.version {
            return Err(BuildError::new(stale(), Span::default()));
        }
        let reports = running
            .nodes
            .iter()
            .map(|&process| network.process_report(process).ok());
        let mut wiring = Rewiring {
            change: &self.change,
            running,
            reports: reports.collect(),
            points: Vec::new(),
            nodes: Vec::new(),
            feeds: Vec::new(),
        };
        wiring.check(network)?;
        let prepared = self.prepared;
        transact(network, |rewire, place| wiring.rewire(rewire, prepared, place))?;
        wiring.tell_ends(network);
        let Rewiring {
            points,
            nodes,
            reports,
            feeds,
            ..
        } = wiring;
        let before: Vec<ProcessReport> = reports.into_iter().flatten().collect();
        let parts = Parts {
            nodes,
            points,
            bad_rows: self.bad_rows,
            feeds,
        };
        running.become_new(self.change, parts, &before, network);
        running.settle(network);
        Ok(())
    }
}

struct Rewiring<'a> {
    change: &'a Change,
    running: &'a Running,
    /// For each process of the old program, what it is attached to.
    reports: Vec<Option<ProcessReport>>,
    /// The flow points and processes of the new program.
    points: Vec<PointId>,
    nodes: Vec<ProcessId>,
    /// What writes to them although it has left.
    feeds: Vec<Feed>,
}

impl Rewiring<'_> {
    /// Whether a process of the old program takes no part any more.
    fn is_over(&self, was: NodeIndex) -> bool {
        let report = &self.reports[was];
        report.as_ref().is_none_or(ProcessReport::is_over)
    }

    /// The flow point that an output of the old program writes to: the point itself, or what stands behind its writers.
    fn written(&self, was: NodeIndex, output: usize) -> Option<PointId> {
        self.reports[was].as_ref()?.outputs.get(output)?.point
    }

    fn read(&self, was: NodeIndex) -> Option<PointId> {
        self.reports[was].as_ref()?.inputs.first()?.point
    }

    /// Whether the change can be made to what the network is like by now: what has ended does not begin again.
    fn check(&self, network: &mut Network) -> Result<(), BuildError> {
        let new = &self.change.new;
        let has_ended = |is: NodeIndex| matches!(self.change.fates[is], Fate::Keep(was) if self.is_over(was));
        for (is, node) in new.nodes.iter().enumerate() {
            if is_tee(&node.spec) {
                continue;
            }
            let ended = match self.change.fates[is] {
                Fate::Keep(_) => self.loses_neighbour(is),
                Fate::Swap(was) | Fate::Replace(was) => self.is_over(was),
                Fate::New => false,
            };
            let writer = new
                .writer_of(is)
                .map(|(writer, _)| match is_tee(&new.nodes[writer].spec) {
                    true => new.writer_of(writer).map_or(writer, |(writer, _)| writer),
                    false => writer,
                });
            let mut readers = node.outputs.iter().flat_map(|&output| new.readers(output));
            let is_kept = matches!(self.change.fates[is], Fate::Keep(_));
            if ended || !is_kept && (writer.is_some_and(has_ended) || readers.any(has_ended)) {
                let message = "this has ended already, and does not begin again while the program runs";
                return Err(BuildError::new(message, node.span));
            }
        }
        self.check_readers(network)
    }

    /// Whether a process has ended that stays, and so has one beside it that leaves: it may have left for the other to
    /// go on.
    fn loses_neighbour(&self, is: NodeIndex) -> bool {
        let old = &self.change.old;
        let Some(was) = self.change.fates[is].same().filter(|&was| self.is_over(was)) else {
            return false;
        };
        let leaves = |node: NodeIndex| {
            let is_leaving = self.change.leaving.iter().any(|&(leaving, _)| leaving == node);
            is_leaving && self.is_over(node) && !is_tee(&old.nodes[node].spec)
        };
        let mut readers = old.nodes[was]
            .outputs
            .iter()
            .flat_map(|&output| old.readers(output));
        old.writer_of(was).is_some_and(|(writer, _)| leaves(writer)) || readers.any(leaves)
    }

    /// A flow point that goes, as what it carries changes, may not be read by others.
    fn check_readers(&self, network: &mut Network) -> Result<(), BuildError> {
        let kept: HashSet<PointIndex> = self.change.points.iter().copied().flatten().collect();
        let ours: HashSet<ProcessId> = self.running.nodes.iter().copied().collect();
        let gone = (0..self.running.points.len()).filter(|point| !kept.contains(point));
        let gone: Vec<PointIndex> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        let report = network.report();
        for process in report
            .processes
            .iter()
            .filter(|process| !ours.contains(&process.id))
        {
            let reads = |edge: &EdgeReport| {
                gone.iter()
                    .copied()
                    .find(|&point| edge.point == Some(self.running.points[point]))
            };
            if let Some(point) = process.inputs.iter().find_map(reads)
                && !self.running.leaving.processes.contains(&process.id)
            {
                let spec = &self.change.old.points[point];
                let heir = spec
                    .writer
                    .and_then(|(was, _)| self.change.fates.iter().position(|fate| fate.old() == Some(was)));
                let span = heir.map_or(Span::default(), |is| self.change.new.nodes[is].span);
                let message = format!(
                    "flow point `{}` is read by `{}`, which is not of this program: what it carries cannot change",
                    spec.name, process.name
                );
                return Err(BuildError::new(message, span));
            }
        }
        Ok(())
    }

    fn rewire(
        &mut self,
        rewire: &mut Rewire<'_>,
        mut prepared: Vec<Option<Prepared>>,
        place: &mut Span,
    ) -> Result<(), Error> {
        self.make_points(rewire, place)?;
        self.detach_moving(rewire)?;
        self.let_go(rewire)?;
        let new = &self.change.new;
        for (is, fate) in self.change.fates.iter().enumerate() {
            *place = new.nodes[is].span;
            let process = match (fate.same(), prepared[is].take()) {
                (Some(was), None) => self.running.nodes[was],
                (Some(was), Some(by)) => {
                    let process = self.running.nodes[was];
                    rewire.swap_prepared(process, by)?;
                    process
                }
                (None, by) => rewire.add_prepared(by.expect("INVARIANT: what is put in has been made"))?,
            };
            self.nodes.push(process);
        }
        for is in 0..new.nodes.len() {
            *place = new.nodes[is].span;
            self.attach(rewire, is)?;
        }
        *place = Span::default();
        for (feed, is_moved) in self.feeds() {
            if is_moved {
                rewire.detach_output(feed.process, feed.output)?;
                rewire.attach_output(feed.process, feed.output, self.points[feed.point])?;
            }
            self.feeds.push(feed);
        }
        self.rename(rewire)
    }

    fn make_points(&mut self, rewire: &mut Rewire<'_>, place: &mut Span) -> Result<(), Error> {
        for (point, kept) in self.change.new.points.iter().zip(&self.change.points) {
            *place = point.span;
            self.points.push(match kept {
                Some(kept) => self.running.points[*kept],
                None => rewire.point(&point.name, point.element.clone())?,
            });
        }
        Ok(())
    }

    /// Whether a process that stays reads another flow point than before.
    fn moves_input(&self, is: NodeIndex, was: NodeIndex) -> bool {
        let now = self.change.new.nodes[is].input.map(|point| self.points[point]);
        self.read(was).is_some_and(|before| Some(before) != now)
    }

    /// Whether a process that stays writes to another flow point than before.
    fn moves_output(&self, is: NodeIndex, was: NodeIndex, output: usize) -> bool {
        let before = self.change.old.nodes[was].outputs[output];
        let now = self.change.new.nodes[is].outputs.get(output);
        self.written(was, output).is_some()
            && now.and_then(|&point| self.change.points[point]) != Some(before)
    }

    /// Detaches those that stay from what they do not read or write any more.
    fn detach_moving(&self, rewire: &mut Rewire<'_>) -> Result<(), Error> {
        for (is, fate) in self.change.fates.iter().enumerate() {
            let Some(was) = fate.same() else { continue };
            let process = self.running.nodes[was];
            if self.moves_input(is, was) {
                rewire.detach_input(process, 0)?;
            }
            for output in 0..self.change.old.nodes[was].outputs.len() {
                if self.moves_output(is, was, output) {
                    rewire.detach_output(process, output)?;
                }
            }
        }
        Ok(())
    }

    /// Where what leaves and still gives elements writes to in the new program; each with whether it is moved there.
    fn feeds(&self) -> Vec<(Feed, bool)> {
        let change = self.change;
        let mut feeds = self.running.leaving.feeds.clone();
        for &(was, is_fed) in &change.leaving {
            if self.is_over(was) || !(is_fed || change.old.nodes[was].may_hold) {
                continue;
            }
            let outputs = change.old.nodes[was].outputs.iter().enumerate();
            let attached = outputs.filter(|&(output, _)| self.written(was, output).is_some());
            feeds.extend(attached.map(|(output, &point)| Feed {
                process: self.running.nodes[was],
                output,
                point,
            }));
        }
        // What feeds only what leaves as well stays as it is.
        feeds.into_iter().filter_map(|feed| self.feed(feed)).collect()
    }

    /// A flow point that is kept goes on to be fed; where it is not, its reader is fed where it reads now.
    fn feed(&self, feed: Feed) -> Option<(Feed, bool)> {
        let change = self.change;
        if let Some(point) = change.points.iter().position(|&kept| kept == Some(feed.point)) {
            return Some((Feed { point, ..feed }, false));
        }
        let reads = |fate: &Fate| {
            let was = fate.same();
            was.is_some_and(|was| change.old.nodes[was].input == Some(feed.point))
        };
        let reader = change.fates.iter().position(reads)?;
        let point = change.new.nodes[reader].input?;
        Some((Feed { point, ..feed }, true))
    }

    /// Ends what leaves the program.
    fn let_go(&self, rewire: &mut Rewire<'_>) -> Result<(), Error> {
        for &(was, is_fed) in &self.change.leaving {
            let process = self.running.nodes[was];
            let node = &self.change.old.nodes[was];
            if self.reports[was].is_none() || is_fed {
                continue;
            }
            if !self.is_over(was) && (node.may_hold || matches!(node.spec, Spec::Write { .. })) {
                rewire.finish(process)?;
            } else {
                rewire.remove(process)?;
            }
        }
        Ok(())
    }

    fn attach(&self, rewire: &mut Rewire<'_>, is: NodeIndex) -> Result<(), Error> {
        let node = &self.change.new.nodes[is];
        let (process, fate) = (self.nodes[is], self.change.fates[is]);
        if let Some(input) = node.input
            && fate.same().is_none_or(|was| self.moves_input(is, was))
        {
            rewire.attach_input(process, 0, self.points[input])?;
        }
        for (output, &point) in node.outputs.iter().enumerate() {
            let is_new = |was: NodeIndex| output >= self.change.old.nodes[was].outputs.len();
            let attaches = |was| is_new(was) || self.moves_output(is, was, output);
            if fate.same().is_none_or(attaches) {
                rewire.attach_output(process, output, self.entry(point))?;
            }
        }
        Ok(())
    }

    /// Where who writes to a flow point from now on is attached: where those have been who wrote to it before, so that
    /// taps stay.
    fn entry(&self, point: PointIndex) -> PointId {
        let before = self.change.points[point].and_then(|kept| self.change.old.points[kept].writer);
        let entry = before.and_then(|(was, output)| self.written(was, output));
        entry.unwrap_or(self.points[point])
    }

    /// Who has come to read or write a flow point whose other side has ended before is told so.
    fn tell_ends(&self, network: &mut Network) {
        for (node, fate) in self.change.new.nodes.iter().zip(&self.change.fates) {
            if fate.same().is_some_and(|was| self.is_over(was)) {
                if let Some(input) = node.input {
                    let _ = network.hold_readers(self.points[input], false);
                }
                for &output in &node.outputs {
                    let _ = network.hold_writers(self.points[output], false);
                }
            }
        }
    }

    fn rename(&self, rewire: &mut Rewire<'_>) -> Result<(), Error> {
        for (is, fate) in self.change.fates.iter().enumerate() {
            if fate.same().is_some_and(|was| self.reports[was].is_some()) {
                rewire.rename(self.nodes[is], &self.change.new.nodes[is].name)?;
            }
        }
        for (point, &id) in self.change.new.points.iter().zip(&self.points) {
            rewire.rename_point(id, &point.name)?;
        }
        Ok(())
    }
}

fn is_tee(spec: &Spec) -> bool {
    matches!(spec, Spec::Tee(..))
}
