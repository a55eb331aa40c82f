//! Blocks of text to rows: a kernel that is called once for each block.
//!
//! What a line is, see [`lines`](crate::lines); what is a row, the format says
//! ([`Records`]). Rows are columns of a row buffer, with views into the block. What goes
//! on from one block to the next is in the state of the process, and not here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use cutthrough_ir::{
    ColumnMut, HostContext, HostSig, Kernel, Results, RowsArg, RowsDecl, RowsMut, RowsParam, Scalar, Type,
    Words, panic_text,
};
use memchr::{memchr, memchr_iter};

use crate::bad_rows::BadRows;
use crate::limits::{BLOCK_ROWS_BYTES_MAX, CARRY_BYTES_MAX, SPAN_BLOCK_BYTES_MAX};
use crate::records::{Records, RowCells, Verdict};
use crate::scan::Positions;

/// What [`BlockKernel`] is told as the length of a line that goes on, where the line is
/// too long: the rest of it is skipped.
const SKIPPING: i64 = -1;

/// Parses a stream of blocks, as a kernel:
///
/// ```text
/// (again: bool, block: bytes, carried: i64, number: i64, headers: i64, header: bytes, needs: i64),
/// rows, carry, text, bad lines
///     -> (rows: i64, bad: i64, too_long: i64, carried: i64, number: i64, headers: i64, header: bytes)
/// ```
///
/// The row buffers are the process's. `rows` is given the columns of the lines that are
/// rows, as far as they are needed: bit k of `needs` is for the columns k, k + 64 and so
/// on. `bad lines` is given those that are none: the line, its number, and how many rows
/// come before it. The results say how many there are of each, and how many lines were
/// longer than the bound.
///
/// `carry` has the beginning of a line that goes on, in pieces. `carried` is its length,
/// `number` that of the last line, `headers` how many headers there have been, and `header`
/// the last of them; all four are for the next call. An empty block ends an input: the
/// line that goes on has ended, and lines are numbered from 1 again.
///
/// `text` keeps what the rows are of. When more columns are needed than before, `again` has
/// the same rows parsed once more; of the arguments, only `headers`, `header` and `needs`
/// count then, and the results do not.
#[derive(Debug)]
pub(crate) struct BlockKernel<R> {
    parsing: Parsing<R>,
    /// The carried line, put together.
    line: Vec<u8>,
    /// Where bad rows are noted as well.
    noted: Option<BadRows>,
}

/// What goes on over the lines of one call.
#[derive(Debug)]
struct Parsing<R> {
    records: R,
    positions: Positions,
    line_bytes_max: usize,
    /// Of the line at hand.
    number: i64,
    headers: i64,
    header: Vec<u8>,
    rows: usize,
    too_long: i64,
    bad: Vec<BadLine>,
}

/// A line that is no row.
#[derive(Clone, Copy, Debug)]
struct BadLine {
    /// Where it lies in its text.
    start: usize,
    end: usize,
    /// Whether its text is the carried line, and not the block.
    is_carried: bool,
    number: i64,
    rows_before: usize,
}

impl<R: Records> BlockKernel<R> {
    /// Lines of at most this many bytes.
    pub(crate) fn new(records: R, line_bytes_max: usize, noted: Option<BadRows>) -> BlockKernel<R> {
        BlockKernel {
            parsing: Parsing {
                records,
                positions: Positions::default(),
                line_bytes_max,
                number: 0,
                headers: 0,
                header: Vec::new(),
                rows: 0,
                too_long: 0,
                bad: Vec::new(),
            },
            line: Vec::new(),
            noted,
        }
    }

    /// The signature.
    pub(crate) fn sig(&self) -> HostSig {
        let rows = self.rows().into_iter().map(|decl| RowsParam {
            columns: decl.types().collect(),
            writes: true,
        });
        HostSig {
            name: R::NAME.to_owned(),
            params: [
                &[Type::BOOL, Type::BYTES],
                &[Type::I64; 3][..],
                &[Type::BYTES, Type::I64],
            ]
            .concat(),
            results: [&[Type::I64; 6], &[Type::BYTES][..]].concat(),
            rows: rows.collect(),
        }
    }

