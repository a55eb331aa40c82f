//! Columns of which the sample has no value: they are of the kind that the program first expects of them.
//!
//! A check notes what is expected of such a column, or of one that is computed as it is (`max(n)`), wherever it is named.
//! If that is new, the program is checked again, knowing it; so what a column is does not depend on how much of the
//! program comes before the place that tells. What nothing is expected of is what the format says.

use std::collections::HashMap;
use std::sync::Arc;

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, Tree};

use super::types::Columns;
use crate::span::Span;

/// A column of a `parse`: the place of that, and the name.
type Key = (Span, Arc<str>);

/// What is expected of columns that have no values in the sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// Whether there may be another check.
    is_noted: bool,
    kinds: HashMap<Key, LogicalKind>,
    /// Those of which nothing was expected before this check.
    open: HashMap<ColumnId, Key>,
}

impl Expected {
    /// Nothing is expected yet.
    pub(super) fn nothing() -> Expected {
        Expected {
            is_noted: true,
            ..Expected::default()
        }
    }

    /// How many columns something is expected of.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// The same for another check.
    pub(super) fn into_next(mut self) -> Expected {
        self.open.clear();
        self
    }
}

impl Columns {
    /// None yet, of a program of which this is expected.
    pub(super) fn expecting(expected: Expected) -> Columns {
        let mut columns = Columns::default();
        columns.expected = expected;
        columns
    }

    /// The kind that is expected of a column of the `parse` at this place.
    pub(super) fn kind_of_unseen(&self, place: Span, name: &str) -> Option<LogicalKind> {
        self.expected.kinds.get(&(place, name.into())).copied()
    }

    /// Notes a column of which nothing is known.
    pub(super) fn add_unseen(&mut self, id: ColumnId, place: Span, name: &str) {
        if self.expected.is_noted {
            self.expected.open.insert(id, (place, name.into()));
        }
    }

    /// Notes what is expected of a column; its type then, if nothing else was known of it.
    pub(super) fn expect(&mut self, id: ColumnId, kind: LogicalKind) -> Option<LogicalType> {
        let key = self.expected.open.get(&id)?;
        let kind = *self.expected.kinds.entry(key.clone()).or_insert(kind);
        Some(LogicalType::new(kind).or_null())
    }

    /// Notes that a column has values of another one, if it is computed so.
    pub(super) fn follow(&mut self, id: ColumnId, value: &Tree) {
        let key = value
            .as_column()
            .and_then(|column| self.expected.open.get(&column));
        if let Some(key) = key.cloned() {
            self.expected.open.insert(id, key);
        }
    }
}
