use cutthrough_ir::{ElementType, HostFunction, Value};

use crate::kernels::order::{OrderHost, OrderSpec};
use crate::process::{Fragment, Process, Shape};

/// Sorts elements: gives them in order when the flow has ended, all or the first so
/// many.
#[derive(Debug)]
pub struct Order {
    element: ElementType,
    host: Option<HostFunction>,
}

impl Order {
    /// Sorts as `spec` says.
    pub fn new(spec: OrderSpec) -> Order {
        let host = OrderHost::new(spec);
        let sig = host.sig();
        Order {
            element: ElementType::new(sig.params[1..].iter().copied()),
            host: Some(HostFunction::new(sig, host)),
        }
    }
}

impl Process for Order {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("order");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.host_once(&mut self.host);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let add = f.iconst(0);
        f.call(0, &[&[add], element].concat());
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        give_next(f, &self.element);
    }
}

/// Gives the next element of a kernel that has taken all: operation 1, with zeroes for
/// the input.
pub(super) fn give_next(f: &mut Fragment<'_>, input: &ElementType) {
    let mut args = vec![f.iconst(1)];
    for &ty in input.fields() {
        args.push(f.zero(ty));
    }
    let next = f.call(0, &args);
    let (_, ended) = f.br_new(next[0]);
    f.emit(0, &next[1..]);
    f.again();
    f.switch_to(ended);
    f.finish();
}
