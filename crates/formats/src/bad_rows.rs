//! Which lines were no rows, and how many there may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutthrough_ir::{HostFunction, HostSig, Type};
use parking_lot::Mutex;

use crate::limits::BAD_ROWS_NOTED_MAX;

/// The numbers of the first lines that were no rows, while the process runs and
/// afterwards. How many there were in all is in the network's report, under the
/// policy [`BadRows::POLICY`].
#[derive(Clone, Debug, Default)]
pub struct BadRows {
    first: Arc<Mutex<Vec<i64>>>,
    bound: Option<BadRowsBound>,
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

    /// Counts one more, the line of this number.
    fn add(&self, number: i64) -> Result<(), String> {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        match self.most {
            most if before < most => Ok(()),
            0 => Err(format!("line {number} does not parse")),
            most => Err(format!(
                "line {number} does not parse, nor did {most} before it, which is the most allowed"
            )),
        }
    }
}

impl BadRows {
    /// The name of the policy by which bad rows are dropped.
    pub const POLICY: &'static str = "bad rows";

    /// The numbers of the first of them, in order, at most [`BAD_ROWS_NOTED_MAX`].
    pub fn first(&self) -> Vec<i64> {
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

    /// Notes lines by their numbers.
    ///
    /// # Errors
    /// At the first that is beyond the bound.
    pub(crate) fn note(&self, numbers: impl Iterator<Item = i64>) -> Result<(), String> {
        for number in numbers {
            let mut first = self.first.lock();
            if first.len() < BAD_ROWS_NOTED_MAX {
                first.push(number);
            }
            if let Some(bound) = &self.bound {
                bound.add(number)?;
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
