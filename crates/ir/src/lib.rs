//! The intermediate representation of Cutthrough: what processes say, what chains
//! are, and what both mean.
//!
//! A *fragment* is one activation of a process: what it does with an element that
//! arrived (`read_ok`), or how it gives one more (`write_ok`). It is a small
//! acyclic function over the process's state slots; repetition is the flow's. A
//! *chain* is many fragments made into one function with loops. The interpreter
//! here executes both and defines what they mean; native code has to agree.
//!
//! What this crate deliberately does not know: networks, scheduling, input and
//! output, and native code. Unsafe code is in [`memory`] and [`host`]; what lends words to
//! native code ([`state`], [`block`]) is an unsafe function. [`memory`] says why safe code
//! cannot make a byte string out of a number.
//!
//! | module | what |
//! |---|---|
//! | [`types`] | types, and how values lie in words |
//! | [`op`] | the table of operations |
//! | [`function`] | functions: values, blocks, terminators |
//! | [`program`] | what functions index; a process's program |
//! | [`data`] | constant data |
//! | [`builder`] | builds functions |
//! | [`mod@cfg`] | the graph of a function's blocks |
//! | [`passes`] | what is done to a chain before native code is made from it |
//! | [`verify`] | what a well-formed program is |
//! | [`text`] | the text form, both ways |
//! | [`eval`] | the meaning of the pure operations |
//! | [`interp`] | executes functions |
//! | [`memory`] | byte strings as slices; typed values in words |
//! | [`host`] | host functions |
//! | [`scratch`] | what host functions may use during a grant |
//! | [`state`] | where state slots and row buffers lie |
//! | [`rows`] | row buffers and tables |
//! | [`image`] | values as bytes that outlive the OS process |
//! | [`block`] | blocks of elements |
//! | [`chain`] | a chain with its bindings, and what a grant gives it |
//! | [`limits`] | every bound |
#![deny(unsafe_code)]

pub mod block;
pub mod builder;
pub mod cfg;
pub mod chain;
pub mod data;
pub mod eval;
pub mod function;
pub mod host;
pub mod image;
pub mod interp;
pub mod limits;
pub mod memory;
pub mod number;
pub mod op;
pub mod panics;
pub mod passes;
pub mod program;
pub mod rows;
pub mod scratch;
pub mod state;
pub mod text;
pub mod types;
pub mod verify;

pub use block::ElementBlock;
pub use builder::FunctionBuilder;
pub use chain::{ChainCode, Exit, Grant, Inbox, Outbox};
pub use data::Data;
pub use function::{
    Block, BlockData, End, Function, FunctionKind, Imm, Inst, Item, ItemAt, Origin, Target, Terminator, Value,
};
pub use host::{Entry, Host, HostEntry, HostFunction, Kernel, KernelEntry, ResultRoom};
pub use interp::{Code, Flow, Lend, Outcome, Registers, Taken};
#[doc(hidden)]
pub use memory::Carried;
pub use memory::{Results, Scalar, Words};
pub use op::Op;
pub use panics::panic_text;
pub use program::{AtBound, HostSig, InputProgram, Program, RowsDecl, RowsParam, SlotDecl, Tables};
pub use rows::{Append, ColumnMut, LentColumn, Rows, RowsArg, RowsMut};
pub use scratch::{ErrorCause, ErrorSource, HostContext, HostError};
pub use state::{Place, State};
pub use text::{ChainText, TextError, parse_chain, parse_program, print_chain, print_program};
pub use types::{ElementType, FieldAt, Kind, Type, Word};
pub use verify::{
    Role, VerifyError, VerifyErrors, verify_chain, verify_function, verify_optimized, verify_program,
};
