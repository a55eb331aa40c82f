//! Draws the blueprint of a plan.

use std::sync::Arc;
use std::time::Duration;

use cutthrough::aggregate::{
    Aggregate, AggregateFunction, BasicAggregate, CountDistinct, Gather, Gathered, Percentile, Pick, PickBy,
    Spread,
};
use cutthrough::ir::{ElementType, Type};
use cutthrough::kernels::order::{OrderKey, OrderSpec};
use cutthrough::processes::{GroupSpec, TotalSpec, Windowing, WindowsSpec};
use cutthrough_expr::{LogicalKind, LogicalType};

use super::blueprint::{Blueprint, NodeSpec, PipelineSpec, PointIndex, PointSpec, Role, StageIndex};
use super::collect::Collect;
use super::compute::Compute;
use super::explode::Explode;
use super::fill::Fill;
use super::generate::Generate;
use super::lookup::Lookup;
use super::spec::{Origin, Spec};
use crate::check::{AggregateKind, ColumnId, Schema};
use crate::plan::{Column, Every, FlowId, GroupColumn, Op, ParseInput, ParseOp, Plan, StagePlan};
use crate::span::Span;

/// A blueprint that is not finished.
pub(super) struct Drawing<'p> {
    plan: &'p Plan,
    pub(super) blueprint: Blueprint,
    /// For each flow, the points that its readers have not taken yet, by the place of the reader.
    points: Vec<Vec<(Span, PointIndex)>>,
}

/// Where a pipeline is at: the flow point that its last process writes to, and what the elements there carry.
struct Place {
    pipeline: usize,
    /// The first plan of the stage at hand, and whether more of it follows.
    stage: usize,
    is_last: bool,
    point: Option<PointIndex>,
    layout: Vec<ColumnId>,
    schema: Arc<Schema>,
}

impl Place {
    fn index(&self) -> StageIndex {
        StageIndex {
            pipeline: self.pipeline,
            stage: self.stage,
        }
    }
}

