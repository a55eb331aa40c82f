//! What would be run, as text.

use std::fmt::Write;

use clap::ValueEnum;
use cutthrough::{Error, Network};
use cutthrough_lang::Running;

/// Stages on the way to machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The processes that become one loop
    Chain,
    /// What is pushed, pulled and dealt in it, and what has to hold before
    Plan,
    /// The loop in Cutthrough's intermediate form
    Ir,
    /// The same in Cranelift's
    Clif,
    /// The machine code
    Asm,
}

/// The chain of each source, at these stages.
pub(crate) fn dump(network: &mut Network, running: &Running, stages: &[Stage]) -> Result<String, Error> {
    let report = network.report();
    let sources = report
        .processes
        .iter()
        .filter(|process| running.sources.contains(&process.id));
    let mut text = String::new();
    for source in sources {
        let dump = network.dump(source.id)?;
        for stage in [Stage::Chain, Stage::Plan, Stage::Ir, Stage::Clif, Stage::Asm] {
            if !stages.contains(&stage) {
                continue;
            }
            let (name, part) = match stage {
                Stage::Chain => ("chain", &dump.chain),
                Stage::Plan => ("plan", &dump.plan),
                Stage::Ir => ("ir", &dump.ir),
                Stage::Clif => ("clif", &dump.clif),
                Stage::Asm => ("asm", &dump.asm),
            };
            // To write to a string does not fail.
            let _ = writeln!(text, "; {name} of `{}`\n{}", source.name, part.trim_end());
        }
    }
    Ok(text)
}
