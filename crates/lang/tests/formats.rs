//! Formats, as programs read them.

mod common;

use common::{World, check};
use expect_test::{Expect, expect};

const EVENTS: &str = r#"{"status":200,"user":{"id":1,"plan":"pro"},"tags":["a","beta"],"items":[{"sku":"s1"},{"sku":"s2"}],"ms":1.5,"at":"2026-11-21T01:18:20Z","id":18446744073709551615,"any":1}
{"status":500,"user":{"id":2,"plan":"free"},"tags":[],"ms":2,"note":"a\n\"b\"","any":"x"}

{"status":500,"user":null,"tags":["beta",7],"items":[],"any":[1, 2]}
{"status":"odd"
"#;

fn check_events(source: &str, expected: Expect) {
    check(&World::stdin(EVENTS), source, expected);
}

#[test]
fn fields_of_json_are_columns_when_they_are_named() {
    check_events(
        "parse json | where user.plan == \"pro\" and tags contains \"beta\" | select user.id, items[0].sku",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            1	s1
        "#]],
    );
    check_events(
        "parse json | select status, user[\"id\"], items[1].sku, note, any, id | write stdout as json",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            {"status":200,"user[\"id\"]":1,"items[1].sku":"s2","note":null,"any":1,"id":18446744073709551615}
            {"status":500,"user[\"id\"]":2,"items[1].sku":null,"note":"a\n\"b\"","any":"x","id":null}
            {"status":500,"user[\"id\"]":null,"items[1].sku":null,"note":null,"any":[1,2],"id":null}
        "#]],
    );
    check_events(
        "parse json | count",
        expect![[r#"
        --- bad rows of parse json (1:1)
        1 of 4, first [5]
        --- stdout
        3
    "#]],
    );
    check_events(
        "parse json | summarize n = count(), ms = sum(ms) by user.plan | sort user.plan",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            free	1	2.0
            pro	1	1.5
            	1	0.0
        "#]],
    );
    check_events(
        "parse json | where tags contains 7 | select status",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            500
        "#]],
    );
    check_events(
        "parse json | drop tags, user, items | rename when = at | write stdout as json",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            {"status":200,"ms":1.5,"when":"2026-11-21T01:18:20Z","id":18446744073709551615,"any":1,"note":null}
            {"status":500,"ms":2.0,"when":null,"id":null,"any":"x","note":"a\n\"b\""}
            {"status":500,"ms":null,"when":null,"id":null,"any":[1,2],"note":null}
        "#]],
    );
    check_events(
        "parse json | set u = user, n = int(any), t = text(any) | select u.plan, u.x, n, t",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            pro		1	1
            free			x
            			[1,2]
        "#]],
    );
    check_events(
        "parse json | where at >= @2026-11-21 | select day = date(at), later = at + 1h",
        expect![[r#"
            --- bad rows of parse json (1:1)
            1 of 4, first [5]
            --- stdout
            2026-11-21	2026-11-21T02:18:20Z
        "#]],
    );
}

#[test]
fn named_flows_of_json_may_name_further_fields() {
    check_events(
        "all = parse json else bad; all | select user.id | write \"ids\"; all | select note | write \"notes\"; bad",
        expect![[r#"
            --- ids
            1
            2

            --- notes

            a
            "b"

            --- stdout
            {"status":"odd"	5
        "#]],
    );
    check_events(
        "parse json else (select number, line | write \"bad\") | select status",
        expect![[r#"
            --- bad
            5	{"status":"odd"
            --- stdout
            200
            500
            500
        "#]],
    );
    check_events(
        "parse json else bad | select status",
        expect![[r#"
        --- bad rows of parse json else bad (1:1)
        1 of 4, first [5]
        --- stdout
        200
        500
        500
    "#]],
    );
}

#[test]
fn types_may_be_declared() {
    let world =
        World::stdin("{\"a\":1,\"b\":{\"c\":\"2026-11-21\"}}\n{\"a\":1.5}\n{\"b\":{\"c\":null},\"a\":2}\n");
    check(
        &world,
        "parse json(columns=\"a:int, b.c:time?, d:text?\") | write stdout as json",
        expect![[r#"
            --- bad rows of parse json(columns="a:int, b.c:time?, d:text?") (1:1)
            1 of 3, first [2]
            --- stdout
            {"a":1,"b":{"c":"2026-11-21"},"d":null}
            {"a":2,"b":{"c":null},"d":null}
        "#]],
    );
    check(
        &world,
        "parse json | select a, b | write stdout as json",
        expect![[r#"
            {"a":1.0,"b":{"c":"2026-11-21"}}
            {"a":1.5,"b":null}
            {"a":2.0,"b":{"c":null}}
        "#]],
    );
    check(&world, "parse json | where statsu > 1", expect![[""]]);
    check(&world, "parse json | where a.b > 1", expect![[""]]);
    check(
        &world,
        "parse json | where b > 1",
        expect![[r#"
        Error: `>` of json? and int
           ╭─[ test:1:24 ]
           │
         1 │ parse json | where b > 1
           │                        ┬
           │                        ╰── this is int, what is before it json?
           │
           │ Help: of a value of JSON, `int(...)`, `float(...)` and `text(...)` take what it is; a field that is always of one type has that with `columns="name:type"`
        ───╯
    "#]],
    );
}

#[test]
fn without_a_sample_types_come_of_the_use() {
    let world = World::default().with_late_input("late", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5}\n");
    check(&World::stdin(""), "parse json", expect![[""]]);
    check(
        &World::stdin(""),
        "parse json | where a > 1 and b startswith \"x\" and c | select a, b, d",
        expect![[""]],
    );
    check(
        &world,
        "where line contains \"a\" | parse json(columns=\"b:text?\") | where a > 0 | select a, b | write stdout as json",
        expect![[r#"
            {"a":1.0,"b":"x"}
            {"a":2.5,"b":null}
        "#]],
    );
    check(
        &world,
        "parse json(columns=\"b:text?\") | where a > 0 | select a, z | write stdout as json",
        expect![[r#"
            {"a":1.0,"z":null}
            {"a":2.5,"z":null}
        "#]],
    );
}

#[test]
fn json_comes_in_any_form() {
    let expected = World::stdin(EVENTS)
        .run("parse json | select status, user.plan")
        .unwrap()["stdout"]
        .clone();
    let records: Vec<&str> = EVENTS.lines().filter(|line| line.ends_with('}')).collect();
    let array = format!("[{}]", records.join(",\n"));
    let pretty = records.join("\n").replace(",\"", ",\n  \"");
    for text in [array, pretty, records.concat()] {
        let found = World::stdin(&text)
            .run("parse json | select status, user.plan")
            .unwrap();
        assert_eq!(found["stdout"], expected, "{text}");
        let lines = World::stdin(&text)
            .run("parse json | where user.id > 0 | count")
            .unwrap();
        assert_eq!(lines["stdout"], "2\n");
    }
}

#[test]
fn lines_may_be_parsed_by_a_pattern() {
    let world = World::stdin(
        "2026-11-21 10:00:00 [warn] 12 slow\n2026-11-21 10:00:01 [error] 7 [x] failed\nno such line\n",
    );
    check(
        &world,
        "parse regex(/^(?<day>\\S+) (?<at>\\S+) \\[(?<level>\\w+)\\] (?<n>\\d+) (?<msg>.*)$/) else bad | summarize n = count(), m = max(n) by level | sort level",
        expect![[r#"
            --- bad rows of parse regex(/^(?<day>\S+) (?<at>\S+) \[(?<level>\w+)\] (?<n>\d+) (?<msg>.*)$/) e… (1:1)
            1 of 3, first [3]
            --- stdout
            error	1	7
            warn	1	12
        "#]],
    );
    check(
        &world,
        "parse template(\"{day} {} [{level}] {n} {msg}\") | write stdout as json",
        expect![[r#"
            --- bad rows of parse template("{day} {} [{level}] {n} {msg}") (1:1)
            1 of 3, first [3]
            --- stdout
            {"day":"2026-11-21","level":"warn","n":12,"msg":"slow"}
            {"day":"2026-11-21","level":"error","n":7,"msg":"[x] failed"}
        "#]],
    );
    check(
        &world,
        "parse template(\"{day} {} [{level}] {n} {msg}\", columns=\"n:text\") | select n + \"!\"",
        expect![[r#"
            --- bad rows of parse template("{day} {} [{level}] {n} {msg}", columns="n:text") (1:1)
            1 of 3, first [3]
            --- stdout
            12!
            7!
        "#]],
    );
}

#[test]
fn logs_of_other_forms() {
    let world = World::stdin(
        "level=warn msg=\"took \\\"long\\\"\" ms=12 http.status=200\nlevel=info retried\n=x\n\n",
    );
    check(
        &world,
        "parse logfmt | write stdout as json",
        expect![[r#"
        --- bad rows of parse logfmt (1:1)
        1 of 3, first [3]
        --- stdout
        {"level":"warn","msg":"took \"long\"","ms":12,"http.status":200,"retried":null}
        {"level":"info","msg":null,"ms":null,"http.status":null,"retried":true}
    "#]],
    );
    check(
        &world,
        "parse logfmt | where http.status >= 200 and ms > 1 | select level",
        expect![[r#"
            --- bad rows of parse logfmt (1:1)
            1 of 3, first [3]
            --- stdout
            warn
        "#]],
    );
    let world = World::stdin(
        "<34>1 2026-11-21T01:18:20Z host app 12 - - started\nNov 21 01:18:20 host sshd[7]: closed\nnothing\n",
    );
    check(
        &world,
        "parse syslog | select priority, stamp, host, app, pid, msg | write stdout as json",
        expect![[r#"
            --- bad rows of parse syslog (1:1)
            1 of 3, first [3]
            --- stdout
            {"priority":34,"stamp":"2026-11-21T01:18:20Z","host":"host","app":"app","pid":"12","msg":"started"}
            {"priority":null,"stamp":"Nov 21 01:18:20","host":"host","app":"sshd","pid":"7","msg":"closed"}
        "#]],
    );
}

/// What any input may be given to.
const PARSERS: [&str; 8] = [
    "parse json",
    "parse json(columns=\"a:int?, b.c:text?\") | where b.c != \"x\"",
    "parse logfmt",
    "parse logfmt(columns=\"a:int?, b:text?\")",
    "parse syslog",
    "parse regex(/(?<a>[a-z]+)(?<b>.)?/)",
    "parse template(\"{a}:{b}\")",
    "parse csv(columns=\"a:int?,b:json?,c\")",
];

#[test]
fn any_input_is_rows_or_bad_rows() {
    let mut seed = 1u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let pieces: [&[u8]; 20] = [
        b"{\"a\":1,\"b\":{\"c\":\"x\"}}",
        b"\n",
        b"\n",
        b"\r\n",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"\"",
        b"\\",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"a=1 b=\"x y\" c",
        b"<34>Nov 21 01:18:20 host app[7]: x",
        b"<1>1 2026-11-21T01:18:20Z h a - - [x y=\"z\"] m",
        b"abc:def",
        b"1,[2],x",
        b" ",
    ];
    for round in 0..40 {
        let count = next(30);
        let text: Vec<u8> = (0..count)
            .flat_map(|_| pieces[next(pieces.len())].to_vec())
            .collect();
        for parser in PARSERS {
            let outcome = World::stdin(&text).run(parser);
            assert!(
                outcome.is_ok(),
                "{round}: {parser} of {}: {outcome:?}",
                text.escape_ascii()
            );
        }
    }
    for text in [&b""[..], b"\0", b"\xef\xbb\xbf", b"\n\n", b"[", b"{\"a\":"] {
        for parser in PARSERS {
            assert!(
                World::stdin(text).run(parser).is_ok(),
                "{parser} of {}",
                text.escape_ascii()
            );
        }
    }
}

#[test]
fn a_line_beyond_the_bound_is_dropped_alone() {
    let long = "x".repeat(17 << 20);
    let text = format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n{{\"a\":2}}\n");
    let found = World::stdin(text).run("parse json | select a").unwrap();
    assert_eq!(found["stdout"], "1\n2\n");
    let array = format!("[{}]", vec!["{\"a\":1}"; 1 << 20].join(","));
    let found = World::stdin(array).run("parse json | summarize sum(a)").unwrap();
    assert_eq!(found["stdout"], "1048576\n");
}
