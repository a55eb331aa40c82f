//! Calls host functions with values, and makes random input.

use cutthrough_ir::{ElementBlock, ElementType, HostContext, HostFunction, ResultRoom, Scalar, Type};

/// A value of an argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    I64(i64),
    F64(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    Null,
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

    /// At most `length_max` bytes out of `alphabet`.
    pub(crate) fn bytes(&mut self, alphabet: &[u8], length_max: usize) -> Vec<u8> {
        (0..self.below(length_max + 1))
            .map(|_| self.pick(alphabet))
            .collect()
    }
}
