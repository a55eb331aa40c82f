//! The process of `explode`: of each element one for each item of a list, a value of JSON.

use cutthrough::ir::{
    ElementType, Host, HostContext, HostFunction, HostSig, Op, Results, SlotDecl, Type, Value, Words,
};
use cutthrough::{Fragment, Process, Shape};
use cutthrough_formats::json::value::item_at;

/// Adds each item of a field, in its order. What is no list is the only item of itself; null has none.
#[derive(Clone, Debug)]
pub(crate) struct Explode {
    pub(super) input: Vec<Type>,
    pub(super) list: usize,
}

/// Where in the list the next item begins; the slots of the element's fields follow.
const AT: usize = 0;
const FIRST: usize = 1;

impl Process for Explode {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("explode");
        shape.input(ElementType::new(self.input.iter().copied()));
        let item = Type::BYTES.or_null();
        shape.output(ElementType::new(self.input.iter().copied().chain([item])));
        shape.slot(SlotDecl::i64("at", 0));
        for (field, &ty) in self.input.iter().enumerate() {
            shape.slot(SlotDecl::zero(format!("field {field}"), ty));
        }
        let sig = HostSig {
            name: "item".to_owned(),
            // The list, and where to look.
            params: vec![Type::BYTES, Type::I64],
            // The item, and where the next one begins; below 0 if there is no item.
            results: vec![item, Type::I64],
            rows: Vec::new(),
        };
        shape.host(HostFunction::new(sig, Item));
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let zero = f.iconst(0);
        f.slot_set(AT, zero);
        for (field, &value) in element.iter().enumerate() {
            f.slot_set(FIRST + field, value);
        }
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let at = f.slot_get(AT);
        let mut output: Vec<Value> = (0..self.input.len())
            .map(|field| f.slot_get(FIRST + field))
            .collect();
        let mut list = output[self.list];
        if f.ty(list).nullable {
            list = f.op(Op::Payload, &[list]);
        }
        let found = f.call(0, &[list, at]);
        let zero = f.iconst(0);
        let is_item = f.op(Op::Ige, &[found[1], zero]);
        let (_, none) = f.br_new(is_item);
        f.slot_set(AT, found[1]);
        output.push(found[0]);
        f.emit(0, &output);
        f.again();
        f.switch_to(none);
        f.done();
    }
}

struct Item;

impl Host for Item {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let at = usize::try_from(args.i64(1)).unwrap_or(usize::MAX);
        let Some((item, next)) = item_at(args.bytes(0), at) else {
            results.i64(1, -1);
            return Ok(());
        };
        if item != b"null" {
            results.bytes(0, item);
        }
        results.i64(1, i64::try_from(next).unwrap_or(i64::MAX));
        Ok(())
    }
}
