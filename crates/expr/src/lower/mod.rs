//! Expressions to IR.
//!
//! A value that may be absent is two: its payload, and whether it is there. So null costs a few boolean operations, no
//! branches; what was absent has a payload that means nothing, and nothing looks at it.

mod scalar;

use std::collections::HashMap;

use bytes::Bytes;
use cutthrough_ir::{Block, Data, FunctionBuilder, Item, Op, Type, Value};

use crate::tree::{ColumnId, Node, NodeId, NodeKind, Tree};

/// How many host functions the expressions before have: they are numbered in the order of the nodes.
#[derive(Debug, Default)]
pub struct Site {
    hosts: usize,
}

/// A value in two parts.
#[derive(Clone, Copy, Debug)]
struct Lowered {
    payload: Value,
    /// Whether there is one; none for a type that is always present.
    presence: Option<Value>,
    /// The same as one nullable value, where it exists.
    whole: Option<Value>,
}

/// Constant data of these bytes.
fn data(bytes: &[u8]) -> Data {
    Data::Bytes(Bytes::copy_from_slice(bytes))
}

/// Expressions over the columns of one element.
pub struct Lowering {
    columns: HashMap<ColumnId, Value>,
}

impl Lowering {
    /// Expressions over these values.
    pub fn new(columns: HashMap<ColumnId, Value>) -> Lowering {
        Lowering { columns }
    }

    /// The value of a column.
    ///
    /// # Panics
    /// When it has none.
    pub fn column(&self, id: ColumnId) -> Value {
        *self
            .columns
            .get(&id)
            .expect("INVARIANT: a stage is given what it reads")
    }

    /// Gives a column a value.
    pub fn define(&mut self, id: ColumnId, value: Value) {
        self.columns.insert(id, value);
    }

    /// Goes on where the condition holds; gives the block for where it does not.
    ///
    /// What is joined by `and` is tested one after another, so that what is cheap and mostly false saves the rest.
    pub fn filter(&self, f: &mut FunctionBuilder<'_>, condition: &Tree, site: &mut Site) -> Block {
        let not = f.block(&[]);
        let mut values = Values::new(condition, site);
        for conjunct in conjuncts(condition) {
            self.compute(f, condition, conjunct, &mut values);
            let holds = values.is_true(f, conjunct);
            let yes = f.block(&[]);
            f.br(holds, yes, not);
            f.switch_to(yes);
        }
        not
    }

    /// The value of an expression, nullable if its type is.
    pub fn value(&self, f: &mut FunctionBuilder<'_>, tree: &Tree, site: &mut Site) -> Value {
        self.values(f, tree, &[tree.root()], site)[0]
    }

    /// The values of several nodes of a tree, which are computed once whatever uses them.
    pub fn values(
        &self,
        f: &mut FunctionBuilder<'_>,
        tree: &Tree,
        roots: &[NodeId],
        site: &mut Site,
    ) -> Vec<Value> {
        let mut values = Values::new(tree, site);
        let value = |&root: &NodeId| {
            self.compute(f, tree, root, &mut values);
            whole(f, values.get(root), tree.nodes[root].ty.words())
        };
        roots.iter().map(value).collect()
    }

    /// Computes a node with all that it needs.
    fn compute(&self, f: &mut FunctionBuilder<'_>, tree: &Tree, root: usize, values: &mut Values) {
        let first = tree.nodes[root].first;
        // What lies between may be of no use, and then of operands that lie before: constants are made anew where
        // they become floats.
        let mut needed = vec![false; root + 1 - first];
        needed[root - first] = true;
        for id in (first..=root).rev().filter(|&id| values.known[id].is_none()) {
            if needed[id - first] {
                for operand in tree.nodes[id].kind.operands() {
                    needed[operand - first] = true;
                }
            }
        }
        for id in first..=root {
            if needed[id - first] && values.known[id].is_none() {
                let lowered = self.node(f, &tree.nodes[id], values, values.hosts[id]);
                values.known[id] = Some(lowered);
            }
        }
    }

