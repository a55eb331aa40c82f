//! What processes, host functions and engines are written in: the public part of
//! [`cutthrough_ir`].
//!
//! Deliberately absent: what runs functions that it takes for verified. Safe code cannot
//! get at memory by a number through anything here; [`cutthrough_ir::memory`] says why.

pub use cutthrough_ir::AtBound;
pub use cutthrough_ir::function::Terminator;
pub use cutthrough_ir::panic_text;
pub use cutthrough_ir::{Append, ColumnMut, Kernel, LentColumn, Rows, RowsArg, RowsDecl, RowsMut, RowsParam};
pub use cutthrough_ir::{Block, Data, End, FunctionBuilder, Imm, Item, Op, SlotDecl, Value};
pub use cutthrough_ir::{ChainCode, Exit, Grant};
pub use cutthrough_ir::{ElementType, Kind, Type};
pub use cutthrough_ir::{ErrorCause, Host, HostContext, HostFunction, HostSig, Results, Scalar, Words};
