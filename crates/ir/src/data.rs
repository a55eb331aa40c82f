//! Constant data that fragments read: shared, immutable, kept alive by whoever
//! may still read it.

use std::sync::Arc;

use bytes::Bytes;

/// A run of constant data. In IR it is a view of bytes (`sconst`), read as
/// elements by the `get` terminators.
#[derive(Clone, Debug)]
pub enum Data {
    /// Text, or bytes of any kind.
    Bytes(Bytes),
    /// 64-bit integers.
    I64(Arc<[i64]>),
    /// Doubles.
    F64(Arc<[f64]>),
}

impl Data {
    /// Where the data lies, and its length in bytes. Valid while `self` or a
    /// clone of it lives.
    pub fn view(&self) -> (u64, u64) {
        match self {
            Data::Bytes(data) => (data.as_ptr().expose_provenance() as u64, data.len() as u64),
            Data::I64(data) => (
                data.as_ptr().expose_provenance() as u64,
                size_of_val(&data[..]) as u64,
            ),
            Data::F64(data) => (
                data.as_ptr().expose_provenance() as u64,
                size_of_val(&data[..]) as u64,
            ),
        }
    }
}

impl PartialEq for Data {
    /// Equal bits, so that a printed form that parses back compares equal.
    fn eq(&self, other: &Data) -> bool {
        match (self, other) {
            (Data::Bytes(a), Data::Bytes(b)) => a == b,
            (Data::I64(a), Data::I64(b)) => a == b,
            (Data::F64(a), Data::F64(b)) => {
                a.len() == b.len() && a.iter().zip(&b[..]).all(|(x, y)| x.to_bits() == y.to_bits())
            }
            _ => false,
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Data {
        Data::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}
