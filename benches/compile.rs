//! Prints how long it takes from a wiring that is there to native code that has taken its
//! first step, by tier: medians of many. `cargo bench --bench compile`.
//!
//! Biased towards compilers whose memory is warm: each chain is compiled again and again.

use std::io::Cursor;
use std::time::{Duration, Instant};

use cutthrough::processes::Read;
use cutthrough::{Compile, Network, Options, Process, Tier};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::stages::Stage;
use cutthrough_bench_support::timed::TimedEngine;
use cutthrough_bench_support::{Data, PIPELINES, Sizes};
use cutthrough_formats::processes::Write;
use cutthrough_formats::{Field, Format};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Begin, Column, Environment, Input, Io, Target, compile};

const REPETITIONS: usize = 200;

/// The job that the targets are about, besides a chain of five stages.
const LOG_JOB: &str = "parse clf | where status >= 500 | summarize n = count(), bytes = sum(bytes) by path";

fn main() {
    println!(
        "{:20} {:>15} {:>15} {:>15} {:>15}",
        "microseconds", "quick: in all", "compiler alone", "full: in all", "compiler alone"
    );
    for stage in [Stage::Increment, Stage::Mix] {
        for stages in [1, 5, 20, 100] {
            let data = ascending(1_000);
            measure(&format!("{stages} x {stage:?}"), |network| {
                stage.wire(network, &data, stages).network
            });
        }
    }
    measure("the log job", log_job);
    let data = Data::new(Sizes::suite(10_000));
    for pipeline in PIPELINES {
        measure(pipeline.name, |network| pipeline.wire(network, &data).network);
    }
}

fn measure(name: &str, wire: impl Fn(Network) -> Network) {
    print!("{name:20}");
    for tier in Tier::ALL {
        let Some(engine) = TimedEngine::of_tier(tier) else {
            return;
        };
        let options = Options {
            engine: Some(engine.clone()),
            compile: Compile::AtOnce,
            ..Options::default()
        };
        let mut network = wire(Network::new(options));
        let (mut all, mut compiler) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            network.invalidate_all();
            let start = Instant::now();
            network.run_steps(1).expect("no process fails");
            all.push(start.elapsed());
            compiler.extend(engine.take().iter().map(|(_, took)| *took));
        }
        print!(" {:15.1} {:15.1}", median(all), median(compiler));
    }
    println!();
}

/// The log job on lines in memory.
fn log_job(mut network: Network) -> Network {
    let environment = Environment {
        inputs: vec![Input::Stdin],
        beginning: None,
        ..Environment::default()
    };
    let plan = compile("bench", LOG_JOB, &environment);
    let plan = plan.unwrap_or_else(|error| panic!("{}", error.render("bench", LOG_JOB, false)));
    plan.build(&mut network, &mut Lines).expect("it is wired");
    network
}

/// Lines of an access log for input, and nowhere for output.
struct Lines;

impl Io for Lines {
    fn read(&mut self, _inputs: &[Input]) -> Result<Box<dyn Process>, String> {
        let line = r#"10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 500 12 "-" "-""#;
        let text = format!("{line}\n").repeat(10_000);
        Ok(Box::new(Read::new("lines", Cursor::new(text.into_bytes()))))
    }

    fn write(
        &mut self,
        _target: &Target,
        _begin: Begin,
        _format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        let field = |column: &Column| Field::new(&column.name, column.ty);
        let fields = columns.iter().map(field).collect();
        Ok(Box::new(Write::new(
            "nowhere",
            Format::Json,
            fields,
            std::io::sink(),
        )))
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64) * 1e6
}
