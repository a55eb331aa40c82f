//! What may happen once only in an activation, as views of bytes live no longer: on no
//! way through a fragment may it stand a second time.

use std::collections::BTreeMap;

use crate::cfg::Graph;
use crate::function::{Function, FunctionKind, Imm, Terminator};
use crate::op::Op;
use crate::program::Tables;
use crate::types::{Kind, Type};
use crate::verify::Role;
use crate::verify::error::Spot;
use crate::verify::function::Checker;

/// Something that ends the life of a view when it happens again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Once {
    /// A slot of bytes is set.
    Set(u32),
    /// A host function that gives bytes is called.
    Call(u32),
    /// An input is taken from.
    Take(u32),
    /// Rows of a row buffer may go.
    Truncate(u32),
}

/// Where it stands: the block and the spot.
type Place = (usize, Spot);

impl Checker<'_> {
    /// Checks rules 19 to 21, and 23. The function has no loops if `graph` is to have an order.
    pub(super) fn once(&mut self, graph: &Graph) {
        if self.function.kind != FunctionKind::Fragment {
            return;
        }
        let Some(order) = graph.topological() else { return };
        let places = places(self.function, self.tables);
        let brought = match self.role {
            Role::ReadOk(input) => Some(Once::Take(input as u32)),
            _ => None,
        };
        // What stands in one place only cannot stand on a way twice.
        let several = places
            .into_iter()
            .filter(|(what, places)| places.len() > 1 || Some(*what) == brought);
        let several: Vec<(Once, Vec<Place>)> = several.collect();
        // PERF: 64 of them at a time, one bit each.
        for some in several.chunks(64) {
            self.once_of(graph, &order, some, brought);
        }
        self.at_function();
    }

    fn once_of(&mut self, graph: &Graph, order: &[u32], some: &[(Once, Vec<Place>)], brought: Option<Once>) {
        let mut here: Vec<Vec<(u64, Spot)>> = vec![Vec::new(); self.function.blocks.len()];
        for (k, (_, places)) in some.iter().enumerate() {
            for (block, spot) in places {
                here[*block].push((1 << k, *spot));
            }
        }
        // For each block, what may have happened on some way to it.
        let mut before = vec![0u64; self.function.blocks.len()];
        let bit_of = |what: Once| {
            some.iter()
                .position(|(known, _)| *known == what)
                .map_or(0, |k| 1 << k)
        };
        before[0] = brought.map_or(0, bit_of);
        for &block in order {
            let block = block as usize;
            let mut seen = before[block];
            here[block].sort_by_key(|(_, spot)| spot.index());
            for &(bit, spot) in &here[block] {
                if seen & bit != 0 {
                    self.at(block, spot);
                    self.second(some[bit.trailing_zeros() as usize].0, brought);
                }
                seen |= bit;
            }
            graph.successors(block).for_each(|next| before[next] |= seen);
        }
    }

    fn second(&mut self, what: Once, brought: Option<Once>) {
        match what {
            Once::Set(slot) => {
                self.fail(19, format_args!("it sets slot {slot}, of bytes, a second time"));
            }
            Once::Call(host) => {
                self.fail(
                    20,
                    format_args!("it calls host function {host}, which gives bytes, a second time"),
                );
            }
            Once::Take(input) if brought == Some(what) => {
                self.fail(
                    21,
                    format_args!("it takes from input {input}, which has just brought an element"),
                );
            }
            Once::Take(input) => self.fail(21, format_args!("it takes from input {input} a second time")),
            Once::Truncate(rows) => {
                self.fail(
                    23,
                    format_args!("rows of row buffer {rows}, which has bytes, may go a second time"),
                );
            }
        }
    }
}

/// Where each stands.
fn places(function: &Function, tables: &Tables) -> BTreeMap<Once, Vec<Place>> {
    let is_bytes = |ty: &Type| ty.kind == Kind::Bytes;
    let mut places: BTreeMap<Once, Vec<Place>> = BTreeMap::new();
    let has_bytes = |rows: u32| {
        let decl = tables.rows.get(rows as usize);
        decl.is_some_and(|decl| decl.types().any(|ty| is_bytes(&ty)))
    };
    for (index, block) in function.blocks.iter().enumerate() {
        for (k, inst) in block.insts.iter().enumerate() {
            if let (Op::RowsTruncate, Imm::Index(rows)) = (inst.op, inst.imm)
                && has_bytes(rows)
            {
                places
                    .entry(Once::Truncate(rows))
                    .or_default()
                    .push((index, Spot::Inst(k)));
            }
            if let (Op::SlotSet, Imm::Index(slot)) = (inst.op, inst.imm)
                && tables
                    .slots
                    .get(slot as usize)
                    .is_some_and(|slot| is_bytes(&slot.ty))
            {
                places
                    .entry(Once::Set(slot))
                    .or_default()
                    .push((index, Spot::Inst(k)));
            }
        }
        if let Terminator::Call { host, rows, .. } = &block.terminator {
            let params = tables.hosts.get(*host as usize).map_or(&[][..], |sig| &sig.rows);
            let written = rows.iter().zip(params).filter(|(_, param)| param.writes);
            for (&rows, _) in written.filter(|(rows, _)| has_bytes(**rows)) {
                places
                    .entry(Once::Truncate(rows))
                    .or_default()
                    .push((index, Spot::Terminator));
            }
        }
        let what = match block.terminator {
            Terminator::Call { host, .. } => {
                let sig = tables.hosts.get(host as usize);
                let gives_bytes = sig.is_some_and(|sig| sig.results.iter().any(is_bytes));
                gives_bytes.then_some(Once::Call(host))
            }
            Terminator::Take { input, .. } => Some(Once::Take(input)),
            _ => None,
        };
        if let Some(what) = what {
            places.entry(what).or_default().push((index, Spot::Terminator));
        }
    }
    places
}
