//! Prints programs and chains: the headings and the tables.

use std::fmt::{self, Display, Formatter, Write};

use crate::data::Data;
use crate::function::Function;
use crate::limits::ROWS_MAX;
use crate::program::{AtBound, Program, SlotDecl, Tables};
use crate::text::print_function::FunctionText;
use crate::text::print_values::{Double, Quoted, print_list};
use crate::types::{Kind, Type, Word};
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
        write!(f, "  rows {index} {name}")?;
        if rows.key > 0 {
            write!(f, " key {}", rows.key)?;
        }
        if rows.rows_max != ROWS_MAX {
            write!(f, " rows {}", rows.rows_max)?;
        }
        if rows.at_bound == AtBound::EvictOldest {
            f.write_str(" evicts")?;
        }
        write!(f, " max {}: ", rows.bytes_max)?;
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
