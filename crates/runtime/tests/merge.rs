//! The states of several groups, merged, are that of one group that has met all elements.

use std::ops::Range;
use std::sync::Arc;

use cutthrough::aggregate::AggregateFunction::{Avg, Count, Max, Min, Sum};
use cutthrough::aggregate::{Aggregate, BasicAggregate, CountDistinct, Gathered, Percentile, Pick, PickBy};
use cutthrough::ir::{AtBound, Data, ElementType, Op, SlotDecl, Type, Value};
use cutthrough::processes::{Group, GroupSpec, Windowing};
use cutthrough::{ErrorKind, Fragment, Network, Process, ProcessId, Shape};

/// Gives elements of keys and values that depend on the numbers of a range.
struct Elements {
    range: Range<i64>,
    element: ElementType,
}

impl Process for Elements {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("elements");
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("next", self.range.start));
        shape.data(Data::from("short"));
        shape.data(Data::from("a text of more than sixteen bytes"));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, end, one) = (f.slot_get(0), f.iconst(self.range.end), f.iconst(1));
        let more = f.op(Op::Ilt, &[next, end]);
        let (_, ended) = f.br_new(more);
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        let fields = self.element.fields().to_vec();
        let fields = fields.into_iter().zip(1..);
        let element: Vec<Value> = fields.map(|(ty, number)| value(f, next, number, ty)).collect();
        f.emit(0, &element);
        f.again();
        // The flow goes on, as far as the group knows.
        f.switch_to(ended);
        f.end(cutthrough::ir::End::Pending);
    }
}

/// A value of few, of an element and a field.
fn value(f: &mut Fragment<'_>, element: Value, field: i64, ty: Type) -> Value {
    let factor = f.iconst(
        0x9e37_79b9_7f4a_7c15_u64
            .cast_signed()
            .wrapping_mul(2 * field + 1),
    );
    let (shift, few) = (f.iconst(40), f.iconst(11));
    let product = f.op(Op::Imul, &[element, factor]);
    let random = f.op(Op::Iushr, &[product, shift]);
    let number = f.op(Op::Irem, &[random, few]);
    let three = f.iconst(3);
    let is_small = f.op(Op::Ilt, &[number, three]);
    let value = match ty.present() {
        Type::I64 => number,
        Type::F64 => f.op(Op::IToF, &[number]),
        Type::BYTES => {
            let (short, long) = (f.data_at(0), f.data_at(1));
            let end = f.op(Op::Iadd, &[number, three]);
            let text = f.op(Op::Select, &[is_small, short, long]);
            let zero = f.iconst(0);
            f.op(Op::Sslice, &[text, zero, end])
        }
        other => unreachable!("{other}"),
    };
    if !ty.nullable {
        return value;
    }
    let (some, none) = (f.op(Op::Some, &[value]), f.null(ty.present()));
    f.op(Op::Select, &[is_small, none, some])
}

fn aggregates() -> Vec<Arc<dyn Aggregate>> {
    let basic = |function, input| Arc::new(BasicAggregate { function, input }) as Arc<dyn Aggregate>;
    vec![
        basic(Count, None),
        basic(Sum, Some(Type::I64.or_null())),
        basic(Avg, Some(Type::F64)),
        basic(Min, Some(Type::BYTES)),
        basic(Max, Some(Type::F64.or_null())),
        Arc::new(Pick {
            input: Type::I64,
            last: false,
        }),
        Arc::new(Pick {
            input: Type::BYTES,
            last: true,
        }),
        Arc::new(PickBy {
            input: Type::BYTES,
            by: Type::I64,
            greatest: false,
        }),
        Arc::new(Gathered(Arc::new(CountDistinct(Type::BYTES)))),
        Arc::new(Gathered(Arc::new(Percentile {
            share: 0.5,
            input: Type::I64,
            is_whole: false,
        }))),
    ]
}

fn spec(keys: &[Type]) -> GroupSpec {
    GroupSpec {
        keys: keys.to_vec(),
        aggregates: aggregates(),
        groups_max: 1 << 20,
        bytes_max: 1 << 26,
        at_bound: AtBound::Fail,
        windowing: Windowing::None,
    }
}

/// The types of an element that a group takes.
fn element(spec: &GroupSpec) -> ElementType {
    let inputs = spec.aggregates.iter().flat_map(|aggregate| aggregate.input());
    ElementType::new(spec.keys.iter().copied().chain(inputs))
}

/// A network whose group has met a range of elements and has given nothing, as nobody takes it.
fn grouped(spec: &GroupSpec, range: Range<i64>) -> (Network, ProcessId) {
    let mut network = Network::default();
    let element = element(spec);
    let point = network.add_point("elements", element.clone()).unwrap();
    let source = network.add(Elements { range, element }).unwrap();
    let group = network.add(Group::new(spec.clone())).unwrap();
    network.attach_output(source, 0, point).unwrap();
    network.attach_input(group, 0, point).unwrap();
    network.run().unwrap();
    (network, group)
}

/// What a group gives, as its state says it before it is given.
fn kept(network: &Network, group: ProcessId) -> Vec<u8> {
    network.check_conservation().unwrap();
    network.state_of(group).unwrap()
}

#[test]
fn merged_states_are_that_of_all_elements() {
    for keys in [
        &[][..],
        &[Type::I64],
        &[Type::BYTES],
        &[Type::BYTES.or_null(), Type::I64],
    ] {
        let spec = spec(keys);
        for borders in [[0, 0, 500], [1, 2, 500], [137, 311, 500], [499, 500, 500]] {
            let (whole, group) = grouped(&spec, 0..500);
            let expected = kept(&whole, group);
            let (mut merged, group) = grouped(&spec, 0..borders[0]);
            for part in [borders[0]..borders[1], borders[1]..borders[2]] {
                let (other, of) = grouped(&spec, part);
                merged.merge(group, &kept(&other, of)).unwrap();
            }
            assert_eq!(kept(&merged, group), expected, "{keys:?} {borders:?}");
            let report = merged.report();
            let report = report.processes.iter().find(|process| process.id == group);
            assert_eq!(report.unwrap().merged, 500 - borders[0] as u64);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (mut network, group) = grouped(&spec(&[Type::I64]), 0..100);
    let before = kept(&network, group);
    let (other, of) = grouped(&spec(&[Type::BYTES]), 0..100);
    let other_key = kept(&other, of);
    let mut damaged = before.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (state, why) in [
        (&other_key, "the other one has"),
        (&damaged, "its checksum is another"),
        (&b"nothing".to_vec(), "these bytes are no state of a process"),
    ] {
        let error = network.merge(group, state).expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::Checkpoint);
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(kept(&network, group), before);
    }
    let few = GroupSpec {
        groups_max: 5,
        ..spec(&[Type::I64])
    };
    let (mut few, group) = grouped(&few, 0..2);
    let before_few = kept(&few, group);
    let error = few.merge(group, &before).expect_err("there are too many groups");
    assert!(error.to_string().contains("rows_max = 5"), "{error}");
    assert_eq!(kept(&few, group), before_few);
}
