//! Ways out of a loop that a number of laps surely does not take: those where a number that
//! grows by one, or shrinks by one, with each lap comes to a bound.

use std::collections::{BTreeMap, HashMap};

use cutthrough_ir::{Function, Inst, Op, Terminator, Value};

use super::{Role, Scalar, Values};

/// A way out of a loop. Laps stay while `slot + more`, as it is in a lap, compares to
/// `bound` as `stay` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) slot: u32,
    pub(crate) more: i64,
    pub(crate) bound: i64,
    pub(crate) stay: Stay,
}

/// When a lap stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// As long as a growing number is less.
    Less,
    /// As long as a shrinking number is greater.
    Greater,
}

/// The ways out; none may be such that it is not known beforehand.
pub(super) fn of(
    function: &Function,
    blocks: &[usize],
    values: &Values,
    slots: &BTreeMap<u32, Role>,
) -> Result<Vec<Exit>, Scalar> {
    let insts = blocks.iter().flat_map(|&block| &function.blocks[block].insts);
    let definitions: HashMap<Value, &Inst> = insts
        .filter_map(|inst| inst.result.map(|result| (result, inst)))
        .collect();
    let mut exits = Vec::new();
    for &block in &blocks[..blocks.len() - 1] {
        let Terminator::Br(condition, yes, no) = &function.blocks[block].terminator else {
            continue;
        };
        let stays = [yes, no].map(|to| blocks.contains(&to.block.index()));
        if stays == [true, true] {
            continue;
        }
        let exit = definitions
            .get(condition)
            .and_then(|inst| exit(inst, values, slots, stays[0]));
        exits.push(exit.ok_or(Scalar::Leaves)?);
    }
    Ok(exits)
}

fn exit(inst: &Inst, values: &Values, slots: &BTreeMap<u32, Role>, stays_if: bool) -> Option<Exit> {
    let [number, bound] = inst.args[..] else {
        return None;
    };
    let &(slot, more) = values.inductions.get(&number)?;
    let &bound = values.constants.get(&bound)?;
    let (stay, bound) = match (inst.op, stays_if) {
        (Op::Ilt, true) | (Op::Ige, false) => (Stay::Less, bound),
        (Op::Ile, true) | (Op::Igt, false) => (Stay::Less, bound.checked_add(1)?),
        (Op::Igt, true) | (Op::Ile, false) => (Stay::Greater, bound),
        (Op::Ige, true) | (Op::Ilt, false) => (Stay::Greater, bound.checked_sub(1)?),
        _ => return None,
    };
    let role = slots.get(&slot)?;
    let fits = matches!(
        (stay, role),
        (Stay::Less, Role::Induction(1)) | (Stay::Greater, Role::Induction(-1))
    );
    fits.then_some(Exit {
        slot,
        more,
        bound,
        stay,
    })
}
