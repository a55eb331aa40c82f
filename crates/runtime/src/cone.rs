//! What has to hold downstream before a process is activated. It is worked out from the
//! wiring alone, as is which flow points have to be dealt from a block
//! ([`crate::arrange`]).
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

use std::collections::BTreeMap;

use crate::arrange::Rank;
use crate::wiring::{Destination, PointId, Port, ProcessId, Wiring};

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
    // In order, so that each is reached before what lies downstream of it.
    let place = |reader: Port| (wiring.arrangement.order.rank(reader.process), reader);
    let mut needs: BTreeMap<(Rank, Port), u64> = BTreeMap::new();
    let mut rooms: BTreeMap<PointId, u64> = BTreeMap::new();
    let mut checks = Vec::new();
    let mut reach =
        |needs: &mut BTreeMap<(Rank, Port), u64>, process, outputs: &[usize], times: u64| -> bool {
            outputs.iter().all(|&output| {
                match wiring.destination(process, output) {
                    Destination::Reader(reader) => {
                        let need = needs.entry(place(reader)).or_default();
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
    while let Some(((_, reader), need)) = needs.pop_first() {
        let input = &wiring.node(reader.process).code.inputs[reader.port];
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
    if !wiring.arrangement.has_joins() {
        return needed;
    }
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
