//! Twenty stages over a million integers, as whoever writes them today could write them.
//!
//! Two kinds of stages: `x + 1`, of which a compiler that sees all makes one addition, and
//! `x * 3 ^ k`, of which none can be left out. Ours is wired at run time and native when the clock
//! starts. The others are built within their times, which is next to nothing beside the elements; but
//! for the channels, whose twenty threads are started within it, on fewer elements.

use std::cell::Cell;
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use cutthrough_bench_support::Wired;
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::ratio::{Contender, per_element, take_turns};
use cutthrough_bench_support::stages::{Stage, fused, sum_boxed};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt};
use timely::dataflow::operators::Inspect;
use timely::dataflow::operators::vec::{Map, ToStream};

use crate::Options;
use crate::report::Line;

const STAGES: usize = 20;
const ELEMENTS: usize = 1_000_000;
/// What the slow ones do of it.
const FEW: usize = 100_000;
/// As many elements lie between two threads at most.
const CHANNEL_ELEMENTS: usize = 1_024;

pub(crate) fn run(options: &Options) -> bool {
    let mut report = options.report("chain");
    let (data, few) = (ascending(ELEMENTS), ascending(FEW));
    for (name, stage) in [("increment", Stage::Increment), ("mix", Stage::Mix)] {
        if !options.wants(name) {
            continue;
        }
        let (fused, boxed) = (fused(stage, STAGES), stage.boxed(STAGES));
        let mut contenders = [
            Contender::new("ours", || {
                let mut wired = Wired::warm(|network| stage.wire(network, &data, STAGES));
                // It has slept for its code, and others have used the caches.
                black_box(data.iter().sum::<i64>());
                Box::new(move || wired.finish())
            }),
            Contender::function("iterator", || fused(&data)),
            Contender::function("closures", || sum_boxed(&data, &boxed)),
            Contender::function("futures", || futures(&data, stage)),
            Contender::function("timely", || timely(&data, stage)),
        ];
        take_turns(&mut contenders, options.pick(15, 5));
        let answer = stage.expected(&data, STAGES);
        report.contest(name, &contenders, ELEMENTS as u64, answer);

        let mut threads = [Contender::function("channels", || channels(&few, stage)).with_threads()];
        take_turns(&mut threads, options.pick(5, 2));
        let [ours, ..] = &contenders;
        report.line(&Line {
            name,
            anchor: "channels",
            ours: per_element(ours.median(), ELEMENTS as u64),
            theirs: per_element(threads[0].median(), FEW as u64),
            ok: threads[0].always_gave(stage.expected(&few, STAGES)),
        });
    }
    report.finish()
}

/// A stream of `futures`, stage by stage behind a pointer, as one does that is wired at run time.
fn futures(data: &[i64], stage: Stage) -> i64 {
    let first: Pin<Box<dyn Stream<Item = i64> + '_>> = Box::pin(stream::iter(data.iter().copied()));
    let last = (0..STAGES).fold(first, |inner, k| Box::pin(inner.map(move |x| stage.apply(k, x))));
    block_on(last.fold(0_i64, |sum, x| async move { sum.wrapping_add(x) }))
}

/// An operator of timely dataflow for each stage, on one worker.
fn timely(data: &Arc<[i64]>, stage: Stage) -> i64 {
    let data = data.clone();
    timely::execute_directly(move |worker| {
        let sum = Rc::new(Cell::new(0_i64));
        let total = sum.clone();
        worker.dataflow::<u64, _, _>(move |scope| {
            let elements = (0..data.len()).map(move |k| data[k]);
            let mut stream = elements.to_stream(scope);
            for k in 0..STAGES {
                stream = stream.map(move |x| stage.apply(k, x));
            }
            stream.inspect_core(move |event| {
                if let Ok((_, xs)) = event {
                    total.set(xs.iter().fold(total.get(), |sum, x| sum.wrapping_add(*x)));
                }
            });
        });
        while worker.step() {}
        sum.get()
    })
}

/// A thread for each stage, with bounded channels between them.
fn channels(data: &[i64], stage: Stage) -> i64 {
    std::thread::scope(|scope| {
        let (first, mut from) = crossbeam_channel::bounded(CHANNEL_ELEMENTS);
        scope.spawn(move || data.iter().try_for_each(|&x| first.send(x)));
        for k in 0..STAGES {
            let (to, next) = crossbeam_channel::bounded(CHANNEL_ELEMENTS);
            let inner = std::mem::replace(&mut from, next);
            scope.spawn(move || inner.into_iter().try_for_each(|x| to.send(stage.apply(k, x))));
        }
        from.into_iter().fold(0, i64::wrapping_add)
    })
}
