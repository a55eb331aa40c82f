//! A compiled chain, and how it is entered.

#![expect(unsafe_code, reason = "calls machine code")]

use std::mem::MaybeUninit;

use cutthrough_ir::rows::IndexView;
use cutthrough_ir::{ChainCode, Data, ElementType, Exit, Grant, HostSig, Place, RowsDecl, Type, Word};

use crate::accounts::Ledger;
use crate::code_memory::CodeRegion;
use crate::context::{Context, HostView, OutboxView, RowsView};
use crate::limits::{OUTBOX_ELEMENTS_FIRST, VIEWS_INLINE};
use crate::needs::Needs;
use crate::profile::Retirement;
use crate::strategy::Strategy;

type Entry = unsafe extern "C" fn(*mut Context) -> Exit;

/// Code that has just been compiled, and what keeps it.
pub(crate) struct Code {
    pub(crate) entry: *const u8,
    pub(crate) retirement: Option<Retirement>,
    pub(crate) region: CodeRegion,
    pub(crate) strategy: Strategy,
}

/// The native code of one chain: its specialisation. Dropping it frees the code.
#[derive(Debug)]
pub struct NativeChain {
    entry: Entry,
    /// Tells an observer that the code is gone. Before `region`, as fields are dropped in
    /// order: nobody else's code is at the address when it is told.
    _retirement: Option<Retirement>,
    region: CodeRegion,
    strategy: Strategy,
    name: String,
    needs: Needs,
    ledger: Ledger,
    places: Vec<Place>,
    /// For each of the chain's row buffers, the state's, and how its rows lie.
    rows: Vec<(u32, RowsLayout)>,
    /// For each of the chain's host functions, the network's.
    hosts: Vec<u32>,
    sigs: Vec<HostSig>,
    inbox: Option<ElementType>,
    outboxes: Vec<ElementType>,
    /// Constant data, which the code refers to.
    _data: Vec<Data>,
    data_addresses: Vec<Word>,
}

impl NativeChain {
    pub(crate) fn new(chain: &ChainCode, needs: Needs, ledger: Ledger, code: Code) -> NativeChain {
        let Code {
            entry,
            retirement,
            region,
            strategy,
        } = code;
        assert!(region.contains(entry), "INVARIANT: the region keeps the code");
        // SAFETY: `entry` is the address of finalized code that was compiled for the
        // signature that `lower` sets, which is that of `Entry`; the region, kept
        // beside it, keeps it.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(entry) };
        NativeChain {
            entry,
            _retirement: retirement,
            region,
            strategy,
            name: chain.name.clone(),
            needs,
            ledger,
            places: chain.places.clone(),
            rows: chain
                .rows
                .iter()
                .zip(&chain.tables.rows)
                .map(|(&number, decl)| (number, RowsLayout::of(decl)))
                .collect(),
            hosts: chain.hosts.clone(),
            sigs: chain.tables.hosts.clone(),
            inbox: chain.tables.inputs.first().cloned(),
            outboxes: chain.tables.outputs.clone(),
            _data: chain.tables.data.clone(),
            data_addresses: chain.tables.data.iter().map(|data| data.view().0).collect(),
        }
    }

    /// What the chain is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was compiled.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The bytes of code memory that it holds, in whole pages.
    pub fn code_bytes(&self) -> usize {
        self.region.bytes()
    }

