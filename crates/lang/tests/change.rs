//! A running program becomes another one.

mod common;

use common::{Live, World, graph, numbers, on_both_engines};
use cutthrough::{Options, Progress};
use expect_test::{Expect, expect};

fn world(lines: usize) -> World {
    let line = |n: usize| format!("{n},{}\n", ["a", "b", "c"][n % 3]);
    World::stdin((0..lines).map(line).collect::<String>())
}

const PARSE: &str = "parse csv(columns=\"n:i64,name:str\")";

/// How many steps there are before a change: somewhere within the input.
const STEPS: u64 = 500;

/// Runs `before` for a while, then `after`; what is to be done for that, and what they wrote.
fn check(before: &str, after: &str, plan: &Expect, outputs: impl Fn(&mut Live)) {
    let is_checked = std::cell::Cell::new(false);
    on_both_engines(|options| {
        let (before, after) = (before.replace("PARSE", PARSE), after.replace("PARSE", PARSE));
        let world = world(2_000);
        let mut live = world.start(&before, options.clone()).unwrap();
        live.network.run_steps(STEPS).unwrap();
        let change = live.change(&world, &after).unwrap();
        // Once, so that it can be renewed.
        if !is_checked.replace(true) {
            plan.assert_eq(&change);
        }
        live.network.check_conservation().unwrap();
        assert_eq!(live.network.run().unwrap(), Progress::Done);
        live.network.check_conservation().unwrap();
        live.running.settle(&mut live.network);
        let fresh = world.start(&after, options).unwrap();
        assert_eq!(live.running.flows().count(), fresh.running.flows().count());
        outputs(&mut live);
    });
}

/// The numbers below 2000 for which `before` holds up to some place, and `after` from there on.
fn switched(seen: &[usize], before: impl Fn(usize) -> bool, after: impl Fn(usize) -> bool) -> usize {
    let fits = |at: &usize| {
        (0..2_000)
            .filter(|&n| if n < *at { before(n) } else { after(n) })
            .eq(seen.iter().copied())
    };
    (1..2_000)
        .find(fits)
        .unwrap_or_else(|| panic!("at no place: {seen:?}"))
}

