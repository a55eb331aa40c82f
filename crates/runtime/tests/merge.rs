//! The states of several processes, merged, are that of one that has met all elements.

use std::ops::Range;
use std::sync::Arc;

use cutthrough::aggregate::AggregateFunction::{Avg, Count, Max, Min, Sum};
use cutthrough::aggregate::{Aggregate, BasicAggregate, CountDistinct, Gathered, Percentile, Pick, PickBy};
use cutthrough::ir::{AtBound, Data, ElementType, Op, SlotDecl, Type, Value};
use cutthrough::kernels::order::{OrderKey, OrderSpec};
use cutthrough::processes::{Collect, Fold, Group, GroupSpec, Order, Windowing};
use cutthrough::{Element, ErrorKind, Fragment, Network, Process, ProcessId, Shape};

/// Gives elements of keys and values that depend on the numbers of a range; the last of three
/// fields is the number.
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
        let mut element: Vec<Value> = fields.map(|(ty, number)| value(f, next, number, ty)).collect();
        if let [_, _, number] = &mut element[..] {
            *number = next;
        }
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
    fed(element(spec), range, Group::new(spec.clone()))
}

/// A network whose process has met a range of elements; its flow goes on.
fn fed(element: ElementType, range: Range<i64>, process: impl Process + 'static) -> (Network, ProcessId) {
    let mut network = Network::default();
    let point = network.add_point("elements", element.clone()).unwrap();
    let source = network.add(Elements { range, element }).unwrap();
    let process = network.add(process).unwrap();
    network.attach_output(source, 0, point).unwrap();
    network.attach_input(process, 0, point).unwrap();
    network.run().unwrap();
    (network, process)
}

/// What a process gives when its flow ends.
fn given<T: Element + Send + 'static>(mut network: Network, process: ProcessId) -> Vec<T> {
    let point = network.point::<T>("given").unwrap();
    network.attach_output(process, 0, point).unwrap();
    let collect = Collect::<T>::new();
    let collected = collect.collected();
    network.sink::<T>(point, collect).unwrap();
    network.rewire(|rewire| rewire.finish(process)).unwrap();
    network.run().unwrap();
    network.check_conservation().unwrap();
    collected.take()
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

type Ordered = (i64, Option<String>, i64);

fn order(limit: Option<usize>, is_from_end: bool, descending: bool, bytes_max: usize) -> Order {
    Order::new(OrderSpec {
        element: Ordered::fields(),
        keys: vec![
            OrderKey { field: 1, descending },
            OrderKey {
                field: 0,
                descending: false,
            },
        ],
        limit,
        is_from_end,
        bytes_max,
    })
}

/// Orders that have met a part each, merged in this order.
fn merged(borders: &[i64], process: impl Fn() -> Order) -> (Network, ProcessId) {
    let element = || Ordered::element_type();
    let (mut network, id) = fed(element(), borders[0]..borders[1], process());
    for part in borders[1..].windows(2) {
        let (other, of) = fed(element(), part[0]..part[1], process());
        let held = other.process_report(of).unwrap().held;
        let before = network.process_report(id).unwrap().merged;
        network.merge(id, &other.state_of(of).unwrap()).unwrap();
        assert_eq!(network.process_report(id).unwrap().merged, before + held);
        network.check_conservation().unwrap();
    }
    (network, id)
}

#[test]
fn merged_orders_give_what_one_order_of_all_elements_gives() {
    let all = 5_000;
    for (limit, is_from_end) in [None, Some(0), Some(1), Some(20), Some(700)]
        .into_iter()
        .flat_map(|limit| [(limit, false), (limit, true)])
    {
        if limit.is_none() && is_from_end {
            continue;
        }
        for descending in [false, true] {
            let process = || order(limit, is_from_end, descending, 1 << 24);
            let (whole, id) = fed(Ordered::element_type(), 0..all, process());
            let expected = given::<Ordered>(whole, id);
            assert_eq!(expected.len(), limit.unwrap_or(all as usize));
            for borders in [
                vec![0, 0, 1, all],
                vec![0, 4_990, all],
                vec![0, 1_000, 1_000, 1_100, 3_000, all],
            ] {
                let (network, id) = merged(&borders, process);
                let found = given::<Ordered>(network, id);
                assert_eq!(
                    found, expected,
                    "{limit:?} {is_from_end} {descending} {borders:?}"
                );
            }
        }
    }
}

#[test]
fn a_merged_order_lets_go_what_is_beyond_its_limit() {
    let process = || order(Some(10), false, false, 1 << 24);
    let borders: Vec<i64> = (0..=50).map(|part| part * 300).collect();
    let (network, id) = merged(&borders, process);
    let held = network.process_report(id).unwrap().held;
    assert!(held <= 256, "{held} are held");
}

#[test]
fn an_order_is_merged_before_it_has_begun_to_give() {
    let element = || Ordered::element_type();
    let process = || order(None, false, false, 1 << 24);
    let (other, of) = fed(element(), 0..100, process());
    let other = other.state_of(of).unwrap();
    let (mut network, id) = fed(element(), 0..100, process());
    // Nobody takes what it gives.
    let point = network.add_point("nobody", element()).unwrap();
    network.attach_output(id, 0, point).unwrap();
    network.hold_readers(point, true).unwrap();
    network.rewire(|rewire| rewire.finish(id)).unwrap();
    let before = network.state_of(id).unwrap();
    let error = network.merge(id, &other).expect_err("its rows are sorted");
    assert!(error.to_string().contains("its flow has ended"), "{error}");
    assert_eq!(network.state_of(id).unwrap(), before);
}

