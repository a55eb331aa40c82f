//! Interned programs: each is there once, however many processes have it.
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

static INTERNED: LazyLock<Mutex<Interned>> = LazyLock::new(Mutex::default);

/// Gives the program that is equal to this one: another that is in use, or itself.
pub(super) fn intern(code: ProcessCode) -> Arc<ProcessCode> {
    let hash = hash(&code);
    INTERNED.lock().intern(hash, code)
}

/// The programs that are in use somewhere.
#[derive(Default)]
struct Interned {
    by_hash: HashMap<u64, Vec<Weak<ProcessCode>>>,
    /// How many hashes there may be before those of programs that are gone are forgotten.
    hashes_max: usize,
}

impl Interned {
    fn intern(&mut self, hash: u64, code: ProcessCode) -> Arc<ProcessCode> {
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

#[cfg(test)]
mod tests {
    use cutthrough_ir::{Op, Type};

    use super::*;
    use crate::processes::{Iter, Map};
    use crate::program::{Prepared, program_of};
    use crate::{Process, Shape};

    fn plus(amount: i64) -> impl Process {
        Map::new(Type::I64, Type::I64, move |f, x| {
            let amount = f.iconst(amount);
            vec![f.op(Op::Iadd, &[x[0], amount])]
        })
    }

    fn code(process: impl Process + 'static) -> Arc<ProcessCode> {
        Prepared::new(Box::new(process)).unwrap().code
    }

    #[test]
    fn equal_programs_are_one() {
        let one = code(plus(7_001));
        assert!(Arc::ptr_eq(&one, &code(plus(7_001))));
        assert!(!Arc::ptr_eq(&one, &code(plus(7_002))));
        // What they read is no part of them.
        assert!(Arc::ptr_eq(&code(Iter::new(0i64..)), &code(Iter::new(5i64..9))));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut interned = Interned::default();
        let kept: Vec<_> = (0..10)
            .map(|hash| interned.intern(hash, own(plus(hash as i64))))
            .collect();
        for hash in 10..10_000 {
            interned.intern(hash, own(plus(hash as i64)));
        }
        assert!(interned.by_hash.len() < 200, "{}", interned.by_hash.len());
        for (hash, code) in kept.iter().enumerate() {
            assert!(Arc::ptr_eq(
                code,
                &interned.intern(hash as u64, own(plus(hash as i64)))
            ));
        }
    }

    /// A program that is not interned yet.
    fn own(mut process: impl Process) -> ProcessCode {
        let mut shape = Shape::default();
        process.declare(&mut shape);
        program_of(&process, &mut shape).unwrap()
    }
}
