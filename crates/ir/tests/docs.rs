//! `docs/ir.md` says what the code says: its table of operations is the code's, and
//! its example is a program.

mod support;

use std::path::PathBuf;

use cutthrough_ir::Op;
use cutthrough_ir::op::{Effect, ImmKind, OpInfo, Pattern};
use support::{Unit, blessing};

const BEGIN: &str =
    "<!-- operations: written by `UPDATE_EXPECT=1 cargo test -p cutthrough-ir --test docs` -->\n";
const END: &str = "<!-- end of operations -->\n";

fn page() -> (PathBuf, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/ir.md");
    let text = std::fs::read_to_string(&path).expect("docs/ir.md can be read");
    (path, text)
}

#[test]
fn the_table_of_operations_is_the_codes() {
    let (path, text) = page();
    let (head, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (table, tail) = rest.split_once(END).expect("the table has an end");
    let expected = table_of_operations();
    if table != expected && blessing() {
        std::fs::write(path, format!("{head}{BEGIN}{expected}{END}{tail}")).expect("it can be written");
    } else {
        assert_eq!(
            table, expected,
            "docs/ir.md is out of date (UPDATE_EXPECT=1 rewrites it)"
        );
    }
}

#[test]
fn the_examples_are_programs() {
    let (_, text) = page();
    let examples: Vec<&str> = text
        .split("```ir\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(example, _)| example)
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        let unit = Unit::parse(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        unit.verify()
            .unwrap_or_else(|errors| panic!("{errors}\n{example}"));
        assert_eq!(unit.print(), example);
        support::dummy::run_all(&unit, 1);
    }
}

fn table_of_operations() -> String {
    let mut table =
        String::from("| operation | operands | result | effect | meaning |\n|---|---|---|---|---|\n");
    let docs = docs_of_operations();
    assert_eq!(docs.len(), Op::ALL.len());
    for (op, doc) in Op::ALL.iter().zip(docs) {
        let info = op.info();
        let imm = match info.imm {
            ImmKind::None => "",
            ImmKind::I64 => " *integer*",
            ImmKind::F64 => " *double*",
            ImmKind::Bool => " *boolean*",
            ImmKind::Type => " *type*",
            ImmKind::Data => " *data*",
            ImmKind::Slot => " *slot*",
            ImmKind::Rows => " *rows*",
            ImmKind::Column => " *rows* *column*",
            ImmKind::Output => " *output*",
            ImmKind::Drop => " *policy*",
            ImmKind::Edge => " *edge*",
            ImmKind::Outbox => " *outbox*",
        };
        let effect = match info.effect {
            Effect::Pure => "",
            Effect::State => "state",
            Effect::Flow => "flow",
        };
        let (operands, result) = (operands(*op, info), patterns(info.results, info));
        table.push_str(&format!(
            "| `{}`{imm} | {operands} | {result} | {effect} | {doc} |\n",
            info.name
        ));
    }
    table
}

fn operands(op: Op, info: &OpInfo) -> String {
    match op {
        Op::Emit | Op::OutboxPut => "its fields".to_owned(),
        Op::RowsFind => "its key".to_owned(),
        _ => patterns(info.params, info),
    }
}

fn patterns(patterns: &[Pattern], info: &OpInfo) -> String {
    let name = |pattern: &Pattern| match pattern {
        Pattern::Is(ty) => ty.to_string(),
        Pattern::T => "T".to_owned(),
        Pattern::OptT if info.imm == ImmKind::Type => "that type".to_owned(),
        Pattern::OptT => "T?".to_owned(),
        Pattern::Any if info.imm == ImmKind::Slot => "the slot's".to_owned(),
        Pattern::Any if info.imm == ImmKind::Column => "the column's".to_owned(),
        Pattern::Any => "A".to_owned(),
    };
    patterns.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The meaning of each operation, which is in the source alone: the rows of the
/// table end in it.
fn docs_of_operations() -> Vec<&'static str> {
    let source = include_str!("../src/op.rs");
    let (_, rows) = source.split_once("\noperations! {").expect("the table is there");
    let rows = rows.split("\n}").next().unwrap_or_default();
    rows.lines()
        .filter_map(|row| row.strip_suffix('"')?.rsplit_once('"'))
        .map(|(_, doc)| doc)
        .collect()
}
