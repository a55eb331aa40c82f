//! What processes are made of once they have declared themselves: programs, checked and
//! ready to be interpreted and inlined.

mod intern;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use cutthrough_ir::function::Terminator;
use cutthrough_ir::panic_text;
use cutthrough_ir::verify::verify_program;
use cutthrough_ir::{Code, End, Function, FunctionKind, InputProgram, Op, Program, Tables, Type};

use crate::error::{Error, ErrorKind};
use crate::fate::Fate;
use crate::process::{Account, Fragment, Process, Shape};

/// What the runtime has to know of a function without executing it.
#[derive(Clone, Debug)]
pub(crate) struct FunctionInfo {
    pub(crate) code: Code,
    /// The outputs that it may emit to.
    pub(crate) emits: Vec<usize>,
    /// The outputs of which it asks whether they are ready.
    pub(crate) asks: Vec<usize>,
    /// Of those that it emits to, the ones that have to be ready before it is activated.
    pub(crate) requires: Vec<usize>,
    /// The outputs of which it asks which fields are needed.
    pub(crate) asks_needs: Vec<usize>,
    /// The inputs it takes from by itself.
    pub(crate) takes: Vec<usize>,
    /// Whether the process may hold when it has ended: by `again` or `pending`, or by its timer.
    pub(crate) may_hold: bool,
    /// Whether it may end with `finish` or a failure.
    pub(crate) may_finish: bool,
}

impl FunctionInfo {
    fn new(function: Function, optional: &[bool]) -> FunctionInfo {
        let outputs_of = |op: Op| {
            let insts = function.blocks.iter().flat_map(|block| &block.insts);
            let outputs = insts.filter(|inst| inst.op == op).map(|inst| inst.imm.index());
            Vec::from_iter(outputs.collect::<BTreeSet<usize>>())
        };
        let emits = outputs_of(Op::Emit);
        let mut takes = Vec::new();
        let (mut may_hold, mut may_finish) = (false, false);
        for block in &function.blocks {
            match block.terminator {
                Terminator::End(End::Again | End::Pending) => may_hold = true,
                Terminator::End(End::Finish | End::Fail(_) | End::HostFailed) => may_finish = true,
                Terminator::Take { input, .. } => takes.push(input as usize),
                _ => {}
            }
        }
        FunctionInfo {
            requires: emits
                .iter()
                .copied()
                .filter(|&output| !optional[output])
                .collect(),
            emits,
            asks: outputs_of(Op::Ready),
            asks_needs: outputs_of(Op::Needs),
            code: Code::new(function),
            takes,
            may_hold,
            may_finish,
        }
    }

    /// The same of a process that may also come to hold by itself.
    fn or_holding(self, by_itself: bool) -> FunctionInfo {
        FunctionInfo {
            may_hold: self.may_hold || by_itself,
            ..self
        }
    }

    pub(crate) fn function(&self) -> &Function {
        self.code.function()
    }
}

/// One input's functions.
#[derive(Clone, Debug)]
pub(crate) struct InputCode {
    pub(crate) read_ok: FunctionInfo,
    pub(crate) ask: Option<FunctionInfo>,
    pub(crate) end: Option<FunctionInfo>,
    pub(crate) pulled: bool,
}

/// A process's program, ready to be interpreted and inlined. Equal ones are there once
/// (`intern.rs`).
#[derive(Debug)]
pub(crate) struct ProcessCode {
    pub(crate) program: Program,
    pub(crate) accounts: Vec<Account>,
    pub(crate) inputs: Vec<InputCode>,
    pub(crate) write_ok: Option<FunctionInfo>,
}

impl PartialEq for ProcessCode {
    /// Whether the programs are equal, from which the rest follows for fragments.
    fn eq(&self, other: &ProcessCode) -> bool {
        std::ptr::eq(self, other) || self.program == other.program
    }
}

impl ProcessCode {
    pub(crate) fn tables(&self) -> &Tables {
        &self.program.tables
    }

    /// All functions that are activated by the flow itself.
    pub(crate) fn activated(&self) -> impl Iterator<Item = &FunctionInfo> {
        self.inputs
            .iter()
            .map(|input| &input.read_ok)
            .chain(&self.write_ok)
    }

    /// Whether elements may stay in the process from one grant to the next.
    pub(crate) fn may_hold(&self) -> bool {
        let by_account = self.accounts.iter().any(Account::holds);
        let ends = self.inputs.iter().filter_map(|input| input.end.as_ref());
        by_account || { ends }.any(|end| end.may_hold)
    }

    /// Whether the process can end up holding after an element from `input`.
    pub(crate) fn expands(&self, input: usize) -> bool {
        self.inputs[input].read_ok.may_hold
    }
}

/// A process with its program built and verified, to be added to a network: all that can
/// be done before, on any thread, so that a [rewire](crate::Rewire) is short.
pub struct Prepared {
    pub(crate) process: Box<dyn Process>,
    pub(crate) code: Arc<ProcessCode>,
    pub(crate) shape: Shape,
    /// Where in the user's program it is added.
    pub(crate) added_at: Option<&'static Location<'static>>,
}

impl Prepared {
    /// Has a process declare itself and builds its program.
    ///
    /// # Errors
    /// When the program is not well formed, or building it panics, as the builder does
    /// where an operation is given what it does not take.
    pub fn new(process: Box<dyn Process>) -> Result<Prepared, Error> {
        Prepared::with_name(process, None)
    }

    /// As [`new`](Prepared::new), under another name than the one that the process declares.
    ///
    /// # Errors
    /// As [`new`](Prepared::new).
    pub fn named(name: &str, process: Box<dyn Process>) -> Result<Prepared, Error> {
        Prepared::with_name(process, Some(name))
    }

