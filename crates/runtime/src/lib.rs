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
//! use cutthrough::{Element, Network};
//!
//! #[derive(Element)]
//! struct Reading {
//!     sensor: u32,
//!     celsius: f64,
//! }
//!
//! # fn main() -> Result<(), cutthrough::Error> {
//! let readings = vec![
//!     Reading { sensor: 1, celsius: 21.5 },
//!     Reading { sensor: 2, celsius: -3.0 },
//!     Reading { sensor: 1, celsius: 22.5 },
//! ];
//! let mut network = Network::default();
//! let sums = network.wire(|wire| {
//!     wire.slice(readings)
//!         .filter(|r| r.celsius.gt(0.0))
//!         .key_by(|r| r.sensor)
//!         .sum(|r| r.celsius)
//!         .collect()
//! })?;
//! network.run()?;
//! assert_eq!(sums.take(), [(1, 44.0)]);
//! # Ok(())
//! # }
//! ```
//!
//! [`stream`] is where to begin: typed stages by expressions and closures. Under them lie the
//! [`processes`], and the trait [`Process`] for your own.
//!
//! # Features
//!
//! | feature | what | by default |
//! |---|---|---|
//! | `jit` | native code; without it everything is interpreted | yes |
//! | `macros` | `#[derive(Element)]`, `#[fragment]` | yes |
//! | `disas` | machine code in [dumps](Dump); builds a disassembler | |
//! | `serde` | [reports](Report) can be serialised | |
//! | `tokio` | asynchronous stages: `Stream::then` | |
//!
//! What this crate deliberately does not know: text formats, the language, files beyond
//! [`std::io::Read`], sockets, and Cranelift, but through [`Engine`].
//!
//! | module | what |
//! |---|---|
//! | [`processes`] | the standard processes |
//! | `network` | networks: editing, running, reporting |
//! | [`mod@channel`] | how elements come into a network from other threads, and go to them |
//! | [`stream`] | a typed way to wire a network |
//! | `process` | the trait, and what a process declares |
//! | `program` | what a process is once it has declared itself |
//! | `fate` | why edges are closed, and what becomes of what a process holds |
//! | [`host`] | host functions from closures |
//! | [`ir`] | what processes, host functions and engines are written in |
//! | `element` | Rust values as elements |
//! | `wake` | how processes are woken, from any thread or at a time |
//! | `point` | handles on flow points |
//! | `wiring` | who is attached to what |
//! | `arrangement`, `arrange` | what follows from it: order, blocks, what is pulled; how it is worked out |
//! | `ids` | what processes and flow points are known by |
//! | `demand` | who waits for whom at a flow point |
//! | `commitment` | how many elements readers are committed to take |
//! | `scheduler` | which processes can run, and whose turn it is |
//! | `root` | where a grant begins, and how it comes out |
//! | `running` | which networks a thread is running, and would wait for in vain |
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
pub mod channel;
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
#[cfg(feature = "jit")]
mod jit;
pub mod kernels;
pub mod limits;
mod network;
mod plan;
mod point;
mod process;
pub mod processes;
mod program;
mod root;
mod running;
mod scheduler;
mod specialize;
pub mod stream;
mod sync;
#[cfg(test)]
mod testing;
mod wake;
mod wiring;

/// Expressions: what closures over expressions take and give.
pub mod expr {
    pub use cutthrough_expr::typed::{
        AnyExpr, Condition, Expr, Exprs, FieldExprs, Logical, NumberTable, Operand, SortKey, fragment, lit,
    };
}

pub use channel::{Receiver, SendError, Sender, TryRecvError, TrySendError, channel};
#[cfg(feature = "macros")]
pub use cutthrough_macros::{Element, fragment};
pub use demand::{Demand, Standing, Waits};
pub use element::{Element, Field, FieldReader, FieldWriter, Fields};
pub use engine::{CodeMemory, Engine, EngineDump, Specialised, Tier};
pub use error::{Error, ErrorKind};
pub use fate::{Close, Edge, Fate, Held};
pub use network::{
    ChainReport, Driver, Dump, EdgeReport, Handle, Network, Options, Pending, PointReport, Polymorphic,
    ProcessReport, Progress, Readiness, Report, Rewire, Spawned,
};
pub use point::{AnyPoint, FlowPoint};
pub use process::{Account, Fragment, HeldRows, Process, Shape, StatePart};
pub use program::Prepared;
pub use specialize::{Cause, Compile, Invalidation, Mode, NotNative, Refusal, SpecialisationCounts};
pub use stream::{Stream, Wire};
pub use wake::Timer;
pub use wiring::{PointId, Port, ProcessId};

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The cookbook's recipes as well.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct Cookbook;
