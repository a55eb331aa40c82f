use bytes::Bytes;

use super::{Rows, RowsArg};
use crate::block::ElementBlock;
use crate::memory::Scalar;
use crate::program::RowsDecl;
use crate::types::{ElementType, Type};

const TYPES: [Type; 3] = [Type::I64, Type::BYTES, Type::F64.or_null()];

fn rows(bytes_max: usize) -> Rows {
    Rows::new(RowsDecl::new("test", TYPES, bytes_max))
}

fn push(rows: &mut Rows, number: i64, text: &[u8]) -> Result<usize, String> {
    let mut row = ElementBlock::new(ElementType::new(TYPES));
    row.push_values(&[Some(Scalar::I64(number)), Some(Scalar::Bytes(text)), None]);
    rows.push(row.get(0))
}

#[test]
fn rows_keep_what_is_pushed() {
    let mut rows = rows(1 << 20);
    for k in 0..1000 {
        assert_eq!(push(&mut rows, k, format!("text {k}").as_bytes()), Ok(k as usize));
    }
    for k in 0..1000 {
        assert_eq!(rows.value(0, k), Some(Scalar::I64(k as i64)));
        assert_eq!(
            rows.value(1, k),
            Some(Scalar::Bytes(format!("text {k}").as_bytes()))
        );
        assert_eq!(rows.value(2, k), None);
    }
    assert_eq!(rows.value(0, 1000), None);
    rows.truncate(2);
    assert_eq!((rows.len(), rows.value(0, 1)), (2, Some(Scalar::I64(1))));
    assert_eq!(rows.value(0, 2), None);
}

#[test]
fn the_bound_is_kept() {
    let mut rows = rows(1000);
    let pushed = (0..1000)
        .take_while(|_| push(&mut rows, 1, b"0123456789").is_ok())
        .count();
    // 40 bytes of words and 10 of text each.
    assert_eq!((pushed, rows.len(), rows.bytes()), (20, 20, 1000));
    let error = push(&mut rows, 1, b"").expect_err("it is full");
    assert!(error.contains("bytes_max = 1000"), "{error}");
    rows.truncate(0);
    assert_eq!(rows.bytes(), 0);
    assert_eq!(push(&mut rows, 1, b"x"), Ok(0));
}

#[test]
fn bytes_of_a_shared_slab_are_not_copied() {
    let mut rows = rows(1 << 20);
    let slab = Bytes::from_static(b"one,two");
    let mut arg = RowsArg::new(&mut rows, true);
    let mut append = arg.write().append(3, Some(slab.clone())).unwrap();
    let [numbers, texts, doubles] = append.columns() else {
        panic!("there are three columns")
    };
    numbers.i64(0, 7);
    texts.bytes(0, &slab[4..]);
    texts.bytes(1, b"elsewhere");
    doubles.f64(1, 0.5);
    append.finish(2);
    assert_eq!(rows.len(), 2);
    let Some(Scalar::Bytes(two)) = rows.value(1, 0) else {
        panic!("there is a text")
    };
    assert_eq!(two, b"two");
    assert_eq!(two.as_ptr(), slab[4..].as_ptr());
    assert_eq!(rows.value(1, 1), Some(Scalar::Bytes(b"elsewhere")));
    assert_eq!((rows.value(0, 1), rows.value(2, 0)), (Some(Scalar::I64(0)), None));
    assert_eq!(rows.value(2, 1), Some(Scalar::F64(0.5)));
}

#[test]
fn rows_that_were_not_filled_are_zero_however_the_memory_was_used() {
    let mut rows = rows(1 << 20);
    for k in 0..100 {
        push(&mut rows, k, b"stale").unwrap();
    }
    rows.truncate(0);
    RowsArg::new(&mut rows, true)
        .write()
        .append(50, None)
        .unwrap()
        .finish(50);
    for k in 0..50 {
        assert_eq!(rows.value(0, k), Some(Scalar::I64(0)));
        assert_eq!(rows.value(1, k), Some(Scalar::Bytes(b"")));
    }
}

#[test]
#[should_panic(expected = "the column is of bytes")]
fn a_column_takes_its_own_type_only() {
    let mut rows = rows(1 << 20);
    let mut arg = RowsArg::new(&mut rows, true);
    arg.write().append(1, None).unwrap().columns()[1].i64(0, 1);
}
