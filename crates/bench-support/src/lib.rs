//! The pipelines that the workspace's tests and benchmarks share, each with the loop
//! that one would have written by hand. Not published.
//!
//! Everything here is wired at run time through the public interface of `cutthrough`;
//! nothing knows how a network is executed.
//!
//! | module | what |
//! |---|---|
//! | [`data`] | what the pipelines run on |
//! | [`count`] | numbers without end |
//! | [`suite`] | the thirteen pipelines of the strymonas suite |
//! | [`hand`] | the same as loops |
//! | [`stages`] | chains of many small stages, and what else they could be written as |
//! | [`wired`] | a network that is ready to run, and its one result |
//! | [`timed`] | an engine that notes how long it compiles |
//! | [`ratio`] | interleaved measurements |
//! | [`gaps`] | how long elements are waited for |
//! | [`watch`] | what the sink of a flow sees that is changed while it runs |
//! | [`yahoo`] | the Yahoo streaming benchmark |
//! | [`asm`] | loops in machine code, counted |

pub mod asm;
pub mod count;
pub mod data;
pub mod gaps;
pub mod hand;
pub mod ratio;
pub mod stages;
pub mod suite;
pub mod timed;
pub mod watch;
pub mod wired;
pub mod yahoo;

pub use count::Count;
pub use data::{Data, Sizes};
pub use gaps::Gaps;
pub use suite::{PIPELINES, Pipeline};
pub use wired::Wired;
