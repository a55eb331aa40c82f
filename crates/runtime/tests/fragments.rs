//! `#[fragment]` functions: the same when they are called as when they are part of the loop.
#![forbid(unsafe_code)]

mod common;

use common::on_both_engines;
use cutthrough::fragment;

const WINDOW: i64 = 10;
const SHARE: f64 = 0.25;

/// Which window a time is in.
#[fragment]
fn bucket(ts: i64) -> i64 {
    if ts < 0 { 0 } else { ts / WINDOW }
}

#[fragment]
fn divided(a: i64, b: i64) -> i64 {
    let quotient = a / b;
    let rest = a % b;
    quotient * 3 - rest
}

#[fragment]
fn mixed(a: i64, b: i64) -> i64 {
    let is_small = a.abs() < 100 && !(b == 7) || a == b;
    let masked: i64 = (a & 0xff) ^ (b | -9_223_372_036_854_775_808);
    if is_small {
        bucket(a + b).max(-masked)
    } else if a > b {
        let c = a * b;
        c - divided(c, a)
    } else {
        (!a).min(b - 1)
    }
}

#[fragment]
fn scaled(x: f64, y: f64) -> f64 {
    let z = x * SHARE - y;
    if z <= 1.5 && x != y {
        -z.abs()
    } else {
        z.max(y).min(1e300)
    }
}

#[fragment]
fn is_near(x: i64, y: i64, near: bool) -> bool {
    near ^ ((x - y).abs() <= 5)
}

/// Numbers at the edges and between.
fn integers() -> Vec<(i64, i64)> {
    let edges = [i64::MIN, i64::MIN + 1, -100, -1, 0, 1, 7, 99, 1 << 40, i64::MAX];
    let mut all: Vec<(i64, i64)> = edges.iter().flat_map(|&a| edges.map(|b| (a, b))).collect();
    let mut seed = 7_u64;
    for k in 0..2_000 {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed as i64) >> (k % 60)
        };
        all.push((next(), next()));
    }
    all
}

#[test]
fn integers_are_the_same_called_and_inlined() {
    on_both_engines(|mut network| {
        let inlined = network
            .wire(|wire| {
                let pairs = wire.iter(integers());
                let all = pairs.map(|(a, b)| {
                    let near = is_near::expr(a, b, a.gt(0));
                    (bucket::expr(a), divided::expr(a, b), mixed::expr(a, b), near)
                });
                all.collect()
            })
            .unwrap();
        network.run().unwrap();
        let called = integers().into_iter();
        let called = called.map(|(a, b)| (bucket(a), divided(a, b), mixed(a, b), is_near(a, b, a > 0)));
        assert_eq!(inlined.take(), called.collect::<Vec<_>>());
    });
}

#[test]
fn doubles_are_the_same_called_and_inlined() {
    let edges = [
        f64::NAN,
        f64::NEG_INFINITY,
        -1e308,
        -0.0,
        0.0,
        1.5,
        6.0,
        f64::MIN_POSITIVE,
        1e308,
        f64::INFINITY,
    ];
    let pairs: Vec<(f64, f64)> = edges.iter().flat_map(|&a| edges.map(|b| (a, b))).collect();
    on_both_engines(|mut network| {
        let inlined = network
            .wire(|wire| {
                wire.iter(pairs.clone())
                    .map(|(x, y)| scaled::expr(x, y))
                    .collect()
            })
            .unwrap();
        network.run().unwrap();
        for ((x, y), inlined) in pairs.iter().zip(inlined.take()) {
            let called = scaled(*x, *y);
            let same = called == inlined || called.is_nan() && inlined.is_nan();
            assert!(same, "of {x:?} and {y:?}: {called:?} called, {inlined:?} inlined");
        }
    });
}

#[test]
fn what_is_divided_by_zero_is_zero() {
    assert_eq!(
        (divided(5, 0), divided(i64::MIN, -1)),
        (0, i64::MIN.wrapping_mul(3))
    );
    assert_eq!((bucket(-5), bucket(25)), (0, 2));
}
