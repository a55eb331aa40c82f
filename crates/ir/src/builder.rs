//! Builds functions block by block.

use crate::data::Data;
use crate::function::{
    Block, BlockData, End, Function, FunctionKind, Imm, Inst, Item, Origin, Target, Terminator, Value,
};
use crate::op::{ImmKind, Op, Pattern};
use crate::program::{SlotDecl, Tables};
use crate::types::{ElementType, Kind, Type};

/// Builds one function. Instructions go to the current block, which a terminator
/// ends; [`FunctionBuilder::switch_to`] chooses the next one.
///
/// The builder panics on what cannot be a mistake of input: operands of a wrong
/// type, or an instruction after a terminator. The verifier checks the rest.
#[derive(Debug)]
pub struct FunctionBuilder<'t> {
    tables: &'t mut Tables,
    function: Function,
    ended: Vec<bool>,
    current: Block,
    origin: Origin,
}

impl<'t> FunctionBuilder<'t> {
    /// Begins a function with an entry block of these parameters.
    pub fn new(kind: FunctionKind, tables: &'t mut Tables, params: &[Type], returns: &[Type]) -> Self {
        let function = Function {
            kind,
            values: Vec::new(),
            blocks: Vec::new(),
            returns: returns.to_vec(),
        };
        let mut builder = FunctionBuilder {
            tables,
            function,
            ended: Vec::new(),
            current: Block(0),
            origin: Origin(0),
        };
        builder.block(params);
        builder
    }

    /// The function's own parameters.
    pub fn params(&self) -> Vec<Value> {
        self.function.params().to_vec()
    }

    /// The tables that the function indexes.
    pub fn tables(&mut self) -> &mut Tables {
        self.tables
    }

    /// The tables that the function indexes, to read.
    pub fn tables_ref(&self) -> &Tables {
        self.tables
    }

