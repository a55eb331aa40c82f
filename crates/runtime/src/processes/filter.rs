use cutthrough_expr::{Condition, Traced};
use cutthrough_ir::{Block, ElementType, HostFunction, HostSig, Type, Value, Words};

use crate::element::{self, Element, Fields};
use crate::process::{Fragment, Process, Shape};

/// Passes on the elements for which a condition in IR holds.
///
/// ```
/// use cutthrough::ir::{Op, Type};
/// use cutthrough::processes::Filter;
///
/// let positive = Filter::new(Type::I64, |f, x| {
///     let zero = f.iconst(0);
///     f.op(Op::Igt, &[x[0], zero])
/// });
/// ```
#[derive(Debug)]
pub struct Filter<F> {
    element: ElementType,
    condition: F,
}

impl<F> Filter<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Value + Send,
{
    /// Passes on the elements for which `condition` computes true.
    pub fn new(element: impl Into<ElementType>, condition: F) -> Filter<F> {
        Filter {
            element: element.into(),
            condition,
        }
    }
}

impl<F> Process for Filter<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Value + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.element);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let holds = (self.condition)(f, element);
        pass_if(f, holds, element);
    }
}

impl Filter<Traced> {
    /// Passes on the elements for which an expression holds.
    ///
    /// ```
    /// use cutthrough::processes::Filter;
    ///
    /// let positive = Filter::expr::<i64, _>(|x| x.gt(0));
    /// ```
    pub fn expr<T: Element, C: Condition>(condition: impl FnOnce(T::Expr) -> C) -> Filter<Traced> {
        Filter {
            element: T::element_type(),
            condition: Traced::new(&T::fields(), |fields| condition(T::expr(fields))),
        }
    }
}

impl Process for Filter<Traced> {
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.element);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let not = self.condition.filter(f, element);
        pass_or(f, element, not);
    }
}

/// Passes on the elements for which a Rust function says so. A panic in it fails the
/// process.
#[derive(Debug)]
pub struct FilterFn {
    element: ElementType,
    function: Option<HostFunction>,
}

impl FilterFn {
    /// A process that calls `function`.
    pub fn new<T: Element>(mut function: impl FnMut(T) -> bool + Send + 'static) -> FilterFn {
        FilterFn::of::<T>(move |element| Ok(function(element::read(element)?)))
    }

    /// A process that calls `function` with a view of each element.
    pub fn view<T: Element>(
        mut function: impl for<'a> FnMut(T::View<'a>) -> bool + Send + 'static,
    ) -> FilterFn {
        FilterFn::of::<T>(move |element| Ok(function(T::view(Fields::of(element)))))
    }

    fn of<T: Element>(
        mut function: impl for<'a> FnMut(Words<'a>) -> Result<bool, String> + Send + 'static,
    ) -> FilterFn {
        let sig = HostSig {
            name: "filter".to_owned(),
            params: T::fields(),
            results: vec![Type::BOOL],
            rows: Vec::new(),
        };
        let host = crate::host::function(sig, move |args, results, _context| {
            results.bool(0, function(args)?);
            Ok(())
        });
        FilterFn {
            element: T::element_type(),
            function: Some(host),
        }
    }
}

impl Process for FilterFn {
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.element);
        shape.host_once(&mut self.function);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let holds = f.call(0, element)[0];
        pass_if(f, holds, element);
    }
}

fn declare(shape: &mut Shape, element: &ElementType) {
    shape.name("filter");
    shape.input(element.clone());
    shape.output(element.clone());
    shape.drop_policy("filtered");
    shape.passes_on();
}

fn pass_if(f: &mut Fragment<'_>, holds: Value, element: &[Value]) {
    let (_, not) = f.br_new(holds);
    pass_or(f, element, not);
}

fn pass_or(f: &mut Fragment<'_>, element: &[Value], not: Block) {
    f.emit(0, element);
    f.done();
    f.switch_to(not);
    f.drop(0);
    f.done();
}
