//! The operators of Rust on expressions.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use cutthrough_ir::{Kind, Type};

use super::{AnyExpr, Expr, Integer, Logical, Measure, Nullness, Number, Operand, Present};
use crate::scalar::{Absence, BitOp, Comparison, Scalar};
use crate::tree::NodeKind;

/// Whether an operation on `T` and `R` may be null.
type NullOf<T, R> = <<T as Logical>::Null as Nullness>::Or<<R as Operand<<T as Logical>::Present>>::Null>;

/// `P`, which may be null where `T` or `R` may.
pub(super) type Both<T, R, P> = <NullOf<T, R> as Nullness>::Of<P>;

/// The same of a quotient, which may be null where the divisor may be 0.
type Quotient<T, R> =
    <<NullOf<T, R> as Nullness>::Or<<R as Operand<<T as Logical>::Present>>::Quotient> as Nullness>::Of<
        <T as Logical>::Present,
    >;

macro_rules! arithmetic {
    ($($trait:ident $method:ident $function:ident)*) => {
        $(
            impl<T, R> $trait<R> for Expr<T>
            where
                T: Logical<Present: Number>,
                R: Operand<T::Present>,
            {
                type Output = Expr<Both<T, R, T::Present>>;

                fn $method(self, other: R) -> Self::Output {
                    let function = Scalar::$function(T::Present::KIND);
                    Expr::of(T::Present::settle(AnyExpr::strict(function, &[self.any, other.operand()])))
                }
            }
        )*
        constants_first!($($trait $method Number)*);
    };
}

/// The operators with a constant on the left.
macro_rules! constants_first {
    ($($trait:ident $method:ident $bound:ident)*) => {
        $(constants_first!(@ $trait $method $bound i8 i16 i32 i64 isize u8 u16 u32 u64 usize f64);)*
    };
    (@ $trait:ident $method:ident $bound:ident $($rust:ty)*) => {
        $(
            impl<T: Logical<Present = $rust>> $trait<Expr<T>> for $rust {
                type Output = Expr<Both<$rust, Expr<T>, $rust>>;

                fn $method(self, other: Expr<T>) -> Self::Output {
                    super::lit(self).$method(other)
                }
            }
        )*
    };
}

arithmetic! {
    Add add Add
    Sub sub Subtract
    Mul mul Multiply
}

macro_rules! division {
    ($($trait:ident $method:ident $function:expr;)*) => {
        $(
            impl<T, R> $trait<R> for Expr<T>
            where
                T: Logical<Present: Measure>,
                R: Operand<T::Present>,
            {
                type Output = Expr<Quotient<T, R>>;

                fn $method(self, by: R) -> Self::Output {
                    let by = by.operand();
                    let absence = match by.kind() {
                        NodeKind::Int(0) => panic!("a division by the constant 0"),
                        NodeKind::Float(by) if by == 0.0 => panic!("a division by the constant 0.0"),
                        NodeKind::Int(_) | NodeKind::Float(_) => Absence::Never,
                        _ => Absence::Checked,
                    };
                    let quotient = AnyExpr::strict($function(T::Present::KIND, absence), &[self.any, by]);
                    let quotient = T::Present::settle(quotient);
                    Expr::of(match <Quotient<T, R> as Logical>::TYPE.nullable {
                        true => quotient.nullable(),
                        false => quotient,
                    })
                }
            }
        )*
    };
}

division! {
    Div div |kind, absence| match kind {
        Kind::F64 => Scalar::Divide(absence),
        _ => Scalar::DivideInt(absence),
    };
    Rem rem |kind, absence| match kind {
        Kind::F64 => panic!("INVARIANT: the remainder of doubles has no such operator"),
        _ => Scalar::Remainder(absence),
    };
}

impl<T: Logical<Present: Number>> Neg for Expr<T> {
    type Output = Expr<T>;

    fn neg(self) -> Expr<T> {
        let negated = AnyExpr::strict(Scalar::Negate(T::Present::KIND), &[self.any]);
        Expr::of(T::Present::settle(negated))
    }
}

/// A type with bits: `bool` and integers.
#[diagnostic::on_unimplemented(message = "`{Self}` has no bits")]
pub trait Bits: Present {
    #[doc(hidden)]
    fn bits(op: BitOp, a: AnyExpr, b: AnyExpr) -> AnyExpr;
    #[doc(hidden)]
    fn not(a: AnyExpr) -> AnyExpr;
}

impl Bits for bool {
    fn bits(op: BitOp, a: AnyExpr, b: AnyExpr) -> AnyExpr {
        let ty = Type {
            nullable: a.ty().nullable || b.ty().nullable,
            ..Type::BOOL
        };
        match op {
            BitOp::And => AnyExpr::add(|x| NodeKind::And(x[0], x[1]), ty, &[a, b]),
            BitOp::Or => AnyExpr::add(|x| NodeKind::Or(x[0], x[1]), ty, &[a, b]),
            _ => AnyExpr::strict(Scalar::Compare(Comparison::NotEqual, Kind::Bool), &[a, b]),
        }
    }

    fn not(a: AnyExpr) -> AnyExpr {
        AnyExpr::strict(Scalar::Not, &[a])
    }
}

impl<P: Integer> Bits for P {
    fn bits(op: BitOp, a: AnyExpr, b: AnyExpr) -> AnyExpr {
        AnyExpr::strict(Scalar::Bits(op), &[a, b])
    }

    fn not(a: AnyExpr) -> AnyExpr {
        P::settle(AnyExpr::strict(
            Scalar::Bits(BitOp::Xor),
            &[a, (-1i64).constant()],
        ))
    }
}

macro_rules! bits {
    ($($trait:ident $method:ident $op:ident)*) => {
        $(
            impl<T, R> $trait<R> for Expr<T>
            where
                T: Logical<Present: Bits>,
                R: Operand<T::Present>,
            {
                type Output = Expr<Both<T, R, T::Present>>;

                fn $method(self, other: R) -> Self::Output {
                    Expr::of(T::Present::bits(BitOp::$op, self.any, other.operand()))
                }
            }
        )*
    };
}

bits! {
    BitAnd bitand And
    BitOr bitor Or
    BitXor bitxor Xor
}

impl<T: Logical<Present: Bits>> Not for Expr<T> {
    type Output = Expr<T>;

    fn not(self) -> Expr<T> {
        Expr::of(T::Present::not(self.any))
    }
}

/// By a constant number of bits; what is shifted out is lost.
impl<T: Logical<Present: Integer>> Shl<u32> for Expr<T> {
    type Output = Expr<T>;

    fn shl(self, bits: u32) -> Expr<T> {
        Expr::of(T::Present::settle(shift(self, BitOp::ShiftLeft, bits)))
    }
}

/// By a constant number of bits; the sign, if there is one, stays.
impl<T: Logical<Present: Integer>> Shr<u32> for Expr<T> {
    type Output = Expr<T>;

    fn shr(self, bits: u32) -> Expr<T> {
        let (_, has_sign) = T::Present::WIDTH;
        let op = match has_sign {
            true => BitOp::ShiftRight,
            false => BitOp::ShiftRightUnsigned,
        };
        Expr::of(shift(self, op, bits))
    }
}

fn shift<T: Logical<Present: Integer>>(value: Expr<T>, op: BitOp, by: u32) -> AnyExpr {
    let (bits, _) = T::Present::WIDTH;
    assert!(by < u32::from(bits), "a shift of {bits} bits by {by}");
    AnyExpr::strict(Scalar::Bits(op), &[value.any, i64::from(by).constant()])
}