#[test]
fn an_order_that_cannot_hold_the_other_one_is_left_as_it_was() {
    let element = || Ordered::element_type();
    // Each of them fits, and both do not.
    for (limit, why) in [
        (None, "the rows take more than bytes_max"),
        (Some(1_000), "the elements to sort take more than bytes_max"),
    ] {
        let process = || order(limit, false, false, 1 << 14);
        let (other, of) = fed(element(), 0..200, process());
        let (mut network, id) = fed(element(), 200..400, process());
        let before = network.state_of(id).unwrap();
        let error = network
            .merge(id, &other.state_of(of).unwrap())
            .expect_err("its bytes are bounded");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(network.state_of(id).unwrap(), before);
        assert_eq!(given::<Ordered>(network, id).len(), 200);
    }
}

#[test]
fn orders_by_other_keys_or_limits_are_not_merged() {
    let element = || Ordered::element_type();
    let (mut network, id) = fed(element(), 0..100, order(Some(10), false, false, 1 << 20));
    for other in [
        order(Some(11), false, false, 1 << 20),
        order(Some(10), true, false, 1 << 20),
        order(Some(10), false, true, 1 << 20),
    ] {
        let (other, of) = fed(element(), 0..100, other);
        let error = network
            .merge(id, &other.state_of(of).unwrap())
            .expect_err("it has kept others");
        assert!(error.to_string().contains("the other one has"), "{error}");
    }
    // Nor does one go on with what the other has kept, if anything has gone.
    let (mut network, id) = fed(element(), 0..1_000, order(Some(10), false, false, 1 << 20));
    let by = order(Some(10), false, true, 1 << 20);
    let error = network
        .rewire(|rewire| rewire.swap(id, by))
        .expect_err("some are gone");
    assert_eq!(error.kind(), ErrorKind::Holding);
}

/// Sums and counts.
fn sum() -> impl Process {
    let slots = vec![SlotDecl::i64("sum", 0), SlotDecl::i64("count", 0)];
    let fold = Fold::new(Type::I64, slots, |f, state, x| {
        let one = f.iconst(1);
        vec![
            f.op(Op::Iadd, &[state[0], x[0]]),
            f.op(Op::Iadd, &[state[1], one]),
        ]
    });
    fold.combined_by(|f, a, b| (0..2).map(|k| f.op(Op::Iadd, &[a[k], b[k]])).collect())
}

#[test]
fn merged_folds_are_that_of_all_elements() {
    let element = || ElementType::from(Type::I64);
    let (whole, id) = fed(element(), 0..1_000, sum());
    let expected = whole.state_of(id).unwrap();
    let (mut network, id) = fed(element(), 0..10, sum());
    for part in [10..10, 10..700, 700..1_000] {
        let (other, of) = fed(element(), part, sum());
        network.merge(id, &other.state_of(of).unwrap()).unwrap();
        network.check_conservation().unwrap();
    }
    assert_eq!(network.state_of(id).unwrap(), expected);
    assert_eq!(network.process_report(id).unwrap().merged, 990);
    let expected = given::<(i64, i64)>(whole, id);
    assert_eq!(given::<(i64, i64)>(network, id), expected);
}

#[test]
fn folds_by_expressions_are_merged_too_and_others_say_that_they_cannot() {
    let element = || ElementType::from(Type::I64);
    let process = || Fold::expr::<i64, i64, _>(0, |sum, x| sum + x);
    let combined = || process().combined_by_expr::<i64, _>(|mine, other| mine + other);
    let (whole, id) = fed(element(), 0..100, combined());
    let expected = whole.state_of(id).unwrap();
    let (other, of) = fed(element(), 40..100, combined());
    let other = other.state_of(of).unwrap();
    let (mut network, id) = fed(element(), 0..40, combined());
    network.merge(id, &other).unwrap();
    assert_eq!(network.state_of(id).unwrap(), expected);
    let (mut network, id) = fed(element(), 0..40, process());
    let error = network.merge(id, &other).expect_err("nobody has said how");
    assert!(error.to_string().contains("no way to merge"), "{error}");
}

/// Says by the drop policy what does not count, also of what comes by a merge.
struct DropsOdd;

impl Process for DropsOdd {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("drops odd");
        shape.input(Type::I64);
        shape.rows(cutthrough::ir::RowsDecl::new("kept", [Type::I64], 1 << 20));
        shape.drop_policy("odd");
        shape.account(cutthrough::Account {
            inputs: vec![0],
            drops: vec![0],
            rows: vec![cutthrough::HeldRows { rows: 0, given: None }],
            ..cutthrough::Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.rows_push(0, element);
        f.done();
    }

    fn merge(&self, part: cutthrough::StatePart, f: &mut Fragment<'_>, values: &[Value]) {
        if part == cutthrough::StatePart::Slots {
            return f.done();
        }
        let one = f.iconst(1);
        let is_odd = f.op(Op::Iand, &[values[0], one]);
        let is_odd = f.op(Op::Ieq, &[is_odd, one]);
        let (_, even) = f.br_new(is_odd);
        f.drop(0);
        f.done();
        f.switch_to(even);
        f.rows_push(0, values);
        f.done();
    }
}

#[test]
fn what_a_merge_drops_is_counted() {
    let element = || ElementType::from(Type::I64);
    let (other, of) = fed(element(), 0..100, DropsOdd);
    let other = other.state_of(of).unwrap();
    let (mut network, id) = fed(element(), 0..10, DropsOdd);
    network.merge(id, &other).unwrap();
    network.check_conservation().unwrap();
    let report = network.process_report(id).unwrap();
    assert_eq!(report.held + report.dropped[0].1, 110);
    assert!(report.dropped[0].1 > 0 && report.merged == 100);
}
