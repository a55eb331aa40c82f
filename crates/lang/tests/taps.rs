//! Taps: what they see, what they leave behind, and what they cannot do.

mod common;

use std::time::Duration;

use common::{Live, World, graph, numbers, on_both_engines};
use cutthrough::{Network, Options, Progress};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Tap, TapCounts, TapOptions, TapPlan, TapPoint, TapPolicy, TapRead, TapReader, tap};
use expect_test::expect;

const PROGRAM: &str = "\
rows = parse csv(columns=\"n:i64,name:str\") else bad
rows | where n >= 10 | select n, twice = n * 2 | write \"big.txt\"
rows | summarize count() by name | write \"names.txt\"
bad | write \"bad.txt\"";

/// Lines `0,a`, `1,b`, `2,c`, `3,a` and so on, every seventh of which is no row.
fn world(lines: usize) -> World {
    let line = |n: usize| match n % 7 {
        6 => format!("{n}\n"),
        _ => format!("{n},{}\n", ["a", "b", "c"][n % 3]),
    };
    World::stdin((0..lines).map(line).collect::<String>())
}

fn rows(lines: usize) -> impl Iterator<Item = usize> {
    (0..lines).filter(|n| n % 7 != 6)
}

fn complete() -> TapOptions {
    TapOptions {
        policy: TapPolicy::Complete,
        ..TapOptions::default()
    }
}

fn attach(live: &mut Live, flow: &str, pipeline: &str, options: &TapOptions) -> (Tap, TapReader) {
    let point = TapPoint::from(live.running.flow(flow).unwrap());
    tap(&mut live.network, &point, pipeline, options).unwrap()
}

/// All that there is to read now.
fn drain(reader: &mut TapReader) -> (String, TapRead) {
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    loop {
        match reader.read(&mut bytes, Duration::ZERO) {
            TapRead::Bytes => all.extend_from_slice(&bytes),
            other => return (String::from_utf8(all).unwrap(), other),
        }
    }
}

