//! The process of `lookup`: adds to each element what a table has for its key.

use std::sync::Arc;

use cutthrough::ir::{
    ElementType, Host, HostContext, HostFunction, HostSig, Op, Results, Type, Value, Words,
};
use cutthrough::{Fragment, Process, Shape};

use crate::lookup::Table;

/// Looks up a field, a text, and adds the columns of the table, null where it has no such key.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(super) table: Arc<Table>,
    pub(super) input: Vec<Type>,
    pub(super) key: usize,
}

impl Lookup {
    fn added(&self) -> Vec<Type> {
        vec![Type::BYTES.or_null(); self.table.columns.len()]
    }
}

impl Process for Lookup {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("lookup");
        shape.input(ElementType::new(self.input.iter().copied()));
        shape.output(ElementType::new(self.input.iter().copied().chain(self.added())));
        shape.passes_on();
        let sig = HostSig {
            name: "lookup".to_owned(),
            params: vec![Type::BYTES],
            results: self.added(),
            rows: Vec::new(),
        };
        shape.host(HostFunction::new(sig, Find(Arc::clone(&self.table))));
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let key = element[self.key];
        let mut output = element.to_vec();
        if f.ty(key).nullable {
            let (has, present) = (f.op(Op::IsSome, &[key]), f.op(Op::Payload, &[key]));
            let none = f.null(Type::BYTES);
            for found in f.call(0, &[present]) {
                output.push(f.op(Op::Select, &[has, found, none]));
            }
        } else {
            output.extend(f.call(0, &[key]));
        }
        f.emit(0, &output);
        f.done();
    }
}

struct Find(Arc<Table>);

impl Host for Find {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let row = self.0.row(args.bytes(0)).unwrap_or_default();
        for (k, text) in row.iter().enumerate() {
            results.bytes(k, text);
        }
        Ok(())
    }
}
