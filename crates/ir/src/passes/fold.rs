//! Computes what is known already, says it in fewer or cheaper operations, and computes
//! what is the same only once. (Constant folding, algebraic simplification, and value
//! numbering along the paths that have no other entry.)
//!
//! Doubles are left as they are but for being computed once: their sums depend on the
//! order.

use std::collections::HashMap;

use super::simplify;
use crate::cfg::Graph;
use crate::eval;
use crate::function::{Block, Function, Imm, Inst, Terminator, Value};
use crate::op::{Effect, Op};
use crate::types::Type;

/// The same function with less to compute, simplified. Its blocks must be in reverse
/// postorder, as [`simplify`](simplify()) leaves them.
pub fn fold(function: &Function) -> Function {
    let mut fold = Fold {
        parents: parents(function),
        definitions: vec![None; function.values.len()],
        replaced: vec![None; function.values.len()],
        computed: HashMap::new(),
        block: 0,
        insts: Vec::new(),
        function: function.clone(),
    };
    for block in 0..function.blocks.len() {
        fold.block(block);
    }
    remove_unused(&mut fold.function);
    // Values that are no longer defined still have their numbers.
    simplify(&fold.function)
}

/// Removes pure operations whose results nothing uses. A use comes after the definition
/// in reverse postorder, so one pass backwards sees all of them first.
fn remove_unused(function: &mut Function) {
    let mut used = vec![false; function.values.len()];
    for block in function.blocks.iter_mut().rev() {
        let mut note = |value: Value| used[value.index()] = true;
        block.terminator.for_each_operand(&mut note);
        block
            .terminator
            .for_each_target(|to| to.args.iter().copied().for_each(&mut note));
        block.insts.reverse();
        block.insts.retain(|inst| {
            let is_needed = inst.op.info().effect != Effect::Pure
                || inst.result.is_none_or(|result| used[result.index()]);
            if is_needed {
                inst.args.iter().for_each(|arg| used[arg.index()] = true);
            }
            is_needed
        });
        block.insts.reverse();
    }
}

/// For each block the only one that it is entered from, unless that comes later.
fn parents(function: &Function) -> Vec<Option<usize>> {
    let only = |(index, from): (usize, &Vec<Block>)| match from[..] {
        [from] if from.index() < index => Some(from.index()),
        _ => None,
    };
    let predecessors = Graph::new(function).predecessors();
    predecessors.iter().enumerate().map(only).collect()
}

/// An operation and what it is done on.
type Computation = (Op, Imm, Vec<Value>);

struct Fold {
    function: Function,
    /// See [`parents`].
    parents: Vec<Option<usize>>,
    /// The pure operation that gives each value.
    definitions: Vec<Option<Inst>>,
    /// What a value is replaced by.
    replaced: Vec<Option<Value>>,
    /// Where the same has been computed, and by which block.
    computed: HashMap<Computation, Vec<(usize, Value)>>,
    /// The block that is worked on, and its instructions so far.
    block: usize,
    insts: Vec<Inst>,
}

/// What an operation turns out to be.
enum Folded {
    /// This value.
    Value(Value),
    /// This number, or this truth.
    Number(i64),
    /// This operation.
    Op(Op, Vec<Value>),
}

impl Fold {
    fn block(&mut self, index: usize) {
        self.block = index;
        let insts = std::mem::take(&mut self.function.blocks[index].insts);
        for mut inst in insts {
            for arg in &mut inst.args {
                *arg = self.resolve(*arg);
            }
            match inst.result {
                Some(result) if inst.op.info().effect == Effect::Pure => self.pure(inst, result),
                _ => self.insts.push(inst),
            }
        }
        let mut terminator = std::mem::replace(
            &mut self.function.blocks[index].terminator,
            Terminator::Return(Vec::new()),
        );
        terminator.map_operands(|value| self.resolve(value));
        terminator.for_each_target_mut(|to| to.args.iter_mut().for_each(|arg| *arg = self.resolve(*arg)));
        let terminator = self.terminator(terminator);
        let block = &mut self.function.blocks[index];
        block.terminator = terminator;
        block.insts = std::mem::take(&mut self.insts);
    }