#[test]
fn every_flow_point_has_a_name() {
    let live = world(10).start(PROGRAM, Options::interpreted()).unwrap();
    let mut shown = String::new();
    for flow in live.running.flows() {
        let columns: Vec<String> = flow
            .columns()
            .iter()
            .map(|column| format!("{}: {}", column.name, column.ty))
            .collect();
        let aliases = flow.aliases().join(", ");
        shown += format!("{} [{aliases}] {}\n", flow.name(), columns.join(", ")).as_str();
        assert_eq!(live.network.name_of(flow.point()).unwrap(), flow.name());
        assert_eq!(live.running.flow(flow.name()).unwrap().point(), flow.point());
    }
    expect![[r#"
        inputs [read.1] block: text
        rows [parse.1] n: int, name: text
        bad [] line: text, number: int
        rows.1 [] n: int, name: text
        rows.2 [] n: int, name: text
        where.1 [] n: int, name: text
        select.1 [] n: int, twice: int
        summarize.1.1 [] name: text
        summarize.1 [] name: text, count: int
    "#]]
    .assert_eq(&shown);
    expect!["there is no flow point `row`; did you mean `rows`, `rows.1` or `rows.2`?"]
        .assert_eq(&live.running.flow("row").unwrap_err().to_string());
}

#[test]
fn a_complete_tap_sees_everything_and_leaves_no_trace() {
    on_both_engines(|options| {
        let mut live = world(2_000).start(PROGRAM, options).unwrap();
        live.network.run_steps(300).unwrap();
        let before = graph(&mut live.network);
        let written = live.outputs()["big.txt"].len();
        let (tap, mut reader) = attach(&mut live, "where.1", "", &complete());
        let with_tap = graph(&mut live.network);
        assert!(
            with_tap.iter().any(|line| line.contains("tap of where.1")),
            "{with_tap:?}"
        );
        live.network.run_steps(500).unwrap();
        tap.detach(&mut live.network);
        assert!(tap.is_gone());
        assert_eq!(graph(&mut live.network), before, "as if it had never been there");
        let (seen, end) = drain(&mut reader);
        assert_eq!(end, TapRead::End);
        let counts = tap.counts(&live.network);
        assert_eq!(
            (counts.missed, counts.seen, counts.emitted),
            (0, counts.emitted, numbers(&seen).len() as u64)
        );
        live.network.run().unwrap();
        let all = live.outputs()["big.txt"].clone();
        assert!(all.len() > written);
        // The tap's numbers are a stretch of what was written, without a gap.
        let (all, seen) = (numbers(&all), numbers(&seen));
        let first = all.iter().position(|n| *n == seen[0]).unwrap();
        assert_eq!(all[first..first + seen.len()], seen[..]);
        assert!(seen.len() > 50);
        assert_eq!(all, rows(2_000).filter(|n| *n >= 10).collect::<Vec<_>>());
        live.network.check_conservation().unwrap();
    });
}

#[test]
fn every_flow_point_can_be_tapped() {
    on_both_engines(|options| {
        let names: Vec<String> = {
            let live = world(10).start(PROGRAM, options.clone()).unwrap();
            live.running.flows().map(|flow| flow.name().to_owned()).collect()
        };
        let plain = world(200).start(PROGRAM, options.clone()).map(|mut live| {
            live.network.run().unwrap();
            live.outputs()
        });
        for name in names {
            let mut live = world(200).start(PROGRAM, options.clone()).unwrap();
            let (tap, mut reader) = attach(&mut live, &name, "", &complete());
            assert_eq!(live.network.run().unwrap(), Progress::Done);
            let (seen, end) = drain(&mut reader);
            assert_eq!(end, TapRead::End);
            let rows = match name.as_str() {
                "inputs" => 200,
                "bad" => 28,
                "where.1" | "select.1" => rows(200).count() - 9,
                "summarize.1" => 3,
                _ => rows(200).count(),
            };
            assert_eq!(seen.lines().count(), rows, "{name}");
            let seen = if name == "inputs" { 1 } else { rows as u64 };
            assert_eq!(
                tap.counts(&live.network),
                TapCounts {
                    seen,
                    missed: 0,
                    emitted: rows as u64
                },
                "{name}"
            );
            assert_eq!(plain, Ok(live.outputs()), "{name}");
            live.network.check_conservation().unwrap();
        }
    });
}

#[test]
fn a_lossy_tap_that_nobody_reads_never_slows_the_flow() {
    on_both_engines(|options| {
        let mut live = world(3_000).start(PROGRAM, options).unwrap();
        let small = TapOptions {
            output_bytes_max: 100,
            ..TapOptions::default()
        };
        let (tap, mut reader) = attach(&mut live, "rows", "select n", &small);
        assert_eq!(live.network.run().unwrap(), Progress::Done);
        let (seen, _) = drain(&mut reader);
        assert!((100..110).contains(&seen.len()), "{} bytes", seen.len());
        let counts = tap.counts(&live.network);
        assert_eq!(counts.seen, rows(3_000).count() as u64);
        assert_eq!(counts.emitted, numbers(&seen).len() as u64);
        assert_eq!(counts.missed, counts.seen - counts.emitted);
        live.network.check_conservation().unwrap();
    });
}

#[test]
fn a_lossy_tap_goes_on_when_it_is_read() {
    on_both_engines(|options| {
        let mut live = world(3_000).start(PROGRAM, options).unwrap();
        let small = TapOptions {
            output_bytes_max: 100,
            ..TapOptions::default()
        };
        let (tap, mut reader) = attach(&mut live, "rows", "select n", &small);
        live.network.run_steps(1_000).unwrap();
        let (first, _) = drain(&mut reader);
        live.network.run_steps(1_000).unwrap();
        let (second, _) = drain(&mut reader);
        let (first, second) = (numbers(&first), numbers(&second));
        assert!(!first.is_empty() && !second.is_empty());
        assert!(first.last().unwrap() + 2 < second[0], "some were missed between");
        let counts = tap.counts(&live.network);
        assert_eq!(counts.missed + counts.emitted, counts.seen);
    });
}

#[test]
fn a_complete_tap_holds_the_flow_until_it_is_read() {
    on_both_engines(|options| {
        let mut live = world(20_000).start(PROGRAM, options).unwrap();
        let small = TapOptions {
            output_bytes_max: 1_000,
            ..complete()
        };
        let (tap, mut reader) = attach(&mut live, "rows", "where n % 2 == 0 | select n", &small);
        assert_eq!(live.network.run().unwrap(), Progress::Waiting, "nobody reads");
        let reading = std::thread::spawn(move || {
            let (mut all, mut bytes) = (Vec::new(), Vec::new());
            loop {
                match reader.read(&mut bytes, Duration::from_secs(60)) {
                    TapRead::Bytes => all.extend_from_slice(&bytes),
                    end => return (String::from_utf8(all).unwrap(), end),
                }
            }
        });
        while live.network.run().unwrap() == Progress::Waiting {
            live.network.wait();
        }
        let (seen, end) = reading.join().unwrap();
        assert_eq!(end, TapRead::End);
        assert_eq!(
            numbers(&seen),
            rows(20_000).filter(|n| n % 2 == 0).collect::<Vec<_>>()
        );
        assert_eq!(tap.counts(&live.network).missed, 0);
        live.network.check_conservation().unwrap();
    });
}

#[test]
fn a_stuck_complete_tap_is_detached_and_the_flow_goes_on() {
    on_both_engines(|options| {
        for drops_reader in [false, true] {
            let mut live = world(2_000).start(PROGRAM, options.clone()).unwrap();
            let small = TapOptions {
                output_bytes_max: 10,
                ..complete()
            };
            let before = graph(&mut live.network);
            let (tap, reader) = attach(&mut live, "rows", "summarize count() by n", &small);
            let (second, other) = attach(&mut live, "rows", "select n", &small);
            assert_eq!(live.network.run().unwrap(), Progress::Waiting);
            if drops_reader {
                drop((reader, other));
            } else {
                tap.detach(&mut live.network);
                second.detach(&mut live.network);
            }
            live.network.run_steps(50).unwrap();
            if drops_reader {
                assert_eq!(
                    graph(&mut live.network),
                    before,
                    "both are gone, whatever they held"
                );
            }
            live.network.run().unwrap();
            let all = numbers(&live.outputs()["big.txt"]);
            assert_eq!(all, rows(2_000).filter(|n| *n >= 10).collect::<Vec<_>>());
        }
    });
}

#[test]
fn head_ends_the_tap_by_itself() {
    on_both_engines(|options| {
        let mut live = world(2_000).start(PROGRAM, options).unwrap();
        let before = graph(&mut live.network);
        let (tap, mut reader) = attach(&mut live, "rows", "where n > 5 | head 7", &complete());
        live.network.run_steps(1_000).unwrap();
        assert!(tap.is_gone());
        assert_eq!(graph(&mut live.network), before);
        let (seen, end) = drain(&mut reader);
        assert_eq!(
            (numbers(&seen), end),
            (vec![7, 8, 9, 10, 11, 12, 14], TapRead::End)
        );
        let counts = tap.counts(&live.network);
        assert_eq!(
            (counts.seen, counts.emitted),
            (13, 7),
            "as long as it wanted some"
        );
        tap.detach(&mut live.network);
        assert_eq!(live.network.run().unwrap(), Progress::Done);
        live.network.check_conservation().unwrap();
    });
}

#[test]
fn what_a_tap_holds_comes_out_when_it_is_detached() {
    on_both_engines(|options| {
        let mut live = world(50_000).start(PROGRAM, options).unwrap();
        let before = graph(&mut live.network);
        let json = TapOptions {
            format: OutputFormat::Json,
            ..complete()
        };
        let (tap, mut reader) = attach(
            &mut live,
            "rows",
            "summarize n = count(), last = max(n) by name",
            &json,
        );
        live.network.run_steps(700).unwrap();
        assert_eq!(drain(&mut reader).1, TapRead::Nothing);
        let seen = tap.counts(&live.network).seen;
        tap.detach(&mut live.network);
        // What is read next waits until all is given that is held, downstream first.
        while !tap.is_gone() {
            let progress = live.network.run_steps(1_000).unwrap();
            assert_eq!(progress, Progress::Steps, "it is gone before the flow ends");
        }
        assert_eq!(graph(&mut live.network), before);
        let (text, end) = drain(&mut reader);
        assert_eq!(end, TapRead::End);
        let mut expected = std::collections::BTreeMap::new();
        for n in rows(50_000).take(usize::try_from(seen).unwrap()) {
            let group: &mut (usize, usize) = expected.entry(["a", "b", "c"][n % 3]).or_default();
            *group = (group.0 + 1, n);
        }
        let expected: String = expected
            .iter()
            .map(|(name, (count, last))| format!("{{\"name\":\"{name}\",\"n\":{count},\"last\":{last}}}\n"))
            .collect();
        assert_eq!(text, expected);
    });
}

#[test]
fn a_tap_that_fails_hurts_nobody() {
    on_both_engines(|options| {
        let mut live = world(2_000).start(PROGRAM, options).unwrap();
        let text = "summarize sum(9223372036854775807 - n)";
        let (tap, mut reader) = attach(&mut live, "rows", text, &complete());
        assert_eq!(live.network.run().unwrap(), Progress::Done);
        let (_, end) = drain(&mut reader);
        let TapRead::Failed(why) = end else {
            panic!("{end:?}")
        };
        assert!(why.starts_with("tap of rows: summarize sum("), "{why}");
        assert_eq!(tap.counts(&live.network).emitted, 0);
        assert_eq!(numbers(&live.outputs()["big.txt"]).len(), rows(2_000).count() - 9);
    });
}

#[test]
fn a_tap_may_come_and_go_with_the_network_of_somebody_else() {
    let mut network = Network::new(Options::native());
    let pairs = network
        .source::<(i64, f64)>(cutthrough::processes::Iter::new(
            (0..1000i64).map(|n| (n, n as f64 / 2.0)),
        ))
        .unwrap();
    network
        .sink(pairs, cutthrough::processes::ForEach::new(|_: (i64, f64)| {}))
        .unwrap();
    let name = network.name_of(pairs).unwrap().to_owned();
    let point = TapPoint::named(&mut network, &name).unwrap();
    let (_, mut reader) = tap(
        &mut network,
        &point,
        "where value1 > 995 | set half = value2 * 2.0",
        &complete(),
    )
    .unwrap();
    network.run().unwrap();
    expect!["996\t498.0\t996.0\n997\t498.5\t997.0\n998\t499.0\t998.0\n999\t499.5\t999.0\n"]
        .assert_eq(&drain(&mut reader).0);
    let unknown = TapPoint::named(&mut network, "nowhere").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no flow point `nowhere`; there are `iter`"
    );
    // Nobody writes there any more.
    let over = TapPlan::compile(&point, "", &complete())
        .unwrap()
        .attach(&mut network)
        .unwrap_err();
    assert!(over.to_string().contains("nobody writes to flow point"), "{over}");
}

#[test]
fn a_tap_ends_with_its_network() {
    let mut live = world(2_000).start(PROGRAM, Options::native()).unwrap();
    let (_, mut reader) = attach(&mut live, "rows", "select n", &complete());
    live.network.run_steps(10).unwrap();
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while reader.read(&mut bytes, Duration::from_secs(60)) == TapRead::Bytes {}
        reader.read(&mut bytes, Duration::from_secs(60))
    });
    drop(live);
    assert_eq!(reading.join().unwrap(), TapRead::End);
}

