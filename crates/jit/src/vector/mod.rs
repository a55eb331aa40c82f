//! Which loops of a chain can be run several laps at once, in the lanes of vector
//! registers, and what each part of such a loop becomes.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the plan of a loop, and when there is none |
//! | [`predicate`] | under which condition each block of a lap runs |
//! | [`slots`] | what a loop does to each state slot |
//! | [`exits`] | exits that a loop can be kept from reaching |
//!
//! # Definitions
//! A loop over a batch of laps (`ir::passes::batch`) is *vectorised* when a copy of it runs
//! [`VectorLoop::laps`] laps at a time. The copy has no branches: a block that runs only
//! under a condition becomes operations under a *mask*, which is -1 in the lanes of the laps
//! that run the block and 0 in the others.
//!
//! The copy stops while at least one lap is left. The loop as it was runs that lap and all
//! others that are left, so whatever a lap leaves in slots, and every way out of the loop,
//! is the work of the loop as it was. Between the two, slots and counts are what they would
//! be after so many laps.
//!
//! What a value of a lap is:
//! - *uniform*: the same in all laps that the copy runs; computed once in front of it;
//! - an *induction*: a slot that grows by the same number in each lap, and a constant more;
//! - anything else: one lane for each lap.

mod exits;
mod predicate;
mod slots;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use cranelift_codegen::isa::TargetIsa;
use cutthrough_ir::op::Effect;
use cutthrough_ir::{Function, Imm, Inst, Op, Terminator, Type, Value};

use crate::limits::{VECTOR_BLOCKS_MAX, VECTOR_OPS_MAX};
pub(crate) use exits::{Exit, Stay};
pub(crate) use predicate::{Predicate, PredicateIndex, Predicates};
use slots::reduction_of;
pub(crate) use slots::{Reduction, Role, only_reduced};

/// Lanes of one vector register: 128 bits of 64 each.
pub(crate) const LANES: usize = 2;

/// A loop that is run several laps at once.
#[derive(Debug)]
pub(crate) struct VectorLoop {
    /// The blocks of a lap, each before those that it goes to: the first is where a lap
    /// begins, the last where it goes on with the next.
    pub(crate) blocks: Vec<usize>,
    /// The slot that counts laps.
    pub(crate) counter: u32,
    /// What the counter is when no lap is left.
    pub(crate) limit: Value,
    /// What the loop does to the slots that it sets.
    pub(crate) slots: BTreeMap<u32, Role>,
    pub(crate) predicates: Predicates,
    pub(crate) exits: Vec<Exit>,
    pub(crate) values: Values,
    /// How many copies of a lap's operations there are, each on a register of lanes.
    pub(crate) copies: usize,
}

impl VectorLoop {
    /// Where a lap begins.
    pub(crate) fn head(&self) -> usize {
        self.blocks[0]
    }

    /// What a `slot_set` puts into lanes: what a sum takes in, or what the lap reads again.
    pub(crate) fn lanes_set(&self, set: &Inst) -> Option<Value> {
        let slot = u32::try_from(set.imm.index()).expect("INVARIANT: tables are bounded");
        match self.slots.get(&slot)? {
            Role::Induction(_) => None,
            Role::Reduced(_) => Some(self.values.taken[&set.args[0]].0),
            Role::Overwritten => self.values.read_back.contains(&slot).then_some(set.args[0]),
        }
    }

    /// How many laps it runs at once.
    pub(crate) fn laps(&self) -> usize {
        self.copies * LANES
    }
}

/// Why a loop is not vectorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// The lap has too many blocks or operations.
    Large,
    /// This operation has no form for lanes.
    Operation(Op),
    /// A block ends in something that is no plain branch.
    Branches,
    /// The loop is left under a condition that is not known in front of it.
    Leaves,
    /// What a lap leaves in this slot depends on the lap before in another way than a sum
    /// or the like.
    Slot(u32),
    /// It reads at an index that does not grow by one with each lap.
    Index,
    /// The multiplications cost more in lanes than one by one, on this processor.
    Multiplications,
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Large => f.write_str("it is too large"),
            Scalar::Operation(op) => write!(f, "`{}` has no vector form", op.info().name),
            Scalar::Branches => f.write_str("it calls, takes or steps"),
            Scalar::Leaves => f.write_str("it is left under a condition that is not known beforehand"),
            Scalar::Slot(slot) => write!(f, "slot {slot} depends on the lap before"),
            Scalar::Index => f.write_str("it reads at an index that does not grow by one"),
            Scalar::Multiplications => f.write_str("multiplying in lanes is slower on this processor"),
        }
    }
}

