//! What instructions and terminators carry, take and bring.

use crate::function::{BlockData, Imm, Inst, Target, Terminator, Value};
use crate::op::{ImmKind, Op, OpInfo, Pattern};
use crate::program::{HostSig, RowsDecl, RowsParam};
use crate::types::{CANONICAL_NAN, Type};
use crate::verify::error::Spot;
use crate::verify::function::{Checker, Types};

impl Checker<'_> {
    pub(super) fn insts(&mut self) {
        let function = self.function;
        for (index, block) in function.blocks.iter().enumerate() {
            for (k, inst) in block.insts.iter().enumerate() {
                self.at(index, Spot::Inst(k));
                self.inst(inst);
            }
            self.at(index, Spot::Terminator);
            self.terminator(block);
        }
        self.at_function();
    }

    fn inst(&mut self, inst: &Inst) {
        let info = inst.op.info();
        let imm_ok = self.imm(inst, info);
        let types: Option<Vec<Type>> = inst.args.iter().map(|&arg| self.ty(arg)).collect();
        let (Some(types), true) = (types, imm_ok) else {
            return;
        };
        let tables = self.tables;
        let (takes_ok, bound) = match inst.op {
            Op::SlotSet => (
                self.takes(info, &types, &[tables.slots[inst.imm.index()].ty]),
                None,
            ),
            Op::RowsSet => {
                let (rows, column) = inst.imm.column();
                if column < tables.rows[rows].key {
                    self.fail(10, format_args!("{} of a key", info.name));
                }
                let expected = [Type::I64, self.column_type(inst)];
                (self.takes(info, &types, &expected), None)
            }
            Op::RowsFind => {
                let key = tables.rows[inst.imm.index()].key_types();
                if key.is_empty() {
                    self.fail(10, format_args!("{} of a row buffer without a key", info.name));
                }
                (self.takes(info, &types, &key), None)
            }
            Op::RowsGet => (self.takes(info, &types, &[Type::I64]), None),
            Op::Emit | Op::OutboxPut => (
                self.takes(info, &types, tables.outputs[inst.imm.index()].fields()),
                None,
            ),
            _ => self.patterns(inst, info, &types),
        };
        if takes_ok {
            self.result(inst, info, bound);
        }
    }

    /// Whether what an instruction carries is right, so that it can be looked up.
    fn imm(&mut self, inst: &Inst, info: &OpInfo) -> bool {
        let tables = self.tables;
        let (what, length) = match (info.imm, inst.imm) {
            (ImmKind::None, Imm::None) | (ImmKind::I64, Imm::I64(_)) | (ImmKind::Bool, Imm::Bool(_)) => {
                return true;
            }
            (ImmKind::F64, Imm::F64(bits)) => {
                if f64::from_bits(bits).is_nan() && bits != CANONICAL_NAN {
                    self.fail(9, format_args!("the NaN {bits:#x} is not the canonical one"));
                }
                return true;
            }
            (ImmKind::Type, Imm::Type(ty)) => {
                if !ty.nullable {
                    self.fail(9, format_args!("{} of {ty}, which is not nullable", info.name));
                }
                return true;
            }
            (ImmKind::Data, Imm::Index(_)) => ("data", tables.data.len()),
            (ImmKind::Slot, Imm::Index(_)) => ("slot", tables.slots.len()),
            (ImmKind::Rows, Imm::Index(_)) => ("row buffer", tables.rows.len()),
            (ImmKind::Column, Imm::Column { rows, column }) => {
                let is_there = tables
                    .rows
                    .get(rows as usize)
                    .is_some_and(|rows| (column as usize) < rows.columns.len());
                if !is_there {
                    self.fail(
                        5,
                        format_args!("there is no column {column} of a row buffer {rows}"),
                    );
                }
                return is_there;
            }
            (ImmKind::Output, Imm::Index(_)) => ("output", tables.outputs.len()),
            (ImmKind::Outbox, Imm::Index(_)) => ("outbox", tables.outputs.len()),
            (ImmKind::Drop, Imm::Index(_)) => ("drop policy", tables.drops.len()),
            (ImmKind::Edge, Imm::Index(_)) => ("counted edge", tables.edges),
            (expected, found) => {
                self.fail(
                    9,
                    format_args!("{} carries {found:?}, not {expected:?}", info.name),
                );
                return false;
            }
        };
        let index = inst.imm.index();
        if index >= length {
            self.fail(5, format_args!("there is no {what} {index}"));
        }
        index < length
    }

    /// The type of the column that an instruction carries.
    fn column_type(&self, inst: &Inst) -> Type {
        let (rows, column) = inst.imm.column();
        self.tables.rows[rows].columns[column].ty
    }

    /// Whether the types are exactly these.
    fn takes(&mut self, info: &OpInfo, types: &[Type], expected: &[Type]) -> bool {
        if types != expected {
            self.fail(
                10,
                format_args!(
                    "{} takes {} here, not {}",
                    info.name,
                    Types(expected),
                    Types(types)
                ),
            );
        }
        types == expected
    }

    /// Whether the operands fit the table; and the type that its variable stands for.
    fn patterns(&mut self, inst: &Inst, info: &OpInfo, types: &[Type]) -> (bool, Option<Type>) {
        let (count, expected) = (types.len(), info.params.len());
        if count != expected {
            self.fail(
                10,
                format_args!("{} takes {expected} operands, not {count}", info.name),
            );
            return (false, None);
        }
        let mut ok = true;
        let mut bound: Option<Type> = None;
        for ((pattern, &ty), arg) in info.params.iter().zip(types).zip(&inst.args) {
            let variable = match pattern {
                Pattern::Is(expected) => {
                    if ty != *expected {
                        ok = false;
                        self.fail(
                            10,
                            format_args!("{} takes {expected}, but v{} is {ty}", info.name, arg.0),
                        );
                    }
                    continue;
                }
                Pattern::T | Pattern::OptT => {
                    let nullable = *pattern == Pattern::OptT;
                    if ty.nullable != nullable {
                        ok = false;
                        let what = if nullable {
                            "a nullable value"
                        } else {
                            "a value never absent"
                        };
                        self.fail(
                            10,
                            format_args!("{} takes {what}, but v{} is {ty}", info.name, arg.0),
                        );
                    }
                    ty.present()
                }
                Pattern::Any => ty,
            };
            match bound {
                None => bound = Some(variable),
                Some(first) if first == variable => {}
                Some(first) => {
                    ok = false;
                    self.fail(
                        10,
                        format_args!("{} takes {first} here too, but v{} is {ty}", info.name, arg.0),
                    );
                }
            }
        }
        (ok, bound)
    }

    fn result(&mut self, inst: &Inst, info: &OpInfo, bound: Option<Type>) {
        let expected = match (info.results.first(), info.imm) {
            (None, _) => None,
            (Some(_), ImmKind::Type) => match inst.imm {
                Imm::Type(ty) => Some(ty),
                _ => None,
            },
            (Some(_), ImmKind::Slot) => Some(self.tables.slots[inst.imm.index()].ty),
            (Some(_), ImmKind::Column) => Some(self.column_type(inst)),
            (Some(Pattern::Is(ty)), _) => Some(*ty),
            (Some(Pattern::T | Pattern::Any), _) => bound,
            (Some(Pattern::OptT), _) => bound.map(Type::or_null),
        };
        match (expected, inst.result) {
            (None, None) => {}
            (Some(ty), None) => self.fail(10, format_args!("{} has a result, of type {ty}", info.name)),
            (None, Some(result)) => {
                self.fail(
                    10,
                    format_args!("{} has no result, such as v{}", info.name, result.0),
                );
            }
            (Some(ty), Some(result)) => {
                // One out of range is reported among the definitions.
                let found = self.function.values.get(result.index());
                if let Some(found) = found.filter(|found| **found != ty) {
                    self.fail(
                        10,
                        format_args!("{} gives {ty}, but v{} is {found}", info.name, result.0),
                    );
                }
            }
        }
    }

    fn terminator(&mut self, block: &BlockData) {
        let tables = self.tables;
        match &block.terminator {
            Terminator::Jump(to) => self.target(to, &[]),
            Terminator::Br(condition, yes, no) => {
                self.operand("br", *condition, Type::BOOL);
                self.target(yes, &[]);
                self.target(no, &[]);
            }
            Terminator::Get {
                item,
                view,
                index,
                some,
                none,
            } => {
                self.operand("get", *view, Type::BYTES);
                self.operand("get", *index, Type::I64);
                self.target(some, &[item.ty()]);
                self.target(none, &[]);
            }
            Terminator::Call {
                host,
                args,
                rows,
                ok,
                failed,
            } => {
                match tables.hosts.get(*host as usize) {
                    Some(sig) => {
                        self.operands("call", args, &sig.params);
                        self.rows_of_call(rows, sig);
                        self.target(ok, &sig.results);
                    }
                    None => self.fail(5, format_args!("there is no host function {host}")),
                }
                self.target(failed, &[]);
            }
            Terminator::Push {
                rows,
                args,
                ok,
                failed,
            } => {
                match tables.rows.get(*rows as usize) {
                    Some(decl) if decl.key == 0 => {
                        let types: Vec<Type> = decl.types().collect();
                        self.operands("push", args, &types);
                    }
                    Some(_) => self.fail(11, format_args!("push takes a row buffer without a key")),
                    None => self.fail(5, format_args!("there is no row buffer {rows}")),
                }
                self.target(ok, &[Type::I64]);
                self.target(failed, &[]);
            }
            Terminator::Entry {
                rows,
                args,
                ok,
                failed,
            } => {
                match tables.rows.get(*rows as usize) {
                    Some(decl) if decl.key > 0 => self.operands("entry", args, &decl.key_types()),
                    Some(_) => self.fail(11, format_args!("entry takes a table")),
                    None => self.fail(5, format_args!("there is no row buffer {rows}")),
                }
                self.target(ok, &[Type::I64, Type::I64]);
                self.target(failed, &[]);
            }
            Terminator::Take {
                input,
                some,
                ended,
                pending,
            } => {
                match tables.inputs.get(*input as usize) {
                    Some(element) => self.target(some, element.fields()),
                    None => self.fail(5, format_args!("there is no input {input}")),
                }
                self.target(ended, &[]);
                self.target(pending, &[]);
            }
            Terminator::End(end) => {
                if let crate::function::End::Fail(error) = end
                    && *error as usize >= tables.errors.len()
                {
                    self.fail(5, format_args!("there is no error {error}"));
                }
            }
            Terminator::Return(values) => self.operands("return", values, &self.function.returns),
            Terminator::Step { go, stop } => {
                self.target(go, &[]);
                self.target(stop, &[]);
            }
            Terminator::Batch { items, go, none } => {
                for at in items {
                    self.operand("batch", at.view, Type::BYTES);
                    self.operand("batch", at.index, Type::I64);
                }
                self.target(go, &[Type::I64]);
                self.target(none, &[]);
            }
            Terminator::Lap {
                index,
                limit,
                again,
                done,
            } => {
                self.operand("lap", *index, Type::I64);
                self.operand("lap", *limit, Type::I64);
                self.target(again, &[]);
                self.target(done, &[]);
            }
            Terminator::Inbox { some, none } => {
                if let [element] = &tables.inputs[..] {
                    self.target(some, element.fields());
                }
                self.target(none, &[]);
            }
        }
    }

    /// Whether a host function is given row buffers as its signature says, each once.
    fn rows_of_call(&mut self, rows: &[u32], sig: &HostSig) {
        let decls: Option<Vec<&RowsDecl>> = rows
            .iter()
            .map(|&rows| self.tables.rows.get(rows as usize))
            .collect();
        let Some(decls) = decls else {
            return self.fail(
                5,
                format_args!("{} is given a row buffer that is not there", sig.name),
            );
        };
        // Who changes a table by itself would leave keys that are not found.
        let fits = |(decl, param): (&&RowsDecl, &RowsParam)| {
            decl.types().eq(param.columns.iter().copied()) && (decl.key == 0 || !param.writes)
        };
        if decls.len() != sig.rows.len() || !decls.iter().zip(&sig.rows).all(fits) {
            self.fail(11, format_args!("{} takes other row buffers", sig.name));
        }
        if (1..rows.len()).any(|k| rows[..k].contains(&rows[k])) {
            self.fail(11, format_args!("{} is given a row buffer twice", sig.name));
        }
    }

    fn operand(&mut self, name: &str, value: Value, expected: Type) {
        if let Some(ty) = self.ty(value)
            && ty != expected
        {
            self.fail(
                11,
                format_args!("{name} takes {expected}, but v{} is {ty}", value.0),
            );
        }
    }

    fn operands(&mut self, name: &str, values: &[Value], expected: &[Type]) {
        let types: Option<Vec<Type>> = values.iter().map(|&value| self.ty(value)).collect();
        if let Some(types) = types
            && types != expected
        {
            self.fail(
                11,
                format_args!("{name} takes {} here, not {}", Types(expected), Types(&types)),
            );
        }
    }

    fn target(&mut self, target: &Target, brought: &[Type]) {
        let function = self.function;
        let args: Option<Vec<Type>> = target.args.iter().map(|&arg| self.ty(arg)).collect();
        let Some(block) = function.blocks.get(target.block.index()) else {
            self.fail(5, format_args!("there is no block b{}", target.block.0));
            return;
        };
        if target.block.0 == 0 {
            self.fail(13, format_args!("b0 is the entry and no target"));
            return;
        }
        let Some(args) = args else { return };
        let given = || brought.iter().chain(&args).map(Some);
        if !given().eq(block
            .params
            .iter()
            .map(|param| function.values.get(param.index())))
        {
            let given: Vec<Type> = given().flatten().copied().collect();
            let params = block
                .params
                .iter()
                .filter_map(|param| function.values.get(param.index()));
            let params: Vec<Type> = params.copied().collect();
            self.fail(
                12,
                format_args!(
                    "b{} takes {}, but is given {}",
                    target.block.0,
                    Types(&params),
                    Types(&given)
                ),
            );
        }
    }
}
