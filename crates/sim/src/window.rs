//! A process with a timer.

use std::time::Duration;

use cutthrough::{Account, Fragment, HeldRows, Process, Shape};
use cutthrough_ir::{ElementType, HostFunction, HostSig, Op, RowsDecl, SlotDecl, Value};

use crate::procs::is_positive;

/// Keeps elements until so long after the first of them, then gives them.
#[derive(Debug)]
pub struct Window {
    /// What it takes and gives.
    pub element: ElementType,
    /// How long, in milliseconds.
    pub ms: u64,
}

/// The slots: how many elements it keeps, and how many of these it has given. (The same as
/// those of a [`Buffer`](crate::procs::Buffer), so that what holds of the one holds of the
/// other.)
const LENGTH: usize = 0;
const GIVEN: usize = 1;
const KEPT: usize = 0;

impl Window {
    fn set_timer(&self, shape: &mut Shape) -> HostFunction {
        let (timer, ms) = (shape.timer(), self.ms);
        let sig = HostSig {
            name: "set_timer".to_owned(),
            params: Vec::new(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        cutthrough::host::function(sig, move |_, _, context| {
            timer.set(context.now() + Duration::from_millis(ms));
            Ok(())
        })
    }
}

impl Process for Window {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("window");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("length", 0));
        shape.slot(SlotDecl::i64("given", 0));
        let fields = self.element.fields().iter().copied();
        shape.rows(RowsDecl::new("kept", fields, 1 << 20));
        shape.account(Account {
            inputs: vec![0],
            outputs: vec![0],
            rows: vec![HeldRows {
                rows: KEPT,
                given: Some(GIVEN),
            }],
            ..Account::default()
        });
        let set_timer = self.set_timer(shape);
        shape.host(set_timer);
        shape.state_is_declared();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.rows_push(KEPT, element);
        let (length, one) = (f.rows_len(KEPT), f.iconst(1));
        f.slot_set(LENGTH, length);
        let is_first = f.op(Op::Ieq, &[length, one]);
        let (_, later) = f.br_new(is_first);
        f.call(0, &[]);
        f.done();
        f.switch_to(later);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let length = f.slot_get(LENGTH);
        let some = is_positive(f, length);
        let (_, none) = f.br_new(some);
        f.again();
        f.switch_to(none);
        f.done();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (length, given) = (f.slot_get(LENGTH), f.slot_get(GIVEN));
        let is_more = f.op(Op::Ilt, &[given, length]);
        let (_, ended) = f.br_new(is_more);
        let element = f.rows_row(KEPT, given);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[given, one]);
        f.slot_set(GIVEN, next);
        f.emit(0, &element);
        f.again();
        f.switch_to(ended);
        let zero = f.iconst(0);
        f.slot_set(GIVEN, zero);
        f.slot_set(LENGTH, zero);
        f.rows_truncate(KEPT, zero);
        f.done();
    }
}
