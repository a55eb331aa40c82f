//! Programs and chains: tables, bindings, and each function.

use std::collections::BTreeSet;

use crate::chain::ChainCode;
use crate::limits::{ROWS_COLUMNS_MAX, ROWS_MAX};
use crate::program::{Program, SlotDecl, Tables};
use crate::types::{CANONICAL_NAN, Kind, Type, Word};
use crate::verify::error::Report;
use crate::verify::{Role, function};

pub(super) fn check_program(program: &Program, report: &mut Report) {
    let tables = &program.tables;
    check_state(tables, report);
    check_count(
        report,
        "inputs have a program",
        program.inputs.len(),
        tables.inputs.len(),
    );
    check_count(
        report,
        "outputs say whether they are optional",
        program.optional.len(),
        tables.outputs.len(),
    );
    check_count(report, "edges are counted", tables.edges, 0);
    for (index, input) in program.inputs.iter().enumerate() {
        function::check(&input.read_ok, tables, Role::ReadOk(index), Some(program), report);
        if let Some(ask) = &input.ask {
            function::check(ask, tables, Role::Ask(index), Some(program), report);
        }
        if let Some(end) = &input.end {
            function::check(end, tables, Role::End(index), Some(program), report);
        }
    }
    if let Some(write_ok) = &program.write_ok {
        function::check(write_ok, tables, Role::WriteOk, Some(program), report);
    }
}

pub(super) fn check_chain(chain: &ChainCode, report: &mut Report) {
    let tables = &chain.tables;
    check_state(tables, report);
    if tables.inputs.len() > 1 {
        report.add(
            2,
            format_args!("a chain has one inbox at most, not {}", tables.inputs.len()),
        );
    }
    check_count(
        report,
        "slots have a place",
        chain.places.len(),
        tables.slots.len(),
    );
    check_count(
        report,
        "row buffers are bound",
        chain.rows.len(),
        tables.rows.len(),
    );
    if chain.rows.iter().collect::<BTreeSet<_>>().len() < chain.rows.len() {
        report.add(2, format_args!("two row buffers are bound to the same"));
    }
    check_count(
        report,
        "host functions are bound",
        chain.hosts.len(),
        tables.hosts.len(),
    );
    check_count(report, "counted edges are bound", chain.edges.len(), tables.edges);
    check_count(
        report,
        "drop policies are bound",
        chain.drops.len(),
        tables.drops.len(),
    );
    for (index, (slot, place)) in tables.slots.iter().zip(&chain.places).enumerate() {
        if slot.ty != place.ty() {
            report.add(
                2,
                format_args!("slot {index} is {}, but its place is of {}", slot.ty, place.ty()),
            );
        }
    }
    function::check(&chain.function, tables, Role::Run, None, report);
}

fn check_count(report: &mut Report, what: &str, found: usize, expected: usize) {
    if found != expected {
        report.add(2, format_args!("{found} {what}, not {expected}"));
    }
}

fn check_state(tables: &Tables, report: &mut Report) {
    for (index, slot) in tables.slots.iter().enumerate() {
        check_begin("slot", index, slot, report);
    }
    for (index, rows) in tables.rows.iter().enumerate() {
        let (name, columns) = (&rows.name, rows.columns.len());
        if !(1..=ROWS_COLUMNS_MAX).contains(&columns) {
            report.add(
                1,
                format_args!(
                    "row buffer {index} ({name:?}) has {columns} columns, not 1 to {ROWS_COLUMNS_MAX}"
                ),
            );
        }
        if rows.key > columns || rows.rows_max > ROWS_MAX {
            report.add(
                1,
                format_args!("row buffer {index} ({name:?}) has a longer key than rows, or too many rows"),
            );
        }
        for (index, column) in rows.columns.iter().enumerate() {
            check_begin("column", index, column, report);
        }
    }
}

fn check_begin(what: &str, index: usize, slot: &SlotDecl, report: &mut Report) {
    if !begins_well(slot) {
        let (name, ty, init) = (&slot.name, slot.ty, &slot.init);
        report.add(
            1,
            format_args!("{what} {index} ({name:?}) begins with {init:?}, which is no {ty}"),
        );
    }
}

fn begins_well(slot: &SlotDecl) -> bool {
    let (ty, init) = (slot.ty, &slot.init[..]);
    if init.len() != ty.words() {
        return false;
    }
    let absent = init.iter().all(|&word| word == 0);
    match (ty.nullable, init[ty.words() - 1]) {
        _ if absent => true,
        (true, 1) | (false, _) => is_present(ty, init[0]),
        (true, _) => false,
    }
}

fn is_present(ty: Type, word: Word) -> bool {
    match ty.kind {
        Kind::I64 => true,
        Kind::F64 => word == CANONICAL_NAN || !f64::from_bits(word).is_nan(),
        Kind::Bool => word <= 1,
        Kind::Bytes => false,
    }
}
