//! Rust values as elements.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the traits, and how processes use them |
//! | `fields` | what elements are read from and written to |
//! | `scalars` | types that are one field |
//! | `compound` | `Option`, tuples, arrays |

mod compound;
mod fields;
mod scalars;

use cutthrough_expr::{Expr, Exprs, FieldExprs};
use cutthrough_ir::{ElementType, HostContext, LentColumn, Results, Type, Words};

pub use fields::{FieldReader, FieldWriter, Fields};

/// A Rust type whose values can be elements: a field, or several one after another.
///
/// `#[derive(Element)]` implements it for structs and enums. There is more than one way to take an
/// element, and the derive writes them all:
///
/// | | of `struct Event { kind: u8, user: String }` | for |
/// |---|---|---|
/// | the value itself | `Event` | what comes in and goes out |
/// | [`Expr`](Element::Expr) | `EventExpr`, with the fields `kind: Expr<u8>` and `user: Expr<String>` | closures over expressions, which become part of the native loop |
/// | [`View`](Element::View) | `EventView<'_>`, with the methods `kind() -> u8` and `user() -> &str` | Rust closures; a field that is not asked for costs nothing |
///
/// An implementation says the fields several times. Where it says different things, the
/// process that reads or writes fails with a message; nothing else can go wrong.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of elements",
    note = "elements are integers, floats, `bool`, `String`, `Box<str>`, `Bytes`, `SystemTime`, `Duration`, `Option`s, arrays and tuples of these, and structs and enums that derive `Element`"
)]
pub trait Element: Sized + Send + 'static {
    /// The expressions of its fields.
    type Expr: Exprs + Copy;

    /// The value as it lies in the flow, borrowed.
    type View<'a>;

    /// How many fields there are.
    const FIELDS: usize;

    /// The types of the fields.
    fn fields() -> Vec<Type>;

    /// The expressions of the fields, which are taken in order.
    fn expr(fields: &mut FieldExprs<'_>) -> Self::Expr;

    /// A view of the fields, the first of which is the first.
    ///
    /// # Panics
    /// When the fields are no such value.
    fn view(fields: Fields<'_>) -> Self::View<'_>;

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

    /// Puts the field of this number of all these values into a column, one a row.
    fn lend<'x>(items: impl Iterator<Item = &'x Self>, field: usize, column: &mut LentColumn<'_, '_, 'x>);

    /// The type of the elements.
    fn element_type() -> ElementType {
        ElementType::new(Self::fields())
    }
}

/// A Rust type whose values are one field, which may be made nullable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one field",
    note = "an `Option` is of a number, `bool` or text; of a struct, make the fields optional"
)]
pub trait Field: Element<Expr = Expr<Self::Logical>> {
    /// The type of its expressions.
    type Logical: cutthrough_expr::typed::Present;

    /// The type of the field.
    const TYPE: Type;

    /// Puts the value into a row of a column.
    fn put<'x>(&'x self, row: usize, column: &mut LentColumn<'_, '_, 'x>);
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
