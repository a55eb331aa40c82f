//! What surrounds functions: the tables they index, and a process's program.

use crate::data::Data;
use crate::function::Function;
use crate::types::{ElementType, Type, Word};

/// A state slot: one value that a process keeps from activation to activation.
/// A slot of bytes owns a copy of what was put there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlotDecl {
    /// For dumps.
    pub name: String,
    /// The type of the value.
    pub ty: Type,
    /// The words it begins with; zero for bytes.
    pub init: Vec<Word>,
}

impl SlotDecl {
    /// A slot that begins with zero (no bytes, null).
    pub fn zero(name: impl Into<String>, ty: Type) -> SlotDecl {
        SlotDecl {
            name: name.into(),
            ty,
            init: vec![0; ty.words()],
        }
    }

    /// An integer slot.
    pub fn i64(name: impl Into<String>, init: i64) -> SlotDecl {
        SlotDecl {
            name: name.into(),
            ty: Type::I64,
            init: vec![init.cast_unsigned()],
        }
    }
}

/// The signature of a host function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSig {
    /// For dumps and messages.
    pub name: String,
    /// The types of its arguments.
    pub params: Vec<Type>,
    /// The types of its results.
    pub results: Vec<Type>,
}

/// The tables that a function's instructions index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// State slots.
    pub slots: Vec<SlotDecl>,
    /// Host functions.
    pub hosts: Vec<HostSig>,
    /// Constant data.
    pub data: Vec<Data>,
    /// The element types of the inputs (in a chain: of the inbox, at most one).
    pub inputs: Vec<ElementType>,
    /// The element types of the outputs (in a chain: of the outboxes).
    pub outputs: Vec<ElementType>,
    /// The names of the policies by which elements are dropped.
    pub drops: Vec<String>,
    /// The messages of failures.
    pub errors: Vec<String>,
    /// How many edges are counted (chains only).
    pub edges: usize,
}

/// The functions that one input of a process has.
#[derive(Clone, Debug, PartialEq)]
pub struct InputProgram {
    /// `read_ok`: what to do with one element, its fields the parameters.
    pub read_ok: Function,
    /// How many elements the process accepts now; without one, any number.
    pub ask: Option<Function>,
    /// What to do at the end of flow; without one, nothing.
    pub end: Option<Function>,
}

/// A process's program: its tables and its functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// For dumps and messages.
    pub name: String,
    /// What the functions index.
    pub tables: Tables,
    /// One for each input.
    pub inputs: Vec<InputProgram>,
    /// `write_ok`: how to give one element more; sources, and processes that may
    /// hold several.
    pub write_ok: Option<Function>,
    /// Whether each output is optional: the process is ready although the output
    /// is not, and asks with `ready` before it emits there.
    pub optional: Vec<bool>,
}