/// What the processor can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor {
    /// Whether 64-bit lanes are multiplied in one instruction.
    pub(crate) multiplies_lanes: bool,
}

impl Processor {
    pub(crate) fn of(isa: &dyn TargetIsa) -> Processor {
        let has = |name: &str| {
            let flags = isa.isa_flags();
            flags
                .iter()
                .any(|flag| flag.name == name && flag.as_bool() == Some(true))
        };
        Processor {
            multiplies_lanes: has("has_avx512vl") && has("has_avx512dq"),
        }
    }
}

/// The loops of a chain that are run in lanes, and why the others are not.
#[derive(Debug, Default)]
pub(crate) struct VectorLoops {
    pub(crate) loops: Vec<VectorLoop>,
    pub(crate) scalar: Vec<Scalar>,
}

impl VectorLoops {
    /// Looks at all loops over batches of a function.
    pub(crate) fn find(function: &Function, processor: Processor) -> VectorLoops {
        let mut found = VectorLoops::default();
        for (block, data) in function.blocks.iter().enumerate() {
            if matches!(data.terminator, Terminator::Lap { .. }) {
                match plan(function, processor, block) {
                    Ok(planned) => found.loops.push(planned),
                    Err(why) => found.scalar.push(why),
                }
            }
        }
        found
    }
}

/// The plan of the loop whose laps end with this block.
fn plan(function: &Function, processor: Processor, last: usize) -> Result<VectorLoop, Scalar> {
    let Terminator::Lap {
        index, limit, again, ..
    } = &function.blocks[last].terminator
    else {
        unreachable!("INVARIANT: it was found by that")
    };
    let head = again.block.index();
    let blocks = lap_blocks(function, head, last)?;
    // What comes with a jump back would be one value in the first lap and others later.
    if !function.blocks[head].params.is_empty() || defined_in(function, &blocks).contains(limit) {
        return Err(Scalar::Branches);
    }
    let predicates = Predicates::of(function, &blocks)?;
    let constants = constants(function);
    let slots = slots::roles(function, &blocks, &predicates, &constants)?;
    let values = Values::of(function, &blocks, &slots, constants)?;
    let exits = exits::of(function, &blocks, &values, &slots)?;
    let counter = match values.inductions.get(index) {
        Some(&(slot, 1)) if slots.get(&slot) == Some(&Role::Induction(1)) => slot,
        _ => return Err(Scalar::Index),
    };
    let copies = copies(function, &blocks, &slots, &values, processor)?;
    Ok(VectorLoop {
        blocks,
        counter,
        limit: *limit,
        slots,
        predicates,
        exits,
        values,
        copies,
    })
}

/// The blocks from the head to the last block of a lap, each before those that it goes to.
fn lap_blocks(function: &Function, head: usize, last: usize) -> Result<Vec<usize>, Scalar> {
    // Blocks are numbered in reverse postorder, and a lap has no loop within.
    let mut reaches = HashSet::from([last]);
    for block in (head..last).rev() {
        let mut any = false;
        let terminator = &function.blocks[block].terminator;
        terminator
            .for_each_target(|to| any |= to.block.index() > block && reaches.contains(&to.block.index()));
        if any {
            reaches.insert(block);
        }
    }
    let mut blocks = vec![];
    let mut entered = HashSet::from([head]);
    for block in head..=last {
        if reaches.contains(&block) && entered.contains(&block) {
            blocks.push(block);
            let terminator = &function.blocks[block].terminator;
            terminator.for_each_target(|to| {
                entered.insert(to.block.index());
            });
        }
    }
    match blocks.len() {
        0 => Err(Scalar::Branches),
        number if number > VECTOR_BLOCKS_MAX => Err(Scalar::Large),
        _ => Ok(blocks),
    }
}

