//! What was found of a document, as columns.

use cutthrough_ir::Type;

use super::document::{Found, What, compact};
use super::path::Path;
use super::text::unescape;
use crate::number::{f64_at, parse_f64, parse_i64};
use crate::records::Cells;

/// A column: where in a record its value is, and what that may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Where it is.
    pub path: Path,
    /// What it may be.
    pub kind: ColumnKind,
    /// Whether it may be `null` or missing, both of which are absent then.
    pub nullable: bool,
}

/// What the values of a column may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// A number that is written as an integer, of 64 bits with sign.
    Int,
    /// A number, as the nearest double.
    Float,
    /// `true` or `false`.
    Bool,
    /// A string, without its escapes.
    Text,
    /// Any value, as its text without blanks.
    Json,
}

impl Column {
    /// The type of the column.
    pub fn ty(&self) -> Type {
        let ty = match self.kind {
            ColumnKind::Int => Type::I64,
            ColumnKind::Float => Type::F64,
            ColumnKind::Bool => Type::BOOL,
            ColumnKind::Text | ColumnKind::Json => Type::BYTES,
        };
        if self.nullable { ty.or_null() } else { ty }
    }

    /// Puts what was found; whether it is of the column's kind. None where its bytes are not those of the text.
    #[inline]
    pub(super) fn put<'a>(
        &self,
        text: &'a [u8],
        found: Found,
        cell: Option<usize>,
        cells: &mut impl Cells<'a>,
    ) -> Option<bool> {
        let Found { what, start, end } = found;
        match (self.kind, what) {
            (_, What::Missing | What::Null) => return Some(self.nullable),
            (ColumnKind::Int, What::Int(value)) => {
                if let Some(cell) = cell {
                    cells.i64(cell, value);
                }
            }
            (ColumnKind::Int, What::Whole) => {
                let Some(value) = parse_i64(&text[start..end]) else {
                    return Some(false);
                };
                if let Some(cell) = cell {
                    cells.i64(cell, value);
                }
            }
            (ColumnKind::Float, What::Int(_) | What::Whole | What::Fraction) => {
                if let Some(cell) = cell {
                    cells.f64(cell, double(text, found)?);
                }
            }
            (ColumnKind::Bool, What::Bool(value)) => {
                if let Some(cell) = cell {
                    cells.bool(cell, value);
                }
            }
            (ColumnKind::Text, What::Text { .. }) | (ColumnKind::Json, _) => {
                if let Some(cell) = cell {
                    if self.is_made(found) {
                        return None;
                    }
                    let is_quoted = self.kind == ColumnKind::Json && matches!(what, What::Text { .. });
                    let quotes = usize::from(is_quoted);
                    cells.bytes(cell, &text[start - quotes..end + quotes]);
                }
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// Whether the bytes of the column are not those of the text.
    pub(super) fn is_made(&self, found: Found) -> bool {
        match (self.kind, found.what) {
            (ColumnKind::Text, What::Text { has_escapes }) => has_escapes,
            (ColumnKind::Json, What::Nested { has_blanks }) => has_blanks,
            _ => false,
        }
    }

    /// Puts what [`put`](Column::put) does not: bytes made of those of the text, of which there are as many at most.
    pub(super) fn put_made<'a>(
        &self,
        text: &[u8],
        found: Found,
        cell: usize,
        cells: &mut impl Cells<'a>,
        spare: &mut &'a mut [u8],
    ) {
        let text = &text[found.start..found.end];
        let (out, rest) = std::mem::take(spare).split_at_mut(text.len());
        *spare = rest;
        let length = match self.kind {
            ColumnKind::Json => compact(text, out),
            _ => unescape(text, out),
        };
        cells.bytes(cell, &out[..length]);
    }
}

#[inline]
fn double(text: &[u8], found: Found) -> Option<f64> {
    match found.what {
        What::Int(value) => Some(value as f64),
        _ => f64_at(text, found.start, found.end).or_else(|| parse_f64(&text[found.start..found.end])),
    }
}
