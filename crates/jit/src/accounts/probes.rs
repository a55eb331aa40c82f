//! The probes of a chain: one `count` for each, where its way can be counted.

use std::collections::{BTreeMap, HashMap};

use cutthrough_ir::passes::simplify;
use cutthrough_ir::{Block, BlockData, Function, Imm, Inst, Op, Origin, Target, Terminator, Type, Value};

use super::graph::Site;
use super::{Accounts, Term};

impl Accounts {
    /// Numbers the ways that are counted and puts a `count` on each. Ways that are counted
    /// for the same have one number: copies of a loop share their probes.
    pub(super) fn number_probes(&mut self, site: impl Fn(usize) -> Site, function: &mut Function) {
        let mut uses: BTreeMap<usize, Vec<(usize, i64)>> = BTreeMap::new();
        for (index, (_, sum)) in self.sums.iter().enumerate() {
            for (&term, &times) in sum {
                if let Term::Probe(way) = term {
                    uses.entry(way).or_default().push((index, times));
                }
            }
        }
        let mut numbers: HashMap<&[(usize, i64)], usize> = HashMap::new();
        let mut probes = Vec::new();
        for (&way, uses) in &uses {
            let next = numbers.len();
            probes.push((way, *numbers.entry(uses).or_insert(next)));
        }
        self.probes = numbers.len();
        for (_, sum) in &mut self.sums {
            sum.retain(|term, _| !matches!(term, Term::Probe(_)));
        }
        for (uses, probe) in numbers {
            for &(index, times) in uses {
                self.sums[index].1.insert(Term::Probe(probe), times);
            }
        }
        let blocks = function.blocks.len();
        for (way, probe) in probes {
            match site(way) {
                Site::In(block) => function.blocks[block].insts.push(count_inst(probe)),
                Site::Between(block, target) => split_edge(function, block, target, count_inst(probe)),
            }
        }
        if function.blocks.len() > blocks {
            *function = simplify(function);
        }
    }
}

/// Counts one for a probe.
pub(super) fn count_inst(probe: usize) -> Inst {
    let imm = Imm::Index(u32::try_from(probe).expect("tables are bounded"));
    Inst {
        op: Op::Count,
        imm,
        args: Vec::new(),
        result: None,
        origin: Origin(0),
    }
}

/// Puts a block with one instruction on a target.
fn split_edge(function: &mut Function, block: usize, number: usize, inst: Inst) {
    let new = Block::from_index(function.blocks.len());
    let mut old = None;
    let mut at = 0;
    let targets = &mut function.blocks[block].terminator;
    targets.for_each_target_mut(|to| {
        if at == number {
            old = Some(std::mem::replace(
                to,
                Target {
                    block: new,
                    args: to.args.clone(),
                },
            ));
        }
        at += 1;
    });
    let old = old.expect("INVARIANT: the target is there");
    // All that comes in goes on: what the terminator brings, and the arguments.
    let types: Vec<Type> = function
        .block(old.block)
        .params
        .iter()
        .map(|&param| function.ty(param))
        .collect();
    let params: Vec<Value> = types.into_iter().map(|ty| function.add_value(ty)).collect();
    let terminator = Terminator::Jump(Target {
        block: old.block,
        args: params.clone(),
    });
    let origin = function.blocks[block].origin;
    function.add_block(BlockData {
        params,
        insts: vec![inst],
        terminator,
        origin,
    });
}
