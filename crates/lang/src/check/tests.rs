//! Typed plans, and what bounds them. The messages of programs that are wrong are in `error_tests`.

use std::fmt::Write;

use expect_test::{Expect, expect};

use crate::plan::{Environment, Input, Patience};
use crate::{Diagnostic, compile, limits};

pub(super) fn environment() -> Environment<'static> {
    let beginning = |input: &Input, _: Patience| match input {
        Input::Stdin => Ok(Some(b"name,age,weird field".to_vec())),
        Input::Path(path) if path == b"empty" => Ok(Some(Vec::new())),
        Input::Path(path) if path == b"blank" => Ok(Some(b"\na,b\n".to_vec())),
        Input::Path(path) if path == b"twice" => Ok(Some(b"a,b,a\r\n".to_vec())),
        Input::Path(path) if path == b"wide" => Ok(Some(wide_header())),
        Input::Path(path) | Input::Follow(path) => {
            Err(format!("{}: no such file", String::from_utf8_lossy(path)))
        }
    };
    Environment {
        inputs: Vec::new(),
        beginning: Some(Box::new(beginning)),
        ..Environment::default()
    }
}

/// A header of 200,000 names.
fn wide_header() -> Vec<u8> {
    let names: Vec<String> = (0..200_000).map(|k| format!("c{k}")).collect();
    names.join(",").into_bytes()
}

