//! What tests of all crates share: random input from a seed, and values outside of IR.
#![forbid(unsafe_code)]

mod exact;
mod random;
mod value;

pub use exact::exact_sum;
pub use random::Random;
pub use value::Value;
