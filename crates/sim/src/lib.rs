//! Random networks, run by every engine, which have to agree.
//!
//! A [`Plan`] says everything that is done to one network: what it is made of, how far
//! it runs, and what is edited in between. It comes from a seed. Every engine carries
//! it out, and what could be seen is compared bit for bit: what sinks collect, counts,
//! slots, errors. What has to hold on any engine is worked out from the plan alone.
//!
//! What this crate deliberately does not know: how chains are built and compiled.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what is done to one network |
//! | [`generate`] | random plans |
//! | [`enumerate`] | small tricky plans, all of them |
//! | [`spec`], [`procs`], [`window`], [`machine`], [`expr`] | the processes: which, the simulator's own, random ones, computations |
//! | [`value`] | elements outside of networks |
//! | [`engines`] | the engines that have to agree |
//! | [`run`], `restore` | carries out a plan; in another network, from a checkpoint |
//! | [`check`], [`oracle`] | what is wrong: between engines, and with any |
//! | [`shrink`] | leaves out of a plan what does not matter |
//! | [`coverage`] | what was reached |
//! | [`campaign`] | many plans |

#![forbid(unsafe_code)]

pub mod campaign;
pub mod check;
pub mod coverage;
pub mod engines;
pub mod enumerate;
pub mod expr;
pub mod generate;
pub mod machine;
pub mod oracle;
pub mod plan;
pub mod procs;
mod restore;
pub mod run;
pub mod shrink;
pub mod spec;
pub mod value;
pub mod window;

pub use plan::Plan;
