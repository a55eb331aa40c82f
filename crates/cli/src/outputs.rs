//! All that a run writes.

use std::path::{Path, PathBuf};

use cutthrough_formats::processes::Output;

/// What a run writes.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    open: Vec<(Option<PathBuf>, Output)>,
    /// Rows of those that are over.
    rows: u64,
    /// Their numbers that JSON has no words for.
    not_finite: u64,
}

impl Outputs {
    /// Adds one; the path is that of a file.
    pub(crate) fn add(&mut self, path: Option<&Path>, output: Output) {
        self.forget_over();
        self.open.push((path.map(Path::to_owned), output));
    }

    /// Whether a file is being written.
    pub(crate) fn writes(&mut self, path: &Path) -> bool {
        self.forget_over();
        self.open.iter().any(|(known, _)| known.as_deref() == Some(path))
    }

    /// Lets go of what is over, with its writers and buffers.
    pub(crate) fn forget_over(&mut self) {
        self.open.retain(|(_, output)| {
            if output.is_over() {
                // One whose process is gone has not come to its end.
                let _ = output.abandon();
                self.rows += output.rows();
                self.not_finite += output.not_finite();
            }
            !output.is_over()
        });
    }

    /// How many rows there were.
    pub(crate) fn rows(&self) -> u64 {
        self.rows + self.open.iter().map(|(_, output)| output.rows()).sum::<u64>()
    }

    /// How many numbers were written as null, since JSON has no words for them.
    pub(crate) fn not_finite(&self) -> u64 {
        let open = self.open.iter().map(|(_, output)| output.not_finite());
        self.not_finite + open.sum::<u64>()
    }

    /// Those that are not over.
    pub(crate) fn open(&self) -> Vec<Output> {
        self.open.iter().map(|(_, output)| output.clone()).collect()
    }

    /// Has everything written that is held, now that the run is over. Files that have not
    /// come to their end are as they were.
    ///
    /// # Errors
    /// The first, when something cannot be written.
    pub(crate) fn end(&mut self, is_whole: bool) -> Result<(), String> {
        let mut outcome = Ok(());
        for (path, output) in &self.open {
            // All are ended, whichever fails.
            outcome = outcome.and(match path {
                Some(_) if !is_whole => output.abandon(),
                _ => output.end(),
            });
        }
        outcome
    }
}
