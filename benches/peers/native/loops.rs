//! The loops by hand once more, compiled for the processor at hand (`build.rs`). By a C interface:
//! what is compiled apart shares no other.

#[allow(dead_code, reason = "of the scalar loops nothing is used here")]
#[path = "../../../crates/bench-support/src/hand.rs"]
mod hand;
mod raw;

use raw::RawArrays;

/// Runs the loop of this number, in the order of the suite.
///
/// # Safety
/// The arrays are there while it runs.
#[unsafe(no_mangle)]
unsafe extern "C" fn cutthrough_native_loop(number: usize, arrays: &RawArrays) -> i64 {
    let loops = const { hand::loops::<hand::Plain>() };
    // SAFETY: first and length are those of a slice, which is there as the caller says.
    let [v, hi, lo, faz, zaf] =
        (arrays.arrays).map(|array| unsafe { std::slice::from_raw_parts(array.first, array.length) });
    loops[number](hand::Arrays {
        v,
        hi,
        lo,
        faz,
        zaf,
        flat_map_take: arrays.flat_map_take,
        zip_flat_flat: arrays.zip_flat_flat,
    })
}
