//! Blocks of text to rows: a kernel that is called once for each block.
//!
//! Where a record ends and whether it is a row, the format says ([`Records`]); most records are
//! [lines](crate::lines). Rows are columns of a row buffer, with views into the block. What goes
//! on from one block to the next is in the state of the process, and not here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use cutthrough_ir::{
    HostContext, HostSig, Kernel, Results, RowsArg, RowsDecl, RowsMut, RowsParam, Scalar, Type, Words,
    panic_text,
};

use crate::bad_rows::BadRows;
use crate::limits::{BLOCK_ROWS_BYTES_MAX, CARRY_BYTES_MAX, SPAN_BLOCK_BYTES_MAX};
use crate::marks::{InputName, Marks};
use crate::records::{Open, Records};
use crate::scan::Positions;

use parsing::{Begun, Join, Parsing};

mod parsing;

/// Parses a stream of blocks, as a kernel:
///
/// ```text
/// (again: bool, block: bytes, carried: i64, open: i64, number: i64, headers: i64, header: bytes, needs: i64),
/// rows, carry, text, bad rows
///     -> (rows: i64, bad: i64, too_long: i64, carried: i64, open: i64, number: i64, headers: i64, header: bytes)
/// ```
///
/// If it is told to mark rows, these have the number of their line as last column, and the last result is the name of
/// their input.
///
/// The row buffers are the process's. `rows` is given the columns of the records that are
/// rows, as far as they are needed: bit k of `needs` is for the columns k, k + 64 and so
/// on. `bad rows` is given those that are none: the record, the number of its line, and how many rows
/// come before it. The results say how many there are of each, and how many records were
/// longer than the bound.
///
/// `carry` has the beginning of a record that goes on, in pieces. `carried` is its length, `open` what the format
/// knows of it ([`Open`]), `number` that of the line before it, `headers` how many headers there have been, and
/// `header` the last of them; all five are for the next call. An empty block ends an input: the
/// record that goes on has ended, and lines are numbered from 1 again. What an input begins with is no
/// [mark of the byte order](BYTE_ORDER_MARK).
///
/// `text` keeps what the rows are of. When more columns are needed than before, `again` has
/// the same rows parsed once more; of the arguments, only `headers`, `header` and `needs`
/// count then, and the results do not.
#[derive(Debug)]
pub(crate) struct BlockKernel<R> {
    parsing: Parsing<R>,
    /// Of the block, and of what is put together.
    positions: [Positions; 2],
    /// A carried record, put together with what comes after it.
    joined: Vec<u8>,
    /// Where bad rows are noted as well.
    noted: Option<BadRows>,
    input: Option<InputName>,
    /// What the input of the last rows is called.
    name: Option<String>,
}

/// What goes on from one block to the next of a record whose end has not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Carried {
    /// Its length, or [`SKIPPING`]; 0 where there is none.
    length: i64,
    open: Open,
}

/// The length of a record that is too long: the rest of its line is skipped.
const SKIPPING: i64 = -1;

