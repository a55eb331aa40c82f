//! Elements that are made of others.

use cutthrough_expr::{Expr, FieldExprs};
use cutthrough_ir::{LentColumn, Type};

use super::{Element, Field, FieldReader, FieldWriter, Fields};

impl<T: Field> Element for Option<T> {
    type Expr = Expr<Option<T::Logical>>;
    type View<'a> = Option<T::View<'a>>;
    const FIELDS: usize = 1;

    fn fields() -> Vec<Type> {
        vec![T::TYPE.or_null()]
    }

    fn expr(fields: &mut FieldExprs<'_>) -> Self::Expr {
        fields.next()
    }

    #[inline]
    fn view(fields: Fields<'_>) -> Self::View<'_> {
        (!fields.is_null()).then(|| T::view(fields))
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

    fn lend<'x>(items: impl Iterator<Item = &'x Self>, _field: usize, column: &mut LentColumn<'_, '_, 'x>) {
        for (row, item) in items.enumerate() {
            if let Some(value) = item {
                value.put(row, column);
            }
        }
    }
}

impl<T: Element, const N: usize> Element for [T; N] {
    type Expr = [T::Expr; N];
    type View<'a> = [T::View<'a>; N];
    const FIELDS: usize = N * T::FIELDS;

    fn fields() -> Vec<Type> {
        T::fields().repeat(N)
    }

    fn expr(fields: &mut FieldExprs<'_>) -> Self::Expr {
        std::array::from_fn(|_| T::expr(fields))
    }

    #[inline]
    fn view(fields: Fields<'_>) -> Self::View<'_> {
        std::array::from_fn(|k| T::view(fields.skip(k * T::FIELDS)))
    }

    fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
        let mut read = [const { None }; N];
        for item in &mut read {
            *item = Some(T::read(fields)?);
        }
        Ok(read.map(|item| item.expect("INVARIANT: each has been read")))
    }

    fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
        self.into_iter().try_for_each(|item| item.write(fields))
    }

    fn lend<'x>(items: impl Iterator<Item = &'x Self>, field: usize, column: &mut LentColumn<'_, '_, 'x>) {
        let (item, field) = (field / T::FIELDS, field % T::FIELDS);
        T::lend(items.map(|items| &items[item]), field, column);
    }
}

macro_rules! tuple {
    ($($name:ident $number:tt)+) => {
        impl<$($name: Element),+> Element for ($($name,)+) {
            type Expr = ($($name::Expr,)+);
            type View<'a> = ($($name::View<'a>,)+);
            const FIELDS: usize = 0 $(+ $name::FIELDS)+;

            fn fields() -> Vec<Type> {
                [$($name::fields()),+].concat()
            }

            fn expr(fields: &mut FieldExprs<'_>) -> Self::Expr {
                ($($name::expr(fields),)+)
            }

            #[inline]
            fn view(fields: Fields<'_>) -> Self::View<'_> {
                let mut next = 0;
                ($({
                    let first = next;
                    next += $name::FIELDS;
                    debug_assert!(next <= Self::FIELDS);
                    $name::view(fields.skip(first))
                },)+)
            }

            #[inline]
            fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
                Ok(($($name::read(fields)?,)+))
            }

            #[inline]
            fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
                $(self.$number.write(fields)?;)+
                Ok(())
            }

            fn lend<'x>(items: impl Iterator<Item = &'x Self>, field: usize, column: &mut LentColumn<'_, '_, 'x>) {
                let mut first = 0;
                $(
                    let after = first + $name::FIELDS;
                    if field < after {
                        return $name::lend(items.map(|item| &item.$number), field - first, column);
                    }
                    first = after;
                )+
                panic!("there is no field {field}, but {first} in all");
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0 B 1);
tuple!(A 0 B 1 C 2);
tuple!(A 0 B 1 C 2 D 3);
tuple!(A 0 B 1 C 2 D 3 E 4);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
