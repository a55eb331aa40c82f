//! Executes functions on words, one instruction after another. This is what the
//! IR means.

use crate::eval;
use crate::function::{BlockData, End, Function, Inst, Item, ItemAt, Target, Terminator, Value};
use crate::host::HostFunction;
use crate::limits::BATCH_STEPS_MIN;
use crate::memory::{Words, bytes_at, trusted, view_of};
use crate::op::Op;
use crate::program::Tables;
use crate::rows::Rows;
use crate::scratch::HostContext;
use crate::types::{FieldAt, Kind, Type, Word, f64_word};

/// What became of a `take`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is an element.
    Some,
    /// The input has ended.
    Ended,
    /// There is none at present.
    Pending,
}

/// Calls a host function with row buffers and what it may use; whether it succeeded.
pub type Lend<'l> = dyn FnMut(&mut HostFunction, &mut [&mut Rows], &HostContext) -> bool + 'l;

/// What a function does to its surroundings. All values are words as they lie.
///
/// The second group is for chains alone; fragments never call it.
pub trait Flow {
    /// Reads a state slot.
    fn slot_get(&mut self, slot: usize, into: &mut [Word]);
    /// Sets a state slot.
    fn slot_set(&mut self, slot: usize, value: Words<'_>);
    /// The row buffer of this number.
    fn rows(&self, rows: usize) -> &Rows;
    /// The same, to be changed.
    fn rows_mut(&mut self, rows: usize) -> &mut Rows;
    /// Notes why no row was added to a row buffer.
    fn rows_failed(&mut self, rows: usize, message: String);
    /// Lends a host function and these row buffers; what is done with them says whether it
    /// succeeded.
    fn lend(&mut self, host: usize, rows: &[u32], to: &mut Lend<'_>) -> bool;
    /// Counts one element as dropped by a policy.
    fn drop_element(&mut self, policy: usize);

    /// Hands an element to an output.
    fn emit(&mut self, _output: usize, _element: Words<'_>) {
        unreachable!("INVARIANT: only fragments emit")
    }
    /// Whether an optional output accepts an element now.
    fn ready(&mut self, _output: usize) -> bool {
        unreachable!("INVARIANT: only fragments ask for readiness")
    }
    /// Which fields of an output are used behind it, as a mask.
    fn needs(&mut self, _output: usize) -> i64 {
        unreachable!("INVARIANT: only fragments ask what is needed")
    }
    /// Takes an element from an input.
    fn take(&mut self, _input: usize, _into: &mut [Word]) -> Taken {
        unreachable!("INVARIANT: only fragments take")
    }

    /// Uses one unit of the budget; whether to go on.
    fn step(&mut self) -> bool {
        unreachable!("INVARIANT: only chains step")
    }
    /// Uses as many units of the budget as there are, up to `max`, if that is at least
    /// `min`; how many.
    fn batch(&mut self, _min: i64, _max: i64) -> Option<i64> {
        unreachable!("INVARIANT: only chains take batches")
    }
    /// Gives back units of the budget.
    fn refund(&mut self, _steps: i64) {
        unreachable!("INVARIANT: only chains take batches")
    }
    /// Uses up the budget.
    fn halt(&mut self) {
        unreachable!("INVARIANT: only chains halt")
    }
    /// Counts one element on an edge.
    fn count(&mut self, _edge: usize) {
        unreachable!("INVARIANT: only chains count")
    }
    /// The next element of the block that is being delivered.
    fn inbox(&mut self, _into: &mut [Word]) -> bool {
        unreachable!("INVARIANT: only chains have an inbox")
    }
    /// Adds an element to an outbox.
    fn outbox_put(&mut self, _outbox: usize, _element: Words<'_>) {
        unreachable!("INVARIANT: only chains have outboxes")
    }
    /// How many elements an outbox still takes.
    fn outbox_room(&mut self, _outbox: usize) -> i64 {
        unreachable!("INVARIANT: only chains have outboxes")
    }
}

/// How a function came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An activation ended.
    End(End),
    /// It returned; the values are [`Registers::returned`].
    Return,
}

/// A verified function with the places of its values, ready to be executed.
#[derive(Clone, Debug)]
pub struct Code {
    function: Function,
    offsets: Vec<u32>,
    words: usize,
}

impl Code {
    /// Prepares a function, which must be verified.
    pub fn new(function: Function) -> Code {
        let mut words = 0;
        let offsets = function
            .values
            .iter()
            .map(|ty| {
                let offset = words as u32;
                words += ty.words();
                offset
            })
            .collect();
        Code {
            function,
            offsets,
            words,
        }
    }

