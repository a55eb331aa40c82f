//! Stages, one after another, and the schema between them.

use std::sync::Arc;

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, Tree};

use super::Check;
use super::expr::Expressions;
use super::names::{Checker, target_of};
use super::select::default_name;
use super::types::{Schema, SchemaColumn};
use crate::ast::{
    Expr, ExprKind, Input as AstInput, Name, OutputFormat, SortKey, Stage, StageKind, Statement, Text,
};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::lookup::Table;
use crate::plan::{FlowId, Input, Op, PipelinePlan, StagePlan, Target, process_name};
use crate::span::Span;

/// What is known of the elements at one place of a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowState {
    pub(super) schema: Schema,
    /// Blocks of bytes, not lines yet: their only column.
    pub(super) block: Option<ColumnId>,
    /// The inputs, where these are their blocks or lines and nothing else has come between.
    pub(super) inputs: Option<Vec<Input>>,
    /// The same, where these are some of their lines: what one can look at for what the others are like.
    pub(super) origin: Option<Vec<Input>>,
}

/// Checks one pipeline.
pub(super) struct PipelineChecker<'k, 'c> {
    pub(super) checker: &'k mut Checker<'c>,
    pub(super) state: FlowState,
    pub(super) stages: Vec<StagePlan>,
    /// The stage at hand, and its verb.
    pub(super) span: Span,
    pub(super) verb: &'static str,
    /// The parts of its expressions so far.
    nodes: usize,
}

impl<'k, 'c> PipelineChecker<'k, 'c> {
    fn new(checker: &'k mut Checker<'c>, state: FlowState) -> PipelineChecker<'k, 'c> {
        PipelineChecker {
            checker,
            state,
            stages: Vec::new(),
            span: Span::default(),
            verb: "read",
            nodes: 0,
        }
    }

    /// The pipeline that reads the command line's inputs.
    pub(super) fn inputs(checker: &'k mut Checker<'c>, to: FlowId) -> PipelinePlan {
        let mut inputs = checker.environment.inputs.clone();
        if inputs.is_empty() {
            inputs.push(Input::Stdin);
        }
        let mut pipeline = PipelineChecker::new(checker, FlowState::default());
        pipeline.read(inputs);
        pipeline.stages[0].text = "read the inputs".to_owned();
        pipeline.checker.states[to] = Some(pipeline.state);
        PipelinePlan {
            from: None,
            stages: pipeline.stages,
            to: Some(to),
            span: Span::default(),
        }
    }

    /// Checks a statement. `writes` says whether its end is written although the text does not say so.
    pub(super) fn run(
        checker: &'k mut Checker<'c>,
        statement: &Statement,
        from: Option<FlowId>,
        to: Option<FlowId>,
        writes: bool,
        known: &dyn Fn(&Name) -> Option<FlowId>,
    ) -> Check<PipelinePlan> {
        let state = from.map(|from| checker.states[from].clone().expect("INVARIANT: checked in order"));
        let mut pipeline = PipelineChecker::new(checker, state.unwrap_or_default());
        for stage in &statement.pipeline.stages {
            pipeline.span = stage.span;
            pipeline.verb = stage.kind.verb();
            pipeline.nodes = 0;
            pipeline.stage(stage, known)?;
        }
        let ends = matches!(
            pipeline.stages.last().map(|stage| &stage.op),
            Some(Op::Write { .. })
        );
        if writes && !ends {
            let end = statement.pipeline.span.end;
            pipeline.span = Span::new(end, end);
            pipeline.verb = "write";
            pipeline.write(Target::Stdout, false, None);
            let stage = pipeline.stages.last_mut().expect("INVARIANT: just added");
            stage.text = "write stdout".to_owned();
        }
        if let Some(to) = to {
            pipeline.checker.flows[to].spare = pipeline.state.schema.spare();
            pipeline.checker.states[to] = Some(pipeline.state);
        }
        Ok(PipelinePlan {
            from,
            stages: pipeline.stages,
            to,
            span: statement.pipeline.span,
        })
    }

