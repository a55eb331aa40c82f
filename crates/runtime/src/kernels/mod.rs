//! What processes have done by the host for many elements at once: order.
//!
//! | module | what |
//! |---|---|
//! | [`order`] | sorting, and the first N |
//! | [`rank`] | the one order of values |

pub mod order;
pub mod rank;
