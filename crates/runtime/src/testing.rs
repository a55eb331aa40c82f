//! Processes tried with values.

use std::sync::Arc;

use cutthrough_ir::{ElementType, HostSig, Scalar, Type};
pub(crate) use cutthrough_test_support::{Random, Value};
use parking_lot::Mutex;

use crate::network::{Network, Options};
use crate::process::{Fragment, Process, Shape};

/// Gives these elements.
struct Give {
    types: Vec<Type>,
    elements: Vec<Vec<Value>>,
}

/// Notes all elements.
struct Note {
    types: Vec<Type>,
    noted: Arc<Mutex<Vec<Vec<Value>>>>,
}

impl Process for Give {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("give");
        shape.output(ElementType::new(self.types.iter().copied()));
        let sig = HostSig {
            name: "give".to_owned(),
            results: [vec![Type::BOOL], self.types.clone()].concat(),
            ..HostSig::default()
        };
        let mut elements = std::mem::take(&mut self.elements).into_iter();
        shape.host(crate::host::function(sig, move |_, results, context| {
            let Some(element) = elements.next() else {
                return Ok(());
            };
            results.bool(0, true);
            for (k, value) in element.iter().enumerate() {
                match value.scalar() {
                    Some(Scalar::Bytes(bytes)) => results.bytes(k + 1, context.copy(bytes)?),
                    Some(Scalar::I64(value)) => results.i64(k + 1, value),
                    Some(Scalar::F64(value)) => results.f64(k + 1, value),
                    Some(Scalar::Bool(value)) => results.bool(k + 1, value),
                    None => results.null(k + 1),
                }
            }
            Ok(())
        }));
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

impl Process for Note {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("note");
        shape.input(ElementType::new(self.types.iter().copied()));
        let sig = HostSig {
            name: "note".to_owned(),
            params: self.types.clone(),
            ..HostSig::default()
        };
        let noted = self.noted.clone();
        shape.host(crate::host::function(sig, move |args, _, _| {
            noted.lock().push(args.iter().map(Value::from).collect());
            Ok(())
        }));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[cutthrough_ir::Value]) {
        f.call(0, element);
        f.done();
    }
}

/// What a process gives of these elements, or its error; the same on both engines.
pub(crate) fn through(
    process: impl Fn() -> Box<dyn Process>,
    elements: &[Vec<Value>],
) -> Result<Vec<Vec<Value>>, String> {
    let run = |options| {
        let mut network = Network::new(options);
        let process = network.add_boxed(process()).unwrap();
        let [input, output] = network.ports_of(process);
        let points = [("in", &input), ("out", &output)]
            .map(|(name, element)| network.add_point(name, element.clone()).unwrap());
        let give = Give {
            types: input.fields().to_vec(),
            elements: elements.to_vec(),
        };
        let noted: Arc<Mutex<Vec<Vec<Value>>>> = Arc::default();
        let note = Note {
            types: output.fields().to_vec(),
            noted: noted.clone(),
        };
        let (give, note) = (network.add(give).unwrap(), network.add(note).unwrap());
        network.attach_output(give, 0, points[0]).unwrap();
        network.attach_input(process, 0, points[0]).unwrap();
        network.attach_output(process, 0, points[1]).unwrap();
        network.attach_input(note, 0, points[1]).unwrap();
        let outcome = network.run();
        network.check_conservation().unwrap();
        outcome.map_err(|error| error.message().to_owned())?;
        let noted = std::mem::take(&mut *noted.lock());
        Ok(noted)
    };
    let interpreted: Result<_, String> = run(Options::interpreted());
    // As texts, since NaN is not equal to itself.
    let native = format!("{:?}", run(Options::native()));
    assert_eq!(
        format!("{interpreted:?}"),
        native,
        "interpreted (left) and native"
    );
    interpreted
}
