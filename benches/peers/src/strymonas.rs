//! The thirteen pipelines of the strymonas suite, wired at run time, beside loops by hand: as rustc
//! compiles them for the default target (`rust`) and for the processor at hand (`rust-native`).
//!
//! The network is wired and its code is there when the clock starts; the suite `compile` says what
//! that takes. Arrays are a hundredth of the suite's own, or a tenth where that makes less than a
//! million elements: they stay in the caches, as memory is measured otherwise.

use std::hint::black_box;

use cutthrough_bench_support::hand::{Arrays, loops};
use cutthrough_bench_support::ratio::{Contender, take_turns};
use cutthrough_bench_support::{Data, PIPELINES, Sizes, Wired};

use crate::Options;

#[path = "../native/raw.rs"]
mod raw;

use raw::RawArrays;

const ELEMENTS: u64 = 1_000_000;

pub(crate) fn run(options: &Options) -> bool {
    let mut report = options.report("strymonas");
    let repetitions = options.pick(101, 15);
    let data = [100, 10].map(|divisor| Data::new(Sizes::suite(divisor)));
    let by_hand = const { loops::<cutthrough_bench_support::hand::Plain>() };
    for (number, pipeline) in PIPELINES.iter().enumerate() {
        if !options.wants(pipeline.name) {
            continue;
        }
        let [less, more] = &data;
        let is_long = (pipeline.elements)(less) >= ELEMENTS;
        let data = if is_long { less } else { more };
        let mut contenders = [
            Contender::new("ours", || {
                let mut wired = Wired::warm(|network| pipeline.wire(network, data));
                // It has slept for its code, and others have used the caches. The loops by hand do not
                // sleep: they find the data where the contender before them has left it.
                black_box((pipeline.plain)(data));
                Box::new(move || wired.finish())
            }),
            Contender::function("rust", || by_hand[number](data.arrays())),
            Contender::function("rust-native", || native(number, data.arrays())),
        ];
        take_turns(&mut contenders, repetitions);
        let expected = (pipeline.scalar)(data);
        report.contest(pipeline.name, &contenders, (pipeline.elements)(data), expected);
    }
    report.finish()
}

unsafe extern "C" {
    /// See `native/loops.rs`.
    fn cutthrough_native_loop(number: usize, arrays: &RawArrays) -> i64;
}

/// The loop by hand, compiled for this processor.
fn native(number: usize, arrays: Arrays<'_>) -> i64 {
    let Arrays {
        v,
        hi,
        lo,
        faz,
        zaf,
        flat_map_take,
        zip_flat_flat,
    } = arrays;
    let raw = RawArrays {
        arrays: [v, hi, lo, faz, zaf].map(raw::RawArray::from),
        flat_map_take,
        zip_flat_flat,
    };
    // SAFETY: the arrays are borrowed until it returns; the library is made of the same sources.
    unsafe { cutthrough_native_loop(number, &raw) }
}