    /// Runs the chain. It leaves what [`ChainCode::interpret`] would, except that an
    /// interrupt that comes while it runs may be seen a strip later.
    ///
    /// # Panics
    /// When the grant is not one for this chain's network: places, counters, host
    /// functions, the inbox and the outboxes must be those that it was made for.
    pub fn run(&self, grant: &mut Grant<'_>) -> Exit {
        self.check(grant);
        let mut hosts = Views::new(self.sigs.len());
        let hosts = hosts.fill(|host| self.host_view(host, grant));
        let mut probes = Views::new(self.ledger.probes());
        let probes = probes.fill(|_| 0);
        let mut addresses = Vec::new();
        let mut rows = Views::new(self.rows.len());
        let rows = self.rows_views(&mut rows, &mut addresses, grant);
        let mut outboxes = Views::new(self.outboxes.len());
        let outboxes = outboxes.fill(|outbox| outbox_view(grant, outbox));
        let (inbox_words, inbox_next, inbox_end) = match &grant.inbox {
            Some(inbox) => (inbox.block.words().as_ptr(), inbox.next as u64, inbox.end as u64),
            None => (std::ptr::null(), 0, 0),
        };
        let state = &raw mut *grant.state;
        let mut context = Context {
            // SAFETY: `state` comes from a reference that is unique and lives on. Machine
            // code sets slots to values of their types, and those of bytes by `keep`.
            state_words: unsafe { (*state).words_mut().as_mut_ptr() },
            probes: probes.as_mut_ptr(),
            interrupt: grant.interrupt,
            budget: grant.budget,
            unspent: 0,
            fuel: 0,
            inbox_words,
            inbox_next,
            inbox_end,
            outboxes: outboxes.as_mut_ptr(),
            rows: rows.as_mut_ptr(),
            hosts: hosts.as_ptr(),
            host_context: grant.context,
            state,
            places: self.places.as_ptr(),
            data: self.data_addresses.as_ptr(),
        };
        // SAFETY: the code was made from verified IR by `lower`, keeps to the C
        // calling convention and does not unwind (helpers abort instead, host
        // functions catch). What it touches is what `Needs` has collected, and
        // `check` has found it in this grant, where it is borrowed for the call. The
        // code itself is kept by `self.region` until the call has returned.
        let exit = unsafe { (self.entry)(&raw mut context) };
        let left = context.budget + context.unspent;
        self.ledger.post(probes, grant.budget - left, grant.counts);
        grant.budget = left;
        if let Some(inbox) = &mut grant.inbox {
            inbox.next = context.inbox_next as usize;
        }
        for (outbox, view) in grant.outboxes.iter_mut().zip(outboxes.iter()) {
            finish_outbox(outbox, view);
        }
        exit
    }

    /// Asserts that the grant has all that the code touches. Memory safety hangs on
    /// it.
    fn check(&self, grant: &mut Grant<'_>) {
        assert!(
            self.needs.state_words <= grant.state.len(),
            "the state is not that of the chain's network"
        );
        assert!(
            self.ledger.counters_needed() <= grant.counts.len(),
            "the counters are not those of the chain's network"
        );
        if self.needs.inbox {
            let inbox = grant.inbox.as_ref().expect("the chain begins with a delivery");
            assert_eq!(
                Some(inbox.block.element()),
                self.inbox.as_ref(),
                "the inbox has other elements"
            );
            let width = inbox.block.element().words();
            let there = inbox
                .end
                .checked_mul(width)
                .is_some_and(|end| end <= inbox.block.words().len());
            assert!(inbox.next <= inbox.end && there, "the inbox has fewer elements");
        }
        for need in &self.needs.rows {
            let (number, layout) = &self.rows[need.index];
            let decl = grant.state.rows(*number).decl();
            assert!(
                layout.is_of(decl),
                "the row buffer {} is not the one that the chain was made for",
                decl.name
            );
        }
        for &outbox in &self.needs.outboxes {
            let block = &grant.outboxes[outbox].block;
            assert_eq!(
                block.element(),
                &self.outboxes[outbox],
                "outbox {outbox} has other elements"
            );
        }
    }

