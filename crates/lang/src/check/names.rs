//! Flow points: every name is defined once and read, and no pipeline reads what it writes.

use std::collections::{HashMap, HashSet};

use super::Check;
use super::expected::Expected;
use super::live;
use super::pipeline::{FlowState, PipelineChecker};
use super::records;
use super::types::Columns;
use crate::ast::{Input as AstInput, Name, Program, StageKind, Statement, Target as AstTarget};
use crate::diagnostic::{Diagnostic, line_and_column, quoted};
use crate::limits;
use crate::plan::{Environment, Flow, FlowId, Input, Op, PipelinePlan, Plan, Target};
use crate::span::Span;
use crate::suggest;

/// The name of the flow of the command line's inputs, in dumps.
const INPUTS: &str = "inputs";

/// Checks a program: again, where that has shown what is expected of columns of which nothing else is known.
pub(crate) fn check(
    source_name: &str,
    source: &str,
    program: &Program,
    environment: &Environment<'_>,
) -> Check<Plan> {
    let mut expected = Expected::nothing();
    loop {
        let before = expected.len();
        let outcome = check_expecting(source_name, source, program, environment, &mut expected);
        if expected.len() == before {
            return outcome;
        }
    }
}

fn check_expecting(
    source_name: &str,
    source: &str,
    program: &Program,
    environment: &Environment<'_>,
    expected: &mut Expected,
) -> Check<Plan> {
    let Some(last) = program.statements.last() else {
        let diagnostic = Diagnostic::new("the program is empty", Span::new(0, 0), "nothing to do");
        return Err(Box::new(
            diagnostic.with_help("a pipeline is, say, `parse clf | where status >= 500`"),
        ));
    };
    let stages: usize = program
        .statements
        .iter()
        .map(|statement| statement.pipeline.stages.len())
        .sum();
    if stages > limits::PROGRAM_STAGES_MAX {
        let message = format!("a program may have at most {} stages", limits::PROGRAM_STAGES_MAX);
        return Err(Box::new(Diagnostic::new(
            message,
            last.span,
            format!("this one has {stages}"),
        )));
    }
    check_ends(program)?;
    check_resources(program, environment)?;
    let mut names = Names::of(source, program)?;
    let order = names.order(program)?;

    let readers: Vec<usize> = names.flows.iter().map(|flow| flow.readers).collect();
    let mut checker = Checker {
        source,
        environment,
        columns: Columns::expecting(std::mem::take(expected)),
        flows: std::mem::take(&mut names.flows),
        states: Vec::new(),
        now: environment.now.unwrap_or_else(crate::time::now),
    };
    checker.states.resize_with(checker.flows.len(), || None);
    let pipelines = check_pipelines(&mut checker, program, &names, &order, &readers);
    *expected = std::mem::take(&mut checker.columns.expected).into_next();
    let pipelines = pipelines?;
    check_length(&pipelines, &checker.flows)?;
    for (flow, state) in checker.flows.iter_mut().zip(&mut checker.states) {
        if let Some(state) = state.take() {
            (flow.schema, flow.block) = (state.schema.into(), state.block);
        }
    }
    let mut plan = Plan {
        source_name: source_name.to_owned(),
        source: source.into(),
        columns: checker.columns,
        flows: checker.flows,
        pipelines,
        memory_bytes_max: limits::STAGE_MEMORY_BYTES_MAX,
    };
    records::settle(&mut plan);
    live::arrange(&mut plan);
    Ok(plan)
}

/// The pipelines, those first that others read.
fn check_pipelines(
    checker: &mut Checker<'_>,
    program: &Program,
    names: &Names,
    order: &[usize],
    readers: &[usize],
) -> Check<Vec<PipelinePlan>> {
    let mut pipelines: Vec<PipelinePlan> = Vec::with_capacity(order.len() + 1);
    if let Some(inputs) = names.inputs {
        pipelines.push(PipelineChecker::inputs(checker, inputs));
    }
    let last_nameless = program
        .statements
        .iter()
        .rposition(|statement| statement.target.is_none());
    for &index in order {
        let statement = &program.statements[index];
        let from = statement
            .pipeline
            .source
            .as_ref()
            .map(|name| names.known[&name.text].flow);
        let from = from.or(reads_inputs(statement).then_some(names.inputs).flatten());
        let to = statement.target.as_ref().map(|name| names.known[&name.text].flow);
        let writes = Some(index) == last_nameless;
        let known = |name: &Name| Some(names.known[&name.text].flow).filter(|&flow| readers[flow] > 0);
        pipelines.push(PipelineChecker::run(
            checker, statement, from, to, writes, &known,
        )?);
    }
    Ok(pipelines)
}

