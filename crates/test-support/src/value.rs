//! Values outside of IR.

use cutthrough_ir::{Kind, Scalar, Type};

use crate::Random;

/// A value of an argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer.
    I64(i64),
    /// A double.
    F64(f64),
    /// A truth value.
    Bool(bool),
    /// A byte string.
    Bytes(Vec<u8>),
    /// None of these.
    Null,
}

impl Value {
    /// The integer that it is.
    ///
    /// # Panics
    /// When it is none.
    pub fn as_i64(&self) -> i64 {
        let Value::I64(value) = self else {
            panic!("{self:?} is no integer")
        };
        *value
    }

    /// The double that it is.
    ///
    /// # Panics
    /// When it is none.
    pub fn as_f64(&self) -> f64 {
        let Value::F64(value) = self else {
            panic!("{self:?} is no double")
        };
        *value
    }

    /// Whether it is less than another value of its kind.
    ///
    /// # Panics
    /// When the other is of another kind, or either is null.
    pub fn is_less(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::I64(a), Value::I64(b)) => a < b,
            (Value::F64(a), Value::F64(b)) => a < b,
            (Value::Bool(a), Value::Bool(b)) => a < b,
            (Value::Bytes(a), Value::Bytes(b)) => a < b,
            _ => panic!("{self:?} against {other:?}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Bytes(text.into())
    }
}

impl Value {
    /// As what blocks of elements and host functions take; null is none.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Value::Null => return None,
            Value::I64(value) => Scalar::I64(*value),
            Value::F64(value) => Scalar::F64(*value),
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Bytes(value) => Scalar::Bytes(value),
        })
    }
}

impl From<Option<Scalar<'_>>> for Value {
    fn from(scalar: Option<Scalar<'_>>) -> Value {
        match scalar {
            None => Value::Null,
            Some(Scalar::I64(value)) => Value::I64(value),
            Some(Scalar::F64(value)) => Value::F64(value),
            Some(Scalar::Bool(value)) => Value::Bool(value),
            Some(Scalar::Bytes(value)) => Value::Bytes(value.to_vec()),
        }
    }
}

impl Random {
    /// A value of a type, out of about `spread`; null now and then where it may be.
    pub fn value(&mut self, ty: Type, spread: usize) -> Value {
        if ty.nullable && self.below(4) == 0 {
            return Value::Null;
        }
        let number = self.below(spread) as i64 - spread as i64 / 2;
        match ty.kind {
            Kind::I64 => Value::I64(number * 1_000_003),
            Kind::F64 => Value::F64(number as f64 / 8.0),
            Kind::Bool => Value::Bool(number > 0),
            Kind::Bytes => Value::Bytes(
                "key "
                    .repeat(self.below(4))
                    .into_bytes()
                    .into_iter()
                    .chain(number.to_string().into_bytes())
                    .collect(),
            ),
        }
    }
}
