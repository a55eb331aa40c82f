//! What has to hold downstream before a process is activated, and which flow points
//! have to be dealt from a block. Both are worked out from the wiring alone.
//!
//! An activation hands on at most one element for each output, and what receives it
//! does the same in turn. So the *cone* of an activation, all that its elements may
//! reach in one go, is known beforehand, and so is how often each process in it is
//! reached at the most. If everything in the cone can take as many, nothing on the
//! way can refuse: the loop settles it once and moves the element.
//!
//! Two kinds of process are the exception, as they cannot bear to be reached twice in
//! one go. One that holds several elements to give (a flat map) has to be left before it
//! is reached again, but may be interrupted. One that bounds what it takes may ask for
//! one element, and might never ask for two. Where two paths from one process join above
//! such a process, elements therefore go into a block.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, ErrorKind};
use crate::limits::PATH_PROCESSES_MAX;
use crate::wiring::{Destination, PointId, Port, ProcessId, PullSource, Wiring};

/// One thing that has to hold before an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Never holds: an output has no reader (yet).
    Nobody,
    /// The process neither holds elements nor is over.
    Idle(ProcessId),
    /// The process asks for as many on this input.
    Ask { reader: Port, need: u64 },
    /// The block for this point takes as many.
    Room { point: PointId, need: u64 },
}

/// Works out the cone of an activation that emits to these outputs of a process.
pub(crate) fn checks(wiring: &Wiring, process: ProcessId, outputs: &[usize]) -> Vec<Check> {
    let rank: HashMap<ProcessId, usize> = wiring.order.iter().enumerate().map(|(k, &p)| (p, k)).collect();
    let mut needs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut rooms: BTreeMap<PointId, u64> = BTreeMap::new();
    let mut checks = Vec::new();
    let mut reach =
        |needs: &mut BTreeMap<(usize, usize), u64>, process, outputs: &[usize], times: u64| -> bool {
            outputs.iter().all(|&output| {
                match wiring.destination(process, output) {
                    Destination::Reader(reader) => {
                        let need = needs.entry((rank[&reader.process], reader.port)).or_default();
                        *need = need.saturating_add(times);
                    }
                    Destination::Dealt(point) => {
                        let need = rooms.entry(point).or_default();
                        *need = need.saturating_add(times);
                    }
                    Destination::Lost => {}
                    Destination::Nowhere => return false,
                }
                true
            })
        };
    let mut somebody = reach(&mut needs, process, outputs, 1);
    while let Some(((rank, port), need)) = needs.pop_first() {
        let reader = Port {
            process: wiring.order[rank],
            port,
        };
        let input = &wiring.node(reader.process).code.inputs[port];
        checks.push(Check::Idle(reader.process));
        if input.ask.is_some() {
            checks.push(Check::Ask { reader, need });
        }
        somebody &= reach(&mut needs, reader.process, &input.read_ok.requires, need);
    }
    checks.extend(rooms.into_iter().map(|(point, need)| Check::Room { point, need }));
    if somebody { checks } else { vec![Check::Nobody] }
}

/// How many elements one activation of these processes may bring to a dealt point at the
/// most.
pub(crate) fn room_needed(wiring: &Wiring, members: &[ProcessId], dealt: PointId) -> u64 {
    let mut needed = 1;
    for &process in members {
        let outputs: Vec<usize> = (0..wiring.node(process).outputs.len()).collect();
        let required = wiring
            .node(process)
            .code
            .activated()
            .map(|function| &function.requires[..]);
        for outputs in required.chain(outputs.chunks(1)) {
            for check in checks(wiring, process, outputs) {
                if let Check::Room { point, need } = check
                    && point == dealt
                {
                    needed = needed.max(need);
                }
            }
        }
    }
    needed
}

/// Works out the order of the processes, upstream first, and which flow points are
/// dealt; gives the points for which that changed.
///
/// # Errors
/// When processes and flow points form a cycle, or a path is too long.
pub(crate) fn arrange(wiring: &mut Wiring) -> Result<Vec<PointId>, Error> {
    wiring.order = order(wiring)?;
    let dealt = dealt(wiring);
    let mut changed = Vec::new();
    let points: Vec<PointId> = wiring.points.keys().collect();
    for point in points {
        let is_dealt = dealt.contains(&point);
        if wiring.point(point).dealt != is_dealt {
            wiring.point_mut(point).dealt = is_dealt;
            changed.push(point);
        }
    }
    mark_pulled(wiring);
    Ok(changed)
}

/// Marks what feeds an input that its process takes from by itself.
fn mark_pulled(wiring: &mut Wiring) {
    wiring.pulled.clear();
    for k in (0..wiring.order.len()).rev() {
        let process = wiring.order[k];
        let [ref edge] = wiring.node(process).outputs[..] else {
            continue;
        };
        let Some(point) = edge.point else { continue };
        let [reader] = wiring.point(point).readers[..] else {
            continue;
        };
        let can_be = matches!(
            wiring.pull_source(reader.process, reader.port),
            PullSource::Writer(_)
        );
        let is_wanted = wiring.node(reader.process).code.inputs[reader.port].pulled;
        if can_be && (is_wanted || wiring.pulled.contains_key(reader.process)) {
            wiring.pulled.insert(process, ());
        }
    }
}

