//! Loops that run several laps at once: see [`crate::vector`] for the plan of one. What is
//! the same in all laps is computed in front of the loop; every other operation is made
//! once for each register of lanes.

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    BlockArg, Endianness, InstBuilder, MemFlagsData, Type as ClifType, Value as ClifValue, types,
};

use cutthrough_ir::{Imm, Inst, Kind, Op, Terminator, Value};

use super::Lowerer;
use crate::trap_check::constant;
use crate::vector::{Exit, LANES, Predicate, PredicateIndex, Reduction, Role, Stay, VectorLoop};

/// Bytes of one lane.
const LANE_BYTES: i64 = 8;

/// What is made once for a loop, in front of it.
#[derive(Default)]
struct Front {
    /// Uniform values that lanes use.
    splats: HashMap<Value, ClifValue>,
    /// Where the item of the first lap lies, of each read.
    reads: HashMap<Value, ClifValue>,
    /// What an induction that lanes use is in the first laps.
    ramps: HashMap<Value, (ClifValue, i64)>,
}

/// The laps of one copy.
struct Copy<'l> {
    /// Which loop, and which copy of its laps.
    number: usize,
    copy: usize,
    plan: &'l VectorLoop,
    front: &'l Front,
    /// The laps in front of this round.
    laps: ClifValue,
    lanes: HashMap<Value, ClifValue>,
    masks: HashMap<PredicateIndex, ClifValue>,
    /// What this lap has set.
    slots: HashMap<u32, ClifValue>,
}

impl Lowerer<'_, '_> {
    /// The loop in lanes whose laps begin with this block, if there is one.
    pub(super) fn vector_loop_at(&self, head: usize) -> Option<usize> {
        self.vector_loops.iter().position(|plan| plan.head() == head)
    }

    /// Lowers a loop in lanes; behind it is the loop as it is.
    pub(super) fn vector_loop(&mut self, number: usize) {
        let plan = &self.vector_loops[number];
        let behind = self.scalar_heads[&plan.head()];
        let laps = self.laps_settled(plan);
        let [front, head, end] = [(); 3].map(|()| self.builder.create_block());
        let enough = self
            .builder
            .ins()
            .icmp_imm_u(IntCC::UnsignedGreaterThan, laps, plan.laps() as i64);
        self.builder.ins().brif(enough, front, &[], behind, &[]);

        self.switch_to_sealed(front);
        // One lap at least is left over.
        let most = self.builder.ins().iadd_imm_s(laps, -1);
        let laps = self.builder.ins().band_imm_s(most, -(plan.laps() as i64));
        self.begin_loop_sums(number);
        let front = self.front(plan);
        let zero = self.iconst(0);
        self.builder.append_block_param(head, types::I64);
        self.builder.ins().jump(head, &[BlockArg::from(zero)]);

        // Not sealed: it is jumped back to.
        self.builder.switch_to_block(head);
        let before = self.builder.block_params(head)[0];
        for copy in 0..plan.copies {
            self.copy(Copy {
                number,
                copy,
                plan,
                front: &front,
                laps: before,
                lanes: HashMap::new(),
                masks: HashMap::new(),
                slots: HashMap::new(),
            });
        }
        let after = self.builder.ins().iadd_imm_s(before, plan.laps() as i64);
        let more = self.builder.ins().icmp(IntCC::NotEqual, after, laps);
        self.builder
            .ins()
            .brif(more, head, &[BlockArg::from(after)], end, &[]);
        self.builder.seal_block(head);

        self.switch_to_sealed(end);
        self.end_loop_sums(number, laps);
        for (&slot, role) in &plan.slots {
            if let &Role::Induction(by) = role {
                let grown = self.times(laps, by);
                let before = self.slot_get(slot as usize)[0];
                let after = self.builder.ins().iadd(before, grown);
                self.slot_define(slot as usize, after);
            }
        }
        self.builder.ins().jump(behind, &[]);
    }

