//! Which lines were no rows, and how many there may be.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutthrough_ir::{HostFunction, HostSig, Type};
use parking_lot::Mutex;

use crate::limits::BAD_ROWS_NOTED_MAX;
use crate::marks::InputName;

/// The numbers of the first lines that were no rows, while the process runs and
/// afterwards. How many there were in all is in the network's report, under the
/// policy [`BadRows::POLICY`].
#[derive(Clone, Debug, Default)]
pub struct BadRows {
    first: Arc<Mutex<Vec<BadRow>>>,
    bound: Option<BadRowsBound>,
    input: Option<InputName>,
}

/// A line that was no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// What its input is called, if that is known.
    pub input: Option<String>,
    /// Its number there, from 1.
    pub number: i64,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.input {
            write!(f, "{input}: ")?;
        }
        write!(f, "line {}", self.number)
    }
}

/// How many bad rows there may be, of all processes that share it.
#[derive(Clone, Debug)]
pub struct BadRowsBound {
    most: u64,
    count: Arc<AtomicU64>,
}

impl BadRowsBound {
    /// At most so many.
    pub fn new(most: u64) -> BadRowsBound {
        BadRowsBound {
            most,
            count: Arc::default(),
        }
    }

    /// Counts one more.
    fn add(&self, row: &BadRow) -> Result<(), String> {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        match self.most {
            most if before < most => Ok(()),
            0 => Err(format!("{row} does not parse")),
            most => Err(format!(
                "{row} does not parse, nor did {most} before it, which is the most allowed"
            )),
        }
    }
}

impl BadRows {
    /// The name of the policy by which bad rows are dropped.
    pub const POLICY: &'static str = "bad rows";

    /// The first of them, in order, at most [`BAD_ROWS_NOTED_MAX`].
    pub fn first(&self) -> Vec<BadRow> {
        self.first.lock().clone()
    }

    /// Fails the process at the first bad row beyond the bound.
    #[must_use]
    pub fn with_bound(self, bound: BadRowsBound) -> BadRows {
        BadRows {
            bound: Some(bound),
            ..self
        }
    }

    /// Has the input named that a bad row is of.
    #[must_use]
    pub fn of_input(self, name: InputName) -> BadRows {
        BadRows {
            input: Some(name),
            ..self
        }
    }

    /// Notes lines that came behind, and that another process has found: they do not count for the bound.
    pub fn note_others(&self, rows: &[BadRow]) {
        let mut first = self.first.lock();
        let room = BAD_ROWS_NOTED_MAX - first.len();
        first.extend(rows.iter().take(room).cloned());
    }

    /// Notes lines by their numbers.
    ///
    /// # Errors
    /// At the first that is beyond the bound.
    pub(crate) fn note(&self, numbers: impl Iterator<Item = i64>) -> Result<(), String> {
        for number in numbers {
            let mut first = self.first.lock();
            if first.len() == BAD_ROWS_NOTED_MAX && self.bound.is_none() {
                return Ok(());
            }
            let input = self.input.as_ref().and_then(InputName::get);
            let row = BadRow { input, number };
            if let Some(bound) = &self.bound {
                bound.add(&row)?;
            }
            if first.len() < BAD_ROWS_NOTED_MAX {
                first.push(row);
            }
        }
        Ok(())
    }

    /// A host function `(number: i64) -> ()` that notes.
    pub(crate) fn noter(&self) -> HostFunction {
        let noted = self.clone();
        let sig = HostSig {
            name: "note bad row".to_owned(),
            params: vec![Type::I64],
            ..HostSig::default()
        };
        cutthrough::host::function(sig, move |args, _results, _context| {
            noted.note(std::iter::once(args.i64(0)))
        })
    }
}
