//! What has to hold downstream before a process is activated.
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
//! such a process, elements therefore go into a block ([`crate::arrange`]).

use std::collections::BTreeMap;

use crate::arrangement::Rank;
use crate::wiring::{Destination, PointId, Port, ProcessId, Wiring};

/// One thing that has to hold before an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Never holds: an output has no reader (yet).
    Nobody,
    /// The process neither holds elements nor is over.
    Idle(ProcessId),
    /// The process asks for as many on this input.
    Ask { reader: Port, need: u64 },
    /// The block for this point takes as many.
    Room { point: PointId, need: u64 },
}

/// Works out the cone of an activation that emits to these outputs of a process: what has
/// to hold, each process before what lies downstream of it. `visit` is told of every flow
/// point that was looked at.
pub(super) fn conditions(
    wiring: &Wiring,
    process: ProcessId,
    outputs: &[usize],
    visit: &mut impl FnMut(PointId),
) -> Vec<Condition> {
    let mut cone = Cone {
        wiring,
        needs: BTreeMap::new(),
        rooms: BTreeMap::new(),
        visit,
    };
    let mut conditions = Vec::new();
    let mut has_readers = cone.reach(process, outputs, 1);
    while let Some(((_, reader), need)) = cone.needs.pop_first() {
        let input = &wiring.node(reader.process).code.inputs[reader.port];
        conditions.push(Condition::Idle(reader.process));
        if input.ask.is_some() {
            conditions.push(Condition::Ask { reader, need });
        }
        has_readers &= cone.reach(reader.process, &input.read_ok.requires, need);
    }
    let rooms = cone.rooms.into_iter();
    conditions.extend(rooms.map(|(point, need)| Condition::Room { point, need }));
    if has_readers {
        conditions
    } else {
        vec![Condition::Nobody]
    }
}

struct Cone<'c, V> {
    wiring: &'c Wiring,
    /// How often each input is reached; those reached first come first.
    needs: BTreeMap<(Rank, Port), u64>,
    rooms: BTreeMap<PointId, u64>,
    visit: &'c mut V,
}

impl<V: FnMut(PointId)> Cone<'_, V> {
    /// Adds what these outputs reach, `times` each; whether there is somebody at each.
    fn reach(&mut self, process: ProcessId, outputs: &[usize], times: u64) -> bool {
        let wiring = self.wiring;
        outputs.iter().all(|&output| {
            if let Some(point) = wiring.node(process).outputs[output].point {
                (self.visit)(point);
            }
            match wiring.destination(process, output) {
                Destination::Reader(reader) => {
                    let rank = wiring.arrangement.order.rank(reader.process);
                    let need = self.needs.entry((rank, reader)).or_default();
                    *need = need.saturating_add(times);
                }
                Destination::Dealt(point) => {
                    let need = self.rooms.entry(point).or_default();
                    *need = need.saturating_add(times);
                }
                Destination::Lost => {}
                Destination::Nowhere => return false,
            }
            true
        })
    }
}
