//! What RFC 8259 has to take (`ACCEPTED`), has to refuse (`REFUSED`) and leaves open (`OPEN`): cases of our own, by its
//! grammar. Each is also asked of `serde_json`, which we follow in all of them.

use serde_json::Value as Json;

use super::tests::{declared, host, line};

const ACCEPTED: [&[u8]; 72] = [
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"1",
    b"-1",
    b"10",
    b"1234567890",
    b"0.0",
    b"-0.5",
    b"1.25",
    b"1e1",
    b"1E1",
    b"1e+1",
    b"1e-1",
    b"0e1",
    b"0e+1",
    b"0E-0",
    b"-1.5e-3",
    b"123.456e78",
    b"1e-400",
    b"-0e-0",
    b"20e1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"100000000000000000000000",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"4.9e-324",
    b"1.7976931348623157e308",
    b"\"\"",
    b"\" \"",
    b"\"a\"",
    b"\"\\\"\"",
    b"\"\\\\\"",
    b"\"\\/\"",
    b"\"\\b\\f\\n\\r\\t\"",
    b"\"\\u0041\"",
    b"\"\\u00e9\"",
    b"\"\\u0000\"",
    b"\"\\u001f\"",
    b"\"\\u2028\\u2029\"",
    b"\"\\ud83d\\ude00\"",
    b"\"\\uD83D\\uDE00\"",
    b"\"\\uffff\"",
    b"\"\\ufdd0\"",
    b"\"\\u20ac\\u0024\"",
    b"\"\\\\u0041\"",
    b"\"\xc3\xa9\"",
    b"\"\xe2\x82\xac\"",
    b"\"\xf0\x9f\x98\x80\"",
    b"\"\xef\xbf\xbf\"",
    b"\"\xf4\x8f\xbf\xbf\"",
    b"\"\x7f\"",
    b"\"/*no comment*/\"",
    b"\"[{,:]}\"",
    b"[]",
    b"[ ]",
    b"[1]",
    b"[ 1 , 2 ]",
    b"[null,true,\"\",{}]",
    b"[[[[]]]]",
    b"[\"a\"]",
    b"{}",
    b"{ }",
    b"{\"\":0}",
    b"{\"b\":{\"c\":[]}}",
    b"{\"b\":1,\"b\":2}",
    b"{\"\\u0062\":1}",
    b"{\"b\" : 1 , \"c\" : 2}",
    b"\t 1 \r",
];

const REFUSED: [&[u8]; 108] = [
    b"",
    b" ",
    b"nul",
    b"nulll",
    b"Null",
    b"TRUE",
    b"tru",
    b"fals",
    b"undefined",
    b"NaN",
    b"nan",
    b"Infinity",
    b"-Infinity",
    b"inf",
    b"+1",
    b"++1",
    b"--1",
    b"-",
    b"-a",
    b"- 1",
    b"01",
    b"-01",
    b"00",
    b"1.",
    b".5",
    b"-.5",
    b"1.e1",
    b".e1",
    b"1e",
    b"1e+",
    b"1e-",
    b"1e1.5",
    b"1ee1",
    b"1eE1",
    b"0x1",
    b"0b1",
    b"1_000",
    b"1,000",
    b"1 000",
    b"1.2.3",
    b"1a",
    b"1e1e1",
    b"0e",
    b"0.e1",
    b"\xef\xbc\x91",
    b"\"",
    b"\"a",
    b"a\"",
    b"'a'",
    b"a",
    b"\"a\"b",
    b"\"a\" \"b\"",
    b"\"\\",
    b"\"\\\"",
    b"\"\\a\"",
    b"\"\\x41\"",
    b"\"\\0\"",
    b"\"\\'\"",
    b"\"\\ \"",
    b"\"\\u\"",
    b"\"\\u1\"",
    b"\"\\u12\"",
    b"\"\\u123\"",
    b"\"\\u123g\"",
    b"\"\\U0041\"",
    b"\"\\u 041\"",
    b"\"\\u-041\"",
    b"\"\t\"",
    b"\"\x00\"",
    b"\"\x1f\"",
    b"\"\\\xc3\xa9\"",
    b"[",
    b"]",
    b"[1",
    b"[1,",
    b"[1,]",
    b"[,1]",
    b"[,]",
    b"[1,,2]",
    b"[1 2]",
    b"[1:2]",
    b"[1]]",
    b"[[1]",
    b"[1}",
    b"[\"a]",
    b"[\"a\",\"b",
    b"[*]",
    b"[1;2]",
    b"{",
    b"}",
    b"{1:2}",
    b"{a:1}",
    b"{'a':1}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{:1}",
    b"{\"a\":1,}",
    b"{,\"a\":1}",
    b"{\"a\" 1}",
    b"{\"a\"::1}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\":1]",
    b"{\"a\":1}}",
    b"{null:1}",
    b"// c\n1",
    b"/* c */1",
    b"1 # c",
    b"\xc2\xa01",
];

