//! Types of values and how a value lies in words.
//!
//! Everything that leaves a register (state slots, blocks of elements, arguments
//! of host calls) is a run of 64-bit words. A value of a [`Type`] takes
//! [`Type::words`] of them: one for a number or a boolean, two for a byte string
//! (address, length), and for a nullable type one more, last, which is 1 where
//! there is a value and 0 where there is none. The words before a 0 are zero too,
//! so that equal values are equal words.

use std::fmt;
use std::hash::{Hash, Hasher};

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

/// Where one of several values lies that lie in words one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldAt {
    /// The type of the value.
    pub ty: Type,
    /// Its first word.
    at: u32,
}

impl FieldAt {
    /// The value's first word.
    #[inline]
    pub fn at(self) -> usize {
        self.at as usize
    }

    /// The word of presence of a nullable value: its last one.
    #[inline]
    pub fn presence(self) -> usize {
        self.at() + self.ty.payload_words()
    }

    /// Where a value of this type lies that is alone.
    pub fn alone(ty: Type) -> &'static [FieldAt] {
        const fn first(kind: Kind) -> [FieldAt; 1] {
            let ty = Type::new(kind);
            [FieldAt { ty, at: 0 }]
        }
        const fn nullable(kind: Kind) -> [FieldAt; 1] {
            let ty = Type::new(kind).or_null();
            [FieldAt { ty, at: 0 }]
        }
        match (ty.kind, ty.nullable) {
            (Kind::I64, false) => const { &first(Kind::I64) },
            (Kind::F64, false) => const { &first(Kind::F64) },
            (Kind::Bool, false) => const { &first(Kind::Bool) },
            (Kind::Bytes, false) => const { &first(Kind::Bytes) },
            (Kind::I64, true) => const { &nullable(Kind::I64) },
            (Kind::F64, true) => const { &nullable(Kind::F64) },
            (Kind::Bool, true) => const { &nullable(Kind::Bool) },
            (Kind::Bytes, true) => const { &nullable(Kind::Bytes) },
        }
    }
}

/// The type of the elements of a port or flow point: its fields, in order. A
/// scalar element is a record of one field.
#[derive(Clone, Debug, Default)]
pub struct ElementType {
    fields: Box<[Type]>,
    /// Follows from the fields.
    layout: Box<[FieldAt]>,
}

impl ElementType {
    /// An element of these fields.
    pub fn new(fields: impl IntoIterator<Item = Type>) -> ElementType {
        let fields: Box<[Type]> = fields.into_iter().collect();
        let mut words = 0;
        let layout = fields.iter().map(|&ty| {
            let at = u32::try_from(words).expect("the number of fields is bounded");
            words += ty.words();
            FieldAt { ty, at }
        });
        let layout = layout.collect();
        ElementType { fields, layout }
    }

    /// Where the fields lie in the words of an element.
    pub fn layout(&self) -> &[FieldAt] {
        &self.layout
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

impl PartialEq for ElementType {
    fn eq(&self, other: &ElementType) -> bool {
        self.fields == other.fields
    }
}

impl Eq for ElementType {}

impl Hash for ElementType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields.hash(state);
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
