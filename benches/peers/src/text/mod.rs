//! Jobs at the shell, as whole processes.
//!
//! | module | what |
//! |---|---|
//! | [`cases`] | the jobs, as each tool is told them |
//! | [`data`] | the files that they read |
//! | [`hand`] | the jobs in Rust, by hand |

mod cases;
mod data;
pub(crate) mod hand;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::contest;

/// What is asked for.
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    pub(crate) cutthrough: PathBuf,
    pub(crate) case: String,
}

/// Runs the suite; gives whether all answers were equal.
pub(crate) fn run(options: &Options) -> Result<bool> {
    ensure!(
        options.cutthrough.exists(),
        "{} is not there: cargo build --release -p cutthrough-cli",
        options.cutthrough.display()
    );
    let rounds = if options.quick { 3 } else { 7 };
    let mut all_ok = true;
    for case in cases::all(options.quick)? {
        if !case.name.contains(&options.case) {
            continue;
        }
        let results = contest::hold(&case.contenders(&options.cutthrough)?, rounds)?;
        let (ours, anchors) = results.split_first().expect("ours is the first");
        for anchor in anchors {
            let ok = ours.answer.agrees(&anchor.answer);
            all_ok &= ok;
            let nanos = |result: &contest::Outcome| result.time.as_nanos() as f64 / case.rows as f64;
            let (ours_ns, anchor_ns) = (nanos(ours), nanos(anchor));
            let ratio = ours_ns / anchor_ns;
            if options.json {
                let line = json!({
                    "suite": "text", "name": case.name, "anchor": anchor.name, "ours_ns": ours_ns,
                    "anchor_ns": anchor_ns, "ratio": ratio, "ok": ok,
                });
                println!("{line}");
            } else {
                let verdict = if ok { "" } else { "  ANSWERS DIFFER" };
                println!(
                    "{:<16} {:<8} ours {ours_ns:>8.1} ns a row, {:>8.1}: ratio {ratio:.2}{verdict}",
                    case.name, anchor.name, anchor_ns
                );
            }
        }
    }
    Ok(all_ok)
}
