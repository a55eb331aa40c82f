//! The words of the text form that both the printer and the parser need.

use crate::function::{End, Imm, Item};
use crate::op::{ImmKind, Op, Pattern};
use crate::program::Tables;
use crate::types::Type;

/// The ends that carry nothing.
pub(super) const ENDS: [(&str, End); 5] = [
    ("done", End::Done),
    ("again", End::Again),
    ("finish", End::Finish),
    ("pending", End::Pending),
    ("host_failed", End::HostFailed),
];

/// What `get` reads.
pub(super) const ITEMS: [(&str, Item); 3] = [("u8", Item::U8), ("i64", Item::I64), ("f64", Item::F64)];

/// The type of an instruction's result, where operation and tables say it.
pub(super) fn said_type(op: Op, imm: Imm, tables: &Tables) -> Option<Type> {
    let info = op.info();
    match (info.imm, imm, info.results.first()?) {
        (ImmKind::Type, Imm::Type(ty), _) => Some(ty),
        (ImmKind::Slot, Imm::Index(slot), _) => tables.slots.get(slot as usize).map(|slot| slot.ty),
        (ImmKind::Column, Imm::Column { rows, column }, _) => {
            let rows = tables.rows.get(rows as usize)?;
            rows.columns.get(column as usize).map(|column| column.ty)
        }
        (_, _, Pattern::Is(ty)) => Some(*ty),
        (_, _, Pattern::T | Pattern::OptT | Pattern::Any) => None,
    }
}
