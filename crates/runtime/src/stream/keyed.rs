//! Groups by key.

use std::marker::PhantomData;
use std::time::Duration;

use cutthrough_expr::Traced;
use cutthrough_expr::typed::Measure;

use super::Stream;
use super::aggregates::{Aggregates, count, sum};
use crate::element::Element;
use crate::expr::{AnyExpr, Expr, Exprs, Logical, lit};
use crate::ir::{AtBound, ElementType, Type};
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::processes::{Group, GroupSpec, Map, Windowing, Windows, WindowsSpec};

/// Windows of time of one length, one behind another.
#[derive(Clone, Copy, Debug)]
pub struct Tumbling {
    length: Duration,
    time: Option<AnyExpr>,
    lateness: Duration,
}

/// Windows of this length, of the time of arrival: a window begins at a multiple of the length
/// ([`Network::set_time`](crate::Network::set_time), or a [`Driver`](crate::Driver), says what time
/// it is), and is over when that much time has passed.
///
/// # Panics
/// When it is zero.
pub fn tumbling(length: Duration) -> Tumbling {
    assert!(length > Duration::ZERO, "a window has a length");
    Tumbling {
        length,
        time: None,
        lateness: Duration::ZERO,
    }
}

impl Tumbling {
    /// Windows of the time that elements have, in nanoseconds. A window is over when an element
    /// has come whose time is at its end, or when the flow has ended. An element of a window that
    /// is over, or without a time, is dropped as `late`.
    pub fn event_time<L: Logical<Present = i64>>(self, time: Expr<L>) -> Tumbling {
        let time = Some(time.any());
        Tumbling { time, ..self }
    }

    /// How much earlier than the latest time so far an element may be: a window stays open for so
    /// long.
    pub fn lateness(self, lateness: Duration) -> Tumbling {
        Tumbling { lateness, ..self }
    }
}

/// A stream whose elements are grouped by a key in each window of time; what is computed of each
/// group is given when its window is over, behind the time at which that began, in nanoseconds.
#[must_use = "a group computes something: end it with `count`, `sum` or `aggregate`"]
pub struct Windowed<'w, K, T, F, W> {
    keyed: Keyed<'w, K, T, F>,
    window: W,
}

impl<'w, K, T, F, W> Windowed<'w, K, T, F, W>
where
    K: Exprs<Element: Element>,
    T: Element,
    F: FnOnce(T::Expr) -> K,
    W: FnOnce(T::Expr) -> Tumbling,
{
    /// Of each window and group when it began, the key, and what is computed.
    #[track_caller]
    pub fn aggregate<A: Aggregates>(
        self,
        aggregates: impl FnOnce(T::Expr) -> A,
    ) -> Stream<'w, (i64, K::Element, A::Element)> {
        let Keyed {
            stream, key, bounds, ..
        } = self.keyed;
        let key = |e, to: &mut Vec<AnyExpr>| key(e).give(to);
        let window = |e| Some((self.window)(e));
        grouped(stream, window, key, aggregates, bounds)
    }

    /// Of each window and group when it began, the key, and how many elements there are.
    #[track_caller]
    pub fn count(self) -> Stream<'w, (i64, K::Element, i64)> {
        self.aggregate(|_| count())
    }

    /// Of each window and group when it began, the key, and the sum of an expression.
    #[track_caller]
    pub fn sum<L: Logical<Present: Measure<Sum: Element>>>(
        self,
        of: impl FnOnce(T::Expr) -> Expr<L>,
    ) -> Stream<'w, (i64, K::Element, <L::Present as Measure>::Sum)> {
        self.aggregate(|e| sum(of(e)))
    }
}

/// A stream whose elements are grouped by a key; what is computed of each group is given at
/// the end, in the order in which the keys first came.
#[must_use = "a group computes something: end it with `count`, `sum` or `aggregate`"]
pub struct Keyed<'w, K, T, F> {
    stream: Stream<'w, T>,
    key: F,
    bounds: GroupSpec,
    expressions: PhantomData<fn() -> K>,
}

/// What the groups of a stage may take; keys and aggregates are not known yet.
fn bounds() -> GroupSpec {
    GroupSpec::basic(Vec::new(), [], STAGE_STATE_BYTES_MAX)
}

