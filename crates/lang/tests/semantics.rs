//! What expressions mean, by hand: each is computed interpreted and as native code.

mod common;

use common::{World, check_expressions};

const COLUMNS: &str = "i:i64?,j:i64?,x:f64?,y:f64?,s:str?,t:str?,b:bool?,c:bool?";

/// Checks expressions over one row: each with its value, as JSON writes it.
fn check(row: &[u8], expected: &[(&str, &str)]) {
    check_expressions(COLUMNS, row, expected);
}

/// `i = 7, j = -2, x = 2.5, y = -0.5, s = "Hello", t = "b,c", b = true, c = false`
const PLAIN: &[u8] = b"7,-2,2.5,-0.5,Hello,\"b,c\",true,false";
const NULLS: &[u8] = b",,,,,,,";

#[test]
fn integers() {
    check(
        PLAIN,
        &[
            ("i + j", "5"),
            ("i - j", "9"),
            ("i * j", "-14"),
            ("i / j", "-3.5"),
            ("i // j", "-3"),
            ("i % j", "1"),
            ("j % i", "-2"),
            ("-i", "-7"),
            ("- - i", "7"),
            ("abs(j)", "2"),
            ("min(i, j)", "-2"),
            ("max(i, j, 100)", "100"),
            ("i / 2", "3.5"),
            ("i // 2", "3"),
            ("1 + 2 * 3 - 4", "3"),
            ("(1 + 2) * 3", "9"),
            ("bin(i, 5)", "5"),
            ("bin(j, 5)", "-5"),
            ("bin(-10, 5)", "-10"),
            ("bin(i, j)", "null"),
            ("round(i)", "7"),
            ("floor(i) + ceil(j)", "5"),
            ("1KiB + 1", "1025"),
            ("i ?? 0", "7"),
            ("i == 7 and j != 7", "true"),
            ("i < j or i <= j", "false"),
            ("i > j and i >= 7", "true"),
            ("i in (1, 7, 9)", "true"),
            ("i not in (1, 7, 9)", "false"),
            ("i in (6.5, 7.0)", "true"),
            ("int(b) + int(c)", "1"),
        ],
    );
}

#[test]
fn integers_wrap_and_divide_by_zero() {
    check(
        b"9223372036854775807,-9223372036854775808,0,-0.0,,,,",
        &[
            ("i + 1", "-9223372036854775808"),
            ("j - 1", "9223372036854775807"),
            ("i * 2", "-2"),
            ("-j", "-9223372036854775808"),
            ("abs(j)", "-9223372036854775808"),
            ("j // -1", "-9223372036854775808"),
            ("j % -1", "0"),
            ("i // (i - i)", "null"),
            ("i % (j - j)", "null"),
            ("i / (j - j)", "null"),
            ("1 / x", "null"),
            ("1.0 / y", "null"),
            ("(1 / x) ?? -1", "-1.0"),
            ("(i // (i - i)) ?? 5", "5"),
            ("i == 9223372036854775807", "true"),
            ("float(i)", "9.223372036854776e18"),
            ("int(float(i))", "null"),
            ("int(float(j))", "-9223372036854775808"),
            ("bin(j, 10)", "9223372036854775806"),
            ("text(j)", "\"-9223372036854775808\""),
            ("int(\"9223372036854775808\")", "null"),
            ("int(\"-9223372036854775808\")", "-9223372036854775808"),
        ],
    );
}

