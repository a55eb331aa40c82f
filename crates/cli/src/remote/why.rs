//! Why a network is as fast as it is: what its thread spends its time in.

use std::collections::HashMap;

use cutthrough::{Mode, Report};
use cutthrough_control::view::Snapshot;

/// What takes less of the time is not told.
const SHARE_TOLD_MIN: f64 = 0.05;

/// What is told for the time between two looks; nothing where the network does not say what it spends its time in.
pub(super) fn why(before: &Snapshot, now: &Snapshot) -> Option<String> {
    let (old, new) = (before.activity.as_ref()?, now.activity.as_ref()?);
    let seconds = now.at_us.saturating_sub(before.at_us) as f64 / 1e6;
    if seconds <= 0.0 {
        return None;
    }
    let old: HashMap<&str, u64> = old.spent.iter().map(|spent| (&*spent.what, spent.us)).collect();
    let mut shares: Vec<(&str, f64)> = new
        .spent
        .iter()
        .map(|spent| {
            let us = spent
                .us
                .saturating_sub(old.get(&*spent.what).copied().unwrap_or(0));
            (&*spent.what, (us as f64 / 1e6 / seconds).min(1.0))
        })
        .collect();
    let computing = 1.0 - shares.iter().map(|(_, share)| share).sum::<f64>();
    shares.push(("computing", computing.max(0.0)));
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let told = shares.iter().filter(|(_, share)| *share >= SHARE_TOLD_MIN);
    let told: Vec<String> = told
        .map(|(what, share)| format!("{what} {:.0} %", share * 100.0))
        .collect();
    let mut text = told.join(", ");
    if computing >= SHARE_TOLD_MIN
        && let Some(slow) = interpreted(&now.network.report)
    {
        text += &format!("; {slow}");
    }
    Some(text)
}

/// What is not native, and why: the first of it.
fn interpreted(report: &Report) -> Option<String> {
    let chains = report.chains.iter();
    let mut slow = chains.filter(|chain| !matches!(chain.mode, Mode::Native(..)));
    let first = slow.next()?;
    let name = first.members.first()?;
    let more = match slow.count() {
        0 => String::new(),
        more => format!(", and {more} more chains"),
    };
    Some(format!("{name} is {}{more}", first.mode))
}
