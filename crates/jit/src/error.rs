//! Why a chain was not compiled.

use std::fmt;

use cranelift_module::ModuleError;
use cutthrough_ir::panic_text;

use crate::code_memory::CodeMemoryFull;

/// A chain was not compiled. It goes on interpreted; nothing else has changed.
#[derive(Debug)]
pub struct CompileError {
    kind: CompileErrorKind,
    message: String,
}

/// What kind of reason there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompileErrorKind {
    /// The chain is larger than the limits allow.
    TooLarge,
    /// There is no code memory left; it may succeed when specialisations have been
    /// dropped.
    CodeMemoryFull,
    /// Cranelift or the system refused.
    Compiler,
    /// An instruction that may trap was found. This is an error in the lowering.
    MayTrap,
    /// The compiler panicked. This is an error in Cranelift or in the lowering.
    Panic,
}

impl CompileError {
    pub(crate) fn new(kind: CompileErrorKind, message: impl Into<String>) -> CompileError {
        // One line, whatever a panic or Cranelift's verifier had to say.
        let message = message.into();
        let message = message
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        CompileError { kind, message }
    }

    pub(crate) fn too_large(what: &str, number: usize, max: usize) -> CompileError {
        CompileError::new(
            CompileErrorKind::TooLarge,
            format!("{number} {what}, at most {max} are compiled"),
        )
    }

    pub(crate) fn panic(payload: &(dyn std::any::Any + Send)) -> CompileError {
        let text = panic_text(payload);
        CompileError::new(CompileErrorKind::Panic, format!("the compiler panicked: {text}"))
    }

    /// The kind of reason.
    pub fn kind(&self) -> CompileErrorKind {
        self.kind
    }
}

impl From<ModuleError> for CompileError {
    fn from(error: ModuleError) -> CompileError {
        let full = CodeMemoryFull::caused(&error);
        let kind = if full {
            CompileErrorKind::CodeMemoryFull
        } else {
            CompileErrorKind::Compiler
        };
        let message = match &error {
            ModuleError::Compilation(error) => format!("cranelift: {error}"),
            ModuleError::Allocation { err } => err.to_string(),
            error => error.to_string(),
        };
        CompileError::new(kind, message)
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CompileError {}
