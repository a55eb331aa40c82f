//! Panics of what this crate calls but did not write: they end one request, and neither
//! the server nor the network.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cutthrough::ir::panic_text;

use crate::message::{Problem, ProblemKind};

/// Does something whose panic is told as a problem.
///
/// What it works on has to bear that it was left in the middle: a client's request is
/// given up, and a network applies a rewire entirely or not at all.
pub(crate) fn contain<R>(what: impl FnOnce() -> R) -> Result<R, Problem> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| {
        let message = format!(
            "this request has met a defect of Cutthrough, and was given up; the run goes on. Please report it: {}",
            panic_text(&*panic)
        );
        tracing::error!(message, "contained");
        Problem::new(ProblemKind::Failed, message)
    })
}
