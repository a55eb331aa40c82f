//! The text form: files print back as they are, random units survive the round
//! trip, and no text makes the parser panic.

mod support;

use std::collections::HashSet;

use cutthrough_ir::{Data, End, Item, Op, Terminator};
use expect_test::{Expect, expect};
use support::{Random, Unit, blessing, program_files};

#[test]
fn files_verify_and_print_back_as_they_are() {
    let files = program_files();
    assert!(files.len() >= 12);
    for (path, text) in files {
        let unit = Unit::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        unit.verify()
            .unwrap_or_else(|errors| panic!("{}: {errors}", path.display()));
        let head: String = text
            .lines()
            .take_while(|line| line.starts_with(';'))
            .map(|l| format!("{l}\n"))
            .collect();
        let printed = head + &unit.print();
        if printed != text && blessing() {
            std::fs::write(&path, &printed).expect("it can be written");
        } else {
            assert_eq!(printed, text, "{} (UPDATE_EXPECT=1 rewrites it)", path.display());
        }
        support::dummy::run_all(&unit, 1);
    }
}

#[test]
fn files_hold_every_operation_and_terminator() {
    let (mut ops, mut terminators, mut ends, mut items) =
        (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
    for (_, text) in program_files() {
        let unit = Unit::parse(&text).expect("another test checks it");
        for (_, function) in unit.functions() {
            for block in &function.blocks {
                ops.extend(block.insts.iter().map(|inst| inst.op));
                terminators.insert(std::mem::discriminant(&block.terminator));
                match &block.terminator {
                    Terminator::End(End::Fail(_)) => drop(ends.insert(End::Fail(0))),
                    Terminator::End(end) => drop(ends.insert(*end)),
                    Terminator::Get { item, .. } => drop(items.insert(*item)),
                    _ => {}
                }
            }
        }
    }
    // What only passes make stands in no file.
    let of_batches = [Op::ItemU8, Op::ItemI64, Op::ItemF64, Op::Refund];
    let missing: Vec<&str> = Op::ALL
        .iter()
        .filter(|op| !ops.contains(op) && !of_batches.contains(op))
        .map(|op| op.info().name)
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "no file has these operations");
    assert_eq!((terminators.len(), ends.len()), (11, 6));
    assert!(
        [Item::U8, Item::I64, Item::F64]
            .iter()
            .all(|item| items.contains(item))
    );
}

#[test]
fn names_are_unambiguous() {
    let terminators = [
        "jump", "br", "get", "call", "take", "fail", "return", "step", "inbox", "batch", "lap",
    ];
    let ends = ["done", "again", "finish", "pending", "host_failed"];
    for word in terminators.iter().chain(&ends) {
        assert_eq!(Op::from_name(word), None, "{word}");
    }
    let names: HashSet<&str> = Op::ALL.iter().map(|op| op.info().name).collect();
    assert_eq!(names.len(), Op::ALL.len());
}

#[test]
fn random_units_survive_the_round_trip() {
    for seed in 0..3000 {
        let unit = support::generate::unit(seed);
        unit.verify()
            .unwrap_or_else(|errors| panic!("seed {seed}: {errors}\n{}", unit.print()));
        let text = unit.print();
        let back = Unit::parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert!(back == unit, "seed {seed}: another unit came back\n{text}");
        assert_eq!(back.print(), text, "seed {seed}");
    }
}

#[test]
fn long_data_survives_the_round_trip() {
    let bytes: Vec<u8> = (0..100_000u32)
        .map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let text = "process \"long\" {\n}\n";
    let Ok(Unit::Process(mut program)) = Unit::parse(text) else {
        panic!("it parses")
    };
    program.tables.data.push(Data::Bytes(bytes.into()));
    program.tables.data.push(Data::I64((0..10_000).collect()));
    let unit = Unit::Process(program);
    assert!(Unit::parse(&unit.print()) == Ok(unit));
}