    fn stage(&mut self, stage: &Stage, known: &dyn Fn(&Name) -> Option<FlowId>) -> Check<()> {
        match &stage.kind {
            StageKind::Read { inputs, follow } => {
                let inputs = self.inputs_of(inputs, *follow)?;
                self.read(inputs);
                Ok(())
            }
            StageKind::Lines => self.lines_stage(stage.verb),
            StageKind::Parse {
                format,
                argument,
                options,
                otherwise,
            } => {
                let bad = otherwise.as_ref().and_then(known);
                self.parse(format, argument.as_ref(), options, bad)
            }
            StageKind::Where { condition } => self.where_stage(condition),
            StageKind::Set { assignments } => self.set(assignments),
            StageKind::Select { items } => self.select(items),
            StageKind::Drop { names } => self.drop_columns(names),
            StageKind::Rename { names } => self.rename(names),
            StageKind::Distinct { items } => self.distinct(items),
            StageKind::Count => self.count_all(),
            StageKind::Head { count } => {
                self.bound_sort(count.value);
                self.pass(Op::Head(count.value))
            }
            StageKind::Skip { count } => self.pass(Op::Skip(count.value)),
            StageKind::Explode { name, value, ty } => self.explode(name, value.as_ref(), ty.as_ref()),
            StageKind::Fill { names } => self.fill(names),
            StageKind::Sample { size, .. } => {
                self.sample_stage(*size);
                Ok(())
            }
            StageKind::Generate { count, every } => {
                self.generate(count.map(|count| count.value), every.map(|(nanos, _)| nanos));
                Ok(())
            }
            StageKind::Lookup { path, name, key } => self.lookup(path, name, key.as_ref()),
            StageKind::Tail { count } => self.pass(Op::Tail(count.value)),
            StageKind::Top { count, by } => self.order(std::slice::from_ref(by), Some(count.value)),
            StageKind::Sort { keys } => self.order(keys, None),
            StageKind::Summarize {
                aggregates,
                by,
                every,
            } => self.summarize(aggregates, by, every.as_ref()),
            StageKind::Write {
                target,
                append,
                format,
                template,
            } => {
                let mut format = *format;
                if let Some(template) = template {
                    self.fill_in(template)?;
                    format = Some(OutputFormat::Text);
                }
                self.write(target_of(target), *append, format);
                Ok(())
            }
        }
    }

    /// Adds a stage whose elements have the schema as it is now.
    pub(super) fn push(&mut self, op: Op) {
        let text = process_name(self.checker.source, self.span);
        let spare = self.state.schema.spare();
        // Most stages have the columns of the one before.
        let last = self.stages.last().map(|stage| &stage.schema);
        let schema = match last {
            Some(last) if last.columns == self.state.schema.columns => Arc::clone(last),
            _ => Arc::new(self.state.schema.clone()),
        };
        self.stages.push(StagePlan {
            op,
            text,
            verb: self.verb,
            span: self.span,
            schema,
            spare,
            layout: Vec::new(),
        });
    }

    fn read(&mut self, inputs: Vec<Input>) {
        let block = self.checker.columns.add("block", LogicalType::TEXT);
        self.state = FlowState {
            schema: Schema::default(),
            block: Some(block),
            inputs: Some(inputs.clone()),
            origin: Some(inputs.clone()),
        };
        self.push(Op::Read { inputs, block });
    }