/// What the checks of all pipelines share.
pub(super) struct Checker<'c> {
    pub(super) source: &'c str,
    pub(super) environment: &'c Environment<'c>,
    pub(super) columns: Columns,
    pub(super) flows: Vec<Flow>,
    /// What is known of each flow, once its writer has been checked.
    pub(super) states: Vec<Option<FlowState>>,
    /// What `now()` gives.
    pub(super) now: i64,
}

struct Names {
    known: HashMap<String, Definition>,
    flows: Vec<Flow>,
    /// The flow of the command line's inputs, if one is read.
    inputs: Option<FlowId>,
    /// What `else` names: what nobody reads of it is counted and reported, as without a name.
    may_stay_unread: HashSet<String>,
}

struct Definition {
    flow: FlowId,
    span: Span,
    /// The statement that writes it.
    by: usize,
}

impl Names {
    fn of(source: &str, program: &Program) -> Check<Names> {
        let mut names = Names {
            known: HashMap::new(),
            flows: Vec::new(),
            inputs: None,
            may_stay_unread: HashSet::new(),
        };
        for (by, statement) in program.statements.iter().enumerate() {
            if let Some(target) = &statement.target {
                names.define(source, target, by, program)?;
            }
            for stage in &statement.pipeline.stages {
                if let StageKind::Parse {
                    otherwise: Some(name),
                    ..
                } = &stage.kind
                {
                    names.define(source, name, by, program)?;
                    names.may_stay_unread.insert(name.text.clone());
                }
            }
        }
        for statement in &program.statements {
            if let Some(name) = &statement.pipeline.source {
                names.read(name)?;
            } else if reads_inputs(statement) {
                let inputs = names.inputs.unwrap_or_else(|| names.add(INPUTS, Span::default()));
                names.inputs = Some(inputs);
                names.flows[inputs].readers += 1;
            }
        }
        let mut unread: Vec<&Definition> = names.known.values().collect();
        unread.retain(|definition| {
            let flow = &names.flows[definition.flow];
            flow.readers == 0 && !names.may_stay_unread.contains(&flow.name)
        });
        if let Some(definition) = unread.iter().min_by_key(|definition| definition.span.start) {
            let name = &names.flows[definition.flow].name;
            let message = format!("nothing reads {}", quoted(name));
            let diagnostic = Diagnostic::new(message, definition.span, "what goes here is lost");
            let help = format!("`{name} | write stdout` writes it; or leave out the name");
            return Err(Box::new(diagnostic.with_help(help)));
        }
        Ok(names)
    }

    fn add(&mut self, name: &str, span: Span) -> FlowId {
        self.flows.push(Flow {
            name: name.to_owned(),
            span,
            schema: Default::default(),
            block: None,
            layout: Vec::new(),
            spare: None,
            readers: 0,
        });
        self.flows.len() - 1
    }

    fn define(&mut self, source: &str, name: &Name, by: usize, program: &Program) -> Check<()> {
        if let Some(earlier) = self.known.get(&name.text) {
            let message = format!("{} is written twice", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, name.span, "written before");
            let is_source = program.statements[by]
                .pipeline
                .source
                .as_ref()
                .is_some_and(|from| from.text == name.text);
            let help = if is_source {
                "a name stands for one flow and is not changed: choose another".to_owned()
            } else {
                {
                    let (line, column) = line_and_column(source, earlier.span.start);
                    format!("choose another name; the first is in line {line}, column {column}")
                }
            };
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let flow = self.add(&name.text, name.span);
        self.known.insert(
            name.text.clone(),
            Definition {
                flow,
                span: name.span,
                by,
            },
        );
        Ok(())
    }

    fn read(&mut self, name: &Name) -> Check<()> {
        if let Some(definition) = self.known.get(&name.text) {
            self.flows[definition.flow].readers += 1;
            return Ok(());
        }
        let message = format!("there is no flow point {}", quoted(&name.text));
        let diagnostic = Diagnostic::new(message, name.span, "nothing writes this");
        let mut names: Vec<&str> = self.known.keys().map(String::as_str).collect();
        names.sort_unstable();
        Err(Box::new(
            match suggest::did_you_mean(&name.text, names.iter().copied()) {
                Some(help) => diagnostic.with_help(help),
                None if names.is_empty() => {
                    diagnostic.with_help(format!("define it: `{} = read \"...\" | ...`", name.text))
                }
                None => diagnostic.with_help(format!("the flow points are {}", super::types::list(&names))),
            },
        ))
    }

    /// The statements in an order in which each comes after what it reads.
    fn order(&self, program: &Program) -> Check<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Waiting,
            Done,
        }
        let mut states = vec![State::New; program.statements.len()];
        let mut order = Vec::with_capacity(states.len());
        for start in 0..states.len() {
            let mut waiting = Vec::new();
            let mut next = Some(start);
            while let Some(index) = next.filter(|&index| states[index] != State::Done) {
                let source = program.statements[index].pipeline.source.as_ref();
                if states[index] == State::Waiting {
                    let name = source.expect("INVARIANT: it waits for what it reads");
                    let message = format!("{} would be made of itself", quoted(&name.text));
                    let diagnostic = Diagnostic::new(message, name.span, "this flow comes from here");
                    return Err(Box::new(
                        diagnostic.with_help("flows cannot go round in a circle"),
                    ));
                }
                states[index] = State::Waiting;
                waiting.push(index);
                next = source.map(|name| self.known[&name.text].by);
            }
            for index in waiting.into_iter().rev() {
                states[index] = State::Done;
                order.push(index);
            }
        }
        Ok(order)
    }
}

