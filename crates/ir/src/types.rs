//! Types of values and how a value lies in words.
//!
//! Everything that leaves a register (state slots, blocks of elements, arguments
//! of host calls) is a run of 64-bit words. A value of a [`Type`] takes
//! [`Type::words`] of them: one for a number or a boolean, two for a byte string
//! (address, length), and for a nullable type one more, last, which is 1 where
//! there is a value and 0 where there is none. The words before a 0 are zero too,
//! so that equal values are equal words.

use std::fmt;

/// One 64-bit word of shared memory.
pub type Word = u64;

/// What a value is, apart from whether it may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A signed 64-bit integer; arithmetic wraps.
    I64,
    /// A double; every NaN that leaves a register is the one canonical NaN.
    F64,
    /// True or false, the words 1 and 0.
    Bool,
    /// A view of bytes, by address and length; it owns nothing.
    Bytes,
}

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type {
    /// What the value is where it is present.
    pub kind: Kind,
    /// Whether it may be absent.
    pub nullable: bool,
}

impl Type {
    /// A signed 64-bit integer.
    pub const I64: Type = Type::new(Kind::I64);
    /// A double.
    pub const F64: Type = Type::new(Kind::F64);
    /// A boolean.
    pub const BOOL: Type = Type::new(Kind::Bool);
    /// A view of bytes.
    pub const BYTES: Type = Type::new(Kind::Bytes);

    /// The type of values of `kind` that are always present.
    pub const fn new(kind: Kind) -> Type {
        Type {
            kind,
            nullable: false,
        }
    }

    /// The same type with absence allowed.
    pub const fn or_null(self) -> Type {
        Type {
            kind: self.kind,
            nullable: true,
        }
    }

    /// The same type without absence.
    pub const fn present(self) -> Type {
        Type::new(self.kind)
    }

    /// How many words a value takes, the word of presence included.
    pub const fn words(self) -> usize {
        self.payload_words() + self.nullable as usize
    }

    /// How many words a value takes apart from the word of presence.
    pub const fn payload_words(self) -> usize {
        match self.kind {
            Kind::Bytes => 2,
            Kind::I64 | Kind::F64 | Kind::Bool => 1,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::I64 => "i64",
            Kind::F64 => "f64",
            Kind::Bool => "bool",
            Kind::Bytes => "bytes",
        };
        f.write_str(name)?;
        if self.nullable { f.write_str("?") } else { Ok(()) }
    }
}

impl std::str::FromStr for Type {
    type Err = ();

    fn from_str(text: &str) -> Result<Type, ()> {
        let (name, nullable) = match text.strip_suffix('?') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let kind = match name {
            "i64" => Kind::I64,
            "f64" => Kind::F64,
            "bool" => Kind::Bool,
            "bytes" => Kind::Bytes,
            _ => return Err(()),
        };
        Ok(Type { kind, nullable })
    }
}

/// The type of the elements of a port or flow point: its fields, in order. A
/// scalar element is a record of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ElementType {
    fields: Box<[Type]>,
}

impl ElementType {
    /// An element of these fields.
    pub fn new(fields: impl IntoIterator<Item = Type>) -> ElementType {
        ElementType {
            fields: fields.into_iter().collect(),
        }
    }

    /// The types of the fields, in order.
    pub fn fields(&self) -> &[Type] {
        &self.fields
    }

    /// How many words one element takes.
    pub fn words(&self) -> usize {
        words_of(&self.fields)
    }
}

impl From<Type> for ElementType {
    fn from(ty: Type) -> ElementType {
        ElementType::new([ty])
    }
}

impl<const N: usize> From<[Type; N]> for ElementType {
    fn from(fields: [Type; N]) -> ElementType {
        ElementType::new(fields)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (k, ty) in self.fields.iter().enumerate() {
            write!(f, "{}{ty}", if k > 0 { ", " } else { "" })?;
        }
        f.write_str(")")
    }
}

/// How many words a run of values of these types takes.
pub fn words_of(types: &[Type]) -> usize {
    types.iter().map(|ty| ty.words()).sum()
}

/// The bits of the one NaN that may leave a register.
pub const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;

/// The word of a double, with every NaN made the canonical one.
pub fn f64_word(value: f64) -> Word {
    if value.is_nan() {
        CANONICAL_NAN
    } else {
        value.to_bits()
    }
}
