//! Processes of the simulator's own, each to provoke something that the standard ones
//! do not.

use std::sync::{Arc, Mutex, PoisonError};

use cutthrough::{Account, Fragment, HeldRows, Process, Shape};
use cutthrough_ir::{
    AtBound, ElementType, End, HostContext, HostFunction, HostSig, Op, Results, RowsDecl, SlotDecl,
    Terminator, Type, Value, Words,
};

use crate::expr;
use crate::value::{self, Row, Val};

/// How something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// With a message of the fragment's own.
    Fragment,
    /// With an error of a host function.
    Error,
    /// With a panic in a host function.
    Panic,
    /// With an error of a host function that the fragment handles: it drops the
    /// element.
    Handled,
}

/// What a sink has collected.
pub type Collected = Arc<Mutex<Vec<Row>>>;

/// Takes what was collected, or as much as there is.
pub fn lock(collected: &Collected) -> std::sync::MutexGuard<'_, Vec<Row>> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn less_one(f: &mut Fragment<'_>, value: Value) -> Value {
    let one = f.iconst(1);
    f.op(Op::Isub, &[value, one])
}

pub(crate) fn is_positive(f: &mut Fragment<'_>, value: Value) -> Value {
    let zero = f.iconst(0);
    f.op(Op::Igt, &[value, zero])
}

/// A source of any type, which may give its elements in batches and wait in between.
#[derive(Debug)]
pub struct Feed {
    /// What it gives.
    pub element: ElementType,
    /// The elements.
    pub rows: Vec<Row>,
    /// After how many it waits to be woken; 0 for never.
    pub batch: i64,
    /// Whether it waits before the first.
    pub idle: bool,
    /// How it ends.
    pub fault: Fault,
    /// Whether its byte strings lie in memory of its own that it uses again.
    pub own: bool,
    /// For messages.
    pub name: String,
}

/// The host function of a [`Feed`]: gives the element of a number.
struct FeedHost {
    rows: Vec<Row>,
    fault: Fault,
    own: Option<Vec<u8>>,
    name: String,
}

impl cutthrough_ir::Host for FeedHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        let row = usize::try_from(args.i64(0)).ok().and_then(|k| self.rows.get(k));
        let Some(row) = row else {
            return match self.fault {
                Fault::Error => Err(format!("{} ran into an error", self.name)),
                Fault::Panic => panic!("{} ran into a panic", self.name),
                _ => Ok(()),
            };
        };
        results.bool(0, true);
        value::write(row, results, 1, context)?;
        if let Some(own) = &mut self.own {
            own.fill(b'#');
            own.clear();
            own.extend(row.iter().flat_map(|value| {
                if let Val::S(bytes) = value {
                    &bytes[..]
                } else {
                    &[]
                }
            }));
            own.reserve(1);
            let mut from = 0;
            for (k, value) in row.iter().enumerate() {
                if let Val::S(bytes) = value {
                    results.bytes(1 + k, &own[from..from + bytes.len()]);
                    from += bytes.len();
                }
            }
        }
        Ok(())
    }
}

impl Process for Feed {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name.clone());
        shape.output(self.element.clone());
        let results = [&[Type::BOOL], self.element.fields()].concat();
        let sig = HostSig {
            name: "feed".to_owned(),
            params: vec![Type::I64],
            results,
            rows: Vec::new(),
        };
        let rows = std::mem::take(&mut self.rows);
        let own = self.own.then(Vec::new);
        shape.host(HostFunction::new(
            sig,
            FeedHost {
                rows,
                fault: self.fault,
                own,
                name: self.name.clone(),
            },
        ));
        shape.state_is_declared();
        shape.slot(SlotDecl::i64("left", self.batch));
        shape.slot(SlotDecl::i64("next", 0));
        if self.idle {
            shape.starts_idle();
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        if self.batch > 0 {
            let left = f.slot_get(0);
            let goes_on = is_positive(f, left);
            let (_, waits) = f.br_new(goes_on);
            let left = less_one(f, left);
            f.slot_set(0, left);
            let after = f.current();
            f.switch_to(waits);
            let batch = f.iconst(self.batch);
            f.slot_set(0, batch);
            f.end(End::Pending);
            f.switch_to(after);
        }
        let number = f.slot_get(1);
        let next = f.call(0, &[number]);
        let (_, ended) = f.br_new(next[0]);
        count(f, 1);
        f.emit(0, &next[1..]);
        f.again();
        f.switch_to(ended);
        if self.fault == Fault::Fragment {
            f.fail(format!("{} failed by itself", self.name));
        } else {
            f.finish();
        }
    }
}

