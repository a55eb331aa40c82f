//! Whole programs, from text to what they write.

mod common;

use common::{World, check};
use expect_test::{Expect, expect};

const LOG: &str = r#"10.0.0.1 - - [21/Nov/2026:01:18:20 +0000] "GET /a?x=1 HTTP/1.1" 200 100 "-" "curl/8"
10.0.0.2 - - [21/Nov/2026:01:18:21 +0000] "GET /b HTTP/1.1" 500 20 "https://example.org/" "Mozilla/5.0"
not a request
10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] "POST /a HTTP/1.1" 503 7 "-" "-"
10.0.0.3 - - [21/Nov/2026:02:20:00 +0000] "\x16\x03" 400 0 "-" "-"
"#;

fn check_log(source: &str, expected: Expect) {
    check(&World::default().with_input("access.log", LOG), source, expected);
}

#[test]
fn one_liners() {
    check_log(
        "parse clf | where status >= 500 | select path, bytes",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        /b	20
        /a	7
    "#]],
    );
    check_log(
        "parse clf | summarize n = count(), bytes = sum(bytes) by path | top 1 by n",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        /a	2	107
    "#]],
    );
    check_log(
        "parse clf | summarize count()",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        4
    "#]],
    );
    check_log(
        "where line contains \"POST\"",
        expect![[r#"
        10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] "POST /a HTTP/1.1" 503 7 "-" "-"
    "#]],
    );
    check_log(
        "where line contains \"POST\" | select number",
        expect![[r#"
        4
    "#]],
    );
    check_log(
        "lines | where line contains \"POST\"",
        expect![[r#"
        10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] "POST /a HTTP/1.1" 503 7 "-" "-"	4
    "#]],
    );
    check_log(
        "head 1",
        expect![[r#"
        10.0.0.1 - - [21/Nov/2026:01:18:20 +0000] "GET /a?x=1 HTTP/1.1" 200 100 "-" "curl/8"
    "#]],
    );
    check_log("head 0", expect![[""]]);
    check_log(
        "lines | skip 3 | head 1",
        expect![[r#"
        10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] "POST /a HTTP/1.1" 503 7 "-" "-"	4
    "#]],
    );
    check_log(
        "parse clf",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            10.0.0.1			2026-11-21T01:18:20Z	GET	/a	x=1	HTTP/1.1	GET /a?x=1 HTTP/1.1	200	100		curl/8
            10.0.0.2			2026-11-21T01:18:21Z	GET	/b		HTTP/1.1	GET /b HTTP/1.1	500	20	https://example.org/	Mozilla/5.0
            10.0.0.1		bob	2026-11-21T02:18:21Z	POST	/a		HTTP/1.1	POST /a HTTP/1.1	503	7		
            10.0.0.3			2026-11-21T02:20:00Z					\x16\x03	400	0		
        "#]],
    );
    check_log(
        "where line contains \"GET\" | parse clf | select number = 1, path",
        expect![[r#"
        1	/a
        1	/b
    "#]],
    );
}

#[test]
fn set_and_select() {
    check_log(
        "parse clf | set kb = bytes / 1000, path = upper(path), kb2 = kb * 2 | select path, kb, kb2, user | write stdout as csv",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            path,kb,kb2,user
            /A,0.1,0.2,
            /B,0.02,0.04,
            /A,0.007,0.014,bob
            ,0.0,0.0,
        "#]],
    );
    check_log(
        "parse clf | set status = status // 100 | select status, bytes | head 2",
        expect![[r#"
        2	100
        5	20
    "#]],
    );
    check_log(
        "parse clf | select bytes, b = bytes, bytes + 1, `select` = status | write stdout as json",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        {"bytes":100,"b":100,"bytes+1":101,"select":200}
        {"bytes":20,"b":20,"bytes+1":21,"select":500}
        {"bytes":7,"b":7,"bytes+1":8,"select":503}
        {"bytes":0,"b":0,"bytes+1":1,"select":400}
    "#]],
    );
    check_log(
        "parse clf | select x = 1 | summarize sum(x)",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        4
    "#]],
    );
    check_log(
        "parse clf | where true | select x = 1",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        1
        1
        1
        1
    "#]],
    );
}

#[test]
fn order() {
    check_log(
        "parse clf | sort path, bytes desc | select path, bytes",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        /a	100
        /a	7
        /b	20
        	0
    "#]],
    );
    check_log(
        "parse clf | sort len(path) desc, -bytes | select path | write stdout as csv",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        path
        /a
        /b
        /a

    "#]],
    );
    check_log(
        "parse clf | top 2 by bytes % 10 | select bytes",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        7
        100
    "#]],
    );
    check_log(
        "parse clf | top 2 by bytes asc | select path",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout

        /a
    "#]],
    );
    check_log(
        "parse clf | top 0 by bytes | select path",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
    "#]],
    );
}

#[test]
fn summaries() {
    check_log(
        "parse clf | summarize count(), count(path), sum(bytes), avg(bytes), min(path), max(bytes) | write stdout as csv",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            count,count_path,sum_bytes,avg_bytes,min_path,max_bytes
            4,3,127,31.75,/a,100
        "#]],
    );
    check_log(
        "parse clf | summarize n = count(), mean = sum(bytes) / count(), spread = (max(bytes) - min(bytes)) ?? 0 by h = hour(time), remote | sort h, remote | write stdout as csv",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            h,remote,n,mean,spread
            1,10.0.0.1,1,100.0,0
            1,10.0.0.2,1,20.0,0
            2,10.0.0.1,1,7.0,0
            2,10.0.0.3,1,0.0,0
        "#]],
    );
    check_log(
        "parse clf | summarize concat(day, \"!\", count()) by day = date(time) | write stdout as csv",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            day,concat_day_count
            2026-11-21,2026-11-21!4
        "#]],
    );
    check_log(
        "parse clf | summarize n = count() by path | select n",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        2
        1
        1
    "#]],
    );
    check_log(
        "parse clf | summarize n = count() by path, p = path | select p, path",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        /a	/a
        /b	/b
	
    "#]],
    );
    check_log(
        "parse clf | where status == 1 | summarize count(), sum(bytes), avg(bytes), max(path) | write stdout as json",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            {"count":0,"sum_bytes":0,"avg_bytes":null,"max_path":null}
        "#]],
    );
    check_log(
        "parse clf | where status == 1 | summarize count() by path | write stdout as csv",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            path,count
        "#]],
    );
    check_log(
        "parse clf | summarize count(), max(agent) | select count",
        expect![[r#"
            --- bad rows of parse clf (1:1)
            1 of 5, first [3]
            --- stdout
            4
        "#]],
    );
    check_log(
        "parse clf | summarize n = count() by user ?? \"nobody\" | write stdout as json",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        {"user??\"nobody\"":"nobody","n":3}
        {"user??\"nobody\"":"bob","n":1}
    "#]],
    );
    check_log(
        "parse clf | select path | summarize count()",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        4
    "#]],
    );
    check_log(
        "parse clf | summarize count() | summarize count()",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stdout
        1
    "#]],
    );
}

#[test]
fn flow_points() {
    let program = r#"
        requests = read "access.log" | parse clf else bad
        requests | where status >= 500 | write "errors.json"
        requests | summarize n = count() by status | sort status | write stdout as table
        bad      | write "bad.txt"
    "#;
    check_log(
        program,
        expect![[r#"
            --- bad.txt
            not a request	3
            --- errors.json
            {"remote":"10.0.0.2","ident":null,"user":null,"time":"2026-11-21T01:18:21Z","method":"GET","path":"/b","query":null,"protocol":"HTTP/1.1","request":"GET /b HTTP/1.1","status":500,"bytes":20,"referer":"https://example.org/","agent":"Mozilla/5.0"}
            {"remote":"10.0.0.1","ident":null,"user":"bob","time":"2026-11-21T02:18:21Z","method":"POST","path":"/a","query":null,"protocol":"HTTP/1.1","request":"POST /a HTTP/1.1","status":503,"bytes":7,"referer":null,"agent":null}
            --- stdout
            status  n
               200  1
               400  1
               500  1
               503  1
        "#]],
    );
    // Readers that need different columns; a name for a name; use before definition.
    let program = r#"
        copy | select bytes | head 2
        copy | summarize max(len(agent)) | write "agent.csv"
        all | where path == "/b" | select remote | write "remote.txt"
        copy = all
        all = parse clf
    "#;
    check_log(
        program.trim(),
        expect![[r#"
        Error: this pipeline goes nowhere
           ╭─[ test:1:29 ]
           │
         1 │ copy | select bytes | head 2
           │                             ┬
           │                             ╰── its end
           │
           │ Help: end it with `| write ...`, or give it a name; only the last pipeline without a name is written by itself
        ───╯
    "#]],
    );
    let program = "raw = read \"access.log\"; raw | parse clf | summarize count() | write \"n\"; raw | summarize count()";
    check_log(
        program,
        expect![[r#"
        --- bad rows of parse clf (1:32)
        1 of 5, first [3]
        --- n
        4
        --- stdout
        5
    "#]],
    );
    let program = "head 1 | write \"first\"; lines | skip 4 | write \"last\"";
    check_log(
        program,
        expect![[r#"
        --- first
        10.0.0.1 - - [21/Nov/2026:01:18:20 +0000] "GET /a?x=1 HTTP/1.1" 200 100 "-" "curl/8"
        --- last
        10.0.0.3 - - [21/Nov/2026:02:20:00 +0000] "\x16\x03" 400 0 "-" "-"	5
    "#]],
    );
    let program = "a = parse clf else b; b | parse clf else c | summarize count() | write \"b\"; c | write \"c\"; a | select path";
    check_log(
        program,
        expect![[r#"
        --- b
        0
        --- c
        not a request	3
        --- stdout
        /a
        /b
        /a

    "#]],
    );
    let program =
        "a = parse clf else b; b | parse clf else c | write \"again\"; c | write \"c\"; a | select path";
    check_log(
        program,
        expect![[r#"
        --- again
        --- c
        not a request	3
        --- stdout
        /a
        /b
        /a

    "#]],
    );
}

#[test]
fn columns_are_dropped_and_renamed_and_rows_told_apart() {
    let world = World::stdin("name,n,k\na,1,x\nb,2,x\na,1,y\na,1,x\n");
    let json = |program: &str| {
        let program = format!("parse csv | {program} | write stdout as json");
        world.run(&program).unwrap()["stdout"].clone()
    };
    assert_eq!(json("drop k, name | head 1"), "{\"n\":1}\n");
    assert_eq!(
        json("rename m = n, who = name | head 1"),
        "{\"who\":\"a\",\"m\":1,\"k\":\"x\"}\n"
    );
    assert_eq!(
        json("rename n = n | head 1"),
        "{\"name\":\"a\",\"n\":1,\"k\":\"x\"}\n"
    );
    assert_eq!(
        json("rename m = n | drop m | rename n = name | head 1"),
        "{\"n\":\"a\",\"k\":\"x\"}\n"
    );
    assert_eq!(
        json("distinct k, two = int(n) * 2 | sort two, k"),
        "{\"k\":\"x\",\"two\":2}\n{\"k\":\"y\",\"two\":2}\n{\"k\":\"x\",\"two\":4}\n"
    );
    assert_eq!(json("distinct | count"), "{\"count\":3}\n");
    assert_eq!(
        json("distinct name | sort name"),
        "{\"name\":\"a\"}\n{\"name\":\"b\"}\n"
    );
    assert_eq!(json("where n == 2 | count"), "{\"count\":1}\n");
    assert_eq!(
        json("summarize ones = countif(n == 1), none = countif(k == \"z\")"),
        "{\"ones\":3,\"none\":0}\n"
    );
    assert_eq!(World::stdin("a\nb\n").run("count").unwrap()["stdout"], "2\n");
}

#[test]
fn outputs() {
    check_log(
        "parse clf | select path | write \"a.csv\"",
        expect![[r#"
        --- a.csv
        path
        /a
        /b
        /a

        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
    "#]],
    );
    check_log(
        "parse clf | select path, bytes | write \"a.jsonl\"",
        expect![[r#"
        --- a.jsonl
        {"path":"/a","bytes":100}
        {"path":"/b","bytes":20}
        {"path":"/a","bytes":7}
        {"path":null,"bytes":0}
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
    "#]],
    );
    check_log(
        "parse clf | select path, bytes | write stderr",
        expect![[r#"
        --- bad rows of parse clf (1:1)
        1 of 5, first [3]
        --- stderr
        /a	100
        /b	20
        /a	7
        	0
    "#]],
    );
    check_log(
        "write stdout as json",
        expect![[r#"
        {"line":"10.0.0.1 - - [21/Nov/2026:01:18:20 +0000] \"GET /a?x=1 HTTP/1.1\" 200 100 \"-\" \"curl/8\""}
        {"line":"10.0.0.2 - - [21/Nov/2026:01:18:21 +0000] \"GET /b HTTP/1.1\" 500 20 \"https://example.org/\" \"Mozilla/5.0\""}
        {"line":"not a request"}
        {"line":"10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] \"POST /a HTTP/1.1\" 503 7 \"-\" \"-\""}
        {"line":"10.0.0.3 - - [21/Nov/2026:02:20:00 +0000] \"\\x16\\x03\" 400 0 \"-\" \"-\""}
    "#]],
    );
    check(
        &World::stdin(""),
        "parse clf | write stdout as csv",
        expect![[r#"
        remote,ident,user,time,method,path,query,protocol,request,status,bytes,referer,agent
    "#]],
    );
    check(
        &World::stdin("x"),
        "read - | write \"out\"",
        expect![[r#"
        --- out
        x
    "#]],
    );
    check(
        &World::default(),
        "read \"missing\" | lines",
        expect!["missing: no such file"],
    );
}
