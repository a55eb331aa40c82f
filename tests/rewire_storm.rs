//! The storm of `examples/rewire_storm.rs`, as large as a test may be.

#[allow(dead_code, reason = "the example's command line is not used")]
#[path = "../examples/rewire_storm.rs"]
mod rewire_storm;

use clap::Parser;
use rewire_storm::Storm;

#[test]
fn nothing_is_lost_doubled_or_reordered() {
    let storm = Storm {
        elements: 200_000,
        rewires: 1_500,
        burst: 20,
        pause_us: 20_000,
        ..Storm::parse_from(["storm"])
    };
    match storm.run(|_| {}) {
        Ok(outcome) => {
            assert!(outcome.elements >= 200_000);
            assert!(outcome.rewires.iter().all(|&count| count > 0), "{outcome}");
        }
        Err(what) => panic!("{storm}  # {what}"),
    }
}
