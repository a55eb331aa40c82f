//! Merging: the state of a process of one network becomes part of that of a process of another
//! one, as if this one had met the other's elements behind its own.
//!
//! # The form
//! `CUTMERGE`, the version, the length of what follows, a checksum of it; then the declarations
//! of the slots and row buffers, how many elements each account holds, and the values of both,
//! as in a [checkpoint](super::checkpoint).

use cutthrough_ir::function::FunctionKind;
use cutthrough_ir::image::{ImageReader, put_bytes, put_u64};
use cutthrough_ir::verify::verify_program;
use std::sync::atomic::AtomicBool;

use cutthrough_ir::{
    Code, ElementBlock, ElementType, End, ErrorSource, Flow, Grant, InputProgram, Lend, Outcome, Program,
    Registers, Rows, Tables, Word, Words, panic_text,
};

use super::Network;
use super::checkpoint::{declarations, sealed, unsealed};
use crate::error::{Error, ErrorKind};
use crate::process::{Fragment, Process, StatePart};
use crate::wiring::{Node, ProcessId, Status};

const MAGIC: &[u8; 8] = b"CUTMERGE";
const VERSION: u64 = 1;

impl Network {
    /// The state of a process, as bytes that [`merge`](Network::merge) takes: of a network
    /// that has met another part of the elements, in another OS process too.
    ///
    /// # Errors
    /// When there is no such process, it has failed or is being removed, or keeps state that it
    /// has not declared.
    pub fn state_of(&self, process: ProcessId) -> Result<Vec<u8>, Error> {
        let node = self.known(process)?;
        let name = &node.name;
        if !node.is_declared {
            return Err(refused(name, "it keeps state in host functions"));
        }
        if node.is_failed || node.is_leaving {
            return Err(refused(name, "it has failed, or is being removed"));
        }
        let mut body = Vec::new();
        put_bytes(&mut body, declarations(node).as_bytes());
        for held in self.held_by_account(node) {
            put_u64(&mut body, held);
        }
        self.save_values(node, &mut body);
        Ok(sealed(MAGIC, VERSION, &body))
    }

    /// Merges the [state](Network::state_of) of another process into that of this one: what the
    /// other one holds is held here then, as if its elements had come behind those of this one.
    /// The process says how ([`Process::merge`]).
    ///
    /// # Errors
    /// When the bytes are no such state, or damaged; when the other process has other slots,
    /// columns or aggregates; when the process has no way to merge, has failed, or has begun to
    /// give; or when the rows exceed a bound. Nothing has changed then.
    pub fn merge(&mut self, process: ProcessId, state: &[u8]) -> Result<(), Error> {
        let node = self.known(process)?.clone();
        let name = &node.name;
        let is_over = Status::of(self.state.i64(node.status)).is_over();
        if node.is_retired || is_over || node.is_failed || node.is_leaving {
            return Err(refused(name, "it has ended, or is being removed"));
        }
        let other = Other::read(&node, state).map_err(|why| refused(name, &why))?;
        let object = self.processes.get(process);
        let object = object.ok_or_else(|| refused(name, "it has ended"))?;
        let merger = Merger::of(&**object, &node).map_err(|why| refused(name, &why))?;
        let mut before = Vec::new();
        self.save_values(&node, &mut before);
        let dropped: Vec<u64> = node.drops.iter().map(|&drop| self.counts.get(drop)).collect();
        let missing = |network: &Network| -> Vec<i64> {
            let accounts = node.code.accounts.iter();
            accounts
                .map(|account| network.sums(&node, account).missing())
                .collect()
        };
        let was_missing = missing(self);
        let mut merged = self.run_merger(&merger, &node, &other);
        let is_missing = missing(self).into_iter();
        let grew = was_missing.iter().zip(is_missing).map(|(had, has)| had - has);
        if merged.is_ok() && !grew.eq(other.held.iter().map(|held| held.cast_signed())) {
            merged = Err("its accounts do not have all that the other one held".to_owned());
        }
        if let Err(why) = merged {
            let values = &mut ImageReader::new(&before);
            self.load_values(&node, values)
                .expect("INVARIANT: what has been saved fits");
            for (&counter, count) in node.drops.iter().zip(dropped) {
                self.counts.values[counter as usize] = count;
            }
            return Err(refused(name, &why));
        }
        let node = self.wiring.counts_mut(process);
        node.merged += other.held.iter().copied().max().unwrap_or(0);
        for (elsewhere, held) in node.elsewhere.iter_mut().zip(other.held) {
            *elsewhere -= held.cast_signed();
        }
        Ok(())
    }

