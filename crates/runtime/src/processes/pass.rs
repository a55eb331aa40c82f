use cutthrough_ir::{ElementType, Value};

use crate::process::{Fragment, Process, Shape};

/// Passes every element on.
#[derive(Debug)]
pub struct Pass {
    element: ElementType,
}

impl Pass {
    /// Passes on elements of this type.
    pub fn new(element: impl Into<ElementType>) -> Pass {
        Pass {
            element: element.into(),
        }
    }
}

impl Process for Pass {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("pass");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.passes_on();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.emit(0, element);
        f.done();
    }
}
