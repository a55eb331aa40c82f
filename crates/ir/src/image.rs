//! Values as bytes that outlive the OS process: little-endian, in a form of their own, not
//! as they lie in words. What is read back may be anything; it is checked as it is read.

use crate::memory::{Scalar, view_of};
use crate::types::{Kind, Type, Word, f64_word};

/// Appends a number.
pub fn put_u64(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_le_bytes());
}

/// Appends a byte string.
pub fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// Appends a value of a type; none only where it is nullable.
pub fn put_value(into: &mut Vec<u8>, value: Option<Scalar<'_>>, ty: Type) {
    if ty.nullable {
        into.push(value.is_some().into());
    }
    match value {
        None => {}
        Some(Scalar::I64(value)) => put_u64(into, value.cast_unsigned()),
        Some(Scalar::F64(value)) => put_u64(into, f64_word(value)),
        Some(Scalar::Bool(value)) => into.push(value.into()),
        Some(Scalar::Bytes(bytes)) => put_bytes(into, bytes),
    }
}

/// Reads what was put, from the front on.
#[derive(Clone, Debug)]
pub struct ImageReader<'i> {
    rest: &'i [u8],
}

impl<'i> ImageReader<'i> {
    /// Reads these bytes.
    pub fn new(bytes: &'i [u8]) -> ImageReader<'i> {
        ImageReader { rest: bytes }
    }

    /// Whether all has been read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'i [u8], String> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(format!("it ends where {count} more bytes are expected"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A number.
    ///
    /// # Errors
    /// When there are too few bytes, as everywhere here.
    pub fn u64(&mut self) -> Result<u64, String> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(
            bytes.try_into().expect("INVARIANT: there are eight"),
        ))
    }

    /// A number of things, each of which takes a byte at least.
    ///
    /// # Errors
    /// When there are fewer bytes than things.
    pub fn count(&mut self) -> Result<usize, String> {
        let count = self.u64()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(format!("it speaks of {count} things, which it is too short for")),
        }
    }

    /// A byte string.
    ///
    /// # Errors
    /// When there are too few bytes.
    pub fn bytes(&mut self) -> Result<&'i [u8], String> {
        let length = self.count()?;
        self.take(length)
    }

    /// A boolean.
    ///
    /// # Errors
    /// When it is neither 0 nor 1.
    pub fn bool(&mut self) -> Result<bool, String> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("{other} is no truth")),
        }
    }

    /// A byte.
    ///
    /// # Errors
    /// When there is none.
    pub fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A value of a type; none where it is absent.
    ///
    /// # Errors
    /// When there is no such value.
    pub fn scalar(&mut self, ty: Type) -> Result<Option<Scalar<'i>>, String> {
        if ty.nullable && !self.bool()? {
            return Ok(None);
        }
        Ok(Some(match ty.kind {
            Kind::I64 => Scalar::I64(self.u64()?.cast_signed()),
            Kind::F64 => Scalar::F64(f64::from_bits(self.u64()?)),
            Kind::Bool => Scalar::Bool(self.bool()?),
            Kind::Bytes => Scalar::Bytes(self.bytes()?),
        }))
    }

    /// The words of a value of a type, which view the image.
    ///
    /// # Errors
    /// When there is no such value.
    pub(crate) fn value(&mut self, ty: Type, into: &mut [Word]) -> Result<(), String> {
        into.fill(0);
        match self.scalar(ty)? {
            None => return Ok(()),
            Some(Scalar::I64(value)) => into[0] = value.cast_unsigned(),
            Some(Scalar::F64(value)) => into[0] = f64_word(value),
            Some(Scalar::Bool(value)) => into[0] = value.into(),
            Some(Scalar::Bytes(bytes)) => (into[0], into[1]) = view_of(bytes),
        }
        if ty.nullable {
            into[ty.payload_words()] = 1;
        }
        Ok(())
    }
}
