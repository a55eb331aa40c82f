//! Comparisons and functions of expressions.

use cutthrough_ir::{Kind, Type};

use super::operators::Both;
use super::types::narrow;
use super::{
    AnyExpr, Condition, Expr, Integer, Logical, Maybe, Measure, Nullness, Number, Operand, Present, Textual,
};
use crate::scalar::{Absence, Comparison, Scalar};
use crate::tree::NodeKind;

/// `P`, which may be null where `T` may.
type As<T, P> = <<T as Logical>::Null as Nullness>::Of<P>;

/// A type whose values can be compared: all of them.
pub trait Compare: Present {
    #[doc(hidden)]
    fn compare(comparison: Comparison, a: AnyExpr, b: AnyExpr) -> AnyExpr {
        let kind = a.ty().kind;
        AnyExpr::strict(Scalar::Compare(comparison, kind), &[a, b])
    }

    /// What orders values of this type as words are ordered.
    #[doc(hidden)]
    fn in_order(value: AnyExpr) -> AnyExpr {
        value
    }
}

impl Compare for bool {}
impl Compare for String {}
impl Compare for bytes::Bytes {}

impl<P: Number> Compare for P {
    fn compare(comparison: Comparison, a: AnyExpr, b: AnyExpr) -> AnyExpr {
        let [a, b] = match comparison {
            Comparison::Equal | Comparison::NotEqual => [a, b],
            _ => [a, b].map(P::ordered),
        };
        AnyExpr::strict(Scalar::Compare(comparison, P::KIND), &[a, b])
    }

    fn in_order(value: AnyExpr) -> AnyExpr {
        P::ordered(value)
    }
}

macro_rules! comparisons {
    ($($method:ident $comparison:ident $doc:literal)*) => {
        impl<T: Logical<Present: Compare>> Expr<T> {
            $(
                #[doc = $doc]
                pub fn $method<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, bool>> {
                    Expr::of(T::Present::compare(Comparison::$comparison, self.any, other.operand()))
                }
            )*
        }
    };
}

comparisons! {
    eq Equal "Whether the two are equal; texts are by their bytes."
    ne NotEqual "Whether the two are not equal."
    lt Less "Whether this is less; texts are ordered by their bytes, and `false` comes before `true`."
    le LessEqual "Whether this is less or equal."
    gt Greater "Whether this is greater."
    ge GreaterEqual "Whether this is greater or equal."
}

impl<T: Logical<Present: Number>> Expr<T> {
    /// The magnitude; of the least integer that integer, as it wraps.
    pub fn abs(self) -> Expr<T> {
        let magnitude = AnyExpr::strict(Scalar::Abs(T::Present::KIND), &[self.any]);
        Expr::of(T::Present::settle(magnitude))
    }

    /// The lesser of the two; NaN only where both are.
    pub fn min<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, T::Present>> {
        Expr::of(extreme::<T::Present>(Scalar::Min, self.any, other.operand()))
    }

    /// The greater of the two; NaN only where both are.
    pub fn max<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, T::Present>> {
        Expr::of(extreme::<T::Present>(Scalar::Max, self.any, other.operand()))
    }
}

fn extreme<P: Number>(function: impl Fn(Kind) -> Scalar, a: AnyExpr, b: AnyExpr) -> AnyExpr {
    // To be ordered as words are, and back again: the same for both.
    P::ordered(AnyExpr::strict(
        function(P::KIND),
        &[P::ordered(a), P::ordered(b)],
    ))
}

impl<T: Logical<Present: Measure>> Expr<T> {
    /// The greatest multiple of a constant that is not above: `time.bin(10_000)` is where the
    /// ten seconds begin that a time of milliseconds is in. Below the least integer it wraps.
    ///
    /// # Panics
    /// When the constant is not positive.
    pub fn bin(self, size: T::Present) -> Expr<T> {
        let size = size.constant();
        let is_positive = match size.kind() {
            NodeKind::Int(size) => size > 0,
            NodeKind::Float(size) => size > 0.0,
            _ => false,
        };
        assert!(is_positive, "bins have a positive size");
        let bin = Scalar::Bin(T::Present::KIND, Absence::Never);
        Expr::of(T::Present::settle(AnyExpr::strict(bin, &[self.any, size])))
    }
}

impl<T: Logical<Present: Integer>> Expr<T> {
    /// The number as an integer of another width: its low bits, as `as` has it.
    pub fn cast<P: Integer>(self) -> Expr<As<T, P>> {
        let ((from, from_sign), (to, to_sign)) = (T::Present::WIDTH, P::WIDTH);
        let fits = from < to && (to_sign || !from_sign) || (from, from_sign) == (to, to_sign);
        Expr::of(match fits {
            true => self.any,
            false => narrow(self.any, P::WIDTH),
        })
    }

