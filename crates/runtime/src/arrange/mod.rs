//! Works out what follows from the wiring: the order of the processes, which flow points
//! are dealt from a block, and what is pulled. [`crate::plan`] (`cone.rs`) says why blocks are needed.
//!
//! It is brought up to date after each rewire, from what the rewire has touched: the cost
//! is that of the edit, and of what lies up- and downstream as far as something changes
//! there. `anew.rs` works the same out from nothing; wherever debug assertions are on the
//! two are compared.
//!
//! | what | of | depends on |
//! |---|---|---|
//! | rank | process | ranks upstream |
//! | depth: how many processes lie in a row up to it | process | depths upstream |
//! | once: to be reached once in one go | process | once downstream |
//! | dealt | flow point | its readers, their once, who lies upstream; a block being dealt out |
//! | pulled | process | its reader, dealt, pulled downstream |

#[cfg(debug_assertions)]
mod anew;
mod order;
mod todo;

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::arrangement::Arrangement;
use crate::error::{Error, ErrorKind};
use crate::limits::PATH_PROCESSES_MAX;
use crate::wiring::{Journal, Point, PointId, Port, ProcessId, PullSource, Wiring};

use todo::Todo;

/// What has changed.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    /// The flow points of which it changed whether they are dealt.
    pub(crate) turned: Vec<PointId>,
    /// The processes that have been edited, and those that meet at an edited flow point.
    pub(crate) touched: Vec<ProcessId>,
    /// The flow points that have been edited.
    pub(crate) points: Vec<PointId>,
    /// The processes that have another place in the order of turns: by their rank, or by
    /// whether they are pulled.
    pub(crate) moved: Vec<ProcessId>,
}

/// Brings the arrangement up to date with the edits since the last time. Blocks are being
/// dealt out at the flow points of `in_deal`.
///
/// # Errors
/// When processes and flow points form a cycle, or a path is too long. The arrangement is
/// as it was then, and the wiring still has to be put back.
pub(crate) fn arrange(wiring: &mut Wiring, in_deal: &[PointId]) -> Result<Arranged, Error> {
    let touched = Touched::of(wiring);
    let mut arrangement = std::mem::take(&mut wiring.arrangement);
    let mut moved = match touched.order(wiring, &mut arrangement) {
        Ok(moved) => moved,
        Err(error) => {
            wiring.arrangement = arrangement;
            return Err(error);
        }
    };
    let changed = touched.mark_once(wiring, &mut arrangement);
    let turned = touched.deal(wiring, &mut arrangement, &changed, in_deal);
    moved.extend(touched.mark_pulled(wiring, &mut arrangement, &turned));
    wiring.arrangement = arrangement;
    wiring.journal = Journal::default();
    wiring.version += 1;
    #[cfg(debug_assertions)]
    anew::check(wiring);
    Ok(Arranged {
        turned,
        touched: touched.attached(wiring),
        points: touched.points,
        moved,
    })
}

/// What the edits have touched, each once and in order.
struct Touched {
    processes: Vec<ProcessId>,
    points: Vec<PointId>,
    added: Vec<ProcessId>,
    /// Writers and readers that meet now and did not before.
    edges: Vec<(ProcessId, ProcessId)>,
}

impl Touched {
    fn of(wiring: &Wiring) -> Touched {
        let journal = &wiring.journal;
        let processes = journal
            .nodes
            .keys()
            .copied()
            .filter(|&process| wiring.nodes.contains_key(process));
        let points = journal
            .points
            .keys()
            .copied()
            .filter(|&point| wiring.points.contains_key(point));
        let added = journal.nodes.iter().filter(|(_, before)| before.is_none());
        let points: Vec<PointId> = points.collect();
        let mut edges = Vec::new();
        for &id in &points {
            let point = wiring.point(id);
            let before = journal.points[&id].as_ref();
            let is_new = |known: fn(&Point) -> &Vec<Port>, port: &Port| {
                before.is_none_or(|before| !known(before).contains(port))
            };
            for writer in &point.writers {
                let is_new_writer = is_new(|point| &point.writers, writer);
                let met = point
                    .readers
                    .iter()
                    .filter(|reader| is_new_writer || is_new(|point| &point.readers, reader));
                edges.extend(met.map(|reader| (writer.process, reader.process)));
            }
        }
        Touched {
            processes: processes.collect(),
            points,
            added: added.map(|(&process, _)| process).collect(),
            edges: once_each(edges),
        }
    }

    /// The processes from which what has changed upstream can be seen first.
    fn tops(&self, wiring: &Wiring) -> Vec<ProcessId> {
        let mut tops = self.processes.clone();
        for &point in &self.points {
            tops.extend(wiring.point(point).readers.iter().map(|reader| reader.process));
        }
        once_each(tops)
    }

