use cutthrough_ir::Kind;
use cutthrough_test_support::exact_sum;

use super::*;
use crate::aggregate::AggregateFunction::{self, Avg, Count, Max, Min, Sum};
use crate::testing::{Random, Value, through};

const NULL_I64: Type = Type::I64.or_null();
const NULL_F64: Type = Type::F64.or_null();
const NULL_BYTES: Type = Type::BYTES.or_null();

/// A group of built-in aggregates.
#[derive(Clone, Debug)]
struct Spec {
    keys: Vec<Type>,
    aggregates: Vec<BasicAggregate>,
    groups_max: usize,
    bytes_max: usize,
    at_bound: AtBound,
}

impl Spec {
    fn group(&self) -> Group {
        Group::new(GroupSpec {
            groups_max: self.groups_max,
            at_bound: self.at_bound,
            ..GroupSpec::basic(self.keys.clone(), self.aggregates.clone(), self.bytes_max)
        })
    }
}

fn spec(keys: &[Type], aggregates: &[(AggregateFunction, Option<Type>)]) -> Spec {
    let aggregates = aggregates
        .iter()
        .map(|&(function, input)| BasicAggregate { function, input })
        .collect();
    Spec {
        keys: keys.to_vec(),
        aggregates,
        groups_max: 1 << 20,
        bytes_max: 1 << 26,
        at_bound: AtBound::Fail,
    }
}

