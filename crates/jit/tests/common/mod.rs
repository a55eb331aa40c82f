//! Runs a chain by the interpreter and natively, and compares all that is left.
#![allow(dead_code, reason = "not every test file uses all of it")]

pub(crate) mod hosts;

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use cutthrough_ir::types::f64_word;
use cutthrough_ir::{
    ChainCode, Code, ElementBlock, Exit, Function, FunctionBuilder, FunctionKind, Grant, HostContext,
    HostFunction, Inbox, Kind, Outbox, Rows, Scalar, State, Tables, Type, Words,
};
use cutthrough_jit::{Jit, JitOptions, NativeChain, Tier};

/// A value outside of IR; doubles by their bits, so that equal means the same bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Val {
    Null,
    I(i64),
    F(u64),
    B(bool),
    S(Vec<u8>),
}

pub(crate) fn f(value: f64) -> Val {
    Val::F(f64_word(value))
}

pub(crate) fn s(text: impl AsRef<[u8]>) -> Val {
    Val::S(text.as_ref().to_vec())
}

/// What a chain runs on.
pub(crate) struct Setup {
    pub(crate) chain: ChainCode,
    pub(crate) slots: Vec<Val>,
    pub(crate) hosts: fn(&'static AtomicBool) -> Vec<HostFunction>,
    pub(crate) budget: u64,
    pub(crate) interrupted: bool,
    pub(crate) inbox: Option<Vec<Vec<Val>>>,
    pub(crate) capacities: Vec<usize>,
}

/// A chain's native code of each tier.
pub(crate) struct Native {
    pub(crate) quick: NativeChain,
    pub(crate) full: NativeChain,
}

impl std::ops::Deref for Native {
    type Target = NativeChain;

    fn deref(&self) -> &NativeChain {
        &self.full
    }
}

/// All that a run leaves.
#[derive(Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) exit: Exit,
    pub(crate) slots: Vec<Val>,
    pub(crate) slot_words: Vec<Vec<u64>>,
    pub(crate) counts: Vec<u64>,
    pub(crate) budget: u64,
    pub(crate) inbox_next: Option<usize>,
    pub(crate) outboxes: Vec<Vec<Vec<Val>>>,
    pub(crate) rows: Vec<Vec<Vec<Val>>>,
    pub(crate) error: Option<String>,
}

pub(crate) fn jit() -> &'static Jit {
    static JIT: OnceLock<Jit> = OnceLock::new();
    JIT.get_or_init(|| {
        let mut options = JitOptions::default();
        options.verify_clif = true;
        Jit::new(options).expect("this platform has a JIT")
    })
}

/// A chain of a function, alone in its network: places are given out in order, and
/// counters follow each other.
pub(crate) fn chain(tables: Tables, function: Function) -> ChainCode {
    let mut state = State::default();
    ChainCode {
        name: "test".to_owned(),
        places: tables
            .slots
            .iter()
            .map(|slot| state.add(slot.ty, &slot.init))
            .collect(),
        rows: (0..tables.rows.len() as u32).collect(),
        hosts: (0..tables.hosts.len() as u32).collect(),
        edges: (0..tables.edges as u32).collect(),
        drops: (0..tables.drops.len() as u32)
            .map(|k| tables.edges as u32 + k)
            .collect(),
        origins: vec!["test".to_owned()],
        function,
        tables,
    }
}

