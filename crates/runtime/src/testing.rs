//! Processes tried with values, and random input.

use std::sync::Arc;

use cutthrough_ir::{ElementType, HostSig, Kind, Scalar, Type};
use parking_lot::Mutex;

use crate::network::{Network, Options};
use crate::process::{Fragment, Process, Shape};

/// A value of an argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    I64(i64),
    F64(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    Null,
}

impl Value {
    pub(crate) fn as_i64(&self) -> i64 {
        let Value::I64(value) = self else {
            panic!("{self:?} is no integer")
        };
        *value
    }

    pub(crate) fn as_f64(&self) -> f64 {
        let Value::F64(value) = self else {
            panic!("{self:?} is no double")
        };
        *value
    }

    /// Whether it is less than another value of its kind; neither is null.
    pub(crate) fn is_less(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::I64(a), Value::I64(b)) => a < b,
            (Value::F64(a), Value::F64(b)) => a < b,
            (Value::Bool(a), Value::Bool(b)) => a < b,
            (Value::Bytes(a), Value::Bytes(b)) => a < b,
            _ => panic!("{self:?} against {other:?}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Bytes(text.into())
    }
}

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
        outcome.map_err(|error| error.to_string())?;
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

impl Value {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Value::Null => return None,
            Value::I64(value) => Scalar::I64(*value),
            Value::F64(value) => Scalar::F64(*value),
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Bytes(value) => Scalar::Bytes(value),
        })
    }
}

impl From<Option<Scalar<'_>>> for Value {
    fn from(scalar: Option<Scalar<'_>>) -> Value {
        match scalar {
            None => Value::Null,
            Some(Scalar::I64(value)) => Value::I64(value),
            Some(Scalar::F64(value)) => Value::F64(value),
            Some(Scalar::Bool(value)) => Value::Bool(value),
            Some(Scalar::Bytes(value)) => Value::Bytes(value.to_vec()),
        }
    }
}

/// Random numbers from a seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A value of a type, out of about `spread`; null now and then where it may be.
    pub(crate) fn value(&mut self, ty: Type, spread: usize) -> Value {
        if ty.nullable && self.below(4) == 0 {
            return Value::Null;
        }
        let number = self.below(spread) as i64 - spread as i64 / 2;
        match ty.kind {
            Kind::I64 => Value::I64(number * 1_000_003),
            Kind::F64 => Value::F64(number as f64 / 8.0),
            Kind::Bool => Value::Bool(number > 0),
            Kind::Bytes => Value::Bytes(
                "key "
                    .repeat(self.below(4))
                    .into_bytes()
                    .into_iter()
                    .chain(number.to_string().into_bytes())
                    .collect(),
            ),
        }
    }
}
