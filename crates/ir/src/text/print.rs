//! Prints programs and chains: the headings and the tables.

use std::fmt::{self, Display, Formatter, Write};

use crate::data::Data;
use crate::function::Function;
use crate::program::{Program, SlotDecl, Tables};
use crate::text::print_function::FunctionText;
use crate::types::{CANONICAL_NAN, Kind, Type, Word};
use crate::verify::Role;

pub(super) struct Process<'a>(pub(super) &'a Program);

impl Display for Process<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Program {
            name,
            tables,
            inputs,
            write_ok,
            optional,
        } = self.0;
        writeln!(f, "process {} {{", Quoted(name.as_bytes(), true))?;
        print_tables(f, tables, optional)?;
        let mut print = |function, role| {
            FunctionText {
                function,
                tables,
                role,
            }
            .fmt(f)
        };
        for (index, input) in inputs.iter().enumerate() {
            print(&input.read_ok, Role::ReadOk(index))?;
            input
                .ask
                .iter()
                .try_for_each(|ask| print(ask, Role::Ask(index)))?;
            input
                .end
                .iter()
                .try_for_each(|end| print(end, Role::End(index)))?;
        }
        write_ok
            .iter()
            .try_for_each(|write_ok| print(write_ok, Role::WriteOk))?;
        f.write_str("}\n")
    }
}

pub(super) struct Chain<'a> {
    pub(super) name: &'a str,
    pub(super) function: &'a Function,
    pub(super) tables: &'a Tables,
    pub(super) origins: &'a [String],
}

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Chain {
            name,
            function,
            tables,
            origins,
        } = self;
        writeln!(f, "chain {} {{", Quoted(name.as_bytes(), true))?;
        print_tables(f, tables, &[])?;
        for (index, origin) in origins.iter().enumerate() {
            writeln!(f, "  origin {index} {}", Quoted(origin.as_bytes(), true))?;
        }
        FunctionText {
            function,
            tables,
            role: Role::Run,
        }
        .fmt(f)?;
        f.write_str("}\n")
    }
}

fn print_tables(f: &mut Formatter<'_>, tables: &Tables, optional: &[bool]) -> fmt::Result {
    for (index, slot) in tables.slots.iter().enumerate() {
        writeln!(f, "  slot {index} {}", Slot(slot))?;
    }
    for (index, rows) in tables.rows.iter().enumerate() {
        let name = Quoted(rows.name.as_bytes(), true);
        write!(f, "  rows {index} {name} max {}: ", rows.bytes_max)?;
        print_list(f, ('(', ')'), &rows.columns, |f, column| Slot(column).fmt(f))?;
        f.write_char('\n')?;
    }
    for (index, host) in tables.hosts.iter().enumerate() {
        write!(f, "  host {index} {}: ", Quoted(host.name.as_bytes(), true))?;
        print_list(f, ('(', ')'), &host.params, |f, ty| ty.fmt(f))?;
        f.write_str(" -> ")?;
        print_list(f, ('(', ')'), &host.results, |f, ty| ty.fmt(f))?;
        for rows in &host.rows {
            f.write_str(if rows.writes { " writes " } else { " reads " })?;
            print_list(f, ('(', ')'), &rows.columns, |f, ty| ty.fmt(f))?;
        }
        f.write_char('\n')?;
    }
    for (index, data) in tables.data.iter().enumerate() {
        write!(f, "  data {index} = ")?;
        match data {
            Data::Bytes(bytes) => write!(f, "bytes {}", Quoted(bytes, false))?,
            Data::I64(items) => {
                f.write_str("i64 ")?;
                print_list(f, ('[', ']'), items, |f, item| item.fmt(f))?;
            }
            Data::F64(items) => {
                f.write_str("f64 ")?;
                print_list(f, ('[', ']'), items, |f, item| Double(item.to_bits()).fmt(f))?;
            }
        }
        f.write_char('\n')?;
    }
    for (index, element) in tables.inputs.iter().enumerate() {
        writeln!(f, "  input {index}: {element}")?;
    }
    for (index, element) in tables.outputs.iter().enumerate() {
        let optional = if optional.get(index) == Some(&true) {
            " optional"
        } else {
            ""
        };
        writeln!(f, "  output {index}{optional}: {element}")?;
    }
    for (index, drop) in tables.drops.iter().enumerate() {
        writeln!(f, "  drop {index} {}", Quoted(drop.as_bytes(), true))?;
    }
    for (index, error) in tables.errors.iter().enumerate() {
        writeln!(f, "  error {index} {}", Quoted(error.as_bytes(), true))?;
    }
    if tables.edges > 0 {
        writeln!(f, "  edges {}", tables.edges)
    } else {
        Ok(())
    }
}

/// Items between brackets, with commas.
pub(super) fn print_list<T>(
    f: &mut Formatter<'_>,
    (open, close): (char, char),
    items: &[T],
    mut print: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (k, item) in items.iter().enumerate() {
        if k > 0 {
            f.write_str(", ")?;
        }
        print(f, item)?;
    }
    f.write_char(close)
}

/// A slot, or a column: its name, its type, and what it begins with.
struct Slot<'a>(&'a SlotDecl);

impl Display for Slot<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Quoted(self.0.name.as_bytes(), true);
        write!(f, "{name}: {}{}", self.0.ty, Init(self.0))
    }
}

/// What a slot begins with, unless it is zero.
struct Init<'a>(&'a SlotDecl);

impl Display for Init<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SlotDecl { ty, init, .. } = self.0;
        if init.len() == ty.words() && init.iter().all(|&word| word == 0) {
            return Ok(());
        }
        match one_word(*ty, init) {
            Some(word) => match (ty.kind, word) {
                (Kind::F64, bits) => write!(f, " = {}", Double(bits)),
                (Kind::Bool, word) => write!(f, " = {}", word == 1),
                (Kind::I64 | Kind::Bytes, word) => write!(f, " = {}", word.cast_signed()),
            },
            None => {
                f.write_str(" = words ")?;
                print_list(f, ('[', ']'), init, |f, word| word.fmt(f))
            }
        }
    }
}

/// The word of a present scalar that says all there is.
fn one_word(ty: Type, init: &[Word]) -> Option<Word> {
    match (ty.kind, ty.nullable, init) {
        (Kind::Bytes, ..) => None,
        (kind, false, [word]) | (kind, true, [word, 1]) if kind != Kind::Bool || *word <= 1 => Some(*word),
        _ => None,
    }
}

/// A double, by its bits, so that it reads back to the same.
pub(super) struct Double(pub(super) u64);

impl Display for Double {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = f64::from_bits(self.0);
        if self.0 == CANONICAL_NAN {
            f.write_str("nan")
        } else if value.is_nan() {
            write!(f, "{:#018x}", self.0)
        } else {
            // The shortest decimal that reads back, with the sign of zero; `inf`.
            write!(f, "{value:?}")
        }
    }
}

/// Bytes in quotes; valid UTF-8 as it is where `text` says so.
pub(super) struct Quoted<'a>(pub(super) &'a [u8], pub(super) bool);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Quoted(bytes, text) = *self;
        f.write_char('"')?;
        for chunk in bytes.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' => f.write_str("\\\"")?,
                    '\\' => f.write_str("\\\\")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    ' '..='~' => f.write_char(char)?,
                    _ if text && !char.is_control() => f.write_char(char)?,
                    _ => {
                        let mut buffer = [0; 4];
                        for byte in char.encode_utf8(&mut buffer).bytes() {
                            write!(f, "\\x{byte:02x}")?;
                        }
                    }
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}
