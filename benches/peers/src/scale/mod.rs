//! What things cost as networks grow, by what they cost in a small one.
//!
//! | cases | of | anchor |
//! |---|---|---|
//! | `element-N`, `grant-N` | one element, or a grant of 100 steps, beside N idle processes | alone |
//! | `element-blocked-N` | the same beside N that are blocked | alone |
//! | `wake-N` | a wake of one process of N, and the grant that follows | alone |
//! | `wake-each-N` | the same, of each in turn | alone |
//! | `wire-N` | wiring: each process of N, with its edge | 1,000 processes |
//! | `points-N` | an element through N copies | one copy |
//! | `readers-N` | an element that is dealt to one of N readers of a flow point | two readers |
//! | `bytes-N` | an idle process with its edges: bytes, where the fields say `ns` | a task of `futures` that waits for a channel |
//!
//! Biased towards small processes: an idle process with large state would cost caches if anybody
//! touched it, which nobody does.

mod flow;
mod memory;

use std::cell::RefCell;
use std::rc::Rc;

use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::{Fold, Pass};
use cutthrough::{Error, Network, Options, Progress};
use cutthrough_bench_support::Count;
use cutthrough_bench_support::ratio::{Contender, Run, per_element, take_turns};

use crate::report::{Line, Report};
use flow::{Flow, Others};

const ELEMENTS: u64 = 2_000_000;
const GRANTS: u64 = 2_000;
const WAKES: u64 = 2_000;

pub(crate) fn run(options: &crate::Options) -> bool {
    let mut report = options.report("scale");
    let repetitions = options.pick(31, 7);
    let most = options.pick(100_000, 10_000);
    let sizes = [100, 10_000, 100_000].into_iter().filter(|&size| size <= most);
    // First: what others have freed would not be seen to be taken again.
    if options.wants("bytes") {
        memory::bytes(&mut report, most);
    }
    for processes in sizes.clone() {
        among(options, &mut report, processes, repetitions);
    }
    for processes in sizes {
        if options.wants("wire") {
            wiring(&mut report, processes, options.pick(9, 3));
        }
    }
    if options.wants("points") {
        points(&mut report, repetitions);
    }
    if options.wants("readers") {
        readers(&mut report, repetitions);
    }
    report.finish()
}

/// What is measured of a flow, and how often in one repetition.
type Measure = (&'static str, fn(&mut Flow), u64);

const MEASURES: [Measure; 4] = [
    ("element", |flow| flow.run(ELEMENTS), ELEMENTS),
    ("grant", |flow| (0..GRANTS).for_each(|_| flow.run(100)), GRANTS),
    ("wake", |flow| (0..WAKES).for_each(|_| flow.wake(0)), WAKES),
    (
        "wake-each",
        |flow| (0..WAKES).for_each(|_| flow.wake_next()),
        WAKES,
    ),
];

/// A flow beside so many idle processes, and beside as many that are blocked.
fn among(options: &crate::Options, report: &mut Report, processes: usize, repetitions: usize) {
    if !MEASURES.iter().any(|(name, ..)| options.wants(name)) {
        return;
    }
    let flows = [
        (processes / 2, Others::Idle),
        (processes / 2, Others::Blocked),
        (1, Others::Idle),
    ]
    .map(|(pairs, others)| Rc::new(RefCell::new(Flow::among(pairs, others))));
    for (name, measure, times) in MEASURES {
        let names = ["idle", "blocked", "alone"];
        let mut contenders: Vec<Contender<'_>> = (names.iter().zip(&flows))
            .map(|(name, flow)| Contender::new(name, move || measured(flow, measure)))
            .collect();
        take_turns(&mut contenders, repetitions);
        let [idle, blocked, alone] = [0, 1, 2].map(|k| per_element(contenders[k].median(), times));
        let ok = flows.iter().all(|flow| flow.borrow().is_right());
        for (kind, ours) in [("", idle), ("-blocked", blocked)] {
            // Of those that are blocked only one can be woken.
            if name == "wake-each" && kind == "-blocked" {
                continue;
            }
            report.line(&Line {
                name: &format!("{name}{kind}-{processes}"),
                anchor: "alone",
                ours,
                theirs: alone,
                ok,
            });
        }
    }
}

fn measured<'f>(flow: &Rc<RefCell<Flow>>, measure: fn(&mut Flow)) -> Run<'f> {
    let flow = Rc::clone(flow);
    Box::new(move || {
        measure(&mut flow.borrow_mut());
        0
    })
}

/// What wiring takes for each process: adding it, and its half of an edge. Nothing is run.
fn wiring(report: &mut Report, processes: usize, repetitions: usize) {
    const FEW: usize = 1_000;
    let wired = |processes: usize| {
        move || -> Run<'_> {
            let options = Options {
                processes_max: processes + 2,
                ..Options::native()
            };
            let (mut network, mut wired) = (Some(Network::new(options)), Vec::new());
            Box::new(move || {
                let network = network.take().expect("it is wired once");
                wired.extend(Flow::wire(network, processes / 2, Others::Idle));
                wired.len() as i64
            })
        }
    };
    let mut contenders = [
        Contender::new("ours", wired(processes)),
        Contender::new("few", wired(FEW)),
    ];
    take_turns(&mut contenders, repetitions);
    let [ours, few] = &contenders;
    report.line(&Line {
        name: &format!("wire-{processes}"),
        anchor: "1000",
        ours: per_element(ours.median(), processes as u64),
        theirs: per_element(few.median(), FEW as u64),
        ok: ours.always_gave(1) && few.always_gave(1),
    });
}

