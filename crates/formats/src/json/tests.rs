use cutthrough_expr::{LogicalKind, LogicalType};
use cutthrough_ir::{HostContext, HostFunction};
use serde_json::Value as Json;

use super::*;
use crate::records::{ALL_NEEDED, LineHost};
use crate::testing::{Random, Value, call};

/// A column of a declaration, such as `user.plan:text`; with `!`, it may not be absent.
fn columns(declaration: &str) -> Vec<Column> {
    let column = |text: &str| {
        let (path, kind) = text.rsplit_once(':').unwrap();
        let ty = LogicalType {
            kind: LogicalKind::from_name(kind.trim_end_matches('!')).unwrap(),
            nullable: !text.ends_with('!'),
        };
        Column {
            path: Path::parse(path).unwrap(),
            ty,
        }
    };
    declaration.split(", ").map(column).collect()
}

pub(super) fn host(columns: &[Column]) -> HostFunction {
    let host = LineHost::new(JsonRecords::new(columns));
    HostFunction::new(host.sig(), host)
}

/// What a line gives: the columns, or none for a bad row.
pub(super) fn line(host: &mut HostFunction, text: &[u8]) -> Option<Vec<Value>> {
    let args = [Value::Bytes(text.into()), Value::I64(ALL_NEEDED)];
    let mut results = call(host, &args, &HostContext::default()).unwrap();
    match results.remove(0) {
        Value::I64(0) => Some(results),
        Value::I64(1) => None,
        verdict => panic!("{verdict:?} of {}", text.escape_ascii()),
    }
}

