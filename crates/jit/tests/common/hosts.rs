//! Host functions for the tests.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use cutthrough_ir::{HostContext, HostFunction, HostSig, Results, Type, Words};

const S: Type = Type::BYTES;

pub(crate) fn sigs() -> Vec<HostSig> {
    let sig = |name: &str, params: &[Type], results: &[Type]| HostSig {
        name: name.to_owned(),
        params: params.to_vec(),
        results: results.to_vec(),
    };
    let all = [
        Type::I64,
        Type::F64,
        Type::BOOL,
        S,
        Type::I64.or_null(),
        Type::F64.or_null(),
        Type::BOOL.or_null(),
        S.or_null(),
    ];
    vec![
        sig("add", &[Type::I64, Type::I64], &[Type::I64]),
        sig("join", &[S, S, Type::F64], &[S.or_null(), Type::F64, Type::BOOL]),
        sig("copy", &all, &all),
        sig("nothing", &[], &[]),
        sig("interrupt_at", &[Type::I64], &[]),
        sig("results_left_alone", &[], &all),
    ]
}

/// One of each. `add` fails on multiples of 7 and panics on multiples of 11.
pub(crate) fn all(interrupt: &'static AtomicBool) -> Vec<HostFunction> {
    silence();
    let mut sigs = sigs().into_iter();
    let mut next = || sigs.next().expect("there is a signature for each");
    let mut calls = 0;
    vec![
        HostFunction::new(
            next(),
            |args: Words<'_>, results: &mut Results<'_>, _: &HostContext| {
                let sum = args.i64(0).wrapping_add(args.i64(1));
                assert!(sum == 0 || sum % 11 != 0, "test: {sum}");
                results.i64(0, sum);
                if sum != 0 && sum % 7 == 0 {
                    Err(format!("{sum} is refused"))
                } else {
                    Ok(())
                }
            },
        ),
        HostFunction::new(next(), join),
        HostFunction::new(next(), copy),
        HostFunction::new(
            next(),
            |_: Words<'_>, _: &mut Results<'_>, _: &HostContext| Ok(()),
        ),
        HostFunction::new(
            next(),
            move |args: Words<'_>, _: &mut Results<'_>, _: &HostContext| {
                calls += 1;
                if calls == args.i64(0) {
                    interrupt.store(true, Ordering::Relaxed);
                }
                Ok(())
            },
        ),
        HostFunction::new(
            next(),
            |_: Words<'_>, _: &mut Results<'_>, _: &HostContext| Ok(()),
        ),
    ]
}

fn join<'a>(args: Words<'a>, results: &mut Results<'a>, context: &'a HostContext) -> Result<(), String> {
    let joined = [args.bytes(0), args.bytes(1)].concat();
    // Bits of a double: only the canonical NaN may arrive.
    assert!(
        !args.f64(2).is_nan() || args.f64(2).to_bits() == f64::NAN.to_bits(),
        "test: another NaN"
    );
    if joined.len() > 2 {
        results.bytes(0, context.copy(&joined)?);
    }
    results.f64(1, args.f64(2) * 0.5);
    results.bool(2, joined.is_empty());
    Ok(())
}

fn copy<'a>(args: Words<'a>, results: &mut Results<'a>, _: &'a HostContext) -> Result<(), String> {
    (0..args.len()).for_each(|k| results.set(k, args.get(k)));
    Ok(())
}

/// Panics that tests ask for are not printed.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload_as_str().unwrap_or_default();
            if !text.starts_with("test: ") {
                print(info);
            }
        }));
    });
}