#[test]
fn floats() {
    check(
        PLAIN,
        &[
            ("x + y", "2.0"),
            ("x - i", "-4.5"),
            ("x * 2", "5.0"),
            ("x / y", "-5.0"),
            ("-x", "-2.5"),
            ("abs(y)", "0.5"),
            ("round(x)", "3.0"),
            ("round(y)", "-1.0"),
            ("round(0.49999999999999994)", "0.0"),
            ("round(2.345, 1)", "2.3"),
            // Floats that are a little less, a little more and exactly a half.
            ("round(-2.35, 1)", "-2.4"),
            ("round(2.675, 2)", "2.67"),
            // As large as doubles with decimals are.
            ("round(7.2687595503349485, 15)", "7.268759550334948"),
            ("round(493774988187.46533, 4)", "493774988187.4653"),
            ("round(493774988187.03125, 4)", "493774988187.0313"),
            ("round(-493774988187.03125, 4)", "-493774988187.0313"),
            ("round(493774988187.09375, 4)", "493774988187.0938"),
            ("round(-2.675, 2)", "-2.67"),
            ("round(1.005, 2)", "1.0"),
            ("round(1.115, 2)", "1.11"),
            ("round(8.345, 2)", "8.35"),
            ("round(0.125, 2)", "0.13"),
            ("round(-0.125, 2)", "-0.13"),
            ("round(2.5, 0)", "3.0"),
            ("round(4503599627370495.5, 3)", "4503599627370495.5"),
            ("round(5e-324, 15)", "0.0"),
            ("round(1e300, 2)", "1e300"),
            ("floor(y)", "-1.0"),
            ("ceil(x)", "3.0"),
            ("sqrt(6.25)", "2.5"),
            ("sqrt(i + j + 4)", "3.0"),
            ("min(x, y)", "-0.5"),
            ("max(x, i)", "7.0"),
            ("bin(x, 2)", "2.0"),
            ("bin(y, 2.0)", "-2.0"),
            ("int(x)", "2"),
            ("int(y)", "0"),
            ("x == 2.5", "true"),
            ("x > i", "false"),
            ("i > x", "true"),
            ("7 == 7.0", "true"),
            ("text(x)", "\"2.5\""),
            ("text(2.0)", "\"2.0\""),
            ("float(\"1e3\")", "1000.0"),
            ("float(b)", "1.0"),
        ],
    );
}

#[test]
fn not_a_number() {
    check(
        b"1,2,nan,-inf,,,,",
        &[
            ("x == x", "false"),
            ("x != x", "true"),
            ("x < 1", "false"),
            ("x >= 1", "false"),
            ("not (x < 1)", "true"),
            ("x == null", "false"),
            ("min(x, 1)", "1.0"),
            ("min(1, x)", "1.0"),
            ("max(1.5, x)", "1.5"),
            ("int(x)", "null"),
            ("int(y)", "null"),
            ("text(x)", "\"NaN\""),
            ("text(y)", "\"-inf\""),
            ("text(sqrt(-1))", "\"NaN\""),
            ("text(round(x))", "\"NaN\""),
            ("y < -1e308", "true"),
            ("text(1 / y)", "\"-0.0\""),
        ],
    );
}

#[test]
fn texts() {
    check(
        PLAIN,
        &[
            ("s + t", "\"Hellob,c\""),
            ("len(s)", "5"),
            ("len(\"äöü😀\")", "4"),
            ("len_bytes(\"äöü😀\")", "10"),
            ("substr(\"äöü😀x\", 1, 3)", "\"öü😀\""),
            ("substr(\"äöü\", 2)", "\"ü\""),
            ("substr(\"äöü\", 3)", "\"\""),
            ("lower(s)", "\"hello\""),
            ("upper(s)", "\"HELLO\""),
            ("lower(\"ÄÖ\")", "\"äö\""),
            ("trim(\"  a b\\t\")", "\"a b\""),
            ("substr(s, 1)", "\"ello\""),
            ("substr(s, 1, 3)", "\"ell\""),
            ("substr(s, 4, 9223372036854775807)", "\"o\""),
            ("substr(s, 9)", "\"\""),
            ("substr(s, -3, 2)", "\"He\""),
            ("substr(s, 2, -1)", "\"\""),
            ("replace(s, \"l\", \"LL\")", "\"HeLLLLo\""),
            ("replace(s, \"\", \"-\")", "\"Hello\""),
            ("replace(s, \"Hello\", \"\")", "\"\""),
            ("split_part(t, \",\", 0)", "\"b\""),
            ("split_part(t, \",\", 1)", "\"c\""),
            ("split_part(t, \",\", 2)", "null"),
            ("split_part(t, \",\", -1)", "null"),
            ("split_part(t, \"\", 0)", "\"b,c\""),
            ("concat(s, 1, 2.5, true)", "\"Hello12.5true\""),
            ("concat(s)", "\"Hello\""),
            ("s contains \"ell\"", "true"),
            ("s contains \"\"", "true"),
            ("s not contains \"l\"", "false"),
            ("s startswith \"He\"", "true"),
            ("s endswith \"He\"", "false"),
            ("s == \"Hello\"", "true"),
            ("s < \"Hellp\"", "true"),
            ("s < \"Hell\"", "false"),
            ("\"a\" < \"B\"", "false"),
            ("min(s, t)", "\"Hello\""),
            ("max(s, t)", "\"b,c\""),
            ("int(\"42\") + 1", "43"),
            ("int(\" 42\")", "42"),
            ("int(\"4 2\")", "null"),
            ("float(\"nan\") == null", "false"),
            ("text(float(\"-Infinity\"))", "\"-inf\""),
            ("int(s)", "null"),
            ("int(s) ?? -1", "-1"),
            ("float(s)", "null"),
            ("text(b)", "\"true\""),
            ("text(s)", "\"Hello\""),
            ("if(len(s) > 3, upper(s), s)", "\"HELLO\""),
        ],
    );
}

