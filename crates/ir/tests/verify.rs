//! The verifier: each rule has a case that breaks it, with the message.

mod support;

use std::collections::BTreeSet;

use cutthrough_ir::{
    Block, ElementType, End, Function, FunctionBuilder, FunctionKind, Imm, Role, Tables, Terminator, Type,
    Value, verify_function, verify_program,
};
use expect_test::{Expect, expect};
use support::Unit;

fn check(text: &str, expected: Expect) {
    let unit = Unit::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let found = unit
        .verify()
        .err()
        .map_or_else(|| "well formed".to_owned(), |errors| errors.to_string());
    expected.assert_eq(&found);
}

const TABLES: &str = r#"
  slot 0 "n": i64
  slot 1 "name": bytes?
  host 0 "hash": (bytes) -> (i64)
  data 0 = bytes "x"
  input 0: (i64)
  output 0: (i64)
  output 1 optional: (i64, bytes)
  drop 0 "filtered"
  error 0 "no"
"#;

/// Checks a `read_ok`, whose entry block has `v0: i64` and begins with `entry`.
fn read_ok(lines: &str, expected: Expect) {
    check(
        &format!("process \"p\" {{{TABLES}  read_ok 0 {{\n  b0(v0: i64):\n{lines}\n  }}\n}}"),
        expected,
    );
}

fn ask(lines: &str, expected: Expect) {
    let read_ok = "  read_ok 0 {\n  b0(v0: i64):\n    done\n  }\n";
    check(
        &format!("process \"p\" {{{TABLES}{read_ok}  ask 0 {{\n  b0:\n{lines}\n  }}\n}}"),
        expected,
    );
}

fn run(lines: &str, expected: Expect) {
    let tables = TABLES.replace(" optional", "") + "  edges 2\n";
    check(
        &format!("chain \"c\" {{{tables}  run {{\n  b0:\n{lines}\n  }}\n}}"),
        expected,
    );
}

