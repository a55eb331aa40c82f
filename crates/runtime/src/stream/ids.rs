//! What stages are known by once they run: their process, with the types that it takes and
//! gives. They are one network's: others refuse them.

use std::fmt;
use std::marker::PhantomData;

use crate::element::Element;
use crate::error::Error;
use crate::expr::{Condition, Exprs};
use crate::ids::NetworkNumber;
use crate::network::Rewire;
use crate::processes::{Filter, FilterFn, Map, MapFn, Route};
use crate::wiring::ProcessId;

/// A stage as the process that it is.
pub trait StageId: Copy {
    /// The process without its types, and without a check of the network.
    fn process(self) -> ProcessId;

    /// The process, for other edits of the network that is being rewired.
    ///
    /// # Errors
    /// When the stage is another network's.
    fn process_in(self, rewire: &mut Rewire<'_>) -> Result<ProcessId, Error>;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident<$($param:ident),*>)*) => {
        $(
            $(#[$doc])*
            pub struct $name<$($param),*> {
                process: ProcessId,
                network: NetworkNumber,
                elements: PhantomData<fn($($param),*)>,
            }

            impl<$($param),*> $name<$($param),*> {
                pub(super) fn of(process: ProcessId, network: NetworkNumber) -> Self {
                    $name {
                        process,
                        network,
                        elements: PhantomData,
                    }
                }
            }

            impl<$($param),*> StageId for $name<$($param),*> {
                fn process(self) -> ProcessId {
                    self.process
                }

                fn process_in(self, rewire: &mut Rewire<'_>) -> Result<ProcessId, Error> {
                    rewire.own(self.process, self.network)
                }
            }

            impl<$($param),*> Clone for $name<$($param),*> {
                fn clone(&self) -> Self {
                    *self
                }
            }

            impl<$($param),*> Copy for $name<$($param),*> {}

            impl<$($param),*> fmt::Debug for $name<$($param),*> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_tuple(stringify!($name)).field(&self.process).finish()
                }
            }
        )*
    };
}

ids! {
    /// A source.
    SourceId<>
    /// A stage that gives what it takes, or does not: `filter`, `take`, `skip`, `inspect`.
    FilterId<T>
    /// A stage that makes a `B` of each `A`.
    MapId<A, B>
    /// A stage that divides a stream in two.
    RouteId<T>
    /// A stage that makes one `S` of all `T`.
    FoldId<T, S>
}

#[cfg(feature = "tokio")]
ids! {
    /// A stage that makes a `B` of each `A` by a future.
    ThenId<A, B>
}

impl<T: Element> FilterId<T> {
    /// Gives the stage another condition; counts go on.
    ///
    /// # Errors
    /// As [`Rewire::swap`], and when the stage is another network's.
    #[track_caller]
    pub fn swap<C: Condition>(
        self,
        rewire: &mut Rewire<'_>,
        condition: impl FnOnce(T::Expr) -> C,
    ) -> Result<(), Error> {
        let process = self.process_in(rewire)?;
        rewire.swap(process, Filter::expr::<T, C>(condition))
    }

    /// Gives the stage another condition, a Rust function.
    ///
    /// # Errors
    /// As [`Rewire::swap`], and when the stage is another network's.
    #[track_caller]
    pub fn swap_fn(
        self,
        rewire: &mut Rewire<'_>,
        condition: impl for<'a> FnMut(T::View<'a>) -> bool + Send + 'static,
    ) -> Result<(), Error> {
        let process = self.process_in(rewire)?;
        rewire.swap(process, FilterFn::view::<T>(condition))
    }

    /// Takes the stage out: who writes to it writes past it from now on. What it does not
    /// pass on any more now goes on. Whether it is gone already; see [`Rewire::take_out`].
    ///
    /// # Errors
    /// As [`Rewire::take_out`], and when the stage is another network's.
    pub fn remove(self, rewire: &mut Rewire<'_>) -> Result<bool, Error> {
        let process = self.process_in(rewire)?;
        rewire.take_out(process)
    }
}

impl<A: Element, B: Element> MapId<A, B> {
    /// Gives the stage another computation of the same element.
    ///
    /// # Errors
    /// As [`Rewire::swap`], and when the stage is another network's.
    #[track_caller]
    pub fn swap<X: Exprs<Element = B>>(
        self,
        rewire: &mut Rewire<'_>,
        compute: impl FnOnce(A::Expr) -> X,
    ) -> Result<(), Error> {
        let process = self.process_in(rewire)?;
        rewire.swap(process, Map::expr::<A, X>(compute))
    }

    /// Gives the stage another computation of the same element, a Rust function.
    ///
    /// # Errors
    /// As [`Rewire::swap`], and when the stage is another network's.
    #[track_caller]
    pub fn swap_fn(
        self,
        rewire: &mut Rewire<'_>,
        compute: impl for<'a> FnMut(A::View<'a>) -> B + Send + 'static,
    ) -> Result<(), Error> {
        let process = self.process_in(rewire)?;
        rewire.swap(process, MapFn::view::<A, B>(compute))
    }
}

impl<T: Element> RouteId<T> {
    /// Gives the stage another condition.
    ///
    /// # Errors
    /// As [`Rewire::swap`], and when the stage is another network's.
    #[track_caller]
    pub fn swap<C: Condition>(
        self,
        rewire: &mut Rewire<'_>,
        condition: impl FnOnce(T::Expr) -> C,
    ) -> Result<(), Error> {
        let process = self.process_in(rewire)?;
        rewire.swap(process, Route::expr::<T, C>(condition))
    }
}
