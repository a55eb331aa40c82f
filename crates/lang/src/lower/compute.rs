//! The process of `where`, `set` and `select`, and names for the processes of others.

use cutthrough::ir::{ElementType, Type, Value};
use cutthrough::{Error, Fragment, Process, Shape};

use super::expr::{Lowering, Site};
use super::hosts;
use crate::check::{ColumnId, Columns, NodeKind, Tree};

/// Computes columns of others, and passes elements on if a condition holds: one fragment, no state.
#[derive(Debug)]
pub(super) struct Compute {
    input: Vec<ColumnId>,
    output: Vec<ColumnId>,
    input_types: Vec<Type>,
    output_types: Vec<Type>,
    condition: Option<Tree>,
    definitions: Vec<(ColumnId, Tree)>,
}

impl Compute {
    /// Passes on these of the columns.
    pub(super) fn new(columns: &Columns, input: &[ColumnId], output: &[ColumnId]) -> Compute {
        let types = |layout: &[ColumnId]| layout.iter().map(|&id| columns.ty(id)).collect();
        Compute {
            input_types: types(input),
            output_types: types(output),
            input: input.to_vec(),
            output: output.to_vec(),
            condition: None,
            definitions: Vec::new(),
        }
    }

    pub(super) fn with_condition(self, condition: Tree) -> Compute {
        Compute {
            condition: Some(condition),
            ..self
        }
    }

    pub(super) fn with_definitions(self, definitions: Vec<(ColumnId, Tree)>) -> Compute {
        Compute { definitions, ..self }
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
        // One for each place in the text: what it gives is its own until it is called again.
        for node in self.trees().flat_map(|tree| &tree.nodes) {
            if let NodeKind::Strict(scalar, operands) = &node.kind
                && let Some(host) = hosts::host(*scalar, operands.len())
            {
                shape.host(host);
            }
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let known = self.input.iter().copied().zip(element.iter().copied());
        let mut lowering = Lowering::new(known.collect());
        let mut site = Site::default();
        let not = self
            .condition
            .as_ref()
            .map(|condition| lowering.filter(f, condition, &mut site));
        for (id, tree) in &self.definitions {
            let value = lowering.value(f, tree, &mut site);
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

/// A process under the name of the text that it came from.
pub(super) struct Named {
    name: String,
    process: Box<dyn Process>,
}

impl Named {
    pub(super) fn new(name: &str, process: Box<dyn Process>) -> Named {
        Named {
            name: name.to_owned(),
            process,
        }
    }
}

impl Process for Named {
    fn declare(&mut self, shape: &mut Shape) {
        self.process.declare(shape);
        shape.name(self.name.as_str());
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        self.process.read_ok(from, f, element);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        self.process.write_ok(f);
    }

    fn ask(&self, to: usize, f: &mut Fragment<'_>) -> Value {
        self.process.ask(to, f)
    }

    fn end(&self, of: usize, f: &mut Fragment<'_>) {
        self.process.end(of, f);
    }

    fn deinit(&mut self, error: Option<&Error>) {
        self.process.deinit(error);
    }
}
