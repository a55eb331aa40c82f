//! Sorting, and the first N, of the rows of a buffer.
//!
//! The sort is stable; see [`super::rank`] for the order of values.

use std::cmp::Ordering;

use cutthrough_ir::{HostContext, Kernel, Results, Rows, RowsArg, Scalar, Type, Words};

use super::rank::{compare_nullable, rank};

/// With a limit, how many elements are held at least before any is let go.
pub const PRUNE_MIN: usize = 256;

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The index of the field.
    pub field: usize,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What to keep, and in which order to give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSpec {
    /// The fields of the elements.
    pub element: Vec<Type>,
    /// The most significant first.
    pub keys: Vec<OrderKey>,
    /// Only the first so many.
    pub limit: Option<usize>,
    /// Whether the limit is of the last ones instead.
    pub is_from_end: bool,
    /// How many bytes the kept elements may take; with a limit, an eighth more
    /// elements than that have to fit.
    pub bytes_max: usize,
}

/// Sorts the rows of a buffer:
/// `(what: i64) -> (rows left: i64, is full: bool, first key of the last row)`.
#[derive(Debug)]
pub struct OrderKernel {
    spec: OrderSpec,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// By the first key: mostly decides.
    rank: u64,
    row: u32,
}

impl OrderKernel {
    /// Keeps the first so many, in the order in which they came.
    pub const PRUNE: i64 = 0;
    /// The same, as the rows are at their bound.
    pub const PRUNE_FULL: i64 = 1;
    /// Keeps the first so many, in their order.
    pub const GIVE: i64 = 2;

    /// Sorts as `spec` says.
    ///
    /// # Panics
    /// When a key is not a field.
    pub fn new(spec: OrderSpec) -> OrderKernel {
        assert!(
            spec.keys.iter().all(|key| key.field < spec.element.len()),
            "a key is a field"
        );
        OrderKernel { spec }
    }

    /// The rows that are left, in their order.
    ///
    /// # Errors
    /// When the system has no memory to sort them.
    fn sorted(&self, rows: &Rows) -> Result<Vec<Entry>, String> {
        let rank_of = |row: usize| {
            let key = self.spec.keys.first();
            key.map_or(0, |key| rank(rows.value(key.field, row), key.descending))
        };
        let entries = (0..rows.len()).map(|row| Entry {
            rank: rank_of(row),
            row: row as u32,
        });
        let mut sorted = Vec::new();
        let room = sorted.try_reserve_exact(rows.len());
        room.map_err(|_| format!("order: there is no memory to sort {} elements", rows.len()))?;
        sorted.extend(entries);
        let mut entries: Vec<Entry> = sorted;
        // Rows are numbered in the order in which they came: that makes it stable.
        entries.sort_unstable_by(|&a, &b| self.compare(rows, a, b).then(a.row.cmp(&b.row)));
        match self.spec.limit {
            Some(limit) if self.spec.is_from_end => {
                entries.drain(..entries.len().saturating_sub(limit));
            }
            limit => entries.truncate(limit.unwrap_or(usize::MAX)),
        }
        Ok(entries)
    }

    /// By rank, then by all keys; not by age.
    fn compare(&self, rows: &Rows, a: Entry, b: Entry) -> Ordering {
        a.rank.cmp(&b.rank).then_with(|| {
            let mut orders = self.spec.keys.iter().map(|key| {
                let value = |entry: Entry| rows.value(key.field, entry.row as usize);
                compare_nullable(value(a), value(b), key.descending)
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }

    fn check_room(&self, rows: &Rows) -> Result<(), String> {
        let limit = self.spec.limit.unwrap_or(usize::MAX);
        // Not for each element more, which would sort for each: for an eighth more.
        if rows.len() > limit.saturating_add(limit / 8) {
            return Ok(());
        }
        Err(format!(
            "order: the elements to sort take more than bytes_max = {}",
            self.spec.bytes_max
        ))
    }
}

impl Kernel for OrderKernel {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        let rows = rows[0].write();
        let what = args.i64(0);
        if what == OrderKernel::PRUNE_FULL {
            self.check_room(rows)?;
        }
        let mut left = self.sorted(rows)?;
        let is_full = !self.spec.is_from_end && self.spec.limit.is_some_and(|limit| left.len() == limit);
        if let (true, Some(key), Some(last)) = (is_full, self.spec.keys.first(), left.last()) {
            results.bool(1, true);
            let value = match rows.value(key.field, last.row as usize) {
                Some(Scalar::Bytes(value)) => Some(Scalar::Bytes(context.copy(value)?)),
                Some(Scalar::I64(value)) => Some(Scalar::I64(value)),
                Some(Scalar::F64(value)) => Some(Scalar::F64(value)),
                Some(Scalar::Bool(value)) => Some(Scalar::Bool(value)),
                None => None,
            };
            results.set(2, value);
        }
        if what != OrderKernel::GIVE {
            left.sort_unstable_by_key(|entry| entry.row);
        }
        let order: Vec<u32> = left.iter().map(|entry| entry.row).collect();
        rows.keep(&order);
        results.i64(0, rows.len() as i64);
        Ok(())
    }
}
