use cutthrough_ir::{ElementType, HostFunction, HostSig, Value};

use crate::element::{Element, Fields};
use crate::process::{Fragment, Process, Shape};

/// Passes every element on, and calls a Rust function with each. A panic in it fails the
/// process.
///
/// ```
/// use cutthrough::processes::Inspect;
///
/// let log = Inspect::view::<i64>(|number| println!("{number}"));
/// ```
#[derive(Debug)]
pub struct Inspect {
    element: ElementType,
    function: Option<HostFunction>,
}

impl Inspect {
    /// A process that calls `function` with a view of each element.
    pub fn view<T: Element>(mut function: impl for<'a> FnMut(T::View<'a>) + Send + 'static) -> Inspect {
        let sig = HostSig {
            name: "inspect".to_owned(),
            params: T::fields(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        let host = crate::host::function(sig, move |args, _results, _context| {
            function(T::view(Fields::of(args)));
            Ok(())
        });
        Inspect {
            element: T::element_type(),
            function: Some(host),
        }
    }
}

impl Process for Inspect {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("inspect");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.passes_on();
        shape.host_once(&mut self.function);
        // What it does is done to the world outside.
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.call(0, element);
        f.emit(0, element);
        f.done();
    }
}