/// What a record gives, each value as text.
fn check(declaration: &str, text: &str, expected: &str) {
    let found = line(&mut host(&columns(declaration)), text.as_bytes());
    let show = |value: &Value| match value {
        Value::I64(value) => value.to_string(),
        Value::F64(value) => format!("{value:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Bytes(bytes) => bytes.utf8_chunks().map(|chunk| chunk.valid()).collect(),
        Value::Null => "-".to_owned(),
    };
    let shown = found.map_or("bad".to_owned(), |values| {
        values.iter().map(show).collect::<Vec<_>>().join("|")
    });
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn values_are_found_by_their_paths() {
    let declaration =
        "status:int, user.plan:text, user[\"a b\"]:bool, items[1].sku:text, items[0]:json, ms:float";
    check(
        declaration,
        r#"{"x":[{"status":1}],"status":200,"user":{"plan":"pro","a b":true},"items":[ {"q": [1, 2]},{"sku":"s"}],"ms":1.5}"#,
        r#"200|pro|true|s|{"q":[1,2]}|1.5"#,
    );
    check(declaration, "{}", "-|-|-|-|-|-");
    check(
        declaration,
        r#" { "user" : null , "items" : { "1" : 2 } } "#,
        "-|-|-|-|-|-",
    );
    check(declaration, r#"{"user":"text","items":[[],7]}"#, "-|-|-|-|[]|-");
    check("a:int!, b:int", r#"{"a":1}"#, "1|-");
    check("a:int!, b:int", r#"{"b":1}"#, "bad");
    check("a:int!, b:int", r#"{"a":null,"b":1}"#, "bad");
}

#[test]
fn of_a_key_that_comes_again_the_last_counts() {
    check("a:int", r#"{"a":1,"a":2}"#, "2");
    check("a:int", r#"{"a":1,"\u0061":null}"#, "-");
    check("a.b:int, a.c:int", r#"{"a":{"b":1},"a":{"c":2}}"#, "-|2");
    check("a.b:int, a.c:int", r#"{"a":{"b":1,"c":3},"a":7}"#, "-|-");
    check("a.b:int, a:json", r#"{"a":{"b":1},"a":{"c":2}}"#, r#"-|{"c":2}"#);
}

#[test]
fn numbers_are_exact() {
    for (text, int, float) in [
        ("0", "0", "0.0"),
        ("-0", "0", "-0.0"),
        ("-17", "-17", "-17.0"),
        (
            "9223372036854775807",
            "9223372036854775807",
            "9.223372036854776e18",
        ),
        (
            "-9223372036854775808",
            "-9223372036854775808",
            "-9.223372036854776e18",
        ),
        ("9223372036854775808", "bad", "9.223372036854776e18"),
        ("12345678901234567890123", "bad", "1.2345678901234568e22"),
        ("1.0", "bad", "1.0"),
        ("1e3", "bad", "1000.0"),
        ("0.1", "bad", "0.1"),
        ("2.2250738585072014E-308", "bad", "2.2250738585072014e-308"),
        ("4.9e-324", "bad", "5e-324"),
        ("1e-400", "bad", "0.0"),
        ("9007199254740993", "9007199254740993", "9007199254740992.0"),
        ("0.30000000000000004", "bad", "0.30000000000000004"),
        ("1e309", "bad", "bad"),
        ("0e999999999999", "bad", "0.0"),
    ] {
        let record = format!("{{\"a\":{text}}}");
        check("a:int", &record, int);
        check("a:float", &record, float);
        if float != "bad" {
            check("a:json", &record, text);
        }
    }
}

#[test]
fn strings_are_what_their_escapes_say() {
    check(
        "a:text, b:text",
        r#"{"a":"\"\\\/\b\f\n\r\t","b":"x"}"#,
        "\"\\/\u{8}\u{c}\n\r\t|x",
    );
    check("a:text", r#"{"a":"\u00e9\u4e2d\ud83d\ude00é中😀"}"#, "é中😀é中😀");
    check("a:text", r#"{"a":""}"#, "");
    check("a:json", r#"{"a":"\u00e9 \" x"}"#, r#""\u00e9 \" x""#);
    check("a:text", r#"{"\u0061":"yes"}"#, "yes");
    check(
        "a.b:json, a:json",
        r#"{"a": {"b": [1, "x y"]}}"#,
        r#"[1,"x y"]|{"b":[1,"x y"]}"#,
    );
    for bad in [
        r"\ud800",
        r"\udc00",
        r"\ud800\u0041",
        r"\ud83d\ud83d",
        r"\x",
        r"\u12g4",
        r"\u",
        "\u{1}",
        "\t",
    ] {
        check("b:text", &format!("{{\"a\":\"{bad}\"}}"), "bad");
    }
}

#[test]
fn a_value_of_another_kind_is_a_bad_row() {
    for (kind, good) in [
        ("int", "1"),
        ("float", "1"),
        ("float", "1.5"),
        ("bool", "false"),
        ("text", "\"1\""),
    ] {
        for value in ["1", "1.5", "true", "false", "\"1\"", "[]", "{}"] {
            let is_good = value == good
                || (kind == "float" && value.starts_with('1'))
                || (kind == "bool" && value == "true");
            let mut host = host(&columns(&format!("a:{kind}")));
            let found = line(&mut host, format!("{{\"a\":{value}}}").as_bytes());
            assert_eq!(found.is_some(), is_good, "{kind} {value}");
        }
    }
}

#[test]
fn lines_of_blanks_are_no_rows() {
    let args = |text: &[u8]| [Value::Bytes(text.into()), Value::I64(ALL_NEEDED)];
    for text in [&b""[..], b"  \t", b"\r"] {
        let results = call(&mut host(&columns("a:int")), &args(text), &HostContext::default()).unwrap();
        assert_eq!(results[0], Value::I64(Verdict::Nothing as i64));
    }
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [126, 127, 100_000] {
            let text = format!("{{\"a\":{}1{}}}", open.repeat(depth), close.repeat(depth));
            let is_good = depth == 126;
            assert_eq!(serde_json::from_str::<Json>(&text).is_ok(), is_good);
            assert_eq!(
                line(&mut host(&columns("b:int")), text.as_bytes()).is_some(),
                is_good,
                "{depth}"
            );
        }
    }
}

/// A random value, written in a random way.
fn value(random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    let blank = |random: &mut Random| random.pick(&["", "", "", "", " ", "\t", " \r "]).as_bytes();
    match random.below(if depth == 0 { 6 } else { 9 }) {
        0 => out.extend_from_slice(random.pick(&["null", "true", "false"]).as_bytes()),
        1 | 2 => {
            let numbers = [
                "0",
                "-0",
                "7",
                "-12",
                "200",
                "1234567",
                "12345678",
                "-123456789012",
                "9223372036854775807",
                "18446744073709551615",
                "0.5",
                "-1.25",
                "3.0e2",
                "1E-7",
                "123456.789",
                "100000000000000000000",
                "0.000",
            ];
            out.extend_from_slice(random.pick(&numbers).as_bytes());
        }
        3..6 => string(random, out),
        6 => {
            out.push(b'[');
            for k in 0..random.below(4) {
                out.extend_from_slice(if k > 0 { b"," } else { b"" });
                out.extend_from_slice(blank(random));
                value(random, depth - 1, out);
                out.extend_from_slice(blank(random));
            }
            out.push(b']');
        }
        _ => object(random, depth, out),
    }
}

fn string(random: &mut Random, out: &mut Vec<u8>) {
    let strings = [
        "",
        "a",
        "pro",
        "some words",
        "été 中",
        "😀",
        "a\\\"b",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "x\\ny",
        "{\\\"a\\\":1}",
        "[,]",
        "\u{7f}",
        "a longer text, of more than sixteen bytes",
    ];
    out.push(b'"');
    out.extend_from_slice(random.pick(&strings).as_bytes());
    out.push(b'"');
}

fn object(random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    let keys = [
        "a",
        "b",
        "c",
        "user",
        "\\u0061",
        "a b",
        "other",
        "a rather long key of an object",
    ];
    let is_usual = random.below(2) == 0;
    for k in 0..random.below(5) {
        out.extend_from_slice(if k > 0 { b"," } else { b"" });
        let key = if is_usual { keys[k] } else { *random.pick(&keys) };
        out.extend_from_slice(format!("\"{key}\":").as_bytes());
        out.extend_from_slice(random.pick(&["", "", "", " "]).as_bytes());
        value(random, depth.saturating_sub(1), out);
    }
    out.push(b'}');
}

/// A record, or something like one.
pub(crate) fn record(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    match random.below(20) {
        0 => value(random, 3, &mut text),
        _ => object(random, 3, &mut text),
    }
    if random.below(4) == 0 {
        damage(&mut text, random);
    }
    text
}

/// Changes some bytes.
pub(crate) fn damage(text: &mut Vec<u8>, random: &mut Random) {
    let odd = b"\"\"\\{}[]:,,  0123456789.-+eEntfu\x00\x1f\x7f\xc3\xa9\xff\xed\xa0\x80a\t\r";
    for _ in 0..=random.below(3) {
        let at = random.below(text.len() + 1);
        match random.below(3) {
            0 => text.insert(at, *random.pick(odd)),
            1 if at < text.len() => text[at] = *random.pick(odd),
            _ if at < text.len() => drop(text.remove(at)),
            _ => {}
        }
    }
}

pub(crate) const DECLARATIONS: [&str; 6] = [
    "a:int, b:text, user.a:float",
    "a:json, a.b:json, a.b[0]:int, b[1].a:text",
    "user[\"a b\"]:bool, other:int!, c:text",
    "a:float, b:float, c:json",
    "c.c.c:text",
    "a:text, b:text, c:text, user:text, other:text, user.a:json",
];

pub(crate) fn declared(declaration: &str) -> Vec<Column> {
    columns(declaration)
}

/// What `serde_json` says of a record.
fn by_serde(columns: &[Column], text: &[u8]) -> Option<Vec<Option<Json>>> {
    let record: Json = serde_json::from_slice(text).ok()?;
    record.as_object()?;
    let find = |column: &Column| {
        let mut steps = column.path.0.iter();
        let found = steps.try_fold(&record, |value, step| match step {
            Step::Key(key) => value.as_object()?.get(key),
            Step::Index(index) => value.as_array()?.get(*index),
        });
        let found = found.filter(|value| !value.is_null());
        let is_good = match (found, column.ty.kind) {
            (None, _) => column.ty.nullable,
            (Some(_), LogicalKind::Json) => true,
            (Some(Json::Number(number)), LogicalKind::Int) => number.is_i64() || is_minus_zero(number),
            (Some(value), LogicalKind::Float) => value.is_number(),
            (Some(value), LogicalKind::Bool) => value.is_boolean(),
            (Some(value), LogicalKind::Text) => value.is_string(),
            _ => false,
        };
        is_good.then(|| found.cloned())
    };
    columns.iter().map(find).collect()
}

fn is_minus_zero(number: &serde_json::Number) -> bool {
    number
        .as_f64()
        .is_some_and(|value| value == 0.0 && value.is_sign_negative())
}

fn is_same(kind: LogicalKind, value: &Value, json: &Option<Json>) -> bool {
    match (value, json) {
        (Value::Null, json) => json.is_none(),
        (Value::I64(value), Some(json)) => {
            json.as_f64().is_some_and(|json| json == 0.0 && *value == 0) || json.as_i64() == Some(*value)
        }
        (Value::F64(value), Some(json)) => json
            .as_f64()
            .is_some_and(|json| (json - value).abs() <= json.abs() * 1e-15),
        (Value::Bool(value), Some(json)) => json.as_bool() == Some(*value),
        (Value::Bytes(bytes), Some(json)) if kind == LogicalKind::Json => {
            serde_json::from_slice::<Json>(bytes).is_ok_and(|value| value == *json)
        }
        (Value::Bytes(bytes), Some(json)) => json.as_str().map(str::as_bytes) == Some(bytes),
        _ => false,
    }
}

#[test]
fn records_are_what_serde_json_says() {
    let mut good = 0;
    for seed in 0..60_000 {
        let mut random = Random::new(seed);
        let columns = columns(random.pick::<&str>(&DECLARATIONS));
        let text = record(&mut random);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let found = line(&mut host(&columns), &text);
        let expected = by_serde(&columns, &text);
        let shown = text.escape_ascii();
        assert_eq!(found.is_some(), expected.is_some(), "seed {seed}: {shown}");
        let (Some(found), Some(expected)) = (found, expected) else {
            continue;
        };
        good += 1;
        for ((column, value), json) in columns.iter().zip(&found).zip(&expected) {
            assert!(
                is_same(column.ty.kind, value, json),
                "seed {seed}: {} of {shown}: {value:?}",
                column.path
            );
        }
    }
    assert!(good > 10_000, "{good}");
}