    /// How many laps are surely run to their ends.
    fn laps_settled(&mut self, plan: &VectorLoop) -> ClifValue {
        let (index, limit) = (self.slot_get(plan.counter as usize)[0], self.part(plan.limit));
        let mut laps = self.builder.ins().isub(limit, index);
        for &Exit {
            slot,
            more,
            bound,
            stay,
        } in &plan.exits
        {
            let number = self.slot_get(slot as usize)[0];
            let number = self.builder.ins().iadd_imm_s(number, more);
            let bound = self.iconst(bound);
            let (low, high) = match stay {
                Stay::Less => (number, bound),
                Stay::Greater => (bound, number),
            };
            let stays = self.builder.ins().icmp(IntCC::SignedLessThan, low, high);
            let room = self.builder.ins().isub(high, low);
            let zero = self.iconst(0);
            let room = self.builder.ins().select(stays, room, zero);
            laps = self.builder.ins().umin(laps, room);
        }
        laps
    }

    /// Computes what is uniform, and what lanes begin with.
    fn front(&mut self, plan: &VectorLoop) -> Front {
        let mut front = Front::default();
        let function = self.function;
        let insts = plan
            .blocks
            .iter()
            .flat_map(|&block| &function.blocks[block].insts);
        for inst in insts.clone() {
            if inst
                .result
                .is_some_and(|result| plan.values.uniform.contains(&result))
            {
                self.inst(inst);
            }
        }
        for inst in insts {
            match (inst.op, inst.result) {
                (Op::ItemI64 | Op::ItemF64, Some(result)) => {
                    let first = self.first_item(plan, inst);
                    front.reads.insert(result, first);
                }
                (Op::SlotSet, _) => {
                    if let Some(set) = plan.lanes_set(inst) {
                        self.operand(plan, &mut front, set);
                    }
                }
                (op, Some(result)) if plan.values.lanes.contains(&result) => {
                    let args = &inst.args[..lane_operands(op, inst.args.len())];
                    args.iter().for_each(|&arg| self.operand(plan, &mut front, arg));
                }
                _ => {}
            }
        }
        for &block in &plan.blocks {
            if let Terminator::Br(condition, ..) = function.blocks[block].terminator {
                self.operand(plan, &mut front, condition);
            }
            for (_, to) in plan.predicates.ways_to(block) {
                to.args
                    .iter()
                    .for_each(|&arg| self.operand(plan, &mut front, arg));
            }
        }
        front
    }

    /// Where the item lies that a read reads in the first lap.
    fn first_item(&mut self, plan: &VectorLoop, read: &Inst) -> ClifValue {
        let (slot, _) = plan.values.inductions[&read.args[1]];
        let index = self.slot_get(slot as usize)[0];
        let at = self.builder.ins().ishl_imm_u(index, 3);
        let base = self.base_of(self.parts(read.args[0]));
        self.builder.ins().iadd(base, at)
    }

    /// Makes what lanes need of an operand that is none itself.
    fn operand(&mut self, plan: &VectorLoop, front: &mut Front, value: Value) {
        if plan.values.lanes.contains(&value) || plan.values.taken.contains_key(&value) {
            return;
        }
        if let Some(&(slot, more)) = plan.values.inductions.get(&value) {
            let Some(&Role::Induction(by)) = plan.slots.get(&slot) else {
                unreachable!("INVARIANT: the slot is an induction")
            };
            let number = self.slot_get(slot as usize)[0];
            let number = self.builder.ins().iadd_imm_s(number, more);
            let first = self.builder.ins().splat(types::I64X2, number);
            let steps = self.lane_constant([0, by]);
            let first = self.builder.ins().iadd(first, steps);
            front.ramps.insert(value, (first, by));
            return;
        }
        let part = self.part(value);
        let splat = match self.function.ty(value).kind {
            Kind::F64 => self.builder.ins().splat(types::F64X2, part),
            Kind::I64 => self.builder.ins().splat(types::I64X2, part),
            // As a mask: -1 is true.
            _ => {
                let word = self.builder.ins().uextend(types::I64, part);
                let mask = self.builder.ins().ineg(word);
                self.builder.ins().splat(types::I64X2, mask)
            }
        };
        front.splats.insert(value, splat);
    }

    fn lane_constant(&mut self, lanes: [i64; LANES]) -> ClifValue {
        let bytes: Vec<u8> = lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect();
        let constant = self.builder.func.dfg.constants.insert(bytes.into());
        self.builder.ins().vconst(types::I64X2, constant)
    }

