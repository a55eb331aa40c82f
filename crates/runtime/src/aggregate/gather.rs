//! Aggregates that need all values of a group at once.
//!
//! The values lie in a row buffer of the group's, `(number of the group, value)`, as they came, or each once. When the
//! flow has ended, a kernel goes through the values of each group.

use std::fmt;
use std::sync::Arc;

use cutthrough_ir::{
    ColumnMut, HostContext, HostFunction, HostSig, Kernel, Results, Rows, RowsArg, RowsDecl, RowsParam,
    Scalar, Type, Words,
};

use crate::kernels::rank::compare;

/// How something is computed over all values of a group.
pub trait Gather: fmt::Debug + Send + Sync {
    /// The type of the values. Where one is absent, it does not count.
    fn input(&self) -> Type;

    /// Whether of equal values of a group only one is kept.
    fn is_distinct(&self) -> bool {
        false
    }

    /// The type of the result.
    fn result(&self) -> Type;

    /// Puts the result of a group. A result that is nullable is null if nothing is put.
    ///
    /// # Errors
    /// When there is none; that fails the process.
    fn finish(&self, values: &mut Values<'_>, result: &mut ColumnMut<'_>, row: usize) -> Result<(), String>;
}

/// The values of a group, in the order in which they came.
#[derive(Debug)]
pub struct Values<'r> {
    rows: &'r Rows,
    numbers: &'r mut [u32],
}

impl Values<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// A value.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn get(&self, index: usize) -> Scalar<'_> {
        let value = self.rows.value(VALUE, self.numbers[index] as usize);
        value.expect("INVARIANT: what is absent is not kept")
    }

    /// Moves the value that comes at an index in ascending order there, with what comes before it before it.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn select(&mut self, index: usize) {
        let rows = self.rows;
        let value = |row: u32| rows.value(VALUE, row as usize).expect("INVARIANT: as above");
        self.numbers
            .select_nth_unstable_by(index, |&a, &b| compare(value(a), value(b), false));
    }
}

/// The columns of the buffer of values.
const GROUP: usize = 0;
const VALUE: usize = 1;

/// The buffer that the values lie in.
pub(crate) fn values_decl(gather: &dyn Gather, number: usize, bytes_max: usize) -> RowsDecl {
    let name = format!("values {number} of {gather:?}");
    let ty = gather.input().present();
    match gather.is_distinct() {
        true => {
            let columns = vec![
                cutthrough_ir::SlotDecl::i64("group", 0),
                cutthrough_ir::SlotDecl::zero("value", ty),
            ];
            RowsDecl::table(name, columns, 2, bytes_max)
        }
        false => RowsDecl::new(name, [Type::I64, ty], bytes_max),
    }
}

/// The buffer that the results of the groups lie in.
pub(crate) fn results_decl(gather: &dyn Gather, number: usize, bytes_max: usize) -> RowsDecl {
    RowsDecl::new(
        format!("results {number} of {gather:?}"),
        [gather.result()],
        bytes_max,
    )
}

/// The kernel: `(how many groups: i64, values, results) -> ()`.
pub(crate) fn kernel(gather: &Arc<dyn Gather>) -> HostFunction {
    let sig = HostSig {
        name: format!("{gather:?}"),
        params: vec![Type::I64],
        results: Vec::new(),
        rows: vec![
            RowsParam {
                columns: vec![Type::I64, gather.input().present()],
                writes: false,
            },
            RowsParam {
                columns: vec![gather.result()],
                writes: true,
            },
        ],
    };
    HostFunction::kernel(sig, GatherKernel(Arc::clone(gather)))
}

struct GatherKernel(Arc<dyn Gather>);

impl Kernel for GatherKernel {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        rows: &mut [RowsArg<'_>],
        _results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let groups = usize::try_from(args.i64(0)).expect("INVARIANT: the number of rows of a table");
        let (values, results) = rows.split_at_mut(1);
        let values = values[0].rows();
        let (mut numbers, ends) = by_group(values, groups);
        let results = results[0].write();
        results.clear();
        let mut append = results.append(groups, None)?;
        let [column] = append.columns() else {
            unreachable!("INVARIANT: results have one column")
        };
        let mut from = 0;
        for (group, &end) in ends.iter().enumerate() {
            let mut values = Values {
                rows: values,
                numbers: &mut numbers[from..end],
            };
            self.0.finish(&mut values, column, group)?;
            from = end;
        }
        append.finish(groups);
        Ok(())
    }
}

/// The rows of each group, one group after another, and where each ends.
fn by_group(values: &Rows, groups: usize) -> (Vec<u32>, Vec<usize>) {
    let group_of = |row: usize| match values.value(GROUP, row) {
        Some(Scalar::I64(group)) => group as usize,
        _ => unreachable!("INVARIANT: a column of i64"),
    };
    let mut ends = vec![0; groups];
    for row in 0..values.len() {
        ends[group_of(row)] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += std::mem::replace(end, sum);
    }
    // So far, they are where each begins.
    let mut numbers = vec![0; values.len()];
    for row in 0..values.len() {
        let place = &mut ends[group_of(row)];
        numbers[*place] = row as u32;
        *place += 1;
    }
    (numbers, ends)
}

/// The value below which a share of all lies, between two values in proportion; null where there is none.
///
/// The values are in the order of `sort`, so that NaN is the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// From 0 to 1.
    pub share: f64,
    /// Of integers or doubles.
    pub input: Type,
    /// Whether the result is a whole number, of integers; else it is a double.
    pub is_whole: bool,
}

impl Gather for Percentile {
    fn input(&self) -> Type {
        self.input
    }

    fn result(&self) -> Type {
        match self.is_whole {
            true => Type::I64.or_null(),
            false => Type::F64.or_null(),
        }
    }

    fn finish(&self, values: &mut Values<'_>, result: &mut ColumnMut<'_>, row: usize) -> Result<(), String> {
        let Some(last) = values.len().checked_sub(1) else {
            return Ok(());
        };
        let place = self.share * last as f64;
        let (low, rest) = ((place.floor() as usize).min(last), place.fract());
        let high = if rest > 0.0 { (low + 1).min(last) } else { low };
        values.select(high);
        if low < high {
            Values {
                rows: values.rows,
                numbers: &mut values.numbers[..high],
            }
            .select(low);
        }
        match (values.get(low), values.get(high)) {
            (Scalar::I64(low), Scalar::I64(high)) if self.is_whole => {
                let between = (i128::from(high) - i128::from(low)) as f64 * rest;
                let value = i128::from(low) + between.round() as i128;
                result.i64(row, i64::try_from(value).expect("INVARIANT: it lies between two"));
            }
            (low, high) => {
                let (low, high) = (double(low), double(high));
                let value = if low == high {
                    low
                } else {
                    low + (high - low) * rest
                };
                result.f64(row, value);
            }
        }
        Ok(())
    }
}

fn double(value: Scalar<'_>) -> f64 {
    match value {
        Scalar::F64(value) => value,
        Scalar::I64(value) => value as f64,
        value => unreachable!("INVARIANT: {value:?} is no number"),
    }
}

/// How many different values there are, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountDistinct(pub Type);

impl Gather for CountDistinct {
    fn input(&self) -> Type {
        self.0
    }

    fn is_distinct(&self) -> bool {
        true
    }

    fn result(&self) -> Type {
        Type::I64
    }

    fn finish(&self, values: &mut Values<'_>, result: &mut ColumnMut<'_>, row: usize) -> Result<(), String> {
        result.i64(row, values.len() as i64);
        Ok(())
    }
}