    fn node(
        &self,
        f: &mut FunctionBuilder<'_>,
        node: &Node,
        values: &Values,
        host: Option<usize>,
    ) -> Lowered {
        let present = |payload| Lowered {
            payload,
            presence: None,
            whole: None,
        };
        match &node.kind {
            NodeKind::Int(value) => present(f.iconst(*value)),
            NodeKind::Float(value) => present(f.fconst(*value)),
            NodeKind::Bool(value) => present(f.bconst(*value)),
            NodeKind::Text(bytes) => present(f.data(data(bytes))),
            NodeKind::Null => {
                let payload = f.zero(node.ty.present().words());
                let presence = Some(f.bconst(false));
                Lowered {
                    payload,
                    presence,
                    whole: None,
                }
            }
            NodeKind::Column(id) => parts(f, self.column(*id)),
            NodeKind::As(a) => values.get(*a),
            NodeKind::Some(a) => {
                let presence = Some(f.bconst(true));
                Lowered {
                    payload: values.get(*a).payload,
                    presence,
                    whole: None,
                }
            }
            NodeKind::IsNull(a) => present(match values.get(*a).presence {
                Some(presence) => f.op(Op::Not, &[presence]),
                None => f.bconst(false),
            }),
            NodeKind::And(a, b) => logical(f, Op::And, values, *a, *b),
            NodeKind::Or(a, b) => logical(f, Op::Or, values, *a, *b),
            NodeKind::Coalesce(a, b) => {
                let (a, b) = (values.get(*a), values.get(*b));
                let is_there = a.presence.expect("INVARIANT: the first is nullable");
                let payload = f.op(Op::Select, &[is_there, a.payload, b.payload]);
                let presence = b.presence.map(|presence| f.op(Op::Or, &[is_there, presence]));
                Lowered {
                    payload,
                    presence,
                    whole: None,
                }
            }
            NodeKind::If(condition, a, b) => {
                let holds = values.is_true(f, *condition);
                let (a, b) = (values.get(*a), values.get(*b));
                let payload = f.op(Op::Select, &[holds, a.payload, b.payload]);
                let presence = a.presence.zip(b.presence);
                let presence = presence.map(|(a, b)| f.op(Op::Select, &[holds, a, b]));
                Lowered {
                    payload,
                    presence,
                    whole: None,
                }
            }
            NodeKind::Lookup(data, index) => lookup(f, data, values.get(*index)),
            NodeKind::Strict(function, operands) => {
                let operands: Vec<Lowered> = operands.iter().map(|&operand| values.get(operand)).collect();
                let payloads: Vec<Value> = operands.iter().map(|operand| operand.payload).collect();
                let (payload, own) = scalar::lower(f, *function, &payloads, host);
                let presences = operands.iter().filter_map(|operand| operand.presence).chain(own);
                let presence = presences.reduce(|a, b| f.op(Op::And, &[a, b]));
                Lowered {
                    payload,
                    presence,
                    whole: None,
                }
            }
        }
    }
}

/// The nodes of a tree that were computed.
struct Values {
    known: Vec<Option<Lowered>>,
    /// The host functions of those that have one.
    hosts: Vec<Option<usize>>,
}

impl Values {
    fn new(tree: &Tree, site: &mut Site) -> Values {
        let number = |node: &Node| match &node.kind {
            NodeKind::Strict(scalar, _) if scalar.is_host() => {
                site.hosts += 1;
                Some(site.hosts - 1)
            }
            _ => None,
        };
        Values {
            known: vec![None; tree.nodes.len()],
            hosts: tree.nodes.iter().map(number).collect(),
        }
    }

    fn get(&self, id: usize) -> Lowered {
        self.known[id].expect("INVARIANT: operands come first")
    }