    /// The processes themselves, and all that are attached to the points.
    fn attached(&self, wiring: &Wiring) -> Vec<ProcessId> {
        let mut attached = self.tops(wiring);
        for &point in &self.points {
            attached.extend(wiring.point(point).writers.iter().map(|writer| writer.process));
        }
        once_each(attached)
    }

    /// The processes from which what has changed downstream can be seen first.
    fn bottoms(&self, wiring: &Wiring, turned: &[PointId]) -> Vec<ProcessId> {
        let mut bottoms = self.processes.clone();
        for &point in self.points.iter().chain(turned) {
            bottoms.extend(wiring.point(point).writers.iter().map(|writer| writer.process));
        }
        for &process in &self.processes {
            bottoms.extend(wiring.predecessors(process));
        }
        once_each(bottoms)
    }

    /// Ranks and depths. The processes that have another rank now.
    fn order(&self, wiring: &Wiring, arrangement: &mut Arrangement) -> Result<Vec<ProcessId>, Error> {
        for &process in &self.added {
            arrangement.order.push(process);
        }
        let mut ranks = Vec::new();
        let mut depths = Vec::new();
        let admitted = order::admit(wiring, &mut arrangement.order, &self.edges, &mut ranks);
        let outcome = match admitted {
            Ok(()) => self.deepen(wiring, arrangement, &mut depths),
            Err(order::Cycle(process)) => {
                let name = &wiring.node(process).name;
                let message = format!("`{name}` would feed itself through a cycle of flow points");
                Err(Error::new(ErrorKind::Cycle, message))
            }
        };
        let Err(error) = outcome else {
            return Ok(ranks.into_iter().map(|(process, _)| process).collect());
        };
        arrangement.order.restore(ranks);
        for (process, depth) in depths.into_iter().rev() {
            arrangement.depth.insert(process, depth);
        }
        for &process in &self.added {
            arrangement.forget_process(process);
        }
        Err(error)
    }

    fn deepen(
        &self,
        wiring: &Wiring,
        arrangement: &mut Arrangement,
        undo: &mut Vec<(ProcessId, usize)>,
    ) -> Result<(), Error> {
        let Arrangement { order, depth, .. } = arrangement;
        let rank = |process: ProcessId| Reverse(order.rank(process));
        let mut todo = Todo::of(self.tops(wiring), rank);
        while let Some(process) = todo.next() {
            let above = wiring
                .predecessors(process)
                .map(|above| depth.get(above).copied().unwrap_or(1));
            let now = above.max().unwrap_or(0) + 1;
            if now > PATH_PROCESSES_MAX {
                let name = &wiring.node(process).name;
                let message = format!(
                    "`{name}` would be the {now}th process in a row; {PATH_PROCESSES_MAX} are allowed"
                );
                return Err(Error::new(ErrorKind::Limit, message));
            }
            let before = depth.insert(process, now);
            if before != Some(now) {
                undo.extend(before.map(|before| (process, before)));
                todo.extend(wiring.successors(process), rank);
            }
        }
        Ok(())
    }

    /// The processes of which it changed.
    fn mark_once(&self, wiring: &Wiring, arrangement: &mut Arrangement) -> Vec<ProcessId> {
        let Arrangement { order, once, .. } = arrangement;
        let mut changed = Vec::new();
        let rank = |process: ProcessId| order.rank(process);
        let mut todo = Todo::of(self.bottoms(wiring, &[]), rank);
        while let Some(process) = todo.next() {
            let code = &wiring.node(process).code;
            let expands = (0..code.inputs.len()).any(|input| code.expands(input));
            let bears_one = |reader: Port| once.contains_key(reader.process) || is_bounded(wiring, reader);
            let is_once = expands || wiring.read_by(process).any(bears_one);
            if is_once == once.contains_key(process) {
                continue;
            }
            if is_once {
                once.insert(process, ());
            } else {
                once.remove(process);
            }
            changed.push(process);
            todo.extend(wiring.predecessors(process), rank);
        }
        changed
    }

    /// Finds out which flow points are dealt now; those that have changed.
    fn deal(
        &self,
        wiring: &mut Wiring,
        arrangement: &mut Arrangement,
        once: &[ProcessId],
        in_deal: &[PointId],
    ) -> Vec<PointId> {
        self.note_joins(wiring, arrangement);
        let mut concerned = self.points.clone();
        if arrangement.has_joins() {
            let tops = self.tops(wiring);
            let below = reached(tops, |process, todo| todo.extend(wiring.successors(process)));
            for process in below.into_iter().chain(once.iter().copied()) {
                let node = wiring.node(process);
                concerned.extend(node.inputs.iter().filter_map(|edge| edge.point));
                concerned.extend(node.outputs.iter().filter_map(|edge| edge.point));
            }
        }
        let mut turned = Vec::new();
        for id in once_each(concerned) {
            let was_dealt = wiring.point(id).dealt;
            let has_to_be = is_dealt(wiring, arrangement, id);
            let is_kept = !has_to_be && in_deal.contains(&id);
            if is_kept {
                arrangement.kept_dealt.insert(id);
            } else {
                arrangement.kept_dealt.remove(&id);
            }
            if was_dealt != (has_to_be || is_kept) {
                wiring.point_mut(id).dealt = !was_dealt;
                turned.push(id);
            }
        }
        turned
    }

