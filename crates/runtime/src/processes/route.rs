use cutthrough_ir::{ElementType, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// Passes each element on to one of two outputs: to the first where a condition in IR
/// holds, else to the second.
#[derive(Debug)]
pub struct Route<F> {
    element: ElementType,
    condition: F,
}

impl<F> Route<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Value + Send,
{
    /// Decides by what `condition` computes.
    pub fn new(element: impl Into<ElementType>, condition: F) -> Route<F> {
        Route {
            element: element.into(),
            condition,
        }
    }
}

impl<F> Process for Route<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Value + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("route");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.output(self.element.clone());
        shape.account(Account {
            inputs: vec![0],
            outputs: vec![0, 1],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let holds = (self.condition)(f, element);
        let (_, other) = f.br_new(holds);
        f.emit(0, element);
        f.done();
        f.switch_to(other);
        f.emit(1, element);
        f.done();
    }
}
