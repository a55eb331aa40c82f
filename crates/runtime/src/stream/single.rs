//! Stages of one stream.

use cutthrough_expr::typed::Measure;

use super::Stream;
use super::aggregates::{Aggregates, count, sum};
use super::ids::{FilterId, FoldId, MapId, RouteId};
use super::keyed::{self, Keyed};
use crate::channel::Sender;
use crate::element::Element;
use crate::expr::{Condition, Expr, Exprs, Logical};
use crate::point::NetworkNumber;
use crate::process::Process;
use crate::processes::{
    BranchPolicy, Collect, Collected, Filter, FilterFn, FlatMapFn, Fold, ForEach, Inspect, Map, MapFn, Route,
    Skip, Take, Tee, ToChannel,
};
use crate::wiring::ProcessId;

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// The elements for which a condition holds.
    pub fn filter<C: Condition>(self, condition: impl FnOnce(T::Expr) -> C) -> Stream<'w, T, FilterId<T>> {
        self.then(Filter::expr::<T, C>(condition), FilterId::of)
    }

    /// The elements for which a Rust function says so.
    pub fn filter_fn(
        self,
        condition: impl for<'a> FnMut(T::View<'a>) -> bool + Send + 'static,
    ) -> Stream<'w, T, FilterId<T>> {
        self.then(FilterFn::view::<T>(condition), FilterId::of)
    }

    /// Of each element another: an expression, a tuple of expressions, or the expression form
    /// of a struct.
    pub fn map<X: Exprs<Element: Element>>(
        self,
        compute: impl FnOnce(T::Expr) -> X,
    ) -> Stream<'w, X::Element, MapId<T, X::Element>> {
        self.then(Map::expr::<T, X>(compute), MapId::of)
    }

    /// Of each element what a Rust function makes of it.
    pub fn map_fn<B: Element>(
        self,
        compute: impl for<'a> FnMut(T::View<'a>) -> B + Send + 'static,
    ) -> Stream<'w, B, MapId<T, B>> {
        self.then(MapFn::view::<T, B>(compute), MapId::of)
    }

    /// Of each element all that an iterator gives which a Rust function makes of it.
    pub fn flat_map_fn<D>(
        self,
        expand: impl for<'a> FnMut(T::View<'a>) -> D + Send + 'static,
    ) -> Stream<'w, D::Item, MapId<T, D::Item>>
    where
        D: IntoIterator<Item: Element, IntoIter: Send + 'static>,
    {
        self.then(FlatMapFn::view::<T, D>(expand), MapId::of)
    }

    /// The first `count` elements; then the stream ends.
    pub fn take(self, count: u64) -> Stream<'w, T, FilterId<T>> {
        self.then(Take::new(T::element_type(), count), FilterId::of)
    }

    /// All but the first `count` elements.
    pub fn skip(self, count: u64) -> Stream<'w, T, FilterId<T>> {
        self.then(Skip::new(T::element_type(), count), FilterId::of)
    }

    /// The same elements; a Rust function looks at each.
    pub fn inspect(
        self,
        look: impl for<'a> FnMut(T::View<'a>) + Send + 'static,
    ) -> Stream<'w, T, FilterId<T>> {
        self.then(Inspect::view::<T>(look), FilterId::of)
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
    /// # Panics
    /// When `init` has text in it: that is not possible yet.
    pub fn fold<S: Element, X: Exprs<Element = S>>(
        self,
        init: S,
        step: impl FnOnce(S::Expr, T::Expr) -> X,
    ) -> Stream<'w, S, FoldId<T, S>> {
        self.then(Fold::expr::<T, S, X>(init, step), FoldId::of)
    }

    /// How many elements there are, given at the end.
    pub fn count(self) -> Stream<'w, i64> {
        self.aggregate(|_| count())
    }

    /// What is computed of all elements, given at the end.
    pub fn aggregate<A: Aggregates>(self, aggregates: impl FnOnce(T::Expr) -> A) -> Stream<'w, A::Element> {
        keyed::ungrouped(self, aggregates)
    }

    /// The sum of an expression over all elements, given at the end.
    ///
    /// Integers are summed exactly: a sum that does not fit into an `i64` fails the process.
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
    pub fn tee(self) -> (Stream<'w, T>, Stream<'w, T>) {
        let tee = Tee::new(T::element_type(), [BranchPolicy::Block; 2]);
        let elements = [T::element_type(), T::element_type()];
        let (_, points) = self.wire.add([self.point.into()], tee, elements);
        let [left, right] = points.map(|point| self.wire.stream(self.wire.point(point)));
        (left, right)
    }

    /// The elements for which a condition holds, and the others.
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
    pub fn sink(self, function: impl for<'a> FnMut(T::View<'a>) + Send + 'static) -> ProcessId {
        self.into_process(ForEach::view::<T>(function))
    }

    /// Collects the elements in a vector.
    pub fn collect(self) -> Collected<T> {
        let collect = Collect::<T>::new();
        let collected = collect.collected();
        self.into_process(collect);
        collected
    }

    /// Sends the elements by a [channel](crate::channel()). Where it is full the stream stands
    /// still. When its receiver has gone, nobody takes from the stream any more.
    pub fn send(self, sender: Sender<T>) -> ProcessId {
        self.into_process(ToChannel::new(sender))
    }

    /// Gives the elements to a process of one's own, by its first input.
    pub fn into_process(self, process: impl Process + 'static) -> ProcessId {
        let (process, []) = self.wire.add([self.point.into()], process, []);
        process
    }

    /// Puts a process of one's own behind the stream, with its first input and output.
    pub fn through<B: Element>(self, process: impl Process + 'static) -> Stream<'w, B, MapId<T, B>> {
        self.then(process, MapId::of)
    }

    pub(super) fn then<B: Element, J>(
        self,
        process: impl Process + 'static,
        id: impl FnOnce(ProcessId, NetworkNumber) -> J,
    ) -> Stream<'w, B, J> {
        self.wire.stage([self.point.into()], process, id)
    }
}
