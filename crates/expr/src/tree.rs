//! Typed expressions: nodes in post-order, so that walking one is a loop.

use std::fmt::{self, Write};

use cutthrough_ir::Data;

use crate::scalar::Scalar;
use crate::types::{LogicalKind, LogicalType};

/// What tells the columns of a tree from one another.
///
/// It is whoever makes the tree that says what a number stands for: the language has one
/// for each column of a program, Rust closures have the numbers of an element's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

impl ColumnId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The index of a node in its tree.
pub type NodeId = usize;

/// A typed expression. The root is the last node, and operands come before what uses them.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The nodes, operands first.
    pub nodes: Vec<Node>,
}

/// One operation of an expression.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The type of its value.
    pub ty: LogicalType,
    /// All that the node needs lies from here up to the node itself.
    pub first: NodeId,
}

/// What a node is, over the nodes that are its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A constant integer.
    Int(i64),
    /// A constant double.
    Float(f64),
    /// A constant boolean.
    Bool(bool),
    /// A constant byte string.
    Text(Vec<u8>),
    /// Absence.
    Null,
    /// A field of the element.
    Column(ColumnId),
    /// The same value as a nullable one.
    Some(NodeId),
    /// The same value as one of another kind that is made of the same words.
    As(NodeId),
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
    /// The number at an index of constant data; null outside, and where the index is null.
    Lookup(Data, NodeId),
    /// A function that is null where an operand is.
    Strict(Scalar, Vec<NodeId>),
}

impl NodeKind {
    /// Its operands, in order.
    pub fn operands(&self) -> Vec<NodeId> {
        match self {
            NodeKind::Some(a) | NodeKind::As(a) | NodeKind::IsNull(a) => vec![*a],
            NodeKind::Lookup(_, a) => vec![*a],
            NodeKind::And(a, b) | NodeKind::Or(a, b) | NodeKind::Coalesce(a, b) => vec![*a, *b],
            NodeKind::If(a, b, c) => vec![*a, *b, *c],
            NodeKind::Strict(_, operands) => operands.clone(),
            _ => Vec::new(),
        }
    }
}

impl NodeKind {
    /// The same over other operands.
    #[must_use]
    pub fn with_operands(&self, other: impl Fn(NodeId) -> NodeId) -> NodeKind {
        match self {
            NodeKind::Some(a) => NodeKind::Some(other(*a)),
            NodeKind::As(a) => NodeKind::As(other(*a)),
            NodeKind::IsNull(a) => NodeKind::IsNull(other(*a)),
            NodeKind::And(a, b) => NodeKind::And(other(*a), other(*b)),
            NodeKind::Or(a, b) => NodeKind::Or(other(*a), other(*b)),
            NodeKind::Coalesce(a, b) => NodeKind::Coalesce(other(*a), other(*b)),
            NodeKind::If(a, b, c) => NodeKind::If(other(*a), other(*b), other(*c)),
            NodeKind::Lookup(data, index) => NodeKind::Lookup(data.clone(), other(*index)),
            NodeKind::Strict(function, operands) => NodeKind::Strict(
                *function,
                operands.iter().map(|&operand| other(operand)).collect(),
            ),
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Bool(_) => self.clone(),
            NodeKind::Text(_) | NodeKind::Null | NodeKind::Column(_) => self.clone(),
        }
    }
}

impl Tree {
    /// Adds a node over nodes that are there.
    pub fn add(&mut self, kind: NodeKind, ty: impl Into<LogicalType>) -> NodeId {
        let here = self.nodes.len();
        let first = kind
            .operands()
            .iter()
            .map(|&operand| self.nodes[operand].first)
            .min()
            .unwrap_or(here);
        self.nodes.push(Node {
            kind,
            ty: ty.into(),
            first,
        });
        here
    }

    /// The node that is the whole expression.
    pub fn root(&self) -> NodeId {
        self.nodes.len() - 1
    }

    /// The type of the whole expression.
    pub fn ty(&self) -> LogicalType {
        self.nodes[self.root()].ty
    }

    /// The column that the whole expression is.
    pub fn as_column(&self) -> Option<ColumnId> {
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
    pub fn with_columns(&self, other: impl Fn(ColumnId) -> ColumnId) -> Tree {
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
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.nodes.iter().filter_map(|node| match node.kind {
            NodeKind::Column(id) => Some(id),
            _ => None,
        })
    }

    /// As an s-expression, with these names of columns.
    pub fn show<N: fmt::Display>(&self, name: impl Fn(ColumnId) -> N) -> String {
        let mut shown: Vec<String> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut text = match &node.kind {
                NodeKind::Int(value) => match node.ty.kind {
                    LogicalKind::Time => format!("@{value}ns"),
                    LogicalKind::Duration => format!("{value}ns"),
                    _ => value.to_string(),
                },
                NodeKind::Float(value) => format!("{value:?}"),
                NodeKind::Bool(value) => value.to_string(),
                NodeKind::Text(bytes) => format!("\"{}\"", bytes.escape_ascii()),
                NodeKind::Null => "null".to_owned(),
                NodeKind::Column(id) => name(*id).to_string(),
                NodeKind::Some(_) => "(some".to_owned(),
                NodeKind::As(_) => format!("({}", node.ty),
                NodeKind::IsNull(_) => "(is_null".to_owned(),
                NodeKind::And(..) => "(and".to_owned(),
                NodeKind::Or(..) => "(or".to_owned(),
                NodeKind::Coalesce(..) => "(??".to_owned(),
                NodeKind::If(..) => "(if".to_owned(),
                NodeKind::Lookup(..) => "(lookup".to_owned(),
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
