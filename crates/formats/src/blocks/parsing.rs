//! The records of a text, one after another.

use bytes::Bytes;
use cutthrough_ir::{ColumnMut, RowsMut};
use memchr::memchr_iter;

use super::Carried;
use crate::lines::{BYTE_ORDER_MARK, marks_len};
use crate::records::{Cut, Line, Open, Records, RowCells, Verdict};

/// What goes on over the records of one call.
#[derive(Debug)]
pub(super) struct Parsing<R> {
    pub(super) records: R,
    record_bytes_max: usize,
    /// Whether rows have their numbers behind their columns.
    pub(super) has_number: bool,
    /// How many lines there are before the record at hand.
    pub(super) number: i64,
    pub(super) headers: i64,
    pub(super) header: Vec<u8>,
    pub(super) rows: usize,
    pub(super) too_long: i64,
    pub(super) bad: Vec<BadRow>,
}

/// A record that is no row.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadRow {
    /// Where it lies in its text.
    start: usize,
    end: usize,
    /// Whether its text is what was put together, and not the block.
    pub(super) is_joined: bool,
    pub(super) number: i64,
    rows_before: usize,
}

/// What a block is to what is carried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Join {
    /// Nothing is carried.
    Apart,
    /// All of it belongs to the record, which goes on.
    GoesOn(Begun),
    /// The record is to be put together with the block up to here.
    With { end: usize, used: usize },
    /// Up to here, the block belongs to a record that is too long.
    Skipped { end: usize, used: usize },
}

/// What there is of a record that does not end in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// There is none.
    No,
    /// This is known of it.
    Open(Open),
    /// It is too long.
    TooLong,
}

/// What was parsed of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed {
    /// Where its rows lie.
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many lines there are before them.
    pub(super) number: i64,
    /// What comes after them.
    pub(super) begun: Begun,
}

/// What a text goes on with.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A record.
    Record(Extent),
    /// A record that is too long.
    TooLong(Extent),
    /// A record that does not end there, after so many lines that do.
    Begun(Begun, usize),
}

/// How far a record goes.
#[derive(Clone, Copy, Debug)]
struct Extent {
    /// Where its line end is, or the end of the text.
    end: usize,
    /// How much there is of the structure, the line end included.
    used: usize,
    /// How many lines end within.
    lines: usize,
}

/// The number of line ends in a piece of structure.
fn line_ends(text: &[u8], ends: &[u32]) -> usize {
    ends.iter().filter(|&&end| text[end as usize] == b'\n').count()
}

/// Where the structure has a line end.
fn line_end(text: &[u8], ends: &[u32]) -> Option<usize> {
    ends.iter().position(|&end| text[end as usize] == b'\n')
}

impl<R: Records> Parsing<R> {
    pub(super) fn new(records: R, record_bytes_max: usize, has_number: bool) -> Parsing<R> {
        Parsing {
            records,
            record_bytes_max,
            has_number,
            number: 0,
            headers: 0,
            header: Vec::new(),
            rows: 0,
            too_long: 0,
            bad: Vec::new(),
        }
    }

    /// How many rows there is to be room for: those that there may be, and the two that
    /// are tried at the beginning and at the end.
    pub(super) fn rows_max(&self, text: &[u8]) -> usize {
        let lines = memchr_iter(b'\n', text).count();
        lines.min(text.len() / self.records.row_bytes_min()) + 2
    }

    /// What a block is to what is carried.
    pub(super) fn join(&mut self, carried: Carried, block: &[u8], ends: &[u32]) -> Join {
        let Ok(length) = usize::try_from(carried.length) else {
            return self.skip(block, ends);
        };
        if length == 0 {
            return Join::Apart;
        }
        let all = Join::With {
            end: block.len(),
            used: ends.len(),
        };
        // What is a part of a mark was taken for a part of the record.
        if self.number == 0 && length < BYTE_ORDER_MARK.len() {
            return all;
        }
        let limit = (self.record_bytes_max + 1 - length).min(block.len());
        match self.records.cut(&block[..limit], 0, ends, carried.open) {
            Cut::Ends(line) => Join::With {
                end: ends[line.used - 1] as usize + 1,
                used: line.used,
            },
            Cut::Open(open, _) if !block.is_empty() && length + block.len() <= self.record_bytes_max => {
                Join::GoesOn(Begun::Open(open))
            }
            Cut::Open(..) | Cut::Unclosed(_) => all,
        }
    }

    /// Skips the rest of a line that is too long.
    fn skip(&mut self, block: &[u8], ends: &[u32]) -> Join {
        let line_end = line_end(block, ends);
        if line_end.is_none() && !block.is_empty() {
            return Join::GoesOn(Begun::TooLong);
        }
        self.number += 1;
        self.too_long += 1;
        let used = line_end.map_or(0, |before| before + 1);
        let end = line_end.map_or(0, |before| ends[before] as usize + 1);
        Join::Skipped { end, used }
    }

