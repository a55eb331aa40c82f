use std::sync::Arc;

use cutthrough_ir::{ElementType, HostFunction, HostSig, Value, Words};
use parking_lot::Mutex;

use crate::element::{self, Element, Fields};
use crate::process::{Fragment, Process, Shape};

/// Calls a Rust function with every element. A panic in it fails the process.
#[derive(Debug)]
pub struct ForEach {
    name: &'static str,
    input: ElementType,
    function: Option<HostFunction>,
}

impl ForEach {
    /// A process that calls `function`.
    pub fn new<T: Element>(mut function: impl FnMut(T) + Send + 'static) -> ForEach {
        ForEach::of::<T>(move |element| {
            function(element::read(element)?);
            Ok(())
        })
    }

    /// A process that calls `function` with a view of each element.
    pub fn view<T: Element>(mut function: impl for<'a> FnMut(T::View<'a>) + Send + 'static) -> ForEach {
        ForEach::of::<T>(move |element| {
            function(T::view(Fields::of(element)));
            Ok(())
        })
    }

    fn of<T: Element>(
        mut function: impl for<'a> FnMut(Words<'a>) -> Result<(), String> + Send + 'static,
    ) -> ForEach {
        let sig = HostSig {
            name: "for_each".to_owned(),
            params: T::fields(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        let host = crate::host::function(sig, move |args, _results, _context| function(args));
        ForEach {
            name: "for_each",
            input: T::element_type(),
            function: Some(host),
        }
    }
}

impl Process for ForEach {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name);
        shape.input(self.input.clone());
        shape.host_once(&mut self.function);
        // What it gives goes to the world outside.
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.call(0, element);
        f.done();
    }
}

/// Collects every element in a vector.
///
/// ```
/// use cutthrough::{Network, processes::{Collect, Iter}};
///
/// let mut network = Network::default();
/// let words = network.source::<String>(Iter::new(["a".to_owned(), "b".to_owned()]))?;
/// let collect = Collect::<String>::new();
/// let collected = collect.collected();
/// network.sink(words, collect)?;
/// network.run()?;
/// assert_eq!(collected.take(), ["a", "b"]);
/// # Ok::<(), cutthrough::Error>(())
/// ```
#[derive(Debug)]
pub struct Collect<T> {
    collected: Collected<T>,
    process: ForEach,
}

/// What a [`Collect`] has collected so far.
#[derive(Debug)]
pub struct Collected<T> {
    elements: Arc<Mutex<Vec<T>>>,
}

impl<T> Clone for Collected<T> {
    fn clone(&self) -> Self {
        Collected {
            elements: self.elements.clone(),
        }
    }
}

impl<T> Collected<T> {
    /// Takes what there is.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.elements.lock())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.elements.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Element> Collect<T> {
    /// A process that collects.
    pub fn new() -> Collect<T> {
        let elements = Arc::new(Mutex::new(Vec::new()));
        let collected = Collected {
            elements: elements.clone(),
        };
        let process = ForEach {
            name: "collect",
            ..ForEach::new(move |element: T| elements.lock().push(element))
        };
        Collect { collected, process }
    }

    /// A handle on what it collects.
    pub fn collected(&self) -> Collected<T> {
        self.collected.clone()
    }
}

impl<T: Element> Default for Collect<T> {
    fn default() -> Self {
        Collect::new()
    }
}

impl<T: Element> Process for Collect<T> {
    fn declare(&mut self, shape: &mut Shape) {
        self.process.declare(shape);
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        self.process.read_ok(from, f, element);
    }
}
