//! Stages that say which columns there are, and what these are called.

use cutthrough_expr::{ColumnId, LogicalType, Tree};
use cutthrough_formats::json::Path;

use super::Check;
use super::pipeline::PipelineChecker;
use super::types::{Schema, SchemaColumn};
use crate::ast::{Assignment, Expr, ExprKind, Item, Name};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::plan::Op;

impl PipelineChecker<'_, '_> {
    pub(super) fn set(&mut self, assignments: &[Assignment]) -> Check<()> {
        self.columns();
        let mut define = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let (tree, shares) = self.value_with_shares(&assignment.value)?;
            self.total(shares, &mut define);
            let ty = tree.ty();
            let id = self.checker.columns.add(assignment.name.text.as_str(), ty);
            self.checker.columns.follow(id, &tree);
            self.state.schema.set(&assignment.name, id, ty)?;
            define.push((id, tree));
        }
        self.push(Op::Compute(define));
        Ok(())
    }

    pub(super) fn select(&mut self, items: &[Item]) -> Check<()> {
        self.columns();
        let mut define = Vec::new();
        let mut schema = Schema::default();
        for item in items {
            let (tree, shares) = self.value_with_shares(&item.value)?;
            self.total(shares, &mut define);
            self.add_item(&mut schema, item, tree, &mut define)?;
        }
        self.state.schema = schema;
        self.push(Op::Compute(define));
        Ok(())
    }

    /// Adds an item to the schema: a column as it is, or one that is computed.
    pub(super) fn add_item(
        &mut self,
        schema: &mut Schema,
        item: &Item,
        tree: Tree,
        define: &mut Vec<(ColumnId, Tree)>,
    ) -> Check<ColumnId> {
        let name = item
            .name
            .clone()
            .unwrap_or_else(|| default_name(self.checker.source, &item.value));
        if schema.find(&name.text).is_some() {
            let message = format!("two columns are called {}", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, item.span, "the name is taken");
            return Err(Box::new(diagnostic.with_help("give it another: `name = ...`")));
        }
        let ty = tree.ty();
        let id = tree.as_column().unwrap_or_else(|| {
            let id = self.checker.columns.add(name.text.as_str(), ty);
            define.push((id, tree));
            id
        });
        schema.set(&name, id, ty)?;
        Ok(id)
    }

    pub(super) fn drop_columns(&mut self, names: &[Name]) -> Check<()> {
        self.columns();
        for name in names {
            self.column(name)?;
            self.state.schema.hide(&name.text);
        }
        let is_dropped = |column: &SchemaColumn| names.iter().any(|name| *name.text == *column.name);
        self.state.schema.columns.retain(|column| !is_dropped(column));
        if self.state.schema.visible().next().is_none() {
            let diagnostic = Diagnostic::new("this drops every column", self.span, "nothing is left");
            return Err(Box::new(
                diagnostic.with_help("to drop elements, there are `where` and `head`"),
            ));
        }
        self.push(Op::Compute(Vec::new()));
        Ok(())
    }

    pub(super) fn rename(&mut self, names: &[(Name, Name)]) -> Check<()> {
        self.columns();
        for (new, old) in names {
            let (id, ty) = self.column(old)?;
            if new.text != old.text && self.state.schema.find(&new.text).is_some() {
                let message = format!("there is a column {} already", quoted(&new.text));
                let diagnostic = Diagnostic::new(message, new.span, "the name is taken");
                let help = format!("drop it first: `drop {0} | rename {0} = ...`", new.text);
                return Err(Box::new(diagnostic.with_help(help)));
            }
            let columns = &mut self.state.schema.columns;
            let column = columns
                .iter_mut()
                .find(|column| column.id == id && *column.name == *old.text);
            match column {
                Some(column) => (column.name, column.hidden) = (new.text.as_str().into(), false),
                None => self.state.schema.set(new, id, ty)?,
            }
            self.state.schema.hide(&old.text);
        }
        self.push(Op::Compute(Vec::new()));
        Ok(())
    }

    /// The column of a name, which may be a field of a record.
    pub(super) fn column(&mut self, name: &Name) -> Check<(ColumnId, LogicalType)> {
        let schema = &self.state.schema;
        match (schema.named(&name.text), schema.open_for(&name.text)) {
            (None, Some(record)) => {
                let path = Path::key(&name.text);
                self.checker.columns.open(record, &path, None, name.span)
            }
            _ => schema.column(name).map(|column| (column.id, column.ty)),
        }
    }
}

/// What a call is called: its words with `_` between, as in `max_bytes` for `max(bytes)`.
fn call_name(text: &str) -> String {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name = words.join("_");
    name.truncate(name.floor_char_boundary(limits::NAME_BYTES_MAX));
    name
}

/// What a result is called that is given no name: a column's own, that of a call, or the text of the expression, without backquotes
/// and without blanks where they part no words.
pub(super) fn default_name(source: &str, value: &Expr) -> Name {
    if let ExprKind::Name(name) = &value.kind {
        return name.clone();
    }
    if let ExprKind::Call { .. } = &value.kind {
        return Name {
            text: call_name(value.span.text(source)),
            span: value.span,
        };
    }
    let mut text = String::new();
    let mut quote = None;
    let mut pending = false;
    let mut characters = value.span.text(source).chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (_, Some(end)) => {
                if c == end {
                    quote = None;
                }
                if c == '`' {
                    continue;
                }
            }
            ('#', None) => {
                characters.by_ref().find(|&c| c == '\n');
                pending = true;
                continue;
            }
            _ if c.is_whitespace() => {
                pending = true;
                continue;
            }
            ('`' | '"' | '\'', None) => quote = Some(c),
            _ => {}
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if std::mem::take(&mut pending) && is_word(c) && text.ends_with(is_word) {
            text.push(' ');
        }
        if c != '`' {
            text.push(c);
        }
    }
    if text.len() > limits::NAME_BYTES_MAX {
        text.truncate(text.floor_char_boundary(limits::NAME_BYTES_MAX));
    }
    Name {
        text,
        span: value.span,
    }
}
