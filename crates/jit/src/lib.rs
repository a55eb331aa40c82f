//! Chains to native code.
//!
//! A chain ([`cutthrough_ir::ChainCode`]) is one function with loops. [`Jit`] makes
//! machine code of it with Cranelift; [`NativeChain::run`] runs that on the same
//! [`Grant`](cutthrough_ir::Grant) that the interpreter runs on, and leaves the same.
//!
//! chain IR → [`strategy`]: [`passes`](cutthrough_ir::passes), accounts, vector loops → CLIF
//! (`lower`) → trap check → Cranelift → code memory → [`NativeChain`]
//!
//! What this crate deliberately does not know: networks, when to compile and when to
//! drop code, and threads. It gives no fallback either: a chain that is refused
//! ([`CompileError`]) is interpreted by whoever asked. Unsafe code is in
//! [`code_memory`], [`native`], [`helpers`] alone.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | compiles chains |
//! | [`native`] | a compiled chain, and how it is entered |
//! | [`strategy`] | which form a chain is compiled in |
//! | [`accounts`] | what a chain has to count, and what follows from that |
//! | [`lower`] | chain IR to CLIF |
//! | [`vector`] | which loops are run several laps at once |
//! | [`needs`] | what a chain's code touches, checked against each grant |
//! | [`placement`] | where in a cache line code is put |
//! | [`context`] | what machine code reads and writes, with its layout |
//! | [`helpers`] | what machine code calls |
//! | [`trap_check`] | rejects instructions that may trap |
//! | [`code_memory`] | memory for native code |
//! | [`profile`] | who is told of code as it comes and goes: files for `perf` |
//! | [`dump`], `disassembly` | texts of the stages |
//! | [`error`] | why a chain was not compiled |
//! | [`limits`] | every bound |
#![deny(unsafe_code)]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the table is for those who read the source"
)]

#[expect(unsafe_code, reason = "maps memory and makes it executable")]
pub mod code_memory;
pub mod limits;
pub mod profile;

mod accounts;
mod context;
#[cfg(feature = "disas")]
mod disassembly;
mod dump;
mod engine;
mod error;
mod helpers;
mod lower;
mod native;
mod needs;
mod placement;
mod strategy;
mod trap_check;
mod vector;

pub use dump::{Dump, DumpKinds};
pub use engine::{Jit, JitOptions};
pub use error::{CompileError, CompileErrorKind};
pub use native::NativeChain;
pub use strategy::{Strategy, Tier};
