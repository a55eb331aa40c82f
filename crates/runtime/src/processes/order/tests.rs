use std::cmp::Ordering;

use cutthrough_ir::Type;

use super::*;
use crate::kernels::order::OrderKey;
use crate::testing::{Random, Value, through};

/// Adds elements; gives them in order, or the error. On both engines.
fn run(spec: &OrderSpec, elements: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, String> {
    through(|| Box::new(Order::new(spec.clone())), elements)
}

fn spec(element: &[Type], keys: &[(usize, bool)], limit: Option<usize>) -> OrderSpec {
    let keys = keys
        .iter()
        .map(|&(field, descending)| OrderKey { field, descending })
        .collect();
    OrderSpec {
        element: element.to_vec(),
        keys,
        limit,
        is_from_end: false,
        bytes_max: 1 << 26,
    }
}

/// Orders doubles (`None` is null), each with its number.
fn check(values: &[Option<f64>], descending: bool, limit: Option<usize>, expected: &[i64]) {
    let spec = spec(&[Type::F64.or_null(), Type::I64], &[(0, descending)], limit);
    let element =
        |(k, value): (usize, &Option<f64>)| vec![value.map_or(Value::Null, Value::F64), Value::I64(k as i64)];
    let elements: Vec<_> = values.iter().enumerate().map(element).collect();
    let found: Vec<i64> = run(&spec, &elements)
        .unwrap()
        .iter()
        .map(|element| element[1].as_i64())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn nan_and_null_are_last_and_equals_keep_their_order() {
    let values = [
        None,
        Some(2.0),
        Some(f64::NAN),
        Some(1.0),
        Some(2.0),
        None,
        Some(f64::NAN),
        Some(-0.0),
        Some(0.0),
    ];
    check(&values, false, None, &[7, 8, 3, 1, 4, 2, 6, 0, 5]);
    check(&values, true, None, &[1, 4, 3, 8, 7, 2, 6, 0, 5]);
    check(&values, true, Some(3), &[1, 4, 3]);
    check(&values, true, Some(0), &[]);
    check(&[], false, None, &[]);
}

#[test]
fn without_keys_elements_keep_their_order() {
    let elements: Vec<_> = (0..1000).map(|k| vec![Value::I64(1000 - k)]).collect();
    assert_eq!(run(&spec(&[Type::I64], &[], None), &elements).unwrap(), elements);
    assert_eq!(
        run(&spec(&[Type::I64], &[], Some(5)), &elements).unwrap(),
        elements[..5]
    );
}

#[test]
fn the_bound_on_bytes_is_named() {
    let mut spec = spec(&[Type::BYTES], &[(0, false)], None);
    spec.bytes_max = 10_000;
    let element = |k: usize| vec![Value::Bytes(format!("{k:0100}").into_bytes())];
    let elements: Vec<_> = (0..1000).rev().map(element).collect();
    assert_eq!(
        run(&spec, &elements),
        Err("`kept`: the rows take more than bytes_max = 10000".to_owned())
    );
    // With a limit, what is let go in time does not count.
    spec.limit = Some(20);
    let expected: Vec<_> = (0..20).map(element).collect();
    assert_eq!(run(&spec, &elements).unwrap(), expected);
}

#[test]
fn with_a_limit_memory_is_bounded_by_it() {
    let spec = spec(&[Type::I64, Type::BYTES], &[(0, true)], Some(200));
    let elements: Vec<_> = (0..20_000)
        .map(|k| vec![Value::I64(k), Value::Bytes(vec![b'x'; 32])])
        .collect();
    // Of each, three words and the text.
    let mut spec = spec;
    spec.bytes_max = 401 * (3 * 8 + 32);
    let found = run(&spec, &elements).unwrap();
    assert!(found.into_iter().eq(elements.into_iter().rev().take(200)));
}

fn by_model(spec: &OrderSpec, a: &[Value], b: &[Value]) -> Ordering {
    let compare = |key: &OrderKey| match (&a[key.field], &b[key.field]) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (a, b) if a.is_less(b) != key.descending && a != b => Ordering::Less,
        (a, b) if a == b => Ordering::Equal,
        _ => Ordering::Greater,
    };
    spec.keys
        .iter()
        .map(compare)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[test]
fn random_elements_as_the_model_says() {
    let kinds = [Type::I64, Type::F64, Type::BOOL, Type::BYTES];
    let types: Vec<Type> = kinds.iter().flat_map(|ty| [*ty, ty.or_null()]).collect();
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let element: Vec<Type> = (0..1 + random.below(4)).map(|_| *random.pick(&types)).collect();
        let keys: Vec<_> = (0..random.below(4))
            .map(|_| (random.below(element.len()), random.below(2) == 0))
            .collect();
        let limit = *random.pick(&[None, Some(1), Some(10), Some(100), Some(300)]);
        let spec = spec(&element, &keys, limit);
        let spread = *random.pick(&[2, 30, 100_000]);
        let elements: Vec<Vec<Value>> = (0..random.below(1500))
            .map(|_| element.iter().map(|&ty| random.value(ty, spread)).collect())
            .collect();
        let mut expected = elements.clone();
        expected.sort_by(|a, b| by_model(&spec, a, b));
        expected.truncate(limit.unwrap_or(usize::MAX));
        assert_eq!(run(&spec, &elements).unwrap(), expected, "seed {seed}: {spec:?}");
    }
}