impl<'p> Drawing<'p> {
    pub(super) fn of(plan: &'p Plan) -> Drawing<'p> {
        Drawing {
            plan,
            blueprint: Blueprint::default(),
            points: vec![Vec::new(); plan.flows.len()],
        }
    }

    /// Draws a pipeline, which begins at the given point, or where its plan says.
    pub(super) fn pipeline(&mut self, index: usize, start: Option<PointIndex>) {
        let plan = self.plan;
        let pipeline = &plan.pipelines[index];
        let name = |flow: Option<FlowId>| flow.map(|flow| plan.flows[flow].name.clone());
        self.blueprint.pipelines.push(PipelineSpec {
            from: name(pipeline.from),
            to: name(pipeline.to),
            nodes: Vec::new(),
        });
        let mut at = Place {
            pipeline: index,
            stage: 0,
            is_last: true,
            point: None,
            layout: Vec::new(),
            schema: Arc::default(),
        };
        if let Some(from) = pipeline.from {
            let points = &mut self.points[from];
            let taken = points.iter().position(|&(place, _)| place == pipeline.span);
            let point = start.or_else(|| taken.map(|taken| points.remove(taken).1));
            at.point = point;
            let point = &self.blueprint.points[point.expect("INVARIANT: one point for each reader")];
            (at.layout, at.schema) = (point.carried.clone(), Arc::clone(&point.schema));
        }
        for (k, stage) in pipeline.stages.iter().enumerate() {
            let is_same = |other: Option<&StagePlan>| {
                other.is_some_and(|other| (other.verb, other.span) == (stage.verb, stage.span))
            };
            if !is_same(k.checked_sub(1).and_then(|before| pipeline.stages.get(before))) {
                at.stage = k;
            }
            at.is_last = !is_same(pipeline.stages.get(k + 1));
            self.stage(stage, &mut at);
        }
        if let Some(to) = pipeline.to {
            let span = pipeline.stages.last().map_or(pipeline.span, |stage| stage.span);
            let flow = &plan.flows[to];
            self.adapt(&mut at, &flow.layout, &flow.name, span);
            let point = at.point.expect("INVARIANT: the pipeline has a start");
            let point = match self.blueprint.points[point].role {
                // What is only another name for a flow has nothing of its own.
                Role::Branch(..) | Role::Flow(_) => self.copy(&mut at, &flow.name, span),
                _ => point,
            };
            self.flow(to, point, span);
        }
    }

    /// Makes what a pipeline ends with the named flow: one point, or one for each reader.
    fn flow(&mut self, to: FlowId, point: PointIndex, span: Span) {
        let plan = self.plan;
        let flow = &plan.flows[to];
        let drawn = &mut self.blueprint.points[point];
        if let Role::End(stage) = drawn.role {
            drawn.ends.insert(0, stage);
        }
        drawn.role = Role::Flow(to);
        if flow.span != Span::default() {
            drawn.span = flow.span;
        }
        (drawn.schema, drawn.is_block) = (Arc::clone(&flow.schema), flow.block.is_some());
        let mut readers: Vec<Span> = plan
            .pipelines
            .iter()
            .filter(|pipeline| pipeline.from == Some(to))
            .map(|pipeline| pipeline.span)
            .collect();
        readers.sort_by_key(|span| span.start);
        if let [reader] = readers[..] {
            self.points[to] = vec![(reader, point)];
            return;
        }
        let element = drawn.element.clone();
        let branches = readers.iter().enumerate().map(|(branch, &reader)| {
            let spec = PointSpec {
                role: Role::Branch(to, branch),
                ends: Vec::new(),
                span: reader,
                writer: Some((self.blueprint.nodes.len(), branch)),
                ..self.blueprint.points[point].clone()
            };
            (reader, spec)
        });
        let branches: Vec<(Span, PointSpec)> = branches.collect();
        let mut outputs = Vec::with_capacity(branches.len());
        for (reader, spec) in branches {
            self.points[to].push((reader, self.blueprint.points.len()));
            outputs.push(self.blueprint.points.len());
            self.blueprint.points.push(spec);
        }
        self.blueprint.nodes.push(NodeSpec {
            name: format!("tee {}", flow.name),
            span,
            spec: Spec::Tee(element, outputs.len()),
            input: Some(point),
            outputs,
            may_hold: false,
        });
    }

    fn stage(&mut self, stage: &StagePlan, at: &mut Place) {
        let columns = &self.plan.columns;
        match &stage.op {
            Op::Read { inputs, .. } => self.then(Spec::Read(inputs.clone()), stage, at),
            Op::Lines { file, inputs, .. } => {
                let file = stage.layout.contains(file).then(|| inputs.clone());
                self.then(Spec::Lines { file }, stage, at);
            }
            Op::Parse(parse) => self.parse(parse, stage, at),
            Op::Where(condition) => {
                let compute = Compute::new(columns, &at.layout, &stage.layout, Some(condition), &[]);
                self.then(Spec::Compute(compute), stage, at);
            }
            Op::Compute(define) if define.is_empty() && at.layout == stage.layout => {
                at.schema = Arc::clone(&stage.schema);
                self.rename(stage, at);
            }
            Op::Compute(define) => {
                let compute = Compute::new(columns, &at.layout, &stage.layout, None, define);
                self.then(Spec::Compute(compute), stage, at);
            }
            Op::Head(count) => self.pass(Spec::Head(self.element(&at.layout), *count), stage, at),
            Op::Tail(count) => {
                let mut spec = self.order_spec(&at.layout, &[], Some(*count));
                spec.is_from_end = true;
                self.pass(Spec::Order(spec), stage, at);
            }
            Op::Generate { count, every, .. } => {
                let every = every.map(|nanos| Duration::from_nanos(nanos.unsigned_abs()));
                let count = *count;
                self.then(Spec::Generate(Generate { count, every }), stage, at);
            }
            Op::Explode { list, item } => {
                let held: Vec<ColumnId> = stage.layout.iter().copied().filter(|id| id != item).collect();
                self.adapt(at, &held, &format!("columns of {}", stage.text), stage.span);
                let place = held.iter().position(|id| id == list);
                let explode = Explode {
                    input: self.types(&held),
                    list: place.expect("INVARIANT: the list is carried"),
                };
                self.then(Spec::Explode(explode), stage, at);
            }
            Op::Fill(columns) => {
                let is_filled = |id: &ColumnId| columns.iter().any(|(_, filled)| filled == id);
                let held: Vec<ColumnId> = stage.layout.iter().copied().filter(|id| !is_filled(id)).collect();
                self.adapt(at, &held, &format!("columns of {}", stage.text), stage.span);
                let place = |(column, _): &(ColumnId, ColumnId)| held.iter().position(|id| id == column);
                let fields = columns.iter().filter_map(place).collect();
                let fill = Fill {
                    input: self.types(&held),
                    fields,
                };
                self.then(Spec::Fill(fill), stage, at);
            }
            Op::Lookup { table, key, columns } => {
                let is_added = |id: &ColumnId| columns.contains(id);
                let held: Vec<ColumnId> = stage.layout.iter().copied().filter(|id| !is_added(id)).collect();
                self.adapt(at, &held, &format!("columns of {}", stage.text), stage.span);
                let place = held.iter().position(|id| id == key);
                let lookup = Lookup {
                    table: Arc::clone(table),
                    input: self.types(&held),
                    key: place.expect("INVARIANT: the key is carried"),
                };
                self.then(Spec::Lookup(lookup), stage, at);
            }
            Op::Total { inputs, totals } => self.total(inputs, totals, stage, at),
            Op::Skip(count) => self.pass(Spec::Skip(self.element(&at.layout), *count), stage, at),
            Op::Order { keys, limit } => {
                // It keeps what elements carry: no more than is needed.
                self.adapt(
                    at,
                    &stage.layout,
                    &format!("columns of {}", stage.text),
                    stage.span,
                );
                self.pass(Spec::Order(self.order_spec(&at.layout, keys, *limit)), stage, at);
            }
            Op::Distinct(keys) => {
                self.adapt(at, keys, &format!("columns of {}", stage.text), stage.span);
                let spec = Spec::Distinct(self.types(keys), self.plan.memory_bytes_max);
                self.then(spec, stage, at);
            }
            Op::Group {
                keys,
                aggregates,
                every,
            } => {
                let inputs = aggregates.iter().flat_map(|aggregate| &aggregate.inputs);
                let fields: Vec<ColumnId> = keys.iter().chain(inputs).copied().collect();
                self.windows(*every, fields, stage, at);
                self.then(Spec::Group(self.group_spec(keys, aggregates, *every)), stage, at);
            }
            Op::Write {
                target,
                append,
                format,
                columns,
            } => {
                let layout: Vec<ColumnId> = columns.iter().map(|&(_, id)| id).collect();
                self.adapt(at, &layout, &format!("columns of {}", stage.text), stage.span);
                let named = columns.iter().map(|(name, id)| Column {
                    name: name.to_string(),
                    ty: self.plan.columns.ty(*id),
                });
                let spec = Spec::Write {
                    target: target.clone(),
                    append: *append,
                    format: *format,
                    columns: named.collect(),
                };
                self.node(&stage.text, stage.span, spec, at, Vec::new());
            }
        }
    }

    /// A stage that does nothing here: the point is at its end as well.
    fn rename(&mut self, stage: &StagePlan, at: &Place) {
        let point = at.point.expect("INVARIANT: something comes before");
        if at.is_last {
            let point = &mut self.blueprint.points[point];
            point.ends.push(at.index());
            point.schema = Arc::clone(&stage.schema);
        }
    }

    fn parse(&mut self, parse: &ParseOp, stage: &StagePlan, at: &mut Place) {
        let name = format!("lines of {}", stage.text);
        let has_file = stage.layout.contains(&parse.marks.file);
        self.adapt(at, &parse.input_layout(has_file), &name, stage.span);
        let is_of_lines = matches!(parse.input, ParseInput::Lines { .. });
        if parse.format.is_json() && !is_of_lines {
            let layout = at.layout.clone();
            let name = format!("values of {}", stage.text);
            let spec = Spec::JsonLines { begins_within: false };
            self.chain(spec, &name, stage.span, at, layout, false);
        }
        let wanted = parse.columns.iter().enumerate();
        let wanted = wanted.filter(|(_, column)| stage.layout.contains(column));
        let mut wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
        let format = parse.format.with_columns(&wanted);
        if format.is_open() {
            wanted = (0..wanted.len()).collect();
        }
        let spec = Spec::Parse {
            format,
            is_of_lines,
            wanted,
            has_bad_output: parse.bad.is_some(),
            inputs: Origin(parse.inputs.clone()),
            has_number: stage.layout.contains(&parse.marks.number),
            file: has_file.then(|| parse.inputs.clone()),
        };
        self.then(spec, stage, at);
        let Some(bad) = parse.bad else { return };
        let node = self.blueprint.nodes.len() - 1;
        let flow = &self.plan.flows[bad];
        let point = self.point(&flow.layout, &flow.schema, Role::Flow(bad), stage.span);
        self.blueprint.points[point].writer = Some((node, 1));
        self.blueprint.nodes[node].outputs.push(point);
        self.flow(bad, point, stage.span);
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
            is_from_end: false,
            bytes_max: self.plan.memory_bytes_max,
        }
    }

