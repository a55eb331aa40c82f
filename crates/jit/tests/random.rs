//! Random verified chains, interpreted and native. A failing case prints its seed;
//! `SEED=... cargo test -p cutthrough-jit --test random` runs that one alone.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Setup, Val, build, edge_values, hosts};
use cutthrough_ir::op::{Effect, ImmKind, Pattern};
use cutthrough_ir::{
    AtBound, Block, Data, ElementType, FunctionBuilder, Imm, Item, Kind, Op, RowsDecl, SlotDecl, Tables,
    Target, Terminator, Type, Value,
};
use cutthrough_test_support::Random;

const CASES: u64 = 2_000;
const EDGES: usize = 5;

fn random_type(rng: &mut Random) -> Type {
    let ty = *rng.pick(&[Type::I64, Type::I64, Type::F64, Type::BOOL, Type::BYTES]);
    if rng.below(3) == 0 { ty.or_null() } else { ty }
}

struct Generator<'r, 't> {
    rng: &'r mut Random,
    b: &'r mut FunctionBuilder<'t>,
    head: Block,
    /// Values that dominate the current block.
    pool: Vec<Value>,
    /// Slots of bytes that are set somewhere: once each, so that no view of one is
    /// used after the bytes have gone.
    set_bytes: Vec<usize>,
    /// Whether a kernel is called that lets rows with bytes go: in one place only.
    fills: bool,
    fuel: usize,
}