#[test]
fn rule_1_slots_begin_well() {
    let slots = |entries: &str| format!("process \"p\" {{\n{entries}}}");
    check(
        &slots("  slot 0 \"a\": i64 = words [1, 2]\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [1, 2], which is no i64 (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": f64 = 0x7ff0000000000001\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [9218868437227405313], which is no f64 (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": bool = words [2]\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [2], which is no bool (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": i64? = words [1, 0]\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [1, 0], which is no i64? (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": i64? = words [1, 2]\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [1, 2], which is no i64? (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": bytes? = words [0, 0, 1]\n"),
        expect![[r#"process "p": slot 0 ("a") begins with [0, 0, 1], which is no bytes? (rule 1)"#]],
    );
    check(
        &slots("  slot 0 \"a\": bool? = true\n  slot 1 \"b\": f64? = words [0, 1]\n"),
        expect!["well formed"],
    );
}

#[test]
fn rule_2_programs_and_chains_fit_their_tables() {
    check(
        "process \"p\" {\n  input 0: (i64)\n}",
        expect![[r#"process "p": 0 inputs have a program, not 1 (rule 2)"#]],
    );
    check(
        "chain \"c\" {\n  input 0: (i64)\n  input 1: (i64)\n  run {\n  b0:\n    v0 = iconst 0\n    return v0\n  }\n}",
        expect![[r#"chain "c": a chain has one inbox at most, not 2 (rule 2)"#]],
    );
    let text = format!("chain \"c\" {{{TABLES}  run {{\n  b0:\n    v0 = iconst 0\n    return v0\n  }}\n}}")
        .replace(" optional", "");
    let mut chain = support::bind(&cutthrough_ir::parse_chain(&text).expect("it parses"));
    chain.places.swap(0, 1);
    chain.hosts.clear();
    chain.drops.push(3);
    chain.edges.push(0);
    let errors = cutthrough_ir::verify_chain(&chain)
        .expect_err("nothing fits")
        .to_string();
    expect![[r#"
        chain "c": 0 host functions are bound, not 1 (rule 2)
        chain "c": 1 counted edges are bound, not 0 (rule 2)
        chain "c": 2 drop policies are bound, not 1 (rule 2)
        chain "c": slot 0 is i64, but its place is of bytes? (rule 2)
        chain "c": slot 1 is bytes?, but its place is of i64 (rule 2)"#]]
    .assert_eq(&errors);
    let mut program = cutthrough_ir::parse_program("process \"p\" {\n}").expect("it parses");
    program.optional.push(true);
    program.tables.edges = 1;
    expect![[r#"
        process "p": 1 outputs say whether they are optional, not 0 (rule 2)
        process "p": 1 edges are counted, not 0 (rule 2)"#]]
    .assert_eq(&verify_program(&program).expect_err("nothing fits").to_string());
}

#[test]
fn rule_3_size() {
    ask("    v0 = iconst 1\n    return v0", expect!["well formed"]);
    check(
        "process \"p\" {\n  write_ok {\n  }\n}",
        expect![[r#"process "p", write_ok: the function has no block (rule 3)"#]],
    );
    let mut tables = Tables::default();
    let mut builder = FunctionBuilder::new(FunctionKind::Fragment, &mut tables, &[], &[]);
    for _ in 0..cutthrough_ir::limits::FUNCTION_INSTS_MAX {
        builder.bconst(true);
    }
    builder.done();
    expect!["write_ok: 200001 instructions and terminators are more than 200000 (rule 3)"]
        .assert_eq(&errors_of(&builder.build(), &tables, Role::WriteOk));
    let mut builder = FunctionBuilder::new(FunctionKind::Fragment, &mut tables, &[], &[]);
    builder.block(&vec![Type::I64; cutthrough_ir::limits::FUNCTION_VALUES_MAX + 1]);
    builder.done();
    builder.switch_to(Block(1));
    builder.done();
    expect!["write_ok: 1000001 values are more than 1000000 (rule 3)"].assert_eq(&errors_of(
        &builder.build(),
        &tables,
        Role::WriteOk,
    ));
}

fn errors_of(function: &Function, tables: &Tables, role: Role) -> String {
    verify_function(function, tables, role)
        .err()
        .map_or_else(|| "well formed".to_owned(), |errors| errors.to_string())
}

/// A function of one block that does nothing.
fn trivial(kind: FunctionKind, params: &[Type]) -> Function {
    let mut tables = Tables::default();
    let mut builder = FunctionBuilder::new(kind, &mut tables, params, &[]);
    builder.done();
    builder.build()
}

#[test]
fn rule_4_kind_and_signature() {
    let tables = Tables {
        inputs: vec![ElementType::from(Type::I64)],
        ..Tables::default()
    };
    let none = trivial(FunctionKind::Fragment, &[]);
    let bytes = trivial(FunctionKind::Fragment, &[Type::BYTES]);
    expect!["read_ok 0: its parameters are (), not (i64) (rule 4)"].assert_eq(&errors_of(
        &none,
        &tables,
        Role::ReadOk(0),
    ));
    expect!["read_ok 1: there is no input 1 (rule 5)"].assert_eq(&errors_of(&none, &tables, Role::ReadOk(1)));
    expect!["read_ok 0: its parameters are (bytes), not (i64) (rule 4)"].assert_eq(&errors_of(
        &bytes,
        &tables,
        Role::ReadOk(0),
    ));
    expect!["write_ok: its parameters are (bytes), not () (rule 4)"].assert_eq(&errors_of(
        &bytes,
        &tables,
        Role::WriteOk,
    ));
    expect![[r#"
        ask 0: it is of kind Fragment, but ask 0 is of kind Expression (rule 4)
        ask 0: it returns (), not (i64) (rule 4)"#]]
    .assert_eq(&errors_of(&none, &tables, Role::Ask(0)));
    let mut returning = none.clone();
    returning.returns = vec![Type::BOOL];
    expect!["end 0: it returns (bool), not () (rule 4)"].assert_eq(&errors_of(
        &returning,
        &tables,
        Role::End(0),
    ));
}

#[test]
fn rule_5_indices_in_range() {
    read_ok(
        "    v1: i64 = slot_get 2\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: there is no slot 2 (rule 5)"#]],
    );
    read_ok(
        "    v1 = sconst 1\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: there is no data 1 (rule 5)"#]],
    );
    read_ok(
        "    drop 1\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: there is no drop policy 1 (rule 5)"#]],
    );
    read_ok(
        "    emit 2, v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: there is no output 2 (rule 5)"#]],
    );
    read_ok(
        "    v1 = iadd v0, v7\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: v7 is not a value of the function (rule 5)"#]],
    );
    read_ok(
        "    jump b1",
        expect![[r#"process "p", read_ok 0, b0, terminator: there is no block b1 (rule 5)"#]],
    );
    read_ok(
        "    call 1 (), ok b1, failed b1\n  b1:\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: there is no host function 1 (rule 5)"#]],
    );
    read_ok(
        "    take 1, some b1, ended b1, pending b1\n  b1:\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: there is no input 1 (rule 5)"#]],
    );
    read_ok(
        "    fail 1",
        expect![[r#"process "p", read_ok 0, b0, terminator: there is no error 1 (rule 5)"#]],
    );
    run(
        "    count 2\n    v0 = outbox_room 2\n    return v0",
        expect![[r#"
            chain "c", run, b0, instruction 0: there is no counted edge 2 (rule 5)
            chain "c", run, b0, instruction 1: there is no outbox 2 (rule 5)"#]],
    );
    let mut function = trivial(FunctionKind::Fragment, &[]);
    function.blocks[0].params.push(Value(9));
    expect![[r#"
        write_ok, b0: parameter 0 is v9, out of the row from v0 (rule 7)
        write_ok, b0: v9 is not a value of the function (rule 5)"#]]
    .assert_eq(&errors_of(&function, &Tables::default(), Role::WriteOk));
}

#[test]
fn rule_6_values_are_defined_once() {
    read_ok(
        "    v1 = iconst 1\n    v1 = iconst 2\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: v1 is defined a second time, after b0 (rule 6)"#
        ]],
    );
    let mut function = trivial(FunctionKind::Fragment, &[]);
    function.values.push(Type::I64);
    expect!["write_ok: v0 is never defined (rule 6)"].assert_eq(&errors_of(
        &function,
        &Tables::default(),
        Role::WriteOk,
    ));
}

#[test]
fn rule_7_parameters_are_in_a_row() {
    read_ok(
        "    v1 = iconst 1\n    jump b1(v0, v1)\n  b1(v3: i64, v2: i64):\n    done",
        expect![[r#"process "p", read_ok 0, b1: parameter 1 is v2, out of the row from v3 (rule 7)"#]],
    );
    let function = "  read_ok 0 {\n  b0(v1: i64):\n    v0 = iconst 1\n    done\n  }\n";
    check(
        &format!("process \"p\" {{{TABLES}{function}}}"),
        expect![[r#"process "p", read_ok 0, b0: parameter 0 is v1, out of the row from v0 (rule 7)"#]],
    );
}

#[test]
fn rule_8_definitions_dominate_uses() {
    read_ok(
        "    v1 = iadd v0, v2\n    v2 = iconst 1\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: v2 is used before it is defined (rule 8)"#]],
    );
    read_ok(
        "    v1 = bconst true\n    br v1, b1, b2\n  b1:\n    v2 = iconst 1\n    jump b3\n  b2:\n    jump b3\n  b3:\n    v3 = ineg v2\n    done",
        expect![[
            r#"process "p", read_ok 0, b3, instruction 0: v2 is defined in b1, which does not dominate b3 (rule 8)"#
        ]],
    );
    // Blocks may stand before their dominators; unreachable ones see everything.
    read_ok(
        "    jump b2\n  b1:\n    v1 = ineg v2\n    done\n  b2:\n    v2 = iconst 1\n    jump b1\n  b3:\n    v3 = ineg v2\n    done",
        expect!["well formed"],
    );
    read_ok(
        "    done\n  b1:\n    v1 = ineg v2\n    v2 = ineg v0\n    done",
        expect![[r#"process "p", read_ok 0, b1, instruction 0: v2 is used before it is defined (rule 8)"#]],
    );
    read_ok(
        "    v1 = ineg v2\n    done\n  b1:\n    v2 = ineg v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: v2 is defined in b1, which does not dominate b0 (rule 8)"#
        ]],
    );
    // A loop's value does not dominate what comes after its head.
    run(
        "    step b1, b2\n  b1:\n    v0 = iconst 1\n    step b1, b2\n  b2:\n    return v0",
        expect![[
            r#"chain "c", run, b2, terminator: v0 is defined in b1, which does not dominate b2 (rule 8)"#
        ]],
    );
}

#[test]
fn rule_9_immediates() {
    read_ok(
        "    v1 = fconst 0xfff8000000000000\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: the NaN 0xfff8000000000000 is not the canonical one (rule 9)"#
        ]],
    );
    read_ok(
        "    v1 = null i64\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: null of i64, which is not nullable (rule 9)"#
        ]],
    );
    let mut tables = Tables::default();
    let mut builder = FunctionBuilder::new(FunctionKind::Fragment, &mut tables, &[], &[]);
    builder.iconst(1);
    builder.done();
    let mut function = builder.build();
    function.blocks[0].insts[0].imm = Imm::Bool(true);
    expect!["write_ok, b0, instruction 0: iconst carries Bool(true), not I64 (rule 9)"]
        .assert_eq(&errors_of(&function, &tables, Role::WriteOk));
}

#[test]
fn rule_10_operands_and_results() {
    read_ok(
        "    v1 = iadd v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: iadd takes 2 operands, not 1 (rule 10)"#]],
    );
    read_ok(
        "    v1 = fneg v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: fneg takes f64, but v0 is i64 (rule 10)"#]],
    );
    read_ok(
        "    v1: i64 = payload v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: payload takes a nullable value, but v0 is i64 (rule 10)"#
        ]],
    );
    read_ok(
        "    v1 = null i64?\n    v2: i64? = some v1\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: some takes a value never absent, but v1 is i64? (rule 10)"#
        ]],
    );
    read_ok(
        "    v1 = bconst true\n    v2: i64 = select v1, v0, v1\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: select takes i64 here too, but v1 is bool (rule 10)"#
        ]],
    );
    read_ok(
        "    v1 = bconst true\n    v2: bool = select v1, v0, v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 1: select gives i64, but v2 is bool (rule 10)"#]],
    );
    read_ok(
        "    v1: f64 = iadd v0, v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: iadd gives i64, but v1 is f64 (rule 10)"#]],
    );
    read_ok(
        "    iadd v0, v0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: iadd has a result, of type i64 (rule 10)"#]],
    );
    read_ok(
        "    v1: i64 = drop 0\n    done",
        expect![[r#"process "p", read_ok 0, b0, instruction 0: drop has no result, such as v1 (rule 10)"#]],
    );
    read_ok(
        "    slot_set 1, v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: slot_set takes (bytes?) here, not (i64) (rule 10)"#
        ]],
    );
    read_ok(
        "    emit 1, v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: emit takes (i64, bytes) here, not (i64) (rule 10)"#
        ]],
    );
    run(
        "    v0 = iconst 1\n    outbox_put 1, v0\n    return v0",
        expect![[
            r#"chain "c", run, b0, instruction 1: outbox_put takes (i64, bytes) here, not (i64) (rule 10)"#
        ]],
    );
}

#[test]
fn rule_11_operands_of_terminators() {
    read_ok(
        "    br v0, b1, b1\n  b1:\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: br takes bool, but v0 is i64 (rule 11)"#]],
    );
    read_ok(
        "    get u8 v0[v0], some b1(), none b2\n  b1(v1: i64):\n    done\n  b2:\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: get takes bytes, but v0 is i64 (rule 11)"#]],
    );
    read_ok(
        "    call 0 (v0), ok b1, failed b2\n  b1(v1: i64):\n    done\n  b2:\n    host_failed",
        expect![[r#"process "p", read_ok 0, b0, terminator: call takes (bytes) here, not (i64) (rule 11)"#]],
    );
    ask(
        "    v0 = bconst true\n    return v0",
        expect![[r#"process "p", ask 0, b0, terminator: return takes (i64) here, not (bool) (rule 11)"#]],
    );
    ask(
        "    return",
        expect![[r#"process "p", ask 0, b0, terminator: return takes (i64) here, not () (rule 11)"#]],
    );
}

#[test]
fn rule_12_targets() {
    read_ok(
        "    jump b1\n  b1(v1: i64):\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: b1 takes (i64), but is given () (rule 12)"#]],
    );
    read_ok(
        "    jump b1(v0)\n  b1(v1: f64):\n    done",
        expect![[r#"process "p", read_ok 0, b0, terminator: b1 takes (f64), but is given (i64) (rule 12)"#]],
    );
    read_ok(
        "    v1 = sconst 0\n    get f64 v1[v0], some b1(v0), none b2\n  b1(v2: i64, v3: f64):\n    done\n  b2:\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, terminator: b1 takes (i64, f64), but is given (f64, i64) (rule 12)"#
        ]],
    );
    read_ok(
        "    take 0, some b1(v0), ended b2, pending b1(v0)\n  b1(v1: i64, v2: i64):\n    done\n  b2:\n    done",
        expect![[r#"
            process "p", read_ok 0, b0, terminator: b1 takes (i64, i64), but is given (i64) (rule 12)
            process "p", read_ok 0, b0, terminator: it takes from input 0, which has just brought an element (rule 21)"#]],
    );
    run(
        "    inbox b1, b1\n  b1:\n    v0 = iconst 1\n    return v0",
        expect![[r#"chain "c", run, b0, terminator: b1 takes (), but is given (i64) (rule 12)"#]],
    );
}

#[test]
fn rule_13_the_entry_is_no_target() {
    run(
        "    step b0, b1\n  b1:\n    v0 = iconst 1\n    return v0",
        expect![[r#"chain "c", run, b0, terminator: b0 is the entry and no target (rule 13)"#]],
    );
}

#[test]
fn rule_14_kinds() {
    read_ok(
        "    halt\n    return v0",
        expect![[r#"
        process "p", read_ok 0, b0, terminator: return takes () here, not (i64) (rule 11)
        process "p", read_ok 0, b0, instruction 0: halt may not stand in a fragment (rule 14)
        process "p", read_ok 0, b0, terminator: return may not stand in a fragment (rule 14)"#]],
    );
    read_ok(
        "    step b1, b2\n  b1:\n    done\n  b2:\n    inbox b3, b1\n  b3(v1: i64):\n    done",
        expect![[r#"
            process "p", read_ok 0, b0, terminator: step may not stand in a fragment (rule 14)
            process "p", read_ok 0, b2, terminator: inbox may not stand in a fragment (rule 14)"#]],
    );
    ask(
        "    v0 = slot_get 0\n    slot_set 0, v0\n    return v0",
        expect![[
            r#"process "p", ask 0, b0, instruction 1: slot_set may not stand in an expression (rule 14)"#
        ]],
    );
    ask(
        "    v0 = sconst 0\n    call 0 (v0), ok b1, failed b2\n  b1(v1: i64):\n    return v1\n  b2:\n    done",
        expect![[r#"
            process "p", ask 0, b0, terminator: call may not stand in an expression (rule 14)
            process "p", ask 0, b2, terminator: an end may not stand in an expression (rule 14)"#]],
    );
    run(
        "    v0 = ready 0\n    v1 = iconst 1\n    emit 0, v1\n    take 0, some b1, ended b2, pending b2\n  b1(v2: i64):\n    return v2\n  b2:\n    done",
        expect![[r#"
            chain "c", run, b0, instruction 0: ready may not stand in a chain (rule 14)
            chain "c", run, b0, instruction 2: emit may not stand in a chain (rule 14)
            chain "c", run, b0, terminator: take may not stand in a chain (rule 14)
            chain "c", run, b2, terminator: an end may not stand in a chain (rule 14)"#]],
    );
    check(
        "chain \"c\" {\n  run {\n  b0:\n    v0 = iconst 1\n    inbox b1, b1\n  b1:\n    return v0\n  }\n}",
        expect![[
            r#"chain "c", run, b0, terminator: inbox needs one input in the tables, where there are 0 (rule 14)"#
        ]],
    );
}

#[test]
fn rule_15_loops() {
    read_ok(
        "    jump b1\n  b1:\n    jump b2\n  b2:\n    jump b1",
        expect![[
            r#"process "p", read_ok 0, b2, terminator: it goes back to b1, but only chains loop (rule 15)"#
        ]],
    );
    read_ok(
        "    done\n  b1:\n    jump b1",
        expect![[
            r#"process "p", read_ok 0, b1, terminator: it goes back to b1, but only chains loop (rule 15)"#
        ]],
    );
    run(
        "    v0 = iconst 1\n    jump b1\n  b1:\n    inbox b2, b1\n  b2(v1: i64):\n    step b1, b3\n  b3:\n    return v0",
        expect![[r#"chain "c", run, b1, terminator: the loop back to b1 takes no step (rule 15)"#]],
    );
    // Coming out of a step into the loop again would never end.
    run(
        "    v0 = iconst 1\n    jump b1\n  b1:\n    step b2, b1\n  b2:\n    return v0",
        expect![[r#"chain "c", run, b1, terminator: the loop back to b1 takes no step (rule 15)"#]],
    );
    run(
        "    v0 = iconst 1\n    jump b1\n  b1:\n    step b1, b2\n  b2:\n    return v0",
        expect!["well formed"],
    );
}

#[test]
fn rule_16_emits() {
    read_ok(
        "    emit 0, v0\n    jump b1\n  b1:\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: it emits in a block that does not end the activation (rule 16)"#
        ]],
    );
    read_ok(
        "    emit 0, v0\n    emit 0, v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: it emits a second element to output 0 (rule 16)"#
        ]],
    );
    read_ok(
        "    emit 0, v0\n    fail 0",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: it emits although the activation fails (rule 16)"#
        ]],
    );
    read_ok(
        "    emit 0, v0\n    host_failed",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: it emits although the activation fails (rule 16)"#
        ]],
    );
    read_ok(
        "    emit 0, v0\n    drop 0\n    v1 = ready 1\n    done",
        expect![[r#"
            process "p", read_ok 0, b0, instruction 1: drop may not follow an emit (rule 16)
            process "p", read_ok 0, b0, instruction 2: ready may not follow an emit (rule 16)"#]],
    );
    read_ok(
        "    emit 0, v0\n    v1 = sconst 0\n    slot_set 0, v0\n    emit 1, v0, v1\n    finish",
        expect!["well formed"],
    );
}

#[test]
fn rule_17_ends() {
    read_ok(
        "    pending",
        expect![[
            r#"process "p", read_ok 0, b0, terminator: pending needs a write_ok, which the process does not have (rule 17)"#
        ]],
    );
    read_ok(
        "    again",
        expect![[
            r#"process "p", read_ok 0, b0, terminator: again needs a write_ok, which the process does not have (rule 17)"#
        ]],
    );
    check(
        "process \"p\" {\n  write_ok {\n  b0:\n    v0 = bconst true\n    br v0, b1, b2\n  b1:\n    pending\n  b2:\n    again\n  }\n}",
        expect!["well formed"],
    );
    let tables = Tables::default();
    let mut function = trivial(FunctionKind::Fragment, &[]);
    function.blocks[0].terminator = Terminator::End(End::Pending);
    expect!["well formed"].assert_eq(&errors_of(&function, &tables, Role::WriteOk));
}

#[test]
fn rule_18_readiness() {
    read_ok(
        "    v1 = ready 0\n    v2 = ready 1\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 0: output 0 is not optional, so it is always ready here (rule 18)"#
        ]],
    );
}

/// Tables with what may happen once only in an activation.
const ONCE: &str = r#"
  slot 0 "n": i64
  slot 1 "name": bytes?
  slot 2 "text": bytes
  host 0 "hash": (bytes) -> (i64)
  host 1 "upper": (bytes) -> (i64, bytes)
  input 0: (bytes)
  input 1: (bytes)
  output 0 optional: (bytes)
  error 0 "no"
"#;

fn once(lines: &str, expected: Expect) {
    let other = "  read_ok 1 {\n  b0(v0: bytes):\n    done\n  }\n";
    check(
        &format!("process \"p\" {{{ONCE}  read_ok 0 {{\n  b0(v0: bytes):\n{lines}\n  }}\n{other}}}"),
        expected,
    );
}

#[test]
fn rule_19_slots_of_bytes_are_set_once() {
    once(
        "    slot_set 2, v0\n    slot_set 2, v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: it sets slot 2, of bytes, a second time (rule 19)"#
        ]],
    );
    once(
        "    v1 = null bytes?\n    slot_set 1, v1\n    v2 = bconst true\n    br v2, b1, b2\n  b1:\n    jump b2\n  b2:\n    slot_set 1, v1\n    done",
        expect![[
            r#"process "p", read_ok 0, b2, instruction 0: it sets slot 1, of bytes, a second time (rule 19)"#
        ]],
    );
    // On different ways, and slots that own nothing.
    once(
        "    v1 = bconst true\n    br v1, b1, b2\n  b1:\n    slot_set 2, v0\n    done\n  b2:\n    slot_set 2, v0\n    done",
        expect!["well formed"],
    );
    once(
        "    v1 = iconst 1\n    slot_set 0, v1\n    slot_set 0, v1\n    done",
        expect!["well formed"],
    );
}

#[test]
fn rule_20_who_gives_bytes_is_called_once() {
    once(
        "    call 1 (v0), ok b1, failed b3\n  b1(v1: i64, v2: bytes):\n    call 1 (v2), ok b2, failed b3\n  b2(v3: i64, v4: bytes):\n    done\n  b3:\n    host_failed",
        expect![[
            r#"process "p", read_ok 0, b1, terminator: it calls host function 1, which gives bytes, a second time (rule 20)"#
        ]],
    );
    once(
        "    call 0 (v0), ok b1, failed b3\n  b1(v1: i64):\n    call 0 (v0), ok b2, failed b3\n  b2(v2: i64):\n    done\n  b3:\n    host_failed",
        expect!["well formed"],
    );
}

#[test]
fn rule_21_inputs_are_taken_from_once() {
    once(
        "    take 1, some b1, ended b3, pending b3\n  b1(v1: bytes):\n    take 1, some b2, ended b3, pending b3\n  b2(v2: bytes):\n    done\n  b3:\n    done",
        expect![[r#"process "p", read_ok 0, b1, terminator: it takes from input 1 a second time (rule 21)"#]],
    );
    once(
        "    take 0, some b1, ended b2, pending b2\n  b1(v1: bytes):\n    done\n  b2:\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, terminator: it takes from input 0, which has just brought an element (rule 21)"#
        ]],
    );
    once(
        "    take 1, some b1, ended b2, pending b2\n  b1(v1: bytes):\n    done\n  b2:\n    done",
        expect!["well formed"],
    );
}

#[test]
fn rule_22_ends_take_no_part_in_the_flow() {
    let end = |lines: &str, expected| {
        let read_ok = |k| format!("  read_ok {k} {{\n  b0(v0: bytes):\n    done\n  }}\n");
        let inputs = read_ok(0) + &format!("  end 0 {{\n  b0:\n{lines}\n  }}\n") + &read_ok(1);
        check(&format!("process \"p\" {{{ONCE}{inputs}}}"), expected);
    };
    end(
        "    v0 = slot_get 2\n    v1 = ready 0\n    emit 0, v0\n    done",
        expect![[r#"
            process "p", end 0, b0, instruction 1: ready may not stand in the end of an input (rule 22)
            process "p", end 0, b0, instruction 2: emit may not stand in the end of an input (rule 22)"#]],
    );
    end(
        "    take 1, some b1, ended b2, pending b2\n  b1(v0: bytes):\n    done\n  b2:\n    done",
        expect![[
            r#"process "p", end 0, b0, terminator: take may not stand in the end of an input (rule 22)"#
        ]],
    );
}

#[test]
fn rule_23_rows_with_bytes_go_once() {
    let check_rows = |lines: &str, expected| {
        let tables = "  rows 0 \"texts\" max 100: (\"text\": bytes)\n  rows 1 \"numbers\" max 100: (\"number\": i64)\n  host 0 \"fill\": () -> () writes (bytes)\n  host 1 \"look\": () -> () reads (bytes)\n";
        let input = "  input 0: (i64)\n";
        let read_ok = format!("  read_ok 0 {{\n  b0(v0: i64):\n{lines}\n  }}\n");
        check(&format!("process \"p\" {{\n{tables}{input}{read_ok}}}"), expected);
    };
    check_rows(
        "    rows_truncate 0, v0\n    rows_truncate 0, v0\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, instruction 1: rows of row buffer 0, which has bytes, may go a second time (rule 23)"#
        ]],
    );
    check_rows(
        "    rows_truncate 0, v0\n    call 0 () rows (0), ok b1, failed b1\n  b1:\n    done",
        expect![[
            r#"process "p", read_ok 0, b0, terminator: rows of row buffer 0, which has bytes, may go a second time (rule 23)"#
        ]],
    );
    check_rows(
        "    rows_truncate 0, v0\n    rows_truncate 1, v0\n    rows_truncate 1, v0\n    call 1 () rows (0), ok b1, failed b1\n  b1:\n    done",
        expect!["well formed"],
    );
}

#[test]
fn every_rule_has_a_case() {
    let source = include_str!("verify.rs");
    let cited: BTreeSet<u32> = (1..=99)
        .filter(|rule| source.contains(&format!("(rule {rule}){}", "")))
        .collect();
    let spec = include_str!("../src/verify/mod.rs");
    let listed: BTreeSet<u32> = (1..=99)
        .filter(|rule| spec.contains(&format!("\n//! {rule}. ")))
        .collect();
    assert_eq!(cited, listed);
}

#[test]
fn errors_say_where_and_are_limited() {
    let text = format!(
        "process \"p\" {{{TABLES}  read_ok 0 {{\n  b0(v0: i64):\n{}    done\n  }}\n}}",
        "    v0 = iconst 1\n".repeat(300)
    );
    let errors = Unit::parse(&text)
        .expect("it parses")
        .verify()
        .expect_err("v0 has many definitions");
    assert!(errors.is_cut());
    assert_eq!(errors.iter().count(), cutthrough_ir::limits::VERIFY_ERRORS_MAX);
    let first = errors.iter().next().expect("there is one");
    assert_eq!(
        (first.rule(), first.role(), first.block(), first.inst()),
        (6, Some(Role::ReadOk(0)), Some(Block(0)), Some(0))
    );
}
