//! The standard processes. Each is an ordinary [`Process`](crate::Process): nothing
//! here has a private way into the runtime.
//!
//! | file | processes |
//! |---|---|
//! | `source.rs` | [`Slice`], [`Iter`] |
//! | `lent.rs` | [`Lent`]: a slice of structs |
//! | `channel.rs` | [`FromChannel`], [`ToChannel`] |
//! | `read.rs` | [`Read`]: blocks of bytes |
//! | `map.rs` | [`Map`], and of a Rust function [`MapFn`] |
//! | `filter.rs` | [`Filter`], and of a Rust function [`FilterFn`] |
//! | `flat_map.rs` | [`FlatMap`], and of a Rust function [`FlatMapFn`] |
//! | `inspect.rs` | [`Inspect`] |
//! | `take.rs`, `skip.rs` | [`Take`], [`Skip`] |
//! | `pass.rs`, `tee.rs`, `route.rs`, `merge.rs` | [`Pass`], [`Tee`], [`Route`], [`Merge`] |
//! | `zip.rs`, `lookup.rs` | [`Zip`], [`Lookup`] |
//! | `fold.rs` | [`Fold`] |
//! | `distinct.rs` | [`Distinct`] |
//! | `group.rs`, `order.rs` | [`Group`], [`Order`] |
//! | `windows.rs` | [`Windows`] of event time |
//! | `then.rs` | `Then`: futures (feature `tokio`) |
//! | `sink.rs` | [`Collect`], [`ForEach`] |

mod channel;
mod distinct;
mod filter;
mod flat_map;
mod fold;
mod group;
mod inspect;
mod lent;
mod lookup;
mod map;
mod merge;
mod order;
mod pass;
mod read;
mod route;
mod sink;
mod skip;
mod source;
mod take;
mod tee;
#[cfg(feature = "tokio")]
mod then;
mod total;
mod windows;
mod zip;

pub use channel::{FromChannel, ToChannel};
pub use distinct::Distinct;
pub use filter::{Filter, FilterFn};
pub use flat_map::{FlatMap, FlatMapFn};
pub use fold::Fold;
pub use group::{Group, GroupSpec, Windowing};
pub use inspect::Inspect;
pub use lent::Lent;
pub use lookup::Lookup;
pub use map::{Map, MapFn};
pub use merge::Merge;
pub use order::Order;
pub use pass::Pass;
pub use read::{Inputs, Read};
pub use route::Route;
pub use sink::{Collect, Collected, ForEach};
pub use skip::Skip;
pub use source::{Iter, Slice};
pub use take::Take;
pub use tee::{BranchPolicy, Tee};
#[cfg(feature = "tokio")]
pub(crate) use then::{Attempt, Failure, Make};
#[cfg(feature = "tokio")]
pub use then::{Then, ThenSpec};
pub use total::{Total, TotalSpec};
pub use windows::{Windows, WindowsSpec};
pub use zip::Zip;
