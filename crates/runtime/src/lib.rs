//! Cutthrough: a stream runtime.

#![forbid(unsafe_code)]

mod chain;
mod commitment;
mod cone;
mod element;
mod engine;
mod error;
mod exec;
pub mod host;
mod jit;
pub mod kernels;
pub mod limits;
mod network;
mod outside;
mod process;
pub mod processes;
mod root;
mod specialize;
mod wiring;

pub use cutthrough_ir as ir;
pub use element::{Element, Field, FlowPoint};
pub use engine::{Engine, EngineDump, Specialised};
pub use error::{Error, ErrorKind};
pub use network::{
    ChainReport, Dump, EdgeReport, Handle, Network, Options, PointReport, ProcessReport, Progress, Report,
};
pub use outside::{Outcome, Reader, Writer};
pub use process::{Fragment, Process, Shape};
pub use specialize::{Compile, Mode, SpecialisationCounts};
pub use wiring::{PointId, Port, ProcessId};
