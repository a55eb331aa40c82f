//! Random loops over arrays, interpreted and native, at sizes around what lanes take at
//! once. A failing case prints its seed; `SEED=... cargo test -p cutthrough-jit --test
//! vector` runs that one alone.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Setup, Val, build, edge_values, f};
use cutthrough_ir::op::{Effect, ImmKind, Pattern};
use cutthrough_ir::{Block, Data, FunctionBuilder, Imm, Item, Op, SlotDecl, Tables, Terminator, Type, Value};
use cutthrough_test_support::Random;

const CASES: u64 = 600;
/// The slot that counts laps, and one that another source would count in.
const NEXT: usize = 0;
const OTHER: usize = 1;
/// What shrinks by one with each lap, or with each element that passes.
const LEFT: usize = 2;
/// What is the same in all laps.
const SAME: usize = 3;
/// What each lap overwrites.
const LAST: usize = 4;
const SUMS: std::ops::Range<usize> = 5..9;
const SIZES: [usize; 10] = [0, 1, 3, 4, 5, 8, 9, 16, 17, 41];

struct Lap<'r, 't> {
    rng: &'r mut Random,
    b: &'r mut FunctionBuilder<'t>,
    head: Block,
    pool: Vec<Value>,
    edges: u32,
}

impl Lap<'_, '_> {
    /// A value that is there, a constant, or what a slot is that no lap changes.
    fn value(&mut self, ty: Type) -> Value {
        let known: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|&value| self.b.ty(value) == ty)
            .collect();
        match self.rng.below(8) {
            0 if ty == Type::I64 => self.b.slot_get(SAME),
            1..8 if !known.is_empty() => *self.rng.pick(&known),
            _ => match self.rng.pick(&edge_values(ty)).clone() {
                Val::I(value) => self.b.iconst(value),
                Val::F(bits) => self.b.fconst(f64::from_bits(bits)),
                Val::B(value) => self.b.bconst(value),
                Val::S(_) | Val::Null => unreachable!("no such type is asked for"),
            },
        }
    }

    fn pure(&mut self) {
        let op = *self.rng.pick(Op::ALL);
        let info = op.info();
        let bound = *self.rng.pick(&[Type::I64, Type::F64, Type::BOOL]);
        let types: Option<Vec<Type>> = (info.params.iter())
            .map(|param| match param {
                Pattern::Is(ty) if *ty == Type::BYTES || ty.nullable => None,
                Pattern::Is(ty) => Some(*ty),
                Pattern::T | Pattern::Any => Some(bound),
                Pattern::OptT => None,
            })
            .collect();
        let Some(types) = types.filter(|types| {
            info.effect == Effect::Pure && info.imm == ImmKind::None && !types.is_empty() && op != Op::Some
        }) else {
            return;
        };
        let mut args: Vec<Value> = types.into_iter().map(|ty| self.value(ty)).collect();
        // What has a form for lanes, mostly.
        match op {
            Op::FToI if self.rng.below(8) > 0 => return,
            Op::Idiv | Op::Irem if self.rng.below(8) > 0 => {
                args[1] = self.b.iconst(1 << self.rng.below(63));
            }
            Op::Ishl | Op::Ishr | Op::Iushr if self.rng.below(8) > 0 => {
                args[1] = self.b.iconst(self.rng.below(70) as i64);
            }
            _ => {}
        }
        let result = self.b.inst(op, Imm::None, &args);
        self.pool.extend(result);
    }

    fn count(&mut self) {
        let edge = self.rng.below(self.edges as usize) as u32;
        self.b.inst(Op::Count, Imm::Index(edge), &[]);
    }

    fn sum(&mut self) {
        let slot = SUMS.start + self.rng.below(SUMS.len());
        // One operation for each slot, as a rule.
        let ops = [Op::Iadd, Op::Imin, Op::Ixor, Op::Imul];
        let others = [Op::Isub, Op::Imax, Op::Iand, Op::Ior];
        let op = match self.rng.below(20) {
            0 => *self.rng.pick(&others),
            _ => ops[slot - SUMS.start],
        };
        let (before, more) = (self.b.slot_get(slot), self.value(Type::I64));
        let after = self.b.op(op, &[before, more]);
        self.b.slot_set(slot, after);
    }

    fn leave_unless(&mut self, stays: Value) {
        let (stay, leave) = (self.b.block(&[]), self.b.block(&[]));
        self.b.br(stays, stay, leave);
        self.b.switch_to(leave);
        let code = self.b.iconst(-3);
        self.b.ret(&[code]);
        self.b.switch_to(stay);
    }

    /// Counts down and leaves at a bound.
    fn take(&mut self) {
        let (left, less) = (self.b.slot_get(LEFT), self.b.iconst(-1));
        let left = self.b.op(Op::Iadd, &[left, less]);
        self.b.slot_set(LEFT, left);
        let bound = self.b.iconst(self.rng.below(3) as i64);
        let op = *self.rng.pick(&[Op::Igt, Op::Ige]);
        let stays = self.b.op(op, &[left, bound]);
        self.leave_unless(stays);
    }

    /// A filter, whose rest is under its condition; or two ways that come together.
    fn branch(&mut self, depth: usize) {
        let condition = self.value(Type::BOOL);
        let known = self.pool.len();
        if self.rng.below(3) > 0 {
            let (pass, drop) = (self.b.block(&[]), self.b.block(&[]));
            self.b.br(condition, pass, drop);
            self.b.switch_to(drop);
            self.b.drop(0);
            self.b.jump(self.head, &[]);
            self.b.switch_to(pass);
            self.rest(depth - 1);
            return;
        }
        let ty = *self.rng.pick(&[Type::I64, Type::F64, Type::BOOL]);
        let (yes, no, join) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[ty]));
        self.b.br(condition, yes, no);
        for side in [yes, no] {
            self.b.switch_to(side);
            self.some();
            let arg = self.value(ty);
            self.b.jump(join, &[arg]);
            self.pool.truncate(known);
        }
        self.b.switch_to(join);
        self.pool.extend(self.b.block_params(join));
        self.rest(depth - 1);
    }

    fn some(&mut self) {
        for _ in 0..self.rng.below(6) {
            self.pure();
        }
        match self.rng.below(5) {
            0 => self.sum(),
            1 => self.count(),
            _ => {}
        }
    }

    fn rest(&mut self, depth: usize) {
        self.some();
        if depth > 0 && self.rng.below(4) > 0 {
            self.branch(depth);
            return;
        }
        self.sum();
        self.count();
    }
}

