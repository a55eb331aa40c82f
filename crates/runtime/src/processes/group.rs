use cutthrough_ir::{ElementType, HostFunction, Value};

use super::order::give_next;
use crate::kernels::group::{GroupHost, GroupSpec};
use crate::process::{Fragment, Process, Shape};

/// Groups elements by key and gives, when the flow has ended, one element for each
/// group, in the order in which they first came: the key's fields and the aggregates.
#[derive(Debug)]
pub struct Group {
    input: ElementType,
    output: ElementType,
    host: Option<HostFunction>,
}

impl Group {
    /// An input element has the fields of the key, then the aggregates' inputs.
    pub fn new(spec: GroupSpec) -> Group {
        let host = GroupHost::new(spec);
        let sig = host.sig();
        Group {
            input: ElementType::new(sig.params[1..].iter().copied()),
            output: ElementType::new(sig.results[1..].iter().copied()),
            host: Some(HostFunction::new(sig, host)),
        }
    }
}

impl Process for Group {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("group");
        shape.input(self.input.clone());
        shape.output(self.output.clone());
        shape.host_once(&mut self.host);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let update = f.iconst(0);
        f.call(0, &[&[update], element].concat());
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        give_next(f, &self.input);
    }
}
