//! Random units that verify. It grows functions forwards: a list of open blocks,
//! each with the values that are known there (its dominators'), so that what it
//! makes is well formed by construction and the verifier is tested against it.

use std::collections::BTreeSet;

use cutthrough_ir::limits::ROWS_MAX;
use cutthrough_ir::{
    AtBound, Block, BlockData, ChainText, Data, ElementType, End, Function, FunctionKind, HostSig, Imm,
    InputProgram, Inst, Item, Kind, Op, Origin, Program, Role, RowsDecl, RowsParam, SlotDecl, Tables, Target,
    Terminator, Type, Value,
    op::{Effect, ImmKind, Pattern},
    types::CANONICAL_NAN,
};

use super::{Random, Unit};

const TYPES: [Type; 8] = [
    Type::I64,
    Type::F64,
    Type::BOOL,
    Type::BYTES,
    Type::I64.or_null(),
    Type::F64.or_null(),
    Type::BOOL.or_null(),
    Type::BYTES.or_null(),
];

/// A random unit.
pub(crate) fn unit(seed: u64) -> Unit {
    let mut random = Random::new(seed);
    let is_chain = random.chance(33);
    let tables = tables(&mut random, is_chain);
    if is_chain {
        let function = function(&mut random, &tables, &[], Role::Run, true);
        let origins = (0..random.below(3)).map(|k| format!("origin {k}")).collect();
        return Unit::Chain(Box::new(ChainText {
            name: name(&mut random),
            function,
            tables,
            origins,
        }));
    }
    let optional: Vec<bool> = tables.outputs.iter().map(|_| random.chance(50)).collect();
    let resumable = tables.inputs.is_empty() || random.chance(50);
    let mut inputs = Vec::new();
    for index in 0..tables.inputs.len() {
        let make = |random: &mut Random, role| function(random, &tables, &optional, role, resumable);
        let read_ok = make(&mut random, Role::ReadOk(index));
        let ask = random.chance(50).then(|| make(&mut random, Role::Ask(index)));
        let end = random.chance(50).then(|| make(&mut random, Role::End(index)));
        inputs.push(InputProgram { read_ok, ask, end });
    }
    let write_ok = resumable.then(|| function(&mut random, &tables, &optional, Role::WriteOk, true));
    Unit::Process(Box::new(Program {
        name: name(&mut random),
        tables,
        inputs,
        write_ok,
        optional,
    }))
}

fn name(random: &mut Random) -> String {
    let chars = ['a', '"', '\\', '\n', 'é', '\u{85}', '}', ';', '\0', '雪', '\t'];
    (0..random.below(6)).map(|_| *random.pick(&chars)).collect()
}

fn types(random: &mut Random, count: usize) -> Vec<Type> {
    (0..count).map(|_| *random.pick(&TYPES)).collect()
}

fn bits(random: &mut Random) -> u64 {
    let bits = *random.pick(&[
        0,
        1 << 63,
        CANONICAL_NAN,
        0x7ff0 << 48,
        0xfff0 << 48,
        1,
        0x3ff8 << 48,
    ]);
    if random.chance(50) {
        random.next() & !(1 << 62)
    } else {
        bits
    }
}

fn slot(random: &mut Random) -> SlotDecl {
    let ty = *random.pick(&TYPES);
    let mut slot = SlotDecl::zero(name(random), ty);
    if ty.kind != Kind::Bytes && random.chance(50) {
        slot.init[0] = match ty.kind {
            Kind::I64 => random.next(),
            Kind::F64 => bits(random),
            Kind::Bool | Kind::Bytes => random.next() & 1,
        };
        if ty.nullable {
            slot.init[1] = 1;
        }
    }
    slot
}

fn data(random: &mut Random) -> Data {
    let length = random.below(5);
    match random.below(3) {
        0 => Data::Bytes((0..length * 3).map(|_| random.next() as u8).collect()),
        1 => Data::I64((0..length).map(|_| random.next().cast_signed()).collect()),
        // Any bits, also of a NaN that is not canonical: `get` makes it so.
        _ => Data::F64(
            (0..length)
                .map(|_| f64::from_bits(random.next() | 0x7ff0 << 48))
                .collect(),
        ),
    }
}

