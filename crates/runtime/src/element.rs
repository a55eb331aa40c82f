//! Rust values as elements, and typed handles on flow points.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use cutthrough_ir::{ElementType, HostContext, Results, Scalar, Type, Words};

use crate::wiring::PointId;

/// A Rust type whose values can be elements: a field, or a tuple of fields.
pub trait Element: Sized + Send + 'static {
    /// The types of the fields.
    fn fields() -> Vec<Type>;

    /// Takes a value off the front of words that hold its fields.
    fn read(words: &mut Words<'_>) -> Self;

    /// Puts the value's fields into the results of a host call from word `at` on;
    /// gives the word behind them.
    ///
    /// # Errors
    /// When scratch memory for byte strings is used up.
    fn write<'a>(
        self,
        results: &mut Results<'a>,
        at: usize,
        context: &'a HostContext,
    ) -> Result<usize, String>;

    /// The type of the elements.
    fn element_type() -> ElementType {
        ElementType::new(Self::fields())
    }
}

/// A Rust type whose values are one field, which may be made nullable.
pub trait Field: Element {
    /// The type of the field.
    const TYPE: Type;

    /// The value of a present field.
    fn from_scalar(scalar: Scalar<'_>) -> Self;

    /// The value that stands in the words of an absent field: never seen.
    fn absent() -> Self;
}

macro_rules! field {
    ($rust:ty, $ty:expr, $absent:expr, |$scalar:pat_param| $from:expr, |$value:ident, $results:ident, $at:ident, $context:ident| $write:expr) => {
        impl Element for $rust {
            fn fields() -> Vec<Type> {
                vec![$ty]
            }

            fn read(words: &mut Words<'_>) -> Self {
                words.next($ty).map_or($absent, Self::from_scalar)
            }

            fn write<'a>(
                self,
                $results: &mut Results<'a>,
                $at: usize,
                $context: &'a HostContext,
            ) -> Result<usize, String> {
                let $value = self;
                $write;
                Ok($at + $ty.words())
            }
        }

        impl Field for $rust {
            const TYPE: Type = $ty;

            fn from_scalar(scalar: Scalar<'_>) -> Self {
                match scalar {
                    $scalar => $from,
                    _ => unreachable!("INVARIANT: words are read by the type they were written by"),
                }
            }

            fn absent() -> Self {
                $absent
            }
        }
    };
}

field!(
    i64,
    Type::I64,
    0,
    |Scalar::I64(value)| value,
    |value, results, at, _context| results.i64(at, value)
);
field!(
    f64,
    Type::F64,
    0.0,
    |Scalar::F64(value)| value,
    |value, results, at, _context| results.f64(at, value)
);
field!(
    bool,
    Type::BOOL,
    false,
    |Scalar::Bool(value)| value,
    |value, results, at, _context| results.bool(at, value)
);
field!(
    Vec<u8>,
    Type::BYTES,
    Vec::new(),
    |Scalar::Bytes(bytes)| bytes.to_vec(),
    |value, results, at, context| {
        results.bytes(at, context.copy(&value)?);
    }
);
field!(
    Bytes,
    Type::BYTES,
    Bytes::new(),
    |Scalar::Bytes(bytes)| Bytes::copy_from_slice(bytes),
    |value, results, at, context| {
        results.bytes(at, context.copy(&value)?);
    }
);
field!(
    String,
    Type::BYTES,
    String::new(),
    |Scalar::Bytes(bytes)| String::from_utf8_lossy(bytes).into_owned(),
    |value, results, at, context| results.bytes(at, context.copy(value.as_bytes())?)
);

impl<T: Field> Element for Option<T> {
    fn fields() -> Vec<Type> {
        vec![T::TYPE.or_null()]
    }

    fn read(words: &mut Words<'_>) -> Self {
        words.next(T::TYPE.or_null()).map(T::from_scalar)
    }

    fn write<'a>(
        self,
        results: &mut Results<'a>,
        at: usize,
        context: &'a HostContext,
    ) -> Result<usize, String> {
        let Some(value) = self else {
            return Ok(at + T::TYPE.or_null().words());
        };
        let presence = value.write(results, at, context)?;
        results.bool(presence, true);
        Ok(presence + 1)
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        impl<$($name: Element),+> Element for ($($name,)+) {
            fn fields() -> Vec<Type> {
                [$($name::fields()),+].concat()
            }

            fn read(words: &mut Words<'_>) -> Self {
                ($($name::read(words),)+)
            }

            fn write<'a>(
                self,
                results: &mut Results<'a>,
                at: usize,
                context: &'a HostContext,
            ) -> Result<usize, String> {
                #[expect(non_snake_case, reason = "the macro names a variable after its type")]
                let ($($name,)+) = self;
                $(let at = $name.write(results, at, context)?;)+
                Ok(at)
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

/// A flow point whose elements are `T`: a handle that can be copied freely.
pub struct FlowPoint<T> {
    id: PointId,
    element: PhantomData<fn(T) -> T>,
}

impl<T> FlowPoint<T> {
    pub(crate) fn of(id: PointId) -> FlowPoint<T> {
        FlowPoint {
            id,
            element: PhantomData,
        }
    }

    /// The point without its type.
    pub fn id(self) -> PointId {
        self.id
    }
}

impl<T> Clone for FlowPoint<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FlowPoint<T> {}

impl<T> From<FlowPoint<T>> for PointId {
    fn from(point: FlowPoint<T>) -> PointId {
        point.id
    }
}

impl<T> fmt::Debug for FlowPoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlowPoint").field(&self.id).finish()
    }
}
