//! Row buffers of processes: filled by kernels, read and set by fragments.

mod common;

use common::on_both_engines;
use cutthrough::ir::{
    ElementType, HostContext, HostFunction, HostSig, Kernel, Op, Results, RowsArg, RowsDecl, RowsParam,
    SlotDecl, Type, Value, Words,
};
use cutthrough::processes::{Collect, Iter, Map, MapFn};
use cutthrough::{ErrorKind, Fragment, Network, Process, Shape};

const COLUMNS: [Type; 3] = [Type::BYTES, Type::I64, Type::I64.or_null()];

/// Takes texts apart at commas, a whole text with one call, and gives the pieces one by one:
/// each with its number, and its value if it is one.
struct Split {
    bytes_max: usize,
}

struct SplitKernel;

impl Kernel for SplitKernel {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        _: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        let text = args.bytes(0);
        let rows = rows[0].write();
        rows.clear();
        let pieces = text.split(|&byte| byte == b',');
        let mut append = rows.append(pieces.clone().count(), context.slab_of(text))?;
        let [texts, numbers, values] = append.columns() else {
            return Err("split has three columns".to_owned());
        };
        let mut count = 0;
        for (row, piece) in pieces.enumerate() {
            texts.bytes(row, piece);
            numbers.i64(row, row as i64);
            if let Some(value) = std::str::from_utf8(piece).ok().and_then(|text| text.parse().ok()) {
                values.i64(row, value);
            }
            count = row + 1;
        }
        append.finish(count);
        Ok(())
    }
}

impl Process for Split {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("split");
        shape.input(Type::BYTES);
        shape.output(ElementType::new(COLUMNS));
        shape.slot(SlotDecl::i64("next", 0));
        shape.rows(RowsDecl::new("pieces", COLUMNS, self.bytes_max));
        let sig = HostSig {
            name: "split".to_owned(),
            params: vec![Type::BYTES],
            results: vec![],
            rows: vec![RowsParam {
                columns: COLUMNS.to_vec(),
                writes: true,
            }],
        };
        shape.host(HostFunction::kernel(sig, SplitKernel));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.call_with_rows(0, element, &[0]);
        let zero = f.iconst(0);
        f.slot_set(0, zero);
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let row = f.slot_get(0);
        let piece = f.rows_row(0, row);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[row, one]);
        f.slot_set(0, next);
        let len = f.rows_len(0);
        let is_last = f.op(Op::Ige, &[next, len]);
        let (_, more) = f.br_new(is_last);
        f.emit(0, &piece);
        f.done();
        f.switch_to(more);
        f.emit(0, &piece);
        f.again();
    }
}

fn text(k: i64) -> Vec<u8> {
    (0..=k % 7)
        .map(|piece| format!("{},x{k}", k * piece))
        .collect::<Vec<_>>()
        .join(",")
        .into_bytes()
}

#[test]
fn a_kernel_fills_rows_that_are_given_one_by_one() {
    on_both_engines(|mut network| {
        let texts = network
            .source::<Vec<u8>>(Iter::new((0..20_000i64).map(text)))
            .unwrap();
        let pieces = network
            .pipe::<Vec<u8>, (Vec<u8>, i64, Option<i64>)>(texts, Split { bytes_max: 1 << 20 })
            .unwrap();
        let collect = Collect::<(Vec<u8>, i64, Option<i64>)>::new();
        let collected = collect.collected();
        network.sink(pieces, collect).unwrap();
        network.run().unwrap();
        let expected = (0..20_000).flat_map(|k| {
            let text = text(k);
            let pieces: Vec<Vec<u8>> = text.split(|&byte| byte == b',').map(<[u8]>::to_vec).collect();
            pieces.into_iter().enumerate().map(|(number, piece)| {
                let value = std::str::from_utf8(&piece).unwrap().parse().ok();
                (piece, number as i64, value)
            })
        });
        assert!(collected.take().into_iter().eq(expected));
        network.check_conservation().unwrap();
    });
}

