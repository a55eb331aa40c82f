//! How the tool ends.

use std::process::ExitCode;

/// How a run ended: the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done.
    Done,
    /// It failed while it ran.
    Failed,
    /// The command line or the program is wrong.
    Wrong,
    /// The user has stopped it, by this signal.
    Interrupted(i32),
}

impl End {
    /// The exit code.
    pub(crate) fn code(self) -> i32 {
        match self {
            End::Done => 0,
            End::Failed => 1,
            End::Wrong => 2,
            // As shells have it of a program that a signal has ended.
            End::Interrupted(signal) => 128 + signal,
        }
    }
}

impl From<End> for ExitCode {
    fn from(end: End) -> ExitCode {
        ExitCode::from(u8::try_from(end.code()).unwrap_or(u8::MAX))
    }
}