    fn run_merger(&mut self, merger: &Merger, node: &Node, other: &Other) -> Result<(), String> {
        let mut grant = Grant {
            state: &mut self.state,
            counts: &mut self.counts.values,
            hosts: &mut self.hosts.functions,
            context: &self.context,
            interrupt: &AtomicBool::new(false),
            budget: 0,
            inbox: None,
            outboxes: &mut [],
        };
        let merged = merger.run(&mut grant, node, other);
        let merged = merged.map_err(|why| why.unwrap_or_else(|| self.host_error(node).message));
        self.context.clear();
        merged
    }

    /// Appends the values of the slots and row buffers of a process to an image.
    fn save_values(&self, node: &Node, into: &mut Vec<u8>) {
        for &place in &*node.places {
            self.state.save(place, into);
        }
        for &rows in &*node.rows {
            self.state.rows(rows).save(into);
        }
    }

    fn load_values(&mut self, node: &Node, from: &mut ImageReader<'_>) -> Result<(), String> {
        for &place in &*node.places {
            self.state.load(place, from)?;
        }
        for &rows in &*node.rows {
            self.state.rows_mut(rows).load(from)?;
        }
        Ok(())
    }
}

fn refused(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Checkpoint, format!("`{name}` cannot be merged: {why}"))
}

/// The state that is merged into another.
struct Other {
    /// How many elements each account holds.
    held: Vec<u64>,
    /// The slots, as one element.
    slots: ElementBlock,
    rows: Vec<Rows>,
}

impl Other {
    fn read(node: &Node, state: &[u8]) -> Result<Other, String> {
        let mut from = ImageReader::new(unsealed(MAGIC, VERSION, state, "state of a process")?);
        let (theirs, here) = (from.bytes()?, declarations(node));
        if theirs != here.as_bytes() {
            let theirs = String::from_utf8_lossy(theirs);
            return Err(format!("it has the state\n{here}but the other one has\n{theirs}"));
        }
        let mut held = Vec::new();
        for _ in &node.code.accounts {
            held.push(from.u64()?);
        }
        let tables = node.code.tables();
        let mut values = Vec::new();
        for slot in &tables.slots {
            values.push(from.scalar(slot.ty)?);
        }
        let mut slots = ElementBlock::new(slots_of(tables));
        slots.push_values(&values);
        let mut rows: Vec<Rows> = tables.rows.iter().cloned().map(Rows::new).collect();
        for rows in &mut rows {
            rows.load(&mut from)?;
        }
        match from.is_at_end() {
            true => Ok(Other { held, slots, rows }),
            false => Err("there is more than it speaks of".to_owned()),
        }
    }
}

/// The slots of a process as an element.
fn slots_of(tables: &Tables) -> ElementType {
    ElementType::new(tables.slots.iter().map(|slot| slot.ty))
}

/// The fragments by which a process merges.
struct Merger {
    tables: Tables,
    /// Of its slots, and then of each of its row buffers.
    parts: Vec<(StatePart, Code)>,
}

