//! What tests of native code share.

use std::time::{Duration, Instant};

use cutthrough::Network;

/// Whether all chains that have run are native, after some steps.
pub(crate) fn is_native(network: &mut Network, steps: u64) -> bool {
    network.run_steps(steps).unwrap();
    let chains = network.report().chains;
    chains.iter().all(|chain| chain.mode.is_native())
}

/// Runs until all chains are native; each of a few roots has its turn in between.
pub(crate) fn warm(network: &mut Network) {
    let begin = Instant::now();
    while !is_native(network, 1_500) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", network.report());
        std::thread::sleep(Duration::from_millis(1));
    }
}
