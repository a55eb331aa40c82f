//! The shape of one function, its values and their uses.

use std::fmt;

use crate::cfg::{Dominators, Graph};
use crate::function::{Block, Function, Value};
use crate::limits::{FUNCTION_INSTS_MAX, FUNCTION_VALUES_MAX};
use crate::program::{Program, Tables};
use crate::types::Type;
use crate::verify::Role;
use crate::verify::error::{Report, Spot};

/// One function under examination.
pub(super) struct Checker<'a> {
    pub(super) function: &'a Function,
    pub(super) tables: &'a Tables,
    pub(super) role: Role,
    /// Whether it may hold what only passes make.
    pub(super) optimized: bool,
    /// The program around it, where it is known.
    pub(super) program: Option<&'a Program>,
    report: &'a mut Report,
}

/// Where a value is defined: the block, and 0 for a parameter or one more than the
/// index of the instruction.
type Definition = (u32, u32);

pub(super) fn check(
    function: &Function,
    tables: &Tables,
    role: Role,
    program: Option<&Program>,
    report: &mut Report,
) {
    report.role = Some(role);
    report.at = None;
    let mut checker = Checker {
        function,
        tables,
        role,
        optimized: report.optimized,
        program,
        report,
    };
    if checker.size() {
        checker.signature();
        checker.insts();
        checker.flow();
        let graph = Graph::new(function);
        checker.loops(&graph);
        checker.once(&graph);
        let definitions = checker.definitions();
        checker.uses(&definitions, &Dominators::new(&graph));
    }
    report.role = None;
    report.at = None;
}

