//! Interned programs: each is there once, however many processes have it.
//!
//! Taps with the same pipeline, or a filter for each of a thousand flows, have programs that
//! differ in nothing. Whoever prepares a process looks here whether there is such a program
//! already. That saves memory; and the thread that runs a network, which is to make a rewire
//! as short as it can, then finds the program in its cache, can tell by the address that
//! another process has the same, and has nothing to free when the process goes.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Weak};

use cutthrough_ir::Data;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHasher};

use super::ProcessCode;

static INTERNED: LazyLock<Mutex<Interned>> = LazyLock::new(Mutex::default);

/// Gives the program that is equal to this one: another that is in use, or itself.
pub(super) fn intern(code: ProcessCode) -> Arc<ProcessCode> {
    let hash = hash(&code);
    let code = Arc::new(code);
    // Looked at, and dropped, outside of the lock: constant data may be anybody's.
    let alike = INTERNED.lock().alike(hash);
    if let Some(known) = alike.into_iter().find(|known| is_same(known, &code)) {
        return known;
    }
    INTERNED.lock().add(hash, &code);
    code
}

/// The programs that are in use somewhere. Two equal ones that come at the same time are
/// both here, which costs memory and nothing else.
#[derive(Default)]
struct Interned {
    by_hash: FxHashMap<u64, Vec<Weak<ProcessCode>>>,
    /// How many hashes there may be before those of programs that are gone are forgotten.
    hashes_max: usize,
}

impl Interned {
    fn alike(&self, hash: u64) -> Vec<Arc<ProcessCode>> {
        let alike = self.by_hash.get(&hash).into_iter().flatten();
        alike.filter_map(Weak::upgrade).collect()
    }

    fn add(&mut self, hash: u64, code: &Arc<ProcessCode>) {
        let alike = self.by_hash.entry(hash).or_default();
        alike.retain(|code| code.strong_count() > 0);
        alike.push(Arc::downgrade(code));
        self.forget();
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

/// The same for equal programs. Of constant data, which may be large, the ends count.
fn hash(code: &ProcessCode) -> u64 {
    let mut hasher = FxHasher::default();
    let program = &code.program;
    program.name.hash(&mut hasher);
    program.tables.slots.hash(&mut hasher);
    program.tables.rows.hash(&mut hasher);
    for data in &program.tables.data {
        hash_ends(data, &mut hasher);
    }
    for input in &program.inputs {
        (&input.read_ok, &input.ask, &input.end).hash(&mut hasher);
    }
    program.write_ok.hash(&mut hasher);
    hasher.finish()
}

fn hash_ends(data: &Data, hasher: &mut impl Hasher) {
    fn ends<T, H: Hash>(data: &[T], hashed: impl Fn(&T) -> H, hasher: &mut impl Hasher) {
        data.len().hash(hasher);
        let ends = data.iter().take(32).chain(data.iter().rev().take(32));
        ends.for_each(|item| hashed(item).hash(hasher));
    }
    match data {
        Data::Bytes(data) => ends(data, |byte| *byte, hasher),
        Data::I64(data) => ends(data, |number| *number, hasher),
        Data::F64(data) => ends(data, |number| number.to_bits(), hasher),
    }
}

fn is_same(one: &ProcessCode, other: &ProcessCode) -> bool {
    let inputs = |code: &ProcessCode| -> Vec<_> {
        let inputs = code.inputs.iter();
        inputs
            .map(|input| (input.pulled, input.read_ok.may_hold))
            .collect()
    };
    one.program == other.program && one.accounts == other.accounts && inputs(one) == inputs(other)
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::{Op, Type};

    use super::*;
    use crate::Process;
    use crate::processes::{Iter, Map, Slice};
    use crate::program::Prepared;

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
        let kept: Vec<_> = (0..10).map(|hash| (hash, code(plus(hash as i64)))).collect();
        for (hash, code) in &kept {
            interned.add(*hash, code);
        }
        for hash in 10..10_000 {
            interned.add(hash, &code(plus(hash as i64)));
        }
        assert!(interned.by_hash.len() < 200, "{}", interned.by_hash.len());
        for (hash, code) in &kept {
            assert!(Arc::ptr_eq(code, &interned.alike(*hash)[0]));
        }
    }

    #[test]
    fn constant_data_tell_programs_apart() {
        let numbers = |last: i64| code(Slice::i64([1, 2, last]));
        let (one, other) = (numbers(3), numbers(4));
        assert!(!Arc::ptr_eq(&one, &other) && hash(&one) != hash(&other));
        assert!(Arc::ptr_eq(&one, &numbers(3)));
    }
}
