//! Records of one line, in which no quotes are doubled, of short numbers: most of them.

use super::{CsvRecords, Slot, parse_bool};
use cutthrough_expr::LogicalKind;
use memchr::memchr;

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
        let (&line_end, field_ends) = ends.get(..self.puts.len())?.split_last()?;
        let mut from = start;
        for (k, (slot, &end)) in fields.iter().zip(field_ends).enumerate() {
            let to = end as usize;
            if block[to] != self.sep {
                return self.quoted_row(block, from, k, ends, cells);
            }
            slot.put_plain(block, from, to, cells)?;
            from = to + 1;
        }
        let to = line_end as usize;
        if block[to] != b'\n' {
            return self.quoted_row(block, from, fields.len(), ends, cells);
        }
        last.put_plain(block, from, without_return(block, from, to)?, cells)?;
        Some(self.puts.len())
    }

    /// The same from the field `first` on, which begins at `from` and may be in quotes; before it, there are none.
    fn quoted_row<'a>(
        &self,
        block: &'a [u8],
        mut from: usize,
        first: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        let mut used = first;
        let last = self.puts.len() - 1;
        for (k, slot) in self.puts.iter().enumerate().skip(first) {
            let mut to = *ends.get(used)? as usize;
            let quote = (block[to] == b'"').then_some(to);
            if let Some(quote) = quote {
                used += 1;
                while block[*ends.get(used)? as usize] == self.sep {
                    used += 1;
                }
                let close = ends[used] as usize;
                used += 1;
                to = *ends.get(used)? as usize;
                let is_return = k == last && to == close + 2 && block[close + 1] == b'\r';
                if quote != from || block[close] != b'"' || to != close + 1 && !is_return {
                    return None;
                }
                slot.put_plain_quoted(block, quote + 1, close, cells)?;
            }
            if block[to] != if k == last { b'\n' } else { self.sep } {
                return None;
            }
            match quote {
                Some(_) => {}
                None if k == last => {
                    slot.put_plain(block, from, without_return(block, from, to)?, cells)?;
                }
                None => slot.put_plain(block, from, to, cells)?,
            }
            used += 1;
            from = to + 1;
        }
        Some(used)
    }
}

/// Where a line ends, that of its `\r` taken off; none where there are two.
fn without_return(block: &[u8], from: usize, to: usize) -> Option<usize> {
    match block[from..to] {
        [.., b'\r', b'\r'] => None,
        [.., b'\r'] => Some(to - 1),
        _ => Some(to),
    }
}

impl Slot {
    /// Puts what is at `block[from..to]` between quotes. None where that is unusual, and may be bad.
    fn put_plain_quoted<'a>(
        self,
        block: &'a [u8],
        from: usize,
        to: usize,
        cells: &mut impl Cells<'a>,
    ) -> Option<()> {
        if from == to && self.ty.kind == LogicalKind::Text {
            if let Some(column) = self.column {
                cells.bytes(column, b"");
            }
            return Some(());
        }
        self.put_plain(block, from, to, cells)
    }

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
            (LogicalKind::Text, Some(_)) if self.has_escapes && memchr(b'\\', &block[from..to]).is_some() => {
                return None;
            }
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
