//! The pipeline of a tap: one, that reads a flow point with known columns and writes to who asked for it.

use std::sync::Arc;

use cutthrough::ir::ElementType;
use cutthrough_expr::ColumnId;

use super::Check;
use super::live;
use super::names::{Checker, check_length};
use super::pipeline::{FlowState, PipelineChecker};
use super::records;
use super::types::{Columns, Schema};
use crate::ast::{Name, Pipeline, Program, StageKind, Statement, Target};
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::plan::{Environment, Flow, Plan};
use crate::span::Span;

/// Checks the pipeline of a tap. The columns of the schema are numbered from 0 on, as they come in an element.
pub(crate) fn check_tap(
    source: &str,
    program: &Program,
    element: &ElementType,
    schema: &Schema,
    is_block: bool,
) -> Check<Plan> {
    let whole = Span::new(0, u32::try_from(source.len()).unwrap_or(u32::MAX));
    let all = Statement {
        target: None,
        pipeline: Pipeline {
            source: None,
            stages: Vec::new(),
            span: whole,
        },
        span: whole,
    };
    let statement = program.statements.first().unwrap_or(&all);
    check_shape(program, statement)?;
    let mut columns = Columns::default();
    for (&ty, number) in element.fields().iter().zip(0..) {
        let named = schema.columns.iter().find(|column| column.id == ColumnId(number));
        columns.add(
            named.map_or("unnamed".into(), |column| Arc::clone(&column.name)),
            named.map_or(ty.into(), |column| column.ty),
        );
    }
    let environment = Environment::default();
    let mut state = FlowState {
        schema: schema.clone(),
        ..FlowState::default()
    };
    if is_block {
        state.block = schema.columns.first().map(|column| column.id);
        state.schema = Schema::default();
    }
    let flow = Flow {
        name: "tapped".to_owned(),
        span: Span::default(),
        schema: state.schema.clone().into(),
        block: state.block,
        layout: Vec::new(),
        spare: state.schema.spare(),
        readers: 1,
    };
    let mut checker = Checker {
        source,
        environment: &environment,
        columns,
        flows: vec![flow],
        states: vec![Some(state)],
        now: crate::time::now(),
    };
    let known = |_: &Name| None;
    let pipeline = PipelineChecker::run(&mut checker, statement, Some(0), None, true, &known)?;
    let pipelines = vec![pipeline];
    check_length(&pipelines, &checker.flows)?;
    let mut plan = Plan {
        source_name: "the tap".to_owned(),
        source: source.into(),
        columns: checker.columns,
        flows: checker.flows,
        pipelines,
        memory_bytes_max: limits::TAP_STAGE_MEMORY_BYTES_MAX,
    };
    records::settle(&mut plan);
    live::arrange(&mut plan);
    Ok(plan)
}

fn check_shape(program: &Program, statement: &Statement) -> Check<()> {
    let wrong = |message: &str, span: Span, label: &str, help: &str| {
        Err(Box::new(Diagnostic::new(message, span, label).with_help(help)))
    };
    if let Some(second) = program.statements.get(1) {
        return wrong(
            "a tap is one pipeline",
            second.span,
            "a second one",
            "attach another tap for it",
        );
    }
    if let Some(name) = statement.target.as_ref() {
        let help = "leave out `NAME =`: what comes out goes to who has attached the tap";
        return wrong(
            "a tap has no name in the program",
            name.span,
            "nobody could read this",
            help,
        );
    }
    if let Some(name) = statement.pipeline.source.as_ref() {
        let help =
            "begin with a stage, such as `where ...`; the flow point is named when the tap is attached";
        return wrong(
            "a tap reads what it is attached to",
            name.span,
            "a flow point",
            help,
        );
    }
    for stage in &statement.pipeline.stages {
        match &stage.kind {
            StageKind::Lookup { .. } => {
                let help = "look up in what it prints";
                return wrong("a tap reads no file", stage.span, "to look up in", help);
            }
            StageKind::Read { .. } | StageKind::Generate { .. } => {
                let help = "leave it out: the elements are those of the flow point";
                return wrong(
                    "a tap reads what it is attached to",
                    stage.span,
                    "reads something else",
                    help,
                );
            }
            StageKind::Parse {
                otherwise: Some(name),
                ..
            } => {
                let help = "leave out `else`: a tap has one end, and counts bad rows as dropped";
                return wrong(
                    "a tap is one pipeline",
                    name.span,
                    "a second one would begin here",
                    help,
                );
            }
            StageKind::Write {
                target: Target::Path(_) | Target::Stderr(_),
                ..
            } => {
                let help = "`write stdout as json` says how it is written";
                return wrong(
                    "a tap writes to who has attached it",
                    stage.span,
                    "not somewhere else",
                    help,
                );
            }
            _ => {}
        }
    }
    Ok(())
}
