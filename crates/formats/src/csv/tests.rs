use cutthrough_ir::{HostContext, HostFunction};

use super::*;
use crate::records::LineHost;
use crate::render::{Field, Format, Renderer};
use crate::testing::{Random, Value, call, element};

fn host(columns: &str, want: &[usize]) -> HostFunction {
    host_of(CsvRecords::new(b',', &parse_columns(columns).unwrap(), want))
}

fn host_of(records: CsvRecords) -> HostFunction {
    let host = LineHost::new(records);
    HostFunction::new(host.sig(), host)
}

/// Parses a line with these columns; the values of a good row, `~` for null.
fn check(columns: &str, line: &str, expected: &str) {
    let count = parse_columns(columns).unwrap().len();
    let mut host = host(columns, &(0..count).collect::<Vec<_>>());
    let results = call(&mut host, &[line.into(), Value::I64(-1)], &HostContext::default()).unwrap();
    let show = |value: &Value| match value {
        Value::Null => "~".to_owned(),
        Value::I64(value) => value.to_string(),
        Value::F64(value) => format!("{value:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Bytes(value) => String::from_utf8_lossy(value).into_owned(),
    };
    let found = match results[0] {
        Value::I64(0) => results[1..].iter().map(show).collect::<Vec<_>>().join("|"),
        _ => "bad".to_owned(),
    };
    assert_eq!(found, expected, "{columns} of {line}");
}

#[test]
fn fields() {
    check("a:str", "", "");
    check("a:str", "x", "x");
    // That of the line's end is off.
    check("a:str", "x\r", "x\r");
    check("a,b", ",", "|");
    check("a,b", "x,\"y\"", "x|y");
    check("a,b", r#""x,y","""z"""#, r#"bad"#);
    check("a,b", r#""x,y","""z""""#, r#"x,y|"z""#);
    check("a,b", r#""""""","a""b""c""#, r#"""|a"b"c"#);
    check("a,b", r#"a"b,c"#, r#"a"b|c"#);
    check("a,b", "x", "bad");
    check("a,b", "x,y,", "bad");
    check("a,b", r#""x"y,z"#, "bad");
    check("a,b", r#""x,y"#, "bad");
    check("a,b", r#"x,y,"z"#, "bad");
}

#[test]
fn types() {
    check("a:i64,b:f64,c:bool", "-5,2,TRUE", "-5|2.0|true");
    check("a:i64,b:f64,c:bool", " 5 ,\" 1e3\", 0", "5|1000.0|false");
    check("a:i64,b:f64", "5,x", "bad");
    check("a:i64,b:f64", "5.0,1", "bad");
    check("a:i64", "9223372036854775808", "bad");
    check("a:bool", "yes", "bad");
    for columns in ["a:i64,b", "a:f64,b", "a:bool,b"] {
        check(columns, ",x", "bad");
    }
    check("a:i64?,b:f64?,c:bool?,d:str?,e:str?", ",\"\",,,\"\"", "~|~|~|~|");
    check("a:i64?,b:f64?,c:bool?,d:str?", "1,2,0,x", "1|2.0|false|x");
    check("a:i64?", "x", "bad");
}

#[test]
fn other_separators() {
    let columns = parse_columns("station:str,temp:f64").unwrap();
    let mut host = host_of(CsvRecords::new(b';', &columns, &[1, 0]));
    let results = call(
        &mut host,
        &["Abidjan, x;-12.3".into(), Value::I64(-1)],
        &HostContext::default(),
    )
    .unwrap();
    assert_eq!(results, [Value::I64(0), Value::F64(-12.3), "Abidjan, x".into()]);
}

#[test]
fn rows_are_good_or_bad_whatever_is_wanted() {
    let columns = "a:str?,b:i64?,c:f64,d";
    let (mut all, mut none) = (host(columns, &[0, 1, 2, 3]), host(columns, &[]));
    let mut good = 0;
    for seed in 0..50_000 {
        let line = Value::Bytes(Random::new(seed).bytes(b",,,,\"\"12x.\xff\r", 14));
        let context = HostContext::default();
        let found = call(&mut all, &[line.clone(), Value::I64(-1)], &context).unwrap();
        assert_eq!(
            call(&mut none, &[line, Value::I64(-1)], &context).unwrap()[0],
            found[0],
            "seed {seed}"
        );
        good += u32::from(found[0] == Value::I64(0));
    }
    assert!(good > 100, "{good}");
}

#[test]
fn what_was_written_reads_back() {
    let declaration = "a:text,b:text?,c:int?,d:float,e:bool?,f:time,g:duration?";
    let columns = parse_columns(declaration).unwrap();
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, column.ty))
        .collect();
    let mut renderer = Renderer::new(Format::Csv, fields);
    let mut host = host(declaration, &[0, 1, 2, 3, 4, 5, 6]);
    let mut random = Random::new(3);
    let (mut text, mut written) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let maybe =
            |value: Value, random: &mut Random| if random.below(3) == 0 { Value::Null } else { value };
        let values = [
            Value::Bytes(random.bytes(b"a\",\xff \n\r", 6)),
            maybe(Value::Bytes(random.bytes(b"a\",\xff \n\r", 3)), &mut random),
            maybe(Value::I64(random.next().cast_signed() - (1 << 40)), &mut random),
            Value::F64(random.next() as f64 / 1024.0),
            maybe(Value::Bool(random.below(2) == 0), &mut random),
            Value::I64((random.next() << 32 ^ random.next()).cast_signed()),
            maybe(Value::I64(random.next().cast_signed() - (1 << 31)), &mut random),
        ];
        let types: Vec<Type> = columns.iter().map(|column| column.ty.words()).collect();
        renderer.row(element(&types, &values).get(0), &mut text);
        written.push(values);
    }
    let mut records = split(&text, b',');
    for values in written {
        let (_, record) = records.next().unwrap();
        let found = call(
            &mut host,
            &[Value::Bytes(record.to_vec()), Value::I64(-1)],
            &HostContext::default(),
        )
        .unwrap();
        assert_eq!(found[0], Value::I64(0));
        assert_eq!(found[1..], values);
    }
    assert_eq!(records.next(), None);
}

#[test]
fn a_text_falls_into_records() {
    let check = |text: &str, expected: &[(usize, &str)]| {
        let found = split(text.as_bytes(), b',')
            .map(|(number, record)| (number, std::str::from_utf8(record).unwrap()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    };
    check("", &[]);
    check(
        "\u{feff}\"a\nb\",c\r\n\nd",
        &[(1, "\"a\nb\",c"), (3, ""), (4, "d")],
    );
    check("a,\"b\nc\nd,\"e\"", &[(1, "a,\"b"), (2, "c"), (3, "d,\"e\"")]);
    assert_eq!(
        split(b"\"a\n\"\nb", b',')
            .by_ref()
            .map(|(_, record)| record.len())
            .sum::<usize>(),
        5
    );
}

/// The records of a text and their fields, by RFC 4180; `!` for one that is none.
fn fields_of(text: &str) -> Vec<Vec<String>> {
    let record = |(_, record): (usize, &[u8])| {
        let mut fields = Fields::new(record, b',');
        let mut texts: Vec<String> = Vec::new();
        for field in fields.by_ref() {
            let mut text = vec![0; field.text.len()];
            let length = field.unescape(&mut text);
            texts.push(String::from_utf8(text[..length].to_vec()).unwrap());
        }
        if fields.is_bad() {
            vec!["!".to_owned()]
        } else {
            texts
        }
    };
    split(text.as_bytes(), b',').map(record).collect()
}

#[test]
fn rfc_4180() {
    let check = |text: &str, expected: &[&[&str]]| assert_eq!(fields_of(text), expected, "{text:?}");
    // Section 2, by its numbers.
    let two: &[&[&str]] = &[&["aaa", "bbb", "ccc"], &["zzz", "yyy", "xxx"]];
    check("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", two);
    check("aaa,bbb,ccc\r\nzzz,yyy,xxx", two);
    check(" a , b ", &[&[" a ", " b "]]);
    check("a,b,", &[&["a", "b", ""]]);
    check("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", two);
    check(
        "\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx",
        &[&["aaa", "b\r\nbb", "ccc"], two[1]],
    );
    check("\"aaa\",\"b\"\"bb\",\"ccc\"", &[&["aaa", "b\"bb", "ccc"]]);
    // What follows from it.
    check("\n", &[&[""]]);
    check(",\n\"\"", &[&["", ""], &[""]]);
    check("\"\"\"\"", &[&["\""]]);
    check("\"\"\"\"\"\",\"\n\"", &[&["\"\"", "\n"]]);
    check("\",\"\n\"\n\n\"\r\nx", &[&[","], &["\n\n"], &["x"]]);
    check("a\r\r\nb", &[&["a\r"], &["b"]]);
    check("\"a\"\r\n\"b\"", &[&["a"], &["b"]]);
    // What it does not say: a quote within a field is itself; one that is not closed costs its line.
    check("a\"b,c\"\n", &[&["a\"b", "c\""]]);
    check(" \"a\",b", &[&[" \"a\"", "b"]]);
    check("\"a\"b,c\nd", &[&["!"], &["d"]]);
    check("\"a\" ,c\nd", &[&["!"], &["d"]]);
    check("\"a\nb,c\nd", &[&["!"], &["b", "c"], &["d"]]);
    check("a,\"\"\"\nb", &[&["!"], &["b"]]);
}

#[test]
fn types_come_of_whole_records() {
    let check = |rows: &str, expected: &str| {
        let names = infer(rows.as_bytes(), b',', 2)
            .into_iter()
            .map(|inferred| inferred.ty().name());
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected, "{rows}");
    };
    check("1,true\r\n2,false\r\n", "int? bool?");
    check("1,true\r\n2,fa", "int? bool?");
    check("1,true", "int? bool?");
    check("1,\n2.5,4", "int? int?");
    check("1,\"two\nlines\"", "int? text");
    check("\"1\",\"two\n3,4\"\n\"2\",x\n", "int? text");
}

#[test]
fn headers() {
    let check =
        |line: &str, names: &[&str]| assert_eq!(parse_header(line.as_bytes(), b',', false).unwrap(), names);
    check("a, b", &["a", "b"]);
    check("a,\"b \"\"c\"\"\",", &["a", "b \"c\"", ""]);
    check("\"a\nb\"", &["a\nb"]);
    assert!(parse_header(b"a,\"b", b',', false).is_err());
    assert_eq!(parse_header(b"\xff;b", b';', false).unwrap(), ["\u{fffd}", "b"]);
}

#[test]
fn declarations() {
    let columns = parse_columns("station:text, temp : float?").unwrap();
    assert_eq!(
        columns[1],
        Column {
            name: "temp".to_owned(),
            ty: LogicalType::FLOAT.or_null()
        }
    );
    let check = |declaration: &str, message: &str| {
        let error = parse_columns(declaration).unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    check("a:varchar", "`a` has the unknown type `varchar`");
    check("a:str,,b", "has no name");
    check("", "has no name");
    check("a,a:i64", "`a` is there twice");
}

#[test]
fn what_was_written_as_tsv_reads_back() {
    let columns = parse_columns("a:text,b:text?,c:json?").unwrap();
    let types: Vec<Type> = columns.iter().map(|column| column.ty.words()).collect();
    let fields = |names: [&str; 3]| {
        let columns = columns.iter().zip(names);
        columns
            .map(|(column, name)| Field::new(name, column.ty))
            .collect()
    };
    let names = ["a\tb\\", "\"quoted\" n", "c\n"];
    let mut renderer = Renderer::new(Format::Tsv, fields(names));
    let mut random = Random::new(5);
    let (mut text, mut written) = (Vec::new(), Vec::new());
    renderer.begin(&mut text);
    for _ in 0..20_000 {
        let bytes = |random: &mut Random| Value::Bytes(random.bytes(b"a\"\\\\\ttnr\n\r\xff ", 6));
        let values = [
            bytes(&mut random),
            match random.below(3) {
                0 => Value::Null,
                _ => bytes(&mut random),
            },
            match random.below(3) {
                0 => Value::Null,
                1 => "\"a\\tb\\\\\"".into(),
                _ => "[1,\"\\\"\"]".into(),
            },
        ];
        renderer.row(element(&types, &values).get(0), &mut text);
        written.push(values);
    }
    assert_eq!(memchr::memchr_iter(b'\n', &text).count(), written.len() + 1);
    let mut records = split(&text, b'\t');
    let (_, header) = records.next().unwrap();
    assert_eq!(parse_header(header, b'\t', true).unwrap(), names.map(str::trim));
    let mut host = host_of(CsvRecords::new(b'\t', &columns, &[0, 1, 2]).with_escapes());
    for values in written {
        let (_, record) = records.next().unwrap();
        let line = [Value::Bytes(record.to_vec()), Value::I64(-1)];
        let found = call(&mut host, &line, &HostContext::default()).unwrap();
        assert_eq!(found[0], Value::I64(0), "{:?}", String::from_utf8_lossy(record));
        assert_eq!(found[1..], values, "{:?}", String::from_utf8_lossy(record));
    }
    assert!(records.next().is_none());
}