    /// The operations of some laps.
    fn copy(&mut self, mut copy: Copy<'_>) {
        let (function, plan) = (self.function, copy.plan);
        let mut counted = self.counted_predicates(copy.number);
        for &block in &plan.blocks {
            let data = &function.blocks[block];
            self.merge(&mut copy, block, &data.params);
            for inst in &data.insts {
                self.set_origin(inst.origin);
                self.lane_inst(&mut copy, block, inst);
            }
            // PERF: as soon as it is known, so that no mask has a register to the end (seven filters of
            // growing bounds have seven masks, seven bounds and seven counts).
            counted.retain(|&predicate| {
                let is_known = match plan.predicates.all[predicate] {
                    Predicate::Where(_, value, _) => copy.lanes.contains_key(&value),
                    _ => false,
                };
                if is_known {
                    self.count_where(&mut copy, predicate);
                }
                !is_known
            });
        }
        for predicate in counted {
            self.count_where(&mut copy, predicate);
        }
    }

    /// Counts the laps of a copy in which a condition holds.
    fn count_where(&mut self, copy: &mut Copy<'_>, predicate: PredicateIndex) {
        let mask = self.mask(copy, predicate);
        let register = self.count_register(copy.number, predicate);
        let count = self.builder.use_var(register);
        let count = self.builder.ins().isub(count, mask);
        self.builder.def_var(register, count);
    }

    /// Gives a block's parameters the lanes of the ways that come in.
    fn merge(&mut self, copy: &mut Copy<'_>, block: usize, params: &[Value]) {
        let plan = copy.plan;
        for (index, &param) in params.iter().enumerate() {
            let mut ways = plan.predicates.ways_to(block).iter();
            let (_, first) = ways.next().expect("INVARIANT: a lap begins without parameters");
            let mut value = self.lane(copy, first.args[index]);
            for (predicate, to) in ways {
                let mask = self.mask(copy, *predicate);
                let other = self.lane(copy, to.args[index]);
                value = self.lane_select(mask, other, value);
            }
            copy.lanes.insert(param, value);
        }
    }

    fn lane_inst(&mut self, copy: &mut Copy<'_>, block: usize, inst: &Inst) {
        let plan = copy.plan;
        match (inst.op, inst.imm, inst.result) {
            (Op::SlotSet, Imm::Index(slot), _) => match plan.slots[&slot] {
                Role::Induction(_) => {}
                Role::Overwritten => {
                    if let Some(value) = plan.lanes_set(inst) {
                        let value = self.lane(copy, value);
                        copy.slots.insert(slot, value);
                    }
                }
                Role::Reduced(reduction) => {
                    let (taken, negated) = plan.values.taken[&inst.args[0]];
                    let predicate = plan.predicates.of_block(block);
                    self.take_in(copy, slot, reduction, (taken, negated), predicate);
                }
            },
            (op, _, Some(result)) if plan.values.lanes.contains(&result) => {
                let value = match (op, inst.imm) {
                    (Op::SlotGet, Imm::Index(slot)) => copy.slots[&slot],
                    (Op::ItemI64 | Op::ItemF64, _) => self.lane_item(copy, inst.op, result),
                    _ => self.lane_op(copy, inst),
                };
                copy.lanes.insert(result, value);
            }
            _ => {}
        }
    }

    /// Has a sum take in the lanes where a condition holds.
    fn take_in(
        &mut self,
        copy: &mut Copy<'_>,
        slot: u32,
        reduction: Reduction,
        (taken, negated): (Value, bool),
        predicate: PredicateIndex,
    ) {
        let register = self.sum_register(copy.number, slot, copy.copy);
        if predicate != 0 && reduction == Reduction::Add && copy.plan.values.constant(taken) == Some(1) {
            // One for each lap under the mask is the mask, negated.
            let mask = self.mask(copy, predicate);
            let before = self.builder.use_var(register);
            let after = if negated {
                self.builder.ins().iadd(before, mask)
            } else {
                self.builder.ins().isub(before, mask)
            };
            self.builder.def_var(register, after);
            return;
        }
        let mut value = self.lane(copy, taken);
        if predicate != 0 {
            let mask = self.mask(copy, predicate);
            value = match reduction {
                Reduction::Add | Reduction::Or | Reduction::Xor => self.builder.ins().band(value, mask),
                Reduction::And => self.builder.ins().bor_not(value, mask),
                Reduction::Multiply | Reduction::Min | Reduction::Max => {
                    let identity = reduction.identity();
                    let identity = self.lane_constant([identity; LANES]);
                    self.lane_select(mask, value, identity)
                }
            };
        }
        let before = self.builder.use_var(register);
        let after = if negated {
            self.builder.ins().isub(before, value)
        } else {
            self.reduced(reduction, before, value)
        };
        self.builder.def_var(register, after);
    }

