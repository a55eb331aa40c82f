//! What host functions and elements say wrongly about their types fails the process: no
//! number is ever taken for an address.
#![forbid(unsafe_code)]

mod common;

use common::on_both_engines;
use cutthrough::expr::FieldExprs;
use cutthrough::host::function;
use cutthrough::ir::{ElementType, HostFunction, HostSig, LentColumn, Type, Value};
use cutthrough::processes::{Collect, FilterFn, Iter, MapFn, Slice};
use cutthrough::{Element, FieldReader, FieldWriter, Fields, FlowPoint, Fragment, Network, Process, Shape};

/// The least number whose byte would be read, were it an address: nothing is there.
const NO_ADDRESS: i64 = 1 << 20;

/// A process that calls a host function with each element and gives its results.
struct Calls(Option<HostFunction>);

impl Calls {
    fn of(param: Type, result: Type, call: impl FnOnce(HostSig) -> HostFunction) -> Calls {
        Calls(Some(call(HostSig {
            name: "work".to_owned(),
            params: vec![param],
            results: vec![result],
            rows: Vec::new(),
        })))
    }
}

impl Process for Calls {
    fn declare(&mut self, shape: &mut Shape) {
        let sig = self.0.as_ref().expect("declared once").sig();
        shape.name("calls");
        shape.input(ElementType::new(sig.params.iter().copied()));
        shape.output(ElementType::new(sig.results.iter().copied()));
        shape.host_once(&mut self.0);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let results = f.call(0, element);
        f.emit(0, &results);
        f.done();
    }
}

/// Runs a network of a thousand numbers, which are addresses of nothing; the error.
fn error_of<T: Element>(mut network: Network, pipe: impl Process + 'static) -> String {
    let numbers = (NO_ADDRESS..NO_ADDRESS + 1000).collect::<Vec<i64>>();
    let numbers = network.source::<i64>(Slice::i64(numbers)).unwrap();
    let out: FlowPoint<T> = network.pipe(numbers, pipe).unwrap();
    network.sink(out, Collect::<T>::new()).unwrap();
    network.run().unwrap_err().to_string()
}

#[test]
fn an_argument_is_read_as_what_it_is() {
    on_both_engines(|network| {
        let calls = Calls::of(Type::I64, Type::I64, |sig| {
            function(sig, |args, _, _| {
                std::hint::black_box(args.bytes(0).to_vec());
                Ok(())
            })
        });
        let error = error_of::<i64>(network, calls);
        assert!(error.contains("value 0 is i64, and was used as bytes"), "{error}");
    });
}

#[test]
fn a_result_is_set_to_what_it_is() {
    on_both_engines(|network| {
        let calls = Calls::of(Type::I64, Type::BYTES, |sig| {
            function(sig, |args, results, _| {
                results.i64(0, args.i64(0));
                results.i64(1, 8);
                Ok(())
            })
        });
        let error = error_of::<Vec<u8>>(network, calls);
        assert!(error.contains("value 0 is bytes, and was used as i64"), "{error}");
    });
}

/// Says one thing about its fields, and does another.
struct Liar<const HOW: usize>;

const READS_BYTES: usize = 0;
const WRITES_NUMBERS: usize = 1;
const READS_LESS: usize = 2;
const WRITES_LESS: usize = 3;
const READS_MORE: usize = 4;

impl<const HOW: usize> Element for Liar<HOW> {
    type Expr = ();
    type View<'a> = ();
    const FIELDS: usize = 1;

    fn expr(_fields: &mut FieldExprs<'_>) {}

    fn view(_fields: Fields<'_>) {}

    fn lend<'x>(_items: impl Iterator<Item = &'x Self>, _field: usize, _column: &mut LentColumn<'_, '_, 'x>) {
    }

    fn fields() -> Vec<Type> {
        match HOW {
            READS_BYTES | READS_LESS | READS_MORE => vec![Type::I64],
            _ => vec![Type::BYTES],
        }
    }

    fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
        match HOW {
            READS_BYTES => drop(std::hint::black_box(fields.bytes().to_vec())),
            READS_LESS => {}
            _ => {
                fields.i64();
                fields.i64();
            }
        }
        Ok(Liar)
    }

    fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
        if HOW == WRITES_NUMBERS {
            fields.i64(NO_ADDRESS);
            fields.i64(8);
        }
        Ok(())
    }
}

#[test]
fn an_element_is_read_by_the_types_of_its_flow() {
    on_both_engines(|network| {
        let error = error_of::<i64>(network, MapFn::new(|_: Liar<READS_BYTES>| 0_i64));
        assert!(error.contains("value 0 is i64, and was used as bytes"), "{error}");
    });
    on_both_engines(|network| {
        let error = error_of::<i64>(network, FilterFn::new(|_: Liar<READS_LESS>| true));
        assert!(error.contains("reads 0 of the 1 fields"), "{error}");
    });
    on_both_engines(|network| {
        let error = error_of::<i64>(network, MapFn::new(|_: Liar<READS_MORE>| 0_i64));
        assert!(error.contains("there is no value 1, but 1 in all"), "{error}");
    });
}

#[test]
fn an_element_is_written_by_the_types_of_its_flow() {
    on_both_engines(|network| {
        let error = error_of::<Vec<u8>>(network, MapFn::new(|_: i64| Liar::<WRITES_NUMBERS>));
        assert!(error.contains("value 0 is bytes, and was used as i64"), "{error}");
    });
    on_both_engines(|network| {
        let error = error_of::<Vec<u8>>(network, MapFn::new(|_: i64| Liar::<WRITES_LESS>));
        assert!(error.contains("writes 0 of the 1 fields"), "{error}");
    });
}

#[test]
fn text_is_utf_8_or_the_process_fails() {
    on_both_engines(|mut network| {
        let lines = (0..1000).map(|_| b"caf\xe9".to_vec()).collect::<Vec<_>>();
        let lines = network.source::<Vec<u8>>(Iter::new(lines)).unwrap();
        // Any text is bytes, but not the other way round.
        let passed: FlowPoint<String> = network.pipe(lines, MapFn::new(|line: String| line)).unwrap();
        let collect = Collect::<Vec<u8>>::new();
        let collected = collect.collected();
        network.sink(passed, collect).unwrap();
        let error = network.run().unwrap_err().to_string();
        assert!(error.contains("4 bytes is not UTF-8 from byte 3 on"), "{error}");
        assert_eq!(collected.take(), Vec::<Vec<u8>>::new());
    });
}
