//! The types that expressions have: which Rust types, and how they may be null.

use bytes::Bytes;
use cutthrough_ir::{Kind, Type};

use super::{AnyExpr, Expr};
use crate::scalar::Scalar;
use crate::tree::NodeKind;

/// The type of an expression's value: a [`Present`] type, or an `Option` of one.
pub trait Logical: Sized + 'static {
    /// The type without null.
    type Present: Present;
    /// Whether the value may be null.
    type Null: Nullness;
    /// What it is in IR.
    const TYPE: Type;
}

/// A type whose values are never null: integers, `f64`, `bool`, [`String`] and [`Bytes`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of expressions",
    note = "expressions are of integers, `f64`, `bool`, `String` and `Bytes`, and of `Option`s of these"
)]
pub trait Present: Logical<Present = Self, Null = Always> {
    /// A constant of this value.
    fn constant(self) -> AnyExpr;
}

/// Whether values may be null: [`Always`] there, or [`Maybe`].
pub trait Nullness: 'static {
    /// The type of values of `P` that are so.
    type Of<P: Present>: Logical<Present = P>;
    /// What an operation is of which one operand is so and the other so.
    type Or<N: Nullness>: Nullness;
}

/// Values are never null.
#[derive(Debug)]
pub enum Always {}

/// Values may be null.
#[derive(Debug)]
pub enum Maybe {}

impl Nullness for Always {
    type Of<P: Present> = P;
    type Or<N: Nullness> = N;
}

impl Nullness for Maybe {
    type Of<P: Present> = Option<P>;
    type Or<N: Nullness> = Maybe;
}

impl<P: Present> Logical for Option<P> {
    type Present = P;
    type Null = Maybe;
    const TYPE: Type = P::TYPE.or_null();
}

/// What may stand beside an expression of `P`: another, one that may be null, or a constant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand beside an expression of `{P}`",
    note = "take a constant or an expression of `{P}`; `cast` makes an integer one of another width"
)]
pub trait Operand<P: Present> {
    /// Whether it may be null.
    type Null: Nullness;
    /// Whether a division by it may be null.
    type Quotient: Nullness;

    /// It as an expression.
    fn operand(self) -> AnyExpr;
}

impl<T: Logical> Operand<T::Present> for Expr<T> {
    type Null = T::Null;
    type Quotient = Maybe;

    fn operand(self) -> AnyExpr {
        self.any
    }
}

impl<P: Present> Operand<P> for P {
    type Null = Always;
    type Quotient = Always;

    fn operand(self) -> AnyExpr {
        self.constant()
    }
}

impl Operand<String> for &str {
    type Null = Always;
    type Quotient = Always;

    fn operand(self) -> AnyExpr {
        AnyExpr::add(|_| NodeKind::Text(self.into()), Type::BYTES, &[])
    }
}

impl Operand<Bytes> for &[u8] {
    type Null = Always;
    type Quotient = Always;

    fn operand(self) -> AnyExpr {
        AnyExpr::add(|_| NodeKind::Text(self.into()), Type::BYTES, &[])
    }
}

/// A type of numbers: integers and `f64`.
#[diagnostic::on_unimplemented(message = "`{Self}` is no number")]
pub trait Number: Present {
    /// Integers or doubles.
    const KIND: Kind;

    /// A number of this type from what an operation on words gives.
    #[doc(hidden)]
    fn settle(word: AnyExpr) -> AnyExpr {
        word
    }

    /// What orders values of this type as words are ordered.
    #[doc(hidden)]
    fn ordered(value: AnyExpr) -> AnyExpr {
        value
    }
}

/// A type of numbers that can be divided and summed up: all but integers without sign of 64
/// bits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be divided or summed up in an expression",
    note = "cast them to `i64` first, or use a Rust closure"
)]
pub trait Measure: Number {
    /// What a sum of them is.
    type Sum: Present;
}

/// A type of integers.
#[diagnostic::on_unimplemented(message = "`{Self}` is no integer")]
pub trait Integer: Number {
    /// How many bits it has, and whether one is the sign.
    #[doc(hidden)]
    const WIDTH: (u8, bool);
}

/// A type of byte strings: [`String`] and [`Bytes`].
#[diagnostic::on_unimplemented(message = "`{Self}` is no text")]
pub trait Textual: Present {}

impl Textual for String {}
impl Textual for Bytes {}

macro_rules! present {
    ($($rust:ty, $ty:expr, |$value:ident| $kind:expr;)*) => {
        $(
            impl Logical for $rust {
                type Present = $rust;
                type Null = Always;
                const TYPE: Type = $ty;
            }

            impl Present for $rust {
                fn constant(self) -> AnyExpr {
                    let $value = self;
                    AnyExpr::add(|_| $kind, $ty, &[])
                }
            }
        )*
    };
}

present! {
    f64, Type::F64, |value| NodeKind::Float(value);
    bool, Type::BOOL, |value| NodeKind::Bool(value);
    String, Type::BYTES, |value| NodeKind::Text(value.into_bytes());
    Bytes, Type::BYTES, |value| NodeKind::Text(value.to_vec());
}

impl Number for f64 {
    const KIND: Kind = Kind::F64;
}

impl Measure for f64 {
    type Sum = f64;
}

macro_rules! integers {
    ($($rust:ty, $bits:expr, $has_sign:expr;)*) => {
        $(
            present! { $rust, Type::I64, |value| NodeKind::Int(value as i64); }

            impl Number for $rust {
                const KIND: Kind = Kind::I64;

                fn settle(word: AnyExpr) -> AnyExpr {
                    narrow(word, ($bits, $has_sign))
                }

                fn ordered(value: AnyExpr) -> AnyExpr {
                    match ($bits, $has_sign) {
                        (64, false) => flip_sign(value),
                        _ => value,
                    }
                }
            }

            impl Integer for $rust {
                const WIDTH: (u8, bool) = ($bits, $has_sign);
            }
        )*
    };
}

integers! {
    i8, 8, true;
    i16, 16, true;
    i32, 32, true;
    i64, 64, true;
    isize, 64, true;
    u8, 8, false;
    u16, 16, false;
    u32, 32, false;
    u64, 64, false;
    usize, 64, false;
}

macro_rules! measures {
    ($($rust:ty)*) => {
        $(impl Measure for $rust {
            type Sum = i64;
        })*
    };
}

measures!(i8 i16 i32 i64 isize u8 u16 u32);

/// The low bits of an integer, as a number.
pub(super) fn narrow(word: AnyExpr, (bits, has_sign): (u8, bool)) -> AnyExpr {
    match bits {
        64 => word,
        _ => AnyExpr::strict(Scalar::LowBits { bits, has_sign }, &[word]),
    }
}

/// Maps integers without sign to integers with one, in the same order.
fn flip_sign(value: AnyExpr) -> AnyExpr {
    if let NodeKind::Int(value) = value.kind() {
        return value.wrapping_add(i64::MIN).constant();
    }
    AnyExpr::strict(Scalar::Add(Kind::I64), &[value, i64::MIN.constant()])
}