    /// Has the elements before a `summarize` carry these fields; in windows of event time, held back until theirs is over.
    fn windows(&mut self, every: Option<Every>, fields: Vec<ColumnId>, stage: &StagePlan, at: &mut Place) {
        let name = format!("columns of {}", stage.text);
        let Some((every, of)) = every.and_then(|every| Some((every, every.of?))) else {
            return self.adapt(at, &fields, &name, stage.span);
        };
        let layout: Vec<ColumnId> = [of.time].into_iter().chain(fields.iter().copied()).collect();
        self.adapt(at, &layout, &name, stage.span);
        let nanos = |nanos: i64| Duration::from_nanos(nanos.unsigned_abs());
        let spec = WindowsSpec {
            time: self.types(&[of.time])[0],
            fields: self.types(&fields),
            length: nanos(every.nanos),
            lateness: nanos(of.lateness),
            bytes_max: self.plan.memory_bytes_max,
        };
        let layout = [every.window, of.is_last].into_iter().chain(fields).collect();
        let name = format!("windows of {}", stage.text);
        self.chain(Spec::Windows(spec), &name, stage.span, at, layout, false);
    }

    fn group_spec(&self, keys: &[ColumnId], aggregates: &[GroupColumn], every: Option<Every>) -> GroupSpec {
        GroupSpec {
            aggregates: aggregates
                .iter()
                .map(|aggregate| self.aggregate(aggregate))
                .collect(),
            windowing: every.map_or(Windowing::None, |every| match every.of {
                None => Windowing::Every(Duration::from_nanos(every.nanos.unsigned_abs())),
                Some(_) => Windowing::Given,
            }),
            ..GroupSpec::basic(self.types(keys), [], self.plan.memory_bytes_max)
        }
    }

