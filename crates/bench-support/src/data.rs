//! What the pipelines of the suite run on.

use std::sync::Arc;

use crate::hand::Arrays;

/// How much of everything there is. The suite's own sizes are [`Sizes::suite`] with a
/// divisor of 1; dividing all of them keeps the proportions of its loops.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Of the long array.
    pub v: usize,
    /// Of the outer array of products.
    pub hi: usize,
    /// Of the inner array of products; it is not divided.
    pub lo: usize,
    /// Of both arrays of the flat map after a zip, whose product counts.
    pub faz: usize,
    /// Of both arrays of the zip after a flat map.
    pub zaf: usize,
    /// How many elements `flatMapTake` takes.
    pub flat_map_take: u64,
    /// How many elements `zipFlatFlat` takes.
    pub zip_flat_flat: u64,
}

impl Sizes {
    /// The suite's sizes (a hundred million elements), divided.
    pub fn suite(divisor: u64) -> Sizes {
        let part = |size: u64| usize::try_from(size / divisor).expect("sizes fit");
        Sizes {
            v: part(100_000_000),
            hi: part(10_000_000),
            lo: 10,
            faz: 10_000 / usize::try_from(divisor.isqrt()).expect("sizes fit"),
            zaf: part(10_000_000),
            flat_map_take: 20_000_000 / divisor,
            zip_flat_flat: 200_000_000 / divisor,
        }
    }
}

/// The arrays.
#[derive(Clone, Debug)]
pub struct Data {
    /// How large they are.
    pub sizes: Sizes,
    /// Digits.
    pub v: Arc<[i64]>,
    /// Digits.
    pub hi: Arc<[i64]>,
    /// Digits.
    pub lo: Arc<[i64]>,
    /// Ascending numbers.
    pub faz: Arc<[i64]>,
    /// Ascending numbers.
    pub zaf: Arc<[i64]>,
}

impl Data {
    /// The suite's arrays in these sizes.
    pub fn new(sizes: Sizes) -> Data {
        Data {
            sizes,
            v: digits(sizes.v),
            hi: digits(sizes.hi),
            lo: digits(sizes.lo),
            faz: ascending(sizes.faz),
            zaf: ascending(sizes.zaf),
        }
    }

    /// The same for loops by hand.
    pub fn arrays(&self) -> Arrays<'_> {
        Arrays {
            v: &self.v,
            hi: &self.hi,
            lo: &self.lo,
            faz: &self.faz,
            zaf: &self.zaf,
            flat_map_take: self.sizes.flat_map_take,
            zip_flat_flat: self.sizes.zip_flat_flat,
        }
    }
}

fn digits(length: usize) -> Arc<[i64]> {
    (0..10).cycle().take(length).collect()
}

/// The numbers from 0 on.
pub fn ascending(length: usize) -> Arc<[i64]> {
    (0..).take(length).collect()
}