    fn note_joins(&self, wiring: &Wiring, arrangement: &mut Arrangement) {
        for &point in &self.points {
            if wiring.point(point).writers.len() > 1 {
                arrangement.join_points.insert(point);
            } else {
                arrangement.join_points.remove(&point);
            }
        }
        let joining = self
            .added
            .iter()
            .filter(|&&process| wiring.node(process).inputs.len() > 1);
        arrangement.join_processes.extend(joining);
    }

    /// Marks what feeds an input that its process takes from by itself. The processes of
    /// which it changed.
    fn mark_pulled(
        &self,
        wiring: &Wiring,
        arrangement: &mut Arrangement,
        turned: &[PointId],
    ) -> Vec<ProcessId> {
        let Arrangement { order, pulled, .. } = arrangement;
        let mut changed = Vec::new();
        let rank = |process: ProcessId| order.rank(process);
        let mut todo = Todo::of(self.bottoms(wiring, turned), rank);
        while let Some(process) = todo.next() {
            let is_pulled = is_pulled(wiring, process, |reader| pulled.contains_key(reader));
            if is_pulled == pulled.contains_key(process) {
                continue;
            }
            if is_pulled {
                pulled.insert(process, ());
            } else {
                pulled.remove(process);
            }
            changed.push(process);
            todo.extend(wiring.predecessors(process), rank);
        }
        changed
    }
}

/// What is reached from these, with them, each once.
fn reached(mut todo: Vec<ProcessId>, next: impl Fn(ProcessId, &mut Vec<ProcessId>)) -> Vec<ProcessId> {
    let (mut seen, mut reached) = (FxHashSet::default(), Vec::new());
    while let Some(process) = todo.pop() {
        if seen.insert(process) {
            reached.push(process);
            next(process, &mut todo);
        }
    }
    reached
}

fn once_each<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

/// Whether the elements of a flow point go into a block: as several readers compete for
/// them, or as two ways join here above a process that bears one element at a time.
fn is_dealt(wiring: &Wiring, arrangement: &Arrangement, id: PointId) -> bool {
    let point = wiring.point(id);
    if point.readers.len() > 1 {
        return true;
    }
    let is_once = |process: ProcessId| arrangement.once.contains_key(process);
    let writers = |point: PointId| -> Vec<ProcessId> {
        let writers = wiring.point(point).writers.iter();
        writers.map(|writer| writer.process).collect()
    };
    point.readers.iter().any(|reader| {
        let groups: Vec<Vec<ProcessId>> = writers(id).into_iter().map(|writer| vec![writer]).collect();
        let bears_one = is_once(reader.process) || is_bounded(wiring, *reader);
        if bears_one && share_ancestor(wiring, &groups) {
            return true;
        }
        let inputs = &wiring.node(reader.process).inputs;
        let fed: Vec<PointId> = inputs.iter().filter_map(|edge| edge.point).collect();
        let is_further = fed.iter().skip(1).any(|&point| point == id);
        is_further && is_once(reader.process) && {
            let groups: Vec<Vec<ProcessId>> = fed.into_iter().map(writers).collect();
            share_ancestor(wiring, &groups)
        }
    })
}

fn is_bounded(wiring: &Wiring, reader: Port) -> bool {
    wiring.node(reader.process).code.inputs[reader.port].ask.is_some()
}

/// Whether the elements of a process are pulled by the only one that takes them.
fn is_pulled(wiring: &Wiring, process: ProcessId, pulls: impl Fn(ProcessId) -> bool) -> bool {
    let [ref edge] = wiring.node(process).outputs[..] else {
        return false;
    };
    let Some(point) = edge.point else { return false };
    let [reader] = wiring.point(point).readers[..] else {
        return false;
    };
    let can_be = matches!(
        wiring.pull_source(reader.process, reader.port),
        PullSource::Writer(_)
    );
    let is_wanted = wiring.node(reader.process).code.inputs[reader.port].pulled;
    can_be && (is_wanted || pulls(reader.process))
}

/// Whether some process lies above (or is in) two of the groups.
fn share_ancestor(wiring: &Wiring, groups: &[Vec<ProcessId>]) -> bool {
    if groups.len() < 2 {
        return false;
    }
    let mut seen: FxHashMap<ProcessId, usize> = FxHashMap::default();
    for (k, group) in groups.iter().enumerate() {
        let mut todo = group.clone();
        while let Some(process) = todo.pop() {
            match seen.insert(process, k) {
                Some(other) if other != k => return true,
                Some(_) => continue,
                None => {}
            }
            todo.extend(wiring.predecessors(process));
        }
    }
    false
}
