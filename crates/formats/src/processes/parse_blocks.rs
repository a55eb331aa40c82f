//! Parsing of blocks: one call of a kernel for each, which fills row buffers; then one row
//! after another is read from there, without a call.

use cutthrough::{Fragment, Network, ProcessId, Shape};
use cutthrough_ir::{Op, SlotDecl, Type, Value};

use super::parse::{HEADERS_POLICY, Parse};
use super::{Lines, line_type};
use crate::bad_rows::BadRows;
use crate::records::ALL_NEEDED;

/// The slots that the kernel is told and sets anew, in the order of its results; see
/// [`BlockKernel`](crate::blocks::BlockKernel). The first three count what is still to be given or dropped.
const ROWS_LEFT: usize = 0;
const BAD_LEFT: usize = 1;
const TOO_LONG_LEFT: usize = 2;
const CARRIED: usize = 3;
const OPEN: usize = 4;
const NUMBER: usize = 5;
const HEADERS: usize = 6;
const HEADER: usize = 7;
/// Headers that are still to be dropped.
const HEADERS_LEFT: usize = 8;
/// The columns that the rows have.
const PARSED: usize = 9;
/// What the input of the rows is called, where rows have that.
const INPUT: usize = 10;

/// The result that says it.
const INPUT_RESULT: usize = 8;

/// The row buffers; see [`BlockKernel`](crate::blocks::BlockKernel).
const ROWS: usize = 0;
const BAD: usize = 3;

pub(super) fn declare(parse: &mut Parse, shape: &mut Shape) {
    shape.input(Type::BYTES);
    shape.output(parse.output());
    for name in [
        "rows left",
        "bad rows left",
        "too long lines left",
        "carried",
        "open",
        "number",
        "headers",
    ] {
        shape.slot(SlotDecl::i64(name, 0));
    }
    shape.slot(SlotDecl::zero("header", Type::BYTES));
    shape.slot(SlotDecl::i64("headers left", 0));
    shape.slot(SlotDecl::i64("parsed columns", ALL_NEEDED));
    if parse.marks.input.is_some() {
        shape.slot(SlotDecl::zero("input", Type::BYTES.or_null()));
    }
    let noted = match parse.has_bad_output {
        true => {
            shape.output(line_type());
            None
        }
        false => Some(parse.bad_rows.clone()),
    };
    let marks = parse.marks.clone();
    let format = parse.take_format();
    let (kernel, rows) = format.block_kernel(parse.line_bytes_max, noted, marks);
    for rows in rows {
        shape.rows(rows);
    }
    shape.host(kernel);
    for policy in [BadRows::POLICY, Lines::POLICY, HEADERS_POLICY] {
        shape.drop_policy(policy);
    }
}

/// See [`Parse::line`].
pub(super) fn line(network: &Network, process: ProcessId) -> Option<i64> {
    let slots = network.slots(process).ok()?;
    let [carried, number] = [CARRIED, NUMBER].map(|slot| slots[slot].i64(0));
    (carried == 0).then_some(number)
}

pub(super) fn read_ok(f: &mut Fragment<'_>, block: Value) {
    let needs = f.needs(0);
    parse_block(f, block, needs);
}

pub(super) fn end(f: &mut Fragment<'_>) {
    let (nothing, needs) = (f.zero(Type::BYTES), f.iconst(ALL_NEEDED));
    parse_block(f, nothing, needs);
}

fn parse_block(f: &mut Fragment<'_>, block: Value, needs: Value) {
    let is_again = f.bconst(false);
    let before = f.slot_get(HEADERS);
    let results = call(f, is_again, block, needs);
    for (slot, &result) in results.iter().enumerate() {
        let slot = if slot == INPUT_RESULT { INPUT } else { slot };
        f.slot_set(slot, result);
    }
    let new = f.op(Op::Isub, &[results[HEADERS], before]);
    f.slot_set(HEADERS_LEFT, new);
    f.slot_set(PARSED, needs);
    f.again();
}

fn call(f: &mut Fragment<'_>, is_again: Value, block: Value, needs: Value) -> Vec<Value> {
    let [carried, open, number, headers, header] =
        [CARRIED, OPEN, NUMBER, HEADERS, HEADER].map(|slot| f.slot_get(slot));
    let rows: Vec<usize> = (0..f.tables_ref().rows.len()).collect();
    f.call_with_rows(
        0,
        &[is_again, block, carried, open, number, headers, header, needs],
        &rows,
    )
}

pub(super) fn write_ok(parse: &Parse, f: &mut Fragment<'_>) {
    let left = f.slot_get(ROWS_LEFT);
    let row = index(f, ROWS, left);
    if parse.has_bad_output {
        give_bad(f, row);
    }
    let zero = f.iconst(0);
    let is_left = f.op(Op::Igt, &[left, zero]);
    let (_, none) = f.br_new(is_left);
    parse_again(f);
    let mut element = f.rows_row(ROWS, row);
    if parse.marks.input.is_some() {
        element.push(f.slot_get(INPUT));
    }
    take_one(f, ROWS_LEFT, left);
    f.emit(0, &element);
    f.again();

    f.switch_to(none);
    let policies = [BAD_LEFT, TOO_LONG_LEFT, HEADERS_LEFT].into_iter().enumerate();
    for (policy, slot) in policies.filter(|&(_, slot)| slot != BAD_LEFT || !parse.has_bad_output) {
        let left = f.slot_get(slot);
        let is_left = f.op(Op::Igt, &[left, zero]);
        let (_, none) = f.br_new(is_left);
        take_one(f, slot, left);
        f.drop(policy);
        f.again();
        f.switch_to(none);
    }
    f.done();
}

/// Gives the next bad line, if it comes before this row; else goes on.
fn give_bad(f: &mut Fragment<'_>, row: Value) {
    let left = f.slot_get(BAD_LEFT);
    let next = index(f, BAD, left);
    let [line, number, rows_before] = f.rows_row(BAD, next)[..] else {
        unreachable!("INVARIANT: as the kernel declared it")
    };
    let zero = f.iconst(0);
    let is_left = f.op(Op::Igt, &[left, zero]);
    let is_next = f.op(Op::Ile, &[rows_before, row]);
    let is_due = f.op(Op::And, &[is_left, is_next]);
    let (_, other) = f.br_new(is_due);
    take_one(f, BAD_LEFT, left);
    f.emit(1, &[line, number]);
    f.again();
    f.switch_to(other);
}

/// Where columns are needed that the rows do not have, has them parsed; else goes on.
fn parse_again(f: &mut Fragment<'_>) {
    let (needs, parsed) = (f.needs(0), f.slot_get(PARSED));
    let others = f.op(Op::Inot, &[parsed]);
    let missing = f.op(Op::Iand, &[needs, others]);
    let zero = f.iconst(0);
    let is_missing = f.op(Op::Ine, &[missing, zero]);
    let (_, complete) = f.br_new(is_missing);
    let (is_again, nothing) = (f.bconst(true), f.zero(Type::BYTES));
    call(f, is_again, nothing, needs);
    f.slot_set(PARSED, needs);
    f.again();
    f.switch_to(complete);
}

/// Which row is the next, if so many are left.
fn index(f: &mut Fragment<'_>, rows: usize, left: Value) -> Value {
    let len = f.rows_len(rows);
    f.op(Op::Isub, &[len, left])
}

fn take_one(f: &mut Fragment<'_>, slot: usize, left: Value) {
    let one = f.iconst(1);
    let left = f.op(Op::Isub, &[left, one]);
    f.slot_set(slot, left);
}
