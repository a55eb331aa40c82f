use std::sync::Arc;

use cutthrough_ir::{Data, ElementType, HostFunction, HostSig, Item, Op, SlotDecl, Type};

use crate::element::{self, Element};
use crate::process::{Fragment, Process, Shape};

/// Gives the numbers of a slice, which native code reads in place.
#[derive(Debug)]
pub struct Slice {
    data: Data,
    item: Item,
}

impl Slice {
    /// Gives these integers.
    pub fn i64(data: impl Into<Arc<[i64]>>) -> Slice {
        Slice {
            data: Data::I64(data.into()),
            item: Item::I64,
        }
    }

    /// Gives these doubles.
    pub fn f64(data: impl Into<Arc<[f64]>>) -> Slice {
        Slice {
            data: Data::F64(data.into()),
            item: Item::F64,
        }
    }
}

impl Process for Slice {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("slice");
        shape.output(self.item.ty());
        shape.slot(SlotDecl::i64("next", 0));
        shape.data(self.data.clone());
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (view, next) = (f.data_at(0), f.slot_get(0));
        let (item, ended) = f.get(self.item, view, next);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, next);
        f.emit(0, &[item]);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}

/// Gives what a Rust iterator gives. A panic in it fails the process.
#[derive(Debug)]
pub struct Iter {
    output: ElementType,
    next: Option<HostFunction>,
}

impl Iter {
    /// Gives the items of `iterator`.
    pub fn new<T: Element>(iterator: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Iter {
        let mut iterator = iterator.into_iter();
        let results = [vec![Type::BOOL], T::fields()].concat();
        let sig = HostSig {
            name: "next".to_owned(),
            params: Vec::new(),
            results,
            rows: Vec::new(),
        };
        let next = crate::host::function(sig, move |_args, results, context| {
            if let Some(item) = iterator.next() {
                results.bool(0, true);
                element::write(item, results, 1, context)?;
            }
            Ok(())
        });
        Iter {
            output: T::element_type(),
            next: Some(next),
        }
    }
}

impl Process for Iter {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("iter");
        shape.output(self.output.clone());
        shape.host_once(&mut self.next);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        let (_, ended) = f.br_new(next[0]);
        f.emit(0, &next[1..]);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}
