//! What a loop does to each state slot that it sets.

use std::collections::{BTreeMap, HashMap};

use cutthrough_ir::{Function, Imm, Inst, Op, Value};

use super::{Predicates, Scalar, has_lanes};

/// What becomes of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It grows by this in each lap.
    Induction(i64),
    /// It takes in one number more in some laps, in any order.
    Reduced(Reduction),
    /// Each lap sets it and none uses what the one before has set.
    Overwritten,
}

/// An operation of which the order does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// A wrapping sum. (What is subtracted is added to it negated.)
    Add,
    /// A wrapping product.
    Multiply,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Bits that are set in all.
    And,
    /// Bits that are set in any.
    Or,
    /// Bits that are set in an odd number.
    Xor,
}

impl Reduction {
    pub(crate) fn of(op: Op) -> Option<Reduction> {
        Some(match op {
            Op::Iadd | Op::Isub => Reduction::Add,
            Op::Imul => Reduction::Multiply,
            Op::Imin => Reduction::Min,
            Op::Imax => Reduction::Max,
            Op::Iand => Reduction::And,
            Op::Ior => Reduction::Or,
            Op::Ixor => Reduction::Xor,
            _ => return None,
        })
    }

    /// What changes nothing.
    pub(crate) fn identity(self) -> i64 {
        match self {
            Reduction::Add | Reduction::Or | Reduction::Xor => 0,
            Reduction::Multiply => 1,
            Reduction::And => -1,
            Reduction::Min => i64::MAX,
            Reduction::Max => i64::MIN,
        }
    }
}

/// What takes a slot's number and gives its next: the operation and what it takes in.
pub(super) fn reduction_of(inst: &Inst, before: Value) -> Option<(Reduction, Value)> {
    let reduction = Reduction::of(inst.op)?;
    match inst.args[..] {
        [a, b] if a == before && b != before => Some((reduction, b)),
        [a, b] if b == before && a != before && inst.op != Op::Isub => Some((reduction, a)),
        _ => None,
    }
}

/// What a lap does with one slot.
#[derive(Default)]
struct Accesses<'f> {
    /// What is read, and what is set, in order, each with whether that is in every lap.
    all: Vec<(Access<'f>, bool)>,
}

#[derive(Clone, Copy)]
enum Access<'f> {
    Get(Value),
    /// The value, and what computes it if that is in the lap.
    Set(Value, Option<&'f Inst>),
}

/// The roles of the slots that a loop sets.
pub(super) fn roles(
    function: &Function,
    blocks: &[usize],
    predicates: &Predicates,
    constants: &HashMap<Value, i64>,
) -> Result<BTreeMap<u32, Role>, Scalar> {
    let mut definitions: HashMap<Value, &Inst> = HashMap::new();
    let mut uses: HashMap<Value, u32> = HashMap::new();
    let mut slots: BTreeMap<u32, Accesses<'_>> = BTreeMap::new();
    for &block in blocks {
        let data = &function.blocks[block];
        let always = predicates.of_block(block) == 0;
        for inst in &data.insts {
            inst.args
                .iter()
                .for_each(|arg| *uses.entry(*arg).or_default() += 1);
            if let Some((slot, access)) = access(inst, &definitions) {
                slots.entry(slot).or_default().all.push((access, always));
            }
            definitions.extend(inst.result.map(|result| (result, inst)));
        }
        data.terminator
            .for_each_operand(|arg| *uses.entry(arg).or_default() += 1);
        data.terminator
            .for_each_target(|to| to.args.iter().for_each(|arg| *uses.entry(*arg).or_default() += 1));
    }
    let mut roles = BTreeMap::new();
    for (slot, accesses) in slots {
        if accesses
            .all
            .iter()
            .any(|(access, _)| matches!(access, Access::Set(..)))
        {
            let role = accesses
                .induction(constants)
                .or_else(|| accesses.reduced(&uses))
                .or_else(|| accesses.overwritten(function));
            roles.insert(slot, role.ok_or(Scalar::Slot(slot))?);
        }
    }
    Ok(roles)
}

