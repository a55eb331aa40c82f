use cutthrough_ir::{Block, ElementType, HostFunction, HostSig, SlotDecl, Type, Value};

use crate::element::{self, Element, Fields};
use crate::process::{Fragment, Process, Shape};

/// Makes any number of elements of each: an inner stream, kept in state slots, that is
/// started by an element and then gives one element at a time.
pub struct FlatMap<S, N> {
    input: ElementType,
    output: ElementType,
    slots: Vec<SlotDecl>,
    start: S,
    next: N,
}

impl<S, N> FlatMap<S, N>
where
    S: Fn(&mut Fragment<'_>, &[Value]) + Send,
    N: Fn(&mut Fragment<'_>) -> (Vec<Value>, Block) + Send,
{
    /// `start` sets the slots for an element that came in. `next` advances them and
    /// gives the next element, in the block that is then the current one, and the
    /// block for the inner stream's end, as [`get`](Fragment::get) does.
    pub fn new(
        input: impl Into<ElementType>,
        output: impl Into<ElementType>,
        slots: Vec<SlotDecl>,
        start: S,
        next: N,
    ) -> FlatMap<S, N> {
        FlatMap {
            input: input.into(),
            output: output.into(),
            slots,
            start,
            next,
        }
    }
}

impl<S, N> Process for FlatMap<S, N>
where
    S: Fn(&mut Fragment<'_>, &[Value]) + Send,
    N: Fn(&mut Fragment<'_>) -> (Vec<Value>, Block) + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("flat_map");
        shape.input(self.input.clone());
        shape.output(self.output.clone());
        for slot in &self.slots {
            shape.slot(slot.clone());
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        (self.start)(f, element);
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (element, ended) = (self.next)(f);
        f.emit(0, &element);
        f.again();
        f.switch_to(ended);
        f.done();
    }
}

/// Makes any number of elements of each: those that an iterator gives which a Rust function
/// makes of it. A panic in either fails the process.
///
/// ```
/// use cutthrough::processes::FlatMapFn;
///
/// let words = FlatMapFn::view::<String, _>(|line| {
///     let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
///     words
/// });
/// ```
#[derive(Debug)]
pub struct FlatMapFn {
    input: ElementType,
    output: ElementType,
    function: Option<HostFunction>,
}

impl FlatMapFn {
    /// A process that calls `expand` with a view of each element.
    pub fn view<A: Element, D>(mut expand: impl for<'a> FnMut(A::View<'a>) -> D + Send + 'static) -> FlatMapFn
    where
        D: IntoIterator<Item: Element, IntoIter: Send + 'static>,
    {
        let sig = HostSig {
            name: "flat_map".to_owned(),
            // Whether an element begins, and it.
            params: [vec![Type::BOOL], A::fields()].concat(),
            // Whether there is one more, and it.
            results: [vec![Type::BOOL], D::Item::fields()].concat(),
            rows: Vec::new(),
        };
        let mut items: Option<D::IntoIter> = None;
        let host = crate::host::function(sig, move |args, results, context| {
            if args.bool(0) {
                items = Some(expand(A::view(Fields::of(args).skip(1))).into_iter());
                return Ok(());
            }
            if let Some(item) = items.as_mut().and_then(Iterator::next) {
                results.bool(0, true);
                element::write(item, results, 1, context)?;
            }
            Ok(())
        });
        FlatMapFn {
            input: A::element_type(),
            output: D::Item::element_type(),
            function: Some(host),
        }
    }
}

impl Process for FlatMapFn {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("flat_map");
        shape.input(self.input.clone());
        shape.output(self.output.clone());
        shape.host_once(&mut self.function);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let begins = f.bconst(true);
        f.call(0, &[&[begins], element].concat());
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let mut args = vec![f.bconst(false)];
        args.extend(self.input.fields().iter().map(|&ty| f.zero(ty)));
        let next = f.call(0, &args);
        let (_, ended) = f.br_new(next[0]);
        f.emit(0, &next[1..]);
        f.again();
        f.switch_to(ended);
        f.done();
    }
}
