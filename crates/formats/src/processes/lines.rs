use cutthrough::{Fragment, Network, Process, ProcessId, Shape};
use cutthrough_ir::{HostFunction, Item, Op, SlotDecl, Type, Value};

use super::line_type_of;
use crate::limits::LINE_BYTES_MAX;
use crate::marks::InputName;
use crate::spans::{END_MASK, START_SHIFT, SpansHost};

/// Makes lines of blocks of bytes: `(block)` to `(line, number)`.
///
/// A line that is longer than the bound is dropped as "too long"; it has a number
/// all the same. Lines of each input are numbered from 1: an empty block, as
/// [`Read`](cutthrough::processes::Read) gives it, stands between two inputs.
///
/// The host function is called once for each block and finds all its lines; their
/// spans are then read in place. PERF: 5.6 ns for a line of 15 bytes and 16 ns for one
/// of 109, the copy of the block to a slot and the search for line ends included; with
/// a host call for each line, and no copy, it was 12.6 and 20 ns
/// (`examples/throughput.rs`, November 2026).
#[derive(Debug)]
pub struct Lines {
    host: Option<HostFunction>,
    has_input: bool,
}

/// The slots: the block, the spans of its lines, which of them is the next, and the
/// number of the line before that.
const BLOCK: usize = 0;
const SPANS: usize = 1;
const NEXT: usize = 2;
const NUMBER: usize = 3;
/// What the input is called, where that is wanted.
const INPUT: usize = 4;

const TOO_LONG: usize = 0;

impl Default for Lines {
    fn default() -> Lines {
        Lines::new()
    }
}

impl Lines {
    /// The name of the policy by which too long lines are dropped.
    pub const POLICY: &'static str = "too long";

    /// Lines of at most [`LINE_BYTES_MAX`].
    pub fn new() -> Lines {
        Lines::with_bytes_max(LINE_BYTES_MAX)
    }

    /// Lines of at most this many bytes.
    pub fn with_bytes_max(line_bytes_max: usize) -> Lines {
        Lines::of(SpansHost::new(line_bytes_max), false)
    }

    /// Lines, each with what its input is called, by this, as a third field: a text that may be null.
    pub fn with_input(name: InputName) -> Lines {
        Lines::of(SpansHost::new(LINE_BYTES_MAX).with_input(Some(name)), true)
    }

    fn of(host: SpansHost, has_input: bool) -> Lines {
        Lines {
            host: Some(HostFunction::new(host.sig(), host)),
            has_input,
        }
    }

    /// How many lines of the present input a process has given, between two grants.
    pub fn line(network: &Network, process: ProcessId) -> Option<i64> {
        Some(network.slots(process).ok()?[NUMBER].i64(0))
    }

    /// Calls the host function.
    fn find(&self, f: &mut Fragment<'_>, op: i64, block: Value) -> [Value; 5] {
        let op = f.iconst(op);
        let results = f.call(0, &[op, block]);
        if self.has_input {
            f.slot_set(INPUT, results[5]);
        }
        results[..5].try_into().expect("INVARIANT: five are asked for")
    }

    /// Gives a line with its number.
    fn give(&self, f: &mut Fragment<'_>, line: Value, number: Value) {
        let input = self.has_input.then(|| f.slot_get(INPUT));
        let element: Vec<Value> = [line, number].into_iter().chain(input).collect();
        f.emit(0, &element);
    }

    /// Keeps where the lines of a block lie.
    fn keep(f: &mut Fragment<'_>, block: Value, spans: Value, number: Value) {
        f.slot_set(BLOCK, block);
        f.slot_set(SPANS, spans);
        let zero = f.iconst(0);
        f.slot_set(NEXT, zero);
        f.slot_set(NUMBER, number);
    }
}

impl Process for Lines {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("lines");
        shape.input(Type::BYTES);
        shape.output(line_type_of(self.has_input));
        shape.slot(SlotDecl::zero("block", Type::BYTES));
        shape.slot(SlotDecl::zero("spans", Type::BYTES));
        shape.slot(SlotDecl::i64("next", 0));
        shape.slot(SlotDecl::i64("number", 0));
        if self.has_input {
            shape.slot(SlotDecl::zero("input", Type::BYTES.or_null()));
        }
        shape.drop_policy(Lines::POLICY);
        shape.host_once(&mut self.host);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let [is_carried, carried, is_too_long, number, spans] = self.find(f, SpansHost::BLOCK, element[0]);
        Lines::keep(f, element[0], spans, number);
        let (_, none) = f.br_new(is_carried);
        let (_, fits) = f.br_new(is_too_long);
        f.drop(TOO_LONG);
        f.again();
        f.switch_to(fits);
        self.give(f, carried, number);
        f.again();
        f.switch_to(none);
        f.again();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let nothing = f.zero(Type::BYTES);
        let [_, rest, _, number, spans] = self.find(f, SpansHost::END, nothing);
        Lines::keep(f, rest, spans, number);
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (spans, next) = (f.slot_get(SPANS), f.slot_get(NEXT));
        let (span, none) = f.get(Item::I64, spans, next);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[next, one]);
        f.slot_set(NEXT, next);
        let number = f.slot_get(NUMBER);
        let number = f.op(Op::Iadd, &[number, one]);
        f.slot_set(NUMBER, number);
        let zero = f.iconst(0);
        let is_too_long = f.op(Op::Ilt, &[span, zero]);
        let (_, fits) = f.br_new(is_too_long);
        f.drop(TOO_LONG);
        f.again();

        f.switch_to(fits);
        let block = f.slot_get(BLOCK);
        let (shift, mask) = (f.iconst(START_SHIFT), f.iconst(END_MASK));
        let (start, end) = (f.op(Op::Iushr, &[span, shift]), f.op(Op::Iand, &[span, mask]));
        let line = f.op(Op::Sslice, &[block, start, end]);
        self.give(f, line, number);
        f.again();

        f.switch_to(none);
        f.done();
    }
}
