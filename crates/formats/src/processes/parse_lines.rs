//! Parsing of lines: one host call for each.

use cutthrough::{Fragment, Shape};
use cutthrough_ir::{HostFunction, Op, SlotDecl, Type, Value};

use super::line_type;
use super::parse::{HEADERS_POLICY, Parse};
use crate::bad_rows::BadRows;
use crate::records::{LineHost, Records};

/// The slots, where inputs have headers: the header of the present one, and how many there
/// have been.
const HEADER: usize = 0;
const HEADERS: usize = 1;

pub(super) fn declare<R: Records>(parse: &mut Parse<R>, shape: &mut Shape) {
    shape.input(line_type());
    shape.output(parse.columns.clone());
    let host = LineHost::new(parse.take_records());
    shape.host(HostFunction::new(host.sig(), host));
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
}

pub(super) fn read_ok<R>(parse: &Parse<R>, f: &mut Fragment<'_>, element: &[Value]) {
    let needs = f.needs(0);
    let row = if parse.has_header {
        skip_header(parse, f, element);
        let (headers, header) = (f.slot_get(HEADERS), f.slot_get(HEADER));
        f.call(0, &[element[0], needs, headers, header])
    } else {
        f.call(0, &[element[0], needs])
    };
    let (_, bad) = f.br_new(row[0]);
    f.emit(0, &row[1..]);
    f.done();
    f.switch_to(bad);
    if parse.has_bad_output {
        f.emit(1, element);
    } else {
        f.call(1, &element[1..]);
        f.drop(0);
    }
    f.done();
}

/// Keeps a header, and goes on where the line is none.
fn skip_header<R>(parse: &Parse<R>, f: &mut Fragment<'_>, element: &[Value]) {
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
