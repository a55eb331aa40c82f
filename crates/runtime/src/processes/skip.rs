use cutthrough_ir::{ElementType, Op, SlotDecl, Value};

use crate::process::{Fragment, Process, Shape};

/// Drops the first elements and passes on the others.
#[derive(Debug)]
pub struct Skip {
    element: ElementType,
    count: i64,
}

impl Skip {
    /// Drops the first `count` elements.
    pub fn new(element: impl Into<ElementType>, count: u64) -> Skip {
        Skip {
            element: element.into(),
            count: i64::try_from(count).unwrap_or(i64::MAX),
        }
    }
}

impl Process for Skip {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("skip");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("left", self.count));
        shape.drop_policy("skipped");
        shape.passes_on();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let left = f.slot_get(0);
        let zero = f.iconst(0);
        let skips = f.op(Op::Igt, &[left, zero]);
        let (_, passes) = f.br_new(skips);
        let one = f.iconst(1);
        let left = f.op(Op::Isub, &[left, one]);
        f.slot_set(0, left);
        f.drop(0);
        f.done();
        f.switch_to(passes);
        f.emit(0, element);
        f.done();
    }
}
