//! Aggregates and the stages that hold elements, against results worked out by hand and by other means.

mod common;

use common::World;
use expect_test::{Expect, expect};

const ROWS: &str = "\
k,n,x,s,d
a,1,0.5,one,1s
b,2,,two,2s
a,3,2.5,three,4s
b,4,1.5,,3s
a,5,nan,two,
c,,,,
";

fn check(program: &str, expected: Expect) {
    let columns = "k:text,n:int?,x:float?,s:text?,d:duration?";
    let program = format!("parse csv(columns=\"{columns}\", header=true) | {program}");
    common::check(&World::stdin(ROWS), &program, expected);
}

#[test]
fn aggregates_of_groups() {
    check(
        "summarize count(), count(n), first(s), last(s), argmin(s, n), argmax(s, n) by k | write stdout as csv",
        expect![[r#"
            k,count,count_n,first_s,last_s,argmin_s_n,argmax_s_n
            a,3,3,one,two,one,two
            b,2,2,two,two,two,two
            c,1,0,,,,
        "#]],
    );
    check(
        "summarize median(n), percentile(n, 90), percentile(x, 0), max_d = percentile(d, 100), m = median(d) by k
        | write stdout as csv",
        expect![[r#"
            k,median_n,percentile_n_90,percentile_x_0,max_d,m
            a,3.0,4.6,0.5,PT4S,PT2.5S
            b,3.0,3.8,1.5,PT3S,PT2.5S
            c,,,,,
        "#]],
    );
    check(
        "summarize stddev(n), variance(n), stddev(d), dcount(s), dcount(x), collect(n), collect(s) by k
        | write stdout as json",
        expect![[r#"
            {"k":"a","stddev_n":2.0,"variance_n":4.0,"stddev_d":"PT2.121320344S","dcount_s":3,"dcount_x":3,"collect_n":[1,3,5],"collect_s":["one","three","two"]}
            {"k":"b","stddev_n":1.4142135623730951,"variance_n":2.0,"stddev_d":"PT0.707106781S","dcount_s":1,"dcount_x":1,"collect_n":[2,4],"collect_s":["two"]}
            {"k":"c","stddev_n":null,"variance_n":null,"stddev_d":null,"dcount_s":0,"dcount_x":0,"collect_n":[],"collect_s":[]}
        "#]],
    );
    check(
        "summarize share(n), n = sum(n) by k | write stdout as csv",
        expect![[r#"
            k,share_n,n
            a,0.6,9
            b,0.4,6
            c,0.0,0
        "#]],
    );
}

#[test]
fn aggregates_of_all() {
    check(
        "summarize median(n), percentile(n, 25), dcount(k), collect(k), first(k), last(s), argmax(k, n), stddev(n)
        | write stdout as json",
        expect![[r#"
            {"median_n":3.0,"percentile_n_25":2.0,"dcount_k":3,"collect_k":["a","b","a","b","a","c"],"first_k":"a","last_s":"two","argmax_k_n":"a","stddev_n":1.5811388300841898}
        "#]],
    );
    check(
        "where n > 99 | summarize count(), median(n), dcount(k), collect(k), first(k), argmax(k, n), stddev(n)
        | write stdout as json",
        expect![[r#"
            {"count":0,"median_n":null,"dcount_k":0,"collect_k":[],"first_k":null,"argmax_k_n":null,"stddev_n":null}
        "#]],
    );
}

#[test]
fn shares_are_of_all_elements() {
    check(
        "where n != null | set part = share(n), twice = 2 * part, rest = 1 - share(n * 2) | select k, part, twice, rest",
        expect![[r#"
            a	0.06666666666666667	0.13333333333333333	0.9333333333333333
            b	0.13333333333333333	0.26666666666666666	0.8666666666666667
            a	0.2	0.4	0.8
            b	0.26666666666666666	0.5333333333333333	0.7333333333333334
            a	0.3333333333333333	0.6666666666666666	0.6666666666666667
        "#]],
    );
    check(
        "select k, p = share(n) | where p > 0.2",
        expect![[r#"
        b	0.26666666666666666
        a	0.3333333333333333
    "#]],
    );
    check("where false | set part = share(n)", expect![[""]]);
}

#[test]
fn the_last_and_the_first() {
    check(
        "select k, n | tail 2",
        expect![[r#"
        a	5
        c	
    "#]],
    );
    check("select k, n | tail 0", expect![[""]]);
    check(
        "select k, n | tail | count",
        expect![[r#"
        6
    "#]],
    );
    check(
        "select k, n | sort n desc | head 2",
        expect![[r#"
        a	5
        b	4
    "#]],
    );
    check(
        "select n, s | tail 2 | write stdout as tsv",
        expect![[r#"
        n	s
        5	two
	
    "#]],
    );
    let lines: String = (0..5000).map(|line| format!("{line}\n")).collect();
    let world = World::stdin(lines);
    assert_eq!(world.run("tail 3").unwrap()["stdout"], "4997\n4998\n4999\n");
    let sorted = world.run("select n = int(line) ?? 0 | sort n % 7, n desc | head 3");
    assert_eq!(sorted.unwrap()["stdout"], "4998\n4991\n4984\n");
}

#[test]
fn what_is_wrong_with_aggregates_is_told() {
    for (program, expected) in [
        (
            "summarize percentile(n)",
            expect![[r#"
            Error: `percentile` takes two arguments
               ╭─[ test:1:90 ]
               │
             1 │ …,d:duration?", header=true) | summarize percentile(n)
               │                                          ┬────────────
               │                                          ╰────────────── here is 1
               │
               │ Help: it is called as `percentile(x, p)`
            ───╯
        "#]],
        ),
        (
            "summarize percentile(n, 101)",
            expect![[r#"
            Error: `percentile` takes a constant from 0 to 100
               ╭─[ test:1:104 ]
               │
             1 │ … header=true) | summarize percentile(n, 101)
               │                                          ┬──
               │                                          ╰──── not such a number
               │
               │ Help: as in `percentile(x, 95)`
            ───╯
        "#]],
        ),
        (
            "summarize percentile(s, 50)",
            expect![[r#"
            Error: `percentile` takes numbers, durations or times
               ╭─[ test:1:101 ]
               │
             1 │ …?", header=true) | summarize percentile(s, 50)
               │                                          ┬
               │                                          ╰── this is text?
               │
               │ Help: `int(...)` or `float(...)` makes a number of text
            ───╯
        "#]],
        ),
        (
            "summarize stddev(s)",
            expect![[r#"
            Error: `stddev` takes numbers or durations
               ╭─[ test:1:97 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | summarize stddev(s)
               │                                                                                                 ┬
               │                                                                                                 ╰── this is text?
               │
               │ Help: `int(...)` or `float(...)` makes a number of text
            ───╯
        "#]],
        ),
        (
            "summarize argmax(n)",
            expect![[r#"
            Error: `argmax` takes two arguments
               ╭─[ test:1:90 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | summarize argmax(n)
               │                                                                                          ┬────────
               │                                                                                          ╰────────── here is 1
               │
               │ Help: it is called as `argmax(x, by)`
            ───╯
        "#]],
        ),
        (
            "summarize p95(n)",
            expect![[r#"
            Error: there is no aggregate `p95`
               ╭─[ test:1:90 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | summarize p95(n)
               │                                                                                          ┬──
               │                                                                                          ╰──── not an aggregate
               │
               │ Help: the aggregate for this is `percentile(x, 95)`
            ───╯
        "#]],
        ),
        (
            "summarize count_distinct(n)",
            expect![[r#"
            Error: there is no aggregate `count_distinct`
               ╭─[ test:1:90 ]
               │
             1 │ …,d:duration?", header=true) | summarize count_distinct(n)
               │                                          ┬─────────────
               │                                          ╰─────────────── not an aggregate
               │
               │ Help: the aggregate for this is `dcount(x)`
            ───╯
        "#]],
        ),
        (
            "where share(n) > 0.5",
            expect![[r#"
            Error: `share` is of all elements
               ╭─[ test:1:86 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | where share(n) > 0.5
               │                                                                                      ┬───────
               │                                                                                      ╰───────── cannot stand here
               │
               │ Help: it stands in `set`, `select` and `summarize`: `set part = share(bytes) | where part > 0.1`
            ───╯
        "#]],
        ),
        (
            "set a = median(n)",
            expect![[r#"
            Error: `median` is an aggregate
               ╭─[ test:1:88 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | set a = median(n)
               │                                                                                        ┬────────
               │                                                                                        ╰────────── cannot stand here
               │
               │ Help: aggregates stand in `summarize`, and not in each other
            ───╯
        "#]],
        ),
        (
            "summarize n + 1",
            expect![[r#"
            Error: `n` differs within a group
               ╭─[ test:1:90 ]
               │
             1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | summarize n + 1
               │                                                                                          ┬
               │                                                                                          ╰── neither aggregated nor a key
               │
               │ Help: take it into an aggregate, as in `max(n)`, or group by it: `by n`
            ───╯
        "#]],
        ),
        (
            "tail -1",
            expect![[r#"
                Error: expected a number of elements, found `-`
                   ╭─[ test:1:85 ]
                   │
                 1 │ parse csv(columns="k:text,n:int?,x:float?,s:text?,d:duration?", header=true) | tail -1
                   │                                                                                     ┬
                   │                                                                                     ╰── not expected here
                   │
                   │ Help: without the `-`: `head 3`, `tail 5`
                ───╯
            "#]],
        ),
    ] {
        check(program, expected);
    }
}

/// Random values against the same worked out over sorted vectors.
#[test]
fn percentiles_and_counts_are_exact() {
    let mut random = 7_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 40) as i64 % 500 - 250
    };
    let mut groups = vec![Vec::new(); 7];
    let mut rows = String::new();
    for _ in 0..20_000 {
        let (group, value) = (next().unsigned_abs() as usize % 7, next());
        groups[group].push(value);
        rows += &format!("{group},{value}\n");
    }
    let program =
        "parse csv(columns=\"g:int,v:int\") | summarize p = percentile(v, 37.5), m = median(v), d = dcount(v) by g
        | sort g | write stdout as csv";
    let found = World::stdin(rows).run(program).unwrap()["stdout"].clone();
    let mut expected = "g,p,m,d\n".to_owned();
    for (group, values) in groups.iter_mut().enumerate() {
        values.sort_unstable();
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            low as f64 + (high - low) as f64 * place.fract()
        };
        let (p, m) = (at(0.375), at(0.5));
        values.dedup();
        expected += &format!("{group},{p:?},{m:?},{}\n", values.len());
    }
    assert_eq!(found, expected);
}

#[test]
fn what_else_names_need_not_be_read() {
    let world = World::stdin("1\nx\n3\n");
    let program = "parse csv(columns=\"n:int\") else bad | summarize sum(n)";
    assert_eq!(world.run(program).unwrap()["stdout"], "4\n");
}