    /// What a `read` reads: the files of patterns.
    fn inputs_of(&self, inputs: &[AstInput], follow: Option<Span>) -> Check<Vec<Input>> {
        let mut found = Vec::with_capacity(inputs.len());
        for input in inputs {
            match (input, follow) {
                (AstInput::Stdin(_), None) => found.push(Input::Stdin),
                (AstInput::Stdin(_), Some(follow)) => {
                    let message = "the standard input is read as it comes, and cannot be followed";
                    let diagnostic = Diagnostic::new(message, follow, "of files only");
                    return Err(Box::new(diagnostic.with_help("leave out `follow`")));
                }
                (AstInput::Path(path), Some(_)) => found.push(Input::Follow(path.bytes.clone())),
                (AstInput::Path(path), None) => match &self.checker.environment.expand {
                    Some(expand) => {
                        let files = expand(&path.bytes)
                            .map_err(|why| Box::new(Diagnostic::new(why, path.span, "in this stage")))?;
                        found.extend(files.into_iter().map(Input::Path));
                    }
                    None => found.push(Input::Path(path.bytes.clone())),
                },
            }
        }
        Ok(found)
    }

    fn lines_stage(&mut self, verb: Span) -> Check<()> {
        let Some(block) = self.state.block else {
            let diagnostic = Diagnostic::new(
                "there are no blocks of bytes to split here",
                verb,
                "lines of what?",
            );
            return Err(Box::new(
                diagnostic.with_help("`lines` comes right after `read`, or first"),
            ));
        };
        self.lines(block, false);
        Ok(())
    }

    /// Makes lines of blocks. The number is hidden where the text does not say `lines`: who filters a file wants its
    /// lines back as they were.
    fn lines(&mut self, block: ColumnId, implied: bool) {
        let line = self.checker.columns.add("line", LogicalType::TEXT);
        let number = self.checker.columns.add("number", LogicalType::INT);
        let column = |name: &str, id, ty, hidden| SchemaColumn {
            name: name.into(),
            id,
            ty,
            hidden,
        };
        let columns = vec![
            column("line", line, LogicalType::TEXT, false),
            column("number", number, LogicalType::INT, implied),
        ];
        let inputs = self.state.origin.clone().unwrap_or_default();
        self.state.block = None;
        let ty = LogicalType::TEXT.or_null();
        let file = self.checker.columns.add("file", ty);
        self.state.schema = Schema {
            columns,
            marks: vec![SchemaColumn {
                name: "file".into(),
                id: file,
                ty,
                hidden: true,
            }],
            ..Schema::default()
        };
        self.push(Op::Lines {
            block,
            line,
            number,
            file,
            inputs,
        });
        if implied {
            let stage = self.stages.last_mut().expect("INVARIANT: just added");
            (stage.text, stage.verb) = ("lines".to_owned(), "lines");
        }
    }

    /// Makes lines of blocks if they are not yet, for a stage that takes columns.
    pub(super) fn rows(&mut self) {
        if let Some(block) = self.state.block {
            self.lines(block, true);
        }
    }

    /// The same, for a stage after which elements are no longer the input's own lines.
    pub(super) fn columns(&mut self) {
        self.passing();
        self.state.origin = None;
    }

    /// The same, for a stage that lets elements pass as they are.
    fn passing(&mut self) {
        self.rows();
        self.state.inputs = None;
    }

    fn where_stage(&mut self, condition: &Expr) -> Check<()> {
        self.passing();
        let tree = Expressions::new(&self.state.schema, &mut self.checker.columns, self.checker.now)
            .condition(condition, "`where`")?;
        self.count(&tree)?;
        self.push(Op::Where(tree));
        Ok(())
    }

    pub(super) fn value(&mut self, expr: &Expr) -> Check<Tree> {
        self.value_expecting(expr, None)
    }

    /// The same, where a kind is expected.
    pub(super) fn value_expecting(&mut self, expr: &Expr, expected: Option<LogicalKind>) -> Check<Tree> {
        let tree = Expressions::new(&self.state.schema, &mut self.checker.columns, self.checker.now)
            .value_expecting(expr, expected)?;
        self.count(&tree)?;
        Ok(tree)
    }