/// Parses what `mutate` makes of texts that parse, and runs what verifies.
fn mutated(count: u64, mutate: impl Fn(&mut Random, &mut Vec<u8>)) -> (usize, usize) {
    let mut texts: Vec<String> = program_files().into_iter().map(|(_, text)| text).collect();
    texts.extend((0..20).map(|seed| support::generate::unit(seed).print()));
    let (mut parsed, mut verified) = (0, 0);
    for seed in 0..count {
        let mut random = Random::new(seed);
        let mut bytes = random.pick(&texts).clone().into_bytes();
        for _ in 0..1 + random.below(3) {
            mutate(&mut random, &mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        let Ok(unit) = Unit::parse(&text) else { continue };
        parsed += 1;
        if unit.verify().is_err() {
            continue;
        }
        verified += 1;
        let back = Unit::parse(&unit.print());
        assert!(
            back == Ok(unit.clone()),
            "seed {seed}: another unit came back\n{text}"
        );
        support::dummy::run_all(&unit, seed);
    }
    (parsed, verified)
}

#[test]
fn mutated_bytes_panic_nowhere() {
    let (parsed, verified) = mutated(20_000, |random, bytes| {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        let other = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.next() as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *random.pick(b"0123456789-bv,:(){}[]@?\"\\; \n.e\xff")),
            3 => bytes.swap(at, other),
            _ => bytes.truncate(if random.chance(10) { at } else { bytes.len() }),
        }
    });
    assert!(
        parsed > 500 && verified > 100,
        "{parsed} parsed, {verified} verified"
    );
}

#[test]
fn mutated_numbers_panic_nowhere() {
    // Other values, blocks and indices: mostly of good form, sometimes well formed.
    let (parsed, verified) = mutated(20_000, |random, bytes| {
        let digits: Vec<usize> = (0..bytes.len())
            .filter(|&at| bytes[at].is_ascii_digit())
            .collect();
        if let Some(&at) = digits.get(random.below(digits.len())) {
            bytes[at] = b'0' + random.below(10) as u8;
        }
    });
    assert!(
        parsed > 5000 && verified > 500,
        "{parsed} parsed, {verified} verified"
    );
}

#[test]
fn mutated_lines_panic_nowhere() {
    let (parsed, _) = mutated(10_000, |random, bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut lines: Vec<&str> = text.split('\n').collect();
        let (at, other) = (random.below(lines.len()), random.below(lines.len()));
        match random.below(3) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[other]),
            _ => lines.swap(at, other),
        }
        *bytes = lines.join("\n").into_bytes();
    });
    assert!(parsed > 100, "{parsed} parsed");
}

fn check(text: &str, expected: Expect) {
    let message = Unit::parse(text)
        .err()
        .map_or_else(|| "it parses".to_owned(), |error| error.to_string());
    expected.assert_eq(&message);
}

/// A fragment's body in a program.
fn body(lines: &str) -> String {
    format!("process \"p\" {{\n  slot 0 \"s\": i64\n  input 0: (i64)\n  read_ok 0 {{\n{lines}\n  }}\n}}\n")
}

