//! The Yahoo streaming benchmark over a slice of structs: filter, project, join ad to
//! campaign, count by campaign and ten seconds. By expressions, by Rust closures, and as the
//! loop that one would write by hand.
//!
//! The structs have a text that nobody reads.

use std::sync::Arc;

use cutthrough::expr::NumberTable;
use cutthrough::processes::Collected;
use cutthrough::{Element, Error, Network};
use rustc_hash::FxHashMap;

/// Someone has seen or clicked an ad, or bought for it.
#[derive(Clone, Debug, Element)]
pub struct Event {
    /// Who.
    pub user: String,
    /// Where.
    pub page: u64,
    /// Which ad.
    pub ad: u32,
    /// What: [`VIEW`] or another.
    pub kind: u8,
    /// When, in milliseconds from the beginning.
    pub time_ms: i64,
}

/// The kind of event that is counted.
pub const VIEW: u8 = 0;
/// How many ads there are.
pub const ADS: u32 = 1000;
/// What is counted together, in milliseconds.
pub const WINDOW_MS: i64 = 10_000;

/// How many views, by campaign and window.
pub type Counts = Collected<((i64, i64), i64)>;

/// So many events, a hundred in a millisecond, a third of them views.
pub fn events(count: u64) -> Arc<[Event]> {
    let event = |k: u64| {
        let random = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let random = (random ^ (random >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Event {
            user: format!("user {}", random % 100_000),
            page: random >> 50,
            ad: (random >> 40) as u32 % ADS,
            kind: ((random >> 33) % 3) as u8,
            time_ms: k.cast_signed() / 100,
        }
    };
    (0..count).map(event).collect()
}

/// The campaign of each ad.
pub fn campaign_of_ad() -> Vec<i64> {
    (0..i64::from(ADS)).map(|ad| ad / 10).collect()
}

/// What all have to agree on: the counts, whatever their order.
pub fn answer(counts: impl IntoIterator<Item = ((i64, i64), i64)>) -> i64 {
    let counts = counts.into_iter();
    counts.fold(0, |sum, ((campaign, window), count)| {
        sum + (campaign * 31 + window * 7 + 1) * count
    })
}

/// The loop by hand; the answer.
pub fn by_hand(events: &[Event], campaign_of_ad: &[i64]) -> i64 {
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

/// By closures over expressions, which become native code.
///
/// # Errors
/// As [`Network::wire`].
pub fn by_expressions(network: &mut Network, events: Arc<[Event]>) -> Result<Counts, Error> {
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

/// By Rust closures, which native code calls.
///
/// # Errors
/// As [`Network::wire`].
pub fn by_closures(network: &mut Network, events: Arc<[Event]>) -> Result<Counts, Error> {
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