    /// The function.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// Executes the function. `registers` is memory to work in, which need not be
    /// empty; on [`Outcome::Return`] it begins with the words returned.
    pub fn run(
        &self,
        tables: &Tables,
        args: Words<'_>,
        registers: &mut Registers,
        flow: &mut impl Flow,
    ) -> Outcome {
        let Registers {
            words: registers,
            moves,
            results,
        } = registers;
        registers.clear();
        registers.resize(self.words, 0);
        let params = self.function.params().iter();
        assert!(
            args.types().eq(params.map(|&param| self.function.ty(param))),
            "INVARIANT: a function is run with what it takes"
        );
        let args = args.words();
        registers[..args.len()].copy_from_slice(args);
        let mut activation = Activation {
            code: self,
            tables,
            registers,
            flow,
            moves,
            results,
        };
        activation.run()
    }
}

/// Memory that executing functions works in; kept from one to the next it is not
/// allocated anew.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    words: Vec<Word>,
    moves: Vec<Word>,
    results: Vec<Word>,
}

impl Registers {
    /// What the function executed last has returned.
    pub fn returned(&self) -> &[Word] {
        &self.words
    }
}

struct Activation<'a, F> {
    code: &'a Code,
    tables: &'a Tables,
    registers: &'a mut Vec<Word>,
    flow: &'a mut F,
    /// Words on their way to block parameters, or to or from the surroundings.
    moves: &'a mut Vec<Word>,
    /// The results of a host call.
    results: &'a mut Vec<Word>,
}

