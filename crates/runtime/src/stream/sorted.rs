//! Stages that put elements in order.

use cutthrough_expr::Traced;

use super::Stream;
use crate::element::Element;
use crate::expr::{Exprs, SortKey};
use crate::ir::ElementType;
use crate::kernels::order::{OrderKey, OrderSpec};
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::processes::{Map, Order};

/// Which elements are given, and in which direction.
#[derive(Clone, Copy)]
struct Wanted {
    limit: Option<usize>,
    descending: bool,
}

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// All elements in ascending order of a key, given at the end; those of equal keys as they
    /// came. A key is an expression, or a tuple of some, the most significant first.
    #[track_caller]
    pub fn sort_by<K: SortKey>(self, key: impl FnOnce(T::Expr) -> K) -> Stream<'w, T> {
        let wanted = Wanted {
            limit: None,
            descending: false,
        };
        self.ordered(key, wanted)
    }

    /// The `count` elements of the greatest keys, the greatest first, given at the end.
    #[track_caller]
    pub fn top<K: SortKey>(self, count: usize, key: impl FnOnce(T::Expr) -> K) -> Stream<'w, T> {
        let wanted = Wanted {
            limit: Some(count),
            descending: true,
        };
        self.ordered(key, wanted)
    }

    /// A key that is no field is put behind the fields first, and taken away after.
    #[track_caller]
    fn ordered<K: SortKey>(self, key: impl FnOnce(T::Expr) -> K, wanted: Wanted) -> Stream<'w, T> {
        let fields = T::FIELDS;
        let traced = Traced::new(&T::fields(), |given| {
            let element = T::expr(given);
            let mut all = Vec::new();
            element.give(&mut all);
            key(element).give_ordered(&mut all);
            all
        });
        let (wire, point) = (self.wire, self.point.into());
        if let Some(keys) = traced.fields()[fields..]
            .iter()
            .copied()
            .collect::<Option<Vec<_>>>()
        {
            let order = order(T::element_type(), keys, wanted);
            return wire.stage([point], order, |_, _| ());
        }
        let keyed = ElementType::new(traced.types());
        let keys = (fields..keyed.fields().len()).collect();
        let with_keys = Map::traced(T::element_type(), traced);
        let (_, [point]) = wire.add([point], with_keys, [keyed.clone()]);
        let (_, [point]) = wire.add(
            [point.into()],
            order(keyed.clone(), keys, wanted),
            [keyed.clone()],
        );
        let without = Traced::new(keyed.fields(), T::expr);
        wire.stage([point.into()], Map::traced(keyed, without), |_, _| ())
    }
}

fn order(element: ElementType, keys: Vec<usize>, wanted: Wanted) -> Order {
    let key = |field| OrderKey {
        field,
        descending: wanted.descending,
    };
    Order::new(OrderSpec {
        element: element.fields().to_vec(),
        keys: keys.into_iter().map(key).collect(),
        limit: wanted.limit,
        is_from_end: false,
        bytes_max: STAGE_STATE_BYTES_MAX,
    })
}
