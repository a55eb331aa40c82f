//! The process of `fill`: what is missing is what was there last.

use cutthrough::ir::{ElementType, Op, SlotDecl, Type, Value};
use cutthrough::{Fragment, Process, Shape};

/// Adds to each element what some of its fields have, or had last. A text that is empty is missing, as null is.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    pub(super) input: Vec<Type>,
    pub(super) fields: Vec<usize>,
}

impl Process for Fill {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("fill");
        shape.input(ElementType::new(self.input.iter().copied()));
        let filled = self.fields.iter().map(|&field| self.input[field]);
        shape.output(ElementType::new(self.input.iter().copied().chain(filled.clone())));
        for ty in filled {
            shape.slot(SlotDecl::zero("last", ty));
        }
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mut output = element.to_vec();
        for (slot, &field) in self.fields.iter().enumerate() {
            let (value, last) = (element[field], f.slot_get(slot));
            let is_there = is_there(f, value);
            let filled = f.op(Op::Select, &[is_there, value, last]);
            f.slot_set(slot, filled);
            output.push(filled);
        }
        f.emit(0, &output);
        f.done();
    }
}

fn is_there(f: &mut Fragment<'_>, value: Value) -> Value {
    let ty = f.ty(value);
    let is_some = ty.nullable.then(|| f.op(Op::IsSome, &[value]));
    if ty.present() != Type::BYTES {
        return is_some.expect("INVARIANT: only what may be missing is filled");
    }
    let text = match ty.nullable {
        true => f.op(Op::Payload, &[value]),
        false => value,
    };
    let (len, zero) = (f.op(Op::Slen, &[text]), f.iconst(0));
    let is_long = f.op(Op::Ine, &[len, zero]);
    match is_some {
        Some(is_some) => f.op(Op::And, &[is_some, is_long]),
        None => is_long,
    }
}