/// The arrays are numbered; the last one is of doubles.
fn arrays(rng: &mut Random, size: usize) -> Vec<Data> {
    let edges = edge_values(Type::I64);
    let mut numbers = |small: bool| -> Vec<i64> {
        let number = |rng: &mut Random| match rng.pick(&edges).clone() {
            Val::I(value) if !small => value,
            _ => rng.below(10) as i64,
        };
        (0..size).map(|_| number(rng)).collect()
    };
    let integers = [numbers(true), numbers(false)];
    let doubles: Vec<f64> = (0..size)
        .map(|_| match rng.pick(&edge_values(Type::F64)).clone() {
            Val::F(bits) => f64::from_bits(bits),
            _ => unreachable!("these are doubles"),
        })
        .collect();
    let [a, b] = integers.map(|numbers| Data::I64(numbers.into()));
    vec![a, b, Data::F64(doubles.into())]
}

fn case(seed: u64, size: usize) -> Setup {
    let mut rng = Random::new(seed);
    // The same loop for all sizes.
    let mut data = rng.fork();
    let mut tables = Tables {
        slots: (0..SUMS.end).map(|k| SlotDecl::i64(format!("s{k}"), 0)).collect(),
        data: arrays(&mut data, size),
        drops: vec!["filtered".to_owned()],
        edges: 3,
        ..Tables::default()
    };
    tables.slots[LAST] = SlotDecl::zero("last", Type::F64);
    let edges = tables.edges as u32;
    let chain = build(tables, |b| {
        let (head, body, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: body.into(),
            stop: out.into(),
        });
        b.switch_to(out);
        let code = b.iconst(-1);
        b.ret(&[code]);
        b.switch_to(body);
        let mut pool = Vec::new();
        let reads: &[(Item, usize)] = &[(Item::I64, NEXT), (Item::F64, NEXT), (Item::I64, OTHER)];
        for (array, &(item, slot)) in reads.iter().take(1 + rng.below(3)).enumerate() {
            let array = [0, 2, 1][array] as u32;
            let at = b.slot_get(slot);
            let view = b
                .inst(Op::Sconst, Imm::Index(array), &[])
                .expect("it has a result");
            let (some, none) = (b.block(&[item.ty()]), b.block(&[]));
            b.terminate(Terminator::Get {
                item,
                view,
                index: at,
                some: some.into(),
                none: none.into(),
            });
            b.switch_to(none);
            let code = b.iconst(-2);
            b.ret(&[code]);
            b.switch_to(some);
            pool.extend(b.block_params(some));
            if slot == OTHER || array == 0 {
                let one = b.iconst(1);
                let after = b.op(Op::Iadd, &[at, one]);
                b.slot_set(slot, after);
                pool.push(at);
            }
        }
        let last = b.fconst(1.5);
        b.slot_set(LAST, last);
        let depth = rng.below(4);
        let mut lap = Lap {
            rng: &mut rng,
            b,
            head,
            pool,
            edges,
        };
        if lap.rng.below(3) == 0 {
            lap.take();
        }
        lap.rest(depth);
        lap.b.jump(head, &[] as &[Value]);
    });
    let mut setup = Setup::new(chain);
    setup.slots[SAME] = Val::I(7);
    setup.slots[LAST] = f(0.0);
    setup
}

/// Runs a case at several sizes, from several states, with several budgets; whether its
/// loop was run in lanes.
fn check(seed: u64) -> bool {
    let mut is_vectorised = false;
    let mut rng = Random::new(seed);
    for size in SIZES {
        let mut setup = case(seed, size);
        let native = setup.compile();
        is_vectorised |= native.strategy().vectorised > 0;
        for budget in [1, 4, size as u64, size as u64 + 1, 1 << 40] {
            let from = |rng: &mut Random| Val::I(rng.below(3) as i64);
            setup.slots[NEXT] = from(&mut rng);
            setup.slots[OTHER] = from(&mut rng);
            setup.slots[LEFT] = Val::I(rng.below(30) as i64);
            setup.budget = budget;
            setup.check_native(&native);
        }
    }
    is_vectorised
}

#[test]
fn random_loops() {
    if let Ok(seed) = std::env::var("SEED") {
        check(seed.parse().expect("a number"));
        return;
    }
    let mut vectorised = 0;
    for seed in 0..CASES {
        match catch_unwind(AssertUnwindSafe(|| check(seed))) {
            Ok(is) => vectorised += u64::from(is),
            Err(payload) => {
                eprintln!("SEED={seed}");
                std::panic::resume_unwind(payload);
            }
        }
    }
    // The generator must not go blind.
    if cfg!(target_arch = "x86_64") {
        assert!(
            vectorised > CASES / 4,
            "{vectorised} of {CASES} loops were run in lanes"
        );
    }
}
