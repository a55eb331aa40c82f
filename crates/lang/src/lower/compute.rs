//! The process of `where`, `set` and `select`, and names for the processes of others.

use std::collections::HashMap;

use cutthrough::ir::{ElementType, Op, Type, Value};
use cutthrough::{Fragment, Process, Shape};
use cutthrough_expr::{Lowering, Site};

use super::hosts;
use crate::check::{ColumnId, Columns, NodeKind, Scalar, Tree};

/// Computes columns of others, and passes elements on if a condition holds: one fragment, no state.
///
/// Columns are numbered as they come, those of the input first, so that two that compute the same are equal.
#[derive(Clone, Debug)]
pub(crate) struct Compute {
    input_types: Vec<Type>,
    output: Vec<ColumnId>,
    output_types: Vec<Type>,
    condition: Option<Tree>,
    definitions: Vec<(ColumnId, Tree)>,
}

impl Compute {
    /// Passes elements on if the condition holds, if there is one, with these of their columns, some of which may be
    /// defined here.
    pub(super) fn new(
        columns: &Columns,
        input: &[ColumnId],
        output: &[ColumnId],
        condition: Option<&Tree>,
        definitions: &[(ColumnId, Tree)],
    ) -> Compute {
        let types = |layout: &[ColumnId]| layout.iter().map(|&id| columns.ty(id).words()).collect();
        let known = input.iter().copied().chain(definitions.iter().map(|&(id, _)| id));
        let numbers: HashMap<ColumnId, ColumnId> = known
            .zip(0..)
            .map(|(id, number)| (id, ColumnId(number)))
            .collect();
        let renumber = |tree: &Tree| tree.with_columns(|id| numbers[&id]);
        Compute {
            input_types: types(input),
            output: output.iter().map(|id| numbers[id]).collect(),
            output_types: types(output),
            condition: condition.map(renumber),
            definitions: definitions
                .iter()
                .map(|(id, tree)| (numbers[id], renumber(tree)))
                .collect(),
        }
    }

    /// Whether it has a condition.
    pub(super) fn filters(&self) -> bool {
        self.condition.is_some()
    }

    /// Whether it computes something by chance.
    pub(crate) fn is_random(&self) -> bool {
        let mut nodes = self.trees().flat_map(|tree| &tree.nodes);
        nodes.any(
            |node| matches!(&node.kind, NodeKind::Strict(Scalar::Named(named), _) if named.name == "random"),
        )
    }

    /// Which field of the output a field of the input is, if it is one; none at all where it is several, or something
    /// else is computed of it.
    pub(crate) fn passes(&self, field: usize) -> Option<Option<usize>> {
        let is_field = |id: ColumnId| id.0 as usize == field;
        let is_used = self.trees().flat_map(Tree::columns).any(is_field);
        let mut places = (0..self.output.len()).filter(|&place| is_field(self.output[place]));
        let place = places.next();
        (!is_used && places.next().is_none()).then_some(place)
    }

    /// For each definition, in which fields of the output its value is: bit k is for the fields k, k + 64 and so on.
    fn uses(&self) -> Vec<i64> {
        let mut uses: HashMap<ColumnId, i64> = HashMap::new();
        for (field, &id) in self.output.iter().enumerate() {
            *uses.entry(id).or_default() |= 1 << (field % 64);
        }
        for (id, tree) in self.definitions.iter().rev() {
            let of_it = uses.get(id).copied().unwrap_or_default();
            for column in tree.columns() {
                *uses.entry(column).or_default() |= of_it;
            }
        }
        let of = |(id, _): &(ColumnId, Tree)| uses.get(id).copied().unwrap_or_default();
        self.definitions.iter().map(of).collect()
    }

    fn trees(&self) -> impl Iterator<Item = &Tree> {
        self.condition
            .iter()
            .chain(self.definitions.iter().map(|(_, tree)| tree))
    }
}

impl Process for Compute {
    fn declare(&mut self, shape: &mut Shape) {
        shape.input(ElementType::new(self.input_types.iter().copied()));
        shape.output(ElementType::new(self.output_types.iter().copied()));
        if self.condition.is_some() {
            shape.drop_policy("filtered");
        }
        shape.passes_on();
        // One for each place in the text: what it gives is its own until it is called again.
        let held = hosts::Held::default();
        for node in self.trees().flat_map(|tree| &tree.nodes) {
            if let NodeKind::Strict(scalar, operands) = &node.kind
                && let Some(host) = hosts::host(*scalar, operands.len(), &held)
            {
                shape.host(host);
            }
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let known = (0..).map(ColumnId).zip(element.iter().copied());
        let mut lowering = Lowering::new(known.collect());
        let mut site = Site::default();
        let not = self
            .condition
            .as_ref()
            .map(|condition| lowering.filter(f, condition, &mut site));
        for ((id, tree), uses) in self.definitions.iter().zip(self.uses()) {
            let value = if calls_host(tree) {
                where_needed(f, uses, |f| lowering.value(f, tree, &mut site))
            } else {
                lowering.value(f, tree, &mut site)
            };
            lowering.define(*id, value);
        }
        let output: Vec<Value> = self.output.iter().map(|&id| lowering.column(id)).collect();
        f.emit(0, &output);
        f.done();
        if let Some(not) = not {
            f.switch_to(not);
            f.drop(0);
            f.done();
        }
    }
}

/// Whether the value costs a call, which stays where nobody uses what it gives.
fn calls_host(tree: &Tree) -> bool {
    let is_host = |kind: &NodeKind| matches!(kind, NodeKind::Strict(scalar, _) if scalar.is_host());
    tree.nodes.iter().any(|node| is_host(&node.kind))
}

/// A value, computed only where one of these fields of the output is needed; what is not needed is zero.
fn where_needed(f: &mut Fragment<'_>, uses: i64, compute: impl FnOnce(&mut Fragment<'_>) -> Value) -> Value {
    let (needs, uses, zero) = (f.needs(0), f.iconst(uses), f.iconst(0));
    let needed = f.op(Op::Iand, &[needs, uses]);
    let is_needed = f.op(Op::Ine, &[needed, zero]);
    let (_, not) = f.br_new(is_needed);
    let value = compute(f);
    let ty = f.ty(value);
    let after = f.block(&[ty]);
    f.jump(after, &[value]);
    f.switch_to(not);
    let zero = f.zero(ty);
    f.jump(after, &[zero]);
    f.switch_to(after);
    f.block_params(after)[0]
}