impl Generator<'_, '_> {
    fn value(&mut self, ty: Type) -> Value {
        let known: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|&value| self.b.ty(value) == ty)
            .collect();
        if !known.is_empty() && self.rng.below(8) > 0 {
            return *self.rng.pick(&known);
        }
        let value = match self.rng.pick(&edge_values(ty)).clone() {
            Val::Null => self.b.null(ty),
            present => {
                let value = match present {
                    Val::I(value) => self.b.iconst(value),
                    Val::F(bits) => self.b.fconst(f64::from_bits(bits)),
                    Val::B(value) => self.b.bconst(value),
                    Val::S(bytes) => self.b.data(Data::Bytes(bytes.into())),
                    Val::Null => unreachable!("matched before"),
                };
                if ty.nullable {
                    self.b.op(Op::Some, &[value])
                } else {
                    value
                }
            }
        };
        self.pool.push(value);
        value
    }

    fn values(&mut self, types: &[Type]) -> Vec<Value> {
        types.iter().map(|&ty| self.value(ty)).collect()
    }

    fn inst(&mut self) {
        let op = *self.rng.pick(Op::ALL);
        match op {
            Op::Emit | Op::Ready | Op::Needs | Op::ItemU8 | Op::ItemI64 | Op::ItemF64 | Op::Refund => {}
            Op::SlotGet => {
                let slot = self.rng.below(self.b.tables_ref().slots.len());
                let value = self.b.slot_get(slot);
                self.pool.push(value);
            }
            Op::SlotSet => self.slot_set(),
            Op::RowsLen => {
                let len = self.b.rows_len(self.rng.below(5));
                self.pool.push(len);
            }
            Op::RowsFind => {
                let rows = 3 + self.rng.below(2);
                let key = self.key(rows);
                let row = self.b.rows_find(rows, &key);
                self.pool.push(row);
            }
            Op::RowsGet => {
                let (rows, column) = self.column();
                let row = self.small_index();
                let value = self.b.rows_get(rows, column, row);
                self.pool.push(value);
            }
            Op::RowsSet => {
                let (rows, column) = self.column();
                let row = self.small_index();
                let ty = self.b.tables_ref().rows[rows].columns[column].ty;
                let value = self.value(ty);
                if column >= self.b.tables_ref().rows[rows].key {
                    self.b.rows_set(rows, column, row, value);
                }
            }
            Op::RowsTruncate => self.truncate(),
            Op::Drop => self.b.drop(0),
            Op::Count => {
                let edge = self.rng.below(EDGES) as u32;
                self.b.inst(op, Imm::Index(edge), &[]);
            }
            Op::Halt => {
                if self.rng.below(10) == 0 {
                    self.b.inst(op, Imm::None, &[]);
                }
            }
            Op::OutboxPut => {
                let outbox = self.rng.below(self.b.tables_ref().outputs.len());
                let types = self.b.tables_ref().outputs[outbox].fields().to_vec();
                let element = self.values(&types);
                self.b.inst(op, Imm::Index(outbox as u32), &element);
            }
            Op::OutboxRoom => {
                let room = self.b.inst(op, Imm::Index(0), &[]);
                self.pool.extend(room);
            }
            op => self.pure(op),
        }
    }

    fn slot_set(&mut self) {
        let slot = self.rng.below(self.b.tables_ref().slots.len());
        let ty = self.b.tables_ref().slots[slot].ty;
        if ty.kind == Kind::Bytes {
            if self.set_bytes.contains(&slot) {
                return;
            }
            self.set_bytes.push(slot);
        }
        let mut value = self.value(ty);
        if ty == Type::BYTES {
            // Bounded, as bytes could double in each step.
            let (zero, bound) = (self.b.iconst(0), self.b.iconst(100));
            value = self.b.op(Op::Sslice, &[value, zero, bound]);
        } else if ty.kind == Kind::Bytes {
            value = self.b.null(ty);
        }
        self.b.slot_set(slot, value);
    }

    fn column(&mut self) -> (usize, usize) {
        let rows = self.rng.below(5);
        (rows, self.rng.below(self.b.tables_ref().rows[rows].columns.len()))
    }

    /// A key of few different ones.
    fn key(&mut self, rows: usize) -> Vec<Value> {
        let types = self.b.tables_ref().rows[rows].key_types();
        let key = types.into_iter().map(|ty| match ty {
            Type::I64 => self.small_index(),
            ty => self.value(ty),
        });
        key.collect()
    }

    /// Rows with bytes are let go by a kernel, in one place.
    fn truncate(&mut self) {
        let rows = self.rng.below(5);
        let len = self.small_index();
        if self.b.tables_ref().rows[rows]
            .types()
            .all(|ty| ty.kind != Kind::Bytes)
        {
            self.b.rows_truncate(rows, len);
        }
    }

    fn pure(&mut self, op: Op) {
        let info = op.info();
        assert_eq!(info.effect, Effect::Pure);
        let bound = random_type(self.rng);
        let types: Vec<Type> = (info.params.iter())
            .map(|param| match param {
                Pattern::Is(ty) => *ty,
                Pattern::Any => bound,
                Pattern::T => bound.present(),
                Pattern::OptT => bound.or_null(),
            })
            .collect();
        let imm = match info.imm {
            ImmKind::None => Imm::None,
            ImmKind::Type => Imm::Type(bound.or_null()),
            ImmKind::Data => Imm::Index(self.rng.below(3) as u32),
            ImmKind::I64 => Imm::I64(self.rng.next() as i64 >> self.rng.below(64)),
            ImmKind::F64 => Imm::F64(1.25f64.to_bits()),
            ImmKind::Bool => Imm::Bool(true),
            _ => unreachable!("a pure operation has no other immediate"),
        };
        let args = self.values(&types);
        let result = self.b.inst(op, imm, &args);
        self.pool.extend(result);
    }

    /// Instructions, then a branch whose sides end themselves or come together, or
    /// nothing. Afterwards the current block is not ended.
    fn region(&mut self, depth: usize) {
        for _ in 0..self.rng.below(12) {
            self.inst();
        }
        if depth == 0 || self.fuel == 0 {
            return;
        }
        self.fuel -= 1;
        let known = self.pool.len();
        let merged: Vec<Type> = (0..self.rng.below(3)).map(|_| random_type(self.rng)).collect();
        let join = self.b.block(&merged);
        let (first, brought, second) = self.branch();
        for (block, brought) in [(first, brought), (second, vec![])] {
            self.b.switch_to(block);
            self.pool.truncate(known);
            self.pool.extend(brought);
            self.region(depth - 1);
            self.end_side(join, &merged);
        }
        self.b.switch_to(join);
        self.pool.truncate(known);
        self.pool.extend(self.b.block_params(join));
        self.region(depth - 1);
    }

    /// Ends the current block in two ways: to the first block it brings values.
    fn branch(&mut self) -> (Block, Vec<Value>, Block) {
        match self.rng.below(7) {
            0 | 1 => {
                let condition = self.value(Type::BOOL);
                let extra = random_type(self.rng);
                let arg = self.value(extra);
                let (yes, no) = (self.b.block(&[extra]), self.b.block(&[]));
                self.b.br(condition, Target::new(yes, [arg]), no);
                (yes, self.b.block_params(yes), no)
            }
            2 => {
                let item = *self.rng.pick(&[Item::U8, Item::I64, Item::F64]);
                let (view, index) = (self.value(Type::BYTES), self.small_index());
                let extra = self.value(Type::F64);
                let (some, none) = (self.b.block(&[item.ty(), Type::F64]), self.b.block(&[]));
                let target = Target::new(some, [extra]);
                self.b.terminate(Terminator::Get {
                    item,
                    view,
                    index,
                    some: target,
                    none: none.into(),
                });
                (some, self.b.block_params(some), none)
            }
            5 if self.rng.below(2) == 0 => {
                let rows = 3 + self.rng.below(2);
                let args = self.key(rows);
                let (ok, failed) = (self.b.block(&[Type::I64, Type::I64]), self.b.block(&[]));
                self.b.terminate(Terminator::Entry {
                    rows: rows as u32,
                    args,
                    ok: ok.into(),
                    failed: failed.into(),
                });
                (ok, self.b.block_params(ok), failed)
            }
            5 => {
                let rows = self.rng.below(3);
                let types: Vec<Type> = self.b.tables_ref().rows[rows].types().collect();
                let args = self.values(&types);
                let (ok, failed) = (self.b.block(&[Type::I64]), self.b.block(&[]));
                self.b.terminate(Terminator::Push {
                    rows: rows as u32,
                    args,
                    ok: ok.into(),
                    failed: failed.into(),
                });
                (ok, self.b.block_params(ok), failed)
            }
            6 if !self.fills => {
                self.fills = true;
                let args = vec![self.value(Type::I64), self.value(Type::BYTES)];
                let (ok, failed) = (self.b.block(&[Type::I64]), self.b.block(&[]));
                self.b.terminate(Terminator::Call {
                    host: 6,
                    args,
                    rows: vec![0, 1],
                    ok: ok.into(),
                    failed: failed.into(),
                });
                (ok, self.b.block_params(ok), failed)
            }
            3 | 6 => {
                let host = *self.rng.pick(&[0, 1, 2, 3, 5]);
                let sig = self.b.tables_ref().hosts[host].clone();
                let args = self.values(&sig.params);
                let (ok, failed) = (self.b.block(&sig.results), self.b.block(&[]));
                let terminator = Terminator::Call {
                    host: host as u32,
                    args,
                    rows: Vec::new(),
                    ok: ok.into(),
                    failed: failed.into(),
                };
                self.b.terminate(terminator);
                (ok, self.b.block_params(ok), failed)
            }
            _ => {
                let fields = self.b.tables_ref().inputs[0].fields().to_vec();
                let (some, none) = (self.b.block(&fields), self.b.block(&[]));
                self.b.terminate(Terminator::Inbox {
                    some: some.into(),
                    none: none.into(),
                });
                (some, self.b.block_params(some), none)
            }
        }
    }

    fn small_index(&mut self) -> Value {
        let index = self.value(Type::I64);
        if self.rng.below(2) == 0 {
            return index;
        }
        let mask = self.b.iconst(7);
        self.b.op(Op::Iand, &[index, mask])
    }

    fn end_side(&mut self, join: Block, merged: &[Type]) {
        match self.rng.below(12) {
            0 => self.b.jump(self.head, &[]),
            1 => {
                let code = self.value(Type::I64);
                self.b.ret(&[code]);
            }
            _ => {
                let args = self.values(merged);
                self.b.jump(join, &args);
            }
        }
    }
}