    /// Whether a condition is present and true.
    fn is_true(&self, f: &mut FunctionBuilder<'_>, id: usize) -> Value {
        let Lowered {
            payload, presence, ..
        } = self.get(id);
        match presence {
            Some(presence) => f.op(Op::And, &[payload, presence]),
            None => payload,
        }
    }

    /// Whether a condition is present and false.
    fn is_false(&self, f: &mut FunctionBuilder<'_>, id: usize) -> Value {
        let Lowered {
            payload, presence, ..
        } = self.get(id);
        let not = f.op(Op::Not, &[payload]);
        match presence {
            Some(presence) => f.op(Op::And, &[not, presence]),
            None => not,
        }
    }
}

/// The number at an index of constant data, if there is one.
fn lookup(f: &mut FunctionBuilder<'_>, data: &Data, index: Lowered) -> Lowered {
    let item = match data {
        Data::F64(_) => Item::F64,
        Data::I64(_) => Item::I64,
        Data::Bytes(_) => Item::U8,
    };
    let view = f.data(data.clone());
    let (found, outside) = f.get(item, view, index.payload);
    let join = f.block(&[item.ty(), Type::BOOL]);
    let yes = f.bconst(true);
    f.jump(join, &[found, yes]);
    f.switch_to(outside);
    let (nothing, no) = (f.zero(item.ty()), f.bconst(false));
    f.jump(join, &[nothing, no]);
    f.switch_to(join);
    let (payload, is_there) = (f.block_params(join)[0], f.block_params(join)[1]);
    let presence = match index.presence {
        Some(presence) => f.op(Op::And, &[presence, is_there]),
        None => is_there,
    };
    Lowered {
        payload,
        presence: Some(presence),
        whole: None,
    }
}

/// A value in one part, of this type.
fn whole(f: &mut FunctionBuilder<'_>, lowered: Lowered, ty: Type) -> Value {
    match (lowered.whole, lowered.presence) {
        (Some(whole), _) => whole,
        (None, None) => lowered.payload,
        (None, Some(presence)) => {
            let some = f.op(Op::Some, &[lowered.payload]);
            let null = f.null(ty);
            f.op(Op::Select, &[presence, some, null])
        }
    }
}

/// A column's value in parts.
fn parts(f: &mut FunctionBuilder<'_>, value: Value) -> Lowered {
    if !f.ty(value).nullable {
        return Lowered {
            payload: value,
            presence: None,
            whole: None,
        };
    }
    let payload = f.op(Op::Payload, &[value]);
    let presence = Some(f.op(Op::IsSome, &[value]));
    Lowered {
        payload,
        presence,
        whole: Some(value),
    }
}

/// Three-valued `and` and `or`: present where either side decides, or both are there.
fn logical(f: &mut FunctionBuilder<'_>, op: Op, values: &Values, a: usize, b: usize) -> Lowered {
    let (left, right) = (values.get(a), values.get(b));
    if left.presence.is_none() && right.presence.is_none() {
        return Lowered {
            payload: f.op(op, &[left.payload, right.payload]),
            presence: None,
            whole: None,
        };
    }
    let (true_a, true_b) = (values.is_true(f, a), values.is_true(f, b));
    let (false_a, false_b) = (values.is_false(f, a), values.is_false(f, b));
    let dual = if op == Op::And { Op::Or } else { Op::And };
    let is_true = f.op(op, &[true_a, true_b]);
    let is_false = f.op(dual, &[false_a, false_b]);
    let presence = Some(f.op(Op::Or, &[is_true, is_false]));
    Lowered {
        payload: is_true,
        presence,
        whole: None,
    }
}

/// What is joined by `and` at the top, from left to right.
fn conjuncts(tree: &Tree) -> Vec<usize> {
    let mut found = Vec::new();
    let mut left = vec![tree.root()];
    while let Some(id) = left.pop() {
        match tree.nodes[id].kind {
            NodeKind::And(a, b) => left.extend([b, a]),
            _ => found.push(id),
        }
    }
    found
}