impl Accesses<'_> {
    /// One set, in every lap, to what it was and a constant more.
    fn induction(&self, constants: &HashMap<Value, i64>) -> Option<Role> {
        let mut before = Vec::new();
        let mut by = None;
        for &(access, always) in &self.all {
            match access {
                Access::Get(value) if by.is_none() => before.push(value),
                Access::Get(_) => {}
                Access::Set(_, Some(inst)) if by.is_none() && always && inst.op == Op::Iadd => {
                    let [a, b] = inst.args[..] else { return None };
                    if !before.contains(&a) {
                        return None;
                    }
                    by = Some(*constants.get(&b)?);
                }
                Access::Set(..) => return None,
            }
        }
        by.map(Role::Induction)
    }

    /// Pairs of a read and a set to what was read and something more, by one operation;
    /// nothing else uses what was read.
    fn reduced(&self, uses: &HashMap<Value, u32>) -> Option<Role> {
        let mut role = None;
        let mut pairs = self.all.chunks_exact(2);
        for pair in &mut pairs {
            let [(Access::Get(before), _), (Access::Set(value, Some(inst)), _)] = *pair else {
                return None;
            };
            let (reduction, _) = reduction_of(inst, before)?;
            let is_alone = uses[&before] == 1 && uses[&value] == 1;
            if !is_alone || role.is_some_and(|role| role != reduction) {
                return None;
            }
            role = Some(reduction);
        }
        let is_all = pairs.remainder().is_empty();
        role.filter(|_| is_all).map(Role::Reduced)
    }

    /// The first access is a set in every lap; and so are all others, as a lap that sets
    /// only sometimes would leave what an earlier one has set.
    fn overwritten(&self, function: &Function) -> Option<Role> {
        let mut is_set = false;
        for &(access, always) in &self.all {
            match access {
                Access::Set(value, _) => {
                    is_set = true;
                    if !always || !has_lanes(function.ty(value)) {
                        return None;
                    }
                }
                Access::Get(_) if !is_set => return None,
                Access::Get(_) => {}
            }
        }
        Some(Role::Overwritten)
    }
}

/// The slots that the whole function only takes numbers into, by one operation each: what
/// lanes have taken in may be put to them as late as where the chain comes out.
pub(crate) fn only_reduced(function: &Function) -> BTreeMap<u32, Reduction> {
    let mut uses: HashMap<Value, u32> = HashMap::new();
    let mut count = |value: Value| *uses.entry(value).or_default() += 1;
    for data in &function.blocks {
        data.insts
            .iter()
            .flat_map(|inst| &inst.args)
            .for_each(|&arg| count(arg));
        data.terminator.for_each_operand(&mut count);
        data.terminator
            .for_each_target(|to| to.args.iter().for_each(|&arg| count(arg)));
    }
    let mut roles: BTreeMap<u32, Option<Role>> = BTreeMap::new();
    for data in &function.blocks {
        let mut definitions: HashMap<Value, &Inst> = HashMap::new();
        let mut slots: BTreeMap<u32, Accesses<'_>> = BTreeMap::new();
        for inst in &data.insts {
            if let Some((slot, access)) = access(inst, &definitions) {
                slots.entry(slot).or_default().all.push((access, true));
            }
            definitions.extend(inst.result.map(|result| (result, inst)));
        }
        for (slot, accesses) in slots {
            let role = accesses.reduced(&uses);
            let known = roles.entry(slot).or_insert(role);
            *known = known.filter(|known| role == Some(*known));
        }
    }
    let reduced = roles.into_iter().filter_map(|(slot, role)| match role {
        Some(Role::Reduced(reduction)) => Some((slot, reduction)),
        _ => None,
    });
    reduced.collect()
}

/// The slot that an instruction reads or sets, and how.
fn access<'f>(inst: &'f Inst, definitions: &HashMap<Value, &'f Inst>) -> Option<(u32, Access<'f>)> {
    match (inst.op, inst.imm, inst.result) {
        (Op::SlotGet, Imm::Index(slot), Some(result)) => Some((slot, Access::Get(result))),
        (Op::SlotSet, Imm::Index(slot), _) => {
            let value = inst.args[0];
            Some((slot, Access::Set(value, definitions.get(&value).copied())))
        }
        _ => None,
    }
}
