//! The thirteen pipelines as one would write them by hand: loops over slices.
//!
//! Each loop comes in two forms, by what it sums up in. [`Plain`] is a number: rustc
//! vectorises where it can. [`Scalar`] is a number that rustc must keep in one
//! register and may not look into: the same loop, element by element, with everything
//! else that the optimiser knows.
//!
//! This file stands alone: `benches/peers` compiles it a second time, for the processor at hand.

/// What the loops run on: the arrays of [`Data`](crate::data::Data), borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Arrays<'d> {
    /// Digits, the long array.
    pub v: &'d [i64],
    /// Digits, the outer array of products.
    pub hi: &'d [i64],
    /// Digits, the inner array of products.
    pub lo: &'d [i64],
    /// Ascending numbers, for the flat map after a zip.
    pub faz: &'d [i64],
    /// Ascending numbers, for the zip after a flat map.
    pub zaf: &'d [i64],
    /// How many elements `flatMapTake` takes.
    pub flat_map_take: u64,
    /// How many elements `zipFlatFlat` takes.
    pub zip_flat_flat: u64,
}

/// A loop by hand.
pub type Loop = fn(Arrays<'_>) -> i64;

/// The loops of the suite, in its order.
pub const fn loops<S: Sum>() -> [Loop; 13] {
    [
        sum::<S>,
        sum_of_squares::<S>,
        sum_of_squares_even::<S>,
        maps::<S>,
        filters::<S>,
        cart::<S>,
        dot_product::<S>,
        flat_map_after_zip::<S>,
        zip_after_flat_map::<S>,
        flat_map_take::<S>,
        zip_filter_filter::<S>,
        zip_flat_flat::<S>,
        run_length_decoding::<S>,
    ]
}

/// What a loop sums up in.
pub trait Sum: Copy {
    /// Nothing yet.
    const ZERO: Self;
    /// With one element more.
    fn plus(self, x: i64) -> Self;
    /// The sum.
    fn get(self) -> i64;
}

/// A sum that the optimiser knows for what it is.
#[derive(Clone, Copy, Debug)]
pub struct Plain(i64);

impl Sum for Plain {
    const ZERO: Plain = Plain(0);

    #[inline(always)]
    fn plus(self, x: i64) -> Plain {
        Plain(self.0.wrapping_add(x))
    }

    #[inline(always)]
    fn get(self) -> i64 {
        self.0
    }
}

/// A sum that goes through one register, element by element.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(i64);

impl Sum for Scalar {
    const ZERO: Scalar = Scalar(0);

    #[inline(always)]
    fn plus(self, x: i64) -> Scalar {
        let mut sum = self.0.wrapping_add(x);
        #[expect(
            unsafe_code,
            reason = "no other barrier costs nothing: black_box goes through memory"
        )]
        // SAFETY: there is no instruction in it, so it does nothing that its operands
        // and options do not say.
        unsafe {
            std::arch::asm!("/* {0} */", inout(reg) sum, options(pure, nomem, nostack, preserves_flags));
        }
        Scalar(sum)
    }

    #[inline(always)]
    fn get(self) -> i64 {
        self.0
    }
}

/// The sum of an array.
#[inline(never)]
pub fn sum<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.v {
        sum = sum.plus(x);
    }
    sum.get()
}

/// The sum of the squares.
#[inline(never)]
pub fn sum_of_squares<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.v {
        sum = sum.plus(x * x);
    }
    sum.get()
}

/// The sum of the squares of what is even.
#[inline(never)]
pub fn sum_of_squares_even<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.v {
        if x % 2 == 0 {
            sum = sum.plus(x * x);
        }
    }
    sum.get()
}

/// Seven multiplications.
#[inline(never)]
pub fn maps<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.v {
        let mut x = x;
        for k in 1..=7 {
            x *= k;
        }
        sum = sum.plus(x);
    }
    sum.get()
}

