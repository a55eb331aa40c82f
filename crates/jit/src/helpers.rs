//! What machine code calls for operations that are not worth inlining. Each is the
//! interpreter's own function ([`cutthrough_ir::eval`]) behind the C calling
//! convention. None of them panics; if one did, the process would abort, as no
//! panic may cross a native frame.

#![expect(unsafe_code, reason = "machine code passes addresses")]

use cutthrough_ir::types::f64_word;
use cutthrough_ir::{ErrorSource, FieldAt, Word, Words, eval};

use crate::context::{Context, OutboxView, RowsView};

/// A helper: its address, and how many words it takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    /// (address, length, address, length) -> 1 or 0; the lengths are equal.
    BytesEqual,
    /// (address, length, address, length) -> order.
    Scmp,
    /// (address, length, address, length) -> index.
    Sfind,
    /// (address, length, address, length) -> 1 or 0.
    Sstarts,
    /// (address, length, address, length) -> 1 or 0.
    Sends,
    /// (address, length) -> (value, presence).
    SToI,
    /// (address, length) -> (bits, presence).
    SToF,
    /// (context, index of the slot, address, length, presence): sets a slot of bytes.
    Keep,
    /// (context, index of the row buffer, where the values lie, their words) -> the number
    /// of the row that was added, or [`NO_ROW`].
    RowsPush,
    /// (context, index of the row buffer, how many rows to keep).
    RowsTruncate,
    /// (context, index of the row buffer, column, row, address, length) -> address of a copy.
    RowsCopy,
    /// (context, index of the table, where the key lies, its words) -> (the number of its row
    /// or [`NO_ROW`], how it has come there).
    RowsEntry,
    /// (context, index of the table, where the key lies, its words) -> the number of its row
    /// or [`NO_ROW`].
    RowsFind,
    /// (low, high) -> the bits of a double.
    WToF,
    /// (context, index of the row buffer): a kernel may have moved rows.
    RowsRefresh,
    /// (outbox, length): makes memory for more elements.
    OutboxGrow,
    /// (outbox, address, length) -> address of a copy.
    Intern,
}

/// What stands for the number of a row where there is none.
pub(crate) const NO_ROW: i64 = -1;

impl Helper {
    /// How many there are.
    pub(crate) const COUNT: usize = Helper::Intern as usize + 1;

    /// (parameters, results), all of them words.
    pub(crate) fn signature(self) -> (usize, usize) {
        match self {
            Helper::BytesEqual | Helper::Scmp | Helper::Sfind | Helper::Sstarts | Helper::Sends => (4, 1),
            Helper::SToI | Helper::SToF => (2, 2),
            Helper::Keep => (5, 0),
            Helper::RowsPush | Helper::RowsFind => (4, 1),
            Helper::RowsCopy => (6, 1),
            Helper::RowsEntry => (4, 2),
            Helper::WToF => (2, 1),
            Helper::RowsTruncate => (3, 0),
            Helper::RowsRefresh => (2, 0),
            Helper::OutboxGrow => (2, 0),
            Helper::Intern => (3, 1),
        }
    }

    pub(crate) fn address(self) -> usize {
        type Bytes2 = unsafe extern "C" fn(*const u8, usize, *const u8, usize) -> u64;
        type Parse = unsafe extern "C" fn(*const u8, usize) -> Nullable;
        let pointer = match self {
            Helper::BytesEqual => bytes_equal as Bytes2 as *const (),
            Helper::Scmp => scmp as Bytes2 as *const (),
            Helper::Sfind => sfind as Bytes2 as *const (),
            Helper::Sstarts => sstarts as Bytes2 as *const (),
            Helper::Sends => sends as Bytes2 as *const (),
            Helper::SToI => stoi as Parse as *const (),
            Helper::SToF => stof as Parse as *const (),
            Helper::Keep => keep as unsafe extern "C" fn(*mut Context, usize, Word, Word, Word) as *const (),
            Helper::RowsPush => {
                rows_push as unsafe extern "C" fn(*mut Context, usize, *const Word, usize) -> i64 as *const ()
            }
            Helper::RowsTruncate => {
                rows_truncate as unsafe extern "C" fn(*mut Context, usize, i64) as *const ()
            }
            Helper::RowsCopy => {
                type Copy = unsafe extern "C" fn(*mut Context, usize, usize, usize, *const u8, usize) -> u64;
                rows_copy as Copy as *const ()
            }
            Helper::RowsEntry => {
                rows_entry as unsafe extern "C" fn(*mut Context, usize, *const Word, usize) -> Entered
                    as *const ()
            }
            Helper::RowsFind => {
                rows_find as unsafe extern "C" fn(*mut Context, usize, *const Word, usize) -> i64 as *const ()
            }
            Helper::WToF => wtof as extern "C" fn(i64, i64) -> u64 as *const (),
            Helper::RowsRefresh => rows_refresh as unsafe extern "C" fn(*mut Context, usize) as *const (),
            Helper::OutboxGrow => outbox_grow as unsafe extern "C" fn(*mut OutboxView, u64) as *const (),
            Helper::Intern => {
                intern as unsafe extern "C" fn(*mut OutboxView, *const u8, usize) -> u64 as *const ()
            }
        };
        pointer.expose_provenance()
    }
}

