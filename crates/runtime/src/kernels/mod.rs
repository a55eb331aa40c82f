//! Host functions that keep many elements: aggregation by key, and order.
//!
//! Each is one call per element, and lays what it keeps out in runs of words and one
//! run of bytes, so that an element that changes nothing new allocates nothing.
//! They know elements as words and types only; processes wrap them.
//!
//! | module | what |
//! |---|---|
//! | [`group`] | counts, sums, averages, extremes by key |
//! | [`aggregate`] | what is computed for each group |
//! | [`order`] | sorting, and the first N |
//! | [`hash`] | the hash of keys |
//! | [`rank`] | the one order of values |

pub mod aggregate;
pub mod group;
pub mod hash;
pub mod order;
pub mod rank;

#[cfg(test)]
mod testing;
