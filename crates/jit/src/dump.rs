//! Texts of what a chain becomes: CLIF before and after optimisation, and the
//! machine code with the names of the processes that it came from.

use cranelift_codegen::Context;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;

use cutthrough_ir::ChainCode;

#[cfg(feature = "disas")]
use crate::disassembly::disassemble;
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

#[cfg(not(feature = "disas"))]
fn disassemble(_context: &Context, _isa: &dyn TargetIsa, _chain: &ChainCode) -> Result<String, String> {
    Err("this program was built without the feature `disas`".to_owned())
}