/// A nullable word, returned in two registers.
#[repr(C)]
struct Nullable {
    value: Word,
    presence: Word,
}

/// The bytes of a view that machine code passes.
///
/// # Safety
/// The address and length are those of a value of type `bytes`, which is valid
/// while the helper runs (`cutthrough_ir::memory` derives when that is).
unsafe fn view<'a>(address: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; the address of an empty view, which may be
    // anything, has been taken care of.
    unsafe { std::slice::from_raw_parts(address, length) }
}

macro_rules! of_two_views {
    ($($name:ident = $function:expr;)*) => { $(
        unsafe extern "C" fn $name(a: *const u8, a_len: usize, b: *const u8, b_len: usize) -> u64 {
            // SAFETY: the lowering passes the two parts of two values of type bytes.
            let (a, b) = unsafe { (view(a, a_len), view(b, b_len)) };
            let function: fn(&[u8], &[u8]) -> u64 = $function;
            function(a, b)
        }
    )* };
}
of_two_views! {
    bytes_equal = |a, b| u64::from(a == b);
    scmp = |a, b| eval::scmp(a, b).cast_unsigned();
    sfind = |a, b| eval::sfind(a, b).cast_unsigned();
    sstarts = |a, b| u64::from(a.starts_with(b));
    sends = |a, b| u64::from(a.ends_with(b));
}

unsafe extern "C" fn stoi(address: *const u8, length: usize) -> Nullable {
    // SAFETY: the lowering passes the two parts of a value of type bytes.
    let value = eval::stoi(unsafe { view(address, length) });
    Nullable {
        value: value.unwrap_or_default().cast_unsigned(),
        presence: value.is_some().into(),
    }
}

unsafe extern "C" fn stof(address: *const u8, length: usize) -> Nullable {
    // SAFETY: the lowering passes the two parts of a value of type bytes.
    let value = eval::stof(unsafe { view(address, length) });
    Nullable {
        value: f64_word(value.unwrap_or_default()),
        presence: value.is_some().into(),
    }
}

unsafe extern "C" fn keep(context: *mut Context, slot: usize, address: Word, length: Word, presence: Word) {
    let words = [address, length, presence];
    // SAFETY: machine code passes its own context, in which `NativeChain::run` has
    // put the state and the places of all the chain's slots; `slot` is one of them,
    // of type bytes, and the words are such a value's. While machine code runs
    // nobody else uses the state: it is borrowed by the grant, and the borrow is not
    // used before the code has returned. Setting a slot does not move the words of
    // the state, whose address the code holds.
    unsafe {
        let context = &*context;
        let place = *context.places.add(slot);
        let value = Words::new(FieldAt::alone(place.ty()), &words[..place.ty().words()]);
        (*context.state).set(place, value);
    }
}

impl RowsView {
    /// Brings the view up to date.
    ///
    /// # Safety
    /// `rows` is a row buffer that nobody else uses meanwhile, and `addresses` has room for
    /// each of its word columns.
    pub(crate) unsafe fn refresh(&mut self) {
        // SAFETY: the caller's promise.
        let rows = unsafe { &mut *self.rows };
        self.len = rows.len() as u64;
        rows.addresses(|column, address| {
            // SAFETY: the caller's promise.
            unsafe { *self.addresses.add(column) = address };
        });
        self.index = rows.index_view();
    }
}

