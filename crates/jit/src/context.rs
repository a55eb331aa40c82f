//! What machine code reads and writes besides elements and state: the context of
//! one activation. The structs here are the one definition; the offsets that are
//! compiled in come from them.

use std::mem::offset_of;
use std::sync::atomic::AtomicBool;

use cutthrough_ir::rows::IndexView;
use cutthrough_ir::{HostContext, Outbox, Place, Rows, State, Word};

/// The context of one activation of a native chain: the argument of its code.
#[repr(C)]
pub(crate) struct Context {
    /// The words of the network's state slots.
    pub(crate) state_words: *mut Word,
    /// What the chain counts of itself: 0 at the entry.
    pub(crate) probes: *mut u64,
    /// Read at the end of each strip.
    pub(crate) interrupt: *const AtomicBool,
    /// The budget apart from what the running strip has taken; after the end, what
    /// is left.
    pub(crate) budget: u64,
    /// The budget that halts have set aside.
    pub(crate) unspent: u64,
    /// What the running strip may still take, where that is in memory.
    pub(crate) fuel: u64,
    /// The words of the elements that are delivered.
    pub(crate) inbox_words: *const Word,
    /// The next one's index.
    pub(crate) inbox_next: u64,
    /// Where to stop.
    pub(crate) inbox_end: u64,
    /// One for each of the chain's outboxes.
    pub(crate) outboxes: *mut OutboxView,
    /// One for each of the chain's row buffers.
    pub(crate) rows: *mut RowsView,
    /// One for each of the chain's host functions.
    pub(crate) hosts: *const HostView,
    /// What host functions may use.
    pub(crate) host_context: *const HostContext,
    /// The state itself, for slots of bytes, which own memory.
    pub(crate) state: *mut State,
    /// The places of the chain's slots.
    pub(crate) places: *const Place,
    /// The addresses of the chain's constant data.
    pub(crate) data: *const Word,
}

/// How machine code enters a host function.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct HostView {
    /// The address of the code; null for host functions of the chain that no reachable
    /// code calls.
    pub(crate) entry: *const (),
    pub(crate) object: *mut (),
}

/// A row buffer as machine code reads and writes it. Whatever may move rows brings it up
/// to date ([`RowsView::refresh`](crate::helpers)).
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct RowsView {
    /// How many rows there are.
    pub(crate) len: u64,
    /// Where the addresses of the word columns lie.
    pub(crate) addresses: *mut *mut Word,
    /// The row buffer itself; null for those that no reachable code touches.
    pub(crate) rows: *mut Rows,
    /// Its number in the state.
    pub(crate) number: u64,
    /// How its rows are found, if it is a table.
    pub(crate) index: IndexView,
}

/// An outbox as machine code fills it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct OutboxView {
    /// Where the elements lie.
    pub(crate) words: *mut Word,
    /// How many elements there are; kept in a register while the code runs.
    pub(crate) len: u64,
    /// How many elements there is memory for.
    pub(crate) allocated: u64,
    /// How many elements the readers have committed to.
    pub(crate) capacity: u64,
    /// The outbox itself.
    pub(crate) outbox: *mut Outbox,
}

macro_rules! offsets {
    ($($name:ident = $struct:ident$(.$field:ident)+),* $(,)?) => {
        $(pub(crate) const $name: i32 = offset_of!($struct, $($field).+) as i32;)*
    };
}

/// Where the fields lie.
pub(crate) mod offset {
    use super::{Context, HostView, OutboxView, RowsView, offset_of};

    offsets! {
        STATE_WORDS = Context.state_words,
        PROBES = Context.probes,
        INTERRUPT = Context.interrupt,
        BUDGET = Context.budget,
        UNSPENT = Context.unspent,
        FUEL = Context.fuel,
        INBOX_WORDS = Context.inbox_words,
        INBOX_NEXT = Context.inbox_next,
        INBOX_END = Context.inbox_end,
        OUTBOXES = Context.outboxes,
        ROWS = Context.rows,
        HOSTS = Context.hosts,
        HOST_CONTEXT = Context.host_context,
        DATA = Context.data,
        HOST_ENTRY = HostView.entry,
        HOST_OBJECT = HostView.object,
        ROWS_LEN = RowsView.len,
        ROWS_ADDRESSES = RowsView.addresses,
        ROWS_ROWS = RowsView.rows,
        ROWS_SLOTS = RowsView.index.slots,
        ROWS_MASK = RowsView.index.mask,
        ROWS_SEED = RowsView.index.seed,
        ROWS_SECRET = RowsView.index.secret,
        OUTBOX_WORDS = OutboxView.words,
        OUTBOX_LEN = OutboxView.len,
        OUTBOX_ALLOCATED = OutboxView.allocated,
        OUTBOX_CAPACITY = OutboxView.capacity,
    }
    pub(crate) const HOST_VIEW_BYTES: i32 = size_of::<HostView>() as i32;
    pub(crate) const ROWS_VIEW_BYTES: i32 = size_of::<RowsView>() as i32;
    pub(crate) const OUTBOX_VIEW_BYTES: i32 = size_of::<OutboxView>() as i32;
}

// Machine code is written for 64-bit addresses and for one byte in an `AtomicBool`.
const _: () = assert!(size_of::<usize>() == 8);
const _: () = assert!(size_of::<AtomicBool>() == 1);
