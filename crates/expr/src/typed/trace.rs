//! From closures to trees: while a closure runs, its expressions are nodes of one tree.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use cutthrough_ir::{Block, FunctionBuilder, Type, Value};

use super::{Condition, Expr, Exprs, Logical};
use crate::lower::{Lowering, Site};
use crate::scalar::Scalar;
use crate::tree::{ColumnId, NodeId, NodeKind, Tree};

thread_local! {
    /// The closures that are being traced, each within the one before.
    static TRACES: RefCell<Vec<Trace>> = const { RefCell::new(Vec::new()) };
    static NEXT: RefCell<u64> = const { RefCell::new(0) };
}

/// What one closure has made so far.
struct Trace {
    number: u64,
    tree: Tree,
}

/// An expression of any type.
#[derive(Clone, Copy)]
pub struct AnyExpr {
    trace: u64,
    node: NodeId,
    /// It is a number in a list of this thread.
    thread: PhantomData<*const ()>,
}

impl AnyExpr {
    /// A node over others of the closure that is being traced.
    pub(super) fn add(kind: impl FnOnce(&[NodeId]) -> NodeKind, ty: Type, operands: &[AnyExpr]) -> AnyExpr {
        TRACES.with_borrow_mut(|traces| {
            let trace = traces.last_mut().expect(
                "an expression is made in a closure over expressions: filter(|e| ..), map(|e| ..) and their like",
            );
            let nodes: Vec<NodeId> = operands.iter().map(|operand| operand.node_of(trace)).collect();
            AnyExpr {
                trace: trace.number,
                node: trace.tree.add(kind(&nodes), ty),
                thread: PhantomData,
            }
        })
    }

    /// A function that is null where an operand is.
    pub(super) fn strict(function: Scalar, operands: &[AnyExpr]) -> AnyExpr {
        let mut ty = function.result().words();
        ty.nullable |= operands.iter().any(|operand| operand.ty().nullable);
        AnyExpr::add(|nodes| NodeKind::Strict(function, nodes.to_vec()), ty, operands)
    }

    /// The same as a value that may be null.
    pub(super) fn nullable(self) -> AnyExpr {
        match self.ty() {
            ty if ty.nullable => self,
            ty => AnyExpr::add(|nodes| NodeKind::Some(nodes[0]), ty.or_null(), &[self]),
        }
    }

    /// Its type.
    pub fn ty(self) -> Type {
        self.with(|tree, node| tree.nodes[node].ty.words())
    }

    /// What it is.
    pub(super) fn kind(self) -> NodeKind {
        self.with(|tree, node| tree.nodes[node].kind.clone())
    }

    fn with<R>(self, look: impl FnOnce(&Tree, NodeId) -> R) -> R {
        TRACES.with_borrow(|traces| {
            let trace = traces.last().unwrap_or_else(|| stray());
            look(&trace.tree, self.node_of(trace))
        })
    }

    fn node_of(self, trace: &Trace) -> NodeId {
        if self.trace != trace.number {
            stray();
        }
        self.node
    }
}

#[cold]
fn stray() -> ! {
    panic!("an expression is used outside of the closure that it was given to")
}

impl fmt::Debug for AnyExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.node)
    }
}

/// The expressions of an element's fields, to be taken in order.
#[derive(Debug)]
pub struct FieldExprs<'t> {
    types: &'t [Type],
    next: usize,
}

impl FieldExprs<'_> {
    /// Takes the next field.
    ///
    /// # Panics
    /// When there is none, or it is of another type.
    #[expect(clippy::should_implement_trait, reason = "each field has a type of its own")]
    pub fn next<T: Logical>(&mut self) -> Expr<T> {
        let field = self.next;
        self.next += 1;
        assert_eq!(
            self.types.get(field),
            Some(&T::TYPE),
            "the type of field {field}, of {}",
            self.types.len()
        );
        let id = ColumnId(u32::try_from(field).expect("the number of fields is bounded"));
        Expr::of(AnyExpr::add(|_| NodeKind::Column(id), T::TYPE, &[]))
    }
}

/// What a closure over expressions computes: one or several expressions, with what they
/// have in common once.
#[derive(Clone, Debug)]
pub struct Traced {
    tree: Tree,
    roots: Vec<NodeId>,
}