/// The integers that are constants.
fn constants(function: &Function) -> HashMap<Value, i64> {
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    let constants = insts.filter_map(|inst| match (inst.op, inst.imm, inst.result) {
        (Op::Iconst, Imm::I64(number), Some(result)) => Some((result, number)),
        _ => None,
    });
    constants.collect()
}

/// The values that are defined in these blocks.
fn defined_in(function: &Function, blocks: &[usize]) -> HashSet<Value> {
    let mut defined = HashSet::new();
    for data in blocks.iter().map(|&block| &function.blocks[block]) {
        defined.extend(data.params.iter().copied());
        defined.extend(data.insts.iter().filter_map(|inst| inst.result));
    }
    defined
}

/// What the values of a lap are.
#[derive(Debug)]
pub(crate) struct Values {
    /// The same in all laps, and computed in the lap.
    pub(crate) uniform: HashSet<Value>,
    /// A slot that grows, and how much more it is than at the beginning of the lap.
    pub(crate) inductions: HashMap<Value, (u32, i64)>,
    /// One lane for each lap.
    pub(crate) lanes: HashSet<Value>,
    /// What a slot is reduced to: what it takes in, and whether that is subtracted.
    pub(crate) taken: HashMap<Value, (Value, bool)>,
    /// Slots that are read after the lap has set them.
    pub(crate) read_back: HashSet<u32>,
    constants: HashMap<Value, i64>,
}

impl Values {
    /// Goes through a lap, and looks whether every operation has a form for lanes.
    fn of(
        function: &Function,
        blocks: &[usize],
        slots: &BTreeMap<u32, Role>,
        constants: HashMap<Value, i64>,
    ) -> Result<Values, Scalar> {
        let mut values = Values {
            uniform: HashSet::new(),
            inductions: HashMap::new(),
            lanes: HashSet::new(),
            taken: HashMap::new(),
            read_back: HashSet::new(),
            constants,
        };
        let inside = defined_in(function, blocks);
        let mut scan = Scan {
            function,
            slots,
            inside,
            grown: HashMap::new(),
            before: HashSet::new(),
        };
        for data in blocks.iter().map(|&block| &function.blocks[block]) {
            if data.params.iter().any(|&param| !has_lanes(function.ty(param))) {
                return Err(Scalar::Branches);
            }
            values.lanes.extend(data.params.iter().copied());
            for inst in &data.insts {
                scan.inst(&mut values, inst)?;
            }
        }
        Ok(values)
    }

    /// The integer that a value is, if it is a constant.
    pub(crate) fn constant(&self, value: Value) -> Option<i64> {
        self.constants.get(&value).copied()
    }

    /// What grows as a slot does, if this is such a slot and a constant.
    fn grows(&self, inst: &Inst) -> Option<(u32, i64)> {
        let (Op::Iadd, [a, b]) = (inst.op, &inst.args[..]) else {
            return None;
        };
        let (slot, by) = self.inductions.get(a)?;
        Some((*slot, by.wrapping_add(*self.constants.get(b)?)))
    }
}

/// What is known on the way through a lap.
struct Scan<'f> {
    function: &'f Function,
    slots: &'f BTreeMap<u32, Role>,
    /// What is defined in the lap.
    inside: HashSet<Value>,
    /// By how much slots have grown in this lap.
    grown: HashMap<u32, i64>,
    /// What slots were before they took something in.
    before: HashSet<Value>,
}