    fn lane_item(&mut self, copy: &Copy<'_>, op: Op, read: Value) -> ClifValue {
        let at = self.builder.ins().ishl_imm_u(copy.laps, 3);
        let address = self.builder.ins().iadd(copy.front.reads[&read], at);
        let ty = if op == Op::ItemF64 {
            types::F64X2
        } else {
            types::I64X2
        };
        // Not trapping, as all indices lie inside; but aligned to nothing.
        let flags = MemFlagsData::new().with_notrap();
        let offset = (copy.copy * LANES) as i64 * LANE_BYTES;
        self.builder.ins().load(ty, flags, address, offset as i32)
    }

    /// The lanes of a value.
    fn lane(&mut self, copy: &mut Copy<'_>, value: Value) -> ClifValue {
        if let Some(&lanes) = copy.lanes.get(&value).or_else(|| copy.front.splats.get(&value)) {
            return lanes;
        }
        let (first, by) = copy.front.ramps[&value];
        let before = self
            .builder
            .ins()
            .iadd_imm_s(copy.laps, (copy.copy * LANES) as i64);
        let grown = self.times(before, by);
        let grown = self.builder.ins().splat(types::I64X2, grown);
        let lanes = self.builder.ins().iadd(first, grown);
        copy.lanes.insert(value, lanes);
        lanes
    }

    /// The mask of a condition.
    fn mask(&mut self, copy: &mut Copy<'_>, predicate: PredicateIndex) -> ClifValue {
        if let Some(&mask) = copy.masks.get(&predicate) {
            return mask;
        }
        let plan = copy.plan;
        let mask = match plan.predicates.all[predicate] {
            Predicate::Always => self.lane_constant([-1; LANES]),
            Predicate::Where(parent, value, holds) => {
                let own = self.lane(copy, value);
                match (parent, holds) {
                    (0, true) => own,
                    (0, false) => self.builder.ins().bnot(own),
                    (_, true) if plan.predicates.implied.contains(&predicate) => own,
                    (parent, holds) => {
                        let parent = self.mask(copy, parent);
                        if holds {
                            self.builder.ins().band(parent, own)
                        } else {
                            self.builder.ins().band_not(parent, own)
                        }
                    }
                }
            }
            Predicate::Either(a, b) => {
                let (a, b) = (self.mask(copy, a), self.mask(copy, b));
                self.builder.ins().bor(a, b)
            }
        };
        copy.masks.insert(predicate, mask);
        mask
    }

    fn lane_select(&mut self, mask: ClifValue, a: ClifValue, b: ClifValue) -> ClifValue {
        let ty = self.builder.func.dfg.value_type(a);
        let mask = self.lanes_as(ty, mask);
        self.builder.ins().bitselect(mask, a, b)
    }

    fn lanes_as(&mut self, ty: ClifType, lanes: ClifValue) -> ClifValue {
        if self.builder.func.dfg.value_type(lanes) == ty {
            return lanes;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, lanes)
    }

    /// Every operation that has a form for lanes.
    fn lane_op(&mut self, copy: &mut Copy<'_>, inst: &Inst) -> ClifValue {
        let count = lane_operands(inst.op, inst.args.len());
        let lanes: Vec<ClifValue> = inst.args[..count]
            .iter()
            .map(|&arg| self.lane(copy, arg))
            .collect();
        let last = inst.args.get(1).copied();
        match (inst.op, &lanes[..]) {
            (Op::Ishl, &[a]) => {
                let by = self.part(last.expect("INVARIANT: it has two operands"));
                self.builder.ins().ishl(a, by)
            }
            (Op::Ishr, &[a]) => {
                let by = self.part(last.expect("INVARIANT: it has two operands"));
                self.builder.ins().sshr(a, by)
            }
            (Op::Iushr, &[a]) => {
                let by = self.part(last.expect("INVARIANT: it has two operands"));
                self.builder.ins().ushr(a, by)
            }
            (Op::Idiv | Op::Irem, &[a]) => {
                let by = self.part(last.expect("INVARIANT: it has two operands"));
                let by = constant(self.builder.func, by).expect("INVARIANT: the plan knows it");
                self.lane_quotient(inst.op, a, by.trailing_zeros())
            }
            (Op::Select, &[condition, a, b]) => self.lane_select(condition, a, b),
            (op, &[a]) => self.lane_one(op, a),
            (op, &[a, b]) => self.lane_two(op, a, b),
            (op, _) => unreachable!("INVARIANT: the plan has no {}", op.info().name),
        }
    }

