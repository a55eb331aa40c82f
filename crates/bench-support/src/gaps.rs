//! How long elements are waited for: a histogram of gaps.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Gaps in nanoseconds, each counted with three significant digits.
#[derive(Clone, Debug)]
pub struct Gaps(Histogram<u64>);

/// Longer ones are counted as one of an hour.
const GAP_MAX_NS: u64 = 3_600_000_000_000;

impl Default for Gaps {
    fn default() -> Gaps {
        Gaps(Histogram::new_with_max(GAP_MAX_NS, 3).expect("three digits are allowed"))
    }
}

impl Gaps {
    /// Counts a gap.
    pub fn add(&mut self, gap: Duration) {
        self.0
            .saturating_record(u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The gap that this share of all is not longer than.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = |nanos: u64| nanos as f64 / 1e3;
        for (share, name) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")] {
            write!(f, "{name} {:.1}, ", us(self.0.value_at_quantile(share)))?;
        }
        write!(f, "max {:.0} us", us(self.0.max()))
    }
}