    fn resolve(&self, mut value: Value) -> Value {
        while let Some(by) = self.replaced[value.index()] {
            value = by;
        }
        value
    }

    fn pure(&mut self, mut inst: Inst, result: Value) {
        // Each round makes it smaller or puts a constant last, so there are few.
        while let Some(folded) = self.folded(&inst) {
            match folded {
                Folded::Value(value) => {
                    self.replaced[result.index()] = Some(value);
                    return;
                }
                Folded::Number(number) => {
                    (inst.op, inst.imm) = eval::constant(number, self.function.ty(result));
                    inst.args.clear();
                }
                Folded::Op(op, args) => (inst.op, inst.args) = (op, args),
            }
        }
        let key = (inst.op, inst.imm, inst.args.clone());
        let here = self.block;
        let known = self.computed.get(&key).into_iter().flatten();
        let mut known = known.filter(|(block, _)| self.is_above(*block, here));
        if let Some(&(_, value)) = known.next() {
            self.replaced[result.index()] = Some(value);
            return;
        }
        self.computed.entry(key).or_default().push((here, result));
        self.definitions[result.index()] = Some(inst.clone());
        self.insts.push(inst);
    }

    /// Whether a block is this one, or on the only way to it.
    fn is_above(&self, block: usize, mut below: usize) -> bool {
        while block < below {
            match self.parents[below] {
                Some(parent) => below = parent,
                None => return false,
            }
        }
        block == below
    }

