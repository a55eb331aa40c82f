//! Finds loops that can be batched.

use std::collections::HashMap;

use crate::cfg::Graph;
use crate::function::{Block, Function, Imm, Inst, Item, Target, Terminator, Value};
use crate::limits::BATCH_INSTS_MAX;
use crate::op::Op;
use crate::types::{Kind, Type};

/// A loop that can be batched.
pub(super) struct Lap {
    /// The blocks of a lap, each before those that it goes to; the last one steps.
    pub(super) blocks: Vec<usize>,
    pub(super) counter: u32,
    /// The settled reads, by the block that they end.
    pub(super) reads: HashMap<usize, Read>,
    /// By how much the counter has grown at the end of each block.
    pub(super) counted: HashMap<usize, i64>,
}

/// A read whose index is what a slot was when the lap began.
#[derive(Clone, Copy)]
pub(super) struct Read {
    pub(super) item: Item,
    pub(super) view: View,
    pub(super) slot: u32,
}

/// Where a view comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Data(u32),
    Slot(u32),
}

impl Lap {
    /// The loop of laps that the step at the end of this block takes.
    pub(super) fn of(function: &Function, leaves: &[bool], step: usize) -> Option<Lap> {
        let Terminator::Step { go, .. } = &function.blocks[step].terminator else {
            return None;
        };
        let blocks = lap_blocks(function, go.block.index(), step)?;
        let mut scan = Scan::new(function, &blocks);
        for &block in &blocks {
            scan.block(block);
        }
        let at_end = scan.ends[&step].clone();
        let mut reads = scan.reads;
        reads.retain(|_, read| match read.view {
            View::Slot(slot) if growth(&at_end, slot) != Growth::Exactly(0) => false,
            _ => growth(&at_end, read.slot) != Growth::Unknown,
        });
        let counts = |slot: &u32| growth(&at_end, *slot) == Growth::Exactly(1);
        let read_first = blocks
            .iter()
            .filter_map(|block| reads.get(block))
            .map(|read| read.slot);
        let any = at_end.keys().copied().min_by_key(|slot| (!counts(slot), *slot));
        let counter = read_first.chain(any).find(counts)?;
        let mut counted = HashMap::new();
        for &block in &blocks {
            let stays = |to: &Target| blocks.contains(&to.block.index());
            let mut is_left = false;
            let mut number = 0;
            function.blocks[block].terminator.for_each_target(|to| {
                let settled = number == 1 && reads.contains_key(&block);
                is_left |= block != step && !settled && !stays(to);
                number += 1;
            });
            match growth(&scan.ends[&block], counter) {
                Growth::Exactly(by) => counted.insert(block, by),
                _ if is_left => return None,
                _ => None,
            };
            if is_left && !exits_leave(function, leaves, &blocks, &reads, block) {
                return None;
            }
        }
        Some(Lap {
            blocks,
            counter,
            reads,
            counted,
        })
    }
}

/// Whether the chain comes out wherever a lap is left at the end of this block, but for
/// a settled read.
fn exits_leave(
    function: &Function,
    leaves: &[bool],
    blocks: &[usize],
    reads: &HashMap<usize, Read>,
    block: usize,
) -> bool {
    let (mut all, mut number) = (true, 0);
    function.blocks[block].terminator.for_each_target(|to| {
        let settled = number == 1 && reads.contains_key(&block);
        all &= settled || blocks.contains(&to.block.index()) || leaves[to.block.index()];
        number += 1;
    });
    all
}

/// The blocks from `go` to `step` with no other step on the way, in order; none if there
/// is no such way, or no batch can be taken.
fn lap_blocks(function: &Function, go: usize, step: usize) -> Option<Vec<usize>> {
    let steps = |block: usize| matches!(function.blocks[block].terminator, Terminator::Step { .. });
    let graph = Graph::new(function);
    let reaches = graph.reaching(std::iter::once(step), |block| !steps(block));
    if !reaches[go] {
        return None;
    }
    // Every loop has a step, so each block comes before those it goes to.
    let order = graph.reverse_postorder_from(go, |from, to| from != step && reaches[to]);
    let order: Vec<usize> = order.into_iter().map(Block::index).collect();
    let blocks = || order.iter().map(|&block| &function.blocks[block]);
    let size: usize = blocks().map(|block| block.insts.len() + 1).sum();
    // A halt is to be noticed by the next step.
    let halts = blocks()
        .flat_map(|block| &block.insts)
        .any(|inst| inst.op == Op::Halt);
    // So is a call after which scratch memory is to be freed: one that makes bytes.
    let makes_bytes = blocks().any(|block| match &block.terminator {
        Terminator::Call { ok, .. } => {
            let results = &function.block(ok.block).params;
            results
                .iter()
                .any(|&result| function.ty(result).kind == Kind::Bytes)
        }
        _ => false,
    });
    (size <= BATCH_INSTS_MAX && !halts && !makes_bytes).then_some(order)
}

/// What is known of a value of a lap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The value that a slot had when the lap began, and so much more.
    Slot(u32, i64),
    /// This constant.
    Number(i64),
    /// A view that is the same in every lap.
    View(View),
}

