//! Types whose values are one field.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cutthrough_expr::{Expr, FieldExprs};
use cutthrough_ir::{LentColumn, Type};

use super::{Element, Field, FieldReader, FieldWriter, Fields};

/// A type that is one field: what an expression of it is, what a view, and how it is read,
/// written and put into columns.
macro_rules! field {
    (
        $rust:ty, $logical:ty, $ty:expr,
        view $view:ty: |$fields:ident| $look:expr,
        read |$reader:ident| $read:expr,
        write |$value:ident, $writer:ident| $write:expr,
        lend $column_of:ident $put:ident |$item:ident| $lend:expr
    ) => {
        impl Element for $rust {
            type Expr = Expr<$logical>;
            type View<'a> = $view;
            const FIELDS: usize = 1;

            fn fields() -> Vec<Type> {
                vec![$ty]
            }

            fn expr(fields: &mut FieldExprs<'_>) -> Expr<$logical> {
                fields.next()
            }

            #[inline]
            fn view($fields: Fields<'_>) -> Self::View<'_> {
                $look
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

            #[inline]
            fn lend<'x>(
                items: impl Iterator<Item = &'x Self>,
                _field: usize,
                column: &mut LentColumn<'_, '_, 'x>,
            ) {
                column.$column_of(items.map(|$item| $lend));
            }
        }

        impl Field for $rust {
            type Logical = $logical;
            const TYPE: Type = $ty;

            #[inline]
            fn put<'x>(&'x self, row: usize, column: &mut LentColumn<'_, '_, 'x>) {
                let $item = self;
                column.$put(row, $lend);
            }
        }
    };
}

macro_rules! integers {
    ($($rust:ty)*) => {
        $(field!(
            $rust, $rust, Type::I64,
            view $rust: |fields| number(fields.i64()).unwrap_or_else(|message| panic!("{message}")),
            read |fields| number(fields.i64()),
            write |value, fields| {
                fields.i64(i64::from(value));
                Ok(())
            },
            lend i64s i64 |item| i64::from(*item)
        );)*

        $(impl Number for $rust {
            const NAME: &'static str = stringify!($rust);
        })*
    };
}

integers!(i8 i16 i32 i64 u8 u16 u32);

/// Integers that are carried by their bits: all values of 64 bits are such.
macro_rules! words {
    ($($rust:ty)*) => {
        $(field!(
            $rust, $rust, Type::I64,
            view $rust: |fields| fields.i64() as $rust,
            read |fields| Ok(fields.i64() as $rust),
            write |value, fields| {
                fields.i64(value as i64);
                Ok(())
            },
            lend i64s i64 |item| *item as i64
        );)*
    };
}

words!(isize u64 usize);

/// What an integer out of range is reported as.
trait Number: TryFrom<i64> {
    const NAME: &'static str;
}

#[inline]
fn number<N: Number>(value: i64) -> Result<N, String> {
    N::try_from(value).map_err(|_| out_of_range(value, N::NAME))
}

#[cold]
fn out_of_range(value: i64, name: &str) -> String {
    format!("{value} is no {name}: the flow has numbers beyond that; take i64")
}

field!(
    f64, f64, Type::F64,
    view f64: |fields| fields.f64(),
    read |fields| Ok(fields.f64()),
    write |value, fields| {
        fields.f64(value);
        Ok(())
    },
    lend f64s f64 |item| *item
);

// Expressions of it are doubles, and what is made one again is rounded.
field!(
    f32, f64, Type::F64,
    view f32: |fields| fields.f64() as f32,
    read |fields| Ok(fields.f64() as f32),
    write |value, fields| {
        fields.f64(f64::from(value));
        Ok(())
    },
    lend f64s f64 |item| f64::from(*item)
);

field!(
    bool, bool, Type::BOOL,
    view bool: |fields| fields.bool(),
    read |fields| Ok(fields.bool()),
    write |value, fields| {
        fields.bool(value);
        Ok(())
    },
    lend bools bool |item| *item
);

field!(
    Vec<u8>, Bytes, Type::BYTES,
    view &'a [u8]: |fields| fields.bytes(),
    read |fields| Ok(fields.bytes().to_vec()),
    write |value, fields| fields.bytes(&value),
    lend byte_strings bytes |item| &item[..]
);

field!(
    Bytes, Bytes, Type::BYTES,
    view &'a [u8]: |fields| fields.bytes(),
    read |fields| Ok(Bytes::copy_from_slice(fields.bytes())),
    write |value, fields| fields.bytes(&value),
    lend byte_strings bytes |item| &item[..]
);

field!(
    String, String, Type::BYTES,
    view &'a str: |fields| text(fields.bytes()).unwrap_or_else(|message| panic!("{message}")),
    read |fields| text(fields.bytes()).map(str::to_owned),
    write |value, fields| fields.bytes(value.as_bytes()),
    lend byte_strings bytes |item| item.as_bytes()
);

field!(
    Box<str>, String, Type::BYTES,
    view &'a str: |fields| text(fields.bytes()).unwrap_or_else(|message| panic!("{message}")),
    read |fields| text(fields.bytes()).map(Box::from),
    write |value, fields| fields.bytes(value.as_bytes()),
    lend byte_strings bytes |item| item.as_bytes()
);

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "a text of {} bytes is not UTF-8 from byte {} on; take Vec<u8> or Bytes for any bytes, not String",
            bytes.len(),
            error.valid_up_to()
        )
    })
}

// Times are nanoseconds: since 1970 or, of a duration, in all.
field!(
    SystemTime, i64, Type::I64,
    view SystemTime: |fields| time(fields.i64()).unwrap_or_else(|message| panic!("{message}")),
    read |fields| time(fields.i64()),
    write |value, fields| {
        fields.i64(nanos_of_time(value)?);
        Ok(())
    },
    lend i64s i64 |item| nanos_of_time(*item).unwrap_or_else(|message| panic!("{message}"))
);

field!(
    Duration, i64, Type::I64,
    view Duration: |fields| duration(fields.i64()).unwrap_or_else(|message| panic!("{message}")),
    read |fields| duration(fields.i64()),
    write |value, fields| {
        fields.i64(nanos_of(value)?);
        Ok(())
    },
    lend i64s i64 |item| nanos_of(*item).unwrap_or_else(|message| panic!("{message}"))
);

fn nanos_of(duration: Duration) -> Result<i64, String> {
    let nanos = i64::try_from(duration.as_nanos());
    nanos.map_err(|_| format!("{duration:?} is too long: a duration has up to 292 years"))
}

fn duration(nanos: i64) -> Result<Duration, String> {
    let nanos = u64::try_from(nanos);
    let nanos =
        nanos.map_err(|_| "a duration is not below zero; take i64 for nanoseconds that are".to_owned());
    nanos.map(Duration::from_nanos)
}

fn nanos_of_time(time: SystemTime) -> Result<i64, String> {
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()),
        Err(before) => i64::try_from(-before.duration().as_nanos().cast_signed()),
    };
    nanos.map_err(|_| format!("{time:?} is out of range: times lie in the years 1678 to 2261"))
}

fn time(nanos: i64) -> Result<SystemTime, String> {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = match nanos < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    time.ok_or_else(|| format!("{nanos} ns since 1970 is no time of this system"))
}
