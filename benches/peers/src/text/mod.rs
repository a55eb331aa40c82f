//! Jobs at the shell, as whole processes: start and compilation included.
//!
//! | module | what |
//! |---|---|
//! | [`cases`] | the jobs, as our command is told them |
//! | [`data`] | the files that they read |
//! | [`tools`] | the other tools, and the jobs as they are told them |
//! | [`hand`] | the jobs in Rust, by hand |

mod cases;
mod data;
pub(crate) mod hand;
mod tools;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::Options;
use crate::programs::{Outcome, take_turns};
use crate::report::Line;

/// Runs the suite; gives whether all answers were equal.
pub(crate) fn run(options: &Options, cutthrough: &Path) -> Result<bool> {
    ensure!(
        cutthrough.exists(),
        "{} is not there: cargo build --release -p cutthrough-cli",
        cutthrough.display()
    );
    let mut report = options.report("text");
    let tools = tools::Tools::find(|name| report.absent(name, "it is not installed"));
    for case in cases::all(options.quick)? {
        if !options.wants(&case.name) {
            continue;
        }
        let outcomes = take_turns(&case.programs(cutthrough, &tools)?, case.form, options.pick(5, 3))?;
        let (ours, anchors) = outcomes.split_first().expect("ours is the first");
        let nanos = |outcome: &Outcome| outcome.time.as_nanos() as f64 / case.rows as f64;
        for anchor in anchors {
            report.line(&Line {
                name: &case.name,
                anchor: anchor.name,
                ours: nanos(ours),
                theirs: nanos(anchor),
                ok: anchor.agrees,
            });
        }
    }
    Ok(report.finish())
}
