//! What was found of a document, as columns.

use cutthrough_expr::{LogicalKind, LogicalType};

use super::document::{Found, What, compact};
use super::path::Path;
use super::text::unescape;
use crate::number::{f64_at, parse_f64, parse_i64};
use crate::records::Cells;
use crate::time::{parse_duration, parse_time};

/// A column: where in a record its value is, and what that may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Where it is.
    pub path: Path,
    /// What it may be: an `int` is a number that is written as an integer, a `float` any number; a `time` and a
    /// `duration` are strings, by ISO 8601. If it is nullable, it may be `null` or missing.
    pub ty: LogicalType,
}

impl Column {
    /// Puts what was found; whether it is of the column's kind. None where its bytes are not those of the text.
    #[inline]
    pub(super) fn put<'a>(
        &self,
        text: &'a [u8],
        found: &Found,
        cell: Option<usize>,
        cells: &mut impl Cells<'a>,
    ) -> Option<bool> {
        let Found { what, start, end } = *found;
        match (self.ty.kind, what) {
            (_, What::Missing | What::Null) => return Some(self.ty.nullable),
            (LogicalKind::Int, What::Int(value)) => {
                if let Some(cell) = cell {
                    cells.i64(cell, value);
                }
            }
            (LogicalKind::Int, What::Whole) => {
                let Some(value) = parse_i64(&text[start..end]) else {
                    return Some(false);
                };
                if let Some(cell) = cell {
                    cells.i64(cell, value);
                }
            }
            (LogicalKind::Float, What::Int(_) | What::Whole | What::Fraction) => {
                if let Some(cell) = cell {
                    cells.f64(cell, double(text, found)?);
                }
            }
            (LogicalKind::Time | LogicalKind::Duration, What::Text { has_escapes: false }) => {
                let text = &text[start..end];
                let value = match self.ty.kind {
                    LogicalKind::Time => parse_time(text),
                    _ => parse_duration(text),
                };
                let Some(value) = value else {
                    return Some(false);
                };
                if let Some(cell) = cell {
                    cells.i64(cell, value);
                }
            }
            (LogicalKind::Bool, What::Bool(value)) => {
                if let Some(cell) = cell {
                    cells.bool(cell, value);
                }
            }
            (LogicalKind::Text, What::Text { .. }) | (LogicalKind::Json, _) => {
                if let Some(cell) = cell {
                    if self.is_made(found) {
                        return None;
                    }
                    let is_quoted = self.ty.kind == LogicalKind::Json && matches!(what, What::Text { .. });
                    let quotes = usize::from(is_quoted);
                    cells.bytes(cell, &text[start - quotes..end + quotes]);
                }
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// Whether the bytes of the column are not those of the text.
    pub(super) fn is_made(&self, found: &Found) -> bool {
        match (self.ty.kind, found.what) {
            (LogicalKind::Text, What::Text { has_escapes }) => has_escapes,
            (LogicalKind::Json, What::Nested { has_blanks }) => has_blanks,
            _ => false,
        }
    }

    /// Puts what [`put`](Column::put) does not: bytes made of those of the text, of which there are as many at most.
    pub(super) fn put_made<'a>(
        &self,
        text: &[u8],
        found: &Found,
        cell: usize,
        cells: &mut impl Cells<'a>,
        spare: &mut &'a mut [u8],
    ) {
        let text = &text[found.start..found.end];
        let (out, rest) = std::mem::take(spare).split_at_mut(text.len());
        *spare = rest;
        let length = match self.ty.kind {
            LogicalKind::Json => compact(text, out),
            _ => unescape(text, out),
        };
        cells.bytes(cell, &out[..length]);
    }
}

#[inline]
fn double(text: &[u8], found: &Found) -> Option<f64> {
    match found.what {
        What::Int(value) => Some(value as f64),
        _ => f64_at(text, found.start, found.end).or_else(|| parse_f64(&text[found.start..found.end])),
    }
}
