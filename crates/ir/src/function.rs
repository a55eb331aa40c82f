//! Functions: blocks with parameters, instructions, terminators.

use crate::op::Op;
use crate::types::Type;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a table.
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The entry at an index of a table.
            ///
            /// # Panics
            /// When the index is over `u32::MAX`; limits on size come long before.
            pub fn from_index(index: usize) -> $name {
                $name(u32::try_from(index).expect("tables are bounded"))
            }
        }
    };
}
index! {
    /// A value of a function: a block's parameter or an instruction's result.
    Value
}
index! {
    /// A basic block of a function. The first is the entry.
    Block
}
index! {
    /// Where a piece of a function came from: in a chain, the process.
    Origin
}

/// What an instruction carries besides its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imm {
    /// Nothing.
    None,
    /// An integer constant.
    I64(i64),
    /// The bits of a double.
    F64(u64),
    /// A boolean constant.
    Bool(bool),
    /// A type.
    Type(Type),
    /// An index into the table that the operation names.
    Index(u32),
    /// A row buffer, and a column of it.
    Column {
        /// Which, in the table of row buffers.
        rows: u32,
        /// The column's number.
        column: u32,
    },
}

impl Imm {
    /// The index, for the operations that carry one; the verifier has checked
    /// that they do.
    pub fn index(self) -> usize {
        match self {
            Imm::Index(index) => index as usize,
            _ => unreachable!("INVARIANT: the operation carries an index"),
        }
    }

    /// The row buffer and the column, for the operations that carry these.
    pub fn column(self) -> (usize, usize) {
        match self {
            Imm::Column { rows, column } => (rows as usize, column as usize),
            _ => unreachable!("INVARIANT: the operation carries a column"),
        }
    }
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inst {
    /// What it does.
    pub op: Op,
    /// What it carries.
    pub imm: Imm,
    /// Its operands.
    pub args: Vec<Value>,
    /// Its result; no operation has more than one.
    pub result: Option<Value>,
    /// Where it came from.
    pub origin: Origin,
}

/// A block to go to, and the values of its parameters. Where a terminator brings
/// values of its own (`get`, `take`, `call`, `push`, `entry`, `inbox`), those come first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where to go.
    pub block: Block,
    /// The values of its parameters.
    pub args: Vec<Value>,
}

impl Target {
    /// A target with these arguments.
    pub fn new(block: Block, args: impl Into<Vec<Value>>) -> Target {
        Target {
            block,
            args: args.into(),
        }
    }
}

impl From<Block> for Target {
    fn from(block: Block) -> Target {
        Target {
            block,
            args: Vec::new(),
        }
    }
}

/// What a `get` terminator reads from a view of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A byte, as an integer 0..=255.
    U8,
    /// A 64-bit integer in native byte order.
    I64,
    /// A double in native byte order.
    F64,
}

impl Item {
    /// The type of the value read.
    pub fn ty(self) -> Type {
        match self {
            Item::U8 | Item::I64 => Type::I64,
            Item::F64 => Type::F64,
        }
    }

    /// The size of an item in bytes.
    pub fn size(self) -> u64 {
        match self {
            Item::U8 => 1,
            Item::I64 | Item::F64 => 8,
        }
    }
}

/// An item of a view, by its index: what `get` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemAt {
    /// What to read.
    pub item: Item,
    /// The view.
    pub view: Value,
    /// The index, in items.
    pub index: Value,
}

/// How an activation of a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// It holds nothing more to give and wants input.
    Done,
    /// It holds more: its `write_ok` is to be run again.
    Again,
    /// It has no more to give and wants no more.
    Finish,
    /// A source has nothing to give at present; it will be woken.
    Pending,
    /// It failed, with the message of this index in its table of errors.
    Fail(u32),
    /// It failed because a host call did, which has left its error.
    HostFailed,
}

