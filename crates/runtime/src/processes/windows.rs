use std::time::Duration;

use cutthrough_ir::{
    ElementType, HostContext, HostFunction, HostSig, Kernel, Op, Results, Rows, RowsArg, RowsDecl, RowsParam,
    Scalar, SlotDecl, Type, Value, Words,
};

use crate::process::{Account, Fragment, HeldRows, Process, Shape};

/// Windows of event time.
#[derive(Clone, Debug)]
pub struct WindowsSpec {
    /// The type of the time, in nanoseconds: `i64`, or nullable.
    pub time: Type,
    /// The types of the other fields.
    pub fields: Vec<Type>,
    /// How long a window is; windows begin at its multiples. Above zero.
    pub length: Duration,
    /// By how much an element may come later than the latest one before it.
    pub lateness: Duration,
    /// How many bytes the elements of windows may take that are not over.
    pub bytes_max: usize,
}

/// Holds elements back until their window of event time is over, and gives them window by window, the earliest first.
///
/// A window is over when an element has come whose time is at least its end and the lateness, or when the flow has ended.
/// An element of a window that is over, or one without a time, is dropped as `late`.
///
/// An input element has the time first. An output element has when its window begins, whether it is the last of it, and
/// the other fields. Elements of one window stay in the order in which they came.
#[derive(Debug)]
pub struct Windows {
    spec: WindowsSpec,
}

/// The row buffer: when the window begins, and the fields.
const HELD: usize = 0;
const RELEASE: usize = 0;
/// Of the rows, how many have been given, and how many may be.
const GIVEN: usize = 0;
const RELEASED: usize = 1;
/// The latest time so far, less the lateness.
const WATERMARK: usize = 2;
/// When the first window ends that is not over; [`i64::MAX`] if there is none.
const NEXT_END: usize = 3;
const ENDED: usize = 4;

impl Windows {
    /// Windows as `spec` says.
    ///
    /// # Panics
    /// When a window has no length.
    pub fn new(spec: WindowsSpec) -> Windows {
        assert!(spec.length > Duration::ZERO, "a window has a length");
        Windows { spec }
    }

    fn length(&self) -> i64 {
        nanos(self.spec.length)
    }

