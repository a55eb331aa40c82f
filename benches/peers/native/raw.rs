//! What the two sides of the C interface share.

/// Where an array of integers lies.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawArray {
    pub(crate) first: *const i64,
    pub(crate) length: usize,
}

/// What the loops run on: `v`, `hi`, `lo`, `faz` and `zaf`, and two bounds.
#[repr(C)]
pub(crate) struct RawArrays {
    pub(crate) arrays: [RawArray; 5],
    pub(crate) flat_map_take: u64,
    pub(crate) zip_flat_flat: u64,
}

impl From<&[i64]> for RawArray {
    fn from(array: &[i64]) -> RawArray {
        RawArray {
            first: array.as_ptr(),
            length: array.len(),
        }
    }
}
