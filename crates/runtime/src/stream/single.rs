//! Stages of one stream.

use cutthrough_expr::typed::Measure;

use super::Stream;
use super::aggregates::{Aggregates, count, sum};
use super::ids::{FilterId, FoldId, MapId, RouteId};
use super::keyed::{self, Keyed};
use crate::channel::Sender;
use crate::element::Element;
use crate::expr::{Condition, Expr, Exprs, Logical};
use crate::ids::NetworkNumber;
use crate::process::Process;
use crate::processes::{
    BranchPolicy, Collect, Collected, Filter, FilterFn, FlatMapFn, Fold, ForEach, Inspect, Map, MapFn, Route,
    Skip, Take, Tee, ToChannel,
};
use crate::wiring::ProcessId;

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// The elements for which a condition holds.
    #[track_caller]
    pub fn filter<C: Condition>(self, condition: impl FnOnce(T::Expr) -> C) -> Stream<'w, T, FilterId<T>> {
        self.behind(Filter::expr::<T, C>(condition), FilterId::of)
    }

    /// The elements for which a Rust function says so.
    #[track_caller]
    pub fn filter_fn(
        self,
        condition: impl for<'a> FnMut(T::View<'a>) -> bool + Send + 'static,
    ) -> Stream<'w, T, FilterId<T>> {
        self.behind(FilterFn::view::<T>(condition), FilterId::of)
    }

    /// Of each element another: an expression, a tuple of expressions, or the expression form
    /// of a struct.
    #[track_caller]
    pub fn map<X: Exprs<Element: Element>>(
        self,
        compute: impl FnOnce(T::Expr) -> X,
    ) -> Stream<'w, X::Element, MapId<T, X::Element>> {
        self.behind(Map::expr::<T, X>(compute), MapId::of)
    }

    /// Of each element what a Rust function makes of it.
    #[track_caller]
    pub fn map_fn<B: Element>(
        self,
        compute: impl for<'a> FnMut(T::View<'a>) -> B + Send + 'static,
    ) -> Stream<'w, B, MapId<T, B>> {
        self.behind(MapFn::view::<T, B>(compute), MapId::of)
    }

    /// Of each element what a Rust function makes of it. Where that fails, so does the stage: see
    /// [`Error`](crate::Error) for what it says then.
    ///
    /// ```
    /// use std::num::ParseIntError;
    ///
    /// # let mut network = cutthrough::Network::default();
    /// let texts = ["7".to_owned(), "eight".to_owned()];
    /// let numbers = network.wire(|wire| {
    ///     wire.iter(texts).try_map_fn(|text| text.parse::<i64>()).collect()
    /// })?;
    /// let error = network.run().unwrap_err();
    /// assert_eq!(error.element(), Some(2));
    /// assert!(error.downcast_ref::<ParseIntError>().is_some());
    /// assert_eq!(numbers.take(), [7]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    #[track_caller]
    pub fn try_map_fn<B: Element, E: std::error::Error + Send + Sync + 'static>(
        self,
        compute: impl for<'a> FnMut(T::View<'a>) -> Result<B, E> + Send + 'static,
    ) -> Stream<'w, B, MapId<T, B>> {
        self.behind(MapFn::try_view::<T, B, E>(compute), MapId::of)
    }

    /// Of each element all that an iterator gives which a Rust function makes of it.
    #[track_caller]
    pub fn flat_map_fn<D>(
        self,
        expand: impl for<'a> FnMut(T::View<'a>) -> D + Send + 'static,
    ) -> Stream<'w, D::Item, MapId<T, D::Item>>
    where
        D: IntoIterator<Item: Element, IntoIter: Send + 'static>,
    {
        self.behind(FlatMapFn::view::<T, D>(expand), MapId::of)
    }

    /// The first `count` elements; then the stream ends.
    #[track_caller]
    pub fn take(self, count: u64) -> Stream<'w, T, FilterId<T>> {
        self.behind(Take::new(T::element_type(), count), FilterId::of)
    }

    /// All but the first `count` elements.
    #[track_caller]
    pub fn skip(self, count: u64) -> Stream<'w, T, FilterId<T>> {
        self.behind(Skip::new(T::element_type(), count), FilterId::of)
    }

    /// The same elements; a Rust function looks at each.
    #[track_caller]
    pub fn inspect(
        self,
        look: impl for<'a> FnMut(T::View<'a>) + Send + 'static,
    ) -> Stream<'w, T, FilterId<T>> {
        self.behind(Inspect::view::<T>(look), FilterId::of)
    }

    /// One value of all elements, given at the end: it begins as `init`, and each element
    /// makes another of it.
    ///
    /// ```
    /// # let mut network = cutthrough::Network::default();
    /// let sums = network.wire(|wire| {
    ///     wire.iter([(1_i64, 2.5), (2, 0.5)])
    ///         .fold((0_i64, 0.0), |sums, e| (sums.0 + e.0, sums.1 + e.1))
    ///         .collect()
    /// })?;
    /// # network.run()?;
    /// assert_eq!(sums.take(), [(3, 3.0)]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    ///
    #[track_caller]
    pub fn fold<S: Element, X: Exprs<Element = S>>(
        self,
        init: S,
        step: impl FnOnce(S::Expr, T::Expr) -> X,
    ) -> Stream<'w, S, FoldId<T, S>> {
        self.behind(Fold::expr::<T, S, X>(init, step), FoldId::of)
    }

    /// How many elements there are, given at the end.
    #[track_caller]
    pub fn count(self) -> Stream<'w, i64> {
        self.aggregate(|_| count())
    }

    /// What is computed of all elements, given at the end.
    #[track_caller]
    pub fn aggregate<A: Aggregates>(self, aggregates: impl FnOnce(T::Expr) -> A) -> Stream<'w, A::Element> {
        keyed::ungrouped(self, aggregates)
    }

    /// The sum of an expression over all elements, given at the end.
    ///
    /// Integers are summed exactly: a sum that does not fit into an `i64` fails the process.
    #[track_caller]
    pub fn sum<L: Logical<Present: Measure<Sum: Element>>>(
        self,
        of: impl FnOnce(T::Expr) -> Expr<L>,
    ) -> Stream<'w, <L::Present as Measure>::Sum> {
        self.aggregate(|e| sum(of(e)))
    }

    /// Groups elements by a key, which is an expression or a tuple of some.
    pub fn key_by<K, F>(self, key: F) -> Keyed<'w, K, T, F>
    where
        K: Exprs<Element: Element>,
        F: FnOnce(T::Expr) -> K,
    {
        Keyed::of(self, key)
    }

    /// The elements twice: both streams get all of them, and wait for one another.
    #[track_caller]
    pub fn tee(self) -> (Stream<'w, T>, Stream<'w, T>) {
        let tee = Tee::new(T::element_type(), [BranchPolicy::Block; 2]);
        let elements = [T::element_type(), T::element_type()];
        let (_, points) = self.wire.add([self.point.into()], tee, elements);
        let [left, right] = points.map(|point| self.wire.stream(self.wire.point(point)));
        (left, right)
    }

    /// The elements for which a condition holds, and the others.
    #[track_caller]
    pub fn route<C: Condition>(
        self,
        condition: impl FnOnce(T::Expr) -> C,
    ) -> (Stream<'w, T, RouteId<T>>, Stream<'w, T, RouteId<T>>) {
        let route = Route::expr::<T, C>(condition);
        let elements = [T::element_type(), T::element_type()];
        let (process, points) = self.wire.add([self.point.into()], route, elements);
        let [left, right] = points.map(|point| Stream {
            wire: self.wire,
            point: self.wire.point(point),
            id: RouteId::of(process, self.wire.network()),
        });
        (left, right)
    }

    /// Calls a Rust function with each element.
    #[track_caller]
    pub fn sink(self, function: impl for<'a> FnMut(T::View<'a>) + Send + 'static) -> ProcessId {
        self.into_process(ForEach::view::<T>(function))
    }

    /// Collects the elements in a vector.
    #[track_caller]
    pub fn collect(self) -> Collected<T> {
        let collect = Collect::<T>::new();
        let collected = collect.collected();
        self.into_process(collect);
        collected
    }

    /// Sends the elements by a [channel](crate::channel()). Where it is full the stream stands
    /// still. When its receiver has gone, nobody takes from the stream any more.
    #[track_caller]
    pub fn send(self, sender: Sender<T>) -> ProcessId {
        self.into_process(ToChannel::new(sender))
    }

    /// Gives the elements to a process of one's own, by its first input.
    #[track_caller]
    pub fn into_process(self, process: impl Process + 'static) -> ProcessId {
        let (process, []) = self.wire.add([self.point.into()], process, []);
        process
    }

    /// Puts a process of one's own behind the stream, with its first input and output.
    #[track_caller]
    pub fn through<B: Element>(self, process: impl Process + 'static) -> Stream<'w, B, MapId<T, B>> {
        self.behind(process, MapId::of)
    }

    /// Puts a process behind the stream.
    #[track_caller]
    pub(super) fn behind<B: Element, J>(
        self,
        process: impl Process + 'static,
        id: impl FnOnce(ProcessId, NetworkNumber) -> J,
    ) -> Stream<'w, B, J> {
        self.wire.stage([self.point.into()], process, id)
    }
}
