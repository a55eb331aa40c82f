//! Parsing of lines: one host call for each.

use cutthrough::{Fragment, Shape};
use cutthrough_ir::{Block, Op, SlotDecl, Type, Value};

use super::parse::{BLANKS_POLICY, HEADERS_POLICY, Parse};
use super::{line_type, line_type_of};
use crate::bad_rows::BadRows;
use crate::records::Verdict;

/// The slots, where inputs have headers: the header of the present one, and how many there
/// have been.
const HEADER: usize = 0;
const HEADERS: usize = 1;

pub(super) fn declare(parse: &mut Parse, shape: &mut Shape) {
    shape.input(line_type_of(parse.marks.input.is_some()));
    shape.output(parse.output());
    shape.host(parse.take_format().line_host());
    if parse.has_bad_output {
        shape.output(line_type());
    } else {
        shape.host(parse.bad_rows.noter());
        shape.drop_policy(BadRows::POLICY);
    }
    if parse.has_header {
        shape.drop_policy(HEADERS_POLICY);
        shape.slot(SlotDecl::zero("header", Type::BYTES));
        shape.slot(SlotDecl::i64("headers", 0));
    }
    if parse.has_blanks {
        shape.drop_policy(BLANKS_POLICY);
    }
}

pub(super) fn read_ok(parse: &Parse, f: &mut Fragment<'_>, element: &[Value]) {
    let needs = f.needs(0);
    let row = if parse.has_header {
        skip_header(parse, f, element);
        let (headers, header) = (f.slot_get(HEADERS), f.slot_get(HEADER));
        f.call(0, &[element[0], needs, headers, header])
    } else {
        f.call(0, &[element[0], needs])
    };
    let other = unless_verdict(f, row[0], Verdict::Row);
    let number = parse.marks.has_number.then_some(element[1]);
    let input = parse.marks.input.as_ref().map(|_| element[2]);
    let output: Vec<Value> = row[1..].iter().copied().chain(number).chain(input).collect();
    f.emit(0, &output);
    f.done();
    f.switch_to(other);
    if parse.has_blanks {
        let bad = unless_verdict(f, row[0], Verdict::Nothing);
        f.drop(blanks_policy(parse));
        f.done();
        f.switch_to(bad);
    }
    if parse.has_bad_output {
        f.emit(1, &element[..2]);
    } else {
        f.call(1, &element[1..2]);
        f.drop(0);
    }
    f.done();
}

/// Goes on where a line is this; gives the block for the others.
fn unless_verdict(f: &mut Fragment<'_>, verdict: Value, this: Verdict) -> Block {
    let this = f.iconst(this as i64);
    let is_this = f.op(Op::Ieq, &[verdict, this]);
    f.br_new(is_this).1
}

/// The number of the policy by which lines of blanks are dropped: after those that there are besides.
fn blanks_policy(parse: &Parse) -> usize {
    usize::from(!parse.has_bad_output) + usize::from(parse.has_header)
}

/// Keeps a header, and goes on where the line is none.
fn skip_header(parse: &Parse, f: &mut Fragment<'_>, element: &[Value]) {
    let one = f.iconst(1);
    let is_header = f.op(Op::Ieq, &[element[1], one]);
    let (_, row) = f.br_new(is_header);
    f.slot_set(HEADER, element[0]);
    let headers = f.slot_get(HEADERS);
    let headers = f.op(Op::Iadd, &[headers, one]);
    f.slot_set(HEADERS, headers);
    f.drop(usize::from(!parse.has_bad_output));
    f.done();
    f.switch_to(row);
}