    fn aggregate(&self, column: &GroupColumn) -> Arc<dyn Aggregate> {
        use AggregateFunction as F;
        let input = column.inputs.first().map(|&input| self.plan.columns.ty(input));
        let basic = |function| -> Arc<dyn Aggregate> {
            Arc::new(BasicAggregate {
                function,
                input: input.map(LogicalType::words),
            })
        };
        let gathered = |gather: Arc<dyn Gather>| -> Arc<dyn Aggregate> { Arc::new(Gathered(gather)) };
        let of = || input.expect("INVARIANT: all but a count have an input");
        match column.kind {
            AggregateKind::Count => basic(F::Count),
            AggregateKind::Sum => basic(F::Sum),
            AggregateKind::Avg => basic(F::Avg),
            AggregateKind::Min => basic(F::Min),
            AggregateKind::Max => basic(F::Max),
            kind @ (AggregateKind::First | AggregateKind::Last) => Arc::new(Pick {
                input: of().words(),
                last: kind == AggregateKind::Last,
            }),
            kind @ (AggregateKind::ArgMin | AggregateKind::ArgMax) => Arc::new(PickBy {
                input: of().words(),
                by: self.plan.columns.ty(column.inputs[1]).words(),
                greatest: kind == AggregateKind::ArgMax,
            }),
            kind @ (AggregateKind::Deviation | AggregateKind::Variance) => Arc::new(Spread {
                root: kind == AggregateKind::Deviation,
                nullable: of().nullable,
            }),
            AggregateKind::Percentile(share) => gathered(Arc::new(Percentile {
                share,
                input: of().words(),
                is_whole: matches!(of().kind, LogicalKind::Time | LogicalKind::Duration),
            })),
            AggregateKind::Distinct => gathered(Arc::new(CountDistinct(of().words()))),
            AggregateKind::Collect => gathered(Arc::new(Collect(of()))),
        }
    }