#[test]
fn bytes_that_are_no_text() {
    let world = World::stdin(b"a\xffB\xc3\xa4\n");
    let run = |expression: &str| {
        let outputs = world.run(&format!("lines | select r = {expression}")).unwrap();
        outputs["stdout"].trim_end().to_owned()
    };
    assert_eq!(run("line"), r"a\xffBä");
    assert_eq!(run("upper(line)"), r"A\xffBÄ");
    assert_eq!(run("lower(line)"), r"a\xffbä");
    assert_eq!(run("len(line)"), "4");
    assert_eq!(run("len_bytes(line)"), "5");
    assert_eq!(run("substr(line, 2)"), "Bä");
    assert_eq!(run(r"extract(line, /(?-u:\xff)(..)/)"), "Bä");
    assert_eq!(run("substr(line, 1, 1)"), r"\xff");
    assert_eq!(run(r#"line contains "\xff""#), "true");
    assert_eq!(run(r#"replace(line, "\xff", "\x00")"#), "a\0Bä");
    assert_eq!(run(r#"line > "a\xfe""#), "true");
    assert_eq!(run(r#"concat(line, "\xfe")"#), r"a\xffBä\xfe");
}

#[test]
fn patterns() {
    check(
        PLAIN,
        &[
            ("s matches /^H.*o$/", "true"),
            ("s matches /^h/", "false"),
            ("s not matches /(?i)^h/", "false"),
            ("s matches \"l{2}\"", "true"),
            ("\"a/b\" matches /^.\\/b$/", "true"),
            ("extract(s, /l+/)", "\"ll\""),
            ("extract(s, /(.)l/)", "\"e\""),
            ("extract(s, /(.)(l)/, 2)", "\"l\""),
            ("extract(s, /(.)(l)/, 0)", "\"el\""),
            ("extract(s, /(x)|(l)/, 1)", "null"),
            ("extract(s, /x/)", "null"),
            ("extract(t, /,(.*)/) == \"c\"", "true"),
        ],
    );
    check(NULLS, &[("s matches /a/", "null"), ("extract(s, /a/)", "null")]);
}

#[test]
fn nulls_pass_through() {
    let null = |expression: &str| check(NULLS, &[(expression, "null")]);
    for expression in [
        "i + 1",
        "1 - i",
        "i * j",
        "i / 2",
        "i // 2",
        "7 % i",
        "-i",
        "abs(i)",
        "min(i, 1)",
        "bin(i, 5)",
        "x + 1",
        "x / y",
        "round(x)",
        "round(x, 2)",
        "floor(x)",
        "sqrt(x)",
        "int(x)",
        "float(i)",
        "text(i)",
        "text(x)",
        "text(b)",
        "s + t",
        "s + \"a\"",
        "len(s)",
        "lower(s)",
        "trim(s)",
        "substr(s, 0)",
        "substr(\"abc\", i)",
        "replace(s, \"a\", \"b\")",
        "split_part(\"a\", s, 0)",
        "concat(\"a\", s)",
        "int(s)",
        "i == 1",
        "i != 1",
        "i < j",
        "s == t",
        "s contains \"a\"",
        "b == c",
        "not b",
        "b and c",
        "b or c",
        "b and true",
        "b or false",
        "i in (1, 2)",
        "i not in (1, 2)",
        "1 in (i, 2)",
        "time(s)",
        "duration(s)",
        "hour(time(s))",
        "time(s) - ago(5m)",
        "i * 5m",
        "x * 5m",
        "bin(time(s), 5m)",
        "trunc(time(s), \"day\")",
        "coalesce(i, j)",
        "i ?? j",
        "if(true, i, 1)",
        "if(b, 1, null)",
    ] {
        null(expression);
    }
}

#[test]
fn nulls_are_decided() {
    check(
        NULLS,
        &[
            ("i == null", "true"),
            ("null != i", "false"),
            ("(i + 1) == null", "true"),
            ("not (i == null)", "false"),
            ("5 == null", "false"),
            ("b and false", "false"),
            ("false and b", "false"),
            ("b or true", "true"),
            ("true or b", "true"),
            ("not (b and false)", "true"),
            ("(i < 1 and false) or true", "true"),
            ("2 in (i, 2)", "true"),
            ("i ?? 3", "3"),
            ("i ?? 3.5", "3.5"),
            ("i ?? j ?? 4", "4"),
            ("coalesce(i, j, 9)", "9"),
            ("coalesce(5, i)", "5"),
            ("5 ?? null", "5"),
            ("len(coalesce(\"ab\", lower(s)))", "2"),
            ("s ?? \"none\"", "\"none\""),
            ("b ?? true", "true"),
            ("if(b, 1, 2)", "2"),
            ("if(i == 1, 1, 2.5)", "2.5"),
            ("if(i == null, \"null\", s)", "\"null\""),
            ("if(false, 1, null) ?? 8", "8"),
            ("text(if(b ?? true, i ?? 1, 2))", "\"1\""),
        ],
    );
}

#[test]
fn conditions_and_logic() {
    check(
        PLAIN,
        &[
            ("b and c", "false"),
            ("b or c", "true"),
            ("not b", "false"),
            ("not not b", "true"),
            ("b == c", "false"),
            ("b != c", "true"),
            ("b and not c and i > 0", "true"),
            ("if(b, s, t)", "\"Hello\""),
            ("if(c, 1, 2.0)", "2.0"),
            ("if(c, i, null)", "null"),
            ("if(b, null, i)", "null"),
            ("if(b, null, i) == null", "true"),
        ],
    );
}

#[test]
fn conditions_of_where_are_tested_from_left_to_right() {
    let world = World::stdin("1,a\n2,\n,b\n3,c\n");
    let run = |condition: &str| {
        let program = format!("parse csv(columns=\"i:i64?,s:str?\") | where {condition} | select i ?? 0");
        world.run(&program).unwrap()["stdout"].replace('\n', " ")
    };
    assert_eq!(run("i > 1"), "2 3 ");
    assert_eq!(run("not (i > 1)"), "1 ");
    assert_eq!(run("i > 1 and s == \"c\""), "3 ");
    assert_eq!(run("(i > 1 or s == \"b\") and s != null and true"), "0 3 ");
    assert_eq!(run("s == null or i == null"), "2 0 ");
    assert_eq!(
        run("upper(s) == \"A\" and (lower(s) == \"a\" and concat(s, i) == \"a1\")"),
        "1 "
    );
    assert_eq!(
        run("coalesce(true, lower(s) == \"x\") and upper(s) == \"C\""),
        "3 "
    );
    assert_eq!(run("false"), "");
}