/// With whether it is taken.
const OPEN: [(&[u8], bool); 20] = [
    (b"1e400", false),
    (b"-1e400", false),
    (b"1.8e308", false),
    (b"0e999999999999999999999", true),
    (b"1e-999999999999999999999", true),
    (b"1e999999999999999999999", false),
    (b"\"\\ud83d\"", false),
    (b"\"\\ude00\"", false),
    (b"\"\\ud83d\\ud83d\"", false),
    (b"\"\\ud83da\"", false),
    (b"\"\\ud83d\\u0041\"", false),
    (b"\"\\ude00\\ud83d\"", false),
    (b"\"\xff\"", false),
    (b"\"\xc3\"", false),
    (b"\"\xc0\x80\"", false),
    (b"\"\xed\xa0\x80\"", false),
    (b"\"\xf4\x90\x80\x80\"", false),
    (b"\"\xe2\x82\"", false),
    (b"{\"\xff\":1}", false),
    (b"[\"\xe9\"]", false),
];

/// Whether a record with this value is taken; `serde_json` has to say the same.
fn is_taken(value: &[u8]) -> bool {
    let records = [
        [b"{\"a\":", value, b"}"].concat(),
        [b"{\"other\":", value, b",\"a\":1}"].concat(),
    ];
    let taken = records.map(|record| {
        let found = line(&mut host(&declared("a:json")), &record).is_some();
        let expected = serde_json::from_slice::<Json>(&record).is_ok();
        assert_eq!(found, expected, "{}", record.escape_ascii());
        found
    });
    assert_eq!(taken[0], taken[1], "{}", value.escape_ascii());
    taken[0]
}

#[test]
fn values_are_taken_as_the_standard_says() {
    for value in ACCEPTED {
        assert!(is_taken(value), "{}", value.escape_ascii());
    }
    for value in REFUSED {
        assert!(!is_taken(value), "{}", value.escape_ascii());
    }
    for (value, expected) in OPEN {
        assert_eq!(is_taken(value), expected, "{}", value.escape_ascii());
    }
}

#[test]
fn values_may_be_nested_so_deep() {
    // The record itself is a level.
    for (depth, expected) in [(1, true), (126, true), (127, false), (100_000, false)] {
        let lists = [b"[".repeat(depth), b"]".repeat(depth)].concat();
        assert_eq!(is_taken(&lists), expected, "{depth}");
        assert!(!is_taken(&b"[".repeat(depth)), "{depth}");
        let objects = [b"{\"a\":".repeat(depth), b"1".to_vec(), b"}".repeat(depth)].concat();
        assert_eq!(is_taken(&objects), expected, "{depth}");
    }
}

#[test]
fn records_are_objects_and_nothing_else() {
    let taken = |text: &[u8]| line(&mut host(&declared("a:json")), text).is_some();
    for text in [&b"{}"[..], b" {} ", b"\t{\"a\":1}\r", b"{\"a\":1} "] {
        assert!(taken(text), "{}", text.escape_ascii());
    }
    for text in ACCEPTED.into_iter().filter(|text| !text.starts_with(b"{")) {
        assert!(!taken(text), "{}", text.escape_ascii());
    }
    for text in [
        &b"{}{}"[..],
        b"{} 1",
        b"{},",
        b"{}#",
        b"{}\0",
        b"\x0b{}",
        b"\x0c{}",
        b"\xc2\xa0{}",
        b"{\"a\":1",
    ] {
        assert!(!taken(text), "{}", text.escape_ascii());
    }
}