    fn total(&mut self, inputs: &[ColumnId], totals: &[ColumnId], stage: &StagePlan, at: &mut Place) {
        let held: Vec<ColumnId> = stage
            .layout
            .iter()
            .copied()
            .filter(|id| !totals.contains(id))
            .collect();
        self.adapt(at, &held, &format!("columns of {}", stage.text), stage.span);
        let place = |input: &ColumnId| held.iter().position(|id| id == input);
        let of = inputs
            .iter()
            .map(|input| place(input).expect("INVARIANT: inputs are held"));
        let spec = TotalSpec {
            element: self.types(&held),
            of: of.collect(),
            bytes_max: self.plan.memory_bytes_max,
        };
        self.then(Spec::Total(spec), stage, at);
    }

    /// Has the elements carry exactly these columns.
    fn adapt(&mut self, at: &mut Place, layout: &[ColumnId], name: &str, span: Span) {
        if at.layout != layout {
            let compute = Compute::new(&self.plan.columns, &at.layout, layout, None, &[]);
            self.chain(Spec::Compute(compute), name, span, at, layout.to_vec(), false);
        }
    }

    /// A process that passes elements on as they are.
    fn copy(&mut self, at: &mut Place, name: &str, span: Span) -> PointIndex {
        let compute = Compute::new(&self.plan.columns, &at.layout, &at.layout, None, &[]);
        self.chain(Spec::Compute(compute), name, span, at, at.layout.clone(), false);
        at.point.expect("INVARIANT: it was just drawn")
    }

    /// Adds a stage's own process, whose elements carry what the plan says.
    fn then(&mut self, spec: Spec, stage: &StagePlan, at: &mut Place) {
        self.own(spec, stage, at, stage.layout.clone());
    }

    /// Adds a stage's own process, which changes nothing about what elements carry.
    fn pass(&mut self, spec: Spec, stage: &StagePlan, at: &mut Place) {
        self.own(spec, stage, at, at.layout.clone());
    }

    fn own(&mut self, spec: Spec, stage: &StagePlan, at: &mut Place, layout: Vec<ColumnId>) {
        at.schema = Arc::clone(&stage.schema);
        self.chain(spec, &stage.text, stage.span, at, layout, at.is_last);
    }

    /// Adds a process after what is there, with a flow point after it.
    fn chain(
        &mut self,
        spec: Spec,
        name: &str,
        span: Span,
        at: &mut Place,
        layout: Vec<ColumnId>,
        is_end: bool,
    ) {
        let role = if is_end {
            Role::End(at.index())
        } else {
            Role::Inner(at.index())
        };
        let is_block = matches!(spec, Spec::Read(_) | Spec::JsonLines { .. });
        let point = self.point(&layout, &at.schema, role, span);
        self.blueprint.points[point].is_block = is_block;
        self.blueprint.points[point].writer = Some((self.blueprint.nodes.len(), 0));
        self.node(name, span, spec, at, vec![point]);
        (at.point, at.layout) = (Some(point), layout);
    }

    fn node(&mut self, name: &str, span: Span, spec: Spec, at: &Place, outputs: Vec<PointIndex>) {
        let node = self.blueprint.nodes.len();
        self.blueprint.pipelines[at.pipeline].nodes.push(node);
        self.blueprint.nodes.push(NodeSpec {
            name: name.to_owned(),
            span,
            spec,
            input: at.point,
            outputs,
            may_hold: false,
        });
    }

    fn point(&mut self, layout: &[ColumnId], schema: &Arc<Schema>, role: Role, span: Span) -> PointIndex {
        let columns = &self.plan.columns;
        self.blueprint.points.push(PointSpec {
            name: String::new(),
            aliases: Vec::new(),
            role,
            ends: Vec::new(),
            span,
            element: self.element(layout),
            carried: layout.to_vec(),
            schema: Arc::clone(schema),
            names: layout
                .iter()
                .map(|&id| Arc::clone(&columns.get(id).name))
                .collect(),
            types: layout.iter().map(|&id| columns.ty(id)).collect(),
            is_block: false,
            writer: None,
        });
        self.blueprint.points.len() - 1
    }

    fn types(&self, layout: &[ColumnId]) -> Vec<Type> {
        let columns = &self.plan.columns;
        layout.iter().map(|&id| columns.ty(id).words()).collect()
    }

    fn element(&self, layout: &[ColumnId]) -> ElementType {
        ElementType::new(self.types(layout))
    }
}
