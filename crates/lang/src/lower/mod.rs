//! From plan to network: each stage a process, each `|` a flow point.
//!
//! | module | what |
//! |---|---|
//! | `mod.rs` | wiring |
//! | [`compute`] | the process of `where`, `set` and `select`; names for processes |
//! | [`expr`] | expressions to IR |
//! | [`scalar`] | functions to IR |
//! | [`hosts`] | functions that make text: host functions |

mod compute;
mod expr;
mod hosts;
mod scalar;

use std::fmt;

use cutthrough::ir::{ElementType, Op as IrOp, Type};
use cutthrough::kernels::aggregate::Aggregate;
use cutthrough::kernels::group::GroupSpec;
use cutthrough::kernels::order::{OrderKey, OrderSpec};
use cutthrough::processes::{BranchPolicy, Filter, Group, Order, Skip, Take, Tee};
use cutthrough::{Fragment, Network, PointId, Process, ProcessId, Report};
use cutthrough_formats::clf;
use cutthrough_formats::processes::{BadRows, Lines, ParseClf, ParseCsv};

use crate::ast::OutputFormat;
use crate::check::ColumnId;
use crate::diagnostic::Diagnostic;
use crate::plan::{Column, FlowId, Format, GroupColumn, Header, Input, Op, ParseOp, Plan, StagePlan, Target};
use crate::span::Span;
use compute::{Compute, Named};

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
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String>;
}

/// The processes of a plan that was built, by what they are for.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// What reads: the roots of all chains, in the order of the plan.
    pub sources: Vec<ProcessId>,
    /// What makes lines of blocks.
    pub lines: Vec<ProcessId>,
    /// What parses.
    pub parses: Vec<Parsing>,
    /// What writes.
    pub sinks: Vec<ProcessId>,
}

/// A `parse` of a plan that was built.
#[derive(Clone, Debug)]
pub struct Parsing {
    /// The process.
    pub process: ProcessId,
    /// The text of the stage, with its place.
    pub text: String,
    /// Whether bad rows go to a flow point (`else`) rather than being dropped and counted.
    pub has_bad_output: bool,
    /// The numbers of the first bad rows, if they are dropped.
    pub bad_rows: BadRows,
}

impl Parsing {
    /// How many rows were given to the parser, and how many of them were bad.
    pub fn rows(&self, report: &Report) -> (u64, u64) {
        let process = report.processes.iter().find(|process| process.id == self.process);
        let Some(process) = process else { return (0, 0) };
        let rows = process.inputs.first().map_or(0, |edge| edge.moved);
        let bad = if self.has_bad_output {
            process.outputs.get(1).map_or(0, |edge| edge.moved)
        } else {
            let dropped = process
                .dropped
                .iter()
                .find(|(policy, _)| policy == BadRows::POLICY);
            dropped.map_or(0, |(_, count)| *count)
        };
        (rows, bad)
    }
}

/// Why a plan could not be made a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    message: String,
    span: Span,
}

impl BuildError {
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

impl Plan {
    /// Adds the plan's processes to a network, wired and ready to run.
    ///
    /// # Errors
    /// When an input or output cannot be opened, or at a bound of the network. What was added remains.
    pub fn build(self, network: &mut Network, io: &mut dyn Io) -> Result<Running, BuildError> {
        let mut builder = Builder {
            points: self.flows.iter().map(|_| Vec::new()).collect(),
            plan: &self,
            network,
            io,
            running: Running::default(),
        };
        for index in 0..self.pipelines.len() {
            builder.pipeline(index)?;
        }
        Ok(builder.running)
    }
}

struct Builder<'b> {
    plan: &'b Plan,
    network: &'b mut Network,
    io: &'b mut dyn Io,
    running: Running,
    /// For each flow, the points that its readers have not taken yet.
    points: Vec<Vec<PointId>>,
}

