use cutthrough_expr::{Condition, Traced};
use cutthrough_ir::{Block, ElementType, Value};

use crate::element::Element;
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

impl Route<Traced> {
    /// Decides by an expression.
    pub fn expr<T: Element, C: Condition>(condition: impl FnOnce(T::Expr) -> C) -> Route<Traced> {
        Route {
            element: T::element_type(),
            condition: Traced::new(&T::fields(), |fields| condition(T::expr(fields))),
        }
    }
}

impl Process for Route<Traced> {
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.element);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let other = self.condition.filter(f, element);
        pass(f, element, other);
    }
}

impl<F> Process for Route<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Value + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.element);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let holds = (self.condition)(f, element);
        let (_, other) = f.br_new(holds);
        pass(f, element, other);
    }
}

fn declare(shape: &mut Shape, element: &ElementType) {
    shape.name("route");
    shape.input(element.clone());
    shape.output(element.clone());
    shape.output(element.clone());
    shape.account(Account {
        inputs: vec![0],
        outputs: vec![0, 1],
        ..Account::default()
    });
}

fn pass(f: &mut Fragment<'_>, element: &[Value], other: Block) {
    f.emit(0, element);
    f.done();
    f.switch_to(other);
    f.emit(1, element);
    f.done();
}