    /// Gives a row that has been released, and says whether the next one is of another window.
    fn give(&self, f: &mut Fragment<'_>, row: Value, released: Value) {
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[row, one]);
        let mut element = f.rows_row(HELD, row);
        let is_more = f.op(Op::Ilt, &[next, released]);
        let join = f.block(&[Type::BOOL]);
        let (_, last) = f.br_new(is_more);
        let window = f.rows_get(HELD, 0, next);
        let is_other = f.op(Op::Ine, &[window, element[0]]);
        f.jump(join, &[is_other]);
        f.switch_to(last);
        let yes = f.bconst(true);
        f.jump(join, &[yes]);
        f.switch_to(join);
        let is_last = f.block_params(join)[0];
        f.slot_set(GIVEN, next);
        element.insert(1, is_last);
        f.emit(0, &element);
        f.again();
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The lesser, or the greater.
fn choose(f: &mut Fragment<'_>, op: Op, a: Value, b: Value) -> Value {
    let is_a = f.op(op, &[a, b]);
    f.op(Op::Select, &[is_a, a, b])
}

/// The remainder of a division towards negative infinity.
fn floor_modulo(f: &mut Fragment<'_>, value: Value, length: Value) -> Value {
    let zero = f.iconst(0);
    let rest = f.op(Op::Irem, &[value, length]);
    let is_below = f.op(Op::Ilt, &[rest, zero]);
    let above = f.op(Op::Iadd, &[rest, length]);
    f.op(Op::Select, &[is_below, above, rest])
}

impl Process for Windows {
    fn declare(&mut self, shape: &mut Shape) {
        let spec = &self.spec;
        shape.name("windows");
        let fields = spec.fields.iter().copied();
        let input = shape.input(ElementType::new([spec.time].into_iter().chain(fields.clone())));
        shape.output(ElementType::new(
            [Type::I64, Type::BOOL].into_iter().chain(fields.clone()),
        ));
        shape.slot(SlotDecl::i64("given", 0));
        shape.slot(SlotDecl::i64("released", 0));
        shape.slot(SlotDecl::i64("watermark", i64::MIN));
        shape.slot(SlotDecl::i64("next end", i64::MAX));
        shape.slot(SlotDecl::zero("ended", Type::BOOL));
        let columns: Vec<Type> = [Type::I64].into_iter().chain(fields).collect();
        shape.rows(RowsDecl::new("held", columns.iter().copied(), spec.bytes_max));
        shape.host(release(columns, self.length()));
        let late = shape.drop_policy("late");
        shape.state_is_declared();
        shape.account(Account {
            inputs: vec![input],
            outputs: vec![0],
            drops: vec![late],
            rows: vec![HeldRows {
                rows: HELD,
                given: Some(GIVEN),
            }],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mut time = element[0];
        let mut absent = None;
        if f.ty(time).nullable {
            let is_there = f.op(Op::IsSome, &[time]);
            absent = Some(f.br_new(is_there).1);
            time = f.op(Op::Payload, &[time]);
        }
        let (length, lateness) = (f.iconst(self.length()), f.iconst(nanos(self.spec.lateness)));
        let rest = floor_modulo(f, time, length);
        let window = f.op(Op::Isub, &[time, rest]);
        let end = f.op(Op::Iadd, &[window, length]);
        let watermark = f.slot_get(WATERMARK);
        let is_open = f.op(Op::Igt, &[end, watermark]);
        let (_, late) = f.br_new(is_open);
        let reached = f.op(Op::Isub, &[time, lateness]);
        // Before the first time that there is, nothing was reached.
        let (least, is_wrapped) = (f.iconst(i64::MIN), f.op(Op::Igt, &[reached, time]));
        let reached = f.op(Op::Select, &[is_wrapped, least, reached]);
        let watermark = choose(f, Op::Igt, watermark, reached);
        f.slot_set(WATERMARK, watermark);
        let next_end = f.slot_get(NEXT_END);
        let next_end = choose(f, Op::Ilt, next_end, end);
        f.slot_set(NEXT_END, next_end);
        f.rows_push(HELD, &[&[window], &element[1..]].concat());
        let is_over = f.op(Op::Ile, &[next_end, watermark]);
        let (_, waits) = f.br_new(is_over);
        f.again();
        f.switch_to(waits);
        f.done();
        for block in [Some(late), absent].into_iter().flatten() {
            f.switch_to(block);
            f.drop(0);
            f.done();
        }
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let (never, yes) = (f.iconst(i64::MAX), f.bconst(true));
        f.slot_set(WATERMARK, never);
        f.slot_set(ENDED, yes);
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (row, released) = (f.slot_get(GIVEN), f.slot_get(RELEASED));
        let is_row = f.op(Op::Ilt, &[row, released]);
        let (_, given) = f.br_new(is_row);
        self.give(f, row, released);
        f.switch_to(given);
        let watermark = f.slot_get(WATERMARK);
        let found = f.call_with_rows(RELEASE, &[row, watermark], &[HELD]);
        let zero = f.iconst(0);
        f.slot_set(GIVEN, zero);
        f.slot_set(RELEASED, found[0]);
        f.slot_set(NEXT_END, found[1]);
        let is_more = f.op(Op::Igt, &[found[0], zero]);
        let (_, none) = f.br_new(is_more);
        f.again();
        f.switch_to(none);
        let ended = f.slot_get(ENDED);
        let (_, goes_on) = f.br_new(ended);
        f.finish();
        f.switch_to(goes_on);
        f.done();
    }
}

/// Lets the rows go that have been given, and puts those first whose windows are over, window by window:
/// `(rows given, watermark) -> (rows released, end of the first window that is not over)`.
fn release(columns: Vec<Type>, length: i64) -> HostFunction {
    let sig = HostSig {
        name: "release".to_owned(),
        params: vec![Type::I64; 2],
        results: vec![Type::I64; 2],
        rows: vec![RowsParam {
            columns,
            writes: true,
        }],
    };
    HostFunction::kernel(sig, Release { length })
}

struct Release {
    length: i64,
}

impl Kernel for Release {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let given = u32::try_from(args.i64(0)).expect("INVARIANT: the number of a row");
        let watermark = args.i64(1);
        let rows = rows[0].write();
        let end_of = |row: u32| window_of(rows, row).saturating_add(self.length);
        let is_over = |row: &u32| end_of(*row) <= watermark;
        let (mut order, open): (Vec<u32>, Vec<u32>) = (given..rows.len() as u32).partition(is_over);
        let next_end = open.iter().map(|&row| end_of(row)).min();
        // Stable: those of one window stay as they came.
        order.sort_by_key(|&row| window_of(rows, row));
        results.i64(0, order.len() as i64);
        results.i64(1, next_end.unwrap_or(i64::MAX));
        if given > 0 || !order.is_empty() {
            order.extend(open);
            rows.keep(&order);
        }
        Ok(())
    }
}

fn window_of(rows: &Rows, row: u32) -> i64 {
    match rows.value(0, row as usize) {
        Some(Scalar::I64(window)) => window,
        _ => unreachable!("INVARIANT: a column of i64"),
    }
}
