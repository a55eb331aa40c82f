//! Cutthrough: pipelines wired at run time that run as the loop you would have written
//! by hand, and that can be changed while they run.
//!
//! A [`Network`] has *flow points*, where processes meet, and *processes*
//! ([`Process`]), which read and write them. A process says in small fragments of IR
//! what it does with an element. Wherever an element can go to one process only, the
//! fragments of both become one function, through any number of processes; Cranelift
//! makes it native code, in the background. Attach a second reader and that code is
//! dropped; the flow goes on interpreted, and is specialised again.
//!
//! ```
//! use cutthrough::ir::{Op, Type};
//! use cutthrough::processes::{Collect, Filter, Slice};
//! use cutthrough::Network;
//!
//! let mut network = Network::default();
//! let numbers = network.source::<i64>(Slice::i64([3, -1, 4, -1, 5]))?;
//! let positive = network.pipe::<i64, i64>(numbers, Filter::new(Type::I64, |f, x| {
//!     let zero = f.iconst(0);
//!     f.op(Op::Igt, &[x[0], zero])
//! }))?;
//! let collect = Collect::<i64>::new();
//! let collected = collect.collected();
//! network.sink(positive, collect)?;
//!
//! network.run()?;
//! assert_eq!(collected.take(), [3, 4, 5]);
//! # Ok::<(), cutthrough::Error>(())
//! ```
//!
//! What this crate deliberately does not know: text formats, the language, files beyond
//! [`std::io::Read`], sockets, and Cranelift, but through [`Engine`].
//!
//! | module | what |
//! |---|---|
//! | [`processes`] | the standard processes |
//! | `network` | networks: editing, running, reporting |
//! | `outside` | reading and writing flow points from outside |
//! | `process` | the trait, and what a process declares |
//! | `program` | what a process is once it has declared itself |
//! | `fate` | why edges are closed, and what becomes of what a process holds |
//! | [`host`] | host functions from closures |
//! | [`ir`] | what processes, host functions and engines are written in |
//! | `element` | Rust values as elements |
//! | `wake` | how processes are woken, from any thread or at a time |
//! | `wiring` | who is attached to what |
//! | `arrangement`, `arrange` | what follows from it: order, blocks, what is pulled; how it is worked out |
//! | `ids` | what processes and flow points are known by |
//! | `demand` | who waits for whom at a flow point |
//! | `commitment` | how many elements readers are committed to take |
//! | `scheduler` | which processes can run, and whose turn it is |
//! | `root` | where a grant begins, and how it comes out |
//! | `plan` | what a grant does under the present wiring, as one value |
//! | `exec` | executes a plan fragment by fragment: the meaning |
//! | `chain` | makes a plan one function: the same, all at once |
//! | `specialize`, `engine`, `jit` | which chains are native, how they become it, and why they are not |
//! | `error` | what can go wrong |
//! | `sync` | what threads share memory by |
//! | [`aggregate`] | what groups compute, built in or the user's own |
//! | [`kernels`] | what processes have done by the host for many elements at once |
//! | [`limits`] | every bound |
#![forbid(unsafe_code)]

pub mod aggregate;
mod arrange;
mod arrangement;
mod chain;
mod commitment;
mod demand;
mod element;
mod engine;
mod error;
mod exec;
mod fate;
pub mod host;
mod ids;
pub mod ir;
mod jit;
pub mod kernels;
pub mod limits;
mod network;
mod outside;
mod plan;
mod process;
pub mod processes;
mod program;
mod root;
mod scheduler;
mod specialize;
mod sync;
#[cfg(test)]
mod testing;
mod wake;
mod wiring;

pub use demand::{Demand, Standing, Waits};
pub use element::{AnyPoint, Element, Field, FieldReader, FieldWriter, FlowPoint};
pub use engine::{CodeMemory, Engine, EngineDump, Specialised, Tier};
pub use error::{Error, ErrorKind};
pub use fate::{Close, Edge, Fate, Held};
pub use network::{
    ChainReport, Dump, EdgeReport, Handle, Network, Options, Pending, PointReport, Polymorphic,
    ProcessReport, Progress, Readiness, Report, Rewire,
};
pub use outside::{Outcome, Reader, Writer};
pub use process::{Account, Fragment, HeldRows, Process, Shape};
pub use program::Prepared;
pub use specialize::{Cause, Compile, Invalidation, Mode, NotNative, Refusal, SpecialisationCounts};
pub use wake::Timer;
pub use wiring::{PointId, Port, ProcessId};

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
