//! Which input is read at present: for messages about lines of it.

use std::ffi::OsStr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::files::name;

/// The input that blocks come from, as their reader says; the standard input has no name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<str>>,
    /// The one before, whose last line may still be looked at between the two.
    before: Option<Arc<str>>,
    is_between: bool,
}

impl Place {
    /// The reader goes on to another input.
    pub(crate) fn go_to(&self, path: &OsStr) {
        let mut state = self.0.lock();
        let name = (path != "-").then(|| name(path).into());
        state.before = std::mem::replace(&mut state.current, name);
        state.is_between = true;
    }

    /// The reader gives something of the input.
    pub(crate) fn give(&self) {
        self.0.lock().is_between = false;
    }

    /// What lines that are looked at now are of.
    pub(crate) fn name(&self) -> Option<String> {
        let state = self.0.lock();
        let name = match state.is_between {
            true => &state.before,
            false => &state.current,
        };
        name.as_deref().map(str::to_owned)
    }
}