/// Collects elements of any type; may fail at one of them.
#[derive(Debug)]
pub struct Sink {
    /// What it takes.
    pub element: ElementType,
    /// Where they go.
    pub collected: Collected,
    /// At how many it fails, and how.
    pub fault: (usize, Fault),
    /// For messages.
    pub name: String,
}

impl Process for Sink {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name.clone());
        shape.input(self.element.clone());
        let sig = HostSig {
            name: "collect".to_owned(),
            params: self.element.fields().to_vec(),
            results: Vec::new(),
            rows: Vec::new(),
        };
        let (collected, fault, name) = (self.collected.clone(), self.fault, self.name.clone());
        shape.host(cutthrough::host::function(sig, move |args, _, _| {
            let mut rows = lock(&collected);
            if rows.len() == fault.0 {
                match fault.1 {
                    Fault::Error => return Err(format!("{name} ran into an error")),
                    Fault::Panic => panic!("{name} ran into a panic"),
                    _ => {}
                }
            }
            rows.push(value::read(args));
            Ok(())
        }));
        // What it has collected is outside.
        shape.state_is_declared();
        shape.slot(SlotDecl::i64(
            "until",
            i64::try_from(self.fault.0).unwrap_or(i64::MAX),
        ));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        if self.fault.1 == Fault::Fragment {
            let until = f.slot_get(0);
            let well = is_positive(f, until);
            let (_, bad) = f.br_new(well);
            let until = less_one(f, until);
            f.slot_set(0, until);
            let after = f.current();
            f.switch_to(bad);
            f.fail(format!("{} failed by itself", self.name));
            f.switch_to(after);
        }
        f.call(0, element);
        f.done();
    }
}

/// Passes elements on; every so-manieth goes wrong.
#[derive(Debug)]
pub struct Faulty {
    /// What it takes and gives.
    pub element: ElementType,
    /// At which element, and how.
    pub fault: (usize, Fault),
    /// For messages.
    pub name: String,
}

impl Process for Faulty {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name.clone());
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("seen", 0));
        shape.drop_policy("went wrong");
        let (fault, name, mut calls) = (self.fault, self.name.clone(), 0);
        let sig = HostSig {
            name: "work".to_owned(),
            params: self.element.fields().to_vec(),
            results: self.element.fields().to_vec(),
            rows: Vec::new(),
        };
        shape.host(cutthrough::host::function(sig, move |args, results, _| {
            calls += 1;
            if calls % (fault.0 + 1) == 0 {
                match fault.1 {
                    Fault::Error | Fault::Handled => return Err(format!("{name} ran into an error")),
                    Fault::Panic => panic!("{name} ran into a panic"),
                    Fault::None | Fault::Fragment => {}
                }
            }
            (0..args.len()).for_each(|k| results.set(k, args.get(k)));
            Ok(())
        }));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let seen = f.slot_get(0);
        let one = f.iconst(1);
        let seen = f.op(Op::Iadd, &[seen, one]);
        f.slot_set(0, seen);
        if self.fault.1 == Fault::Fragment {
            let last = f.iconst(self.fault.0 as i64);
            let well = f.op(Op::Ile, &[seen, last]);
            let (_, bad) = f.br_new(well);
            let after = f.current();
            f.switch_to(bad);
            f.fail(format!("{} failed by itself", self.name));
            f.switch_to(after);
        }
        let (ok, failed) = (f.block(self.element.fields()), f.block(&[]));
        f.terminate(Terminator::Call {
            host: 0,
            args: element.to_vec(),
            rows: Vec::new(),
            ok: ok.into(),
            failed: failed.into(),
        });
        f.switch_to(failed);
        if self.fault.1 == Fault::Handled {
            f.drop(0);
            f.done();
        } else {
            f.end(End::HostFailed);
        }
        f.switch_to(ok);
        let element = f.block_params(ok);
        f.emit(0, &element);
        f.done();
    }
}

/// Takes so many elements, then gives them, then takes again: asks for exactly what it
/// has room for.
#[derive(Debug)]
pub struct Buffer {
    /// What it takes and gives.
    pub element: ElementType,
    /// How many it keeps.
    pub room: usize,
}

/// The slots of a buffer: how many it keeps, and how many of these it has given.
const LENGTH: usize = 0;
const GIVEN: usize = 1;

/// Its row buffers: what it keeps, and a small table of what it has seen, which is there so
/// that tables are tried.
const KEPT: usize = 0;
const SEEN: usize = 1;

