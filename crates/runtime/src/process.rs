//! The trait by which users register processes.

use std::sync::Arc;
use std::task::Waker;

use cutthrough_ir::{
    Data, ElementType, FunctionBuilder, HostFunction, RowsDecl, SlotDecl, Tables, Type, Value,
};

use crate::demand::Demand;
use crate::error::Error;
use crate::fate::{Close, Edge, Fate, Held};
use crate::running::Owner;
use crate::wake::{Timer, Wakes};

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
/// They are asked for one port at a time, and a process supplies those that it needs: where
/// a method is left out, or builds nothing for a port, there is no such fragment. An input
/// without `read_ok` takes its elements, and nothing comes of them.
///
/// # What happens when
/// * An element arrives: `read_ok` of its input is activated. The activation ends
///   with [`done`](FunctionBuilder::done) (nothing held, more is welcome),
///   [`again`](FunctionBuilder::again) (it holds more to give: `write_ok` is
///   activated until it says otherwise, and no input arrives meanwhile),
///   [`pending`](cutthrough_ir::End::Pending) (the same, but only once the process has been
///   [woken](Shape::waker)),
///   [`finish`](FunctionBuilder::finish) (no more of either) or a failure.
/// * What an activation emits is handed on when it has ended: at most one element
///   for each output, in the order emitted.
/// * A process without inputs is a source: it holds from the start.
/// * An input ends: `end` is activated if the process has it. When all inputs
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
    /// Declares ports, slots, row buffers, host functions and policies.
    fn declare(&mut self, shape: &mut Shape);

    /// What to do with an element from an input; `element` has its fields.
    fn read_ok(&self, from: usize, fragment: &mut Fragment<'_>, element: &[Value]) {
        let _ = (from, fragment, element);
    }

    /// How to give one element more. Without it a process gives nothing but what it
    /// emits when an element arrives, and a source gives nothing at all.
    fn write_ok(&self, fragment: &mut Fragment<'_>) {
        let _ = fragment;
    }

    /// How many elements of an input the process would take now, as an integer.
    /// What it says is a commitment. It reads slots and sets none. Without it the process
    /// takes any number.
    fn ask(&self, to: usize, expression: &mut Fragment<'_>) -> Option<Value> {
        let _ = (to, expression);
        None
    }

    /// What to do when an input has ended; no emits, `again` to give what is left.
    fn end(&self, of: usize, fragment: &mut Fragment<'_>) {
        let _ = (of, fragment);
    }

    /// What a part of the state of another such process, whose elements come behind those of
    /// this one, does to this one's state ([`Network::merge`](crate::Network::merge)). It
    /// ends with [`done`](FunctionBuilder::done), or with
    /// [`fail`](FunctionBuilder::fail) where the two cannot be merged. First come the slots,
    /// then each row of each row buffer. A process that builds nothing for a part cannot be
    /// merged. Host functions may be called, as long as they keep nothing: where two cannot be
    /// merged, only slots, row buffers and policies are put back.
    fn merge(&self, part: StatePart, fragment: &mut Fragment<'_>, values: &[Value]) {
        let _ = (part, fragment, values);
    }

    /// The row buffer whose rows the integers in the first column of this one are numbers of.
    fn rows_refer(&self, rows: usize) -> Option<usize> {
        let _ = rows;
        None
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

/// A part of the state of a process, as [`merge`](Process::merge) is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePart {
    /// The values of all slots.
    Slots,
    /// The columns of a row.
    Row {
        /// The row buffer.
        rows: usize,
        /// The row buffer that it [refers](Process::rows_refer) to: the columns of the row that
        /// is meant come first.
        of: Option<usize>,
    },
}

impl StatePart {
    /// Its values, as an element.
    pub(crate) fn element(self, tables: &Tables) -> ElementType {
        let columns = |rows: usize| tables.rows[rows].types().collect::<Vec<Type>>();
        ElementType::new(match self {
            StatePart::Slots => tables.slots.iter().map(|slot| slot.ty).collect(),
            StatePart::Row { rows, of } => {
                let referred = of.map(columns).unwrap_or_default();
                [referred, columns(rows)].concat()
            }
        })
    }
}

