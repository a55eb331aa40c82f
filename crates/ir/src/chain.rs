//! A chain: one function made of many fragments, with where its slots, counters
//! and host functions are in a network; and what a grant gives it to run on.
//!
//! The interpreter runs a chain here ([`ChainCode::interpret`]), native code in the
//! JIT crate, both on the same [`Grant`], and both must leave the same.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::block::ElementBlock;
use crate::function::Function;
use crate::host::HostFunction;
use crate::interp::{Code, Flow, Lend, Outcome, Registers};
use crate::memory::Words;
use crate::program::Tables;
use crate::rows::Rows;
use crate::scratch::{ErrorSource, HostContext};
use crate::state::{Place, State};
use crate::types::Word;

/// A chain's function, bound to a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainCode {
    /// What it is called in dumps and profiles.
    pub name: String,
    /// The function: no parameters, returns one integer, the exit code.
    pub function: Function,
    /// What it indexes.
    pub tables: Tables,
    /// Where each of `tables.slots` lies.
    pub places: Vec<Place>,
    /// Which of the state's row buffers each of `tables.rows` is.
    pub rows: Vec<u32>,
    /// Which of the network's host functions each of `tables.hosts` is.
    pub hosts: Vec<u32>,
    /// Which of the network's counters each counted edge is.
    pub edges: Vec<u32>,
    /// Which of the network's counters each of `tables.drops` is.
    pub drops: Vec<u32>,
    /// What each origin is called in dumps.
    pub origins: Vec<String>,
}

/// Elements that are being delivered to a chain.
#[derive(Clone, Copy, Debug)]
pub struct Inbox<'a> {
    /// Where they lie.
    pub block: &'a ElementBlock,
    /// The next one's index.
    pub next: usize,
    /// Where to stop.
    pub end: usize,
}

/// A block that a chain fills for a polymorphic flow point.
#[derive(Debug)]
pub struct Outbox {
    /// The elements so far.
    pub block: ElementBlock,
    /// How many the block may have in all: what the readers have committed to.
    pub capacity: usize,
}

/// What a chain runs on during one grant.
#[derive(Debug)]
pub struct Grant<'a> {
    /// The state of the network's processes.
    pub state: &'a mut State,
    /// The network's counters.
    pub counts: &'a mut [u64],
    /// The network's host functions.
    pub hosts: &'a mut [Option<HostFunction>],
    /// What host functions may use.
    pub context: &'a HostContext,
    /// Set by others when the chain is to come out soon.
    pub interrupt: &'a AtomicBool,
    /// How many steps the chain may take; afterwards, how many are left.
    pub budget: u64,
    /// What is delivered, for chains that begin with a delivery.
    pub inbox: Option<Inbox<'a>>,
    /// The blocks to fill, in the order of the chain's outputs.
    pub outboxes: &'a mut [Outbox],
}

impl Grant<'_> {
    /// Lends the host function of this number, the row buffers of these, and what the
    /// function may use.
    ///
    /// # Panics
    /// When one of them is not there.
    pub fn lend(&mut self, host: u32, rows: impl Iterator<Item = u32>, to: &mut Lend<'_>) -> bool {
        let host = self.hosts[host as usize].as_mut();
        let host = host.expect("INVARIANT: the host function is there");
        if host.sig().rows.is_empty() {
            return to(host, &mut [], self.context);
        }
        let rows: Vec<u32> = rows.collect();
        self.state.with_rows(&rows, |rows| to(host, rows, self.context))
    }

    /// Whether the grant is to come out between the next two activations, whatever its
    /// budget: somebody asked for it, or scratch memory is to be freed.
    #[inline]
    pub fn is_to_come_out(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.context.is_full()
    }
}

/// The exit code of a chain.
pub type Exit = i64;

impl ChainCode {
    /// Runs the chain by the interpreter. `code` is this chain's function.
    pub fn interpret(&self, code: &Code, grant: &mut Grant<'_>) -> Exit {
        let mut registers = Registers::default();
        let mut flow = ChainFlow {
            chain: self,
            grant,
            unspent: 0,
        };
        let outcome = code.run(&self.tables, Words::NONE, &mut registers, &mut flow);
        flow.grant.budget += flow.unspent;
        assert_eq!(outcome, Outcome::Return, "INVARIANT: a chain returns");
        registers.returned()[0].cast_signed()
    }
}

struct ChainFlow<'c, 'g, 'n> {
    chain: &'c ChainCode,
    grant: &'g mut Grant<'n>,
    /// The budget that a halt set aside.
    unspent: u64,
}

impl Flow for ChainFlow<'_, '_, '_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(self.grant.state.get(self.chain.places[slot]).words());
    }

    fn slot_set(&mut self, slot: usize, value: Words<'_>) {
        self.grant.state.set(self.chain.places[slot], value);
    }

    fn rows(&self, rows: usize) -> &Rows {
        self.grant.state.rows(self.chain.rows[rows])
    }

    fn rows_mut(&mut self, rows: usize) -> &mut Rows {
        self.grant.state.rows_mut(self.chain.rows[rows])
    }

    fn rows_failed(&mut self, rows: usize, message: String) {
        self.grant
            .context
            .set_error(ErrorSource::Rows(self.chain.rows[rows]), message);
    }

    fn lend(&mut self, host: usize, rows: &[u32], to: &mut Lend<'_>) -> bool {
        let numbers = rows.iter().map(|&rows| self.chain.rows[rows as usize]);
        self.grant.lend(self.chain.hosts[host], numbers, to)
    }

    fn drop_element(&mut self, policy: usize) {
        self.grant.counts[self.chain.drops[policy] as usize] += 1;
    }

    fn step(&mut self) -> bool {
        if self.grant.budget == 0 || self.grant.is_to_come_out() {
            return false;
        }
        self.grant.budget -= 1;
        true
    }

    fn batch(&mut self, min: i64, max: i64) -> Option<i64> {
        let budget = i64::try_from(self.grant.budget).unwrap_or(i64::MAX);
        let steps = budget.min(max);
        if steps < min || self.grant.is_to_come_out() {
            return None;
        }
        self.grant.budget -= steps.cast_unsigned();
        Some(steps)
    }

    fn refund(&mut self, steps: i64) {
        self.grant.budget += steps.cast_unsigned();
    }

    fn halt(&mut self) {
        self.unspent += std::mem::take(&mut self.grant.budget);
    }

    fn count(&mut self, edge: usize) {
        self.grant.counts[self.chain.edges[edge] as usize] += 1;
    }

    fn inbox(&mut self, into: &mut [Word]) -> bool {
        let inbox = self
            .grant
            .inbox
            .as_mut()
            .expect("INVARIANT: the chain begins with a delivery");
        if inbox.next == inbox.end {
            return false;
        }
        into.copy_from_slice(inbox.block.get(inbox.next).words());
        inbox.next += 1;
        true
    }

    fn outbox_put(&mut self, outbox: usize, element: Words<'_>) {
        self.grant.outboxes[outbox].block.push(element);
    }

    fn outbox_room(&mut self, outbox: usize) -> i64 {
        let outbox = &self.grant.outboxes[outbox];
        outbox.capacity as i64 - outbox.block.len() as i64
    }
}
