//! Whether all counts add up: that nothing was lost, nor came from nowhere.

use std::fmt;

use slotmap::SecondaryMap;

use super::Network;
use crate::error::{Error, ErrorKind};
use crate::process::Account;
use crate::wiring::{Node, PointId, Status};

impl Network {
    /// Checks all counts. What went into a flow point came out, is being dealt out, or
    /// was lost where it says so; what came into a process went out, is held, or was
    /// dropped by a named policy, where the process has an
    /// [`Account`](crate::Account) of it.
    ///
    /// # Errors
    /// Where the counts differ, and by how much.
    pub fn check_conservation(&self) -> Result<(), Error> {
        for node in self.wiring.nodes.values() {
            self.check_accounts(node)?;
        }
        self.check_points()
    }

    /// Checks the accounts of a process.
    pub(super) fn check_accounts(&self, node: &Node) -> Result<(), Error> {
        for (account, &elsewhere) in node.code.accounts.iter().zip(&node.elsewhere) {
            let sums = self.sums(node, account);
            // The element at which the process failed went no further.
            let failed = i64::from(node.is_failed && sums.came > sums.late);
            let unaccounted = sums.missing().wrapping_sub(elsewhere);
            if unaccounted != 0 && unaccounted != failed {
                let name = &node.name;
                let message = format!(
                    "`{name}`: {sums} and {elsewhere} are accounted for elsewhere: {unaccounted} are missing"
                );
                return Err(Error::new(ErrorKind::Failed, message));
            }
        }
        Ok(())
    }

    /// What an account of a process comes to now.
    pub(super) fn sums(&self, node: &Node, account: &Account) -> Sums {
        let sum = |counters: &mut dyn Iterator<Item = u32>| {
            counters.map(|counter| self.counts.get(counter)).sum::<u64>()
        };
        Sums {
            came: sum(&mut account.inputs.iter().map(|&input| node.inputs[input].count)),
            late: sum(&mut account.inputs.iter().map(|&input| node.inputs[input].late)),
            went: sum(&mut account.outputs.iter().map(|&output| node.outputs[output].count)),
            dropped: sum(&mut account.drops.iter().map(|&policy| node.drops[policy])),
            held: self.held_of(node, std::slice::from_ref(account)),
            gone: self.sum_of(node, &account.gone),
        }
    }

    /// How many elements a process holds by each of its accounts.
    pub(super) fn held_by_account(&self, node: &Node) -> Vec<u64> {
        let accounts = node.code.accounts.iter();
        accounts
            .map(|account| self.held_of(node, std::slice::from_ref(account)))
            .collect()
    }

    /// Whether elements may stay in a process from one grant to the next, as
    /// [`Prepared::may_hold`](crate::Prepared::may_hold); not in one that has been removed.
    pub fn may_hold(&self, process: crate::ProcessId) -> bool {
        self.known(process).is_ok_and(|node| node.code.may_hold())
    }

    /// Whether a process holds elements: as its accounts say, or as it has some to give, now
    /// or when it is woken. A source holds what does not exist yet.
    pub(super) fn holds(&self, node: &Node) -> bool {
        let status = Status::of(self.state.i64(node.status));
        let gives = matches!(status, Status::Holding | Status::Waiting);
        !node.is_retired && !node.inputs.is_empty() && (gives || self.held(node) > 0)
    }

    /// How many elements a process holds, as far as it has accounts of them.
    pub(super) fn held(&self, node: &Node) -> u64 {
        self.held_of(node, &node.code.accounts)
    }

    fn held_of(&self, node: &Node, accounts: &[Account]) -> u64 {
        let mut slots: Vec<usize> = accounts
            .iter()
            .flat_map(|account| account.held.iter().copied())
            .collect();
        // Accounts of several branches have one slot in common.
        slots.sort_unstable();
        slots.dedup();
        let mut rows: Vec<(usize, Option<usize>)> = accounts
            .iter()
            .flat_map(|account| account.rows.iter().map(|held| (held.rows, held.given)))
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let in_rows = rows.into_iter().map(|(rows, given)| {
            let given = given.map_or(0, |slot| self.state.i64(node.places[slot]));
            let len = self.state.rows(node.rows[rows]).len() as u64;
            len.wrapping_sub(given.cast_unsigned())
        });
        in_rows.fold(self.sum_of(node, &slots), u64::wrapping_add)
    }

    pub(super) fn sum_of(&self, node: &Node, slots: &[usize]) -> u64 {
        let values = slots
            .iter()
            .map(|&slot| self.state.i64(node.places[slot]).cast_unsigned());
        values.fold(0, u64::wrapping_add)
    }

    /// How many elements were put into each flow point, and taken from it, in its life.
    pub(super) fn passed(&self) -> SecondaryMap<PointId, (u64, u64)> {
        let mut passed: SecondaryMap<PointId, (u64, u64)> = SecondaryMap::new();
        for (id, point) in &self.wiring.points {
            let departed = (
                self.counts.get(point.departed_put),
                self.counts.get(point.departed_taken),
            );
            passed.insert(id, departed);
        }
        for node in self.wiring.nodes.values() {
            for edge in &node.outputs {
                if let Some((put, _)) = edge.home.and_then(|point| passed.get_mut(point)) {
                    *put += self.put(edge) - edge.before_home;
                }
            }
            for edge in &node.inputs {
                if let Some((_, taken)) = edge.home.and_then(|point| passed.get_mut(point)) {
                    *taken += self.counts.get(edge.count) - edge.before_home;
                }
            }
        }
        passed
    }

    fn check_points(&self) -> Result<(), Error> {
        for (id, (put, taken)) in &self.passed() {
            let point = self.wiring.point(id);
            let accounted = taken + self.simplexes.left(id) + self.counts.get(point.lost);
            if *put != accounted {
                let name = &point.name;
                let message =
                    format!("flow point `{name}`: {put} elements went in, but {accounted} are accounted for");
                return Err(Error::new(ErrorKind::Failed, message));
            }
        }
        Ok(())
    }
}

/// What an [account](Account) comes to: of the elements that came in, how many were late, went
/// out, were dropped, are held, and are gone otherwise.
pub(super) struct Sums {
    came: u64,
    late: u64,
    went: u64,
    dropped: u64,
    held: u64,
    gone: u64,
}

impl Sums {
    /// How many elements came in that the rest does not account for.
    pub(super) fn missing(&self) -> i64 {
        let accounted = [self.late, self.went, self.dropped, self.held, self.gone];
        let missing = accounted.into_iter().fold(self.came, u64::wrapping_sub);
        missing.cast_signed()
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sums {
            came,
            late,
            went,
            dropped,
            held,
            gone,
        } = self;
        write!(
            f,
            "{came} elements came in, but {went} went out, {dropped} were dropped, {held} are held, {gone} went otherwise, {late} came late"
        )
    }
}
