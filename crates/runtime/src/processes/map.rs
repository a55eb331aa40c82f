use std::error::Error;
use std::sync::Arc;

use cutthrough_expr::{Exprs, Traced};
use cutthrough_ir::{ElementType, HostContext, HostFunction, HostSig, Value, Words};

use crate::element::{self, Element, Fields};
use crate::process::{Fragment, Process, Shape};

/// Makes one element of each by a computation in IR.
///
/// ```
/// use cutthrough::ir::{Op, Type};
/// use cutthrough::processes::Map;
///
/// let double = Map::new(Type::I64, Type::I64, |f, x| vec![f.op(Op::Iadd, &[x[0], x[0]])]);
/// ```
#[derive(Debug)]
pub struct Map<F> {
    input: ElementType,
    output: ElementType,
    compute: F,
}

impl<F> Map<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Vec<Value> + Send,
{
    /// `compute` gives the fields of the output's element from those of the input's.
    pub fn new(input: impl Into<ElementType>, output: impl Into<ElementType>, compute: F) -> Map<F> {
        Map {
            input: input.into(),
            output: output.into(),
            compute,
        }
    }
}

impl<F> Process for Map<F>
where
    F: Fn(&mut Fragment<'_>, &[Value]) -> Vec<Value> + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.input, &self.output);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mapped = (self.compute)(f, element);
        f.emit(0, &mapped);
        f.done();
    }
}

/// A computation in IR, of expressions.
type Compute = Box<dyn Fn(&mut Fragment<'_>, &[Value]) -> Vec<Value> + Send>;

impl Map<Compute> {
    /// Makes an element of the expressions that `compute` gives.
    ///
    /// ```
    /// use cutthrough::processes::Map;
    ///
    /// let with_square = Map::expr::<i64, _>(|x| (x, x * x));
    /// ```
    pub fn expr<A: Element, X: Exprs<Element: Element>>(compute: impl FnOnce(A::Expr) -> X) -> Map<Compute> {
        let compute = Traced::new(&A::fields(), |fields| compute(A::expr(fields)));
        Map::traced(A::element_type(), compute)
    }

    /// The same, of what has been traced.
    pub(crate) fn traced(input: ElementType, compute: Traced) -> Map<Compute> {
        let output = ElementType::new(compute.types());
        let compute: Compute = Box::new(move |f, element| compute.values(f, element));
        Map::new(input, output, compute)
    }
}

/// Makes one element of each by a Rust function, which native code calls directly.
/// A panic in it fails the process.
///
/// ```
/// use cutthrough::processes::MapFn;
///
/// let shout = MapFn::new(|word: String| word.to_uppercase());
/// ```
#[derive(Debug)]
pub struct MapFn {
    input: ElementType,
    output: ElementType,
    function: Option<HostFunction>,
}

impl MapFn {
    /// A process that calls `function`.
    pub fn new<A: Element, B: Element>(mut function: impl FnMut(A) -> B + Send + 'static) -> MapFn {
        MapFn::of::<A, B>(move |element, _| Ok(function(element::read(element)?)))
    }

    /// A process that calls `function` with a view of each element.
    pub fn view<A: Element, B: Element>(
        mut function: impl for<'a> FnMut(A::View<'a>) -> B + Send + 'static,
    ) -> MapFn {
        MapFn::of::<A, B>(move |element, _| Ok(function(A::view(Fields::of(element)))))
    }

    /// A process that calls `function` with a view of each element, and fails where that does.
    pub fn try_view<A: Element, B: Element, E: Error + Send + Sync + 'static>(
        mut function: impl for<'a> FnMut(A::View<'a>) -> Result<B, E> + Send + 'static,
    ) -> MapFn {
        MapFn::of::<A, B>(move |element, context| {
            function(A::view(Fields::of(element))).map_err(|error| {
                let message = error.to_string();
                context.blame(None, Some(Arc::new(error)));
                message
            })
        })
    }

    fn of<A: Element, B: Element>(
        mut function: impl for<'a> FnMut(Words<'a>, &HostContext) -> Result<B, String> + Send + 'static,
    ) -> MapFn {
        let sig = HostSig {
            name: "map".to_owned(),
            params: A::fields(),
            results: B::fields(),
            rows: Vec::new(),
        };
        let host = crate::host::function(sig, move |args, results, context| {
            element::write(function(args, context)?, results, 0, context)
        });
        MapFn {
            input: A::element_type(),
            output: B::element_type(),
            function: Some(host),
        }
    }
}

impl Process for MapFn {
    fn declare(&mut self, shape: &mut Shape) {
        declare(shape, &self.input, &self.output);
        shape.host_once(&mut self.function);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mapped = f.call(0, element);
        f.emit(0, &mapped);
        f.done();
    }
}

fn declare(shape: &mut Shape, input: &ElementType, output: &ElementType) {
    shape.name("map");
    shape.input(input.clone());
    shape.output(output.clone());
    shape.passes_on();
}
