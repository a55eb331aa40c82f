//! Who waits for whom at a flow point, and how much: told to processes that watch an edge,
//! when its polarity or order of magnitude changes.
//!
//! Looking costs something, so only what is watched is looked at, between grants: never
//! for each element, and nothing at all in a network where nobody watches.

use super::Network;
use crate::demand::{Demand, Standing, Waits};
use crate::error::{Error, ErrorKind};
use crate::fate::Edge;
use crate::limits::WATCHES_MAX;
use crate::process::Shape;
use crate::wiring::{PointId, ProcessId};

/// The edges that processes watch, with what they were told last.
#[derive(Debug, Default)]
pub(super) struct Watches {
    edges: Vec<(ProcessId, Edge, Option<Demand>)>,
}

impl Watches {
    /// Whether a process may come with what it watches.
    pub(super) fn check_room(&self, shape: &Shape) -> Result<(), Error> {
        if self.edges.len() + shape.watched.len() > WATCHES_MAX {
            let message = format!("the processes of a network watch at most {WATCHES_MAX} edges");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// Has a process watch these edges, and no others.
    pub(super) fn set(&mut self, process: ProcessId, edges: &[Edge]) {
        self.forget(process);
        self.edges.extend(edges.iter().map(|&edge| (process, edge, None)));
    }

    pub(super) fn forget(&mut self, process: ProcessId) {
        self.edges.retain(|(watching, _, _)| *watching != process);
    }
}

impl Network {
    /// Tells processes what has changed at the edges that they watch.
    pub(super) fn tell_demand(&mut self) {
        if self.watches.edges.is_empty() {
            return;
        }
        let mut events = Vec::new();
        for k in 0..self.watches.edges.len() {
            let (process, edge, before) = self.watches.edges[k];
            let node = self.wiring.node(process);
            if node.is_retired {
                continue;
            }
            let point = match edge {
                Edge::Input(input) => node.inputs[input].point,
                Edge::Output(output) => node.outputs[output].point,
            };
            let now = point.map_or(Demand::NONE, |point| self.demand_at(point));
            if before.is_none_or(|before| now.is_news_after(&before)) {
                self.watches.edges[k].2 = Some(now);
                self.notify(process, &mut events, |object| object.demand(edge, &now));
            }
        }
        self.follow(events);
    }

    fn demand_at(&mut self, id: PointId) -> Demand {
        let asked = self.asked_at(id);
        let offered = self.offered_at(id);
        Demand {
            waits: Waits::of(asked != Standing::Nothing, offered != Standing::Nothing),
            asked,
            offered,
        }
    }
}
