//! Texts of what a chain becomes: CLIF before and after optimisation, and the
//! machine code with the names of the processes that it came from.

use std::fmt::Write;

use cranelift_codegen::Context;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;

use cutthrough_ir::ChainCode;

use crate::profile::origin;
use crate::strategy::Strategy;

/// Which texts are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpKinds {
    /// CLIF as the chain was lowered to it.
    pub clif: bool,
    /// CLIF after Cranelift's optimisations.
    pub clif_optimized: bool,
    /// Machine code with the origins of its runs of instructions.
    pub disassembly: bool,
}

impl DumpKinds {
    /// No text at all.
    pub const NONE: DumpKinds = DumpKinds {
        clif: false,
        clif_optimized: false,
        disassembly: false,
    };
    /// All texts.
    pub const ALL: DumpKinds = DumpKinds {
        clif: true,
        clif_optimized: true,
        disassembly: true,
    };
}

/// The texts that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// How it was compiled.
    pub strategy: Strategy,
    /// CLIF as the chain was lowered to it.
    pub clif: Option<String>,
    /// CLIF after Cranelift's optimisations.
    pub clif_optimized: Option<String>,
    /// Machine code with the origins of its runs of instructions.
    pub disassembly: Option<String>,
}

impl Dump {
    pub(crate) fn before(&mut self, kinds: DumpKinds, function: &Function) {
        self.clif = kinds.clif.then(|| function.display().to_string());
    }

    pub(crate) fn after(
        &mut self,
        kinds: DumpKinds,
        context: &Context,
        isa: &dyn TargetIsa,
        chain: &ChainCode,
    ) {
        self.clif_optimized = kinds.clif_optimized.then(|| context.func.display().to_string());
        self.disassembly = kinds.disassembly.then(|| match disassemble(context, isa, chain) {
            Ok(text) => text,
            Err(error) => format!("; no disassembly: {error}\n"),
        });
    }
}

fn disassemble(context: &Context, isa: &dyn TargetIsa, chain: &ChainCode) -> Result<String, String> {
    let code = context.compiled_code().ok_or("the code is gone")?;
    let capstone = isa.to_capstone().map_err(|error| error.to_string())?;
    let instructions = capstone
        .disasm_all(code.code_buffer(), 0)
        .map_err(|error| error.to_string())?;
    let mut text = String::new();
    let mut origin_before = None;
    let mut block_starts = code.bb_starts.iter().map(|&start| u64::from(start)).peekable();
    for instruction in instructions.iter() {
        let at = instruction.address();
        while block_starts
            .next_if(|&start| start <= at)
            .is_some_and(|start| start > 0)
        {
            text.push('\n');
        }
        let origin = origin_at(code.buffer.get_srclocs_sorted(), at, chain);
        if origin_before != Some(origin) {
            writeln!(text, "; {origin}").map_err(|error| error.to_string())?;
            origin_before = Some(origin);
        }
        let (mnemonic, operands) = (
            instruction.mnemonic().unwrap_or("?"),
            instruction.op_str().unwrap_or(""),
        );
        writeln!(text, "  {at:5x}  {mnemonic:<9} {operands}").map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// The name of the origin of the instruction at an offset. What belongs to none is
/// the chain's own: its entry, its exit, moves of registers.
fn origin_at<'c>(
    runs: &[cranelift_codegen::MachSrcLoc<cranelift_codegen::Final>],
    at: u64,
    chain: &'c ChainCode,
) -> &'c str {
    let after = runs.partition_point(|run| u64::from(run.start) <= at);
    let run = runs[..after].last().filter(|run| at < u64::from(run.end));
    run.and_then(|run| origin(run.loc, chain)).unwrap_or("(chain)")
}