/// Does something with a row buffer of the chain, and brings its view up to date.
///
/// # Safety
/// Machine code passes its own context, in which `NativeChain::run` has put a view of each
/// of the chain's row buffers that its code touches; `index` is one of them. The row buffer
/// is the state's, which the grant has borrowed, and while machine code runs nobody else
/// uses it.
unsafe fn with_rows<R>(
    context: *mut Context,
    index: usize,
    act: impl FnOnce(&mut cutthrough_ir::Rows, u32, &Context) -> R,
) -> R {
    // SAFETY: the caller's promise.
    unsafe {
        let context = &*context;
        let view = &mut *context.rows.add(index);
        let len = (*view.rows).len();
        let value = act(&mut *view.rows, view.number as u32, context);
        // PERF: where no row came or went, no column has moved, and the index has not.
        if (*view.rows).len() != len || (*view.rows).is_over() {
            view.refresh();
        }
        value
    }
}

unsafe extern "C" fn rows_push(context: *mut Context, index: usize, row: *const Word, words: usize) -> i64 {
    // SAFETY: see `with_rows`; the words are on the stack of the calling frame, and values
    // of the types of the row buffer's columns.
    unsafe {
        with_rows(context, index, |rows, number, context| {
            match rows.push_unchecked(std::slice::from_raw_parts(row, words)) {
                Ok(row) => row as i64,
                Err(message) => {
                    (*context.host_context).set_error(ErrorSource::Rows(number), message);
                    NO_ROW
                }
            }
        })
    }
}

unsafe extern "C" fn rows_truncate(context: *mut Context, index: usize, len: i64) {
    // SAFETY: see `with_rows`.
    unsafe {
        with_rows(context, index, |rows, _, _| {
            rows.truncate(usize::try_from(len).unwrap_or(0));
        });
    }
}

unsafe extern "C" fn rows_copy(
    context: *mut Context,
    index: usize,
    column: usize,
    row: usize,
    address: *const u8,
    length: usize,
) -> u64 {
    // SAFETY: see `with_rows`; the lowering passes the two parts of a value of type bytes.
    unsafe {
        with_rows(context, index, |rows, _, _| {
            rows.copy_bytes(column, row, view(address, length)).0
        })
    }
}

/// A row of a table, returned in two registers.
#[repr(C)]
struct Entered {
    row: i64,
    entry: i64,
}

unsafe extern "C" fn rows_entry(
    context: *mut Context,
    index: usize,
    key: *const Word,
    words: usize,
) -> Entered {
    // SAFETY: see `with_rows`; the words are on the stack of the calling frame, and values
    // of the types of the table's key.
    unsafe {
        with_rows(context, index, |rows, number, context| {
            match rows.entry_unchecked(std::slice::from_raw_parts(key, words)) {
                Ok((row, entry)) => Entered {
                    row: row as i64,
                    entry: entry as i64,
                },
                Err(message) => {
                    (*context.host_context).set_error(ErrorSource::Rows(number), message);
                    Entered {
                        row: NO_ROW,
                        entry: 0,
                    }
                }
            }
        })
    }
}

unsafe extern "C" fn rows_find(context: *mut Context, index: usize, key: *const Word, words: usize) -> i64 {
    // SAFETY: as in `rows_entry`; nothing is changed.
    unsafe {
        let view = &*(*context).rows.add(index);
        let key = std::slice::from_raw_parts(key, words);
        (*view.rows).find_unchecked(key).map_or(NO_ROW, |row| row as i64)
    }
}

extern "C" fn wtof(low: i64, high: i64) -> u64 {
    f64_word(eval::wtof(low, high))
}

unsafe extern "C" fn rows_refresh(context: *mut Context, index: usize) {
    // SAFETY: see `with_rows`.
    unsafe { (*(*context).rows.add(index)).refresh() }
}

unsafe extern "C" fn outbox_grow(view: *mut OutboxView, len: u64) {
    // SAFETY: machine code passes the address of one of the context's outboxes, and
    // how many elements it has completed there, which is never more than there is
    // memory for; so the words up to there are initialised, by whole elements. The outbox is borrowed
    // by the grant and used by nobody else meanwhile.
    unsafe {
        let view = &mut *view;
        let block = &mut (*view.outbox).block;
        let width = block.element().words();
        let words = block.words_mut();
        words.set_len(len as usize * width);
        words.reserve(words.len().max(width));
        view.words = words.as_mut_ptr();
        view.allocated = (words.capacity() / width) as u64;
    }
}

unsafe extern "C" fn intern(outbox: *mut OutboxView, address: *const u8, length: usize) -> u64 {
    // SAFETY: machine code passes the address of one of the context's outboxes, and
    // the two parts of a value of type bytes.
    unsafe { (*(*outbox).outbox).block.intern(view(address, length)).0 }
}
