//! What is idle costs nothing: one flow, alone and among 100,000 processes that have
//! nothing to do. `cargo bench --bench idle`.
//!
//! All figures are the best of interleaved repetitions, so what can be compared is the
//! ratios. Half of what is idle are sources that wait to be woken, each with a sink behind
//! it; in the last column each of these sources but one has something to give instead and
//! its reader takes nothing. To wake one again and again is the work of a wake. To wake each
//! in turn, where there are 50,000, is the same with nothing of it in the caches: the chain
//! of each is compiled by itself.
//!
//! This is biased towards small processes: an idle process with large state would cost caches
//! if anybody touched it, which nobody does.

use std::cell::RefCell;
use std::rc::Rc;

use cutthrough::ir::{End, Op, SlotDecl, Type, Value};
use cutthrough::{Error, Fragment, Network, Options, Process, ProcessId, Progress, Shape};
use cutthrough_bench_support::Count;
use cutthrough_bench_support::ratio::{Contender, Run, interleave, ratio};

/// Pairs of a source and a sink beside the flow.
const PAIRS: usize = 50_000;
const ELEMENTS: u64 = 4_000_000;
const GRANTS: u64 = 4_000;
const GRANT_STEPS: u64 = 100;
const WAKES: u64 = 4_000;
const REPETITIONS: usize = 40;

/// What is measured: what it is called, how, and how often in one repetition.
type Measure = (&'static str, fn(&mut Flow), u64);

const MEASURES: [Measure; 4] = [
    ("element", |flow| flow.run(ELEMENTS), ELEMENTS),
    (
        "grant of 100 steps",
        |flow| (0..GRANTS).for_each(|_| flow.run(GRANT_STEPS)),
        GRANTS,
    ),
    ("wake of one", |flow| (0..WAKES).for_each(|_| flow.wake(0)), WAKES),
    (
        "wake of each in turn",
        |flow| (0..WAKES).for_each(|_| flow.wake_next()),
        WAKES,
    ),
];

fn main() {
    let names = ["alone", "idle", "blocked"];
    let flows = [Others::None, Others::Idle, Others::Blocked]
        .map(|others| Rc::new(RefCell::new(Flow::among(others))));
    println!(
        "{:20} {:>10} {:>10} {:>10}",
        "", "alone, ns", "idle /", "blocked /"
    );
    for (name, measure, times) in MEASURES {
        let mut contenders: Vec<Contender<'_>> = names
            .iter()
            .zip(&flows)
            .map(|(name, flow)| Contender::new(name, move || measured(flow, measure)))
            .collect();
        interleave(0, &mut contenders, REPETITIONS);
        let [alone, idle, blocked] = [0, 1, 2].map(|k| contenders[k].best());
        let ns = alone.as_secs_f64() * 1e9 / times as f64;
        println!(
            "{name:20} {ns:10.2} {:10.2} {:10.2}",
            ratio(idle, alone),
            ratio(blocked, alone)
        );
    }
    for flow in flows {
        flow.borrow().check();
    }
}

fn measured<'f>(flow: &Rc<RefCell<Flow>>, measure: fn(&mut Flow)) -> Run<'f> {
    let flow = Rc::clone(flow);
    Box::new(move || {
        measure(&mut flow.borrow_mut());
        0
    })
}

/// Gives one element for each time that it is woken.
struct Woken;

impl Process for Woken {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("woken");
        shape.output(Type::I64);
        shape.starts_idle();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let one = f.iconst(1);
        f.emit(0, &[one]);
        f.end(End::Pending);
    }
}

/// Sums up in a slot; takes nothing at all if it is closed.
struct Sum {
    is_closed: bool,
}

impl Process for Sum {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("sum");
        shape.input(Type::I64);
        shape.slot(SlotDecl::i64("sum", 0));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let sum = f.slot_get(0);
        let sum = f.op(Op::Iadd, &[sum, element[0]]);
        f.slot_set(0, sum);
        f.done();
    }

    fn ask(&self, _to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        self.is_closed.then(|| f.iconst(0))
    }
}

/// What else there is besides the flow that is measured.
#[derive(Clone, Copy)]
enum Others {
    None,
    Idle,
    Blocked,
}

struct Flow {
    network: Network,
    sum: ProcessId,
    /// Each with the sink behind it.
    woken: Vec<(ProcessId, ProcessId)>,
    given: i64,
    wakes: i64,
}

impl Flow {
    fn among(others: Others) -> Flow {
        let options = Options {
            processes_max: 4 * PAIRS,
            ..Options::native()
        };
        let mut flow = Flow::wire(Network::new(options), others).expect("there is room");
        // Compiles, and finds out what is blocked.
        flow.run(GRANT_STEPS);
        flow.wake(0);
        flow
    }

    fn wire(mut network: Network, others: Others) -> Result<Flow, Error> {
        let mut woken = Vec::new();
        let pairs = if matches!(others, Others::None) { 1 } else { PAIRS };
        for k in 0..pairs {
            // One is there to be woken in any case.
            let is_closed = matches!(others, Others::Blocked) && k > 0;
            let source = if is_closed {
                network.add(Count)?
            } else {
                network.add(Woken)?
            };
            let point = network.point::<i64>("idle")?;
            network.attach_output(source, 0, point)?;
            let sum = network.sink(point, Sum { is_closed })?;
            if !is_closed {
                woken.push((source, sum));
            }
        }
        let numbers = network.source::<i64>(Count)?;
        let sum = network.sink(numbers, Sum { is_closed: false })?;
        Ok(Flow {
            network,
            sum,
            woken,
            given: 0,
            wakes: 0,
        })
    }

    fn run(&mut self, steps: u64) {
        self.step(steps);
        self.given += steps as i64;
    }

    fn step(&mut self, steps: u64) {
        let progress = self.network.run_steps(steps).expect("nothing fails");
        assert_eq!(progress, Progress::Steps);
    }

    /// Wakes an idle source; it has one step, as has the flow.
    fn wake(&mut self, number: usize) {
        let (source, _) = self.woken[number];
        self.network.waker(source).expect("it is there").wake();
        self.step(1);
        self.run(1);
        self.wakes += 1;
    }

    fn wake_next(&mut self) {
        self.wake(self.wakes as usize % self.woken.len());
    }

    /// Everything has arrived, and nothing else.
    fn check(&self) {
        let sum = self.slot(self.sum);
        assert_eq!(sum, (0..self.given).sum::<i64>(), "of the flow");
        let woken: i64 = self.woken.iter().map(|&(_, sum)| self.slot(sum)).sum();
        assert_eq!(woken, self.wakes, "of what was woken");
    }

    fn slot(&self, process: ProcessId) -> i64 {
        let slots = self.network.slots(process).expect("it is there");
        slots[0].i64(0)
    }
}
