//! The arrangement worked out from nothing, as plainly as can be: what bringing it up to
//! date has to come to.

use std::collections::{HashMap, HashSet};

use super::{is_bounded, is_pulled, share_ancestor};
use crate::wiring::{PointId, Port, ProcessId, Wiring};

/// Compares all that was brought up to date.
pub(super) fn check(wiring: &Wiring) {
    let arrangement = &wiring.arrangement;
    let order: Vec<ProcessId> = arrangement.order.iter().collect();
    assert_eq!(order.len(), wiring.nodes.len(), "every process has its place");
    let rank: HashMap<ProcessId, usize> = order.iter().enumerate().map(|(k, &p)| (p, k)).collect();
    let (mut depth, mut pulled) = (HashMap::new(), HashSet::new());
    for &process in &order {
        let above = wiring
            .predecessors(process)
            .inspect(|above| assert!(rank[above] < rank[&process]));
        let deepest = above.map(|above| depth[&above]).max().unwrap_or(0) + 1;
        assert_eq!(arrangement.depth[process], deepest, "depth of {process:?}");
        depth.insert(process, deepest);
    }
    let once = once(wiring, &order);
    let dealt = dealt(wiring, &once);
    for (point, known) in &wiring.points {
        let is_kept = arrangement.is_kept_dealt(point);
        assert!(!(is_kept && dealt.contains(&point)), "{point:?} has to be dealt");
        assert_eq!(
            known.dealt,
            is_kept || dealt.contains(&point),
            "{point:?} is dealt"
        );
    }
    for &process in order.iter().rev() {
        assert_eq!(arrangement.once.contains_key(process), once.contains(&process));
        if is_pulled(wiring, process, |reader| pulled.contains(&reader)) {
            pulled.insert(process);
        }
        assert_eq!(arrangement.is_pulled(process), pulled.contains(&process));
    }
    let joins = wiring.points.values().any(|point| point.writers.len() > 1)
        || wiring.nodes.values().any(|node| node.inputs.len() > 1);
    assert_eq!(arrangement.has_joins(), joins);
}

fn once(wiring: &Wiring, order: &[ProcessId]) -> HashSet<ProcessId> {
    let mut once = HashSet::new();
    for &process in order.iter().rev() {
        let code = &wiring.node(process).code;
        let expands = (0..code.inputs.len()).any(|input| code.expands(input));
        let bears_one = |reader: Port| once.contains(&reader.process) || is_bounded(wiring, reader);
        if expands || wiring.read_by(process).any(bears_one) {
            once.insert(process);
        }
    }
    once
}

fn dealt(wiring: &Wiring, once: &HashSet<ProcessId>) -> HashSet<PointId> {
    let competed = wiring.points.iter().filter(|(_, point)| point.readers.len() > 1);
    let mut dealt: HashSet<PointId> = competed.map(|(id, _)| id).collect();
    for (id, point) in &wiring.points {
        let sources: Vec<Vec<ProcessId>> = point.writers.iter().map(|writer| vec![writer.process]).collect();
        let bears_one = |reader: &Port| once.contains(&reader.process) || is_bounded(wiring, *reader);
        if point.readers.iter().any(bears_one) && share_ancestor(wiring, &sources) {
            dealt.insert(id);
        }
    }
    for (process, node) in &wiring.nodes {
        let fed: Vec<PointId> = node.inputs.iter().filter_map(|edge| edge.point).collect();
        let writers = |point: &PointId| {
            let writers = wiring.point(*point).writers.iter();
            writers.map(|writer| writer.process).collect()
        };
        let sources: Vec<Vec<ProcessId>> = fed.iter().map(writers).collect();
        if fed.len() > 1 && once.contains(&process) && share_ancestor(wiring, &sources) {
            dealt.extend(&fed[1..]);
        }
    }
    dealt
}
