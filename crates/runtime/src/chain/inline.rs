//! One fragment's blocks, copied into a chain.

use cutthrough_ir::cfg::Graph;
use cutthrough_ir::{Block, End, Function, Imm, Inst, Op, Target, Terminator, Type, Value};

use super::pull::Pulled;
use super::{Behind, ChainBuilder, TooLarge, target};
use crate::exec::status_word;
use crate::program::FunctionInfo;
use crate::wiring::Status;

/// One way in which an activation ends: what it has emitted, and in which block the
/// chain goes on. The process's status has been set.
pub(super) struct Ending {
    pub(super) emitted: Vec<Emission>,
    pub(super) block: Block,
    pub(super) holds: Holds,
}

impl Ending {
    fn emission(&self, output: usize) -> Option<&Emission> {
        self.emitted.iter().find(|emission| emission.output == output)
    }
}

/// An element that an activation has emitted.
pub(super) struct Emission {
    pub(super) output: usize,
    pub(super) element: Vec<Value>,
    /// Where only some of the joined endings emit it, whether this one did.
    pub(super) only_if: Option<Value>,
}

/// Whether an ending emits to some output of another, to no others, and in the same
/// order.
fn joins(longest: &Ending, ending: &Ending) -> bool {
    let mut outputs = longest.emitted.iter().map(|emission| emission.output);
    let in_order = ending
        .emitted
        .iter()
        .all(|emission| outputs.any(|output| output == emission.output));
    in_order && ending.emitted.is_empty() == longest.emitted.is_empty()
}

/// Whether the process holds more when an activation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// As this value says.
    If(Value),
}

/// Where the values and blocks of a function are in the chain.
struct Map {
    values: Vec<Option<Value>>,
    blocks: Vec<Option<Block>>,
}

impl Map {
    fn new(function: &Function, args: &[Value], entry: Block) -> Map {
        let mut map = Map {
            values: vec![None; function.values.len()],
            blocks: vec![None; function.blocks.len()],
        };
        map.bind(function.params(), args);
        map.blocks[0] = Some(entry);
        map
    }

    fn bind(&mut self, params: &[Value], args: &[Value]) {
        for (param, arg) in params.iter().zip(args) {
            self.values[param.index()] = Some(*arg);
        }
    }

    fn value(&self, value: Value) -> Value {
        self.values[value.index()].expect("INVARIANT: values are defined before they are used")
    }

    fn all(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|&value| self.value(value)).collect()
    }
}

