//! Programs that are there once, however many processes have them.
//!
//! Taps with the same pipeline, or a filter for each of a thousand flows, have programs that
//! differ in nothing. Whoever prepares a process looks here whether there is such a program
//! already. That saves memory; and the thread that runs a network, which is to make a rewire
//! as short as it can, then finds the program in its cache, can tell by the address that
//! another process has the same, and has nothing to free when the process goes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use super::ProcessCode;

static PROGRAMS: LazyLock<Mutex<Programs>> = LazyLock::new(Mutex::default);

/// Gives the program that is equal to this one: another that is in use, or itself.
pub(super) fn the_one(code: ProcessCode) -> Arc<ProcessCode> {
    let hash = hash(&code);
    PROGRAMS.lock().the_one(hash, code)
}

/// The programs that are in use somewhere.
#[derive(Default)]
struct Programs {
    by_hash: HashMap<u64, Vec<Weak<ProcessCode>>>,
    /// How many hashes there may be before those of programs that are gone are forgotten.
    hashes_max: usize,
}

impl Programs {
    fn the_one(&mut self, hash: u64, code: ProcessCode) -> Arc<ProcessCode> {
        let alike = self.by_hash.entry(hash).or_default();
        alike.retain(|code| code.strong_count() > 0);
        let known = alike
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| is_same(known, &code));
        if let Some(known) = known {
            return known;
        }
        let code = Arc::new(code);
        alike.push(Arc::downgrade(&code));
        self.forget();
        code
    }

    /// Forgets what is gone, now and then, so that it is never more than what is in use.
    fn forget(&mut self) {
        if self.by_hash.len() <= self.hashes_max {
            return;
        }
        self.by_hash.retain(|_, alike| {
            alike.retain(|code| code.strong_count() > 0);
            !alike.is_empty()
        });
        self.hashes_max = 2 * self.by_hash.len() + 64;
    }
}

/// The same for equal programs. Constant data is left out: it may be large.
fn hash(code: &ProcessCode) -> u64 {
    let mut hasher = DefaultHasher::new();
    let program = &code.program;
    program.name.hash(&mut hasher);
    program.tables.slots.hash(&mut hasher);
    for input in &program.inputs {
        (&input.read_ok, &input.ask, &input.end).hash(&mut hasher);
    }
    program.write_ok.hash(&mut hasher);
    hasher.finish()
}

fn is_same(one: &ProcessCode, other: &ProcessCode) -> bool {
    let pulled = |code: &ProcessCode| code.inputs.iter().map(|input| input.pulled).collect::<Vec<_>>();
    one.program == other.program && one.accounts == other.accounts && pulled(one) == pulled(other)
}