impl Scan<'_> {
    fn inst(&mut self, values: &mut Values, inst: &Inst) -> Result<(), Scalar> {
        match (inst.op, inst.imm, inst.result) {
            (Op::SlotGet, Imm::Index(slot), Some(result)) => match self.slots.get(&slot) {
                None => {
                    values.uniform.insert(result);
                }
                Some(Role::Induction(_)) => {
                    let by = self.grown.get(&slot).copied().unwrap_or(0);
                    values.inductions.insert(result, (slot, by));
                }
                Some(Role::Reduced(_)) => {
                    self.before.insert(result);
                }
                Some(Role::Overwritten) => {
                    values.read_back.insert(slot);
                    values.lanes.insert(result);
                }
            },
            (Op::SlotSet, Imm::Index(slot), _) => {
                if let Some(&Role::Induction(by)) = self.slots.get(&slot) {
                    self.grown.insert(slot, by);
                }
            }
            (Op::Count, ..) => {}
            (Op::ItemI64 | Op::ItemF64, _, Some(result)) => {
                let at = values.inductions.get(&inst.args[1]);
                let at = at.map(|&(slot, by)| (self.slots.get(&slot), by));
                if !self.is_uniform(values, inst.args[0]) || at != Some((Some(&Role::Induction(1)), 0)) {
                    return Err(Scalar::Index);
                }
                values.lanes.insert(result);
            }
            (op, _, Some(result)) if op.info().effect == Effect::Pure => self.pure(values, inst, result)?,
            (op, ..) => return Err(Scalar::Operation(op)),
        }
        Ok(())
    }

    fn pure(&self, values: &mut Values, inst: &Inst, result: Value) -> Result<(), Scalar> {
        let before = inst.args.iter().find(|arg| self.before.contains(arg));
        if let Some((_, taken)) = before.and_then(|&before| reduction_of(inst, before)) {
            values.taken.insert(result, (taken, inst.op == Op::Isub));
        } else if is_cheap(inst.op) && inst.args.iter().all(|&arg| self.is_uniform(values, arg)) {
            values.uniform.insert(result);
        } else if let Some(more) = values.grows(inst) {
            values.inductions.insert(result, more);
        } else if self.has_lane_form(values, inst) {
            values.lanes.insert(result);
        } else {
            return Err(Scalar::Operation(inst.op));
        }
        Ok(())
    }

    fn is_uniform(&self, values: &Values, value: Value) -> bool {
        !self.inside.contains(&value) || values.uniform.contains(&value)
    }

    fn has_lane_form(&self, values: &Values, inst: &Inst) -> bool {
        let mut operands = inst.args.iter().chain(&inst.result);
        let by_power = || {
            let divisor = inst.args.get(1).and_then(|divisor| values.constants.get(divisor));
            divisor.is_some_and(|divisor| *divisor > 0 && divisor.count_ones() == 1)
        };
        operands.all(|&value| has_lanes(self.function.ty(value)))
            && match inst.op {
                Op::Ishl | Op::Ishr | Op::Iushr => self.is_uniform(values, inst.args[1]),
                Op::Idiv | Op::Irem => by_power(),
                // Neither has an instruction for lanes.
                op => !matches!(op, Op::FToI | Op::WToF),
            }
    }
}

/// Whether values of a type can lie in lanes.
fn has_lanes(ty: Type) -> bool {
    matches!(ty, Type::I64 | Type::F64 | Type::BOOL)
}

/// Whether an operation is a few instructions, without branches or calls: then it may be
/// computed in front of a loop whether or not a lap needs it.
fn is_cheap(op: Op) -> bool {
    !matches!(
        op,
        Op::Seq
            | Op::Scmp
            | Op::Sfind
            | Op::Sstarts
            | Op::Sends
            | Op::SToI
            | Op::SToF
            | Op::Sslice
            | Op::Sbyte
            | Op::WToF
    )
}

/// How many copies of a lap's operations the loop has: several hide how long an operation
/// takes, as long as there are registers for all.
fn copies(
    function: &Function,
    blocks: &[usize],
    slots: &BTreeMap<u32, Role>,
    values: &Values,
    processor: Processor,
) -> Result<usize, Scalar> {
    let mut operations = 0;
    let mut multiplications = 0;
    for inst in blocks.iter().flat_map(|&block| &function.blocks[block].insts) {
        let is_lane = |value: Value| values.lanes.contains(&value) || values.taken.contains_key(&value);
        if inst.result.is_some_and(is_lane) || inst.op == Op::Count {
            operations += 1;
            multiplications += usize::from(inst.op == Op::Imul);
        }
    }
    if operations > VECTOR_OPS_MAX {
        return Err(Scalar::Large);
    }
    // Where there is no instruction for a product of lanes it takes nine for two products;
    // other operations take half an instruction each, and one by one all take one.
    if !processor.multiplies_lanes && multiplications * 8 > operations + 4 {
        return Err(Scalar::Multiplications);
    }
    let sums = slots
        .values()
        .filter(|role| matches!(role, Role::Reduced(_)))
        .count();
    Ok(match (operations, sums) {
        (0..=12, 0..=2) => 4,
        (0..=40, 0..=4) => 2,
        _ => 1,
    })
}