/// A flow through so many copies; the source counts, so that no memory is read.
fn points(report: &mut Report, repetitions: usize) {
    for copies in [10, 100] {
        let networks = [copies, 1].map(|copies| {
            let network = counting(copies).expect("the wiring is allowed");
            Rc::new(RefCell::new(network))
        });
        compare(report, &format!("points-{copies}"), "1", &networks, repetitions);
    }
}

/// A flow point that so many readers compete for.
fn readers(report: &mut Report, repetitions: usize) {
    for readers in [1, 4, 16, 64] {
        let networks = [readers, 2].map(|readers| {
            let network = dealing(readers).expect("the wiring is allowed");
            Rc::new(RefCell::new(network))
        });
        compare(report, &format!("readers-{readers}"), "2", &networks, repetitions);
    }
}

/// Two networks in turn, each with as many elements; all arrive at the last processes.
fn compare(
    report: &mut Report,
    name: &str,
    anchor: &'static str,
    networks: &[Rc<RefCell<Network>>; 2],
    repetitions: usize,
) {
    let mut contenders = networks.each_ref().map(|network| {
        Contender::new(anchor, move || {
            let network = Rc::clone(network);
            Box::new(move || {
                let progress = network.borrow_mut().run_steps(ELEMENTS);
                i64::from(progress == Ok(Progress::Steps))
            })
        })
    });
    take_turns(&mut contenders, 2);
    take_turns(&mut contenders, repetitions);
    let is_conserved = |network: &Rc<RefCell<Network>>| network.borrow().check_conservation().is_ok();
    let [ours, theirs] = &contenders;
    report.line(&Line {
        name,
        anchor,
        ours: per_element(ours.median(), ELEMENTS),
        theirs: per_element(theirs.median(), ELEMENTS),
        ok: ours.always_gave(1) && theirs.always_gave(1) && networks.iter().all(is_conserved),
    });
}

fn counting(copies: usize) -> Result<Network, Error> {
    let mut network = Network::new(Options {
        quantum_steps: u64::MAX,
        ..Options::native()
    });
    let mut point = network.source::<i64>(Count)?;
    for _ in 0..copies {
        point = network.pipe(point, Pass::new(Type::I64))?;
    }
    network.sink(point, sum())?;
    Ok(network)
}

fn dealing(readers: usize) -> Result<Network, Error> {
    let mut network = Network::new(Options::native());
    let point = network.source::<i64>(Count)?;
    for _ in 0..readers {
        network.sink(point, sum())?;
    }
    Ok(network)
}

fn sum() -> impl cutthrough::Process {
    Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, sum, x| {
        vec![f.op(Op::Iadd, &[sum[0], x[0]])]
    })
}
