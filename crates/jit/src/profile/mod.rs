//! Who is told of native code as it comes and goes: profilers, by the files that they read.
//!
//! An engine without an observer does nothing for it but look whether there is one, once
//! for each compilation.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what is told, and when |
//! | `perf_map.rs` | `/tmp/perf-PID.map` |
//! | `jitdump.rs` | `jit-PID.dump` |

#[cfg(target_os = "linux")]
mod jitdump;
#[cfg(target_os = "linux")]
mod perf_map;

use std::sync::Arc;

use cranelift_codegen::ir::SourceLoc;
use cranelift_codegen::{CompiledCode, Final, MachSrcLoc};

use cutthrough_ir::ChainCode;

#[cfg(target_os = "linux")]
pub use jitdump::JitDump;
#[cfg(target_os = "linux")]
pub use perf_map::PerfMap;

/// Told of native code. It is called on the threads that compile and drop chains, and is
/// not to keep them long.
pub trait CodeObserver: Send + Sync {
    /// Code is there; it has not run yet.
    fn published(&self, code: &PublishedCode<'_>);

    /// Code is gone: it cannot run any more, and its memory has not been used again.
    fn retired(&self, address: usize);
}

/// Native code that is there.
#[derive(Clone, Debug)]
pub struct PublishedCode<'c> {
    /// Where it begins.
    pub address: usize,
    /// The instructions.
    pub bytes: &'c [u8],
    /// What the chain is called.
    pub chain: &'c str,
    /// From which processes it came: all of the code, in order.
    pub parts: Vec<CodePart<'c>>,
}

/// Neighbouring instructions that came from one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePart<'c> {
    /// Where they begin in the code.
    pub offset: usize,
    /// How many bytes they are.
    pub bytes: usize,
    /// The process, as the program's author knows it; nothing for what belongs to none: the
    /// chain's entry, its exits, moves between registers.
    pub process: Option<&'c str>,
}

impl CodePart<'_> {
    /// What the part is called for profilers: in a line, with the program in front, so that
    /// it is found among other symbols.
    fn symbol(&self, chain: &str) -> String {
        let name = match self.process {
            Some(process) => process.to_owned(),
            None => format!("chain of {chain}"),
        };
        format!("cutthrough: {}", name.replace(char::is_control, " "))
    }
}

/// Tells an observer that code is gone, when it is dropped.
pub(crate) struct Retirement {
    observer: Arc<dyn CodeObserver>,
    address: usize,
}

impl Retirement {
    /// Tells the observer that code is there.
    pub(crate) fn publish(
        observer: &Arc<dyn CodeObserver>,
        address: *const u8,
        code: &CompiledCode,
        chain: &ChainCode,
    ) -> Retirement {
        let bytes = code.code_buffer();
        observer.published(&PublishedCode {
            address: address.addr(),
            bytes,
            chain: &chain.name,
            parts: parts(code.buffer.get_srclocs_sorted(), bytes.len(), chain),
        });
        Retirement {
            observer: Arc::clone(observer),
            address: address.addr(),
        }
    }
}

impl Drop for Retirement {
    fn drop(&mut self) {
        self.observer.retired(self.address);
    }
}

impl std::fmt::Debug for Retirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retirement")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// All of the code, by origin; neighbours of one origin are one part.
fn parts<'c>(runs: &[MachSrcLoc<Final>], bytes: usize, chain: &'c ChainCode) -> Vec<CodePart<'c>> {
    let mut parts: Vec<CodePart<'c>> = Vec::new();
    let mut add = |start: usize, end: usize, process: Option<&'c str>| {
        if start >= end {
            return;
        }
        match parts.last_mut() {
            Some(last) if last.process == process => last.bytes = end - last.offset,
            _ => parts.push(CodePart {
                offset: start,
                bytes: end - start,
                process,
            }),
        }
    };
    let mut at = 0;
    for run in runs {
        let (start, end) = (run.start as usize, (run.end as usize).min(bytes));
        add(at, start, None);
        add(start.max(at), end, origin(run.loc, chain));
        at = at.max(end);
    }
    add(at, bytes, None);
    parts
}

/// The name of an origin; none for what is the chain's own.
pub(crate) fn origin(loc: SourceLoc, chain: &ChainCode) -> Option<&str> {
    if loc == SourceLoc::default() {
        return None;
    }
    chain.origins.get(loc.bits() as usize).map(String::as_str)
}