/// What ends a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Terminator {
    /// Go on there.
    Jump(Target),
    /// Go to the first target where the condition holds, else to the second.
    Br(Value, Target, Target),
    /// Read the item at an index of a view, as the first parameter of `some`; go
    /// to `none` where the index lies outside.
    Get {
        /// What to read.
        item: Item,
        /// The view.
        view: Value,
        /// The index, in items.
        index: Value,
        /// Where to go with the item.
        some: Target,
        /// Where to go without.
        none: Target,
    },
    /// Call a host function; its results are the first parameters of `ok`.
    Call {
        /// Which, in the table of host functions.
        host: u32,
        /// Its arguments.
        args: Vec<Value>,
        /// The row buffers that it is given.
        rows: Vec<u32>,
        /// Where to go with the results.
        ok: Target,
        /// Where to go when it failed.
        failed: Target,
    },
    /// Add a row to a row buffer; its number is the first parameter of `ok`.
    Push {
        /// Which, in the table of row buffers.
        rows: u32,
        /// The values of the columns. Bytes are copied.
        args: Vec<Value>,
        /// Where to go with the row's number.
        ok: Target,
        /// Where to go at the bound, without a row more.
        failed: Target,
    },
    /// Find the row of a key in a table, or add one: its number and how it has come there
    /// ([`Entry`](crate::rows::Entry)) are the first parameters of `ok`.
    Entry {
        /// Which, in the table of row buffers.
        rows: u32,
        /// The key. Bytes are copied if they are kept.
        args: Vec<Value>,
        /// Where to go with the row's number.
        ok: Target,
        /// Where to go at the bound, without a row more.
        failed: Target,
    },
    /// Take an element from an input, as the first parameters of `some`.
    Take {
        /// The input.
        input: u32,
        /// Where to go with the element.
        some: Target,
        /// Where to go when the input has ended.
        ended: Target,
        /// Where to go when there is none at present.
        pending: Target,
    },
    /// The activation's end (fragments only).
    End(End),
    /// Leave the function with these values (expressions and chains).
    Return(Vec<Value>),
    /// Chains only: use one unit of the budget and go on, or come out when it is
    /// used up or an interrupt is requested.
    Step {
        /// Where to go on.
        go: Target,
        /// Where to come out.
        stop: Target,
    },
    /// Chains only: the next element of the block that is being delivered, as the
    /// first parameters of `some`.
    Inbox {
        /// Where to go with the element.
        some: Target,
        /// Where to go when the block is used up.
        none: Target,
    },
    /// Batches only: takes as many steps at once as may be taken, but no more than each
    /// view has items from its index on. That many are the first parameter of `go`;
    /// where they would be fewer than
    /// [`BATCH_STEPS_MIN`](crate::limits::BATCH_STEPS_MIN), none is taken.
    Batch {
        /// What each step may read.
        items: Vec<ItemAt>,
        /// Where to go with the steps.
        go: Target,
        /// Where to go without.
        none: Target,
    },
    /// Batches only: goes on with the next of the steps taken, unless the index, which
    /// grows by one with each, has come to the limit.
    Lap {
        /// The index.
        index: Value,
        /// Where the steps taken are used up.
        limit: Value,
        /// Where to go on.
        again: Target,
        /// Where to go when all steps are used.
        done: Target,
    },
}

impl Terminator {
    /// Whether the way to the first target takes a step.
    pub fn takes_step(&self) -> bool {
        matches!(
            self,
            Terminator::Step { .. } | Terminator::Batch { .. } | Terminator::Lap { .. }
        )
    }

    /// Calls `visit` on each target, in the order of the text form.
    pub fn for_each_target(&self, mut visit: impl FnMut(&Target)) {
        match self {
            Terminator::Jump(to) => visit(to),
            Terminator::Br(_, a, b)
            | Terminator::Get { some: a, none: b, .. }
            | Terminator::Call { ok: a, failed: b, .. }
            | Terminator::Push { ok: a, failed: b, .. }
            | Terminator::Entry { ok: a, failed: b, .. }
            | Terminator::Step { go: a, stop: b }
            | Terminator::Inbox { some: a, none: b }
            | Terminator::Batch { go: a, none: b, .. }
            | Terminator::Lap {
                again: a, done: b, ..
            } => {
                visit(a);
                visit(b);
            }
            Terminator::Take {
                some, ended, pending, ..
            } => {
                visit(some);
                visit(ended);
                visit(pending);
            }
            Terminator::End(_) | Terminator::Return(_) => {}
        }
    }

    /// Calls `visit` on each target, to change it.
    pub fn for_each_target_mut(&mut self, mut visit: impl FnMut(&mut Target)) {
        match self {
            Terminator::Jump(to) => visit(to),
            Terminator::Br(_, a, b)
            | Terminator::Get { some: a, none: b, .. }
            | Terminator::Call { ok: a, failed: b, .. }
            | Terminator::Push { ok: a, failed: b, .. }
            | Terminator::Entry { ok: a, failed: b, .. }
            | Terminator::Step { go: a, stop: b }
            | Terminator::Inbox { some: a, none: b }
            | Terminator::Batch { go: a, none: b, .. }
            | Terminator::Lap {
                again: a, done: b, ..
            } => {
                visit(a);
                visit(b);
            }
            Terminator::Take {
                some, ended, pending, ..
            } => {
                visit(some);
                visit(ended);
                visit(pending);
            }
            Terminator::End(_) | Terminator::Return(_) => {}
        }
    }