    /// Sets where what follows came from.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Where what follows comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.function.ty(value)
    }

    /// How many instructions and terminators there are so far.
    pub fn size(&self) -> usize {
        self.function.size()
    }

    /// Adds a block with parameters of these types.
    pub fn block(&mut self, params: &[Type]) -> Block {
        let params = params.iter().map(|&ty| self.function.add_value(ty)).collect();
        self.ended.push(false);
        self.function.add_block(BlockData {
            params,
            insts: Vec::new(),
            terminator: Terminator::Return(Vec::new()),
            origin: self.origin,
        })
    }

    /// The parameters of a block.
    pub fn block_params(&self, block: Block) -> Vec<Value> {
        self.function.block(block).params.clone()
    }

    /// Makes `block` the current one.
    pub fn switch_to(&mut self, block: Block) {
        assert!(!self.ended[block.index()], "the block has been ended already");
        self.current = block;
    }

    /// Goes back to a block that was left for a moment, ended or not.
    pub fn switch_to_any(&mut self, block: Block) {
        self.current = block;
    }

    /// The block that instructions go to.
    pub fn current(&self) -> Block {
        self.current
    }

    /// Whether the current block has its terminator.
    pub fn is_ended(&self) -> bool {
        self.ended[self.current.index()]
    }

    /// Whether nothing has been built yet.
    pub fn is_untouched(&self) -> bool {
        let [entry] = &self.function.blocks[..] else {
            return false;
        };
        entry.insts.is_empty() && !self.ended[0]
    }

    /// Appends an instruction; its result if it has one.
    pub fn inst(&mut self, op: Op, imm: Imm, args: &[Value]) -> Option<Value> {
        assert!(!self.is_ended(), "an instruction after the terminator");
        let result_ty = self.result_type(op, imm, args);
        let result = result_ty.map(|ty| self.function.add_value(ty));
        let inst = Inst {
            op,
            imm,
            args: args.to_vec(),
            result,
            origin: self.origin,
        };
        self.function.blocks[self.current.index()].insts.push(inst);
        result
    }

    fn result_type(&self, op: Op, imm: Imm, args: &[Value]) -> Option<Type> {
        let info = op.info();
        let types: Vec<Type> = args.iter().map(|&arg| self.ty(arg)).collect();
        match op {
            Op::SlotSet => {
                let slot = self.slot(imm.index());
                assert!(
                    types == [slot.ty],
                    "slot {} (`{}`) is {}, and is set to {}",
                    imm.index(),
                    slot.name,
                    slot.ty,
                    listed(&types)
                );
            }
            Op::RowsSet => {
                let taken = [Type::I64, self.column_type(imm)];
                assert!(
                    types == taken,
                    "`rows_set` takes {} there, and is given {}",
                    listed(&taken),
                    listed(&types)
                );
            }
            Op::RowsFind => assert_eq!(
                types,
                self.tables.rows[imm.index()].key_types(),
                "rows_find of another key"
            ),
            Op::Emit | Op::OutboxPut => {
                let output = entry(&self.tables.outputs, imm.index(), "output");
                assert!(
                    types == output.fields(),
                    "output {} has elements {output}, and is given {}",
                    imm.index(),
                    listed(&types)
                );
            }
            _ => {}
        }
        let by_table = matches!(op, Op::Emit | Op::OutboxPut | Op::RowsFind);
        let bound = if by_table {
            Some(None)
        } else {
            bind(info.params, &types)
        };
        let taken = || {
            info.params
                .iter()
                .map(Pattern::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let bound = bound.unwrap_or_else(|| {
            panic!(
                "`{}` takes ({}), and is given {}",
                info.name,
                taken(),
                listed(&types)
            )
        });
        let result = info.results.first()?;
        Some(match (info.imm, result) {
            (ImmKind::Type, _) => match imm {
                Imm::Type(ty) => ty,
                _ => panic!("{} carries a type", info.name),
            },
            (ImmKind::Slot, _) => self.slot(imm.index()).ty,
            (ImmKind::Column, _) => self.column_type(imm),
            (_, Pattern::Is(ty)) => *ty,
            (_, Pattern::T | Pattern::Any) => bound.expect("INVARIANT: bound by an operand"),
            (_, Pattern::OptT) => bound.expect("INVARIANT: bound by an operand").or_null(),
        })
    }

    fn column_type(&self, imm: Imm) -> Type {
        let (rows, column) = imm.column();
        let rows = entry(&self.tables.rows, rows, "row buffer");
        entry(&rows.columns, column, "column").ty
    }

    fn slot(&self, index: usize) -> &SlotDecl {
        entry(&self.tables.slots, index, "slot")
    }

    /// Appends an operation without immediate that has a result.
    pub fn op(&mut self, op: Op, args: &[Value]) -> Value {
        self.inst(op, Imm::None, args)
            .expect("the operation has a result")
    }

    /// An integer constant.
    pub fn iconst(&mut self, value: i64) -> Value {
        self.inst(Op::Iconst, Imm::I64(value), &[])
            .expect("INVARIANT: a constant has a result")
    }

    /// A double constant.
    pub fn fconst(&mut self, value: f64) -> Value {
        let bits = crate::types::f64_word(value);
        self.inst(Op::Fconst, Imm::F64(bits), &[])
            .expect("INVARIANT: a constant has a result")
    }

    /// A boolean constant.
    pub fn bconst(&mut self, value: bool) -> Value {
        self.inst(Op::Bconst, Imm::Bool(value), &[])
            .expect("INVARIANT: a constant has a result")
    }

    /// A view of constant data.
    pub fn data(&mut self, data: Data) -> Value {
        let index = self
            .tables
            .data
            .iter()
            .position(|known| known == &data)
            .unwrap_or_else(|| {
                self.tables.data.push(data);
                self.tables.data.len() - 1
            });
        self.data_at(index)
    }

    /// A view of the constant data at an index of the table.
    pub fn data_at(&mut self, index: usize) -> Value {
        self.inst(Op::Sconst, index_imm(index), &[])
            .expect("INVARIANT: a constant has a result")
    }

    /// The zero of a type: 0, 0.0, false, no bytes; null for a nullable one.
    pub fn zero(&mut self, ty: Type) -> Value {
        if ty.nullable {
            return self.null(ty);
        }
        match ty.kind {
            Kind::I64 => self.iconst(0),
            Kind::F64 => self.fconst(0.0),
            Kind::Bool => self.bconst(false),
            Kind::Bytes => self.data(Data::from("")),
        }
    }

    /// The absent value of a nullable type.
    pub fn null(&mut self, ty: Type) -> Value {
        self.inst(Op::Null, Imm::Type(ty.or_null()), &[])
            .expect("INVARIANT: a constant has a result")
    }

    /// The value of a state slot.
    pub fn slot_get(&mut self, slot: usize) -> Value {
        self.inst(Op::SlotGet, index_imm(slot), &[])
            .expect("INVARIANT: slot_get has a result")
    }

    /// Sets a state slot.
    pub fn slot_set(&mut self, slot: usize, value: Value) {
        self.inst(Op::SlotSet, index_imm(slot), &[value]);
    }

    /// How many rows a row buffer has.
    pub fn rows_len(&mut self, rows: usize) -> Value {
        self.inst(Op::RowsLen, index_imm(rows), &[])
            .expect("INVARIANT: rows_len has a result")
    }

    /// The value of a column in the row of this number; zero where there is none.
    pub fn rows_get(&mut self, rows: usize, column: usize, row: Value) -> Value {
        self.inst(Op::RowsGet, column_imm(rows, column), &[row])
            .expect("INVARIANT: rows_get has a result")
    }

    /// All columns of the row of this number.
    pub fn rows_row(&mut self, rows: usize, row: Value) -> Vec<Value> {
        let columns = self.tables.rows[rows].columns.len();
        (0..columns)
            .map(|column| self.rows_get(rows, column, row))
            .collect()
    }

    /// Sets a column in the row of this number, if there is one.
    pub fn rows_set(&mut self, rows: usize, column: usize, row: Value, value: Value) {
        self.inst(Op::RowsSet, column_imm(rows, column), &[row, value]);
    }

    /// Keeps the first so many rows.
    pub fn rows_truncate(&mut self, rows: usize, len: Value) {
        self.inst(Op::RowsTruncate, index_imm(rows), &[len]);
    }

    /// Adds a row, with the bound as the activation's failure; the new current block has
    /// the row's number.
    pub fn rows_push(&mut self, rows: usize, row: &[Value]) -> Value {
        let (number, full) = self.rows_push_or(rows, row);
        let ok = self.current;
        self.switch_to(full);
        self.end(End::HostFailed);
        self.switch_to(ok);
        number
    }

    /// Adds a row; the new current block has its number. Gives that, and the block for the
    /// bound.
    pub fn rows_push_or(&mut self, rows: usize, row: &[Value]) -> (Value, Block) {
        let (ok, failed) = (self.block(&[Type::I64]), self.block(&[]));
        self.terminate(Terminator::Push {
            rows: u32::try_from(rows).expect("tables are bounded"),
            args: row.to_vec(),
            ok: ok.into(),
            failed: failed.into(),
        });
        self.switch_to(ok);
        (self.block_params(ok)[0], failed)
    }

    /// The number of the row that has a key; -1 if none has.
    pub fn rows_find(&mut self, rows: usize, key: &[Value]) -> Value {
        self.inst(Op::RowsFind, index_imm(rows), key)
            .expect("INVARIANT: rows_find has a result")
    }

    /// Finds the row of a key, or adds one, with the bound as the activation's failure; the
    /// new current block has its number, and how it has come there
    /// ([`Entry`](crate::rows::Entry)).
    pub fn rows_entry(&mut self, rows: usize, key: &[Value]) -> (Value, Value) {
        let (ok, failed) = (self.block(&[Type::I64, Type::I64]), self.block(&[]));
        self.terminate(Terminator::Entry {
            rows: u32::try_from(rows).expect("tables are bounded"),
            args: key.to_vec(),
            ok: ok.into(),
            failed: failed.into(),
        });
        self.switch_to(failed);
        self.end(End::HostFailed);
        self.switch_to(ok);
        let params = self.block_params(ok);
        (params[0], params[1])
    }

    /// Hands an element to an output when the activation ends. Only pure
    /// operations, state and other emits may follow before the end.
    pub fn emit(&mut self, output: usize, element: &[Value]) {
        self.inst(Op::Emit, index_imm(output), element);
    }

    /// Whether an optional output accepts an element now.
    pub fn ready(&mut self, output: usize) -> Value {
        self.inst(Op::Ready, index_imm(output), &[])
            .expect("INVARIANT: ready has a result")
    }

    /// Which fields of an output are used behind it under the present wiring, as an integer:
    /// bit k stands for the fields k, k + 64 and so on. What is not used may be given as
    /// anything. It is constant during a grant, and may be another in the next.
    pub fn needs(&mut self, output: usize) -> Value {
        self.inst(Op::Needs, index_imm(output), &[])
            .expect("INVARIANT: needs has a result")
    }

    /// Counts one element as dropped by the policy at this index.
    pub fn drop(&mut self, policy: usize) {
        self.inst(Op::Drop, index_imm(policy), &[]);
    }

    /// Ends the current block.
    pub fn terminate(&mut self, terminator: Terminator) {
        assert!(!self.is_ended(), "a second terminator");
        let block = &mut self.function.blocks[self.current.index()];
        block.terminator = terminator;
        block.origin = self.origin;
        self.ended[self.current.index()] = true;
    }

    /// Ends the current block with a jump.
    pub fn jump(&mut self, block: Block, args: &[Value]) {
        self.terminate(Terminator::Jump(Target::new(block, args)));
    }

    /// Ends the current block with a branch.
    pub fn br(&mut self, condition: Value, yes: impl Into<Target>, no: impl Into<Target>) {
        self.terminate(Terminator::Br(condition, yes.into(), no.into()));
    }

    /// Branches to two new blocks, (where it holds, where it does not), and makes
    /// the first the current one.
    pub fn br_new(&mut self, condition: Value) -> (Block, Block) {
        let (yes, no) = (self.block(&[]), self.block(&[]));
        self.br(condition, yes, no);
        self.switch_to(yes);
        (yes, no)
    }

    /// Reads an item of a view; the new current block has it. Gives the item, and
    /// the block for an index outside.
    pub fn get(&mut self, item: Item, view: Value, index: Value) -> (Value, Block) {
        let (some, none) = (self.block(&[item.ty()]), self.block(&[]));
        self.terminate(Terminator::Get {
            item,
            view,
            index,
            some: some.into(),
            none: none.into(),
        });
        self.switch_to(some);
        (self.block_params(some)[0], none)
    }

    /// Calls a host function, with its failure as the activation's; the new
    /// current block has the results.
    pub fn call(&mut self, host: usize, args: &[Value]) -> Vec<Value> {
        self.call_with_rows(host, args, &[])
    }

    /// The same, with the row buffers that the function is given.
    pub fn call_with_rows(&mut self, host: usize, args: &[Value], rows: &[usize]) -> Vec<Value> {
        let sig = entry(&self.tables.hosts, host, "host function");
        let given: Vec<Type> = args.iter().map(|&arg| self.ty(arg)).collect();
        assert!(
            given == sig.params,
            "host function {host} (`{}`) takes {}, and is given {}",
            sig.name,
            listed(&sig.params),
            listed(&given)
        );
        let results = sig.results.clone();
        let (ok, failed) = (self.block(&results), self.block(&[]));
        self.terminate(Terminator::Call {
            host: u32::try_from(host).expect("tables are bounded"),
            args: args.to_vec(),
            rows: rows
                .iter()
                .map(|&rows| u32::try_from(rows).expect("tables are bounded"))
                .collect(),
            ok: ok.into(),
            failed: failed.into(),
        });
        self.switch_to(failed);
        self.end(End::HostFailed);
        self.switch_to(ok);
        self.block_params(ok)
    }

    /// Takes an element from an input; the new current block has it. Gives the
    /// fields, the block for an input that has ended, and the one for none at
    /// present.
    pub fn take(&mut self, input: usize) -> (Vec<Value>, Block, Block) {
        let fields = entry(&self.tables.inputs, input, "input").fields().to_vec();
        let (some, ended, pending) = (self.block(&fields), self.block(&[]), self.block(&[]));
        self.terminate(Terminator::Take {
            input: u32::try_from(input).expect("tables are bounded"),
            some: some.into(),
            ended: ended.into(),
            pending: pending.into(),
        });
        self.switch_to(some);
        (self.block_params(some), ended, pending)
    }

    /// Ends the activation.
    pub fn end(&mut self, end: End) {
        self.terminate(Terminator::End(end));
    }

    /// Ends the activation: it holds nothing and wants input.
    pub fn done(&mut self) {
        self.end(End::Done);
    }

    /// Ends the activation: it holds more to give.
    pub fn again(&mut self) {
        self.end(End::Again);
    }

    /// Ends the activation, and the process's part in the flow.
    pub fn finish(&mut self) {
        self.end(End::Finish);
    }

    /// Ends the activation with a failure.
    pub fn fail(&mut self, message: impl Into<String>) {
        self.tables.errors.push(message.into());
        let index = u32::try_from(self.tables.errors.len() - 1).expect("tables are bounded");
        self.end(End::Fail(index));
    }

    /// Leaves the function with these values.
    pub fn ret(&mut self, values: &[Value]) {
        self.terminate(Terminator::Return(values.to_vec()));
    }

    /// The finished function.
    ///
    /// # Panics
    /// When a block has no terminator.
    pub fn build(self) -> Function {
        let open = self.ended.iter().position(|ended| !ended);
        assert!(
            open.is_none(),
            "block b{} has no terminator",
            open.unwrap_or_default()
        );
        self.function
    }
}

fn column_imm(rows: usize, column: usize) -> Imm {
    Imm::Column {
        rows: u32::try_from(rows).expect("tables are bounded"),
        column: u32::try_from(column).expect("tables are bounded"),
    }
}

/// What the operands of an operation bind its type variable to, if they are such as it
/// takes.
fn bind(params: &[Pattern], types: &[Type]) -> Option<Option<Type>> {
    let mut bound = None;
    if params.len() != types.len() {
        return None;
    }
    for (pattern, &ty) in params.iter().zip(types) {
        let fits = match pattern {
            Pattern::Is(expected) => *expected == ty,
            Pattern::T => !ty.nullable,
            Pattern::OptT => ty.nullable,
            Pattern::Any => bound.is_none_or(|bound| bound == ty),
        };
        if !fits {
            return None;
        }
        match pattern {
            Pattern::Is(_) => {}
            Pattern::T | Pattern::OptT => bound = Some(ty.present()),
            Pattern::Any => bound = Some(ty),
        }
    }
    Some(bound)
}

/// An entry of a table; says what there is not.
fn entry<'e, T>(table: &'e [T], index: usize, what: &str) -> &'e T {
    let there = table.len();
    table
        .get(index)
        .unwrap_or_else(|| panic!("there is no {what} {index}, but {there} in all"))
}

fn listed(types: &[Type]) -> ElementType {
    ElementType::new(types.iter().copied())
}

fn index_imm(index: usize) -> Imm {
    Imm::Index(u32::try_from(index).expect("tables are bounded"))
}
