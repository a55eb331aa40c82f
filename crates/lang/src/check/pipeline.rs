//! Stages, one after another, and the schema between them.

use std::collections::HashSet;
use std::sync::Arc;

use cutthrough_expr::{ColumnId, LogicalType, Tree};
use cutthrough_formats::json::Path;

use super::Check;
use super::aggregate::{AGGREGATES, Aggregates, Share};
use super::expr::Expressions;
use super::names::{Checker, target_of};
use super::types::{Schema, SchemaColumn};
use crate::ast::{
    Assignment, Expr, ExprKind, Input as AstInput, Item, Name, OutputFormat, SortKey, Stage, StageKind,
    Statement, Text,
};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::lookup::Table;
use crate::plan::{Every, FlowId, GroupColumn, Input, Op, PipelinePlan, StagePlan, Target, process_name};
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
            StageKind::Lookup { path, name, key } => self.lookup(path, name, key.as_ref()),
            StageKind::Tail { count } => self.pass(Op::Tail(count.value)),
            StageKind::Top { count, by } => self.order(std::slice::from_ref(by), Some(count.value)),
            StageKind::Sort { keys } => self.order(keys, None),
            StageKind::Summarize {
                aggregates,
                by,
                every,
            } => self.summarize(aggregates, by, *every),
            StageKind::Write {
                target,
                append,
                format,
            } => {
                self.write(target_of(target), *append, *format);
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
        self.state.block = None;
        self.state.schema = Schema {
            columns,
            ..Schema::default()
        };
        self.push(Op::Lines { block, line, number });
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
    fn columns(&mut self) {
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

    fn set(&mut self, assignments: &[Assignment]) -> Check<()> {
        self.columns();
        let mut define = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let (tree, shares) = self.value_with_shares(&assignment.value)?;
            self.total(shares, &mut define);
            let ty = tree.ty();
            let id = self.checker.columns.add(assignment.name.text.as_str(), ty);
            self.state.schema.set(&assignment.name, id, ty)?;
            define.push((id, tree));
        }
        self.push(Op::Compute(define));
        Ok(())
    }

    fn select(&mut self, items: &[Item]) -> Check<()> {
        self.columns();
        let mut define = Vec::new();
        let mut schema = Schema::default();
        for item in items {
            let (tree, shares) = self.value_with_shares(&item.value)?;
            self.total(shares, &mut define);
            self.add_item(&mut schema, item, tree, &mut define)?;
        }
        self.state.schema = schema;
        self.push(Op::Compute(define));
        Ok(())
    }

    /// Adds an item to the schema: a column as it is, or one that is computed.
    fn add_item(
        &mut self,
        schema: &mut Schema,
        item: &Item,
        tree: Tree,
        define: &mut Vec<(ColumnId, Tree)>,
    ) -> Check<ColumnId> {
        let name = item
            .name
            .clone()
            .unwrap_or_else(|| default_name(self.checker.source, &item.value));
        if schema.find(&name.text).is_some() {
            let message = format!("two columns are called {}", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, item.span, "the name is taken");
            return Err(Box::new(diagnostic.with_help("give it another: `name = ...`")));
        }
        let ty = tree.ty();
        let id = tree.as_column().unwrap_or_else(|| {
            let id = self.checker.columns.add(name.text.as_str(), ty);
            define.push((id, tree));
            id
        });
        schema.set(&name, id, ty)?;
        Ok(id)
    }

    /// The same, in which `share` may stand.
    fn value_with_shares(&mut self, expr: &Expr) -> Check<(Tree, Vec<Share>)> {
        let mut shares = Vec::new();
        let columns = &mut self.checker.columns;
        let mut expressions = Expressions::new(&self.state.schema, columns, self.checker.now);
        expressions.shares = Some(&mut shares);
        let tree = expressions.value(expr)?;
        self.count(&tree)?;
        Ok((tree, shares))
    }

    /// Adds what sums up over all elements, after what has been defined so far.
    fn total(&mut self, shares: Vec<Share>, define: &mut Vec<(ColumnId, Tree)>) {
        if shares.is_empty() {
            return;
        }
        let (mut inputs, mut totals) = (Vec::new(), Vec::new());
        for share in shares {
            inputs.push(share.input.as_column().unwrap_or_else(|| {
                let id = self.checker.columns.add("input", share.input.ty());
                define.push((id, share.input));
                id
            }));
            totals.push(share.total);
        }
        if !define.is_empty() {
            self.push(Op::Compute(std::mem::take(define)));
        }
        self.push(Op::Total { inputs, totals });
    }

    fn value(&mut self, expr: &Expr) -> Check<Tree> {
        let tree =
            Expressions::new(&self.state.schema, &mut self.checker.columns, self.checker.now).value(expr)?;
        self.count(&tree)?;
        Ok(tree)
    }

    /// Bounds what one stage computes.
    fn count(&mut self, tree: &Tree) -> Check<()> {
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

    fn drop_columns(&mut self, names: &[Name]) -> Check<()> {
        self.columns();
        for name in names {
            self.column(name)?;
            self.state.schema.hide(&name.text);
        }
        let is_dropped = |column: &SchemaColumn| names.iter().any(|name| *name.text == *column.name);
        self.state.schema.columns.retain(|column| !is_dropped(column));
        if self.state.schema.visible().next().is_none() {
            let diagnostic = Diagnostic::new("this drops every column", self.span, "nothing is left");
            return Err(Box::new(
                diagnostic.with_help("to drop elements, there are `where` and `head`"),
            ));
        }
        self.push(Op::Compute(Vec::new()));
        Ok(())
    }

    fn rename(&mut self, names: &[(Name, Name)]) -> Check<()> {
        self.columns();
        for (new, old) in names {
            let (id, ty) = self.column(old)?;
            if new.text != old.text && self.state.schema.find(&new.text).is_some() {
                let message = format!("there is a column {} already", quoted(&new.text));
                let diagnostic = Diagnostic::new(message, new.span, "the name is taken");
                let help = format!("drop it first: `drop {0} | rename {0} = ...`", new.text);
                return Err(Box::new(diagnostic.with_help(help)));
            }
            let columns = &mut self.state.schema.columns;
            let column = columns
                .iter_mut()
                .find(|column| column.id == id && *column.name == *old.text);
            match column {
                Some(column) => (column.name, column.hidden) = (new.text.as_str().into(), false),
                None => self.state.schema.set(new, id, ty)?,
            }
            self.state.schema.hide(&old.text);
        }
        self.push(Op::Compute(Vec::new()));
        Ok(())
    }

    /// The column of a name, which may be a field of a record.
    fn column(&mut self, name: &Name) -> Check<(ColumnId, LogicalType)> {
        let schema = &self.state.schema;
        match (schema.find(&name.text), schema.open_for(&name.text)) {
            (None, Some(record)) => {
                let path = Path::key(&name.text);
                self.checker.columns.open(record, &path, None, name.span)
            }
            _ => schema.column(name).map(|column| (column.id, column.ty)),
        }
    }

    fn distinct(&mut self, items: &[Item]) -> Check<()> {
        self.columns();
        let mut define = Vec::new();
        let mut schema = Schema::default();
        for item in items {
            let tree = self.value(&item.value)?;
            self.add_item(&mut schema, item, tree, &mut define)?;
        }
        if items.is_empty() {
            schema.columns = self.state.schema.visible().cloned().collect();
        }
        if !define.is_empty() {
            self.push(Op::Compute(define));
        }
        let mut keys: Vec<ColumnId> = schema.columns.iter().map(|column| column.id).collect();
        let mut known = HashSet::new();
        keys.retain(|&key| known.insert(key));
        self.state.schema = schema;
        self.push(Op::Group {
            keys,
            aggregates: Vec::new(),
            every: None,
        });
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

    /// `summarize count = count()`
    fn count_all(&mut self) -> Check<()> {
        let name = |text: &str| Name {
            text: text.to_owned(),
            span: self.span,
        };
        let item = Item {
            name: Some(name("count")),
            value: Expr {
                kind: ExprKind::Call {
                    function: name("count"),
                    arguments: Vec::new(),
                },
                span: self.span,
            },
            span: self.span,
        };
        self.summarize(&[item], &[], None)
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

    fn summarize(&mut self, items: &[Item], by: &[Item], every: Option<(i64, Span)>) -> Check<()> {
        self.columns();
        let mut before = Vec::new();
        let mut schema = Schema::default();
        let every = match every {
            None => None,
            Some((nanos, span)) => {
                let window = self.checker.columns.add("window", LogicalType::TIME);
                let name = Name {
                    text: "window".to_owned(),
                    span,
                };
                schema.set(&name, window, LogicalType::TIME)?;
                Some(Every { nanos, window })
            }
        };
        let mut keys = Vec::with_capacity(by.len());
        for item in by {
            let tree = self.value(&item.value)?;
            keys.push(self.add_item(&mut schema, item, tree, &mut before)?);
        }
        let mut aggregates = Aggregates {
            input: std::mem::take(&mut self.state.schema),
            uses: Vec::new(),
        };
        let (mut after, mut shares) = (Vec::new(), Vec::new());
        let groups = schema.clone();
        for item in items {
            let uses = aggregates.uses.len();
            let mut expressions = Expressions::new(&groups, &mut self.checker.columns, self.checker.now);
            expressions.aggregates = Some(&mut aggregates);
            expressions.shares = Some(&mut shares);
            let tree = expressions.value(&item.value)?;
            if aggregates.uses.len() == uses {
                let diagnostic = Diagnostic::new(
                    "there is no aggregate in this",
                    item.value.span,
                    "nothing is summed up",
                );
                let usages: Vec<&str> = AGGREGATES.iter().map(|&(usage, _)| usage).collect();
                let help = format!(
                    "keys go behind `by`; the aggregates are {}",
                    super::types::list(&usages)
                );
                return Err(Box::new(diagnostic.with_help(help)));
            }
            if every.is_some() && !shares.is_empty() {
                let message = "`share` is of all elements, of which windows have no last";
                let diagnostic = Diagnostic::new(message, item.span, "cannot stand here");
                return Err(Box::new(
                    diagnostic.with_help("without `every`, it is of all there are in the end"),
                ));
            }
            self.count(&tree)?;
            self.add_item(&mut schema, item, tree, &mut after)?;
        }
        let mut columns = Vec::with_capacity(aggregates.uses.len());
        for one in aggregates.uses {
            let mut inputs = Vec::with_capacity(one.inputs.len());
            for tree in one.inputs {
                self.count(&tree)?;
                inputs.push(tree.as_column().unwrap_or_else(|| {
                    let id = self.checker.columns.add("input", tree.ty());
                    before.push((id, tree));
                    id
                }));
            }
            columns.push(GroupColumn {
                kind: one.kind,
                inputs,
                result: one.result,
            });
        }
        if keys.is_empty() && columns.iter().all(|column| column.inputs.is_empty()) {
            self.carry_something(&aggregates.input, &mut before, &mut columns);
        }
        self.state.schema = schema;
        if !before.is_empty() {
            self.push(Op::Compute(before));
        }
        self.push(Op::Group {
            keys,
            aggregates: columns,
            every,
        });
        let mut of_groups = Vec::new();
        self.total(shares, &mut of_groups);
        if !after.is_empty() {
            self.push(Op::Compute(after));
        }
        Ok(())
    }

    /// Where groups need nothing of the elements, has them count something that is always there: elements have at
    /// least one column.
    fn carry_something(
        &mut self,
        input: &Schema,
        before: &mut Vec<(ColumnId, Tree)>,
        columns: &mut [GroupColumn],
    ) {
        let spare = input
            .spare()
            .filter(|&spare| !self.checker.columns.ty(spare).nullable);
        let carried = spare.unwrap_or_else(|| {
            let mut tree = Tree::default();
            tree.add(super::NodeKind::Bool(true), LogicalType::BOOL);
            let id = self.checker.columns.add("any", LogicalType::BOOL);
            before.push((id, tree));
            id
        });
        columns[0].inputs = vec![carried];
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

/// What a call is called: its words with `_` between, as in `max_bytes` for `max(bytes)`.
fn call_name(text: &str) -> String {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name = words.join("_");
    name.truncate(name.floor_char_boundary(limits::NAME_BYTES_MAX));
    name
}

/// What a result is called that is given no name: a column's own, that of a call, or the text of the expression, without backquotes
/// and without blanks where they part no words.
fn default_name(source: &str, value: &Expr) -> Name {
    if let ExprKind::Name(name) = &value.kind {
        return name.clone();
    }
    if let ExprKind::Call { .. } = &value.kind {
        return Name {
            text: call_name(value.span.text(source)),
            span: value.span,
        };
    }
    let mut text = String::new();
    let mut quote = None;
    let mut pending = false;
    let mut characters = value.span.text(source).chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (_, Some(end)) => {
                if c == end {
                    quote = None;
                }
                if c == '`' {
                    continue;
                }
            }
            ('#', None) => {
                characters.by_ref().find(|&c| c == '\n');
                pending = true;
                continue;
            }
            _ if c.is_whitespace() => {
                pending = true;
                continue;
            }
            ('`' | '"' | '\'', None) => quote = Some(c),
            _ => {}
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if std::mem::take(&mut pending) && is_word(c) && text.ends_with(is_word) {
            text.push(' ');
        }
        if c != '`' {
            text.push(c);
        }
    }
    if text.len() > limits::NAME_BYTES_MAX {
        text.truncate(text.floor_char_boundary(limits::NAME_BYTES_MAX));
    }
    Name {
        text,
        span: value.span,
    }
}
