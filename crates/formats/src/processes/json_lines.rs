use cutthrough::{Fragment, Network, Process, ProcessId, Shape};
use cutthrough_ir::{
    Block, ElementType, Host, HostContext, HostFunction, HostSig, Op, Results, SlotDecl, Type, Value, Words,
};

use crate::json::Framing;

/// Makes blocks of JSON in which each value is one line, however it comes: one a line already, over several lines,
/// or as the items of an array. How an input begins tells which. What comes one a line is left as it is.
#[derive(Debug)]
pub struct JsonLines {
    host: Option<HostFunction>,
    /// Where its input is at, at first.
    at: Framing,
}

/// The slots: where the input is at, as two words; whether the end of an input is still to be given; and what is to be
/// given at the end of all, if there is something.
const AT: usize = 0;
const OBJECTS: usize = 1;
const END_LEFT: usize = 2;
const LAST_LEFT: usize = 3;
const LAST: usize = 4;

/// What becomes of a block.
#[derive(Clone, Copy, Debug)]
enum Gives {
    /// Lines.
    Lines,
    /// Nothing.
    Nothing,
    /// The end of the input.
    End,
    /// Lines, and the end of the input.
    LinesAndEnd,
}

impl Default for JsonLines {
    fn default() -> JsonLines {
        JsonLines::new()
    }
}

impl JsonLines {
    /// Makes lines of values.
    pub fn new() -> JsonLines {
        let sig = HostSig {
            name: "json lines".to_owned(),
            params: vec![Type::BYTES, Type::I64, Type::I64],
            results: vec![Type::BYTES, Type::I64, Type::I64, Type::I64],
            rows: Vec::new(),
        };
        JsonLines {
            host: Some(HostFunction::new(sig, FramingHost::default())),
            at: Framing::default(),
        }
    }

    /// The same for what begins with a line within an input whose values come one a line.
    pub fn beginning_within() -> JsonLines {
        JsonLines {
            at: Framing::of_lines(),
            ..JsonLines::new()
        }
    }

    /// Whether the values of the present input come one a line, as a process has found between two grants.
    pub fn is_of_lines(network: &Network, process: ProcessId) -> bool {
        let slots = network.slots(process);
        slots.is_ok_and(|slots| {
            Framing::from_words([AT, OBJECTS].map(|slot| slots[slot].i64(0))).is_of_lines()
        })
    }
}

impl Process for JsonLines {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("json lines");
        shape.input(Type::BYTES);
        shape.output(ElementType::new([Type::BYTES]));
        let [at, objects] = self.at.to_words();
        for (name, init) in [
            ("at", at),
            ("objects", objects),
            ("ends left", 0),
            ("last left", 0),
        ] {
            shape.slot(SlotDecl::i64(name, init));
        }
        shape.slot(SlotDecl::zero("last", Type::BYTES));
        shape.host_once(&mut self.host);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let (lines, gives) = call(f, element[0]);
        let other = unless(f, gives, Gives::Lines);
        f.emit(0, &[lines]);
        f.done();
        f.switch_to(other);
        let other = unless(f, gives, Gives::End);
        f.emit(0, element);
        f.done();
        f.switch_to(other);
        let nothing = unless(f, gives, Gives::LinesAndEnd);
        let one = f.iconst(1);
        f.slot_set(END_LEFT, one);
        f.emit(0, &[lines]);
        f.again();
        f.switch_to(nothing);
        f.done();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        for (left, text) in [(END_LEFT, None), (LAST_LEFT, Some(LAST))] {
            let (is_left, zero) = (f.slot_get(left), f.iconst(0));
            let is_left = f.op(Op::Ine, &[is_left, zero]);
            let (_, none) = f.br_new(is_left);
            f.slot_set(left, zero);
            let text = match text {
                Some(slot) => f.slot_get(slot),
                None => f.zero(Type::BYTES),
            };
            f.emit(0, &[text]);
            f.again();
            f.switch_to(none);
        }
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let nothing = f.zero(Type::BYTES);
        let (lines, gives) = call(f, nothing);
        let none = unless(f, gives, Gives::LinesAndEnd);
        f.slot_set(LAST, lines);
        let one = f.iconst(1);
        f.slot_set(LAST_LEFT, one);
        f.again();
        f.switch_to(none);
        f.again();
    }
}

/// Calls the host function; gives the lines and what is to be given.
fn call(f: &mut Fragment<'_>, block: Value) -> (Value, Value) {
    let (at, objects) = (f.slot_get(AT), f.slot_get(OBJECTS));
    let [lines, gives, at, objects] = f.call(0, &[block, at, objects])[..] else {
        unreachable!("INVARIANT: as the signature says")
    };
    f.slot_set(AT, at);
    f.slot_set(OBJECTS, objects);
    (lines, gives)
}

/// Goes on where this is to be given; gives the block for all else.
fn unless(f: &mut Fragment<'_>, gives: Value, this: Gives) -> Block {
    let this = f.iconst(this as i64);
    let is_this = f.op(Op::Ieq, &[gives, this]);
    f.br_new(is_this).1
}

/// `(block: bytes, at: i64, objects: i64) -> (lines: bytes, gives: i64, at: i64, objects: i64)`: an empty block ends an
/// input.
#[derive(Debug, Default)]
struct FramingHost {
    lines: Vec<u8>,
}

/// The line for an array that is not closed: it is a bad row.
const OPEN_ARRAY: &[u8] = b"\n[\n";

impl Host for FramingHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let mut framing = Framing::from_words([args.i64(1), args.i64(2)]);
        let block = args.bytes(0);
        let (lines, gives) = if block.is_empty() {
            match framing.end() {
                true => (OPEN_ARRAY, Gives::LinesAndEnd),
                false => (&b""[..], Gives::End),
            }
        } else {
            match framing.block(block, &mut self.lines) {
                b"" => (&b""[..], Gives::Nothing),
                lines => (lines, Gives::Lines),
            }
        };
        let [at, objects] = framing.to_words();
        results.bytes(0, lines);
        results.i64(1, gives as i64);
        results.i64(2, at);
        results.i64(3, objects);
        Ok(())
    }
}
