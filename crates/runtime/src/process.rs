//! The trait by which users register processes.

use cutthrough_ir::function::Terminator;
use cutthrough_ir::{
    Code, Data, ElementType, End, Function, FunctionBuilder, FunctionKind, HostFunction, InputProgram, Op,
    Program, SlotDecl, Tables, Type, Value,
};

use cutthrough_ir::verify::verify_program;

use crate::error::{Error, ErrorKind};
use crate::fate::{Close, Edge, Fate, Held};
use crate::network::Demand;

/// Builds one fragment: a [`FunctionBuilder`] whose tables are the process's.
///
/// A fragment is acyclic; to give several elements, end it with
/// [`again`](FunctionBuilder::again) and supply [`Process::write_ok`]. Emits stand
/// in the block that ends the activation.
pub type Fragment<'t> = FunctionBuilder<'t>;

/// A process: state in typed slots, ports, and fragments of IR that say what it
/// does with the elements of a flow.
///
/// [`declare`](Process::declare) is called once, when the process is added to a
/// network. The fragment methods build IR; they may be called any number of times
/// and must build the same for the same declaration. None of them runs per element.
///
/// # What happens when
/// * An element arrives: `read_ok` of its input is activated. The activation ends
///   with [`done`](FunctionBuilder::done) (nothing held, more is welcome),
///   [`again`](FunctionBuilder::again) (it holds more to give: `write_ok` is
///   activated until it says otherwise, and no input arrives meanwhile),
///   [`finish`](FunctionBuilder::finish) (no more of either) or a failure.
/// * What an activation emits is handed on when it has ended: at most one element
///   for each output, in the order emitted.
/// * A process without inputs is a source: it holds from the start.
/// * An input ends: `end` is activated if the process watches it. When all inputs
///   have ended and nothing is held, the process finishes by itself.
/// * All readers of its outputs have left: the process finishes.
/// * Its flow is cancelled ([`Rewire::cancel`](crate::Rewire::cancel)), or it is removed:
///   what it holds has the [fate](Shape::fate) that it declared; by default it is given
///   downstream first.
/// * A host call fails or panics: the process fails; everything downstream is closed
///   with the error, everything upstream as if the reader had left.
///
/// # Example
/// A process that passes on every element that is greater than all before it:
/// ```
/// use cutthrough::ir::{Op, SlotDecl, Type, Value};
/// use cutthrough::{Fragment, Process, Shape};
///
/// struct Record;
///
/// impl Process for Record {
///     fn declare(&mut self, shape: &mut Shape) {
///         shape.name("record");
///         shape.input(Type::I64);
///         shape.output(Type::I64);
///         shape.slot(SlotDecl::i64("highest", i64::MIN));
///         shape.drop_policy("not a record");
///     }
///
///     fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
///         let highest = f.slot_get(0);
///         let is_record = f.op(Op::Igt, &[element[0], highest]);
///         let (_, not) = f.br_new(is_record);
///         f.slot_set(0, element[0]);
///         f.emit(0, element);
///         f.done();
///         f.switch_to(not);
///         f.drop(0);
///         f.done();
///     }
/// }
/// ```
pub trait Process: Send {
    /// Declares ports, slots, host functions and policies.
    fn declare(&mut self, shape: &mut Shape);

    /// What to do with an element from an input; `element` has its fields.
    fn read_ok(&self, from: usize, fragment: &mut Fragment<'_>, element: &[Value]) {
        let _ = (from, element);
        fragment.done();
    }

    /// How to give one element more. Called if the process declared that it
    /// [gives](Shape::gives).
    fn write_ok(&self, fragment: &mut Fragment<'_>) {
        fragment.finish();
    }

    /// How many elements of an input the process would take now, as an integer.
    /// What it says is a commitment. Called if the input is
    /// [bounded](Shape::bounded); reads slots, sets none.
    fn ask(&self, to: usize, expression: &mut Fragment<'_>) -> Value {
        let _ = to;
        expression.iconst(i64::MAX)
    }

    /// What to do when an input has ended; no emits, `again` to give what is left.
    /// Called if the process [watches](Shape::watches_end) it.
    fn end(&self, of: usize, fragment: &mut Fragment<'_>) {
        let _ = of;
        fragment.done();
    }

    /// Told that an input or output was closed, and why: between grants, once for each,
    /// before [`end`](Process::end) is activated. A panic fails the process.
    fn closed(&mut self, edge: Edge, why: &Close) {
        let _ = (edge, why);
    }

    /// Told what demand and supply are at an edge that the process
    /// [watches](Shape::watches_demand): at first, and then between grants when it changed
    /// who waits for whom, or the order of magnitude (the number of digits) of what is
    /// asked for or on offer. Never for each element. A panic fails the process.
    fn demand(&mut self, edge: Edge, demand: &Demand) {
        let _ = (edge, demand);
    }

    /// Given what the process held, when it is cancelled or removed and declared
    /// [`Fate::HandedBack`]. A panic fails the process.
    fn hand_back(&mut self, held: &Held<'_>) {
        let _ = held;
    }