fn element(rng: &mut Random) -> ElementType {
    ElementType::new(
        (0..1 + rng.below(4))
            .map(|_| random_type(rng))
            .collect::<Vec<_>>(),
    )
}

fn odd_nan() -> Vec<f64> {
    vec![
        1.5,
        f64::from_bits(0xfff8_0000_0000_0001),
        -0.0,
        f64::NEG_INFINITY,
        f64::from_bits(0x7ff0_0000_0000_0001),
    ]
}

fn case(seed: u64) -> Setup {
    let mut rng = Random::new(seed);
    let tables = Tables {
        slots: (0..7)
            .map(|k| SlotDecl::zero(format!("s{k}"), random_type(&mut rng)))
            .collect(),
        rows: vec![
            RowsDecl::new("read", hosts::ROWS_READ, *rng.pick(&[1000, 1 << 20])),
            RowsDecl::new("written", hosts::ROWS_WRITTEN, *rng.pick(&[1000, 1 << 20])),
            RowsDecl::new(
                "numbers",
                [Type::I64, Type::F64.or_null()],
                *rng.pick(&[100, 1 << 20]),
            ),
            RowsDecl {
                rows_max: *rng.pick(&[1, 5, 1 << 20]),
                at_bound: *rng.pick(&[AtBound::Fail, AtBound::EvictOldest]),
                ..RowsDecl::table(
                    "by number",
                    vec![
                        SlotDecl::zero("key", Type::I64),
                        SlotDecl::zero("truth", Type::BOOL),
                        SlotDecl::i64("count", 7),
                        SlotDecl::zero("text", Type::BYTES),
                    ],
                    *rng.pick(&[1, 2]),
                    *rng.pick(&[1000, 1 << 20]),
                )
            },
            RowsDecl {
                rows_max: *rng.pick(&[1, 5, 1 << 20]),
                at_bound: *rng.pick(&[AtBound::Fail, AtBound::EvictOldest]),
                ..RowsDecl::table(
                    "by text",
                    [Type::BYTES, Type::F64.or_null(), Type::BOOL]
                        .map(|ty| SlotDecl::zero("column", ty))
                        .to_vec(),
                    2,
                    *rng.pick(&[1000, 1 << 20]),
                )
            },
        ],
        hosts: hosts::sigs(),
        data: vec![
            Data::I64([1, -1, i64::MAX, 3].into()),
            Data::F64(odd_nan().into()),
            Data::from("some text"),
        ],
        inputs: vec![element(&mut rng)],
        outputs: vec![element(&mut rng), element(&mut rng)],
        drops: vec!["full".to_owned()],
        errors: vec![],
        edges: EDGES,
    };
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
        let depth = 1 + rng.below(4);
        let mut generator = Generator {
            rng: &mut rng,
            b,
            head,
            pool: Vec::new(),
            set_bytes: Vec::new(),
            fills: false,
            fuel: 12,
        };
        generator.region(depth);
        b.jump(head, &[]);
    });
    let mut setup = Setup::new(chain);
    setup.hosts = hosts::all;
    setup.budget = *rng.pick(&[0, 1, 2, 3, 5, 8, 511, 512, 513, 600]);
    setup.interrupted = rng.below(20) == 0;
    setup.capacities = vec![rng.below(2000), 5];
    setup.slots = setup
        .chain
        .tables
        .slots
        .iter()
        .map(|slot| rng.pick(&edge_values(slot.ty)).clone())
        .collect();
    let fields = setup.chain.tables.inputs[0].fields().to_vec();
    let elements = (0..rng.below(40)).map(|_| {
        fields
            .iter()
            .map(|&ty| rng.pick(&edge_values(ty)).clone())
            .collect()
    });
    setup.inbox = Some(elements.collect());
    setup
}

#[test]
fn random_chains() {
    let only: Option<u64> = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let (mut instructions, mut steps) = (0, 0);
    for seed in only.map_or(1..=CASES, |seed| seed..=seed) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let setup = case(seed);
            let verified = cutthrough_ir::verify_chain(&setup.chain);
            assert!(verified.is_ok(), "{verified:?}");
            let left = setup.check();
            (setup.chain.function.size(), setup.budget - left.budget)
        }));
        let Ok((size, taken)) = outcome else {
            panic!("SEED={seed}");
        };
        instructions += size;
        steps += taken;
    }
    println!("{instructions} instructions, {steps} steps");
}