/// The row buffers that a host function is given: different ones.
fn rows_params(random: &mut Random, rows: &[RowsDecl]) -> Vec<RowsParam> {
    let given = rows.iter().take(random.below(rows.len() + 1));
    let param = |decl: &RowsDecl| RowsParam {
        columns: decl.types().collect(),
        writes: decl.key == 0 && random.chance(50),
    };
    given.map(param).collect()
}

fn tables(random: &mut Random, is_chain: bool) -> Tables {
    let mut tables = Tables::default();
    for _ in 0..random.below(4) {
        tables.slots.push(slot(random));
        tables.data.push(data(random));
        tables.drops.push(name(random));
        tables.errors.push(name(random));
        let columns = (0..1 + random.below(3)).map(|_| slot(random)).collect();
        tables.rows.push(RowsDecl {
            name: name(random),
            key: if random.chance(50) { 1 } else { 0 },
            rows_max: *random.pick(&[1, ROWS_MAX]),
            at_bound: *random.pick(&[AtBound::Fail, AtBound::EvictOldest]),
            columns,
            bytes_max: *random.pick(&[100, 1 << 20]),
        });
        let (params, results) = (random.below(3), random.below(3));
        let (params, results) = (types(random, params), types(random, results));
        tables.hosts.push(HostSig {
            name: name(random),
            params,
            results,
            rows: rows_params(random, &tables.rows),
        });
    }
    for _ in 0..random.below(if is_chain { 2 } else { 3 }) {
        let count = 1 + random.below(3);
        tables.inputs.push(ElementType::new(types(random, count)));
    }
    for _ in 0..random.below(3) {
        let count = 1 + random.below(3);
        tables.outputs.push(ElementType::new(types(random, count)));
    }
    tables.edges = if is_chain { random.below(3) } else { 0 };
    tables
}

struct Open {
    block: Block,
    known: Vec<Value>,
    /// The loop heads that a chain may step back to from here.
    heads: Vec<Block>,
}

struct Generator<'a> {
    random: &'a mut Random,
    tables: &'a Tables,
    optional: &'a [bool],
    role: Role,
    resumable: bool,
    function: Function,
    open: Vec<Open>,
    /// What fragments do once only, and what has been done already: sets of slots of
    /// bytes, calls that give bytes, takes.
    once: BTreeSet<(&'static str, usize)>,
}

fn function(
    random: &mut Random,
    tables: &Tables,
    optional: &[bool],
    role: Role,
    resumable: bool,
) -> Function {
    let returns = if role.kind() == FunctionKind::Fragment {
        vec![]
    } else {
        vec![Type::I64]
    };
    let function = Function {
        kind: role.kind(),
        values: Vec::new(),
        blocks: Vec::new(),
        returns,
    };
    let mut generator = Generator {
        random,
        tables,
        optional,
        role,
        resumable,
        function,
        open: Vec::new(),
        once: BTreeSet::new(),
    };
    if let Role::ReadOk(input) = role {
        generator.once.insert(("take", input));
    }
    let params = match role {
        Role::ReadOk(input) => tables.inputs[input].fields().to_vec(),
        _ => Vec::new(),
    };
    generator.block(&params, &[], &[]);
    while !generator.open.is_empty() {
        let next = generator.random.below(generator.open.len());
        let open = generator.open.swap_remove(next);
        generator.fill(open);
    }
    generator.function
}

