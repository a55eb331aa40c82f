//! Typed expressions: nodes in post-order, so that walking one is a loop.

use std::fmt::Write;

use cutthrough::ir::Type;

use super::scalar::Scalar;
use super::types::{ColumnId, Columns};

/// The index of a node in its tree.
pub(crate) type NodeId = usize;

/// A typed expression. The root is the last node, and operands come before what uses them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) ty: Type,
    /// All that the node needs is from here up to the node itself.
    pub(crate) first: NodeId,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeKind {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(Vec<u8>),
    /// Absence.
    Null,
    Column(ColumnId),
    /// The same value as a nullable one.
    Some(NodeId),
    /// Whether a value is absent.
    IsNull(NodeId),
    /// Three-valued: false and anything is false.
    And(NodeId, NodeId),
    /// Three-valued: true or anything is true.
    Or(NodeId, NodeId),
    /// The first, which is nullable, or the second where it is absent.
    Coalesce(NodeId, NodeId),
    /// The second where the first is true, else the third.
    If(NodeId, NodeId, NodeId),
    /// A function that is null where an operand is.
    Strict(Scalar, Vec<NodeId>),
}

impl NodeKind {
    pub(crate) fn operands(&self) -> Vec<NodeId> {
        match self {
            NodeKind::Some(a) | NodeKind::IsNull(a) => vec![*a],
            NodeKind::And(a, b) | NodeKind::Or(a, b) | NodeKind::Coalesce(a, b) => vec![*a, *b],
            NodeKind::If(a, b, c) => vec![*a, *b, *c],
            NodeKind::Strict(_, operands) => operands.clone(),
            _ => Vec::new(),
        }
    }
}

impl Tree {
    pub(crate) fn add(&mut self, kind: NodeKind, ty: Type) -> NodeId {
        let here = self.nodes.len();
        let first = kind
            .operands()
            .iter()
            .map(|&operand| self.nodes[operand].first)
            .min()
            .unwrap_or(here);
        self.nodes.push(Node { kind, ty, first });
        here
    }

    pub(crate) fn root(&self) -> NodeId {
        self.nodes.len() - 1
    }

    pub(crate) fn ty(&self) -> Type {
        self.nodes[self.root()].ty
    }

    /// The column that the whole expression is.
    pub(crate) fn as_column(&self) -> Option<ColumnId> {
        match self.nodes[..] {
            [
                Node {
                    kind: NodeKind::Column(id),
                    ..
                },
            ] => Some(id),
            _ => None,
        }
    }

    /// The same over other columns.
    pub(crate) fn with_columns(&self, other: impl Fn(ColumnId) -> ColumnId) -> Tree {
        let nodes = self.nodes.iter().map(|node| Node {
            kind: match &node.kind {
                NodeKind::Column(id) => NodeKind::Column(other(*id)),
                kind => kind.clone(),
            },
            ..node.clone()
        });
        Tree {
            nodes: nodes.collect(),
        }
    }

    /// The columns it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.nodes.iter().filter_map(|node| match node.kind {
            NodeKind::Column(id) => Some(id),
            _ => None,
        })
    }

    /// As an s-expression.
    pub(crate) fn show(&self, columns: &Columns) -> String {
        let mut shown: Vec<String> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut text = match &node.kind {
                NodeKind::Int(value) => value.to_string(),
                NodeKind::Float(value) => format!("{value:?}"),
                NodeKind::Bool(value) => value.to_string(),
                NodeKind::Text(bytes) => format!("\"{}\"", bytes.escape_ascii()),
                NodeKind::Null => "null".to_owned(),
                NodeKind::Column(id) => columns.get(*id).name.to_string(),
                NodeKind::Some(_) => "(some".to_owned(),
                NodeKind::IsNull(_) => "(is_null".to_owned(),
                NodeKind::And(..) => "(and".to_owned(),
                NodeKind::Or(..) => "(or".to_owned(),
                NodeKind::Coalesce(..) => "(??".to_owned(),
                NodeKind::If(..) => "(if".to_owned(),
                NodeKind::Strict(scalar, _) => format!("({scalar}"),
            };
            let operands = node.kind.operands();
            for &operand in &operands {
                write!(text, " {}", shown[operand]).expect("a string takes all");
            }
            text.push_str(if operands.is_empty() { "" } else { ")" });
            shown.push(text);
        }
        shown.pop().unwrap_or_default()
    }
}
