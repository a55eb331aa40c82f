//! What the operators of `#[fragment]` functions mean: the same of values and of expressions.
//!
//! They are total. Integers wrap; what is divided by zero is zero, and so is the remainder.

use super::{Expr, Operand};

/// Numbers: `i64`, `f64`, and expressions of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number of a `#[fragment]`",
    note = "numbers are `i64` and `f64`"
)]
#[expect(missing_docs, reason = "each is the operator or method of its name")]
pub trait Arithmetic: Sized {
    /// What a comparison gives.
    type Bool;

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn min(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn eq(self, other: Self) -> Self::Bool;
    fn ne(self, other: Self) -> Self::Bool;
    fn lt(self, other: Self) -> Self::Bool;
    fn le(self, other: Self) -> Self::Bool;
    fn gt(self, other: Self) -> Self::Bool;
    fn ge(self, other: Self) -> Self::Bool;
}

/// Integers: `i64`, and expressions of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be divided in a `#[fragment]`",
    note = "`/` and `%` are of `i64`; what a division of doubles by zero gives differs between Rust and expressions"
)]
pub trait Division: Arithmetic {
    /// The quotient towards zero; 0 where the divisor is 0.
    #[must_use]
    fn div(self, by: Self) -> Self;

    /// The remainder, with the sign of the dividend; 0 where the divisor is 0.
    #[must_use]
    fn rem(self, by: Self) -> Self;
}

/// What `&`, `|`, `^` and `!` are of: `bool`, `i64`, and expressions of these. Both sides of
/// `&&` and `||` are evaluated, which makes no difference, as everything is total.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bits in a `#[fragment]`",
    note = "`&`, `|`, `^` and `!` are of `bool` and `i64`"
)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub trait Logic: Sized {
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn not(self) -> Self;
}

macro_rules! comparisons {
    () => {
        fn eq(self, other: Self) -> bool {
            self == other
        }
        fn ne(self, other: Self) -> bool {
            self != other
        }
        fn lt(self, other: Self) -> bool {
            self < other
        }
        fn le(self, other: Self) -> bool {
            self <= other
        }
        fn gt(self, other: Self) -> bool {
            self > other
        }
        fn ge(self, other: Self) -> bool {
            self >= other
        }
    };
}

impl Arithmetic for i64 {
    type Bool = bool;

    fn add(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }
    fn sub(self, other: i64) -> i64 {
        self.wrapping_sub(other)
    }
    fn mul(self, other: i64) -> i64 {
        self.wrapping_mul(other)
    }
    fn neg(self) -> i64 {
        self.wrapping_neg()
    }
    fn min(self, other: i64) -> i64 {
        Ord::min(self, other)
    }
    fn max(self, other: i64) -> i64 {
        Ord::max(self, other)
    }
    fn abs(self) -> i64 {
        self.wrapping_abs()
    }
    comparisons!();
}

impl Arithmetic for f64 {
    type Bool = bool;

    fn add(self, other: f64) -> f64 {
        self + other
    }
    fn sub(self, other: f64) -> f64 {
        self - other
    }
    fn mul(self, other: f64) -> f64 {
        self * other
    }
    fn neg(self) -> f64 {
        -self
    }
    fn min(self, other: f64) -> f64 {
        f64::min(self, other)
    }
    fn max(self, other: f64) -> f64 {
        f64::max(self, other)
    }
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    comparisons!();
}

impl Division for i64 {
    fn div(self, by: i64) -> i64 {
        match by {
            0 => 0,
            by => self.wrapping_div(by),
        }
    }
    fn rem(self, by: i64) -> i64 {
        match by {
            0 => 0,
            by => self.wrapping_rem(by),
        }
    }
}

impl Logic for bool {
    fn and(self, other: bool) -> bool {
        self & other
    }
    fn or(self, other: bool) -> bool {
        self | other
    }
    fn xor(self, other: bool) -> bool {
        self ^ other
    }
    fn not(self) -> bool {
        !self
    }
}

impl Logic for i64 {
    fn and(self, other: i64) -> i64 {
        self & other
    }
    fn or(self, other: i64) -> i64 {
        self | other
    }
    fn xor(self, other: i64) -> i64 {
        self ^ other
    }
    fn not(self) -> i64 {
        !self
    }
}

macro_rules! expressions {
    ($($number:ty)*) => {
        $(impl Arithmetic for Expr<$number> {
            type Bool = Expr<bool>;

            fn add(self, other: Self) -> Self {
                self + other
            }
            fn sub(self, other: Self) -> Self {
                self - other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn neg(self) -> Self {
                -self
            }
            fn min(self, other: Self) -> Self {
                Expr::min(self, other)
            }
            fn max(self, other: Self) -> Self {
                Expr::max(self, other)
            }
            fn abs(self) -> Self {
                Expr::abs(self)
            }
            fn eq(self, other: Self) -> Expr<bool> {
                Expr::eq(self, other)
            }
            fn ne(self, other: Self) -> Expr<bool> {
                Expr::ne(self, other)
            }
            fn lt(self, other: Self) -> Expr<bool> {
                Expr::lt(self, other)
            }
            fn le(self, other: Self) -> Expr<bool> {
                Expr::le(self, other)
            }
            fn gt(self, other: Self) -> Expr<bool> {
                Expr::gt(self, other)
            }
            fn ge(self, other: Self) -> Expr<bool> {
                Expr::ge(self, other)
            }
        })*
    };
}

expressions!(i64 f64);

impl Division for Expr<i64> {
    fn div(self, by: Self) -> Self {
        (self / by).unwrap_or(0_i64)
    }
    fn rem(self, by: Self) -> Self {
        (self % by).unwrap_or(0_i64)
    }
}

macro_rules! bits {
    ($($ty:ty)*) => {
        $(impl Logic for Expr<$ty> {
            fn and(self, other: Self) -> Self {
                self & other
            }
            fn or(self, other: Self) -> Self {
                self | other
            }
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            fn not(self) -> Self {
                !self
            }
        })*
    };
}

bits!(bool i64);

/// What `if` is of expressions.
pub fn choose<T>(condition: Expr<bool>, yes: Expr<T>, no: Expr<T>) -> Expr<T>
where
    T: super::Present,
    Expr<T>: Operand<T, Null = super::Always>,
{
    condition.select(yes, no)
}