#[test]
fn a_reader_that_leaves_is_noticed_however_many_requests_wait() {
    let mut live = world(2_000).start(PROGRAM, Options::interpreted()).unwrap();
    let before = graph(&mut live.network);
    let (tap, reader) = attach(&mut live, "rows", "select n", &complete());
    let handle = live.network.handle();
    while handle.send(|_| {}).is_ok() {}
    drop(reader);
    assert_eq!(live.network.run_steps(1).unwrap(), Progress::Steps);
    let begin = std::time::Instant::now();
    while !tap.is_gone() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it asks again");
        std::thread::sleep(Duration::from_millis(5));
        live.network.run_steps(1).unwrap();
    }
    assert_eq!(graph(&mut live.network), before);
}

#[test]
fn a_tap_may_use_any_column() {
    let program = "parse csv(columns=\"n:int,name:text\") | set big = upper(name), more = big + \"!\" | where n >= 10 \
                   | select n | write \"x\"";
    on_both_engines(|options| {
        let mut live = world(1_000).start(program, options).unwrap();
        live.network.run_steps(200).unwrap();
        let (_tap, mut reader) = attach(&mut live, "where.1", "select n, name, more", &complete());
        let mut seen = String::new();
        while live.network.run_steps(50).unwrap() == Progress::Steps {
            seen.push_str(&drain(&mut reader).0);
        }
        assert!(seen.lines().count() > 100, "{seen}");
        for row in seen.lines().filter(|line| !line.starts_with("n\t")) {
            let columns: Vec<&str> = row.split('\t').collect();
            let [n, name, more] = columns[..] else {
                panic!("{row}")
            };
            assert_eq!(name, ["a", "b", "c"][n.parse::<usize>().unwrap() % 3]);
            assert_eq!(more, name.to_uppercase() + "!");
        }
        live.network.check_conservation().unwrap();
    });
}

