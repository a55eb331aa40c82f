//! The Yahoo streaming benchmark by expressions and by Rust closures, beside the loop that one
//! would write by hand. One run gives ratios; times of the machine are beside the point.
//! `benches/peers` has the same beside other systems.

use std::sync::Arc;

use cutthrough::{Error, Network};
use cutthrough_bench_support::ratio::{Contender, Run, interleave, per_element, ratio};
use cutthrough_bench_support::yahoo::{
    Counts, Event, answer, by_closures, by_expressions, by_hand, campaign_of_ad, events,
};

const EVENTS: u64 = 10_000_000;

fn main() {
    // `cargo test` runs benchmarks too.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let (events, campaigns) = (events(EVENTS), campaign_of_ad());
    let expected = by_hand(&events, &campaigns);
    let wired = |wire: fn(&mut Network, Arc<[Event]>) -> Result<Counts, Error>| {
        let events = Arc::clone(&events);
        move || {
            let mut network = Network::default();
            let counts = wire(&mut network, Arc::clone(&events)).expect("it fits");
            Box::new(move || {
                network.run().expect("it runs");
                answer(counts.take())
            }) as Run<'_>
        }
    };
    let mut contenders = [
        Contender::function("by hand", || by_hand(&events, &campaigns)),
        Contender::new("expressions", wired(by_expressions)),
        Contender::new("closures", wired(by_closures)),
    ];
    interleave(expected, &mut contenders, 7);
    let by_hand = contenders[0].best();
    println!("{:<14} {:>9} {:>10}", "", "ns/event", "/ by hand");
    for contender in &contenders {
        let best = contender.best();
        println!(
            "{:<14} {:>9.2} {:>10.2}",
            contender.name,
            per_element(best, EVENTS),
            ratio(best, by_hand)
        );
    }
}