impl Traced {
    /// Calls a closure with the fields of elements of these types.
    pub fn new<R: Exprs>(types: &[Type], closure: impl FnOnce(&mut FieldExprs<'_>) -> R) -> Traced {
        let begun = Begun::new();
        let result = closure(&mut FieldExprs { types, next: 0 });
        let mut roots = Vec::new();
        result.give(&mut roots);
        let tree = begun.finish();
        let roots = roots.into_iter().map(|root| root.node_of(&tree)).collect();
        let (tree, roots) = reachable(&tree.tree, roots);
        Traced { tree, roots }
    }

    /// The condition that a closure gives.
    pub fn condition<C: Condition>(types: &[Type], closure: impl FnOnce(&mut FieldExprs<'_>) -> C) -> Traced {
        Traced::new(types, closure)
    }

    /// The types of the expressions.
    pub fn types(&self) -> Vec<Type> {
        self.roots
            .iter()
            .map(|&root| self.tree.nodes[root].ty.words())
            .collect()
    }

    /// The number of the field that each expression is, if it is no more than that.
    pub fn fields(&self) -> Vec<Option<usize>> {
        let field = |&root: &NodeId| match self.tree.nodes[root].kind {
            NodeKind::Column(id) => Some(id.index()),
            _ => None,
        };
        self.roots.iter().map(field).collect()
    }

    /// What is computed of an element of these fields.
    pub fn values(&self, f: &mut FunctionBuilder<'_>, fields: &[Value]) -> Vec<Value> {
        lowering(fields).values(f, &self.tree, &self.roots, &mut Site::default())
    }

    /// Goes on where the condition holds of an element of these fields; gives the block for
    /// where it does not.
    pub fn filter(&self, f: &mut FunctionBuilder<'_>, fields: &[Value]) -> Block {
        lowering(fields).filter(f, &self.tree, &mut Site::default())
    }

    /// As s-expressions, with `$0` for the first field.
    pub fn show(&self) -> String {
        let shown = self.roots.iter().map(|&root| {
            let (tree, _) = reachable(&self.tree, vec![root]);
            tree.show(|id| format!("${}", id.0))
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

fn lowering(fields: &[Value]) -> Lowering {
    Lowering::new((0..).map(ColumnId).zip(fields.iter().copied()).collect())
}

/// The part of a tree that some nodes need, operands first, and where these are in it.
fn reachable(tree: &Tree, roots: Vec<NodeId>) -> (Tree, Vec<NodeId>) {
    let mut is_needed = vec![false; tree.nodes.len()];
    for &root in &roots {
        is_needed[root] = true;
    }
    for node in (0..tree.nodes.len())
        .rev()
        .filter(|&node| is_needed[node])
        .collect::<Vec<_>>()
    {
        mark(tree, node, &mut is_needed);
    }
    let mut part = Tree::default();
    let mut numbers = vec![NodeId::MAX; tree.nodes.len()];
    for (id, node) in tree.nodes.iter().enumerate().filter(|&(id, _)| is_needed[id]) {
        numbers[id] = part.add(node.kind.with_operands(|operand| numbers[operand]), node.ty);
    }
    let roots = roots.into_iter().map(|root| numbers[root]).collect();
    (part, roots)
}

fn mark(tree: &Tree, root: NodeId, is_needed: &mut [bool]) {
    let mut left = vec![root];
    while let Some(node) = left.pop() {
        for operand in tree.nodes[node].kind.operands() {
            if !is_needed[operand] {
                is_needed[operand] = true;
                left.push(operand);
            }
        }
    }
}

/// A closure that is being traced; a panic in it leaves nothing behind.
struct Begun;

impl Begun {
    fn new() -> Begun {
        let number = NEXT.with_borrow_mut(|next| {
            *next += 1;
            *next
        });
        let trace = Trace {
            number,
            tree: Tree::default(),
        };
        TRACES.with_borrow_mut(|traces| traces.push(trace));
        Begun
    }

    fn finish(self) -> Trace {
        std::mem::forget(self);
        TRACES
            .with_borrow_mut(Vec::pop)
            .expect("INVARIANT: it has been begun")
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        TRACES.with_borrow_mut(Vec::pop);
    }
}
