//! The Yahoo streaming benchmark: views of ads, counted by campaign and ten seconds.
use cutthrough::expr::NumberTable;
use cutthrough::{Element, Error, Network};

#[derive(Element)]
struct Event {
    user: String,
    ad: u32,
    kind: u8,
    time_ms: i64,
}

const VIEW: u8 = 0;

fn main() -> Result<(), Error> {
    let event = |k: u64| Event {
        user: format!("user {}", k % 1000),
        ad: (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32 % 1000,
        kind: (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as u8 % 3,
        time_ms: k as i64 / 100,
    };
    let events: Vec<Event> = (0..10_000_000).map(event).collect();
    let campaign_of_ad = NumberTable::from((0..1000).map(|ad| ad / 10).collect::<Vec<i64>>());

    let mut network = Network::default();
    let counts = network.wire(|wire| {
        wire.slice(events)
            .filter(|e| e.kind.eq(VIEW))
            .key_by(|e| (campaign_of_ad.at(e.ad), e.time_ms / 10_000))
            .count()
            .collect()
    })?;
    network.run()?;
    for ((campaign, window), views) in counts.take().into_iter().take(3) {
        println!("campaign {campaign:?} in window {window}: {views} views");
    }
    network.check_conservation()
}