/// Groups the rows (keys, then inputs), on both engines; gives the groups, or the error.
fn run(spec: &Spec, rows: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, String> {
    through(|| Box::new(spec.group()), rows)
}

fn check(spec: &Spec, rows: &[Vec<Value>], expected: &[Vec<Value>]) {
    assert_eq!(run(spec, rows).unwrap(), expected);
}

fn int(value: i64) -> Value {
    Value::I64(value)
}

fn double(value: f64) -> Value {
    Value::F64(value)
}

#[test]
fn groups_come_in_the_order_first_seen() {
    let spec = spec(&[Type::BYTES], &[(Count, None), (Sum, Some(Type::I64))]);
    let rows = [
        vec!["b".into(), int(1)],
        vec!["a".into(), int(2)],
        vec!["".into(), int(3)],
        vec!["b".into(), int(4)],
    ];
    check(
        &spec,
        &rows,
        &[
            vec!["b".into(), int(2), int(5)],
            vec!["a".into(), int(1), int(2)],
            vec!["".into(), int(1), int(3)],
        ],
    );
    check(&spec, &[], &[]);
}

#[test]
fn without_keys_there_is_one_group() {
    let all = [
        (Count, None),
        (Count, Some(NULL_I64)),
        (Sum, Some(NULL_I64)),
        (Sum, Some(Type::F64)),
        (Avg, Some(NULL_I64)),
        (Min, Some(Type::BOOL)),
        (Max, Some(NULL_BYTES)),
    ];
    let spec = spec(&[], &all);
    check(
        &spec,
        &[],
        &[vec![
            int(0),
            int(0),
            int(0),
            double(0.0),
            Value::Null,
            Value::Null,
            Value::Null,
        ]],
    );
    let row = |i: Value, f, b, s: Value| vec![i.clone(), i.clone(), double(f), i, Value::Bool(b), s];
    let rows = [
        row(int(3), 0.1, true, "x".into()),
        row(Value::Null, 0.2, false, Value::Null),
        row(int(-4), 0.3, true, "xy".into()),
    ];
    let expected = [
        int(3),
        int(2),
        int(-1),
        double(0.6),
        double(-0.5),
        Value::Bool(false),
        "xy".into(),
    ];
    check(&spec, &rows, &[expected.to_vec()]);
}

#[test]
fn keys_that_are_equal() {
    let count = [(Count, None)];
    let doubles = [0.0, f64::NAN, -0.0, -f64::NAN, 1.0].map(|key| vec![double(key)]);
    let groups = run(&spec(&[Type::F64], &count), &doubles).unwrap();
    assert_eq!(groups.len(), 3);
    assert_eq!(groups[0], [double(0.0), int(2)]);
    assert_eq!(groups[1][1], int(2));

    let nullable = [Value::Null, int(0), Value::Null, int(0), int(1)].map(|key| vec![key]);
    let expected = [
        vec![Value::Null, int(2)],
        vec![int(0), int(2)],
        vec![int(1), int(1)],
    ];
    check(&spec(&[NULL_I64], &count), &nullable, &expected);

    let strings = [Value::Null, "".into(), Value::Null, "".into()].map(|key| vec![key]);
    check(
        &spec(&[NULL_BYTES], &count),
        &strings,
        &[vec![Value::Null, int(2)], vec!["".into(), int(2)]],
    );

    let pair = |a: &str, b: &str| vec![Value::from(a), Value::from(b)];
    let groups = run(
        &spec(&[Type::BYTES; 2], &count),
        &[pair("ab", "c"), pair("a", "bc"), pair("ab", "c")],
    );
    assert_eq!(groups.unwrap().len(), 2);
}

#[test]
fn extremes_of_doubles() {
    let spec = spec(&[], &[(Min, Some(NULL_F64)), (Max, Some(NULL_F64))]);
    let check = |values: &[f64], min: f64, max: f64| {
        let rows: Vec<_> = values
            .iter()
            .map(|&value| vec![double(value), double(value)])
            .collect();
        let found = run(&spec, &rows).unwrap();
        let bits = |value: &Value| {
            if let Value::F64(value) = value {
                value.to_bits()
            } else {
                panic!("{value:?}")
            }
        };
        let found: Vec<u64> = found[0].iter().map(bits).collect();
        assert_eq!(found, [min.to_bits(), max.to_bits()], "{values:?}");
    };
    check(&[1.0, f64::NAN, -2.0], -2.0, 1.0);
    check(&[f64::NAN, 1.0], 1.0, 1.0);
    check(&[f64::NAN], f64::NAN, f64::NAN);
    check(&[0.0, -0.0], -0.0, 0.0);
}

#[test]
fn sums_are_exact_or_an_error() {
    let spec = spec(&[], &[(Sum, Some(Type::I64)), (Avg, Some(Type::I64))]);
    let row = |value| vec![int(value), int(value)];
    let rows = [row(i64::MAX), row(i64::MAX), row(i64::MIN), row(-i64::MAX)];
    check(&spec, &rows, &[vec![int(-1), double(-0.25)]]);
    let error = run(&spec, &rows[..2]).unwrap_err();
    assert_eq!(error, "sum: it does not fit into an i64");
    run(&spec, &[row(i64::MIN), row(-1)]).expect_err("it is too small");
}

#[test]
fn bounds_are_named() {
    let check = |spec: &Spec, rows: &[Vec<Value>], expected: Result<usize, &str>| {
        let found = run(spec, rows).map(|groups| groups.len());
        assert_eq!(found, expected.map_err(str::to_owned));
    };
    let mut few = spec(&[Type::I64], &[]);
    few.groups_max = 3;
    let rows: Vec<_> = (0..4).map(|key| vec![int(key)]).collect();
    check(&few, &[&rows[..3], &rows[..3]].concat(), Ok(3));
    check(
        &few,
        &rows,
        Err("`groups`: there are more rows than rows_max = 3"),
    );

    let mut small = spec(&[Type::BYTES], &[(Count, None)]);
    small.bytes_max = 2000;
    check(&small, &[vec![Value::Bytes(vec![b'x'; 1000])]], Ok(1));
    check(
        &small,
        &[vec![Value::Bytes(vec![b'x'; 2000])]],
        Err("`groups`: the rows take more than bytes_max = 2000"),
    );

    let mut kept = spec(&[Type::I64], &[(Max, Some(Type::BYTES))]);
    kept.bytes_max = 3000;
    let row = |text: u8, len: usize| vec![int(1), Value::Bytes(vec![text; len])];
    check(&kept, &[row(b'x', 1000), row(b'y', 1000), row(b'z', 1000)], Ok(1));
    check(
        &kept,
        &[row(b'x', 3000), row(b'y', 3000)],
        Err("`groups`: the rows take more than bytes_max = 3000"),
    );
}

#[test]
fn the_oldest_keys_may_go_at_the_bound() {
    let mut spec = spec(&[Type::I64], &[(Count, None), (Max, Some(Type::I64))]);
    spec.groups_max = 3;
    spec.at_bound = AtBound::EvictOldest;
    let keys = [1, 2, 3, 1, 4, 4, 1, 2];
    let rows: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(k, &key)| vec![int(key), int(k as i64)])
        .collect();
    // 4 comes in the place of 1, 1 anew in that of 2, and 2 in that of 3.
    let group = |key, count, max| vec![int(key), int(count), int(max)];
    let groups = [group(4, 2, 5), group(1, 1, 6), group(2, 1, 7)];
    assert_eq!(run(&spec, &rows).unwrap(), groups);
}

/// A straightforward model: a list of groups, searched from the front.
fn model(spec: &Spec, rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut groups: Vec<(Vec<Value>, Vec<&Vec<Value>>)> = Vec::new();
    for row in rows {
        let key = &row[..spec.keys.len()];
        match groups.iter_mut().find(|group| group.0 == key) {
            Some(group) => group.1.push(row),
            None => groups.push((key.to_vec(), vec![row])),
        }
    }
    let finish = |(key, rows): (Vec<Value>, Vec<&Vec<Value>>)| {
        let mut group = key;
        let mut input = spec.keys.len();
        for aggregate in &spec.aggregates {
            let values = rows
                .iter()
                .filter(|_| aggregate.input.is_some())
                .map(|row| &row[input]);
            let present: Vec<&Value> = values.filter(|value| **value != Value::Null).collect();
            let best = |better: fn(&Value, &Value) -> bool| {
                let pick = |a: &'_ Value, b: &'_ Value| if better(b, a) { b.clone() } else { a.clone() };
                let first = present.first().map(|&value| value.clone());
                first.map_or(Value::Null, |first| {
                    present.iter().fold(first, |a, b| pick(&a, b))
                })
            };
            let integers = || present.iter().map(|value| value.as_i64());
            let doubles = || present.iter().map(|value| value.as_f64());
            let count = present.len() as f64;
            let is_double = aggregate.input.is_some_and(|ty| ty.kind == Kind::F64);
            group.push(match aggregate.function {
                Count if aggregate.input.is_none() => int(rows.len() as i64),
                Count => int(present.len() as i64),
                Sum if is_double => double(exact_sum(doubles())),
                Sum => int(integers().sum()),
                Avg if present.is_empty() => Value::Null,
                Avg if is_double => double(exact_sum(doubles()) / count),
                Avg => double(integers().sum::<i64>() as f64 / count),
                Min => best(Value::is_less),
                Max => best(|a, b| b.is_less(a)),
            });
            input += usize::from(aggregate.input.is_some());
        }
        group
    };
    groups.into_iter().map(finish).collect()
}