#[test]
fn errors_of_form() {
    check(
        "",
        expect!["line 1, column 1: expected `process`, found the end of the text"],
    );
    check(
        "proc",
        expect!["line 1, column 1: expected `process`, found `proc`"],
    );
    check(
        "process \"x",
        expect!["line 1, column 9: this text has no closing quote on its line"],
    );
    check(
        "process \"\\q\" {\n}",
        expect![[r#"line 1, column 10: no such escape; there are \n \r \t \" \\ and \x1b"#]],
    );
    check(
        "process \"\\xff\" {\n}",
        expect!["line 1, column 9: this text is not UTF-8"],
    );
    check(
        "process \"é\" § {",
        expect!["line 1, column 13: '§' has no meaning here"],
    );
    check(
        "process \"p\" {\n} }",
        expect!["line 2, column 3: expected the end of the text, found `}`"],
    );
    check(
        "process \"p\" {\n  slot 1 \"s\": i64\n}",
        expect!["line 2, column 8: the next entry of this table is 0, not 1"],
    );
    check(
        "process \"p\" {\n  slot 0 \"s\": i65\n}",
        expect!["line 2, column 15: expected a type, found `i65`"],
    );
    check(
        "process \"p\" {\n  slot 0 \"s\": i64 = 9223372036854775808\n}",
        expect!["line 2, column 21: expected an integer, found `9223372036854775808`"],
    );
    check(
        "process \"p\" {\n  slot 0 \"s\": bytes = 1\n}",
        expect!["line 2, column 23: slots of bytes begin empty, so leave out ` = ...`"],
    );
    check(
        "process \"p\" {\n  slot 0 \"s\": f64 = infinity\n}",
        expect!["line 2, column 21: expected a double, found `infinity`"],
    );
    check(
        "process \"p\" {\n  slot 0 \"s\": i64 slot 1 \"t\": i64\n}",
        expect!["line 2, column 19: expected the end of the line, found `slot`"],
    );
    check(
        "process \"p\" {\n  edges 3\n}",
        expect!["line 2, column 3: `edges` is no table entry and no function here"],
    );
    check(
        "process \"p\" {\n  ask 0 {\n  }\n}",
        expect!["line 2, column 3: functions come in the order read_ok, ask, end of each input"],
    );
    check(
        "process \"p\" {\n  data 0 = i64 [1, 2\n}",
        expect!["line 3, column 1: expected `]`, found `}`"],
    );
    check(
        "chain \"c\" {\n}",
        expect!["line 2, column 1: expected `run`, found `}`"],
    );
}

#[test]
fn errors_of_form_in_functions() {
    check(
        &body("  b1:\n    done"),
        expect!["line 5, column 3: the next block is b0, not b1"],
    );
    check(
        &body("  b0(v0: i64):\n    v1 = frob v0\n    done"),
        expect!["line 6, column 10: `frob` is no operation and no terminator"],
    );
    check(
        &body("  b0(v0: i64):\n    v1 = select v0, v0, v0\n    done"),
        expect!["line 6, column 5: write the type of v1, as select does not say it: `v1: i64 = ...`"],
    );
    check(
        &body("  b0(v0: i64):\n    v9 = ineg v0\n    done"),
        expect!["line 6, column 5: v9 is defined, but v1 is not"],
    );
    check(
        &body("  b0(v0: i64):\n    v0: f64 = ineg v0\n    done"),
        expect!["line 6, column 5: v0 has been defined as i64 before"],
    );
    check(
        &body("  b0(v0: i64):\n    v1 = iconst 1 v0\n    done"),
        expect!["line 6, column 19: expected the end of the line, found `v0`"],
    );
    check(
        &body("  b0(v0: i64):\n    v1 = iadd v0, w\n    done"),
        expect!["line 6, column 19: expected a value such as `v0`, found `w`"],
    );
    check(
        &body("  b0(v0: i64):\n    get i32 v0[v0], some b1, none b2"),
        expect!["line 6, column 9: expected `u8`, `i64` or `f64`, found `i32`"],
    );
    check(
        &body("  b0(v0: i64):\n    take 0, some b1, pending b2, ended b3"),
        expect!["line 6, column 22: expected `ended`, found `pending`"],
    );
    check(
        &body("  b0(v0: i64):\n    jump b01"),
        expect!["line 6, column 10: expected a block such as `b1`, found `b01`"],
    );
    check(
        &body("  b0(v0: i64):\n    done @x"),
        expect!["line 6, column 11: expected an index, found `x`"],
    );
    check(
        &body("  b0(v0: i64):"),
        expect!["line 6, column 3: expected an instruction or a terminator, found `}`"],
    );
    check(
        &body("  b0(v4000000000: i64):\n    done"),
        expect!["line 5, column 6: v4000000000 is defined, but v0 is not"],
    );
}

#[test]
fn too_long_a_text_is_refused() {
    let text = " ".repeat(cutthrough_ir::limits::TEXT_BYTES_MAX + 1);
    check(
        &text,
        expect!["line 1, column 1: 4194305 bytes are more than 4194304"],
    );
}