#[test]
fn rows_at_their_bound_fail_the_process_with_a_message() {
    on_both_engines(|mut network| {
        let texts = network
            .source::<Vec<u8>>(Iter::new((0..20_000i64).map(|k| vec![b','; k as usize])))
            .unwrap();
        let pieces = network
            .pipe::<Vec<u8>, (Vec<u8>, i64, Option<i64>)>(texts, Split { bytes_max: 100_000 })
            .unwrap();
        network
            .sink(pieces, Collect::<(Vec<u8>, i64, Option<i64>)>::new())
            .unwrap();
        let error = network.run().expect_err("the rows are too many");
        assert_eq!(error.kind(), ErrorKind::Failed);
        let message = error.to_string();
        assert!(
            message.contains("`pieces`") && message.contains("bytes_max = 100000"),
            "{message}"
        );
    });
}

/// Keeps the last elements, and gives each one that many later, with how often it has been
/// here: a ring of rows that fragments push, set and read.
struct Delay {
    elements: i64,
}

impl Process for Delay {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("delay");
        shape.input(Type::BYTES);
        shape.output([Type::BYTES, Type::I64]);
        shape.slot(SlotDecl::i64("next", 0));
        shape.rows(RowsDecl::new("ring", [Type::BYTES, Type::I64], 1 << 20));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let (len, elements) = (f.rows_len(0), f.iconst(self.elements));
        let is_full = f.op(Op::Ige, &[len, elements]);
        let (_, not_full) = f.br_new(is_full);
        let next = f.slot_get(0);
        let row = f.op(Op::Irem, &[next, elements]);
        let (old, times) = (f.rows_get(0, 0, row), f.rows_get(0, 1, row));
        let one = f.iconst(1);
        let more = f.op(Op::Iadd, &[times, one]);
        f.rows_set(0, 0, row, element[0]);
        f.rows_set(0, 1, row, more);
        let next = f.op(Op::Iadd, &[next, one]);
        f.slot_set(0, next);
        f.emit(0, &[old, times]);
        f.done();
        f.switch_to(not_full);
        let one = f.iconst(1);
        f.rows_push(0, &[element[0], one]);
        f.done();
    }
}

#[test]
fn fragments_push_set_and_read_rows() {
    on_both_engines(|mut network| {
        let numbers = network.source::<i64>(Iter::new(0..20_000i64)).unwrap();
        let shifted = network
            .pipe::<i64, i64>(
                numbers,
                Map::new(Type::I64, Type::I64, |f, x| {
                    let one = f.iconst(1);
                    vec![f.op(Op::Iadd, &[x[0], one])]
                }),
            )
            .unwrap();
        let texts = network
            .pipe::<i64, Vec<u8>>(
                shifted,
                MapFn::new(|number: i64| format!("n{number}").into_bytes()),
            )
            .unwrap();
        let delayed = network
            .pipe::<Vec<u8>, (Vec<u8>, i64)>(texts, Delay { elements: 100 })
            .unwrap();
        let collect = Collect::<(Vec<u8>, i64)>::new();
        let collected = collect.collected();
        network.sink(delayed, collect).unwrap();
        network.run().unwrap();
        let expected = (0..19_900).map(|k: i64| (format!("n{}", k + 1).into_bytes(), k / 100 + 1));
        assert!(collected.take().into_iter().eq(expected));
    });
}

#[test]
fn a_kernel_that_panics_fails_its_process_alone() {
    let kernel =
        |_: Words<'_>, _: &mut [RowsArg<'_>], _: &mut Results<'_>, _: &HostContext| -> Result<(), String> {
            panic!("of its own")
        };
    struct Fails(Option<HostFunction>);
    impl Process for Fails {
        fn declare(&mut self, shape: &mut Shape) {
            shape.name("fails");
            shape.input(Type::I64);
            shape.rows(RowsDecl::new("rows", [Type::I64], 1 << 10));
            shape.host_once(&mut self.0);
        }

        fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, _element: &[Value]) {
            f.call_with_rows(0, &[], &[0]);
            f.done();
        }
    }
    let sig = HostSig {
        name: "kernel".to_owned(),
        rows: vec![RowsParam {
            columns: vec![Type::I64],
            writes: true,
        }],
        ..HostSig::default()
    };
    let mut network = Network::default();
    let numbers = network.source::<i64>(Iter::new(0..10i64)).unwrap();
    network
        .sink(numbers, Fails(Some(HostFunction::kernel(sig, kernel))))
        .unwrap();
    let error = network.run().expect_err("the kernel panics");
    assert!(error.to_string().contains("of its own"), "{error}");
}