/// Seven conditions.
#[expect(
    clippy::redundant_comparisons,
    reason = "seven filters, as the suite has them"
)]
#[inline(never)]
pub fn filters<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.v {
        if x > 1 && x > 2 && x > 3 && x > 4 && x > 5 && x > 6 && x > 7 {
            sum = sum.plus(x);
        }
    }
    sum.get()
}

/// The same as [`filters`], with a count of what each drops, as every filter of a network
/// has one.
#[inline(never)]
pub fn filters_counted<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut dropped = [0_u64; 7];
    'elements: for &x in data.v {
        for (bound, dropped) in (1..).zip(&mut dropped) {
            if x <= bound {
                *dropped += 1;
                continue 'elements;
            }
        }
        sum = sum.plus(x);
    }
    std::hint::black_box(dropped);
    sum.get()
}

/// The sum of all products.
#[inline(never)]
pub fn cart<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for &x in data.hi {
        for &y in data.lo {
            sum = sum.plus(x * y);
        }
    }
    sum.get()
}

/// The sum of the products of pairs.
#[inline(never)]
pub fn dot_product<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for (&x, &y) in data.hi.iter().zip(data.hi) {
        sum = sum.plus(x * y);
    }
    sum.get()
}

/// A loop in a loop over pairs.
#[inline(never)]
pub fn flat_map_after_zip<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    for (&a, &b) in data.faz.iter().zip(data.faz) {
        let x = a + b;
        for &y in data.faz {
            sum = sum.plus(x + y);
        }
    }
    sum.get()
}

/// Pairs of an array's elements with what a loop in a loop makes.
#[inline(never)]
pub fn zip_after_flat_map<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut left = data.zaf.iter();
    'all: for &x in data.zaf {
        for &y in data.zaf {
            let Some(&a) = left.next() else { break 'all };
            sum = sum.plus(a + (x + y));
        }
    }
    sum.get()
}

/// The first so many of all products.
#[inline(never)]
pub fn flat_map_take<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut left = data.flat_map_take;
    'all: for &x in data.hi {
        for &y in data.lo {
            if left == 0 {
                break 'all;
            }
            left -= 1;
            sum = sum.plus(x * y);
        }
    }
    sum.get()
}

/// Pairs of what passes two filters.
#[inline(never)]
pub fn zip_filter_filter<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut right = data.hi.iter();
    'all: for &x in data.v {
        if x > 7 {
            let y = loop {
                match right.next() {
                    Some(&y) if y > 5 => break y,
                    Some(_) => {}
                    None => break 'all,
                }
            };
            sum = sum.plus(x + y);
        }
    }
    sum.get()
}

/// Pairs of what two loops in loops make, the first so many.
#[inline(never)]
pub fn zip_flat_flat<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut left = data.zip_flat_flat;
    let (mut outer, mut inner, mut x) = (data.lo.iter(), [].iter(), 0);
    'all: for &a in data.v {
        for &b in data.lo {
            let y = loop {
                match inner.next() {
                    Some(&y) => break y,
                    None => match outer.next() {
                        Some(&next) => (x, inner) = (next, data.v.iter()),
                        None => break 'all,
                    },
                }
            };
            if left == 0 {
                break 'all;
            }
            left -= 1;
            sum = sum.plus(a * b + (x - y));
        }
    }
    sum.get()
}

/// Two decoders of run lengths, side by side: how often either gives true.
#[inline(never)]
pub fn run_length_decoding<S: Sum>(data: Arrays<'_>) -> i64 {
    let mut sum = S::ZERO;
    let mut runs = data.v.iter();
    let (mut at, mut zeros) = (0, -1);
    'all: for &run in data.v {
        for k in 0..run + i64::from(run < BYTE_MAX) {
            let a = k == run;
            while at > zeros || at == BYTE_MAX {
                match runs.next() {
                    Some(&next) => (at, zeros) = (0, next),
                    None => break 'all,
                }
            }
            let b = at == zeros;
            at += 1;
            sum = sum.plus(i64::from(a || b));
        }
    }
    sum.get()
}

/// The run length that no true follows.
pub const BYTE_MAX: i64 = 255;
