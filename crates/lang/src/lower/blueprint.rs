//! What a plan becomes: processes and flow points as data, each with its name and its place in the text.
//!
//! A stage is a process or several: what sorts columns out before a `summarize`, say, is one of its own. Everything is
//! in an order in which writers come before readers.

use std::sync::Arc;

use cutthrough::ir::ElementType;
use cutthrough_expr::LogicalType;

use super::drawing::Drawing;
use super::spec::Spec;
use crate::check::{ColumnId, Schema, SchemaColumn};
use crate::plan::{FlowId, Plan};
use crate::span::Span;

/// The index of a flow point of a [`Blueprint`].
pub(crate) type PointIndex = usize;

/// The index of a process of a [`Blueprint`].
pub(crate) type NodeIndex = usize;

/// Processes and flow points, wired.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blueprint {
    pub(crate) points: Vec<PointSpec>,
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) pipelines: Vec<PipelineSpec>,
}

/// A pipeline: its processes in order, without what gives its end to several readers.
#[derive(Clone, Debug, Default)]
pub(crate) struct PipelineSpec {
    /// The names that it begins and ends with.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) nodes: Vec<NodeIndex>,
}

/// A flow point.
#[derive(Clone, Debug)]
pub(crate) struct PointSpec {
    /// What it is called, and other names for it; set by [`names`](super::names).
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) role: Role,
    /// The stages at whose ends it is besides.
    pub(crate) ends: Vec<StageIndex>,
    pub(crate) span: Span,
    pub(crate) element: ElementType,
    /// What its elements carry, in order.
    pub(crate) carried: Vec<ColumnId>,
    /// How that can be named here.
    pub(crate) schema: Arc<Schema>,
    /// The carried columns as they were called first, for those without a name here.
    pub(crate) names: Vec<Arc<str>>,
    /// What they are.
    pub(crate) types: Vec<LogicalType>,
    /// Whether elements are blocks of bytes.
    pub(crate) is_block: bool,
    /// The process that writes to it, and by which output; none, for one that comes from elsewhere.
    pub(crate) writer: Option<(NodeIndex, usize)>,
}

/// What a flow point is in the program: what it is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A name of the program.
    Flow(FlowId),
    /// What one of the readers of a name reads.
    Branch(FlowId, usize),
    /// The end of a stage.
    End(StageIndex),
    /// Between the processes of a stage.
    Inner(StageIndex),
}

/// A stage of the program: the pipeline, and the first of its plans there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StageIndex {
    pub(crate) pipeline: usize,
    pub(crate) stage: usize,
}

/// A process.
#[derive(Clone, Debug)]
pub(crate) struct NodeSpec {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) spec: Spec,
    pub(crate) input: Option<PointIndex>,
    pub(crate) outputs: Vec<PointIndex>,
    /// Whether elements may stay in the process from one grant to the next, as the network says once it runs.
    pub(crate) may_hold: bool,
}

impl Blueprint {
    /// The processes and flow points of a program.
    pub(crate) fn of(plan: &Plan) -> Blueprint {
        let mut drawing = Drawing::of(plan);
        for index in 0..plan.pipelines.len() {
            drawing.pipeline(index, None);
        }
        super::names::give(plan, &mut drawing.blueprint);
        drawing.blueprint
    }

    /// The processes of a plan of one pipeline, whose flow is that of the given point.
    pub(crate) fn behind(plan: &Plan, point: PointSpec) -> Blueprint {
        let mut drawing = Drawing::of(plan);
        drawing.blueprint.points.push(point);
        drawing.pipeline(0, Some(0));
        super::names::give(plan, &mut drawing.blueprint);
        drawing.blueprint
    }

    /// The processes that read a flow point.
    pub(crate) fn readers(&self, point: PointIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        (0..self.nodes.len()).filter(move |&node| self.nodes[node].input == Some(point))
    }

    /// The flow points that have a name in the program.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, PointIndex)> {
        let points = self.points.iter().enumerate();
        let named = points.filter(|(_, point)| matches!(point.role, Role::Flow(_)));
        named.map(|(index, point)| (point.name.as_str(), index))
    }

    /// The process, and its output, that writes what a process reads.
    pub(crate) fn writer_of(&self, node: NodeIndex) -> Option<(NodeIndex, usize)> {
        self.points[self.nodes[node].input?].writer
    }
}

impl PointSpec {
    /// What the pipeline of a tap begins with: an element that carries all columns of the plan's flow.
    pub(crate) fn start(plan: &Plan, element: ElementType, is_block: bool) -> PointSpec {
        let carried: Vec<ColumnId> = (0..).map(ColumnId).take(element.fields().len()).collect();
        PointSpec {
            name: "tapped".to_owned(),
            aliases: Vec::new(),
            role: Role::Flow(0),
            ends: Vec::new(),
            span: Span::default(),
            element,
            names: carried
                .iter()
                .map(|&id| Arc::clone(&plan.columns.get(id).name))
                .collect(),
            types: carried.iter().map(|&id| plan.columns.ty(id)).collect(),
            carried,
            schema: Arc::clone(&plan.flows[0].schema),
            is_block,
            writer: None,
        }
    }

    /// Whether elements have the same columns in the same places.
    pub(crate) fn carries_same(&self, other: &PointSpec) -> bool {
        let (here, there) = (self.in_place(), other.in_place());
        self.element == other.element && here.columns == there.columns
    }

    /// The same as [`visible`](PointSpec::visible), with columns numbered as they come in an element.
    pub(crate) fn in_place(&self) -> Schema {
        let mut schema = self.visible();
        for column in &mut schema.columns {
            let place = self.carried.iter().position(|&id| id == column.id);
            let place = place.expect("INVARIANT: what is visible is carried");
            column.id = ColumnId(u32::try_from(place).expect("INVARIANT: a flow's columns are bounded"));
        }
        schema
    }

    /// The columns that its elements carry, as they can be named here; those without a name under the one that they
    /// had first, if it is free. The rest of the columns that the program has here are absent.
    pub(crate) fn visible(&self) -> Schema {
        let mut visible = Schema::default();
        for column in &self.schema.columns {
            if self.carried.contains(&column.id) {
                visible.columns.push(column.clone());
            } else {
                visible.absent.push(Arc::clone(&column.name));
            }
        }
        for ((&id, name), &ty) in self.carried.iter().zip(&self.names).zip(&self.types) {
            let is_named = visible.columns.iter().any(|column| column.id == id);
            if !is_named && visible.find(name).is_none() {
                visible.columns.push(SchemaColumn {
                    name: Arc::clone(name),
                    id,
                    ty,
                    hidden: false,
                });
            }
        }
        visible
            .absent
            .retain(|name| !visible.columns.iter().any(|column| column.name == *name));
        visible
    }
}