/// Where a pipeline is at: the flow point that its last process writes to, and what the elements there carry.
struct Place {
    point: Option<PointId>,
    layout: Vec<ColumnId>,
}

type Build<T> = Result<T, BuildError>;

impl Builder<'_> {
    fn pipeline(&mut self, index: usize) -> Build<()> {
        let pipeline = &self.plan.pipelines[index];
        let mut at = Place {
            point: None,
            layout: Vec::new(),
        };
        if let Some(from) = pipeline.from {
            let point = self.points[from]
                .pop()
                .expect("INVARIANT: one point for each reader");
            at = Place {
                point: Some(point),
                layout: self.plan.flows[from].layout.clone(),
            };
        }
        for stage in &pipeline.stages {
            self.stage(stage, &mut at)?;
        }
        if let Some(to) = pipeline.to {
            let span = pipeline.stages.last().map_or(Span::default(), |stage| stage.span);
            let flow = &self.plan.flows[to];
            self.adapt(&mut at, &flow.layout, &flow.name, span)?;
            let point = at.point.expect("INVARIANT: the pipeline has a start");
            self.flow(to, point, span)?;
        }
        Ok(())
    }

    /// Makes what a pipeline ends with the named flow: one point, or one for each reader.
    fn flow(&mut self, to: FlowId, point: PointId, span: Span) -> Build<()> {
        let flow = &self.plan.flows[to];
        if flow.readers < 2 {
            self.points[to] = vec![point];
            return Ok(());
        }
        let element = self.element(&flow.layout);
        let tee = Tee::new(element.clone(), vec![BranchPolicy::Block; flow.readers]);
        let name = format!("tee {}", flow.name);
        let tee = self.add(Box::new(tee), &name, span)?;
        self.attach_input(tee, point, span)?;
        for branch in 0..flow.readers {
            let name = format!("{} {}", flow.name, branch + 1);
            let point = self.point(&name, &element, span)?;
            self.attach_output(tee, branch, point, span)?;
            self.points[to].push(point);
        }
        // Readers take from the end.
        self.points[to].reverse();
        Ok(())
    }

    fn stage(&mut self, stage: &StagePlan, at: &mut Place) -> Build<()> {
        let plan = self.plan;
        match &stage.op {
            Op::Read { inputs, .. } => {
                let process = self.io.read(inputs).map_err(|message| BuildError {
                    message,
                    span: stage.span,
                })?;
                let process = self.then(process, stage, at, stage.layout.clone())?;
                self.running.sources.push(process);
            }
            Op::Lines { .. } => {
                let process = self.then(Box::new(Lines::new()), stage, at, stage.layout.clone())?;
                self.running.lines.push(process);
            }
            Op::Parse(parse) => self.parse(parse, stage, at)?,
            Op::Where(condition) => {
                let compute =
                    Compute::new(&plan.columns, &at.layout, &stage.layout).with_condition(condition.clone());
                self.then(Box::new(compute), stage, at, stage.layout.clone())?;
            }
            Op::Compute(define) if define.is_empty() && at.layout == stage.layout => {}
            Op::Compute(define) => {
                let compute =
                    Compute::new(&plan.columns, &at.layout, &stage.layout).with_definitions(define.clone());
                self.then(Box::new(compute), stage, at, stage.layout.clone())?;
            }
            Op::Head(count) => {
                let process = Take::new(self.element(&at.layout), *count);
                self.then(Box::new(process), stage, at, at.layout.clone())?;
            }
            Op::Skip(count) => {
                let process = Skip::new(self.element(&at.layout), *count);
                self.then(Box::new(process), stage, at, at.layout.clone())?;
            }
            Op::Order { keys, limit } => {
                let process = Order::new(self.order_spec(&at.layout, keys, *limit));
                self.then(Box::new(process), stage, at, at.layout.clone())?;
            }
            Op::Group { keys, aggregates } => {
                let inputs = aggregates.iter().filter_map(|aggregate| aggregate.input);
                let layout: Vec<ColumnId> = keys.iter().copied().chain(inputs).collect();
                self.adapt(at, &layout, &format!("columns of {}", stage.text), stage.span)?;
                let process = Group::new(self.group_spec(keys, aggregates));
                self.then(Box::new(process), stage, at, stage.layout.clone())?;
            }
            Op::Write {
                target,
                format,
                columns,
            } => {
                let layout: Vec<ColumnId> = columns.iter().map(|&(_, id)| id).collect();
                self.adapt(at, &layout, &format!("columns of {}", stage.text), stage.span)?;
                let named = columns.iter().map(|(name, id)| Column {
                    name: name.to_string(),
                    ty: plan.columns.ty(*id),
                });
                let named: Vec<Column> = named.collect();
                let process = self.io.write(target, *format, &named);
                let process = process.map_err(|message| BuildError {
                    message,
                    span: stage.span,
                })?;
                let process = self.add(process, &stage.text, stage.span)?;
                self.attach_input(
                    process,
                    at.point.expect("INVARIANT: something comes before"),
                    stage.span,
                )?;
                self.running.sinks.push(process);
            }
        }
        Ok(())
    }

    fn parse(&mut self, parse: &ParseOp, stage: &StagePlan, at: &mut Place) -> Build<()> {
        self.adapt(
            at,
            &[parse.line, parse.number],
            &format!("lines of {}", stage.text),
            stage.span,
        )?;
        let wanted = |index: usize| stage.layout.contains(&parse.columns[index]);
        let (process, bad_rows): (Box<dyn Process>, BadRows) = match &parse.format {
            Format::Clf => {
                let want = clf::Column::ALL
                    .into_iter()
                    .enumerate()
                    .filter(|&(index, _)| wanted(index));
                let process = ParseClf::new(want.map(|(_, column)| column).collect());
                let bad_rows = process.bad_rows();
                (
                    if parse.bad.is_some() {
                        Box::new(process.with_bad_output())
                    } else {
                        Box::new(process)
                    },
                    bad_rows,
                )
            }
            Format::Csv { sep, columns, header } => {
                if *header != Header::None {
                    self.skip_header(header, stage, at)?;
                }
                let want: Vec<usize> = (0..columns.len()).filter(|&index| wanted(index)).collect();
                let process = ParseCsv::new(*sep, columns, &want);
                let bad_rows = process.bad_rows();
                (
                    if parse.bad.is_some() {
                        Box::new(process.with_bad_output())
                    } else {
                        Box::new(process)
                    },
                    bad_rows,
                )
            }
        };
        let process = self.then(process, stage, at, stage.layout.clone())?;
        if let Some(bad) = parse.bad {
            let flow = &self.plan.flows[bad];
            let element = self.element(&flow.layout);
            let point = self.point(&flow.name, &element, stage.span)?;
            self.attach_output(process, 1, point, stage.span)?;
            self.flow(bad, point, stage.span)?;
        }
        self.running.parses.push(Parsing {
            process,
            text: stage.text.clone(),
            has_bad_output: parse.bad.is_some(),
            bad_rows,
        });
        Ok(())
    }

    /// Takes off the header of the input, and those of further ones, which are the same line.
    fn skip_header(&mut self, header: &Header, stage: &StagePlan, at: &mut Place) -> Build<()> {
        let element = self.element(&at.layout);
        let header = header.clone();
        let process = Filter::new(
            element,
            move |f: &mut Fragment<'_>, line: &[cutthrough::ir::Value]| {
                let one = f.iconst(1);
                let follows = f.op(IrOp::Ine, &[line[1], one]);
                let Header::Each(text) = &header else {
                    return follows;
                };
                let text = f.data(hosts::data(text));
                let is_header = f.op(IrOp::Seq, &[line[0], text]);
                let differs = f.op(IrOp::Not, &[is_header]);
                f.op(IrOp::And, &[follows, differs])
            },
        );
        let name = format!("header of {}", stage.text);
        let layout = at.layout.clone();
        self.chain(Box::new(process), &name, stage.span, at, layout)?;
        Ok(())
    }

    fn order_spec(&self, layout: &[ColumnId], keys: &[(ColumnId, bool)], limit: Option<u64>) -> OrderSpec {
        let field = |key: ColumnId| {
            layout
                .iter()
                .position(|&id| id == key)
                .expect("INVARIANT: keys are carried")
        };
        let keys = keys.iter().map(|&(key, descending)| OrderKey {
            field: field(key),
            descending,
        });
        OrderSpec {
            element: self.types(layout),
            keys: keys.collect(),
            limit: limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            bytes_max: self.plan.memory_bytes_max,
        }
    }

    fn group_spec(&self, keys: &[ColumnId], aggregates: &[GroupColumn]) -> GroupSpec {
        let columns = &self.plan.columns;
        let aggregates = aggregates.iter().map(|aggregate| Aggregate {
            function: aggregate.function,
            input: aggregate.input.map(|input| columns.ty(input)),
        });
        GroupSpec {
            keys: self.types(keys),
            aggregates: aggregates.collect(),
            groups_max: u32::MAX as usize,
            bytes_max: self.plan.memory_bytes_max,
        }
    }

    /// Has the elements carry exactly these columns.
    fn adapt(&mut self, at: &mut Place, layout: &[ColumnId], name: &str, span: Span) -> Build<()> {
        if at.layout == layout {
            return Ok(());
        }
        let compute = Compute::new(&self.plan.columns, &at.layout, layout);
        self.chain(Box::new(compute), name, span, at, layout.to_vec())?;
        Ok(())
    }

    fn then(
        &mut self,
        process: Box<dyn Process>,
        stage: &StagePlan,
        at: &mut Place,
        layout: Vec<ColumnId>,
    ) -> Build<ProcessId> {
        self.chain(process, &stage.text, stage.span, at, layout)
    }

    /// Adds a process after what is there, with a flow point after it.
    fn chain(
        &mut self,
        process: Box<dyn Process>,
        name: &str,
        span: Span,
        at: &mut Place,
        layout: Vec<ColumnId>,
    ) -> Build<ProcessId> {
        let process = self.add(process, name, span)?;
        if let Some(point) = at.point {
            self.attach_input(process, point, span)?;
        }
        let element = self.element(&layout);
        let point = self.point(name, &element, span)?;
        self.attach_output(process, 0, point, span)?;
        *at = Place {
            point: Some(point),
            layout,
        };
        Ok(process)
    }

    fn types(&self, layout: &[ColumnId]) -> Vec<Type> {
        layout.iter().map(|&id| self.plan.columns.ty(id)).collect()
    }

    fn element(&self, layout: &[ColumnId]) -> ElementType {
        ElementType::new(self.types(layout))
    }

    fn add(&mut self, process: Box<dyn Process>, name: &str, span: Span) -> Build<ProcessId> {
        self.network
            .add(Named::new(name, process))
            .map_err(|error| at(span, &error))
    }

    fn point(&mut self, name: &str, element: &ElementType, span: Span) -> Build<PointId> {
        self.network
            .add_point(name, element.clone())
            .map_err(|error| at(span, &error))
    }

    fn attach_input(&mut self, process: ProcessId, point: PointId, span: Span) -> Build<()> {
        self.network
            .attach_input(process, 0, point)
            .map_err(|error| at(span, &error))
    }

    fn attach_output(&mut self, process: ProcessId, output: usize, point: PointId, span: Span) -> Build<()> {
        self.network
            .attach_output(process, output, point)
            .map_err(|error| at(span, &error))
    }
}

fn at(span: Span, error: &cutthrough::Error) -> BuildError {
    BuildError {
        message: error.to_string(),
        span,
    }
}