/// A promise about counts that the runtime checks: every element that comes in by
/// these inputs goes out by these outputs, is dropped by these policies, is held, or has
/// gone otherwise, as these slots count (a boolean slot counts one).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The inputs.
    pub inputs: Vec<usize>,
    /// The outputs.
    pub outputs: Vec<usize>,
    /// The policies.
    pub drops: Vec<usize>,
    /// The slots, integer or boolean, that count what is held.
    pub held: Vec<usize>,
    /// The row buffers of which each row is an element that is held.
    pub rows: Vec<HeldRows>,
    /// The slots that count what has gone otherwise, by a policy that the slot is named
    /// after: into an element that was given (`combined`), or beyond a limit.
    pub gone: Vec<usize>,
}

/// The elements that the rows of a row buffer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRows {
    /// The row buffer.
    pub rows: usize,
    /// The integer slot that counts how many rows, from the first, have been given already.
    pub given: Option<usize>,
}

impl Account {
    /// Whether something may be held.
    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty() || !self.rows.is_empty()
    }
}

/// What a process declares.
#[derive(Debug, Default)]
pub struct Shape {
    pub(crate) name: String,
    pub(crate) tables: Tables,
    pub(crate) hosts: Vec<HostFunction>,
    /// Of each input, whether the process takes from it by itself.
    pub(crate) pulled: Vec<bool>,
    pub(crate) optional: Vec<bool>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) idle: bool,
    pub(crate) over: bool,
    pub(crate) is_declared: bool,
    pub(crate) fate: Fate,
    pub(crate) watched: Vec<Edge>,
    pub(crate) wakes: Wakes,
    /// What is to know which network the process is part of.
    pub(crate) owners: Vec<Arc<Owner>>,
}

impl Shape {
    /// Has somebody know which network the process is part of.
    pub(crate) fn owns(&mut self, owner: &Arc<Owner>) {
        self.owners.push(owner.clone());
    }

    /// Sets the name, for reports and dumps.
    pub fn name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Adds an input of this element type; its number.
    pub fn input(&mut self, element: impl Into<ElementType>) -> usize {
        self.tables.inputs.push(element.into());
        self.pulled.push(false);
        self.pulled.len() - 1
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

    /// Adds a row buffer; its number.
    pub fn rows(&mut self, rows: RowsDecl) -> usize {
        self.tables.rows.push(rows);
        self.tables.rows.len() - 1
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
    pub fn host_once(&mut self, function: &mut Option<HostFunction>) -> usize {
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
            ..Account::default()
        });
    }

    /// What wakes the process, from any thread, when it is
    /// [pending](cutthrough_ir::End::Pending): for the host functions of the process to hand
    /// to whatever they wait for. It may be woken before it has joined a network, and for no
    /// reason: where it goes on from a checkpoint or for another program, what that one waited
    /// for is not known any more.
    pub fn waker(&mut self) -> Waker {
        self.wakes.waker()
    }

    /// What has the process woken at a time: for the host functions of the process, which
    /// learn what time it is from [`HostContext::now`](cutthrough_ir::HostContext::now). The
    /// process has to have a [`write_ok`](Process::write_ok), for what it does then.
    pub fn timer(&mut self) -> Timer {
        self.wakes.timer()
    }

    /// The process, a source, is pending at first: it has nothing to give until it is woken.
    pub fn starts_idle(&mut self) {
        self.idle = true;
    }

    /// The process takes part in nothing: it is over before it begins.
    pub fn finishes_at_once(&mut self) {
        self.over = true;
    }

    /// Promises that all state is declared: what host functions keep are caches, or lies in
    /// the world outside, so that slots and row buffers are what a
    /// [checkpoint](crate::Network::checkpoint) needs. Processes without host functions
    /// need not say so.
    pub fn state_is_declared(&mut self) {
        self.is_declared = true;
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

    /// The process takes from this input by itself (`take`) when another input
    /// brings an element: what feeds it is left to that where possible.
    pub fn pulled(&mut self, input: usize) {
        self.pulled[input] = true;
    }
}