impl<'w, K, T, F> Keyed<'w, K, T, F>
where
    K: Exprs<Element: Element>,
    T: Element,
    F: FnOnce(T::Expr) -> K,
{
    pub(super) fn of<I>(stream: Stream<'w, T, I>, key: F) -> Keyed<'w, K, T, F> {
        let Stream { wire, point, .. } = stream;
        Keyed {
            stream: wire.stream(point),
            key,
            bounds: bounds(),
            expressions: PhantomData,
        }
    }

    /// Bounds the number of groups. A key more fails the stage, or has it forget the key
    /// that came first.
    pub fn groups_max(mut self, groups: usize, at_bound: AtBound) -> Self {
        self.bounds.groups_max = groups;
        self.bounds.at_bound = at_bound;
        self
    }

    /// Bounds the bytes that the groups take, instead of
    /// [`STAGE_STATE_BYTES_MAX`](crate::limits::STAGE_STATE_BYTES_MAX).
    pub fn bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.bytes_max = bytes;
        self
    }

    /// Groups of their own for each window of time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cutthrough::stream::tumbling;
    ///
    /// # let mut network = cutthrough::Network::default();
    /// let second = 1_000_000_000_i64;
    /// let counts = network.wire(|wire| {
    ///     wire.iter([(0, "a"), (1, "b"), (0, "a"), (11, "a")].map(|(at, user)| (at * second, user.to_owned())))
    ///         .key_by(|(_, user)| user)
    ///         .window(|(at, _)| {
    ///             tumbling(Duration::from_secs(10)).event_time(at).lateness(Duration::from_secs(1))
    ///         })
    ///         .count()
    ///         .collect()
    /// })?;
    /// # network.run()?;
    /// let (a, b) = ("a".to_owned(), "b".to_owned());
    /// assert_eq!(counts.take(), [(0, a.clone(), 2), (0, b, 1), (10 * second, a, 1)]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    pub fn window<W: FnOnce(T::Expr) -> Tumbling>(self, window: W) -> Windowed<'w, K, T, F, W> {
        Windowed { keyed: self, window }
    }

    /// Of each group the key and what is computed.
    #[track_caller]
    pub fn aggregate<A: Aggregates>(
        self,
        aggregates: impl FnOnce(T::Expr) -> A,
    ) -> Stream<'w, (K::Element, A::Element)> {
        let key = |e, to: &mut Vec<AnyExpr>| (self.key)(e).give(to);
        grouped(self.stream, |_| None, key, aggregates, self.bounds)
    }

    /// Of each group the key and how many elements there are.
    #[track_caller]
    pub fn count(self) -> Stream<'w, (K::Element, i64)> {
        self.aggregate(|_| count())
    }

    /// Of each group the key and the sum of an expression.
    #[track_caller]
    pub fn sum<L: Logical<Present: Measure<Sum: Element>>>(
        self,
        of: impl FnOnce(T::Expr) -> Expr<L>,
    ) -> Stream<'w, (K::Element, <L::Present as Measure>::Sum)> {
        self.aggregate(|e| sum(of(e)))
    }
}

/// What is computed of all elements.
#[track_caller]
pub(super) fn ungrouped<'w, T: Element, I, A: Aggregates>(
    stream: Stream<'w, T, I>,
    aggregates: impl FnOnce(T::Expr) -> A,
) -> Stream<'w, A::Element> {
    grouped(stream, |_| None, |_, _| (), aggregates, bounds())
}

/// Puts time, key and inputs of the aggregates side by side, and groups these.
#[track_caller]
fn grouped<'w, T: Element, I, A: Aggregates, B: Element>(
    stream: Stream<'w, T, I>,
    window: impl FnOnce(T::Expr) -> Option<Tumbling>,
    key: impl FnOnce(T::Expr, &mut Vec<AnyExpr>),
    aggregates: impl FnOnce(T::Expr) -> A,
    bounds: GroupSpec,
) -> Stream<'w, B> {
    let (mut tumbling, mut keys, mut functions) = (None, 0..0, Vec::new());
    let traced = Traced::new(&T::fields(), |fields| {
        let element = T::expr(fields);
        tumbling = window(element);
        let mut inputs = Vec::from_iter(tumbling.and_then(|tumbling| tumbling.time));
        keys.start = inputs.len();
        key(element, &mut inputs);
        keys.end = inputs.len();
        aggregates(element).give(&mut inputs, &mut functions);
        if inputs.is_empty() {
            // An element has at least one field: what is counted is there.
            inputs.push(lit(true).any());
            functions[0].input = Some(Type::BOOL);
        }
        inputs
    });
    let types = traced.types();
    let windowing = match tumbling {
        None => Windowing::None,
        Some(Tumbling {
            time: None, length, ..
        }) => Windowing::Every(length),
        Some(Tumbling { time: Some(_), .. }) => Windowing::Given,
    };
    let spec = GroupSpec {
        groups_max: bounds.groups_max,
        at_bound: bounds.at_bound,
        windowing,
        ..GroupSpec::basic(types[keys].to_vec(), functions, bounds.bytes_max)
    };
    let wire = stream.wire;
    let inputs = ElementType::new(types.iter().copied());
    let map = Map::traced(T::element_type(), traced);
    let (_, [mut inputs]) = wire.add([stream.point.into()], map, [inputs]);
    if let (Windowing::Given, Some(Tumbling { length, lateness, .. })) = (windowing, tumbling) {
        let fields = types[1..].to_vec();
        let windowed = [&[Type::I64, Type::BOOL], &fields[..]].concat();
        let windows = Windows::new(WindowsSpec {
            time: types[0],
            fields,
            length,
            lateness,
            bytes_max: bounds.bytes_max,
        });
        [inputs] = wire.add([inputs.into()], windows, [ElementType::new(windowed)]).1;
    }
    wire.stage([inputs.into()], Group::new(spec), |_, _| ())
}