impl Merger {
    fn of(process: &dyn Process, node: &Node) -> Result<Merger, String> {
        let tables = node.code.tables();
        let rows = (0..tables.rows.len()).map(|number| StatePart::Row {
            rows: number,
            of: process.rows_refer(number),
        });
        let parts: Vec<StatePart> = std::iter::once(StatePart::Slots).chain(rows).collect();
        // Each part is an input of a program of its own, which gives nothing.
        let mut tables = Tables {
            inputs: parts.iter().map(|part| part.element(tables)).collect(),
            outputs: Vec::new(),
            ..tables.clone()
        };
        let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let build = |&part: &StatePart| Merger::build(process, part, &mut tables);
            parts.iter().map(build).collect::<Option<Vec<_>>>()
        }));
        let built = built.map_err(|payload| panic_text(&*payload).to_owned())?;
        let functions = built.ok_or("such processes have no way to merge what they hold")?;
        let inputs = functions.into_iter().map(|read_ok| InputProgram {
            read_ok,
            ask: None,
            end: None,
        });
        let program = Program {
            name: node.name.to_string(),
            tables,
            inputs: inputs.collect(),
            write_ok: None,
            optional: Vec::new(),
        };
        verify_program(&program).map_err(|errors| errors.to_string())?;
        let codes = program.inputs.into_iter().map(|input| Code::new(input.read_ok));
        Ok(Merger {
            parts: parts.into_iter().zip(codes).collect(),
            tables: program.tables,
        })
    }

    /// The fragment of a part, if there is one.
    fn build(process: &dyn Process, part: StatePart, tables: &mut Tables) -> Option<cutthrough_ir::Function> {
        let fields = part.element(tables).fields().to_vec();
        let mut f = Fragment::new(FunctionKind::Fragment, tables, &fields, &[]);
        let values = f.params();
        process.merge(part, &mut f, &values);
        (!f.is_untouched()).then(|| f.build())
    }

    /// Runs the fragments. An error is none where the context has it.
    fn run(&self, grant: &mut Grant<'_>, node: &Node, other: &Other) -> Result<(), Option<String>> {
        let mut registers = Registers::default();
        let mut run = |code: &Code, values: Words<'_>| {
            for &rows in &*node.rows {
                grant.state.rows_mut(rows).tidy();
            }
            let mut flow = MergeFlow {
                grant: &mut *grant,
                node,
            };
            match code.run(&self.tables, values, &mut registers, &mut flow) {
                Outcome::End(End::Done) => Ok(()),
                Outcome::End(End::Fail(message)) => Err(Some(self.tables.errors[message as usize].clone())),
                _ => Err(None),
            }
        };
        for &(part, ref code) in &self.parts {
            let StatePart::Row { rows, of } = part else {
                run(code, other.slots.get(0))?;
                continue;
            };
            let (rows, of) = (&other.rows[rows], of.map(|of| &other.rows[of]));
            let mut element = ElementBlock::new(part.element(&self.tables));
            for row in 0..rows.len() {
                element.clear();
                element.push_values(&values_of(rows, row, of));
                run(code, element.get(0))?;
            }
        }
        Ok(())
    }
}

/// The values of a row, behind those of the row that it refers to.
fn values_of<'r>(rows: &'r Rows, row: usize, of: Option<&'r Rows>) -> Vec<Option<cutthrough_ir::Scalar<'r>>> {
    let all = |rows: &'r Rows, row: usize| {
        (0..rows.decl().columns.len()).map(move |column| rows.value(column, row))
    };
    let referred = of.map(|of| match rows.value(0, row) {
        Some(cutthrough_ir::Scalar::I64(number)) => all(of, usize::try_from(number).unwrap_or(usize::MAX)),
        _ => unreachable!("INVARIANT: rows refer by an integer"),
    });
    referred.into_iter().flatten().chain(all(rows, row)).collect()
}

/// The process that another state is merged into.
struct MergeFlow<'m, 'g> {
    grant: &'m mut Grant<'g>,
    node: &'m Node,
}

impl Flow for MergeFlow<'_, '_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(self.grant.state.get(self.node.places[slot]).words());
    }

    fn slot_set(&mut self, slot: usize, value: Words<'_>) {
        self.grant.state.set(self.node.places[slot], value);
    }

    fn rows(&self, rows: usize) -> &Rows {
        self.grant.state.rows(self.node.rows[rows])
    }

    fn rows_mut(&mut self, rows: usize) -> &mut Rows {
        self.grant.state.rows_mut(self.node.rows[rows])
    }

    fn rows_failed(&mut self, rows: usize, message: String) {
        let source = ErrorSource::Rows(self.node.rows[rows]);
        self.grant.context.set_error(source, message);
    }

    fn lend(&mut self, host: usize, rows: &[u32], to: &mut Lend<'_>) -> bool {
        let rows = rows.iter().map(|&rows| self.node.rows[rows as usize]);
        self.grant.lend(self.node.hosts[host], rows, to)
    }

    fn drop_element(&mut self, policy: usize) {
        self.grant.counts[self.node.drops[policy] as usize] += 1;
    }
}
