//! Streams: a typed way to wire a network.
//!
//! A [`Stream`] is a flow point of one [`Element`] type that nobody reads yet. A stage puts
//! a process behind it and gives the stream of what comes out. Nothing else happens: these
//! are the processes of [`processes`](crate::processes) and the flow points of the network.
//!
//! ```
//! use cutthrough::{Element, Network};
//!
//! #[derive(Element)]
//! struct Event {
//!     kind: u8,
//!     ad: u32,
//!     user: String,
//! }
//!
//! # fn main() -> Result<(), cutthrough::Error> {
//! # let event = |kind, ad| Event { kind, ad, user: "ada".to_owned() };
//! # let events = vec![event(1, 7), event(0, 7), event(1, 8), event(1, 7)];
//! let mut network = Network::default();
//! let counts = network.wire(|wire| {
//!     wire.slice(events)
//!         .filter(|e| e.kind.eq(1) & e.ad.lt(900))
//!         .key_by(|e| e.ad)
//!         .count()
//!         .collect()
//! })?;
//! network.run()?;
//! assert_eq!(counts.take(), [(7, 2), (8, 1)]);
//! # Ok(())
//! # }
//! ```
//!
//! Most stages come in two forms. `filter`, `map` and so on take a closure over expressions;
//! it is called once, and what it gives becomes part of the native loop. `filter_fn`,
//! `map_fn` and so on take a Rust function, which the loop calls with a
//! [view](crate::Element::View) of each element.
//!
//! A stage has an identity, by which it can be changed while the network runs:
//!
//! ```
//! # use cutthrough::Network;
//! # let mut network = Network::default();
//! let (big, numbers) = network.wire(|wire| {
//!     let big = wire.iter(0..1000_i64).filter(|x| x.gt(10));
//!     (big.id(), big.collect())
//! })?;
//! network.rewire(|rewire| big.swap(rewire, |x| x.gt(997)))?;
//! network.run()?;
//! assert_eq!(numbers.take(), [998, 999]);
//! # Ok::<(), cutthrough::Error>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `wire` | where streams come from |
//! | `single` | stages of one stream |
//! | `sorted` | stages that put elements in order |
//! | `several` | stages of several streams |
//! | `keyed` | groups by key, and by windows of time |
//! | `joined` | looking up what another stream has |
//! | `inserted` | stages put into a flow that runs |
//! | `aggregates` | what is computed for a group |
//! | `futures` | a future for each element |
//! | `ids` | what stages are known by |
//! | `mistakes` | what does not compile |

mod aggregates;
#[cfg(feature = "tokio")]
mod futures;
mod ids;
mod inserted;
mod joined;
mod keyed;
#[cfg(doctest)]
mod mistakes;
mod several;
mod single;
mod sorted;
mod wire;

use std::fmt;

pub use aggregates::{Aggregated, Aggregates, avg, count, count_some, max, min, sum};
#[cfg(feature = "tokio")]
pub use futures::Futures;
#[cfg(feature = "tokio")]
pub use ids::ThenId;
pub use ids::{FilterId, FoldId, MapId, RouteId, SourceId, StageId};
pub use joined::Found;
pub use keyed::{Keyed, Tumbling, Windowed, tumbling};
pub use wire::Wire;

use crate::element::Element;
use crate::point::FlowPoint;

/// A flow of elements that nobody reads yet, while a network is being wired.
///
/// A stage takes the stream: two readers of one flow point would share its elements. For
/// both to see all, [`tee`](Stream::tee) it.
#[must_use = "a stream that nobody reads stands still: end it with `sink`, `collect` or `point`"]
pub struct Stream<'w, T, I = ()> {
    wire: Wire<'w>,
    point: FlowPoint<T>,
    id: I,
}

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// The flow point, for whoever reads it otherwise, as a process of one's own. Until somebody
    /// does, the stream stands still.
    pub fn point(self) -> FlowPoint<T> {
        self.wire.leave(self.point.id());
        self.point
    }

    /// The same without what its stage is known by: streams of stages of several kinds have one
    /// type then.
    pub fn forget_id(self) -> Stream<'w, T> {
        self.wire.stream(self.point)
    }

    /// What the stage that the stream comes from is known by.
    pub fn id(&self) -> I
    where
        I: Copy,
    {
        self.id
    }
}

impl<T, I: fmt::Debug> fmt::Debug for Stream<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("point", &self.point)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
