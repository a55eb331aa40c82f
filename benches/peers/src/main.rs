//! Cutthrough beside other tools: the same data, the answers compared, the contenders in turn.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- SUITE [--json] [--quick] [CASE]
//! ```
//!
//! One line for each case and anchor: nanoseconds of an element (or row, or whatever the suite says)
//! of ours and of the anchor, medians of interleaved repetitions, and their ratio (ours / anchor). What
//! runs on one thread of this process is measured by its processor time, all else by the clock. An
//! answer that differs from the right one is no number: `ok` is false then, and so the exit code 1. An
//! anchor that is not installed is named and left out.
//!
//! | module | what |
//! |---|---|
//! | [`strymonas`] | thirteen pipelines beside loops by hand |
//! | [`chain`] | twenty small stages beside what else they could be written with |
//! | [`compile`] | from a wiring to native code |
//! | [`interpreter`] | the interpreter beside native code |
//! | [`rewire`] | how long a flow pauses for a change, beside restarting the job |
//! | [`scale`] | what things cost as networks grow |
//! | [`ysb`] | the Yahoo streaming benchmark beside a loop by hand and differential dataflow |
//! | [`text`] | jobs at the shell: our command, other tools, and programs written by hand |
//! | [`report`] | the lines that are printed |
//! | [`programs`] | OS processes in turn, their times and answers |

mod chain;
mod compile;
mod interpreter;
mod programs;
mod report;
mod rewire;
mod scale;
mod strymonas;
mod text;
mod ysb;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use report::Report;

#[derive(Parser)]
#[command(about = "Cutthrough beside other tools, on the same data, with the answers compared")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// Thirteen pipelines beside loops written by hand; by element.
    Strymonas(Options),
    /// Twenty small stages beside iterators, closures, streams, channels and dataflow systems; by
    /// element.
    Chain(Options),
    /// From a wiring to native code that has taken its first step, by tier; nanoseconds of one
    /// compilation.
    Compile(Options),
    /// The interpreter beside native code; by element.
    Interpreter(Options),
    /// How long a flow pauses for a tap or a rewire, beside restarting the job.
    Rewire(Options),
    /// What elements, wakes, wiring and idle processes cost as networks grow.
    Scale(Options),
    /// The Yahoo streaming benchmark beside a loop by hand and differential dataflow; by event.
    Ysb(Options),
    /// Text jobs as whole processes; by row.
    Text {
        #[command(flatten)]
        options: Options,
        /// The command that is measured.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/cutthrough"))]
        cutthrough: PathBuf,
    },
    /// A job by hand, in this process: what `text` starts as an anchor.
    #[command(hide = true)]
    Hand { job: text::hand::Job, file: PathBuf },
}

/// How a suite is run.
#[derive(Args)]
struct Options {
    /// Prints JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// Fewer repetitions, and less data where that takes long.
    #[arg(long)]
    quick: bool,
    /// Only cases with this in their names.
    #[arg(default_value = "")]
    case: String,
}

impl Options {
    /// One of two, by whether it is to be quick.
    fn pick<T>(&self, usual: T, quick: T) -> T {
        if self.quick { quick } else { usual }
    }

    fn wants(&self, case: &str) -> bool {
        case.contains(&self.case)
    }

    fn report(&self, suite: &'static str) -> Report {
        Report::new(suite, self.json)
    }
}

fn main() -> Result<ExitCode> {
    let is_ok = match Arguments::parse().suite {
        Suite::Strymonas(options) => strymonas::run(&options),
        Suite::Chain(options) => chain::run(&options),
        Suite::Compile(options) => compile::run(&options),
        Suite::Interpreter(options) => interpreter::run(&options),
        Suite::Rewire(options) => rewire::run(&options)?,
        Suite::Scale(options) => scale::run(&options),
        Suite::Ysb(options) => ysb::run(&options),
        Suite::Text { options, cutthrough } => text::run(&options, &cutthrough)?,
        Suite::Hand { job, file } => {
            text::hand::run(job, &file)?;
            true
        }
    };
    Ok(ExitCode::from(u8::from(!is_ok)))
}
