//! A source that costs next to nothing.

use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::{Fragment, Process, Shape};

/// Gives 0, 1, 2, and so on without end.
#[derive(Clone, Copy, Debug)]
pub struct Count;

impl Process for Count {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("count");
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("next", 0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, one) = (f.slot_get(0), f.iconst(1));
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, after);
        f.emit(0, &[next]);
        f.again();
    }
}
