//! A process of one's own, fused with its neighbours into one native loop; a second
//! reader attached while the loop runs, and detached again.
//!
//! ```sh
//! cargo run --release --example second_reader
//! ```
//!
//! The process gives the difference of each number to the one before. It is
//! registered through the [`Process`] trait, as the standard ones are. Then:
//!
//! 1. The network runs until the chain is native; its code is shown.
//! 2. A second reader is attached to the flow point behind the process, in
//!    mid-stream. The point is polymorphic now: each element goes to one of the two.
//! 3. The second reader is detached. The point is monomorphic, the chain native again.
//!
//! At the end the counts show that every element arrived at exactly one reader.

use cutthrough::ir::{Op, SlotDecl, Type, Value};
use cutthrough::processes::{Fold, ForEach, Slice};
use cutthrough::{
    Error, FlowPoint, Fragment, Mode, Network, NotNative, Process, ProcessId, Progress, Report, Shape,
};

/// Gives the difference of each element to the one before; of the first, to zero.
struct Difference;

impl Process for Difference {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("difference");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("before", 0));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let before = f.slot_get(0);
        f.slot_set(0, element[0]);
        let difference = f.op(Op::Isub, &[element[0], before]);
        f.emit(0, &[difference]);
        f.done();
    }
}

const ELEMENTS: i64 = 20_000_000;

fn main() -> Result<(), Error> {
    let mut network = Network::default();
    let squares: Vec<i64> = (1..=ELEMENTS).map(|k| k.wrapping_mul(k)).collect();
    let source = network.add(Slice::i64(squares))?;
    let numbers = network.point::<i64>("numbers")?;
    network.attach_output(source, 0, numbers)?;
    let differences: FlowPoint<i64> = network.pipe(numbers, Difference)?;
    let sum: FlowPoint<i64> = network.pipe(differences, sum_of())?;
    let (first, first_sum) = summing_sink();
    network.sink(sum, first)?;

    run_until_native(&mut network, source)?;
    println!("1. one reader: {}\n", mode(&network.report(), source));
    let dump = network.dump(source)?;
    println!("The chain {}as machine code:\n{}", dump.chain, dump.asm);

    let second = network.add(sum_of())?;
    network.attach_input(second, 0, differences)?;
    let second_total = network.point::<i64>("second sum")?;
    network.attach_output(second, 0, second_total)?;
    network.run_steps(1_000_000)?;
    let report = network.report();
    println!(
        "2. two readers: {}; `difference` writes to a {} point",
        mode(&report, source),
        polarity(&report, differences)
    );

    let left = network.remove(second)?;
    println!(
        "   the second reader had taken {} elements when it left",
        left.inputs[0].moved
    );

    run_until_native(&mut network, source)?;
    let report = network.report();
    println!(
        "3. one reader: {}; `difference` writes to a {} point",
        mode(&report, source),
        polarity(&report, differences)
    );

    assert_eq!(network.run()?, Progress::Done);
    let report = network.report();
    let written = moved_out(&report, "difference");
    let taken_first = report
        .processes
        .iter()
        .find(|process| process.name == "fold")
        .map_or(0, |fold| fold.inputs[0].moved);
    let taken_second = left.inputs[0].moved;
    println!("\n{written} written = {taken_first} taken by the first + {taken_second} by the second reader");
    assert_eq!(written, ELEMENTS.cast_unsigned());
    assert_eq!(
        written,
        taken_first + taken_second,
        "an element was lost or doubled"
    );
    network.check_conservation()?;
    println!(
        "the sum at the first reader: {}",
        first_sum.load(std::sync::atomic::Ordering::Relaxed)
    );
    Ok(())
}

fn sum_of() -> impl Process {
    Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, state, x| {
        vec![f.op(Op::Iadd, &[state[0], x[0]])]
    })
}

fn summing_sink() -> (ForEach, std::sync::Arc<std::sync::atomic::AtomicI64>) {
    let sum = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let shared = sum.clone();
    (
        ForEach::new(move |value: i64| shared.store(value, std::sync::atomic::Ordering::Relaxed)),
        sum,
    )
}

/// Runs a little at a time until the compiler, in the background, has done its work.
fn run_until_native(network: &mut Network, source: ProcessId) -> Result<(), Error> {
    for _ in 0..1_000 {
        network.run_steps(1_000)?;
        if matches!(mode_of(&network.report(), source), Mode::Native(..)) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}

fn mode_of(report: &Report, source: ProcessId) -> Mode {
    let chain = report
        .chains
        .iter()
        .find(|chain| chain.root == source && !chain.is_delivery);
    chain.map_or(Mode::Interpreted(NotNative::NotRun), |chain| chain.mode.clone())
}

fn mode(report: &Report, source: ProcessId) -> String {
    let members = report
        .chains
        .iter()
        .find(|chain| chain.root == source && !chain.is_delivery);
    let members = members
        .map(|chain| chain.members.join(" -> "))
        .unwrap_or_default();
    match mode_of(report, source) {
        Mode::Native(_, bytes) => format!("{members} is native, {bytes} bytes of code"),
        mode => format!("{members} is {mode}"),
    }
}

fn polarity(report: &Report, point: FlowPoint<i64>) -> &'static str {
    let point = report.points.iter().find(|report| report.id == point.id());
    if point.is_some_and(|point| point.polymorphic.is_some()) {
        "polymorphic"
    } else {
        "monomorphic"
    }
}

fn moved_out(report: &Report, name: &str) -> u64 {
    report
        .processes
        .iter()
        .find(|process| process.name == name)
        .map_or(0, |process| process.outputs[0].moved)
}
