//! One flow that is measured, and what else is in its network.

use cutthrough::ir::{End, Op, SlotDecl, Type, Value};
use cutthrough::{Error, Fragment, Network, Options, Process, ProcessId, Progress, Shape};
use cutthrough_bench_support::Count;

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

/// What the other sources do.
#[derive(Clone, Copy)]
pub(super) enum Others {
    /// They wait to be woken.
    Idle,
    /// They have something to give, and their readers take nothing; but one waits to be woken.
    Blocked,
}

/// A flow of numbers into a sum, among pairs of a source and a sink.
pub(super) struct Flow {
    network: Network,
    sum: ProcessId,
    /// Each with the sink behind it.
    woken: Vec<(ProcessId, ProcessId)>,
    given: i64,
    wakes: i64,
}

impl Flow {
    pub(super) fn among(pairs: usize, others: Others) -> Flow {
        let options = Options {
            processes_max: 2 * pairs + 2,
            ..Options::native()
        };
        let mut flow = Flow::wire(Network::new(options), pairs, others).expect("there is room");
        // Compiles, and finds out what is blocked.
        flow.run(100);
        flow.wake(0);
        flow
    }

    /// The network alone: nothing has run.
    pub(super) fn wire(mut network: Network, pairs: usize, others: Others) -> Result<Flow, Error> {
        let mut woken = Vec::new();
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

    pub(super) fn run(&mut self, steps: u64) {
        self.step(steps);
        self.given += steps as i64;
    }

    fn step(&mut self, steps: u64) {
        let progress = self.network.run_steps(steps).expect("nothing fails");
        assert_eq!(progress, Progress::Steps);
    }

    /// Wakes an idle source; it has one step, as has the flow.
    pub(super) fn wake(&mut self, number: usize) {
        let (source, _) = self.woken[number];
        self.network.waker(source).expect("it is there").wake();
        self.step(1);
        self.run(1);
        self.wakes += 1;
    }

    pub(super) fn wake_next(&mut self) {
        self.wake(self.wakes as usize % self.woken.len());
    }

    /// Whether everything has arrived, and nothing else.
    pub(super) fn is_right(&self) -> bool {
        let woken: i64 = self.woken.iter().map(|&(_, sum)| self.slot(sum)).sum();
        self.slot(self.sum) == (0..self.given).sum::<i64>() && woken == self.wakes
    }

    fn slot(&self, process: ProcessId) -> i64 {
        let slots = self.network.slots(process).expect("it is there");
        slots[0].i64(0)
    }
}
