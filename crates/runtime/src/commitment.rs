//! How many elements inputs and flow points are committed to take: the standing asks
//! of the readers, as far as what lies behind them can bear.

use rustc_hash::{FxHashMap, FxHashSet};

use cutthrough_ir::{Flow, Lend, Place, Registers, Rows, State, Word, Words};

use crate::program::ProcessCode;
use crate::wiring::{Destination, PointId, Port, ProcessId, Status, Wiring};

/// How many elements a process whose slots lie in these places asks for on an input.
pub(crate) fn asked(
    code: &ProcessCode,
    (places, rows): (&[Place], &[u32]),
    state: &State,
    input: usize,
) -> u64 {
    let Some(ask) = &code.inputs[input].ask else {
        return u64::MAX;
    };
    let mut registers = Registers::default();
    let mut slots = Slots { places, rows, state };
    ask.code
        .run(code.tables(), Words::NONE, &mut registers, &mut slots);
    u64::try_from(registers.returned()[0].cast_signed()).unwrap_or(0)
}

/// How many elements the readers of a flow point take together, whatever may happen
/// meanwhile.
pub(crate) fn of_point(wiring: &Wiring, state: &State, point: PointId) -> u64 {
    Commitments::new(wiring, state).of_point(point)
}

/// How many elements an input takes, whatever may happen meanwhile.
pub(crate) fn of_input(wiring: &Wiring, state: &State, reader: Port) -> u64 {
    Commitments::new(wiring, state).of_input(reader)
}

/// Processes because of which the readers of a flow point take nothing. As long as these
/// stay as they are, with all that they are attached to, so does that.
pub(crate) fn refusing(wiring: &Wiring, state: &State, point: PointId) -> Vec<ProcessId> {
    let mut refusing = Refusing {
        commitments: Commitments::new(wiring, state),
        seen: FxHashSet::default(),
        found: Vec::new(),
    };
    refusing.look_behind(point);
    refusing.found
}

/// What inputs and flow points are committed to, worked out once for each input.
pub(crate) struct Commitments<'c> {
    wiring: &'c Wiring,
    state: &'c State,
    known: FxHashMap<Port, u64>,
}

impl<'c> Commitments<'c> {
    pub(crate) fn new(wiring: &'c Wiring, state: &'c State) -> Commitments<'c> {
        Commitments {
            wiring,
            state,
            known: FxHashMap::default(),
        }
    }

    fn of_point(&mut self, point: PointId) -> u64 {
        let readers = &self.wiring.point(point).readers;
        readers
            .iter()
            .fold(0, |sum: u64, &reader| sum.saturating_add(self.of_input(reader)))
    }

    pub(crate) fn of_input(&mut self, reader: Port) -> u64 {
        if let Some(&known) = self.known.get(&reader) {
            return known;
        }
        let taken = self.derive(reader);
        self.known.insert(reader, taken);
        taken
    }

    fn derive(&mut self, reader: Port) -> u64 {
        let wiring = self.wiring;
        let node = wiring.node(reader.process);
        if Status::of(self.state.i64(node.status)) != Status::Idle {
            return 0;
        }
        let mut taken = asked(&node.code, (&node.places, &node.rows), self.state, reader.port);
        let read_ok = &node.code.inputs[reader.port].read_ok;
        if read_ok.may_hold {
            // It may hold on to the first one.
            taken = taken.min(1);
        }
        for &output in &read_ok.requires {
            taken = taken.min(match wiring.destination(reader.process, output) {
                Destination::Reader(next) => self.of_input(next),
                Destination::Dealt(point) => self.of_point(point),
                Destination::Nowhere => 0,
                Destination::Lost => u64::MAX,
            });
        }
        taken
    }
}

/// Finds out who takes nothing.
struct Refusing<'c> {
    commitments: Commitments<'c>,
    seen: FxHashSet<Port>,
    found: Vec<ProcessId>,
}

impl Refusing<'_> {
    fn look_behind(&mut self, point: PointId) {
        let wiring = self.commitments.wiring;
        for &reader in &wiring.point(point).readers {
            self.look_at(reader);
        }
    }

    fn look_at(&mut self, reader: Port) {
        let wiring = self.commitments.wiring;
        if self.commitments.of_input(reader) > 0 || !self.seen.insert(reader) {
            return;
        }
        self.found.push(reader.process);
        let node = wiring.node(reader.process);
        let state = self.commitments.state;
        let is_idle = Status::of(state.i64(node.status)) == Status::Idle;
        if !is_idle || asked(&node.code, (&node.places, &node.rows), state, reader.port) == 0 {
            return;
        }
        // One output that leads to nobody who takes anything is enough.
        for &output in &node.code.inputs[reader.port].read_ok.requires {
            match wiring.destination(reader.process, output) {
                Destination::Reader(next) if self.commitments.of_input(next) == 0 => {
                    return self.look_at(next);
                }
                Destination::Dealt(point) if self.commitments.of_point(point) == 0 => {
                    return self.look_behind(point);
                }
                Destination::Nowhere => return,
                Destination::Reader(_) | Destination::Dealt(_) | Destination::Lost => {}
            }
        }
    }
}

/// The state of a process, for expressions to read.
struct Slots<'s> {
    places: &'s [Place],
    rows: &'s [u32],
    state: &'s State,
}

impl Flow for Slots<'_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(self.state.get(self.places[slot]).words());
    }

    fn slot_set(&mut self, _slot: usize, _value: Words<'_>) {
        unreachable!("INVARIANT: expressions set nothing")
    }

    fn rows(&self, rows: usize) -> &Rows {
        self.state.rows(self.rows[rows])
    }

    fn rows_mut(&mut self, _rows: usize) -> &mut Rows {
        unreachable!("INVARIANT: expressions change nothing")
    }

    fn rows_failed(&mut self, _rows: usize, _message: String) {
        unreachable!("INVARIANT: expressions add no rows")
    }

    fn lend(&mut self, _host: usize, _rows: &[u32], _to: &mut Lend<'_>) -> bool {
        unreachable!("INVARIANT: expressions call nothing")
    }

    fn drop_element(&mut self, _policy: usize) {
        unreachable!("INVARIANT: expressions drop nothing")
    }
}
