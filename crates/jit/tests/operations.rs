//! Every pure operation on values at the edges, the operands in state slots and as
//! constants; the interpreter says what is right.

mod common;

use common::{Setup, Val, build, edge_values, s};
use cutthrough_ir::op::{Effect, ImmKind, Pattern};
use cutthrough_ir::{Data, FunctionBuilder, Imm, Kind, Op, SlotDecl, Tables, Type, Value};

const KINDS: [Type; 4] = [Type::I64, Type::F64, Type::BOOL, Type::BYTES];

/// The operand types that an operation takes, and its immediates.
fn forms(op: Op) -> Vec<(Vec<Type>, Imm)> {
    let info = op.info();
    let every = KINDS.into_iter().chain(KINDS.map(Type::or_null));
    let imms: Vec<Imm> = match info.imm {
        ImmKind::None => vec![Imm::None],
        ImmKind::I64 => [0, -1, i64::MIN, i64::MAX].map(Imm::I64).to_vec(),
        ImmKind::F64 => [0.0, -0.0, 1.5, f64::INFINITY]
            .map(|value: f64| Imm::F64(value.to_bits()))
            .to_vec(),
        ImmKind::Bool => [true, false].map(Imm::Bool).to_vec(),
        ImmKind::Type => KINDS.map(|ty| Imm::Type(ty.or_null())).to_vec(),
        ImmKind::Data => vec![Imm::Index(0), Imm::Index(1)],
        _ => panic!("{} is not pure", info.name),
    };
    let is_generic = info.params.iter().any(|param| !matches!(param, Pattern::Is(_)));
    let bindings: Vec<Type> = if is_generic {
        every.collect()
    } else {
        vec![Type::I64]
    };
    let mut forms = Vec::new();
    for bound in bindings {
        let types = info.params.iter().map(|param| match param {
            Pattern::Is(ty) => Some(*ty),
            Pattern::Any => Some(bound),
            Pattern::T => (!bound.nullable).then_some(bound),
            Pattern::OptT => (!bound.nullable).then(|| bound.or_null()),
        });
        if let Some(types) = types.collect::<Option<Vec<_>>>() {
            forms.extend(imms.iter().map(|&imm| (types.clone(), imm)));
        }
    }
    forms
}

fn product(types: &[Type]) -> Vec<Vec<Val>> {
    let mut tuples = vec![vec![]];
    for &ty in types {
        let values = edge_values(ty);
        tuples = tuples
            .into_iter()
            .flat_map(|tuple: Vec<Val>| {
                values
                    .iter()
                    .map(move |value| [&tuple[..], std::slice::from_ref(value)].concat())
            })
            .collect();
    }
    tuples
}

/// `result = op(operands)`, slot 0 being the result.
fn setup(
    op: Op,
    imm: Imm,
    operands: &[Type],
    operand: impl Fn(&mut FunctionBuilder<'_>, usize) -> Value,
) -> Setup {
    // The result's type is known to the builder only: try it on a function of its own.
    let data = vec![Data::from("constant"), Data::from("")];
    let slots: Vec<_> = operands.iter().map(|&ty| SlotDecl::zero("operand", ty)).collect();
    let mut probe = Tables {
        data: data.clone(),
        slots: slots.clone(),
        ..Tables::default()
    };
    let mut b = FunctionBuilder::new(cutthrough_ir::FunctionKind::Chain, &mut probe, &[], &[Type::I64]);
    let args: Vec<Value> = (0..operands.len()).map(|k| b.slot_get(k)).collect();
    let result = b.inst(op, imm, &args).expect("a pure operation has a result");
    let ty = b.ty(result);
    let tables = Tables {
        data,
        slots: [slots, vec![SlotDecl::zero("result", ty)]].concat(),
        ..Tables::default()
    };
    Setup::new(build(tables, |b| {
        let args: Vec<Value> = (0..operands.len()).map(|k| operand(b, k)).collect();
        let result = b.inst(op, imm, &args).expect("it has a result");
        b.slot_set(operands.len(), result);
        let code = b.iconst(0);
        b.ret(&[code]);
    }))
}

#[test]
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method is not general enough in lifetimes"
)]
fn every_pure_operation() {
    let mut checked = 0;
    for &op in Op::ALL.iter().filter(|op| op.info().effect == Effect::Pure) {
        for (types, imm) in forms(op) {
            let mut setup = setup(op, imm, &types, |b, k| b.slot_get(k));
            let native = setup.compile();
            let result = setup.slots.pop().expect("there is a result");
            for operands in product(&types) {
                setup.slots = [&operands[..], std::slice::from_ref(&result)].concat();
                let caught =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| setup.check_native(&native)));
                assert!(caught.is_ok(), "{} {imm:?} {operands:?}", op.info().name);
                checked += 1;
            }
        }
    }
    assert!(checked > 20_000, "{checked}");
}

