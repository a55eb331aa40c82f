//! Machine code as text.

use std::fmt::Write;

use cranelift_codegen::Context;
use cranelift_codegen::isa::TargetIsa;
use cutthrough_ir::ChainCode;

use crate::profile::origin;

/// The code of a chain, each run of lines with the process that it came from.
pub(crate) fn disassemble(
    context: &Context,
    isa: &dyn TargetIsa,
    chain: &ChainCode,
) -> Result<String, String> {
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