/// By how much a slot has grown since the lap began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Growth {
    Exactly(i64),
    OneAtMost,
    Unknown,
}

impl Growth {
    fn or(self, other: Growth) -> Growth {
        match (self, other) {
            _ if self == other => self,
            (Growth::Unknown, _) | (_, Growth::Unknown) => Growth::Unknown,
            _ => Growth::OneAtMost,
        }
    }
}

/// The slots that may have grown; all others have not.
type Grown = HashMap<u32, Growth>;

fn growth(grown: &Grown, slot: u32) -> Growth {
    grown.get(&slot).copied().unwrap_or(Growth::Exactly(0))
}

/// Goes through a lap and notes what is known.
struct Scan<'f> {
    function: &'f Function,
    blocks: &'f [usize],
    known: HashMap<Value, Known>,
    /// What has grown where each block begins, once something has been seen that goes
    /// there; and what the block's parameters are.
    starts: HashMap<usize, (Grown, Vec<Option<Known>>)>,
    /// What has grown where each block ends.
    ends: HashMap<usize, Grown>,
    reads: HashMap<usize, Read>,
}

impl<'f> Scan<'f> {
    fn new(function: &'f Function, blocks: &'f [usize]) -> Scan<'f> {
        let params = function.blocks[blocks[0]].params.len();
        Scan {
            function,
            blocks,
            known: HashMap::new(),
            starts: HashMap::from([(blocks[0], (Grown::new(), vec![None; params]))]),
            ends: HashMap::new(),
            reads: HashMap::new(),
        }
    }

    fn block(&mut self, index: usize) {
        let data = &self.function.blocks[index];
        let (mut grown, params) = self
            .starts
            .remove(&index)
            .expect("INVARIANT: blocks are in order");
        for (&param, known) in data.params.iter().zip(params) {
            if let Some(known) = known {
                self.known.insert(param, known);
            }
        }
        for inst in &data.insts {
            self.inst(inst, &mut grown);
        }
        if let Terminator::Get {
            item,
            view,
            index: at,
            ..
        } = &data.terminator
            && let Some(Known::View(view)) = self.known.get(view)
            && let Some(Known::Slot(slot, 0)) = self.known.get(at)
        {
            let (item, view, slot) = (*item, *view, *slot);
            self.reads.insert(index, Read { item, view, slot });
        }
        if index != self.blocks[self.blocks.len() - 1] {
            data.terminator.for_each_target(|to| self.goes_to(to, &grown));
        }
        self.ends.insert(index, grown);
    }

    fn inst(&mut self, inst: &Inst, grown: &mut Grown) {
        let known = match (inst.op, inst.imm) {
            (Op::SlotSet, Imm::Index(slot)) => {
                let growth = match self.known.get(&inst.args[0]) {
                    Some(&Known::Slot(from, by @ (0 | 1))) if from == slot => Growth::Exactly(by),
                    _ => Growth::Unknown,
                };
                grown.insert(slot, growth);
                return;
            }
            (Op::SlotGet, Imm::Index(slot)) => {
                let is_view = inst
                    .result
                    .is_some_and(|result| self.function.ty(result) == Type::BYTES);
                match growth(grown, slot) {
                    Growth::Exactly(0) if is_view => Some(Known::View(View::Slot(slot))),
                    Growth::Exactly(by) => Some(Known::Slot(slot, by)),
                    _ => None,
                }
            }
            (Op::Sconst, Imm::Index(data)) => Some(Known::View(View::Data(data))),
            (Op::Iconst, Imm::I64(number)) => Some(Known::Number(number)),
            (Op::Iadd, _) => {
                let [a, b] = [0, 1].map(|k| self.known.get(&inst.args[k]));
                match (a, b) {
                    (Some(&Known::Slot(slot, by)), Some(&Known::Number(more)))
                    | (Some(&Known::Number(more)), Some(&Known::Slot(slot, by))) => {
                        Some(Known::Slot(slot, by.wrapping_add(more)))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if let (Some(result), Some(known)) = (inst.result, known) {
            self.known.insert(result, known);
        }
    }

    fn goes_to(&mut self, to: &Target, grown: &Grown) {
        let params = self.function.block(to.block).params.len();
        let brought = params - to.args.len();
        let args = to.args.iter().map(|arg| self.known.get(arg).copied());
        let args: Vec<Option<Known>> = std::iter::repeat_n(None, brought).chain(args).collect();
        match self.starts.get_mut(&to.block.index()) {
            None => {
                self.starts.insert(to.block.index(), (grown.clone(), args));
            }
            Some((before, params)) => {
                for &slot in grown.keys() {
                    before.entry(slot).or_insert(Growth::Exactly(0));
                }
                for (&slot, now) in before.iter_mut() {
                    *now = now.or(growth(grown, slot));
                }
                for (param, arg) in params.iter_mut().zip(args) {
                    *param = param.filter(|known| Some(*known) == arg);
                }
            }
        }
    }
}
