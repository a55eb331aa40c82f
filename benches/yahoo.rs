//! The Yahoo streaming benchmark over a slice of structs: filter, project, join ad to
//! campaign, count by campaign and ten seconds. The same by expressions, by Rust closures,
//! and as the loop that one would write by hand.
//!
//! The structs have a text that nobody reads. One run gives ratios; times of the machine are
//! beside the point.

use std::sync::Arc;

use cutthrough::expr::NumberTable;
use cutthrough::processes::Collected;
use cutthrough::{Element, Error, Network};
use cutthrough_bench_support::ratio::{Contender, interleave, per_element, ratio};
use rustc_hash::FxHashMap;

#[derive(Element)]
struct Event {
    user: String,
    page: u64,
    ad: u32,
    kind: u8,
    time_ms: i64,
}

const VIEW: u8 = 0;
const EVENTS: u64 = 10_000_000;
const ADS: u32 = 1000;
const WINDOW_MS: i64 = 10_000;

type Counts = Collected<((i64, i64), i64)>;

fn events() -> Arc<[Event]> {
    let event = |k: u64| {
        let random = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let random = (random ^ (random >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Event {
            user: format!("user {}", random % 100_000),
            page: random >> 50,
            ad: (random >> 40) as u32 % ADS,
            kind: ((random >> 33) % 3) as u8,
            time_ms: k as i64 / 100,
        }
    };
    (0..EVENTS).map(event).collect()
}

fn campaign_of_ad() -> Vec<i64> {
    (0..i64::from(ADS)).map(|ad| ad / 10).collect()
}

/// What all have to agree on: the counts, whatever their order.
fn answer(counts: impl IntoIterator<Item = ((i64, i64), i64)>) -> i64 {
    let counts = counts.into_iter();
    counts.fold(0, |sum, ((campaign, window), count)| {
        sum + (campaign * 31 + window * 7 + 1) * count
    })
}

fn by_hand(events: &[Event], campaign_of_ad: &[i64]) -> i64 {
    let mut counts = FxHashMap::default();
    for event in events {
        if event.kind == VIEW
            && let Some(&campaign) = campaign_of_ad.get(event.ad as usize)
        {
            *counts.entry((campaign, event.time_ms / WINDOW_MS)).or_insert(0) += 1;
        }
    }
    answer(counts)
}

fn by_expressions(network: &mut Network, events: Arc<[Event]>) -> Result<Counts, Error> {
    let campaigns = NumberTable::from(campaign_of_ad());
    network.wire(|wire| {
        wire.slice(events)
            .filter(|e| e.kind.eq(VIEW))
            .map(|e| (campaigns.at(e.ad).unwrap_or(-1), e.time_ms / WINDOW_MS))
            .key_by(|key| key)
            .count()
            .collect()
    })
}

fn by_closures(network: &mut Network, events: Arc<[Event]>) -> Result<Counts, Error> {
    let campaigns = campaign_of_ad();
    network.wire(|wire| {
        wire.slice(events)
            .filter_fn(|e| e.kind() == VIEW)
            .map_fn(move |e| (campaigns[e.ad() as usize], e.time_ms() / WINDOW_MS))
            .key_by(|key| key)
            .count()
            .collect()
    })
}

fn main() -> Result<(), Error> {
    // `cargo test` runs benchmarks too.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let (events, campaigns) = (events(), campaign_of_ad());
    let expected = by_hand(&events, &campaigns);
    let wired = |wire: fn(&mut Network, Arc<[Event]>) -> Result<Counts, Error>| {
        let events = Arc::clone(&events);
        move || {
            let mut network = Network::default();
            let counts = wire(&mut network, Arc::clone(&events)).expect("it fits");
            Box::new(move || {
                network.run().expect("it runs");
                answer(counts.take())
            }) as Box<dyn FnOnce() -> i64>
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
    Ok(())
}
