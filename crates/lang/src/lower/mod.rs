//! From plan to processes: each stage a process or several, each `|` a flow point.
//!
//! | module | what |
//! |---|---|
//! | `mod.rs` | what a plan needs of its surroundings |
//! | [`blueprint`] | processes and flow points as data |
//! | [`drawing`] | how a plan becomes these |
//! | [`names`] | what flow points are called |
//! | [`spec`] | what a process is, and how it is made |
//! | [`collect`] | the aggregate `collect` |
//! | [`compute`] | the process of `where`, `set` and `select`; names for processes |
//! | [`lookup`], [`explode`], [`fill`], [`generate`] | the processes of these stages |
//! | [`hosts`] | functions that make text: host functions |

mod blueprint;
mod collect;
mod compute;
mod drawing;
mod explode;
mod fill;
mod generate;
mod hosts;
mod lookup;
mod names;
mod spec;

use std::fmt;

use cutthrough::Process;
use cutthrough_formats::InputName;
use cutthrough_formats::processes::BadRows;

use crate::ast::OutputFormat;
use crate::diagnostic::Diagnostic;
use crate::plan::{Begin, Column, Input, Target};
use crate::span::Span;

pub(crate) use blueprint::{Blueprint, NodeIndex, NodeSpec, PipelineSpec, PointIndex, PointSpec};
pub(crate) use spec::{Made, Spec};

/// What a plan needs of its surroundings.
pub trait Io {
    /// A process with one output, of blocks of bytes: the inputs one after another.
    ///
    /// # Errors
    /// When one cannot be read; the message names it.
    fn read(&mut self, inputs: &[Input]) -> Result<Box<dyn Process>, String>;

    /// A process with one input, of elements of these columns. Without a format, the program leaves it open;
    /// [`default_format`](crate::default_format) is what the documentation says.
    ///
    /// # Errors
    /// When it cannot be written; the message names it.
    fn write(
        &mut self,
        target: &Target,
        begin: Begin,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String>;

    /// Where a new parser notes bad rows.
    fn bad_rows(&self) -> BadRows {
        BadRows::default()
    }

    /// Gives the name of that of these inputs which is read at present, by the process that was made last to read them;
    /// nothing where it is not known.
    fn input_name(&self, inputs: &[Input]) -> Option<InputName> {
        let _ = inputs;
        None
    }
}

/// Why a plan could not be made a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    message: String,
    span: Span,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>, span: Span) -> BuildError {
        BuildError {
            message: message.into(),
            span,
        }
    }

    /// The message with the stage it is about. For inputs of the command line, the place is the whole text's start.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::new(self.message.as_str(), self.span, "in this stage")
    }

    /// Whether it is about a stage of the program's text, and not about what the command line names.
    pub fn has_place(&self) -> bool {
        self.span != Span::default()
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BuildError {}