impl ChainBuilder<'_> {
    /// Copies a fragment in, from the current block on. What it emits is left to the
    /// caller: one ending for each set of outputs, so that what lies behind them is
    /// built once.
    pub(super) fn inline_fragment(
        &mut self,
        member: usize,
        function: &FunctionInfo,
        args: &[Value],
    ) -> Result<Vec<Ending>, TooLarge> {
        let outer = self.enter(member);
        let function_ir = function.function();
        let mut map = Map::new(function_ir, args, self.f.current());
        let mut endings: Vec<Ending> = Vec::new();
        // Fragments are acyclic: each block comes after all that lead to it.
        for block in Graph::new(function_ir).reverse_postorder() {
            self.check_size()?;
            let at = self.mapped_block(function_ir, &mut map, block);
            self.f.switch_to(at);
            let mut emitted = Vec::new();
            for inst in &function_ir.block(block).insts {
                self.inline_inst(member, inst, &mut map, &mut emitted);
            }
            match &function_ir.block(block).terminator {
                Terminator::End(end) => {
                    self.end_activation(member, function, *end);
                    let holds = if *end == End::Again { Holds::Yes } else { Holds::No };
                    endings.push(Ending {
                        emitted,
                        block: self.f.current(),
                        holds,
                    });
                }
                terminator => self.inline_terminator(member, function_ir, terminator, &mut map)?,
            }
        }
        let endings = self.join_endings(endings);
        self.f.set_origin(outer);
        Ok(endings)
    }

    /// Copies an expression in; its value.
    pub(super) fn inline_expression(&mut self, member: usize, function: &Function) -> Value {
        let outer = self.enter(member);
        let result = self.f.block(&function.returns);
        let mut map = Map::new(function, &[], self.f.current());
        for block in Graph::new(function).reverse_postorder() {
            let at = self.mapped_block(function, &mut map, block);
            self.f.switch_to(at);
            for inst in &function.block(block).insts {
                self.inline_inst(member, inst, &mut map, &mut Vec::new());
            }
            match &function.block(block).terminator {
                Terminator::Return(values) => self.f.jump(result, &map.all(values)),
                terminator => {
                    let copy = self.copy_terminator(function, terminator, &mut map);
                    self.f.terminate(copy);
                }
            }
        }
        self.f.switch_to(result);
        self.f.set_origin(outer);
        self.f.block_params(result)[0]
    }

    fn mapped_block(&mut self, function: &Function, map: &mut Map, block: Block) -> Block {
        if let Some(known) = map.blocks[block.index()] {
            return known;
        }
        let params = &function.block(block).params;
        let types: Vec<_> = params.iter().map(|&param| function.ty(param)).collect();
        let copy = self.f.block(&types);
        map.bind(params, &self.f.block_params(copy));
        map.blocks[block.index()] = Some(copy);
        copy
    }

    fn mapped_target(&mut self, function: &Function, map: &mut Map, to: &Target) -> Target {
        let block = self.mapped_block(function, map, to.block);
        target(block, map.all(&to.args))
    }

    fn inline_inst(&mut self, member: usize, inst: &Inst, map: &mut Map, emitted: &mut Vec<Emission>) {
        let args = map.all(&inst.args);
        let result = match inst.op {
            Op::Emit => {
                emitted.push(Emission {
                    output: inst.imm.index(),
                    element: args,
                    only_if: None,
                });
                None
            }
            Op::Drop => {
                self.drop_element(member, inst.imm.index());
                None
            }
            Op::Ready => Some(self.output_ready(member, inst.imm.index())),
            Op::Needs => {
                let needs = self.plan.member(member).outputs[inst.imm.index()].needs;
                Some(self.f.iconst(needs))
            }
            Op::SlotGet => {
                let slot = self.process_slot(member, inst.imm.index());
                Some(self.f.slot_get(slot))
            }
            Op::SlotSet => {
                let slot = self.process_slot(member, inst.imm.index());
                self.f.slot_set(slot, args[0]);
                None
            }
            Op::RowsLen | Op::RowsTruncate | Op::RowsFind => {
                let rows = self.rows(member, inst.imm.index());
                self.f.inst(inst.op, Imm::Index(rows), &args)
            }
            Op::RowsGet | Op::RowsSet => {
                let (rows, column) = inst.imm.column();
                let (rows, column) = (self.rows(member, rows), column as u32);
                self.f.inst(inst.op, Imm::Column { rows, column }, &args)
            }
            Op::Sconst => {
                let data = self.plan.member(member).code.tables().data[inst.imm.index()].clone();
                Some(self.f.data(data))
            }
            op => self.f.inst(op, inst.imm, &args),
        };
        if let (Some(value), Some(result)) = (inst.result, result) {
            map.values[value.index()] = Some(result);
        }
    }

    fn inline_terminator(
        &mut self,
        member: usize,
        function: &Function,
        terminator: &Terminator,
        map: &mut Map,
    ) -> Result<(), TooLarge> {
        match terminator {
            Terminator::Take {
                input,
                some,
                ended,
                pending,
            } => {
                let some = self.mapped_target(function, map, some);
                let ended = self.mapped_target(function, map, ended);
                let pending = self.mapped_target(function, map, pending);
                match self.pull(member, *input as usize)? {
                    Pulled::Ended => self.f.terminate(Terminator::Jump(ended)),
                    Pulled::None => self.f.terminate(Terminator::Jump(pending)),
                    Pulled::Some { element, none } => {
                        let args = [element, some.args].concat();
                        self.f.terminate(Terminator::Jump(target(some.block, args)));
                        self.f.switch_to(none);
                        self.f.terminate(Terminator::Jump(pending));
                    }
                }
            }
            Terminator::Call { .. } | Terminator::Push { .. } | Terminator::Entry { .. } => {
                let mut copy = self.copy_terminator(function, terminator, map);
                match &mut copy {
                    Terminator::Call { host, rows, .. } => {
                        *host = self.host(member, *host as usize);
                        for rows in rows {
                            *rows = self.rows(member, *rows as usize);
                        }
                    }
                    Terminator::Push { rows, .. } | Terminator::Entry { rows, .. } => {
                        *rows = self.rows(member, *rows as usize);
                    }
                    _ => {}
                }
                self.f.terminate(copy);
            }
            _ => {
                let copy = self.copy_terminator(function, terminator, map);
                self.f.terminate(copy);
            }
        }
        Ok(())
    }

    fn copy_terminator(&mut self, function: &Function, terminator: &Terminator, map: &mut Map) -> Terminator {
        let mut copy = terminator.clone();
        copy.map_operands(|value| map.value(value));
        copy.for_each_target_mut(|to| *to = self.mapped_target(function, map, to));
        copy
    }

    /// Sets the status that an activation's end leaves, and makes the loops come out
    /// when the process is over.
    fn end_activation(&mut self, member: usize, function: &FunctionInfo, end: End) {
        let word = status_word(end);
        let code = &self.plan.member(member).code;
        // Who gives has held, if only since the end of an input.
        let gives = code
            .write_ok
            .as_ref()
            .is_some_and(|write_ok| std::ptr::eq(write_ok, function));
        let stays_idle = !gives && code.activated().all(|f| !f.may_hold) && !code.inputs.is_empty();
        if end != End::Done || !stays_idle {
            self.set_status(member, word);
        }
        if Status::of(word).is_over() {
            self.f.inst(Op::Halt, cutthrough_ir::Imm::None, &[]);
        }
    }

    /// Joins the endings that have an output in common, so that what lies behind it is
    /// built once.
    fn join_endings(&mut self, mut endings: Vec<Ending>) -> Vec<Ending> {
        // The longest first: the others emit to some of its outputs.
        endings.sort_by_key(|ending| std::cmp::Reverse(ending.emitted.len()));
        let mut groups: Vec<Vec<Ending>> = Vec::new();
        for ending in endings {
            match groups.iter_mut().find(|group| joins(&group[0], &ending)) {
                Some(group) => group.push(ending),
                None => groups.push(vec![ending]),
            }
        }
        groups.into_iter().map(|group| self.join(group)).collect()
    }

    /// Joins endings that emit to all or some of the first one's outputs.
    fn join(&mut self, mut group: Vec<Ending>) -> Ending {
        if group.len() == 1 {
            return group.remove(0);
        }
        let mixed = group.iter().any(|ending| ending.holds != group[0].holds);
        let is_always: Vec<bool> = group[0]
            .emitted
            .iter()
            .map(|emission| {
                group
                    .iter()
                    .all(|ending| ending.emission(emission.output).is_some())
            })
            .collect();
        let mut types = Vec::new();
        for (emission, is_always) in group[0].emitted.iter().zip(&is_always) {
            types.extend(emission.element.iter().map(|&value| self.f.ty(value)));
            types.extend((!is_always).then_some(Type::BOOL));
        }
        types.extend(mixed.then_some(Type::BOOL));
        let block = self.f.block(&types);
        for ending in &group {
            self.f.switch_to(ending.block);
            let args = self.join_args(&group[0], ending, &is_always, mixed);
            self.f.jump(block, &args);
        }
        let mut params = self.f.block_params(block).into_iter();
        let first = group.remove(0);
        let emitted = first
            .emitted
            .into_iter()
            .zip(is_always)
            .map(|(emission, is_always)| Emission {
                output: emission.output,
                element: params.by_ref().take(emission.element.len()).collect(),
                only_if: if is_always { None } else { params.next() },
            });
        let emitted = emitted.collect();
        let holds = params.next().map_or(first.holds, Holds::If);
        Ending {
            emitted,
            block,
            holds,
        }
    }

    fn join_args(&mut self, first: &Ending, ending: &Ending, is_always: &[bool], mixed: bool) -> Vec<Value> {
        let mut args = Vec::new();
        for (emission, is_always) in first.emitted.iter().zip(is_always) {
            let mine = ending.emission(emission.output);
            match mine {
                Some(mine) => args.extend_from_slice(&mine.element),
                None => {
                    let types: Vec<Type> = emission.element.iter().map(|&value| self.f.ty(value)).collect();
                    args.extend(types.into_iter().map(|ty| self.f.zero(ty)));
                }
            }
            if !is_always {
                args.push(self.f.bconst(mine.is_some()));
            }
        }
        if mixed {
            args.push(self.f.bconst(ending.holds == Holds::Yes));
        }
        args
    }

    /// Whether an optional output's elements can be taken.
    fn output_ready(&mut self, member: usize, output: usize) -> Value {
        let result = self.f.block(&[Type::BOOL]);
        let not_ready = self.f.block(&[]);
        let checks = self.plan.member(member).outputs[output].is_ready.as_ref();
        let checks = checks.expect("INVARIANT: what is asked about is planned");
        self.check_all(checks, Behind::Activation, not_ready);
        let yes = self.f.bconst(true);
        self.f.jump(result, &[yes]);
        self.f.switch_to(not_ready);
        let no = self.f.bconst(false);
        self.f.jump(result, &[no]);
        self.f.switch_to(result);
        self.f.block_params(result)[0]
    }
}
