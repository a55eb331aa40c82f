//! Compilers that fail at any step: the network goes on interpreted, everything arrives
//! once and in order, the counts add up, and the report says what was the matter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cutthrough::ir::{ChainCode, Op, Type};
use cutthrough::processes::{BranchPolicy, Collect, Collected, Filter, ForEach, Iter, Map, Tee};
use cutthrough::{
    Compile, Engine, EngineDump, FlowPoint, Mode, Network, NotNative, Options, Process, ProcessId, Progress,
    Refusal, Specialised, Tier, limits,
};
use cutthrough_jit::{Jit, JitOptions};

/// How a compilation goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Error,
    OutOfMemory,
    Panic,
    Hang,
}

/// The real compiler, but for the compilations that go wrong.
struct Faulty {
    engine: Arc<dyn Engine>,
    fault: Fault,
    /// The tier that goes wrong; the other one is sound, and not counted.
    tier: Tier,
    /// The first compilation that goes wrong, from 1 on, and the last.
    from: u64,
    to: u64,
    calls: AtomicU64,
}

const PATIENCE: Duration = Duration::from_millis(40);
const FULL: &str = "code memory full";

impl Engine for Faulty {
    fn compile(&self, chain: &ChainCode, tier: Tier) -> Result<Box<dyn Specialised>, String> {
        if tier != self.tier {
            return self.engine.compile(chain, tier);
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if !(self.from..=self.to).contains(&call) {
            return self.engine.compile(chain, tier);
        }
        match self.fault {
            Fault::Error => Err("no mind to".to_owned()),
            Fault::OutOfMemory => Err(FULL.to_owned()),
            Fault::Panic => panic!("compilation {call} panics"),
            Fault::Hang => loop {
                std::thread::park();
            },
        }
    }

    fn dump(&self, chain: &ChainCode) -> Result<EngineDump, String> {
        self.engine.dump(chain)
    }

    fn patience(&self) -> Duration {
        match self.fault {
            Fault::Hang => PATIENCE,
            _ => Duration::from_millis(limits::COMPILE_MS_MAX),
        }
    }
}

fn engine() -> Arc<dyn Engine> {
    Options::native().engine.expect("this machine has native code")
}

fn options(engine: Arc<dyn Engine>, compile: Compile) -> Options {
    Options {
        engine: Some(engine),
        compile,
        ..Options::default()
    }
}

const ELEMENTS: i64 = 60_000;

/// A line of processes that is changed while it runs, so that chains of several shapes
/// are compiled: one that ends at a polymorphic point, deliveries, and whole ones.
struct Line {
    network: Network,
    filter: ProcessId,
    thirds: FlowPoint<i64>,
    collected: Collected<i64>,
}

fn divisible_by_three() -> impl Process {
    Filter::new(Type::I64, |f, x| {
        let (zero, three) = (f.iconst(0), f.iconst(3));
        let rest = f.op(Op::Irem, &[x[0], three]);
        f.op(Op::Ieq, &[rest, zero])
    })
}

fn line(options: Options) -> Line {
    let mut network = Network::new(options);
    let numbers = network.source::<i64>(Iter::new(0..ELEMENTS)).unwrap();
    let filter = network.add(divisible_by_three()).unwrap();
    network.attach_input(filter, 0, numbers).unwrap();
    let thirds = network.point::<i64>("thirds").unwrap();
    network.attach_output(filter, 0, thirds).unwrap();
    let tee = network
        .add(Tee::new(Type::I64, [BranchPolicy::Block, BranchPolicy::Drop]))
        .unwrap();
    network.attach_input(tee, 0, thirds).unwrap();
    let branch = network.point::<i64>("branch").unwrap();
    network.attach_output(tee, 0, branch).unwrap();
    let squares = network
        .pipe::<i64, i64>(
            branch,
            Map::new(Type::I64, Type::I64, |f, x| vec![f.op(Op::Imul, &[x[0], x[0]])]),
        )
        .unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(squares, collect).unwrap();
    Line {
        network,
        filter,
        thirds,
        collected,
    }
}

/// Runs until no chain is being warmed up or compiled; why chains were refused.
fn settle(network: &mut Network) -> Vec<Refusal> {
    let began = Instant::now();
    let mut steps = 200;
    loop {
        network.run_steps(steps).unwrap();
        let chains = network.report().chains;
        let is_settled = chains.iter().all(|chain| {
            matches!(
                chain.mode,
                Mode::Native(..) | Mode::Interpreted(NotNative::Refused(_))
            )
        });
        // However slow the compiler is, there are elements left for what comes after.
        let compiling = |mode: &Mode| matches!(mode, Mode::Interpreted(NotNative::Compiling { .. }));
        steps = if chains.iter().any(|chain| compiling(&chain.mode)) {
            1
        } else {
            200
        };
        let refusals = chains.into_iter().filter_map(|chain| match chain.mode {
            Mode::Interpreted(NotNative::Refused(why)) => Some(why),
            _ => None,
        });
        if is_settled || began.elapsed() > Duration::from_secs(5) {
            return refusals.collect();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs the line to its end through several edits; the refusals that were reported.
fn run(options: Options) -> Vec<Refusal> {
    let Line {
        mut network,
        filter,
        thirds,
        collected,
    } = line(options);
    let mut refusals = settle(&mut network);
    // Competes for elements, and holds none back: it is removed before it has taken any.
    let second = network
        .add(Filter::new(Type::I64, |f, _| f.bconst(false)))
        .unwrap();
    network.attach_input(second, 0, thirds).unwrap();
    let unread = network.point::<i64>("unread").unwrap();
    network.attach_output(second, 0, unread).unwrap();
    refusals.extend(settle(&mut network));
    network.remove(second).unwrap();
    refusals.extend(settle(&mut network));
    network
        .rewire(|rewire| rewire.swap(filter, divisible_by_three()))
        .unwrap();
    refusals.extend(settle(&mut network));
    while network.run_steps(100_000).unwrap() == Progress::Steps {}
    let expected: Vec<i64> = (0..ELEMENTS).filter(|x| x % 3 == 0).map(|x| x * x).collect();
    assert_eq!(collected.take(), expected);
    network.check_conservation().unwrap();
    refusals.dedup();
    refusals
}

fn faulty(fault: Fault, tier: Tier, from: u64, to: u64) -> Arc<Faulty> {
    Arc::new(Faulty {
        engine: engine(),
        fault,
        tier,
        from,
        to,
        calls: AtomicU64::new(0),
    })
}

/// The tier in which chains become native.
fn first_tier(compile: Compile) -> Tier {
    match compile {
        Compile::WhenWarm => Tier::Quick,
        _ => Tier::Full,
    }
}

/// How many compilations there are when none goes wrong.
fn compilations(compile: Compile) -> u64 {
    let sound = faulty(Fault::Error, first_tier(compile), u64::MAX, u64::MAX);
    assert_eq!(run(options(sound.clone(), compile)), []);
    sound.calls.load(Ordering::Relaxed)
}

fn check_refusal(fault: Fault, refusal: &Refusal) {
    match (fault, refusal) {
        (Fault::Error, Refusal::Compiler(message)) => assert_eq!(message, "no mind to"),
        (Fault::OutOfMemory, Refusal::Compiler(message)) => assert_eq!(message, FULL),
        (Fault::Panic, Refusal::Panicked(message)) => assert!(message.ends_with("panics"), "{message}"),
        (Fault::Hang, Refusal::Hung { ms }) => assert_eq!(u128::from(*ms), PATIENCE.as_millis()),
        _ => panic!("{fault:?} was reported as {refusal:?}"),
    }
}

#[test]
fn a_failure_at_any_step_costs_speed_and_nothing_else() {
    let faults = [Fault::Error, Fault::OutOfMemory, Fault::Panic, Fault::Hang];
    for compile in [Compile::AtOnce, Compile::WhenWarm] {
        let all = compilations(compile);
        assert!(all >= 4, "{all} compilations");
        for fault in faults {
            // At once is on the network's own thread, which trusts the compiler to come
            // back.
            if (fault, compile) == (Fault::Hang, Compile::AtOnce) {
                continue;
            }
            for k in 1..=all {
                let refusals = run(options(faulty(fault, first_tier(compile), k, k), compile));
                assert_eq!(refusals.len(), 1, "{fault:?} at {k}, {compile:?}: {refusals:?}");
                check_refusal(fault, &refusals[0]);
            }
        }
    }
}

#[test]
fn a_compiler_that_always_fails_is_reported_every_time() {
    for fault in [Fault::Error, Fault::Panic] {
        let refusals = run(options(
            faulty(fault, Tier::Quick, 1, u64::MAX),
            Compile::WhenWarm,
        ));
        assert!(!refusals.is_empty());
        for refusal in &refusals {
            check_refusal(fault, refusal);
        }
    }
}

#[test]
fn a_compiler_that_hangs_too_often_is_not_asked_again() {
    let faulty = faulty(Fault::Hang, Tier::Quick, 1, u64::MAX);
    let Line { mut network, .. } = line(options(faulty.clone(), Compile::WhenWarm));
    for _ in 0..limits::COMPILERS_ABANDONED_MAX + 2 {
        settle(&mut network);
        network.set_compile(Compile::WhenWarm);
    }
    let refusals = settle(&mut network);
    assert_eq!(
        refusals,
        [Refusal::NoCompiler(
            "the compiler did not come back 4 times; nothing more is compiled".to_owned()
        )]
    );
    let counts = network.report().specialisations;
    assert_eq!(counts.hung, limits::COMPILERS_ABANDONED_MAX);
    assert_eq!(
        faulty.calls.load(Ordering::Relaxed),
        limits::COMPILERS_ABANDONED_MAX
    );
}

#[test]
fn to_drop_a_network_waits_for_no_compiler() {
    let faulty = faulty(Fault::Hang, Tier::Quick, 1, u64::MAX);
    let Line { mut network, .. } = line(options(faulty.clone(), Compile::WhenWarm));
    while faulty.calls.load(Ordering::Relaxed) == 0 {
        network.run_steps(1_000).unwrap();
    }
    let began = Instant::now();
    drop(network);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn where_better_code_is_refused_the_quick_stays() {
    let refusing = faulty(Fault::Error, Tier::Full, 1, u64::MAX);
    let mut network = Network::new(options(refusing.clone(), Compile::WhenWarm));
    let numbers = network.source::<i64>(Iter::new(0i64..)).unwrap();
    network.sink(numbers, ForEach::new(|_: i64| {})).unwrap();
    let began = Instant::now();
    while network.report().specialisations.refused == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", network.report());
        network.run_steps(1_000).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    network.run_steps(100_000).unwrap();
    let report = network.report();
    assert!(
        matches!(report.chains[0].mode, Mode::Native(Tier::Quick, _)),
        "{report}"
    );
    assert_eq!(refusing.calls.load(Ordering::Relaxed), 1, "it is not asked again");
    network.check_conservation().unwrap();
}

/// Two lines that share nothing, in code memory for one.
#[test]
fn at_the_cap_of_code_memory_chains_stay_interpreted_until_there_is_room() {
    let mut jit_options = JitOptions::default();
    jit_options.code_bytes_max = 4_096;
    let jit: Arc<dyn Engine> = Arc::new(Jit::new(jit_options).unwrap());
    let mut network = Network::new(Options {
        quantum_steps: 100,
        ..options(jit, Compile::AtOnce)
    });
    let sources = [(); 2].map(|()| {
        let source = network.add(Iter::new(0i64..)).unwrap();
        let point = network.point::<i64>("numbers").unwrap();
        network.attach_output(source, 0, point).unwrap();
        network.sink(point, ForEach::new(|_: i64| {})).unwrap();
        source
    });
    let mode_of = |network: &mut Network, source: ProcessId| {
        let chains = network.report().chains;
        let chain = chains.into_iter().find(|chain| chain.root == source);
        chain.expect("it has run").mode
    };
    network.run_steps(1_000).unwrap();
    assert_eq!(mode_of(&mut network, sources[0]), Mode::Native(Tier::Full, 4_096));
    let Mode::Interpreted(NotNative::Refused(Refusal::Compiler(message))) = mode_of(&mut network, sources[1])
    else {
        panic!("there was no room for a second chain");
    };
    assert_eq!(
        message,
        "code memory full: 4096 bytes wanted in one piece, 4096 of 4096 in use; drop specialisations or raise \
         the capacity"
    );
    let memory = network.report().code_memory.unwrap();
    assert_eq!((memory.used_bytes, memory.capacity_bytes), (4_096, 4_096));

    network.remove(sources[0]).unwrap();
    network.invalidate_all();
    network.run_steps(1_000).unwrap();
    assert_eq!(mode_of(&mut network, sources[1]), Mode::Native(Tier::Full, 4_096));
    network.check_conservation().unwrap();
}