impl Checker<'_> {
    pub(super) fn fail(&mut self, rule: u32, message: fmt::Arguments<'_>) {
        self.report.add(rule, message);
    }

    pub(super) fn at(&mut self, block: usize, spot: Spot) {
        self.report.at = Some((Block(block as u32), spot));
    }

    pub(super) fn at_function(&mut self) {
        self.report.at = None;
    }

    /// The type of a value; reports one out of range.
    pub(super) fn ty(&mut self, value: Value) -> Option<Type> {
        let ty = self.function.values.get(value.index()).copied();
        if ty.is_none() {
            self.fail(5, format_args!("v{} is not a value of the function", value.0));
        }
        ty
    }

    /// Whether the rest can be checked at all.
    fn size(&mut self) -> bool {
        let function = self.function;
        if function.blocks.is_empty() {
            self.fail(3, format_args!("the function has no block"));
            return false;
        }
        let (size, values) = (function.size(), function.values.len());
        if size > FUNCTION_INSTS_MAX {
            self.fail(
                3,
                format_args!("{size} instructions and terminators are more than {FUNCTION_INSTS_MAX}"),
            );
            return false;
        }
        if values > FUNCTION_VALUES_MAX {
            self.fail(
                3,
                format_args!("{values} values are more than {FUNCTION_VALUES_MAX}"),
            );
            return false;
        }
        true
    }

    fn signature(&mut self) {
        let (kind, role) = (self.function.kind, self.role);
        if kind != role.kind() {
            self.fail(
                4,
                format_args!("it is of kind {kind:?}, but {role} is of kind {:?}", role.kind()),
            );
        }
        let tables = self.tables;
        let params: &[Type] = match self.role {
            Role::ReadOk(input) => match tables.inputs.get(input) {
                Some(element) => element.fields(),
                None => {
                    self.fail(5, format_args!("there is no input {input}"));
                    return;
                }
            },
            Role::Ask(_) | Role::End(_) | Role::WriteOk | Role::Run => &[],
        };
        let values = &self.function.values;
        let have: Option<Vec<Type>> = self
            .function
            .params()
            .iter()
            .map(|param| values.get(param.index()).copied())
            .collect();
        // A parameter out of range is reported among the definitions.
        if let Some(have) = have.filter(|have| have != params) {
            self.fail(
                4,
                format_args!("its parameters are {}, not {}", Types(&have), Types(params)),
            );
        }
        let returns: &[Type] = match self.role {
            Role::Ask(_) | Role::Run => &[Type::I64],
            Role::ReadOk(_) | Role::End(_) | Role::WriteOk => &[],
        };
        if self.function.returns != returns {
            let have = Types(&self.function.returns);
            self.fail(4, format_args!("it returns {have}, not {}", Types(returns)));
        }
    }

    /// Where each value is defined.
    fn definitions(&mut self) -> Vec<Option<Definition>> {
        let function = self.function;
        let mut definitions = vec![None; function.values.len()];
        for (index, block) in function.blocks.iter().enumerate() {
            self.at(index, Spot::Heading);
            let first = if index == 0 {
                Some(0)
            } else {
                block.params.first().map(|param| param.0)
            };
            for (k, &param) in block.params.iter().enumerate() {
                if u64::from(param.0) != u64::from(first.unwrap_or_default()) + k as u64 {
                    let from = first.unwrap_or_default();
                    self.fail(
                        7,
                        format_args!("parameter {k} is v{}, out of the row from v{from}", param.0),
                    );
                }
                self.define(&mut definitions, param, (index as u32, 0));
            }
            for (k, inst) in block.insts.iter().enumerate() {
                if let Some(result) = inst.result {
                    self.at(index, Spot::Inst(k));
                    self.define(&mut definitions, result, (index as u32, k as u32 + 1));
                }
            }
        }
        self.at_function();
        for (index, definition) in definitions.iter().enumerate() {
            if definition.is_none() {
                self.fail(6, format_args!("v{index} is never defined"));
            }
        }
        definitions
    }

    fn define(&mut self, definitions: &mut [Option<Definition>], value: Value, definition: Definition) {
        match definitions.get_mut(value.index()) {
            Some(slot @ None) => *slot = Some(definition),
            Some(Some((block, _))) => {
                let block = *block;
                self.fail(
                    6,
                    format_args!("v{} is defined a second time, after b{block}", value.0),
                );
            }
            None => self.fail(5, format_args!("v{} is not a value of the function", value.0)),
        }
    }

    fn uses(&mut self, definitions: &[Option<Definition>], dominators: &Dominators) {
        for (index, block) in self.function.blocks.iter().enumerate() {
            let end = block.insts.len();
            for (k, inst) in block.insts.iter().enumerate() {
                self.at(index, Spot::Inst(k));
                for &arg in &inst.args {
                    self.use_of(arg, (index, k), definitions, dominators);
                }
            }
            self.at(index, Spot::Terminator);
            block
                .terminator
                .for_each_operand(|value| self.use_of(value, (index, end), definitions, dominators));
            block.terminator.for_each_target(|target| {
                for &arg in &target.args {
                    self.use_of(arg, (index, end), definitions, dominators);
                }
            });
        }
        self.at_function();
    }

    fn use_of(
        &mut self,
        value: Value,
        (block, position): (usize, usize),
        definitions: &[Option<Definition>],
        dominators: &Dominators,
    ) {
        // What is out of range or never defined has been reported.
        let Some(&Some((home, after))) = definitions.get(value.index()) else {
            return;
        };
        let (home, after) = (home as usize, after as usize);
        if home == block {
            if after > position {
                self.fail(8, format_args!("v{} is used before it is defined", value.0));
            }
        } else if dominators.is_reachable(block) && !dominators.dominates(home, block) {
            self.fail(
                8,
                format_args!(
                    "v{} is defined in b{home}, which does not dominate b{block}",
                    value.0
                ),
            );
        }
    }
}

/// Types in parentheses.
pub(super) struct Types<'a>(pub(super) &'a [Type]);

impl fmt::Display for Types<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (k, ty) in self.0.iter().enumerate() {
            write!(f, "{}{ty}", if k > 0 { ", " } else { "" })?;
        }
        f.write_str(")")
    }
}