#[test]
fn a_condition_is_swapped_and_counts_go_on() {
    let plan = expect![[r#"
        ~ where n % 2 == 0 (1:39): becomes where n % 3 == 0 (1:39)
        = 3 processes stay as they are
    "#]];
    check(
        "PARSE | where n % 2 == 0",
        "PARSE | where n % 3 == 0",
        &plan,
        |live| {
            let at = switched(
                &numbers(&live.outputs()["stdout"]),
                |n| n % 2 == 0,
                |n| n % 3 == 0,
            );
            assert!((100..600).contains(&at), "{at}");
            let stage = live
                .running
                .stages()
                .find(|stage| stage.name.starts_with("where"))
                .unwrap();
            let report = live.network.process_report(stage.process).unwrap();
            assert_eq!(report.inputs[0].moved, 2_000);
        },
    );
}

#[test]
fn a_parser_that_is_changed_keeps_the_header() {
    let rows = |columns: [&str; 2]| {
        let row = |n: usize| format!("{n},{}\n", n + 10_000);
        format!(
            "{}\n{}",
            columns.join(","),
            (0..1_000).map(row).collect::<String>()
        )
    };
    on_both_engines(|options| {
        let world = World::default()
            .with_input("a", rows(["n", "m"]))
            .with_input("b", rows(["m", "n"]));
        let mut live = world.start("parse csv | select n", options).unwrap();
        // In the midst of the second input.
        live.network.run_steps(1_500).unwrap();
        assert!(live.outputs()["stdout"].len() < 11_000);
        live.change(&world, "parse csv | select m").unwrap();
        assert_eq!(live.network.run().unwrap(), Progress::Done);
        live.network.check_conservation().unwrap();
        live.running.settle(&mut live.network);
        let numbers = numbers(&live.outputs()["stdout"]);
        assert_eq!(numbers.len(), 2_000);
        let at = numbers.iter().rposition(|&n| n >= 10_000).unwrap();
        assert!((1_000..1_999).contains(&at), "{at}");
        let (n, m) = numbers[1_000..].split_at(at - 999);
        assert!(n.iter().copied().eq(10_000..10_000 + n.len()));
        assert!(m.iter().copied().eq(n.len()..1_000));
    });
}

#[test]
fn a_stage_is_put_in_and_one_is_taken_out() {
    let plan = expect![[r#"
        + set n = n (1:50)
        + where n % 5 == 0 (1:62)
        - where n % 2 == 0 (1:39)
        = 4 processes stay as they are
    "#]];
    check(
        "PARSE | where n % 2 == 0 | select n",
        "PARSE | select n | set n = n | where n % 5 == 0",
        &plan,
        |live| {
            switched(
                &numbers(&live.outputs()["stdout"]),
                |n| n % 2 == 0,
                |n| n % 5 == 0,
            );
        },
    );
}

#[test]
fn other_columns_change_what_is_carried() {
    let plan = expect![[r#"
        ! write stdout: replaced by write stdout; writes what it holds, and ends
        - select n (1:70)
        = 4 processes stay as they are
    "#]];
    check(
        "PARSE | where n % 2 == 0 | head 1900 | select n",
        "PARSE | where n % 2 == 0 | head 1900 | select n, name",
        &plan,
        |live| {
            let text = &live.outputs()["stdout"];
            switched(&numbers(text), |n| n % 2 == 0, |n| n % 2 == 0);
            let narrow = text.lines().take_while(|line| !line.contains('\t')).count();
            assert!((50..300).contains(&narrow), "{narrow}");
            let is_wide = |line: &str| line.ends_with(['a', 'b', 'c']);
            assert!(text.lines().skip(narrow).all(is_wide));
            let head = live
                .running
                .stages()
                .find(|stage| stage.name.starts_with("head"))
                .unwrap();
            let report = live.network.process_report(head.process).unwrap();
            assert_eq!(report.outputs[0].moved, 1_000, "it has gone on counting");
        },
    );
}

#[test]
fn an_unchanged_summary_keeps_its_groups() {
    let plan = expect![[r#"
        ~ tee rows: with other readers
        ~ where n < 10 (3:8): becomes where n != 7 (2:8)
        ! write "small" (3:23): replaced by write "other" (2:23); writes what it holds, and ends
        = 5 processes stay as they are
    "#]];
    check(
        "rows = PARSE\nrows | summarize n = count(), max(n) by name | write \"names\"\nrows | where n < 10 | write \"small\"",
        "rows = PARSE\nrows | where n != 7 | write \"other\"\nrows | summarize n = count(), max(n) by name | write \"names\"",
        &plan,
        |live| {
            assert_eq!(
                live.outputs()["names"],
                "a\t667\t1998\nb\t667\t1999\nc\t666\t1997\n"
            );
            assert_eq!(numbers(&live.outputs()["small"]), (0..10).collect::<Vec<_>>());
            let other = numbers(&live.outputs()["other"]);
            assert_eq!(other, (other[0]..2_000).collect::<Vec<_>>());
            assert!((100..600).contains(&other[0]));
        },
    );
}

#[test]
fn a_changed_sort_gives_what_it_holds() {
    let plan = expect![[r#"
        ! sort n desc (1:39): replaced by sort name, n desc (1:39); gives what it holds, and ends
        ! write stdout: replaced by write stdout; writes what it holds, and ends
        - columns of sort n desc (1:39)
        = 2 processes stay as they are
    "#]];
    check(
        "PARSE | sort n desc | select n",
        "PARSE | sort name, n desc | select n, name",
        &plan,
        |live| {
            let text = &live.outputs()["stdout"];
            let mut seen = numbers(text);
            let wide = text.lines().filter(|line| line.contains('\t')).count();
            assert!((1_000..1_950).contains(&wide), "{wide}");
            seen.sort_unstable();
            assert_eq!(seen, (0..2_000).collect::<Vec<_>>(), "nothing is lost");
        },
    );
}

#[test]
fn a_sort_that_is_taken_out_gives_what_it_holds_to_what_comes_after() {
    let plan = expect![[r#"
        + where n % 2 == 0 (1:39)
        - sort n desc (1:39); gives what it holds, and ends
        - where n % 2 == 0 (1:53)
        = 4 processes stay as they are
    "#]];
    check(
        "PARSE | sort n desc | where n % 2 == 0 | select n | write \"x\"",
        "PARSE | where n % 2 == 0 | select n | write \"x\"",
        &plan,
        |live| {
            let mut seen = numbers(&live.outputs()["x"]);
            assert!(!seen.is_sorted());
            seen.sort_unstable();
            assert_eq!(seen, (0..2_000).filter(|n| n % 2 == 0).collect::<Vec<_>>());
        },
    );
}

#[test]
fn readers_come_and_go() {
    let plan = expect![[r#"
        ~ parse csv(columns="n:i64,name:str") (1:8): becomes parse csv(columns="n:i64,name:str") else bad (1:7)
        + tee all
        + where n % 2 == 1 (3:7)
        + write "odd" (3:26)
        + write "bad" (4:7)
        = 3 processes stay as they are
    "#]];
    check(
        "rows = PARSE\nrows | where n % 2 == 0 | write \"even\"",
        "all = PARSE else bad\nall | where n % 2 == 0 | write \"even\"\nall | where n % 2 == 1 | write \"odd\"\nbad | write \"bad\"",
        &plan,
        |live| {
            assert_eq!(
                numbers(&live.outputs()["even"]),
                (0..2_000).filter(|n| n % 2 == 0).collect::<Vec<_>>()
            );
            let odd = numbers(&live.outputs()["odd"]);
            assert_eq!(odd, (odd[0]..2_000).step_by(2).collect::<Vec<_>>());
        },
    );
}

#[test]
fn what_cannot_be_changed_is_explained() {
    let world = world(2_000);
    let explain = |before: &str, after: &str, expected: Expect| {
        let (before, after) = (before.replace("PARSE", PARSE), after.replace("PARSE", PARSE));
        let mut live = world.start(&before, Options::interpreted()).unwrap();
        live.network.run_steps(STEPS).unwrap();
        let graph_before = graph(&mut live.network);
        expected.assert_eq(&live.change(&world, &after).unwrap_err());
        assert_eq!(graph(&mut live.network), graph_before, "nothing has changed");
        live.network.run().unwrap();
        live.network.check_conservation().unwrap();
    };
    explain(
        "lines | where number > 2 | write \"x\"",
        "PARSE | select n | write \"y\"",
        expect![[r#"
            Error: how an input is taken apart cannot change while it is read
               ╭─[ test:1:1 ]
               │
             1 │ parse csv(columns="n:i64,name:str") | select n | write "y"
               │ ┬──────────────────────────────────
               │ ╰──────────────────────────────────── this would begin in the midst of a line
               │
               │ Help: change what comes after it: what parses lines can be another, as in `lines | parse csv`
            ───╯
        "#]],
    );
    explain(
        "PARSE | select n | write \"x\"",
        "PARSE | select n, name | write \"x\"",
        expect![[r#"
            Error: a file that is being written cannot get other columns or another format
               ╭─[ test:1:56 ]
               │
             1 │ parse csv(columns="n:i64,name:str") | select n, name | write "x"
               │                                                        ┬────────
               │                                                        ╰────────── this would be written differently from now on
               │
               │ Help: write to another file
            ───╯
        "#]],
    );
    explain(
        "PARSE | where n > 1",
        "PARSE | where m > 1",
        expect![[r#"
        Error: there is no column `m`
           ╭─[ test:1:45 ]
           │
         1 │ parse csv(columns="n:i64,name:str") | where m > 1
           │                                             ┬
           │                                             ╰── not a column here
           │
           │ Help: there are `n` and `name`
        ───╯
    "#]],
    );
    explain(
        "rows = PARSE\nrows | head 5 | write \"x\"\nrows | write \"y\"",
        "rows = PARSE\nrows | head 6 | write \"x\"\nrows | write \"y\"",
        expect![[r#"
            Error: this has ended already, and does not begin again while the program runs
               ╭─[ test:2:8 ]
               │
             2 │ rows | head 6 | write "x"
               │        ┬─────
               │        ╰─────── in this stage
            ───╯
        "#]],
    );
}

#[test]
fn a_flow_that_others_read_keeps_its_columns() {
    let world = world(2_000);
    let before = format!("rows = {PARSE} | select n\nrows | where n > 5 | write \"x\"");
    let mut live = world.start(&before, Options::native()).unwrap();
    let rows = live.running.flow("rows").unwrap().point();
    let element = live.network.element_of(rows).unwrap().clone();
    let copy = live
        .network
        .rewire(|rewire| {
            let copy = rewire.add(cutthrough::processes::Pass::new(element.clone()))?;
            let out = rewire.point("mine", element)?;
            rewire.attach_input(copy, 0, rows)?;
            rewire.attach_output(copy, 0, out)?;
            Ok(copy)
        })
        .unwrap();
    let wider =
        format!("rows = {PARSE} | select n, name\nrows | where name != \"a\" | select n | write \"x\"");
    expect![[r#"
        Error: flow point `rows` is read by `pass`, which is not of this program: what it carries cannot change
           ╭─[ test:1:1 ]
           │
         1 │ rows = parse csv(columns="n:i64,name:str") | select n, name
           │ ┬
           │ ╰── in this stage
        ───╯
    "#]].assert_eq(&live.change(&world, &wider).unwrap_err());
    live.network.remove(copy).unwrap();
    live.change(&world, &wider).unwrap();
    live.network.run().unwrap();
    live.network.check_conservation().unwrap();
}

#[test]
fn a_change_that_another_comes_before_is_refused() {
    let world = world(200);
    let mut live = world.start("where number > 1", Options::interpreted()).unwrap();
    let change = |live: &Live, text: &str| {
        live.running
            .plan_change("test", text, &world.environment())
            .unwrap()
    };
    let (first, second) = (
        change(&live, "where number > 2"),
        change(&live, "where number > 3"),
    );
    let first = first.open(&live.running, &mut live.io).unwrap();
    let late = second.clone().open(&live.running, &mut live.io).unwrap();
    first.apply(&mut live.running, &mut live.network).unwrap();
    let error = late.apply(&mut live.running, &mut live.network).unwrap_err();
    expect!["the program has changed meanwhile; plan the change again"].assert_eq(&error.to_string());
    assert!(second.open(&live.running, &mut live.io).is_err());
    assert_eq!(live.running.source(), "where number > 2");
}

#[test]
fn taps_stay_where_they_are() {
    use cutthrough_lang::{TapOptions, TapPoint, TapPolicy, TapRead, tap};
    let complete = TapOptions {
        policy: TapPolicy::Complete,
        ..TapOptions::default()
    };
    on_both_engines(|options| {
        let world = world(2_000);
        let mut live = world
            .start(&format!("{PARSE} | where n % 2 == 0 | select n"), options)
            .unwrap();
        live.network.run_steps(STEPS).unwrap();
        let before = graph(&mut live.network);
        let point = TapPoint::from(live.running.flow("where.1").unwrap());
        let (tapped, mut reader) = tap(&mut live.network, &point, "", &complete).unwrap();
        live.network.run_steps(STEPS).unwrap();
        live.change(&world, &format!("{PARSE} | where n % 3 == 0 | select n"))
            .unwrap();
        live.network.run_steps(STEPS).unwrap();
        live.change(
            &world,
            &format!("{PARSE} | where n % 3 == 0 | skip 10 | select n"),
        )
        .unwrap();
        live.network.run_steps(STEPS).unwrap();
        live.change(&world, &format!("{PARSE} | where n % 2 == 0 | select n"))
            .unwrap();
        tapped.detach(&mut live.network);
        assert_eq!(graph(&mut live.network), before);
        let (mut bytes, mut seen) = (Vec::new(), Vec::new());
        while reader.read(&mut bytes, std::time::Duration::ZERO) == TapRead::Bytes {
            seen.extend_from_slice(&bytes);
        }
        let seen = numbers(std::str::from_utf8(&seen).unwrap());
        live.network.run().unwrap();
        let all = numbers(&live.outputs()["stdout"]);
        let skipped: Vec<usize> = seen.iter().copied().filter(|n| !all.contains(n)).collect();
        assert_eq!(skipped.len(), 10, "the tap sees what is skipped: {skipped:?}");
        let of_tap: Vec<usize> = all
            .iter()
            .copied()
            .filter(|n| *n >= seen[0] && n <= seen.last().unwrap())
            .collect();
        let not_skipped: Vec<usize> = seen.iter().copied().filter(|n| !skipped.contains(n)).collect();
        assert_eq!(of_tap, not_skipped);
        live.network.check_conservation().unwrap();
    });
}