    /// Views of the row buffers that the code touches; their columns' addresses lie in
    /// `addresses`.
    fn rows_views<'v>(
        &self,
        views: &'v mut Views<RowsView>,
        addresses: &mut Vec<*mut Word>,
        grant: &mut Grant<'_>,
    ) -> &'v mut [RowsView] {
        let none = RowsView {
            len: 0,
            addresses: std::ptr::null_mut(),
            rows: std::ptr::null_mut(),
            number: 0,
            index: IndexView::NONE,
        };
        let views = views.fill(|_| none);
        let width = |index: usize| self.rows[index].1.words;
        let needed = self.needs.rows.iter().map(|need| width(need.index)).sum();
        addresses.resize(needed, std::ptr::null_mut());
        let mut rest = &mut addresses[..];
        for need in &self.needs.rows {
            let number = self.rows[need.index].0;
            let (first, behind) = std::mem::take(&mut rest).split_at_mut(width(need.index));
            rest = behind;
            let view = &mut views[need.index];
            *view = RowsView {
                addresses: first.as_mut_ptr(),
                rows: &raw mut *grant.state.rows_mut(number),
                number: number.into(),
                ..none
            };
            // SAFETY: the row buffer is borrowed with the grant; it has the columns that
            // the addresses have been counted for, as `check` has seen.
            unsafe { view.refresh() };
        }
        views
    }

    fn host_view(&self, host: usize, grant: &mut Grant<'_>) -> HostView {
        if !self.needs.hosts.contains(&host) {
            return HostView {
                entry: std::ptr::null(),
                object: std::ptr::null_mut(),
            };
        }
        let function = grant.hosts[self.hosts[host] as usize].as_mut();
        let function = function.expect("a chain's host functions are there");
        let (is, expected) = (function.sig(), &self.sigs[host]);
        let same =
            (&is.params, &is.results, &is.rows) == (&expected.params, &expected.results, &expected.rows);
        assert!(
            same,
            "the host function {} is not the one that the chain was made for",
            expected.name
        );
        let (entry, object) = function.native();
        HostView {
            entry: entry.address(),
            object,
        }
    }
}

/// How the rows of a row buffer lie, as code is compiled for them.
#[derive(Debug)]
struct RowsLayout {
    types: Vec<Type>,
    key: usize,
    words: usize,
}

impl RowsLayout {
    fn of(decl: &RowsDecl) -> RowsLayout {
        RowsLayout {
            types: decl.types().collect(),
            key: decl.key,
            words: decl.row_words(),
        }
    }

    fn is_of(&self, decl: &RowsDecl) -> bool {
        self.key == decl.key && decl.types().eq(self.types.iter().copied())
    }
}

fn outbox_view(grant: &mut Grant<'_>, index: usize) -> OutboxView {
    let Some(outbox) = grant.outboxes.get_mut(index) else {
        // Of no use to the code, as `check` has looked at the ones that are.
        return OutboxView {
            words: std::ptr::null_mut(),
            len: 0,
            allocated: 0,
            capacity: 0,
            outbox: std::ptr::null_mut(),
        };
    };
    let width = outbox.block.element().words();
    let len = outbox.block.len();
    let capacity = outbox.capacity;
    // SAFETY: machine code extends them by whole elements, whose bytes it interns.
    let words = unsafe { outbox.block.words_mut() };
    words.reserve(capacity.saturating_sub(len).min(OUTBOX_ELEMENTS_FIRST) * width);
    OutboxView {
        words: words.as_mut_ptr(),
        len: len as u64,
        allocated: words.capacity().checked_div(width).unwrap_or_default() as u64,
        capacity: capacity as u64,
        outbox: &raw mut *outbox,
    }
}

fn finish_outbox(outbox: &mut cutthrough_ir::Outbox, view: &OutboxView) {
    let words = view.len as usize * outbox.block.element().words();
    // SAFETY: the code has counted the elements that it has written, and has written
    // only where there was memory (`allocated`); those before it were there before.
    unsafe { outbox.block.words_mut().set_len(words) };
}

/// Views for one grant, on the stack where they are few.
struct Views<T> {
    inline: [MaybeUninit<T>; VIEWS_INLINE],
    more: Vec<T>,
    len: usize,
}

impl<T: Copy> Views<T> {
    fn new(len: usize) -> Views<T> {
        Views {
            inline: [const { MaybeUninit::uninit() }; VIEWS_INLINE],
            more: Vec::new(),
            len,
        }
    }

    fn fill(&mut self, view: impl FnMut(usize) -> T) -> &mut [T] {
        let views = (0..self.len).map(view);
        if self.len > VIEWS_INLINE {
            self.more = views.collect();
            return &mut self.more;
        }
        for (place, view) in self.inline.iter_mut().zip(views) {
            place.write(view);
        }
        // SAFETY: the first `len` places have just been written; `MaybeUninit<T>` has
        // the layout of `T`.
        unsafe { std::slice::from_raw_parts_mut(self.inline.as_mut_ptr().cast::<T>(), self.len) }
    }
}
