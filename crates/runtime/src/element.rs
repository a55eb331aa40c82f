//! Rust values as elements, and typed handles on flow points.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cutthrough_ir::{ElementType, HostContext, Results, Type, Words};

use crate::wiring::PointId;

/// A Rust type whose values can be elements: a field, or several one after another.
///
/// An implementation says the fields three times: their types, how a value is made of them
/// and how it is taken apart. Where it says different things, the process that reads or
/// writes fails with a message; nothing else can go wrong.
pub trait Element: Sized + Send + 'static {
    /// The types of the fields.
    fn fields() -> Vec<Type>;

    /// Makes a value of its fields, taken in order.
    ///
    /// # Errors
    /// When the fields are no such value: text that is not UTF-8, a number out of range.
    /// The process that reads fails with the message.
    fn read(fields: &mut FieldReader<'_>) -> Result<Self, String>;

    /// Gives the fields of the value in order.
    ///
    /// # Errors
    /// When scratch memory for byte strings is used up.
    fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String>;

    /// The type of the elements.
    fn element_type() -> ElementType {
        ElementType::new(Self::fields())
    }
}

/// A Rust type whose values are one field, which may be made nullable.
pub trait Field: Element {
    /// The type of the field.
    const TYPE: Type;
}

/// The fields of an element, to be taken in order. Each is checked: to take a field of
/// another kind than comes next, or one more than there are, is a panic, which fails the
/// process.
#[derive(Debug)]
pub struct FieldReader<'a> {
    fields: Words<'a>,
    next: usize,
}

impl<'a> FieldReader<'a> {
    /// Takes an integer.
    pub fn i64(&mut self) -> i64 {
        self.advance(Words::i64)
    }

    /// Takes a double.
    pub fn f64(&mut self) -> f64 {
        self.advance(Words::f64)
    }

    /// Takes a boolean.
    pub fn bool(&mut self) -> bool {
        self.advance(Words::bool)
    }

    /// Takes a byte string.
    pub fn bytes(&mut self) -> &'a [u8] {
        self.advance(Words::bytes)
    }

    /// Takes the next field if it is null; whether it was.
    pub fn null(&mut self) -> bool {
        let is_null = !self.fields.is_some(self.next);
        self.next += usize::from(is_null);
        is_null
    }

    #[inline]
    fn advance<T>(&mut self, read: impl FnOnce(Words<'a>, usize) -> T) -> T {
        let value = read(self.fields, self.next);
        self.next += 1;
        value
    }
}

/// Takes the fields of an element, in order, for the results of a host call. Each is
/// checked as a [`FieldReader`] does.
#[derive(Debug)]
pub struct FieldWriter<'r, 'a> {
    results: &'r mut Results<'a>,
    next: usize,
    context: &'a HostContext,
}

impl FieldWriter<'_, '_> {
    /// Gives an integer.
    pub fn i64(&mut self, value: i64) {
        self.results.i64(self.next, value);
        self.next += 1;
    }

    /// Gives a double.
    pub fn f64(&mut self, value: f64) {
        self.results.f64(self.next, value);
        self.next += 1;
    }

    /// Gives a boolean.
    pub fn bool(&mut self, value: bool) {
        self.results.bool(self.next, value);
        self.next += 1;
    }

    /// Gives a copy of a byte string.
    ///
    /// # Errors
    /// When scratch memory is used up.
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), String> {
        self.results.bytes(self.next, self.context.copy(value)?);
        self.next += 1;
        Ok(())
    }

    /// Gives null, for a field that is nullable.
    pub fn null(&mut self) {
        self.results.null(self.next);
        self.next += 1;
    }
}

/// Reads an element that has these fields and no more.
pub(crate) fn read<T: Element>(fields: Words<'_>) -> Result<T, String> {
    let mut reader = FieldReader { fields, next: 0 };
    let value = T::read(&mut reader)?;
    if reader.next != fields.len() {
        return Err(disagree::<T>("reads", reader.next, fields.len()));
    }
    Ok(value)
}

/// Writes an element to the results from number `first` on, which it has to fill.
pub(crate) fn write<'a, T: Element>(
    value: T,
    results: &mut Results<'a>,
    first: usize,
    context: &'a HostContext,
) -> Result<(), String> {
    let mut writer = FieldWriter {
        results,
        next: first,
        context,
    };
    value.write(&mut writer)?;
    let written = writer.next;
    if written != results.len() {
        return Err(disagree::<T>("writes", written - first, results.len() - first));
    }
    Ok(())
}