    fn folded(&mut self, inst: &Inst) -> Option<Folded> {
        let numbers: Option<Vec<i64>> = inst.args.iter().map(|&arg| self.number(arg)).collect();
        if let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty())
            && let Some(number) = eval::number(inst.op, &numbers)
        {
            return Some(Folded::Number(number));
        }
        match inst.args[..] {
            [a] => self.folded_one(inst.op, a),
            [a, b] => self.folded_two(inst, a, b),
            [condition, a, b] if inst.op == Op::Select => self.folded_select(condition, a, b),
            _ => None,
        }
    }

    fn folded_one(&self, op: Op, a: Value) -> Option<Folded> {
        let of = self.definition(a)?;
        match (op, of.op) {
            (Op::Not, Op::Not) | (Op::Payload, Op::Some) => Some(Folded::Value(of.args[0])),
            (Op::Not, compare) => Some(Folded::Op(opposite(compare)?, of.args.clone())),
            (Op::IsSome, Op::Some) => Some(Folded::Number(1)),
            (Op::IsSome, Op::Null) => Some(Folded::Number(0)),
            _ => None,
        }
    }

    fn folded_two(&mut self, inst: &Inst, a: Value, b: Value) -> Option<Folded> {
        let op = inst.op;
        if let (Some(swapped), Some(_), None) = (mirrored(op), self.number(a), self.number(b)) {
            return Some(Folded::Op(swapped, vec![b, a]));
        }
        if op == Op::And
            && let Some(folded) = self.folded_bounds(inst, a, b)
        {
            return Some(folded);
        }
        let number = self.number(b)?;
        match (op, number) {
            (Op::Iadd | Op::Isub | Op::Ior | Op::Ixor | Op::Ishl | Op::Ishr | Op::Iushr, 0)
            | (Op::Imul | Op::Idiv | Op::And, 1)
            | (Op::Or | Op::Xor, 0)
            | (Op::Iand, -1) => return Some(Folded::Value(a)),
            (Op::Imul | Op::Iand | Op::Idiv | Op::Irem | Op::And, 0) => return Some(Folded::Number(0)),
            (Op::Or, _) => return Some(Folded::Number(1)),
            (Op::Xor, _) => return Some(Folded::Op(Op::Not, vec![a])),
            (Op::Isub, _) => {
                let negated = self.constant(number.wrapping_neg(), inst);
                return Some(Folded::Op(Op::Iadd, vec![a, negated]));
            }
            _ => {}
        }
        let of = self.definition(a)?;
        match (op, of.op) {
            // (x + c) + d, and the like.
            (Op::Iadd | Op::Imul | Op::Iand | Op::Ior | Op::Ixor, same) if same == op => {
                let (x, inner) = (of.args[0], self.number(of.args[1])?);
                let both = eval::number(op, &[inner, number])?;
                let both = self.constant(both, inst);
                Some(Folded::Op(op, vec![x, both]))
            }
            // Whether a power of two divides: the sign does not matter.
            (Op::Ieq | Op::Ine, Op::Irem) if number == 0 => {
                let (x, divisor) = (of.args[0], self.number(of.args[1])?);
                let mask = (divisor.count_ones() == 1).then(|| divisor.wrapping_sub(1))?;
                let mask = self.constant(mask, inst);
                let low = self.insert(Op::Iand, vec![x, mask], Type::I64, inst);
                let zero = self.constant(0, inst);
                Some(Folded::Op(op, vec![low, zero]))
            }
            (Op::Ine, Op::BToI) if number == 0 => Some(Folded::Value(of.args[0])),
            (Op::Ieq, Op::BToI) if number == 0 => Some(Folded::Op(Op::Not, vec![of.args[0]])),
            _ => None,
        }
    }

    /// `x <= a and x < 10` is `x <= min(a, 9)`: one comparison less.
    fn folded_bounds(&mut self, inst: &Inst, a: Value, b: Value) -> Option<Folded> {
        let (one, other) = (self.definition(a)?.clone(), self.definition(b)?.clone());
        if (one.op, other.op) != (Op::Ile, Op::Ilt) || one.args[0] != other.args[0] {
            return None;
        }
        let most = self.number(other.args[1])?.checked_sub(1)?;
        let most = self.constant(most, inst);
        let bound = self.insert(Op::Imin, vec![one.args[1], most], Type::I64, inst);
        Some(Folded::Op(Op::Ile, vec![one.args[0], bound]))
    }

    fn folded_select(&self, condition: Value, a: Value, b: Value) -> Option<Folded> {
        if a == b {
            return Some(Folded::Value(a));
        }
        if let Some(number) = self.number(condition) {
            return Some(Folded::Value(if number != 0 { a } else { b }));
        }
        let of = self.definition(condition).filter(|of| of.op == Op::Not)?;
        Some(Folded::Op(Op::Select, vec![of.args[0], b, a]))
    }

    fn terminator(&self, terminator: Terminator) -> Terminator {
        let Terminator::Br(condition, yes, no) = terminator else {
            return terminator;
        };
        if let Some(number) = self.number(condition) {
            return Terminator::Jump(if number != 0 { yes } else { no });
        }
        match self.definition(condition) {
            Some(of) if of.op == Op::Not => Terminator::Br(of.args[0], no, yes),
            _ => Terminator::Br(condition, yes, no),
        }
    }

    fn definition(&self, value: Value) -> Option<&Inst> {
        self.definitions[value.index()].as_ref()
    }

    /// The number or the truth that a value is, if that is known.
    fn number(&self, value: Value) -> Option<i64> {
        let inst = self.definition(value)?;
        eval::constant_number(inst.op, inst.imm)
    }

    fn constant(&mut self, number: i64, near: &Inst) -> Value {
        let inst = Inst {
            op: Op::Iconst,
            imm: Imm::I64(number),
            args: Vec::new(),
            result: None,
            origin: near.origin,
        };
        self.insert_inst(inst, Type::I64)
    }

    fn insert(&mut self, op: Op, args: Vec<Value>, ty: Type, near: &Inst) -> Value {
        let inst = Inst {
            op,
            imm: Imm::None,
            args,
            result: None,
            origin: near.origin,
        };
        self.insert_inst(inst, ty)
    }

    /// One more operation in front of the one that is being folded.
    fn insert_inst(&mut self, inst: Inst, ty: Type) -> Value {
        let value = self.function.add_value(ty);
        self.definitions.push(None);
        self.replaced.push(None);
        let inst = Inst {
            result: Some(value),
            ..inst
        };
        self.pure(inst, value);
        self.resolve(value)
    }
}