pub(crate) fn build(mut tables: Tables, body: impl FnOnce(&mut FunctionBuilder<'_>)) -> ChainCode {
    let mut builder = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
    body(&mut builder);
    let function = builder.build();
    chain(tables, function)
}

impl Setup {
    pub(crate) fn new(chain: ChainCode) -> Setup {
        let slots = chain.tables.slots.iter().map(|slot| zero(slot.ty)).collect();
        let capacities = vec![1 << 40; chain.tables.outputs.len()];
        Setup {
            chain,
            slots,
            hosts: |_| vec![],
            budget: 10,
            interrupted: false,
            inbox: None,
            capacities,
        }
    }

    /// Runs both ways; what they left, which is the same.
    pub(crate) fn check(&self) -> Left {
        self.check_native(&self.compile())
    }

    pub(crate) fn compile(&self) -> Native {
        let [quick, full] = [Tier::Quick, Tier::Full].map(|tier| {
            jit()
                .compile(&self.chain, tier)
                .unwrap_or_else(|error| panic!("{tier:?}: {error}"))
        });
        Native { quick, full }
    }

    pub(crate) fn check_native(&self, native: &Native) -> Left {
        let code = Code::new(self.chain.function.clone());
        let interpreted = self.run(|grant| self.chain.interpret(&code, grant));
        let quick = self.run(|grant| native.quick.run(grant));
        assert_eq!(
            interpreted, quick,
            "interpreted (left) and quick native code (right) differ"
        );
        let left = self.run(|grant| native.run(grant));
        assert_eq!(interpreted, left, "interpreted (left) and native (right) differ");
        left
    }

    /// Interprets the chain, and again with another function in its place; what they left,
    /// which is the same.
    pub(crate) fn check_interpreted(&self, other: &Function) -> Left {
        let [expected, left] = [&self.chain.function, other].map(|function| {
            let chain = ChainCode {
                function: function.clone(),
                ..self.chain.clone()
            };
            let code = Code::new(chain.function.clone());
            self.run(|grant| chain.interpret(&code, grant))
        });
        assert_eq!(
            expected, left,
            "as it was made (left) and as it is now (right) differ"
        );
        left
    }

    pub(crate) fn run(&self, run: impl FnOnce(&mut Grant<'_>) -> Exit) -> Left {
        let tables = &self.chain.tables;
        let mut state = State::default();
        for (slot, value) in tables.slots.iter().zip(&self.slots) {
            let place = state.add(slot.ty, &init_words(slot.ty, value));
            let value = block(&slot.ty.into(), &[vec![value.clone()]]);
            state.set(place, value.get(0));
        }
        let rows: Vec<u32> = tables.rows.iter().map(|rows| state.add_rows(rows)).collect();
        let mut counts = vec![0; tables.edges + tables.drops.len()];
        let interrupt: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(self.interrupted)));
        let mut hosts: Vec<_> = (self.hosts)(interrupt).into_iter().map(Some).collect();
        let context = HostContext::default();
        let inbox = self
            .inbox
            .as_ref()
            .map(|elements| block(&tables.inputs[0], elements));
        let mut outboxes: Vec<Outbox> = (tables.outputs.iter().zip(&self.capacities))
            .map(|(element, &capacity)| Outbox {
                block: ElementBlock::new(element.clone()),
                capacity,
            })
            .collect();
        let mut grant = Grant {
            state: &mut state,
            counts: &mut counts,
            hosts: &mut hosts,
            context: &context,
            interrupt,
            budget: self.budget,
            inbox: inbox.as_ref().map(|block| Inbox {
                block,
                next: 0,
                end: block.len(),
            }),
            outboxes: &mut outboxes,
        };
        let exit = run(&mut grant);
        let (budget, inbox_next) = (grant.budget, grant.inbox.map(|inbox| inbox.next));
        let places = self.chain.places.iter();
        Left {
            exit,
            slots: places
                .clone()
                .map(|&place| values(state.get(place)).remove(0))
                .collect(),
            slot_words: places
                .filter(|place| place.ty().kind != Kind::Bytes)
                .map(|&place| state.get(place).words().to_vec())
                .collect(),
            counts,
            budget,
            inbox_next,
            outboxes: outboxes.iter().map(|outbox| elements(&outbox.block)).collect(),
            rows: rows.iter().map(|&number| rows_of(state.rows(number))).collect(),
            error: context.take_error().map(|error| error.message),
        }
    }
}