    fn with_name(mut process: Box<dyn Process>, name: Option<&str>) -> Result<Prepared, Error> {
        let mut shape = Shape::default();
        building(&mut shape, "declare", |shape| process.declare(shape))?;
        if let Some(name) = name {
            shape.name(name);
        }
        let code = intern::intern(program_of(&*process, &mut shape)?);
        Ok(Prepared {
            process,
            code,
            shape,
            added_at: None,
        })
    }

    /// The same, added there.
    pub(crate) fn at(self, place: &'static Location<'static>) -> Prepared {
        let added_at = Some(place);
        Prepared { added_at, ..self }
    }

    /// Whether elements may stay in the process from one grant to the next: it has accounts
    /// of what it holds, or gives more when an input has ended.
    pub fn may_hold(&self) -> bool {
        self.code.may_hold()
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("name", &self.shape.name)
            .finish_non_exhaustive()
    }
}

/// Has a process say a part of what it is. What panics is a mistake in that part.
fn building<T>(
    shape: &mut Shape,
    part: impl std::fmt::Display,
    build: impl FnOnce(&mut Shape) -> T,
) -> Result<T, Error> {
    let built = catch_unwind(AssertUnwindSafe(|| build(shape)));
    built.map_err(|payload| {
        let (name, why) = (&shape.name, panic_text(&*payload));
        let message = if name.is_empty() {
            format!("{part} of a process without a name: {why}")
        } else {
            format!("process `{name}`, {part}: {why}")
        };
        Error::new(ErrorKind::Program, message)
    })
}

/// Builds a process's program from its declaration.
fn program_of(process: &dyn Process, shape: &mut Shape) -> Result<ProcessCode, Error> {
    let mut inputs = Vec::new();
    for k in 0..shape.pulled.len() {
        let read_ok = building(shape, format_args!("read_ok {k}"), |shape| {
            let fields = shape.tables.inputs[k].fields().to_vec();
            let mut f = Fragment::new(FunctionKind::Fragment, &mut shape.tables, &fields, &[]);
            let element = f.params();
            process.read_ok(k, &mut f, &element);
            if f.is_untouched() {
                f.done();
            }
            f.build()
        })?;
        let ask = building(shape, format_args!("ask {k}"), |shape| {
            let kind = FunctionKind::Expression;
            let mut f = Fragment::new(kind, &mut shape.tables, &[], &[Type::I64]);
            process.ask(k, &mut f).map(|value| {
                f.ret(&[value]);
                f.build()
            })
        })?;
        let end = building(shape, format_args!("end {k}"), |shape| {
            let mut f = Fragment::new(FunctionKind::Fragment, &mut shape.tables, &[], &[]);
            process.end(k, &mut f);
            (!f.is_untouched()).then(|| f.build())
        })?;
        inputs.push(InputProgram { read_ok, ask, end });
    }
    let is_source = inputs.is_empty();
    let write_ok = building(shape, "write_ok", |shape| {
        let mut f = Fragment::new(FunctionKind::Fragment, &mut shape.tables, &[], &[]);
        process.write_ok(&mut f);
        if is_source && f.is_untouched() {
            f.finish();
        }
        (!f.is_untouched()).then(|| f.build())
    })?;
    let tables = std::mem::take(&mut shape.tables);
    let optional = shape.optional.clone();
    let program = Program {
        name: shape.name.clone(),
        tables,
        inputs,
        write_ok,
        optional,
    };
    check(&program)?;
    check_fate(&program, shape)?;
    if shape.wakes.has_timer && program.write_ok.is_none() {
        let name = &program.name;
        let message = format!("process `{name}`: it has a timer, but no `write_ok` for when that is due");
        return Err(Error::new(ErrorKind::Program, message));
    }
    let inputs = program
        .inputs
        .iter()
        .zip(&shape.pulled)
        .map(|(input, &pulled)| InputCode {
            read_ok: FunctionInfo::new(input.read_ok.clone(), &program.optional)
                .or_holding(shape.wakes.has_timer),
            ask: input
                .ask
                .clone()
                .map(|ask| FunctionInfo::new(ask, &program.optional)),
            end: input
                .end
                .clone()
                .map(|end| FunctionInfo::new(end, &program.optional)),
            pulled,
        });
    Ok(ProcessCode {
        inputs: inputs.collect(),
        accounts: std::mem::take(&mut shape.accounts),
        write_ok: program
            .write_ok
            .clone()
            .map(|f| FunctionInfo::new(f, &program.optional)),
        program,
    })
}

/// Whether counts add up also when what the process holds is dropped or handed back.
fn check_fate(program: &Program, shape: &Shape) -> Result<(), Error> {
    let refused = |why: &str| {
        let message = format!("process `{}`: {why}", program.name);
        Err(Error::new(ErrorKind::Program, message))
    };
    if shape.fate == Fate::Finished {
        return Ok(());
    }
    let mut holding = shape.accounts.iter().filter(|account| account.holds());
    let first = holding.clone().next();
    let held = |account: &Account| (account.held.clone(), account.rows.clone());
    if holding
        .clone()
        .any(|account| Some(held(account)) != first.map(held))
    {
        return refused("its fate is the same for all elements, but its accounts hold different ones");
    }
    if let Fate::Dropped(policy) = shape.fate {
        if policy >= program.tables.drops.len() {
            return refused("its fate names a drop policy that it does not declare");
        }
        if holding.any(|account| !account.drops.contains(&policy)) {
            return refused("its fate names a drop policy that its accounts do not");
        }
    }
    Ok(())
}

fn check(program: &Program) -> Result<(), Error> {
    verify_program(program).map_err(|errors| Error::new(ErrorKind::Program, errors.to_string()))
}