    /// Bounds what one stage computes.
    pub(super) fn count(&mut self, tree: &Tree) -> Check<()> {
        self.nodes += tree.nodes.len();
        if self.nodes > limits::STAGE_NODES_MAX {
            let message = format!(
                "the expressions of one stage may have {} parts",
                limits::STAGE_NODES_MAX
            );
            let diagnostic = Diagnostic::new(message, self.span, "these have more");
            return Err(Box::new(
                diagnostic.with_help("spread them over several `set` stages"),
            ));
        }
        Ok(())
    }

    fn lookup(&mut self, path: &Text, name: &Name, key: Option<&Expr>) -> Check<()> {
        self.columns();
        let column = Expr {
            kind: ExprKind::Name(name.clone()),
            span: name.span,
        };
        let key = key.unwrap_or(&column);
        let as_text = Expr {
            kind: ExprKind::Call {
                function: Name {
                    text: "text".to_owned(),
                    span: key.span,
                },
                arguments: vec![key.clone()],
            },
            span: key.span,
        };
        let tree = self.value(&as_text)?;
        let wrong = |why: String, span: Span, label: &str| Box::new(Diagnostic::new(why, span, label));
        let Some(whole_file) = &self.checker.environment.whole_file else {
            return Err(wrong(
                "no file can be read here".to_owned(),
                path.span,
                "to look up in",
            ));
        };
        let bytes = whole_file(&path.bytes).map_err(|why| wrong(why, path.span, "to look up in"))?;
        let table = Table::of(&path.bytes, &bytes, &name.text)
            .map_err(|why| wrong(why, path.span, "cannot be looked up in"))?;
        let ty = tree.ty();
        let key = tree.as_column().unwrap_or_else(|| {
            let id = self.checker.columns.add("key", ty);
            self.push(Op::Compute(vec![(id, tree)]));
            id
        });
        let mut columns = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            if self.state.schema.find(column).is_some() {
                let message = format!("there is a column {} already", quoted(column));
                let help = format!("call it otherwise before: `rename old_{column} = {column}`");
                return Err(Box::new(
                    Diagnostic::new(message, path.span, "has one of this name too").with_help(help),
                ));
            }
            let ty = LogicalType::TEXT.or_null();
            let id = self.checker.columns.add(column.as_str(), ty);
            let name = Name {
                text: column.clone(),
                span: path.span,
            };
            self.state.schema.set(&name, id, ty)?;
            columns.push(id);
        }
        if columns.is_empty() {
            let message = "this file has no column beside the key".to_owned();
            return Err(wrong(message, path.span, "nothing to add"));
        }
        self.push(Op::Lookup {
            table: Arc::new(table),
            key,
            columns,
        });
        Ok(())
    }

    /// A `sort` of which only the first are wanted need not keep the others.
    fn bound_sort(&mut self, count: u64) {
        if let Some(Op::Order { limit, .. }) = self.stages.last_mut().map(|stage| &mut stage.op) {
            *limit = Some(limit.map_or(count, |limit| limit.min(count)));
        }
    }

    fn pass(&mut self, op: Op) -> Check<()> {
        self.passing();
        self.push(op);
        Ok(())
    }

    fn order(&mut self, keys: &[SortKey], limit: Option<u64>) -> Check<()> {
        self.columns();
        let mut define = Vec::new();
        let mut by = Vec::with_capacity(keys.len());
        for key in keys {
            let tree = self.value(&key.value)?;
            let ty = tree.ty();
            let id = tree.as_column().unwrap_or_else(|| {
                let name = default_name(self.checker.source, &key.value);
                let id = self.checker.columns.add(name.text, ty);
                define.push((id, tree));
                id
            });
            by.push((id, key.descending));
        }
        if !define.is_empty() {
            self.push(Op::Compute(define));
        }
        self.push(Op::Order { keys: by, limit });
        Ok(())
    }

    fn write(&mut self, target: Target, append: bool, format: Option<OutputFormat>) {
        self.rows();
        let columns = self
            .state
            .schema
            .visible()
            .map(|column| (column.name.clone(), column.id))
            .collect();
        self.push(Op::Write {
            target,
            append,
            format,
            columns,
        });
    }
}