impl Generator<'_> {
    fn block(&mut self, params: &[Type], known: &[Value], heads: &[Block]) -> Block {
        let params: Vec<Value> = params.iter().map(|&ty| self.function.add_value(ty)).collect();
        let known = known.iter().chain(&params).copied().collect();
        let terminator = Terminator::Return(Vec::new());
        let block = self.function.add_block(BlockData {
            params,
            insts: Vec::new(),
            terminator,
            origin: Origin(0),
        });
        self.open.push(Open {
            block,
            known,
            heads: heads.to_vec(),
        });
        block
    }

    fn origin(&mut self) -> Origin {
        Origin(if self.random.chance(33) {
            self.random.below(1000) as u32
        } else {
            0
        })
    }

    fn fill(&mut self, mut open: Open) {
        for _ in 0..self.random.below(6) {
            let op = *self.random.pick(Op::ALL);
            self.inst(op, &mut open);
        }
        let terminator = self.terminator(&mut open);
        let origin = self.origin();
        let block = &mut self.function.blocks[open.block.index()];
        (block.terminator, block.origin) = (terminator, origin);
    }

    fn push(
        &mut self,
        open: &mut Open,
        op: Op,
        imm: Imm,
        args: Vec<Value>,
        result: Option<Type>,
    ) -> Option<Value> {
        let result = result.map(|ty| self.function.add_value(ty));
        open.known.extend(result);
        let origin = self.origin();
        let inst = Inst {
            op,
            imm,
            args,
            result,
            origin,
        };
        self.function.blocks[open.block.index()].insts.push(inst);
        result
    }

    /// A value of a type: a known one, or one made for it.
    fn of(&mut self, open: &mut Open, ty: Type) -> Value {
        let fitting: Vec<Value> = open
            .known
            .iter()
            .copied()
            .filter(|&value| self.function.ty(value) == ty)
            .collect();
        if !fitting.is_empty() && !self.random.chance(25) {
            return *self.random.pick(&fitting);
        }
        let number = self.random.next();
        let (op, imm, args) = match ty.kind {
            _ if ty.nullable && self.random.chance(50) => (Op::Null, Imm::Type(ty), vec![]),
            _ if ty.nullable => (Op::Some, Imm::None, vec![self.of(open, ty.present())]),
            Kind::I64 => (
                Op::Iconst,
                Imm::I64(number.cast_signed() >> (number & 63)),
                vec![],
            ),
            Kind::F64 => (Op::Fconst, Imm::F64(bits(self.random)), vec![]),
            Kind::Bool => (Op::Bconst, Imm::Bool(number & 1 == 1), vec![]),
            Kind::Bytes if !self.tables.data.is_empty() => (
                Op::Sconst,
                Imm::Index(self.random.below(self.tables.data.len()) as u32),
                vec![],
            ),
            Kind::Bytes => {
                let null = self.push(
                    open,
                    Op::Null,
                    Imm::Type(ty.or_null()),
                    vec![],
                    Some(ty.or_null()),
                );
                (Op::Payload, Imm::None, null.into_iter().collect())
            }
        };
        self.push(open, op, imm, args, Some(ty)).expect("it has a result")
    }

    fn all_of(&mut self, open: &mut Open, types: &[Type]) -> Vec<Value> {
        types.iter().map(|&ty| self.of(open, ty)).collect()
    }

    /// Adds an instruction where it may stand here.
    fn inst(&mut self, op: Op, open: &mut Open) {
        let (info, kind) = (op.info(), self.role.kind());
        let allowed = match op {
            Op::Emit | Op::ItemU8 | Op::ItemI64 | Op::ItemF64 | Op::Refund => false,
            Op::Halt | Op::Count | Op::OutboxPut | Op::OutboxRoom => kind == FunctionKind::Chain,
            Op::Ready => kind == FunctionKind::Fragment && !self.is_end(),
            Op::Needs => kind == FunctionKind::Fragment,
            Op::SlotGet | Op::RowsLen | Op::RowsGet | Op::RowsFind => true,
            _ => info.effect == Effect::Pure || kind != FunctionKind::Expression,
        };
        let tables = self.tables;
        let length = match info.imm {
            ImmKind::Data => tables.data.len(),
            ImmKind::Slot => tables.slots.len(),
            ImmKind::Rows | ImmKind::Column => tables.rows.len(),
            ImmKind::Output | ImmKind::Outbox => tables.outputs.len(),
            ImmKind::Drop => tables.drops.len(),
            ImmKind::Edge => tables.edges,
            _ => 1,
        };
        if !allowed || length == 0 {
            return;
        }
        let index = self.random.below(length);
        if op == Op::Ready && !self.optional[index] {
            return;
        }
        if op == Op::SlotSet && tables.slots[index].ty.kind == Kind::Bytes && !self.may("set", index) {
            return;
        }
        if op == Op::RowsFind && tables.rows[index].key == 0 {
            return;
        }
        if op == Op::RowsTruncate && self.has_bytes(index) && !self.may("truncate", index) {
            return;
        }
        let bound = *self.random.pick(&TYPES);
        let bound = if info.params.contains(&Pattern::Any) {
            bound
        } else {
            bound.present()
        };
        let imm = match info.imm {
            ImmKind::None => Imm::None,
            ImmKind::I64 => Imm::I64(self.random.next().cast_signed()),
            ImmKind::F64 => Imm::F64(bits(self.random)),
            ImmKind::Bool => Imm::Bool(self.random.chance(50)),
            ImmKind::Type => Imm::Type(bound.or_null()),
            ImmKind::Column => Imm::Column {
                rows: index as u32,
                column: self.random.below(tables.rows[index].columns.len()) as u32,
            },
            _ => Imm::Index(index as u32),
        };
        if op == Op::RowsSet && imm.column().1 < tables.rows[index].key {
            return;
        }
        let of_pattern = |pattern: &Pattern| match pattern {
            Pattern::Is(ty) => *ty,
            Pattern::T => bound,
            Pattern::OptT => bound.or_null(),
            Pattern::Any if info.imm == ImmKind::Slot => tables.slots[index].ty,
            Pattern::Any if info.imm == ImmKind::Column => tables.rows[index].columns[imm.column().1].ty,
            Pattern::Any => bound,
        };
        let params: Vec<Type> = match op {
            Op::OutboxPut => tables.outputs[index].fields().to_vec(),
            Op::RowsFind => tables.rows[index].key_types(),
            _ => info.params.iter().map(of_pattern).collect(),
        };
        let mut args = self.all_of(open, &params);
        if matches!(op, Op::RowsGet | Op::RowsSet) && self.random.chance(50) {
            // A row that may be there.
            let row = Imm::I64(self.random.below(3) as i64);
            args[0] = self
                .push(open, Op::Iconst, row, vec![], Some(Type::I64))
                .expect("it has a result");
        }
        self.push(open, op, imm, args, info.results.first().map(of_pattern));
    }

    fn is_end(&self) -> bool {
        matches!(self.role, Role::End(_))
    }

    /// Whether something that fragments do once only may be done; from then on it has
    /// been.
    fn may(&mut self, what: &'static str, index: usize) -> bool {
        self.role.kind() != FunctionKind::Fragment || self.once.insert((what, index))
    }

    fn has_bytes(&self, rows: usize) -> bool {
        self.tables.rows[rows].types().any(|ty| ty.kind == Kind::Bytes)
    }

    /// Whether a host function may be called.
    fn may_call(&mut self, host: usize) -> bool {
        for (rows, param) in self.tables.hosts[host].rows.iter().enumerate() {
            if param.writes && self.has_bytes(rows) && !self.may("truncate", rows) {
                return false;
            }
        }
        let gives_bytes = self.tables.hosts[host]
            .results
            .iter()
            .any(|ty| ty.kind == Kind::Bytes);
        !gives_bytes || self.may("call", host)
    }

    fn emits(&mut self, open: &mut Open) {
        let tables = self.tables;
        // Every operand before the first emit, as their making may not follow one.
        let mut emits = Vec::new();
        for (index, element) in tables.outputs.iter().enumerate() {
            if !self.is_end() && self.random.chance(50) {
                emits.push((index, self.all_of(open, element.fields())));
            }
        }
        for (index, args) in emits {
            self.push(open, Op::Emit, Imm::Index(index as u32), args, None);
        }
    }

    fn end(&mut self, open: &mut Open) -> Terminator {
        if self.role.kind() != FunctionKind::Fragment {
            return Terminator::Return(vec![self.of(open, Type::I64)]);
        }
        let mut ends = vec![End::Done, End::Finish, End::HostFailed];
        if self.resumable {
            ends.extend([End::Again, End::Pending]);
        }
        if !self.tables.errors.is_empty() {
            ends.push(End::Fail(self.random.below(self.tables.errors.len()) as u32));
        }
        let end = *self.random.pick(&ends);
        if !matches!(end, End::Fail(_) | End::HostFailed) {
            self.emits(open);
        }
        Terminator::End(end)
    }

    /// A new block that takes the values brought and some known ones.
    fn forward(&mut self, open: &mut Open, brought: &[Type]) -> Target {
        let count = self.random.below(3);
        let extra = types(self.random, count);
        let args = self.all_of(open, &extra);
        let params: Vec<Type> = brought.iter().chain(&extra).copied().collect();
        Target {
            block: self.block(&params, &open.known.clone(), &open.heads.clone()),
            args,
        }
    }

    fn terminator(&mut self, open: &mut Open) -> Terminator {
        let (kind, tables) = (self.role.kind(), self.tables);
        if self.function.blocks.len() > 24 {
            return self.end(open);
        }
        let is_chain = kind == FunctionKind::Chain;
        match self.random.below(10) {
            0 => Terminator::Jump(self.forward(open, &[])),
            1 => {
                let condition = self.of(open, Type::BOOL);
                Terminator::Br(condition, self.forward(open, &[]), self.forward(open, &[]))
            }
            2 => {
                let item = *self.random.pick(&[Item::U8, Item::I64, Item::F64]);
                let (view, index) = (self.of(open, Type::BYTES), self.of(open, Type::I64));
                let (some, none) = (self.forward(open, &[item.ty()]), self.forward(open, &[]));
                Terminator::Get {
                    item,
                    view,
                    index,
                    some,
                    none,
                }
            }
            3 if kind != FunctionKind::Expression && !tables.hosts.is_empty() => {
                let host = self.random.below(tables.hosts.len());
                if !self.may_call(host) {
                    return self.end(open);
                }
                let args = self.all_of(open, &tables.hosts[host].params);
                let (ok, failed) = (
                    self.forward(open, &tables.hosts[host].results),
                    self.forward(open, &[]),
                );
                Terminator::Call {
                    host: host as u32,
                    args,
                    rows: (0..tables.hosts[host].rows.len() as u32).collect(),
                    ok,
                    failed,
                }
            }
            8 if kind != FunctionKind::Expression && !tables.rows.is_empty() => {
                let rows = self.random.below(tables.rows.len());
                if tables.rows[rows].key > 0 {
                    let args = self.all_of(open, &tables.rows[rows].key_types());
                    return Terminator::Entry {
                        rows: rows as u32,
                        args,
                        ok: self.forward(open, &[Type::I64, Type::I64]),
                        failed: self.forward(open, &[]),
                    };
                }
                let types: Vec<Type> = tables.rows[rows].types().collect();
                let args = self.all_of(open, &types);
                let (ok, failed) = (self.forward(open, &[Type::I64]), self.forward(open, &[]));
                Terminator::Push {
                    rows: rows as u32,
                    args,
                    ok,
                    failed,
                }
            }
            4 if kind == FunctionKind::Fragment && !tables.inputs.is_empty() && !self.is_end() => {
                let input = self.random.below(tables.inputs.len());
                if !self.may("take", input) {
                    return self.end(open);
                }
                let some = self.forward(open, tables.inputs[input].fields());
                let (ended, pending) = (self.forward(open, &[]), self.forward(open, &[]));
                Terminator::Take {
                    input: input as u32,
                    some,
                    ended,
                    pending,
                }
            }
            5 if is_chain && tables.inputs.len() == 1 => {
                let some = self.forward(open, tables.inputs[0].fields());
                Terminator::Inbox {
                    some,
                    none: self.forward(open, &[]),
                }
            }
            6 | 7 if is_chain => self.step(open),
            _ => self.end(open),
        }
    }

    /// A step, which may go back to the head of a loop around this block.
    fn step(&mut self, open: &mut Open) -> Terminator {
        let go = if !open.heads.is_empty() && self.random.chance(50) {
            let block = *self.random.pick(&open.heads);
            let params = &self.function.block(block).params;
            let types: Vec<Type> = params.iter().map(|&param| self.function.ty(param)).collect();
            Target {
                block,
                args: self.all_of(open, &types),
            }
        } else {
            let target = self.forward(open, &[]);
            if let Some(head) = self.open.last_mut() {
                head.heads.push(target.block);
            }
            target
        };
        Terminator::Step {
            go,
            stop: self.forward(open, &[]),
        }
    }
}