    /// Calls `visit` on each value that it uses itself, the targets' arguments
    /// not included.
    pub fn for_each_operand(&self, mut visit: impl FnMut(Value)) {
        match self {
            Terminator::Br(condition, ..) => visit(*condition),
            Terminator::Get { view, index, .. } => {
                visit(*view);
                visit(*index);
            }
            Terminator::Call { args, .. }
            | Terminator::Push { args, .. }
            | Terminator::Entry { args, .. }
            | Terminator::Return(args) => {
                args.iter().copied().for_each(visit);
            }
            Terminator::Batch { items, .. } => {
                items.iter().flat_map(|at| [at.view, at.index]).for_each(visit);
            }
            Terminator::Lap { index, limit, .. } => {
                visit(*index);
                visit(*limit);
            }
            Terminator::Jump(_)
            | Terminator::Take { .. }
            | Terminator::End(_)
            | Terminator::Step { .. }
            | Terminator::Inbox { .. } => {}
        }
    }

    /// Replaces each value that it uses itself, the targets' arguments not
    /// included.
    pub fn map_operands(&mut self, mut map: impl FnMut(Value) -> Value) {
        match self {
            Terminator::Br(condition, ..) => *condition = map(*condition),
            Terminator::Get { view, index, .. } => {
                *view = map(*view);
                *index = map(*index);
            }
            Terminator::Call { args, .. }
            | Terminator::Push { args, .. }
            | Terminator::Entry { args, .. }
            | Terminator::Return(args) => {
                for arg in args {
                    *arg = map(*arg);
                }
            }
            Terminator::Batch { items, .. } => {
                for at in items {
                    at.view = map(at.view);
                    at.index = map(at.index);
                }
            }
            Terminator::Lap { index, limit, .. } => {
                *index = map(*index);
                *limit = map(*limit);
            }
            Terminator::Jump(_)
            | Terminator::Take { .. }
            | Terminator::End(_)
            | Terminator::Step { .. }
            | Terminator::Inbox { .. } => {}
        }
    }
}

/// One basic block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlockData {
    /// Its parameters.
    pub params: Vec<Value>,
    /// Its instructions.
    pub insts: Vec<Inst>,
    /// What ends it.
    pub terminator: Terminator,
    /// Where the terminator came from.
    pub origin: Origin,
}

/// What a function is for; it decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// One activation of a process: acyclic, ends in an [`End`].
    Fragment,
    /// A pure computation over state slots: ends in `return`.
    Expression,
    /// A whole chain: may loop through `step` and `inbox`, ends in `return`.
    Chain,
}

/// A function: blocks over numbered values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// What it is for.
    pub kind: FunctionKind,
    /// The type of each value.
    pub values: Vec<Type>,
    /// The blocks; the first is the entry, its parameters are the function's.
    pub blocks: Vec<BlockData>,
    /// The types that `return` brings.
    pub returns: Vec<Type>,
}

impl Function {
    /// The block.
    pub fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.values[value.index()]
    }

    /// The function's parameters.
    pub fn params(&self) -> &[Value] {
        &self.blocks[0].params
    }

    /// A new value of this type.
    pub fn add_value(&mut self, ty: Type) -> Value {
        let value = Value::from_index(self.values.len());
        self.values.push(ty);
        value
    }

    /// A new block, the last one.
    pub fn add_block(&mut self, block: BlockData) -> Block {
        let index = Block::from_index(self.blocks.len());
        self.blocks.push(block);
        index
    }

    /// Appends an operation to the instructions of a block that is being made; its
    /// result, a new value of this type.
    pub(crate) fn add_inst(
        &mut self,
        insts: &mut Vec<Inst>,
        (op, imm): (Op, Imm),
        args: &[Value],
        ty: Type,
        origin: Origin,
    ) -> Value {
        let result = self.add_value(ty);
        insts.push(Inst {
            op,
            imm,
            args: args.to_vec(),
            result: Some(result),
            origin,
        });
        result
    }

    /// How many instructions and terminators it has.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(|block| block.insts.len() + 1).sum()
    }
}
