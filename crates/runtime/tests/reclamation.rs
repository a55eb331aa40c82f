//! `docs/reclamation.md`, model-checked: loom runs the network's thread and the compiler's
//! in every order that differs.
//!
//! What is checked is the real table and the real desk (`specialize/table.rs`,
//! `specialize/compiler.rs`): they are compiled here with loom's locks in place of
//! `sync.rs`. Modelled are native code, which notes when it is freed and asserts when it is
//! entered, and the few lines by which the network uses the two.

#[expect(dead_code, reason = "the model does not need all of it")]
#[path = "../src/specialize/compiler.rs"]
mod compiler;
#[expect(dead_code, reason = "the model does not need all of it")]
#[path = "../src/specialize/table.rs"]
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use compiler::{Compiler, Job};
use table::{State, Table};

/// Loom's locks, with the interface of those that the runtime uses.
mod sync {
    pub(crate) use loom::sync::Arc;
    use std::time::Instant;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect("nobody panics under a lock")))
        }
    }

    impl<T> std::ops::Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("it is locked")
        }
    }

    impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("it is locked")
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let locked = guard.0.take().expect("it is locked");
            guard.0 = Some(self.0.wait(locked).expect("nobody panics under a lock"));
        }
    }

    /// There is no time in the model: what may be overdue is overdue whenever it is asked.
    pub(crate) fn now() -> Option<Instant> {
        None
    }
}

type Root = u32;
type Point = char;
type Chains = Table<Root, Point, Code, (), Version>;
type Worker = loom::thread::JoinHandle<()>;

/// The version of the wiring around a chain.
type Version = u64;

/// How many there were of what, over all threads.
#[derive(Debug, Default)]
struct Ledger {
    made: AtomicUsize,
    freed: AtomicUsize,
    entered: AtomicUsize,
}

/// Native code, made for one version of the wiring.
#[derive(Debug)]
struct Code {
    made_for: Version,
    ledger: Arc<Ledger>,
    is_freed: bool,
}

impl Code {
    fn make(made_for: Version, ledger: &Arc<Ledger>) -> Code {
        ledger.made.fetch_add(1, Ordering::Relaxed);
        Code {
            made_for,
            ledger: ledger.clone(),
            is_freed: false,
        }
    }

