//! Calls host functions with values, and makes random input.

use cutthrough_ir::{ElementBlock, ElementType, HostContext, HostFunction, Kind, Scalar, Type, Words};

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
    let sig = function.sig().clone();
    let args = element(&sig.params, args);
    let mut results = vec![0; cutthrough_ir::types::words_of(&sig.results)];
    if !function.call(args.get(0), &mut results, context) {
        return Err(context.take_error().expect("a failed call leaves its error"));
    }
    let mut block = ElementBlock::new(ElementType::new(sig.results.iter().copied()));
    block.words_mut().extend(results);
    Ok(values(&sig.results, block.get(0)))
}

/// A block of one element.
pub(crate) fn element(types: &[Type], values: &[Value]) -> ElementBlock {
    assert_eq!(types.len(), values.len());
    let mut block = ElementBlock::new(ElementType::new(types.iter().copied()));
    for (ty, value) in types.iter().zip(values) {
        let words = match (ty.kind, value) {
            (_, Value::Null) => vec![0; ty.payload_words()],
            (Kind::I64, Value::I64(value)) => vec![value.cast_unsigned()],
            (Kind::F64, Value::F64(value)) => vec![value.to_bits()],
            (Kind::Bool, Value::Bool(value)) => vec![u64::from(*value)],
            (Kind::Bytes, Value::Bytes(value)) => {
                let (address, length) = block.intern(value);
                vec![address, length]
            }
            _ => panic!("{value:?} is not a {ty}"),
        };
        block.words_mut().extend(words);
        if ty.nullable {
            block.words_mut().push(u64::from(*value != Value::Null));
        }
    }
    block
}

fn values(types: &[Type], mut words: Words<'_>) -> Vec<Value> {
    let value = |&ty: &Type| match words.next(ty) {
        None => Value::Null,
        Some(Scalar::I64(value)) => Value::I64(value),
        Some(Scalar::F64(value)) => Value::F64(value),
        Some(Scalar::Bool(value)) => Value::Bool(value),
        Some(Scalar::Bytes(value)) => Value::Bytes(value.to_vec()),
    };
    types.iter().map(value).collect()
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
