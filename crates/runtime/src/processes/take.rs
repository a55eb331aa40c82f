use cutthrough_ir::{ElementType, Op, SlotDecl, Value};

use crate::process::{Fragment, Process, Shape};

/// Passes on the first elements and then finishes.
#[derive(Debug)]
pub struct Take {
    element: ElementType,
    count: i64,
}

impl Take {
    /// Passes on the first `count` elements.
    pub fn new(element: impl Into<ElementType>, count: u64) -> Take {
        Take {
            element: element.into(),
            count: i64::try_from(count).unwrap_or(i64::MAX),
        }
    }
}

impl Process for Take {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("take");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("left", self.count));
        shape.passes_on();
        if self.count == 0 {
            shape.finishes_at_once();
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let left = f.slot_get(0);
        let one = f.iconst(1);
        let left = f.op(Op::Isub, &[left, one]);
        f.slot_set(0, left);
        let zero = f.iconst(0);
        let is_more = f.op(Op::Igt, &[left, zero]);
        let (_, last) = f.br_new(is_more);
        f.emit(0, element);
        f.done();
        f.switch_to(last);
        f.emit(0, element);
        f.finish();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        (self.count == 0).then(|| f.slot_get(0))
    }
}
