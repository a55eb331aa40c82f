//! The Yahoo streaming benchmark on events in memory, on one thread: filter, project, join ad to
//! campaign, count by campaign and ten seconds.
//!
//! Ours is wired before the clock starts, and compiled within it. Differential dataflow gets the
//! events as records of what the query needs, all at one time, which is the best for it: the join is
//! its own (`differential`), or a look-up in an array within a map (`differential-map`).

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use cutthrough::{Error, Network};
use cutthrough_bench_support::ratio::{Contender, take_turns};
use cutthrough_bench_support::yahoo::{
    Counts, Event, VIEW, WINDOW_MS, answer, by_closures, by_expressions, by_hand, campaign_of_ad, events,
};
use differential_dataflow::input::Input;
use differential_dataflow::operators::CountTotal;

use crate::Options;

const EVENTS: u64 = 10_000_000;

pub(crate) fn run(options: &Options) -> bool {
    let mut report = options.report("ysb");
    let count = options.pick(EVENTS, EVENTS / 10);
    let (events, campaigns) = (events(count), campaign_of_ad());
    let expected = by_hand(&events, &campaigns);
    let repetitions = options.pick(7, 3);
    for (name, wire) in [
        ("expressions", by_expressions as Wiring),
        ("closures", by_closures),
    ] {
        if !options.wants(name) {
            continue;
        }
        let mut contenders = [
            Contender::new("ours", || {
                let mut network = Network::default();
                let counts = wire(&mut network, events.clone()).expect("it fits");
                Box::new(move || {
                    network.run().expect("it runs");
                    answer(counts.take())
                })
            }),
            Contender::function("hand", || by_hand(&events, &campaigns)),
            Contender::function("differential", || differential(&events, Join::Arranged)),
            Contender::function("differential-map", || differential(&events, Join::LookUp)),
        ];
        take_turns(&mut contenders, repetitions);
        report.contest(name, &contenders, count, expected);
    }
    report.finish()
}

type Wiring = fn(&mut Network, Arc<[Event]>) -> Result<Counts, Error>;

#[derive(Clone, Copy)]
enum Join {
    Arranged,
    LookUp,
}

fn differential(events: &Arc<[Event]>, join: Join) -> i64 {
    let events = events.clone();
    timely::execute_directly(move |worker| {
        let sum = Rc::new(Cell::new(0_i64));
        let total = sum.clone();
        let campaigns = campaign_of_ad();
        let (mut input, mut ads) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, events) = scope.new_collection::<(u32, u8, i64), isize>();
            let (ads, campaign_of_ad) = scope.new_collection::<(u32, i64), isize>();
            let views = events
                .filter(|(_, kind, _)| *kind == VIEW)
                .map(|(ad, _, time_ms)| (ad, time_ms / WINDOW_MS));
            let keys = match join {
                Join::Arranged => views.join_map(campaign_of_ad, |_, window, campaign| (*campaign, *window)),
                Join::LookUp => views.map(move |(ad, window)| (campaigns[ad as usize], window)),
            };
            keys.count_total().inspect(move |((key, count), _, times)| {
                total.set(total.get() + answer([(*key, *count as i64)]) * *times as i64);
            });
            (input, ads)
        });
        for (ad, campaign) in campaign_of_ad().into_iter().enumerate() {
            ads.insert((ad as u32, campaign));
        }
        for event in &*events {
            input.insert((event.ad, event.kind, event.time_ms));
        }
        // Both are at their ends: all is counted.
        drop((input, ads));
        while worker.step() {}
        sum.get()
    })
}