fn order(wiring: &Wiring) -> Result<Vec<ProcessId>, Error> {
    let mut incoming: HashMap<ProcessId, usize> = wiring.nodes.keys().map(|process| (process, 0)).collect();
    for process in wiring.nodes.keys() {
        for next in wiring.successors(process) {
            *incoming.entry(next).or_default() += 1;
        }
    }
    let mut depth: HashMap<ProcessId, usize> = HashMap::new();
    let mut ready: Vec<ProcessId> = wiring
        .nodes
        .keys()
        .filter(|process| incoming[process] == 0)
        .collect();
    let mut order = Vec::with_capacity(wiring.nodes.len());
    while let Some(process) = ready.pop() {
        order.push(process);
        let next_depth = depth.get(&process).copied().unwrap_or(1) + 1;
        for next in wiring.successors(process) {
            let deepest = depth.entry(next).or_default();
            *deepest = next_depth.max(*deepest);
            if next_depth > PATH_PROCESSES_MAX {
                let name = &wiring.node(next).name;
                let message = format!(
                    "`{name}` would be the {next_depth}th process in a row; {PATH_PROCESSES_MAX} are allowed"
                );
                return Err(Error::new(ErrorKind::Limit, message));
            }
            let left = incoming.entry(next).or_default();
            *left -= 1;
            if *left == 0 {
                ready.push(next);
            }
        }
    }
    if order.len() < wiring.nodes.len() {
        let stuck = wiring.nodes.iter().find(|(process, _)| incoming[process] > 0);
        let name = stuck.map(|(_, node)| node.name.as_str()).unwrap_or_default();
        return Err(Error::new(
            ErrorKind::Cycle,
            format!("`{name}` would feed itself through a cycle of flow points"),
        ));
    }
    Ok(order)
}

fn dealt(wiring: &Wiring) -> HashSet<PointId> {
    let mut dealt: HashSet<PointId> = wiring
        .points
        .iter()
        .filter(|(_, point)| point.readers.len() > 1)
        .map(|(id, _)| id)
        .collect();
    let once = reached_once(wiring);
    for (id, point) in &wiring.points {
        let sources: Vec<Vec<ProcessId>> = point.writers.iter().map(|writer| vec![writer.process]).collect();
        let bears_one = point
            .readers
            .iter()
            .any(|reader| once.contains(&reader.process) || is_bounded(wiring, *reader));
        if bears_one && share_ancestor(wiring, &sources) {
            dealt.insert(id);
        }
    }
    for (process, node) in &wiring.nodes {
        let fed: Vec<PointId> = node.inputs.iter().filter_map(|edge| edge.point).collect();
        let writers = |point: &PointId| {
            wiring
                .point(*point)
                .writers
                .iter()
                .map(|writer| writer.process)
                .collect()
        };
        let sources: Vec<Vec<ProcessId>> = fed.iter().map(writers).collect();
        if fed.len() > 1 && once.contains(&process) && share_ancestor(wiring, &sources) {
            dealt.extend(&fed[1..]);
        }
    }
    dealt
}

fn is_bounded(wiring: &Wiring, reader: Port) -> bool {
    wiring.node(reader.process).code.inputs[reader.port].ask.is_some()
}

/// The processes that are to be reached once in one go, by whatever inputs: that may end
/// up holding after an element, and all that lie above one of these or above a bounded
/// input. (What inputs of one process ask for holds for all at the same time.)
fn reached_once(wiring: &Wiring) -> HashSet<ProcessId> {
    let mut once = HashSet::new();
    for &process in wiring.order.iter().rev() {
        let code = &wiring.node(process).code;
        let expands = (0..code.inputs.len()).any(|input| code.expands(input));
        let bears_one = |reader: Port| once.contains(&reader.process) || is_bounded(wiring, reader);
        if expands || wiring.read_by(process).any(bears_one) {
            once.insert(process);
        }
    }
    once
}

/// Whether some process lies above (or is in) two of the groups.
fn share_ancestor(wiring: &Wiring, groups: &[Vec<ProcessId>]) -> bool {
    if groups.len() < 2 {
        return false;
    }
    let mut seen: HashMap<ProcessId, usize> = HashMap::new();
    for (k, group) in groups.iter().enumerate() {
        let mut todo = group.clone();
        while let Some(process) = todo.pop() {
            match seen.insert(process, k) {
                Some(other) if other != k => return true,
                Some(_) => continue,
                None => {}
            }
            let points = wiring.node(process).inputs.iter().filter_map(|edge| edge.point);
            todo.extend(
                points.flat_map(|point| wiring.point(point).writers.iter().map(|writer| writer.process)),
            );
        }
    }
    false
}

/// Whether elements can reach some process on two ways in one activation.
pub(crate) fn has_joins(wiring: &Wiring) -> bool {
    wiring.points.values().any(|point| point.writers.len() > 1)
        || wiring.nodes.values().any(|node| node.inputs.len() > 1)
}