#[cold]
fn disagree<T>(does: &str, done: usize, fields: usize) -> String {
    let name = std::any::type_name::<T>();
    format!("the Element {name} {does} {done} of the {fields} fields that it says it has")
}

macro_rules! field {
    ($rust:ty, $ty:expr, |$reader:ident| $read:expr, |$value:ident, $writer:ident| $write:expr) => {
        impl Element for $rust {
            fn fields() -> Vec<Type> {
                vec![$ty]
            }

            #[inline]
            fn read($reader: &mut FieldReader<'_>) -> Result<Self, String> {
                $read
            }

            #[inline]
            fn write(self, $writer: &mut FieldWriter<'_, '_>) -> Result<(), String> {
                let $value = self;
                $write
            }
        }

        impl Field for $rust {
            const TYPE: Type = $ty;
        }
    };
}

field!(i64, Type::I64, |fields| Ok(fields.i64()), |value, fields| {
    fields.i64(value);
    Ok(())
});
field!(f64, Type::F64, |fields| Ok(fields.f64()), |value, fields| {
    fields.f64(value);
    Ok(())
});
field!(bool, Type::BOOL, |fields| Ok(fields.bool()), |value, fields| {
    fields.bool(value);
    Ok(())
});
field!(
    Vec<u8>,
    Type::BYTES,
    |fields| Ok(fields.bytes().to_vec()),
    |value, fields| fields.bytes(&value)
);
field!(
    Bytes,
    Type::BYTES,
    |fields| Ok(Bytes::copy_from_slice(fields.bytes())),
    |value, fields| fields.bytes(&value)
);
field!(
    String,
    Type::BYTES,
    |fields| text(fields.bytes()),
    |value, fields| fields.bytes(value.as_bytes())
);

fn text(bytes: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "a text of {} bytes is not UTF-8 from byte {} on; take Vec<u8> or Bytes for any bytes, not String",
            bytes.len(),
            error.valid_up_to()
        )),
    }
}

impl<T: Field> Element for Option<T> {
    fn fields() -> Vec<Type> {
        vec![T::TYPE.or_null()]
    }

    fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
        if fields.null() {
            return Ok(None);
        }
        T::read(fields).map(Some)
    }

    fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
        match self {
            Some(value) => value.write(fields),
            None => {
                fields.null();
                Ok(())
            }
        }
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        impl<$($name: Element),+> Element for ($($name,)+) {
            fn fields() -> Vec<Type> {
                [$($name::fields()),+].concat()
            }

            fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
                Ok(($($name::read(fields)?,)+))
            }

            fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
                #[expect(non_snake_case, reason = "the macro names a variable after its type")]
                let ($($name,)+) = self;
                $($name.write(fields)?;)+
                Ok(())
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
///
/// It is one network's: others refuse it.
pub struct FlowPoint<T> {
    id: PointId,
    network: NetworkNumber,
    element: PhantomData<fn(T) -> T>,
}

impl<T> FlowPoint<T> {
    pub(crate) fn of(id: PointId, network: NetworkNumber) -> FlowPoint<T> {
        FlowPoint {
            id,
            network,
            element: PhantomData,
        }
    }

    /// The point without its type, and without a check of the network.
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

/// A flow point, by its typed handle or by its number.
#[derive(Clone, Copy, Debug)]
pub struct AnyPoint {
    pub(crate) id: PointId,
    /// Whose it is, if that is known.
    pub(crate) network: Option<NetworkNumber>,
}

impl AnyPoint {
    /// The point's number in its network.
    pub fn id(self) -> PointId {
        self.id
    }
}

impl<T> From<FlowPoint<T>> for AnyPoint {
    fn from(point: FlowPoint<T>) -> AnyPoint {
        AnyPoint {
            id: point.id,
            network: Some(point.network),
        }
    }
}

impl From<PointId> for AnyPoint {
    fn from(id: PointId) -> AnyPoint {
        AnyPoint { id, network: None }
    }
}

/// What tells networks of one OS process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkNumber(u64);

impl NetworkNumber {
    /// One that no other network has.
    pub(crate) fn next() -> NetworkNumber {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NetworkNumber(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl<T> fmt::Debug for FlowPoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlowPoint").field(&self.id).finish()
    }
}