/// The operation that gives the same with its operands changed over.
fn mirrored(op: Op) -> Option<Op> {
    Some(match op {
        Op::Iadd
        | Op::Imul
        | Op::Imin
        | Op::Imax
        | Op::Iand
        | Op::Ior
        | Op::Ixor
        | Op::Ieq
        | Op::Ine
        | Op::And
        | Op::Or
        | Op::Xor => op,
        Op::Ilt => Op::Igt,
        Op::Ile => Op::Ige,
        Op::Igt => Op::Ilt,
        Op::Ige => Op::Ile,
        _ => return None,
    })
}

/// The comparison that is true where this one is not.
fn opposite(op: Op) -> Option<Op> {
    Some(match op {
        Op::Ieq => Op::Ine,
        Op::Ine => Op::Ieq,
        Op::Ilt => Op::Ige,
        Op::Ile => Op::Igt,
        Op::Igt => Op::Ile,
        Op::Ige => Op::Ilt,
        // The others are both false for NaN.
        Op::Feq => Op::Fne,
        Op::Fne => Op::Feq,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::fold;
    use crate::builder::FunctionBuilder;
    use crate::function::{FunctionKind, Value};
    use crate::op::Op;
    use crate::program::Tables;
    use crate::text::print_function;
    use crate::types::Type;
    use crate::verify::Role;

    /// Folds an expression over one integer.
    fn check(build: impl FnOnce(&mut FunctionBuilder<'_>, Value) -> Value, expected: Expect) {
        let mut tables = Tables::default();
        let mut b = FunctionBuilder::new(FunctionKind::Expression, &mut tables, &[Type::I64], &[Type::I64]);
        let x = b.params()[0];
        let result = build(&mut b, x);
        b.ret(&[result]);
        let function = fold(&b.build());
        let text = print_function(&function, &tables, Role::Ask(0));
        let lines = text.lines().map(|line| line.trim_start().to_owned() + "\n");
        expected.assert_eq(&lines.collect::<String>());
    }

    #[test]
    fn sums_of_constants_become_one() {
        check(
            |b, x| {
                let (one, two) = (b.iconst(1), b.iconst(2));
                let y = b.op(Op::Iadd, &[one, x]);
                let y = b.op(Op::Isub, &[y, two]);
                b.op(Op::Iadd, &[y, two])
            },
            expect![[r#"
                ask 0 {
                b0(v0: i64):
                v1 = iconst 1
                v2 = iadd v0, v1
                return v2
                }
            "#]],
        );
    }

    #[test]
    fn parity_needs_no_division() {
        check(
            |b, x| {
                let (zero, two) = (b.iconst(0), b.iconst(2));
                let rest = b.op(Op::Irem, &[x, two]);
                let is_even = b.op(Op::Ieq, &[rest, zero]);
                let is_odd = b.op(Op::Not, &[is_even]);
                b.op(Op::Select, &[is_odd, zero, x])
            },
            expect![[r#"
                ask 0 {
                b0(v0: i64):
                v1 = iconst 0
                v2 = iconst 1
                v3 = iand v0, v2
                v4 = ine v3, v1
                v5: i64 = select v4, v1, v0
                return v5
                }
            "#]],
        );
    }

    #[test]
    fn the_same_is_computed_once() {
        check(
            |b, x| {
                let (left, right) = (b.op(Op::Imul, &[x, x]), b.op(Op::Imul, &[x, x]));
                b.op(Op::Ixor, &[left, right])
            },
            expect![[r#"
                ask 0 {
                b0(v0: i64):
                v1 = imul v0, v0
                v2 = ixor v1, v1
                return v2
                }
            "#]],
        );
    }

    #[test]
    fn what_is_known_is_not_branched_on() {
        check(
            |b, x| {
                let (yes, no) = (b.block(&[]), b.block(&[]));
                let (one, two) = (b.iconst(1), b.iconst(2));
                let less = b.op(Op::Ilt, &[one, two]);
                b.br(less, yes, no);
                b.switch_to(no);
                b.ret(&[two]);
                b.switch_to(yes);
                x
            },
            expect![[r#"
                ask 0 {
                b0(v0: i64):
                v1 = iconst 2
                return v0
                }
            "#]],
        );
    }
}