#[test]
fn a_header_of_many_names_takes_little_time() {
    let begin = std::time::Instant::now();
    check(
        "read \"wide\" | parse csv",
        expect!["[csv] a flow may have at most 2048 columns / these are 200000"],
    );
    // It is matched with few columns.
    let columns = "parse csv(columns=\"c2,c199999\", header=true)";
    let plan = compile("test", &format!("read \"wide\" | {columns}"), &environment());
    assert!(plan.is_ok());
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

/// What comes of a program: its plan, or its message as `place: message / label / help`.
fn check(source: &str, expected: Expect) {
    let text = match compile("test", source, &environment()) {
        Ok(plan) => plan.to_string(),
        Err(diagnostic) => brief(source, &diagnostic),
    };
    expected.assert_eq(&text);
}

/// A message in one line: place, message, label, help, notes.
pub(super) fn brief(source: &str, diagnostic: &Diagnostic) -> String {
    let mut text = format!(
        "[{}] {} / {}",
        diagnostic.span.text(source),
        diagnostic.message,
        diagnostic.label
    );
    for more in diagnostic.help.iter().chain(&diagnostic.notes) {
        write!(text, " / {more}").unwrap();
    }
    text
}

#[test]
fn plans_carry_what_is_needed() {
    check(
        "parse clf | where status >= 500 | select path, bytes",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              where (>= status 500) -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              select -> path: text?, bytes: int
              write stdout (path, bytes)
        "#]],
    );
    check(
        "parse clf | summarize n = count(), bytes = sum(bytes) by path | top 10 by n",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group path count() sum(bytes) -> path: text?, count: int, sum: int
              top 10 count desc -> path: text?, count: int, sum: int
              write stdout (path, n, bytes)
        "#]],
    );
    check(
        "parse clf | summarize count()",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group count(time) -> count: int
              write stdout (count)
        "#]],
    );
    check(
        "parse clf | set a = bytes + 1, b = a * 2, c = len(agent) | where b > 7 and path != null | select b",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              compute a = (+ bytes 1), b = (* a 2), c = (len agent) -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?, a: int, b: int, c: int?
              where (and (> b 7) (not (is_null path))) -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?, a: int, b: int, c: int?
              select -> b: int
              write stdout (b)
        "#]],
    );
    check(
        "read \"x\" | parse csv(columns=\"a:i64,b:f64?\") | sort a + 1, b | select b",
        expect![[r#"
            read "x"
              parse csv -> a: int, b: float?
              compute a+1 = (+ a 1) -> a: int, b: float?, a+1: int
              sort a+1 b -> b: float?, a+1: int
              select -> b: float?
              write stdout (b)
        "#]],
    );
    check(
        "parse clf | summarize r = sum(bytes) / count() by hour(time) | where r > 0.5 | select r",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              compute hour_time = (hour time) -> hour_time: int, bytes: int
              group hour_time sum(bytes) count() -> hour_time: int, sum: int, count: int
              compute r = (/ (float sum) (float count)) -> hour_time: int, r: float?
              where (> r 0.5) -> hour_time: int, r: float?
              select -> r: float?
              write stdout (r)
        "#]],
    );
    check(
        "parse csv | select `weird field`, age = int(age) ?? 0",
        expect![[r#"
            read -
              to inputs
            from inputs
              parse csv -> name: text, age: text, weird field: text
              compute age = (?? (int age) 0) -> weird field: text, age: int
              write stdout (weird field, age)
        "#]],
    );
    check(
        "head 3",
        expect![[r#"
            read -
              to inputs
            from inputs
              lines -> line: text, number: int
              head 3 -> line: text, number: int
              write stdout (line)
        "#]],
    );
    check(
        "where number > 3",
        expect![[r#"
            read -
              to inputs
            from inputs
              lines -> line: text, number: int
              where (> number 3) -> line: text, number: int
              write stdout (line)
        "#]],
    );
    check(
        "r = read \"x\" | parse clf else bad\nr | where status == 500 | write \"e\"\nr | summarize count() by method | write stdout\nbad | select number | write stderr as text",
        expect![[r#"
            read "x"
              parse clf else bad -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              to r
            from r
              where (== status 500) -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              write "e" (remote, ident, user, time, method, path, query, protocol, request, status, bytes, referer, agent)
            from r
              group method count() -> method: text?, count: int
              write stdout (method, count)
            from bad
              select -> number: int
              write stderr as text (number)
        "#]],
    );
    check(
        "select l = line | set line = l | parse clf | summarize max(number) by status",
        expect![
            "[number] there is no column `number` / not a column here / there are `remote`, `ident`, `user`, `time`, `method`, `path`, `query`, `protocol`, `request`, `status`, `bytes`, `referer` and `agent`"
        ],
    );
    check(
        "select l = line | set line = l | parse clf | summarize max(time) by status",
        expect![[r#"
            read -
              to inputs
            from inputs
              lines -> line: text, number: int
              select -> line: text
              compute line = line -> line: text, line: text
              compute number = 0 -> line: text, line: text, number: int
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group status max(time) -> status: int, max: time?
              write stdout (status, max_time)
        "#]],
    );
}

#[test]
fn expressions_are_typed() {
    let types = |expressions: &[&str]| {
        let mut text = String::new();
        for expression in expressions {
            let source = format!(
                "parse csv(columns=\"i:i64,x:f64,s:str,b:bool,i0:i64?,x0:f64?,s0:str?,b0:bool?\") | select r = {expression}"
            );
            let plan = compile("test", &source, &environment())
                .unwrap_or_else(|error| panic!("{expression}: {error}"));
            let shown = plan.to_string();
            let line = shown
                .lines()
                .find(|line| line.contains(" r = "))
                .unwrap_or(&shown);
            writeln!(
                text,
                "{expression}: {}",
                line.trim().trim_start_matches("compute r = ")
            )
            .unwrap();
        }
        text
    };
    expect![[r#"
        i + 1: (+ i 1) -> r: int
        i + x: (+ (float i) x) -> r: float
        1 + x: (+ 1.0 x) -> r: float
        i / 2: (/ (float i) 2.0) -> r: float
        i / i: (/ (float i) (float i)) -> r: float?
        i // 2: (// i 2) -> r: int
        i // i: (// i i) -> r: int?
        x / 0.5: (/ x 0.5) -> r: float
        i0 % 3: (% i0 3) -> r: int?
        s + s0: (concat s s0) -> r: text?
        i < 2.5: (< (float i) 2.5) -> r: bool
        s < s0: (< s s0) -> r: bool?
        b and b0: (and b b0) -> r: bool?
        i == null: (is_null i) -> r: bool
        i0 ?? 1: (?? i0 1) -> r: int
        i0 ?? x: (?? (float i0) x) -> r: float
        i ?? 1: read -
          to inputs
        from inputs
          parse csv -> i: int, x: float, s: text, b: bool, i0: int?, x0: float?, s0: text?, b0: bool?
          select -> i: int
          write stdout (r)
        i0 ?? null: read -
          to inputs
        from inputs
          parse csv -> i: int, x: float, s: text, b: bool, i0: int?, x0: float?, s0: text?, b0: bool?
          select -> i0: int?
          write stdout (r)
        if(b0, 1, x): (if b0 1.0 x) -> r: float
        if(b, null, s): (if b null (some s)) -> r: text?
        coalesce(i0, x0, 1): (?? (?? (float i0) x0) 1.0) -> r: float
        int(s): (int s) -> r: int?
        int(x): (int x) -> r: int?
        float(i): (float i) -> r: float
        text(b): (text b) -> r: text
        len(s0): (len s0) -> r: int?
        min(i, x, 2): (min (min (float i) x) 2.0) -> r: float
        i in (1, 2.5): (or (== i 1) (== (float i) 2.5)) -> r: bool
        i not in (1, i0): (not (or (== i 1) (== i i0))) -> r: bool?
        substr(s, 1): (substr s 1 9223372036854775807) -> r: text
        split_part(s, ",", 0): (split_part s "," 0) -> r: text?
        concat(i, s0): (concat (text i) s0) -> r: text?
        round(x, 2): (round:2 x) -> r: float
        round(i): read -
          to inputs
        from inputs
          parse csv -> i: int, x: float, s: text, b: bool, i0: int?, x0: float?, s0: text?, b0: bool?
          select -> i: int
          write stdout (r)
        bin(@2026-11-21, 5m): (bin @1795219200000000000ns 300000000000ns) -> r: time
        bin(i, i): (bin i i) -> r: int?
        bin(i, 0.5): (bin (float i) 0.5) -> r: float
        date(@2026-11-21): (format_time @1795219200000000000ns "%Y-%m-%d" "UTC") -> r: text
        1KiB: 1024 -> r: int
        -i0: (- i0) -> r: int?
        not b0: (not b0) -> r: bool?
        s contains s0: (contains s s0) -> r: bool?
    "#]]
    .assert_eq(&types(&[
        "i + 1",
        "i + x",
        "1 + x",
        "i / 2",
        "i / i",
        "i // 2",
        "i // i",
        "x / 0.5",
        "i0 % 3",
        "s + s0",
        "i < 2.5",
        "s < s0",
        "b and b0",
        "i == null",
        "i0 ?? 1",
        "i0 ?? x",
        "i ?? 1",
        "i0 ?? null",
        "if(b0, 1, x)",
        "if(b, null, s)",
        "coalesce(i0, x0, 1)",
        "int(s)",
        "int(x)",
        "float(i)",
        "text(b)",
        "len(s0)",
        "min(i, x, 2)",
        "i in (1, 2.5)",
        "i not in (1, i0)",
        "substr(s, 1)",
        "split_part(s, \",\", 0)",
        "concat(i, s0)",
        "round(x, 2)",
        "round(i)",
        "bin(@2026-11-21, 5m)",
        "bin(i, i)",
        "bin(i, 0.5)",
        "date(@2026-11-21)",
        "1KiB",
        "-i0",
        "not b0",
        "s contains s0",
    ]));
}

#[test]
fn large_programs_are_bounded() {
    let message = |source: String| match compile("test", &source, &environment()) {
        Ok(_) => "fine".to_owned(),
        Err(diagnostic) => diagnostic.message,
    };
    let stages = |count: usize| vec!["where number > 1"; count].join("|");
    assert_eq!(message(stages(200)), "fine");
    assert_eq!(
        message(stages(limits::PIPELINE_STAGES_MAX)),
        "more than 256 processes in a row"
    );
    assert_eq!(message(stages(1000)), "a pipeline may have at most 256 stages");
    let row: String = (0..100)
        .map(|k| {
            format!(
                "a{} = {}\n",
                k + 1,
                if k == 0 {
                    stages(1)
                } else {
                    format!("a{k} | {}", stages(20))
                }
            )
        })
        .collect();
    assert_eq!(
        message(row + "a100 | write stdout"),
        "more than 256 processes in a row"
    );
    let many = "head 1 | write stdout\n".repeat(limits::PROGRAM_STAGES_MAX);
    assert_eq!(message(many), "a program may have at most 2048 stages");

    let columns = |count: usize| {
        (0..count)
            .map(|k| format!("c{k}:i64"))
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(
        message(format!("parse csv(columns=\"{}\")", columns(2048))),
        "fine"
    );
    assert_eq!(
        message(format!("parse csv(columns=\"{}\")", columns(2049))),
        "a flow may have at most 2048 columns"
    );
    let set = |count: usize, value: &str| {
        (0..count)
            .map(|k| format!("c{k} = {value}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(message(format!("set {}", set(1000, "number + 1"))), "fine");
    assert_eq!(
        message(format!("set {0} | set {0}, x = 1", set(1000, "number"))),
        "fine"
    );
    let long = vec!["number"; 999].join(" + ");
    assert_eq!(message(format!("set {}", set(3, &long))), "fine");
    assert_eq!(
        message(format!("set {}", set(9, &long))),
        "the expressions of one stage may have 10000 parts"
    );
    let list: Vec<String> = (0..900).map(|k| k.to_string()).collect();
    assert_eq!(message(format!("where number in ({})", list.join(", "))), "fine");
    let deep = format!("where {}number{} == 1", "abs(".repeat(199), ")".repeat(199));
    assert_eq!(message(deep), "fine");
    let deep = format!(
        "select x = {}1.5{}",
        "min(number + 1, -".repeat(199),
        ")".repeat(199)
    );
    assert_eq!(message(deep), "an expression may nest at most 200 deep");
    // As high as a tree can be, on the stack of a thread of tests.
    let sum = vec!["number"; 700].join(" + ");
    let high = format!(
        "where number not in ({}{sum}{})",
        "int(not number not in (".repeat(66),
        "))".repeat(66)
    );
    assert_eq!(message(high), "fine");
}
