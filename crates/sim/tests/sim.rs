//! Ten thousand random networks, and all small ones, on every engine.
//!
//! `SIM_COUNT` and `SIM_SEED` choose how many, and from which seed on.

use cutthrough_sim::campaign::{self, Outcome};
use cutthrough_sim::coverage::{OUTCOMES, PROCESSES};
use cutthrough_sim::engines::EngineKind;
use cutthrough_sim::enumerate::{Case, Shape};
use cutthrough_sim::{engines, enumerate, generate, run};

const COUNT: u64 = 10_000;

/// Together with the other test: as many as there are cores.
const THREADS: usize = 2;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(otherwise)
}

fn assert_agree(outcome: &Outcome, which: &str) {
    let lines: Vec<String> = outcome
        .failures
        .iter()
        .take(20)
        .map(|(number, failure)| {
            let failure: String = failure.chars().take(300).collect();
            format!("cargo run --release -p cutthrough-sim -- {which} {number}  # {failure}")
        })
        .collect();
    assert_none(&lines, &format!("{} failed", outcome.failures.len()));
}

fn assert_none(found: &[String], what: &str) {
    // Panics are remembered instead of printed ([`run::quiet`]), and so is this one.
    for one in found {
        eprintln!("{what}: {one}");
    }
    assert!(found.is_empty(), "{what}");
}

#[test]
fn engines_agree_on_random_networks() {
    run::quiet();
    let count = number("SIM_COUNT", COUNT);
    let outcome = campaign::random(number("SIM_SEED", 0), count, generate::SIZE, THREADS, &|_, _| {});
    assert_agree(&outcome, "--seed");
    if count < COUNT {
        return;
    }
    // The generator has not gone blind.
    let reached = |name: &str| outcome.coverage.get(name) > 0;
    let mut missing: Vec<String> = OUTCOMES
        .iter()
        .filter(|name| !reached(name))
        .map(ToString::to_string)
        .collect();
    missing.extend(
        PROCESSES
            .iter()
            .map(|kind| format!("process {kind}"))
            .filter(|name| !reached(name)),
    );
    let seen = engines::seen();
    let ops = engines::chain_ops().filter(|op| !seen.ops.contains_key(op));
    missing.extend(ops.map(|op| format!("operation {op}")));
    let others = [
        "get",
        "call",
        "push",
        "entry",
        "inbox",
        "step",
        "exit stopped",
        "exit not ready",
        "exit ended",
        "exit empty",
    ];
    missing.extend(
        others
            .iter()
            .filter(|name| !seen.others.contains_key(*name))
            .map(ToString::to_string),
    );
    assert_none(&missing, "never reached");
}

#[test]
fn engines_agree_on_all_small_networks() {
    run::quiet();
    assert_agree(&campaign::enumerated(1, &|_, _| {}), "--case");
}

#[test]
fn readers_are_served_in_turn() {
    let copies = enumerate::stages()
        .iter()
        .position(|spec| spec.kind() == "pass")
        .expect("it is among them");
    let case = Case {
        shape: Shape::Readers,
        stages: (copies, copies),
        elements: 8,
        steps: 1,
    };
    for engine in EngineKind::OTHERS.into_iter().chain([EngineKind::Interpreted]) {
        let trace = run::run(&enumerate::plan(&case), engine);
        let lengths: Vec<usize> = trace.sinks.values().map(Vec::len).collect();
        assert_eq!(lengths, [4, 4], "{engine:?}");
    }
}

#[test]
fn a_seed_says_everything() {
    for seed in 0..100 {
        let plans = [
            generate::plan(seed, generate::SIZE),
            generate::plan(seed, generate::SIZE),
        ];
        assert_eq!(format!("{:?}", plans[0]), format!("{:?}", plans[1]));
    }
}
