//! What `perf` is told of native code.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use cutthrough::{Compile, Options};
use cutthrough_jit::code_memory::CodeMemory;
use cutthrough_jit::profile::{CodeObserver, JitDump, PerfMap};
use cutthrough_jit::{Jit, JitOptions};

/// How `perf` is told of native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Perf {
    /// A map that `perf report` reads.
    Map,
    /// A dump for `perf inject --jit`: right whenever code comes and goes, and with its
    /// instructions.
    Jitdump,
}

/// Options of a network whose native code `perf` is told of.
pub(crate) fn options(how: Perf) -> anyhow::Result<Options> {
    let observer: Arc<dyn CodeObserver> = match how {
        Perf::Map => Arc::new(PerfMap::of_this_process().context("the perf map in /tmp")?),
        Perf::Jitdump => Arc::new(JitDump::in_directory(Path::new("/tmp")).context("the jitdump in /tmp")?),
    };
    let memory = CodeMemory::spread().context("memory for native code")?;
    let jit = Jit::with_memory(memory, JitOptions::default()).context("native code")?;
    Ok(Options {
        engine: Some(Arc::new(jit.with_observer(observer))),
        compile: Compile::WhenWarm,
        ..Options::interpreted()
    })
}
