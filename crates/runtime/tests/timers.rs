//! Timers, in a time that the test makes.

mod common;

use std::time::Duration;

use cutthrough::ir::{End, HostFunction, HostSig, Op, SlotDecl, Type, Value};
use cutthrough::processes::{Collect, Collected, Pass};
use cutthrough::{Fragment, Network, Options, Process, ProcessId, Progress, Shape, Timer};

use common::on_both_engines;

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.cast_unsigned())
}

/// A host function that sets the timer to a time from now, in milliseconds, unless it is set,
/// and says what time it is.
fn set_timer(timer: Timer, from_now: i64) -> HostFunction {
    let sig = HostSig {
        name: "set_timer".to_owned(),
        params: Vec::new(),
        results: vec![Type::I64],
        rows: Vec::new(),
    };
    cutthrough::host::function(sig, move |_args, results, context| {
        let now = context.now();
        timer.set(now + ms(from_now));
        results.i64(
            0,
            i64::try_from(now.as_millis()).expect("tests do not take that long"),
        );
        Ok(())
    })
}

/// Gives the time every so many milliseconds.
struct Ticks(i64);

impl Process for Ticks {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("ticks");
        shape.output(Type::I64);
        let timer = shape.timer();
        shape.host(set_timer(timer, self.0));
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let now = f.call(0, &[]);
        f.emit(0, &now);
        f.end(End::Pending);
    }
}

/// Gives how many elements have come, so long after the first of them.
struct CountWithin(i64);

impl Process for CountWithin {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("count_within");
        shape.input(Type::I64);
        shape.output(Type::I64);
        shape.slot(SlotDecl::i64("count", 0));
        shape.state_is_declared();
        let timer = shape.timer();
        shape.host(set_timer(timer, self.0));
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, _element: &[Value]) {
        let (count, zero, one) = (f.slot_get(0), f.iconst(0), f.iconst(1));
        let more = f.op(Op::Iadd, &[count, one]);
        f.slot_set(0, more);
        let is_first = f.op(Op::Ieq, &[count, zero]);
        let (_, later) = f.br_new(is_first);
        f.call(0, &[]);
        f.done();
        f.switch_to(later);
        f.done();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (count, zero) = (f.slot_get(0), f.iconst(0));
        f.slot_set(0, zero);
        f.emit(0, &[count]);
        f.done();
    }
}

/// Gives one number each time it is woken.
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

fn wake(network: &mut Network, process: ProcessId) {
    network.waker(process).unwrap().wake();
    assert_eq!(network.run().unwrap(), Progress::Waiting);
}

#[test]
fn a_source_gives_when_its_time_has_come() {
    on_both_engines(|mut network| {
        let ticks = network.source::<i64>(Ticks(10)).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink(ticks, collect).unwrap();
        network.set_time(ms(3));
        assert_eq!(network.next_timer(), None);
        for (now, arrived, next) in [
            (3, vec![3], 13),
            (12, vec![], 13),
            (2, vec![], 13),
            (13, vec![13], 23),
            (99, vec![99], 109),
        ] {
            network.set_time(ms(now));
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            assert_eq!(collected.take(), arrived, "at {now} ms");
            assert_eq!(network.next_timer(), Some(ms(next)));
        }
    });
}

#[test]
fn a_process_takes_input_until_its_time_has_come() {
    on_both_engines(|mut network| {
        let source = network.add(Woken).unwrap();
        let numbers = network.point::<i64>("numbers").unwrap();
        network.attach_output(source, 0, numbers).unwrap();
        let counts = network.pipe::<i64, i64>(numbers, CountWithin(5)).unwrap();
        let collect = Collect::<i64>::new();
        let collected = collect.collected();
        network.sink(counts, collect).unwrap();
        for begin in [10, 20] {
            network.set_time(ms(begin));
            for _ in 0..3 {
                wake(&mut network, source);
            }
            network.set_time(ms(begin + 4));
            wake(&mut network, source);
            assert_eq!(collected.take(), []);
            assert_eq!(network.next_timer(), Some(ms(begin + 5)));
            network.set_time(ms(begin + 5));
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            assert_eq!(collected.take(), [4]);
            assert_eq!(network.next_timer(), None);
        }
        network.check_conservation().unwrap();
    });
}

#[test]
fn the_timer_of_a_process_that_has_gone_is_gone() {
    on_both_engines(|mut network| {
        let ticks = network.add(Ticks(10)).unwrap();
        let times = network.point::<i64>("times").unwrap();
        network.attach_output(ticks, 0, times).unwrap();
        network.sink(times, Collect::<i64>::new()).unwrap();
        network.run().unwrap();
        assert_eq!(network.next_timer(), Some(ms(10)));
        network.remove(ticks).unwrap();
        assert_eq!(network.next_timer(), None);
        network.set_time(ms(10));
        assert_eq!(network.run().unwrap(), Progress::Done);
    });
}

/// Counts within 5 ms, of which one has come, at 10 ms.
fn counting(network: &mut Network) -> (ProcessId, ProcessId, Collected<i64>) {
    network.set_time(ms(10));
    let source = network.add(Woken).unwrap();
    let numbers = network.point::<i64>("numbers").unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    let count = network.add(CountWithin(5)).unwrap();
    network.attach_input(count, 0, numbers).unwrap();
    let counts = network.point::<i64>("counts").unwrap();
    network.attach_output(count, 0, counts).unwrap();
    let collect = Collect::<i64>::new();
    let collected = collect.collected();
    network.sink(counts, collect).unwrap();
    (source, count, collected)
}

#[test]
fn a_swapped_process_keeps_its_timer_if_it_has_one() {
    on_both_engines(|mut network| {
        let (source, count, collected) = counting(&mut network);
        wake(&mut network, source);
        network
            .rewire(|rewire| rewire.swap(count, CountWithin(7)))
            .unwrap();
        network.set_time(ms(15));
        network.run().unwrap();
        assert_eq!(collected.take(), [1], "at the time of the first program");
        wake(&mut network, source);
        assert_eq!(network.next_timer(), Some(ms(22)), "the timer is the new one's");
        network
            .rewire(|rewire| rewire.swap(count, Pass::new(Type::I64)))
            .unwrap();
        assert_eq!(network.next_timer(), None, "it has no timer");
        network.set_time(ms(30));
        wake(&mut network, source);
        assert_eq!(collected.take(), [1]);
    });
}

#[test]
fn a_timer_goes_on_from_a_checkpoint() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options.clone());
        let (source, ..) = counting(&mut network);
        wake(&mut network, source);
        network.set_time(ms(12));
        let image = network.checkpoint().unwrap();

        let mut network = Network::new(options);
        let (source, _, collected) = counting(&mut network);
        network.set_time(ms(100));
        network.restore(&image).unwrap();
        assert_eq!(network.next_timer(), Some(ms(103)), "3 ms were left");
        wake(&mut network, source);
        network.set_time(ms(103));
        network.run().unwrap();
        assert_eq!(collected.take(), [2]);
    }
}

#[test]
fn a_process_with_a_timer_has_to_give() {
    struct Never;

    impl Process for Never {
        fn declare(&mut self, shape: &mut Shape) {
            shape.name("never");
            shape.input(Type::I64);
            shape.timer();
        }
    }

    let refused = Network::default().add(Never).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "process `never`: it has a timer, but no `write_ok` for when that is due"
    );
}
