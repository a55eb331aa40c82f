//! Swaps: a process gets another program, and keeps its place, its state and its counts.

use std::panic::Location;
use std::sync::Arc;

use cutthrough_ir::ElementType;

use super::Network;
use super::resources::Swap;
use super::rewire::Rewire;
use crate::error::{Error, ErrorKind};
use crate::process::Process;
use crate::program::{Prepared, ProcessCode};
use crate::specialize::{Cause, Change};
use crate::wiring::{Node, ProcessId, Status};

impl Rewire<'_> {
    /// Gives a process another program, with the same ports: a filter another condition,
    /// say. A port that is not attached at the time may have other elements than before, and
    /// the last outputs may come or go.
    /// Slots that have the same name and type in both keep their values; row buffers of one
    /// name keep their rows, and in these the columns of the same name and type; and counts
    /// go on, also of what was dropped by a policy that the new program does not have. A timer that is set stays so, if the new program has one; a process that is
    /// pending is woken, if the new program has a [waker](crate::Shape::waker).
    ///
    /// # Errors
    /// When the ports differ, the new program is not well formed, something that the process
    /// holds would be lost, or its counts do not add up.
    #[track_caller]
    pub fn swap(&mut self, process: ProcessId, by: impl Process + 'static) -> Result<(), Error> {
        let place = Location::caller();
        self.swap_prepared(process, Prepared::new(Box::new(by))?.at(place))
    }

    /// The same, with a program that has been prepared.
    ///
    /// # Errors
    /// As [`swap`](Rewire::swap).
    pub fn swap_prepared(&mut self, process: ProcessId, by: Prepared) -> Result<(), Error> {
        self.edits += 1;
        let before = Arc::clone(self.known(process)?);
        let Prepared {
            process: object,
            code,
            shape,
            added_at,
        } = by;
        self.network.watches.check_room(&shape)?;
        if !has_ports_of(&before, &code) {
            let message = format!("`{}` has other ports than `{}`", code.program.name, before.name);
            return Err(Error::new(ErrorKind::Type, message));
        }
        let kept = matching_slots(&before, &code);
        let kept_rows = matching_rows(&before, &code);
        self.network
            .check_nothing_lost(&before, &code, &kept, &kept_rows)?;
        // What is wrong with the counts now could not be seen any more.
        self.network.check_accounts(&before)?;
        let mut node = self.network.node(code, shape, before.status);
        node.added_at = added_at;
        node.is_tolerated = before.is_tolerated;
        self.network.take_over_edges(&mut node, &before);
        for (slot, &from) in kept.iter().enumerate() {
            if let Some(from) = from {
                let fresh =
                    std::mem::replace(&mut Arc::make_mut(&mut node.places)[slot], before.places[from]);
                self.network.state.remove(fresh);
            }
        }
        for (rows, from) in kept_rows.into_iter().enumerate() {
            let Some(from) = from else { continue };
            let (old, new) = (before.rows[from], node.rows[rows]);
            if self.network.state.rows(old).decl() == self.network.state.rows(new).decl() {
                Arc::make_mut(&mut node.rows)[rows] = old;
                self.network.state.remove_rows(new);
            } else if let Err(message) = self.network.state.take_over_rows(old, new) {
                self.network.free_replaced(&node, &before);
                return Err(Error::new(ErrorKind::Holding, message));
            }
        }
        (node.is_retired, node.is_failed, node.is_leaving) =
            (before.is_retired, before.is_failed, before.is_leaving);
        self.network.take_over_counts(&mut node, &before);
        self.network.wiring.replace_node(process, node);
        let change = Change::of_process(Cause::Swapped, process);
        self.edited.changes.push(change.in_edit(self.edits));
        self.edited.swapped.push(Swap {
            process,
            before,
            object,
        });
        Ok(())
    }
}

/// For each slot of a new program, the slot of the old one that has its name and type.
fn matching_slots(before: &Node, code: &ProcessCode) -> Vec<Option<usize>> {
    let old = &before.code.tables().slots;
    let mut taken = vec![false; old.len()];
    let matching = code.tables().slots.iter().map(|new| {
        let found = (0..old.len()).find(|&k| !taken[k] && old[k].name == new.name && old[k].ty == new.ty)?;
        taken[found] = true;
        Some(found)
    });
    matching.collect()
}

/// For each row buffer of a new program, that of the old one whose rows it goes on with: the
/// one of its name, if its columns allow that.
fn matching_rows(before: &Node, code: &ProcessCode) -> Vec<Option<usize>> {
    let old = &before.code.tables().rows;
    let mut taken = vec![false; old.len()];
    let matching = code.tables().rows.iter().map(|new| {
        let goes_on = |k: usize| old[k].name == new.name && new.columns_of(&old[k]).is_some();
        let found = (0..old.len()).find(|&k| !taken[k] && goes_on(k))?;
        taken[found] = true;
        Some(found)
    });
    matching.collect()
}