    fn enter(&self, version: Version) {
        assert!(!self.is_freed, "freed code was entered");
        assert_eq!(self.made_for, version, "stale code was entered");
        self.ledger.entered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        assert!(
            !std::mem::replace(&mut self.is_freed, true),
            "code was freed twice"
        );
        self.ledger.freed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A network as far as reclamation goes.
struct Network {
    chains: Chains,
    compiler: Compiler<Root, Version, Result<Code, ()>>,
    workers: Vec<Worker>,
    ledger: Arc<Ledger>,
}

impl Network {
    fn new(ledger: &Arc<Ledger>) -> Network {
        let compiler = Compiler::new();
        let worker = start(&compiler, ledger);
        Network {
            chains: Table::default(),
            compiler,
            workers: vec![worker],
            ledger: ledger.clone(),
        }
    }

    /// Adds a chain and has it compiled.
    fn specialise(&mut self, root: Root, points: &[Point], version: Version) {
        self.chains.add(root, points.to_vec(), version);
        let ticket = self.chains.begin(root).expect("it has just been added");
        let work = version;
        self.compiler.give(Job { root, ticket, work });
    }

    /// Installs what has come back, and runs a chain.
    fn grant(&mut self, root: Root) {
        for done in self.compiler.collect() {
            // What is not current is dropped here.
            let _ = self.chains.install(done.root, done.ticket, done.outcome);
        }
        let Some(entry) = self.chains.get(root) else {
            return;
        };
        if let State::Native(code) = &entry.state {
            code.enter(entry.note);
        }
    }

    /// A rewire that changes a flow point: whatever relied on it is compiled again.
    fn rewire(&mut self, point: Point, version: Version) {
        for (root, dropped) in self.chains.unlink(point) {
            drop(dropped);
            self.specialise(root, &[point], version);
        }
    }

    /// Gives the compiler up as if it had not come back.
    fn give_up(self) -> Network {
        let compiler = self.compiler.abandon();
        let worker = start(&compiler, &self.ledger);
        let mut workers = self.workers;
        workers.push(worker);
        Network {
            compiler,
            workers,
            ..self
        }
    }

    /// Drops everything; nobody waited for the compiler. The model then does, to see that
    /// every thread ends and to count.
    fn end(self) {
        let Network {
            chains,
            compiler,
            workers,
            ledger,
        } = self;
        drop(chains);
        drop(compiler);
        for worker in workers {
            worker.join().expect("the compiler does not panic");
        }
        let (made, freed) = (&ledger.made, &ledger.freed);
        assert_eq!(
            made.load(Ordering::Relaxed),
            freed.load(Ordering::Relaxed),
            "code leaked"
        );
    }
}

fn start(compiler: &Compiler<Root, Version, Result<Code, ()>>, ledger: &Arc<Ledger>) -> Worker {
    let (desk, ledger) = (compiler.desk(), ledger.clone());
    loom::thread::spawn(move || desk.work(|&version| Ok(Code::make(version, &ledger))))
}

/// Runs a model in every order, or in those with so many preemptions; how often code was
/// entered, at the least and at the most.
fn explore(
    preemptions: Option<usize>,
    model: impl Fn(&Arc<Ledger>) + Send + Sync + 'static,
) -> (usize, usize) {
    let seen = Arc::new((AtomicUsize::new(usize::MAX), AtomicUsize::new(0)));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    let (least, most) = (seen.clone(), seen.clone());
    builder.check(move || {
        let ledger = Arc::new(Ledger::default());
        model(&ledger);
        let entered = ledger.entered.load(Ordering::Relaxed);
        least.0.fetch_min(entered, Ordering::Relaxed);
        most.1.fetch_max(entered, Ordering::Relaxed);
    });
    (seen.0.load(Ordering::Relaxed), seen.1.load(Ordering::Relaxed))
}

#[test]
fn no_order_enters_stale_code_or_leaks_any() {
    let entered = explore(None, |ledger| {
        let mut network = Network::new(ledger);
        network.specialise(1, &['a'], 1);
        network.grant(1);
        network.rewire('a', 2);
        network.grant(1);
        network.rewire('a', 3);
        network.grant(1);
        network.end();
    });
    assert_eq!(entered, (0, 3), "from never in time to always in time");
}

#[test]
fn a_rewire_drops_what_relies_on_it_and_nothing_else() {
    let entered = explore(None, |ledger| {
        let mut network = Network::new(ledger);
        network.specialise(1, &['a'], 1);
        network.specialise(2, &['b'], 1);
        network.rewire('a', 2);
        network.grant(1);
        network.grant(2);
        let left = network.chains.iter().map(|(root, entry)| (root, entry.note));
        let mut left: Vec<(Root, Version)> = left.collect();
        left.sort_unstable();
        assert_eq!(left, [(1, 2), (2, 1)]);
        network.end();
    });
    assert_eq!(entered, (0, 2));
}

#[test]
fn a_compiler_that_is_given_up_loses_nothing_that_waits() {
    // Three threads: all orders take over a minute, and find no more.
    let entered = explore(Some(3), |ledger| {
        let mut network = Network::new(ledger);
        network.specialise(1, &['a'], 1);
        network.specialise(2, &['b'], 1);
        let mut network = network.give_up();
        network.grant(1);
        network.grant(2);
        network.end();
    });
    assert_eq!(entered, (0, 2));
}

#[test]
fn a_network_that_is_dropped_at_once_leaves_no_thread_waiting() {
    explore(None, |ledger| {
        let mut network = Network::new(ledger);
        network.specialise(1, &['a'], 1);
        network.end();
    });
}

/// The assertions of the model can fail: a network that changes the wiring without
/// unlinking is found out.
#[test]
#[should_panic(expected = "stale code was entered")]
fn a_rewire_that_does_not_unlink_is_found_out() {
    explore(None, |ledger| {
        let mut network = Network::new(ledger);
        network.specialise(1, &['a'], 1);
        network.grant(1);
        if let Some(entry) = network.chains.get_mut(1) {
            entry.note = 2;
        }
        network.grant(1);
        network.end();
    });
}
