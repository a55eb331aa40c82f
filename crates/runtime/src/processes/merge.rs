use cutthrough_ir::{ElementType, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// Passes on the elements of several inputs as they come. (Several writers of one flow
/// point are merged too; this keeps their counts apart.)
#[derive(Debug)]
pub struct Merge {
    element: ElementType,
    inputs: usize,
}

impl Merge {
    /// Merges this many inputs.
    pub fn new(element: impl Into<ElementType>, inputs: usize) -> Merge {
        Merge {
            element: element.into(),
            inputs,
        }
    }
}

impl Process for Merge {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("merge");
        for _ in 0..self.inputs {
            shape.input(self.element.clone());
        }
        let output = shape.output(self.element.clone());
        let inputs = (0..self.inputs).collect();
        shape.account(Account {
            inputs,
            outputs: vec![output],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.emit(0, element);
        f.done();
    }
}