/// Whether a row buffer of a new program has all columns of one of the old program.
fn keeps_all(before: &Node, old: usize, code: &ProcessCode, new: usize) -> bool {
    let old = &before.code.tables().rows[old];
    let columns = code.tables().rows[new].columns_of(old);
    columns.is_some_and(|columns| (0..old.columns.len()).all(|column| columns.contains(&Some(column))))
}

/// Whether a new program fits where a process is attached; of the outputs that only one of
/// the two has, none is.
fn has_ports_of(before: &Node, code: &ProcessCode) -> bool {
    let (old, new) = (before.code.tables(), code.tables());
    let fits = |is_attached: bool, old: &ElementType, new: &ElementType| !is_attached || old == new;
    let mut inputs = before.inputs.iter().zip(old.inputs.iter().zip(&new.inputs));
    let mut outputs = before.outputs.iter().zip(old.outputs.iter().zip(&new.outputs));
    old.inputs.len() == new.inputs.len()
        && before.outputs[outputs_of_both(before, code)..]
            .iter()
            .all(|edge| edge.point.is_none())
        && inputs.all(|(edge, (old, new))| fits(edge.point.is_some(), old, new))
        && outputs.all(|(edge, (old, new))| fits(edge.point.is_some(), old, new))
}

/// How many outputs a process has had, and has with a new program as well.
fn outputs_of_both(before: &Node, code: &ProcessCode) -> usize {
    before.outputs.len().min(code.tables().outputs.len())
}

impl Network {
    /// Lets a process with a new program go on with the edges that it has.
    fn take_over_edges(&mut self, node: &mut Node, before: &Node) {
        let fresh = std::mem::replace(&mut node.inputs, before.inputs.clone());
        fresh.iter().for_each(|edge| self.free_input(edge));
        for (edge, kept) in node.outputs.iter_mut().zip(&before.outputs) {
            self.free_output(edge);
            *edge = kept.clone();
        }
    }

    /// Lets a process with a new program, which has everything else of the old one, go on with
    /// its counts. What was dropped by a policy that the new program does not have stays in the
    /// report; the accounts of the new program begin here.
    fn take_over_counts(&mut self, node: &mut Node, before: &Node) {
        (node.handed_back, node.merged) = (before.handed_back, before.merged);
        let old = before.code.tables().drops.iter().zip(&*before.drops);
        let old = old.map(|(policy, &counter)| (policy.clone(), self.counts.get(counter)));
        let dropped: Vec<_> = before.dropped_before.iter().cloned().chain(old).collect();
        let code = Arc::clone(&node.code);
        for (policy, count) in dropped {
            match code.tables().drops.iter().position(|name| *name == policy) {
                Some(to) => self.counts.values[node.drops[to] as usize] += count,
                None => node.keep_dropped(policy, count),
            }
        }
        let accounts = code.accounts.iter();
        node.elsewhere = accounts
            .map(|account| self.sums(node, account).missing())
            .collect();
    }

    /// Whether a process can have another program without losing what it holds.
    fn check_nothing_lost(
        &self,
        before: &Node,
        code: &ProcessCode,
        kept: &[Option<usize>],
        kept_rows: &[Option<usize>],
    ) -> Result<(), Error> {
        let status = Status::of(self.state.i64(before.status));
        let goes = |slot: &usize| !kept.contains(&Some(*slot));
        let slot_goes = (0..before.places.len()).any(|slot| goes(&slot));
        let accounts = before.code.accounts.iter();
        let mut counts = accounts.flat_map(|account| account.held.iter().chain(&account.gone));
        let count_goes = counts.any(|slot| goes(slot) && self.state.i64(before.places[*slot]) != 0);
        // What stands for elements that are held goes with any part of it.
        let part_goes = self.held(before) > 0 && slot_goes;
        let rows_go = (0..before.rows.len()).any(|rows| {
            let by = kept_rows.iter().position(|&kept| kept == Some(rows));
            !self.state.rows(before.rows[rows]).is_empty()
                && !by.is_some_and(|by| keeps_all(before, rows, code, by))
        });
        let gives = matches!(status, Status::Holding | Status::Waiting) && !before.inputs.is_empty();
        let cannot_give = gives && (code.write_ok.is_none() || slot_goes);
        if !count_goes && !part_goes && !rows_go && !cannot_give {
            return Ok(());
        }
        let message = format!(
            "`{}` holds elements that the new program would not know",
            before.name
        );
        Err(Error::new(ErrorKind::Holding, message))
    }
}
