//! What surrounds functions: the tables they index, and a process's program.

use crate::data::Data;
use crate::function::Function;
use crate::limits::ROWS_MAX;
use crate::types::{ElementType, Kind, Type, Word};

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

/// What a table does with a new key at its bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AtBound {
    /// It takes none.
    #[default]
    Fail,
    /// The row that came first goes.
    EvictOldest,
}

/// A row buffer: many rows of one type that a process keeps. Bytes in it are its own, or
/// lie in slabs that it shares. One with a key is a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowsDecl {
    /// For dumps and messages.
    pub name: String,
    /// The columns: each one's name, type, and the words that it begins with in a row of
    /// which nothing else is said.
    pub columns: Vec<SlotDecl>,
    /// How many columns, from the first, are the key by which rows are found; none in a row
    /// buffer that is no table.
    pub key: usize,
    /// How many rows there may be, at most [`ROWS_MAX`].
    pub rows_max: usize,
    /// How many bytes the rows may take, the bytes they own or share included.
    pub bytes_max: usize,
    /// What becomes of a new key when there are as many.
    pub at_bound: AtBound,
}

impl RowsDecl {
    /// A row buffer with columns of these types, which begin with zero, of at most so many
    /// bytes.
    pub fn new(name: impl Into<String>, types: impl IntoIterator<Item = Type>, bytes_max: usize) -> RowsDecl {
        let types = types.into_iter().enumerate();
        RowsDecl {
            name: name.into(),
            columns: types
                .map(|(k, ty)| SlotDecl::zero(format!("column {k}"), ty))
                .collect(),
            key: 0,
            rows_max: ROWS_MAX,
            bytes_max,
            at_bound: AtBound::Fail,
        }
    }

    /// A table of these columns, of which the first so many are its key.
    pub fn table(name: impl Into<String>, columns: Vec<SlotDecl>, key: usize, bytes_max: usize) -> RowsDecl {
        RowsDecl {
            name: name.into(),
            columns,
            key,
            rows_max: ROWS_MAX,
            bytes_max,
            at_bound: AtBound::Fail,
        }
    }

    /// Whether rows are found by a key.
    pub fn is_table(&self) -> bool {
        self.key > 0
    }

    /// Words of a row. A table has, behind those of its columns, two for each byte string of
    /// its keys: their first and last bytes, by which keys are compared.
    pub fn row_words(&self) -> usize {
        let digests = self.types().take(self.key);
        let digests = digests.filter(|ty| ty.kind == Kind::Bytes).count();
        self.types().map(Type::words).sum::<usize>() + 2 * digests
    }

    /// Words from a value to the same column's in the next row: the columns of a plain buffer
    /// are contiguous, a table has one row after another.
    pub fn row_stride(&self) -> usize {
        if self.is_table() { self.row_words() } else { 1 }
    }

    /// The types of the columns that are the key.
    pub fn key_types(&self) -> Vec<Type> {
        self.types().take(self.key).collect()
    }

    /// The types of the columns.
    pub fn types(&self) -> impl Iterator<Item = Type> + '_ {
        self.columns.iter().map(|column| column.ty)
    }
}

/// A row buffer that a host function is given with each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsParam {
    /// The types of its columns.
    pub columns: Vec<Type>,
    /// Whether the function changes it.
    pub writes: bool,
}

/// The signature of a host function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSig {
    /// For dumps and messages.
    pub name: String,
    /// The types of its arguments.
    pub params: Vec<Type>,
    /// The types of its results.
    pub results: Vec<Type>,
    /// The row buffers of the process that it is given; a function that has any is a
    /// [`Kernel`](crate::Kernel).
    pub rows: Vec<RowsParam>,
}

/// The tables that a function's instructions index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// State slots.
    pub slots: Vec<SlotDecl>,
    /// Row buffers.
    pub rows: Vec<RowsDecl>,
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
