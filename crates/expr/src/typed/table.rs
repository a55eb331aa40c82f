//! Constant numbers, found by their index.

use std::marker::PhantomData;
use std::sync::Arc;

use cutthrough_ir::Data;

use super::{AnyExpr, Expr, Integer, Logical, Present};
use crate::tree::NodeKind;

/// Numbers that an expression looks up by their index.
///
/// ```
/// use cutthrough_expr::{Expr, NumberTable, Traced};
/// use cutthrough_ir::Type;
///
/// let campaign_of_ad = NumberTable::from(vec![7_i64, 7, 8]);
/// let traced = Traced::new(&[Type::I64], |fields| {
///     let ad: Expr<u32> = fields.next();
///     campaign_of_ad.at(ad)
/// });
/// assert_eq!(traced.types(), [Type::I64.or_null()]);
/// ```
#[derive(Clone, Debug)]
pub struct NumberTable<T> {
    data: Data,
    number: PhantomData<fn() -> T>,
}

macro_rules! from {
    ($($rust:ty, $variant:ident;)*) => {
        $(
            impl From<Arc<[$rust]>> for NumberTable<$rust> {
                fn from(numbers: Arc<[$rust]>) -> NumberTable<$rust> {
                    NumberTable {
                        data: Data::$variant(numbers),
                        number: PhantomData,
                    }
                }
            }

            impl From<Vec<$rust>> for NumberTable<$rust> {
                fn from(numbers: Vec<$rust>) -> NumberTable<$rust> {
                    Arc::<[$rust]>::from(numbers).into()
                }
            }
        )*
    };
}

from! {
    i64, I64;
    f64, F64;
}

impl<T: Present> NumberTable<T> {
    /// The number at an index; null outside of the table, and where the index is null.
    pub fn at<I: Logical<Present: Integer>>(&self, index: Expr<I>) -> Expr<Option<T>> {
        let lookup = |x: &[usize]| NodeKind::Lookup(self.data.clone(), x[0]);
        Expr::of(AnyExpr::add(lookup, T::TYPE.or_null(), &[index.any()]))
    }
}
