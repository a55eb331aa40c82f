//! Records without quotes, of short numbers: most of them.

use super::{CsvRecords, Slot, parse_bool};
use cutthrough_expr::LogicalKind;

use crate::number::{f64_at, i64_at};
use crate::records::Cells;
use crate::time::{parse_duration, parse_time};

impl CsvRecords {
    /// See [`Records::plain`](crate::records::Records::plain): each field ends where the
    /// structure says.
    #[inline]
    pub(super) fn plain_row<'a>(
        &self,
        block: &'a [u8],
        start: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        let (last, fields) = self.puts.split_last()?;
        let (&line_end, ends) = ends.get(..self.puts.len())?.split_last()?;
        let mut from = start;
        for (slot, &end) in fields.iter().zip(ends) {
            let to = end as usize;
            if block[to] != self.sep {
                return None;
            }
            slot.put_plain(block, from, to, cells)?;
            from = to + 1;
        }
        let mut to = line_end as usize;
        if block[to] != b'\n' {
            return None;
        }
        if block[from..to].ends_with(b"\r") {
            to -= 1;
            if block[from..to].ends_with(b"\r") {
                return None;
            }
        }
        last.put_plain(block, from, to, cells)?;
        Some(self.puts.len())
    }
}

impl Slot {
    /// Puts the field at `block[from..to]`, which is not quoted. None for one that is
    /// unusual, and may be bad.
    #[inline]
    fn put_plain<'a>(
        self,
        block: &'a [u8],
        from: usize,
        to: usize,
        cells: &mut impl Cells<'a>,
    ) -> Option<()> {
        if from == to && (self.ty.nullable || self.ty.kind == LogicalKind::Text) {
            return Some(());
        }
        match (self.ty.kind, self.column) {
            (LogicalKind::Text, None) => {}
            (LogicalKind::Text, Some(column)) => cells.bytes(column, &block[from..to]),
            (LogicalKind::Json, _) => return None,
            (LogicalKind::Int | LogicalKind::Time | LogicalKind::Duration, column) => {
                let value = match self.ty.kind {
                    LogicalKind::Time => parse_time(&block[from..to])?,
                    LogicalKind::Duration => parse_duration(&block[from..to])?,
                    _ => i64_at(block, from, to)?,
                };
                if let Some(column) = column {
                    cells.i64(column, value);
                }
            }
            (LogicalKind::Float, column) => {
                let value = f64_at(block, from, to)?;
                if let Some(column) = column {
                    cells.f64(column, value);
                }
            }
            (LogicalKind::Bool, column) => {
                let value = parse_bool(&block[from..to])?;
                if let Some(column) = column {
                    cells.bool(column, value);
                }
            }
        }
        Some(())
    }
}