pub(crate) fn zero(ty: Type) -> Val {
    match ty.kind {
        _ if ty.nullable => Val::Null,
        Kind::I64 => Val::I(0),
        Kind::F64 => Val::F(0),
        Kind::Bool => Val::B(false),
        Kind::Bytes => s(""),
    }
}

fn init_words(ty: Type, value: &Val) -> Vec<u64> {
    let mut words = match value {
        Val::I(value) => vec![value.cast_unsigned()],
        Val::F(bits) => vec![*bits],
        Val::B(value) => vec![u64::from(*value)],
        Val::Null | Val::S(_) => vec![0; ty.payload_words()],
    };
    if ty.nullable {
        words.push(u64::from(*value != Val::Null));
    }
    words
}

fn block(element: &cutthrough_ir::ElementType, elements: &[Vec<Val>]) -> ElementBlock {
    let mut block = ElementBlock::new(element.clone());
    for values in elements {
        let values: Vec<_> = values.iter().map(scalar).collect();
        block.push_values(&values);
    }
    block
}

fn elements(block: &ElementBlock) -> Vec<Vec<Val>> {
    (0..block.len()).map(|k| values(block.get(k))).collect()
}

fn scalar(value: &Val) -> Option<Scalar<'_>> {
    Some(match value {
        Val::Null => return None,
        Val::I(value) => Scalar::I64(*value),
        Val::F(bits) => Scalar::F64(f64::from_bits(*bits)),
        Val::B(value) => Scalar::Bool(*value),
        Val::S(bytes) => Scalar::Bytes(bytes),
    })
}

fn rows_of(rows: &Rows) -> Vec<Vec<Val>> {
    let row = |row: usize| {
        (0..rows.decl().columns.len())
            .map(|column| match rows.value(column, row) {
                None => Val::Null,
                Some(Scalar::I64(value)) => Val::I(value),
                Some(Scalar::F64(value)) => Val::F(value.to_bits()),
                Some(Scalar::Bool(value)) => Val::B(value),
                Some(Scalar::Bytes(bytes)) => s(bytes),
            })
            .collect()
    };
    (0..rows.len()).map(row).collect()
}

fn values(words: Words<'_>) -> Vec<Val> {
    words
        .iter()
        .map(|value| match value {
            None => Val::Null,
            Some(Scalar::I64(value)) => Val::I(value),
            Some(Scalar::F64(value)) => Val::F(value.to_bits()),
            Some(Scalar::Bool(value)) => Val::B(value),
            Some(Scalar::Bytes(bytes)) => s(bytes),
        })
        .collect()
}

/// Values of a type at the edges of what it can be.
pub(crate) fn edge_values(ty: Type) -> Vec<Val> {
    let mut values: Vec<Val> = match ty.kind {
        Kind::I64 => [
            0,
            1,
            -1,
            2,
            3,
            -2,
            7,
            -7,
            8,
            10,
            63,
            64,
            65,
            255,
            -256,
            1 << 53,
            (1 << 53) + 1,
            i64::MAX,
            i64::MAX - 1,
            i64::MIN,
            i64::MIN + 1,
        ]
        .map(Val::I)
        .to_vec(),
        Kind::F64 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            -2.5,
            4.0,
            1e300,
            -1e300,
            f64::MIN_POSITIVE,
            5e-324,
            9.3e18,
            -9.3e18,
            9_223_372_036_854_774_784.0,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ]
        .map(f)
        .to_vec(),
        Kind::Bool => vec![Val::B(false), Val::B(true)],
        Kind::Bytes => [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "abcabcab",
            "abcabcabc",
            "0",
            "12",
            "-7",
            "+7",
            "+",
            "-",
            "1.5e3",
            ".5",
            "nan",
            "-9223372036854775808",
            "9223372036854775807",
            "9223372036854775808",
            "1e999",
            "a longer text with ab in it",
        ]
        .map(s)
        .to_vec(),
    };
    if ty.nullable {
        values.push(Val::Null);
    }
    values
}
