//! Values outside of networks: what sources give and sinks collect.

use cutthrough::Element;
use cutthrough_ir::types::f64_word;
use cutthrough_ir::{ElementType, HostContext, Kind, Results, Scalar, Type, Words};

use cutthrough_test_support::Random;

/// One value; doubles by their bits, so that equal is equal bit for bit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Val {
    /// No value.
    Null,
    /// An integer.
    I(i64),
    /// A double.
    F(u64),
    /// A boolean.
    B(bool),
    /// A byte string.
    S(Vec<u8>),
}

/// The fields of one element.
pub type Row = Vec<Val>;

/// Reads values.
pub fn read(words: Words<'_>) -> Row {
    let value = |value: Option<Scalar<'_>>| match value {
        None => Val::Null,
        Some(Scalar::I64(value)) => Val::I(value),
        Some(Scalar::F64(value)) => Val::F(value.to_bits()),
        Some(Scalar::Bool(value)) => Val::B(value),
        Some(Scalar::Bytes(value)) => Val::S(value.to_vec()),
    };
    words.iter().map(value).collect()
}

/// Puts values into results from number `first` on; byte strings are copied to scratch
/// memory.
///
/// # Errors
/// When scratch memory is used up.
pub fn write<'a>(
    row: &[Val],
    results: &mut Results<'a>,
    first: usize,
    context: &'a HostContext,
) -> Result<(), String> {
    for (k, value) in row.iter().enumerate() {
        match value {
            Val::Null => results.null(first + k),
            Val::I(value) => results.i64(first + k, *value),
            Val::F(bits) => results.f64(first + k, f64::from_bits(*bits)),
            Val::B(value) => results.bool(first + k, *value),
            Val::S(value) => results.bytes(first + k, context.copy(value)?),
        }
    }
    Ok(())
}

const INTEGERS: [i64; 10] = [0, 1, -1, 2, 7, 63, 64, i64::MAX, i64::MIN, 0x8000_0000];
const DOUBLES: [f64; 10] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    5e-324,
    1e300,
    9.3e18,
];
const TEXTS: [&[u8]; 12] = [
    b"",
    b"a",
    b"ab",
    b"ba",
    b"17",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"1.5e3",
    b"\xff\x00\xfe",
    b"sixteen bytes ..",
    b"a string that is too long for any word, or for two, or for a vector register",
    b"nan",
];

/// A random integer, often an interesting one.
pub fn integer(rng: &mut Random) -> i64 {
    match rng.below(3) {
        0 => *rng.pick(&INTEGERS),
        1 => rng.below(100) as i64 - 20,
        _ => rng.next().cast_signed() >> rng.below(64),
    }
}

/// A random double, often an interesting one.
pub fn double(rng: &mut Random) -> f64 {
    match rng.below(3) {
        0 => *rng.pick(&DOUBLES),
        1 => rng.below(64) as f64 / 4.0 - 3.0,
        _ => f64::from_bits(f64_word(f64::from_bits(rng.next()))),
    }
}

/// A random byte string, often an interesting one.
pub fn bytes(rng: &mut Random) -> Vec<u8> {
    match rng.below(3) {
        0 => rng.pick(&TEXTS).to_vec(),
        1 => (integer(rng) >> rng.below(60)).to_string().into_bytes(),
        _ => (0..rng.below(24)).map(|_| b'a' + rng.below(3) as u8).collect(),
    }
}

/// A random value of a type.
pub fn random(rng: &mut Random, ty: Type) -> Val {
    if ty.nullable && rng.chance(30) {
        return Val::Null;
    }
    match ty.kind {
        Kind::I64 => Val::I(integer(rng)),
        Kind::F64 => Val::F(f64_word(double(rng))),
        Kind::Bool => Val::B(rng.chance(50)),
        Kind::Bytes => Val::S(bytes(rng)),
    }
}

/// Rust elements that can be compared with others.
pub trait Rowed: Element {
    /// Appends the fields.
    fn to_row(&self, row: &mut Row);
    /// Takes the fields off the front.
    fn of_row(row: &mut std::slice::Iter<'_, Val>) -> Self;
}

macro_rules! rowed {
    ($rust:ty, |$value:ident| $to:expr, $pattern:pat => $from:expr) => {
        impl Rowed for $rust {
            fn to_row(&self, row: &mut Row) {
                let $value = self;
                row.push($to);
            }

            fn of_row(row: &mut std::slice::Iter<'_, Val>) -> Self {
                match row.next() {
                    Some($pattern) => $from,
                    other => unreachable!("a value of another type: {other:?}"),
                }
            }
        }
    };
}

rowed!(i64, |value| Val::I(*value), Val::I(value) => *value);
rowed!(f64, |value| Val::F(value.to_bits()), Val::F(bits) => f64::from_bits(*bits));
rowed!(bool, |value| Val::B(*value), Val::B(value) => *value);
rowed!(Vec<u8>, |value| Val::S(value.clone()), Val::S(value) => value.clone());

impl<T: Rowed + cutthrough::Field> Rowed for Option<T> {
    fn to_row(&self, row: &mut Row) {
        match self {
            None => row.push(Val::Null),
            Some(value) => value.to_row(row),
        }
    }

    fn of_row(row: &mut std::slice::Iter<'_, Val>) -> Self {
        if row.as_slice().first() == Some(&Val::Null) {
            row.next();
            return None;
        }
        Some(T::of_row(row))
    }
}

macro_rules! rowed_tuple {
    ($($name:ident)+) => {
        impl<$($name: Rowed),+> Rowed for ($($name,)+) {
            fn to_row(&self, row: &mut Row) {
                #[expect(non_snake_case, reason = "the macro names a variable after its type")]
                let ($($name,)+) = self;
                $($name.to_row(row);)+
            }

            fn of_row(row: &mut std::slice::Iter<'_, Val>) -> Self {
                ($($name::of_row(row),)+)
            }
        }
    };
}

rowed_tuple!(A B);
rowed_tuple!(A B C D);

/// Calls a macro or function for the Rust type of an element type, where it has one.
#[macro_export]
macro_rules! with_rust_type {
    ($element:expr, $T:ident => $use:expr) => {{
        use cutthrough::Element as _;
        macro_rules! try_type {
            ($rust:ty) => {
                if <$rust>::element_type() == *$element {
                    type $T = $rust;
                    Some($use)
                } else {
                    None
                }
            };
        }
        None.or_else(|| try_type!(i64))
            .or_else(|| try_type!(f64))
            .or_else(|| try_type!(bool))
            .or_else(|| try_type!(Vec<u8>))
            .or_else(|| try_type!(Option<i64>))
            .or_else(|| try_type!(Option<Vec<u8>>))
            .or_else(|| try_type!((i64, f64)))
            .or_else(|| try_type!((i64, Vec<u8>)))
            .or_else(|| try_type!((Vec<u8>, Option<f64>, i64, bool)))
    }};
}

/// The element types that networks are made of.
pub fn menu() -> Vec<ElementType> {
    const I: Type = Type::I64;
    const F: Type = Type::F64;
    const B: Type = Type::BOOL;
    const S: Type = Type::BYTES;
    let menu: [&[Type]; 12] = [
        &[I],
        &[F],
        &[B],
        &[S],
        &[I.or_null()],
        &[S.or_null()],
        &[I, F],
        &[I, S],
        &[S, F.or_null(), I, B],
        &[B.or_null(), F.or_null()],
        &[S, S.or_null(), I.or_null()],
        &[B, I],
    ];
    menu.iter()
        .map(|fields| ElementType::new(fields.iter().copied()))
        .collect()
}