#[test]
fn random_rows_as_the_model_says() {
    let types = [
        Type::I64,
        Type::F64,
        Type::BOOL,
        Type::BYTES,
        NULL_I64,
        NULL_F64,
        Type::BOOL.or_null(),
        NULL_BYTES,
    ];
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let keys: Vec<Type> = (0..random.below(4)).map(|_| *random.pick(&types)).collect();
        let mut aggregates = Vec::new();
        for _ in 0..random.below(5) {
            let function = *random.pick(&[Count, Sum, Avg, Min, Max]);
            let numbers = [Type::I64, Type::F64, NULL_I64, NULL_F64];
            let input = match function {
                Count if random.below(2) == 0 => None,
                Sum | Avg => Some(*random.pick(&numbers)),
                _ => Some(*random.pick(&types)),
            };
            aggregates.push((function, input));
        }
        let spec = spec(&keys, &aggregates);
        let fields: Vec<Type> = keys
            .iter()
            .copied()
            .chain(aggregates.iter().filter_map(|a| a.1))
            .collect();
        if fields.is_empty() {
            continue; // no flow point has such elements
        }
        let spread = *random.pick(&[2, 10, 1000]);
        let count = random.below(300) + usize::from(keys.is_empty());
        let rows: Vec<Vec<Value>> = (0..count)
            .map(|_| fields.iter().map(|&ty| random.value(ty, spread)).collect())
            .collect();
        let expected = model(&spec, &rows);
        assert_eq!(run(&spec, &rows).unwrap(), expected, "seed {seed}: {spec:?}");
    }
}

/// Doubles whose sum has about so many digits.
fn doubles(random: &mut Random, bits: usize) -> Vec<f64> {
    let count = 1 + random.below(40);
    let mut values: Vec<f64> = (0..count)
        .map(|_| {
            let (mantissa, exponent) = (random.next() >> 11, random.below(bits));
            let sign = *random.pick(&[-1.0, 1.0]);
            sign * mantissa as f64 * 2_f64.powi(exponent as i32 - 100)
        })
        .collect();
    // What cancels out, and what is half of a last digit.
    for _ in 0..random.below(4) {
        let value = *random.pick(&values);
        values.push(-value);
        values.push(value * f64::EPSILON / 2.0);
    }
    values
}

#[test]
fn sums_of_doubles_are_exact_in_any_order() {
    let spec = spec(&[], &[(Sum, Some(Type::F64)), (Avg, Some(Type::F64))]);
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let bits = 1 + random.below(40);
        let values = doubles(&mut random, bits);
        let rows = |values: &[f64]| -> Vec<Vec<Value>> {
            values
                .iter()
                .map(|&value| vec![double(value), double(value)])
                .collect()
        };
        let sum = exact_sum(values.iter().copied());
        let expected = [vec![double(sum), double(sum / values.len() as f64)]];
        check(&spec, &rows(&values), &expected);
        let reversed: Vec<f64> = values.into_iter().rev().collect();
        check(&spec, &rows(&reversed), &expected);
    }
}

#[test]
fn sums_beyond_their_digits_are_near() {
    let spec = spec(&[], &[(Sum, Some(Type::F64))]);
    let check = |values: &[f64], sum: f64| {
        let rows: Vec<Vec<Value>> = values.iter().map(|&value| vec![double(value)]).collect();
        check(&spec, &rows, &[vec![double(sum)]]);
    };
    check(&[1e300, 1.0, 1e-300, -1e300], 1.0);
    check(&[1e300, 1e-300, 1e-310, 1.0], 1e300);
    check(&[f64::MAX, f64::MAX], f64::INFINITY);
    check(&[f64::MAX, f64::MAX, -1.0], f64::INFINITY);
    check(&[f64::MAX], f64::MAX);
    check(&[f64::MAX, 1.0, -f64::MAX], 1.0);
    check(&[f64::INFINITY, 1.0, f64::MAX], f64::INFINITY);
    check(&[5e-324, 5e-324], 1e-323);
}