impl Process for Buffer {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("buffer");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("length", 0));
        shape.slot(SlotDecl::i64("given", 0));
        let fields = self.element.fields().iter().copied();
        shape.rows(RowsDecl::new("kept", fields.clone(), 1 << 20));
        let key = fields.map(|ty| SlotDecl::zero("field", ty));
        let columns: Vec<SlotDecl> = key.chain([SlotDecl::i64("times", 0)]).collect();
        let fields = columns.len() - 1;
        shape.rows(RowsDecl {
            rows_max: 3,
            at_bound: AtBound::EvictOldest,
            ..RowsDecl::table("seen", columns, fields, 1 << 20)
        });
        shape.account(Account {
            inputs: vec![0],
            outputs: vec![0],
            rows: vec![HeldRows {
                rows: KEPT,
                given: Some(GIVEN),
            }],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let (row, _) = f.rows_entry(SEEN, element);
        let times = element.len();
        let (before, one) = (f.rows_get(SEEN, times, row), f.iconst(1));
        let after = f.op(Op::Iadd, &[before, one]);
        f.rows_set(SEEN, times, row, after);
        f.rows_push(KEPT, element);
        let (length, room) = (f.rows_len(KEPT), f.iconst(self.room as i64));
        f.slot_set(LENGTH, length);
        let is_full = f.op(Op::Ieq, &[length, room]);
        let (_, not_full) = f.br_new(is_full);
        f.again();
        f.switch_to(not_full);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        let (room, length) = (f.iconst(self.room as i64), f.rows_len(KEPT));
        Some(f.op(Op::Isub, &[room, length]))
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
        let element = f.rows_row(KEPT, given);
        f.rows_find(SEEN, &element);
        let one = f.iconst(1);
        let given = f.op(Op::Iadd, &[given, one]);
        let is_more = f.op(Op::Ilt, &[given, length]);
        let (_, last) = f.br_new(is_more);
        f.slot_set(GIVEN, given);
        f.emit(0, &element);
        f.again();
        f.switch_to(last);
        let zero = f.iconst(0);
        f.slot_set(GIVEN, zero);
        f.slot_set(LENGTH, zero);
        f.rows_truncate(KEPT, zero);
        f.emit(0, &element);
        f.done();
    }
}

/// Takes from its first input only what its second input allows: each element there
/// is leave for so many here.
#[derive(Debug)]
pub struct Gate {
    /// What it passes on.
    pub element: ElementType,
    /// What gives leave.
    pub leave: ElementType,
    /// For how many.
    pub each: i64,
}

impl Process for Gate {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("gate");
        shape.input(self.element.clone());
        shape.input(self.leave.clone());
        shape.output(self.element.clone());
        shape.slot(SlotDecl::i64("leave", 1));
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let leave = f.slot_get(0);
        if from == 0 {
            let leave = less_one(f, leave);
            f.slot_set(0, leave);
            f.emit(0, element);
        } else {
            let each = f.iconst(self.each);
            let leave = f.op(Op::Iadd, &[leave, each]);
            f.slot_set(0, leave);
        }
        f.done();
    }

    fn ask(&self, to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        (to == 0).then(|| f.slot_get(0))
    }

    fn end(&self, of: usize, f: &mut Fragment<'_>) {
        if of == 1 {
            let all = f.iconst(i64::MAX / 2);
            f.slot_set(0, all);
            f.done();
        }
    }
}

/// Takes from its other inputs, as far as they have any, and gives a computation of all.
#[derive(Debug)]
pub struct Puller {
    /// What it takes.
    pub inputs: Vec<ElementType>,
    /// What it gives.
    pub output: ElementType,
    /// Decides what is computed.
    pub seed: u64,
}

impl Process for Puller {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("puller");
        for element in &self.inputs {
            shape.input(element.clone());
        }
        shape.pulled(self.inputs.len() - 1);
        shape.output(self.output.clone());
        shape.slot(SlotDecl::i64("taken", 0));
        shape.slot(SlotDecl::i64("missed", 0));
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mut values = element.to_vec();
        for input in 0..self.inputs.len() {
            if input == from {
                continue;
            }
            let fields = self.inputs[input].fields().to_vec();
            let join = f.block(&fields);
            let (taken, ended, pending) = f.take(input);
            count(f, 0);
            f.jump(join, &taken);
            f.switch_to(ended);
            let zeroes: Vec<Value> = fields.iter().map(|&ty| f.zero(ty)).collect();
            f.jump(join, &zeroes);
            f.switch_to(pending);
            count(f, 1);
            let zeroes: Vec<Value> = fields.iter().map(|&ty| f.zero(ty)).collect();
            f.jump(join, &zeroes);
            f.switch_to(join);
            values.extend(f.block_params(join));
        }
        let element = expr::element(self.seed, 3, f, &values, &self.output);
        f.emit(0, &element);
        f.done();
    }
}

fn count(f: &mut Fragment<'_>, slot: usize) {
    let (old, one) = (f.slot_get(slot), f.iconst(1));
    let new = f.op(Op::Iadd, &[old, one]);
    f.slot_set(slot, new);
}