    /// The nearest double.
    ///
    /// # Panics
    /// Of integers without sign of 64 bits, which there is no operation for: cast them first.
    pub fn to_f64(self) -> Expr<As<T, f64>> {
        assert_ne!(T::Present::WIDTH, (64, false), "cast to `i64` first");
        Expr::of(AnyExpr::strict(Scalar::FloatOfInt, &[self.any]))
    }
}

impl<T: Logical<Present = f64>> Expr<T> {
    /// The whole part as an integer; null where it does not fit.
    pub fn to_i64(self) -> Expr<Option<i64>> {
        Expr::of(AnyExpr::strict(Scalar::IntOfFloat, &[self.any]))
    }

    /// The greatest whole number not above.
    pub fn floor(self) -> Expr<T> {
        Expr::of(AnyExpr::strict(Scalar::Floor, &[self.any]))
    }

    /// The least whole number not below.
    pub fn ceil(self) -> Expr<T> {
        Expr::of(AnyExpr::strict(Scalar::Ceil, &[self.any]))
    }

    /// The nearest whole number, halves away from 0.
    pub fn round(self) -> Expr<T> {
        Expr::of(AnyExpr::strict(Scalar::Round, &[self.any]))
    }

    /// The square root; NaN below 0.
    pub fn sqrt(self) -> Expr<T> {
        Expr::of(AnyExpr::strict(Scalar::Sqrt, &[self.any]))
    }
}

impl<T: Logical<Present: Textual>> Expr<T> {
    /// The length in bytes.
    pub fn len(self) -> Expr<As<T, i64>> {
        Expr::of(AnyExpr::strict(Scalar::LenBytes, &[self.any]))
    }

    /// Whether it contains the other.
    pub fn contains<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, bool>> {
        Expr::of(AnyExpr::strict(Scalar::Contains, &[self.any, other.operand()]))
    }

    /// Whether it begins with the other.
    pub fn starts_with<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, bool>> {
        Expr::of(AnyExpr::strict(Scalar::StartsWith, &[self.any, other.operand()]))
    }

    /// Whether it ends with the other.
    pub fn ends_with<R: Operand<T::Present>>(self, other: R) -> Expr<Both<T, R, bool>> {
        Expr::of(AnyExpr::strict(Scalar::EndsWith, &[self.any, other.operand()]))
    }

    /// The decimal integer that it spells, but for blanks around it; null where it spells none.
    pub fn parse_i64(self) -> Expr<Option<i64>> {
        Expr::of(AnyExpr::strict(Scalar::IntOfText, &[self.any]))
    }

    /// The decimal number that it spells, but for blanks around it; null where it spells none.
    pub fn parse_f64(self) -> Expr<Option<f64>> {
        Expr::of(AnyExpr::strict(Scalar::FloatOfText, &[self.any]))
    }
}

impl<T: Logical<Present = bool>> Expr<T>
where
    Expr<T>: Condition,
{
    /// One of two, as the condition holds or does not.
    pub fn select<A, B>(self, yes: Expr<A>, no: B) -> Expr<Both<A, B, A::Present>>
    where
        A: Logical,
        B: Operand<A::Present>,
    {
        let (yes, no) = (yes.any, no.operand());
        let is_nullable = yes.ty().nullable || no.ty().nullable;
        let [yes, no] = [yes, no].map(|side| if is_nullable { side.nullable() } else { side });
        Expr::of(AnyExpr::add(
            |x| NodeKind::If(x[0], x[1], x[2]),
            yes.ty(),
            &[self.any, yes, no],
        ))
    }

    /// 1 where it is true, 0 where it is false.
    pub fn to_int(self) -> Expr<As<T, i64>> {
        Expr::of(AnyExpr::strict(Scalar::IntOfBool, &[self.any]))
    }
}

impl<P: Present> Expr<P> {
    /// The same as a value that may be null, and is not.
    pub fn some(self) -> Expr<Option<P>> {
        Expr::of(self.any.nullable())
    }
}

impl<T: Logical<Null = Maybe>> Expr<T> {
    /// Whether it is null.
    pub fn is_none(self) -> Expr<bool> {
        Expr::of(AnyExpr::add(|x| NodeKind::IsNull(x[0]), Type::BOOL, &[self.any]))
    }

    /// Whether it is not null.
    pub fn is_some(self) -> Expr<bool> {
        !self.is_none()
    }

    /// The value, or another where it is null.
    pub fn unwrap_or<R>(self, other: R) -> Expr<<R::Null as Nullness>::Of<T::Present>>
    where
        R: Operand<T::Present>,
    {
        let other = other.operand();
        Expr::of(AnyExpr::add(
            |x| NodeKind::Coalesce(x[0], x[1]),
            other.ty(),
            &[self.any, other],
        ))
    }
}
