use std::marker::PhantomData;
use std::sync::Arc;

use cutthrough_ir::{
    ElementType, HostContext, HostFunction, HostSig, Kernel, Op, Results, RowsArg, RowsDecl, RowsParam,
    SlotDecl, Type, Value, Words,
};

use crate::element::Element;
use crate::limits::{LENT_ROWS, LENT_ROWS_BYTES_MAX};
use crate::process::{Fragment, Process, Shape};

/// Gives the elements of a slice of structs, which it lends: of a block of them, the fields
/// that are needed are put into columns by one call, and no others are looked at. Nothing is
/// allocated for an element.
///
/// ```
/// use cutthrough::processes::Lent;
///
/// let events = Lent::new(vec![(1_i64, "one".to_owned()), (2, "two".to_owned())]);
/// ```
#[derive(Debug)]
pub struct Lent<T> {
    output: ElementType,
    kernel: Option<HostFunction>,
    element: PhantomData<fn() -> T>,
}

/// The row buffer: elements from number `BASE` on, of which `NEXT` is the next to be given,
/// with the fields that `FILLED` has as bits, and the rest of what may be needed as zero.
const ROWS: usize = 0;
const BASE: usize = 0;
const NEXT: usize = 1;
const FILLED: usize = 2;

impl<T: Element> Lent<T> {
    /// Gives what lies in `items`: a vector, an `Arc` of a slice, a static slice.
    pub fn new(items: impl AsRef<[T]> + Send + Sync + 'static) -> Lent<T> {
        let sig = HostSig {
            name: "lend".to_owned(),
            params: vec![Type::I64, Type::I64],
            results: Vec::new(),
            rows: vec![RowsParam {
                columns: T::fields(),
                writes: true,
            }],
        };
        let kernel = LendKernel {
            items: Arc::new(items),
            element: PhantomData::<fn() -> T>,
        };
        Lent {
            output: T::element_type(),
            kernel: Some(HostFunction::kernel(sig, kernel)),
            element: PhantomData,
        }
    }

    /// Has the rows filled with what is needed, from an element on.
    fn fill(f: &mut Fragment<'_>, first: Value) {
        let needs = f.needs(0);
        f.call_with_rows(0, &[first, needs], &[ROWS]);
        f.slot_set(BASE, first);
        f.slot_set(FILLED, needs);
        let zero = f.iconst(0);
        f.slot_set(NEXT, zero);
    }
}

impl<T: Element> Process for Lent<T> {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("slice");
        shape.output(self.output.clone());
        for name in ["base", "next", "filled"] {
            shape.slot(SlotDecl::i64(name, 0));
        }
        let columns = self.output.fields().iter().copied();
        shape.rows(RowsDecl::new("lent", columns, LENT_ROWS_BYTES_MAX));
        shape.host_once(&mut self.kernel);
        // The rows are a copy of what lies in the slice, which does not change.
        shape.state_is_declared();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (next, len) = (f.slot_get(NEXT), f.rows_len(ROWS));
        let is_row = f.op(Op::Ilt, &[next, len]);
        let (_, given) = f.br_new(is_row);
        fill_again::<T>(f, next);
        let element = f.rows_row(ROWS, next);
        let one = f.iconst(1);
        let after = f.op(Op::Iadd, &[next, one]);
        f.slot_set(NEXT, after);
        f.emit(0, &element);
        f.again();

        f.switch_to(given);
        let base = f.slot_get(BASE);
        let first = f.op(Op::Iadd, &[base, next]);
        Lent::<T>::fill(f, first);
        let (len, zero) = (f.rows_len(ROWS), f.iconst(0));
        let is_more = f.op(Op::Igt, &[len, zero]);
        let (_, ended) = f.br_new(is_more);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}

/// Where fields are needed that the rows do not have, has them filled anew; else goes on.
fn fill_again<T: Element>(f: &mut Fragment<'_>, next: Value) {
    let (needs, filled) = (f.needs(0), f.slot_get(FILLED));
    let others = f.op(Op::Inot, &[filled]);
    let missing = f.op(Op::Iand, &[needs, others]);
    let zero = f.iconst(0);
    let is_missing = f.op(Op::Ine, &[missing, zero]);
    let (_, complete) = f.br_new(is_missing);
    let base = f.slot_get(BASE);
    let first = f.op(Op::Iadd, &[base, next]);
    Lent::<T>::fill(f, first);
    f.again();
    f.switch_to(complete);
}

/// Puts fields of elements into columns:
///
/// ```text
/// (first: i64, needs: i64), rows -> ()
/// ```
///
/// The rows are those of the elements from `first` on. Bit k of `needs` is for the fields k,
/// k + 64 and so on.
struct LendKernel<D, T> {
    items: Arc<D>,
    element: PhantomData<fn() -> T>,
}

impl<D: AsRef<[T]> + Send + Sync + 'static, T: Element> Kernel for LendKernel<D, T> {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        _results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let [rows] = rows else {
            unreachable!("INVARIANT: as the signature says")
        };
        let (first, needs) = (args.i64(0), args.i64(1));
        let len = self.items.as_ref().as_ref().len();
        let first = usize::try_from(first).unwrap_or(usize::MAX).min(len);
        let block = first..len.min(first + LENT_ROWS);
        let rows = rows.write();
        rows.clear();
        rows.append_lent(block.len(), &self.items, |items, field, column| {
            if needs >> (field % 64) & 1 != 0 {
                T::lend(items.as_ref()[block.clone()].iter(), field, column);
            }
        })?;
        Ok(())
    }
}
