//! IR values as CLIF values: an integer is an `i64`, a double an `f64`, a boolean
//! an `i8`, a byte string two `i64`, and a nullable value has one `i8` more, its
//! presence. In memory each of these is one 64-bit word, in the same order.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{self as clif, InstBuilder, MemFlagsData, Value as ClifValue, types};

use cutthrough_ir::types::CANONICAL_NAN;
use cutthrough_ir::{Kind, Type, Value};

use super::Lowerer;

/// The CLIF values of one IR value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    len: u8,
    parts: [ClifValue; 3],
}

impl Default for Parts {
    fn default() -> Parts {
        Parts {
            len: 0,
            parts: [ClifValue::from_u32(u32::MAX - 1); 3],
        }
    }
}

impl Parts {
    pub(super) fn push(&mut self, part: ClifValue) {
        self.parts[usize::from(self.len)] = part;
        self.len += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ClifValue> {
        self.parts.into_iter().take(usize::from(self.len))
    }
}

impl std::ops::Deref for Parts {
    type Target = [ClifValue];

    fn deref(&self) -> &[ClifValue] {
        &self.parts[..usize::from(self.len)]
    }
}

impl FromIterator<ClifValue> for Parts {
    fn from_iter<I: IntoIterator<Item = ClifValue>>(parts: I) -> Parts {
        let mut collected = Parts::default();
        parts.into_iter().for_each(|part| collected.push(part));
        collected
    }
}

/// The CLIF types of the parts of a type.
pub(super) fn part_types(ty: Type) -> impl Iterator<Item = clif::Type> {
    let payload: &[clif::Type] = match ty.kind {
        Kind::I64 => &[types::I64],
        Kind::F64 => &[types::F64],
        Kind::Bool => &[types::I8],
        Kind::Bytes => &[types::I64, types::I64],
    };
    payload.iter().copied().chain(ty.nullable.then_some(types::I8))
}

impl Lowerer<'_, '_> {
    /// The parts of an IR value.
    pub(super) fn parts(&self, value: Value) -> Parts {
        self.values[value.index()]
    }

    /// The only part of an IR value.
    pub(super) fn part(&self, value: Value) -> ClifValue {
        let parts = self.parts(value);
        debug_assert_eq!(parts.len(), 1);
        parts[0]
    }

    /// Adds the parameters of one IR value to a CLIF block.
    pub(super) fn block_params_of(&mut self, block: clif::Block, ty: Type) -> Parts {
        part_types(ty)
            .map(|ty| self.builder.append_block_param(block, ty))
            .collect()
    }

    /// The zero of a type: absent, if it can be.
    pub(super) fn zero(&mut self, ty: Type) -> Parts {
        part_types(ty)
            .map(|ty| match ty {
                types::F64 => self.builder.ins().f64const(0.0),
                ty => self.builder.ins().iconst(ty, 0),
            })
            .collect()
    }

    /// Reads a value from words; `offset` is in bytes.
    pub(super) fn load_value(&mut self, ty: Type, base: ClifValue, offset: i32) -> Parts {
        let mut at = offset;
        part_types(ty)
            .map(|ty| {
                let part = self.load_part(ty, base, at);
                at += 8;
                part
            })
            .collect()
    }

    /// Writes a value to words, with NaNs canonical.
    pub(super) fn store_value(&mut self, parts: Parts, base: ClifValue, offset: i32) {
        for (k, part) in parts.iter().enumerate() {
            self.store_part(part, base, offset + 8 * k as i32);
        }
    }

    /// Reads one part from its word.
    pub(super) fn load_part(&mut self, ty: clif::Type, base: ClifValue, offset: i32) -> ClifValue {
        if ty == types::I8 {
            let word = self.load_i64(base, offset);
            return self.builder.ins().ireduce(types::I8, word);
        }
        self.builder.ins().load(ty, MemFlagsData::trusted(), base, offset)
    }

    /// Writes one part to its word; the canonical NaN for any.
    pub(super) fn store_part(&mut self, part: ClifValue, base: ClifValue, offset: i32) {
        let word = match self.builder.func.dfg.value_type(part) {
            types::I8 => self.builder.ins().uextend(types::I64, part),
            types::F64 => self.canonical(part),
            _ => part,
        };
        self.store_trusted(word, base, offset);
    }

    fn canonical(&mut self, double: ClifValue) -> ClifValue {
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, double, double);
        let nan = self.builder.ins().f64const(f64::from_bits(CANONICAL_NAN));
        self.builder.ins().select(is_nan, nan, double)
    }

    /// Reads an aligned word that is known to be accessible.
    pub(super) fn load_i64(&mut self, base: ClifValue, offset: i32) -> ClifValue {
        self.builder
            .ins()
            .load(types::I64, MemFlagsData::trusted(), base, offset)
    }

    /// Reads a field of the context.
    pub(super) fn load_context(&mut self, offset: i32) -> ClifValue {
        self.load_i64(self.context, offset)
    }

    /// Writes an aligned word that is known to be accessible.
    pub(super) fn store_trusted(&mut self, value: ClifValue, base: ClifValue, offset: i32) {
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), value, base, offset);
    }
}
