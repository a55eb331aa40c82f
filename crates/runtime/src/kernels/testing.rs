//! Calls host functions with values, and makes random input.

use cutthrough_ir::{ElementBlock, ElementType, HostContext, HostFunction, Kind, ResultRoom, Scalar, Type};

/// A value of an argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    I64(i64),
    F64(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    Null,
}

impl Value {
    /// The zero of a type; null where it may be.
    pub(crate) fn zero(ty: Type) -> Value {
        match ty.kind {
            _ if ty.nullable => Value::Null,
            Kind::I64 => Value::I64(0),
            Kind::F64 => Value::F64(0.0),
            Kind::Bool => Value::Bool(false),
            Kind::Bytes => Value::Bytes(Vec::new()),
        }
    }

    pub(crate) fn as_i64(&self) -> i64 {
        let Value::I64(value) = self else {
            panic!("{self:?} is no integer")
        };
        *value
    }

    pub(crate) fn as_f64(&self) -> f64 {
        let Value::F64(value) = self else {
            panic!("{self:?} is no double")
        };
        *value
    }

    /// Whether it is less than another value of its kind; neither is null.
    pub(crate) fn is_less(&self, other: &Value) -> bool {
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

/// Calls a host function; gives its results or its error.
pub(crate) fn call(
    function: &mut HostFunction,
    args: &[Value],
    context: &HostContext,
) -> Result<Vec<Value>, String> {
    let args = element(&function.sig().params.clone(), args);
    let mut room = ResultRoom::default();
    let results = function.call(args.get(0), &mut room, context)?;
    Ok(results.iter().map(Value::from).collect())
}

/// A block of one element.
pub(crate) fn element(types: &[Type], values: &[Value]) -> ElementBlock {
    let mut block = ElementBlock::new(ElementType::new(types.iter().copied()));
    let values: Vec<_> = values.iter().map(Value::scalar).collect();
    block.push_values(&values);
    block
}

impl Value {
    fn scalar(&self) -> Option<Scalar<'_>> {
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

/// Random numbers from a seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A value of a type, out of about `spread`; null now and then where it may be.
    pub(crate) fn value(&mut self, ty: Type, spread: usize) -> Value {
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
