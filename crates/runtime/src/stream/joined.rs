//! Looking up what another stream has.

use cutthrough_expr::Traced;

use super::Stream;
use crate::element::Element;
use crate::expr::{AnyExpr, Expr, Exprs, Logical};
use crate::ir::{ElementType, Type};
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::processes::{Lookup, Map};

/// What is looked up: an expression, or a tuple of some. Where nothing is found, each is null.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be looked up",
    note = "what is looked up is an expression of a field, or a tuple of some"
)]
pub trait Found: Exprs {
    /// The same, where nothing may be found.
    type Element: Element;
}

impl<L: Logical> Found for Expr<L>
where
    Option<L::Present>: Element,
{
    type Element = Option<L::Present>;
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {
        $(
            impl<$($name: Found),+> Found for ($($name,)+) {
                type Element = ($(<$name as Found>::Element,)+);
            }
        )*
    };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F)
}

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// Each element with what another stream has for its key, or null where that has nothing.
    ///
    /// The other stream is read to its end first, and kept; this one waits for that. Of several
    /// elements with the same key there, the first counts. (Two streams that come of one by `tee`
    /// or `route` would wait for one another.)
    ///
    /// ```
    /// # let mut network = cutthrough::Network::default();
    /// let priced = network.wire(|wire| {
    ///     let prices = wire.iter([(1_u32, 2.5), (2, 4.0)]);
    ///     let orders = wire.iter([(7_u64, 2_u32), (8, 3)]);
    ///     orders
    ///         .lookup(prices, |(_, item)| item, |(item, price)| (item, price))
    ///         .map(|((order, _), price)| (order, price))
    ///         .collect()
    /// })?;
    /// # network.run()?;
    /// assert_eq!(priced.take(), [(7, Some(4.0)), (8, None)]);
    /// # Ok::<(), cutthrough::Error>(())
    /// ```
    #[track_caller]
    pub fn lookup<U, J, K, L, V>(
        self,
        rows: Stream<'w, U, J>,
        key: impl FnOnce(T::Expr) -> K,
        row: impl FnOnce(U::Expr) -> (L, V),
    ) -> Stream<'w, (T, <V as Found>::Element)>
    where
        U: Element,
        K: Exprs,
        L: Exprs<Element = K::Element>,
        V: Found,
    {
        let mut keys = 0;
        let elements = Traced::new(&T::fields(), |fields| {
            let element = T::expr(fields);
            let mut all: Vec<AnyExpr> = Vec::new();
            key(element).give(&mut all);
            keys = all.len();
            element.give(&mut all);
            all
        });
        let table = Traced::new(&U::fields(), |fields| {
            let (key, found) = row(U::expr(fields));
            let mut all: Vec<AnyExpr> = Vec::new();
            key.give(&mut all);
            found.give(&mut all);
            all
        });
        let split = |traced: &Traced| -> (Vec<Type>, Vec<Type>) {
            let types = traced.types();
            (types[..keys].to_vec(), types[keys..].to_vec())
        };
        let ((key, fields), (_, found)) = (split(&elements), split(&table));
        let lookup = Lookup::new(key, fields, found, STAGE_STATE_BYTES_MAX);
        let keyed = |traced: &Traced| [ElementType::new(traced.types())];
        let wire = self.wire;
        let (outputs, map) = (keyed(&elements), Map::traced(T::element_type(), elements));
        let (_, [elements]) = wire.add([self.point.into()], map, outputs);
        let (outputs, map) = (keyed(&table), Map::traced(U::element_type(), table));
        let (_, [table]) = wire.add([rows.point.into()], map, outputs);
        wire.stage([elements.into(), table.into()], lookup, |_, _| ())
    }
}