    /// Parses the records that end in `text[start..]`, after the header if its input begins there. `ends` says where
    /// structure lies from there on. If it is the last of its input, all records end.
    pub(super) fn text(
        &mut self,
        text: &[u8],
        mut start: usize,
        mut ends: &[u32],
        is_last: bool,
        columns: &mut [ColumnMut<'_>],
    ) -> Result<Parsed, String> {
        if self.number == 0 {
            start += marks_len(&text[start..]);
        }
        if self.number == 0 && self.records.has_header() && start < text.len() {
            let extent = match self.next(text, start, ends, is_last) {
                Next::Record(extent) => {
                    self.headers += 1;
                    self.header.clear();
                    self.header.extend_from_slice(record_of(text, start, extent));
                    extent
                }
                Next::TooLong(extent) => {
                    self.too_long += 1;
                    extent
                }
                Next::Begun(begun, lines) => {
                    self.number += lines as i64;
                    let (end, number) = (start, self.number);
                    return Ok(Parsed {
                        start,
                        end,
                        number,
                        begun,
                    });
                }
            };
            self.number += extent.lines as i64 + 1;
            start = extent.after(text);
            ends = &ends[extent.used..];
        }
        let number = self.number;
        let (end, begun) = self.records(text, start, ends, is_last, columns)?;
        Ok(Parsed {
            start,
            end,
            number,
            begun,
        })
    }

    /// The same where no header comes; gives where what is left begins, and what it is.
    pub(super) fn records(
        &mut self,
        text: &[u8],
        mut start: usize,
        mut ends: &[u32],
        is_last: bool,
        columns: &mut [ColumnMut<'_>],
    ) -> Result<(usize, Begun), String> {
        let mut is_sorted = false;
        while start < text.len() {
            let row = self.rows;
            let mut cells = RowCells { columns, row };
            if is_sorted && let Some(used) = self.records.plain(text, start, ends, &mut cells) {
                let end = ends[used - 1] as usize;
                if end - start <= self.record_bytes_max {
                    if self.has_number {
                        cells.number(self.number + 1);
                    }
                    self.rows += 1;
                    self.number += 1;
                    start = end + 1;
                    ends = &ends[used..];
                    continue;
                }
            }
            cells.clear();
            let extent = match self.next(text, start, ends, is_last) {
                Next::Record(..) if !is_sorted => {
                    self.records.sort_by(self.headers, &self.header)?;
                    is_sorted = true;
                    continue;
                }
                Next::Record(extent) => {
                    self.record(text, start, extent, columns);
                    extent
                }
                Next::TooLong(extent) => {
                    self.too_long += 1;
                    extent
                }
                Next::Begun(begun, lines) => {
                    self.number += lines as i64;
                    return Ok((start, begun));
                }
            };
            self.number += extent.lines as i64 + 1;
            start = extent.after(text);
            ends = &ends[extent.used..];
        }
        Ok((start, Begun::No))
    }

    /// What `text[start..]` goes on with.
    fn next(&self, text: &[u8], start: usize, ends: &[u32], is_last: bool) -> Next {
        // With the end of its line, a record may go to here.
        let limit = (start + self.record_bytes_max + 1).min(text.len());
        let is_beyond = text.len() - start > self.record_bytes_max;
        let of_quote = match self.records.cut(&text[..limit], start, ends, Open::default()) {
            Cut::Ends(line) => return Next::Record(Extent::of(line, ends)),
            Cut::Open(open, _) if !is_last && !is_beyond => return Next::Begun(Begun::Open(open), 0),
            Cut::Open(_, line) | Cut::Unclosed(line) => line,
        };
        if let Some(line) = of_quote {
            return Next::Record(Extent::of(line, ends));
        }
        if !is_beyond {
            let (end, used, lines) = (text.len(), ends.len(), line_ends(text, ends));
            return Next::Record(Extent { end, used, lines });
        }
        let within = ends.partition_point(|&end| (end as usize) < limit);
        let lines = line_ends(text, &ends[..within]);
        match line_end(text, &ends[within..]) {
            Some(before) => {
                let used = within + before + 1;
                Next::TooLong(Extent::of(Line { used, lines }, ends))
            }
            None if is_last => Next::TooLong(Extent {
                end: text.len(),
                used: ends.len(),
                lines,
            }),
            None => Next::Begun(Begun::TooLong, lines),
        }
    }

    /// Parses a record, whatever it is.
    fn record(&mut self, text: &[u8], start: usize, extent: Extent, columns: &mut [ColumnMut<'_>]) {
        let mut cells = RowCells {
            columns,
            row: self.rows,
        };
        let record = record_of(text, start, extent);
        match self.records.line(record, &mut cells) {
            Verdict::Row => {
                if self.has_number {
                    cells.number(self.number + 1);
                }
                self.rows += 1;
                return;
            }
            Verdict::Nothing => return cells.clear(),
            Verdict::Bad => cells.clear(),
        }
        self.bad.push(BadRow {
            start,
            end: start + record.len(),
            is_joined: false,
            number: self.number + 1,
            rows_before: self.rows,
        });
    }

    /// Gives the bad rows of the block and of what was put together.
    pub(super) fn give_bad(
        &self,
        [block, joined]: [&[u8]; 2],
        slab: Option<Bytes>,
        into: &mut RowsMut<'_>,
    ) -> Result<(), String> {
        if self.bad.is_empty() {
            return Ok(());
        }
        let mut append = into.append(self.bad.len(), slab)?;
        let [records, numbers, rows_before] = append.columns() else {
            unreachable!("INVARIANT: as the signature says")
        };
        for (row, bad) in self.bad.iter().enumerate() {
            let text = if bad.is_joined { joined } else { block };
            records.bytes(row, &text[bad.start..bad.end]);
            numbers.i64(row, bad.number);
            rows_before.i64(row, bad.rows_before as i64);
        }
        append.finish(self.bad.len());
        Ok(())
    }
}

impl Extent {
    /// Up to the end of a line.
    fn of(Line { used, lines }: Line, ends: &[u32]) -> Extent {
        let end = ends[used - 1] as usize;
        Extent { end, used, lines }
    }

    /// Where the next record begins.
    fn after(self, text: &[u8]) -> usize {
        text.len().min(self.end + 1)
    }
}

/// A record without the end of its last line.
fn record_of(text: &[u8], start: usize, extent: Extent) -> &[u8] {
    let record = &text[start..extent.end];
    match extent.end == text.len() {
        true => record,
        false => record.strip_suffix(b"\r").unwrap_or(record),
    }
}
