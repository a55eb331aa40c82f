use cutthrough_ir::{ElementType, HostFunction, HostSig, Value};

use crate::element::{self, Element};
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
        shape.name("map");
        shape.input(self.input.clone());
        shape.output(self.output.clone());
        shape.passes_on();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mapped = (self.compute)(f, element);
        f.emit(0, &mapped);
        f.done();
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
        let sig = HostSig {
            name: "map".to_owned(),
            params: A::fields(),
            results: B::fields(),
            rows: Vec::new(),
        };
        let host = crate::host::function(sig, move |args, results, context| {
            element::write(function(element::read(args)?), results, 0, context)
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
        shape.name("map");
        shape.input(self.input.clone());
        shape.output(self.output.clone());
        shape.passes_on();
        shape.host_once(&mut self.function);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mapped = f.call(0, element);
        f.emit(0, &mapped);
        f.done();
    }
}