/// Whether a pipeline begins with the inputs of the command line.
fn reads_inputs(statement: &Statement) -> bool {
    let first = statement.pipeline.stages.first();
    statement.pipeline.source.is_none()
        && !first
            .is_some_and(|stage| matches!(stage.kind, StageKind::Read { .. } | StageKind::Generate { .. }))
}

/// Every pipeline ends somewhere: in a name, in a `write`, or as the last one.
fn check_ends(program: &Program) -> Check<()> {
    let mut nameless = program
        .statements
        .iter()
        .filter(|statement| statement.target.is_none());
    // The last of them is written by itself.
    nameless.next_back();
    let loose = nameless.find(|statement| {
        let last = statement.pipeline.stages.last();
        !last.is_some_and(|stage| matches!(stage.kind, StageKind::Write { .. }))
    });
    let Some(statement) = loose else { return Ok(()) };
    let end = Span::new(statement.span.end, statement.span.end);
    let diagnostic = Diagnostic::new("this pipeline goes nowhere", end, "its end");
    let help = "end it with `| write ...`, or give it a name; only the last pipeline without a name is written by itself";
    Err(Box::new(diagnostic.with_help(help)))
}

/// The standard input is read once, and no file is written twice.
fn check_resources(program: &Program, environment: &Environment<'_>) -> Check<()> {
    let implied = program
        .statements
        .iter()
        .find(|statement| reads_inputs(statement));
    let implied =
        implied.filter(|_| environment.inputs.is_empty() || environment.inputs.contains(&Input::Stdin));
    let mut stdin: Option<Span> = implied.map(|statement| statement.span);
    let mut written: HashMap<&[u8], Span> = HashMap::new();
    for stage in program
        .statements
        .iter()
        .flat_map(|statement| &statement.pipeline.stages)
    {
        match &stage.kind {
            StageKind::Read { inputs, .. } => {
                for input in inputs {
                    let AstInput::Stdin(span) = input else { continue };
                    if stdin.replace(*span).is_some() {
                        let diagnostic =
                            Diagnostic::new("the standard input is read twice", *span, "read before");
                        let help = "give it a name, `input = read -`, and start both pipelines with that";
                        return Err(Box::new(diagnostic.with_help(help)));
                    }
                }
            }
            StageKind::Write {
                target: AstTarget::Path(path),
                ..
            } if written.insert(&path.bytes, path.span).is_some() => {
                let diagnostic = Diagnostic::new("this file is written twice", path.span, "written before");
                return Err(Box::new(diagnostic.with_help("write to another file")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Processes in a row are bounded: the runtime says how many.
pub(super) fn check_length(pipelines: &[PipelinePlan], flows: &[Flow]) -> Check<()> {
    // Each stage may need a process more, which sorts out its columns; a flow with several readers one.
    const MOST: usize = cutthrough::limits::PATH_PROCESSES_MAX;
    let mut length = vec![0; flows.len()];
    for pipeline in pipelines {
        let mut here = pipeline.from.map_or(0, |from| length[from] + 1);
        for stage in &pipeline.stages {
            here += match &stage.op {
                Op::Parse(_) => 3,
                Op::Group { .. }
                | Op::Order { .. }
                | Op::Distinct(_)
                | Op::Total { .. }
                | Op::Lookup { .. }
                | Op::Explode { .. }
                | Op::Fill(_)
                | Op::Write { .. } => 2,
                _ => 1,
            };
            if here > MOST {
                let message = format!("more than {MOST} processes in a row");
                let diagnostic =
                    Diagnostic::new(message, stage.span, "too far from where its elements come from");
                return Err(Box::new(
                    diagnostic.with_help("`set` and `select` take several columns at once"),
                ));
            }
            if let Op::Parse(parse) = &stage.op
                && let Some(bad) = parse.bad
            {
                length[bad] = here;
            }
        }
        if let Some(to) = pipeline.to {
            // What is only another name for a flow is a process too.
            length[to] = here + 1 + usize::from(pipeline.stages.is_empty());
        }
    }
    Ok(())
}

/// The target of a `write`.
pub(super) fn target_of(target: &AstTarget) -> Target {
    match target {
        AstTarget::Path(path) => Target::Path(path.bytes.clone()),
        AstTarget::Stdout(_) => Target::Stdout,
        AstTarget::Stderr(_) => Target::Stderr,
    }
}
