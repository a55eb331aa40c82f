//! What a chain's code needs to find when it runs: collected from its function
//! before it is compiled, checked against each grant that it is run on.

use std::collections::{BTreeMap, BTreeSet};

use cutthrough_ir::types::words_of;
use cutthrough_ir::{ChainCode, Function, Op, Terminator, Type};

use crate::error::CompileError;
use crate::limits::{CALL_WORDS_MAX, STATE_WORDS_MAX};

/// What the code of a chain touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// Slots by their index in the chain, and whether they are ever set.
    pub(crate) slots: Vec<(usize, bool)>,
    /// Row buffers by their index in the chain.
    pub(crate) rows: Vec<RowsNeed>,
    /// Host functions by their index in the chain.
    pub(crate) hosts: Vec<usize>,
    /// Whether it reads the inbox.
    pub(crate) inbox: bool,
    /// Outboxes by their index in the chain.
    pub(crate) outboxes: Vec<usize>,
    /// The fewest words that the network's state has.
    pub(crate) state_words: usize,
    /// The most words of arguments of one host call, or of one row that is added.
    pub(crate) call_args_words: usize,
    /// The most words of results of one host call.
    pub(crate) call_results_words: usize,
    /// The most row buffers of one host call.
    pub(crate) call_rows: usize,
}

/// A row buffer that the code touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowsNeed {
    /// Its index in the chain.
    pub(crate) index: usize,
    /// The columns that the code reads or writes itself.
    pub(crate) columns: BTreeSet<usize>,
}

impl Needs {
    /// What `function`, the form of the chain that is lowered, needs.
    pub(crate) fn of(chain: &ChainCode, function: &Function) -> Result<Needs, CompileError> {
        let mut needs = Needs::default();
        let mut slots = vec![(false, false); chain.tables.slots.len()];
        let mut hosts = vec![false; chain.tables.hosts.len()];
        let mut outboxes = vec![false; chain.tables.outputs.len()];
        let mut rows: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for block in &function.blocks {
            for inst in &block.insts {
                match inst.op {
                    Op::SlotGet => slots[inst.imm.index()].0 = true,
                    Op::SlotSet => slots[inst.imm.index()] = (true, true),
                    Op::RowsLen | Op::RowsTruncate => {
                        rows.entry(inst.imm.index()).or_default();
                    }
                    Op::RowsFind => {
                        let index = inst.imm.index();
                        rows.entry(index).or_default();
                        let words = words_of(&chain.tables.rows[index].key_types());
                        needs.call_args_words = needs.call_args_words.max(words);
                    }
                    Op::RowsGet | Op::RowsSet => {
                        let (index, column) = inst.imm.column();
                        rows.entry(index).or_default().insert(column);
                    }
                    Op::OutboxPut | Op::OutboxRoom => outboxes[inst.imm.index()] = true,
                    _ => {}
                }
            }
            match &block.terminator {
                Terminator::Call {
                    host, rows: given, ..
                } => {
                    hosts[*host as usize] = true;
                    for &index in given {
                        rows.entry(index as usize).or_default();
                    }
                    needs.call_rows = needs.call_rows.max(given.len());
                }
                Terminator::Push { rows: index, .. } | Terminator::Entry { rows: index, .. } => {
                    rows.entry(*index as usize).or_default();
                    let words = chain.tables.rows[*index as usize].types().map(Type::words).sum();
                    needs.call_args_words = needs.call_args_words.max(words);
                }
                Terminator::Inbox { .. } => needs.inbox = true,
                _ => {}
            }
        }
        needs.slots = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.0)
            .map(|(k, slot)| (k, slot.1))
            .collect();
        let rows = rows.into_iter();
        needs.rows = rows.map(|(index, columns)| RowsNeed { index, columns }).collect();
        needs.hosts = indices(&hosts);
        needs.outboxes = indices(&outboxes);
        needs.measure(chain)?;
        Ok(needs)
    }

    fn measure(&mut self, chain: &ChainCode) -> Result<(), CompileError> {
        for &(slot, _) in &self.slots {
            let (place, ty) = (chain.places[slot], chain.tables.slots[slot].ty);
            assert_eq!(place.ty(), ty, "INVARIANT: a slot lies in a place of its type");
            self.state_words = self.state_words.max(place.offset() + ty.words());
        }
        for &host in &self.hosts {
            let sig = &chain.tables.hosts[host];
            self.call_args_words = self.call_args_words.max(words_of(&sig.params));
            self.call_results_words = self.call_results_words.max(words_of(&sig.results));
        }
        let limited = [
            ("words of state", self.state_words, STATE_WORDS_MAX),
            (
                "words of arguments of a host call",
                self.call_args_words,
                CALL_WORDS_MAX,
            ),
            (
                "words of results of a host call",
                self.call_results_words,
                CALL_WORDS_MAX,
            ),
        ];
        match limited.into_iter().find(|(_, number, max)| number > max) {
            Some((what, number, max)) => Err(CompileError::too_large(what, number, max)),
            None => Ok(()),
        }
    }
}

fn indices(used: &[bool]) -> Vec<usize> {
    (0..used.len()).filter(|&index| used[index]).collect()
}