#[test]
fn divisions_by_constants() {
    for op in [Op::Idiv, Op::Irem] {
        for divisor in edge_values(Type::I64).into_iter().chain(
            [
                5,
                -5,
                7,
                10,
                641,
                1000,
                -1024,
                1 << 62,
                (1 << 62) + 1,
                1 - (1 << 62),
            ]
            .map(Val::I),
        ) {
            let Val::I(by) = divisor else { unreachable!() };
            let near = (-2_i64..=2).map(|k| Val::I(by.wrapping_mul(641).wrapping_add(k)));
            let types = [Type::I64, Type::I64];
            let mut setup = setup(op, Imm::None, &types, |b, k| {
                if k == 1 { b.iconst(by) } else { b.slot_get(k) }
            });
            let native = setup.compile();
            for dividend in edge_values(Type::I64).into_iter().chain(near) {
                setup.slots[0] = dividend;
                setup.check_native(&native);
            }
        }
    }
}

#[test]
fn operations_on_constants() {
    for &op in Op::ALL.iter().filter(|op| op.info().effect == Effect::Pure) {
        for (types, imm) in forms(op).into_iter().filter(|(types, _)| !types.is_empty()) {
            let tuples = product(&types);
            for tuple in tuples.iter().step_by(tuples.len() / 9 + 1) {
                setup(op, imm, &types, |b, k| constant(b, types[k], &tuple[k])).check();
            }
        }
    }
}

fn constant(b: &mut FunctionBuilder<'_>, ty: Type, value: &Val) -> Value {
    let present = match value {
        Val::Null => return b.null(ty),
        Val::I(value) => b.iconst(*value),
        Val::F(bits) => b.fconst(f64::from_bits(*bits)),
        Val::B(value) => b.bconst(*value),
        Val::S(bytes) => b.data(Data::Bytes(bytes::Bytes::copy_from_slice(bytes))),
    };
    if ty.nullable {
        b.op(Op::Some, &[present])
    } else {
        present
    }
}

#[test]
fn slots_of_every_type_keep_their_values() {
    for ty in KINDS.into_iter().chain(KINDS.map(Type::or_null)) {
        let slots = vec![SlotDecl::zero("from", ty), SlotDecl::zero("to", ty)];
        let mut setup = Setup::new(build(
            Tables {
                slots,
                ..Tables::default()
            },
            |b| {
                let value = b.slot_get(0);
                b.slot_set(1, value);
                // A slot of bytes may be set to a part of itself.
                b.slot_set(0, value);
                let code = b.iconst(3);
                b.ret(&[code]);
            },
        ));
        let native = setup.compile();
        for value in edge_values(ty) {
            setup.slots[0] = value.clone();
            let left = setup.check_native(&native);
            assert_eq!(left.slots, [value.clone(), value]);
        }
    }
    assert_eq!(Kind::Bytes, Type::BYTES.kind);
}

#[test]
fn slices_of_a_slot_of_bytes() {
    let slots = vec![SlotDecl::zero("text", Type::BYTES)];
    let mut setup = Setup::new(build(
        Tables {
            slots,
            ..Tables::default()
        },
        |b| {
            let text = b.slot_get(0);
            let (one, end) = (b.iconst(1), b.iconst(i64::MAX));
            let tail = b.op(Op::Sslice, &[text, one, end]);
            b.slot_set(0, tail);
            let length = b.op(Op::Slen, &[tail]);
            b.ret(&[length]);
        },
    ));
    setup.slots[0] = s("abcd");
    assert_eq!(setup.check().slots, [s("bcd")]);
}