impl<F: Flow> Activation<'_, F> {
    fn run(&mut self) -> Outcome {
        let code = self.code;
        let mut block = &code.function.blocks[0];
        loop {
            for inst in &block.insts {
                self.inst(inst);
            }
            match &block.terminator {
                Terminator::End(end) => return Outcome::End(*end),
                Terminator::Return(values) => {
                    self.moves.clear();
                    self.push_all(values);
                    std::mem::swap(self.registers, self.moves);
                    return Outcome::Return;
                }
                terminator => block = self.next_block(terminator),
            }
        }
    }

    fn next_block<'b>(&mut self, terminator: &'b Terminator) -> &'b BlockData
    where
        Self: 'b,
    {
        self.moves.clear();
        let target: &Target = match terminator {
            Terminator::Jump(to) => to,
            Terminator::Br(condition, yes, no) => {
                if self.bool(*condition) {
                    yes
                } else {
                    no
                }
            }
            Terminator::Get {
                item,
                view,
                index,
                some,
                none,
            } => match get(*item, self.bytes(*view), self.i64(*index)) {
                Some(word) => {
                    self.moves.push(word);
                    some
                }
                None => none,
            },
            Terminator::Call {
                host,
                args,
                rows,
                ok,
                failed,
            } => {
                self.push_all(args);
                let sig = &self.tables.hosts[*host as usize];
                self.results.resize(crate::types::words_of(&sig.results), 0);
                let (args, results) = (&self.moves[..], &mut self.results[..]);
                let succeeded = self
                    .flow
                    .lend(*host as usize, rows, &mut |function, rows, context| {
                        debug_assert_eq!(
                            function.sig(),
                            sig,
                            "INVARIANT: hosts are bound by their signatures"
                        );
                        function.call_words(args, rows, results, context)
                    });
                self.moves.clear();
                if succeeded {
                    self.moves.extend_from_slice(self.results);
                    ok
                } else {
                    failed
                }
            }
            Terminator::Push {
                rows,
                args,
                ok,
                failed,
            } => {
                self.push_all(args);
                let pushed = self.flow.rows_mut(*rows as usize).push_words(self.moves);
                self.moves.clear();
                match pushed {
                    Ok(row) => {
                        self.moves.push(row as Word);
                        ok
                    }
                    Err(message) => {
                        self.flow.rows_failed(*rows as usize, message);
                        failed
                    }
                }
            }
            Terminator::Entry {
                rows,
                args,
                ok,
                failed,
            } => {
                self.push_all(args);
                let entry = self.flow.rows_mut(*rows as usize).entry_words(self.moves);
                self.moves.clear();
                match entry {
                    Ok((row, entry)) => {
                        self.moves.extend([row as Word, entry as Word]);
                        ok
                    }
                    Err(message) => {
                        self.flow.rows_failed(*rows as usize, message);
                        failed
                    }
                }
            }
            Terminator::Take {
                input,
                some,
                ended,
                pending,
            } => {
                self.moves.resize(self.tables.inputs[*input as usize].words(), 0);
                match self.flow.take(*input as usize, self.moves) {
                    Taken::Some => some,
                    Taken::Ended => {
                        self.moves.clear();
                        ended
                    }
                    Taken::Pending => {
                        self.moves.clear();
                        pending
                    }
                }
            }
            Terminator::Step { go, stop } => {
                if self.flow.step() {
                    go
                } else {
                    stop
                }
            }
            Terminator::Inbox { some, none } => {
                self.moves.resize(self.tables.inputs[0].words(), 0);
                if self.flow.inbox(self.moves) {
                    some
                } else {
                    self.moves.clear();
                    none
                }
            }
            Terminator::Batch { items, go, none } => {
                let rooms = items.iter().map(|&at| self.room(at));
                let max = rooms.min().unwrap_or(i64::MAX);
                match self.flow.batch(BATCH_STEPS_MIN, max) {
                    Some(steps) => {
                        self.moves.push(steps.cast_unsigned());
                        go
                    }
                    None => none,
                }
            }
            Terminator::Lap {
                index,
                limit,
                again,
                done,
            } => {
                if self.i64(*index) == self.i64(*limit) {
                    done
                } else {
                    again
                }
            }
            Terminator::End(_) | Terminator::Return(_) => unreachable!("INVARIANT: handled by the caller"),
        };
        self.push_all(&target.args);
        let code = self.code;
        let block = code.function.block(target.block);
        // Block parameters are numbered one after another, so they lie together.
        if let Some(first) = block.params.first() {
            let at = code.offsets[first.index()] as usize;
            self.registers[at..at + self.moves.len()].copy_from_slice(self.moves);
        }
        block
    }

    fn inst(&mut self, inst: &Inst) {
        let arg = |k: usize| inst.args[k];
        match inst.op {
            Op::Iconst | Op::Fconst | Op::Bconst => self.set(inst, constant(inst)),
            Op::Sconst => {
                let (address, length) = self.tables.data[inst.imm.index()].view();
                self.set2(inst, address, length);
            }
            // Absent and empty values are zero words; a register is written once in
            // each pass through a loop, so it has to be cleared.
            Op::Null => self.words_mut(inst).fill(0),

            Op::Iadd => self.int2(inst, i64::wrapping_add),
            Op::Isub => self.int2(inst, i64::wrapping_sub),
            Op::Imul => self.int2(inst, i64::wrapping_mul),
            Op::Idiv => self.int2(inst, eval::idiv),
            Op::Irem => self.int2(inst, eval::irem),
            Op::Imin => self.int2(inst, i64::min),
            Op::Imax => self.int2(inst, i64::max),
            Op::Iand => self.int2(inst, |a, b| a & b),
            Op::Ior => self.int2(inst, |a, b| a | b),
            Op::Ixor => self.int2(inst, |a, b| a ^ b),
            Op::Ishl => self.int2(inst, |a, b| a << eval::shift_amount(b)),
            Op::Ishr => self.int2(inst, |a, b| a >> eval::shift_amount(b)),
            Op::Iushr => self.int2(inst, |a, b| {
                (a.cast_unsigned() >> eval::shift_amount(b)).cast_signed()
            }),
            Op::Ineg => self.set(inst, self.i64(arg(0)).wrapping_neg().cast_unsigned()),
            Op::Iabs => self.set(inst, self.i64(arg(0)).wrapping_abs().cast_unsigned()),
            Op::Inot => self.set(inst, !self.word(arg(0))),
            Op::Ieq => self.compare(inst, |a, b| a == b),
            Op::Ine => self.compare(inst, |a, b| a != b),
            Op::Ilt => self.compare(inst, |a, b| a < b),
            Op::Ile => self.compare(inst, |a, b| a <= b),
            Op::Igt => self.compare(inst, |a, b| a > b),
            Op::Ige => self.compare(inst, |a, b| a >= b),

            Op::Fadd => self.float2(inst, |a, b| a + b),
            Op::Fsub => self.float2(inst, |a, b| a - b),
            Op::Fmul => self.float2(inst, |a, b| a * b),
            Op::Fdiv => self.float2(inst, |a, b| a / b),
            Op::Fneg => self.float1(inst, |a| -a),
            Op::Fabs => self.float1(inst, f64::abs),
            Op::Fsqrt => self.float1(inst, f64::sqrt),
            Op::Ffloor => self.float1(inst, f64::floor),
            Op::Fceil => self.float1(inst, f64::ceil),
            Op::Ftrunc => self.float1(inst, f64::trunc),
            Op::Feq => self.fcompare(inst, |a, b| a == b),
            Op::Fne => self.fcompare(inst, |a, b| a != b),
            Op::Flt => self.fcompare(inst, |a, b| a < b),
            Op::Fle => self.fcompare(inst, |a, b| a <= b),
            Op::Fgt => self.fcompare(inst, |a, b| a > b),
            Op::Fge => self.fcompare(inst, |a, b| a >= b),

            Op::And => self.set(inst, self.word(arg(0)) & self.word(arg(1))),
            Op::Or => self.set(inst, self.word(arg(0)) | self.word(arg(1))),
            Op::Xor => self.set(inst, self.word(arg(0)) ^ self.word(arg(1))),
            Op::Not => self.set(inst, self.word(arg(0)) ^ 1),

            Op::IToF => self.set(inst, f64_word(self.i64(arg(0)) as f64)),
            Op::FToI => self.set(inst, (self.f64(arg(0)) as i64).cast_unsigned()),
            Op::BToI => self.set(inst, self.word(arg(0))),
            Op::Select => self.copy(inst, if self.bool(arg(0)) { arg(1) } else { arg(2) }),

            Op::Some => {
                self.copy(inst, arg(0));
                if let Some(presence) = self.words_mut(inst).last_mut() {
                    *presence = 1;
                }
            }
            Op::IsSome => {
                let presence = self.words(arg(0)).last().copied().unwrap_or_default();
                self.set(inst, presence);
            }
            Op::Payload => self.copy(inst, arg(0)),

            Op::Slen => self.set(inst, self.words(arg(0))[1]),
            Op::Seq => self.set(inst, Word::from(self.bytes(arg(0)) == self.bytes(arg(1)))),
            Op::Scmp => self.set(
                inst,
                eval::scmp(self.bytes(arg(0)), self.bytes(arg(1))).cast_unsigned(),
            ),
            Op::Sslice => {
                let slice = eval::sslice(self.bytes(arg(0)), self.i64(arg(1)), self.i64(arg(2)));
                let (address, length) = view_of(slice);
                self.set2(inst, address, length);
            }
            Op::Sbyte => self.set(
                inst,
                eval::sbyte(self.bytes(arg(0)), self.i64(arg(1))).cast_unsigned(),
            ),
            Op::Sfind => self.set(
                inst,
                eval::sfind(self.bytes(arg(0)), self.bytes(arg(1))).cast_unsigned(),
            ),
            Op::Sstarts => self.set(
                inst,
                Word::from(self.bytes(arg(0)).starts_with(self.bytes(arg(1)))),
            ),
            Op::Sends => self.set(inst, Word::from(self.bytes(arg(0)).ends_with(self.bytes(arg(1))))),
            Op::SToI => {
                let value = eval::stoi(self.bytes(arg(0)));
                self.set2(
                    inst,
                    value.unwrap_or_default().cast_unsigned(),
                    value.is_some().into(),
                );
            }
            Op::WToF => self.set(inst, f64_word(eval::wtof(self.i64(arg(0)), self.i64(arg(1))))),
            Op::SToF => {
                let value = eval::stof(self.bytes(arg(0)));
                self.set2(inst, f64_word(value.unwrap_or_default()), value.is_some().into());
            }

            Op::SlotGet => {
                let range = self.range(inst.result.expect("INVARIANT: slot_get has a result"));
                self.flow.slot_get(inst.imm.index(), &mut self.registers[range]);
            }
            Op::SlotSet => {
                let (range, ty) = (self.range(arg(0)), self.code.function.ty(arg(0)));
                let value = trusted(FieldAt::alone(ty), &self.registers[range]);
                self.flow.slot_set(inst.imm.index(), value);
            }
            Op::RowsLen => {
                let len = self.flow.rows(inst.imm.index()).len();
                self.set(inst, len as Word);
            }
            Op::RowsGet => {
                let (rows, column) = inst.imm.column();
                let row = row_number(self.i64(arg(0)));
                let range = self.range(inst.result.expect("INVARIANT: rows_get has a result"));
                self.flow.rows(rows).get(column, row, &mut self.registers[range]);
            }
            Op::RowsSet => {
                let (rows, column) = inst.imm.column();
                let row = row_number(self.i64(arg(0)));
                let (range, ty) = (self.range(arg(1)), self.code.function.ty(arg(1)));
                let value = trusted(FieldAt::alone(ty), &self.registers[range]);
                self.flow.rows_mut(rows).set(column, row, value);
            }
            Op::RowsTruncate => {
                let len = usize::try_from(self.i64(arg(0))).unwrap_or(0);
                self.flow.rows_mut(inst.imm.index()).truncate(len);
            }
            Op::RowsFind => {
                self.gather(&inst.args);
                let row = self.flow.rows(inst.imm.index()).find_words(self.moves);
                self.set(inst, row.map_or(-1, |row| row as i64).cast_unsigned());
            }
            Op::Emit => {
                self.gather(&inst.args);
                let output = &self.tables.outputs[inst.imm.index()];
                self.flow
                    .emit(inst.imm.index(), trusted(output.layout(), self.moves));
            }
            Op::Ready => {
                let ready = self.flow.ready(inst.imm.index());
                self.set(inst, ready.into());
            }
            Op::Needs => {
                let needs = self.flow.needs(inst.imm.index());
                self.set(inst, needs.cast_unsigned());
            }
            Op::Drop => self.flow.drop_element(inst.imm.index()),
            Op::Halt => self.flow.halt(),
            Op::Count => self.flow.count(inst.imm.index()),
            Op::OutboxPut => {
                self.gather(&inst.args);
                let outbox = &self.tables.outputs[inst.imm.index()];
                self.flow
                    .outbox_put(inst.imm.index(), trusted(outbox.layout(), self.moves));
            }
            // Were one not settled, as it is, the difference from native code would show.
            Op::ItemU8 => self.item(inst, Item::U8),
            Op::ItemI64 => self.item(inst, Item::I64),
            Op::ItemF64 => self.item(inst, Item::F64),
            Op::Refund => self.flow.refund(self.i64(arg(0))),
            Op::OutboxRoom => {
                let room = self.flow.outbox_room(inst.imm.index());
                self.set(inst, room.cast_unsigned());
            }
        }
    }

    fn item(&mut self, inst: &Inst, item: Item) {
        let word = get(item, self.bytes(inst.args[0]), self.i64(inst.args[1]));
        self.set(inst, word.unwrap_or_default());
    }

    /// How many items a view has from an index on.
    fn room(&self, at: ItemAt) -> i64 {
        let len = self.bytes(at.view).len() as u64 / at.item.size();
        let room = len.saturating_sub(self.word(at.index));
        i64::try_from(room).unwrap_or(i64::MAX)
    }

    fn gather(&mut self, values: &[Value]) {
        self.moves.clear();
        self.push_all(values);
    }

    fn push_all(&mut self, values: &[Value]) {
        for &value in values {
            let range = self.range(value);
            self.moves.extend_from_slice(&self.registers[range]);
        }
    }

    fn range(&self, value: Value) -> std::ops::Range<usize> {
        let at = self.code.offsets[value.index()] as usize;
        at..at + self.code.function.values[value.index()].words()
    }

    fn words(&self, value: Value) -> &[Word] {
        &self.registers[self.range(value)]
    }

    fn words_mut(&mut self, inst: &Inst) -> &mut [Word] {
        let range = self.range(inst.result.expect("INVARIANT: the operation has a result"));
        &mut self.registers[range]
    }

    fn word(&self, value: Value) -> Word {
        self.registers[self.code.offsets[value.index()] as usize]
    }

    fn bool(&self, value: Value) -> bool {
        self.word(value) != 0
    }

    fn i64(&self, value: Value) -> i64 {
        self.word(value).cast_signed()
    }

    fn f64(&self, value: Value) -> f64 {
        f64::from_bits(self.word(value))
    }

    fn bytes<'b>(&self, value: Value) -> &'b [u8] {
        debug_assert_eq!(self.code.function.ty(value), Type::new(Kind::Bytes));
        let words = self.words(value);
        bytes_at(words[0], words[1])
    }

    fn set(&mut self, inst: &Inst, word: Word) {
        self.words_mut(inst)[0] = word;
    }

    fn set2(&mut self, inst: &Inst, first: Word, second: Word) {
        self.words_mut(inst).copy_from_slice(&[first, second]);
    }

    /// Copies as many words as both have: all of a value, or its payload.
    fn copy(&mut self, inst: &Inst, from: Value) {
        let from = self.range(from);
        let to = self.range(inst.result.expect("INVARIANT: the operation has a result"));
        let words = from.len().min(to.len());
        self.registers
            .copy_within(from.start..from.start + words, to.start);
    }

    fn int2(&mut self, inst: &Inst, f: impl Fn(i64, i64) -> i64) {
        self.set(
            inst,
            f(self.i64(inst.args[0]), self.i64(inst.args[1])).cast_unsigned(),
        );
    }

    fn compare(&mut self, inst: &Inst, f: impl Fn(i64, i64) -> bool) {
        self.set(inst, f(self.i64(inst.args[0]), self.i64(inst.args[1])).into());
    }

    fn float1(&mut self, inst: &Inst, f: impl Fn(f64) -> f64) {
        self.set(inst, f64_word(f(self.f64(inst.args[0]))));
    }

    fn float2(&mut self, inst: &Inst, f: impl Fn(f64, f64) -> f64) {
        self.set(inst, f64_word(f(self.f64(inst.args[0]), self.f64(inst.args[1]))));
    }

    fn fcompare(&mut self, inst: &Inst, f: impl Fn(f64, f64) -> bool) {
        self.set(inst, f(self.f64(inst.args[0]), self.f64(inst.args[1])).into());
    }
}

/// The row of this number; one that is never there for a number below 0.
fn row_number(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn constant(inst: &Inst) -> Word {
    use crate::function::Imm;
    match inst.imm {
        Imm::I64(value) => value.cast_unsigned(),
        Imm::F64(bits) => bits,
        Imm::Bool(value) => value.into(),
        Imm::None | Imm::Type(_) | Imm::Index(_) | Imm::Column { .. } => {
            unreachable!("INVARIANT: the operation carries a constant")
        }
    }
}

/// The item at an index of a view, as a word.
fn get(item: Item, bytes: &[u8], index: i64) -> Option<Word> {
    let index = usize::try_from(index).ok()?;
    match item {
        Item::U8 => bytes.get(index).map(|&byte| Word::from(byte)),
        Item::I64 | Item::F64 => {
            let at = index.checked_mul(8)?;
            let words = bytes.get(at..at.checked_add(8)?)?;
            let word = Word::from_ne_bytes(words.try_into().ok()?);
            Some(if item == Item::F64 {
                f64_word(f64::from_bits(word))
            } else {
                word
            })
        }
    }
}
