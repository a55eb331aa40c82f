//! Types, columns and schemas.

use std::sync::Arc;

use cutthrough::ir::Type;
use cutthrough_expr::{ColumnId, LogicalType};

use super::Check;
use super::expected::Expected;
use super::records::{Open, Record};
use crate::ast::Name;
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::plan::Column;
use crate::suggest;

/// What defines a column of the whole program, once, whatever it is called somewhere.
#[derive(Clone, Debug)]
pub(crate) struct ColumnInfo {
    /// What it was called at first.
    pub(crate) name: Arc<str>,
    pub(crate) ty: LogicalType,
}

/// All columns of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    all: Vec<ColumnInfo>,
    pub(super) records: Vec<Record>,
    pub(super) expected: Expected,
    /// What may be a slip, but need not be.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Columns {
    pub(crate) fn add(&mut self, name: impl Into<Arc<str>>, ty: impl Into<LogicalType>) -> ColumnId {
        self.all.push(ColumnInfo {
            name: name.into(),
            ty: ty.into(),
        });
        ColumnId(
            u32::try_from(self.all.len() - 1).expect("INVARIANT: the program's length bounds its columns"),
        )
    }

    /// Whether a column is a field of a record, as it came.
    pub(super) fn is_field(&self, id: ColumnId) -> bool {
        self.records.iter().any(|record| record.has(id))
    }

    pub(crate) fn get(&self, id: ColumnId) -> &ColumnInfo {
        &self.all[id.index()]
    }

    pub(crate) fn ty(&self, id: ColumnId) -> LogicalType {
        self.get(id).ty
    }
}

/// A column as it can be named at one place of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaColumn {
    pub(crate) name: Arc<str>,
    pub(crate) id: ColumnId,
    pub(crate) ty: LogicalType,
    /// It can be named, but is not written: the line number, where `lines` is not in the text.
    pub(crate) hidden: bool,
}

/// The columns that can be named at one place of a pipeline, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) columns: Vec<SchemaColumn>,
    /// What can be named besides, where no column has that name: the input of an element, and the line there. It is
    /// there only if it is named.
    pub(crate) marks: Vec<SchemaColumn>,
    /// Columns that the program has here, but whose values are not carried: for who looks
    /// into a running program.
    pub(crate) absent: Vec<Arc<str>>,
    /// The record whose fields can be named too.
    pub(crate) open: Option<Open>,
}

impl Schema {
    pub(crate) fn find(&self, name: &str) -> Option<&SchemaColumn> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// The column of this name, or what else can be named so.
    pub(crate) fn named(&self, name: &str) -> Option<&SchemaColumn> {
        let mut marks = self.marks.iter();
        self.find(name).or_else(|| marks.find(|mark| &*mark.name == name))
    }

    /// Columns of elements of which nothing but the type is known: `value`, or `value1`, `value2`, and so on.
    pub(crate) fn of_values(fields: &[Type]) -> Schema {
        let columns = fields.iter().zip(0..).map(|(&ty, number)| SchemaColumn {
            name: match fields.len() {
                1 => "value".into(),
                _ => format!("value{}", number + 1).into(),
            },
            id: ColumnId(number),
            ty: ty.into(),
            hidden: false,
        });
        Schema {
            columns: columns.collect(),
            ..Schema::default()
        }
    }

    /// What can be named, as users of this crate see it.
    pub(crate) fn to_columns(&self) -> Vec<Column> {
        let columns = self.columns.iter().map(|column| Column {
            name: column.name.to_string(),
            ty: column.ty,
        });
        columns.collect()
    }

    /// The column of this name, or what to say if there is none.
    pub(crate) fn column(&self, name: &Name) -> Check<&SchemaColumn> {
        self.named(&name.text).ok_or_else(|| Box::new(self.unknown(name)))
    }

    fn unknown(&self, name: &Name) -> Diagnostic {
        let message = format!("there is no column {}", quoted(&name.text));
        let diagnostic = Diagnostic::new(message, name.span, "not a column here");
        if self.absent.iter().any(|absent| **absent == *name.text) {
            let message = format!("the column {} is not carried here", quoted(&name.text));
            let label = "nothing after this place needs it, so what is held before it does not have it";
            let diagnostic = Diagnostic::new(message, name.span, label);
            return diagnostic
                .with_help("tap a flow point further up, or change the program so that it uses the column");
        }
        let names: Vec<&str> = self.columns.iter().map(|column| &*column.name).collect();
        let diagnostic = match suggest::did_you_mean(&name.text, names.iter().copied()) {
            Some(help) => diagnostic.with_help(help),
            None if names.is_empty() => diagnostic.with_help("there is none at all"),
            None => {
                let listed = &names[..names.len().min(20)];
                diagnostic.with_help(format!(
                    "there {} {}",
                    if names.len() == 1 { "is" } else { "are" },
                    list(listed)
                ))
            }
        };
        if names.iter().all(|&name| matches!(name, "line" | "number")) {
            return diagnostic.with_note("lines have no other columns before `parse clf` or `parse csv`");
        }
        diagnostic
    }

    /// Gives a column a value: where it was, or last.
    pub(crate) fn set(&mut self, name: &Name, id: ColumnId, ty: LogicalType) -> Check<()> {
        let column = SchemaColumn {
            name: name.text.as_str().into(),
            id,
            ty,
            hidden: false,
        };
        match self.columns.iter().position(|column| *column.name == *name.text) {
            Some(at) => self.columns[at] = column,
            None if self.columns.len() == limits::SCHEMA_COLUMNS_MAX => {
                let message = format!("a flow may have at most {} columns", limits::SCHEMA_COLUMNS_MAX);
                return Err(Box::new(Diagnostic::new(message, name.span, "one too many")));
            }
            None => self.columns.push(column),
        }
        Ok(())
    }

    /// The columns that are written, in order.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &SchemaColumn> {
        self.columns.iter().filter(|column| !column.hidden)
    }

    /// The column that is cheapest to carry where none is needed: a flow point's elements have at least one.
    pub(crate) fn spare(&self) -> Option<ColumnId> {
        let cost = |column: &&SchemaColumn| column.ty.words().words();
        self.columns.iter().min_by_key(cost).map(|column| column.id)
    }
}

/// "`a`, `b` and `c`".
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => quoted(one),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|name| quoted(name)).collect();
            format!("{} and {}", most.join(", "), quoted(last))
        }
    }
}
