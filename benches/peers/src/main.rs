//! Cutthrough beside other tools: the same data, the answers compared, the contenders in turn.
//!
//! ```text
//! cargo build --release -p cutthrough-cli
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- text [--json] [--quick]
//! ```
//!
//! One line for each case and anchor: nanoseconds a row of ours and of the anchor, both medians of
//! whole processes, start and compilation included, and their ratio (ours / anchor). An answer that
//! differs from the anchor's is no number: `ok` is false then, and so the exit code 1.
//!
//! | module | what |
//! |---|---|
//! | [`text`] | jobs at the shell: our command, other tools, and programs written by hand |
//! | [`contest`] | processes in turn, their times and answers |

mod contest;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Cutthrough beside other tools, on the same data, with the answers compared")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// Text jobs as whole processes.
    Text {
        /// Prints JSON, one object a line.
        #[arg(long)]
        json: bool,
        /// A tenth of the rows, three repeats.
        #[arg(long)]
        quick: bool,
        /// The command that is measured.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/cutthrough"))]
        cutthrough: PathBuf,
        /// Only cases with this in their names.
        #[arg(default_value = "")]
        case: String,
    },
    /// A job by hand, in this process: what `text` starts as an anchor.
    #[command(hide = true)]
    Hand { job: text::hand::Job, file: PathBuf },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().suite {
        Suite::Text {
            json,
            quick,
            cutthrough,
            case,
        } => {
            let all_ok = text::run(&text::Options {
                json,
                quick,
                cutthrough,
                case,
            })?;
            Ok(ExitCode::from(u8::from(!all_ok)))
        }
        Suite::Hand { job, file } => {
            text::hand::run(job, &file)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