impl<R: Records> BlockKernel<R> {
    /// Records of at most this many bytes.
    pub(crate) fn new(
        records: R,
        record_bytes_max: usize,
        noted: Option<BadRows>,
        marks: Marks,
    ) -> BlockKernel<R> {
        BlockKernel {
            parsing: Parsing::new(records, record_bytes_max, marks.has_number),
            positions: <[Positions; 2]>::default(),
            joined: Vec::new(),
            noted,
            input: marks.input,
            name: None,
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
                &[Type::I64; 4][..],
                &[Type::BYTES, Type::I64],
            ]
            .concat(),
            results: [&[Type::I64; 7], &[Type::BYTES][..], self.input_column()].concat(),
            rows: rows.collect(),
        }
    }

    /// The last result, where it is told to give it.
    fn input_column(&self) -> &[Type] {
        const NAME: &[Type] = &[Type::BYTES.or_null()];
        match self.input {
            Some(_) => NAME,
            None => &[],
        }
    }

    /// The row buffers that it needs, in order.
    pub(crate) fn rows(&self) -> Vec<RowsDecl> {
        let numbers =
            |count: usize| std::iter::repeat_n(Type::I64, count * usize::from(self.parsing.has_number));
        let columns = self.parsing.records.columns().iter().copied().chain(numbers(1));
        let text = [Type::BYTES, Type::BYTES].into_iter().chain(numbers(2));
        let bad = [Type::BYTES, Type::I64, Type::I64];
        vec![
            RowsDecl::new("rows", columns, BLOCK_ROWS_BYTES_MAX),
            RowsDecl::new("carry", [Type::BYTES], CARRY_BYTES_MAX),
            RowsDecl::new("text", text, BLOCK_ROWS_BYTES_MAX),
            RowsDecl::new("bad rows", bad, BLOCK_ROWS_BYTES_MAX),
        ]
    }

    /// Parses what can be parsed with this block; gives what goes on.
    fn parse(
        &mut self,
        block: &[u8],
        carried: Carried,
        slab: Option<Bytes>,
        rows: &mut [RowsArg<'_>],
    ) -> Result<Carried, String> {
        let [rows, carry, kept, bad] = rows else {
            unreachable!("INVARIANT: as the signature says")
        };
        let [rows, carry, kept, bad] = [rows, carry, kept, bad].map(RowsArg::write);
        rows.clear();
        kept.clear();
        bad.clear();
        let BlockKernel {
            parsing,
            positions: [of_block, of_joined],
            joined,
            ..
        } = self;
        joined.clear();
        of_block.find(block, parsing.records.structure());
        let (start, ends) = match parsing.join(carried, block, of_block.all()) {
            Join::Apart => (0, of_block.all()),
            Join::GoesOn(begun) => return go_on(carry, carried.length, block, begun),
            Join::Skipped { end, used } => (end, &of_block.all()[used..]),
            Join::With { end, used } => {
                gather(carry, &block[..end], joined);
                (end, &of_block.all()[used..])
            }
        };
        carry.clear();
        of_joined.find(joined, parsing.records.structure());
        let rows_max = parsing.rows_max(joined) + parsing.rows_max(&block[start..]);
        let mut append = rows.append(rows_max, slab.clone())?;
        let is_last = block.is_empty();
        let first = parsing.text(joined, 0, of_joined.all(), is_last, append.columns())?;
        parsing.bad.iter_mut().for_each(|bad| bad.is_joined = true);
        let rest = parsing.text(block, start, ends, is_last, append.columns())?;
        append.finish(parsing.rows);
        let texts = [&joined[first.start..first.end], &block[rest.start..rest.end]];
        keep(kept, texts, [first.number, rest.number], slab.clone())?;
        parsing.give_bad([block, joined], slab, bad)?;
        match rest.begun {
            Begun::No => go_on(carry, 0, &joined[first.end..], first.begun),
            begun => go_on(carry, 0, &block[rest.end..], begun),
        }
    }

    /// Parses once more what was parsed last.
    fn parse_again(&mut self, rows: &mut [RowsArg<'_>]) -> Result<(), String> {
        let [rows, _, kept, ..] = rows else {
            unreachable!("INVARIANT: as the signature says")
        };
        let (rows, kept) = (rows.write(), kept.rows());
        let texts = [0, 1].map(|column| match kept.value(column, 0) {
            Some(Scalar::Bytes(bytes)) => bytes,
            _ => b"",
        });
        let numbers = [2, 3].map(
            |column| match self.parsing.has_number.then(|| kept.value(column, 0)) {
                Some(Some(Scalar::I64(number))) => number,
                _ => 0,
            },
        );
        let BlockKernel {
            parsing,
            positions: [positions, _],
            ..
        } = self;
        rows.clear();
        let rows_max = texts.iter().map(|text| parsing.rows_max(text)).sum();
        let mut append = rows.append(rows_max, None)?;
        for (text, number) in texts.into_iter().zip(numbers) {
            parsing.number = number;
            positions.find(text, parsing.records.structure());
            parsing.records(text, 0, positions.all(), true, append.columns())?;
        }
        append.finish(parsing.rows);
        Ok(())
    }
}

/// Keeps the text of the rows: what was put together, and what lies in the block; and the numbers of the lines before.
fn keep(
    kept: &mut RowsMut<'_>,
    texts: [&[u8]; 2],
    numbers: [i64; 2],
    slab: Option<Bytes>,
) -> Result<(), String> {
    let mut append = kept.append(1, slab)?;
    let (of_texts, of_numbers) = append.columns().split_at_mut(texts.len());
    for (column, text) in of_texts.iter_mut().zip(texts) {
        column.bytes(0, text);
    }
    for (column, number) in of_numbers.iter_mut().zip(numbers) {
        column.i64(0, number);
    }
    append.finish(1);
    Ok(())
}

/// Puts a carried record together with what comes after it.
fn gather(pieces: &RowsMut<'_>, more: &[u8], joined: &mut Vec<u8>) {
    for piece in 0..pieces.len() {
        if let Some(Scalar::Bytes(bytes)) = pieces.value(0, piece) {
            joined.extend_from_slice(bytes);
        }
    }
    joined.extend_from_slice(more);
}

/// Carries on a record of which so much is carried already, and this is more.
fn go_on(carry: &mut RowsMut<'_>, length: i64, more: &[u8], begun: Begun) -> Result<Carried, String> {
    let open = match begun {
        Begun::No => return Ok(Carried::default()),
        Begun::TooLong => {
            return Ok(Carried {
                length: SKIPPING,
                ..Carried::default()
            });
        }
        Begun::Open(open) => open,
    };
    // A copy: it is short, and a view would keep all of the block.
    let mut append = carry.append(1, None)?;
    append.columns()[0].bytes(0, more);
    append.finish(1);
    Ok(Carried {
        length: length + more.len() as i64,
        open,
    })
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
    carried: Carried,
    number: i64,
    headers: i64,
    header: &'a [u8],
}

impl<R: Records> BlockKernel<R> {
    /// Does a call; an error or a panic names the line at which it happened.
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
        if let (Some(input), false) = (&self.input, is_again) {
            self.name = input.get();
        }
        let parsing = &mut self.parsing;
        let carried = outcome.map_err(|why| format!("line {}: {why}", parsing.number + 1))?;
        if block.is_empty() && !is_again {
            parsing.number = 0;
        }
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
                carried: Carried {
                    length: args.i64(2),
                    open: Open(args.i64(3)),
                },
                number: args.i64(4),
                headers: args.i64(5),
                header: args.bytes(6),
            },
            needs: args.i64(7),
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
        let state = [carried.length, carried.open.0, number, headers];
        for (k, value) in counts.into_iter().chain(state).enumerate() {
            results.i64(k, value);
        }
        results.bytes(7, &self.parsing.header);
        if self.input.is_some() {
            results.set(8, self.name.as_deref().map(|name| Scalar::Bytes(name.as_bytes())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