    /// Told when the process leaves the network, with the error if it failed.
    fn deinit(&mut self, error: Option<&Error>) {
        let _ = error;
    }
}

/// A promise about counts that the runtime checks: every element that comes in by
/// these inputs goes out by these outputs, is dropped by these policies, or is held, as
/// these slots count (a boolean slot counts one).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The inputs.
    pub inputs: Vec<usize>,
    /// The outputs.
    pub outputs: Vec<usize>,
    /// The policies.
    pub drops: Vec<usize>,
    /// The slots, integer or boolean.
    pub held: Vec<usize>,
}

/// What a process declares.
#[derive(Debug, Default)]
pub struct Shape {
    pub(crate) name: String,
    pub(crate) tables: Tables,
    pub(crate) hosts: Vec<HostFunction>,
    pub(crate) inputs: Vec<InputShape>,
    pub(crate) optional: Vec<bool>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) gives: bool,
    pub(crate) idle: bool,
    pub(crate) over: bool,
    pub(crate) fate: Fate,
    pub(crate) watched: Vec<Edge>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InputShape {
    bounded: bool,
    watched: bool,
    pulled: bool,
}

impl Shape {
    /// Sets the name, for reports and dumps.
    pub fn name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Adds an input of this element type; its number.
    pub fn input(&mut self, element: impl Into<ElementType>) -> usize {
        self.tables.inputs.push(element.into());
        self.inputs.push(InputShape::default());
        self.inputs.len() - 1
    }

    /// Adds an output of this element type; its number.
    pub fn output(&mut self, element: impl Into<ElementType>) -> usize {
        self.tables.outputs.push(element.into());
        self.optional.push(false);
        self.optional.len() - 1
    }

    /// Makes an output optional: the process runs although nobody takes from it, and
    /// asks with [`ready`](FunctionBuilder::ready) before it emits there.
    pub fn optional(&mut self, output: usize) {
        self.optional[output] = true;
    }

    /// Adds a state slot; its number.
    pub fn slot(&mut self, slot: SlotDecl) -> usize {
        self.tables.slots.push(slot);
        self.tables.slots.len() - 1
    }

    /// Adds a host function; its number.
    pub fn host(&mut self, function: HostFunction) -> usize {
        self.tables.hosts.push(function.sig().clone());
        self.hosts.push(function);
        self.hosts.len() - 1
    }

    /// Adds a host function that the process has kept until now; its number.
    ///
    /// # Panics
    /// When it has been added before: a process is declared once.
    pub fn hosts_once(&mut self, function: &mut Option<HostFunction>) -> usize {
        self.host(function.take().expect("a process is declared once"))
    }

    /// Adds constant data; its number.
    pub fn data(&mut self, data: Data) -> usize {
        self.tables.data.push(data);
        self.tables.data.len() - 1
    }

    /// Adds a policy by which elements are dropped; its number.
    pub fn drop_policy(&mut self, name: impl Into<String>) -> usize {
        self.tables.drops.push(name.into());
        self.tables.drops.len() - 1
    }

    /// Promises that elements are conserved; see [`Account`].
    pub fn account(&mut self, account: Account) {
        self.accounts.push(account);
    }

    /// Promises that each element from the only input goes out by the only output, or is
    /// dropped by some policy.
    pub fn passes_on(&mut self) {
        let drops = (0..self.tables.drops.len()).collect();
        self.account(Account {
            inputs: vec![0],
            outputs: vec![0],
            drops,
            held: Vec::new(),
        });
    }

    /// The process may hold more than one element to give: it has
    /// [`write_ok`](Process::write_ok).
    pub fn gives(&mut self) {
        self.gives = true;
    }

    /// The process, a source, has nothing to give until it is woken.
    pub fn starts_idle(&mut self) {
        self.idle = true;
    }

    /// The process takes part in nothing: it is over before it begins.
    pub fn finishes_at_once(&mut self) {
        self.over = true;
    }

    /// What becomes of what the process holds when it is cancelled or removed; without
    /// this, [`Fate::Finished`].
    pub fn fate(&mut self, fate: Fate) {
        self.fate = fate;
    }

    /// The process is to be told of changes of demand and supply at an edge
    /// ([`demand`](Process::demand)). An edge that it does not have is never told of.
    pub fn watches_demand(&mut self, edge: Edge) {
        self.watched.push(edge);
    }

    /// The process does not take any number from the input:
    /// [`ask`](Process::ask) tells.
    pub fn bounded(&mut self, input: usize) {
        self.inputs[input].bounded = true;
    }

    /// The process is to be told when the input ends ([`end`](Process::end)).
    pub fn watches_end(&mut self, input: usize) {
        self.inputs[input].watched = true;
    }

    /// The process takes from this input by itself (`take`) when another input
    /// brings an element: what feeds it is left to that where possible.
    pub fn pulled(&mut self, input: usize) {
        self.inputs[input].pulled = true;
    }
}

