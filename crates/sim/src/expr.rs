//! Random computations in IR, the same again for the same seed.

use cutthrough::Fragment;
use cutthrough_ir::op::{Effect, ImmKind, Pattern};
use cutthrough_ir::{Data, ElementType, Imm, Item, Kind, Op, Type, Value};

use crate::value;
use cutthrough_test_support::Random;

/// Values that a computation may use.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    values: Vec<(Value, Type)>,
}

impl Pool {
    /// These values.
    pub fn of(f: &Fragment<'_>, values: &[Value]) -> Pool {
        Pool {
            values: values.iter().map(|&value| (value, f.ty(value))).collect(),
        }
    }

    fn push(&mut self, f: &Fragment<'_>, value: Value) {
        self.values.push((value, f.ty(value)));
    }

    /// A value of this type, or a constant.
    pub fn get(&self, rng: &mut Random, f: &mut Fragment<'_>, ty: Type) -> Value {
        let fitting: Vec<Value> = self
            .values
            .iter()
            .filter(|(_, known)| *known == ty)
            .map(|(value, _)| *value)
            .collect();
        match fitting[..] {
            [] => constant(rng, f, ty),
            _ if rng.chance(10) => constant(rng, f, ty),
            _ if rng.chance(50) => fitting[fitting.len() - 1],
            _ => *rng.pick(&fitting),
        }
    }

    /// Values for all fields.
    pub fn row(&self, rng: &mut Random, f: &mut Fragment<'_>, element: &ElementType) -> Vec<Value> {
        element.fields().iter().map(|&ty| self.get(rng, f, ty)).collect()
    }
}

/// A constant of a type.
pub fn constant(rng: &mut Random, f: &mut Fragment<'_>, ty: Type) -> Value {
    if ty.nullable {
        if rng.chance(30) {
            return f.null(ty);
        }
        let value = constant(rng, f, ty.present());
        return f.op(Op::Some, &[value]);
    }
    match ty.kind {
        Kind::I64 => f.iconst(value::integer(rng)),
        Kind::F64 => f.fconst(value::double(rng)),
        Kind::Bool => f.bconst(rng.chance(50)),
        Kind::Bytes => f.data(Data::Bytes(value::bytes(rng).into())),
    }
}

/// Adds the results of so many random operations to a pool.
pub fn grow(rng: &mut Random, f: &mut Fragment<'_>, pool: &mut Pool, size: usize) {
    for _ in 0..size {
        match rng.below(12) {
            0 => branch(rng, f, pool),
            1 => get(rng, f, pool),
            _ => operation(rng, f, pool),
        }
    }
}

fn any_type(rng: &mut Random) -> Type {
    let ty = Type::new(*rng.pick(&[Kind::I64, Kind::F64, Kind::Bool, Kind::Bytes]));
    if rng.chance(25) { ty.or_null() } else { ty }
}

fn operation(rng: &mut Random, f: &mut Fragment<'_>, pool: &mut Pool) {
    let op = *rng.pick(Op::ALL);
    let info = op.info();
    if info.effect != Effect::Pure || info.imm == ImmKind::Data {
        let ty = any_type(rng);
        let value = constant(rng, f, ty);
        return pool.push(f, value);
    }
    // Types that the pool has are the better choice.
    let known = pool.values.is_empty().then_some(Type::I64);
    let any = known.unwrap_or_else(|| rng.pick(&pool.values).1);
    let mut args = Vec::new();
    for pattern in info.params {
        let ty = match pattern {
            Pattern::Is(ty) => *ty,
            Pattern::T => any.present(),
            Pattern::OptT => any.or_null(),
            Pattern::Any => any,
        };
        args.push(pool.get(rng, f, ty));
    }
    let imm = match info.imm {
        ImmKind::I64 => Imm::I64(value::integer(rng)),
        ImmKind::F64 => Imm::F64(cutthrough_ir::types::f64_word(value::double(rng))),
        ImmKind::Bool => Imm::Bool(rng.chance(50)),
        ImmKind::Type => Imm::Type(any.or_null()),
        _ => Imm::None,
    };
    if let Some(value) = f.inst(op, imm, &args) {
        pool.push(f, value);
    }
}

/// A branch whose ways join again.
fn branch(rng: &mut Random, f: &mut Fragment<'_>, pool: &mut Pool) {
    let condition = pool.get(rng, f, Type::BOOL);
    let types: Vec<Type> = (0..rng.range(1, 2)).map(|_| any_type(rng)).collect();
    let join = f.block(&types);
    let (_, no) = f.br_new(condition);
    for last in [false, true] {
        let mut inner = pool.clone();
        let size = rng.below(3);
        for _ in 0..size {
            operation(rng, f, &mut inner);
        }
        let args: Vec<Value> = types.iter().map(|&ty| inner.get(rng, f, ty)).collect();
        f.jump(join, &args);
        f.switch_to(if last { join } else { no });
    }
    for value in f.block_params(join) {
        pool.push(f, value);
    }
}

/// An item of a byte string or of constant data, or something else where there is none.
fn get(rng: &mut Random, f: &mut Fragment<'_>, pool: &mut Pool) {
    let item = *rng.pick(&[Item::U8, Item::I64, Item::F64]);
    let view = match rng.below(3) {
        0 => pool.get(rng, f, Type::BYTES),
        1 => f.data(Data::I64(
            (0..rng.below(5)).map(|_| value::integer(rng)).collect(),
        )),
        // Not all of these are canonical NaNs.
        _ => f.data(Data::F64(
            (0..rng.below(5))
                .map(|_| f64::from_bits(rng.next() | 0x7ff0 << 48))
                .collect(),
        )),
    };
    let index = if rng.chance(50) {
        f.iconst(rng.below(4) as i64)
    } else {
        pool.get(rng, f, Type::I64)
    };
    let join = f.block(&[item.ty()]);
    let (value, none) = f.get(item, view, index);
    f.jump(join, &[value]);
    f.switch_to(none);
    let other = pool.get(rng, f, item.ty());
    f.jump(join, &[other]);
    f.switch_to(join);
    pool.push(f, f.block_params(join)[0]);
}

/// A computation: an element of one type from values.
pub fn element(
    seed: u64,
    size: usize,
    f: &mut Fragment<'_>,
    values: &[Value],
    to: &ElementType,
) -> Vec<Value> {
    let mut rng = Random::new(seed);
    let mut pool = Pool::of(f, values);
    grow(&mut rng, f, &mut pool, size);
    pool.row(&mut rng, f, to)
}

/// A computation: a condition.
pub fn condition(seed: u64, size: usize, f: &mut Fragment<'_>, values: &[Value]) -> Value {
    let mut rng = Random::new(seed);
    let mut pool = Pool::of(f, values);
    grow(&mut rng, f, &mut pool, size);
    let (a, b) = (
        pool.get(&mut rng, f, Type::BOOL),
        pool.get(&mut rng, f, Type::I64),
    );
    // Constant conditions are dull; one bit of an integer is not.
    let bit = f.iconst(1 << rng.below(3));
    let (bit, zero) = (f.op(Op::Iand, &[b, bit]), f.iconst(0));
    let other = f.op(Op::Ieq, &[bit, zero]);
    if rng.chance(50) {
        f.op(Op::Xor, &[a, other])
    } else {
        other
    }
}
