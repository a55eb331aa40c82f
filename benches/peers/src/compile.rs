//! From a wiring that is there to native code that has taken its first step, by tier: what the plan,
//! the chain, the compiler and the installing take in all. Beside it what the compiler takes alone.
//! Nanoseconds of the processor, of one compilation.
//!
//! Biased towards compilers whose memory is warm: each chain is compiled again and again.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use cutthrough::processes::Read;
use cutthrough::{Compile, Network, Options as NetworkOptions, Process, Tier};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::ratio::thread_time;
use cutthrough_bench_support::stages::Stage;
use cutthrough_bench_support::timed::TimedEngine;
use cutthrough_formats::processes::Write;
use cutthrough_formats::{Field, Format};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Begin, Column, Environment, Input, Io, Target, compile};

use crate::Options;
use crate::report::{Line, nanos};

/// Text jobs, each with a line that it reads.
const JOBS: [(&str, &str, &str); 5] = [
    (
        "stations",
        "parse csv(sep=\";\", columns=\"station:text,temp:float\", header=false) | summarize min(temp), avg(temp), max(temp) by station",
        "somewhere;-12.3\n",
    ),
    (
        "server-errors",
        "parse clf | where status >= 500 | summarize n = count(), bytes = sum(bytes) by path",
        LOG_LINE,
    ),
    (
        "json-errors",
        "parse json(columns=\"status:int,service:text,ms:float\") | where status >= 500 | summarize n = count(), avg(ms) by service",
        "{\"status\": 503, \"service\": \"cart\", \"ms\": 12.5}\n",
    ),
    (
        "word",
        "where line contains \"/items/42 \" | summarize count()",
        LOG_LINE,
    ),
    (
        "largest",
        "parse clf | select bytes | top 1000 by bytes",
        LOG_LINE,
    ),
];

const LOG_LINE: &str =
    "10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] \"GET /items/42 HTTP/1.1\" 500 12 \"-\" \"-\"\n";
const LINES: usize = 10_000;

pub(crate) fn run(options: &Options) -> bool {
    let mut report = options.report("compile");
    let repetitions = options.pick(201, 31);
    let data = ascending(10_000);
    let mut measure = |name: &str, wire: &dyn Fn(Network) -> Job| {
        if !options.wants(name) {
            return;
        }
        for tier in Tier::ALL {
            let Some(engine) = TimedEngine::of_tier(tier) else {
                continue;
            };
            let measured = compiled(&engine, wire, repetitions);
            report.line(&Line {
                name: &format!("{name} {tier:?}").to_lowercase(),
                anchor: "compiler",
                ours: measured.all,
                theirs: measured.compiler,
                ok: measured.is_right,
            });
        }
    };
    for (name, stage) in [("increment", Stage::Increment), ("mix", Stage::Mix)] {
        for stages in [1, 5, 20, 100] {
            measure(&format!("{name}-{stages}"), &|network| {
                let mut wired = stage.wire(network, &data, stages);
                let expected = stage.expected(&data, stages);
                let network = std::mem::take(&mut wired.network);
                Job {
                    network,
                    is_right: Box::new(move || wired.result() == expected),
                }
            });
        }
    }
    for (name, program, line) in JOBS {
        measure(name, &|network| text_job(network, program, line));
    }
    report.finish()
}

/// A network that is wired, and whether what it gave in the end was right.
struct Job {
    network: Network,
    is_right: Box<dyn FnOnce() -> bool>,
}

struct Measured {
    all: f64,
    compiler: f64,
    is_right: bool,
}

fn compiled(engine: &Arc<TimedEngine>, wire: &dyn Fn(Network) -> Job, repetitions: usize) -> Measured {
    let engine_of = NetworkOptions {
        engine: Some(engine.clone()),
        compile: Compile::AtOnce,
        ..NetworkOptions::default()
    };
    let Job {
        mut network,
        is_right,
    } = wire(Network::new(engine_of));
    let (mut all, mut compiler) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        network.invalidate_all();
        let start = thread_time();
        network.run_steps(1).expect("no process fails");
        all.push(thread_time() - start);
        compiler.push(engine.take().iter().map(|(_, took)| *took).sum::<Duration>());
    }
    network.run().expect("no process fails");
    Measured {
        all: median(all),
        compiler: median(compiler),
        is_right: is_right() && network.check_conservation().is_ok(),
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    nanos(times[times.len() / 2])
}

/// The job on lines in memory.
fn text_job(mut network: Network, program: &str, line: &str) -> Job {
    let environment = Environment {
        inputs: vec![Input::Stdin],
        beginning: None,
        ..Environment::default()
    };
    let plan = compile("bench", program, &environment);
    let plan = plan.unwrap_or_else(|error| panic!("{}", error.render("bench", program, false)));
    let text = line.repeat(LINES);
    plan.build(&mut network, &mut Lines { text })
        .expect("it is wired");
    Job {
        network,
        is_right: Box::new(|| true),
    }
}

/// Lines for input, and nowhere for output.
struct Lines {
    text: String,
}

impl Io for Lines {
    fn read(&mut self, _inputs: &[Input]) -> Result<Box<dyn Process>, String> {
        let text = self.text.clone().into_bytes();
        Ok(Box::new(Read::new("lines", Cursor::new(text))))
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
        let nowhere = std::io::sink();
        Ok(Box::new(Write::new("nowhere", Format::Json, fields, nowhere)))
    }
}
