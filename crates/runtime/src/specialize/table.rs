//! The table of specialisations: which roots have one, what each relies on, and which
//! compilation is current.
//!
//! It is `docs/reclamation.md` as code, and nothing else: what roots, flow points and
//! native code are is left open, so that the model checker can run this very file.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// The number of one compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// What is known of the chains of a network: `K` are roots, `D` what chains rely on, `C`
/// native code, `R` why there is none, and `N` what else there is to know of a chain.
#[derive(Debug)]
pub(crate) struct Table<K, D, C, R, N> {
    entries: FxHashMap<K, Entry<D, C, R, N>>,
    /// The roots whose chains rely on something.
    reliant: BTreeMap<D, BTreeSet<K>>,
    tickets: u64,
}

/// What is known of one chain.
#[derive(Debug)]
pub(crate) struct Entry<D, C, R, N> {
    relies_on: Vec<D>,
    pub(crate) state: State<C, R>,
    /// The compilation of better code for a chain that is native, if one is under way.
    pub(crate) upgrade: Option<Ticket>,
    pub(crate) note: N,
}

/// What is there of a chain's specialisation.
#[derive(Debug)]
pub(crate) enum State<C, R> {
    Interpreted,
    Compiling(Ticket),
    Native(C),
    Refused(R),
}

impl<K, D, C, R, N> Default for Table<K, D, C, R, N> {
    fn default() -> Self {
        Table {
            entries: FxHashMap::default(),
            reliant: BTreeMap::new(),
            tickets: 0,
        }
    }
}

impl<K: Copy + Ord + Hash, D: Copy + Ord, C, R, N> Table<K, D, C, R, N> {
    pub(crate) fn get(&self, root: K) -> Option<&Entry<D, C, R, N>> {
        self.entries.get(&root)
    }

    pub(crate) fn get_mut(&mut self, root: K) -> Option<&mut Entry<D, C, R, N>> {
        self.entries.get_mut(&root)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &Entry<D, C, R, N>)> {
        self.entries.iter().map(|(&root, entry)| (root, entry))
    }

    /// Adds a chain that is interpreted.
    pub(crate) fn add(&mut self, root: K, relies_on: Vec<D>, note: N) {
        for &what in &relies_on {
            self.reliant.entry(what).or_default().insert(root);
        }
        self.entries.entry(root).or_insert(Entry {
            relies_on,
            state: State::Interpreted,
            upgrade: None,
            note,
        });
    }

    /// Begins a compilation: the ticket that is current from now on.
    pub(crate) fn begin(&mut self, root: K) -> Option<Ticket> {
        let entry = self.entries.get_mut(&root)?;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        entry.state = State::Compiling(ticket);
        Some(ticket)
    }

    /// Begins a compilation of better code for a chain that is native, and stays so.
    pub(crate) fn begin_upgrade(&mut self, root: K) -> Option<Ticket> {
        let entry = self.entries.get_mut(&root)?;
        if !matches!(entry.state, State::Native(_)) {
            return None;
        }
        self.tickets += 1;
        entry.upgrade = Some(Ticket(self.tickets));
        entry.upgrade
    }

    /// Ends a compilation, if its ticket is current; otherwise what it gave comes back,
    /// never having been entered. Gives the code that is replaced, which no grant enters
    /// from here on.
    pub(crate) fn install(
        &mut self,
        root: K,
        ticket: Ticket,
        outcome: Result<C, R>,
    ) -> Result<Option<C>, Result<C, R>> {
        let Some(entry) = self.entries.get_mut(&root) else {
            return Err(outcome);
        };
        match (&mut entry.state, outcome) {
            (State::Compiling(current), outcome) if *current == ticket => {
                entry.state = match outcome {
                    Ok(code) => State::Native(code),
                    Err(why) => State::Refused(why),
                };
                Ok(None)
            }
            (State::Native(code), outcome) if entry.upgrade == Some(ticket) => {
                entry.upgrade = None;
                Ok(outcome.ok().map(|better| std::mem::replace(code, better)))
            }
            (_, outcome) => Err(outcome),
        }
    }

    /// Unlinks the chains that rely on this: no grant enters them from here on. Whoever
    /// gets them reclaims them by dropping them.
    pub(crate) fn unlink(&mut self, what: D) -> Vec<(K, Entry<D, C, R, N>)> {
        let roots = self.reliant.remove(&what).unwrap_or_default();
        let unlinked = roots.into_iter().filter_map(|root| self.remove(root));
        unlinked.collect()
    }

    /// Unlinks all chains.
    pub(crate) fn unlink_all(&mut self) -> Vec<(K, Entry<D, C, R, N>)> {
        self.reliant.clear();
        let mut unlinked: Vec<_> = self.entries.drain().collect();
        unlinked.sort_by_key(|(root, _)| *root);
        unlinked
    }

    fn remove(&mut self, root: K) -> Option<(K, Entry<D, C, R, N>)> {
        let entry = self.entries.remove(&root)?;
        for what in &entry.relies_on {
            if let Some(roots) = self.reliant.get_mut(what) {
                roots.remove(&root);
                if roots.is_empty() {
                    self.reliant.remove(what);
                }
            }
        }
        Some((root, entry))
    }
}