    /// The quotient by a power of two, or the remainder: a shift rounds down, so what is
    /// negative has the divisor less one added first.
    fn lane_quotient(&mut self, op: Op, a: ClifValue, power: u32) -> ClifValue {
        let [sign, power_, rest] = [63, i64::from(power), 64 - i64::from(power)].map(|by| self.iconst(by));
        let negative = self.builder.ins().sshr(a, sign);
        let bias = if power == 0 {
            a
        } else {
            self.builder.ins().ushr(negative, rest)
        };
        let biased = if power == 0 {
            a
        } else {
            self.builder.ins().iadd(a, bias)
        };
        let quotient = self.builder.ins().sshr(biased, power_);
        if op == Op::Idiv {
            return quotient;
        }
        let multiple = self.builder.ins().ishl(quotient, power_);
        self.builder.ins().isub(a, multiple)
    }

    fn lane_one(&mut self, op: Op, a: ClifValue) -> ClifValue {
        let ins = self.builder.ins();
        match op {
            Op::Ineg => ins.ineg(a),
            Op::Iabs => ins.iabs(a),
            Op::Inot | Op::Not => ins.bnot(a),
            Op::Fneg => ins.fneg(a),
            Op::Fabs => ins.fabs(a),
            Op::Fsqrt => ins.sqrt(a),
            Op::Ffloor => ins.floor(a),
            Op::Fceil => ins.ceil(a),
            Op::Ftrunc => ins.trunc(a),
            Op::IToF => ins.fcvt_from_sint(types::F64X2, a),
            // True is -1 in a mask.
            Op::BToI => ins.ineg(a),
            op => unreachable!("INVARIANT: the plan has no {}", op.info().name),
        }
    }

    fn lane_two(&mut self, op: Op, a: ClifValue, b: ClifValue) -> ClifValue {
        let ins = self.builder.ins();
        match op {
            Op::Iadd => ins.iadd(a, b),
            Op::Isub => ins.isub(a, b),
            Op::Imul => ins.imul(a, b),
            Op::Imin => ins.smin(a, b),
            Op::Imax => ins.smax(a, b),
            Op::Iand | Op::And => ins.band(a, b),
            Op::Ior | Op::Or => ins.bor(a, b),
            Op::Ixor | Op::Xor => ins.bxor(a, b),
            Op::Ieq => ins.icmp(IntCC::Equal, a, b),
            Op::Ine => ins.icmp(IntCC::NotEqual, a, b),
            Op::Ilt => ins.icmp(IntCC::SignedLessThan, a, b),
            Op::Ile => ins.icmp(IntCC::SignedLessThanOrEqual, a, b),
            Op::Igt => ins.icmp(IntCC::SignedGreaterThan, a, b),
            Op::Ige => ins.icmp(IntCC::SignedGreaterThanOrEqual, a, b),
            Op::Fadd => ins.fadd(a, b),
            Op::Fsub => ins.fsub(a, b),
            Op::Fmul => ins.fmul(a, b),
            Op::Fdiv => ins.fdiv(a, b),
            Op::Feq => ins.fcmp(FloatCC::Equal, a, b),
            Op::Fne => ins.fcmp(FloatCC::NotEqual, a, b),
            Op::Flt => ins.fcmp(FloatCC::LessThan, a, b),
            Op::Fle => ins.fcmp(FloatCC::LessThanOrEqual, a, b),
            Op::Fgt => ins.fcmp(FloatCC::GreaterThan, a, b),
            Op::Fge => ins.fcmp(FloatCC::GreaterThanOrEqual, a, b),
            op => unreachable!("INVARIANT: the plan has no {}", op.info().name),
        }
    }
}

/// How many of an operation's operands lie in lanes: by which number is shifted or divided
/// is the same for all.
fn lane_operands(op: Op, operands: usize) -> usize {
    match op {
        Op::Ishl | Op::Ishr | Op::Iushr | Op::Idiv | Op::Irem => 1,
        _ => operands,
    }
}
