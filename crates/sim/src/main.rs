//! `cutthrough-sim`: random networks, run by every engine, which have to agree.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Instant;

use cutthrough_sim::check::check;
use cutthrough_sim::coverage::Coverage;
use cutthrough_sim::engines::EngineKind;
use cutthrough_sim::{Plan, campaign, engines, enumerate, generate, run, shrink};

const USAGE: &str = "cutthrough-sim [--count N] [--seed S] [--size Z] [--threads T] [--coverage]\n\
    cutthrough-sim --all [--threads T] | --case C\n\
    With --count: tries N plans from seed S on. Without: tries the plan of seed S on every engine.\n\
    With --all: tries every small plan. With --case: tries one of them on every engine.";

struct Args {
    count: Option<u64>,
    seed: u64,
    size: usize,
    threads: usize,
    coverage: bool,
    all: bool,
    case: Option<usize>,
}

fn args() -> Result<Args, String> {
    let mut args = Args {
        count: None,
        seed: 0,
        size: generate::SIZE,
        threads: 2,
        coverage: false,
        all: false,
        case: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--coverage" {
            args.coverage = true;
            continue;
        }
        if name == "--all" {
            args.all = true;
            continue;
        }
        let value = given.next().and_then(|value| value.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("{name} takes a number\n{USAGE}"))?;
        match &name[..] {
            "--count" => args.count = Some(value),
            "--seed" => args.seed = value,
            "--case" => args.case = Some(value as usize),
            "--size" => args.size = value as usize,
            "--threads" => args.threads = value as usize,
            _ => return Err(format!("there is no {name}\n{USAGE}")),
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    run::quiet();
    match (args.count, args.case) {
        (_, Some(case)) => match enumerate::cases().get(case) {
            Some(known) => one(&format!("case {case}, {known:?}"), &enumerate::plan(known)),
            None => {
                eprintln!("there is no case {case}");
                ExitCode::from(2)
            }
        },
        (None, None) if !args.all => one(
            &format!("seed {}", args.seed),
            &generate::plan(args.seed, args.size),
        ),
        (count, None) => many(&args, count.unwrap_or_default()),
    }
}

/// One plan on every engine, and what is left of it when it fails.
fn one(name: &str, plan: &Plan) -> ExitCode {
    let Err(failure) = check(plan, &EngineKind::OTHERS, &mut Coverage::default()) else {
        println!("{name}: all engines agree");
        return ExitCode::SUCCESS;
    };
    println!("{name}: {failure}");
    let (plan, failure) = shrink::shrink(plan, &EngineKind::OTHERS, &failure);
    println!(
        "\nwithout what does not matter: {failure}\nquantum_steps: {}",
        plan.quantum_steps
    );
    for (index, step) in plan.steps.iter().enumerate() {
        println!("  {index}: {step:?}");
    }
    ExitCode::FAILURE
}

fn many(args: &Args, count: u64) -> ExitCode {
    let start = Instant::now();
    let shows = std::io::stderr().is_terminal();
    let progress = |done: u64, failed: u64| {
        if shows && done.is_multiple_of(50) {
            eprint!("\r{done} plans, {failed} failed");
        }
    };
    let outcome = if args.all {
        campaign::enumerated(args.threads, &progress)
    } else {
        campaign::random(args.seed, count, args.size, args.threads, &progress)
    };
    if shows {
        eprintln!();
    }
    for (seed, failure) in &outcome.failures {
        let size = if args.size == generate::SIZE {
            String::new()
        } else {
            format!(" --size {}", args.size)
        };
        let short: String = failure.chars().take(300).collect();
        let which = if args.all { "--case" } else { "--seed" };
        println!("cargo run --release -p cutthrough-sim -- {which} {seed}{size}  # {short}");
    }
    if args.coverage {
        for (name, count) in &outcome.coverage.counts {
            println!("{count:>9} {name}");
        }
        let seen = engines::seen();
        for (name, count) in seen.ops.iter().chain(&seen.others) {
            println!("{count:>9} in chains: {name}");
        }
    }
    let failed = outcome.failures.len();
    let count = outcome.coverage.get("plans");
    println!(
        "{count} plans, {failed} failed, {:.1} s",
        start.elapsed().as_secs_f64()
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