/// What the runtime has to know of a function without executing it.
#[derive(Clone, Debug)]
pub(crate) struct FunctionInfo {
    pub(crate) code: Code,
    /// The outputs it may emit to.
    pub(crate) emits: Vec<usize>,
    /// Of these, the ones that have to be ready before it is activated.
    pub(crate) requires: Vec<usize>,
    /// The inputs it takes from by itself.
    pub(crate) takes: Vec<usize>,
    /// Whether it may end with `again`.
    pub(crate) may_hold: bool,
    /// Whether it may end with `finish` or a failure.
    pub(crate) may_finish: bool,
}

impl FunctionInfo {
    fn new(function: Function, optional: &[bool]) -> FunctionInfo {
        let (mut emits, mut takes) = (Vec::new(), Vec::new());
        let (mut may_hold, mut may_finish) = (false, false);
        for block in &function.blocks {
            emits.extend(
                block
                    .insts
                    .iter()
                    .filter(|inst| inst.op == Op::Emit)
                    .map(|inst| inst.imm.index()),
            );
            match block.terminator {
                Terminator::End(End::Again) => may_hold = true,
                Terminator::End(End::Finish | End::Fail(_) | End::HostFailed) => may_finish = true,
                Terminator::Take { input, .. } => takes.push(input as usize),
                _ => {}
            }
        }
        emits.sort_unstable();
        emits.dedup();
        let requires = emits
            .iter()
            .copied()
            .filter(|&output| !optional[output])
            .collect();
        FunctionInfo {
            code: Code::new(function),
            emits,
            requires,
            takes,
            may_hold,
            may_finish,
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

/// A process's program, ready to be interpreted and inlined.
#[derive(Clone, Debug)]
pub(crate) struct ProcessCode {
    pub(crate) program: Program,
    pub(crate) accounts: Vec<Account>,
    pub(crate) inputs: Vec<InputCode>,
    pub(crate) write_ok: Option<FunctionInfo>,
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

    /// Whether the process can end up holding after an element from `input`.
    pub(crate) fn expands(&self, input: usize) -> bool {
        self.inputs[input].read_ok.may_hold
    }
}

/// A process with its program built and verified, to be added to a network: all that can
/// be done before, on any thread, so that a [rewire](crate::Rewire) is short.
pub struct Prepared {
    pub(crate) process: Box<dyn Process>,
    pub(crate) code: ProcessCode,
    pub(crate) shape: Shape,
}

impl Prepared {
    /// Has a process declare itself and builds its program.
    ///
    /// # Errors
    /// When the program is not well formed.
    pub fn new(mut process: Box<dyn Process>) -> Result<Prepared, Error> {
        let mut shape = Shape::default();
        process.declare(&mut shape);
        let code = program_of(&*process, &mut shape)?;
        Ok(Prepared { process, code, shape })
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("name", &self.shape.name)
            .finish_non_exhaustive()
    }
}

/// Builds a process's program from its declaration.
fn program_of(process: &dyn Process, shape: &mut Shape) -> Result<ProcessCode, Error> {
    let mut tables = std::mem::take(&mut shape.tables);
    let mut inputs = Vec::new();
    for (k, input) in shape.inputs.iter().enumerate() {
        let fields = tables.inputs[k].fields().to_vec();
        let mut f = Fragment::new(FunctionKind::Fragment, &mut tables, &fields, &[]);
        let element = f.params();
        process.read_ok(k, &mut f, &element);
        let read_ok = f.build();
        let ask = input.bounded.then(|| {
            let mut f = Fragment::new(FunctionKind::Expression, &mut tables, &[], &[Type::I64]);
            let value = process.ask(k, &mut f);
            f.ret(&[value]);
            f.build()
        });
        let end = input.watched.then(|| {
            let mut f = Fragment::new(FunctionKind::Fragment, &mut tables, &[], &[]);
            process.end(k, &mut f);
            f.build()
        });
        inputs.push(InputProgram { read_ok, ask, end });
    }
    let write_ok = (shape.gives || inputs.is_empty()).then(|| {
        let mut f = Fragment::new(FunctionKind::Fragment, &mut tables, &[], &[]);
        process.write_ok(&mut f);
        f.build()
    });
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
    let inputs = program
        .inputs
        .iter()
        .zip(&shape.inputs)
        .map(|(input, shape)| InputCode {
            read_ok: FunctionInfo::new(input.read_ok.clone(), &program.optional),
            ask: input
                .ask
                .clone()
                .map(|ask| FunctionInfo::new(ask, &program.optional)),
            end: input
                .end
                .clone()
                .map(|end| FunctionInfo::new(end, &program.optional)),
            pulled: shape.pulled,
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
    let mut holding = shape.accounts.iter().filter(|account| !account.held.is_empty());
    let first = holding.clone().next();
    if holding
        .clone()
        .any(|account| Some(&account.held) != first.map(|first| &first.held))
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
