//! Host functions for the tests.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use cutthrough_ir::{HostContext, HostFunction, HostSig, Results, RowsArg, RowsParam, Scalar, Type, Words};

const S: Type = Type::BYTES;

pub(crate) fn sigs() -> Vec<HostSig> {
    let sig = |name: &str, params: &[Type], results: &[Type]| HostSig {
        name: name.to_owned(),
        params: params.to_vec(),
        results: results.to_vec(),
        rows: Vec::new(),
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
        HostSig {
            rows: vec![
                RowsParam {
                    columns: ROWS_READ.to_vec(),
                    writes: false,
                },
                RowsParam {
                    columns: ROWS_WRITTEN.to_vec(),
                    writes: true,
                },
            ],
            ..sig("fill", &[Type::I64, S], &[Type::I64])
        },
    ]
}

/// The columns of the row buffers that `fill` is given.
pub(crate) const ROWS_READ: [Type; 2] = [Type::I64, S.or_null()];
pub(crate) const ROWS_WRITTEN: [Type; 3] = [Type::F64, S, Type::BOOL.or_null()];

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
        HostFunction::kernel(next(), fill),
    ]
}

/// Lets the rows that there are go, or not; adds some, and tells how many there are. Fails
/// on some numbers, when it has changed the rows.
fn fill<'a>(
    args: Words<'a>,
    rows: &mut [RowsArg<'_>],
    results: &mut Results<'a>,
    _: &'a HostContext,
) -> Result<(), String> {
    let (number, text) = (args.i64(0), args.bytes(1));
    let read = rows[0].rows();
    let seen: i64 = (0..read.len())
        .filter_map(|row| match read.value(0, row) {
            Some(Scalar::I64(value)) => Some(value),
            _ => None,
        })
        .fold(0, i64::wrapping_add);
    let written = rows[1].write();
    if number & 1 == 0 || written.len() > 200 {
        written.clear();
    }
    let mut append = written.append(5, Some(bytes::Bytes::from_static(b"a slab")))?;
    let [doubles, texts, flags] = append.columns() else {
        panic!("there are three columns")
    };
    for row in 0..4 {
        doubles.f64(row, seen as f64);
        texts.bytes(row, &text[..text.len().min(row * 3)]);
        if row > 1 {
            flags.bool(row, row == 2);
        }
    }
    append.finish((number & 3) as usize);
    results.i64(0, written.len() as i64);
    assert!(number != 13, "test: {number}");
    if number % 5 == 4 {
        Err(format!("{number} is refused"))
    } else {
        Ok(())
    }
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