#[test]
fn wrong_taps_are_explained() {
    let live = world(10).start(PROGRAM, Options::interpreted()).unwrap();
    let sorted = "parse csv(columns=\"n:int,name:text\") | sort n | select n";
    let sorted = world(10).start(sorted, Options::interpreted()).unwrap();
    let check = |flow: &str, text: &str| {
        let flow = live.running.flow(flow).or_else(|_| sorted.running.flow(flow));
        let point = TapPoint::from(flow.unwrap());
        let diagnostic = TapPlan::compile(&point, text, &TapOptions::default()).unwrap_err();
        let marked = diagnostic.span.text(text).to_owned();
        format!(
            "{}: [{marked}] {}; {}\n",
            diagnostic.message,
            diagnostic.label,
            diagnostic.help.unwrap_or_default()
        )
    };
    let shown = [
        check("rows", "where m > 1"),
        check("sort.1", "where name == \"a\""),
        check("rows", "where n > 1; head 2"),
        check("rows", "x = where n > 1"),
        check("rows", "rows | where n > 1"),
        check("rows", "read \"x\" | lines"),
        check("rows", "head 1 | write \"x\""),
        check("inputs", "parse clf else bad"),
        check("inputs", "parse csv"),
        check("rows", "where"),
    ];
    expect![[r#"
        there is no column `m`: [m] not a column here; there are `n` and `name`
        there is no column `name`: [name] not a column here; there is `n`
        a tap is one pipeline: [head 2] a second one; attach another tap for it
        a tap has no name in the program: [x] nobody could read this; leave out `NAME =`: what comes out goes to who has attached the tap
        a tap reads what it is attached to: [rows] a flow point; begin with a stage, such as `where ...`; the flow point is named when the tap is attached
        a tap reads what it is attached to: [read "x"] reads something else; leave it out: the elements are those of the flow point
        a tap writes to who has attached it: [write "x"] not somewhere else; `write stdout as json` says how it is written
        a tap is one pipeline: [bad] a second one would begin here; leave out `else`: a tap has one end, and counts bad rows as dropped
        there is no header to be read here: [csv] not the lines of an input; put `parse csv` right after `read`, or say the columns: `parse csv(columns="a:text,b:int")`
        expected an expression, found the end of the program: [] ends too early; 
    "#]].assert_eq(&shown.concat());
}
