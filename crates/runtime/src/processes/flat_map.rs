use cutthrough_ir::{Block, ElementType, SlotDecl, Value};

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