    /// The row buffers that it needs, in order.
    pub(crate) fn rows(&self) -> Vec<RowsDecl> {
        let columns = self.parsing.records.columns().iter().copied();
        let bad = [Type::BYTES, Type::I64, Type::I64];
        vec![
            RowsDecl::new("rows", columns, BLOCK_ROWS_BYTES_MAX),
            RowsDecl::new("carry", [Type::BYTES], CARRY_BYTES_MAX),
            RowsDecl::new("text", [Type::BYTES.or_null(), Type::BYTES], BLOCK_ROWS_BYTES_MAX),
            RowsDecl::new("bad lines", bad, BLOCK_ROWS_BYTES_MAX),
        ]
    }

    /// Parses what can be parsed with this block; gives the length of the line that goes on.
    fn parse(
        &mut self,
        block: &[u8],
        mut carried: i64,
        slab: Option<Bytes>,
        rows: &mut [RowsArg<'_>],
    ) -> Result<i64, String> {
        let [rows, carry, kept, bad] = rows else {
            unreachable!("INVARIANT: as the signature says")
        };
        let (rows, carry) = (rows.write(), carry.write());
        let BlockKernel { parsing, line, .. } = self;
        rows.clear();
        let mut append = rows.append(parsing.rows_max(block), slab.clone())?;
        let columns = append.columns();
        let mut text = block;
        let end = memchr(b'\n', block);
        let mut has_line = false;
        if carried != 0 && (end.is_some() || block.is_empty()) {
            let (more, rest) = block.split_at(end.unwrap_or(0));
            let is_too_long = parsing.is_too_long(carried, more);
            line.clear();
            if !is_too_long {
                gather(carry, more, line);
            }
            carry.clear();
            carried = 0;
            text = rest.get(1..).unwrap_or_default();
            has_line = parsing.carried(line, end.is_some(), is_too_long, columns)?;
        }
        let text = parsing.after_header(text);
        let parsed = parsing.block(text, columns)?;
        append.finish(parsing.rows);
        keep(
            kept.write(),
            has_line.then_some(line),
            &text[..parsed],
            slab.clone(),
        )?;
        parsing.give_bad([text, line], slab, bad.write())?;
        if block.is_empty() {
            parsing.number = 0;
        }
        parsing.go_on(carry, carried, &text[parsed..])
    }

    /// Parses once more what was parsed last.
    fn parse_again(&mut self, rows: &mut [RowsArg<'_>]) -> Result<(), String> {
        let [rows, _, kept, ..] = rows else {
            unreachable!("INVARIANT: as the signature says")
        };
        let (rows, parsing) = (rows.write(), &mut self.parsing);
        let kept = kept.rows();
        let bytes = |column| match kept.value(column, 0) {
            Some(Scalar::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        let text = bytes(1).unwrap_or_default();
        rows.clear();
        let mut append = rows.append(parsing.rows_max(text), None)?;
        let columns = append.columns();
        if let Some(line) = bytes(0) {
            parsing.records.sort_by(parsing.headers, &parsing.header)?;
            parsing.line(line, 0, line.len(), true, columns);
        }
        parsing.block(text, columns)?;
        append.finish(parsing.rows);
        Ok(())
    }
}

/// Keeps the carried line, if there is one, and the lines of a block.
fn keep(
    kept: &mut RowsMut<'_>,
    line: Option<&mut Vec<u8>>,
    text: &[u8],
    slab: Option<Bytes>,
) -> Result<(), String> {
    kept.clear();
    let mut append = kept.append(1, slab)?;
    let [carried, lines] = append.columns() else {
        unreachable!("INVARIANT: as it was declared")
    };
    if let Some(line) = line {
        carried.bytes(0, line);
    }
    lines.bytes(0, text);
    append.finish(1);
    Ok(())
}

/// Puts a carried line together.
fn gather(pieces: &RowsMut<'_>, more: &[u8], line: &mut Vec<u8>) {
    for piece in 0..pieces.len() {
        if let Some(Scalar::Bytes(bytes)) = pieces.value(0, piece) {
            line.extend_from_slice(bytes);
        }
    }
    line.extend_from_slice(more);
}

impl<R: Records> Parsing<R> {
    /// How many rows there is to be room for: those that there may be, and the two that
    /// are tried at the beginning and at the end.
    fn rows_max(&self, block: &[u8]) -> usize {
        let lines = memchr_iter(b'\n', block).count();
        lines.min(block.len() / self.records.row_bytes_min()) + 2
    }

    fn is_too_long(&self, carried: i64, more: &[u8]) -> bool {
        usize::try_from(carried).map_or(true, |carried| carried + more.len() > self.line_bytes_max)
    }

    /// Parses the carried line; whether it may be a row.
    fn carried(
        &mut self,
        line: &mut Vec<u8>,
        has_end: bool,
        is_too_long: bool,
        columns: &mut [ColumnMut<'_>],
    ) -> Result<bool, String> {
        self.number += 1;
        if is_too_long {
            self.too_long += 1;
            return Ok(false);
        }
        if has_end && line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.number == 1 && self.records.has_header() {
            self.keep_header(line);
            return Ok(false);
        }
        self.records.sort_by(self.headers, &self.header)?;
        self.line(line, 0, line.len(), true, columns);
        Ok(true)
    }

    /// Takes the header off, if an input begins here with one.
    fn after_header<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        if self.number != 0 || !self.records.has_header() {
            return text;
        }
        let Some(end) = memchr(b'\n', text) else {
            return text;
        };
        self.number = 1;
        let (line, rest) = text.split_at(end);
        if end > self.line_bytes_max {
            self.too_long += 1;
        } else {
            self.keep_header(line.strip_suffix(b"\r").unwrap_or(line));
        }
        &rest[1..]
    }

    /// Parses the lines that end in the text; gives the length of these.
    fn block(&mut self, text: &[u8], columns: &mut [ColumnMut<'_>]) -> Result<usize, String> {
        let mut positions = std::mem::take(&mut self.positions);
        positions.find(text, self.records.structure());
        let parsed = self.lines(text, positions.all(), columns);
        self.positions = positions;
        parsed
    }

    /// Parses the lines of a text whose structure lies at `ends`; gives their length.
    fn lines(
        &mut self,
        text: &[u8],
        mut ends: &[u32],
        columns: &mut [ColumnMut<'_>],
    ) -> Result<usize, String> {
        let line_end = |ends: &[u32]| ends.iter().position(|&end| text[end as usize] == b'\n');
        let (mut start, mut is_sorted) = (0, false);
        loop {
            self.number += 1;
            if !is_sorted
                && line_end(ends).is_some_and(|last| ends[last] as usize - start <= self.line_bytes_max)
            {
                self.records.sort_by(self.headers, &self.header)?;
                is_sorted = true;
            }
            let row = self.rows;
            let mut cells = RowCells { columns, row };
            if let Some(used) = self.records.plain(text, start, ends, &mut cells) {
                let end = ends[used - 1] as usize;
                if end - start <= self.line_bytes_max {
                    self.rows += 1;
                    start = end + 1;
                    ends = &ends[used..];
                    continue;
                }
            }
            cells.clear();
            let Some(last) = line_end(ends) else {
                break;
            };
            let end = ends[last] as usize;
            ends = &ends[last + 1..];
            if end - start > self.line_bytes_max {
                self.too_long += 1;
            } else {
                let is_cr = end > start && text[end - 1] == b'\r';
                self.line(text, start, end - usize::from(is_cr), false, columns);
            }
            start = end + 1;
        }
        self.number -= 1;
        Ok(start)
    }

    fn keep_header(&mut self, line: &[u8]) {
        self.headers += 1;
        self.header.clear();
        self.header.extend_from_slice(line);
    }

    /// Parses the line `text[start..end]`, whatever it is.
    fn line(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        is_carried: bool,
        columns: &mut [ColumnMut<'_>],
    ) {
        let mut cells = RowCells {
            columns,
            row: self.rows,
        };
        match self.records.line(&text[start..end], &mut cells) {
            Verdict::Row => {
                self.rows += 1;
                return;
            }
            Verdict::Nothing => return cells.clear(),
            Verdict::Bad => cells.clear(),
        }
        self.bad.push(BadLine {
            start,
            end,
            is_carried,
            number: self.number,
            rows_before: self.rows,
        });
    }

    /// Gives the bad lines of the text and of the carried line.
    fn give_bad(
        &self,
        [text, carried]: [&[u8]; 2],
        slab: Option<Bytes>,
        into: &mut RowsMut<'_>,
    ) -> Result<(), String> {
        into.clear();
        if self.bad.is_empty() {
            return Ok(());
        }
        let mut append = into.append(self.bad.len(), slab)?;
        let [lines, numbers, rows_before] = append.columns() else {
            unreachable!("INVARIANT: as the signature says")
        };
        for (row, bad) in self.bad.iter().enumerate() {
            let text = if bad.is_carried { carried } else { text };
            lines.bytes(row, &text[bad.start..bad.end]);
            numbers.i64(row, bad.number);
            rows_before.i64(row, bad.rows_before as i64);
        }
        append.finish(self.bad.len());
        Ok(())
    }

    /// Adds to the line that goes on; gives its length.
    fn go_on(&self, carry: &mut RowsMut<'_>, carried: i64, more: &[u8]) -> Result<i64, String> {
        if more.is_empty() {
            return Ok(carried);
        }
        if self.is_too_long(carried, more) {
            carry.clear();
            return Ok(SKIPPING);
        }
        // A copy: it is short, and a view would keep all of the block.
        let mut append = carry.append(1, None)?;
        append.columns()[0].bytes(0, more);
        append.finish(1);
        Ok(carried + more.len() as i64)
    }
}

/// What a call is told.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    is_again: bool,
    block: &'a [u8],
    state: State<'a>,
    needs: i64,
}

/// What one call leaves to the next.
#[derive(Clone, Copy, Debug, Default)]
struct State<'a> {
    carried: i64,
    number: i64,
    headers: i64,
    header: &'a [u8],
}

impl<R: Records> BlockKernel<R> {
    /// Does a call; an error or a panic names the line.
    fn run(
        &mut self,
        call: Call<'_>,
        slab: Option<Bytes>,
        rows: &mut [RowsArg<'_>],
    ) -> Result<State<'_>, String> {
        let Call {
            is_again,
            block,
            state,
            needs,
        } = call;
        let parsing = &mut self.parsing;
        (parsing.number, parsing.headers) = (state.number, state.headers);
        (parsing.rows, parsing.too_long) = (0, 0);
        parsing.bad.clear();
        parsing.header.clear();
        parsing.header.extend_from_slice(state.header);
        parsing.records.need(needs);
        let parse = AssertUnwindSafe(|| match is_again {
            false => self.parse(block, state.carried, slab, rows),
            true => self.parse_again(rows).map(|()| state.carried),
        });
        let panicked = |payload: Box<dyn Any + Send>| Err(format!("panicked: {}", panic_text(&*payload)));
        let outcome = catch_unwind(parse).unwrap_or_else(panicked);
        let carried = outcome.map_err(|why| format!("line {}: {why}", self.parsing.number))?;
        if let (Some(noted), false) = (&self.noted, is_again) {
            noted.note(self.parsing.bad.iter().map(|line| line.number))?;
        }
        Ok(State {
            carried,
            number: self.parsing.number,
            headers: self.parsing.headers,
            header: &self.parsing.header,
        })
    }
}

impl<R: Records> Kernel for BlockKernel<R> {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        let call = Call {
            is_again: args.bool(0),
            block: args.bytes(1),
            state: State {
                carried: args.i64(2),
                number: args.i64(3),
                headers: args.i64(4),
                header: args.bytes(5),
            },
            needs: args.i64(6),
        };
        if call.block.len() > SPAN_BLOCK_BYTES_MAX {
            let length = call.block.len();
            return Err(format!(
                "a block of {length} bytes exceeds the {SPAN_BLOCK_BYTES_MAX} allowed"
            ));
        }
        let State {
            carried,
            number,
            headers,
            ..
        } = self.run(call, context.slab_of(call.block), rows)?;
        let parsing = &self.parsing;
        let counts = [parsing.rows as i64, parsing.bad.len() as i64, parsing.too_long];
        for (k, value) in counts.into_iter().chain([carried, number, headers]).enumerate() {
            results.i64(k, value);
        }
        results.bytes(6, &parsing.header);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
